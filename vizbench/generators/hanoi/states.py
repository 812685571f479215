"""Number the states of the Towers of Hanoi, and count the moves between them.

The k-th digit of a state, to base 3, is the peg of disk k, 0 the smallest. Every number below 3^n is a legal
state of n disks, since the disks of a peg can have one order only.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit

Table = npt.NDArray[Any]
"""Least moves between any two states, `(3^n, 3^n)` uint8."""


@jit
def move(state, disks, idle):
    """Return the state after the only move between the pegs that are not `idle`; -1 if both are empty."""
    power = 1
    for _ in range(disks):
        peg = state // power % 3
        if peg != idle:
            return state + (3 - idle - 2 * peg) * power
        power *= 3
    return -1


@jit
def walk(state, goal, disks, steps, table):
    """Return the state after `steps` moves of the stored plan to the goal."""
    for _ in range(steps):
        for idle in range(3):
            after = move(state, disks, idle)
            if after >= 0 and table[after, goal] < table[state, goal]:
                state = after
                break
    return state


@jit
def is_right(start, goal, state, steps, table):
    """Return whether a state is reached by the first `steps` moves of a shortest plan."""
    return table[start, state] == steps and table[state, goal] + steps == np.int64(table[start, goal])


@jit
def moves_off(start, goal, state, steps, table):
    """Return the least moves from a state to a right answer, or -1 if none is right."""
    least = -1
    for right in range(table.shape[0]):
        if is_right(start, goal, right, steps, table):
            moves = np.int64(table[state, right])
            if least < 0 or moves < least:
                least = moves
    return least


@functools.cache
def distances(disks: int) -> Table:
    """Return the least moves between all states. For 5 disks they take 59 kB and 1 ms.

    They are computed by induction over the largest disk (Hinz 1992). If it is on the same peg in both states,
    it does not move. Otherwise it moves once, or twice over the third peg. In between, the smaller disks form
    a tower on one peg.
    """
    between = np.zeros((1, 1), np.int64)
    to_tower = np.zeros((1, 3), np.int64)  # least moves from each state to a tower on each peg
    for smaller in range(disks):
        tower = 1 << smaller  # moves of a tower of the smaller disks, and one of the largest
        grown = np.empty((3, len(between), 3, len(between)), np.int64)
        towers = np.empty((3, len(between), 3), np.int64)
        for peg, goal in itertools.product(range(3), repeat=2):
            if peg == goal:
                grown[peg, :, goal] = between
                towers[peg, :, goal] = to_tower[:, goal]
                continue
            third = 3 - peg - goal
            once = to_tower[:, None, third] + 1 + to_tower[None, :, third]
            twice = to_tower[:, None, goal] + 1 + tower + to_tower[None, :, peg]
            grown[peg, :, goal] = np.minimum(once, twice)
            towers[peg, :, goal] = to_tower[:, third] + tower
        between = grown.reshape(3 * len(between), -1)
        to_tower = towers.reshape(-1, 3)
    return between.astype(np.uint8)


@functools.lru_cache(maxsize=16)
def pairs_apart(disks: int, steps: int) -> npt.NDArray[np.int32]:
    """Return every pair of states at least `steps` moves apart, `(m,)` as start + 3^n goal."""
    return np.flatnonzero(distances(disks) >= steps).astype(np.int32)
