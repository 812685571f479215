"""Generate dice that roll over a board: write the number of the bottom face on each cell that they leave.

The top row holds the moves. The row below shows the die: its top face, its north face (away from the viewer)
and its east face (to the right); opposite faces add up to seven. A step rolls the die over an edge onto the
next cell, erases the move, writes the number that was at the bottom on the cell that it leaves, and shows the
new faces. Codes: 0 empty, 1 … 6 numbers, 7 … 10 roll up, right, down, left, 11 die, 12 border.
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

EMPTY, ROLL, DIE, BORDER = 0, 7, 11, 12

TOP: Final = 2
"""Rows above the board: the moves, and the die."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of rolling dice."""

    size: int = 6
    """Rows and columns of the board, 4 … 32."""
    rolls: int = 6
    """Rolls, 1 … size."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 32), rolls=(1, 32))
        if self.rolls > self.size:
            raise UserError(f"rolls={self.rolls} do not fit above {self.size} columns: give fewer rolls")


VARIANTS = {"6": Params(), "10": Params(size=10, rolls=10)}

LEVELS = (
    Params(size=6, rolls=1),
    Params(size=6, rolls=2),
    Params(size=6, rolls=3),
    Params(size=6, rolls=4),
    Params(size=6, rolls=5),
    Params(size=6, rolls=6),
    Params(size=8, rolls=8),
    Params(size=10, rolls=10),
    Params(size=12, rolls=12),
    Params(size=16, rolls=16),
)


@jit
def _draw(keys, rolls, grids):
    """Draw a die and its moves for each key. grids: `(n, size + TOP, size)` zeros."""
    rng = np.empty(4, np.uint64)
    size = grids.shape[2]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid = grids[i]
        grid[1] = BORDER
        top = 1 + rng_below(rng, 6)
        north = top
        while north in (top, 7 - top):
            north = 1 + rng_below(rng, 6)
        east = top
        while east in (top, 7 - top, north, 7 - north):
            east = 1 + rng_below(rng, 6)
        grid[1, 0], grid[1, 1], grid[1, 2] = top, north, east
        r, c = rng_below(rng, size), rng_below(rng, size)
        grid[TOP + r, c] = DIE
        for k in range(rolls):
            y, x, way = -1, -1, 0
            while not (0 <= y < size and 0 <= x < size):
                way = rng_below(rng, 4)
                y, x = r + (way == 2) - (way == 0), c + (way == 1) - (way == 3)
            grid[0, k] = ROLL + way
            r, c = y, x


@jit
def _find(grid):
    """Return the place of the only die below the faces, or -1 and -1 if there is not one, or no faces."""
    row, column, dice = -1, -1, 0
    if grid.shape[1] < 3 or grid.shape[0] <= TOP:
        return -1, -1
    for k in range(3):
        if grid[1, k] < 1 or grid[1, k] > 6:
            return -1, -1
    for r in range(TOP, grid.shape[0]):
        for c in range(grid.shape[1]):
            if grid[r, c] == DIE:
                row, column, dice = r, c, dice + 1
    return (row, column) if dice == 1 else (-1, -1)


@jit
def _turned(way, top, north, east):
    """Return the top, north and east faces after a roll."""
    if way == 0:
        return 7 - north, top, east
    if way == 1:
        return 7 - east, north, top
    return (north, 7 - top, east) if way == 2 else (east, north, 7 - top)


@jit
def _roll(states):
    """Make the first roll of each state in place, unless it leaves the board."""
    for i in range(states.shape[0]):
        grid = states[i]
        r, c = _find(grid)
        for k in range(grid.shape[1] if r >= 0 else 0):
            if grid[0, k] < ROLL or grid[0, k] >= DIE:
                continue
            way = grid[0, k] - ROLL
            y, x = r + (way == 2) - (way == 0), c + (way == 1) - (way == 3)
            if TOP <= y < grid.shape[0] and 0 <= x < grid.shape[1]:
                grid[0, k] = EMPTY
                grid[r, c] = 7 - grid[1, 0]
                grid[y, x] = DIE
                grid[1, 0], grid[1, 1], grid[1, 2] = _turned(way, grid[1, 0], grid[1, 1], grid[1, 2])
            break


@final
class DiceRolling(SimulationTask[Params]):
    """Roll a die over a board."""

    family = "dice-rolling"
    summary = "Roll a die over a board and write down the numbers of its bottom face."
    reasoning = Reasoning.GEOMETRY
    look = Look("dice", cell=16, margin=8)
    codes = 13
    legend = (
        "empty cell",
        *(f"number {number}" for number in ("one", "two", "three", "four", "five", "six")),
        *(f"roll {way}" for way in ("up", "right", "down", "left")),
        "die",
        "border",
    )
    fixed = (BORDER,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The top row holds the rolls, from left to right. The three numbers of the second row are the "
            "faces of the die: on its top, on its side toward the top edge of the grid, and on its side "
            "toward the right edge; opposite faces add up to seven. With each roll the die tips over its "
            "edge onto the next cell, the number that was at its bottom is written on the cell that it "
            "leaves, over any number there, the three faces are brought up to date, and the roll is erased."
        )
        return (
            f"Roll the die over the board below the border. {rule} Show the grid after all rolls.",
            f"Which numbers does the die leave behind, and which faces does it show at the end? {rule}",
            f"Make all rolls of the die, and show the board with the numbers it leaves. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the rolls"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.size + TOP, params.size), np.uint8)
        _draw(keys, params.rolls, grids)
        return grids

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the number of rolls."""
        return np.full(len(question), float(params.rolls))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _roll(after)
        return after


TASK = DiceRolling()
