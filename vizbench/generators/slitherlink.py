"""Generate Slitherlink: draw one loop along the sides of cells, as many beside a cell as its number says.

The puzzle is by Nikoli. A grid has the cells in its odd rows and columns, the sides of cells beside them, and
the corners of cells in its even rows and columns. Codes: 0 gap, a side without a line, 1 line, 2 corner, 3
cell without a number, 4 + k cell with the number k.

Every question has exactly one solution, proven by search when it is made. A region of cells grows at random
as long as its border is one loop, and all cells get numbers. Boards without a unique solution are dropped.
Then numbers are taken away in random order, each only if the solution stays the only one.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, Ints, Problem, clear, demand, over, row_of, seal
from vizbench.kernels.line_constraints import EITHER, LOOP
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.rng import rng_below, rng_shuffle
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, LinePuzzleTask, States
from vizbench.task.ranges import check_ranges
from vizbench.types import Grids, Look

_GAP, _LINE, _CORNER, _CELL, _ZERO = range(5)
_NUMBER, _BRANCH, _LOOP = range(3)
_WIDE = 30
"""The percentage of cells that may join a region beside two of its cells."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Slitherlink."""

    size: int = 5
    """Cells per side, 3 … 8."""
    hidden: int = 20
    """The percentage of cells that lose their number at most, 0 … 100, if the solution stays the only one."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 8), hidden=(0, 100))


VARIANTS = {"5": Params(), "6": Params(size=6)}

LEVELS = (
    Params(size=4, hidden=20),
    Params(size=4, hidden=40),
    Params(size=5, hidden=10),
    Params(size=5, hidden=40),
    Params(size=6, hidden=10),
    Params(size=6, hidden=40),
    Params(size=7, hidden=20),
    Params(size=7, hidden=40),
    Params(size=8, hidden=20),
    Params(size=8, hidden=35),
)


@jit
def _write_rules(board, places, numbers, problem):
    """Write the constraints of a board. Value 1 is a line.

    places: the cell of the grid of each side. numbers: the side at each cell of the grid, -1 for others.
    """
    wide = board.shape[0]
    side = wide // 2
    clear(problem, places.shape[0], 3)
    for at in range(wide * wide):
        y, x = at // wide, at % wide
        if (y + x) % 2:
            continue
        code = np.int64(board[y, x])
        if y % 2 == 0:
            demand(problem, EITHER, 0, 2, 2, _BRANCH, at)
        elif code >= _ZERO:
            demand(problem, COUNT, code - _ZERO, code - _ZERO, 2, _NUMBER, at)
        else:
            continue
        for k in range(4):
            r, c = y + (k == 1) - (k == 0), x + (k == 3) - (k == 2)
            if 0 <= r < wide and 0 <= c < wide:
                over(problem, numbers[r * wide + c])
    demand(problem, LOOP, side, side, 2, _LOOP, 0)
    for v in range(places.shape[0]):
        over(problem, v)
    seal(problem)


@jit
def _write_all(question, places, problems):
    """Write the constraints of each question."""
    wide = question.shape[1]
    numbers = np.full(wide * wide, -1)
    for v in range(places.shape[0]):
        numbers[places[v]] = v
    for i in range(question.shape[0]):
        _write_rules(question[i], places, numbers, row_of(problems, i))


@jit
def _may_join(inside, r, c, limit):
    """Return whether the border of a region stays one loop, without touching itself, if it gets a cell.

    inside: the region, with a border of cells outside. Around the cell, the region must be one run of
    neighbours, with up to `limit` of the four beside it, but with one at least.
    """
    ring = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
    changes, sides, before = 0, 0, inside[r, c - 1]
    for k in range(8):
        here = inside[r + ring[k][0], c + ring[k][1]]
        changes += here != before
        sides += here and k % 2 == 1
        before = here
    return changes == 2 and 1 <= sides <= limit


@jit
def _grow(rng, order, limits, inside):
    """Grow a region from a random cell until no cell may join it. inside: `(side + 2, side + 2)`.

    Most cells join only beside one cell of the region, so that the region has long arms.
    """
    side = inside.shape[0] - 2
    order[:] = np.arange(side * side)
    for cell in range(side * side):
        limits[cell] = 2 if rng_below(rng, 100) < _WIDE else 1
    inside[:] = False
    start = rng_below(rng, side * side)
    inside[start // side + 1, start % side + 1] = True
    is_growing = True
    while is_growing:
        is_growing = False
        rng_shuffle(rng, order, side * side)
        for cell in order:
            r, c = cell // side + 1, cell % side + 1
            if not inside[r, c] and _may_join(inside, r, c, limits[cell]):
                inside[r, c] = True
                is_growing = True


@jit
def _draw(states, target):
    """Draw the border of a region with all numbers per random generator."""
    wide = target.shape[1]
    side = wide // 2
    inside, order = np.empty((side + 2, side + 2), np.bool_), np.empty(side * side, np.int64)
    limits = np.empty_like(order)
    for i in range(target.shape[0]):
        _grow(states[i], order, limits, inside)
        for y in range(wide):
            for x in range(wide):
                r, c = (y + 1) // 2, (x + 1) // 2
                if y % 2 == 0 and x % 2 == 0:
                    target[i, y, x] = _CORNER
                elif y % 2 and x % 2:
                    lines = 0
                    for k in range(4):
                        lines += inside[r, c] != inside[r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)]
                    target[i, y, x] = _ZERO + lines
                else:
                    is_line = inside[r, c] != inside[r + 1 - y % 2, c + 1 - x % 2]
                    target[i, y, x] = _LINE if is_line else _GAP


@functools.cache
def _sides(side: int) -> Ints:
    """Return the cells of the grid that are sides of cells: first the ones across, then the upright ones."""
    wide = 2 * side + 1
    cells = np.arange(wide * wide, dtype=np.int64).reshape(wide, wide)
    return np.concatenate([cells[::2, 1::2].ravel(), cells[1::2, ::2].ravel()])


@functools.cache
def _board(side: int) -> Board:
    places = _sides(side)
    corners, cells = (side + 1) ** 2, side * side
    shape = (2 * side + 1, 2 * side + 1)
    return Board(shape, places, corners + cells + 1, 4 * corners + 4 * cells + len(places))


@final
class Slitherlink(LinePuzzleTask[Params]):
    """Draw a loop that passes cells as often as their numbers say."""

    family = "slitherlink"
    summary = "Draw one loop along the sides of cells; a number counts the sides of its cell that are lines."
    look = Look("slitherlink", cell=24, margin=8)
    codes = _ZERO + 4
    reasoning = Reasoning.GLOBAL_SEARCH
    legend = ("gap", "line", "corner", "cell without a number", *(f"cell with number {k}" for k in range(4)))
    value_codes = (KEEP, _LINE)
    rules = (
        "the number at row {row}, column {column} does not count the lines around it",
        "the corner at row {row}, column {column} does not join no or two lines",
        "the lines are not one loop",
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            "Draw one closed loop by turning gaps into lines. A gap is a side of a cell and joins two "
            "corners. The loop never branches, crosses or touches itself: each corner joins two lines or "
            "none. A number tells how many of the four sides of its cell are lines. Corners, cells and "
            "numbers stay.",
            "Turn some gaps into lines, so that all lines together form a single loop through corners. "
            "Beside each cell with a number there must be exactly that many lines above, below, left and "
            "right of it. Cells without a number may have any count. No corner has one, three or four "
            "lines.",
            "Find the loop that runs from corner to corner along the sides of cells. Every line is part "
            "of it, it returns to where it begins, and it visits no corner twice. The number in a cell is "
            "the count of its sides that the loop uses. Only gaps may change, and they become lines.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, self.board(params).places, problems)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw(states, target)
        return target

    def finish(self, params: Params, states: States, question: Grids, target: Grids) -> Grids:
        """Take numbers away from unique questions."""
        row, at = self.hidden_clues(params, states, question, _NUMBER, params.hidden).T
        for grids in (question, target):
            grids.reshape(len(grids), math.prod(grids.shape[1:]))[row, at] = _CELL
        return question


TASK = Slitherlink()
