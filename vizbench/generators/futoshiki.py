"""Generate Futoshiki: a Latin square that obeys signs between its cells.

Each row and column holds each digit once, and a sign between two cells says which of them has the smaller
digit. The puzzle is by Tamaki Seto (2001). Cells are in the even rows and columns of the grid, signs between
them. Codes: 0 empty, 1 … 7 the digits, 8 gap, 9 … 12 a sign: the smaller digit is left, right, above, below.

Every question has exactly one solution, proven by search when it is made. A random square is drawn, and a
sign for some of the pairs of neighbours. Then digits are taken away in random order, each only if the
solution stays the only one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import DIFFERENT, LESS, Problem, clear, demand, over, row_of, seal
from vizbench.kernels.rng import rng_below
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, PuzzleTask
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look

_MOST = 7
_GAP, _LEFT, _RIGHT, _ABOVE, _BELOW = range(_MOST + 1, _MOST + 6)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Futoshiki."""

    size: int = 5
    """Digits, and cells per side, 3 … 7."""
    signs: int = 30
    """The chance of two neighbours to have a sign, 10 … 70 percent."""
    empty: int = 60
    """The percentage of cells that are emptied, 10 … 100, if the solution stays the only one."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, _MOST), signs=(10, 70), empty=(10, 100))


VARIANTS = {"5": Params(), "6": Params(size=6), "minimal": Params(empty=100)}

LEVELS = (
    Params(size=4, empty=50),
    Params(size=4, empty=65),
    Params(size=5, empty=52),
    Params(size=5, empty=60),
    Params(size=5, empty=70),
    Params(size=6, empty=58),
    Params(size=6, empty=67),
    Params(size=7, empty=60),
    Params(size=7, empty=67),
    Params(size=7, empty=74),
)


@jit
def _write_signs(board, problem):
    """Write the constraints of the signs of a board."""
    size = (board.shape[0] + 1) // 2
    for r in range(board.shape[0]):
        for c in range(board.shape[1]):
            first = (r // 2) * size + c // 2
            second = first + (1 if r % 2 == 0 else size)
            sign = board[r, c]
            if r % 2 == 0 and c % 2 == 1 and sign not in (_LEFT, _RIGHT):
                continue
            if r % 2 == 1 and c % 2 == 0 and sign not in (_ABOVE, _BELOW):
                continue
            if r % 2 == c % 2:
                continue
            if sign in (_RIGHT, _BELOW):
                first, second = second, first
            demand(problem, LESS, 1, 0, 0, 2, r * board.shape[1] + c)
            over(problem, first)
            over(problem, second)


@jit
def _write_all(question, problems):
    """Write the constraints of each question. Value k is the digit k + 1."""
    size = (question.shape[1] + 1) // 2
    full = (1 << size) - 1
    for i in range(question.shape[0]):
        problem = row_of(problems, i)
        clear(problem, size * size, full)
        for line in range(size):
            for is_column in range(2):
                demand(problem, DIFFERENT, 0, 0, full, is_column, line)
                for k in range(size):
                    over(problem, k * size + line if is_column else line * size + k)
        for cell in range(size * size):
            digit = question[i, 2 * (cell // size), 2 * (cell % size)]
            if 1 <= digit <= size:
                problem.domains[cell] = 1 << (np.int64(digit) - 1)
        _write_signs(question[i], problem)
        seal(problem)


@jit
def _sign_all(states, chance, target):
    """Draw signs between the digits of each board."""
    for i in range(target.shape[0]):
        board = target[i]
        for r in range(board.shape[0]):
            for c in range(board.shape[1]):
                if r % 2 == c % 2 or rng_below(states[i], 100) >= chance:
                    continue
                if r % 2 == 0:
                    board[r, c] = _LEFT if board[r, c - 1] < board[r, c + 1] else _RIGHT
                else:
                    board[r, c] = _ABOVE if board[r - 1, c] < board[r + 1, c] else _BELOW


@functools.cache
def _board(size: int) -> Board:
    side = 2 * size - 1
    places = np.arange(side * side, dtype=np.int64).reshape(side, side)[::2, ::2].flatten()
    signs = 2 * size * (size - 1)
    return Board((side, side), places, 2 * size + signs, 2 * size * size + 2 * signs)


@final
class Futoshiki(PuzzleTask[Params]):
    """Complete a Futoshiki that has one solution."""

    family = "futoshiki"
    summary = "Fill a square so that each row and column holds each digit once and all signs are obeyed."
    reasoning = Reasoning.LOGIC
    look = Look("futoshiki", cell=32, margin=8)
    codes = 13
    legend = (
        "empty cell",
        *(f"digit {digit}" for digit in range(1, _MOST + 1)),
        "gap",
        "sign: left is smaller",
        "sign: right is smaller",
        "sign: above is smaller",
        "sign: below is smaller",
    )
    value_codes = tuple(range(1, _MOST + 1))
    rules = (
        "row {} of digits does not hold each digit once",
        "column {} of digits does not hold each digit once",
        "the sign at row {row}, column {column} is not obeyed",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return (*range(params.size + 1), *range(_GAP, self.codes))

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            f"Write a digit from 1 to {params.size} in each empty cell, so that each row and each column of "
            "digits holds every digit once. A sign between two cells says which of the two has the smaller "
            "digit. Keep the given digits, the signs and the gaps between the cells.",
            f"Complete this Futoshiki: no digit from 1 to {params.size} may occur twice in a row or column, "
            "and of two cells with a sign between them, the one that the sign names must hold the smaller "
            "digit. Only empty cells change.",
            f"Every row and every column must contain the digits 1 to {params.size}, each exactly once. "
            "Signs compare the cells to the left and right of them, or above and below. Replace every empty "
            "cell by a digit such that all of the signs are true, and leave the rest alone.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        states, board, size = self.seeded(keys), _board(params.size), params.size
        target = np.full((len(keys), *board.shape), _GAP, np.uint8)
        target[:, ::2, ::2] = 0
        values = self.drawn_values(params, states, target)
        self.fill(params, target, values)
        _sign_all(states, params.signs, target)
        question = target.copy()
        question[:, ::2, ::2] = 0
        most = size * size * params.empty // 100
        hidden = self.hidden_givens(params, states, question, values, size, most)
        cells = target[:, ::2, ::2]
        question[:, ::2, ::2] = np.where(hidden.reshape(cells.shape), 0, cells)
        return Batch(question, target)


TASK = Futoshiki()
