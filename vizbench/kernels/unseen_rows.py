"""Find rows that were not seen before, by 64-bit digests in a hash table with open addressing.

A collision of digests (expected once in 2^64 pairs) drops a row that was new. It never lets a repeated row
in. A Python set of `bytes` does the same at 20 times the time and 10 times the memory
(`benchmarks/filter.py`).
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit

PARTS = 16
"""Tables that share the digests."""

PART_SHIFT = np.uint64(60)
"""A digest shifted by this is the number of its table."""

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@jit
def row_digests(rows):
    """Return a 64-bit digest, never 0, of each row `(n, d)` uint8: `(n,)` uint64.

    The bytes enter eight at a time.
    """
    out = np.empty(rows.shape[0], np.uint64)
    for i in range(rows.shape[0]):
        state = np.uint64(rows.shape[1])
        word = np.uint64(0)
        for k in range(rows.shape[1]):
            word = (word << np.uint64(8)) | np.uint64(rows[i, k])
            if k % 8 == 7 or k == rows.shape[1] - 1:
                state = (state ^ word) * _MIX1
                state = (state ^ (state >> np.uint64(29))) * _MIX2
                state ^= state >> np.uint64(32)
                word = np.uint64(0)
        out[i] = max(state, np.uint64(1))
    return out


@jit
def _by_part(rows):
    """Return the places of digests `(n,)` by their tables, and where those of each table start."""
    starts = np.zeros(PARTS + 1, np.int64)
    for i in range(rows.shape[0]):
        starts[np.int64(rows[i] >> PART_SHIFT) + 1] += 1
    for part in range(PARTS):
        starts[part + 1] += starts[part]
    at, order = starts.copy(), np.empty(rows.shape[0], np.int64)
    for i in range(rows.shape[0]):
        part = np.int64(rows[i] >> PART_SHIFT)
        order[at[part]] = i
        at[part] += 1
    return order, starts


@jit
def add_unseen(tables, rows, used):
    """Put digests `(n,)` into `tables`. Return which of them are new, `(n,)` bool.

    tables: PARTS arrays of any size. At least one slot of each is free, which holds 0. The highest bits of a
    digest choose the table. Its lowest 32 choose the slot, such that a table keeps its order when it grows.
    used: `(PARTS,)` int64, the digests in each table, is updated.
    """
    new = np.zeros(rows.shape[0], np.bool_)
    order, starts = _by_part(rows)
    for part in range(PARTS):
        table = tables[part]
        size = np.uint64(table.shape[0])
        for k in range(starts[part], starts[part + 1]):
            row = rows[order[k]]
            slot = ((row & _LOW) * size) >> _HALF
            while table[slot] != 0 and table[slot] != row:
                slot += np.uint64(1)
                if slot == size:
                    slot = np.uint64(0)
            if table[slot] == 0:
                table[slot] = row
                new[order[k]] = True
                used[part] += 1
    return new
