"""Zip archives that others made. A file in one is named as if the archive were a folder:
`tasks.zip/Copy/Copy1.json`.

Nothing is ever unpacked to disk. An archive may lie about everything: names that lead outside, sizes,
checksums, a directory of a million files, a kilobyte that unpacks to a gigabyte."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final, final

from vizbench._util.files import read_bounded
from vizbench._util.paths import has_hidden
from vizbench.errors import UserError
from vizbench.formats.registry import MAX_FILES

SUFFIX: Final = ".zip"

MAX_ARCHIVE: Final = 32 << 20
"""Bytes of an archive. `zipfile` holds its whole directory, about ten times as large in memory as on disk."""

MAX_UNPACKED: Final = 1 << 30
"""Bytes that the wanted files of an archive may say to have together."""

MAX_NAME: Final = 200
"""Characters of a name in an archive."""

# bz2 and lzma unpack 4 KB to 80 MB at once, whatever is asked for; `zipfile` bounds deflate alone.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

_SEALED: Final = 0x1 | 0x20 | 0x40
"""Flags of a member that is encrypted, a patch, or encrypted strongly."""

# What `zipfile` lets through, as 400,000 archives with wrong bytes showed.
_FORGED: Final = (
    zipfile.BadZipFile,  # its own word for a bad directory
    ValueError,  # a name that is no UTF-8
    NotImplementedError,  # a version of zip above its own
)
_DAMAGED: Final = (
    zipfile.BadZipFile,  # a bad header or checksum
    ValueError,  # a name that is no UTF-8, a place before the file
    OverflowError,  # a place beyond 64 bits
    zlib.error,  # no deflate
    EOFError,  # less than was said
)


def archive_of(path: Path) -> Path | None:
    """The archive that a path is or lies in; None where it is no archive's."""
    return next(
        (p for p in (path, *path.parents) if p.name.lower().endswith(SUFFIX) and os.path.isfile(p)), None
    )


def members(archive: Path, suffix: str) -> list[str]:
    """The names of the files in an archive that end so, sorted, unsafe ones too: `read_member` says what they
    are.

    Hidden names are left out, as in folders. UserError for what is no archive, is too large, or holds no such
    file."""
    names = [name for name in _directory(archive).files if name.endswith(suffix)]
    names = [name for name in names if not _is_hidden(name)]
    wanted = [info for name in names for info in _directory(archive).files[name]]
    if not wanted:
        raise UserError(f"{archive} holds no {suffix} file: give an archive of them, or one file")
    if len(wanted) > MAX_FILES:
        raise UserError(f"{archive} holds over {MAX_FILES:,} {suffix} files: give a smaller archive")
    if sum(info.file_size for info in wanted) > MAX_UNPACKED:
        raise UserError(
            f"{archive} unpacks to over {MAX_UNPACKED:,} bytes, the most that is read: give less of it"
        )
    return sorted(names)


def read_member(archive: Path, name: str, what: str, limit: int) -> bytes:
    """One file of an archive, of at most `limit` bytes. what: the noun for the error."""
    place = f"{what} {archive}/{name[:MAX_NAME]}"
    opened = _directory(archive)
    rooted = (
        f"{slashes}{name}" for slashes in ("/", "//")
    )  # a path to a file in an archive cannot say these slashes
    if fault := _unsafe(next((other for other in rooted if other in opened.files), name)):
        raise UserError(f"{place} has a name that {fault}: pack it under a plain one")
    found = opened.files.get(name, ())
    if len(found) != 1:
        there = "is not in its archive" if not found else "is in its archive more than once"
        raise UserError(f"{place} {there}: name one file of it")
    (info,) = found
    if info.file_size > limit:
        raise UserError(f"{place} is over {limit:,} bytes, the most that is read: give a smaller file")
    if info.flag_bits & _SEALED or info.compress_type not in _METHODS:
        raise UserError(
            f"{place} is encrypted or packed by a rare method: pack it by deflate, without a password"
        )
    try:
        with opened.archive.open(info) as file:
            return file.read(limit)
    except _DAMAGED as error:
        raise UserError(f"{place} is damaged ({str(error)[:120]}): pack it anew") from None


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Directory:
    """An archive in memory, and its files by name.

    `./a.json` and `a//b.json` go by `a.json` and `a/b.json`, and so does `a\\b.json`: PowerShell 5 and older
    libraries of .NET write backslashes between folders. Two files that then have one name are both refused.
    """

    archive: zipfile.ZipFile
    files: Mapping[str, Sequence[zipfile.ZipInfo]]


def _directory(archive: Path) -> _Directory:
    try:
        state = os.stat(archive)
    except OSError as error:
        raise UserError(
            f"archive {archive} cannot be opened ({error.strerror}): give a readable file"
        ) from None
    if state.st_size > MAX_ARCHIVE:
        raise UserError(
            f"archive {archive} is over {MAX_ARCHIVE:,} bytes, the most that is read: unpack it first"
        )
    return _read(archive, (state.st_mtime_ns, state.st_size, state.st_ino))


@lru_cache(maxsize=1)
def _read(archive: Path, stamp: tuple[int, int, int]) -> _Directory:
    """Kept for the next file of it: of 10,000 files each took 29 ms where the directory was read every
    time."""
    del stamp
    data = io.BytesIO(read_bounded(archive, "archive", MAX_ARCHIVE))
    try:
        opened = zipfile.ZipFile(data)
    except _FORGED as error:
        raise UserError(f"archive {archive} is no zip ({str(error)[:120]}): pack it anew") from None
    files: dict[str, list[zipfile.ZipInfo]] = {}
    for info in opened.infolist():
        name = info.filename.replace("\\", "/")
        if not name.endswith("/"):  # `is_dir` stumbles over a file without a name
            files.setdefault(PurePosixPath(name).as_posix(), []).append(info)
    return _Directory(opened, files)


def _is_hidden(name: str) -> bool:
    return has_hidden(
        part for part in name.split("/") if part != ".."
    )  # which leads out, and is no hidden name


def _unsafe(name: str) -> str:
    """What is wrong with the name of a file in an archive; empty if nothing is."""
    if name.startswith("/") or ".." in name.split("/") or ":" in name.partition("/")[0]:
        return "leads out of its archive"
    return f"is over {MAX_NAME} characters long" if len(name) > MAX_NAME else ""
