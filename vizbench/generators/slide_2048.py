"""Generate boards of 2048 (Cirulli 2014) with all slides given, without new tiles.

The top row holds the slides. A step makes the first one and erases it: all tiles slide as far as they can,
and two equal tiles that meet merge into one of twice the value, the pair nearest to the edge first. A merged
tile does not merge again in the same slide. Codes: 0 empty, 1 … 9 the tiles 2 … 512, 10 … 13 a slide up,
right, down, left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.random_cells import code_table, random_codes
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

LARGEST, UP = 9, 10

TOP: Final = 1
"""Rows above the board."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of 2048."""

    size: int = 4
    """Rows and columns of the board, 2 … 16."""
    slides: int = 3
    """Slides, 1 … size."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(2, 16), slides=(1, 16))
        if self.slides > self.size:
            raise UserError(f"slides={self.slides} do not fit above {self.size} columns: give slides <= size")


VARIANTS = {"3": Params(), "5": Params(size=5, slides=5)}

LEVELS = (
    Params(size=3, slides=1),
    Params(size=4, slides=1),
    Params(size=4, slides=2),
    Params(size=4, slides=3),
    Params(size=4, slides=4),
    Params(size=5, slides=4),
    Params(size=5, slides=5),
    Params(size=6, slides=6),
    Params(size=7, slides=7),
    Params(size=8, slides=8),
)


@jit
def _draw(keys, table, slides, grids):
    """Draw a board and slides for each key. grids: `(n, size + TOP, size)` zeros."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_codes(rng, table, grids[i, TOP:].reshape(-1))
        for k in range(slides):
            grids[i, 0, k] = UP + rng_below(rng, 4)


@jit
def _slide(line):
    """Slide the tiles of a line `(m,)` to its start and merge equal ones, in place."""
    end, last = 0, 0
    for k in range(line.shape[0]):
        tile = line[k]
        if tile == 0:
            continue
        line[k] = 0
        if tile == last and tile < LARGEST:
            line[end - 1] = tile + 1
            last = 0
        else:
            line[end] = tile
            end += 1
            last = tile


@jit
def _first_slide(state):
    """Return the place of the first slide, or -1 if there is none, or a slide on the board."""
    if state.shape[0] > TOP and np.max(state[TOP:]) >= UP:
        return -1
    for k in range(state.shape[1]):
        if state[0, k] >= UP:
            return k
    return -1


@jit
def _step(states):
    """Make the first slide of each state `(h, w)` in place."""
    for i in range(states.shape[0]):
        k = _first_slide(states[i])
        if k < 0:
            continue
        way = states[i, 0, k] - UP
        states[i, 0, k] = 0
        board = states[i, TOP:]
        for row in range(board.shape[0] if way % 2 == 1 else 0):
            _slide(board[row, ::-1] if way == 1 else board[row, ::1])
        for column in range(board.shape[1] if way % 2 == 0 else 0):
            _slide(board[::-1, column] if way == 2 else board[::1, column])


@final
class Slide2048(SimulationTask[Params]):
    """Slide the tiles of 2048."""

    family = "slide-2048"
    summary = "Make all given slides on a board of 2048."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("powers", cell=16, margin=8)
    codes = 14
    legend = (
        "empty cell",
        *(f"tile {2**k}" for k in range(1, 10)),
        *(f"slide {way}" for way in ("up", "right", "down", "left")),
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "With each slide all tiles move in its direction until they meet an edge of the board or another "
            "tile. Two equal tiles that meet merge into one tile of their sum; of three in a row, the two "
            "that are farther ahead merge. A tile that has just merged does not merge again in the same "
            "slide. No new tiles appear, and each slide is erased when it is made."
        )
        return (
            "The top row holds slides, to be made from left to right on the board of 2048 below it. "
            f"{rule} Show the grid after all slides.",
            f"Play this game of 2048: make the slides of the top row, the left one first. {rule}",
            f"What does the board below the top row look like after all slides of the top row? {rule}",
        )

    def rule(self, params: Params) -> str:
        return "the slides"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.size + TOP, params.size), np.uint8)
        _draw(keys, code_table((0.4, 0.25, 0.2, 0.15)), params.slides, grids)
        return grids

    def suits(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return on which boards at least one tile merges."""
        before, after = ((grids[:, TOP:] > 0).sum(axis=(1, 2)) for grids in (question, target))
        return after < before

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the slides times the cells of the board."""
        return np.full(len(question), float(params.slides * params.size**2))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _step(after)
        return after


TASK = Slide2048()
