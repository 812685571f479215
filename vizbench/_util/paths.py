"""Find the data files below a folder. Hidden files and those that systems leave behind are skipped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

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
    """Return whether the name of a file or folder says that it holds no data.

    Hidden are names that begin with a dot (`._17.png`, `.ipynb_checkpoints`, `.git`), names that begin with
    `~$` (a document that is open), and what systems leave behind (`__MACOSX`, `Thumbs.db`, `desktop.ini`).
    """
    return name.startswith((".", "~$")) or name.lower() in _CLUTTER


def has_hidden(parts: Iterable[str]) -> bool:
    """Return whether any part of a path is hidden. Pass only the parts below the folder that a user named."""
    return any(is_hidden(part) for part in parts)


def visible_files(top: Path) -> Iterator[Path]:
    """Yield the files below a folder, except hidden ones and those in hidden folders.

    The folders are visited in the order of their names, and so are the files of each. Links to folders are
    not followed, so the walk ends. The name of `top` itself does not count: a user may name a hidden folder.
    """
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield from (Path(folder, name) for name in sorted(names) if not is_hidden(name))
