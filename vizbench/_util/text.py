"""Write numbers in sentences, and handle foreign text: encodings, surrogates, control characters."""

from __future__ import annotations

import codecs
import re


def plural(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 cell`, `2 cells`, `1,000 cells`.

    many: the plural, if it is not `one` and an s.
    """
    noun = one if n == 1 else many or f"{one}s"
    return f"{n:,} {noun}"


def text_of(data: bytes) -> str:
    """Decode a text file: UTF-8 with or without a byte order mark, or UTF-16 and UTF-32 with one.

    Editors and shells of Windows write the marks, and PowerShell's `>` writes UTF-16. Raises
    UnicodeDecodeError for anything else.
    """
    return data.decode(encoding_of(data[:4]))


def encoding_of(start: bytes) -> str:
    """Return the encoding that the first four bytes of a text file name; UTF-8 if they hold no mark."""
    # UTF-32 before UTF-16: the mark of UTF-16 is the beginning of it.
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def escape_control(text: str) -> str:
    """Return text for one line of a terminal, with control and unprintable characters escaped.

    Use it for names that come from others' files.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def is_utf8(name: str) -> bool:
    """Return whether a name can be written as UTF-8: a file name or an argument may be any bytes."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)


def escape_non_utf8(name: str) -> str:
    """Return a name with bytes that are not UTF-8 as escapes, so that records and JSON can hold it."""
    return name.encode("utf-8", "backslashreplace").decode()


_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, which is one character
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."  # any other escape, so that `\\ud83d`, a backslash and letters, is unchanged
    rb"|(?P<raw>(?:\xed[\xa0-\xbf][\x80-\xbf])+)"  # halves that were written as bytes
)


def replace_lone_surrogates(data: bytes) -> bytes:
    """Replace each lone surrogate in JSON by U+FFFD. Pairs of surrogates stay one character.

    JavaScript and Python write half of a character that was cut in two as `\\ud83d`, or as bytes that are not
    UTF-8. Strict readers then refuse the whole text.
    """
    return _SURROGATES.sub(_scalar, data) if b"\\u" in data or b"\xed" in data else data


def _scalar(match: re.Match[bytes]) -> bytes:
    if match["lone"]:
        return b"\\ufffd"
    if match["raw"]:
        halves = match["raw"].decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le", "replace").encode()
    return match[0]


def replace_surrogates(text: str) -> str:
    """Return the text with U+FFFD in place of lone surrogates, which UTF-8 cannot hold."""
    return text if is_utf8(text) else re.sub("[\ud800-\udfff]", "\ufffd", text)
