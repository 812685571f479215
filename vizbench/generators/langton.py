"""Generate Langton's ant (Langton 1986) on a torus: turn right on white, left on black, flip, go forward.

The question is a random board with the ant at its centre, on a white cell and facing north. The target shows
board and ant some steps later. Codes: 0 white, 1 black. The ant's cell is 2 + heading on white and 6 +
heading on black, headings 0 … 3 for north, east, south, west. So a grid is the whole state. Size and steps
are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.bases import StepTask
from vizbench.task.contract import Reasoning, Space
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look, Trajectories

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
        check_ranges(self, steps=(1, 1000), height=(1, 256), width=(1, 256))


VARIANTS = {str(steps): Params(steps=steps) for steps in (2, 3, 5, 10)}

# From 8x8 on there are test rows at the distance from 5000 train rows.
LEVELS = (
    Params(steps=1),
    Params(steps=2),
    Params(steps=3),
    Params(steps=4),
    Params(steps=6),
    Params(steps=9),
    Params(steps=13, height=9, width=9),
    Params(steps=18, height=10, width=10),
    Params(steps=30, height=12, width=12),
    Params(steps=60, height=16, width=16),
)


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
def _find(board):
    """Return row and column of the only ant on `board` (h, w), or -1 and -1 if it does not hold one."""
    row, column, ants = -1, -1, 0
    for r in range(board.shape[0]):
        for c in range(board.shape[1]):
            if board[r, c] >= ANT_ON_WHITE:
                row, column, ants = r, c, ants + 1
    return (row, column) if ants == 1 else (-1, -1)


@jit
def _differ(a, b):
    """Return how many cells of two boards differ."""
    count = 0
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            count += a[r, c] != b[r, c]
    return count


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
def _record_all(question, target, starts, states):
    """Write the boards after each step from each question to `states` (total, h, w).

    A question without exactly one ant has only its target.
    """
    for i in range(question.shape[0]):
        row, column = _find(question[i])
        process = states[starts[i] : starts[i + 1]]
        if row < 0:
            process[:] = target[i]
        else:
            _record(question[i], row, column, process)


@jit
def _check_all(question, answer, steps, valid):
    """Write which answers are the board after `steps` steps, `(n,)` bool."""
    board = np.empty_like(question[0])
    for i in range(question.shape[0]):
        row, column = _find(question[i])
        valid[i] = row >= 0
        if valid[i]:
            board[:] = question[i]
            _walk(board, row, column, steps)
            valid[i] = _differ(board, answer[i]) == 0


@jit
def _measure(question, answer, steps, place, near):
    """Write the parts of each answer: `place`, the one called steps, and `near`, `(n,)` float64."""
    board = np.empty_like(question[0])
    for i in range(question.shape[0]):
        place[i], near[i] = 0.0, 0.0
        row, column = _find(question[i])
        if row < 0:
            continue
        board[:] = question[i]
        least, nearest, apart = board.size + 1, 0, 0
        for k in range(steps):
            row, column = _move(board, row, column)
            differ = _differ(board, answer[i])
            if differ < least:
                least, nearest, apart = differ, k + 1, _differ(board, question[i])
        place[i] = nearest / steps
        if apart > 0 and _find(answer[i])[0] >= 0:
            near[i] = max(0.0, 1 - least / apart) ** 2


@jit
def _turns_right(question, steps, turns):
    """Write how often the ant of each question turns right, `(n,)` int64; 0 without exactly one ant."""
    board = np.empty_like(question[0])
    for i in range(question.shape[0]):
        turns[i] = 0
        row, column = _find(question[i])
        board[:] = question[i]
        for _ in range(steps if row >= 0 else 0):
            turns[i] += board[row, column] < ANT_ON_BLACK
            row, column = _move(board, row, column)


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
    version = 3
    summary = "Predict the board and the ant of Langton's ant some steps later."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("langton", cell=16)
    codes = 10
    legend = (
        "clear cell",
        "marked cell",
        *(f"ant facing {way} on a clear cell" for way in ("up", "right", "down", "left")),
        *(f"ant facing {way} on a marked cell" for way in ("up", "right", "down", "left")),
    )
    min_distance = 0.3  # the paper's, between questions
    variants = VARIANTS
    levels = LEVELS
    parts: ClassVar[Mapping[str, str]] = {
        "steps": "the place in the process of the state that the answer is nearest to, 1 for the last",
        "near": "1 minus the number of cells that differ from that state, as a share of the number that it "
        "changed since the question, at least 0, squared; 0 if the answer does not hold exactly one ant",
    }

    def instructions(self, params: Params) -> tuple[str, str, str]:
        step = (
            "On a clear cell the ant turns right by a quarter turn, on a marked cell it turns left. Then its "
            "cell changes from clear to marked or back, and the ant moves one cell forward."
        )
        edge = "An ant that leaves the grid enters again at the opposite edge"
        steps = plural(params.steps, "step")
        return (
            "The grid shows an ant, which faces up, right, down or left. "
            f"{step} {edge}. Show the grid after {steps} of the ant.",
            f"Langton's ant makes {steps}; what does the grid look like afterwards? {step} {edge}.",
            f"Where is the ant after {steps}, and which cells are marked by then? {step} {edge}, and all "
            "cells that it does not visit stay as they are.",
        )

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

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        ants = (question >= ANT_ON_WHITE).sum(axis=(1, 2))
        counts = np.where(ants == 1, params.steps, 1)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        states = np.empty((starts[-1], *question.shape[1:]), np.uint8)
        _record_all(question, target, starts, states)
        return Trajectories(states, starts)

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        valid = np.empty(len(question), np.bool_)
        _check_all(question, answer, params.steps, valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        place, near = np.empty(len(question)), np.empty(len(question))
        _measure(question, answer, params.steps, place, near)
        return {"steps": place, "near": near}

    def space(self, params: Params) -> Space:
        """Count all boards. The ant always starts in the middle, on white, facing north."""
        return Space(2 ** (params.height * params.width - 1))

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, 3/4 steps / (steps + 10) + 1/4 mixed, and what it is made of.

        - effort: the number of steps.
        - mixed: twice the share of the rarer turn; 1 if right and left are equally frequent.
        - changed: the share of cells that differ between question and target.
        """
        turns = np.empty(len(question), np.int64)
        _turns_right(question, params.steps, turns)
        right = turns / params.steps
        mixed = 2 * np.minimum(right, 1 - right)
        return {
            "score": 0.75 * params.steps / (params.steps + 10) + 0.25 * mixed,
            "effort": np.full(len(question), float(params.steps)),
            "mixed": mixed,
            "changed": (question != target).mean(axis=(1, 2)),
        }

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return each cell white or black with equal chances, and the ant anywhere, with any heading."""
        rng = rng_from(key)
        answer = np.empty(question.shape, np.uint8)
        random_cells(rng, EVENS, answer.reshape(-1))
        cell: int = rng_below(rng, answer.size)
        answer.flat[cell] = (ANT_ON_BLACK if answer.flat[cell] == BLACK else ANT_ON_WHITE) + rng_below(rng, 4)
        return answer


TASK = Langton()
