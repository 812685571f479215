"""Where a file is written: what stands at a path, before anything takes its place."""

from __future__ import annotations

from pathlib import Path

from vizbench.errors import UserError


def file_target(path: str | Path) -> Path:
    """The path behind all links: a plain file, which a new one may replace, or nothing yet.

    UserError for a folder, a device, a pipe: a rename would put a file in their place, and one in `/dev` would be gone
    for the whole machine.
    """
    try:
        target = Path(path).resolve()
        # A loop of links is an error of `resolve` up to Python 3.12, and its own path from 3.13 on.
        taken = target.is_symlink() or (target.exists() and not target.is_file())
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: the loop; ValueError: a NUL byte
        raise UserError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    if taken:
        raise UserError(
            f"cannot write {path}: there is a folder, a device or a loop of links of that name, choose another"
        )
    return target
