"""Read files of bounded size, and write files so that they survive a kill or a full disk.

Reading trusts nothing: a path may name a pipe, a device or a file of any size. Writing replaces a whole
file or leaves the old one. Every refusal of the disk becomes one sentence with the path and the way out.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import stat
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, final

from vizbench._util.notices import notice
from vizbench.errors import UserError

SYNC: Final = 0.25
"""Seconds between two forced writes of a log."""

_NAME_LENGTH: Final = 50
"""Characters of a file's name in the name of its draft, which may have 255 bytes in all."""

_NO_SYNC: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The errors of file systems that cannot force a file to the disk."""

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
    errno.EBUSY: "it is a mount point or in use: choose a folder in it",
    errno.ENOENT: "the folder does not exist: make it first, or choose another place",
    errno.ENOTDIR: f"a part of that path is a file: {_ELSEWHERE}",
    errno.EEXIST: f"there is a file of that name: {_ELSEWHERE}",
    errno.EISDIR: f"there is a folder of that name: {_ELSEWHERE}",
    errno.ENAMETOOLONG: f"the name is too long: {_ELSEWHERE}",
    errno.EINVAL: f"the name is not allowed: {_ELSEWHERE}",
    errno.ELOOP: f"links lead in a circle there: {_ELSEWHERE}",
}
"""What each error of the system means for a user, and what to do."""


# Errors


def write_error(path: str | Path, error: Exception) -> UserError:
    """Return the error that says why `path` cannot be written, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    reason = _REFUSED.get(number or 0, f"{_reason(error)}: {_ELSEWHERE}")
    return UserError(f"{path} cannot be written: {reason}")


@contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """Within the block, turn what a disk refuses into the error of `write_error`. Other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        raise write_error(path, error) from error


def _reason(error: Exception) -> str:
    """Return the system's own words for an error."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# Reading


def open_regular(path: str | Path, what: str) -> BinaryIO:
    """Open a regular file for reading. A pipe or a device might never end.

    what: the noun for errors. Raises UserError if there is no such file, or it is not a regular one.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise UserError(f"{what} {path} cannot be opened ({_reason(error)}): give a readable file") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{what} {path} is not a regular file: give the path of one")
    return os.fdopen(descriptor, "rb")


def read_bounded(path: str | Path, what: str, limit: int) -> bytes:
    """Return the content of a regular file. Raises UserError if it is another kind, or over `limit` bytes."""
    with open_regular(path, what) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_large(path, what, limit)
    return data


def check_regular(path: str | Path, what: str, limit: int) -> None:
    """Check that `path` is a regular file of at most `limit` bytes, for a library to open.

    what: the noun for errors. Raises UserError if it is not.
    """
    with open_regular(path, what) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise _too_large(path, what, limit)


def _too_large(path: str | Path, what: str, limit: int) -> UserError:
    return UserError(f"{what} {path} is over {limit:,} bytes, the most that is read: give a smaller file")


def read_lines(path: Path, what: str, limit: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield each line with its number, from 1, and the byte where it ends. The last may lack its newline.

    Raises UserError if the file is not a regular one, or a line has over `limit` bytes.
    """
    end = 0
    number = 0
    with open_regular(path, what) as file:
        while line := file.readline(limit + 1):
            number += 1
            if len(line) > limit:
                raise UserError(
                    f"line {number} of {what} {path} is over {limit:,} bytes, the most that is read: "
                    "vizbench writes no such line"
                )
            end += len(line)
            yield number, end, line


# Writing


def file_target(path: str | Path) -> Path:
    """Return the path behind all links: a regular file, which a new one may replace, or nothing yet.

    Raises UserError if it is a folder, a device or a pipe. A rename would put a file in its place, and a
    device in `/dev` would be gone for the whole machine.
    """
    try:
        target = Path(path).resolve()
        # A loop of links is an error of `resolve` up to Python 3.12, and its own path from 3.13 on.
        taken = target.is_symlink() or (target.exists() and not target.is_file())
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: the loop; ValueError: a NUL byte
        raise write_error(path, error) from None
    if taken:
        raise UserError(
            f"{path} cannot be written: there is a folder, a device or a loop of links of that name: "
            f"{_ELSEWHERE}"
        )
    return target


@contextmanager
def atomic_path(path: str | Path) -> Generator[Path]:
    """Yield an empty draft beside `path`, which replaces the file if the block succeeds.

    A link is kept, and the file behind it is replaced. Raises UserError if the disk refuses, or `path`
    names anything but a regular file. `write_atomically` also survives a power cut; this forces nothing to
    the disk.
    """
    target = file_target(path)
    draft = target.with_name(
        f"{_draft_prefix(target)}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.draft"
    )
    try:
        draft.open("xb").close()  # a folder that refuses is known before the work in the block
        try:
            yield draft
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a run after a crash, sees the old or the new one and never a part.

    Links and errors are those of `atomic_path`. Drafts of this file that killed processes left are removed.
    """
    with disk_errors(path):
        _sweep(file_target(path))
    with atomic_path(path) as draft, draft.open("wb") as file:
        file.write(data)
        file.flush()
        _force(file.fileno())


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, into a folder that appears later in whole.

    Raises OSError if the disk refuses: only the caller knows the path that the user gave.
    """
    with path.open("xb") as file:
        file.write(data)


def remove_drafts(directory: Path) -> None:
    """Remove every draft in a directory. Call it only with the lock of the directory."""
    with disk_errors(directory):
        for draft in directory.glob(".*.draft"):
            draft.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove the drafts of a file whose writers on this machine have ended."""
    pattern = re.compile(
        rf"{re.escape(_draft_prefix(target))}{_machine()}-([0-9]{{1,10}})(-[0-9a-f]+)?\.draft"
    )
    with os.scandir(target.parent) as entries:
        drafts = [(entry.path, match[1]) for entry in entries if (match := pattern.fullmatch(entry.name))]
    for path, pid in drafts:
        if not _is_running(int(pid)):
            Path(path).unlink(missing_ok=True)


def _draft_prefix(target: Path) -> str:
    return f".{target.name[:_NAME_LENGTH]}."


def _machine() -> str:
    """Return a short word for this machine: process ids of other machines mean nothing here."""
    return hashlib.blake2b(platform.node().encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()


def _is_running(pid: int) -> bool:
    """Return whether a process with this id runs on this machine; True if that is unknown."""
    if sys.platform == "win32":  # os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it belongs to another user
        return True
    return True


def _force(descriptor: int) -> None:
    """Force a file to the disk, if its file system can do so."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


@final
class Log:
    """Append lines to a file.

    A line has left this process when `append` returns, so a killed process loses none. Lines that come
    slower than one per SYNC seconds are forced to the disk at once. Of faster ones a power cut may take the
    last SYNC seconds: forcing each line cost 4 to 15 ms on a busy disk, minutes for the baselines of a
    small suite.
    """

    def __init__(self, path: Path, keep: int) -> None:
        """Open the log to continue after its first `keep` bytes.

        What follows is a torn line: it is cut off, with a notice. A last line that lacks only its newline
        gets it. Raises UserError if the disk refuses.
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
                f"{path}: the last line was cut short when a run was killed; it is written again",
                ("torn", str(path)),
            )

    def append(self, lines: Iterable[bytes]) -> None:
        """Write lines, given without their newlines. Raises UserError if the disk refuses."""
        with disk_errors(self._path):
            self._file.write(b"".join(line + b"\n" for line in lines))
            self._file.flush()
            if time.monotonic() - self._synced > SYNC:
                self._sync()

    def close(self) -> None:
        """Force what was appended to the disk, and close the file. Raises UserError if the disk refuses."""
        with disk_errors(self._path), self._file:
            self._sync()

    def _sync(self) -> None:
        _force(self._file.fileno())
        self._synced = time.monotonic()
