"""Generate Star Battle: one or two stars in each row, column and region, and no two that touch.

The puzzle is by Hans Eendebak (2003); with one star it is also known as Queens. Codes: 0 star, 1 … size the
regions, which are connected.

Every question has exactly one solution, proven by search when it is made. Stars are drawn, and a few
connected cells per region hold them. Then regions grow cell by cell. A cell joins a region only if no
solution has a star in it. So the solution stays the only one. Boards that cannot be filled are dropped.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import (
    COUNT,
    Problem,
    clear,
    demand,
    new_problems,
    new_work,
    over,
    row_of,
    seal,
)
from vizbench.kernels.propagate import search
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.regions import code_at, grow, join_in_pairs, neighbour, shrink
from vizbench.kernels.rng import rng_below, rng_shuffle
from vizbench.kernels.scopes import for_each, over_line
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, PuzzleTask
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look

_STAR = 0
_ROW, _COLUMN, _REGION, _TOUCH = range(4)
_LARGEST = 10
_TRIED = {1: 60, 2: 500}  # values that a search may try before a cell is kept from a region, by stars


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Star Battle."""

    size: int = 6
    """Cells per side, and regions: 5 … 10 for one star, 9 or 10 for two. 10 takes a second or so for two."""
    stars: int = 1
    """Stars in each row, column and region, 1 or 2."""
    small: int = 0
    """Regions that are as small as possible, 0 … size - 2: one cell, or a few that join two stars."""

    def __post_init__(self) -> None:
        check_ranges(self, stars=(1, 2))
        check_ranges(self, size=(5 if self.stars == 1 else 9, _LARGEST))
        check_ranges(self, small=(0, self.size - 2))


VARIANTS = {"6": Params(), "8": Params(size=8), "small-regions": Params(size=8, small=4)}

LEVELS = (
    Params(size=5),
    *(Params(size=6, small=small) for small in (4, 2, 0)),
    *(Params(size=7, small=small) for small in (4, 2, 0)),
    Params(size=8, small=4),
    Params(size=8),
    Params(size=9, stars=2),
)


@jit
def _write_rules(board, problem, stars):
    """Write the constraints of a board. Value 1 is a star."""
    size = board.shape[0]
    clear(problem, size * size, 3)
    for line in range(size):
        for is_column in range(2):
            demand(problem, COUNT, stars, stars, 2, _ROW + is_column, line)
            over_line(problem, size, is_column, line)
        demand(problem, COUNT, stars, stars, 2, _REGION, line + 1)
        for cell in range(size * size):
            if code_at(board, cell) == line + 1:
                over(problem, cell)
    for cell in range(size * size):
        if not 1 <= code_at(board, cell) <= size:
            problem.domains[cell] = 1
    for r in range(size - 1):
        for c in range(size - 1):
            demand(problem, COUNT, 0, 1, 2, _TOUCH, r * size + c)
            for k in range(4):
                over(problem, (r + k // 2) * size + c + k % 2)
    seal(problem)


_write_all = for_each(_write_rules)


@jit
def _place(rng, stars, target):
    """Put stars into each row at random. Return whether all have a place. target: 1 for a star."""
    size = target.shape[0]
    columns, order = np.zeros(size, np.int64), np.arange(size)
    target[:] = 0
    for r in range(size):
        placed = 0
        rng_shuffle(rng, order, size)
        for c in order:
            touches = target[max(r - 1, 0) : r + 1, max(c - 1, 0) : c + 2].any()
            if placed < stars and columns[c] < stars and not touches:
                target[r, c] = 1
                columns[c] += 1
                placed += 1
        if placed < stars:
            return False
    return True


@jit
def _draw(rng, stars, order, target, board):
    """Draw stars and the cells that hold them together. Return whether there are some for each region."""
    if not _place(rng, stars, target):
        return False
    regions = stars * board.shape[0]
    board[:] = target * np.cumsum(target).reshape(board.shape)  # stars are numbered
    if stars == 1:
        return True
    grow(rng, regions, board)
    if not join_in_pairs(rng, np.arange(1, regions + 1), board):
        return False
    shrink(rng, order, target, board)
    return True


@jit
def _count(problem, work, stars, board, cell, most, limit):
    """Return how many solutions a board has, at most `most`. They have a star in a cell, if it is not -1."""
    _write_rules(board, problem, stars)
    if cell >= 0:
        problem.domains[cell] = 2
    return search(problem, work, problem.domains, np.zeros(4, np.uint64), False, most, limit)[0]


@jit
def _join_region(rng, problem, work, stars, board, cell, failed, limit):
    """Add a cell without a region to one beside it, if no solution has a star there. Return whether it is.

    failed: `(cells,)`, regions that a cell cannot join, as bits.
    """
    r, c = cell // board.shape[1], cell % board.shape[1]
    if board[r, c] > 0:
        return False
    first = rng_below(rng, 4)
    for k in range(first, first + 4):
        other = neighbour(board, cell, k % 4)
        region = code_at(board, other) if other >= 0 else 0
        if region == 0 or failed[cell] >> region & 1:
            continue
        board[r, c] = region
        if _count(problem, work, stars, board, cell, 1, limit) == 0:
            return True
        board[r, c] = 0
        failed[cell] |= 1 << region
    return False


@jit
def _fill(rng, problem, work, stars, small, order, board, limit):
    """Let regions grow as long as the solution stays the only one. Return whether they fill the board.

    small: how many regions do not grow.
    """
    regions, fixed = np.arange(1, board.shape[0] + 1), 0
    rng_shuffle(rng, regions, regions.size)
    for region in regions[:small]:
        fixed |= 1 << region
    failed = np.full(board.size, fixed)
    is_larger = True
    while is_larger:
        is_larger = False
        rng_shuffle(rng, order, board.size)
        for cell in order:
            is_larger |= _join_region(rng, problem, work, stars, board, cell, failed, limit)
    return board.all()


@jit
def _draw_all(states, problems, work, stars, small, limit, target, question):
    """Draw a board per random generator. target: 1 for a star."""
    problem = row_of(problems, 0)
    for i in range(question.shape[0]):
        order = np.arange(question[0].size)
        board, is_full = question[i], False
        while not is_full:
            suits = _draw(states[i], stars, order, target[i], board)
            if suits and _count(problem, work, stars, board, -1, 2, limit) == 1:
                is_full = _fill(states[i], problem, work, stars, small, order, board, limit)


@functools.cache
def _board(size: int) -> Board:
    cells = size * size
    return Board((size, size), np.arange(cells), 3 * size + cells, 7 * cells)


@final
class StarBattle(PuzzleTask[Params]):
    """Place the stars of a Star Battle that has one solution."""

    family = "star-battle"
    summary = "Place one or two stars in each row, column and region, so that no two stars touch."
    reasoning = Reasoning.LOGIC
    look = Look("star-battle", cell=32, margin=8)
    codes = 1 + _LARGEST
    legend = ("star", *(f"region {k}" for k in range(1, _LARGEST + 1)))
    value_codes = (KEEP, _STAR)
    open_codes: ClassVar[Sequence[int]] = range(1, 1 + _LARGEST)
    rules = (
        "row {} does not have the right number of stars",
        "column {} does not have the right number of stars",
        "region {} does not have the right number of stars",
        "two stars touch near row {row}, column {column}",
    )
    decides_all = True
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return range(1 + params.size)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        each = "one star" if params.stars == 1 else "two stars"
        total = params.size * params.stars
        return (
            f"Place {total} stars. Each row, each column and each region has exactly {each}; a region is "
            "all cells of one kind. Two stars must not touch, not even by a corner. A star replaces its "
            "cell, and all other cells stay as they are.",
            f"Every row, every column and every region of this board must get exactly {each}, and no star "
            "may be next to another one, also diagonally. Turn the cells of the stars into stars, and change "
            "nothing else.",
            f"This is a Star Battle with {each}. Choose cells so that all rows, all columns and all regions "
            f"have exactly {each}, and chosen cells never share a side or a corner. Write a star in the "
            "chosen cells; keep the region of every other cell.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems, params.stars)

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        target = np.empty_like(question)
        board = self.board(params)
        problems = new_problems(1, len(board.places), board.constraints, board.entries)
        settings = (params.stars, params.small, _TRIED[params.stars])
        _draw_all(self.seeded(keys), problems, new_work(problems), *settings, target, question)
        return Batch(question, np.where(target == 1, np.uint8(_STAR), question))


TASK = StarBattle()
