"""Generate Skyscrapers: a Latin square of heights, with numbers of visible towers in the margins.

Each row and column holds each height once. A number in the margin says how many towers are seen from there:
those that are higher than all before them. The puzzle is by Masanori Natsuhara (1992). Codes: 0 empty, 1 … 7
the heights and numbers, 8 margin.

Every question has exactly one solution, proven by search when it is made. A random square is drawn, with all
its numbers. Then heights are taken away in random order, and then numbers, each only if the solution stays
the only one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import DIFFERENT, VISIBLE, Problem, clear, demand, over, row_of, seal
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, PuzzleTask, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look

_MOST = 7
_MARGIN = _MOST + 1


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Skyscrapers puzzle."""

    size: int = 4
    """Heights, and cells per side of the city, 3 … 7."""
    empty: int = 80
    """The percentage of cells that are emptied, 10 … 100, if the solution stays the only one."""
    hidden: int = 30
    """The percentage of numbers that are taken away, 0 … 100, if the solution stays the only one."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, _MOST), empty=(10, 100), hidden=(0, 100))


VARIANTS = {"4": Params(), "5": Params(size=5), "minimal": Params(empty=100, hidden=100)}

LEVELS = (
    Params(size=4, empty=40),
    Params(size=4, empty=60),
    Params(size=4, empty=80),
    Params(size=5, empty=60),
    Params(size=5, empty=75),
    Params(size=6, empty=60),
    Params(size=6, empty=70),
    Params(size=7, empty=60),
    Params(size=7, empty=68),
    Params(size=7, empty=76),
)


@jit
def _clue_cell(size, side, line):
    """Return the row and column of the number at a side, 0 … 3: left, right, top, bottom."""
    if side < 2:
        return line + 1, (0, size + 1)[side]
    return (0, size + 1)[side - 2], line + 1


@jit
def _seen_cell(size, side, line, k):
    """Return the variable of the tower number k, from 0, that is seen from a side."""
    place = k if side % 2 == 0 else size - 1 - k
    return line * size + place if side < 2 else place * size + line


@jit
def _write_all(question, problems):
    """Write the constraints of each question. Value k is the height k + 1."""
    size = question.shape[1] - 2
    full = (1 << size) - 1
    for i in range(question.shape[0]):
        problem = row_of(problems, i)
        clear(problem, size * size, full)
        for line in range(size):
            for is_column in range(2):
                demand(problem, DIFFERENT, 0, 0, full, is_column, line)
                for k in range(size):
                    over(problem, k * size + line if is_column else line * size + k)
            for side in range(4):
                r, c = _clue_cell(size, side, line)
                number = np.int64(question[i, r, c])
                if 1 <= number <= _MOST:
                    demand(problem, VISIBLE, number, number, 0, 2, r * (size + 2) + c)
                    for k in range(size):
                        over(problem, _seen_cell(size, side, line, k))
        for cell in range(size * size):
            height = np.int64(question[i, cell // size + 1, cell % size + 1])
            if 1 <= height <= size:
                problem.domains[cell] = np.int64(1) << (height - 1)
        seal(problem)


@jit
def _count_all(target):
    """Write the numbers of all margins of solved boards."""
    size = target.shape[1] - 2
    for i in range(target.shape[0]):
        for line in range(size):
            for side in range(4):
                r, c = _clue_cell(size, side, line)
                highest, seen = 0, 0
                for k in range(size):
                    cell = _seen_cell(size, side, line, k)
                    height = np.int64(target[i, cell // size + 1, cell % size + 1])
                    if height > highest:
                        highest, seen = height, seen + 1
                target[i, r, c] = seen


@functools.cache
def _board(size: int) -> Board:
    shape = (size + 2, size + 2)
    return Board(shape, rectangle(shape, 1, 1, size, size), 6 * size, 6 * size * size)


@final
class Skyscrapers(PuzzleTask[Params]):
    """Complete a Skyscrapers puzzle that has one solution."""

    family = "skyscrapers"
    summary = (
        "Fill in heights, each once per row and column, so that border numbers count the visible towers."
    )
    reasoning = Reasoning.COUNTING
    look = Look("skyscrapers", cell=32, margin=8)
    codes = _MOST + 2
    legend = ("empty cell", *(f"number {k}" for k in range(1, _MOST + 1)), "border")
    value_codes = tuple(range(1, _MOST + 1))
    rules = (
        "row {} of the city does not hold each height once",
        "column {} of the city does not hold each height once",
        "the number at row {row}, column {column} does not count the towers that are seen from there",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return (*range(params.size + 1), _MARGIN)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        size = params.size
        return (
            f"The inner {size}x{size} cells are a city of towers. Write a height from 1 to {size} in each "
            "empty cell, so that every row and every column has each height once. A number in the outer ring "
            "tells how many towers are seen from there along its line: a tower hides all lower ones behind "
            "it. Keep the numbers that are given.",
            f"Solve this Skyscrapers puzzle: fill the empty cells with heights 1 to {size}, no height twice "
            "in a row or column. Looking into the city from a number at its edge, you see a tower if no "
            "tower in front of it is higher, and the number counts the towers that you see. Nothing else "
            "changes.",
            f"Complete the {size}x{size} square inside the border with the numbers 1 to {size}, each exactly "
            "once in every row and column. They are heights of buildings. Each number in the border is the "
            "count of buildings in its row or column that are taller than all buildings nearer to that "
            "number. Given numbers and the border stay.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        states, size = self.seeded(keys), params.size
        target = np.full((len(keys), size + 2, size + 2), _MARGIN, np.uint8)
        inner = target[:, 1:-1, 1:-1]
        inner[:] = 0
        values = self.drawn_values(params, states, target)
        self.fill(params, target, values)
        _count_all(target)
        question = target.copy()
        question[:, 1:-1, 1:-1] = 0
        most = size * size * params.empty // 100
        hidden = self.hidden_givens(params, states, question, values, size, most)
        question[:, 1:-1, 1:-1] = np.where(hidden.reshape(inner.shape), 0, inner)
        numbers = self.hidden_clues(params, states, question, 2, params.hidden)
        row, (r, c) = numbers[:, 0], np.divmod(numbers[:, 1], size + 2)
        question[row, r, c] = target[row, r, c] = _MARGIN
        return Batch(question, target)


TASK = Skyscrapers()
