"""Write grids as PNG files, and read pictures as a viewer shows them. Files may be hostile."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from vizbench._util.files import atomic_path, check_regular
from vizbench.errors import UserError
from vizbench.renderers.frames import index_palette, render_indices
from vizbench.renderers.layout import MAX_PICTURE, Shape
from vizbench.renderers.png_bytes import encode_pngs
from vizbench.renderers.truncated_files import CUT, is_cut
from vizbench.types import Grid, Image, Look

MAX_FILE_BYTES = 64 << 20
"""Bytes of the largest picture file that is read."""

MAX_PICTURE_FRAMES: Final = 1 << 12
"""Frames of an animated picture that are decoded."""

MAX_PICTURE_PIXELS: Final = 1 << 30
"""Pixels of all these frames together."""

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")

_ANIMATED: Final = ("PNG", "WEBP", "GIF")
"""Formats whose further pictures are later frames."""


def save_png(file: str | Path | IO[bytes], grid: Grid, look: Look | str, board: Shape | None = None) -> None:
    """Write a grid as a palette-mode PNG, which is smaller than RGB and made in an eighth of Pillow's time.

    grid, look, board: as in `frames.render`. Raises UserError if the file cannot be written.
    """
    picture = encode_pngs(render_indices(grid[None], look, board), index_palette(look))[0]
    if not isinstance(file, str | Path):
        file.write(picture)
        return
    with atomic_path(file) as draft:
        draft.write_bytes(picture)


def read_png(path: str | Path) -> Image:
    """Read a PNG, JPEG, WebP, GIF, TIFF or BMP file as `(H, W, 3)` uint8, as a viewer shows it.

    The EXIF orientation is applied, and transparent pixels are laid over white. 16-bit grey is divided by
    257. Of an animation, the last frame is returned, composed from those before it. Raises UserError if the
    file is too large, has too large sides or too many frames, or is not such a picture.
    """
    from PIL import Image as Pictures

    check_regular(path, "picture", MAX_FILE_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow only warns of decompression bombs
            with Pictures.open(path, formats=_FORMATS) as picture:
                if max(picture.size) > MAX_PICTURE:
                    size = f"{picture.size[1]}x{picture.size[0]}"
                    raise UserError(f"{path} is {size} px: sides over {MAX_PICTURE} px are not read")
                if is_cut(path, (picture.format or "").lower()):
                    raise UserError(f"{path} {CUT}")
                return pixels_of(picture, str(path))
    except UserError:
        raise
    except Exception as error:  # Pillow's readers raise many kinds of errors on broken files
        raise UserError(
            f"{path} is not a readable PNG, JPEG, WebP, GIF, TIFF or BMP picture ({type(error).__name__})"
        ) from None


def pixels_of(picture: Any, name: str) -> Image:
    """Return the pixels `(H, W, 3)` that a viewer shows of a picture of Pillow, as `read_png` does.

    name: for errors. Raises UserError if it has too many frames, and what Pillow raises on broken files.
    """
    from PIL import ImageOps

    _seek_last(picture, name)
    picture.load()
    return np.array(_opaque(_upright(picture, ImageOps.exif_transpose)))


def _seek_last(picture: Any, name: str) -> None:
    """Go to the last frame of an animation.

    In other formats, further pictures are pages, previews and depth maps: a viewer shows the first.
    """
    if picture.format not in _ANIMATED:
        return
    count: int = getattr(picture, "n_frames", 1)
    if count > MAX_PICTURE_FRAMES or count * picture.size[0] * picture.size[1] > MAX_PICTURE_PIXELS:
        raise UserError(
            f"{name} has {count} frames of {picture.size[1]}x{picture.size[0]} px: "
            f"over {MAX_PICTURE_FRAMES} frames or {MAX_PICTURE_PIXELS} pixels are not read"
        )
    if count > 1:
        picture.seek(count - 1)


def _upright(picture: Any, transpose: Callable[[Any], Any]) -> Any:
    """Return the picture turned by its EXIF orientation. Broken EXIF data is ignored, as viewers do."""
    try:
        return transpose(picture)
    except Exception:  # the tags may hold anything
        return picture


def _opaque(picture: Any) -> Any:
    """Return the picture as RGB, with transparent pixels over white."""
    from PIL import Image as Pictures

    if picture.mode == "F" or picture.mode.startswith("I"):
        return Pictures.fromarray(_grey(picture)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    rgba = picture.convert("RGBA")
    white = Pictures.new("RGBA", rgba.size, "white")
    return Pictures.alpha_composite(white, rgba).convert("RGB")


def _grey(picture: Any) -> npt.NDArray[np.uint8]:
    """Return grey of 16 or 32 bits as bytes.

    White is 65535. For floats and 32 bits it depends on the range of the values: 1, 255 or 65535. Raises
    ValueError if values are outside 0 … 65535.
    """
    values = np.asarray(picture).astype(np.float64)
    largest = float(values.max())
    if not np.isfinite(values).all() or values.min() < 0 or largest > 65535:
        raise ValueError("grey values are outside 0 … 65535")
    white = 65535.0
    if picture.mode == "F" and largest <= 1:
        white = 1.0
    elif not picture.mode.startswith("I;16") and largest <= 255 and picture.format != "PNG":
        white = 255.0
    grey = np.rint(values * (255.0 / white)).astype(np.uint8)
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 255
    return grey
