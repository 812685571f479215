"""Compute the places of cells in a picture, for drawing and for reading.

A *board* of H x W cells is laid out in a picture. The grid is at the board's top left, and the board's
other cells have the outside colour. A fixed look has cells of `look.cell` pixels, so the picture's size
gives the board's. A canvas look has a square picture of one size, with the largest cells that fit, centred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import MAX_SIDE
from vizbench.errors import UserError
from vizbench.renderers.glyphs import check_glyphs
from vizbench.renderers.palettes import palette
from vizbench.types import Look

Shape = tuple[int, int]
"""Rows and columns."""

MAX_PICTURE = 4096
"""Longest side of a picture in pixels, drawn or read."""


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """Hold the place of a board in a picture, in pixels."""

    height: int
    """Height of the picture."""
    width: int
    """Width of the picture."""
    top: int
    """Pixels above the board."""
    left: int
    """Pixels to the left of the board."""
    cell: int
    """Side of a cell."""
    line: int
    """Width of the line between cells."""
    board: Shape
    """Rows and columns of the board, in cells."""

    def edges(self, axis: Literal[0, 1], count: int) -> npt.NDArray[np.float64]:
        """Return start and end of each of the first `count` cells along an axis, `(count, 2)` in pixels."""
        first = (self.top, self.left)[axis]
        starts = first + np.arange(count, dtype=np.float64) * (self.cell + self.line)
        return starts[:, None] + np.array([0.0, self.cell])


def as_look(look: Look | str) -> Look:
    """Return a Look as it is, or the plain Look of a palette's name. Raises UserError if it is invalid."""
    checked = Look(look) if isinstance(look, str) else look
    palette(checked.palette)
    check_glyphs(checked.glyphs)
    limits = {"cell": (1, 1024), "margin": (0, 1024), "line": (0, 1024)}
    for name, (low, high) in limits.items():
        value: int = getattr(checked, name)
        if not low <= value <= high:
            raise UserError(f"look: {name}={value} is outside {low} … {high} pixels")
    if checked.canvas is not None and not 1 <= checked.canvas <= MAX_PICTURE:
        raise UserError(f"look: canvas={checked.canvas} is outside 1 … {MAX_PICTURE} pixels")
    return checked


def check_shape(shape: Shape) -> Shape:
    """Return the shape itself. Raises UserError unless both sides are 1 … MAX_SIDE."""
    if len(shape) != 2 or not all(isinstance(side, int | np.integer) for side in shape):  # pyright: ignore[reportUnnecessaryIsInstance] callers are users
        raise UserError(f"shape {str(shape)[:40]!r} is not two whole numbers: give (rows, columns)")
    if not all(1 <= side <= MAX_SIDE for side in shape):
        raise UserError(
            f"a grid of {'x'.join(str(side) for side in shape)} cells cannot be drawn: "
            f"each side is 1 … {MAX_SIDE}"
        )
    return shape


def layout(look: Look, board: Shape) -> Layout:
    """Return the layout of a board of rows and columns. Raises UserError if no picture can hold it."""
    rows, columns = check_shape(board)
    if look.canvas is None:
        cell = look.cell
        size = [n * cell + (n - 1) * look.line + 2 * look.margin for n in (rows, columns)]
        if max(size) > MAX_PICTURE:
            raise UserError(
                f"a picture of {size[0]}x{size[1]} px is over {MAX_PICTURE} px per side: "
                "choose a smaller cell"
            )
        return Layout(size[0], size[1], look.margin, look.margin, cell, look.line, board)
    longest = max(board)
    cell = (look.canvas - 2 * look.margin - (longest - 1) * look.line) // longest
    if cell < 1:
        raise UserError(
            f"{rows}x{columns} cells do not fit a canvas of {look.canvas} px: choose a larger canvas"
        )
    top = (look.canvas - rows * cell - (rows - 1) * look.line) // 2
    left = (look.canvas - columns * cell - (columns - 1) * look.line) // 2
    return Layout(look.canvas, look.canvas, top, left, cell, look.line, board)


def inner(edges: npt.NDArray[np.float64], scale: float, size: int) -> npt.NDArray[np.int64]:
    """Return start and end in pixels of the middle half of each cell, `(n, 2)`, at least one pixel.

    edges: start and end of each cell `(n, 2)`, in a picture that was scaled by `scale` to `size` pixels.
    The outer quarters are left out, because blur and compression change them.
    """
    quarter = (edges[:, 1] - edges[:, 0]) / 4
    start = np.clip(np.rint((edges[:, 0] + quarter) * scale), 0, size - 1)
    end = np.clip(np.rint((edges[:, 1] - quarter) * scale), start + 1, size)
    return np.stack([start, end], axis=1).astype(np.int64)


def common_board(*shapes: tuple[Any, ...]) -> Shape:
    """Return the smallest board that holds grids of all these shapes `(..., h, w)`."""
    return max(shape[-2] for shape in shapes), max(shape[-1] for shape in shapes)
