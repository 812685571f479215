"""Generate Light Up (Akari): place bulbs that light every white cell and do not light each other.

A bulb lights its row and column up to the next black cell. The number of a black cell counts the bulbs beside
it. The puzzle is by Nikoli. Codes: 0 white, 1 bulb, 2 black, 3 + k black with the number k.

Every question has exactly one solution, proven by search when it is made. Bulbs are put on random cells that
no bulb lights yet, and all black cells get numbers. Boards without a unique solution are dropped. Then
numbers are taken away in random order, each only if the solution stays the only one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, Problem, clear, demand, over, seal
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.rng import rng_below, rng_shuffle
from vizbench.kernels.scopes import for_each
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, DrawnPuzzleTask, States
from vizbench.task.ranges import check_ranges
from vizbench.types import Grids, Look

_WHITE, _BULB, _BLACK, _ZERO = range(4)
_UNLIT, _TWO_IN_ROW, _TWO_IN_COLUMN, _NUMBER = range(4)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Light Up."""

    size: int = 6
    """Cells per side, 3 … 14."""
    black: int = 30
    """The chance of a cell to be black, 15 … 40 percent."""
    hidden: int = 50
    """The percentage of black cells that lose their number at most, if the solution stays the only one."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 14), black=(15, 40), hidden=(0, 100))


VARIANTS = {"6": Params(), "8": Params(size=8), "minimal": Params(hidden=100)}

LEVELS = (
    *(Params(size=size) for size in range(4, 10)),
    *(Params(size=size, black=34) for size in range(10, 14)),
)


@jit
def _beam(board, r, c, dr, dc):
    """Return how many white cells follow a cell in a direction, up to the next black cell or the edge."""
    size, length = board.shape[0], 0
    while True:
        r, c = r + dr, c + dc
        if not (0 <= r < size and 0 <= c < size) or board[r, c] >= _BLACK:
            return length
        length += 1


@jit
def _write_segment(board, r, c, dr, dc, rule, problem):
    """Forbid two bulbs in the segment of white cells that begins here, if one does."""
    size = board.shape[0]
    before_r, before_c = r - dr, c - dc
    if before_r >= 0 and before_c >= 0 and board[before_r, before_c] < _BLACK:
        return
    length = _beam(board, r, c, dr, dc)
    if length > 0:
        demand(problem, COUNT, 0, 1, 2, rule, r if dr == 0 else c)
        for k in range(length + 1):
            over(problem, (r + k * dr) * size + c + k * dc)


@jit
def _write_light(board, r, c, problem):
    """Demand a bulb that lights a white cell, in it or in sight of it."""
    size = board.shape[0]
    demand(problem, COUNT, 1, 2 * size, 2, _UNLIT, r * size + c)
    over(problem, r * size + c)
    for k in range(4):
        dr, dc = (k == 1) - (k == 0), (k == 3) - (k == 2)
        for step in range(1, _beam(board, r, c, dr, dc) + 1):
            over(problem, (r + step * dr) * size + c + step * dc)


@jit
def _write_number(board, r, c, problem):
    """Demand as many bulbs beside a black cell as its number says."""
    size = board.shape[0]
    number = np.int64(board[r, c]) - _ZERO
    demand(problem, COUNT, number, number, 2, _NUMBER, r * size + c)
    for k in range(4):
        y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
        if 0 <= y < size and 0 <= x < size:
            over(problem, y * size + x)


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value 1 is a bulb."""
    size = board.shape[0]
    clear(problem, size * size, 3)
    for r in range(size):
        for c in range(size):
            if board[r, c] >= _BLACK:
                problem.domains[r * size + c] = 1
            if board[r, c] >= _ZERO:
                _write_number(board, r, c, problem)
            if board[r, c] < _BLACK:
                _write_light(board, r, c, problem)
                _write_segment(board, r, c, 0, 1, _TWO_IN_ROW, problem)
                _write_segment(board, r, c, 1, 0, _TWO_IN_COLUMN, problem)
    seal(problem)


_write_all = for_each(_write_rules)


@jit
def _light(board, r, c, lit):
    """Put a bulb on a cell, and mark what it lights."""
    board[r, c] = _BULB
    lit[r, c] = True
    for k in range(4):
        dr, dc = (k == 1) - (k == 0), (k == 3) - (k == 2)
        for step in range(1, _beam(board, r, c, dr, dc) + 1):
            lit[r + step * dr, c + step * dc] = True


@jit
def _draw(rng, black, order, lit, board):
    """Draw black cells, bulbs until all is lit, and the numbers of all black cells."""
    size = board.shape[0]
    for cell in range(size * size):
        board[cell // size, cell % size] = _BLACK if rng_below(rng, 100) < black else _WHITE
        lit[cell // size, cell % size] = False
    rng_shuffle(rng, order, size * size)
    for cell in order:
        r, c = cell // size, cell % size
        if board[r, c] == _WHITE and not lit[r, c]:
            _light(board, r, c, lit)
    for r in range(size):
        for c in range(size):
            if board[r, c] == _BLACK:
                board[r, c] = _ZERO
                for k in range(4):
                    y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
                    if 0 <= y < size and 0 <= x < size:
                        board[r, c] += board[y, x] == _BULB


@jit
def _draw_all(states, black, target):
    """Draw a board per random generator. target: `(n, size, size)` uint8."""
    size = target.shape[1]
    lit = np.empty((size, size), np.bool_)
    for i in range(target.shape[0]):
        _draw(states[i], black, np.arange(size * size), lit, target[i])


@functools.cache
def _board(size: int) -> Board:
    cells = size * size
    return Board((size, size), np.arange(cells), 4 * cells, cells * (2 * size + 6))


@final
class LightUp(DrawnPuzzleTask[Params]):
    """Place the bulbs of a Light Up that has one solution."""

    family = "light-up"
    summary = (
        "Place bulbs that light every open cell; none lights another, and numbers count those beside them."
    )
    reasoning = Reasoning.LOGIC
    look = Look("light-up", cell=32, margin=8)
    codes = 8
    legend = ("open cell", "bulb", "black cell", *(f"black cell with number {k}" for k in range(5)))
    value_codes = (KEEP, _BULB)
    rules = (
        "no bulb lights the cell at row {row}, column {column}",
        "two bulbs in row {} light each other",
        "two bulbs in column {} light each other",
        "the number at row {row}, column {column} does not count the bulbs beside it",
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            "Place bulbs on open cells so that every open cell is lit. A bulb lights its own cell and all "
            "cells in its row and column up to the next black cell or the edge. No bulb may light another "
            "bulb, and a number on a black cell is the number of bulbs in the cells that share a side with "
            "it.",
            "Each open cell must hold a bulb or see one along its row or column, where black cells, with or "
            "without a number, block the view. Bulbs must not see each other. A black cell with a number has "
            "exactly that many bulbs among its four neighbors; change nothing but open "
            "cells that get a bulb.",
            "This is a Light Up puzzle: turn some open cells into bulbs, whose light shines up, down, left "
            "and right until a black cell stops it. All open cells must be lit, but a bulb must not be lit "
            "by another one. The number on a black cell tells how many bulbs share a side with it, and a "
            "black cell without a number may touch any number of them.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        _write_all(question, problems)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), params.size, params.size), np.uint8)
        _draw_all(states, params.black, target)
        return target

    def finish(self, params: Params, states: States, question: Grids, target: Grids) -> Grids:
        """Take numbers away."""
        hidden = self.hidden_clues(params, states, question, _NUMBER, params.hidden)
        row, (r, c) = hidden[:, 0], np.divmod(hidden[:, 1], params.size)
        question[row, r, c] = target[row, r, c] = _BLACK
        return question


TASK = LightUp()
