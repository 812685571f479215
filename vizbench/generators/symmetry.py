"""Generate symmetric patterns with hidden cells: complete them.

A pattern is symmetric about its middle column, about its middle row, about both, or under a half turn. Some
cells are hidden. A step reveals the first hidden cell, in reading order, that has a known mirror image. Of
cells that are images of each other, one at least is shown. Codes: 0 hidden, 1 … 5 the materials of cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below, rng_chance, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_choice, check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grid, Grids, Keys, Look

HIDDEN = 0

AXES = {"column": (1,), "row": (2,), "both": (1, 2, 3), "half-turn": (3,)}
"""The images of a cell: 1 mirrored left and right, 2 mirrored up and down, 3 both."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of symmetric patterns."""

    size: int = 8
    """Rows and columns, 2 … 32."""
    axes: Literal["column", "row", "both", "half-turn"] = "column"
    """About what a pattern is symmetric."""
    hidden: float = 0.4
    """The share of hidden cells, 0.05 … 0.7, fewer if both images would be hidden."""
    materials: int = 3
    """Materials of cells, 2 … 5."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(2, 32), hidden=(0.05, 0.7), materials=(2, 5))
        check_choice(self, axes=AXES)


VARIANTS = {axes: Params(axes=axes) for axes in ("column", "both", "half-turn")}

LEVELS = (
    Params(size=5, hidden=0.2),
    Params(size=6, hidden=0.3),
    Params(size=7, axes="row"),
    Params(size=8),
    Params(size=9, axes="half-turn"),
    Params(size=10, axes="half-turn", materials=4),
    Params(size=11, axes="both", hidden=0.6, materials=4),
    Params(size=12, axes="half-turn", materials=4),
    Params(size=14, axes="half-turn", materials=5),
    Params(size=16, axes="both", hidden=0.7, materials=5),
)


@jit
def _image(size, r, c, axis):
    """Return the image of a cell. axis: 1 mirrors left and right, 2 up and down, 3 both."""
    if axis != 1:
        r = size[0] - 1 - r
    if axis != 2:
        c = size[1] - 1 - c
    return r, c


@jit
def _known(grid, r, c, axes):
    """Return the code of the first image of a cell that is not hidden, or HIDDEN."""
    for axis in axes:
        y, x = _image(grid.shape, r, c, axis)
        if grid[y, x] != HIDDEN:
            return grid[y, x]
    return HIDDEN


@jit
def _draw(keys, axes, hidden, materials, grids):
    """Draw a pattern for each key, and hide cells that an image still shows."""
    rng = np.empty(4, np.uint64)
    h, w = grids.shape[1:]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid = grids[i]
        grid[:] = HIDDEN
        for r in range(h):
            for c in range(w):
                code = _known(grid, r, c, axes)
                grid[r, c] = 1 + rng_below(rng, materials) if code == HIDDEN else code
        for r in range(h):
            for c in range(w):
                hide = rng_chance(rng, hidden)
                code = grid[r, c]
                grid[r, c] = HIDDEN
                if not hide or _known(grid, r, c, axes) == HIDDEN:
                    grid[r, c] = code


@jit
def _reveal(states, axes):
    """Reveal one cell of each state in place."""
    for i in range(states.shape[0]):
        state = states[i].reshape(-1)
        for cell in range(state.shape[0]):
            if state[cell] == HIDDEN:
                w = states.shape[2]
                code = _known(states[i], cell // w, cell % w, axes)
                if code != HIDDEN:
                    state[cell] = code
                    break


_WORDS = {
    "column": "its left half is the mirror image of its right half",
    "row": "its upper half is the mirror image of its lower half",
    "both": "its left and right halves are mirror images, and so are its upper and lower halves",
    "half-turn": "it looks the same after a turn by 180 degrees",
}


@final
class Symmetry(SimulationTask[Params]):
    """Complete symmetric patterns."""

    family = "symmetry"
    summary = "Complete a symmetric pattern of which some cells are hidden."
    reasoning = Reasoning.GEOMETRY
    look = Look("blocks", cell=16, margin=8)
    codes = 6
    legend = ("hidden cell", "wood", "stone", "iron", "clay", "glass")
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> range:
        return range(params.materials + 1)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = f"The whole pattern is symmetric: {_WORDS[params.axes]}."
        return (
            f"Some cells of a pattern are hidden. {rule} Show the pattern without hidden cells.",
            f"{rule} Fill in the hidden cells and keep all others.",
            f"Complete this pattern. {rule} Which material is in each hidden cell?",
        )

    def rule(self, params: Params) -> str:
        return "the symmetry"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.empty((len(keys), params.size, params.size), np.uint8)
        _draw(keys, np.array(AXES[params.axes]), params.hidden, params.materials, grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which patterns hide a cell of each material, or four cells."""
        hidden = question == HIDDEN
        every = np.ones(len(question), np.bool_)
        for code in range(1, params.materials + 1):
            every &= (hidden & (target == code)).any(axis=(1, 2))
        return every | (hidden.sum(axis=(1, 2)) >= 4)

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = np.ascontiguousarray(states).copy()
        _reveal(after, np.array(AXES[params.axes]))
        return after

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return any material in each hidden cell."""
        return np.where(question == HIDDEN, np.maximum(super().guess(params, question, key), 1), question)


TASK = Symmetry()
