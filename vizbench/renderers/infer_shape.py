"""How many rows and columns a picture's grid has.

Every candidate shape is weighed by how well a drawing of it explains the picture: the squared error of cells
in palette colours, outside colour elsewhere, and lines of a strength fitted in 0.1 … 1. The error of a
candidate needs sums over rectangles only, so an integral image prices one in time proportional to its cells
(all 900 in some 40 ms).

Why a fitted strength: blur of two pixels leaves a fifth of a line of one pixel, and a line drawn at full
strength then explains less than none. Why a least strength: with none, noise makes 2x2 beat 1x1. Why a common
shift of colours is fitted too: it would pay for lines that are not there."""

from __future__ import annotations

import functools
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
"""Longest side, in cells, that is searched for: that of the ARC corpora."""

_WORKING_SIZE = 1024  # larger pictures are averaged down first: 4096 px would need 400 MB of sums


def infer_shape(picture: Image, look: Look) -> Shape | None:
    """Rows and columns of the grid (canvas look) or of the board (fixed look) in a picture `(H, W, 3)` uint8.

    A fixed look's picture whose size fits a board exactly is not searched. None when no candidate is
    possible."""
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
    for place in candidates:  # from few cells to many: of equals, the fewest
        error = candidate_error(sums, *_corners(place, sums.shape), colours)
        if error < least - 1e-3:
            best, least = place.board, error
    return best


def _fixed(look: Look, pixels: int) -> int:
    """Cells along a side of that many pixels, 0 when it fits no whole number of them."""
    count, rest = divmod(pixels - 2 * look.margin + look.line, look.cell + look.line)
    return count if rest == 0 and 1 <= count <= MAX_SIDE else 0


def _candidates(look: Look, height: int, width: int) -> list[Layout]:
    """Layouts that a picture of that size may show, from few cells to many."""
    if look.canvas is not None:
        return _layouts(look)
    found: list[Layout] = []
    for place in _layouts(look):  # a fixed look keeps its proportions when scaled, to one pixel or 2%
        scale = (height / place.height + width / place.width) / 2
        if abs(place.height * scale - height) <= max(1.0, 0.02 * height):
            found.append(place)
    return found


@functools.lru_cache(maxsize=16)
def _layouts(look: Look) -> list[Layout]:
    """The layouts of all boards up to MAX_INFERRED a side that a picture can hold, from few cells to many."""
    sides = range(1, MAX_INFERRED + 1)
    found: list[Layout] = []
    for board in sorted(((h, w) for h in sides for w in sides), key=lambda s: (s[0] * s[1], s)):
        try:
            found.append(layout(look, board))
        except UserError:  # too small a canvas for that many cells
            continue
    return found


def integral(picture: Image, most: int) -> npt.NDArray[np.float64]:
    """Sums over all rectangles from the top left corner, `(H + 1, W + 1, 3)`, of a picture whose longest side
    is averaged down to `most` pixels."""
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
    """Edges of all cells in a picture of that size, flat: `(2 h,)` and `(2 w,)`, not rounded to pixels."""
    rows = place.edges(0, place.board[0]) * ((sums[0] - 1) / place.height)
    columns = place.edges(1, place.board[1]) * ((sums[1] - 1) / place.width)
    return rows.ravel(), columns.ravel()
