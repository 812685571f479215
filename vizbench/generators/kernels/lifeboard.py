"""Life-like steps on an 8x8 board held in one 64-bit word: cell (r, c) is bit 8 r + c, cells outside are dead.

All 64 cells are counted at once in planes: plane k holds bit k of every cell's number of live neighbours.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit

_NOT_FIRST = np.uint64(0xFEFEFEFEFEFEFEFE)  # columns 1 … 7
_NOT_LAST = np.uint64(0x7F7F7F7F7F7F7F7F)  # columns 0 … 6
_ROW = np.uint64(8)
_ONE = np.uint64(1)


@jit
def _counts(board):
    """Four planes with the number of live neighbours, lowest bit first."""
    west = (board << _ONE) & _NOT_FIRST
    east = (board >> _ONE) & _NOT_LAST
    side0, side1 = west ^ east, west & east  # the two in the cell's own row
    row0, row1 = side0 ^ board, side1 | (side0 & board)  # the three in a whole row, seen from above and below
    north0, north1 = row0 << _ROW, row1 << _ROW
    south0, south1 = row0 >> _ROW, row1 >> _ROW
    both = north0 ^ south0
    carry = (north0 & south0) | (both & side0)
    twos, more = north1 ^ south1, side1 ^ carry
    quads, rest = north1 & south1, side1 & carry
    return both ^ side0, twos ^ more, quads ^ rest ^ (twos & more), quads & rest


@jit
def step_word(board, born, survives):
    """The board after one step. born, survives: bit k is set when k live neighbours give or keep life."""
    ones, twos, fours, eights = _counts(board)
    after = np.uint64(0)
    for k in range(9):
        is_born, stays = (born >> k) & 1, (survives >> k) & 1
        if is_born or stays:
            match = eights if k & 8 else ~eights
            match &= ones if k & 1 else ~ones
            match &= twos if k & 2 else ~twos
            match &= fours if k & 4 else ~fours
            if not stays:
                match &= ~board
            if not is_born:
                match &= board
            after |= match
    return after
