"""Open the draft of a data set: beside its folder, or for an object store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from vizbench.formats.draft import Draft
from vizbench.formats.folder import folder_draft
from vizbench.formats.journal import Command
from vizbench.formats.store_draft import store_draft
from vizbench.formats.stores import is_url


def draft_of(
    out: Path | str, overwrite: bool, command: Command, resumes: bool = True
) -> AbstractContextManager[Draft]:
    """Return the draft of what is to be at `out`: a folder, or the URL of one in a store.

    resumes: whether a folder that is not finished stays for the same command. In a store it always does.
    """
    if is_url(out):
        return store_draft(str(out), overwrite, command)
    return folder_draft(Path(out), overwrite, command if resumes else None)
