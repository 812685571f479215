"""Replace unusual digits, spaces, brackets, box lines and line ends of a reply by plain ones."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ESCAPED_BREAK: Final = re.compile(r"(?<!\\)\\{1,3}(?:r\\{1,3}n|n)(?![a-zA-Z])")
"""A line end as JSON writes it in a string, or in a string inside a string."""
_ESCAPED_QUOTE: Final = re.compile(r"\\{1,3}\"")
_OTHER_DIGIT: Final = re.compile(r"(?![0-9])\d")
"""A digit of another script."""
_TERMINAL: Final = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
"""An escape sequence that colours text in a terminal."""

_VERTICAL: Final = "│┃║╎╏┆┇┊┋╽╿｜¦"
_HORIZONTAL: Final = "─━═╌╍┄┅┈┉╼╾―–—‐‑‒−"  # includes dashes, because a row never needs them
_UPRIGHT_DOTS: Final = "⋯⋮⋱⋰︙‥"
_ARROWS: Final = "→⇒➡⟶⟹➔➜"


def _table() -> dict[int, str]:
    """Return the plain text for each character code that has one."""
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full width
    table |= {0x1D7CE + n: str(n % 10) for n in range(50)}  # digits of mathematical alphabets
    # Digits in circles
    table |= {0x2460 + n: str(n + 1) for n in range(9)}
    table |= {0x2776 + n: str(n + 1) for n in range(9)}
    table |= {0x24EA: "0", 0x24FF: "0"}
    # Lines of boxes, after the corners and crossings of the same range
    table |= dict.fromkeys(range(0x2500, 0x2580), "+")
    table |= dict.fromkeys(map(ord, _VERTICAL), "|")
    table |= dict.fromkeys(map(ord, _HORIZONTAL), "-")
    table |= dict.fromkeys(map(ord, _UPRIGHT_DOTS), "…")
    table |= dict.fromkeys(map(ord, _ARROWS), "->")
    # Spaces, and characters without a width: the last three of these make a digit a keycap
    table |= dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
    table |= dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xFE0E, 0xFE0F, 0x20E3], "")
    table |= dict.fromkeys([0x0B, 0x0C, 0x85, 0x2028, 0x2029], "\n") | {0: " ", 1: " "}
    # Punctuation
    table |= {ord("、"): ",", ord("。"): "."}
    return table | {ord("“"): '"', ord("”"): '"', ord("‘"): "'", ord("’"): "'"}


_TABLE: Final = _table()


def plain(text: str) -> str:
    """Return the text with plain digits, spaces, quotes, bars and line ends.

    The characters 0 and 1 become spaces, so that later steps may use them as marks.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_TABLE))
        text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ").replace("\1", " ")
    text = text.replace("\v", "\n").replace("\f", "\n")
    return _ESCAPED_BREAK.sub("\n", _ESCAPED_QUOTE.sub('"', text))
