"""Generate shapes with a list of transformations: apply them one after the other.

The top row holds the transformations of the square board below it. A step applies the first one and erases
it. Moves shift the whole board by one cell, and what leaves it enters at the opposite edge. Turns are by a
quarter to the right or left, or by a half. Flips mirror left and right, or up and down. Codes: 0 empty, 1 …
3 materials, 4 … 7 move up, right, down, left, 8 turn right, 9 turn left, 10 turn around, 11 flip across, 12
flip down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

EMPTY, MOVE, TURN_RIGHT, TURN_LEFT, TURN_AROUND, FLIP_ACROSS = 0, 4, 8, 9, 10, 11

CHANGES: Final = 9
"""Transformations."""
TOP: Final = 1
"""Rows above the board."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of transformed shapes."""

    size: int = 6
    """Rows and columns of the board, 2 … 32."""
    changes: int = 2
    """Transformations, 1 … size."""
    cells: int = 7
    """Cells of the shape at most, 2 … 64."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(2, 32), changes=(1, 32), cells=(2, 64))
        if self.changes > self.size:
            raise UserError(f"changes={self.changes} do not fit above {self.size} columns: give fewer")


VARIANTS = {"2": Params(), "5": Params(size=8, changes=5, cells=10)}

LEVELS = (
    Params(size=5, changes=1, cells=5),
    Params(size=5, changes=2, cells=5),
    Params(size=6, changes=2, cells=6),
    Params(size=6, changes=3, cells=7),
    Params(size=7, changes=3, cells=8),
    Params(size=7, changes=4, cells=9),
    Params(size=8, changes=5, cells=10),
    Params(size=9, changes=6, cells=12),
    Params(size=10, changes=8, cells=14),
    Params(size=12, changes=12, cells=18),
)


@jit
def _draw(keys, changes, cells, grids):
    """Draw a shape and transformations for each key. grids: `(n, size + TOP, size)` zeros."""
    rng = np.empty(4, np.uint64)
    size = grids.shape[2]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid = grids[i]
        r, c = rng_below(rng, size), rng_below(rng, size)
        for _ in range(cells):
            if grid[TOP + r, c] == EMPTY:
                grid[TOP + r, c] = 1 + rng_below(rng, 3)
            turn = rng_below(rng, 4)
            r = min(max(r + (turn == 2) - (turn == 0), 0), size - 1)
            c = min(max(c + (turn == 1) - (turn == 3), 0), size - 1)
        for k in range(changes):
            grid[0, k] = MOVE + rng_below(rng, CHANGES)


@jit
def _source(size, r, c, change):
    """Return the cell of the old board that a cell of the new one shows."""
    last = size - 1
    if change < TURN_RIGHT:
        way = change - MOVE
        return (r + (way == 0) - (way == 2) + size) % size, (c + (way == 3) - (way == 1) + size) % size
    if change == TURN_RIGHT:
        return last - c, r
    if change == TURN_LEFT:
        return c, last - r
    if change == TURN_AROUND:
        return last - r, last - c
    return (r, last - c) if change == FLIP_ACROSS else (last - r, c)


@jit
def _transform(states, after):
    """Apply the first transformation of each state to `after`, a copy. Boards that are not square stay."""
    n, h, size = states.shape
    if h != size + TOP:
        return
    for i in range(n):
        for k in range(size):
            change = states[i, 0, k]
            if change < MOVE:
                continue
            after[i, 0, k] = EMPTY
            for r in range(size):
                for c in range(size):
                    y, x = _source(size, r, c, change)
                    after[i, TOP + r, c] = states[i, TOP + y, x]
            break


@final
class ShapeTransform(SimulationTask[Params]):
    """Move, turn and flip a shape."""

    family = "shape-transform"
    summary = "Move, turn and flip a shape by the given list."
    reasoning = Reasoning.GEOMETRY
    look = Look("transform", cell=16, margin=8)
    codes = 13
    legend = (
        "empty cell",
        "stone",
        "wood",
        "iron",
        *(f"move {way}" for way in ("up", "right", "down", "left")),
        "turn right",
        "turn left",
        "turn around",
        "flip left and right",
        "flip up and down",
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The top row holds changes of the whole square board below it, to be made from left to right. A "
            "move shifts everything by one cell, and what leaves the board enters at the opposite edge. "
            "Turns are by 90 degrees to the right or left, or by 180 degrees around; flips are mirror "
            "images. Each change is erased when it is made."
        )
        return (
            f"Change the board as the top row says. {rule} Show the grid after all changes.",
            f"Where is the shape after all changes, and how is it turned? {rule}",
            f"Move, turn and flip the shape. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the changes"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.size + TOP, params.size), np.uint8)
        _draw(keys, params.changes, params.cells, grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which boards do not end as they began."""
        return (question[:, TOP:] != target[:, TOP:]).any(axis=(1, 2))

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the changes times the cells of the shape, at most."""
        return np.full(len(question), float(params.changes * params.cells))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _transform(states, after)
        return after


TASK = ShapeTransform()
