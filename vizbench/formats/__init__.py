"""Read and write data sets on disk, and read the corpora of others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vizbench.formats.manifest import FORMATS, Manifest, Settings
    from vizbench.formats.reader import check, read
    from vizbench.formats.writer import Execution, write, write_splits

__all__ = ["FORMATS", "Execution", "Manifest", "Settings", "check", "read", "write", "write_splits"]

_HOMES: Final = {
    "manifest": ("FORMATS", "Manifest", "Settings"),
    "reader": ("check", "read"),
    "writer": ("Execution", "write", "write_splits"),
}
"""The names of each module. It is imported if one of them is used: the command line lists layouts only."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
