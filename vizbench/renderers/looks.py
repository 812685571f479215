"""Give each task several looks: ways to draw the same grids. The rules and the answers stay the same.

- `paper`: the task's own look
- `glyphs`: calm colours with digits, pieces and markers that a person reads at a glance
- `human`: the same with large cells, for `show` and reports
- `shuffled`: other colours, cell size, line and margin for each instance, drawn from its id

Every look can be read by `decode`, which must be given the same Look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from vizbench.errors import unknown
from vizbench.renderers.glyphs import GLYPHS
from vizbench.renderers.layout import Shape, common_board
from vizbench.renderers.palettes import palette
from vizbench.task.contract import Verifier
from vizbench.types import Instance, Look

LookName: TypeAlias = Literal["paper", "glyphs", "shuffled", "human"]
"""A look by name."""

LOOKS: Final[tuple[LookName, ...]] = get_args(LookName)
"""All names of looks."""

_LARGEST: Final = 1024
"""Pixels that the longest side of a board has at most, if its cells can be made smaller."""

_SMALLEST: Final = 12
"""Pixels of the smallest cells, in which a digit still fits."""

# Cells with a glyph are light: the ink is dark. White is between the cells.
_CALM: Final[Mapping[str, str]] = {
    "binary": "e0e0d8 303038",
    "eca": "e0e0d8 303038 a0a0a0",
    "langton": "e0e0d8 303038 ffff58 58ffff ff70ff 70ff70 ff5858 6060ff 989848 489898",
    "fill": "e0e0d8 303038 ffa840",
    "maze": "303038 e0e0d8 58d858 ff6858 6098ff",
    "sudoku": "e0e0d8 ff5858 58e058 6070ff ffff58 ff60ff 50f0ff 888888 b08040 ffa8a0",
    "connect4": "e0e0d8 ff7868 ffe060",
    "hanoi": "e0e0d8 ff5858 58e058 6070ff ffff58 ff60ff 50f0ff 707078 202428 ffa8a0",
    "hitori": "e0e0d8 707078 ff5858 58e058 6070ff ffff58 ff60ff 50f0ff b08040",
    "binairo": "a0a0a0 e0e0d8 303038",
    "nonogram": "e0e0d8 303038 707078 ffff48 48ffff ff60ff 98ff98 ff9898 9898ff 989848 40d840 ff4848 5050ff",
    "light-up": "e0e0d8 ffff48 303038 a0a0a0 ff9898 98ff98 9898ff ff60ff",
    "tents": "98ff98 40d840 ff9898 e0e0d8 a0a0a0 48ffff ff60ff ffff48 9898ff ffa840",
    "futoshiki": "e0e0d8 ff5858 58e058 6070ff ffff58 ff60ff 50f0ff ffa8a0 303038 989848 489898 98ff98 9898ff",
    "skyscrapers": "e0e0d8 ff5858 58e058 6070ff ffff58 ff60ff 50f0ff ffa8a0 a0a0a0",
    "numberlink": "e0e0d8 ff5858 58e058 5050ff ffff58 ff60ff 50f0ff ffa8a0 489898 b08040",
    "numbrix": "e0e0d8 5050ff 50ff50 ff5050 50ffff ff50ff ffff50 507c7c a850a8 a8a850 7ca8d4 50ffa8 a85050 "
    "a850ff a8ff50 ff50a8 ffa850 a8ffa8 ffa8a8 a8ffff ffa8ff ffffa8 50a850 50a8a8 7c507c 7c7c50 "
    "7c7ca8 7ca87c 7cff7c a87c7c a8a8a8 ff7c7c 507cd4 50a8ff 50d47c 7c50d4 7c7cff",
    "shikaku": "e0e0d8 303038 ffe060 a0a0a0 ff5858 58e058 5050ff ff60ff 50f0ff ffa8a0 98ff98 9898ff",
    "slitherlink": "e0e0d8 303038 a0a0a0 ffe060 9898ff ff7868 58e058 50f0ff",
    "chess": "e0e0d8 ffff48 48ffff ff60ff 98ff98 ff9898 9898ff 989848 489898 984898 40d840 ff4848 5050ff",
    "blocks": "e0e0d8 303038 ff5858 6070ff ffff58 58e058 ff60ff 50f0ff ffa8a0 b08040",
    "sandpile": "e0e0d8 ff5858 58e058 6070ff ffff58 ff60ff 50f0ff ffa8a0",
    "labels": "e0e0d8 303038 ff5858 58e058 5050ff ffff58 ff60ff 50f0ff ffa8a0 98ff98 9898ff b08040",
    "wireworld": "e0e0d8 6098ff ff6858 ffe060",
    "forest-fire": "e0e0d8 58e058 489898 ff5858 303038",
    "bounce": "e0e0d8 303038 ff6858 58e058 6098ff ffff58",
    "turmite": "e0e0d8 303038 ffff58 58ffff ff70ff 70ff70 ff5858 6060ff 989848 489898 ffa840",
    "snake": "e0e0d8 303038 ff5858 6098ff ffff58 50f0ff ff60ff ffa8a0",
    "powers": "e0e0d8 ff5858 58e058 5050ff ffff58 ff60ff 50f0ff ffa8a0 98ff98 9898ff "
    "888888 ffa840 489898 b08040",
    "laser": "e0e0d8 303038 50f0ff ff60ff ff7868 6098ff ffa840 ffff58 58e058 ffa8a0 b08040",
    "folding": "e0e0d8 ffe060 303038 ff6858 58e058 6098ff ff60ff",
    "transform": "e0e0d8 ff6858 6098ff ffe060 50f0ff ff60ff 58e058 ffa8a0 b08040 489898 ffa840 98ff98 9898ff",
    "dice": "e0e0d8 ff5858 58e058 5050ff ffff58 ff60ff 50f0ff ffa8a0 98ff98 9898ff b08040 489898 303038",
    "tiles": "e0e0d8 ff4848 40d840 5050ff ffff48 ff60ff 48ffff 989848 ff9898 98ff98 9898ff 489898 202428",
    "lights": "a0a0a0 ffff58 6098ff 58d858",
    "sokoban": "303038 e0e0d8 ffa8a0 b08040 58d858 6098ff ff70ff",
    "trapfield": "ff5858 e0e0d8 58d858 ffe060 6098ff",
    "keys": "303038 e0e0d8 58d858 6098ff 48ffff ffff58 ffa8a0 ff70ff 989848 ff5858 984898",
    "cars": "303038 e0e0d8 40d840 ff4848 5050ff ffff48 ff60ff 48ffff 989848 ff9898 98ff98 9898ff 984898",
}
_CALM_OUTSIDE: Final = "ffffff"

# The corners of the RGB cube, the centres of its faces, and grey for the outside: none nearer than 127.
_POOL: Final = (
    *("ffffff", "000000", "ff0000", "00ff00", "0000ff", "ffff00", "ff00ff", "00ffff"),
    *("ff8080", "80ff80", "8080ff", "808000", "800080", "008080", "808080"),
)

_LEVELS: Final = ("00", "40", "80", "bf", "ff")
_LARGE_POOL: Final = tuple(
    r + g + b for (i, r), (j, g), (k, b) in product(enumerate(_LEVELS), repeat=3) if (i + j + k) % 2 == 0
)
"""The face-centred packing with five levels, for tasks with more codes: none nearer than 89."""


def look_of(verifier: Verifier, name: str, instance: Instance | None = None) -> Look:
    """Return the look of that name for a task, or for one of its instances.

    name: one of LOOKS. instance: it gives the size of the cells, and its id decides all of `shuffled`; None
    for a look of the whole task. Raises UserError if the name is unknown.
    """
    board = None if instance is None else common_board(instance.question.shape, instance.target.shape)
    return look_on(verifier.look, name, "" if instance is None else instance.id, board)


def look_on(own: Look, name: str, key: str, board: Shape | None) -> Look:
    """Return the look of that name for a board.

    own: the task's own look. key: the id of an instance, which decides all of `shuffled`. board: rows and
    columns of the board, which limit the size of cells; None if unknown. Raises UserError if the name is
    unknown.
    """
    if name not in LOOKS:
        raise unknown("look", name, LOOKS)
    if name == "paper":
        return own
    if name == "shuffled":
        return _shuffled(own, key, board)
    return _calm(own, 32 if name == "glyphs" else 56, board)


def with_cells(look: Look, cell: int) -> Look:
    """Return the look with cells of that many pixels, without margins and lines.

    Cells that are too small for glyphs have none.
    """
    glyphs = look.glyphs if cell >= _SMALLEST else ""
    return replace(look, cell=cell, margin=0, line=0, canvas=None, glyphs=glyphs)


def _calm(own: Look, cell: int, board: Shape | None) -> Look:
    """Return the look with calm colours and glyphs, and cells of that many pixels if they fit."""
    if own.palette not in _CALM:  # colours that mean nothing, as in ARC, and palettes that we do not know
        return replace(own, line=max(own.line, 2), canvas=own.canvas and max(own.canvas, 12 * cell))
    colours = f"{_CALM[own.palette]} | {_CALM_OUTSIDE}"
    line, margin = cell // 16, cell // 2
    glyphs = own.palette if own.palette in GLYPHS else ""
    return Look(colours, cell=_fitting(cell, board), line=line, margin=margin, glyphs=glyphs)


def _fitting(cell: int, board: Shape | None) -> int:
    """Return the side of the cells of a board: `cell`, or less if the picture would be too large."""
    return cell if board is None else max(_SMALLEST, min(cell, _LARGEST // max(board)))


def _shuffled(own: Look, key: str, board: Shape | None) -> Look:
    """Return other colours and sizes, a pure function of the look and the key."""
    digest = hashlib.sha256(f"look shuffled {key}".encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
    count = len(palette(own.palette))
    pool = _POOL if count < len(_POOL) else _LARGE_POOL
    picks = [pool[int(at)] for at in random.permutation(len(pool))[: count + 1]]
    colours = f"{' '.join(picks[:count])} | {picks[count]}"
    cell, margin = int(random.integers(16, 41)), int(random.integers(8, 25))
    line = int(random.integers(0, 4))
    if own.canvas is not None and board is None:
        return replace(own, palette=colours, margin=margin, line=line)
    if own.canvas is not None:
        return Look(colours, margin=margin, line=line, canvas=own.canvas + 8 * int(random.integers(-4, 9)))
    return Look(colours, cell=_fitting(cell, board), margin=margin, line=line)
