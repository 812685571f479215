"""The Towers of Hanoi on numbers: the k-th digit of a state, to base 3, is the peg of disk k, 0 the smallest.

Every number below 3^n is a legal state of n disks, since the disks of a peg can lie in one order only.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def move(state, disks, idle):
    """The state after the only move between the two pegs that are not `idle`; -1 where both are empty."""
    power = 1
    for _ in range(disks):
        peg = state // power % 3
        if peg != idle:
            return state + (3 - idle - 2 * peg) * power
        power *= 3
    return -1


@jit
def walk(state, goal, disks, steps, table):
    """The state after `steps` moves of the stored way to the goal."""
    for _ in range(steps):
        for idle in range(3):
            after = move(state, disks, idle)
            if after >= 0 and table[after, goal] < table[state, goal]:
                state = after
                break
    return state


@jit
def stack(state, colours, band):
    """Draw the disks on `band` (n, 3 (2n - 1)) uint8, empty pegs, as `colours` (n,) says, the smallest first."""
    disks = band.shape[0]
    heights = np.zeros(3, np.int64)
    power = 3 ** (disks - 1)
    for k in range(disks - 1, -1, -1):
        peg = state // power % 3
        power //= 3
        row = disks - 1 - heights[peg]
        heights[peg] += 1
        middle = peg * (2 * disks - 1) + disks - 1
        for column in range(middle - k, middle + k + 1):
            band[row, column] = colours[k]
