"""Find how many rows and columns the grid in a picture has.

The best shape is the one whose drawing explains the picture best. The drawing has cells in palette colours,
the outside colour elsewhere, and lines of a strength that is fitted in 0.1 … 1. Its squared error needs only
sums over rectangles. With an integral image, the time is proportional to the number of cells. Most shapes are
ruled out by a lower bound of their error, see `best_candidate`.

The strength of lines is fitted because blur of two pixels leaves a fifth of a line of one pixel: a line at
full strength then explains less than no line. It has a minimum, because without one 2x2 beats 1x1 on
noise. A common shift of colours is fitted too. Otherwise lines that do not exist would explain it.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import MAX_SIDE
from vizbench.errors import UserError
from vizbench.renderers.infer_shape_kernels import best_candidate, sums_of
from vizbench.renderers.layout import Layout, Shape, layout
from vizbench.renderers.palettes import with_outside
from vizbench.types import Image, Look

MAX_INFERRED = 30
"""Cells of the longest side that is searched for: that of the ARC corpora."""

WORKING_SIZE: Final = 1024
"""Pixels of the longest side of a picture that is searched. Larger ones are averaged down."""

Sums = npt.NDArray[np.int32]
"""The sums of a picture over all rectangles from the top left corner, `(H + 1, W + 1, 3)`."""


def infer_shape(picture: Image, look: Look, searched: tuple[Image, Sums] | None = None) -> Shape | None:
    """Return rows and columns of the grid (canvas look) or board (fixed look) in a picture `(H, W, 3)` uint8.

    If the size of a fixed look's picture fits a board exactly, that board is returned. Returns None if no
    shape is possible. searched: the picture `limited` to WORKING_SIZE and its sums, if they are known.
    """
    height, width = picture.shape[:2]
    if look.canvas is None:
        exact = _fixed(look, height), _fixed(look, width)
        if exact[0] and exact[1]:
            return exact[0], exact[1]
    small, sums = searched or (limited(picture, WORKING_SIZE), None)
    candidates = _candidates(look, (height, width), small.shape[:2])
    if len(candidates.boards) <= 1:
        return candidates.boards[0] if candidates.boards else None
    best: int = best_candidate(
        sums_of(small) if sums is None else sums,
        small,
        *candidates.rows,
        *candidates.columns,
        candidates.pairs,
        with_outside(look.palette).astype(np.float64),
    )
    return candidates.boards[best]


def _fixed(look: Look, pixels: int) -> int:
    """Return the cells along a side of that many pixels; 0 if their number is not whole."""
    count, rest = divmod(pixels - 2 * look.margin + look.line, look.cell + look.line)
    return count if rest == 0 and 1 <= count <= MAX_SIDE else 0


Axis = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]
"""The different edges of cells along an axis, one after the other, and where each begins."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Hold the boards that a picture may show, from few cells to many."""

    boards: list[Shape]
    """Rows and columns."""
    rows: Axis
    """The edges of rows of cells, in pixels."""
    columns: Axis
    """The edges of columns of cells."""
    pairs: npt.NDArray[np.int64]
    """The numbers of each board's edges in rows and columns, `(n, 2)`."""


@functools.lru_cache(maxsize=16)
def _candidates(look: Look, size: Shape, searched: Shape) -> _Candidates:
    """Return what a picture of that size may show. searched: the size of the picture in which edges are."""
    places: list[Layout] = []
    for place in _layouts(look):
        if look.canvas is not None or _keeps_proportions(place, size):
            places.append(place)
    edges = [_corners(place, searched) for place in places]
    rows, row_numbers = _joined([pair[0] for pair in edges])
    columns, column_numbers = _joined([pair[1] for pair in edges])
    pairs = np.array([row_numbers, column_numbers], np.int64).T
    return _Candidates([place.board for place in places], rows, columns, np.ascontiguousarray(pairs))


def _keeps_proportions(place: Layout, size: Shape) -> bool:
    """Return whether a scaled drawing may have that size: a fixed look to one pixel or 2%."""
    height, width = size
    scale = (height / place.height + width / place.width) / 2
    return abs(place.height * scale - height) <= max(1.0, 0.02 * height)


def _joined(edges: list[npt.NDArray[np.float64]]) -> tuple[Axis, list[int]]:
    """Return the different edges one after the other, and the number of each of the given ones."""
    numbers: dict[bytes, int] = {}
    unique: list[npt.NDArray[np.float64]] = []
    for each in edges:
        if each.tobytes() not in numbers:
            numbers[each.tobytes()] = len(unique)
            unique.append(each)
    starts = np.array([0, *np.cumsum([len(each) for each in unique])], np.int64)
    joined = np.concatenate(unique) if unique else np.empty(0)
    return (joined, starts), [numbers[each.tobytes()] for each in edges]


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


def integral(picture: Image, most: int) -> Sums:
    """Return the sums of a picture over rectangles.

    A picture with a side over `most` pixels is averaged down to that size first.
    """
    return sums_of(limited(picture, most))


def limited(picture: Image, most: int) -> Image:
    """Return the picture, averaged down if it has a side over `most` pixels."""
    height, width = picture.shape[:2]
    if max(height, width) <= most:
        return picture
    from PIL import Image as Pictures

    scale = most / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Pictures.fromarray(picture).resize(size, Pictures.Resampling.BOX))


def _corners(place: Layout, size: Shape) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the edges of all cells, `(2 h,)` and `(2 w,)`, in pixels of a picture of that size."""
    rows = place.edges(0, place.board[0]) * (size[0] / place.height)
    columns = place.edges(1, place.board[1]) * (size[1] / place.width)
    return rows.ravel(), columns.ravel()
