"""Hold a text per row as places in one array of bytes, and put such texts together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.dataset.columns import Order
from vizbench.kernels.byte_rows import (
    DECIMAL_WIDTH,
    INT_WIDTH,
    grid_lengths,
    put,
    write_decimals,
    write_grids,
    write_integers,
    write_numbered,
)
from vizbench.types import Grids

_SCALE = 1e9
_EXACT = 1e15
"""Billionths below this have at most 15 digits, and no shorter text is the same number."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """A text per row, in bytes."""

    data: npt.NDArray[np.uint8]
    """The bytes of all texts, perhaps with others between."""
    starts: Order
    """Where each text begins, `(n,)`."""
    ends: Order
    """Where each text ends, `(n,)`."""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Order:
        """The bytes of each text, `(n,)`."""
        return self.ends - self.starts

    def bytes(self, start: int, stop: int) -> memoryview:
        """Return texts start … stop-1, of texts that are one after the other."""
        return self.data[int(self.starts[start]) : int(self.ends[stop - 1])].data

    def take(self, rows: Order) -> Spans:
        """Return the texts of some rows, of the same bytes."""
        return Spans(self.data, self.starts[rows], self.ends[rows])


def constant(text: bytes, n: int) -> Spans:
    """Return the same text for n rows."""
    return Spans(np.frombuffer(text, np.uint8), np.zeros(n, np.int64), np.full(n, len(text)))


def listed(texts: Sequence[bytes]) -> Spans:
    """Return each text of a list."""
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return Spans(np.frombuffer(b"".join(texts), np.uint8), np.concatenate(([0], ends[:-1])), ends)


def fixed(rows: npt.NDArray[np.uint8]) -> Spans:
    """Return the rows of a matrix of bytes, `(n, k)`."""
    n, width = rows.shape
    starts: Order = np.arange(n, dtype=np.int64) * width
    return Spans(np.ascontiguousarray(rows).reshape(-1), starts, starts + width)


def integers(values: npt.NDArray[np.int64]) -> Spans:
    """Return integers in decimal."""
    out, starts = np.empty((len(values), INT_WIDTH), np.uint8), np.empty(len(values), np.int64)
    write_integers(values, out, starts)
    return Spans(out.reshape(-1), starts, np.arange(1, len(values) + 1) * INT_WIDTH)


def numbered(before: bytes, values: npt.NDArray[np.int64], after: bytes) -> Spans:
    """Return a text for each integer >= 0, with the same bytes before and after it, one after the other."""
    digits = len(str(values.max())) if len(values) else 0
    out = np.empty(len(values) * (len(before) + digits + len(after)), np.uint8)
    offsets = np.empty(len(values) + 1, np.int64)
    first, last = (np.frombuffer(text, np.uint8) for text in (before, after))
    write_numbered(first, values, last, out, offsets)
    return Spans(out, offsets[:-1], offsets[1:])


def floats(values: npt.NDArray[np.float64]) -> Spans:
    """Return numbers in decimal, the shortest text that is the number, with at least one decimal.

    Raises ValueError for numbers that JSON does not have.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        billionths = np.rint(values * _SCALE)
        is_short = (np.abs(billionths) < _EXACT) & (billionths / _SCALE == values)
    if not is_short.all():
        return listed([_long(value) for value in values.tolist()])
    out, ends = np.empty((len(values), DECIMAL_WIDTH), np.uint8), np.empty(len(values), np.int64)
    write_decimals(billionths.astype(np.int64), out, ends)
    return Spans(out.reshape(-1), np.arange(0, len(values) * DECIMAL_WIDTH, DECIMAL_WIDTH), ends)


def _long(value: float) -> bytes:
    if not np.isfinite(value):
        raise ValueError(f"{value} is not a number of JSON")
    return repr(value).encode()


def grids(cells: Grids) -> Spans:
    """Return grids `(n, h, w)` as JSON, each followed by a comma that is not part of it."""
    ends = np.cumsum(grid_lengths(cells), dtype=np.int64)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    write_grids(cells, out)
    return Spans(out, np.concatenate(([0], ends[:-1])), ends - 1)


def joined(columns: Sequence[Spans | bytes], n: int) -> Spans:
    """Return the texts of several columns put together, row by row. bytes: the same for each of n rows."""
    spans = [constant(column, n) if isinstance(column, bytes) else column for column in columns]
    ends = np.cumsum(np.sum([column.lengths for column in spans], axis=0), dtype=np.int64)
    starts = np.concatenate(([0], ends[:-1]))
    out, at = np.empty(int(ends[-1]), np.uint8), starts.copy()
    for column in spans:
        put(column.data, column.starts, column.ends, out, at)
    return Spans(out, starts, ends)


def ordered(parts: Sequence[tuple[Order, Spans]]) -> Spans:
    """Return texts by their places, from parts that have some places each and together all."""
    if len(parts) == 1:
        return parts[0][1]
    n = sum(len(spans) for _, spans in parts)
    lengths = np.empty(n, np.int64)
    for places, spans in parts:
        lengths[places] = spans.lengths
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.empty(int(ends[-1]), np.uint8)
    for places, spans in parts:
        put(spans.data, spans.starts, spans.ends, out, starts[places])
    return Spans(out, starts, ends)
