"""Remove the key from foreign text, however the text spells it.

`redacted` is applied to messages, reasons of records, and the text of a reply.

recognised                                    example, of the key sk-key
upper and lower case                          SK-KEY
invisible characters within it                sk-\\n key, a zero-width space
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
"""Consecutive characters of a key that are removed, even if the rest is missing."""

LONGEST: Final = 1_000_000
"""Longest text in which the secret is located. If a longer text contains it, all of the text is removed."""

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
    | \\+[nrtfvb0]                         # an escaped line end or tab: invisible
    | \\+                                  # backslashes before anything else
    """,
    re.VERBOSE | re.IGNORECASE,
)

_NAMED: Final = {
    "lowbar": "_", "hyphen": "-", "dash": "-", "period": ".", "colon": ":", "sol": "/", "plus": "+",
    "equals": "=", "amp": "&",
}  # fmt: skip

_HIDDEN: Final = re.compile(r"[^!-\[\]-~]+")
"""Ignored: characters that no key contains (`endpoint` refuses them), and backslashes, which escape."""

_ALPHABET: Final = str.maketrans("-_", "+/")
"""From the alphabet of base64 for URLs to the common one."""


def redacted(text: str, secret: str, part: int = PART) -> str:
    """Return the text with `***` in place of the secret, and of any `part` consecutive characters of it.

    All spellings in the table above are recognised. If the secret is "", nothing changes.
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
    """Return the character that an escape spells, "" if it is invisible."""
    kind = match.lastgroup
    if kind is None:
        return ""
    if kind == "name":
        return _NAMED[match[kind].lower()]
    code = int(match[kind], 10 if kind == "decimal" else 16)
    return chr(code) if code < 0x80 else ""


def _spans(text: str, pieces: str) -> list[tuple[int, int]]:
    """Return the (start, end) of all pieces in the text, merged if they touch, from left to right."""
    places = _places(text)
    spans: list[tuple[int, int]] = []
    for match in re.finditer(f"(?=({pieces}))", _letters(text)):
        start, end = places[match.start(1)][0], places[match.end(1) - 1][1]
        if spans and start <= spans[-1][1]:
            start, end = spans[-1][0], max(end, spans.pop()[1])
        spans.append((start, end))
    return spans


def _places(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) in the text of each character of `_letters(text)`."""
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
    verbatim = _HIDDEN.sub("", secret).lower().translate(_ALPHABET)  # if the key itself looks like an escape
    spellings = [(_letters(secret), part), (verbatim, part)]
    # Encodings need longer pieces: short runs of hexadecimal digits occur in every digest.
    spellings += [(_letters(code), max(part, 16)) for code in _encoded(secret)]
    pieces: set[str] = set()
    for spelling, least in spellings:
        length = min(least, len(spelling))
        pieces |= {spelling[k : k + length] for k in range(len(spelling) - length + 1)}
    longest_first = sorted(pieces - {""}, key=lambda piece: (-len(piece), piece))
    return "|".join(re.escape(piece) for piece in longest_first)


def _encoded(secret: str) -> list[str]:
    """Encode the secret in hexadecimal, and in base64 at the three offsets it can have in longer data.

    The characters at both ends of base64 depend on the data beside the secret, so they are left out.
    """
    data = secret.encode()
    codes = [data.hex()]
    for before in range(3):
        code = base64.b64encode(b"\0" * before + data + b"\0" * (-(before + len(data)) % 3)).decode()
        after = -(before + len(data)) % 3
        codes.append(code[(0, 2, 3)[before] : len(code) - (0, 2, 3)[after]])
    return [code for code in codes if len(code) >= PART]
