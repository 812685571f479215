"""Generate forest fires without chance: fire jumps to neighbouring trees and burns one step.

A dry tree catches fire if one of its four neighbours burns, a wet tree if two or more do. Fire becomes ash.
Ground and ash stop the fire. The question is a forest with some fires, the target the forest some steps
later. Codes: 0 ground, 1 dry tree, 2 wet tree, 3 fire, 4 ash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

GROUND, DRY, WET, FIRE, ASH = 0, 1, 2, 3, 4


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a forest fire."""

    size: int = 8
    """Rows and columns, 3 … 64."""
    ground: float = 0.2
    """The share of bare ground, 0 … 0.5."""
    wet: float = 0.25
    """The share of wet trees, 0 … 0.5."""
    fires: int = 2
    """Fires at the start, 1 … 16, fewer if two are drawn at one cell."""
    steps: int = 4
    """Steps to predict, 1 … 200."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 64), ground=(0, 0.5), wet=(0, 0.5), fires=(1, 16), steps=(1, 200))


VARIANTS = {"4": Params(), "dry": Params(wet=0, ground=0.35, fires=1)}

LEVELS = (
    Params(size=5, fires=1, steps=1),
    Params(size=6, fires=1, steps=1),
    Params(size=6, steps=2),
    Params(size=7, steps=2),
    Params(size=7, steps=3),
    Params(size=8, steps=4),
    Params(size=10, fires=3, steps=5),
    Params(size=12, fires=4, steps=6),
    Params(size=14, fires=4, steps=8),
    Params(size=16, fires=4, steps=10),
)


@jit
def _draw(keys, table, fires, grids):
    """Fill each grid `(h, w)` with ground and trees, and set fires anywhere."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        cells = grids[i].reshape(-1)
        random_codes(rng, table, cells)
        for _ in range(fires):
            cells[rng_below(rng, cells.shape[0])] = FIRE


@jit
def _burn(states, after):
    """Write each state `(h, w)` after one step."""
    n, h, w = states.shape
    for i in range(n):
        for r in range(h):
            for c in range(w):
                code = states[i, r, c]
                near = np.int64(r > 0 and states[i, r - 1, c] == FIRE)
                near += r + 1 < h and states[i, r + 1, c] == FIRE
                near += c > 0 and states[i, r, c - 1] == FIRE
                near += c + 1 < w and states[i, r, c + 1] == FIRE
                if code == FIRE:
                    code = ASH
                elif (code == DRY and near >= 1) or (code == WET and near >= 2):
                    code = FIRE
                after[i, r, c] = code


@final
class ForestFire(SimulationTask[Params]):
    """Predict a forest fire."""

    family = "forest-fire"
    summary = "Predict how far a fire has spread through a forest of dry and wet trees."
    reasoning = Reasoning.LOCAL_RULE
    look = Look("forest-fire", cell=16, margin=8)
    codes = 5
    legend = ("bare ground", "dry tree", "wet tree", "fire", "ash")
    fixed = (GROUND,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "In each step every fire becomes ash, and at the same time a dry tree becomes fire if at least "
            "one of its four neighbors was fire, a wet tree if at least two were. Everything else stays."
        )
        steps = plural(params.steps, "step")
        return (
            f"A fire spreads through the forest. {rule} Show the grid after {steps}.",
            f"What burns after {steps}, and what is ash by then? {rule}",
            f"Predict this forest fire {steps} later. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the fire"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        shares = (params.ground, 1 - params.ground - params.wet, params.wet)
        _draw(keys, code_table(shares), params.fires, grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which fires still burn at the end."""
        return (target == FIRE).any(axis=(1, 2))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = np.empty_like(states)
        _burn(states, after)
        return after


TASK = ForestFire()
