"""List the layouts of files that hold tasks, as in `LAYOUT:PATH`. Light, because `--help` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LAYOUTS: Final[Mapping[str, str]] = {
    "arc-agi-1": "vizbench.formats.arc.arckit",
    "arc-agi-2": "vizbench.formats.arc.arckit",
    "arc-json": "vizbench.formats.arc.task_files",
    "life-rle": "vizbench.formats.rle",
    "lichess-csv": "vizbench.formats.lichess",
}
"""The module whose SOURCES read a layout, by the word before the colon."""

CORPORA: Final = ("arc-json", "arc-agi-1", "arc-agi-2")
"""Layouts of ARC tasks."""

FORMS: Final = ", ".join(f"{layout}:PATH" for layout in LAYOUTS)
"""All of them, as `--help` shows them."""
