"""Read grids in pictures. The places of the cells are known or inferred, and every cell has a confidence.

A model's picture may have any size and any pixels. A picture without a grid gives a `DecodeFailure`, never an
exception. Wrong arguments of the caller, such as an unknown palette or a shape of
0, raise UserError.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import bounded_array, kind_name
from vizbench.errors import UserError
from vizbench.renderers.colours import EXACT
from vizbench.renderers.erase_glyphs import cell_sizes, without_glyphs
from vizbench.renderers.infer_shape import WORKING_SIZE, infer_shape, integral
from vizbench.renderers.kernels import corners_differ, inside_bars, margins_differ, read_batch, read_cells
from vizbench.renderers.layout import MAX_PICTURE, Layout, Shape, as_look, check_shape, inner, layout
from vizbench.renderers.locate import (
    COLOURS,
    NOT_FOUND,
    SEVERAL,
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

UNSURE: Final = "abstained: cells are between two colours"
"""The reason if a cell is as near to one colour as to another."""

SIZE: Final = "abstained: the picture has no size that this look can have"
"""The reason if no shape explains the size."""

LEAST_MARGIN: Final = 0.05
"""Least confidence of each cell. If a cell has less, no grid is returned."""

ONE_COLOUR: Final = 10.0
"""Levels by which the cells of a board of one colour may differ. Codecs and blur change means by less."""

_CORNER: Final = 96.0
"""Levels by which the corner of a cell may differ from the colour of the cell."""


def decode(
    image: object,
    look: Look | str,
    shape: Shape | None = None,
    board: Shape | None = None,
    question: Grid | None = None,
) -> Decoded:
    """Read the grid in a picture `(H, W, 3)` uint8 of any size from 1 to 4096 px per side.

    shape: rows and columns to read ("known" geometry); None: find the size in the picture ("inferred").
    board: as it was given to `render`. question: the grid that was asked about, if it has this shape. It
    helps to choose between several readings of a picture. It is not used for a picture of the drawing's own
    size.

    The board is searched for in frames with bars, padding or cut edges, and in changed colours. If a
    picture does not clearly show a board of this look, the result is a `DecodeFailure` whose reason starts
    with "abstained".

    How sizes are inferred: with a board, its cells of outside colour are cut off. For a fixed look, the
    picture's size gives the board, and its cells of outside colour are cut off. For a canvas look, or a
    size that fits no board, the best of all shapes up to 30x30 is used. A picture of a fixed look that was
    scaled to a size that fits another board is misread: give the board.
    """
    result = place_and_read(image, look, shape, board, question)
    return result if isinstance(result, DecodeFailure) else result[1]


def place_and_read(
    image: object, look: Look | str, shape: Shape | None, board: Shape | None, question: Grid | None
) -> tuple[Placement, Answer] | DecodeFailure:
    """Decode a picture. Return also the places of its cells, for other frames of the same clip."""
    look = as_look(look)
    picture = as_picture(image)
    if isinstance(picture, DecodeFailure):
        return picture
    if not look.glyphs:
        return _place_and_read(picture, look, shape, board, question)

    # Glyphs are erased for each size that cells may have. The first grid that is read counts.
    plain, whole = replace(look, glyphs=""), board or shape
    place = None if whole is None else layout(plain, check_shape(whole))
    cell = look.cell if place is None else place.cell
    failure = DecodeFailure(NOT_FOUND)
    for side in cell_sizes(place, cell, picture.shape[:2]):
        result = _place_and_read(without_glyphs(picture, side), plain, shape, board, question)
        if not isinstance(result, DecodeFailure):
            return result
        failure = result if failure.reason == NOT_FOUND else failure
    return failure


def _place_and_read(
    picture: Image, look: Look, shape: Shape | None, board: Shape | None, question: Grid | None
) -> tuple[Placement, Answer] | DecodeFailure:
    """Decode a picture without glyphs. Returns also the places of its cells."""
    if shape is None:
        return _inferred(picture, look, board)
    board = check_shape(board or shape)
    if check_shape(shape)[0] > board[0] or shape[1] > board[1]:
        raise UserError(f"a grid of {shape[0]}x{shape[1]} does not fit a board of {board[0]}x{board[1]}")

    # Most pictures are the drawing itself, perhaps scaled.
    drawing = _drawing(look, tuple(shape), tuple(board), picture.shape[:2])
    if drawing is not None:
        plain = _plain(picture, drawing)
        if plain is not None:
            moved = question is not None and drawing.margins == (0, 0) and is_moved(plain[1].grid, question)
            return DecodeFailure(SEVERAL) if moved else _of_one_colour(picture, *plain)

    # In any other picture the board is searched for.
    place = layout(look, board)
    placement = locate(Searched(picture), place, shape, look.palette, question)
    return placement if isinstance(placement, DecodeFailure) else _sure(picture, placement)


def read_at(picture: Image, placement: Placement) -> Answer:
    """Read the cells of a frame at a placement. Returns the nearest colours, whatever their confidence."""
    height, width = picture.shape[:2]
    rows, columns = _within(placement.rows, height), _within(placement.columns, width)
    codes: Grid = np.empty((len(rows), len(columns)), np.uint8)
    confidence = np.empty(codes.shape, np.float32)
    read_cells(picture.reshape(height, width * 3), rows, columns, placement.colours, codes, confidence)
    return Answer(codes, confidence)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """Hold the pixels to check in a picture that has the drawing's proportions."""

    placement: Placement
    rows: npt.NDArray[np.int64]
    """The middles of the rows of cells, `(h, 2)`."""
    columns: npt.NDArray[np.int64]
    points: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    """Rows and columns of the points near the corners of cells; none if cells are tiny."""
    margins: tuple[int, int]
    """Pixels from the picture's edge to the middle of the margin, above and at the left; 0 without one."""
    outside: npt.NDArray[np.float64]
    least: float
    """Confidence that each cell must have."""


@functools.lru_cache(maxsize=64)
def _drawing(look: Look, shape: Shape, board: Shape, size: tuple[int, int]) -> _Drawing | None:
    """Return the pixels to check in a picture of that size; None if it has other proportions."""
    place = layout(look, board)
    if not own_proportions(size, place):
        return None
    scale = size[0] / place.height, size[1] / place.width
    edges = place.edges(0, shape[0]) * scale[0], place.edges(1, shape[1]) * scale[1]
    colours = with_outside(look.palette).astype(np.float64)
    side = place.cell * min(scale)
    inset = max(1.0, 0.12 * side)
    points = _points(edges[0], inset, size[0]), _points(edges[1], inset, size[1])
    if side < 4:  # the corners of tiny cells are blurred
        points = points[0][:0], points[1][:0]
    return _Drawing(
        Placement(*edges, colours[:-1]),
        inner(edges[0], 1.0, size[0]),
        inner(edges[1], 1.0, size[1]),
        points,
        (_middle(place.top * scale[0]), _middle(place.left * scale[1])),
        colours[-1],
        _plain_margin(look.palette),
    )


def _points(edges: npt.NDArray[np.float64], inset: float, size: int) -> npt.NDArray[np.int64]:
    """Return the first and last pixel `(n, 2)` of each cell that are `inset` from its edges."""
    points = np.stack([edges[:, 0] + inset, edges[:, 1] - inset - 1], axis=1)
    return np.clip(points, 0, size - 1).astype(np.int64)


def _middle(margin: float) -> int:
    """Return the middle of a margin in pixels from the edge; 0 if the margin is too narrow to check."""
    return int(margin / 2) if margin >= 2 else 0


def _plain(picture: Image, drawing: _Drawing) -> tuple[Placement, Answer] | None:
    """Read a picture as the drawing itself, scaled as a whole; None if it is not clearly that.

    The colours of all cells must be clear, and the corners of the cells and the margins must be as drawn.
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
    """Return the confidence of a cell that misses its colour by EXACT levels, towards the nearest other."""
    return max(0.5, 1 - 2 * EXACT / separation(palette(name)))


def _sure(picture: Image, placement: Placement) -> tuple[Placement, Answer] | DecodeFailure:
    """Return the reading at a placement, if every cell is clear."""
    answer = read_at(picture, placement)
    if answer.confidence.min() < LEAST_MARGIN:
        return DecodeFailure(UNSURE)
    return _of_one_colour(picture, placement, answer)


def _of_one_colour(
    picture: Image, placement: Placement, answer: Answer
) -> tuple[Placement, Answer] | DecodeFailure:
    """Return the reading, unless all cells have one code but differ in the picture.

    A board that was faded almost to black or white is not a board of that colour.
    """
    if (answer.grid != answer.grid[0, 0]).any() or answer.confidence.min() == 1:
        return placement, answer  # colours that equal the palette's did not fade
    zoom = max(1.0, max(picture.shape) / WORKING_SIZE)
    rows, columns = _divided(placement.rows / zoom), _divided(placement.columns / zoom)
    means, _ = measure(integral(picture, WORKING_SIZE), rows, columns, 0.5, 0.8)
    if np.ptp(means, axis=(0, 1)).max() > ONE_COLOUR + 9 * _noise(picture) / math.sqrt(_area(rows, columns)):
        return DecodeFailure(COLOURS)
    return placement, answer


def _noise(picture: Image) -> float:
    """Return about the standard deviation of the pixels of an area of one colour; 0 for flat pictures."""
    steps = np.abs(np.diff(picture.astype(np.int16), axis=1))
    return float(np.median(steps)) if steps.size else 0.0


def _area(rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> float:
    """Return the pixels that `measure` averages per cell if it uses half of each side; at least one."""
    return max(float((rows[0, 1] - rows[0, 0]) * (columns[0, 1] - columns[0, 0])) / 4, 1.0)


def _divided(edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the cells or, if there are fewer than eight, equal parts of their middles."""
    count = -(-8 // len(edges))
    if count == 1:
        return edges
    side = edges[:, 1:] - edges[:, :1]
    ends = edges[:, :1] + side * np.linspace(0.2, 0.8, count + 1)
    return np.stack([ends[:, :-1].ravel(), ends[:, 1:].ravel()], axis=1)


def _within(edges: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.int64]:
    """Return the pixel ranges of the middles of cells, `(n, 2)`, within the frame."""
    return inner(edges, 1.0, size)


def decode_batch(images: Video, look: Look | str, shape: Shape, board: Shape | None = None) -> Grids:
    """Read pictures `(n, H, W, 3)` uint8 with known geometry. Returns grids `(n, h, w)` uint8.

    Raises UserError for any other array.
    """
    look = as_look(look)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or 0 in images.shape[1:]:
        raise UserError(
            f"pictures of shape {images.shape} and type {images.dtype} are not (n, H, W, 3) uint8"
        )
    n, height, width = images.shape[:3]
    rows, columns = _ranges(look, check_shape(shape), board or shape, (height, width))
    codes = np.empty((n, *shape), np.uint8)
    if look.glyphs:
        place = layout(look, board or shape)
        scale = min(height / place.height, width / place.width)
        images = np.stack([without_glyphs(image, scale * place.cell) for image in images])
    flat = np.ascontiguousarray(images).reshape(n, height, width * 3)
    colours = palette(look.palette).astype(np.float64)
    read_batch(flat, rows, columns, colours, codes, np.empty(shape, np.float32))
    return codes


def as_picture(image: object) -> Image | DecodeFailure:
    """Return an object as `(H, W, 3)` uint8 with sides 1 … 4096, or why it is not a picture."""
    if image is None:
        return DecodeFailure("there is no picture")
    try:
        array = bounded_array(image, MAX_PICTURE)
    except Exception as error:  # hostile objects may raise anything from __array__
        return DecodeFailure(f"the answer is not a picture: {kind_name(error)}")
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
    """Read a grid of unknown shape in the picture, or in the part of it inside bars."""
    failure = DecodeFailure(NOT_FOUND)
    for box in _boxes(picture, look):
        part = _part(picture, box, look)
        inside = _inferred_whole(part, look, board)
        if isinstance(inside, DecodeFailure):
            failure = inside if box[1] - box[0] == len(picture) else failure
            continue
        if _second_board(picture, box, look, board):
            return DecodeFailure(SEVERAL)
        placement = Placement(inside.rows + box[0], inside.columns + box[2], inside.colours)
        return _sure(picture, placement)
    return failure


def _second_board(picture: Image, box: tuple[int, int, int, int], look: Look, board: Shape | None) -> bool:
    """Return whether a second board is at the other end of the picture, such as question beside answer."""
    height, width = picture.shape[:2]
    top, bottom, left, right = box
    other = height - bottom, height - top, width - right, width - left
    apart = 2 * (bottom - top) <= height or 2 * (right - left) <= width
    if not apart or (top > 0 and left > 0) or other == box:
        return False
    return not isinstance(_inferred_whole(_part(picture, other, look), look, board), DecodeFailure)


def _part(picture: Image, box: tuple[int, int, int, int], look: Look) -> Image:
    """Return a part of the picture. Beyond the picture's edges it has the outside colour."""
    top, bottom, left, right = box
    if min(top, left) >= 0 and bottom <= picture.shape[0] and right <= picture.shape[1]:
        return np.ascontiguousarray(picture[top:bottom, left:right])
    out = np.empty((bottom - top, right - left, 3), np.uint8)
    out[:] = with_outside(look.palette)[-1]
    y, x = max(top, 0), max(left, 0)
    inside = picture[y:bottom, x:right]
    out[y - top : y - top + inside.shape[0], x - left : x - left + inside.shape[1]] = inside
    return out


def _inferred_whole(picture: Image, look: Look, board: Shape | None) -> Placement | DecodeFailure:
    """Return the places of the cells in a picture that shows only a drawing."""
    # The board, then the part of it that is not outside.
    shape, searched = None, Searched(picture)
    if board is None:
        board = infer_shape(picture, look, (searched.small, searched.sums))
        if board is None:
            return DecodeFailure(SIZE)
        if look.canvas is not None:  # the search has considered the outside already
            shape = board
    place = layout(look, check_shape(board))
    if shape is None:
        edges = _scaled(place, board, picture)
        seen = read_at(picture, Placement(*edges, with_outside(look.palette).astype(np.float64))).grid
        shape = _extent(seen == len(palette(look.palette)))
        if shape is None:
            return DecodeFailure("the picture is blank: every cell has the outside colour")

    # A picture of another size may have been scaled to one that fits a finer board.
    placement = read_whole(searched, place, shape, look.palette)
    may_be_scaled = look.canvas is None and (place.height, place.width) != picture.shape[:2]
    if isinstance(placement, Placement) and may_be_scaled and _repeats(read_at(picture, placement).grid):
        return DecodeFailure(SIZE)
    return placement


def _repeats(grid: Grid) -> bool:
    """Return whether each cell of a smaller grid is repeated in the grid, so that its lattice is too fine."""
    h, w = grid.shape
    for k in range(2, min(h, w) + 1):
        if h % k == 0 and w % k == 0:
            repeated = np.repeat(np.repeat(grid[::k, ::k], k, axis=0), k, axis=1)
            if (grid == repeated).all():
                return True
    return False


def _boxes(picture: Image, look: Look) -> list[tuple[int, int, int, int]]:
    """Return the parts of the picture that may be the drawing, as (top, bottom, left, right).

    They are the whole, the part inside flat bars, and for a canvas the squares that fit at the middle
    and at both ends.
    """
    height, width = picture.shape[:2]
    boxes = [(0, height, 0, width)]

    # The part inside flat bars.
    top, bottom = inside_bars(picture)
    left, right = inside_bars(picture.swapaxes(0, 1))
    outside = with_outside(look.palette)[-1].astype(np.int64)
    barred = np.abs(picture[0, 0] - outside).max() > 30 or np.abs(picture[-1, -1] - outside).max() > 30
    if min(bottom - top, right - left) >= 8 and (look.canvas is None or barred):
        boxes.append((top, bottom, left, right))

    # The squares of a canvas.
    if look.canvas is not None:
        side = min(height, width)
        # Some services pad or cut frames to a multiple of 32.
        if abs(height - look.canvas) < 32 and abs(width - look.canvas) < 32:
            y, x = (height - look.canvas) // 2, (width - look.canvas) // 2
            boxes += [(y, y + look.canvas, x, x + look.canvas), (0, look.canvas, 0, look.canvas)]
        for y in ((height - side) // 2, 0, height - side):
            boxes += [(y, y + side, x, x + side) for x in ((width - side) // 2, 0, width - side)]
    return list(dict.fromkeys(boxes))


def _scaled(
    place: Layout, shape: Shape, picture: Image
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return start and end of the rows and columns of cells of a drawing that fills the picture."""
    rows = place.edges(0, shape[0]) * (picture.shape[0] / place.height)
    return rows, place.edges(1, shape[1]) * (picture.shape[1] / place.width)


def _extent(outside: npt.NDArray[np.bool_]) -> Shape | None:
    """Return the top left rectangle with the fewest cells on the wrong side of its edge, or the largest."""
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
    """Return the pixel ranges of rows and columns to read in a picture of that size."""
    place = layout(look, board)
    rows = inner(place.edges(0, shape[0]), size[0] / place.height, size[0])
    return rows, inner(place.edges(1, shape[1]), size[1] / place.width, size[1])
