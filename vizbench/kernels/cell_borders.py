"""Divide boards into regions, with borders between their cells.

A board of n x n cells is a grid of 2n x 2n. Cell (r, c) is at row 2r + 1, column 2c + 1. What is above it, to
the left of it, and at its corner above left, is a border or a gap. labels: the region of each cell, `(n, n)`
int64. digits: a number of 0 … 62 per cell.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import bits
from vizbench.kernels.rng import rng_below, rng_shuffle


@jit
def write_borders(grid, labels, gap, border):
    """Write borders between different regions and at the edges of the board, and gaps between the others."""
    size = labels.shape[0]
    for r in range(size):
        for c in range(size):
            has_above = r > 0 and labels[r, c] == labels[r - 1, c]
            has_left = c > 0 and labels[r, c] == labels[r, c - 1]
            grid[2 * r, 2 * c + 1] = gap if has_above else border
            grid[2 * r + 1, 2 * c] = gap if has_left else border
    for r in range(0, 2 * size, 2):
        for c in range(0, 2 * size, 2):
            is_border = grid[r, c + 1] == border or grid[r + 1, c] == border
            is_border |= r > 0 and grid[r - 1, c] == border
            is_border |= c > 0 and grid[r, c - 1] == border
            grid[r, c] = border if is_border else gap


@jit
def _side(grid, r, c, k):
    """Return what is at a side of a cell: above, below, left, right. Outside of the grid it is -1."""
    y, x = 2 * r + 1 + (k == 1) - (k == 0), 2 * c + 1 + (k == 3) - (k == 2)
    return np.int64(grid[y, x]) if y < grid.shape[0] and x < grid.shape[1] else -1


@jit
def read_labels(grid, gap, labels):
    """Number the regions that gaps connect, in the order of their first cells. Return how many they are."""
    size, count = labels.shape[0], 0
    waiting = np.empty(size * size, np.int64)
    labels[:] = -1
    for start in range(size * size):
        if labels[start // size, start % size] >= 0:
            continue
        labels[start // size, start % size] = count
        waiting[0], left = start, 1
        while left:
            left -= 1
            r, c = waiting[left] // size, waiting[left] % size
            for k in range(4):
                y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
                is_inside = 0 <= y < size and 0 <= x < size
                if is_inside and labels[y, x] < 0 and _side(grid, r, c, k) == gap:
                    labels[y, x] = count
                    waiting[left] = y * size + x
                    left += 1
        count += 1
    return count


@jit
def _is_whole(labels, label, start, count, reached):
    """Return whether a region of `count` cells is connected. start: one of its cells."""
    size = labels.shape[0]
    reached[0], done, total = start, 0, 1
    while done < total:
        r, c = reached[done] // size, reached[done] % size
        done += 1
        for k in range(4):
            y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
            if 0 <= y < size and 0 <= x < size and labels[y, x] == label:
                cell = y * size + x
                if cell not in reached[:total]:
                    reached[total] = cell
                    total += 1
    return total == count


@jit
def trade_cells(rng, digits, labels, tries):
    """Exchange cells of equal digits between neighbouring regions, as long as these stay connected.

    Each region has each of n digits once, before and after.
    """
    size = labels.shape[0]
    reached = np.empty(size * size, np.int64)
    for _ in range(tries):
        r, c, k = rng_below(rng, size), rng_below(rng, size), rng_below(rng, 4)
        y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
        if not (0 <= y < size and 0 <= x < size) or labels[y, x] == labels[r, c]:
            continue
        one, other, a = labels[r, c], labels[y, x], r * size + c
        for b in range(size * size):
            if labels[b // size, b % size] == other and digits[b] == digits[a]:
                labels[r, c], labels[b // size, b % size] = other, one
                stays = _is_whole(labels, one, b, size, reached)
                if not stays or not _is_whole(labels, other, a, size, reached):
                    labels[r, c], labels[b // size, b % size] = one, other
                break


@jit
def merge_cells(rng, digits, most, labels):
    """Divide a board into cages of up to `most` cells that hold no digit twice.

    Each cell is a cage at first. Pairs of neighbours are joined in random order.
    """
    size = labels.shape[0]
    order = np.arange(2 * size * size)
    held = np.empty(size * size, np.int64)
    for cell in range(size * size):
        labels[cell // size, cell % size], held[cell] = cell, np.int64(1) << digits[cell]
    rng_shuffle(rng, order, order.shape[0])
    for pair in order:
        r, c = pair // 2 // size, pair // 2 % size
        y, x = r + pair % 2, c + 1 - pair % 2
        if size in (y, x) or labels[y, x] == labels[r, c]:
            continue
        one, other = labels[r, c], labels[y, x]
        if held[one] & held[other] or bits(held[one] | held[other]) > most:
            continue
        held[one] |= held[other]
        for cell in range(size * size):
            if labels[cell // size, cell % size] == other:
                labels[cell // size, cell % size] = one
