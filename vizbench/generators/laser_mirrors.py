"""Generate laser beams among mirrors: draw the beam from the laser to where it ends.

The beam leaves the laser in the direction of its arrow, flies straight, and turns by a right angle at each
mirror. It ends at a block, at the laser or at the edge of the grid. It may cross itself. A step lets it enter
one more empty cell. Mirrors look the same with and without beam. Codes: 0 empty, 1 block, 2 and 3 the mirrors
/ and \\, 4 beam across, 5 beam up and down, 6 crossing, 7 … 10 the laser up, right, down, left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

EMPTY, BLOCK, SLASH, BACKSLASH, ACROSS, DOWN, CROSSING, LASER = 0, 1, 2, 3, 4, 5, 6, 7


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of lasers."""

    size: int = 8
    """Rows and columns, 4 … 64."""
    mirrors: float = 0.2
    """The share of cells with mirrors, 0.02 … 0.5."""
    blocks: float = 0.03
    """The share of cells with blocks, 0 … 0.3."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 64), mirrors=(0.02, 0.5), blocks=(0, 0.3))


VARIANTS = {"8": Params(), "crowded": Params(size=10, mirrors=0.4)}

LEVELS = tuple(Params(size=size) for size in (5, 6, 7, 8, 9, 10, 11, 13, 15, 18))


@jit
def _draw(keys, table, grids):
    """Fill each grid `(h, w)` with mirrors and blocks, and place a laser at an edge, aimed inside."""
    rng = np.empty(4, np.uint64)
    size = grids.shape[1]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_codes(rng, table, grids[i].reshape(-1))
        side, place = rng_below(rng, 4), rng_below(rng, size)
        r, c = place, place
        if side % 2 == 0:
            r = size - 1 if side == 0 else 0
        else:
            c = 0 if side == 1 else size - 1
        grids[i, r, c] = LASER + side


@jit
def _find(state):
    """Return the place of the only laser, or -1 and -1 if there is not one."""
    row, column, lasers = -1, -1, 0
    for r in range(state.shape[0]):
        for c in range(state.shape[1]):
            if state[r, c] >= LASER:
                row, column, lasers = r, c, lasers + 1
    return (row, column) if lasers == 1 else (-1, -1)


@jit
def _lit(code, way):
    """Return the code of a cell that the beam enters in a direction 0 … 3, or of a mirror the same code."""
    if code in (SLASH, BACKSLASH, CROSSING):
        return code
    own = ACROSS if way % 2 == 1 else DOWN
    return own if code in (EMPTY, own) else CROSSING


@jit
def _turned(code, way):
    """Return the direction 0 … 3 of a beam after a cell: up and right swap at /, up and left at \\."""
    if code == SLASH:
        return (1, 0, 3, 2)[way]
    if code == BACKSLASH:
        return (3, 2, 1, 0)[way]
    return way


@jit
def _grow(states):
    """Let the beam of each state `(h, w)` enter one more cell, in place, if it can."""
    for i in range(states.shape[0]):
        state = states[i]
        r, c = _find(state)
        if r < 0:
            continue
        way = np.int64(state[r, c] - LASER)
        for _ in range(4 * state.size):  # a cell is entered in each direction once at most
            r, c = r + (way == 2) - (way == 0), c + (way == 1) - (way == 3)
            inside = 0 <= r < state.shape[0] and 0 <= c < state.shape[1]
            if not inside or state[r, c] == BLOCK or state[r, c] >= LASER:
                break
            code = _lit(state[r, c], way)
            if code != state[r, c]:
                state[r, c] = code
                break
            way = _turned(code, way)


@final
class LaserMirrors(SimulationTask[Params]):
    """Draw the beam of a laser among mirrors."""

    family = "laser-mirrors"
    summary = "Draw the whole beam of a laser among mirrors."
    reasoning = Reasoning.GEOMETRY
    look = Look("laser", cell=16, margin=8)
    codes = 11
    legend = (
        "empty cell",
        "block",
        "mirror like a slash",
        "mirror like a backslash",
        "beam to the left or right",
        "beam up or down",
        "crossing beams",
        *(f"laser facing {way}" for way in ("up", "right", "down", "left")),
    )
    fixed = (BLOCK, SLASH, BACKSLASH, 7, 8, 9, 10)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The beam leaves the laser in its direction and flies straight through empty cells. A mirror "
            "like a slash (from bottom left to top right) turns a beam going right upward, and one going up "
            "to the right; a mirror like a backslash turns a beam going right downward, and one going up to "
            "the left; and so on for the other sides. The beam ends at a block, at the laser or at the edge "
            "of the grid. Mark each empty cell on its way as beam to the left or right, as beam up or down, "
            "or as crossing beams if it passes both ways, and leave all other cells as they are."
        )
        return (
            f"Draw the whole beam of the laser. {rule}",
            f"Where does the laser shine? {rule}",
            f"Follow the beam of the laser from mirror to mirror. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the beam"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        empty, each = 1 - params.mirrors - params.blocks, params.mirrors / 2
        _draw(keys, code_table((empty, params.blocks, each, each)), grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which beams fly both ways, through as many cells as a side has or more."""
        lit = question != target
        across, down = lit & (target != DOWN), lit & (target != ACROSS)
        long = lit.sum(axis=(1, 2)) >= params.size
        return long & across.any(axis=(1, 2)) & down.any(axis=(1, 2))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _grow(after)
        return after


TASK = LaserMirrors()
