"""Generate Binairo (Takuzu): fill a board with white and black disks.

No three equal disks follow each other in a row or column, each row and column has as many white as black
disks, no two rows are equal, and no two columns. The puzzle is by Peter De Schepper and Frank Coussement
(2009), and is known as Takuzu as well.

Codes: 0 empty, 1 white, 2 black. Every question has exactly one solution, proven by search when it is made. A
random solution is drawn. Then disks are taken away in random order, each only if the solution stays the only
one, until a share of the cells is empty.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.constraints import (
    COUNT,
    UNEQUAL_LINES,
    Problem,
    clear,
    demand,
    over,
    row_of,
    seal,
)
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, PuzzleTask
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grids, Keys, Look

_HALF_ROW, _HALF_COLUMN, _THREE_ROW, _THREE_COLUMN, _EQUAL_ROWS, _EQUAL_COLUMNS = range(6)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Binairo."""

    size: int = 6
    """Cells per side: 4, 6, 8, 10 or 12."""
    empty: int = 60
    """The percentage of cells that are emptied, 10 … 100, if the solution stays the only one."""

    def __post_init__(self) -> None:
        if self.size not in range(4, 13, 2):
            raise UserError(f"size={self.size} is not offered: choose 4, 6, 8, 10 or 12")
        check_ranges(self, empty=(10, 100))


VARIANTS = {
    "6": Params(),
    "8": Params(size=8),
    "minimal": Params(empty=100),
}

LEVELS = (
    Params(size=4, empty=40),
    Params(size=4, empty=60),
    Params(size=6, empty=30),
    Params(size=6, empty=45),
    Params(size=6, empty=60),
    Params(size=8, empty=50),
    Params(size=8),
    Params(size=10, empty=50),
    Params(size=10),
    Params(size=12, empty=55),
)


@jit
def _cell(size, is_column, line, k):
    """Return the variable of place k of a row or column."""
    return k * size + line if is_column else line * size + k


@jit
def _write_rules(size, problem):
    """Write the constraints of an empty board. Value 0 is white, 1 is black."""
    clear(problem, size * size, 3)
    for is_column in range(2):
        for line in range(size):
            demand(problem, COUNT, size // 2, size // 2, 2, _HALF_ROW + is_column, line)
            for k in range(size):
                over(problem, _cell(size, is_column, line, k))
            for first in range(size - 2):
                demand(problem, COUNT, 1, 2, 2, _THREE_ROW + is_column, line)
                for k in range(first, first + 3):
                    over(problem, _cell(size, is_column, line, k))
            for other in range(line):
                demand(problem, UNEQUAL_LINES, 0, 0, 0, _EQUAL_ROWS + is_column, line)
                for both in (line, other):
                    for k in range(size):
                        over(problem, _cell(size, is_column, both, k))
    seal(problem)


@jit
def _write_all(question, problems):
    """Write the constraints of each question `(n, size, size)`."""
    size = question.shape[1]
    for i in range(question.shape[0]):
        problem = row_of(problems, i)
        _write_rules(size, problem)
        for cell in range(size * size):
            code = question[i, cell // size, cell % size]
            problem.domains[cell] = code if code in (1, 2) else 3


@functools.cache
def _board(size: int) -> Board:
    constraints = 2 * size * (1 + size - 2 + (size - 1) // 2 + 1)
    entries = 2 * size * (size + 3 * (size - 2) + size * size)
    return Board((size, size), np.arange(size * size), constraints, entries)


@final
class Binairo(PuzzleTask[Params]):
    """Fill a Binairo that has one solution."""

    family = "binairo"
    summary = (
        "Fill a board with white and black disks: never three alike in a row, halves equal, lines differ."
    )
    reasoning = Reasoning.LOGIC
    look = Look("binairo", cell=32, margin=8)
    codes = 3
    legend = ("empty cell", "white disk", "black disk")
    value_codes = (1, 2)
    rules = (
        "row {} does not have as many white as black disks",
        "column {} does not have as many white as black disks",
        "row {} has three equal disks one after the other",
        "column {} has three equal disks one after the other",
        "row {} equals a row above it",
        "column {} equals a column left of it",
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        half = params.size // 2
        return (
            "Put a white disk or a black disk in every empty cell. No row or column may have three disks of "
            f"one color next to each other. Each row and each column has {half} of each color. No two rows "
            "are equal, and no two columns are equal; keep the given disks.",
            f"Complete this Binairo: every row and every column holds {half} times a white disk and {half} "
            "times a black disk, with at most two of a kind in succession. All rows differ from one "
            "another, and so do all columns. The disks that are shown must stay.",
            "Replace each empty cell by a white disk or a black disk, and leave the other cells alone. In "
            "every line, across and down, both kinds occur equally often, and the same kind never occurs "
            "three times in a row. No row may repeat another row, and no column another column.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        states = self.seeded(keys)
        target = np.zeros((len(keys), params.size, params.size), np.uint8)
        values = self.drawn_values(params, states, target)
        most = params.size**2 * params.empty // 100
        hidden = self.hidden_givens(params, states, target, values, 2, most)
        self.fill(params, target, values)
        return Batch(np.where(hidden.reshape(target.shape), np.uint8(0), target), target)


TASK = Binairo()
