"""Define the colour of each cell code, and one more for what is outside the cells.

A palette with k colours has codes 0 … k-1. The outside colour fills margins, lines and the rest of a
canvas. It differs from all cell colours, so that a picture shows the edges of its grid. Colours are far apart
in RGB, because decoding picks the nearest. The mean of a cell may be wrong by half the least distance
(`separation`).
"""

from __future__ import annotations

import colorsys
import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vizbench.errors import unknown

Colours = npt.NDArray[np.uint8]
"""`(k, 3)` uint8 RGB."""


_WRITTEN = re.compile(r"[0-9a-f]{6}( [0-9a-f]{6}){0,254} \| [0-9a-f]{6}")
"""A palette that is written out."""


def _colours(text: str) -> Colours:
    """Return hexadecimal RGB colours as a read-only array."""
    table = np.array([list(bytes.fromhex(word)) for word in text.split()], np.uint8)
    table.flags.writeable = False
    return table


# Ten colours and more come from the corners of the RGB cube and the centres of its faces, the face-centred
# packing: 14 points, none nearer than 180. The names map to (cells, outside).
_TABLE: Mapping[str, tuple[str, str]] = {
    "binary": ("ffffff 000000", "808080"),  # dead, live
    "eca": ("ffffff 000000 aaaaaa", "555555"),  # 0, 1, unknown
    # White, black; the ant facing N, E, S, W on white (light colours), then on black (dark ones).
    "langton": ("ffffff 000000 ffff00 00ffff ff00ff ff8080 ff0000 00ff00 0000ff 008080", "808080"),
    "fill": ("ffffff 000000 ff8000", "808080"),  # open, border, filled
    "maze": ("000000 ffffff 00c800 e60000 0050ff", "808080"),  # wall, open, start, goal, path
    # Empty, then the digits 1 … 9.
    "sudoku": ("ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff 000000 ff8080 008080", "808080"),
    "connect4": ("ffffff ff0000 ffff00", "0000ff"),  # empty, player 1, player 2; the board is blue
    # Ground, six disks, peg, base, the goal's ground.
    "hanoi": ("ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff 000000 808000 8080ff", "808080"),
    # Unshaded, shaded. The digit 1 of a question has the colour of shaded cells, 2 … 8 have other colours.
    "hitori": ("ffffff 000000 ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080", "008080"),
    # Empty, white's pawn, knight, bishop, rook, queen, king in light colours, black's in the dark ones of the
    # same hue.
    "chess": (
        "ffffff ffff00 00ffff ff00ff 80ff80 ff8080 8080ff 808000 008080 800080 00ff00 ff0000 0000ff",
        "000000",
    ),
    # Gap, eleven tiles, divider.
    "tiles": (
        "ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff 808000 ff8080 80ff80 8080ff 800080 008080",
        "000000",
    ),
    "lights": ("000000 ffff00 0000ff 00ff00", "808080"),  # dark, lit, dark pressed, lit pressed
    # Wall, floor, target, box, box on a target, player, player on a target.
    "sokoban": ("000000 ffffff ff8080 808000 00ff00 0000ff ff00ff", "808080"),
    "trapfield": ("ff0000 ffffff 00ff00 ff00ff 0000ff", "808080"),  # trap, ground, start, goal, path
    # Wall, floor, goal, player, player at the goal, three keys, their doors.
    "keys": (
        "000000 ffffff 00ff00 0000ff 00ffff ffff00 ff8080 ff00ff 808000 ff0000 800080",
        "808080",
    ),
    # Wall, free cell, exit, own car, nine other cars.
    "cars": (
        "000000 ffffff 00ff00 ff0000 0000ff ffff00 ff00ff 00ffff 808000 ff8080 80ff80 8080ff 800080",
        "008080",
    ),
    "binairo": ("aaaaaa ffffff 000000", "555555"),  # empty, white, black
    # Blank, filled, margin, the numbers 1 … 10.
    "nonogram": (
        "ffffff 000000 008080 ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 80ff80 8080ff 808000",
        "808080",
    ),
    # White cell, bulb, black cell without and with a number, 0 … 4.
    "light-up": (
        "ffffff ffff00 000000 008080 ff0000 00ff00 0000ff ff00ff",
        "808080",
    ),
    # Grass, tree, tent, margin, the numbers 0 … 5.
    "tents": (
        "80ff80 008080 ff00ff ffffff ff0000 00ff00 0000ff ffff00 00ffff ff8080",
        "808080",
    ),
    # Empty, the digits 1 … 7, gap, the signs: left, right, above, below is smaller.
    "futoshiki": (
        "ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 000000 808000 008080 80ff80 8080ff",
        "808080",
    ),
    # Empty, the numbers 1 … 7, margin.
    "skyscrapers": (
        "ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 000000",
        "808080",
    ),
    # Empty, the numbers 1 … 9.
    "numberlink": ("ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 80ff80 8080ff", "808080"),
    # Empty, the numbers 1 … 36. The colours are on a finer lattice: none is nearer than 89.
    "numbrix": (
        "ffffff 000000 0000ff 00ff00 ff0000 00ffff ff00ff ffff00 008080 800080 808000 000080 008000 "
        "0080ff 00ff80 800000 8000ff 8080ff 80ff00 80ff80 80ffff ff0080 ff8000 ff8080 ff80ff ffff80 "
        "004040 400040 404000 404080 4040ff 408040 40ff40 804040 ff4040 0040bf 00bf40",
        "808080",
    ),
    # Gap, line, cell, post, cells with the numbers 2 … 9.
    "shikaku": (
        "ffffff 000000 ffff00 008080 ff0000 00ff00 0000ff ff00ff 00ffff ff8080 80ff80 8080ff",
        "808080",
    ),
    # Gap, line, corner, cell, cells with the numbers 0 … 3.
    "slitherlink": ("ffffff 000000 008080 ffff00 ff0000 00ff00 0000ff ff00ff", "808080"),
    # The ten colours of the ARC corpora.
    "arc": ("000000 0074d9 ff4136 2ecc40 ffdc00 aaaaaa f012be ff851b 7fdbff 870c25", "555555"),
    # Empty, solid, eight colours of things.
    "blocks": ("ffffff 000000 ff0000 0000ff ffff00 00ff00 ff00ff 00ffff ff8080 808000", "808080"),
    # 0 … 7 grains.
    "sandpile": ("ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080", "808080"),
    # Open, solid, the numbers 1 … 9, source.
    "labels": (
        "ffffff 000000 ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 80ff80 8080ff 808000",
        "808080",
    ),
    # Empty, head, tail, conductor.
    "wireworld": ("000000 0000ff ff0000 ffff00", "808080"),
    # Ground, dry tree, wet tree, fire, ash.
    "forest-fire": ("ffffff 00ff00 008080 ff0000 000000", "808080"),
    # Empty, wall, the ball flying up right, down right, down left, up left.
    "bounce": ("ffffff 000000 ff0000 00ff00 0000ff ffff00", "808080"),
    # As langton, then border.
    "turmite": ("ffffff 000000 ffff00 00ffff ff00ff ff8080 ff0000 00ff00 0000ff 008080 ff8000", "808080"),
    # Empty, wall, food, head, body or move up, right, down, left.
    "snake": ("ffffff 000000 ff0000 0000ff ffff00 00ffff ff00ff ff8080", "808080"),
    # Empty, tiles 2 … 512, slides up, right, down, left.
    "powers": (
        "ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 80ff80 8080ff 808000 800080 008080 000000",
        "808080",
    ),
    # Empty, block, two mirrors, beam across, down, crossing, laser up, right, down, left.
    "laser": ("ffffff 000000 00ffff ff00ff ff0000 0000ff 800080 ffff00 00ff00 ff8080 808000", "808080"),
    # No paper, paper, hole, open up, right, down, left.
    "folding": ("ffffff ffff00 000000 ff0000 00ff00 0000ff ff00ff", "808080"),
    # Empty, three materials, move up, right, down, left, turn right, left, around, flip across, down.
    "transform": (
        "ffffff ff0000 0000ff ffff00 00ffff ff00ff 00ff00 ff8080 808000 008080 800080 80ff80 8080ff",
        "000000",
    ),
    # Empty, the numbers 1 … 6, roll up, right, down, left, die, border.
    "dice": (
        "ffffff ff0000 00ff00 0000ff ffff00 ff00ff 00ffff ff8080 80ff80 8080ff 808000 008080 000000",
        "808080",
    ),
}

PALETTES: Mapping[str, Colours] = {name: _colours(cells) for name, (cells, _) in _TABLE.items()}
"""Cell colours by name, `(k, 3)` uint8 each, read-only."""

_OUTSIDE: Mapping[str, Colours] = {name: _colours(outside) for name, (_, outside) in _TABLE.items()}


def palette(name: str) -> Colours:
    """Return the cell colours `(k, 3)` uint8 of a palette, given by name or written out.

    Raises UserError if it is unknown.
    """
    if name in PALETTES:
        return PALETTES[name]
    return _written(name)[0]


def with_outside(name: str) -> Colours:
    """Return the cell colours and, last, the outside colour: `(k + 1, 3)` uint8."""
    outside = _OUTSIDE[name] if name in PALETTES else _written(name)[1]
    return np.concatenate([palette(name), outside])


@functools.lru_cache(maxsize=256)
def _written(text: str) -> tuple[Colours, Colours]:
    """Return the cell colours and the outside colour of `ffffff 000000 | 808080`."""
    if not _WRITTEN.fullmatch(text):
        raise unknown("palette", text, PALETTES)
    cells, outside = text.split(" | ")
    return _colours(cells), _colours(outside)


_HUES = (
    *("red", "orange", "yellow", "lime", "green", "spring green"),
    *("cyan", "azure", "blue", "violet", "magenta", "rose"),
)
_GRAYS = ("black", "charcoal", "dim gray", "gray", "bright gray", "white")
_TONES: Mapping[tuple[int, int], str] = {
    (5, 0): "",
    (5, 1): "soft ",
    (5, 2): "light ",
    (5, 3): "faint ",
    (5, 4): "pale ",
    (4, 0): "strong ",
    (4, 1): "muted ",
    (4, 2): "dusty ",
    (4, 3): "grayish ",
    (3, 0): "deep ",
    (3, 1): "medium ",
    (3, 2): "dull ",
    (2, 0): "dark ",
    (2, 1): "shady ",
    (1, 0): "blackish ",
}
"""How a colour is called whose strongest and weakest channels have these levels, 0 … 5."""


def _described(colour: str) -> str:
    """Return a name for a colour, given as hexadecimal RGB, by its tone and its hue."""
    channels = bytes.fromhex(colour)
    most, least = (sum(value > limit for limit in (47, 101, 145, 189, 233)) for value in _extremes(channels))
    if most == least:
        return _GRAYS[most]
    hue = round(colorsys.rgb_to_hsv(*channels)[0] * len(_HUES)) % len(_HUES)
    return _TONES[most, least] + _HUES[hue]


def _extremes(channels: bytes) -> tuple[int, int]:
    return max(channels), min(channels)


def _lattice(levels: str) -> list[str]:
    """Return the colours whose channels have these levels, five words of hexadecimal digits."""
    return ["".join(channels) for channels in itertools.product(levels.split(), repeat=3)]


_NAMES: Mapping[str, str] = {
    # The colours of tasks with many codes, and their calm colours.
    **{colour: _described(colour) for colour in _lattice("00 40 80 bf ff") + _lattice("50 7c a8 d4 ff")},
    "ffffff": "white",
    "000000": "black",
    "aaaaaa": "gray",
    "555555": "dark gray",
    "808080": "gray",
    "ffff00": "yellow",
    "00ffff": "cyan",
    "ff00ff": "magenta",
    "ff8080": "pink",
    "ff0000": "red",
    "00ff00": "green",
    "0000ff": "blue",
    "008080": "teal",
    "ff8000": "orange",
    "00c800": "green",
    "e60000": "red",
    "0050ff": "blue",
    "808000": "olive",
    "8080ff": "light blue",
    "80ff80": "light green",
    "800080": "purple",
    "0074d9": "blue",
    "ff4136": "red",
    "2ecc40": "green",
    "ffdc00": "yellow",
    "f012be": "magenta",
    "ff851b": "orange",
    "7fdbff": "light blue",
    "870c25": "dark red",
    # The calm colours of `looks`.
    "e0e0d8": "light gray",
    "303038": "dark gray",
    "a0a0a0": "gray",
    "888888": "gray",
    "707078": "gray",
    "202428": "black",
    "ffff58": "yellow",
    "ffff48": "yellow",
    "ffe060": "yellow",
    "58ffff": "cyan",
    "48ffff": "cyan",
    "50f0ff": "cyan",
    "ff70ff": "magenta",
    "ff60ff": "magenta",
    "ff5858": "red",
    "ff6858": "red",
    "ff7868": "red",
    "ff4848": "red",
    "70ff70": "green",
    "58d858": "green",
    "58e058": "green",
    "40d840": "green",
    "6060ff": "blue",
    "6098ff": "blue",
    "6070ff": "blue",
    "5050ff": "blue",
    "989848": "olive",
    "489898": "teal",
    "984898": "purple",
    "ffa840": "orange",
    "b08040": "brown",
    "ffa8a0": "pink",
    "ff9898": "pink",
    "98ff98": "light green",
    "9898ff": "light blue",
}


def colour_names(name: str) -> tuple[str, ...]:
    """Return a name per cell code of a palette, all different. Raises UserError if it is unknown.

    A colour without a name of its own is called by its RGB value, as in `#123456`.
    """
    written = [bytes(colour).hex() for colour in palette(name)]
    names = [_NAMES.get(colour, f"#{colour}") for colour in written]
    distinct: list[str] = []
    for colour, word in zip(written, names, strict=True):
        distinct.append(word if names.count(word) == 1 else f"#{colour}")
    return tuple(distinct)


def outside_name(name: str) -> str:
    """Return the name of a palette's colour of margins and lines. Raises UserError if it is unknown."""
    written = bytes(with_outside(name)[-1]).hex()
    return _NAMES.get(written, f"#{written}")


def separation(colours: Colours) -> float:
    """Return the least distance between two of the colours `(k, 3)`, Euclidean in RGB levels."""
    points: npt.NDArray[Any] = colours.astype(np.float64)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(apart[~np.eye(len(points), dtype=bool)].min())
