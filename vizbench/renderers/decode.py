"""Pictures to grids: where the cells lie is known or inferred, and every cell says how sure its reading is.

A model's picture is hostile: any size and any pixels. What holds no grid is a `DecodeFailure`, never an
exception; wrong arguments of the caller (an unknown palette, a shape of 0) are a UserError."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import bounded_array, kind_name
from vizbench.errors import UserError
from vizbench.renderers.colours import EXACT
from vizbench.renderers.infer_shape import infer_shape, integral
from vizbench.renderers.kernels import corners_differ, margins_differ, read_batch, read_cells
from vizbench.renderers.layout import MAX_PICTURE, Layout, Shape, as_look, check_shape, inner, layout
from vizbench.renderers.locate import (
    COLOURS,
    NOT_FOUND,
    SEVERAL,
    WORKING_SIZE,
    Placement,
    Searched,
    is_moved,
    locate,
    own_proportions,
    read_whole,
)
from vizbench.renderers.locate_kernels import measure
from vizbench.renderers.palettes import palette, separation, with_outside
from vizbench.types import Answer, Decoded, DecodeFailure, Grid, Grids, Image, Look, Video

UNSURE: Final = "abstained: cells lie between two colours"

SIZE: Final = "abstained: the picture has no size that this look can have"

LEAST_MARGIN: Final = 0.05
"""Confidence of the least sure cell below which no grid is returned."""

ONE_COLOUR: Final = 10.0
"""Levels by which the cells of a board of one colour may differ. Codecs and blur leave less in the mean of a
cell."""

_CORNER: Final = 96.0
"""Levels by which the corner of a cell may stray there."""


def decode(
    image: object,
    look: Look | str,
    shape: Shape | None = None,
    board: Shape | None = None,
    question: Grid | None = None,
) -> Decoded:
    """Read the grid in a picture `(H, W, 3)` uint8 of any size from 1 to 4096 px a side.

    shape: rows and columns to read ("known" geometry); None: the size is found in the picture ("inferred").
    board: as it was given to `render`. question: the grid that was asked about, if it has this shape; it
    helps to choose if a picture can be read in several ways, and is never needed for a picture of the
    drawing's own size. The board is searched for in frames with bars, padding or cut edges, and in other
    colours. A picture that does not show a board of this look clearly is a `DecodeFailure` with a reason that
    starts with "abstained". Inferred sizes: with a board, what is left once its cells of outside colour are
    cut; for a fixed look, what the picture's size says, less what is outside; for a canvas look, or a size
    that fits no board, the best of all shapes up to 30x30. A fixed look's picture that was scaled to a size
    that fits another board is misread: give the board."""
    found = place_and_read(image, look, shape, board, question)
    return found if isinstance(found, DecodeFailure) else found[1]


def place_and_read(
    image: object, look: Look | str, shape: Shape | None, board: Shape | None, question: Grid | None
) -> tuple[Placement, Answer] | DecodeFailure:
    """`decode`, and where and in which colours the cells were read, for other frames of the same clip."""
    look = as_look(look)
    picture = as_picture(image)
    if isinstance(picture, DecodeFailure):
        return picture
    if shape is None:
        return _inferred(picture, look, board)
    board = check_shape(board or shape)
    if check_shape(shape)[0] > board[0] or shape[1] > board[1]:
        raise UserError(f"a grid of {shape[0]}x{shape[1]} does not lie in a board of {board[0]}x{board[1]}")
    drawing = _drawing(look, tuple(shape), tuple(board), picture.shape[:2])
    if drawing is not None:
        found = _plain(picture, drawing)
        if found is not None:
            moved = question is not None and drawing.margins == (0, 0) and is_moved(found[1].grid, question)
            return DecodeFailure(SEVERAL) if moved else _of_one_colour(picture, *found)
    place = layout(look, board)
    placement = locate(Searched(picture), place, shape, look.palette, question)
    return placement if isinstance(placement, DecodeFailure) else _sure(picture, placement)


def read_at(picture: Image, placement: Placement) -> Answer:
    """Read the cells of a frame where `placement` says. Returns what is nearest, however unsure."""
    height, width = picture.shape[:2]
    rows, columns = _within(placement.rows, height), _within(placement.columns, width)
    codes: Grid = np.empty((len(rows), len(columns)), np.uint8)
    confidence = np.empty(codes.shape, np.float32)
    read_cells(picture.reshape(height, width * 3), rows, columns, placement.colours, codes, confidence)
    return Answer(codes, confidence)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """What is looked at in a picture that has the drawing's proportions, as pixels of that picture."""

    placement: Placement
    rows: npt.NDArray[np.int64]
    """The middles of the rows of cells, `(h, 2)`."""
    columns: npt.NDArray[np.int64]
    points: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    """The first and last rows and columns of cells that are looked at near the corners; none if cells are
    tiny."""
    margins: tuple[int, int]
    """How far from the picture's edge the middles of the margins are, above and at the left; 0 if there are
    none."""
    outside: npt.NDArray[np.float64]
    least: float
    """The confidence that each cell must have."""


@functools.lru_cache(maxsize=64)
def _drawing(look: Look, shape: Shape, board: Shape, size: tuple[int, int]) -> _Drawing | None:
    """What to look at in a picture of that size; None if it has other proportions than the drawing."""
    place = layout(look, board)
    if not own_proportions(size, place):
        return None
    scale = size[0] / place.height, size[1] / place.width
    edges = place.edges(0, shape[0]) * scale[0], place.edges(1, shape[1]) * scale[1]
    colours = with_outside(look.palette).astype(np.float64)
    side = place.cell * min(scale)
    inset = max(1.0, 0.12 * side)
    first, last = (
        np.clip(np.stack([one[:, 0] + inset, one[:, 1] - inset - 1], axis=1), 0, pixels - 1).astype(np.int64)
        for one, pixels in zip(edges, size, strict=True)
    )
    margins = place.top * scale[0], place.left * scale[1]
    return _Drawing(
        Placement(*edges, colours[:-1]),
        inner(edges[0], 1.0, size[0]),
        inner(edges[1], 1.0, size[1]),
        (first, last) if side >= 4 else (first[:0], last[:0]),
        (int(margins[0] / 2) if margins[0] >= 2 else 0, int(margins[1] / 2) if margins[1] >= 2 else 0),
        colours[-1],
        _plain_margin(look.palette),
    )


def _plain(picture: Image, drawing: _Drawing) -> tuple[Placement, Answer] | None:
    """Read a picture as the drawing itself, scaled as a whole; None unless it is plainly that.

    The colours of all cells must be clear, and the corners of the cells and the margins as they are drawn.
    """
    height, width = picture.shape[:2]
    flat, colours = picture.reshape(height, width * 3), drawing.placement.colours
    codes: Grid = np.empty((len(drawing.rows), len(drawing.columns)), np.uint8)
    confidence = np.empty(codes.shape, np.float32)
    read_cells(flat, drawing.rows, drawing.columns, colours, codes, confidence)
    if confidence.min() < drawing.least:
        return None
    if corners_differ(flat, *drawing.points, codes, colours, _CORNER) > 0.02 * 4 * codes.size:
        return None
    if margins_differ(flat, *drawing.margins, drawing.outside, _CORNER / 2):
        return None
    return drawing.placement, Answer(codes, confidence)


@functools.lru_cache(maxsize=32)
def _plain_margin(name: str) -> float:
    """The confidence of a cell that misses its colour by EXACT levels, if another is as near as the palette
    has it."""
    return max(0.5, 1 - 2 * EXACT / separation(palette(name)))


def _sure(picture: Image, placement: Placement) -> tuple[Placement, Answer] | DecodeFailure:
    """The reading at a placement, if each of its cells is clear."""
    answer = read_at(picture, placement)
    if answer.confidence.min() < LEAST_MARGIN:
        return DecodeFailure(UNSURE)
    return _of_one_colour(picture, placement, answer)


def _of_one_colour(
    picture: Image, placement: Placement, answer: Answer
) -> tuple[Placement, Answer] | DecodeFailure:
    """The reading as it is, unless all cells have one code and the picture shows that they differ: a board
    that was faded nearly to black or white is no board of that colour."""
    if (answer.grid != answer.grid[0, 0]).any() or answer.confidence.min() == 1:
        return placement, answer  # colours that are exactly the palette's were not faded
    zoom = max(1.0, max(picture.shape) / WORKING_SIZE)
    rows, columns = (_divided(edges / zoom) for edges in (placement.rows, placement.columns))
    means, _ = measure(integral(picture, WORKING_SIZE), rows, columns, 0.5, 0.8)
    if np.ptp(means, axis=(0, 1)).max() > ONE_COLOUR + 9 * _noise(picture) / math.sqrt(_area(rows, columns)):
        return DecodeFailure(COLOURS)
    return placement, answer


def _noise(picture: Image) -> float:
    """About the standard deviation of the pixels of a part that shows one colour; flat pictures have none."""
    steps = np.abs(np.diff(picture.astype(np.int16), axis=1))
    return float(np.median(steps)) if steps.size else 0.0


def _area(rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> float:
    """The pixels that `measure` averages per cell if it takes half of each side; at least one."""
    return max(float((rows[0, 1] - rows[0, 0]) * (columns[0, 1] - columns[0, 0])) / 4, 1.0)


def _divided(edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The cells, or if there are under eight along the board, equal parts of their middles."""
    count = -(-8 // len(edges))
    if count == 1:
        return edges
    side = edges[:, 1:] - edges[:, :1]
    ends = edges[:, :1] + side * np.linspace(0.2, 0.8, count + 1)
    return np.stack([ends[:, :-1].ravel(), ends[:, 1:].ravel()], axis=1)


def _within(edges: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.int64]:
    """The pixel ranges of the middles of cells, `(n, 2)`, within the frame."""
    return inner(edges, 1.0, size)


def decode_batch(images: Video, look: Look | str, shape: Shape, board: Shape | None = None) -> Grids:
    """Read pictures `(n, H, W, 3)` uint8 with known geometry: `(n, h, w)` uint8. Raises UserError for other
    arrays."""
    look = as_look(look)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or 0 in images.shape[1:]:
        raise UserError(
            f"pictures of shape {images.shape} and type {images.dtype} are not (n, H, W, 3) uint8"
        )
    n, height, width = images.shape[:3]
    rows, columns = _ranges(look, check_shape(shape), board or shape, (height, width))
    codes = np.empty((n, *shape), np.uint8)
    flat = np.ascontiguousarray(images).reshape(n, height, width * 3)
    colours = palette(look.palette).astype(np.float64)
    read_batch(flat, rows, columns, colours, codes, np.empty(shape, np.float32))
    return codes


def as_picture(image: object) -> Image | DecodeFailure:
    """The object as `(H, W, 3)` uint8, sides 1 … 4096, or why it is no picture."""
    if image is None:
        return DecodeFailure("there is no picture")
    try:
        array = bounded_array(image, MAX_PICTURE)
    except Exception as error:  # hostile objects may raise anything from __array__
        return DecodeFailure(f"the answer is no picture: {kind_name(error)}")
    if isinstance(array, str):
        return DecodeFailure(f"the picture {array}")
    if array.ndim != 3 or array.shape[2] != 3:
        return DecodeFailure(f"the picture has shape {array.shape[:6]}, not height by width by 3 colours")
    if array.dtype != np.uint8:
        return DecodeFailure(f"the picture holds {array.dtype.kind}{array.dtype.itemsize}, not bytes 0 … 255")
    if not all(1 <= side <= MAX_PICTURE for side in array.shape[:2]):
        return DecodeFailure(
            f"the picture is {array.shape[0]}x{array.shape[1]} px: sides are 1 … {MAX_PICTURE}"
        )
    return np.ascontiguousarray(array)


def _inferred(picture: Image, look: Look, board: Shape | None) -> tuple[Placement, Answer] | DecodeFailure:
    """The grid whose shape is found in the picture, or in the part of it that bars leave."""
    failure = DecodeFailure(NOT_FOUND)
    for box in _boxes(picture, look):
        part = _part(picture, box, look)
        found = _inferred_whole(part, look, board)
        if isinstance(found, DecodeFailure):
            failure = found if box[1] - box[0] == len(picture) else failure
            continue
        if _second_board(picture, box, look, board):
            return DecodeFailure(SEVERAL)
        placement = Placement(found.rows + box[0], found.columns + box[2], found.colours)
        return _sure(picture, placement)
    return failure


def _second_board(picture: Image, box: tuple[int, int, int, int], look: Look, board: Shape | None) -> bool:
    """Whether a box at one end of the picture leaves room for as large a board at the other end, and one is
    there: question and answer side by side."""
    height, width = picture.shape[:2]
    top, bottom, left, right = box
    other = height - bottom, height - top, width - right, width - left
    apart = 2 * (bottom - top) <= height or 2 * (right - left) <= width
    if not apart or (top > 0 and left > 0) or other == box:
        return False
    return not isinstance(_inferred_whole(_part(picture, other, look), look, board), DecodeFailure)


def _part(picture: Image, box: tuple[int, int, int, int], look: Look) -> Image:
    """A part of the picture; what is beyond its edges has the outside colour."""
    top, bottom, left, right = box
    out = np.empty((bottom - top, right - left, 3), np.uint8)
    out[:] = with_outside(look.palette)[-1]
    y, x = max(top, 0), max(left, 0)
    inside = picture[y:bottom, x:right]
    out[y - top : y - top + inside.shape[0], x - left : x - left + inside.shape[1]] = inside
    return out


def _inferred_whole(picture: Image, look: Look, board: Shape | None) -> Placement | DecodeFailure:
    """Where the cells are in a picture that shows a drawing and no more."""
    shape = None
    if board is None:
        board = infer_shape(picture, look)
        if board is None:
            return DecodeFailure(SIZE)
        if look.canvas is not None:  # the search weighed the outside already
            shape = board
    place = layout(look, check_shape(board))
    if shape is None:
        edges = _scaled(place, board, picture)
        seen = read_at(picture, Placement(*edges, with_outside(look.palette).astype(np.float64))).grid
        shape = _extent(seen == len(palette(look.palette)))
        if shape is None:
            return DecodeFailure("the picture is blank: every cell has the outside colour")
    found = read_whole(Searched(picture), place, shape, look.palette)
    drawn = (place.height, place.width) == picture.shape[:2]
    if (
        isinstance(found, Placement)
        and not drawn
        and look.canvas is None
        and _repeats(read_at(picture, found).grid)
    ):
        return DecodeFailure(SIZE)
    return found


def _repeats(grid: Grid) -> bool:
    """Whether the grid shows a smaller one with each cell repeated: a lattice that is too fine reads any
    board so."""
    h, w = grid.shape
    return any(
        h % k == 0
        and w % k == 0
        and (grid == np.repeat(np.repeat(grid[::k, ::k], k, axis=0), k, axis=1)).all()
        for k in range(2, min(h, w) + 1)
    )


def _boxes(picture: Image, look: Look) -> list[tuple[int, int, int, int]]:
    """Parts of the picture that may be the drawing, as top, bottom, left, right: all of it, what flat bars
    leave, and for a canvas the squares that fit at the middle and at both ends."""
    height, width = picture.shape[:2]
    found = [(0, height, 0, width)]
    top, bottom = _bars(picture)
    left, right = _bars(picture.swapaxes(0, 1))
    outside = with_outside(look.palette)[-1].astype(np.int64)
    barred = np.abs(picture[0, 0] - outside).max() > 30 or np.abs(picture[-1, -1] - outside).max() > 30
    if min(bottom - top, right - left) >= 8 and (look.canvas is None or barred):
        found.append((top, bottom, left, right))
    if look.canvas is not None:
        side = min(height, width)
        if (
            abs(height - look.canvas) < 32 and abs(width - look.canvas) < 32
        ):  # padded or cut to a multiple of 32
            y, x = (height - look.canvas) // 2, (width - look.canvas) // 2
            found += [(y, y + look.canvas, x, x + look.canvas), (0, look.canvas, 0, look.canvas)]
        for y in dict.fromkeys(((height - side) // 2, 0, height - side)):
            found += [
                (y, y + side, x, x + side) for x in dict.fromkeys(((width - side) // 2, 0, width - side))
            ]
    return list(dict.fromkeys(found))


def _bars(picture: Image) -> tuple[int, int]:
    """The rows between the flat bars at the top and at the bottom of a picture: first, and one past the
    last."""
    sample = picture[:, :: max(1, picture.shape[1] // 256)].astype(np.int64)
    ends: list[int] = []
    for rows in (sample, sample[::-1]):
        flat = np.abs(rows - rows[0, 0]).max(axis=(1, 2)) <= 20
        ends.append(int(flat.argmin()) if not flat.all() else 0)
    return ends[0], len(picture) - ends[1]


def _scaled(
    place: Layout, shape: Shape, picture: Image
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Start and end of the rows and columns of cells of a drawing that fills the picture."""
    rows = place.edges(0, shape[0]) * (picture.shape[0] / place.height)
    return rows, place.edges(1, shape[1]) * (picture.shape[1] / place.width)


def _extent(outside: npt.NDArray[np.bool_]) -> Shape | None:
    """The top left rectangle that leaves fewest cells on the wrong side of its edge; of equals, the
    larger."""
    gain = np.where(outside, -1, 1).cumsum(axis=0).cumsum(axis=1)
    best = int(gain.max())
    if best <= 0:
        return None
    rows, columns = np.nonzero(gain == best)
    last = int(np.argmax(rows + columns))
    return int(rows[last]) + 1, int(columns[last]) + 1


def _ranges(
    look: Look, shape: Shape, board: Shape, size: Shape
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pixel ranges to read, of rows and of columns, in a picture of that size."""
    place = layout(look, board)
    rows = inner(place.edges(0, shape[0]), size[0] / place.height, size[0])
    return rows, inner(place.edges(1, shape[1]), size[1] / place.width, size[1])
