"""Generate Wireworld (Silverman 1987): electrons run along wires, merge and die at junctions.

A head becomes a tail, a tail becomes conductor, and a conductor with one or two heads among its eight
neighbours becomes a head. The question holds loops of wire with some electrons, the target the circuit some
steps later. Codes: 0 empty, 1 head, 2 tail, 3 conductor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

EMPTY, HEAD, TAIL, WIRE = 0, 1, 2, 3

_TRIES = 50
"""Places that are tried per electron. Crowded wires get fewer."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of Wireworld."""

    size: int = 8
    """Rows and columns, 4 … 64."""
    loops: int = 2
    """Rectangles of wire, 1 … 16. They may touch and cross."""
    electrons: int = 3
    """Electrons at most, 1 … 32."""
    steps: int = 3
    """Steps to predict, 1 … 100."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 64), loops=(1, 16), electrons=(1, 32), steps=(1, 100))


VARIANTS = {"3": Params(), "8": Params(size=10, loops=3, electrons=4, steps=8)}

LEVELS = (
    Params(size=6, loops=2, electrons=2, steps=1),
    Params(size=7, loops=2, electrons=2, steps=1),
    Params(size=7, loops=2, electrons=2, steps=2),
    Params(size=8, loops=2, electrons=3, steps=2),
    Params(size=8, loops=2, electrons=3, steps=3),
    Params(size=9, loops=3, electrons=3, steps=4),
    Params(size=10, loops=3, electrons=4, steps=5),
    Params(size=11, loops=3, electrons=4, steps=7),
    Params(size=12, loops=4, electrons=5, steps=9),
    Params(size=14, loops=5, electrons=6, steps=12),
)


@jit
def _span(rng, size):
    """Return the first and the last place of a random side of three cells or more."""
    while True:
        a, b = rng_below(rng, size), rng_below(rng, size)
        if b - a >= 2:
            return a, b


@jit
def _draw(keys, loops, electrons, grids):
    """Draw rectangles of wire on each empty grid, then electrons: a head beside a tail."""
    rng = np.empty(4, np.uint64)
    size = grids.shape[1]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid, placed = grids[i], 0
        for _ in range(loops):
            top, bottom = _span(rng, size)
            left, right = _span(rng, size)
            grid[top : bottom + 1, left] = WIRE
            grid[top : bottom + 1, right] = WIRE
            grid[top, left : right + 1] = WIRE
            grid[bottom, left : right + 1] = WIRE
        for _ in range(_TRIES * electrons):
            if electrons == placed:
                break
            r, c = rng_below(rng, size), rng_below(rng, size)
            turn = rng_below(rng, 4)
            y, x = r + (turn == 2) - (turn == 0), c + (turn == 1) - (turn == 3)
            if 0 <= y < size and 0 <= x < size and grid[r, c] == WIRE and grid[y, x] == WIRE:
                grid[r, c], grid[y, x] = HEAD, TAIL
                placed += 1


@jit
def _heads(state, row, column):
    """Return how many heads are among the neighbours of a cell."""
    heads = 0
    for r in range(max(row - 1, 0), min(row + 2, state.shape[0])):
        for c in range(max(column - 1, 0), min(column + 2, state.shape[1])):
            heads += state[r, c] == HEAD
    return heads


@jit
def _advance(states, after):
    """Write each state `(h, w)` after one step."""
    for i in range(states.shape[0]):
        for r in range(states.shape[1]):
            for c in range(states.shape[2]):
                code = states[i, r, c]
                if code == WIRE and 1 <= _heads(states[i], r, c) <= 2:
                    after[i, r, c] = HEAD
                elif code == HEAD:
                    after[i, r, c] = TAIL
                else:
                    after[i, r, c] = EMPTY if code == EMPTY else WIRE


@final
class Wireworld(SimulationTask[Params]):
    """Predict a Wireworld circuit."""

    family = "wireworld"
    summary = "Predict where the electrons of a Wireworld circuit are some steps later."
    reasoning = Reasoning.LOCAL_RULE
    look = Look("wireworld", cell=16, margin=8)
    codes = 4
    legend = ("empty cell", "electron head", "electron tail", "wire")
    fixed = (EMPTY,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "An electron head becomes an electron tail, and an electron tail becomes wire. Wire becomes an "
            "electron head if exactly one or two of its eight neighbors are electron heads, and stays wire "
            "otherwise. Empty cells stay empty, and all cells change at the same time."
        )
        steps = plural(params.steps, "step")
        return (
            f"The grid is a Wireworld circuit. {rule} Show the grid after {steps}.",
            f"Electrons run along the wires by these rules. {rule} Where are they after {steps}?",
            f"Predict this circuit {steps} later. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "Wireworld"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.size, params.size), np.uint8)
        _draw(keys, params.loops, params.electrons, grids)
        return grids

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = np.empty_like(states)
        _advance(states, after)
        return after


TASK = Wireworld()
