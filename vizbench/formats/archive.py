"""Zip archives that others made. A file in one is named as if the archive were a folder: `tasks.zip/Copy/Copy1.json`.

Nothing is ever unpacked to disk. An archive may lie about everything: names that lead outside, sizes, checksums, a
directory of a million files, a kilobyte that unpacks to a gigabyte.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vizbench.errors import UserError
from vizbench.formats.files import open_regular
from vizbench.sources import MAX_FILES

SUFFIX: Final = ".zip"

MAX_ARCHIVE: Final = 32 << 20
"""Bytes of an archive. `zipfile` holds its whole directory, about ten times as large in memory as on disk."""

MAX_UNPACKED: Final = 1 << 30
"""Bytes that the wanted files of an archive may say to have together."""

MAX_NAME: Final = 200
"""Characters of a name in an archive."""

# bz2 and lzma unpack 4 KB to 80 MB at once, whatever is asked for; `zipfile` bounds deflate alone.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def archive_of(path: Path) -> Path | None:
    """The archive that a path is or lies in; None where it is no archive's."""
    return next((p for p in (path, *path.parents) if p.name.lower().endswith(SUFFIX) and os.path.isfile(p)), None)


def members(archive: Path, suffix: str) -> list[str]:
    """The names of the files in an archive that end so, sorted, unsafe ones too: `read_member` says what they are.

    UserError for what is no archive, is too large, or holds no such file.
    """
    with _opened(archive) as opened:
        wanted = [info for info in opened.infolist() if info.filename.endswith(suffix)]
    wanted = [info for info in wanted if not info.filename.startswith("__MACOSX/")]  # macOS adds a shadow a file
    if not wanted:
        raise UserError(f"{archive} holds no {suffix} file: give an archive of them, or one file")
    if len(wanted) > MAX_FILES:
        raise UserError(f"{archive} holds over {MAX_FILES:,} {suffix} files: give a smaller archive")
    if sum(info.file_size for info in wanted) > MAX_UNPACKED:
        raise UserError(f"{archive} unpacks to over {MAX_UNPACKED:,} bytes, the most that is read: give less of it")
    return sorted({info.filename for info in wanted})


def read_member(archive: Path, name: str, what: str, limit: int) -> bytes:
    """One file of an archive, of at most `limit` bytes. what: the noun for the error."""
    place = f"{what} {archive}/{name[:MAX_NAME]}"
    if not _is_safe(name):
        raise UserError(f"{place} has a name that leads out of its archive or is too long: pack it under a plain one")
    with _opened(archive) as opened:
        found = [info for info in opened.infolist() if info.filename == name]
        if len(found) != 1:
            there = "is not in its archive" if not found else "is in its archive more than once"
            raise UserError(f"{place} {there}: name one file of it")
        (info,) = found
        if info.file_size > limit:
            raise UserError(f"{place} is over {limit:,} bytes, the most that is read: give a smaller file")
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise UserError(f"{place} is encrypted or packed by a rare method: pack it by deflate, without a password")
        try:
            with opened.open(info) as file:
                return file.read(limit)
        # A member whose bytes lie is found out by the inflater, by its checksum, by its end or by its header: each
        # raises its own, and the file is damaged in every case.
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise UserError(f"{place} is damaged ({str(error)[:120]}): pack it anew") from None


@contextmanager
def _opened(archive: Path) -> Generator[zipfile.ZipFile]:
    with open_regular(archive, "archive") as file:
        size = file.seek(0, 2)
        if size > MAX_ARCHIVE:
            raise UserError(f"archive {archive} is over {MAX_ARCHIVE:,} bytes, the most that is read: unpack it first")
        try:
            opened = zipfile.ZipFile(file)
        # zipfile lets what a forged directory does to struct, seek and its version check come through as it is.
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError) as error:
            raise UserError(f"archive {archive} is no zip ({str(error)[:120]}): pack it anew") from None
        with opened:
            yield opened


def _is_safe(name: str) -> bool:
    drive = ":" in name.partition("/")[0]
    return not (name.startswith("/") or ".." in name.split("/") or "\\" in name or drive or len(name) > MAX_NAME)
