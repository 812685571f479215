"""Generate tetris boards with all pieces given: drop them and clear full rows.

Above a line of the width of the board, pieces hang in bands of four rows at their columns. The piece that is
nearest to the line is dropped first: it falls straight down until it rests on the stack or the floor, and
becomes stack. Then all full rows vanish, and the rows above them move down. A step drops one piece. Codes: 0
empty, 1 stack, 2 piece, 3 line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_chance, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import NEAR_PARTS, SimulationTask
from vizbench.types import Grids, Keys, Look

EMPTY, STACK, PIECE, LINE = 0, 1, 2, 3

BAND: Final = 4
"""Rows of a band: a piece of at most three rows, and an empty row that keeps it from the next."""


def _pieces() -> npt.NDArray[np.int64]:
    """Return all pieces of four cells but the upright bar, in all turns: rows and columns, `(18, 4, 2)`."""
    texts = (
        "####, ##/##, ###/.#., .#/##/.#, .#./###, #./##/#., .##/##., #./##/.#, ##./.##, .#/##/#., "
        "#../###, ##/#./#., ###/..#, .#/.#/##, ..#/###, #./#./##, ###/#.., ##/.#/.#"
    )
    shapes: list[npt.NDArray[np.int64]] = []
    for text in texts.split(", "):
        mask = np.array([[mark == "#" for mark in row] for row in text.split("/")])
        shapes.append(np.argwhere(mask))
    return np.stack(shapes)


_PIECES: Final = _pieces()


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of tetris."""

    width: int = 7
    """Columns, 4 … 16."""
    stack: int = 4
    """Rows of the stack at the start, 1 … 16."""
    pieces: int = 2
    """Pieces, 1 … 8."""
    holes: float = 0.2
    """The chance of a hole in a cell of the stack, 0 … 0.5."""

    def __post_init__(self) -> None:
        check_ranges(self, width=(4, 16), stack=(1, 16), pieces=(1, 8), holes=(0, 0.5))
        if self.holes > 0.3 and self.stack > 12:
            raise UserError(f"holes={self.holes} are too many for stack={self.stack}: give fewer of one")


VARIANTS = {"2": Params(), "4": Params(width=8, stack=5, pieces=4)}

LEVELS = (
    Params(width=5, stack=3, pieces=1, holes=0.3),
    Params(width=6, stack=4, pieces=1, holes=0.3),
    Params(width=6, stack=3, pieces=2),
    Params(width=6, stack=4, pieces=2),
    Params(width=7, stack=4, pieces=3),
    Params(width=7, stack=5, pieces=3),
    Params(width=8, stack=5, pieces=4),
    Params(width=8, stack=6, pieces=5),
    Params(width=9, stack=7, pieces=6),
    Params(width=10, stack=8, pieces=8),
)


@jit
def _fits(grid, band, down):
    """Return whether the piece of a band may be `down` rows lower. The band begins at row `band`."""
    for r in range(band, band + BAND):
        for c in range(grid.shape[1]):
            if grid[r, c] == PIECE and (r + down >= grid.shape[0] or grid[r + down, c] == STACK):
                return False
    return True


@jit
def _clear(grid, top):
    """Remove the full rows from `top` on, in place."""
    to = grid.shape[0] - 1
    for r in range(grid.shape[0] - 1, top - 1, -1):
        if not np.all(grid[r] == STACK):
            grid[to] = grid[r]
            to -= 1
    for r in range(top, to + 1):
        grid[r] = EMPTY


@jit
def _drop(grid, band, top):
    """Drop the piece of a band in place. `top` is the row below the line. Return whether it fits there."""
    down = 0
    while _fits(grid, band, down + 1):
        down += 1
    for r in range(band, band + BAND):
        if r + down < top and np.any(grid[r] == PIECE):
            return False
    for r in range(band + BAND - 1, band - 1, -1):
        for c in range(grid.shape[1]):
            if grid[r, c] == PIECE:
                grid[r, c] = EMPTY
                grid[r + down, c] = STACK
    _clear(grid, top)
    return True


@jit
def _drop_next(states, pieces):
    """Drop the lowest piece of each state `(h, w)` in place, if there is one and it fits."""
    top = BAND * pieces + 1
    for i in range(states.shape[0]):
        if states.shape[1] <= top:
            continue
        for number in range(pieces - 1, -1, -1):
            band = BAND * number
            if np.any(states[i, band : band + BAND] == PIECE):
                _drop(states[i], band, top)
                break


@jit
def _hang(rng, grid, shapes, band):
    """Put a random piece into the band that begins at row `band`. Return its number and its left column."""
    number = rng_below(rng, shapes.shape[0])
    left = rng_below(rng, grid.shape[1] - np.max(shapes[number, :, 1]))
    for k in range(shapes.shape[1]):
        grid[band + shapes[number, k, 0], left + shapes[number, k, 1]] = PIECE
    return number, left


@jit
def _carve(rng, grid, shape, left, first):
    """Empty the cells of the stack where a piece fills rows, and those above. The stack begins at `first`."""
    deepest = max(1, grid.shape[0] - first - np.max(shape[:, 0]))
    low = first + rng_below(rng, deepest)
    for k in range(shape.shape[0]):
        for r in range(first, min(low + shape[k, 0] + 1, grid.shape[0])):
            grid[r, left + shape[k, 1]] = EMPTY


@jit
def _draw(keys, shapes, pieces, stack, holes, grids):
    """Draw a stack and pieces for each key. The first piece has a place. grids: `(n, h, w)` zeros."""
    rng = np.empty(4, np.uint64)
    h, w = grids.shape[1:]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        grid = grids[i]
        grid[BAND * pieces] = LINE
        for r in range(h - stack, h):
            for c in range(w):
                grid[r, c] = EMPTY if rng_chance(rng, holes) else STACK
        for number in range(pieces):
            shape, left = _hang(rng, grid, shapes, BAND * number)
            if number == pieces - 1:
                _carve(rng, grid, shapes[shape], left, h - stack)
        for r in range(h - stack, h):
            if np.all(grid[r] == STACK):
                grid[r, rng_below(rng, w)] = EMPTY


@final
class TetrisDrop(SimulationTask[Params]):
    """Drop tetris pieces."""

    family = "tetris-drop"
    summary = "Drop all given tetris pieces and clear full rows."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("blocks", cell=16, margin=8)
    codes = 4
    legend = ("empty cell", "stack", "falling piece", "line")
    fixed = (LINE,)
    parts = NEAR_PARTS
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The falling pieces above the line, with empty rows between them, are dropped one after the "
            "other, the one nearest to the line first. A piece falls straight down through the line, without "
            "turning, until it rests on the stack or on the floor; then its cells become stack. After each "
            "piece, every row below the line that is full of stack vanishes, and the rows between it and "
            "the line move down."
        )
        return (
            f"Drop all pieces of this tetris board. {rule} Show the grid at the end.",
            f"What is left below the line after all pieces have dropped? {rule} Above the line nothing is "
            "left.",
            f"Let the pieces fall. {rule} The line stays where it is.",
        )

    def rule(self, params: Params) -> str:
        return "the drops"

    def draw(self, params: Params, keys: Keys) -> Grids:
        height = BAND * params.pieces + 1 + params.stack + 3 * params.pieces
        grids = np.zeros((len(keys), height, params.width), np.uint8)
        _draw(keys, _PIECES, params.pieces, params.stack, params.holes, grids)
        return grids

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the pieces times the cells of the stack."""
        return np.full(len(question), float(params.pieces * params.stack * params.width))

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return the parts that count wrong cells, because most cells of the stack can be foreseen."""
        return self.near_parts(params, question, target, answer)

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _drop_next(after, params.pieces)
        return after


TASK = TetrisDrop()
