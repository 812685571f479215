"""Draw grids as pictures, in RGB or as palette indices. `decode` reads them back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.renderers.glyphs import INK, box_of, dots_of, masks, without_digits
from vizbench.renderers.kernels import paint_indices, paint_rgb, stamp
from vizbench.renderers.layout import Layout, Shape, as_look, layout
from vizbench.renderers.palettes import Colours, with_outside
from vizbench.types import Grid, Grids, Image, Look, Video

MAX_BATCH_BYTES = 1 << 32
"""Bytes of pictures that one call may draw: 4 GiB."""


def render(grid: Grid, look: Look | str, board: Shape | None = None) -> Image:
    """Draw a grid `(h, w)` uint8 as `(H, W, 3)` uint8.

    look: a Look or a palette's name. board: rows and columns of the picture in cells, at least those of the
    grid, which is drawn at its top left; None: those of the grid. Raises UserError if a code has no colour,
    or a size is out of range.
    """
    return render_batch(np.asarray(grid)[None], look, board)[0]


def render_batch(grids: Grids, look: Look | str, board: Shape | None = None) -> Video:
    """Draw grids `(n, h, w)` uint8 as `(n, H, W, 3)` uint8. The arguments are those of `render`."""
    look = as_look(look)
    if look.glyphs:
        return index_palette(look)[render_indices(grids, look, board)]
    colours = with_outside(look.palette)
    place, rows, columns = _prepare(grids, look, board, pixel_bytes=3)
    out = np.empty((len(grids), place.height, place.width * 3), np.uint8)
    paint_rgb(np.ascontiguousarray(grids), rows, columns, colours, out)
    return out.reshape(len(grids), place.height, place.width, 3)


def render_indices(grids: Grids, look: Look | str, board: Shape | None = None) -> npt.NDArray[np.uint8]:
    """Draw grids `(n, h, w)` uint8 as indices `(n, H, W)` uint8 into `index_palette(look)`."""
    look = as_look(look)
    place, rows, columns = _prepare(grids, look, board, pixel_bytes=1)
    out = np.empty((len(grids), place.height, place.width), np.uint8)
    outside = len(with_outside(look.palette)) - 1
    paint_indices(np.ascontiguousarray(grids), rows, columns, np.uint8(outside), out)
    if look.glyphs:
        ink = np.uint8(outside + 1)
        _chequer(look.glyphs, place, rows, columns, ink, out)
        drawn = ~without_digits(look.glyphs, grids)
        shapes = masks(look.glyphs, place.cell)
        stamp(np.ascontiguousarray(grids), drawn, rows, columns, shapes, ink, out)
        _outline_boxes(look.glyphs, place, rows, columns, ink, out)
    return out


def _chequer(
    name: str,
    place: Layout,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    ink: np.uint8,
    out: npt.NDArray[np.uint8],
) -> None:
    """Dot every other cell of boards that are chequered."""
    dots = dots_of(name, place.cell)
    if dots is None:
        return
    for i, (top, bottom) in enumerate(rows.tolist()):
        for left, right in columns[(i + 1) % 2 :: 2].tolist():
            out[:, top:bottom, left:right][:, dots] = ink


def _outline_boxes(
    name: str,
    place: Layout,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    ink: np.uint8,
    out: npt.NDArray[np.uint8],
) -> None:
    """Draw the borders of boxes in ink. They take the place of lines between cells."""
    box = box_of(name, (len(rows), len(columns)))
    if not box or not place.line:
        return
    top, left = max(int(rows[0, 0]) - place.line, 0), max(int(columns[0, 0]) - place.line, 0)
    bottom, right = int(rows[-1, 1]) + place.line, int(columns[-1, 1]) + place.line
    for start in (top, *rows[box - 1 :: box, 1].tolist()):
        out[:, start : start + place.line, left:right] = ink
    for start in (left, *columns[box - 1 :: box, 1].tolist()):
        out[:, top:bottom, start : start + place.line] = ink


def index_palette(look: Look | str) -> Colours:
    """Return the colours of the indices of `render_indices`: the cells', the outside, and the glyphs' ink.

    The shape is `(k + 1, 3)` uint8, or `(k + 2, 3)` for a look with glyphs.
    """
    look = as_look(look)
    colours = with_outside(look.palette)
    return np.concatenate([colours, np.array([INK], np.uint8)]) if look.glyphs else colours


def _prepare(
    grids: Grids, look: Look, board: Shape | None, pixel_bytes: int
) -> tuple[Layout, npt.NDArray[Any], npt.NDArray[Any]]:
    """Check grids and sizes. Returns the layout, and the edges in it of the grid's rows and columns."""
    # The grids must fit the board.
    codes = len(with_outside(look.palette)) - 1
    if grids.ndim != 3 or grids.dtype != np.uint8:
        raise UserError(
            f"grids of shape {grids.shape[1:]} and type {grids.dtype} cannot be drawn: give (h, w) uint8"
        )
    h, w = grids.shape[1:]
    board = board or (h, w)
    if board[0] < h or board[1] < w:
        raise UserError(
            f"a grid of {h}x{w} cells does not fit a board of {board[0]}x{board[1]}: choose a larger board"
        )

    # The pictures must fit into memory, and codes must have colours.
    place = layout(look, board)
    if len(grids) * place.height * place.width * pixel_bytes > MAX_BATCH_BYTES:
        raise UserError(
            f"{plural(len(grids), 'picture')} of {place.height}x{place.width} px would fill over 4 GiB: "
            "draw fewer at a time"
        )
    if grids.size and int(grids.max()) >= codes:
        raise UserError(
            f"cell code {int(grids.max())} has no colour in palette {look.palette!r}: it has 0 … {codes - 1}"
        )
    return place, place.edges(0, h).astype(np.int64), place.edges(1, w).astype(np.int64)
