"""Where cells lie in a picture: one place for the arithmetic that drawing and reading share.

A *board* of H x W cells is laid out in a picture; a grid lies at the board's top left, and the board's other
cells have the outside colour. A fixed look has cells of `look.cell` pixels, so the picture's size tells the
board's. A canvas look has a square picture of one size, in which the largest cells that fit stand centred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import MAX_SIDE
from vizbench.errors import UserError
from vizbench.renderers.palettes import palette
from vizbench.types import Look

Shape = tuple[int, int]
"""Rows and columns."""

MAX_PICTURE = 4096
"""Longest side of a picture in pixels, drawn or read."""


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """A board in a picture, in pixels: the picture's height and width, the board's top left corner, a cell's
    side, the line between cells; board: its rows and columns."""

    height: int
    width: int
    top: int
    left: int
    cell: int
    line: int
    board: Shape

    def edges(self, axis: Literal[0, 1], count: int) -> npt.NDArray[np.float64]:
        """Start and end of each of the first `count` cells along an axis, `(count, 2)` in pixels."""
        first = (self.top, self.left)[axis]
        starts = first + np.arange(count, dtype=np.float64) * (self.cell + self.line)
        return starts[:, None] + np.array([0.0, self.cell])


def as_look(look: Look | str) -> Look:
    """A look as it is, or the plain look of a palette's name. Raises UserError for numbers out of range."""
    found = Look(look) if isinstance(look, str) else look
    palette(found.palette)
    limits = {"cell": (1, 1024), "margin": (0, 1024), "line": (0, 1024)}
    for name, (low, high) in limits.items():
        value: int = getattr(found, name)
        if not low <= value <= high:
            raise UserError(f"look: {name}={value} is outside {low} … {high} pixels")
    if found.canvas is not None and not 1 <= found.canvas <= MAX_PICTURE:
        raise UserError(f"look: canvas={found.canvas} is outside 1 … {MAX_PICTURE} pixels")
    return found


def check_shape(shape: Shape) -> Shape:
    """The shape itself, if both sides are 1 … MAX_SIDE."""
    if len(shape) != 2 or not all(isinstance(side, int | np.integer) for side in shape):  # pyright: ignore[reportUnnecessaryIsInstance] callers are users
        raise UserError(f"shape {str(shape)[:40]!r} is not two whole numbers: give (rows, columns)")
    if not all(1 <= side <= MAX_SIDE for side in shape):
        raise UserError(
            f"a grid of {'x'.join(str(side) for side in shape)} cells cannot be drawn: 1 … {MAX_SIDE} a side"
        )
    return shape


def layout(look: Look, board: Shape) -> Layout:
    """The layout of a board of that many rows and columns. Raises UserError when it does not fit a
    picture."""
    rows, columns = check_shape(board)
    if look.canvas is None:
        cell = look.cell
        size = [n * cell + (n - 1) * look.line + 2 * look.margin for n in (rows, columns)]
        if max(size) > MAX_PICTURE:
            raise UserError(
                f"a picture of {size[0]}x{size[1]} px is over {MAX_PICTURE} px a side: choose a smaller cell"
            )
        return Layout(size[0], size[1], look.margin, look.margin, cell, look.line, board)
    longest = max(board)
    cell = (look.canvas - 2 * look.margin - (longest - 1) * look.line) // longest
    if cell < 1:
        raise UserError(
            f"{rows}x{columns} cells do not fit a canvas of {look.canvas} px: choose a larger canvas"
        )
    top, left = ((look.canvas - n * cell - (n - 1) * look.line) // 2 for n in (rows, columns))
    return Layout(look.canvas, look.canvas, top, left, cell, look.line, board)


def inner(edges: npt.NDArray[np.float64], scale: float, size: int) -> npt.NDArray[np.int64]:
    """Pixel ranges `(n, 2)`, start and end, of the middle half of each cell `(n, 2)`, in a picture scaled by
    `scale` to `size` pixels: at least one pixel each. The outer quarters are left to blur and to
    compression."""
    quarter = (edges[:, 1] - edges[:, 0]) / 4
    start = np.clip(np.rint((edges[:, 0] + quarter) * scale), 0, size - 1)
    end = np.clip(np.rint((edges[:, 1] - quarter) * scale), start + 1, size)
    return np.stack([start, end], axis=1).astype(np.int64)


def common_board(*shapes: tuple[Any, ...]) -> Shape:
    """The smallest board that holds grids of all these shapes `(..., h, w)`."""
    return max(shape[-2] for shape in shapes), max(shape[-1] for shape in shapes)
