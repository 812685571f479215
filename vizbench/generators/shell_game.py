"""Generate shell games: follow the things under cups through given swaps.

The top row holds the cups, and each row below it one swap, marked in two columns. A step swaps the two cups
of the first swap that is left, and erases it. Codes: 0 empty, 1 swap mark, 2 empty cup, 3 … 8 a cup with a
thing. Task G-8 of VBVR is like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_from, rng_seed, rng_shuffle
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grid, Grids, Keys, Look

MARK, CUP = 1, 2


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a shell game."""

    cups: int = 6
    """Cups, 3 … 32."""
    things: int = 4
    """Cups with a thing, 1 … 6, fewer than cups."""
    swaps: int = 5
    """Swaps, 1 … 64."""

    def __post_init__(self) -> None:
        check_ranges(self, cups=(3, 32), things=(1, 6), swaps=(1, 64))
        if self.things >= self.cups:
            raise UserError(f"things={self.things} are not fewer than cups={self.cups}: give more cups")


VARIANTS = {"5": Params(), "12": Params(cups=7, things=5, swaps=12)}

LEVELS = (
    Params(cups=5, things=2, swaps=3),
    Params(cups=5, things=3, swaps=4),
    Params(cups=6, things=3, swaps=5),
    Params(cups=6, things=4, swaps=6),
    Params(cups=7, things=4, swaps=8),
    Params(cups=8, things=5, swaps=10),
    Params(cups=8, things=5, swaps=13),
    Params(cups=9, things=6, swaps=16),
    Params(cups=10, things=6, swaps=20),
    Params(cups=12, things=6, swaps=28),
)


@jit
def _draw(keys, things, grids):
    """Draw cups and swaps for each key. No swap is of two empty cups. grids: `(n, swaps + 1, cups)` zeros."""
    rng = np.empty(4, np.uint64)
    w = grids.shape[2]
    cups = np.empty(w, np.uint8)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        for c in range(w):
            cups[c] = CUP + (c + 1 if c < things else 0)
        rng_shuffle(rng, cups, w)
        grids[i, 0] = cups
        for row in range(1, grids.shape[1]):
            a, b = 0, 0
            while cups[a] == cups[b]:
                a, b = rng_below(rng, w), rng_below(rng, w)
            grids[i, row, a], grids[i, row, b] = MARK, MARK
            cups[a], cups[b] = cups[b], cups[a]


@jit
def _swap(states):
    """Make the first swap of each state `(h, w)` in place. Rows without exactly two marks are no swaps."""
    for i in range(states.shape[0]):
        state = states[i]
        for row in range(1, state.shape[0]):
            first, last, marks = 0, 0, 0
            for c in range(state.shape[1]):
                if state[row, c] == MARK:
                    first = c if marks == 0 else first
                    last = c
                    marks += 1
            if marks == 2:
                state[row, first], state[row, last] = 0, 0
                state[0, first], state[0, last] = state[0, last], state[0, first]
                break


@final
class ShellGame(SimulationTask[Params]):
    """Follow things under cups."""

    family = "shell-game"
    summary = "Follow the things under the cups of a shell game through all swaps."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("blocks", cell=16, margin=8)
    codes = 9
    legend = (
        "empty cell",
        "swap mark",
        "empty cup",
        *(f"cup with a {thing}" for thing in ("coin", "ring", "key", "bean", "pearl", "die")),
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> range:
        return range(CUP + 1 + params.things)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The top row shows the cups. Each row below is one swap, from top to bottom: the cups in the two "
            "columns with swap marks trade places, with what is in them. A swap that was made is erased."
        )
        return (
            f"Follow this shell game. {rule} Show the grid after all swaps.",
            f"Where are the cups after all swaps? {rule} In the answer only the top row is not empty.",
            f"Make all swaps in order, then show the top row with the cups and nothing below it. {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the swaps"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.swaps + 1, params.cups), np.uint8)
        _draw(keys, params.things, grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which games do not end as they began."""
        return (question[:, 0] != target[:, 0]).any(axis=1)

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the swaps times the things."""
        return np.full(len(question), float(params.swaps * params.things))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _swap(after)
        return after

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return the cups in any order, and nothing below."""
        answer, cups = np.zeros_like(question), question[0].copy()
        rng_shuffle(rng_from(key), cups, len(cups))
        answer[0] = cups
        return answer


TASK = ShellGame()
