"""Generate Rush Hour (Yoshigahara 1970s): the first moves of a shortest way to free a car.

Cars cover two or three cells in a row or column. A move slides one car along its own line by any number of
free cells. Your own car is in the row of the exit, and is free once it touches the exit. A plan is shortest
if it has the fewest moves. The answer is the board after some moves of a shortest plan; any board that some
shortest plan reaches after so many moves is right. Codes: 0 wall, 1 free cell, 2 exit, 3 own car, 4 … 12 the
other cars, one code each.

Cars are put on random places, the others never along the own car's row. Boards are drawn again if they cannot
be solved, are solved too soon, or have too many states that are nearer than the solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.kernels.search import Numbers
from vizbench.task.contract import Reasoning
from vizbench.task.planning import Plans, PlanTask
from vizbench.task.ranges import check_ranges
from vizbench.types import Grid, Grids, Keys, Look

WALL, FREE, EXIT, OWN, LAST = 0, 1, 2, 3, 12
_CODES = 256  # codes of malformed boards may be anything


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of Rush Hour."""

    size: int = 6
    """Cells per side inside the wall, 4 … 7."""
    cars: int = 6
    """Other cars, 2 … 9."""
    moves: int = 3
    """Moves to make, 0 … `least`. 0 means all moves until the car is free."""
    least: int = 3
    """The fewest moves of a plan, 1 … 6."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 7), cars=(2, 9))
        if not (0 <= self.moves <= self.least <= 6 and self.least >= 1):
            raise UserError(
                f"moves={self.moves} and least={self.least} are not in rising order, moves from 0 and least "
                "in 1 … 6: try 2 and 3"
            )


VARIANTS = {"6-cars": Params(), "8-cars": Params(cars=8, least=4), "6-cars-solved": Params(moves=0)}

LEVELS = (
    Params(5, 4, 1, 2),
    Params(5, 6, 1, 2),
    Params(6, 5, 2, 3),
    Params(6, 7, 2, 3),
    Params(6, 6, 3, 3),
    Params(6, 8, 3, 4),
    Params(6, 7, 4, 4),
    Params(6, 9, 4, 4),
    Params(6, 8, 5, 5),
    Params(6, 9, 5, 5),
)


@jit
def _find(state, firsts, lengths, upright):
    """Write the first cell, the length and the direction of each car, `(256,)`; of length 0 if there is none.

    Cells of a code that are not in one line with its first are ignored.
    """
    h, w = state.shape
    lengths[:] = 0
    for r in range(h):
        for c in range(w):
            code = state[r, c]
            if code >= OWN and lengths[code] == 0:
                firsts[code] = r * w + c
                upright[code] = not (c + 1 < w and state[r, c + 1] == code)
                y, x = r, c
                while y < h and x < w and state[y, x] == code:
                    lengths[code] += 1
                    y, x = y + upright[code], x + 1 - upright[code]


@jit
def _slide(state, first, length, step, cells, after):
    """Write the state after a car has slid by so many cells along `step`. All are flat."""
    after[:] = state
    for k in range(length):
        after[first + k * step] = FREE
    for k in range(length):
        after[first + (k + cells) * step] = state[first]


@jit
def _slides(states, before, after):
    """Write the states after each slide to `after` (k, h, w). Return their number.

    Cars move by their codes, each backwards by 1, 2 … cells, then forwards. Slides for which `after` has no
    space are only counted.
    """
    m, h, w = states.shape
    firsts, lengths = np.empty(_CODES, np.int64), np.empty(_CODES, np.int64)
    upright = np.empty(_CODES, np.int64)
    count = 0
    for i in range(m):
        state = states[i].reshape(-1)
        _find(states[i], firsts, lengths, upright)
        for code in range(OWN, LAST + 1):
            first, length = firsts[code], lengths[code]
            step = w if upright[code] else 1
            for way in range(2 if length > 1 else 0):
                r, c = first // w, first % w
                down, right = (
                    (upright[code], 1 - upright[code]) if way else (-upright[code], upright[code] - 1)
                )
                if way:
                    r, c = r + down * (length - 1), c + right * (length - 1)
                cells = 1
                while (
                    0 <= r + cells * down < h
                    and 0 <= c + cells * right < w
                    and states[i, r + cells * down, c + cells * right] == FREE
                ):
                    if count < before.shape[0]:
                        before[count] = i
                        _slide(state, first, length, step, cells if way else -cells, after[count].reshape(-1))
                    count += 1
                    cells += 1
    return count


@jit
def _escaped(states, free):
    """Write in which states an own car is directly left of an exit, `(m,)` bool."""
    for i in range(states.shape[0]):
        free[i] = False
        for r in range(states.shape[1]):
            for c in range(1, states.shape[2]):
                free[i] |= states[i, r, c] == EXIT and states[i, r, c - 1] == OWN


@jit
def _park(rng, board, row, code):
    """Put a car on a random free place that is not along the own car's row, if 200 draws find one."""
    side = board.shape[0] - 2
    length = 2 if rng_below(rng, 3) > 0 else 3
    for _ in range(200):
        upright = rng_below(rng, 2)
        r = 1 + rng_below(rng, side - (length - 1) * upright)
        c = 1 + rng_below(rng, side - (length - 1) * (1 - upright))
        is_free = upright == 1 or r != row
        for k in range(length):
            is_free &= board[r + k * upright, c + k * (1 - upright)] == FREE
        if is_free:
            for k in range(length):
                board[r + k * upright, c + k * (1 - upright)] = code
            return


@jit
def _draw(keys, cars, question):
    """Draw one board per key. question: `(n, size + 2, size + 2)` uint8."""
    rng = np.empty(4, np.uint64)
    wide = question.shape[1]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        board = question[i]
        board[:] = WALL
        board[1 : wide - 1, 1 : wide - 1] = FREE
        row = 1 + rng_below(rng, wide - 2)
        board[row, wide - 1] = EXIT
        first = 1 + rng_below(rng, max(1, (wide - 2) // 2 - 1))
        board[row, first : first + 2] = OWN
        for car in range(cars):
            _park(rng, board, row, OWN + 1 + car)


@final
class RushHour(PlanTask[Params]):
    """Free a car."""

    family = "rush-hour"
    summary = "Make the first moves of a shortest way to free a car that others block."
    reasoning = Reasoning.PLANNING
    look = Look("cars", cell=16)
    codes = 13
    most_states = 500
    legend = ("wall", "free cell", "exit", "own car", *(f"car {letter}" for letter in "ABCDEFGHI"))
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> range:
        return range(OWN + 1 + params.cars)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        moves = "move" if params.moves == 1 else plural(params.moves, "move")
        after = f"after the first {moves} of it" if params.moves else "at its end"
        rule = (
            "A move slides one car forwards or backwards along its own row or column, by any number of free "
            "cells; cars do not turn, overlap, or enter walls"
        )
        return (
            f"Bring your own car next to the exit. {rule}. Find a plan with the fewest moves, and show the "
            f"board {after}. If several plans are shortest, any of them is right.",
            f"This is Rush Hour: your own car has to reach the exit, so that they touch. {rule}. Take a "
            f"plan that has as few moves as possible, and show the board {after}. Any such plan is right.",
            "Free your own car: it must come to the cell beside the exit by a plan with the fewest moves. "
            f"{rule}. What does the board look like {after}? Any shortest plan may be shown.",
        )

    def draw(self, params: Params, keys: Keys) -> Grids:
        question = np.empty((len(keys), params.size + 2, params.size + 2), np.uint8)
        _draw(keys, params.cars, question)
        return question

    def accepts(self, params: Params, plans: Plans) -> npt.NDArray[np.bool_]:
        return plans.distance >= params.least

    def expand(self, params: Params, states: Grids) -> tuple[Numbers, Grids]:
        space = 12 * len(states)  # as many as boards have, mostly
        while True:
            before = np.empty(space, np.int64)
            after = np.empty((space, *states.shape[1:]), np.uint8)
            count = int(_slides(states, before, after))
            if count <= space:
                return before[:count], after[:count]
            space = count

    def is_goal(self, params: Params, states: Grids) -> npt.NDArray[np.bool_]:
        free = np.empty(len(states), np.bool_)
        _escaped(states, free)
        return free

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return the figures of `PlanTask`, with another effort.

        - effort: moves asked times the cars, the own one included.
        """
        figures = dict(super().difficulty_batch(params, question, target))
        asked = self.asked(params, self.search(params, question))
        figures["effort"] = (asked * (params.cars + 1)).astype(np.float64)
        return figures


TASK = RushHour()
