"""Detect files that were cut off, from the length in their headers, without a decoder.

A player shows the last remaining frame of such a file. That frame is not the answer, so the file is refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Final

CUT: Final = "ends before its end: frames are missing"
"""The text in errors after the name of such a file."""

_MOST_BOXES: Final = 1 << 16
"""The most boxes that are visited. A fragmented mp4 has two per fragment."""

_SEGMENT: Final = 0x18538067
"""The Matroska element that holds everything after the header."""


def is_cut(path: str | Path, container: str) -> bool:
    """Return whether a file declares more bytes than it has.

    container: "mp4", "matroska", "webp" or "gif". Returns False for any other.
    """
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        if container == "mp4":
            return _mp4_is_cut(file, size)
        if container == "matroska":
            return _matroska_is_cut(file, size)
        if container == "webp":
            head = file.read(8)
            return len(head) == 8 and 8 + int.from_bytes(head[4:], "little") > size
        return container == "gif" and _gif_is_cut(file)


def _mp4_is_cut(file: IO[bytes], size: int) -> bool:
    """Visit the top-level boxes. A size of 0 means "to the end of the file", and 1 that 64 bits follow."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return len(head) > 0
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # a box to the end, or no box: the decoder decides
            return False
        at += length
        if at >= size:
            return at > size
    return False


def _matroska_is_cut(file: IO[bytes], size: int) -> bool:
    """Return whether the segment has a known size and ends after the file. A live stream has none."""
    at = 0
    for _ in range(16):
        file.seek(at)
        head = file.read(12)
        id_width = _width(head[:1], 4)
        if not id_width:
            return False
        size_width = _width(head[id_width : id_width + 1], 8)
        field = head[id_width : id_width + size_width]
        if not size_width or len(field) < size_width:
            return False
        mask = (1 << 7 * size_width) - 1
        length = int.from_bytes(field, "big") & mask
        if int.from_bytes(head[:id_width], "big") == _SEGMENT:
            return length != mask and at + id_width + size_width + length > size
        at += id_width + size_width + length
        if at >= size:
            return False
    return False


def _width(first: bytes, most: int) -> int:
    """Return how many bytes a variable-length number has, from its first byte; 0 if there is no number."""
    width = 9 - first[0].bit_length() if first and first[0] else 0
    return width if width <= most else 0


def _gif_is_cut(file: IO[bytes]) -> bool:
    """Visit the blocks up to the trailer. Anything after it is ignored."""
    head = file.read(13)
    if len(head) < 13:
        return True
    _skip_table(file, head[10])
    while block := file.read(1):
        if block == b";":
            return False
        if block == b",":
            frame = file.read(9)
            if len(frame) < 9:
                return True
            _skip_table(file, frame[8])
            file.seek(1, os.SEEK_CUR)
        elif block == b"!":
            file.seek(1, os.SEEK_CUR)
        else:
            return False  # an unknown block: the decoder decides
        while (length := file.read(1)) and length != b"\0":
            file.seek(length[0], os.SEEK_CUR)
    return True


def _skip_table(file: IO[bytes], flags: int) -> None:
    """Skip the colour table after a descriptor with these flags, if there is one."""
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, os.SEEK_CUR)
