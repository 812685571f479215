"""Generate turmites whose table is shown: ants that obey a rule which differs from board to board.

The top row holds the table, two pairs of cells: a clear cell and its entry, a marked cell and its entry. An
entry is an ant. Its background says what the ant writes on a cell like the one before it, its arrow how the
ant turns: up is straight on, right a right turn, down back, left a left turn. Then the ant moves one cell
forward, on a torus. A row of border cells is between table and board. Codes are those of `langton`: 0 clear,
1 marked, 2 + heading an ant on a clear cell, 6 + heading on a marked one; 10 border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grid, Grids, Keys, Look

CLEAR, MARKED, ANT_ON_CLEAR, ANT_ON_MARKED, BORDER = 0, 1, 2, 6, 10

TABLE: Final = 4
"""Cells of the table."""
TOP: Final = 2
"""Rows above the board."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a turmite."""

    size: int = 8
    """Rows and columns of the board, 4 … 64."""
    steps: int = 5
    """Steps to predict, 1 … 1000."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 64), steps=(1, 1000))


VARIANTS = {"5": Params(), "15": Params(steps=15)}

LEVELS = (
    Params(size=5, steps=1),
    Params(size=6, steps=2),
    Params(size=6, steps=3),
    Params(size=7, steps=4),
    Params(size=8, steps=6),
    Params(size=8, steps=9),
    Params(size=9, steps=13),
    Params(size=10, steps=18),
    Params(size=12, steps=30),
    Params(size=14, steps=60),
)


@jit
def _draw(keys, grids):
    """Draw a table, a random board and an ant for each key. grids: `(n, size + TOP, size)`, all border."""
    rng = np.empty(4, np.uint64)
    size = grids.shape[2]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid = grids[i]
        grid[0, 0], grid[0, 2] = CLEAR, MARKED
        grid[0, 1] = ANT_ON_CLEAR + rng_below(rng, 8)
        grid[0, 3] = ANT_ON_CLEAR + rng_below(rng, 8)
        board = grid[TOP:].reshape(-1)
        random_cells(rng, EVENS, board)
        cell = rng_below(rng, size * size)
        board[cell] = (ANT_ON_MARKED if board[cell] == MARKED else ANT_ON_CLEAR) + rng_below(rng, 4)


@jit
def _find(state):
    """Return the place of the only ant on the board, or -1 and -1 if there is not one, or no table."""
    row, column, ants = -1, -1, 0
    h, w = state.shape
    if h <= TOP or w < TABLE:
        return -1, -1
    for entry in (state[0, 1], state[0, 3]):
        if entry < ANT_ON_CLEAR or entry >= BORDER:
            return -1, -1
    for r in range(TOP, h):
        for c in range(w):
            if state[r, c] >= BORDER:
                return -1, -1
            if state[r, c] >= ANT_ON_CLEAR:
                row, column, ants = r, c, ants + 1
    return (row, column) if ants == 1 else (-1, -1)


@jit
def _step(states):
    """Move the ant of each state `(h, w)` by one step, in place. States without ant or table stay."""
    for i in range(states.shape[0]):
        state = states[i]
        r, c = _find(state)
        if r < 0:
            continue
        rows, columns = state.shape[0] - TOP, state.shape[1]
        ant = state[r, c] - ANT_ON_CLEAR
        entry = state[0, 3 if ant >= 4 else 1] - ANT_ON_CLEAR
        heading = (ant + entry) % 4
        state[r, c] = MARKED if entry >= 4 else CLEAR
        r = TOP + (r - TOP + (heading == 2) - (heading == 0) + rows) % rows
        c = (c + (heading == 1) - (heading == 3) + columns) % columns
        state[r, c] = heading + (ANT_ON_MARKED if state[r, c] == MARKED else ANT_ON_CLEAR)


_ARROWS = ("up", "right", "down", "left")


@final
class Turmite(SimulationTask[Params]):
    """Run a turmite by the table that is shown."""

    family = "turmite"
    summary = "Run a turmite by the table that is shown above its board."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("turmite", cell=16, margin=8)
    codes = 11
    legend = (
        "clear cell",
        "marked cell",
        *(f"arrow {way} on a clear cell" for way in _ARROWS),
        *(f"arrow {way} on a marked cell" for way in _ARROWS),
        "border",
    )
    fixed = (BORDER,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The top row is a table: the entry after the clear cell says what the ant does on a clear cell, "
            "the entry after the marked cell what it does on a marked cell. An entry's arrow is the turn (up "
            "= straight on, right = right turn, down = turn back, left = left turn), its background is what "
            "the ant leaves on its cell (clear or marked). After turning, the ant moves one cell forward "
            "and shows its new heading; at an edge of the board it enters at the opposite edge."
        )
        steps = plural(params.steps, "step")
        return (
            f"The arrow on the board below the border is an ant. {rule} Show the grid after {steps}; the "
            "table and the border stay.",
            f"Run this ant for {steps}. {rule} Keep the table and the border.",
            f"Where is the ant on the board after {steps}, and which cells are marked? {rule} "
            "Keep the table and the border.",
        )

    def rule(self, params: Params) -> str:
        return "the table"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.full((len(keys), params.size + TOP, params.size), BORDER, np.uint8)
        _draw(keys, grids)
        return grids

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _step(after)
        return after

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return the table with a random board, and the ant anywhere, with any heading."""
        rng, answer = rng_from(key), question.copy()
        board = np.empty(answer[TOP:].size, np.uint8)
        if len(board):
            random_cells(rng, EVENS, board)
            cell = rng_below(rng, len(board))
            board[cell] = (ANT_ON_MARKED if board[cell] == MARKED else ANT_ON_CLEAR) + rng_below(rng, 4)
            answer[TOP:] = board.reshape(answer[TOP:].shape)
        return answer


TASK = Turmite()
