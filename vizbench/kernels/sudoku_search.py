"""Solve Sudoku boards: write forced digits, then search.

A board of `size` x `size` cells is flat. Its *options* are one uint16 per cell. Bit d-1 is set as long as
digit d is possible. The top bit is set once the cell is written.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below

Indices = npt.NDArray[np.uint8]

_WRITTEN = 1 << 15


@final
class Tables(NamedTuple):
    """Which cells share a unit (a row, a column, or a box), uint8."""

    units: Indices
    """The cells of each row, column and box, `(3 size, size)`."""
    homes: Indices
    """The units of each cell, `(size^2, 3)`."""
    peers: Indices
    """The other cells that share a unit with each cell, `(size^2, p)`."""


@functools.cache
def unit_tables(box: int) -> Tables:
    """Return the tables of boards with boxes of `box` x `box` cells, box 2 or 3."""
    size = box * box
    cells: npt.NDArray[Any] = np.arange(size * size)
    rows, columns = cells // size, cells % size
    homes = np.stack([rows, size + columns, 2 * size + rows // box * box + columns // box], axis=1)
    units = np.array([cells[(homes == unit).any(axis=1)] for unit in range(3 * size)])
    seen = (homes[:, None] == homes[None]).any(axis=2) & ~np.eye(size * size, dtype=bool)
    peers = np.array([cells[row] for row in seen])
    return Tables(units.astype(np.uint8), homes.astype(np.uint8), peers.astype(np.uint8))


@jit
def write_digit(options, peers, cell, bit):
    """Write the digit of `bit` and take it from the peers.

    A written peer that loses its own digit is found by `propagate`.
    """
    options[cell] = bit | _WRITTEN
    for k in range(peers.shape[1]):
        options[peers[cell, k]] &= ~bit


@jit
def open_board(board, size, peers, options):
    """Fill `options` from a board `(size^2,)` uint8, 0 for empty. Return whether the digits fit.

    They do not fit if two clash or one is over `size`.
    """
    options[:] = (1 << size) - 1
    for cell in range(board.shape[0]):
        digit = np.int64(board[cell])
        if digit > 0:
            if digit > size or not np.int64(options[cell]) >> (digit - 1) & 1:
                return False
            write_digit(options, peers, cell, np.int64(1) << (digit - 1))
    return True


@jit
def write_last_places(options, units, peers):
    """Write each digit that has one place left in a unit.

    Return how many were written, or -1 if a digit has no place.
    """
    size = units.shape[1]
    full = (1 << size) - 1
    written = 0
    for u in range(units.shape[0]):
        # Digits that are possible at least once and at least twice in the unit, and those written.
        once, twice, fixed = 0, 0, 0
        for k in range(size):
            bits = np.int64(options[units[u, k]])
            twice |= once & bits
            once |= bits
            fixed |= bits & -(bits >> 15)
        if once & full != full:
            return -1

        # Write the digits with one place. Two of them in one cell are a contradiction.
        single = once & ~twice & ~fixed
        if single:
            for k in range(size):
                bits = np.int64(options[units[u, k]]) & single
                if bits:
                    if bits & (bits - 1):
                        return -1
                    write_digit(options, peers, units[u, k], bits)
                    written += 1
    return written


@jit
def write_last_digits(options, peers):
    """Write each cell that has one digit left. Return how many, or -1 if a cell has none."""
    written = 0
    for cell in range(options.shape[0]):
        bits = np.int64(options[cell])
        digits = bits & ~_WRITTEN
        if digits == 0:
            return -1
        if digits == bits and digits & (digits - 1) == 0:
            write_digit(options, peers, cell, digits)
            written += 1
    return written


@jit
def propagate(options, units, peers):
    """Write forced digits until there are none. Return False at a contradiction."""
    while True:
        cells = write_last_digits(options, peers)
        if cells < 0:
            return False
        places = write_last_places(options, units, peers)
        if places < 0:
            return False
        if cells + places == 0:
            return True


@jit
def tightest_cell(options, first):
    """Return the cell with the fewest digits left, the first from cell `first` on; -1 on a full board."""
    best, fewest = -1, 99
    count = options.shape[0]
    for k in range(count):
        cell = k + first if k + first < count else k + first - count
        bits = np.int64(options[cell])
        if bits < _WRITTEN:
            digits = 0
            while bits:
                bits &= bits - 1
                digits += 1
            if digits < fewest:
                best, fewest = cell, digits
                if digits == 2:
                    break
    return best


@jit
def random_bit(rng, bits):
    """Draw one of the bits that are set, all equally likely. Return it as a word."""
    count, rest = 0, bits
    while rest:
        rest &= rest - 1
        count += 1
    for _ in range(rng_below(rng, count)):
        bits &= bits - 1
    return bits & -bits


@jit
def read_digits(options, board):
    """Write the digits of a full board to `board` `(size^2,)` uint8."""
    for cell in range(options.shape[0]):
        digit = 1
        while not np.int64(options[cell]) >> (digit - 1) & 1:
            digit += 1
        board[cell] = digit


@jit
def find_solutions(options, units, peers, solutions):
    """Write at most k solutions of an opened board to `solutions` (k, size^2).

    The search is depth first, at the cell with the fewest digits left. Returns the number of solutions, and
    of digits that were tried.
    """
    # By depth: the options, the cell that is tried, and its digits that are not tried yet.
    count = options.shape[0]
    trail = np.empty((count + 1, count), np.uint16)
    cells = np.empty(count + 1, np.int64)
    left = np.zeros(count + 1, np.int64)
    solved, tried, depth = 0, 0, 0
    trail[0] = options
    down = propagate(trail[0], units, peers)
    while depth >= 0 and solved < solutions.shape[0]:
        if down:
            # Enter a board without contradiction: choose a cell, or write the solution.
            down = False
            cells[depth] = tightest_cell(trail[depth], 0)
            if cells[depth] >= 0:
                left[depth] = trail[depth, cells[depth]]
            else:
                left[depth] = 0
                read_digits(trail[depth], solutions[solved])
                solved += 1
        elif left[depth] == 0:
            depth -= 1
        else:
            # Try the next digit.
            bit = left[depth] & -left[depth]
            left[depth] ^= bit
            trail[depth + 1] = trail[depth]
            write_digit(trail[depth + 1], peers, cells[depth], bit)
            tried += 1
            down = propagate(trail[depth + 1], units, peers)
            depth += np.int64(down)
    return solved, tried


@jit
def is_single(board, seen, units, homes, cell, bit):
    """Return whether an empty cell must hold the digit of `bit`: its last digit, or its last place in a unit.

    seen `(3 size,)` int64: the digits that each row, column and box shows, as bits. For most digits that are
    taken away, this saves a search: for 35 of 41 down to 40 givens, for 40 of 80 down to a minimal question.
    """
    size = units.shape[1]
    if seen[homes[cell, 0]] | seen[homes[cell, 1]] | seen[homes[cell, 2]] | bit == (1 << size) - 1:
        return True
    for u in homes[cell]:
        is_last = True
        for k in range(size):
            other = units[u, k]
            held = seen[homes[other, 0]] | seen[homes[other, 1]] | seen[homes[other, 2]]
            if other != cell and board[other] == 0 and not held & bit:
                is_last = False
                break
        if is_last:
            return True
    return False
