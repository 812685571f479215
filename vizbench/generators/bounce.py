"""Generate a ball that flies diagonally and bounces off walls.

In each step the ball looks at the cell beside it and the cell above or below it, in its direction. A wall
there, or the edge of the grid, reverses that part of its direction. If both cells are free but the cell
diagonally ahead is a wall, both parts are reversed. Then the ball moves one cell diagonally, unless a wall is
there. Codes: 0 empty, 1 wall, 2 … 5 the ball flying up right, down right, down left, up left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grid, Grids, Keys, Look

EMPTY, WALL, BALL = 0, 1, 2


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of the ball."""

    size: int = 8
    """Rows and columns, 3 … 64."""
    walls: float = 0.1
    """The share of wall cells, 0 … 0.4."""
    steps: int = 6
    """Steps to predict, 1 … 1000."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 64), walls=(0, 0.4), steps=(1, 1000))


VARIANTS = {"6": Params(), "20": Params(steps=20)}

LEVELS = (
    Params(size=5, steps=1),
    Params(size=5, steps=2),
    Params(size=6, steps=3),
    Params(size=7, steps=4),
    Params(size=8, steps=6),
    Params(size=8, steps=9),
    Params(size=9, steps=13),
    Params(size=10, steps=18),
    Params(size=12, steps=26),
    Params(size=14, steps=40),
)


@jit
def _draw(keys, table, grids):
    """Fill each grid `(h, w)` with walls, and place the ball anywhere."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        cells = grids[i].reshape(-1)
        random_codes(rng, table, cells)
        cells[rng_below(rng, cells.shape[0])] = BALL + rng_below(rng, 4)


@jit
def _find(state):
    """Return the place of the only ball in a state `(h, w)`, or -1 and -1 if it does not hold one."""
    row, column, balls = -1, -1, 0
    for r in range(state.shape[0]):
        for c in range(state.shape[1]):
            if state[r, c] >= BALL:
                row, column, balls = r, c, balls + 1
    return (row, column) if balls == 1 else (-1, -1)


@jit
def _blocked(state, r, c):
    """Return whether a cell is a wall or outside."""
    return not (0 <= r < state.shape[0] and 0 <= c < state.shape[1]) or state[r, c] == WALL


@jit
def _fly(states):
    """Move the ball of each state `(h, w)` by one step, in place. States without one ball stay."""
    for i in range(states.shape[0]):
        state = states[i]
        r, c = _find(state)
        if r < 0:
            continue
        heading = state[r, c] - BALL
        down = 1 if 1 <= heading <= 2 else -1
        right = 1 if heading <= 1 else -1
        side, ahead = _blocked(state, r, c + right), _blocked(state, r + down, c)
        if not side and not ahead and _blocked(state, r + down, c + right):
            side, ahead = True, True
        right = -right if side else right
        down = -down if ahead else down
        state[r, c] = EMPTY
        if not _blocked(state, r + down, c + right):
            r, c = r + down, c + right
        if right == 1:
            state[r, c] = BALL + (1 if down == 1 else 0)
        else:
            state[r, c] = BALL + (2 if down == 1 else 3)


@final
class Bounce(SimulationTask[Params]):
    """Predict a bouncing ball."""

    family = "bounce"
    summary = "Predict where a ball is that bounces off walls, some steps later."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("bounce", cell=16, margin=8)
    codes = 6
    legend = (
        "empty cell",
        "wall",
        *(f"ball flying {way}" for way in ("up and right", "down and right", "down and left", "up and left")),
    )
    fixed = (WALL,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "In each step the ball looks at two cells in its direction: the one to its left or right and "
            "the one above or below it. A wall or the edge of the grid beside it swaps left and right in its "
            "direction; one above or below it swaps up and down. If both cells are free but the cell "
            "diagonally ahead is a wall, the ball turns back. Then it moves one cell diagonally in its new "
            "direction, unless a wall or the edge is there"
        )
        steps = plural(params.steps, "step")
        return (
            f"Show the ball after {steps}, with its direction. {rule}.",
            f"{rule}. Where is the ball after {steps}, and where does it fly?",
            f"The ball makes {steps}. {rule}. Show the grid afterwards.",
        )

    def rule(self, params: Params) -> str:
        return "the bouncing ball"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        _draw(keys, code_table((1 - params.walls, params.walls)), grids)
        return grids

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _fly(after)
        return after

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return the ball on any free cell, with any direction."""
        rng = rng_from(key)
        answer = np.where(question == WALL, WALL, EMPTY).astype(np.uint8)
        free = np.flatnonzero(answer == EMPTY)
        if len(free):
            answer.flat[free[rng_below(rng, len(free))]] = BALL + rng_below(rng, 4)
        return answer


TASK = Bounce()
