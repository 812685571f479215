"""Takes the key out of foreign text, however the text spells it.

One function serves every exit: messages, reasons of records, and the text of a reply.

recognised                                    example, of the key sk-key
upper and lower case                          SK-KEY
characters within it that show nothing        sk-\\n key, a zero-width space
JSON, Python and JavaScript escapes           \\u0073k-key, \\x73k-key, escaped again and again
escapes of URLs and HTML                      sk%2Dkey, sk%252Dkey, sk&#45;key
base64 (both alphabets, anywhere in a text)   c2sta2V5
hexadecimal                                   736b2d6b6579
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Final

PART: Final = 8
"""Characters in a row of a key that are enough to be taken out."""

LONGEST: Final = 1_000_000
"""Characters of a text of which the places are looked up. A longer text that holds the secret is taken out
whole."""

_ESCAPE: Final = re.compile(
    r"""
    \\+u\{0*(?P<brace>[0-9a-f]{1,6})\}     # \u{73}, after any number of backslashes
    | \\+u(?P<wide>[0-9a-f]{4})            # \u0073
    | \\+U000(?P<long>[0-9a-f]{5})         # \U00000073
    | \\+x(?P<byte>[0-9a-f]{2})            # \x73
    | %(?:25)*(?P<percent>[0-9a-f]{2})     # %73, and %2573, a percent sign escaped again
    | &(?:amp;)*\#0*(?P<decimal>[0-9]{1,7});?
    | &(?:amp;)*\#x0*(?P<hexadecimal>[0-9a-f]{1,6});?
    | &(?:amp;)*(?P<name>lowbar|hyphen|dash|period|colon|sol|plus|equals|amp);
    | \\+[nrtfvb0]                         # an escaped line end or tab: shows nothing
    | \\+                                  # backslashes before anything else
    """,
    re.VERBOSE | re.IGNORECASE,
)

_NAMED: Final = {
    "lowbar": "_", "hyphen": "-", "dash": "-", "period": ".", "colon": ":", "sol": "/", "plus": "+", "equals": "=",
    "amp": "&",
}  # fmt: skip

_HIDDEN: Final = re.compile(r"[^!-\[\]-~]+")
"""What is passed over: characters that no key holds (`endpoint` refuses them), and backslashes, which
escape."""

_ALPHABET: Final = str.maketrans("-_", "+/")
"""From the alphabet of base64 for URLs to the common one."""


def redacted(text: str, secret: str, part: int = PART) -> str:
    """Return the text with `***` in place of the secret, and of every `part` characters in a row of it.

    The secret is found in every spelling that the table above lists. "" as the secret changes nothing.
    """
    if not secret:
        return text
    pieces = _pieces(secret, part)
    if not re.search(pieces, _letters(text)):
        return text
    if len(text) > LONGEST:
        return "***"
    kept: list[str] = []
    last = 0
    for start, end in _spans(text, pieces):
        kept += text[last:start], "***"
        last = end
    return "".join((*kept, text[last:]))


def _letters(text: str) -> str:
    """Return the visible characters that the text spells, in lower case and one alphabet of base64."""
    return _HIDDEN.sub("", _ESCAPE.sub(_letter, text)).lower().translate(_ALPHABET)


def _letter(match: re.Match[str]) -> str:
    """Return the character that an escape spells, "" if it shows nothing."""
    kind = match.lastgroup
    if kind is None:
        return ""
    if kind == "name":
        return _NAMED[match[kind].lower()]
    code = int(match[kind], 10 if kind == "decimal" else 16)
    return chr(code) if code < 0x80 else ""


def _spans(text: str, pieces: str) -> list[tuple[int, int]]:
    """Return the stretches of the text that hold pieces, from left to right, none touching another."""
    places = _places(text)
    found: list[tuple[int, int]] = []
    for match in re.finditer(f"(?=({pieces}))", _letters(text)):
        start, end = places[match.start(1)][0], places[match.end(1) - 1][1]
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        found.append((start, end))
    return found


def _places(text: str) -> list[tuple[int, int]]:
    """Return where each character of `_letters(text)` is spelled."""
    places: list[tuple[int, int]] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        places += [(k, k + 1) for k in range(end, match.start()) if not _HIDDEN.match(text[k])]
        letter = _letter(match)
        if letter and not _HIDDEN.match(letter):
            places.append(match.span())
        end = match.end()
    return places + [(k, k + 1) for k in range(end, len(text)) if not _HIDDEN.match(text[k])]


@lru_cache(maxsize=8)
def _pieces(secret: str, part: int) -> str:
    """Return a pattern of the pieces of the secret and of its encodings."""
    found: set[str] = set()
    plainly = _HIDDEN.sub("", secret).lower().translate(_ALPHABET)  # if the key itself looks like an escape
    spellings = [(_letters(secret), part), (plainly, part)]
    # Short stretches of hexadecimal digits are in every digest.
    spellings += [(_letters(code), max(part, 16)) for code in _encoded(secret)]
    for plain, least in spellings:
        length = min(least, len(plain))
        found |= {plain[k : k + length] for k in range(len(plain) - length + 1)}
    return "|".join(
        re.escape(piece) for piece in sorted(found - {""}, key=lambda piece: (-len(piece), piece))
    )


def _encoded(secret: str) -> list[str]:
    """Encode the secret in hexadecimal, and in base64 at each of the three places that it can have within
    longer data.

    The characters at both ends of base64 depend on what is beside the secret: they are left out.
    """
    data = secret.encode()
    found = [data.hex()]
    for before in range(3):
        code = base64.b64encode(b"\0" * before + data + b"\0" * (-(before + len(data)) % 3)).decode()
        after = -(before + len(data)) % 3
        found.append(code[(0, 2, 3)[before] : len(code) - (0, 2, 3)[after]])
    return [code for code in found if len(code) >= PART]
