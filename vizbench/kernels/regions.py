"""Divide boards into connected regions: grow them from seeds, and change them cell by cell.

A board holds the number of each cell's region, from 1 on; 0 for a cell without one. Cells are numbered in
reading order.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below, rng_shuffle

_FASTEST = 8  # a region's speed is 1 … 8: the chance in eighths that it takes a cell beside it


@jit
def neighbour(board, cell, k):
    """Return the cell beside a cell: above, below, left or right for k = 0 … 3; -1 outside the board."""
    height, width = board.shape
    r, c = cell // width + (k == 1) - (k == 0), cell % width + (k == 3) - (k == 2)
    if 0 <= r < height and 0 <= c < width:
        return r * width + c
    return -1


@jit
def code_at(board, cell):
    """Return what a board has in a cell."""
    return board[cell // board.shape[1], cell % board.shape[1]]


@jit
def grow(rng, regions, board):
    """Grow regions from their first cells until the board is full, each at a random speed.

    regions: how many there are. board: a cell or more of each region, else 0.
    """
    speeds = np.empty(regions + 1, np.int64)
    for region in range(1, regions + 1):
        speeds[region] = 1 + rng_below(rng, _FASTEST)
    open_cells, count = np.empty(board.size, np.int64), 0
    for cell in range(board.size):
        if code_at(board, cell) == 0:
            open_cells[count] = cell
            count += 1
    while count > 0:
        k = rng_below(rng, count)
        cell = open_cells[k]
        other = neighbour(board, cell, rng_below(rng, 4))
        region = code_at(board, other) if other >= 0 else 0
        if region > 0 and rng_below(rng, _FASTEST) < speeds[region]:
            board[cell // board.shape[1], cell % board.shape[1]] = region
            count -= 1
            open_cells[k] = open_cells[count]


@jit
def divide(rng, regions, order, board):
    """Divide a board into connected regions that grow from random cells. order: `(cells,)`, the cells."""
    board[:] = 0
    rng_shuffle(rng, order, board.size)
    for region in range(regions):
        cell = order[region]
        board[cell // board.shape[1], cell % board.shape[1]] = region + 1
    grow(rng, regions, board)


@jit
def _taken(board, kinds, region):
    """Return the kinds of a region's neighbours, as bits."""
    taken = 0
    for cell in range(board.size):
        if code_at(board, cell) == region:
            for k in range(4):
                other = neighbour(board, cell, k)
                if other >= 0 and code_at(board, other) != region:
                    taken |= 1 << kinds[code_at(board, other)]
    return taken


@jit
def paint(rng, regions, count, board, kinds):
    """Draw one of the kinds 1 … count per region, none that a neighbour has. Return whether each has one.

    kinds: `(regions + 1,)`.
    """
    kinds[:] = 0
    for region in range(1, regions + 1):
        taken, first = _taken(board, kinds, region), rng_below(rng, count)
        for k in range(first, first + count):
            kind = k % count + 1
            if kinds[region] == 0 and not taken >> kind & 1:
                kinds[region] = kind
        if kinds[region] == 0:
            return False
    return True


@jit
def groups_of(board):
    """Return the first cell of each cell's group, `(cells,)`: connected cells with the same code."""
    groups, stack = np.full(board.size, -1), np.empty(board.size, np.int64)
    for first in range(board.size):
        if groups[first] >= 0:
            continue
        groups[first], stack[0], top = first, first, 1
        while top > 0:
            top -= 1
            at = stack[top]
            for k in range(4):
                other = neighbour(board, at, k)
                if other >= 0 and groups[other] < 0 and code_at(board, other) == code_at(board, first):
                    groups[other], stack[top] = first, other
                    top += 1
    return groups


@jit
def stays_joined(board, cell, seen, stack):
    """Return whether the region of a cell stays connected, and not empty, without the cell.

    seen: `(cells,)` bool. stack: `(cells,)` int64. Both are scratch.
    """
    region = code_at(board, cell)
    seen[:] = False
    seen[cell] = True
    others, top = 0, 0
    for other in range(board.size):
        if other != cell and code_at(board, other) == region:
            others += 1
            stack[0], top = other, 1
    if others == 0:
        return False
    seen[stack[0]] = True
    joined = 1
    while top > 0:
        top -= 1
        at = stack[top]
        for k in range(4):
            other = neighbour(board, at, k)
            if other >= 0 and not seen[other] and code_at(board, other) == region:
                seen[other] = True
                stack[top] = other
                top += 1
                joined += 1
    return joined == others


@jit
def join_in_pairs(rng, order, board):
    """Join regions in pairs of neighbours, and number the pairs. Return whether each region finds another.

    order: `(regions,)`, their numbers.
    """
    regions = order.shape[0]
    pairs = np.zeros(regions + 1, board.dtype)
    rng_shuffle(rng, order, regions)
    count = 0
    for region in order:
        for cell in range(board.size):
            for k in range(4):
                other = neighbour(board, cell, k)
                if pairs[region] > 0 or other < 0 or code_at(board, cell) != region:
                    continue
                mate = code_at(board, other)
                if mate != region and pairs[mate] == 0:
                    count += 1
                    pairs[region] = pairs[mate] = count
    for r in range(board.shape[0]):
        for c in range(board.shape[1]):
            board[r, c] = pairs[board[r, c]]
    return 2 * count == regions


@jit
def shrink(rng, order, kept, board):
    """Take cells away from regions in random order, as long as they stay connected, and write 0 there.

    order: `(cells,)`, the cells. kept: which cells must stay, of the board's shape.
    """
    seen, stack = np.empty(board.size, np.bool_), np.empty(board.size, np.int64)
    is_smaller = True
    while is_smaller:
        is_smaller = False
        rng_shuffle(rng, order, board.size)
        for cell in order:
            r, c = cell // board.shape[1], cell % board.shape[1]
            if board[r, c] and not kept[r, c] and stays_joined(board, cell, seen, stack):
                board[r, c] = 0
                is_smaller = True
