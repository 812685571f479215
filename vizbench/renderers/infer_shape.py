"""Find how many rows and columns the grid in a picture has.

The best shape is the one whose drawing explains the picture best. The drawing has cells in palette colours,
the outside colour elsewhere, and lines of a strength that is fitted in 0.1 … 1. Its squared error needs only
sums over rectangles. With an integral image, the time is proportional to the number of cells: all 900 shapes
take about 40 ms.

The strength of lines is fitted because blur of two pixels leaves a fifth of a line of one pixel: a line at
full strength then explains less than no line. It has a minimum, because without one 2x2 beats 1x1 on
noise. A common shift of colours is fitted too. Otherwise lines that do not exist would explain it.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import MAX_SIDE
from vizbench.errors import UserError
from vizbench.renderers.infer_shape_kernels import candidate_error
from vizbench.renderers.layout import Layout, Shape, layout
from vizbench.renderers.palettes import with_outside
from vizbench.types import Image, Look

MAX_INFERRED = 30
"""Cells of the longest side that is searched for: that of the ARC corpora."""

_WORKING_SIZE = 1024
"""Pixels to which larger pictures are averaged down first: 4096 would need 400 MB of sums."""


def infer_shape(picture: Image, look: Look) -> Shape | None:
    """Return rows and columns of the grid (canvas look) or board (fixed look) in a picture `(H, W, 3)` uint8.

    If the size of a fixed look's picture fits a board exactly, that board is returned. Returns None if no
    shape is possible.
    """
    height, width = picture.shape[:2]
    if look.canvas is None:
        exact = _fixed(look, height), _fixed(look, width)
        if exact[0] and exact[1]:
            return exact[0], exact[1]
    candidates = _candidates(look, height, width)
    if len(candidates) <= 1:
        return candidates[0].board if candidates else None
    sums = integral(picture, _WORKING_SIZE)
    colours = with_outside(look.palette).astype(np.float64)
    best, least = None, np.inf
    for place in candidates:  # from few cells to many: of equal errors, the fewest cells win
        error = candidate_error(sums, *_corners(place, sums.shape), colours)
        if error < least - 1e-3:
            best, least = place.board, error
    return best


def _fixed(look: Look, pixels: int) -> int:
    """Return the cells along a side of that many pixels; 0 if their number is not whole."""
    count, rest = divmod(pixels - 2 * look.margin + look.line, look.cell + look.line)
    return count if rest == 0 and 1 <= count <= MAX_SIDE else 0


def _candidates(look: Look, height: int, width: int) -> list[Layout]:
    """Return the layouts that a picture of that size may show, from few cells to many."""
    if look.canvas is not None:
        return _layouts(look)
    candidates: list[Layout] = []
    for place in _layouts(look):  # a fixed look keeps its proportions if it is scaled, to one pixel or 2%
        scale = (height / place.height + width / place.width) / 2
        if abs(place.height * scale - height) <= max(1.0, 0.02 * height):
            candidates.append(place)
    return candidates


@functools.lru_cache(maxsize=16)
def _layouts(look: Look) -> list[Layout]:
    """Return the layouts of all boards up to MAX_INFERRED per side, from few cells to many."""
    sides = range(1, MAX_INFERRED + 1)
    boards = sorted(itertools.product(sides, sides), key=lambda board: (board[0] * board[1], board))
    layouts: list[Layout] = []
    for board in boards:
        try:
            layouts.append(layout(look, board))
        except UserError:  # the canvas is too small for that many cells
            continue
    return layouts


def integral(picture: Image, most: int) -> npt.NDArray[np.float64]:
    """Return the sums over all rectangles from the top left corner, `(H + 1, W + 1, 3)`.

    A picture with a side over `most` pixels is averaged down to that size first.
    """
    height, width = picture.shape[:2]
    if max(height, width) > most:
        from PIL import Image as Pictures

        scale = most / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = np.asarray(Pictures.fromarray(picture).resize(size, Pictures.Resampling.BOX))
        height, width = picture.shape[:2]
    sums = np.zeros((height + 1, width + 1, 3))
    sums[1:, 1:] = picture.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    return sums


def _corners(place: Layout, sums: tuple[Any, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the edges of all cells, `(2 h,)` and `(2 w,)`, in pixels. sums: the shape of the sums."""
    rows = place.edges(0, place.board[0]) * ((sums[0] - 1) / place.height)
    columns = place.edges(1, place.board[1]) * ((sums[1] - 1) / place.width)
    return rows.ravel(), columns.ravel()
