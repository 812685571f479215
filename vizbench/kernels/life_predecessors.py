"""Find a board that becomes another one after a step of Conway's Life, by search in reading order."""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench._util.jit import jit
from vizbench.types import Grid

DEAD, LIVE, BORDER, UNKNOWN = range(4)

_SLOTS: Final = 100_003
"""Failures that a search remembers. A lost one costs only time."""


@jit
def after_step(board, r, c):
    """Return what a cell becomes, UNKNOWN if the cell or a neighbour is not dead or live."""
    h, w = board.shape
    around = 0
    for y in range(max(r - 1, 0), min(r + 2, h)):
        for x in range(max(c - 1, 0), min(c + 2, w)):
            if board[y, x] > LIVE:
                return UNKNOWN
            around += board[y, x]
    around -= board[r, c]
    return LIVE if around == 3 or (around == 2 and board[r, c] == LIVE) else DEAD


@jit
def _fits(before, shown, cell):
    """Return whether all cells that are decided when cells 0 … cell are filled become what is shown."""
    h, w = before.shape
    r, c = cell // w, cell % w
    for y in range(max(r - 1, 0), r + 1):
        for x in range(max(c - 1, 0), c + 1):
            is_decided = (y < r or r == h - 1) and (x < c or c == w - 1)
            if is_decided and after_step(before, y, x) != shown[y, x]:
                return False
    return True


@jit
def _state(before, cell):
    """Return a number of the cell and the filled cells on which later ones depend: two rows, two cells."""
    w = before.shape[1]
    number = np.int64(cell)
    for k in range(cell - 2 * w - 1, cell + 1):
        number = 2 * number + (np.int64(before[k // w, k % w]) if k >= 0 else 0)
    return number


@jit
def _search(shown, failed, before):
    """Fill `before` (h, w) in reading order with a predecessor of `shown`. Return whether there is one.

    failed `(slots,)` int64, all -1: cells, with the frontiers after them, from which none was reached.
    """
    w, cells = before.shape[1], before.size
    before[:] = UNKNOWN
    cell = 0
    while 0 <= cell < cells:
        r, c = cell // w, cell % w
        if before[r, c] == LIVE:  # both codes failed
            before[r, c] = UNKNOWN
            cell -= 1
            if cell >= 0:
                number = _state(before, cell)
                failed[number % failed.shape[0]] = number
            continue
        before[r, c] = LIVE if before[r, c] == DEAD else DEAD
        number = _state(before, cell)
        if failed[number % failed.shape[0]] != number and _fits(before, shown, cell):
            cell += 1
    return cell == cells


def predecessor(shown: Grid) -> Grid | None:
    """Return a board that becomes `shown` after one step, or None if there is none.

    shown: `(h, w)`, cells dead or live. The time may grow with h * 4^w, so keep boards at most 10 wide.
    """
    before = np.empty(shown.shape, np.uint8)
    is_possible: bool = _search(np.ascontiguousarray(shown), np.full(_SLOTS, -1), before)
    return before if is_possible else None
