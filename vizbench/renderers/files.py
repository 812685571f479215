"""Pictures on disk, and the atomic write that clips share. Files that are read are hostile until checked."""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from vizbench.errors import UserError
from vizbench.paths import file_target
from vizbench.renderers.frames import index_palette, render_indices
from vizbench.renderers.geometry import MAX_PICTURE, Shape
from vizbench.types import Grid, Image, Look
from vizbench.words import plural

MAX_FILE_BYTES = 64 << 20
"""Larger picture files are refused unread."""


@contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """A temporary file beside `path` to write to; it takes the path's place when the block ends well, else it goes.

    A link stays, and the file behind it is replaced. Raises UserError where the folder or the disk refuses, and for a
    path that is no plain file.
    """
    target = file_target(path)
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=f".{os.getpid()}.tmp", dir=target.parent)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)  # mkstemp makes files for their owner alone
        part.replace(target)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def save_png(file: str | Path | IO[bytes], grid: Grid, look: Look | str, board: Shape | None = None) -> None:
    """Write a grid as a palette-mode PNG: 4 to 8 times faster than RGB, and smaller. Arguments as `frames.render`."""
    from PIL import Image as Pictures

    indices = render_indices(grid[None], look, board)[0]
    picture = Pictures.fromarray(indices)  # mode L; a palette makes it P
    picture.putpalette(index_palette(look).tobytes())
    if not isinstance(file, str | Path):
        picture.save(file, "PNG")
        return
    with atomic(file) as part:
        picture.save(part, "PNG")


def read_png(path: str | Path) -> Image:
    """Read a PNG, JPEG or WebP file as `(H, W, 3)` uint8. Transparency and later frames are dropped.

    File size, format and sides are checked before pixels are decoded. Raises UserError for anything else.
    """
    from PIL import Image as Pictures

    check_file(path, MAX_FILE_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of bombs
            with Pictures.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
                if max(picture.size) > MAX_PICTURE:
                    size = f"{picture.size[1]}x{picture.size[0]}"
                    raise UserError(f"{path} is {size} px: sides over {MAX_PICTURE} px are not read")
                return np.array(picture.convert("RGB"))
    except UserError:
        raise
    except Exception as error:  # Pillow's readers raise many kinds on broken files
        raise UserError(f"{path} is no readable PNG, JPEG or WebP picture ({type(error).__name__})") from None


def check_file(path: str | Path, most: int) -> None:
    """Refuse with a UserError what is missing, no plain file (a pipe would hang), or over `most` bytes."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"cannot read {path}: it is no plain file")
    if found.st_size > most:
        raise UserError(f"{path} has {plural(found.st_size, 'byte')}: files over {most} are not read")
