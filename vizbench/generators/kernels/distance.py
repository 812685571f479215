"""Pairwise distances over feature rows, for the filter that keeps test questions away from the train pool."""

from __future__ import annotations

import numpy as np

from vizbench.compiler import jit


@jit
def distance(a, b, jaccard):
    """Distance of two rows `(d,)` uint8, float64 in 0..1: Hamming share, or Jaccard over non-zero features."""
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
    """All distances of rows `(n, d)` and `(m, d)`: `(n, m)` float64."""
    out = np.empty((a.shape[0], b.shape[0]), np.float64)
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            out[i, j] = distance(a[i], b[j], jaccard)
    return out


@jit
def far_enough(candidates, pool, least, jaccard):
    """Which candidate rows `(n, d)` lie at least `least` from every pool row `(m, d)`: `(n,)` bool."""
    keep = np.ones(candidates.shape[0], np.bool_)
    for i in range(candidates.shape[0]):
        for j in range(pool.shape[0]):
            if distance(candidates[i], pool[j], jaccard) < least:
                keep[i] = False
                break
    return keep
