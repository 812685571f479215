"""Generate sliding-tile puzzles (the 8-puzzle; Johnson, Story 1879): the first moves of a shortest solution.

The picture has two boards, the goal above and the present state below, with a divider between them. A move
slides a tile beside the gap into the gap. The answer is the picture after some moves of a shortest solution;
any state that some shortest solution reaches after so many moves is right. Codes: 0 gap, 1 … 11 tiles, 12
divider. The goal's gap is at the bottom right, and its tiles are in any order. Start states are drawn evenly
from all that are as far from the goal as the parameters say. The distances come from one search from the
goal, up to the largest that the parameters allow.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_seed, rng_shuffle
from vizbench.kernels.search import Numbers, StateSet
from vizbench.task.contract import Reasoning, Space
from vizbench.task.planning import PlanTask
from vizbench.types import Grid, Grids, Keys, Look

GAP, DIVIDER = 0, 12
_FARTHEST: Final = {(2, 3): 21, (3, 2): 21, (2, 4): 36, (4, 2): 36, (3, 3): 31}
"""The largest distance of a state, by rows and columns. Larger boards are searched up to 18 moves."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of sliding tiles."""

    height: int = 3
    """Rows of a board, 2 … 4."""
    width: int = 3
    """Columns of a board, 2 … 4; a board has 6 … 12 cells."""
    moves: int = 4
    """Moves to make, at least 1."""
    least: int = 8
    """The fewest moves from the start to the goal, at least `moves`."""
    most: int = 16
    """The most moves, up to 31 on 3x3 and 18 on larger boards."""

    def __post_init__(self) -> None:
        sides = (self.height, self.width)
        if min(sides) < 2 or max(sides) > 4 or not 6 <= self.height * self.width <= 12:
            raise UserError(
                f"height={self.height} and width={self.width} are not 2 … 4 with 6 … 12 cells: try 3 and 3"
            )
        farthest = _FARTHEST.get(sides, 18)
        if not 1 <= self.moves <= self.least <= self.most <= farthest:
            raise UserError(
                f"moves={self.moves}, least={self.least} and most={self.most} are not in rising order in "
                f"1 … {farthest}: try 4, 8 and 16"
            )


VARIANTS = {"3x3": Params(), "3x3-moves-8": Params(moves=8), "3x4": Params(3, 4)}

LEVELS = (
    Params(moves=1, least=2, most=3),
    Params(moves=2, least=2, most=4),
    Params(moves=3, least=4, most=6),
    Params(moves=4, least=5, most=10),
    Params(moves=5, least=8, most=14),
    Params(moves=6, least=10, most=18),
    Params(moves=8, least=12, most=20),
    Params(moves=10, least=16, most=24),
    Params(moves=12, least=20, most=28),
    Params(moves=16, least=24, most=31),
)


@jit
def _slides(states, top, before, after):
    """Write the states after each slide to `after` (4 m, h, w). Return their number.

    top: the first row of the board. Its first gap is moved. The tile below slides first, then those above,
    to the right and to the left.
    """
    m, h, w = states.shape
    count = 0
    for i in range(m):
        r, c = top, 0
        while r < h and states[i, r, c] != GAP:
            c += 1
            if c == w:
                r, c = r + 1, 0
        if r >= h:
            continue
        for k in range(4):
            y = r + (k == 0) - (k == 1)
            x = c + (k == 2) - (k == 3)
            if top <= y < h and 0 <= x < w:
                after[count] = states[i]
                after[count, r, c], after[count, y, x] = states[i, y, x], GAP
                before[count] = i
                count += 1
    return count


@jit
def _canonical(states, height, boards, rows):
    """Write each lower board to `boards` (m, height * w), with tiles numbered as in the goal.

    rows: becomes 0 for a picture of two boards with the same tiles and the goal's gap at its end, else 1.
    """
    m, _, w = states.shape
    cells = height * w
    number = np.empty(256, np.int64)
    for i in range(m):
        number[:] = -1
        for k in range(cells):
            number[states[i, k // w, k % w]] = (k + 1) % cells
        rows[i] = number[GAP] != 0 or number[DIVIDER] >= 0
        for k in range(cells):
            code = number[states[i, height + 1 + k // w, k % w]]
            boards[i, k] = max(code, 0)
            rows[i] |= code < 0
        for k in range(w):
            rows[i] |= states[i, height, k] != DIVIDER


@jit
def _draw(keys, boards, height, question):
    """Draw a goal and one of the canonical boards `(k, cells)` per key. question: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    cells, w = boards.shape[1], question.shape[2]
    tiles = np.empty(cells, np.uint8)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        board = boards[rng_below(rng, boards.shape[0])]
        for k in range(cells):
            tiles[k] = k
        rng_shuffle(rng, tiles[1:], cells - 1)
        for k in range(cells):
            question[i, k // w, k % w] = tiles[(k + 1) % cells]
            question[i, height + 1 + k // w, k % w] = tiles[board[k]]
        question[i, height] = DIVIDER


@functools.cache
def _table(height: int, width: int, most: int) -> tuple[StateSet, Numbers]:
    """Return the canonical boards up to `most` moves from the goal, and where each distance begins."""
    known, cells = StateSet(height * width), height * width
    goal = (np.arange(1, cells + 1) % cells).astype(np.uint8)
    known.add(goal[None], np.zeros(1, np.int64))
    bounds = [0, 1]
    while len(bounds) <= most + 1:
        states = known.states[bounds[-2] :].reshape(-1, height, width)
        _, after = _expand(states, 0)
        known.add(after.reshape(-1, cells), np.zeros(len(after), np.int64))
        bounds.append(len(known))
    return known, np.array(bounds)


def _expand(states: Grids, top: int) -> tuple[Numbers, Grids]:
    before = np.empty(4 * len(states), np.int64)
    after = np.empty((4 * len(states), *states.shape[1:]), np.uint8)
    count = int(_slides(states, top, before, after))
    return before[:count], after[:count]


@final
class SlidingTiles(PlanTask[Params]):
    """Slide tiles on a shortest way to the goal."""

    family = "sliding-tiles"
    summary = "Make the first moves of a shortest solution of a sliding-tile puzzle."
    reasoning = Reasoning.PLANNING
    look = Look("tiles", cell=16)
    codes = 13
    legend = ("gap", *(f"tile {number}" for number in range(1, 12)), "divider")
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> list[int]:
        return [*range(params.height * params.width), DIVIDER]

    def instructions(self, params: Params) -> tuple[str, str, str]:
        moves = plural(params.moves, "move")
        first = "move" if params.moves == 1 else moves
        boards = "Above the divider is the goal of a sliding-tile puzzle, and below it the present board."
        rule = "A move slides one tile that is directly above, below, left or right of the gap into the gap"
        return (
            f"{boards} {rule}. Find a solution with as few moves as possible, and show the grid after its "
            f"first {first}. If there are several shortest solutions, any of them is right. Change only the "
            "lower board.",
            f"This is a sliding-tile puzzle. {boards} {rule}. Make the first {first} of a shortest solution "
            "in the lower board, and leave everything else as it is. Any shortest solution is right.",
            f"Bring the lower board {moves} nearer to the upper board, by a shortest way. {rule}. Keep "
            "the goal and the divider.",
        )

    def draw(self, params: Params, keys: Keys) -> Grids:
        known, bounds = _table(params.height, params.width, params.most)
        boards = known.states[bounds[params.least] : bounds[params.most + 1]]
        question = np.empty((len(keys), 2 * params.height + 1, params.width), np.uint8)
        _draw(keys, boards, params.height, question)
        return question

    def expand(self, params: Params, states: Grids) -> tuple[Numbers, Grids]:
        return _expand(states, params.height + 1)

    def is_goal(self, params: Params, states: Grids) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return self.left(params, states) == 0

    def left(self, params: Params, states: Grids) -> Numbers:
        """Return the distance from the goal, -1 for a state that is too far away or not a picture."""
        if states.shape[1:] != (2 * params.height + 1, params.width):
            return np.full(len(states), -1, np.int64)
        known, bounds = _table(params.height, params.width, params.most)
        boards = np.empty((len(states), params.height * params.width), np.uint8)
        rows = np.empty(len(states), np.int64)
        _canonical(states, params.height, boards, rows)
        places = known.find(boards, rows)
        return np.where(places < 0, -1, np.searchsorted(bounds, places, side="right") - 1)

    def space(self, params: Params) -> Space:
        """Count the starts, times the orders of the goal's tiles."""
        bounds = _table(params.height, params.width, params.most)[1]
        starts = int(bounds[params.most + 1] - bounds[params.least])
        return Space(starts * math.factorial(params.height * params.width - 1))


TASK = SlidingTiles()
