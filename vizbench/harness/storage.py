"""Writing a run so that it survives: whole files or none, lines that outlive a kill, one writer."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, final

from vizbench.errors import UserError
from vizbench.paths import file_target

try:
    import fcntl
except ImportError:  # Windows: runs are not locked there
    fcntl = None

MAX_LINE: Final = 8 << 20
"""The longest line that is read back: a 1024x1024 answer has 4 MB."""

SYNC: Final = 0.25
"""Seconds between two forced writes of a log."""

_REFUSED: Final = {
    errno.ENOSPC: "the disk is full: free some space, then give the same command again, it goes on from here",
    errno.EDQUOT: "the disk quota is used up: free some space, then give the same command again, it goes on from here",
    errno.EFBIG: "a file may not grow further there: lift that limit, then give the same command again",
    errno.EIO: "the disk failed: choose another --out",
    errno.EROFS: "the disk is read-only: choose another --out",
    errno.EACCES: "writing there is not permitted: choose another --out",
    errno.EPERM: "writing there is not permitted: choose another --out",
    errno.ENOENT: "the folder does not exist: make it first, or choose another place",
    errno.ENOTDIR: "a part of that path is a file: choose another --out",
    errno.EEXIST: "there is a file of that name: choose another --out",
    errno.EISDIR: "there is a folder of that name: choose another --out",
    errno.ENAMETOOLONG: "the name is too long: choose another --out",
    errno.EINVAL: "the name is not allowed: choose another --out",
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


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a run after a crash, sees the old or the new one and never a part.

    A link stays, and the file behind it is replaced. UserError where the disk refuses, and for no plain file.
    """
    target = file_target(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    with disk_errors(path):
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)


def clear_drafts(directory: Path) -> None:
    """Remove what processes that were killed within `write_whole` left there. Only for who has the directory locked."""
    with disk_errors(directory):
        for draft in directory.glob(".*.draft"):
            draft.unlink(missing_ok=True)


@final
class Log:
    """Lines appended to a file.

    A line has left this process when `append` returns, so a killed process loses none. It is forced to the disk at once
    where lines come slower than every SYNC seconds; of faster ones a power cut may take the last SYNC seconds. Forcing
    each cost 4 to 15 ms on a busy disk: minutes for the baselines of a small suite.
    """

    def __init__(self, path: Path, keep: int) -> None:
        """keep: bytes of the file that stay; what follows, a torn line, is cut off."""
        self._path = path
        self._synced = time.monotonic()
        with disk_errors(path):
            self._file = path.open("ab")
            self._file.truncate(keep)

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
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()


def read_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Each line with its number from 1 and the byte where it ends; the last may lack its newline. UserError for a line
    over MAX_LINE."""
    end = 0
    with path.open("rb") as file:
        for number in range(1, 1 << 62):
            line = file.readline(MAX_LINE + 1)
            if not line:
                return
            if len(line) > MAX_LINE:
                raise UserError(f"{path}, line {number} is over {MAX_LINE >> 20} MiB: this is no file of ours")
            end += len(line)
            yield number, end, line


@contextmanager
def locked(directory: Path) -> Generator[None]:
    """Keep other processes out of a cell for a while; UserError if one is in it.

    The lock belongs to the open file, so the system drops it with a killed process: a lock cannot go stale. A file that
    merely exists, with a pid to be checked, was the alternative; two processes could both find it stale and both enter.
    """
    path = directory / "lock"
    with disk_errors(path):
        file = path.open("a+b")
    with file:
        if fcntl is not None and not _try_lock(file):
            file.seek(0)
            owner = file.read(20).decode("ascii", "replace").strip()
            raise UserError(f"{directory} is being written by process {owner or '?'}: wait for it, or stop it first")
        with disk_errors(path):
            file.truncate(0)
            file.write(str(os.getpid()).encode())
            file.flush()
        yield


def _try_lock(file: BinaryIO) -> bool:
    assert fcntl is not None  # the caller has looked
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
