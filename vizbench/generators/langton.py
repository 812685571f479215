"""Langton's ant (Langton 1986) on a torus: on white turn right, on black turn left, flip the cell, go one
cell forward.

The question shows a random board with the ant at its centre, on a white cell and facing north; the target
shows board and ant some steps later. Codes: 0 white, 1 black, and where the ant stands 2 + heading on white,
6 + heading on black, headings 0 … 3 for north, east, south, west: a grid is the whole state. Size and steps
are the paper's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.kernels.bits import EVENS, random_cells
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task import Metric, Space, Task, check_equal
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

WHITE, BLACK, ANT_ON_WHITE, ANT_ON_BLACK = 0, 1, 2, 6


@final
@dataclass(frozen=True)
class Params:
    """steps: 1 … 1000 to predict; height, width: 1 … 256 cells."""

    steps: int = 2
    height: int = 8
    width: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise UserError(f"steps={self.steps} is not in 1 … 1000: the paper's are 2, 3, 5 and 10")
        for name, side in (("height", self.height), ("width", self.width)):
            if not 1 <= side <= 256:
                raise UserError(f"{name}={side} is not in 1 … 256: the paper's is 8")


VARIANTS = {str(steps): Params(steps=steps) for steps in (2, 3, 5, 10)}


@jit
def _move(board, row, column):
    """One step on `board` (h, w) uint8, in place, of the ant at that cell; returns where it is then."""
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
    """`steps` steps in place."""
    for _ in range(steps):
        row, column = _move(board, row, column)


@jit
def _make(keys, steps, question, target):
    """One board a key. question, target: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    row, column = question.shape[1] // 2, question.shape[2] // 2
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_cells(rng, EVENS, question[i].reshape(-1))
        question[i, row, column] = ANT_ON_WHITE
        target[i] = question[i]
        _walk(target[i], row, column, steps)


@final
class Langton(Task[Params]):
    """Predict Langton's ant."""

    family = "langton"
    version = 2
    summary = "Predict the board and the ant of Langton's ant some steps later."
    look = Look("langton", cell=16)
    codes = 10
    metric = Metric.HAMMING
    min_distance = 0.3  # the paper's, between questions

    @property
    def variants(self) -> Mapping[str, Params]:
        return VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.height, params.width), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.steps, question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """The board after each step."""
        ants = np.argwhere(question >= ANT_ON_WHITE)
        states = np.repeat(question[None], params.steps, axis=0)
        row, column = (int(v) for v in ants[0])
        for k in range(params.steps):
            if k > 0:
                states[k] = states[k - 1]
            row, column = _move(states[k], row, column)
        return states

    def space(self, params: Params) -> Space:
        """All boards around the ant, which starts in the middle, on white, heading the same way."""
        return Space(2 ** (params.height * params.width - 1))

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """The question's cells."""
        return batch.question.reshape(len(batch), -1)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """score: three quarters steps / (steps + 10), one quarter mixed.

        mixed: twice the share of the rarer turn, 1 where right and left are as frequent; changed: share of
        cells that differ between question and target."""
        headings = [self._heading(state) for state in (question, *self.steps(params, question, target))]
        right = float(np.mean(np.diff(headings) % 4 == 1))
        mixed = 2 * min(right, 1 - right)
        score = 0.75 * params.steps / (params.steps + 10) + 0.25 * mixed
        return {"score": score, "mixed": mixed, "changed": float(np.mean(question != target))}

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """The walk repeated from the question."""
        wanted = self.solve(params, question)
        if wanted is None:
            return CheckResult(False, "the question does not hold exactly one ant, so no answer is right")
        return check_equal(answer, wanted, f"differ from the ant's {plural(params.steps, 'step')}")

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """One step of the ant."""
        wanted = self._after(before, 1)
        if wanted is None:
            return CheckResult(False, "the board before does not hold exactly one ant")
        return check_equal(after, wanted, "differ from the ant's next step")

    def step_count(self, params: Params, question: Grid) -> int:
        """The steps asked for: on a torus the ant comes back to where it was."""
        return params.steps

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """The state after the steps; None where the question does not hold exactly one ant."""
        return self._after(question, params.steps)

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Each cell white or black by the toss of a coin, and the ant anywhere, with any heading."""
        rng = rng_from(key)
        answer = np.empty(question.shape, np.uint8)
        random_cells(rng, EVENS, answer.reshape(-1))
        cell: int = rng_below(rng, answer.size)
        answer.flat[cell] = (ANT_ON_BLACK if answer.flat[cell] == BLACK else ANT_ON_WHITE) + rng_below(rng, 4)
        return answer

    def _after(self, board: Grid, steps: int) -> Grid | None:
        ants = np.argwhere(board >= ANT_ON_WHITE)
        if len(ants) != 1 or board.max() >= self.codes:
            return None
        after = board.copy()
        _walk(after, int(ants[0, 0]), int(ants[0, 1]), steps)
        return after

    @staticmethod
    def _heading(board: Grid) -> int:
        """0 … 3: the ant's heading."""
        return int(board.max() - ANT_ON_WHITE) % 4


TASK = Langton()
