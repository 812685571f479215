"""Measure pairwise distances of feature rows, to keep test rows away from the train pool."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def distance(a, b, jaccard):
    """Return the distance of two rows `(d,)`, 0..1: Hamming share, or Jaccard over non-zero features."""
    differ = 0
    either = 0
    for k in range(a.shape[0]):
        if jaccard:
            in_a, in_b = a[k] != 0, b[k] != 0
            either += in_a or in_b
            differ += in_a != in_b
        else:
            differ += a[k] != b[k]
    total = either if jaccard else a.shape[0]
    return differ / total if total > 0 else 0.0


@jit
def distances(a, b, jaccard):
    """Return all distances of rows `(n, d)` and `(m, d)`: `(n, m)` float64."""
    out = np.empty((a.shape[0], b.shape[0]), np.float64)
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            out[i, j] = distance(a[i], b[j], jaccard)
    return out


@jit
def _too_near_hamming(row, pool, least):
    """Return whether any pool row `(m, d)` differs from `row` in a smaller share of features than `least`."""
    width = row.shape[0]
    for j in range(pool.shape[0]):
        # No early exit inside a row: a plain count runs in SIMD lanes, 8 times faster.
        differ = 0
        for k in range(width):
            differ += row[k] != pool[j, k]
        if differ / width < least:
            return True
    return False


@jit
def _too_near_jaccard(row, pool, sizes, least):
    """Return whether any pool row `(m, d)` has a smaller Jaccard distance to `row` than `least`.

    sizes: numbers of set features of the pool rows, `(m,)`, so that only the overlap is counted here. Two
    rows without set features are equal.
    """
    size = 0
    for k in range(row.shape[0]):
        size += row[k] != 0
    for j in range(pool.shape[0]):
        both = 0
        for k in range(row.shape[0]):
            both += (row[k] != 0) & (pool[j, k] != 0)
        either = size + sizes[j] - both
        if either == 0 or (either - both) / either < least:
            return True
    return False


@jit
def far_enough(candidates, pool, least, jaccard):
    """Return which candidate rows `(n, d)` are far enough from every pool row `(m, d)`: `(n,)` bool.

    least: the least distance, > 0.
    """
    keep = np.ones(candidates.shape[0], np.bool_)
    sizes = np.zeros(pool.shape[0], np.int64)
    for j in range(pool.shape[0]):
        for k in range(pool.shape[1]):
            sizes[j] += pool[j, k] != 0
    for i in range(candidates.shape[0]):
        if jaccard:
            keep[i] = not _too_near_jaccard(candidates[i], pool, sizes, least)
        else:
            keep[i] = not _too_near_hamming(candidates[i], pool, least)
    return keep
