"""Pictures to grids: where the cells lie is known or inferred, and every cell says how sure its reading is.

A model's picture is hostile: any size and any pixels. What holds no grid is a `DecodeFailure`, never an exception;
wrong arguments of the caller (an unknown palette, a shape of 0) are a UserError.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.grids import bounded_array, kind_name
from vizbench.renderers.geometry import MAX_PICTURE, Shape, as_look, check_shape, inner, layout
from vizbench.renderers.infer import infer_shape
from vizbench.renderers.kernels import read_batch, read_cells
from vizbench.renderers.palettes import Colours, palette, with_outside
from vizbench.types import Answer, Decoded, DecodeFailure, Grid, Grids, Image, Look, Video


def decode(image: object, look: Look | str, shape: Shape | None = None, board: Shape | None = None) -> Decoded:
    """Read the grid in a picture `(H, W, 3)` uint8 of any size from 1 to 4096 px a side.

    shape: rows and columns to read where they would lie ("known" geometry); None: the size is found in the picture
    ("inferred"). board: as it was given to `render`. A picture of another size than drawn is read in proportion.
    Inferred sizes: with a board, what is left once its cells of outside colour are cut; for a fixed look, what the
    picture's size says, less what is outside; for a canvas look, or a size that fits no board, the best of all shapes
    up to 30x30. A fixed look's picture that was scaled to a size that fits another board is misread: give the board.
    """
    look = as_look(look)
    picture = as_picture(image)
    if isinstance(picture, DecodeFailure):
        return picture
    if shape is None:
        found = _inferred(picture, look, board)
        if isinstance(found, DecodeFailure):
            return found
        shape, board = found
    board = check_shape(board or shape)
    if check_shape(shape)[0] > board[0] or shape[1] > board[1]:
        raise UserError(f"a grid of {shape[0]}x{shape[1]} does not lie in a board of {board[0]}x{board[1]}")
    return _read(picture, look, shape, board, palette(look.palette))


def decode_batch(images: Video, look: Look | str, shape: Shape, board: Shape | None = None) -> Grids:
    """Read pictures `(n, H, W, 3)` uint8 with known geometry: `(n, h, w)` uint8. Raises UserError for other arrays."""
    look = as_look(look)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or 0 in images.shape[1:]:
        raise UserError(f"pictures of shape {images.shape} and type {images.dtype} are not (n, H, W, 3) uint8")
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
        return DecodeFailure(f"the picture is {array.shape[0]}x{array.shape[1]} px: sides are 1 … {MAX_PICTURE}")
    return np.ascontiguousarray(array)


def _inferred(picture: Image, look: Look, board: Shape | None) -> tuple[Shape, Shape] | DecodeFailure:
    """Shape and board of the grid in the picture."""
    if board is None:
        board = infer_shape(picture, look)
        if board is None:
            return DecodeFailure(f"a picture of {picture.shape[0]}x{picture.shape[1]} px holds no cell of this look")
        if look.canvas is not None:  # the search weighed the outside already
            return board, board
    seen = _read(picture, look, check_shape(board), board, with_outside(look.palette)).grid
    shape = _extent(seen == len(palette(look.palette)))
    return (shape, board) if shape else DecodeFailure("the picture is blank: every cell has the outside colour")


def _extent(outside: npt.NDArray[np.bool_]) -> Shape | None:
    """The top left rectangle that leaves fewest cells on the wrong side of its edge; of equals, the larger."""
    gain = np.where(outside, -1, 1).cumsum(axis=0).cumsum(axis=1)
    best = int(gain.max())
    if best <= 0:
        return None
    rows, columns = np.nonzero(gain == best)
    last = int(np.argmax(rows + columns))
    return int(rows[last]) + 1, int(columns[last]) + 1


def _ranges(look: Look, shape: Shape, board: Shape, size: Shape) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pixel ranges to read, of rows and of columns, in a picture of that size."""
    place = layout(look, board)
    rows = inner(place.edges(0, shape[0]), size[0] / place.height, size[0])
    return rows, inner(place.edges(1, shape[1]), size[1] / place.width, size[1])


def _read(picture: Image, look: Look, shape: Shape, board: Shape, colours: Colours) -> Answer:
    height, width = picture.shape[:2]
    rows, columns = _ranges(look, shape, board, (height, width))
    codes: Grid = np.empty(shape, np.uint8)
    confidence = np.empty(shape, np.float32)
    read_cells(picture.reshape(height, width * 3), rows, columns, colours.astype(np.float64), codes, confidence)
    return Answer(codes, confidence)
