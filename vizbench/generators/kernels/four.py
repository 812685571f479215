"""Connect Four on bit boards: the cell of column c, r rows from the bottom, is bit 7 c + r; bit 7 c + 6 stays 0.

Neighbours lie 1 (up), 7 (right), 8 (right and up) or 6 (right and down) bits apart. The spare bit on top of each column
keeps lines from running over an edge into the next one. A set of cells is one word, `mine` and `theirs` are the disks
of players 1 and 2, and player 1 is to move.
"""

from __future__ import annotations

from typing import Final

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below

ROWS: Final = 6
COLUMNS: Final = 7
WIN: Final = 0
BLOCK: Final = 1
FORCE: Final = 2

_BOTTOM: Final = sum(1 << 7 * column for column in range(COLUMNS))
_BOARD: Final = _BOTTOM * ((1 << ROWS) - 1)
_COLUMN: Final = (1 << 7) - 1
_STEPS: Final = (1, 7, 8, 6)


@jit
def free_cells(filled):
    """The cells that a drop can reach: the lowest free one of each column."""
    return (filled + _BOTTOM) & _BOARD


@jit
def completing(disks, step):
    """The cells that complete four in a row along `step` with three of the disks, whether they are free or not."""
    up1, up2, up3 = disks >> step, disks >> 2 * step, disks >> 3 * step
    down1, down2, down3 = disks << step, disks << 2 * step, disks << 3 * step
    outer = (up1 & up2 & up3) | (down1 & down2 & down3)
    return (outer | (up1 & down1 & (up2 | down2))) & _BOARD


@jit
def winning(disks):
    """The cells that complete four in a row in any direction."""
    return completing(disks, 1) | completing(disks, 7) | completing(disks, 8) | completing(disks, 6)


@jit
def has_four(disks):
    """Whether four of the disks lie in a row."""
    for step in _STEPS:
        pairs = disks & (disks >> step)
        if pairs & (pairs >> 2 * step):
            return True
    return False


@jit
def is_position(mine, theirs):
    """Whether player 1 may be to move: as many disks each, none in the air, no four in a row."""
    filled = mine | theirs
    more, left = mine, theirs
    while more and left:
        more &= more - 1
        left &= left - 1
    if more or left or mine & theirs or ((filled & ~_BOTTOM) >> 1) & ~filled:
        return False
    return not (has_four(mine) or has_four(theirs))


@jit
def _loses(mine, theirs):
    """Whether player 2, who is to move, can neither win nor keep player 1 from winning with the next drop."""
    replies = free_cells(mine | theirs)
    if replies == 0 or winning(theirs) & replies:
        return False
    wins = winning(mine)
    rest = replies
    while rest:
        reply = rest & -rest
        rest ^= reply
        if ((replies ^ reply) | (reply << 1)) & wins == 0:
            return False
    return True


@jit
def right_drops(mine, theirs, goal):
    """The drops of player 1 that do what is asked.

    WIN: complete four. BLOCK: player 2 could win with the next drop and cannot any more. FORCE: win with this drop or,
    whatever player 2 replies, with the next.
    """
    free = free_cells(mine | theirs)
    found = winning(mine) & free
    threats = winning(theirs)
    if goal == WIN:
        return found
    if goal == BLOCK and threats & free == 0:
        return 0
    rest = free & ~found
    while rest:
        drop = rest & -rest
        rest ^= drop
        if goal == BLOCK:
            good = threats & free_cells(mine | theirs | drop) == 0
        else:
            good = _loses(mine | drop, theirs)
        if good:
            found |= drop
    return found


@jit
def random_drop(rng, filled):
    """A free cell in a random column among those with one; there must be one."""
    free = free_cells(filled)
    while True:
        drop = free & (_COLUMN << 7 * rng_below(rng, COLUMNS))
        if drop:
            return drop
