"""Numbers in sentences, and the words of others."""

from __future__ import annotations

import re


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 cell`, `2 cells`, `1,000 cells`. many: the plural, where it is not `one` and
    an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def escape_control(text: str) -> str:
    """One line for a terminal: what it would obey, or cannot show, is escaped. Names come from others'
    files."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def is_utf8(name: str) -> bool:
    """Whether a name can be written as UTF-8: that of a file, or an argument, may be any bytes."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)


def escape_non_utf8(name: str) -> str:
    """Return a name with bytes that are no UTF-8 as escapes, so that records and JSON can hold it."""
    return name.encode("utf-8", "backslashreplace").decode()


_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, which is one character
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."  # any other escape, so that `\\ud83d`, a backslash and letters, is left alone
    rb"|(?P<raw>(?:\xed[\xa0-\xbf][\x80-\xbf])+)"  # halves that were written as bytes
)


def replace_lone_surrogates(data: bytes) -> bytes:
    """Replace each lone surrogate in JSON by U+FFFD.

    JavaScript and Python write half of a character that was cut in two as `\\ud83d`, or as bytes that are no
    UTF-8, and strict readers then refuse the whole text. Halves that belong together stay one character."""
    return _SURROGATES.sub(_scalar, data) if b"\\u" in data or b"\xed" in data else data


def _scalar(match: re.Match[bytes]) -> bytes:
    if match["lone"]:
        return b"\\ufffd"
    if match["raw"]:
        halves = match["raw"].decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le", "replace").encode()
    return match[0]


def replace_surrogates(text: str) -> str:
    """The text with U+FFFD in place of surrogates without a partner, which no UTF-8 can hold."""
    return text if is_utf8(text) else re.sub("[\ud800-\udfff]", "\ufffd", text)
