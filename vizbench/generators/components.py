"""Generate boards of connected regions: number the regions in reading order.

The region whose first cell comes first in reading order, row by row from the left, has the number 1, and so
on. A step lets the number of an unfinished region flow to its neighbouring cells. If every numbered region is
finished, the step begins the next one at its first cell. Codes: 0 background, 1 unnumbered, 2 … 10 the
numbers 1 … 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

BACKGROUND, UNNUMBERED, FIRST, LAST = 0, 1, 2, 10


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of regions."""

    size: int = 7
    """Rows and columns, 3 … 32."""
    share: float = 0.5
    """The share of cells that belong to regions, 0.1 … 0.9."""
    diagonal: bool = False
    """Whether cells that touch at a corner belong together."""
    regions: int = 9
    """Regions at most, 1 … 9."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 32), share=(0.1, 0.9), regions=(1, 9))


VARIANTS = {"sides": Params(), "corners": Params(diagonal=True, share=0.4)}

LEVELS = (
    Params(size=4),
    Params(size=5),
    Params(size=6),
    Params(size=7),
    Params(size=8),
    Params(size=9, share=0.6),
    Params(size=10, share=0.6),
    Params(size=11, share=0.62),
    Params(size=12, share=0.64),
    Params(size=14, share=0.66),
)
_MOVES: Final = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


@jit
def _draw(keys, table, grids):
    """Fill each grid `(h, w)` with cells of regions."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_codes(rng, table, grids[i].reshape(-1))


@jit
def _number(states, moves, after):
    """Let numbers flow to neighbours, or begin the next region. after: a copy of the states.

    A cell next to several numbers, which no process has, takes the largest.
    """
    n, h, w = states.shape
    for i in range(n):
        flows, last, first = False, np.int64(1), -1
        for r in range(h):
            for c in range(w):
                last = max(last, states[i, r, c])
                if states[i, r, c] != UNNUMBERED:
                    continue
                if first < 0:
                    first = r * w + c
                for k in range(moves):
                    y, x = r + _MOVES[k][0], c + _MOVES[k][1]
                    if 0 <= y < h and 0 <= x < w and states[i, y, x] >= FIRST:
                        after[i, r, c] = max(after[i, r, c], states[i, y, x])
                        flows = True
        if not flows and first >= 0 and last < LAST:
            after[i, first // w, first % w] = last + 1


@final
class Components(SimulationTask[Params]):
    """Number connected regions in reading order."""

    family = "components"
    summary = "Number the connected regions of a board in reading order."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("labels", cell=16, margin=8)
    codes = 11
    legend = ("background", "unnumbered cell", *(f"region {number}" for number in range(1, 10)))
    fixed = (BACKGROUND,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        together = "Cells that share a side belong to one region; a common corner is not enough."
        if params.diagonal:
            together = "Cells that share a side or a corner belong to one region."
        order = (
            "Read the grid row by row, each row from left to right: the region that you meet first is region "
            "1, the next new one is region 2, and so on. The background stays as it is."
        )
        return (
            f"Mark every unnumbered cell with the number of its region. {together} {order}",
            f"Which cells hang together? {together} {order} Give all cells of a region its number.",
            f"Number the connected regions of the grid. {together} {order}",
        )

    def rule(self, params: Params) -> str:
        return "the numbering"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        _draw(keys, code_table((1 - params.share, params.share)), grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which boards have at least two regions, and no more than asked."""
        most = target.max(axis=(1, 2), initial=0)
        complete = (target != UNNUMBERED).all(axis=(1, 2))
        return (most > FIRST) & (most < FIRST + params.regions) & complete

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _number(states, 8 if params.diagonal else 4, after)
        return after


TASK = Components()
