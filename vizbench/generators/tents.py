"""Generate Tents: put up tents beside trees, as many in each line as its number says.

Each tree has a tent beside it, each tent is beside a tree, there are as many tents as trees, and tents do not
touch, not even by a corner. The puzzle is by Léon Balmaekers (1989). Codes: 0 grass, 1 tree, 2 tent, 3
corner, 4 + k the number k. The numbers of rows are in the first column, those of columns in the first row.

Every question has exactly one solution, proven by search when it is made. Random tents with a tree each are
drawn until a board is unique. In its solution, tents and trees can be paired.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, Problem, clear, demand, over, row_of, seal
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.rng import rng_below, rng_shuffle
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, DrawnPuzzleTask, States, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Grids, Look

_GRASS, _TREE, _TENT, _CORNER, _ZERO = range(5)
_ROW, _COLUMN, _TOUCH, _LONELY_TREE, _LONELY_TENT, _TOTAL = range(6)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Tents puzzle."""

    size: int = 6
    """Cells per side of the field, 4 … 10. The numbers take one more."""
    tents: int = 7
    """How many tents there are, 2 … size² / 5."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 10))
        check_ranges(self, tents=(2, self.size**2 // 5))


VARIANTS = {"6": Params(), "8": Params(size=8, tents=12), "10": Params(size=10, tents=20)}

LEVELS = (
    Params(size=5, tents=3),
    Params(size=5, tents=4),
    Params(size=5, tents=5),
    Params(size=6, tents=6),
    Params(size=6, tents=7),
    Params(size=7, tents=9),
    Params(size=8, tents=11),
    Params(size=9, tents=13),
    Params(size=9, tents=16),
    Params(size=10, tents=20),
)


@jit
def _beside(field, cell, code):
    """Return how many neighbours by side of a cell of the field have a code."""
    size, count = field.shape[0], 0
    for k in range(4):
        y, x = cell // size + (k == 1) - (k == 0), cell % size + (k == 3) - (k == 2)
        if 0 <= y < size and 0 <= x < size:
            count += field[y, x] == code
    return count


@jit
def _write_neighbours(size, cell, problem):
    """Add the neighbours by side of a cell to the scope of the last constraint."""
    for k in range(4):
        y, x = cell // size + (k == 1) - (k == 0), cell % size + (k == 3) - (k == 2)
        if 0 <= y < size and 0 <= x < size:
            over(problem, y * size + x)


@jit
def _write_lines(board, problem):
    """Demand the numbers of rows and columns."""
    size = board.shape[0] - 1
    for line in range(size):
        for is_column in range(2):
            code = board[0, line + 1] if is_column else board[line + 1, 0]
            number = np.int64(code) - _ZERO
            demand(problem, COUNT, number, number, 2, _ROW + is_column, line)
            for k in range(size):
                over(problem, k * size + line if is_column else line * size + k)


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value 1 is a tent."""
    size = board.shape[0] - 1
    field = board[1:, 1:]
    clear(problem, size * size, 3)
    _write_lines(board, problem)
    trees = 0
    for cell in range(size * size):
        r, c = cell // size, cell % size
        if field[r, c] == _TREE:
            trees += 1
            demand(problem, COUNT, 1, 4, 2, _LONELY_TREE, cell)
            _write_neighbours(size, cell, problem)
        if field[r, c] != _GRASS:
            problem.domains[cell] = 1
        elif _beside(field, cell, _TREE) == 0:
            demand(problem, COUNT, 0, 0, 2, _LONELY_TENT, cell)
            over(problem, cell)
        if r + 1 < size and c + 1 < size:
            demand(problem, COUNT, 0, 1, 2, _TOUCH, cell)
            for k in range(4):
                over(problem, cell + k // 2 * size + k % 2)
    demand(problem, COUNT, trees, trees, 2, _TOTAL, trees)
    for cell in range(size * size):
        over(problem, cell)
    seal(problem)


@jit
def _write_all(question, problems):
    """Write the constraints of each question."""
    for i in range(question.shape[0]):
        _write_rules(question[i], row_of(problems, i))


@jit
def _touches(field, r, c):
    """Return whether a tent is beside a cell by a side or a corner."""
    size = field.shape[0]
    for y in range(max(r - 1, 0), min(r + 2, size)):
        for x in range(max(c - 1, 0), min(c + 2, size)):
            if field[y, x] == _TENT:
                return True
    return False


@jit
def _pitch(rng, order, tents, field):
    """Put up tents in random order, each with a tree beside it. Return whether all have a place."""
    size = field.shape[0]
    field[:] = _GRASS
    rng_shuffle(rng, order, size * size)
    for cell in order:
        r, c = cell // size, cell % size
        if field[r, c] != _GRASS or _touches(field, r, c):
            continue
        room = _beside(field, cell, _GRASS)
        if room == 0:
            continue
        chosen = rng_below(rng, room)
        field[r, c] = _TENT
        for k in range(4):
            y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
            if 0 <= y < size and 0 <= x < size and field[y, x] == _GRASS:
                if chosen == 0:
                    field[y, x] = _TREE
                chosen -= 1
        tents -= 1
        if tents == 0:
            return True
    return False


@jit
def _draw(states, tents, target):
    """Draw a field with its numbers per random generator. target: `(n, size + 1, size + 1)` uint8."""
    size = target.shape[1] - 1
    for i in range(target.shape[0]):
        field = target[i, 1:, 1:]
        while not _pitch(states[i], np.arange(size * size), tents, field):
            pass
        target[i, 0, 0] = _CORNER
        for line in range(size):
            target[i, 0, line + 1] = target[i, line + 1, 0] = _ZERO
            for k in range(size):
                target[i, 0, line + 1] += field[k, line] == _TENT
                target[i, line + 1, 0] += field[line, k] == _TENT


@functools.cache
def _board(size: int) -> Board:
    side, cells = size + 1, size * size
    places = rectangle((side, side), 1, 1, size, size)
    return Board((side, side), places, 2 * size + 2 * cells + 1, 11 * cells)


@final
class Tents(DrawnPuzzleTask[Params]):
    """Put up the tents of a camping site that has one solution."""

    family = "tents"
    summary = (
        "Put up a tent beside each tree; tents never touch, and numbers count them in each row and column."
    )
    reasoning = Reasoning.COUNTING
    look = Look("tents", cell=32, margin=8)
    codes = 10
    legend = ("grass", "tree", "tent", "blank corner cell", *(f"number {k}" for k in range(6)))
    value_codes = (KEEP, _TENT)
    rules = (
        "row {} of the field does not have as many tents as its number says",
        "column {} of the field does not have as many tents as its number says",
        "two tents touch",
        "a tree has no tent beside it",
        "a tent has no tree beside it",
        "there are not {} tents, as many as trees",
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            "Put up tents on the grass. Each tree must share a side with a tent, each tent with a tree, "
            f"and there are {params.tents} tents, as many as trees. Tents never touch, not "
            "even by a corner. A number at the left or the top is the number of tents in its row or column; "
            "keep the numbers and the trees.",
            f"Turn {params.tents} cells of grass into tents, one per tree. Every tree needs a tent above, "
            "below, left or right of it, and no tent may be without a tree there. Two tents must not be "
            "neighbors, not even diagonally, and the numbers of the first row and the first column tell how "
            "many tents each column and row holds.",
            "Find the places of the tents on this camping site. The numbers of the first row and column "
            "count the tents of every row and column. A tent is always next to a tree, every tree is next "
            f"to a tent, trees and tents are equally many ({params.tents}), and around a tent all eight "
            "cells are free of other tents. Only grass may change.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw(states, params.tents, target)
        return target


TASK = Tents()
