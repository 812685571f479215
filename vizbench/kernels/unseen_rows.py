"""Find rows that were not seen before, by 64-bit digests in a hash table with open addressing.

A collision of digests (expected once in 2^64 pairs) drops a row that was new. It never lets a repeated row
in. A Python set of `bytes` does the same at 20 times the time and 10 times the memory
(`benchmarks/filter.py`).
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit

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
def add_unseen(table, rows):
    """Put digests `(n,)` into `table`. Return which of them are new, `(n,)` bool.

    table: a power of two of slots. A free slot holds 0. At least one slot is free.
    """
    new = np.zeros(rows.shape[0], np.bool_)
    last = np.uint64(table.shape[0] - 1)
    for i in range(rows.shape[0]):
        slot = rows[i] & last
        while table[slot] != 0 and table[slot] != rows[i]:
            slot = (slot + np.uint64(1)) & last
        if table[slot] == 0:
            table[slot] = rows[i]
            new[i] = True
    return new
