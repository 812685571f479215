"""Generate Shikaku: divide a square into rectangles with one number each, which counts their cells.

The puzzle is by Nikoli. A grid has the cells of the square in its even rows and columns, and the gaps between
them in the odd ones. Codes: 0 gap, 1 line in a gap, 2 cell without a number, 3 post, where four gaps meet,
2 + k cell with the number k.

Every question has exactly one solution, proven by search when it is made. A square is divided at random, and
a random cell of each rectangle gets its number. Squares without a unique solution are dropped.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, Ints, Problem, clear, demand, over, seal
from vizbench.kernels.line_constraints import RECTANGLE, lower_gap, right_gap
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.rng import rng_below
from vizbench.kernels.scopes import for_each
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, LinePuzzleTask, States
from vizbench.task.ranges import check_ranges
from vizbench.types import Grid, Grids, Look

_GAP, _LINE, _CELL, _POST, _TWO = range(5)
_LARGEST = 9
_AREA, _TOTAL = range(2)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Shikaku."""

    size: int = 6
    """Cells per side, 3 … 10."""
    largest: int = 6
    """Cells of the largest rectangle at most, 3 … 9. The smallest has 2."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 10), largest=(3, _LARGEST))


VARIANTS = {"6": Params(), "8": Params(size=8), "large": Params(size=7, largest=9)}

LEVELS = (
    Params(size=4, largest=6),
    Params(size=4, largest=4),
    Params(size=5, largest=7),
    Params(size=5, largest=4),
    Params(size=6, largest=6),
    Params(size=7, largest=9),
    Params(size=7, largest=6),
    Params(size=8, largest=8),
    Params(size=9, largest=9),
    Params(size=10, largest=9),
)


@jit
def _write_number(side, cell, area, problem):
    """Demand a rectangle with a number, over the gaps that it may reach."""
    wide = 2 * side - 1
    demand(problem, RECTANGLE, area, side, 2, _AREA, cell // side * 2 * wide + cell % side * 2)
    for r in range(side):
        for c in range(side):
            if abs(r - cell // side) + abs(c - cell % side) <= area:
                if c < side - 1:
                    over(problem, right_gap(side, r, c))
                if r < side - 1:
                    over(problem, lower_gap(side, r, c))


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value 1 is a line."""
    side = board.shape[0] // 2 + 1
    clear(problem, 2 * side * (side - 1), 3)
    total = 0
    for cell in range(side * side):
        code = np.int64(board[cell // side * 2, cell % side * 2])
        if code >= _TWO:
            total += code - _CELL
            if total <= side * side:
                _write_number(side, cell, code - _CELL, problem)
    if total != side * side:
        demand(problem, COUNT, 1, 1, 2, _TOTAL, total)  # of no variable: it never holds
    seal(problem)


_write_all = for_each(_write_rules)


@jit
def _room(owners, r, c):
    """Return how many free cells follow to the right in a row of a square, from a cell on."""
    width = 0
    while c + width < owners.shape[0] and owners[r, c + width] < 0:
        width += 1
    return width


@jit
def _divide(rng, largest, owners):
    """Divide a square into rectangles in reading order. Return how many, or -1 if a cell is left over.

    owners: the number of the rectangle of each cell.
    """
    side, count = owners.shape[0], 0
    owners[:] = -1
    for cell in range(side * side):
        r, c = cell // side, cell % side
        if owners[r, c] >= 0:
            continue
        height, width, choices = 0, 0, 0
        for h in range(1, side - r + 1):
            for w in range(1, min(_room(owners, r, c), largest // h) + 1):
                if h * w > 1:
                    choices += 1
                    if rng_below(rng, choices) == 0:
                        height, width = h, w
        if choices == 0:
            return -1
        owners[r : r + height, c : c + width] = count
        count += 1
    return count


@jit
def _draw_lines(owners, board):
    """Draw the square with lines between the rectangles, without numbers."""
    size = board.shape[0]
    for y in range(size):
        for x in range(size):
            r, c = y // 2, x // 2
            if y % 2 and x % 2:
                board[y, x] = _POST
            elif y % 2 or x % 2:
                board[y, x] = _LINE if owners[r, c] != owners[r + y % 2, c + x % 2] else _GAP
            else:
                board[y, x] = _CELL


@jit
def _draw(states, largest, target):
    """Draw a divided square with a number in each rectangle per random generator."""
    side = target.shape[1] // 2 + 1
    owners = np.empty((side, side), np.int64)
    for i in range(target.shape[0]):
        count = -1
        while count < 0:
            count = _divide(states[i], largest, owners)
        _draw_lines(owners, target[i])
        for owner in range(count):
            area, chosen = 0, 0
            for cell in range(side * side):
                if owners[cell // side, cell % side] == owner:
                    area += 1
                    if rng_below(states[i], area) == 0:
                        chosen = cell
            target[i, chosen // side * 2, chosen % side * 2] = _CELL + area


def _gaps(side: int) -> Ints:
    """Return the cells of the grid that are gaps, in the order of the variables."""
    cells = np.arange((2 * side - 1) ** 2, dtype=np.int64).reshape(2 * side - 1, 2 * side - 1)
    return np.concatenate([cells[::2, 1::2].ravel(), cells[1::2, ::2].ravel()])


@functools.cache
def _board(side: int) -> Board:
    gaps = _gaps(side)
    cells = side * side
    # Numbers that add up to more cells are left out. One reaches at most 30 gaps per cell that it counts.
    return Board((2 * side - 1, 2 * side - 1), gaps, cells // 2 + 1, 30 * cells)


@final
class Shikaku(LinePuzzleTask[Params]):
    """Divide a square into rectangles."""

    family = "shikaku"
    summary = "Divide a square into rectangles, each with one number that counts its cells."
    reasoning = Reasoning.COUNTING
    look = Look("shikaku", cell=24, margin=8)
    codes = _CELL + _LARGEST + 1
    legend = (
        "gap",
        "line",
        "cell without a number",
        "post",
        *(f"cell with number {k}" for k in range(2, _LARGEST + 1)),
    )
    value_codes = (KEEP, _LINE)
    rules = (
        "the lines do not surround a rectangle for the number at row {row}, column {column}",
        "the numbers add up to {}, which is not the number of cells",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> range:
        return range(_CELL + params.largest + 1)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            f"Divide this square of {params.size}x{params.size} cells into rectangles. Each rectangle must "
            "hold exactly one number, which tells how many cells the rectangle has. Draw a line in each "
            "gap between two cells of different rectangles, and in no other gap. Posts, cells and numbers "
            "stay.",
            "Draw lines in the gaps between cells, so that they split the square into rectangles. Every "
            "cell belongs to one rectangle, and every rectangle contains one cell with a number: its "
            "count of cells. A gap between two cells of the same rectangle stays a gap. Change nothing "
            "but gaps.",
            "Each number is inside a rectangle of its own, and counts the cells of that rectangle. Find the "
            "rectangles that cover all cells without overlap and with no second number inside, and turn "
            "the gaps between neighboring rectangles into lines. The outer border needs no line. Keep the "
            "rest.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw(states, params.largest, target)
        return target


TASK = Shikaku()
