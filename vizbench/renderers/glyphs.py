"""Define the glyphs of cell codes, so that a person reads a picture without a legend of colours.

A glyph is a small bitmap. It is drawn in one dark ink at the middle of its cell, enlarged by a whole factor.
The colour of the cell still carries its code. Glyphs have thin strokes and stay away from the edges of
cells. Dark cells have no glyph. So `erase.without_glyphs` can remove the ink, and leaves flat cells.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from vizbench.errors import unknown
from vizbench.types import Grids, Json

INK: Final = (0x18, 0x18, 0x18)
"""The colour of all glyphs."""

_SHARE: Final = 0.7
"""Share of a cell's side that a glyph may take."""

_SMALL_DIGITS: Final = (
    "### #.# #.# #.# ###",
    ".#. ##. .#. .#. ###",
    "##. ..# .#. #.. ###",
    "##. ..# .#. ..# ##.",
    "#.# #.# ### ..# ..#",
    "### #.. ##. ..# ##.",
    ".## #.. ### #.# ###",
    "### ..# .#. .#. .#.",
    "### #.# ### #.# ###",
    "### #.# ### ..# ##.",
)
"""The digits 0 … 9 as parts of larger numbers."""


def _two_digits(number: int) -> str:
    """Return the bitmap of a number of two digits."""
    rows = zip(*(_SMALL_DIGITS[digit].split() for digit in divmod(number, 10)), strict=True)
    return " ".join(".".join(row) for row in rows)


_BITMAPS: Mapping[str, str] = {
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ...#. ..#.. .#... #####",
    "3": ".###. #...# ....# ..##. ....# #...# .###.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": ".###. #.... #.... ####. #...# #...# .###.",
    "7": "##### ....# ...#. ...#. ..#.. ..#.. ..#..",
    "8": ".###. #...# #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# ....# .###.",
    "10": "#..###. #.#...# #.#...# #.#...# #.#...# #.#...# #..###.",
    "11": ".#...#. ##..##. .#...#. .#...#. .#...#. .#...#. ###.###",
    "0": ".###. #...# #...# #...# #...# #...# .###.",
    "<": "....# ...#. ..#.. .#... ..#.. ...#. ....#",
    ">": "#.... .#... ..#.. ...#. ..#.. .#... #....",
    "^": "....... ...#... ..#.#.. .#...#. #.....# ....... .......",
    "v": "....... #.....# .#...#. ..#.#.. ...#... ....... .......",
    "tree": "...#... ..#.#.. .#...#. #.....# ..#.#.. ..#.#.. ..###..",
    "tent": "...#... ...#... ..#.#.. ..#.#.. .#...#. .#.#.#. #######",
    "?": ".###. #...# ....# ...#. ..#.. ..... ..#..",
    "north": "...#... ..###.. .#.#.#. #..#..# ...#... ...#... ...#...",
    "east": "...#... ....#.. .....#. ####### .....#. ....#.. ...#...",
    "south": "...#... ...#... ...#... #..#..# .#.#.#. ..###.. ...#...",
    "west": "...#... ..#.... .#..... ####### .#..... ..#.... ...#...",
    "dot": "....... ....... ..###.. ..###.. ..###.. ....... .......",
    "small dot": "....... ....... ....... ...#... ....... ....... .......",
    "S": ".#### #.... #.... .###. ....# ....# ####.",
    "flag": "#...... ####... ######. ####... #...... #...... #......",
    "ring": "...###... .##...##. .#.....#. #.......# #.......# #.......# .#.....#. .##...##. ...###...",
    "disc": "...###... .#######. .##...##. ##.....## ##..#..## ##.....## .##...##. .#######. ...###...",
    "bar": "....... ....... ....... ####### ....... ....... .......",
    "northeast": "..##### ....### ...#.## ..#...# .#..... #...... .......",
    "southeast": "....... #...... .#..... ..#...# ...#.## ....### ..#####",
    "southwest": "....... ......# .....#. #...#.. ##.#... ###.... #####..",
    "northwest": "#####.. ###.... ##.#... #...#.. .....#. ......# .......",
    "flame": "...#... ..##... ..###.. .##.##. .#...#. .##.##. ..###..",
    "slash": "......# .....#. ....#.. ...#... ..#.... .#..... #......",
    "backslash": "#...... .#..... ..#.... ...#... ....#.. .....#. ......#",
    "upright bar": "...#... ...#... ...#... ...#... ...#... ...#... ...#...",
    "plus": "...#... ...#... ...#... ####### ...#... ...#... ...#...",
    "turn right": "..###.. .#...#. #.....# #...... #...... .#...## ..####.",
    "turn left": "..###.. .#...#. #.....# ......# ......# ##...#. .####..",
    "turn around": "..###.. .#...#. #.....# #.....# #.....# #...### #....#.",
    "flip across": "....... ..#.#.. .#...#. ####### .#...#. ..#.#.. .......",
    "flip down": "...#... ..###.. .#.#.#. ...#... .#.#.#. ..###.. ...#...",
    "16": ".#...## ##..#.. .#..### .#..#.# ###.###",
    "32": "##..##. ..#...# .#...#. ..#.#.. ##..###",
    "64": ".##.#.# #...#.# ###.### #.#...# ###...#",
    "128": ".#..##..### ##....#.#.# .#...#..### .#..#...#.# ###.###.###",
    "256": "##..###..## ..#.#...#.. .#..##..### #.....#.#.# ###.##..###",
    "512": "###..#..##. #...##....# ##...#...#. ..#..#..#.. ##..###.###",
    "box": "####### #.....# #.....# #.....# #.....# #.....# #######",
    "box at home": "####### #.....# #..#..# #.###.# #..#..# #.....# #######",
    "person": "..###.. ..###.. ...#... .#####. ...#... ..#.#.. .#...#.",
    "cross": "#.....# .#...#. ..#.#.. ...#... ..#.#.. .#...#. #.....#",
    # A key is a ring with a bit of one or two teeth, or two wide ones, a door a gate of as many bars.
    "key 1": ".###... .#.#... .###... ..#.... ..#.... ..###.. .......",
    "key 2": ".###... .#.#... .###... ..#.... ..###.. ..#.... ..###..",
    "key 3": "..###.. ..#.#.. ..###.. ...#... .#####. ...#... .#####.",
    "door 1": "####### ...#... ...#... ...#... ...#... ...#... #######",
    "door 2": "####### .#...#. .#...#. .#...#. .#...#. .#...#. #######",
    "door 3": "####### #..#..# #..#..# #..#..# #..#..# #..#..# #######",
    # Pieces of white are outlines, pieces of black are filled.
    "white pawn": "........... ....###.... ...#...#... ...#...#... ....#.#.... ...#...#... "
    "...#...#... ..#.....#.. ..#######.. ........... ...........",
    "white knight": "....#...... ...#.##.... ..#....#... .#..#...#.. .#......#.. ..###...#.. "
    "...#....#.. ..#.....#.. ..#######.. ........... ...........",
    "white bishop": ".....#..... ....#.#.... ...#...#... ...#.#.#... ...#...#... ....#.#.... "
    "....#.#.... ...#...#... ..#######.. ........... ...........",
    "white rook": ".#.#.#.#.#. .#########. ..#.....#.. ..#.....#.. ..#.....#.. ..#.....#.. "
    "..#.....#.. .#.......#. .#########. ........... ...........",
    "white queen": "#....#....# ##..#.#..## #.#.#.#.#.# #..#...#..# .#.......#. .#.......#. "
    "..#.....#.. ..#######.. ..#######.. ........... ...........",
    "white king": ".....#..... ....###.... .....#..... .###.#.###. #...#.#...# #....#....# "
    "#.........# .#.......#. ..#######.. ........... ...........",
    "black pawn": "........... ....###.... ...#####... ...#####... ....###.... ...#####... "
    "...#####... ..#######.. ..#######.. ........... ...........",
    "black knight": "....#...... ...####.... ..######... .###.####.. .########.. ..###.###.. "
    "...######.. ..#######.. ..#######.. ........... ...........",
    "black bishop": ".....#..... ....###.... ...##.##... ...#...#... ...##.##... ....###.... "
    "....###.... ...#####... ..#######.. ........... ...........",
    "black rook": ".#.#.#.#.#. .#########. ..##...##.. ..##...##.. ..##...##.. ..##...##.. "
    "..##...##.. .##.....##. .#########. ........... ...........",
    "black queen": "#....#....# ##..#.#..## ####.#.#### ###..#..### .##.....##. .##.....##. "
    "..#######.. ........... ..#######.. ........... ...........",
    "black king": ".....#..... ....###.... .....#..... .###.#.###. ####.#.#### #####.##### "
    "#####.##### .####.####. ..#######.. ........... ...........",
    **{f"number {k}": _two_digits(k) for k in range(10, 37)},
}  # one word per row of pixels

_PIECES: Final = ("pawn", "knight", "bishop", "rook", "queen", "king")
_ARROWS: Final = ("north", "east", "south", "west")
_DIGITS: Final = tuple("123456789")
_NUMBERS: Final = tuple(f"number {k}" for k in range(10, 37))
_TILES: Final = tuple(str(2**k) for k in range(1, 10))
_KEYS: Final = ("key 1", "key 2", "key 3")
_DOORS: Final = ("door 1", "door 2", "door 3")

GLYPHS: Mapping[str, tuple[str, ...]] = {
    "eca": ("", "", "?"),
    "langton": ("", "", *_ARROWS, *_ARROWS),
    "fill": ("", "", "dot"),
    "maze": ("", "", "S", "flag", "dot"),
    "sudoku": ("", *_DIGITS),
    "connect4": ("small dot", "ring", "disc"),
    "hanoi": ("", *("bar",) * 6, "", "", "small dot"),
    "hitori": ("", *_DIGITS[:8]),
    "tiles": ("", *_DIGITS, "10", "11", ""),
    "lights": ("", "", "dot", "dot"),
    "sokoban": ("", "", "dot", "box", "box at home", "person", "person"),
    "trapfield": ("cross", "", "S", "flag", "dot"),
    "keys": ("", "", "flag", "person", "person", *_KEYS, *_DOORS),
    "cars": ("", "", "flag", "disc", *("",) * 9),
    "binairo": ("", "ring", ""),
    "nonogram": ("", "", "", *_DIGITS, "10"),
    "light-up": ("", "disc", "", "0", *_DIGITS[:4]),
    "tents": ("", "tree", "tent", "", "0", *_DIGITS[:5]),
    "futoshiki": ("", *_DIGITS[:7], "", "<", ">", "^", "v"),
    "skyscrapers": ("", *_DIGITS[:7], ""),
    "numberlink": ("", *_DIGITS),
    "numbrix": ("", *_DIGITS, *_NUMBERS),
    "shikaku": ("", "", "", "", *_DIGITS[1:]),
    "slitherlink": ("", "", "", "", "0", *_DIGITS[:3]),
    "chess": ("", *(f"white {name}" for name in _PIECES), *(f"black {name}" for name in _PIECES)),
    "sandpile": ("", *_DIGITS[:7]),
    "labels": ("", "", *_DIGITS, "S"),
    "forest-fire": ("", "", "small dot", "flame", ""),
    "bounce": ("", "", "northeast", "southeast", "southwest", "northwest"),
    "turmite": ("", "", *_ARROWS, *_ARROWS, ""),
    "snake": ("", "", "dot", "ring", *_ARROWS),
    "powers": ("", *_TILES, *_ARROWS),
    "laser": ("", "", "slash", "backslash", "bar", "upright bar", "plus", *_ARROWS),
    "folding": ("", "", "", *_ARROWS),
    "transform": (
        "",
        "",
        "",
        "",
        *_ARROWS,
        "turn right",
        "turn left",
        "turn around",
        "flip across",
        "flip down",
    ),
    "dice": ("", *_DIGITS[:6], *_ARROWS, "ring", ""),
}
"""The name of a glyph per code, by the name of the set; "" for a code without a glyph."""

_ANSWER_CODES: Final[Mapping[str, int]] = {"hitori": 2}
"""Grids that have only the codes below this one are drawn without glyphs.

The codes of an answer to Hitori mean unshaded and shaded, and are no digits.
"""

_BOXES: Final = ("sudoku",)
"""Sets whose boards have boxes, outlined in ink: squares of n x n cells on a board of n^2 x n^2."""

_CHEQUERED: Final = ("chess",)
"""Sets on whose boards every other cell is dotted, beginning to the right of the corner."""

_DOTS: Final = 4
"""Pixels from dot to dot. They are so small and so few that they hardly change the mean of a cell."""

Masks = npt.NDArray[np.bool_]
"""Where each code has ink in a cell, `(k, cell, cell)`."""


def check_glyphs(name: str) -> str:
    """Return the name of a set of glyphs, or "". Raises UserError if there is no such set."""
    if name and name not in GLYPHS:
        raise unknown("set of glyphs", name, GLYPHS)
    return name


@functools.lru_cache(maxsize=64)
def masks(name: str, cell: int) -> Masks:
    """Return where each code of a set has ink in cells of that many pixels, `(k, cell, cell)`, read-only.

    A glyph that does not fit is left out.
    """
    out = np.zeros((len(GLYPHS[name]), cell, cell), np.bool_)
    for code, glyph in enumerate(GLYPHS[name]):
        if glyph:
            _draw(_bitmap(glyph), out[code])
    out.flags.writeable = False
    return out


def marks_of(name: str) -> dict[str, Json]:
    """Return what is drawn on the cells of a set, as plain JSON, for a page that draws by itself.

    glyphs: a bitmap per code, one word per row of pixels; "" for none. bare: grids that have only codes below
    it have no glyphs; 0 if all have. boxes, chequered: whether boards have boxes, and two kinds of squares.
    """
    return {
        "glyphs": [_BITMAPS.get(glyph, "") for glyph in GLYPHS.get(name, ())],
        "bare": _ANSWER_CODES.get(name, 0),
        "boxes": name in _BOXES,
        "chequered": name in _CHEQUERED,
    }


def without_digits(name: str, grids: Grids) -> npt.NDArray[np.bool_]:
    """Return which grids `(n, h, w)` are drawn without glyphs, `(n,)`."""
    if name not in _ANSWER_CODES:
        return np.zeros(len(grids), np.bool_)
    return grids.reshape(len(grids), -1).max(axis=1, initial=0) < _ANSWER_CODES[name]


def box_of(name: str, shape: tuple[int, int]) -> int:
    """Return the cells per side of the boxes of a board, or 0 if it has none."""
    side = math.isqrt(shape[0])
    square = shape[0] == shape[1] == side * side
    return side if square and side > 1 and name in _BOXES else 0


def dots_of(name: str, cell: int) -> Masks | None:
    """Return where a dotted cell of that many pixels has ink, `(cell, cell)`; None if no cell is dotted."""
    if name not in _CHEQUERED:
        return None
    place = np.arange(cell) - _DOTS // 2
    first, second = place % (2 * _DOTS) == 0, place % (2 * _DOTS) == _DOTS
    inside = (place >= 0) & (place < cell - _DOTS // 2)
    first, second = first & inside, second & inside
    return (first[:, None] & first) | (second[:, None] & second)


def _bitmap(glyph: str) -> Masks:
    rows = _BITMAPS[glyph].split()
    return np.array([[pixel == "#" for pixel in row] for row in rows], np.bool_)


def _draw(bitmap: Masks, cell: Masks) -> None:
    """Draw a bitmap at the middle of a cell, enlarged by the largest whole factor that fits."""
    side = len(cell)
    factor = int(_SHARE * side) // max(bitmap.shape)
    if factor < 1:
        return
    large = bitmap.repeat(factor, axis=0).repeat(factor, axis=1)
    top, left = (side - large.shape[0]) // 2, (side - large.shape[1]) // 2
    cell[top : top + large.shape[0], left : left + large.shape[1]] = large
