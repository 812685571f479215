"""Write and read WebDataset: a tar file per shard, in which files of the same key are one row.

A row has its question and its target as PNG, and its fields as JSON, the same as a line of `jsonl`. The
headers say nothing of the machine and the time. Format: https://github.com/webdataset/webdataset
"""

from __future__ import annotations

import functools
import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, final

import msgspec

from vizbench._util.files import open_regular
from vizbench._util.text import plural
from vizbench.dataset.columns import Key, Kind
from vizbench.errors import UserError
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.jsonl import MAX_LINE, lines
from vizbench.formats.pictures import SIDES, pngs
from vizbench.formats.rows import Row
from vizbench.renderers.pictures import MAX_FILE_BYTES

_BLOCK: Final = 512
"""Bytes of a header. Contents are filled up to a multiple of it."""

_END: Final = bytes(2 * _BLOCK)
"""The end of a tar file."""

_MOST: Final = (MAX_FILE_BYTES, MAX_FILE_BYTES, MAX_LINE)
"""Bytes of the largest file of each kind."""

_DECODER: Final = msgspec.json.Decoder(Row)


@final
class WebDataset(Format):
    """`train-00000.tar`; row 7 is `00000007.question.png`, `00000007.target.png` and `00000007.json`."""

    name = "webdataset"

    @property
    def draws(self) -> bool:
        return True

    def files(self, place: Place) -> Iterable[str]:
        return [f"{place.stem}.tar"]

    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        digest = hashlib.sha256()
        with open(place.folder / f"{place.stem}.tar", "wb") as file:
            for piece in _pieces(place, chunks):
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def read(self, place: Place) -> Iterator[Row]:
        path = place.folder / f"{place.stem}.tar"
        with open_regular(path, "shard") as file:
            for key in place.keys:
                members = [_member(file, path, *each) for each in zip(_names(key), _MOST, strict=True)]
                try:
                    yield _DECODER.decode(members[-1])
                except (ValueError, RecursionError) as error:
                    raise UserError(f"{key}.json in {path} is not a row ({error}): {_AGAIN}") from None
            if file.read(len(_END) + 1) != _END:
                raise UserError(f"{path} does not end after its {plural(place.rows, 'row')}: {_AGAIN}")


_AGAIN: Final = "generate the data set again"


def _names(key: str) -> list[str]:
    """Return the files of a row, in order. What is before the first dot is the same for all of them."""
    return [*(f"{key}.{side}.png" for side in SIDES), f"{key}.json"]


def _pieces(place: Place, chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """Yield the bytes of a tar file, a row at a time."""
    keys = place.keys
    for chunk in chunks:
        texts = lines(chunk)
        for number, pictures in enumerate(pngs(chunk.columns, place.look)):
            contents = [*pictures, bytes(texts.bytes(number, number + 1))]
            row: list[bytes] = []
            for name, content in zip(_names(next(keys)), contents, strict=True):
                row += [_header(name, len(content)), content, bytes(-len(content) % _BLOCK)]
            yield b"".join(row)
    yield _END


def _header(name: str, size: int) -> bytes:
    """Return the header of a file, which belongs to nobody and is from 1970.

    The library's own function takes 17 µs, half of what a picture takes.
    """
    name_bytes, size_bytes = name.encode(), b"%011o" % size
    before, between, after, total = _template()
    checksum = b"%06o" % (total + sum(name_bytes) + sum(size_bytes))
    return b"".join((name_bytes.ljust(100, b"\0"), before, size_bytes, between, checksum, after))


@functools.cache
def _template() -> tuple[bytes, bytes, bytes, int]:
    """Return what all headers have before and after size and checksum, and the sum of all these bytes."""
    head = tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)
    before, between, after = head[100:124], head[135:148], head[154:]
    # The checksum counts itself as eight spaces, of which two bytes are in `after`.
    total = sum(before) + sum(between) + sum(after[2:]) + 8 * ord(" ")
    return before, between, after, total


def _member(file: BinaryIO, path: Path, name: str, most: int) -> bytes:
    """Read the next file of a tar file. Raises UserError if it is another one, or over `most` bytes."""
    head = file.read(_BLOCK)
    digits = head[124:135]
    size = int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else -1
    if not 0 <= size <= most or head != _header(name, size):
        raise UserError(f"{path} does not hold {name} next, as vizbench writes it: {_AGAIN}")
    content = file.read(size)
    filling = file.read(-size % _BLOCK)
    if len(content) < size or filling != bytes(-size % _BLOCK):
        raise UserError(f"{path} ends within {name}: {_AGAIN}")
    return content


FORMAT = WebDataset()
