"""Read what a caller passes to `verify`: a text or a picture becomes a grid, anything else is unchanged."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import kind_name, plain_array
from vizbench.errors import UserError
from vizbench.renderers.decode import decode
from vizbench.renderers.layout import MAX_PICTURE, Shape
from vizbench.renderers.pictures import pixels_of
from vizbench.renderers.text import from_text
from vizbench.types import Answer, DecodeFailure, Grid, Look


def read_any(answer: object, look: Look, shape: Shape | None, question: Grid | None = None) -> object:
    """Return the grid in an answer, or a `DecodeFailure`. Other objects than text and pictures are unchanged.

    look: how the task draws its grids. shape: the size of the answer, None if any is allowed. question: the
    question's grid, if it has this shape: see `decode`. Never raises.
    """
    kind = type(answer)
    try:
        if kind is Answer:
            return cast("Answer", answer).grid
        if kind is DecodeFailure:
            return answer
        if issubclass(kind, str):
            return _grid_of(from_text(answer, shape=shape))
        pixels = _pixels(answer)
        if isinstance(pixels, DecodeFailure):
            return pixels
        return answer if pixels is None else _grid_of(decode(pixels, look, shape, question=question))
    except Exception as error:  # hostile objects may raise anything
        return DecodeFailure(f"the answer is not a grid: {kind_name(error)}")


def _grid_of(decoded: Answer | DecodeFailure) -> object:
    return decoded if isinstance(decoded, DecodeFailure) else decoded.grid


def is_picture(answer: object) -> bool:
    """Return whether an object is a Pillow picture, by its true type."""
    pictures = sys.modules.get("PIL.Image")  # a caller with a Pillow picture has imported Pillow
    return pictures is not None and issubclass(type(answer), pictures.Image)


def _pixels(answer: object) -> npt.NDArray[Any] | DecodeFailure | None:
    """Return the picture in an answer, `(H, W, 3)`, or None if it is not a picture."""
    if is_picture(answer):
        return _opened(cast("Any", answer))
    if not issubclass(type(answer), np.ndarray) and not hasattr(type(answer), "__array__"):
        return None
    array = plain_array(answer)  # a tensor too
    return array if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8 else None


def _opened(picture: Any) -> npt.NDArray[Any] | DecodeFailure:
    """Return the pixels of a Pillow picture, as a viewer shows them. Its current frame is restored."""
    height, width = picture.size[1], picture.size[0]
    if max(height, width) > MAX_PICTURE:
        return DecodeFailure(f"the picture is {height}x{width} px: sides are 1 … {MAX_PICTURE}")
    frame = picture.tell()
    try:
        return pixels_of(picture, "the picture")
    except UserError as error:
        return DecodeFailure(str(error))
    finally:
        picture.seek(frame)
