"""Writing a run so that it survives: whole files or none, lines that outlive a kill, one writer."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from vizbench._util.notices import notice
from vizbench._util.paths import file_target
from vizbench.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

MAX_LINE: Final = 8 << 20
"""The longest line that is read back: a 1024x1024 answer has 4 MB."""

SYNC: Final = 0.25
"""Seconds between two forced writes of a log."""

LOCK: Final = "lock"
"""The file whose lock a writer holds. It stays, and holds the writer's process id."""

MARKER: Final = "lock.marker"
"""The file whose mere existence keeps others out, on file systems without locks. It holds process id and
machine."""

PATIENCE: Final = 0.5
"""Seconds that a marker of a dead process may take to be recognised."""

_NO_SYNC: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer that cannot force a file to the disk."""

_AGAIN: Final = "free some space, then give the same command again"
_ELSEWHERE: Final = "choose another place"
_REFUSED: Final = {
    errno.ENOSPC: f"the disk is full: {_AGAIN}",
    errno.EDQUOT: f"the disk quota is used up: {_AGAIN}",
    errno.EFBIG: "a file may not grow further there: lift that limit, then give the same command again",
    errno.EIO: f"the disk failed: {_ELSEWHERE}",
    errno.EROFS: f"the disk is read-only: {_ELSEWHERE}",
    errno.EACCES: f"writing there is not permitted: {_ELSEWHERE}",
    errno.EPERM: f"writing there is not permitted: {_ELSEWHERE}",
    errno.ENOENT: "the folder does not exist: make it first, or choose another place",
    errno.ENOTDIR: f"a part of that path is a file: {_ELSEWHERE}",
    errno.EEXIST: f"there is a file of that name: {_ELSEWHERE}",
    errno.EISDIR: f"there is a folder of that name: {_ELSEWHERE}",
    errno.ENAMETOOLONG: f"the name is too long: {_ELSEWHERE}",
    errno.EINVAL: f"the name is not allowed: {_ELSEWHERE}",
    errno.ELOOP: f"links lead in a circle there: {_ELSEWHERE}",
}


@contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """Turn what a disk refuses into a UserError that names `path` and the way out."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        raise UserError(f"{path} cannot be written: {_REFUSED[error.errno]}") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a run after a crash, sees the old or the new one and never a part.

    A link stays, and the file behind it is replaced. Drafts of this file that killed processes left are
    removed. UserError if the disk refuses, and for no plain file."""
    target = file_target(path)
    draft = target.with_name(f".{target.name}.{_machine()}-{os.getpid()}.draft")
    with disk_errors(path):
        _sweep(target)
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                _force(file.fileno())
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)


def _force(descriptor: int) -> None:
    """Force a file to the disk, on file systems that can be asked to."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def _sweep(target: Path) -> None:
    """Remove the drafts of a file whose writers have ended. Those of other machines, or of who still runs,
    stay."""
    draft = re.compile(rf"\.{re.escape(target.name)}\.{_machine()}-([0-9]{{1,10}})\.draft")
    with os.scandir(target.parent) as entries:
        writers = [(entry.path, match[1]) for entry in entries if (match := draft.fullmatch(entry.name))]
    for path, pid in writers:
        if not _runs(int(pid)):
            Path(path).unlink(missing_ok=True)


def _machine() -> str:
    """Return a short word for this machine: process ids of another one say nothing here."""
    return hashlib.blake2b(platform.node().encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()


def _runs(pid: int) -> bool:
    """Return whether a process of this id runs here; True if that cannot be found out."""
    if sys.platform == "win32":  # os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's
        return True
    return True


def remove_drafts(directory: Path) -> None:
    """Remove what processes that were killed within `write_atomically` left there. Only for who has the
    directory locked."""
    with disk_errors(directory):
        for draft in directory.glob(".*.draft"):
            draft.unlink(missing_ok=True)


@final
class Log:
    """Lines appended to a file.

    A line has left this process when `append` returns, so a killed process loses none. It is forced to the
    disk at once where lines come slower than every SYNC seconds; of faster ones a power cut may take the last
    SYNC seconds. Forcing each cost 4 to 15 ms on a busy disk: minutes for the baselines of a small suite."""

    def __init__(self, path: Path, keep: int) -> None:
        """Open the log to go on after its first `keep` bytes. What follows is a torn line: it is cut off, and
        said.

        A last line that lacks only its line end gets it.
        """
        self._path = path
        self._synced = time.monotonic()
        with disk_errors(path):
            self._file = path.open("a+b")
            torn = self._file.seek(0, os.SEEK_END) - keep
            self._file.truncate(keep)
            if keep:
                self._file.seek(keep - 1)
                if self._file.read(1) != b"\n":
                    self._file.write(b"\n")
        if torn > 0:
            notice(
                f"{path}: the last line was cut short when a run was killed; it is made anew",
                ("torn", str(path)),
            )

    def append(self, lines: Iterable[bytes]) -> None:
        with disk_errors(self._path):
            self._file.write(b"".join(line + b"\n" for line in lines))
            self._file.flush()
            if time.monotonic() - self._synced > SYNC:
                self._sync()

    def close(self) -> None:
        with disk_errors(self._path), self._file:
            self._sync()

    def _sync(self) -> None:
        _force(self._file.fileno())
        self._synced = time.monotonic()


def read_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Each line with its number from 1 and the byte where it ends; the last may lack its newline. UserError
    for a line over MAX_LINE."""
    end = 0
    with path.open("rb") as file:
        for number in range(1, 1 << 62):
            line = file.readline(MAX_LINE + 1)
            if not line:
                return
            if len(line) > MAX_LINE:
                raise UserError(
                    f"{path}, line {number} is over {MAX_LINE >> 20} MiB: this is no file of ours"
                )
            end += len(line)
            yield number, end, line


@contextmanager
def folder_lock(directory: Path) -> Generator[None]:
    """Keep other processes out of a directory for a while. UserError if one is in it.

    The system drops a lock with the process that holds it, so it cannot go stale. Some network file systems
    have no locks. There a file that exists stands in: it names its process and machine, and a process of this
    machine that has ended is recognised. That is weaker, so it is said."""
    lock = _acquired(directory)
    try:
        yield
    finally:
        with disk_errors(directory):
            lock.release()


def _acquired(directory: Path) -> BaseFileLock:
    """Return the lock of a directory, acquired."""
    from filelock import FileLock, Timeout

    path = directory / LOCK
    with disk_errors(path):
        directory.stat()  # the lock would make the folder
    lock = FileLock(path, timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(directory, _owner(path)) from None
    except OSError as error:
        with disk_errors(path):  # a place where nothing can be written is no matter of locks
            path.open("ab").close()
        return _marked(directory, error)
    with suppress(OSError):  # Windows lets nobody write into a locked file
        path.write_bytes(str(os.getpid()).encode())
    return lock


def _marked(directory: Path, refusal: OSError) -> BaseFileLock:
    """Return a lock that is a file, acquired; say that, and why."""
    from filelock import SoftFileLock, Timeout

    path = directory / MARKER
    lock = SoftFileLock(path, timeout=PATIENCE, poll_interval=PATIENCE / 10, thread_local=False)
    with disk_errors(path):
        try:
            lock.acquire()
        except Timeout:
            raise _busy(directory, _owner(path), f"; if it has ended, remove {path}") from None
        device = directory.stat().st_dev
    notice(
        f"the file system of {directory} has no locks ({refusal.strerror or refusal}): a file {MARKER} in each folder "
        "keeps other processes out instead",
        ("no locks", device),
    )
    return lock


def _busy(directory: Path, owner: str, advice: str = "") -> UserError:
    return UserError(
        f"{directory} is being written by process {owner}: wait for it, or stop it first{advice}"
    )


def _owner(path: Path) -> str:
    """Return the process, and on another machine that, whose lock this is; `?` if it cannot be read."""
    try:
        with path.open("rb") as file:
            pid, *rest = file.read(400).decode("utf-8", "replace").split("\n")
    except OSError:  # Windows lets nobody read a locked file
        return "?"
    host = rest[0] if rest else ""
    return (pid.strip()[:20] or "?") + (f" on {host[:80]}" if host else "")
