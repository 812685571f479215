"""List the layouts of files that hold tasks, as in `LAYOUT:PATH`. Light, because `--help` reads it."""

from __future__ import annotations

from typing import Final

LAYOUTS: Final = ("arc-agi-1", "arc-agi-2", "arc-json", "life-rle", "lichess-csv")
"""The words before the colon."""

CORPORA: Final = ("arc-json", "arc-agi-1", "arc-agi-2")
"""Layouts of ARC tasks."""

FORMS: Final = ", ".join(f"{layout}:PATH" for layout in LAYOUTS)
"""All of them, as `--help` shows them."""
