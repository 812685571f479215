"""Where files are written and found: what a new file may replace, and which names below a folder are data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from vizbench.errors import UserError

_CLUTTER: Final = frozenset(
    {
        "__macosx",  # macOS, in archives: a shadow of each file
        "icon\r",  # macOS, the icon of a folder
        "thumbs.db",  # Windows, as the next four
        "ehthumbs.db",
        "desktop.ini",
        "$recycle.bin",
        "system volume information",
        "@eadir",  # Synology, as the next
        "#recycle",
        "lost+found",  # ext4
    }
)
"""Names that systems leave in folders, in lower case."""


def is_hidden(name: str) -> bool:
    """Return whether the name of a file or folder marks it as no data.

    Hidden are names that begin with a dot (`._17.png`, `.ipynb_checkpoints`, `.git`), names that begin with
    `~$` (a document that is open), and what systems leave behind (`__MACOSX`, `Thumbs.db`, `desktop.ini`).
    """
    return name.startswith((".", "~$")) or name.lower() in _CLUTTER


def has_hidden(parts: Iterable[str]) -> bool:
    """Return whether any part of a path is hidden. Pass only the parts below the folder that the user
    named."""
    return any(is_hidden(part) for part in parts)


def visible_files(top: Path) -> Iterator[Path]:
    """Yield the files below a folder, hidden ones and those in hidden folders left out.

    The folders are visited in the order of their names, and so are the files of each. Links to folders are
    not followed, so the walk ends. The name of `top` itself does not count: a user may name a hidden folder.
    """
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield from (Path(folder, name) for name in sorted(names) if not is_hidden(name))


def file_target(path: str | Path) -> Path:
    """The path behind all links: a plain file, which a new one may replace, or nothing yet.

    UserError for a folder, a device, a pipe: a rename would put a file in their place, and one in `/dev`
    would be gone for the whole machine."""
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
