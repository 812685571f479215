"""Read files in zip archives that others made, such as `tasks.zip/Copy/Copy1.json`.

Nothing is unpacked to disk. An archive may lie about everything: it may have names that lead outside, wrong
sizes and checksums, a directory of a million files, or a kilobyte that unpacks to a gigabyte.
"""

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
from vizbench.formats.file_source import MAX_FILES

SUFFIX: Final = ".zip"
"""The end of an archive's name, in any case."""

MAX_ARCHIVE: Final = 32 << 20
"""Bytes of the largest archive. `zipfile` holds its directory, ten times as large in memory as on disk."""

MAX_UNPACKED: Final = 1 << 30
"""Bytes that the requested files of an archive may claim to have together."""

MAX_NAME: Final = 200
"""Characters of the longest name in an archive."""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Methods that `zipfile` unpacks within bounds: bz2 and lzma unpack 4 KB to 80 MB at once."""

_SEALED: Final = 0x1 | 0x20 | 0x40
"""Flags of a member that is encrypted, a patch, or encrypted strongly."""

# The errors that `zipfile` raised for 400,000 archives with wrong bytes.
_FORGED: Final = (
    zipfile.BadZipFile,  # a bad directory
    ValueError,  # a name that is not UTF-8
    NotImplementedError,  # a version of zip above its own
)
_DAMAGED: Final = (
    zipfile.BadZipFile,  # a bad header or checksum
    ValueError,  # a name that is not UTF-8, an offset before the file
    OverflowError,  # an offset beyond 64 bits
    zlib.error,  # data that is not deflate
    EOFError,  # less data than claimed
)


def archive_of(path: Path) -> Path | None:
    """Return the archive that a path names or is inside of; None if there is none."""
    for folder in (path, *path.parents):
        if folder.name.lower().endswith(SUFFIX) and os.path.isfile(folder):
            return folder
    return None


def members(archive: Path, suffix: str) -> list[str]:
    """Return the names of the files in an archive that end with `suffix`, sorted.

    Hidden names are left out, as in folders. Unsafe names are not: `read_member` refuses them. Raises
    UserError if it is not an archive, is too large, or holds no such file.
    """
    names = [name for name in _directory(archive).files if name.endswith(suffix)]
    names = [name for name in names if not _is_hidden(name)]
    infos = [info for name in names for info in _directory(archive).files[name]]
    if not infos:
        raise UserError(f"{archive} holds no {suffix} file: give an archive of them, or one file")
    if len(infos) > MAX_FILES:
        raise UserError(f"{archive} holds over {MAX_FILES:,} {suffix} files: give a smaller archive")
    if sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise UserError(
            f"{archive} unpacks to over {MAX_UNPACKED:,} bytes, the most that is read: give less of it"
        )
    return sorted(names)


def read_member(archive: Path, name: str, what: str, limit: int) -> bytes:
    """Return the content of a file in an archive, of at most `limit` bytes.

    what: the noun for errors. Raises UserError if it is missing, unsafe, too large or damaged.
    """
    place = f"{what} {archive}/{name[:MAX_NAME]}"
    opened = _directory(archive)

    # A path to a file in an archive cannot begin with these slashes, but a name in it can.
    rooted = next((other for other in (f"/{name}", f"//{name}") if other in opened.files), name)
    if fault := _unsafe(rooted):
        raise UserError(f"{place} has a name that {fault}: pack it under a plain one")

    infos = opened.files.get(name, ())
    if len(infos) != 1:
        count = "is not in its archive" if not infos else "is in its archive more than once"
        raise UserError(f"{place} {count}: name one file of it")
    (info,) = infos
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
        raise UserError(f"{place} is damaged ({str(error)[:120]}): pack it again") from None


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Directory:
    """An archive in memory, and its files by name.

    `./a.json` and `a//b.json` are named `a.json` and `a/b.json`. `a\\b.json` is `a/b.json` too: PowerShell
    5 and older libraries of .NET write backslashes between folders. Two files that then share a name are
    both refused.
    """

    archive: zipfile.ZipFile
    files: Mapping[str, Sequence[zipfile.ZipInfo]]


def _directory(archive: Path) -> _Directory:
    """Return the directory of an archive. Raises UserError if it is not an archive or is too large."""
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
    """Read an archive, and keep it for its next file: the directory of 10,000 files takes 29 ms.

    stamp: what changes if the file on disk does.
    """
    del stamp
    data = io.BytesIO(read_bounded(archive, "archive", MAX_ARCHIVE))
    try:
        opened = zipfile.ZipFile(data)
    except _FORGED as error:
        raise UserError(f"archive {archive} is not a zip file ({str(error)[:120]}): pack it again") from None
    files: dict[str, list[zipfile.ZipInfo]] = {}
    for info in opened.infolist():
        name = info.filename.replace("\\", "/")
        if not name.endswith("/"):  # `is_dir` fails for a file without a name
            files.setdefault(PurePosixPath(name).as_posix(), []).append(info)
    return _Directory(opened, files)


def _is_hidden(name: str) -> bool:
    return has_hidden(part for part in name.split("/") if part != "..")  # `_unsafe` handles ".."


def _unsafe(name: str) -> str:
    """Return what is wrong with the name of a file in an archive; empty if nothing is."""
    if name.startswith("/") or ".." in name.split("/") or ":" in name.partition("/")[0]:
        return "leads out of its archive"
    return f"is over {MAX_NAME} characters long" if len(name) > MAX_NAME else ""
