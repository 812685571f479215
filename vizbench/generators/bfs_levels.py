"""Generate waves through a board with walls: number every open cell by its distance from the source.

A wave numbers the open cells next to those of the wave before, up to the number `limit`. Farther cells, and
those that cannot be reached, stay open. With several sources the nearest counts. Codes: 0 open, 1 wall, 2 …
10 the numbers 1 … 9, 11 source. It is the rotten-oranges problem of reasoning-gym on one board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

OPEN, WALL, FIRST, SOURCE = 0, 1, 2, 11
_MOVES: Final = ((-1, 0), (1, 0), (0, -1), (0, 1))


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of waves."""

    size: int = 8
    """Rows and columns, 3 … 64."""
    sources: int = 1
    """Sources, 1 … 4."""
    limit: int = 9
    """The largest number, 1 … 9."""
    walls: float = 0.3
    """The share of wall cells, 0 … 0.5."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 64), sources=(1, 4), limit=(1, 9), walls=(0, 0.5))


VARIANTS = {"one-source": Params(), "two-sources": Params(sources=2)}

LEVELS = (
    Params(size=5, limit=2),
    Params(size=6, limit=3),
    Params(size=6, limit=5),
    Params(size=7, limit=6),
    Params(size=8, limit=7),
    Params(size=9, limit=8),
    Params(size=11, limit=8),
    Params(size=13, limit=9),
    Params(size=15, limit=9, sources=2),
    Params(size=18, limit=9, sources=3),
)


@jit
def _draw(keys, table, sources, grids):
    """Fill each grid `(h, w)` with walls, and place the sources anywhere."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        cells = grids[i].reshape(-1)
        random_codes(rng, table, cells)
        placed = 0
        while placed < sources:
            cell = rng_below(rng, cells.shape[0])
            placed += cells[cell] != SOURCE
            cells[cell] = SOURCE


@jit
def _last_wave(state):
    """Return the largest code of a number in a state `(h, w)`, 1 if there is none."""
    last = 1
    for r in range(state.shape[0]):
        for c in range(state.shape[1]):
            if state[r, c] != SOURCE:
                last = max(last, state[r, c])
    return last


@jit
def _spread(states, limit, after):
    """Number the open cells next to the last wave of each state `(h, w)`. after: a copy of the states."""
    n, h, w = states.shape
    for i in range(n):
        last = _last_wave(states[i])
        front = SOURCE if last == 1 else last
        for r in range(h):
            for c in range(w):
                if states[i, r, c] != front or last > limit:
                    continue
                for dr, dc in _MOVES:
                    y, x = r + dr, c + dc
                    if 0 <= y < h and 0 <= x < w and states[i, y, x] == OPEN:
                        after[i, y, x] = last + 1


@final
class BfsLevels(SimulationTask[Params]):
    """Number cells by their distance from a source."""

    family = "bfs-levels"
    summary = "Number every open cell by its distance from the nearest source."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("labels", cell=16, margin=8)
    codes = 12
    legend = ("open cell", "wall", *(f"distance {number}" for number in range(1, 10)), "source")
    fixed = (WALL, SOURCE)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        nearest = "the source" if params.sources == 1 else "the nearest source"
        rule = (
            "Moves go up, down, left or right from cell to cell, never into a wall. Cells that are more than "
            f"{params.limit} moves away or cannot be reached stay open, and walls and sources stay."
        )
        return (
            f"Write into each open cell its distance, the least number of moves from {nearest}. {rule}",
            f"How many moves is each open cell away from {nearest}? Mark it with that distance. {rule}",
            f"A wave starts at {nearest} and enters all open neighbors with each move. Mark each cell "
            f"with the move at which the wave arrives. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the wave"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        _draw(keys, code_table((1 - params.walls, params.walls)), params.sources, grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which questions have a wave of the largest number, or of 5."""
        least = FIRST - 1 + min(params.limit, 5)
        return ((target >= least) & (target != SOURCE)).any(axis=(1, 2))

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return cells times the largest number."""
        return np.full(len(question), float(params.size**2 * params.limit))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _spread(states, params.limit, after)
        return after


TASK = BfsLevels()
