"""The hidden folder beside a target in which a data set is written before it takes the target's place.

It holds `new` (what is being written), during a replacement `old` (what was there), `owner.json` and `lock`.
A killed process leaves it behind; the next `generate` beside it finds out by the lock that its owner is gone,
and clears it."""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import msgspec
from filelock import BaseFileLock, FileLock, Timeout

from vizbench.formats.files import read_bounded

_NAME: Final = re.compile(r"\.vizbench-[0-9a-f]{16}")
_OWNER: Final = "owner.json"
_LOCK: Final = "lock"
_MAX_OWNER: Final = 8192

_log = logging.getLogger(__name__)


@final
class _Owner(msgspec.Struct, frozen=True):
    """The process that writes in a workspace."""

    workspace: str
    """The name of the workspace itself: a copy under another name belongs to somebody else."""
    target: bytes
    """The name of the folder that is written, which need not be UTF-8."""
    host: str
    boot: str
    """The running kernel, which containers of one machine share; empty if unknown."""
    pid: int
    started: str
    """When the process started, because process ids are used again; empty if unknown."""


@final
class Workspace:
    """A workspace that this process holds."""

    def __init__(self, target: Path) -> None:
        """Make a workspace beside `target`, with an empty folder `new`. OSError if the disk refuses."""
        self._folder = target.parent / f".vizbench-{secrets.token_hex(8)}"
        self._lock: BaseFileLock | None = None
        self._folder.mkdir()
        try:
            self._claim(target)
        except BaseException:  # Ctrl-C too must leave nothing behind
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _claim(self, target: Path) -> None:
        self._lock = _take(self._folder)
        pid = os.getpid()
        name = os.fsencode(target.name)
        owner = _Owner(self._folder.name, name, socket.gethostname(), _boot(), pid, _started(pid))
        (self._folder / _OWNER).write_bytes(msgspec.json.encode(owner))
        self.new.mkdir()

    @property
    def new(self) -> Path:
        """What is being written."""
        return self._folder / "new"

    @property
    def old(self) -> Path:
        """Where the target waits until `new` is in its place."""
        return self._folder / "old"

    def remove(self) -> None:
        """Delete the workspace with all that is in it."""
        _delete(self._folder, self._lock)


def put_back(old: Path, target: Path) -> Path:
    """Return a folder that was moved aside to its place, or to a visible name beside it if the place is
    taken.

    Returns where it is now.
    """
    try:
        old.rename(target)
    except OSError:
        target = target.with_name(f"{target.name[:40]}-old-{secrets.token_hex(4)}")
        old.rename(target)
    return target


def recover(parent: Path) -> None:
    """Clear the workspaces in `parent` that killed processes left. What they had moved aside returns to its
    place.

    Workspaces of live processes, of other users and of other machines are left alone.
    """
    for folder, owner in _workspaces(parent):
        with suppress(OSError, Timeout):  # its process is at work, or the disk refuses: it is in nobody's way
            _recover(folder, owner)


def moved_aside(target: Path) -> Path | None:
    """Where an interrupted replacement of `target` left what was there; None if there was none."""
    for folder, owner in _workspaces(target.parent):
        if os.fsdecode(owner.target) == target.name and _is_interrupted(folder):
            return folder / "old"
    return None


def _recover(folder: Path, owner: _Owner) -> None:
    lock = _take(folder)
    try:
        current = _owner(folder)  # it may have been cleared before the lock was had
        if current is None or (lock is None and _runs(owner)):
            return
        if _is_interrupted(folder):
            target = folder.parent / os.fsdecode(owner.target)
            place = put_back(folder / "old", target)
            if place != target:
                _log.warning(
                    "%s was taken while an interrupted run replaced it: what was there is %s", target, place
                )
        _delete(folder, lock)
    finally:
        if lock is not None:
            lock.release()


def _is_interrupted(folder: Path) -> bool:
    """Whether a replacement ended between its two renames: the old folder has left its place, the new one has
    not."""
    return (folder / "old").is_dir() and (folder / "new").is_dir()


def _delete(folder: Path, lock: BaseFileLock | None) -> None:
    if _is_interrupted(folder):  # what was there could not be put back: a later run tries again
        if lock is not None:
            lock.release()
        return
    # Renamed first: a thread that still writes there finds no folder, and adds nothing to what is being
    # deleted.
    trash = folder / "trash"
    with suppress(OSError):
        (folder / "new").rename(trash)
    for name in ("trash", "new", "old"):
        shutil.rmtree(folder / name, ignore_errors=True)
    if any((folder / name).exists() for name in ("trash", "new", "old")):
        return  # it keeps its owner, so that a later run clears it
    (folder / _OWNER).unlink(missing_ok=True)
    if lock is not None:
        lock.release()
    (folder / _LOCK).unlink(missing_ok=True)
    with suppress(OSError):  # somebody put a file there
        folder.rmdir()


def _workspaces(parent: Path) -> Iterator[tuple[Path, _Owner]]:
    """The workspaces in a folder that processes of this machine and this user made."""
    try:
        names = [name for name in os.listdir(parent) if _NAME.fullmatch(name)]
    except OSError:
        return
    for name in names:
        owner = _owner(parent / name)
        if owner is not None and (owner.boot == _boot() != "" or owner.host == socket.gethostname()):
            yield parent / name, owner


def _owner(folder: Path) -> _Owner | None:
    """Who made a workspace; None if it is none of this user's."""
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


def _take(folder: Path) -> BaseFileLock | None:
    """The lock of a workspace; None if the file system has no locks. Timeout if another process holds it."""
    lock = FileLock(folder / _LOCK, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise
    except OSError:
        if not folder.is_dir():
            raise
        return None
    return lock


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _started(pid: int) -> str:
    """When a process started, in the kernel's own unit; empty if there is no such process, or no `/proc`."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _runs(owner: _Owner) -> bool:
    """Whether an owner still runs, as far as process ids tell. Asked only if the file system has no locks."""
    if owner.started and owner.boot == _boot():
        return _started(owner.pid) == owner.started
    if sys.platform == "win32":  # a signal would end it
        return True
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace").strip()
    except OSError:
        return ""
