"""Generate Mosaic (Fill-a-Pix): shade cells so that each number counts the shaded cells around its place.

The puzzle is by Trevor Truran (1979). The numbers are on the left of a divider, the picture is on the right:
the number in row r, column c counts the shaded cells in the 3x3 square around row r, column c of the picture,
its middle included. Codes: 0 blank, 1 shaded, 2 no number, 3 divider, 4 + k the number k.

Every question has exactly one solution, proven by search when it is made. Pictures with patches are drawn
until all numbers together have one solution. Then numbers are taken away in random order, each only if a
short search shows that the solution stays the only one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, clear, demand, seal
from vizbench.kernels.rng import rng_below
from vizbench.kernels.scopes import for_each, over_square
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, DrawnPuzzleTask, States, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Grids, Look

_TRIED = 10  # values that a search may try before a number is kept
_BLANK, _SHADED, _NO_NUMBER, _DIVIDER, _ZERO = range(5)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Mosaic."""

    size: int = 6
    """Cells per side of the picture, 3 … 12."""
    hidden: int = 40
    """The percentage of numbers that are taken away at most, if the solution stays the only one."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 12), hidden=(0, 100))


VARIANTS = {"6": Params(), "9": Params(size=9), "minimal": Params(hidden=100)}

LEVELS = tuple(Params(size=size) for size in range(3, 13))


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value 1 is shaded."""
    size = board.shape[0]
    clear(problem, size * size, 3)
    for r in range(size):
        for c in range(size):
            if board[r, c] >= _ZERO:
                number = np.int64(board[r, c]) - _ZERO
                demand(problem, COUNT, number, number, 2, 0, r * board.shape[1] + c)
                over_square(problem, size, r, c)
    seal(problem)


@jit
def _draw(rng, noise, board):
    """Draw a picture with all its numbers. Its cells are what most of the noise around them is.

    Returns whether there are some cells of both kinds. noise: `(size + 2, size + 2)`, scratch.
    """
    size = board.shape[0]
    for r in range(size + 2):
        for c in range(size + 2):
            noise[r, c] = rng_below(rng, 2)
    picture = board[:, size + 1 :]
    board[:, size] = _DIVIDER
    for r in range(size):
        for c in range(size):
            picture[r, c] = noise[r : r + 3, c : c + 3].sum() > 4
    for r in range(size):
        for c in range(size):
            board[r, c] = _ZERO + picture[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].sum()
    return size <= picture.sum() <= size * size - size


@jit
def _draw_all(states, target):
    """Draw a board per random generator. target: `(n, size, 2 * size + 1)` uint8."""
    size = target.shape[1]
    noise = np.empty((size + 2, size + 2), np.uint8)
    for i in range(target.shape[0]):
        while not _draw(states[i], noise, target[i]):
            pass


@functools.cache
def _board(size: int) -> Board:
    shape = (size, 2 * size + 1)
    return Board(shape, rectangle(shape, 0, size + 1, size, size), size * size, 9 * size * size)


@final
class Mosaic(DrawnPuzzleTask[Params]):
    """Shade the picture of a Mosaic that has one solution."""

    family = "mosaic"
    summary = "Shade a picture so that each number counts the shaded cells in the 3x3 square around it."
    reasoning = Reasoning.COUNTING
    look = Look("mosaic", cell=32, margin=8)
    codes = 14
    legend = (
        "blank cell",
        "shaded cell",
        "cell without a number",
        "divider",
        *(f"number {k}" for k in range(10)),
    )
    value_codes = (_BLANK, _SHADED)
    rules = (
        "the number at row {row}, column {column} does not equal the number of shaded cells around its place",
    )
    decides_all = True
    write_all = for_each(_write_rules)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        side = f"{params.size}x{params.size}"
        return (
            f"Left of the divider is a {side} field of numbers, right of it a {side} picture of blank cells. "
            "Each number belongs to the cell of the picture at the same place, and counts the shaded cells "
            "in the 3x3 square around this cell, the cell itself included. Shade the picture so that all "
            "numbers are right, and keep everything else.",
            f"Solve this Mosaic. Turn cells of the {side} picture on the right into shaded cells. If a "
            "place on the left has a number, exactly that many cells are shaded among the same place of the "
            "picture and all places that touch it by a side or a corner. The left side and the divider do "
            "not change.",
            "Every number on the left counts shaded cells on the right: those at its own place and at the up "
            "to eight places around it. Find the only picture that agrees with all of the numbers, and leave "
            "its other cells blank. Numbers stay where they are.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw_all(states, target)
        return target

    def finish(self, params: Params, states: States, question: Grids, target: Grids) -> Grids:
        """Take numbers away."""
        hidden = self.hidden_clues(params, states, question, 0, params.hidden, _TRIED)
        row, (r, c) = hidden[:, 0], np.divmod(hidden[:, 1], question.shape[2])
        question[row, r, c] = target[row, r, c] = _NO_NUMBER
        return question


TASK = Mosaic()
