"""Draw states of the Towers of Hanoi as pictures, and read pictures back to states.

Codes: 0 ground, 1 … 6 disks, 7 peg, 8 base, 9 the goal's ground.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from vizbench._util.jit import jit
from vizbench.types import Grid

GROUND, PEG, BASE, GOAL_GROUND = 0, 7, 8, 9
COLOURS: Final = 6
"""Disks have codes 1 … COLOURS."""

WHOLE, BROKEN, FLOATING, DOUBLE, TOO_LARGE, MISSING = range(6)
"""What `read_band` says of a band: nothing is wrong, or what is."""


@jit
def stack(state, colours, band):
    """Draw the disks on `band` (n, 3 (2n - 1)) uint8, empty pegs.

    colours: `(n,)`, the smallest disk first.
    """
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


@jit
def _bar(picture, row, first, disks, bare):
    """Return the disk drawn at a level, 0 the smallest; -1 if there is none, -2 if it is not whole.

    first: the first column of the peg. bare (3 (2n - 1),): a row of the band without disks.
    """
    colour, cells, is_bare = picture[row, first + disks - 1], 0, True
    for column in range(first, first + 2 * disks - 1):
        cells += picture[row, column] == colour
        is_bare &= picture[row, column] == bare[column]
    if is_bare:
        return -1
    if colour < 1 or colour > COLOURS:
        return -2
    disk = (cells - 1) // 2
    for column in range(first, first + 2 * disks - 1):
        covered = abs(column - first - disks + 1) <= disk
        if picture[row, column] != (colour if covered else bare[column]):
            return -2
    return disk


@jit
def read_band(picture, top, disks, bare, pegs, colours):
    """Write peg and colour of each disk, smallest first, to `pegs` and `colours` (n,) int64.

    top: the first row of the band. Returns what is wrong, WHOLE if nothing, with its row, peg and disk.
    """
    pegs[:] = -1
    for peg in range(3):
        below = disks  # the disk below, at first the base; -1 for an empty level
        for row in range(top + disks - 1, top - 1, -1):
            first = peg * (2 * disks - 1)
            disk = _bar(picture, row, first, disks, bare)
            if disk == -2:
                return BROKEN, row, peg, 0
            if disk >= 0:
                if below < 0:
                    return FLOATING, row, peg, disk
                if pegs[disk] >= 0:
                    return DOUBLE, row, peg, disk
                if disk > below:
                    return TOO_LARGE, row, peg, disk
                pegs[disk], colours[disk] = peg, picture[row, first + disks - 1]
            below = disk
    for disk in range(disks):
        if pegs[disk] < 0:
            return MISSING, 0, 0, disk
    return WHOLE, 0, 0, 0


@jit
def number(pegs):
    """Return the state with these pegs, smallest disk first."""
    state = 0
    for disk in range(pegs.shape[0] - 1, -1, -1):
        state = 3 * state + pegs[disk]
    return state


@jit
def see(picture, empty, colours):
    """Return start and goal of a picture of the right shape, or -1 and -1 if it is no question.

    colours: `(n,)` int64, the disks' codes are written there.
    """
    disks = colours.shape[0]
    pegs, others = np.empty(disks, np.int64), np.empty(disks, np.int64)
    for r in range(picture.shape[0]):
        for c in range(picture.shape[1]):
            if (picture[r, c] == BASE) != (empty[r, c] == BASE):
                return -1, -1
    if read_band(picture, 0, disks, empty[0], pegs, others)[0] != WHOLE:
        return -1, -1
    goal = number(pegs)
    if read_band(picture, disks + 1, disks, empty[disks + 1], pegs, colours)[0] != WHOLE:
        return -1, -1
    for disk in range(disks):
        if colours[disk] != others[disk]:
            return -1, -1
    return number(pegs), goal


@jit
def reach(question, answer, empty, colours):
    """Return the state that an answer shows, or -1 if it is not the question with another state."""
    disks = colours.shape[0]
    for r in range(question.shape[0]):
        for c in range(question.shape[1]):
            if answer[r, c] != question[r, c] and not disks < r <= 2 * disks:
                return -1
    pegs, others = np.empty(disks, np.int64), np.empty(disks, np.int64)
    if read_band(answer, disks + 1, disks, empty[disks + 1], pegs, others)[0] != WHOLE:
        return -1
    for disk in range(disks):
        if colours[disk] != others[disk]:
            return -1
    return number(pegs)


@jit
def drawn_state(answer, start, colours):
    """Return the state in which every disk is on the peg where the answer has most cells of its colour.

    A disk without any cell of its colour stays where it is at the start.
    """
    disks = colours.shape[0]
    state, power = 0, 1
    for disk in range(disks):
        peg, most = start // power % 3, 0
        for other in range(3):
            cells = 0
            for r in range(disks + 1, 2 * disks + 1):
                for c in range(other * (2 * disks - 1), (other + 1) * (2 * disks - 1)):
                    cells += answer[r, c] == colours[disk]
            if cells > most:
                peg, most = other, cells
        state += peg * power
        power *= 3
    return state


@jit
def draw(picture, question, empty, state, colours):
    """Fill `picture` with the question in another state."""
    disks = colours.shape[0]
    picture[: disks + 1] = question[: disks + 1]
    picture[disks + 1 :] = empty[disks + 1 :]
    stack(state, colours, picture[disks + 1 : 2 * disks + 1])


@functools.cache
def empty_picture(disks: int) -> Grid:
    """Return the picture without disks, `(2n + 2, 3 (2n - 1))`: pegs on their base, the goal's band above."""
    wide = 2 * disks - 1
    bands = np.full((2, disks + 1, 3 * wide), GROUND, np.uint8)
    bands[0] = GOAL_GROUND
    bands[:, :, disks - 1 :: wide] = PEG
    bands[:, disks] = BASE
    return bands.reshape(-1, 3 * wide)
