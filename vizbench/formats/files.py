"""Reading files that others wrote: regular, of bounded size, and every failure one sentence."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path
from typing import BinaryIO

from vizbench.errors import UserError


def open_regular(path: Path, what: str) -> BinaryIO:
    """Open a regular file for reading. what: the noun for the error. A pipe or a device would never end:
    refused."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise UserError(f"{what} {path} cannot be opened ({_reason(error)}): give a readable file") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{what} {path} is no regular file: give the path of one")
    return os.fdopen(descriptor, "rb")


def read_bounded(path: Path, what: str, limit: int) -> bytes:
    """The whole file, of at most `limit` bytes."""
    with open_regular(path, what) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UserError(f"{what} {path} is over {limit:,} bytes, the most that is read: give a smaller file")
    return data


def text_of(data: bytes) -> str:
    """Decode a text file: UTF-8 with or without a byte order mark, or UTF-16 and UTF-32 with one.

    Editors and shells of Windows write the marks, and PowerShell's `>` writes UTF-16. Raises
    UnicodeDecodeError for anything else."""
    return data.decode(encoding_of(data[:4]))


def encoding_of(start: bytes) -> str:
    """Return the encoding that the first four bytes of a text file say; UTF-8 without a mark."""
    if start.startswith(
        (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
    ):  # first: it begins as the mark of UTF-16 does
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
