"""Generate Numbrix: write the missing numbers, so that each number is beside the next one.

The numbers 1 to the number of cells are each in one cell, and cells of consecutive numbers share a side. The
puzzle is by Marilyn vos Savant (2008), and with diagonal steps it is known as Hidato. Codes: 0 empty, k the
number k.

Every question has exactly one solution, proven by search when it is made. A random path through all cells is
drawn by backbites (Oberdorf et al. 2006): an end of the path is joined to a neighbour, and the path is cut
there. Then numbers are taken away in random order, each only if the solution stays the only one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.constraints import DIFFERENT, Problem, clear, demand, over, seal
from vizbench.kernels.grid_constraints import NEXT
from vizbench.kernels.grid_paths import draw_path, near_cell
from vizbench.kernels.scopes import for_each
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, PuzzleTask, States, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look

_MOST = 36
_REPEATED, _APART = range(2)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Numbrix."""

    size: int = 5
    """Cells per side, 3 … 6."""
    empty: int = 60
    """The percentage of cells that are emptied, 10 … 100, if the solution stays the only one."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 6), empty=(10, 100))


VARIANTS = {"5": Params(), "6": Params(size=6), "minimal": Params(empty=100)}

LEVELS = (
    Params(size=4, empty=30),
    Params(size=4, empty=45),
    Params(size=4, empty=60),
    Params(size=5, empty=45),
    Params(size=5, empty=55),
    Params(size=5, empty=65),
    Params(size=6, empty=50),
    Params(size=6, empty=60),
    Params(size=6, empty=70),
    Params(size=6, empty=100),
)


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value k is the number k + 1."""
    size = board.shape[0]
    cells = size * size
    full = (np.int64(1) << cells) - 1
    clear(problem, cells, full)
    demand(problem, DIFFERENT, 0, 0, full, _REPEATED, 0)
    for cell in range(cells):
        over(problem, cell)
    for cell in range(cells):
        code = np.int64(board[cell // size, cell % size])
        if code > 0:
            problem.domains[cell] = np.int64(1) << (code - 1) & full
        demand(problem, NEXT, 0, cells - 1, 0, _APART, cell)
        over(problem, cell)
        for k in range(4):
            near = near_cell(size, cell, k)
            if near >= 0:
                over(problem, near)
    seal(problem)


_write_all = for_each(_write_rules)


@jit
def _draw(states, size, values):
    """Draw a path per random generator, as the value of each cell `(n, cells)`."""
    cells = size * size
    path, places = np.empty(cells, np.int64), np.empty(cells, np.int64)
    for i in range(values.shape[0]):
        draw_path(states[i], size, path, places)
        values[i] = places


@functools.cache
def _board(size: int) -> Board:
    cells = size * size
    places = rectangle((size, size), 0, 0, size, size)
    return Board((size, size), places, cells + 1, 6 * cells)


@final
class Numbrix(PuzzleTask[Params]):
    """Write the missing numbers of a path through all cells."""

    family = "numbrix"
    summary = "Fill a board with consecutive numbers, each of which is beside the next one."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("numbrix", cell=32, margin=8)
    codes = _MOST + 1
    legend = ("empty cell", *(f"number {k}" for k in range(1, _MOST + 1)))
    value_codes = tuple(range(1, _MOST + 1))
    rules = (
        "a number is there twice or is missing",
        "the number at row {row}, column {column} is not beside the number before it and the one after it",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> range:
        return range(params.size**2 + 1)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        last = params.size**2
        return (
            f"Fill in the numbers from 1 to {last}, each in one cell. Two numbers that follow each other, "
            "such as 4 and 5, must be in cells that share a side. Keep the given numbers.",
            f"Complete a path that visits every cell of the board once, from number 1 to number {last}. It "
            "goes up, down, left or right to the next cell, and the numbers count its cells. Some numbers "
            "are given and must stay.",
            f"Write a number in each empty cell so that the board holds every number from 1 to {last} "
            f"exactly once. Each number except {last} has the next higher number directly above, below, "
            "left or right of it; diagonals do not count. Do not change given numbers.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        """Draw paths, and take numbers away."""
        states: States = self.seeded(keys)
        cells = params.size**2
        values = np.empty((len(keys), cells), np.int64)
        _draw(states, params.size, values)
        target = (values + 1).astype(np.uint8).reshape(-1, params.size, params.size)
        most = cells * params.empty // 100
        hidden = self.hidden_givens(params, states, np.zeros_like(target), values, cells, most)
        return Batch(np.where(hidden.reshape(target.shape), np.uint8(0), target), target)

    def moments(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the step that writes each cell: up from the least given number, and then down from it."""
        n, shape = len(question), question.shape
        asked, solved = question.reshape(n, -1).astype(np.int64), target.reshape(n, -1).astype(np.int64)
        least = np.where(asked > 0, asked, 256).min(axis=1, initial=256, keepdims=True)
        order = np.where(solved >= least, solved, 512 - solved)
        order = np.where(asked == solved, 1024, order)
        rank = order.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        return np.where(asked == solved, -1, rank).reshape(shape)

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why this number must not be written, "" if it may: it continues a part of the path."""
        fault = super().cell_fault(params, question, before, after, cell)
        if fault:
            return fault
        (r, c), number = cell, int(after[cell])
        beside = [*before[max(r - 1, 0) : r + 2, c].tolist(), *before[r, max(c - 1, 0) : c + 2].tolist()]
        if (number > 1 and number - 1 in beside) or number + 1 in beside:
            return ""
        return f"the number at row {r}, column {c} is not beside the one before it or the one after it"


TASK = Numbrix()
