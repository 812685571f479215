"""Lock a directory against other processes, also on file systems that have no locks.

The system releases the lock of a process that ends, so a lock cannot become stale. Some network file systems
have no locks. A marker file replaces the lock there. It names its process and machine. If a process of this
machine has ended, its marker is taken over. A marker is weaker than a lock, so a notice reports it.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vizbench._util.files import disk_errors
from vizbench._util.notices import notice
from vizbench.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK: Final = "lock"
"""The file that a writer locks. It holds the writer's process id, and is not deleted."""

MARKER: Final = "lock.marker"
"""The file that replaces the lock on file systems without locks. It holds the process id and the machine."""

PATIENCE: Final = 0.5
"""Seconds to wait until the marker of a process that has ended is recognised."""


@contextmanager
def folder_lock(directory: Path) -> Generator[None]:
    """Within the block, keep other processes out of a directory.

    Raises UserError if another process has locked it, or the disk refuses.
    """
    with disk_errors(directory):
        lock = take_lock(directory)
    try:
        yield
    finally:
        with disk_errors(directory):
            lock.release()


def take_lock(directory: Path) -> BaseFileLock:
    """Return the lock of a directory, acquired.

    Raises UserError if another process holds it, OSError if the disk refuses.
    """
    from filelock import FileLock, Timeout

    path = directory / LOCK
    directory.stat()  # `acquire` would make a folder that is missing
    lock = FileLock(path, timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(directory, _owner(path)) from None
    except OSError as error:
        path.open("ab").close()  # if the folder cannot be written, locks are not the reason
        return _take_marker(directory, error)
    with suppress(OSError):  # Windows lets nobody write into a locked file
        path.write_bytes(str(os.getpid()).encode())
    return lock


def _take_marker(directory: Path, refusal: OSError) -> BaseFileLock:
    """Return a lock that is only a marker file, acquired, and give notice of it.

    refusal: why there is no lock.
    """
    from filelock import SoftFileLock, Timeout

    path = directory / MARKER
    lock = SoftFileLock(path, timeout=PATIENCE, poll_interval=PATIENCE / 10, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(directory, _owner(path), f"; if it has ended, remove {path}") from None
    notice(
        f"the file system of {directory} has no locks ({refusal.strerror or refusal}): "
        f"a file {MARKER} in each folder keeps other processes out instead",
        ("no locks", directory.stat().st_dev),
    )
    return lock


def _busy(directory: Path, owner: str, advice: str = "") -> UserError:
    return UserError(
        f"{directory} is being written by process {owner}: wait for it, or stop it first{advice}"
    )


def _owner(path: Path) -> str:
    """Return the process that holds a lock, with the name of another machine, or `?` if it is unknown."""
    try:
        with path.open("rb") as file:
            pid, *rest = file.read(400).decode("utf-8", "replace").split("\n")
    except OSError:  # Windows lets nobody read a locked file
        return "?"
    name = pid.strip()[:20] or "?"
    host = rest[0] if rest else ""
    return f"{name} on {host[:80]}" if host else name
