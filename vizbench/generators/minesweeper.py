"""Generate Minesweeper positions: mark what the shown numbers force, and nothing else.

A number counts the mines in the eight cells around it, and cells with a number are no mines. Codes: 0
covered, 1 mine, 2 safe, 3 + k the number k.

A covered cell is forced if it is a mine in all placements of mines that agree with the numbers, or in none.
This is proven by search. Forced cells are marked as mine or safe, the others stay covered. So each position
has one answer. Positions that force too few cells of a kind are dropped.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, clear, demand, seal
from vizbench.kernels.forced import force_all
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.rng import rng_below, rng_shuffle
from vizbench.kernels.scopes import for_each, over_square
from vizbench.task.contract import Reasoning, check_equal
from vizbench.task.puzzle import LIMIT, Board, PuzzleTask, Study
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_COVERED, _MINE, _SAFE, _ZERO = range(4)
_NO_MINES = "no mines agree with the numbers, or the search for them gave up"


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Minesweeper position."""

    size: int = 6
    """Cells per side, 4 … 16."""
    mines: int = 20
    """The chance of a cell to be a mine, 10 … 35 percent."""
    shown: int = 50
    """The percentage of the cells without a mine that show their number, 20 … 90."""
    forced: int = 3
    """How many mines and safe cells are forced at least: from 1 to what about 1 in 100 boards has, at most
    size."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 16), mines=(10, 35), shown=(20, 90))
        cells = self.size**2
        # Fitted: at least about 1 in 100 boards forces so many mines.
        mines = cells * self.mines * self.shown**2 // 250_000
        # So many safe cells are covered on average.
        safe = cells * (100 - self.mines) * (100 - self.shown) // 10_000
        check_ranges(self, forced=(1, max(1, min(self.size, mines, safe))))


VARIANTS = {"6": Params(), "9": Params(size=9, forced=5), "dense": Params(mines=30)}

LEVELS = (
    Params(size=4, forced=1),
    Params(size=5, forced=2),
    Params(size=6, forced=3),
    Params(size=7, forced=4),
    Params(size=8, forced=5),
    Params(size=9, forced=6),
    Params(size=10, forced=8),
    Params(size=12, forced=10),
    Params(size=14, forced=12),
    Params(size=16, forced=14),
)


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value 1 is a mine."""
    size = board.shape[0]
    clear(problem, size * size, 3)
    for cell in range(size * size):
        r, c = cell // size, cell % size
        if board[r, c] != _COVERED:
            problem.domains[cell] = 1
        if board[r, c] >= _ZERO:
            number = np.int64(board[r, c]) - _ZERO
            demand(problem, COUNT, number, number, 2, 0, cell)
            over_square(problem, size, r, c)
    seal(problem)


@jit
def _mines_around(mines, r, c):
    """Return how many mines are around a cell."""
    size, count = mines.shape[0], 0
    for y in range(max(r - 1, 0), min(r + 2, size)):
        for x in range(max(c - 1, 0), min(c + 2, size)):
            count += mines[y, x]
    return count


@jit
def _draw(rng, chance, shown, mines, order, board):
    """Draw mines, and show the numbers of some of the other cells."""
    size, free = board.shape[0], 0
    board[:] = _COVERED
    for cell in range(size * size):
        is_mine = rng_below(rng, 100) < chance
        mines[cell // size, cell % size] = is_mine
        if not is_mine:
            order[free] = cell
            free += 1
    rng_shuffle(rng, order, free)
    for cell in order[: free * shown // 100]:
        r, c = cell // size, cell % size
        board[r, c] = _ZERO + _mines_around(mines, r, c)


@jit
def _draw_all(states, chance, shown, question):
    """Draw a board per random generator. question: `(n, size, size)` uint8."""
    size = question.shape[1]
    mines, order = np.empty((size, size), np.bool_), np.empty(size * size, np.int64)
    for i in range(question.shape[0]):
        _draw(states[i], chance, shown, mines, order, question[i])


@functools.cache
def _board(size: int) -> Board:
    cells = size * size
    return Board((size, size), np.arange(cells), cells, 9 * cells)


@final
class Minesweeper(PuzzleTask[Params]):
    """Mark the mines and safe cells that the numbers force."""

    family = "minesweeper"
    summary = "Mark each covered cell that must be a mine, and each that must be safe; leave the others."
    reasoning = Reasoning.COUNTING
    look = Look("minesweeper", cell=32, margin=8)
    codes = 12
    legend = ("covered cell", "mine", "safe cell", *(f"number {k}" for k in range(9)))
    value_codes = (_SAFE, _MINE)
    rules = ("the number at row {row}, column {column} does not equal the number of mines around it",)
    write_all = for_each(_write_rules)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            "This is a position of Minesweeper. A number tells how many of the eight cells around it are "
            "mines, and cells with a number are no mines. Mark every covered cell that must be a mine as "
            "a mine, and every covered cell that cannot be one as a safe cell. If the numbers allow both, "
            "leave the cell covered.",
            "Each number counts the mines that touch its cell by a side or a corner. Find all covered cells "
            "whose content follows from the numbers shown: turn them into a mine or a safe cell. Everything "
            "that stays uncertain remains a covered cell, and the numbers do not change.",
            "Some covered cells hide mines, and every number says how many mines are among its neighbors, "
            "diagonal ones included. Decide each covered cell only if all ways to place mines that agree "
            "with the numbers agree on it, and write a mine or a safe cell there. Keep all other cells.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def study(self, params: Params, question: Grids) -> Study:
        """Find what questions of the board's shape force. A variable that stays open has the value -1."""
        n, cells = len(question), params.size**2
        values, moments = np.zeros((n, cells), np.int64), np.zeros((n, cells), np.int64)
        study = Study(np.zeros(n, np.int64), values, moments, np.zeros((n, 4)))
        for block, problems, work in self.written(params, question):
            force_all(problems, work, LIMIT, *(column[block] for column in study))
        is_open = self.flat(params, question) == _COVERED
        study.solutions[~is_open] = KEEP
        return study

    def _answers(self, params: Params, question: Grids) -> tuple[Grids, npt.NDArray[np.bool_]]:
        """Return the questions with all forced cells marked, and whether any mines agree with the numbers."""
        answers, study = question.copy(), self.study(params, question)
        self.fill(params, answers, study.solutions)
        return answers, study.counts > 0

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that the forced cells are marked, and no others."""
        board = _board(params.size).shape
        if question.shape != board or answer.shape != board:
            return CheckResult(False, f"the board is not {params.size}x{params.size}")
        expected = self.solve(params, question)
        if expected is None:
            return CheckResult(False, _NO_MINES)
        return check_equal(answer, expected, "differ from what the numbers force")

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return whether the numbers do not force a mark, as a sentence; "" if they do."""
        if question.shape != _board(params.size).shape:
            return f"the board is not {params.size}x{params.size}"
        if question[cell] != _COVERED:
            return f"the number at row {cell[0]}, column {cell[1]} was changed"
        expected = self.solve(params, question)
        if expected is None:
            return _NO_MINES
        if after[cell] == expected[cell]:
            return ""
        return f"the numbers do not force the mark at row {cell[0]}, column {cell[1]}"

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        if not question.shape[1:] == answer.shape[1:] == _board(params.size).shape:
            return np.zeros(len(answer), np.bool_)
        expected, is_consistent = self._answers(params, question)
        return is_consistent & (expected == answer).all(axis=(1, 2))

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        """Draw boards until each forces enough cells of both kinds."""
        states = self.seeded(keys)
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        target = np.empty_like(question)
        todo = np.arange(len(keys))
        while len(todo):
            rng, boards = states[todo], question[todo]
            _draw_all(rng, params.mines, params.shown, boards)
            answers, is_consistent = self._answers(params, boards)
            states[todo], question[todo], target[todo] = rng, boards, answers
            mines, safe = ((answers == code).sum(axis=(1, 2)) for code in (_MINE, _SAFE))
            suits = is_consistent & (mines >= params.forced) & (safe >= params.forced)
            todo = todo[~suits]
        return Batch(question, target)


TASK = Minesweeper()
