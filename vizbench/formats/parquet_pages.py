"""Read how much a Parquet file unpacks to, from its footer and page headers, before Arrow allocates anything.

Arrow believes the headers: a file of 3 KB whose page claims 10^8 equal cells took 1.1 GB. Some footers with
wrong bytes end the process when Arrow reads their metadata. Format:
https://parquet.apache.org/docs/file-format
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, TypeAlias, final

MAX_FOOTER: Final = 16 << 20
"""Bytes of the largest footer that is read."""

_MAGIC: Final = b"PAR1"

_HEADER: Final = 1 << 16
"""Bytes of the longest header of a page."""

_DEPTH: Final = 16
"""Structures of Thrift that may be nested."""

_Struct: TypeAlias = dict[int, Any]
"""A struct of Thrift: the values of its fields by number."""


@final
@dataclass(frozen=True, slots=True)
class Column:
    """One column of a row group."""

    name: str
    """The first part of its path."""
    depth: int
    """The number of parts of its path."""
    values: int
    """Leaf values, and one for each empty list."""
    largest: int
    """Bytes of its largest page, unpacked."""
    total: int
    """Bytes of all its pages, unpacked."""
    dictionary: int
    """Bytes of its dictionary, unpacked: each value may be that large."""


@final
@dataclass(frozen=True, slots=True)
class Group:
    """One row group."""

    rows: int
    """The number of its rows."""
    columns: tuple[Column, ...]
    """Its columns, in the order of the file."""


def groups(file: BinaryIO) -> Iterator[Group]:
    """Yield the row groups of a Parquet file.

    Raises ValueError, or another error of Python, if the file contradicts itself.
    """
    size = file.seek(0, os.SEEK_END)
    tail = _read(file, size - 8, 8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > min(size - 12, MAX_FOOTER):
        raise ValueError("it has no footer of Parquet")
    footer, _ = _parsed(_read(file, size - 8 - length, length))
    for group in footer[4]:
        yield Group(group[3], tuple(_column(file, chunk[3], size) for chunk in group[1]))


def _column(file: BinaryIO, chunk: _Struct, size: int) -> Column:
    """Return a column by the headers of its pages. size: bytes of the file."""
    at = min(chunk[9], chunk.get(11) or chunk[9])
    end = at + chunk[7]
    if not 0 <= at <= end <= size:
        raise ValueError("a column is outside of it")
    values = largest = total = dictionary = 0
    while at < end:
        header, length = _parsed(_read(file, at, min(_HEADER, end - at)))
        unpacked, packed = header[2], header[3]
        if min(unpacked, packed) < 0:
            raise ValueError("a page has a size below 0")
        if header[1] == 2:  # the dictionary
            dictionary = max(dictionary, unpacked)
        else:
            values += _values(header)
        largest, total = max(largest, unpacked), total + unpacked
        at += length + packed
    if at != end or values != chunk[5]:
        raise ValueError("its pages do not hold what its footer says")
    return Column(chunk[3][0].decode(), len(chunk[3]), values, largest, total, dictionary)


def _values(header: _Struct) -> int:
    """Return how many values a page of data claims to hold, in version 1 or 2 of the format."""
    page = header[5] if header[1] == 0 else header[8]
    if page[1] < 0:
        raise ValueError("a page has fewer than 0 values")
    return page[1]


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(max(at, 0))
    return file.read(length)


def _parsed(data: bytes) -> tuple[_Struct, int]:
    """Return the struct at the start of `data`, and how many bytes it takes."""
    compact = _Compact(data)
    return compact.struct(0), compact.at


@final
class _Compact:
    """Parse Thrift's compact protocol. What it allocates is bounded by the bytes that it reads."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int) -> _Struct:
        fields: _Struct = {}
        number = 0
        while kind := self._byte():
            number = number + (kind >> 4) if kind >> 4 else self._zigzag()
            fields[number] = kind & 15 == 1 if kind & 15 in (1, 2) else self._value(kind & 15, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEPTH:
            raise ValueError("its structures are too deep")
        match kind:
            case 1 | 2 | 3:  # in a list, a boolean takes a byte
                return self._byte()
            case 4 | 5 | 6:
                return self._zigzag()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                return self._list(depth)
            case 12:
                return self.struct(depth)
            case _:
                raise ValueError("it has a type that Parquet does not use")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        length = self._varint() if head >> 4 == 15 else head >> 4
        if length > len(self._data) - self.at:  # each item takes at least a byte
            raise ValueError("it has a list longer than itself")
        return [self._value(head & 15, depth + 1) for _ in range(length)]

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _bytes(self, length: int) -> bytes:
        self.at += length
        if self.at > len(self._data):
            raise ValueError("it ends too early")
        return self._data[self.at - length : self.at]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("it has a number that is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
