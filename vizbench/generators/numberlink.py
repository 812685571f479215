"""Generate Numberlink (Flow Free): join equal numbers by paths that fill the board.

Each number is given twice, and a path of its cells joins the two. Paths do not cross, they fill the board,
and no path touches itself: a cell has two neighbours of its own number, and a given cell has one. The puzzle
is by Nikoli. Codes: 0 empty, k the number k.

Every question has exactly one solution, proven by search when it is made. At first, each cell is a path. Ends
of paths take over ends of other paths at random, until as few paths are left as asked for. Boards without
a unique solution are dropped.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.cells import neighbours
from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.constraints import Problem, clear, demand, over, seal
from vizbench.kernels.grid_constraints import CONNECTED, SAME
from vizbench.kernels.grid_paths import count_alike, draw_paths, near_cell
from vizbench.kernels.rng import rng_shuffle
from vizbench.kernels.scopes import for_each
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, DrawnPuzzleTask, States, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Grid, Grids, Look

_MOST = 9
_END, _CELL, _PIECES = range(3)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Numberlink."""

    size: int = 6
    """Cells per side, 4 … 9."""
    paths: int = 5
    """How many pairs of numbers there are, 2 … 9, and at most size² / 4."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 9), paths=(2, _MOST))
        most = self.size**2 // 4
        if self.paths > most:
            raise UserError(f"paths={self.paths} is over {most}, the most for size={self.size}: try {most}")


VARIANTS = {"6": Params(), "5": Params(size=5), "8": Params(size=8, paths=8)}

LEVELS = (
    Params(size=4, paths=4),
    Params(size=4, paths=3),
    Params(size=5, paths=5),
    Params(size=5, paths=4),
    Params(size=6, paths=6),
    Params(size=6, paths=5),
    Params(size=7, paths=7),
    Params(size=8, paths=9),
    Params(size=8, paths=8),
    Params(size=9, paths=9),
)


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value k is the number k + 1."""
    size = board.shape[0]
    flat, cells = board.reshape(size * size), size * size
    given = np.int64(0)
    for cell in range(cells):
        if 1 <= flat[cell] <= _MOST:
            given |= np.int64(1) << (flat[cell] - 1)
    clear(problem, cells, given)
    for cell in range(cells):
        is_end = flat[cell] > 0
        alike = 1 if is_end else 2
        if is_end:
            problem.domains[cell] = np.int64(1) << (flat[cell] - 1)
        demand(problem, SAME, alike, alike, 0, _END if is_end else _CELL, cell)
        over(problem, cell)
        for k in range(4):
            near = near_cell(size, cell, k)
            if near >= 0:
                over(problem, near)
    for value in range(_MOST):
        if given >> value & 1:
            demand(problem, CONNECTED, size, 0, np.int64(1) << value, _PIECES, value + 1)
            for cell in range(cells):
                over(problem, cell)
    seal(problem)


_write_all = for_each(_write_rules)


@jit
def _draw(states, paths, target):
    """Draw a filled board per random generator, with the paths numbered in random order."""
    size = target.shape[1]
    cells = size * size
    owners, lengths, numbers = np.empty(cells, np.int64), np.empty(cells, np.int64), np.empty(cells, np.int64)
    for i in range(target.shape[0]):
        draw_paths(states[i], size, paths, owners, lengths)
        codes = np.arange(1, paths + 1)
        rng_shuffle(states[i], codes, paths)
        given = 0
        numbers[:] = 0
        for cell in range(cells):
            if numbers[owners[cell]] == 0:
                numbers[owners[cell]] = codes[given]
                given += 1
            target[i, cell // size, cell % size] = numbers[owners[cell]]


@jit
def _hide_paths(target, question):
    """Keep only the ends of the paths."""
    size = target.shape[1]
    for i in range(target.shape[0]):
        cells = target[i].reshape(size * size)
        for cell in range(size * size):
            is_end = count_alike(size, cells, cell, cells[cell]) == 1
            question[i, cell // size, cell % size] = cells[cell] if is_end else 0


@jit
def _walk(size, question, target, cell, moment, moments):
    """Number the cells of a path from an end on, and return the next number. All arrays: `(cells,)`."""
    ahead = cell
    while ahead >= 0:
        cell, ahead = ahead, -1
        for k in range(4):
            near = near_cell(size, cell, k)
            if near >= 0 and moments[near] < 0 and question[near] == 0 and target[near] == target[cell]:
                ahead = near
        if ahead >= 0:
            moments[ahead] = moment
            moment += 1
    return moment


@jit
def _grow_all(size, question, target, moments):
    """Write the moment of each cell `(n, cells)`: path after path, each from its first end on."""
    for i in range(question.shape[0]):
        moments[i] = -1
        moment, grown = 0, 0
        for code in range(1, _MOST + 1):
            for cell in range(size * size):
                if question[i, cell] == code and not grown >> code & 1:
                    grown |= 1 << code
                    moment = _walk(size, question[i], target[i], cell, moment, moments[i])
        for cell in range(size * size):  # a target from outside may have other cells
            if question[i, cell] != target[i, cell] and moments[i, cell] < 0:
                moments[i, cell] = moment
                moment += 1


@functools.cache
def _board(size: int) -> Board:
    cells = size * size
    places = rectangle((size, size), 0, 0, size, size)
    return Board((size, size), places, cells + _MOST, (5 + _MOST) * cells)


@final
class Numberlink(DrawnPuzzleTask[Params]):
    """Fill a board with paths that join equal numbers."""

    family = "numberlink"
    summary = "Join the two cells of each number by a path, so that the paths fill the board."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("numberlink", cell=32, margin=8)
    codes = _MOST + 1
    legend = ("empty cell", *(f"number {k}" for k in range(1, _MOST + 1)))
    value_codes = tuple(range(1, _MOST + 1))
    rules = (
        "the given number at row {row}, column {column} does not have exactly one neighbor of its number",
        "the cell at row {row}, column {column} does not have exactly two neighbors of its number",
        "the cells of number {} are in more than one piece",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> range:
        return range(params.paths + 1)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            f"Each of the numbers 1 to {params.paths} is given in two cells. Join the two by a path, which "
            "goes from cell to cell across their sides, and write the number in all cells of its path. "
            "The paths fill all empty cells, and no path touches itself: a cell on a path shares a side "
            "with exactly two cells of its number, and a given cell with exactly one. Keep the given "
            "numbers.",
            "Fill in every empty cell with a number, so that the cells of each number form one path "
            "between its two given cells. Steps go up, down, left or right. A given number has exactly "
            "one neighbor with the same number, and every other cell has exactly two. Given numbers stay.",
            "Connect equal numbers by lines that cover the whole board. A line runs through cells that "
            "share sides, takes the number of its two given ends, and never branches, closes a ring or "
            "comes beside itself: apart from the cells before and after it on the line, no neighbor of a "
            "cell has its number. Do not change the given cells.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw(states, params.paths, target)
        return target

    def cleared(self, params: Params, target: Grids) -> Grids:
        question = np.empty_like(target)
        _hide_paths(target, question)
        return question

    def moments(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the step that writes each cell: each path grows from an end, one after the other."""
        if question.shape[1:] != self.board(params).shape:
            return super().moments(params, question, target)
        moments = np.empty((len(target), params.size**2), np.int64)
        _grow_all(params.size, self.flat(params, question), self.flat(params, target), moments)
        return moments.reshape(target.shape)

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why a path must not grow by this cell, "" if it may."""
        fault = super().cell_fault(params, question, before, after, cell)
        if not fault and neighbours(before == after[cell])[cell] == 0:
            fault = f"the cell at row {cell[0]}, column {cell[1]} does not continue a path of its number"
        return fault


TASK = Numberlink()
