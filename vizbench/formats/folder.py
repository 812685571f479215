"""Write a folder so that it appears in whole or not at all.

It is written in a workspace beside its place, then renamed into it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from vizbench._util.files import write_error
from vizbench._util.text import plural
from vizbench.engines.shard import NAME as PART
from vizbench.errors import UserError
from vizbench.formats import journal
from vizbench.formats import manifest as manifests
from vizbench.formats.draft import TRIAL, Draft
from vizbench.formats.format_base import Format, Place
from vizbench.formats.journal import Command, Finished, Journal
from vizbench.formats.parts import DIGESTS
from vizbench.formats.workspace import Workspace, new_workspace, put_back, recover, unfinished

_SHARD: Final = re.compile(r"(train|test)-\d{5}\.(jsonl|parquet|tar)")
_FOLDERS: Final = {"question": "png", "target": "png", "video": "mp4"}
"""The folders of pictures and clips of a split, with the suffix of their files."""
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


@final
class FolderDraft(Draft):
    """A data set that is written in a workspace beside its place."""

    def __init__(self, space: Workspace, journal: Journal | None, recorded: Mapping[str, Finished]) -> None:
        """journal: None if nothing is kept. recorded: what it holds."""
        self.space = space
        self._journal = journal
        self._recorded = recorded

    @property
    def folder(self) -> Path:
        return self.space.new

    @property
    def recorded(self) -> Mapping[str, Finished]:
        return self._recorded

    @property
    def finished(self) -> int:
        """The number of finished shards, with which the same command would continue."""
        return 0 if self._journal is None else self._journal.count

    def add(self, format: Format, place: Place, record: Finished) -> None:
        del format, place  # its files are where they belong
        if self._journal is not None:
            self._journal.add(record)

    def keep(self, records: Iterable[Finished]) -> None:
        if self._journal is not None:
            self._journal.restart(records)

    def digest(self, format: Format, place: Place) -> str | None:
        try:
            return format.digest(place)
        except UserError:
            return None


@contextmanager
def replace_folder(out: Path, overwrite: bool) -> Generator[Path]:
    """Yield an empty folder that becomes `out` at the end. If anything fails, nothing remains.

    An empty folder is replaced, and with `overwrite` the data set that was there at the start. Anything
    else that is at `out` at the end stays: of two writers the first to end wins, and the other gets a
    UserError. Raises UserError if `out` is a file, a mount point or the current folder, if it holds
    anything that may not be replaced, or if the disk refuses.
    """
    with folder_draft(out, overwrite, None) as draft:
        yield draft.folder


@contextmanager
def folder_draft(out: Path, overwrite: bool, command: Command | None) -> Generator[FolderDraft]:
    """Yield a draft that becomes `out` at the end: see `replace_folder`.

    command: what is written. If it ends early, its finished shards are kept for the same command. Raises
    UserError if another command has left finished shards of `out`; with `overwrite` those are deleted. None:
    nothing is kept.
    """
    made: list[Path] = []
    draft: FolderDraft | None = None
    done = False
    try:
        # Check the place before anything is made.
        target = out.resolve()
        recover(target.parent)
        before = _replaceable(target, overwrite)

        # Write beside it, then rename.
        _make_parents(target, made)
        draft = _opened(target, overwrite, command)
        yield draft
        try:
            _publish(draft.space, target, before)
        except Exception:
            draft.keep(())  # its place is taken: the same command would be refused
            raise
        done = True
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a NUL byte; RuntimeError: a loop of links
        if isinstance(error, UserError) or (draft is not None and not isinstance(error, OSError)):
            raise _with_rest(error, draft) from error.__cause__
        raise _with_rest(write_error(out, error), draft) from error
    finally:  # Ctrl-C too must leave nothing behind that no command continues
        if draft is not None:
            _close(draft, done)
        if not done:
            with suppress(OSError):  # somebody else uses them
                for folder in reversed(made):
                    folder.rmdir()


def _opened(target: Path, overwrite: bool, command: Command | None) -> FolderDraft:
    """Return the draft with the finished shards of the same command, or a new one.

    Raises UserError if another command has left finished shards.
    """
    if command is None:
        return FolderDraft(new_workspace(target), None, {})
    others: list[UserError] = []
    for space in unfinished(target):
        theirs, records = journal.read(space.folder)
        difference = journal.difference(theirs, command)
        if records and not difference:
            _clear(space.new)
            return FolderDraft(space, Journal(space.folder, command, len(records)), records)
        if overwrite or not records:
            space.remove()
            continue
        space.leave()
        others.append(
            UserError(
                f"{target} is unfinished: {space.folder} holds {plural(len(records), 'shard')} of another "
                f"command ({difference}): give that command again to finish it, or start anew with "
                "--overwrite, which deletes them"
            )
        )
    if others:
        raise others[0]
    space = new_workspace(target)
    return FolderDraft(space, Journal(space.folder, command, 0), {})


def _clear(new: Path) -> None:
    """Delete what an interrupted command wrote beside its shards."""
    for name in (manifests.NAME, PART, DIGESTS):
        (new / name).unlink(missing_ok=True)
    shutil.rmtree(new / TRIAL, ignore_errors=True)


def _with_rest(error: Exception, draft: FolderDraft | None) -> Exception:
    """Return an error that also says what is kept, if it is for the user."""
    if draft is None or not draft.finished or not isinstance(error, UserError):
        return error
    kept = plural(draft.finished, "finished shard")
    return UserError(f"{error} ({kept} in {draft.space.folder} for the same command)")


def _close(draft: FolderDraft, done: bool) -> None:
    """Remove the workspace, unless it has finished shards that the same command can use."""
    if draft.finished and not done:
        draft.space.leave()
    else:
        draft.space.remove()


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
    if manifest is None and (folder / PART).is_file():
        raise UserError(
            f"{folder} holds a part of a data set, which is not replaced: delete it, or choose another"
        )
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
