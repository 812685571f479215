"""Generate Langton's ant (Langton 1986) on a torus: turn right on white, left on black, flip, go forward.

The question is a random board with the ant at its centre, on a white cell and facing north. The target shows
board and ant some steps later. Codes: 0 white, 1 black. The ant's cell is 2 + heading on white and 6 +
heading on black, headings 0 … 3 for north, east, south, west. So a grid is the whole state. Size and steps
are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.bases import StepTask
from vizbench.task.contract import Space
from vizbench.types import Batch, Grid, Grids, Keys, Look

WHITE, BLACK, ANT_ON_WHITE, ANT_ON_BLACK = 0, 1, 2, 6


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of Langton's ant."""

    steps: int = 2
    """Steps to predict, 1 … 1000."""
    height: int = 8
    """Rows, 1 … 256."""
    width: int = 8
    """Columns, 1 … 256."""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise UserError(f"steps={self.steps} is not in 1 … 1000: the paper's are 2, 3, 5 and 10")
        for name, side in (("height", self.height), ("width", self.width)):
            if not 1 <= side <= 256:
                raise UserError(f"{name}={side} is not in 1 … 256: the paper's is 8")


VARIANTS = {str(steps): Params(steps=steps) for steps in (2, 3, 5, 10)}


@jit
def _move(board, row, column):
    """Move the ant by one step, on `board` (h, w) uint8 in place. Return its new cell."""
    h, w = board.shape
    code = np.int64(board[row, column])
    if code < ANT_ON_BLACK:
        heading = (code - ANT_ON_WHITE + 1) % 4
        board[row, column] = BLACK
    else:
        heading = (code - ANT_ON_BLACK + 3) % 4
        board[row, column] = WHITE
    row = (row + (heading == 2) - (heading == 0) + h) % h
    column = (column + (heading == 1) - (heading == 3) + w) % w
    board[row, column] = heading + (ANT_ON_BLACK if board[row, column] == BLACK else ANT_ON_WHITE)
    return row, column


@jit
def _walk(board, row, column, steps):
    """Make `steps` steps in place."""
    for _ in range(steps):
        row, column = _move(board, row, column)


@jit
def _record(board, row, column, states):
    """Write the boards after 1 … k steps to `states` (k, h, w)."""
    for k in range(states.shape[0]):
        states[k] = states[k - 1] if k > 0 else board
        row, column = _move(states[k], row, column)


@jit
def _make(keys, steps, question, target):
    """Make one board per key. question, target: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    row, column = question.shape[1] // 2, question.shape[2] // 2
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_cells(rng, EVENS, question[i].reshape(-1))
        question[i, row, column] = ANT_ON_WHITE
        target[i] = question[i]
        _walk(target[i], row, column, steps)


@final
class Langton(StepTask[Params]):
    """Predict Langton's ant."""

    family = "langton"
    version = 2
    summary = "Predict the board and the ant of Langton's ant some steps later."
    look = Look("langton", cell=16)
    codes = 10
    min_distance = 0.3  # the paper's, between questions
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.height, params.width), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.steps, question, target)
        return Batch(question, target)

    def rule(self, params: Params) -> str:
        return "Langton's ant"

    def advance(self, params: Params, state: Grid) -> Grid | str:
        states = self.run(params, state, 1)
        return states if isinstance(states, str) else states[0]

    def run(self, params: Params, state: Grid, count: int | None) -> Grids | str:
        ants = np.argwhere(state >= ANT_ON_WHITE)
        if len(ants) != 1 or state.max() >= self.codes:
            return "the board does not hold exactly one ant"
        states = np.empty((count or 1, *state.shape), np.uint8)
        _record(state, int(ants[0, 0]), int(ants[0, 1]), states)
        return states

    def space(self, params: Params) -> Space:
        """Count all boards. The ant always starts in the middle, on white, facing north."""
        return Space(2 ** (params.height * params.width - 1))

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, 3/4 steps / (steps + 10) + 1/4 mixed, and what it is made of.

        - mixed: twice the share of the rarer turn; 1 if right and left are equally frequent.
        - changed: the share of cells that differ between question and target.
        """
        headings = [self._heading(state) for state in (question, *self.steps(params, question, target))]
        right = float(np.mean(np.diff(headings) % 4 == 1))
        mixed = 2 * min(right, 1 - right)
        score = 0.75 * params.steps / (params.steps + 10) + 0.25 * mixed
        return {"score": score, "mixed": mixed, "changed": float(np.mean(question != target))}

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return each cell white or black with equal chances, and the ant anywhere, with any heading."""
        rng = rng_from(key)
        answer = np.empty(question.shape, np.uint8)
        random_cells(rng, EVENS, answer.reshape(-1))
        cell: int = rng_below(rng, answer.size)
        answer.flat[cell] = (ANT_ON_BLACK if answer.flat[cell] == BLACK else ANT_ON_WHITE) + rng_below(rng, 4)
        return answer

    @staticmethod
    def _heading(board: Grid) -> int:
        """Return the ant's heading, 0 … 3."""
        return int(board.max() - ANT_ON_WHITE) % 4


TASK = Langton()
