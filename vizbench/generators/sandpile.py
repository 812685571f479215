"""Generate sandpiles (Bak, Tang, Wiesenfeld 1987): cells of four grains or more topple until none is left.

In each step every cell with at least four grains gives one grain to each of its four neighbours. Grains that
leave the grid are lost. The question is a random pile, the target the pile at rest. It does not depend on the
order of topplings (Dhar 1990). A code is a number of grains, 0 … 7: no step makes more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

TOPPLES: Final = 4


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a sandpile."""

    size: int = 6
    """Rows and columns, 2 … 64."""
    high: float = 0.2
    """The share of cells with four or five grains at the start, 0.02 … 0.5. Other cells have up to three."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(2, 64), high=(0.02, 0.5))


VARIANTS = {"6": Params(), "10": Params(size=10, high=0.1)}

LEVELS = (
    Params(size=4, high=0.1),
    Params(size=5, high=0.1),
    Params(size=6, high=0.1),
    Params(size=7, high=0.12),
    Params(size=8, high=0.14),
    Params(size=9, high=0.16),
    Params(size=10, high=0.18),
    Params(size=12, high=0.2),
    Params(size=14, high=0.22),
    Params(size=16, high=0.25),
)


@jit
def _draw(keys, table, grids):
    """Fill each grid `(h, w)` with random grains."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_codes(rng, table, grids[i].reshape(-1))


@jit
def _topple(states, after):
    """Topple every full cell of each state `(h, w)` once. after: zeros of the same shape."""
    n, h, w = states.shape
    for i in range(n):
        for r in range(h):
            for c in range(w):
                grains = states[i, r, c]
                if grains < TOPPLES:
                    after[i, r, c] += grains
                    continue
                after[i, r, c] += grains - TOPPLES
                if r > 0:
                    after[i, r - 1, c] += 1
                if r + 1 < h:
                    after[i, r + 1, c] += 1
                if c > 0:
                    after[i, r, c - 1] += 1
                if c + 1 < w:
                    after[i, r, c + 1] += 1


@final
class Sandpile(SimulationTask[Params]):
    """Let a sandpile topple until it rests."""

    family = "sandpile"
    summary = "Let the full cells of a sandpile topple until none is full."
    reasoning = Reasoning.LOCAL_RULE
    look = Look("sandpile", cell=16, margin=8)
    codes = 8
    legend = ("no grain", "1 grain", *(f"{grains} grains" for grains in range(2, 8)))
    most_steps = 20_000
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "A cell with four or more grains topples: it loses four grains, and each of its four neighbors "
            "up, down, left and right gains one. Grains that leave the grid are lost."
        )
        return (
            f"Every cell of the grid holds some grains of sand. {rule} Show the grid when no cell has four "
            "grains or more.",
            f"What is left of this sandpile when nothing topples any more? {rule}",
            f"Topple full cells again and again, until every cell has at most three grains. {rule} The order "
            "does not matter.",
        )

    def rule(self, params: Params) -> str:
        return "the sandpile"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        low, high = (1 - params.high) / 4, params.high / 2
        _draw(keys, code_table((low, low, low, low, high, high)), grids)
        return grids

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = np.zeros_like(states)
        _topple(states, after)
        return after


TASK = Sandpile()
