"""Generate folded sheets of paper with punched holes: unfold them and show all holes.

The question shows the folded sheet at one corner of its full size, and in the top row the unfolding moves.
A step makes the first move and erases it: the sheet opens over one of its edges to twice its width or height,
and every hole appears again as a mirror image. Codes: 0 no paper, 1 paper, 2 hole, 3 … 6 open up, right,
down, left. VZ-2 of Ekstrom et al. (1976) asks the same.
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

BARE, PAPER, HOLE, UP = 0, 1, 2, 3

TOP: Final = 1
"""Rows above the sheet."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of folded paper."""

    size: int = 16
    """Rows and columns of the open sheet, a power of two, 4 … 32."""
    folds: int = 2
    """Folds, 1 … 8. The folded sheet has 2 cells per side at least."""
    holes: int = 4
    """Holes in the folded sheet, 1 … 16, fewer on small sheets."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 32), folds=(1, 8), holes=(1, 16))
        if self.size & (self.size - 1):
            raise UserError(f"size={self.size} is no power of two: choose 4, 8, 16 or 32")
        if self.folds > 2 * (self.size.bit_length() - 2):
            raise UserError(f"folds={self.folds} are too many for a sheet of {self.size}: give fewer folds")


VARIANTS = {"2": Params(), "4": Params(folds=4)}

LEVELS = (
    Params(size=8, folds=1, holes=3),
    Params(size=8, folds=1, holes=5),
    Params(folds=2, holes=3),
    Params(folds=2, holes=4),
    Params(folds=2, holes=6),
    Params(folds=3, holes=4),
    Params(folds=3, holes=6),
    Params(folds=4, holes=5),
    Params(size=32, folds=5, holes=6),
    Params(size=32, folds=6, holes=8),
)


@jit
def _draw(keys, folds, holes, grids):
    """Draw folds and holes for each key. grids: `(n, size + TOP, size)` zeros."""
    rng = np.empty(4, np.uint64)
    size = grids.shape[2]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid = grids[i]
        top, left, tall, wide = 0, 0, size, size
        for number in range(folds - 1, -1, -1):
            across = rng_below(rng, 2) == 1
            if (wide if across else tall) <= 2:
                across = not across
            far = rng_below(rng, 2)
            if across:
                wide //= 2
                left += far * wide
                grid[0, number] = UP + (3 if far else 1)
            else:
                tall //= 2
                top += far * tall
                grid[0, number] = UP + (0 if far else 2)
        sheet = grid[TOP + top : TOP + top + tall, left : left + wide]
        sheet[:] = PAPER
        for _ in range(holes):
            sheet[rng_below(rng, tall), rng_below(rng, wide)] = HOLE


@jit
def _extent(grid):
    """Return the first and last row, and the first and last column, of what is not bare; -1 if all is."""
    top, bottom, left, right = -1, -1, grid.shape[1], -1
    for r in range(TOP, grid.shape[0]):
        for c in range(grid.shape[1]):
            if grid[r, c] != BARE:
                top = r if top < 0 else top
                bottom = r
                left = min(left, c)
                right = max(right, c)
    return top, bottom, left, right


@jit
def _open(grid, way):
    """Open the sheet over an edge in place, as far as the grid reaches."""
    top, bottom, left, right = _extent(grid)
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            y, x = r, c
            if way == 0:
                y = 2 * top - 1 - r
            elif way == 1:
                x = 2 * right + 1 - c
            elif way == 2:
                y = 2 * bottom + 1 - r
            else:
                x = 2 * left - 1 - c
            if TOP <= y < grid.shape[0] and 0 <= x < grid.shape[1]:
                grid[y, x] = grid[r, c]


@jit
def _unfold(states):
    """Make the first move of each state in place. States without paper stay."""
    for i in range(states.shape[0]):
        grid = states[i]
        for k in range(grid.shape[1]):
            if grid[0, k] >= UP:
                if _extent(grid)[0] >= 0:
                    _open(grid, grid[0, k] - UP)
                    grid[0, k] = BARE
                break


@final
class PaperFolding(SimulationTask[Params]):
    """Unfold punched paper."""

    family = "paper-folding"
    summary = "Unfold a punched sheet of paper and show all holes."
    reasoning = Reasoning.GEOMETRY
    look = Look("folding", cell=16, margin=8)
    codes = 7
    legend = ("no paper", "paper", "hole", *(f"open {way}" for way in ("up", "right", "down", "left")))
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The top row shows how to open the sheet, move by move from left to right. With each move the "
            "sheet is unfolded over its upper, right, lower or left edge and becomes twice as large: the "
            "new half is the mirror image of the old one, holes included. Each move is erased when it is "
            "made."
        )
        return (
            f"A sheet of paper was folded and punched. {rule} Show the open sheet with all holes.",
            f"Where are the holes of this sheet when it is open again? {rule}",
            f"Unfold the punched paper below the top row. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the unfolding"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.size + TOP, params.size), np.uint8)
        _draw(keys, params.folds, params.holes, grids)
        return grids

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the holes of the open sheet, as many as there can be."""
        return np.full(len(question), float(params.holes * 2**params.folds))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _unfold(after)
        return after


TASK = PaperFolding()
