"""Remember which questions were seen and which candidates were accepted, in little memory for 10^7 rows."""

from __future__ import annotations

import bisect
from itertools import pairwise
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench.kernels.unseen_rows import PART_SHIFT, PARTS, add_unseen

_FULL: Final = 0.85
"""The share of slots that may be taken. A lookup then takes 20 slots in a row, which is one or two reads."""

_GROWTH: Final = 9 / 8

_BLOCK: Final = 1 << 16
"""Numbers that differ only in two bytes."""

_PIECE: Final = 1 << 20
"""Numbers in one array."""


@final
class SeenDigests:
    """Holds digests of 64 bits, which are not 0, in 10 bytes each.

    They are in several tables, so that only one of them is there twice while it grows.
    """

    def __init__(self) -> None:
        self._tables = [np.zeros(64, np.uint64) for _ in range(PARTS)]
        self._used = np.zeros(PARTS, np.int64)

    def add(self, digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Remember digests `(n,)`, and return which of them were not seen before, `(n,)`."""
        needed = self._used + np.bincount((digests >> PART_SHIFT).astype(np.int64), minlength=PARTS)
        for part in np.flatnonzero(needed > _FULL * self._sizes).tolist():
            self._grow(part, int(needed[part]))
        new: npt.NDArray[np.bool_] = add_unseen(tuple(self._tables), digests, self._used)
        return new

    def values(self) -> npt.NDArray[np.uint64]:
        """Return all digests, in any order."""
        return np.concatenate([table[table != 0] for table in self._tables])

    @property
    def _sizes(self) -> npt.NDArray[np.int64]:
        return np.array([len(table) for table in self._tables])

    def _grow(self, part: int, needed: int) -> None:
        old = self._tables[part]
        self._tables[part] = np.zeros(max(int(needed / _FULL) + 1, int(len(old) * _GROWTH)), np.uint64)
        self._used[part] = 0
        for start in range(0, len(old), _BLOCK):  # not all at once, which would be a copy
            some = old[start : start + _BLOCK]
            add_unseen(tuple(self._tables), some[some != 0], self._used)


@final
class RisingNumbers:
    """Holds integers >= 0 that rise, in two bytes each and eight more for each 65,536 that are passed."""

    def __init__(self) -> None:
        self._pieces: list[npt.NDArray[np.uint16]] = []
        self._count = 0
        self._starts = [0]
        """The position of the first number of each block of 65,536 that has begun."""
        self.last = -1
        """The last of them; -1 if there is none."""

    def __len__(self) -> int:
        return self._count

    def append(self, numbers: npt.NDArray[np.int64]) -> None:
        """Add numbers `(n,)` that are larger than the last."""
        if not len(numbers):
            return
        self.last = int(numbers[-1])
        first = len(self._starts)
        bounds = np.arange(first, self.last // _BLOCK + 1) * _BLOCK
        self._starts += (self._count + np.searchsorted(numbers, bounds)).tolist()
        low = (numbers % _BLOCK).astype(np.uint16)
        at = 0
        while at < len(low):
            place = self._count % _PIECE
            if place == 0:
                self._pieces.append(np.empty(_PIECE, np.uint16))
            some = low[at : at + _PIECE - place]
            self._pieces[-1][place : place + len(some)] = some
            self._count += len(some)
            at += len(some)

    def between(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """Return numbers start … stop-1, counted from 0."""
        numbers = np.empty(stop - start, np.int64)
        for at in range(start - start % _PIECE, stop, _PIECE):
            first, end = max(start, at), min(stop, at + _PIECE)
            numbers[first - start : end - start] = self._pieces[at // _PIECE][first - at : end - at]
        first = bisect.bisect_right(self._starts, start) - 1
        last = bisect.bisect_left(self._starts, stop)
        bounds = [start, *self._starts[first + 1 : last], stop]
        for block, (begin, end) in enumerate(pairwise(bounds), first):
            numbers[begin - start : end - start] += block * _BLOCK
        return numbers
