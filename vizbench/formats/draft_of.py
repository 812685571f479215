"""Open the draft of a data set: beside its folder, or for an object store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from vizbench.formats.draft import Draft
from vizbench.formats.folder import folder_draft
from vizbench.formats.journal import Command


def draft_of(out: Path | str, overwrite: bool, command: Command | None) -> AbstractContextManager[Draft]:
    """Return the draft of what is to be at `out`: see `folder_draft`."""
    return folder_draft(Path(out), overwrite, command)
