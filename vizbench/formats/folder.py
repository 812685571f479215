"""Write a folder so that it appears in whole or not at all.

It is written in a workspace beside its place, then renamed into it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from vizbench._util.files import write_error
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.workspace import Workspace, put_back, recover

_SHARD: Final = re.compile(r"(train|test)-\d{5}\.(jsonl|parquet|tar)")
_FOLDERS: Final = {"question": "png", "target": "png", "video": "mp4"}
"""The folders of pictures and clips in that of a split, with the suffix of their files."""
_LITTER: Final = re.compile(r"\.DS_Store|Thumbs\.db|desktop\.ini|\._.*")
"""Files that file managers leave. `--overwrite` deletes no other hidden file, such as `.git`."""


@final
@dataclass(frozen=True, slots=True)
class _Identity:
    """What identifies the data set that is to be replaced: another one may take its place meanwhile."""

    device: int
    inode: int
    manifest: bytes
    """The SHA-256 of its manifest."""


@contextmanager
def replace_folder(out: Path, overwrite: bool) -> Generator[Path]:
    """Yield an empty folder that becomes `out` at the end. If anything fails, nothing remains.

    An empty folder is replaced, and with `overwrite` the data set that was there at the start. Anything
    else that is at `out` at the end stays: of two writers the first to end wins, and the other gets a
    UserError. Raises UserError if `out` is a file, a mount point or the current folder, if it holds
    anything that may not be replaced, or if the disk refuses.
    """
    made: list[Path] = []
    space: Workspace | None = None
    done = False
    try:
        # Check the place before anything is made.
        target = out.resolve()
        recover(target.parent)
        before = _replaceable(target, overwrite)

        # Write beside it, then rename.
        _make_parents(target, made)
        space = Workspace(target)
        yield space.new
        _publish(space, target, before)
        done = True
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a NUL byte; RuntimeError: a loop of links
        if isinstance(error, UserError) or (space is not None and not isinstance(error, OSError)):
            raise
        raise write_error(out, error) from error
    finally:  # Ctrl-C too must leave nothing behind
        if space is not None:
            space.remove()
        if not done:
            with suppress(OSError):  # somebody else uses them
                for folder in reversed(made):
                    folder.rmdir()


def _replaceable(target: Path, overwrite: bool) -> _Identity | None:
    """Return the data set at `target` that is to be replaced; None if nothing or an empty folder is there.

    Raises UserError if what is there may not be replaced.
    """
    if not os.path.lexists(target):
        return None
    if not target.is_dir():
        raise UserError(f"{target} is a file: choose a folder that is new or empty")
    if Path.cwd().is_relative_to(target):  # its shell would be left in a folder that is gone
        raise UserError(
            f"{target} is the current folder or holds it, and would be replaced: name a folder in it"
        )
    if os.path.ismount(target):
        raise UserError(f"{target} is a mount point and cannot be replaced: name a folder in it")
    if not any(target.iterdir()):
        return None
    if not overwrite:
        raise UserError(
            f"{target} is not empty: choose another folder, or replace it in whole with --overwrite"
        )
    return _data_set(target)


def _data_set(folder: Path) -> _Identity:
    """Return what identifies the data set in a folder. Raises UserError if the folder holds anything else."""
    manifest = manifests.signed(folder)
    if manifest is None:
        raise UserError(
            f"{folder} holds files but no {manifests.NAME} of vizbench, so it is not a data set and is not "
            "replaced: choose another"
        )
    if (other := _foreign(folder)) is not None:
        raise UserError(f"{folder} holds {str(other)[:80]}, which is not of its data set: move it away first")
    state = folder.lstat()  # a link to the data set is not the data set
    return _Identity(state.st_dev, state.st_ino, hashlib.sha256(manifest).digest())


def _foreign(folder: Path) -> Path | None:
    """Return a file in the folder of a data set that `generate` did not write, as a path in it, or None."""
    for entry in _entries(folder):
        if entry.name in ("train", "test") and entry.is_dir(follow_symlinks=False):
            other = _foreign_picture(Path(entry.path))
            if other is not None:
                return entry.name / other
        elif entry.name != manifests.NAME and not _is_file(entry, _SHARD):
            return Path(entry.name)
    return None


def _foreign_picture(folder: Path) -> Path | None:
    """Return a file in the folder of a split that is no picture or clip of it, as a path in it, or None."""
    for entry in _entries(folder):
        if entry.name not in _FOLDERS or not entry.is_dir(follow_symlinks=False):
            return Path(entry.name)
        names = re.compile(rf"\d{{8}}\.{_FOLDERS[entry.name]}")
        for picture in _entries(Path(entry.path)):
            if not _is_file(picture, names):
                return Path(entry.name, picture.name)
    return None


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _is_file(entry: os.DirEntry[str], names: re.Pattern[str]) -> bool:
    is_named = names.fullmatch(entry.name) or _LITTER.fullmatch(entry.name)
    return bool(is_named) and entry.is_file(follow_symlinks=False)


def _make_parents(target: Path, made: list[Path]) -> None:
    """Make the folders above `target`, and add each that was not there to `made`."""
    missing = [folder for folder in target.parents if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another process was faster
            folder.mkdir()
            made.append(folder)
    target.parent.mkdir(exist_ok=True)  # an error if it is a file


def _publish(space: Workspace, target: Path, before: _Identity | None) -> None:
    """Rename the new folder to `target`. A rename replaces only an empty folder, on every system."""
    if before is None or not os.path.lexists(target):
        _rename(space.new, target)
        return
    if _now(target) != before:
        raise _changed(target)
    # No portable call exchanges two folders. If a kill comes between the renames, `recover` repairs it.
    try:
        target.rename(space.old)
        if _now(space.old) != before:  # another writer was faster by a moment
            raise _changed(target)
        _rename(space.new, target)
    except BaseException:  # Ctrl-C too must not lose what was there
        if space.new.exists() and space.old.exists():
            _return(space, target)
        raise


def _return(space: Workspace, target: Path) -> None:
    """Put back what was at `target`. Raises UserError if it is now elsewhere."""
    try:
        place = put_back(space.old, target)
    except OSError as error:
        raise UserError(
            f"{target} cannot be written ({error.strerror}): what was there is now {space.old}, and the next "
            "`generate` puts it back"
        ) from error
    if place != target:
        raise UserError(
            f"{target} was taken while it was replaced, and nothing was written: "
            f"what was there is now {place}"
        )


def _now(folder: Path) -> _Identity | None:
    """Return what identifies the data set that is now in a folder, or None."""
    try:
        return _data_set(folder)
    except (OSError, UserError):
        return None


def _rename(new: Path, target: Path) -> None:
    try:
        new.rename(target)
    except OSError:
        if os.path.lexists(target) and not os.path.ismount(target):
            raise _changed(target) from None
        raise


def _changed(target: Path) -> UserError:
    return UserError(
        f"{target} was made or changed by somebody else in the meantime, so it stays as it is and nothing "
        "was written: choose another folder"
    )
