"""A folder that stands in whole or not at all: written beside its place, then renamed into it."""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from vizbench.errors import UserError
from vizbench.formats.manifest import NAME


@contextmanager
def replaced(out: Path, overwrite: bool) -> Generator[Path]:
    """Gives an empty folder to write into, which becomes `out` at the end, unless something failed: then nothing stays.

    UserError where `out` is a file or the current folder, or holds anything and `overwrite` is off, or is not a data
    set (so that nobody's files are deleted), or where the disk refuses.
    """
    try:
        target = out.resolve()
        _check(target, overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.parent / f".vizbench-{secrets.token_hex(8)}.part"
        part.mkdir()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise error if isinstance(error, UserError) else refused(out, error) from error
    try:
        yield part
        _swap(part, target)
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError):
            raise refused(out, error) from error
        raise


def refused(out: Path, error: Exception) -> UserError:
    """What to say when the system refuses to write `out`."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"the disk of {out} is full and nothing was written: free some space or write elsewhere")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UserError(f"{out} cannot be written ({reason}): choose another folder")


def _check(target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UserError(f"{target} is a file: choose a folder that is new or empty")
    if Path.cwd().is_relative_to(target):  # its shell would stand in a folder that is gone
        raise UserError(f"{target} is the current folder or holds it, and would be replaced: name a folder in it")
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise UserError(f"{target} is not empty: choose another folder, or replace it in whole with --overwrite")
    if not (target / NAME).is_file():
        raise UserError(f"{target} holds files but no {NAME}, so it is no data set and is not replaced: choose another")


def _swap(part: Path, target: Path) -> None:
    """Put `part` in the place of `target`; what was there is deleted only once the new stands.

    Two renames, because no portable call exchanges folders: a kill between them leaves the old one as `.old`.
    """
    if not target.exists():
        part.rename(target)
        return
    old = part.with_suffix(".old")
    target.rename(old)
    try:
        part.rename(target)
    except BaseException:  # Ctrl-C too must not lose what was there
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
