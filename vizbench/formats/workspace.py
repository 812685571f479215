"""Write a data set in a hidden folder beside its target, before it takes the target's place.

The workspace holds `new` (what is being written), during a replacement `old` (what was there), `owner.json`
and a lock. A killed process leaves it behind. The next `generate` beside it acquires the lock, so it knows
that the owner has ended, and clears the workspace. If it has a journal of finished shards, it stays until the
same command continues it.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import msgspec

from vizbench._util.files import read_bounded, write_atomically, write_new
from vizbench._util.locks import LOCK, take_lock
from vizbench.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

JOURNAL: Final = "finished.jsonl"
"""The file that records finished shards. It is there only if any are finished."""

_NAME: Final = re.compile(r"\.vizbench-[0-9a-f]{16}")
_OWNER: Final = "owner.json"
_MAX_OWNER: Final = 8192

_log = logging.getLogger(__name__)


@final
class _Owner(msgspec.Struct, frozen=True):
    """Who writes in a workspace, and what it replaces."""

    workspace: str
    """The name of the workspace itself: a copy under another name belongs to somebody else."""
    target: bytes
    """The name of the folder that is written, which need not be UTF-8."""
    host: str
    """The name of the machine."""
    boot: str
    """The running kernel, which containers of one machine share; empty if unknown."""


@final
class Workspace:
    """A workspace that this process holds."""

    def __init__(self, folder: Path, target: Path, lock: BaseFileLock | None = None) -> None:
        """Take a workspace for `target`: make it, or adopt one whose lock is given. It has an empty `new`.

        Raises OSError if the disk refuses.
        """
        self._folder = folder
        self._lock = lock
        if lock is not None:
            write_atomically(folder / _OWNER, self._owner(target))
            self.new.mkdir(exist_ok=True)
            return
        folder.mkdir()
        try:
            self._lock = take_lock(folder)
            write_new(folder / _OWNER, self._owner(target))
            self.new.mkdir()
        except BaseException:  # Ctrl-C too must leave nothing behind
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _owner(self, target: Path) -> bytes:
        owner = _Owner(self._folder.name, os.fsencode(target.name), socket.gethostname(), _boot())
        return msgspec.json.encode(owner)

    @property
    def folder(self) -> Path:
        """The workspace itself."""
        return self._folder

    @property
    def new(self) -> Path:
        """The folder that is being written."""
        return self._folder / "new"

    @property
    def old(self) -> Path:
        """The place of the target until `new` has replaced it."""
        return self._folder / "old"

    def remove(self) -> None:
        """Delete the workspace with everything in it."""
        _delete(self._folder, self._lock)

    def leave(self) -> None:
        """Leave the workspace to a later command that continues it."""
        if self._lock is not None:
            self._lock.release()


def new_workspace(target: Path) -> Workspace:
    """Make a workspace beside `target`. Raises OSError if the disk refuses."""
    return Workspace(target.parent / f".vizbench-{secrets.token_hex(8)}", target)


def unfinished(target: Path) -> Iterator[Workspace]:
    """Yield the workspaces of ended commands that have finished shards of `target`. Each is locked.

    The caller leaves or removes it. Workspaces of other machines are among them: the lock says whether their
    command has ended.
    """
    for folder, owner in _workspaces(target.parent, anywhere=True):
        is_of_target = os.fsdecode(owner.target) == target.name and not (folder / "old").exists()
        if is_of_target and _has_shards(folder):
            with suppress(OSError, UserError):  # its process is at work, or the disk refuses
                yield _adopted(folder, target)


def shards_left(target: Path) -> Path | None:
    """Return a workspace with finished shards of `target`, whether its command has ended or not, or None."""
    for folder, owner in _workspaces(target.parent, anywhere=True):
        if os.fsdecode(owner.target) == target.name and _has_shards(folder):
            return folder
    return None


def _adopted(folder: Path, target: Path) -> Workspace:
    lock = take_lock(folder)
    try:
        return Workspace(folder, target, lock)
    except BaseException:
        lock.release()
        raise


def put_back(old: Path, target: Path) -> Path:
    """Move a folder back to its place, or to a visible name beside it if the place is taken.

    Returns the new path of the folder. Raises OSError if the disk refuses.
    """
    try:
        old.rename(target)
    except OSError:
        target = target.with_name(f"{target.name[:40]}-old-{secrets.token_hex(4)}")
        old.rename(target)
    return target


def recover(parent: Path) -> None:
    """Clear the workspaces in `parent` that killed processes left, and put back what they had moved aside.

    Those with finished shards stay. Workspaces of live processes, of other users and of other machines are
    skipped.
    """
    for folder, _ in _workspaces(parent):
        with suppress(OSError, UserError):  # its process is at work, or the disk refuses
            _recover(folder)


def moved_aside(target: Path) -> Path | None:
    """Return the path of the data set that an interrupted replacement moved away from `target`, or None."""
    for folder, owner in _workspaces(target.parent):
        if os.fsdecode(owner.target) == target.name and _is_interrupted(folder):
            return folder / "old"
    return None


def _recover(folder: Path) -> None:
    lock = take_lock(folder)
    try:
        owner = _owner(folder)
        if owner is None:  # it was cleared before the lock was acquired
            return
        if _is_interrupted(folder):
            target = folder.parent / os.fsdecode(owner.target)
            place = put_back(folder / "old", target)
            if place != target:
                _log.warning(
                    "%s was taken while an interrupted run replaced it: what was there is now %s",
                    target,
                    place,
                )
        if not _has_shards(folder):
            _delete(folder, lock)
    finally:
        lock.release()


def _has_shards(folder: Path) -> bool:
    """Return whether a workspace has finished shards that are not published."""
    return (folder / JOURNAL).is_file() and (folder / "new").is_dir()


def _is_interrupted(folder: Path) -> bool:
    """Return whether a replacement ended between its two renames."""
    return (folder / "old").is_dir() and (folder / "new").is_dir()


def _delete(folder: Path, lock: BaseFileLock | None) -> None:
    if _is_interrupted(folder):  # what was there could not be put back: a later run tries again
        if lock is not None:
            lock.release()
        return
    # Renamed first: a thread that still writes there then finds no folder, and adds nothing to it.
    trash = folder / "trash"
    with suppress(OSError):
        (folder / "new").rename(trash)
    (folder / JOURNAL).unlink(missing_ok=True)
    for name in ("trash", "new", "old"):
        shutil.rmtree(folder / name, ignore_errors=True)
    if any((folder / name).exists() for name in ("trash", "new", "old")):
        return  # it keeps its owner, so that a later run clears it
    (folder / _OWNER).unlink(missing_ok=True)
    if lock is not None:
        lock.release()
    (folder / LOCK).unlink(missing_ok=True)
    with suppress(OSError):  # somebody put a file there
        folder.rmdir()


def _workspaces(parent: Path, anywhere: bool = False) -> Iterator[tuple[Path, _Owner]]:
    """Yield the workspaces in a folder that processes of this machine and this user made.

    anywhere: also those that this user made on other machines.
    """
    try:
        names = [name for name in os.listdir(parent) if _NAME.fullmatch(name)]
    except OSError:
        return
    for name in names:
        owner = _owner(parent / name)
        if owner is not None and (anywhere or _is_here(owner)):
            yield parent / name, owner


def _is_here(owner: _Owner) -> bool:
    """Return whether the owner of a workspace ran on this machine."""
    return owner.boot == _boot() != "" or owner.host == socket.gethostname()


def _owner(folder: Path) -> _Owner | None:
    """Return who made a workspace; None if it is not a workspace of this user."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != _user():
            return None
        owner = msgspec.json.decode(read_bounded(folder / _OWNER, "record", _MAX_OWNER), type=_Owner)
    except (OSError, ValueError, RecursionError):
        return None
    name = os.fsdecode(owner.target)
    is_plain = name not in ("", ".", "..") and os.path.basename(name) == name and "\0" not in name
    return owner if owner.workspace == folder.name and is_plain else None


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _boot() -> str:
    """Return the id of the running kernel; empty if there is no `/proc`."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii", "replace").strip()
    except OSError:
        return ""
