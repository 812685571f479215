"""Draw random paths that fill a square of cells: one path, or several that do not touch themselves.

Cells are numbered in reading order.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below

_BITES = 8
"""Backbites per cell of a path, which start from a path in rows."""

_TRIES = 100
"""Tries per cell to take over a cell, after which paths are drawn anew: some get stuck."""

_SHORTEST = 3
"""Cells of the shortest of several paths at least."""


@jit
def near_cell(size, cell, k):
    """Return neighbour k, 0 … 3, of a cell of a square; -1 if it is outside."""
    y, x = cell // size + (k == 1) - (k == 0), cell % size + (k == 3) - (k == 2)
    return y * size + x if 0 <= y < size and 0 <= x < size else -1


@jit
def count_alike(size, cells, cell, code):
    """Return how many neighbours of a cell have a code. cells: `(size * size,)`."""
    count = 0
    for k in range(4):
        near = near_cell(size, cell, k)
        count += near >= 0 and cells[near] == code
    return count


# One path


@jit
def _bite(rng, size, path, places):
    """Join an end of a path to a random neighbour, and cut the path there. path: the cells in order."""
    last = path.shape[0] - 1
    is_start = rng_below(rng, 2)
    near = near_cell(size, path[0 if is_start else last], rng_below(rng, 4))
    if near < 0:
        return
    at = places[near]
    low, high = (0, at - 1) if is_start else (at + 1, last)
    while low < high:
        path[low], path[high] = path[high], path[low]
        places[path[low]], places[path[high]] = low, high
        low += 1
        high -= 1


@jit
def draw_path(rng, size, path, places):
    """Draw a path through all cells by backbites. path: its cells. places: where it has each cell."""
    cells = size * size
    for at in range(cells):
        r, c = at // size, at % size
        path[at] = r * size + (size - 1 - c if r % 2 else c)
        places[path[at]] = at
    for _ in range(_BITES * cells):
        _bite(rng, size, path, places)


# Several paths


@jit
def _take_over(rng, size, owners, lengths):
    """Let a random end of a path take over a random end of another one, if they are neighbours.

    The path must not touch itself afterwards. Returns whether the other path vanished.
    """
    cell = rng_below(rng, size * size)
    near = near_cell(size, cell, rng_below(rng, 4))
    if near < 0:
        return False
    mine, other = owners[cell], owners[near]
    if mine == other or count_alike(size, owners, cell, mine) > 1:
        return False
    if count_alike(size, owners, near, other) > 1 or count_alike(size, owners, near, mine) > 1:
        return False
    owners[near] = mine
    lengths[mine] += 1
    lengths[other] -= 1
    return lengths[other] == 0


@jit
def _are_long(lengths):
    """Return whether no path is too short. The length 0 is no path."""
    short = 0
    for length in lengths:
        short += 0 < length < _SHORTEST
    return short == 0


@jit
def _try_paths(rng, size, paths, owners, lengths):
    """Fill a square with paths. Return whether as many are left as asked for."""
    left = size * size
    owners[:] = np.arange(left)
    lengths[:] = 1
    for _ in range(_TRIES * size * size):
        if left == paths and _are_long(lengths):
            return True
        if left < paths:
            return False
        left -= _take_over(rng, size, owners, lengths)
    return False


@jit
def draw_paths(rng, size, paths, owners, lengths):
    """Fill a square with a number of paths of three cells or more. owners: the path of each cell.

    At first each cell is a path. Then ends take over cells, until as few paths are left as asked for.
    """
    while not _try_paths(rng, size, paths, owners, lengths):
        pass
