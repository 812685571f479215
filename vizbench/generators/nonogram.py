"""Generate nonograms: fill cells so that each row and column has runs of the given lengths.

The puzzle was invented by Non Ishida (1987). The numbers of a row stand left of it, those of a column above
it, in the order of its runs. Codes: 0 blank, 1 filled, 2 margin, 2 + k the number k. Every question has
exactly one solution, proven by search when it is made. Random pictures are drawn until one is unique.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import LINE, Problem, clear, demand, over, seal
from vizbench.kernels.rng import rng_below
from vizbench.kernels.scopes import for_each
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, DrawnPuzzleTask, States, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Grid, Grids, Look

_MARGIN = 2
_LONGEST = 10


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a nonogram."""

    size: int = 6
    """Cells per side of the picture, 3 … 13."""
    filled: int = 60
    """The chance of a cell to be filled when a picture is drawn, 40 … 80 percent."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 13), filled=(40, 80))


VARIANTS = {"6": Params(), "8": Params(size=8), "10": Params(size=10)}

LEVELS = (
    *(Params(size=size) for size in range(4, 11)),
    Params(size=11, filled=62),
    Params(size=12, filled=64),
    Params(size=13, filled=65),
)


@jit
def _cell(size, is_column, line, k):
    """Return the variable of place k of a row or column."""
    return k * size + line if is_column else line * size + k


@jit
def _write_rules(question, problem):
    """Write the constraints of a question, as its margins show them."""
    margin = (question.shape[0] + 2) // 3
    size = question.shape[0] - margin
    clear(problem, size * size, 3)
    for is_column in range(2):
        for line in range(size):
            demand(problem, LINE, size, 0, 0, is_column, line)
            for k in range(size):
                over(problem, _cell(size, is_column, line, k))
            for k in range(margin):
                code = question[k, margin + line] if is_column else question[margin + line, k]
                if code > _MARGIN:
                    over(problem, code - _MARGIN)
    seal(problem)


_write_all = for_each(_write_rules)


@jit
def _write_clues(picture, is_column, line, margin, question):
    """Write the runs of a line next to it, the last one nearest. Return whether none is too long."""
    size = picture.shape[0]
    place, length, fits = margin - 1, 0, True
    for k in range(size, -1, -1):
        r, c = (k - 1, line) if is_column else (line, k - 1)
        if k > 0 and picture[r, c]:
            length += 1
        elif length > 0:
            fits &= length <= _LONGEST
            y, x = (place, margin + line) if is_column else (margin + line, place)
            question[y, x] = _MARGIN + length
            place -= 1
            length = 0
    return fits


@jit
def _draw(states, filled, target):
    """Draw a picture with its numbers per random generator. target: `(n, side, side)` uint8."""
    margin = (target.shape[1] + 2) // 3
    size = target.shape[1] - margin
    for i in range(target.shape[0]):
        picture = target[i, margin:, margin:]
        fits = False
        while not fits:
            target[i] = _MARGIN
            for cell in range(size * size):
                picture[cell // size, cell % size] = rng_below(states[i], 100) < filled
            fits = True
            for line in range(size):
                fits &= _write_clues(picture, 0, line, margin, target[i])
                fits &= _write_clues(picture, 1, line, margin, target[i])


@functools.cache
def _board(size: int) -> Board:
    margin = (size + 1) // 2
    side = size + margin
    places = rectangle((side, side), margin, margin, size, size)
    return Board((side, side), places, 2 * size, 2 * size * side)


@final
class Nonogram(DrawnPuzzleTask[Params]):
    """Fill a nonogram that has one solution."""

    family = "nonogram"
    summary = "Fill cells so that each row and column has runs of the lengths that its clues show."
    reasoning = Reasoning.COUNTING
    look = Look("nonogram", cell=32, margin=8)
    codes = 13
    legend = ("blank cell", "filled cell", "clue border", *(f"number {k}" for k in range(1, _LONGEST + 1)))
    value_codes = (0, 1)
    rules = (
        "row {} of the picture does not have the runs of its numbers",
        "column {} of the picture does not have the runs of its numbers",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return range(_MARGIN + 1 + min(params.size, _LONGEST))

    def instructions(self, params: Params) -> tuple[str, str, str]:
        picture = f"{params.size}x{params.size} picture"
        return (
            f"Solve this nonogram. The numbers to the left of each row of the {picture} are the lengths of "
            "its runs of filled cells from left to right; those above each column are its runs from top to "
            "bottom. Runs of a line have at least one blank cell between them, and a line without numbers "
            "stays blank. Keep the clue border and the numbers.",
            f"At the lower right is a {picture} of blank cells. Turn some of them into filled cells, such "
            "that the groups of adjacent filled cells in every row and column have exactly the lengths "
            "written in the clue border beside or above it, in that order. Groups in one line are separated "
            "by blank cells. Nothing in the clue border changes.",
            "Each number in the clue border means a run of that many filled cells in its row or "
            "column, and the runs come in the order of the numbers, with a gap between them. Fill the "
            f"right cells of the {picture}, leave the others blank, and keep all numbers as they are. A row "
            "or column that has no number has no filled cell.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw(states, params.filled, target)
        return target


TASK = Nonogram()
