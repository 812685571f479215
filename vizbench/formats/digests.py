"""Define the digest of a data set: of its rows in order, the same for every format and any shards.

A block is BLOCK_ROWS rows from a multiple of that on. Its digest is made from digests of its columns, see
`BlockDigests`. The digest of the data set is the SHA-256 of the digests of its blocks, one after the other.
So shards of whole blocks can be made anywhere, and it takes a tenth of the time of a digest per row.
"""

from __future__ import annotations

import collections
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench.dataset.columns import Column, Columns, Key, Order, Part
from vizbench.formats import spans
from vizbench.formats.row_prompts import Prompts
from vizbench.formats.spans import Spans
from vizbench.kernels.numbering import number_by_appearance

BLOCK_ROWS: Final = 5_000
"""Rows of a block."""

_ENCODER: Final = msgspec.json.Encoder()

_Name: TypeAlias = tuple[int, Key, str]
"""The place of a column among those of a block, and for a column of `meta` its key and kind."""

_HEAD, _INDEX, _QUESTION, _TARGET, _COUNT, _STATES, _META = range(7)

_Bytes: TypeAlias = npt.NDArray[np.uint8] | Spans
"""Bytes per row: `(n, k)`, or of different lengths."""


@final
class BlockDigests:
    """Makes the digests of blocks from rows that come in pieces, beginning with a block's first row.

    The head of a row is what many rows share, as JSON: task, seed, split, the shapes of question and target,
    whether the steps are kept, the keys of `meta` with their kinds, sorted, and the prompt. The digest of a
    block is the SHA-256 of the SHA-256 of each of these that has any bytes:

    - the SHA-256 of every different head, in the order of appearance
    - for each row the position of its head among them, from 0, in 4 bytes
    - the indices, then the cells of all questions, then those of all targets
    - of rows with steps: the numbers of steps, then the cells of all steps
    - for each key and kind of `meta`, sorted: the values of the rows that have it

    Numbers are little-endian. Integers and floats have 8 bytes, a boolean has 1, and a text has its length
    before it, in 8 bytes.
    """

    def __init__(self, rows: int) -> None:
        """rows: those of a block."""
        self._rows = rows
        self._digests = bytearray()
        self._held = 0
        self._heads: dict[bytes, int] = {}
        """The different heads of the block that is being made, with their positions."""
        self._columns = collections.defaultdict[_Name, Any](hashlib.sha256)

    def add(self, columns: Columns, prompts: Sequence[Prompts]) -> None:
        """Add the next rows. prompts: those of each part."""
        made = _columns_of(columns)
        heads, codes = heads_of(columns, prompts)
        at = 0
        while at < len(codes):
            end = min(len(codes), at + self._rows - self._held)
            self._columns[_HEAD, (), ""].update(self._positions(heads, codes[at:end]))
            for name, rows in made:
                data = rows.bytes(at, end) if isinstance(rows, Spans) else rows[at:end].data
                if data.nbytes:
                    self._columns[name].update(data)
            self._held += end - at
            at = end
            if self._held == self._rows:
                self._close()

    def finish(self) -> bytes:
        """Return the digests of all blocks, 32 bytes each. The last block may have fewer rows."""
        if self._held:
            self._close()
        return bytes(self._digests)

    def _positions(self, heads: list[bytes], codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Return the position of each row's head in the block. codes: the rows' places in `heads`."""
        known = np.array([self._heads.get(head, -1) for head in heads], np.int32)
        count = len(self._heads)
        positions: npt.NDArray[np.int32] = number_by_appearance(codes, known, count)
        new = np.flatnonzero(known >= count)
        for place in new[np.argsort(known[new])].tolist():
            self._heads[heads[place]] = len(self._heads)
        return positions.astype("<i4", copy=False)

    def _close(self) -> None:
        block = hashlib.sha256(hashlib.sha256(b"".join(self._heads)).digest())
        for name in sorted(self._columns):
            block.update(self._columns[name].digest())
        self._digests += block.digest()
        self._held = 0
        self._heads.clear()
        self._columns.clear()


def heads_of(columns: Columns, prompts: Sequence[Prompts]) -> tuple[list[bytes], npt.NDArray[np.int32]]:
    """Return the SHA-256 of each different head, and for each row its place among them."""
    places: dict[bytes, int] = {}
    codes = np.empty(len(columns), np.int32)
    for part, each in zip(columns.parts, prompts, strict=True):
        shared = [
            part.task,
            part.seed,
            part.split,
            part.question.shape[1:],
            part.target.shape[1:],
            part.steps is not None,
            [[*key, column.kind] for key, column in sorted(part.meta.items())],
        ]
        # Different prompts of a part may have the same text.
        heads = [hashlib.sha256(_ENCODER.encode([*shared, text])).digest() for text in each.texts]
        numbers = [places.setdefault(head, len(places)) for head in heads]
        codes[part.places] = np.array(numbers, np.int32)[each.codes]
    return list(places), codes


def _columns_of(columns: Columns) -> list[tuple[_Name, _Bytes]]:
    """Return the bytes of each column, the rows in order. A row that lacks a column has none there."""
    parts = [(part.places, dict(_part_columns(part))) for part in columns.parts]
    if len(parts) == 1:
        return list(parts[0][1].items())
    made: list[tuple[_Name, _Bytes]] = []
    for name in sorted({name for _, known in parts for name in known}):
        rows = [(places, _spans(known.get(name), len(places))) for places, known in parts]
        made.append((name, spans.ordered(rows)))
    return made


def _spans(rows: _Bytes | None, n: int) -> Spans:
    if rows is None:
        return spans.constant(b"", n)
    return rows if isinstance(rows, Spans) else spans.fixed(rows)


def _part_columns(part: Part) -> Iterator[tuple[_Name, _Bytes]]:
    """Yield the columns of rows that are alike."""
    n = len(part)
    yield (_INDEX, (), ""), _bytes(part.index, "<i8")
    yield (_QUESTION, (), ""), np.ascontiguousarray(part.question).reshape(n, -1)
    yield (_TARGET, (), ""), np.ascontiguousarray(part.target).reshape(n, -1)
    if part.steps is not None:
        starts: Order = part.steps.starts
        size = int(np.prod(part.steps.states.shape[1:]))
        states = np.ascontiguousarray(part.steps.states).reshape(-1)
        yield (_COUNT, (), ""), _bytes(np.diff(starts), "<i8")
        yield (_STATES, (), ""), Spans(states, starts[:-1] * size, starts[1:] * size)
    for key, column in part.meta.items():
        yield (_META, key, column.kind), _values(column)


def _values(column: Column) -> _Bytes:
    """Return the bytes of each value of a column."""
    if isinstance(column.values, np.ndarray):
        return _bytes(column.values, {"b": "<u1", "i": "<i8", "f": "<f8"}[column.values.dtype.kind])
    texts = [text.encode() for text in column.values]
    lengths = _bytes(np.array([len(text) for text in texts], np.int64), "<i8")
    return spans.joined([spans.fixed(lengths), spans.listed(texts)], len(texts))


def _bytes(values: npt.NDArray[np.generic], kind: str) -> npt.NDArray[np.uint8]:
    """Return the bytes of each number, `(n, k)`."""
    plain = np.ascontiguousarray(values, kind)
    return plain.view(np.uint8).reshape(len(values), -1)
