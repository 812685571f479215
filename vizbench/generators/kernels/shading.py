"""Search in Hitori boards up to 8x8, held in 64-bit words: cell (r, c) is bit 8 r + c.

A position is two words: the cells known to be shaded and those known to be spared. `mates[k]` are the cells that hold
cell k's digit in its row or column.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit

_ROW = np.uint64(8)
_ONE = np.uint64(1)
_NONE = np.uint64(0)
_NOT_FIRST = np.uint64(0xFEFEFEFEFEFEFEFE)  # columns 1 … 7
_NOT_LAST = np.uint64(0x7F7F7F7F7F7F7F7F)  # columns 0 … 6

# A de Bruijn word: the top six bits of its product with 2^k tell k.
_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACE = np.empty(64, np.int64)
_PLACE[[(0x03F79D71B4CB0A89 << k & 0xFFFFFFFFFFFFFFFF) >> 58 for k in range(64)]] = np.arange(64)


def whole(size: int) -> np.uint64:
    """The word of all cells of a board with sides 1 … 8."""
    return np.uint64(sum(1 << 8 * r + c for r in range(size) for c in range(size)))


@jit
def bit(cell):
    """The word of one cell."""
    return _ONE << np.uint64(cell)


@jit
def lowest(cells):
    """The first cell of a word that has one."""
    return _PLACE[((cells & (~cells + _ONE)) * _BRUIJN) >> np.uint64(58)]


@jit
def beside(cells, board):
    """The neighbours of cells by side."""
    return ((cells << _ROW) | (cells >> _ROW) | ((cells << _ONE) & _NOT_FIRST) | ((cells >> _ONE) & _NOT_LAST)) & board


@jit
def joined(start, free, board):
    """The free cells that moves by side over free cells reach from `start`, a word of free cells."""
    before = _NONE
    while start != before:
        before = start
        start |= beside(start, board) & free
    return start


@jit
def find_mates(digits, size, mates):
    """Fill `mates` (64,) uint64 from `digits` (64,) uint8, rows of 8 of which the first `size` cells count."""
    for r in range(size):
        for c in range(size):
            cell = 8 * r + c
            mates[cell] = _NONE
            for k in range(size):
                if k != c and digits[8 * r + k] == digits[cell]:
                    mates[cell] |= bit(8 * r + k)
                if k != r and digits[8 * k + c] == digits[cell]:
                    mates[cell] |= bit(8 * k + c)


@jit
def follow(shaded, spared, done, mates, board):
    """What follows at once from a position: (whether no rule breaks, shaded, spared). done: spared cells whose mates
    are shaded already.

    Neighbours of shaded cells are spared, then mates of spared cells shaded, then what shading cut off from the spared.
    """
    spared |= beside(shaded, board)
    todo = spared & ~done
    while todo:
        shaded |= mates[lowest(todo)]
        todo &= todo - _ONE
    if shaded & (spared | beside(shaded, board)):
        return False, shaded, spared
    if spared:
        free = board & ~shaded
        cut = free & ~joined(spared & (~spared + _ONE), free, board)
        if cut & spared:
            return False, shaded, spared
        shaded |= cut
    return True, shaded, spared


@jit
def settle(shaded, spared, mates, board):
    """The same until nothing follows."""
    done = _NONE
    while True:
        before, old = shaded, spared
        fits, shaded, spared = follow(shaded, spared, done, mates, board)
        if not fits or (shaded == before and spared == old):
            return fits, shaded, spared
        done = spared


@jit
def _contested(shaded, spared, mates, board):
    """The first undecided cell of which a mate is not shaded; -1 where there is none."""
    todo = board & ~shaded & ~spared
    while todo:
        cell = lowest(todo)
        if mates[cell] & ~shaded:
            return cell
        todo &= todo - _ONE
    return -1


@jit
def search(mates, board, found):
    """Shadings that solve a board, as many as `found` (k,) uint64 has room for: (their number, guesses).

    Undecided cells without a contested mate are left unshaded, so every solution holds one of those found, perhaps with
    more cells shaded: a board has one solution when one is found and no cell more can be shaded in it.
    """
    stack = np.empty((65, 2), np.uint64)
    stack[0] = _NONE
    top, count, guesses = 1, 0, 0
    while top > 0 and count < found.shape[0]:
        top -= 1
        fits, shaded, spared = settle(stack[top, 0], stack[top, 1], mates, board)
        if fits:
            cell = _contested(shaded, spared, mates, board)
            if cell < 0:
                found[count] = shaded
                count += 1
            else:
                guesses += 1
                stack[top, 0], stack[top, 1] = shaded, spared | bit(cell)
                stack[top + 1, 0], stack[top + 1, 1] = shaded | bit(cell), spared
                top += 2
    return count, guesses


@jit
def look_ahead(mates, board):
    """Decide cells in rounds: (rounds, cells tried, cells left undecided). The board has a solution.

    In a round each undecided cell is tried both ways; where a rule breaks at once, it is the other way.
    """
    shaded, spared = _NONE, _NONE
    rounds, tried = 0, 0
    while True:
        must, may_not = _NONE, _NONE
        todo = board & ~shaded & ~spared
        while todo:
            cell = todo & (~todo + _ONE)
            if not follow(shaded | cell, spared, _NONE, mates, board)[0]:
                may_not |= cell
            elif not follow(shaded, spared | cell, _NONE, mates, board)[0]:
                must |= cell
            tried += 1
            todo &= todo - _ONE
        if not must | may_not:
            break
        shaded |= must
        spared |= may_not
        rounds += 1
    left = 0
    todo = board & ~shaded & ~spared
    while todo:
        left += 1
        todo &= todo - _ONE
    return rounds, tried, left
