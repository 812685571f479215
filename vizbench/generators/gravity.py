"""Generate falling blocks: in each step every block falls by one cell, until all rest.

A block falls if the next cell in the direction of gravity is empty, or holds a block that falls in the same
step. Walls and the edges of the grid hold blocks. The question is a random board, the target the board at
rest. Codes: 0 empty, 1 wall, 2 … 4 blocks. Task O-62 of VBVR is like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_choice, check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

WALL = 1
WAYS = {"down": 0, "right": 1, "up": 2, "left": 3}
"""How many quarter turns to the right make gravity point down."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of falling blocks."""

    size: int = 8
    """Rows and columns, 3 … 64."""
    toward: Literal["down", "right", "up", "left"] = "down"
    """Where blocks fall."""
    walls: float = 0.1
    """The share of wall cells, 0 … 0.4."""
    blocks: float = 0.3
    """The share of block cells, 0.05 … 0.5."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 64), walls=(0, 0.4), blocks=(0.05, 0.5))
        check_choice(self, toward=WAYS)


VARIANTS = {"down": Params(), "left": Params(toward="left")}

LEVELS = tuple(Params(size=size, walls=0.15, blocks=0.35) for size in (4, 5, 6, 7, 8, 9, 11, 13, 16, 20))


@jit
def _draw(keys, table, grids):
    """Fill each grid `(h, w)` with random codes."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_codes(rng, table, grids[i].reshape(-1))


@jit
def _fall(states):
    """Let the blocks of each state `(h, w)` fall down by one cell, in place."""
    for i in range(states.shape[0]):
        for r in range(states.shape[1] - 2, -1, -1):
            for c in range(states.shape[2]):
                if states[i, r, c] > WALL and states[i, r + 1, c] == 0:
                    states[i, r + 1, c] = states[i, r, c]
                    states[i, r, c] = 0


@final
class Gravity(SimulationTask[Params]):
    """Let blocks fall until they rest."""

    family = "gravity"
    summary = "Let all blocks fall until they rest on walls, the edge or other blocks."
    reasoning = Reasoning.LOCAL_RULE
    look = Look("blocks", cell=16, margin=8)
    codes = 5
    legend = ("empty cell", "wall", "iron block", "stone block", "wood block")
    fixed = (WALL,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        way = params.toward
        rule = (
            f"Blocks fall {way} in straight lines. A block stops at a wall, at the edge of the grid, or at a "
            "block that has stopped. Walls hang in place, and every block keeps its kind."
        )
        return (
            f"{rule} Show the grid when every block is at rest.",
            f"What does the grid look like after all blocks have fallen {way} as far as they can? {rule}",
            f"Let gravity pull all blocks {way} until nothing moves any more. {rule}",
        )

    def rule(self, params: Params) -> str:
        return f"falling {params.toward}"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        each = params.blocks / 3
        _draw(keys, code_table((1 - params.walls - params.blocks, params.walls, each, each, each)), grids)
        return grids

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        turns = WAYS[params.toward]
        after = np.array(np.rot90(states, -turns, (1, 2)), order="C")
        _fall(after)
        return np.ascontiguousarray(np.rot90(after, turns, (1, 2)))


TASK = Gravity()
