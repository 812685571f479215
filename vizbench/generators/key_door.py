"""Generate mazes with keys and doors: the first steps of a shortest way to the goal.

The player goes one cell up, down, left or right. Whoever steps onto a key takes it, and all doors of the same
number open at once: they become floor. A closed door is like a wall. A way is shortest if it has the fewest
steps. The answer is the maze after some steps of a shortest way; any state that some shortest way reaches
after so many steps is right. Codes: 0 wall, 1 floor, 2 goal, 3 player, 4 player at the goal, 5 … 7 keys, and
8 … 10 their doors.

Rooms are on the odd coordinates, as in `maze`. They are joined by a uniform spanning tree (Aldous 1990), and
each door is on the way to the goal or to a key, so that keys have to be fetched in an order.
"""

from __future__ import annotations

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

WALL, FLOOR, GOAL, PLAYER, ARRIVED, KEY, DOOR = 0, 1, 2, 3, 4, 5, 8


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a maze with keys and doors."""

    size: int = 11
    """Cells per side, odd, 7 … 15."""
    keys: int = 2
    """Keys, each with its door, 1 … 3."""
    moves: int = 12
    """Steps to make, 0 … `least`. 0 means all steps up to the goal."""
    least: int = 18
    """The fewest steps to the goal, 1 … 4 times `size`."""

    def __post_init__(self) -> None:
        if not 7 <= self.size <= 15 or self.size % 2 == 0:
            raise UserError(f"size={self.size} is not an odd number in 7 … 15: try 11")
        check_ranges(self, keys=(1, 3))
        most = 4 * self.size
        if not (0 <= self.moves <= self.least <= most and self.least >= 1):
            raise UserError(
                f"moves={self.moves} and least={self.least} are not in rising order, moves from 0 and least "
                f"in 1 … {most}: try 6 and 12"
            )


VARIANTS = {"2-keys": Params(), "1-key": Params(9, 1, 8, 12), "2-keys-solved": Params(moves=0)}

LEVELS = (
    Params(7, 1, 2, 6),
    Params(7, 1, 4, 8),
    Params(9, 1, 4, 10),
    Params(9, 1, 6, 12),
    Params(9, 2, 8, 14),
    Params(11, 2, 8, 16),
    Params(11, 2, 12, 20),
    Params(11, 3, 16, 24),
    Params(13, 3, 20, 28),
    Params(15, 3, 28, 36),
)


@jit
def _is_free(code):
    """Return whether the player may step onto a cell."""
    return code in (FLOOR, GOAL) or KEY <= code < DOOR


@jit
def _enter(state, r, c):
    """Put the player on a cell. A key there opens its doors."""
    code = state[r, c]
    state[r, c] = ARRIVED if code == GOAL else PLAYER
    if code >= KEY:
        for y in range(state.shape[0]):
            for x in range(state.shape[1]):
                if state[y, x] == code + DOOR - KEY:
                    state[y, x] = FLOOR


@jit
def _steps(states, before, after):
    """Write the states after each step of the first player to `after` (4 m, h, w). Return their number.

    The player goes down, up, right, left. A player at the goal has no further step.
    """
    m, h, w = states.shape
    count = 0
    for i in range(m):
        r, c = 0, 0
        while r < h and states[i, r, c] != PLAYER:
            c += 1
            if c == w:
                r, c = r + 1, 0
        if r >= h:
            continue
        for k in range(4):
            y = r + (k == 0) - (k == 1)
            x = c + (k == 2) - (k == 3)
            if 0 <= y < h and 0 <= x < w and _is_free(states[i, y, x]):
                after[count] = states[i]
                after[count, r, c] = FLOOR
                _enter(after[count], y, x)
                before[count] = i
                count += 1
    return count


@jit
def _carve(rng, board, start, parent):
    """Join all rooms by a random walk from `start`, and write the cell before each on the way from there.

    board: `(size^2,)`, walls. A passage opens wherever the walk enters a room for the first time.
    """
    size = np.int64(np.sqrt(board.shape[0]))
    rooms = (size - 1) // 2
    at, left = start, rooms * rooms - 1
    board[at], parent[at] = FLOOR, -1
    while left > 0:
        k = int(rng_below(rng, 4))
        step = size * ((k == 0) - (k == 1)) + (k == 2) - (k == 3)
        r, c = (at + 2 * step) // size, (at + 2 * step) % size
        if not (0 < r < size and 0 < c < size and abs(r - at // size) + abs(c - at % size) == 2):
            continue
        if board[at + 2 * step] == WALL:
            board[at + step], board[at + 2 * step] = FLOOR, FLOOR
            parent[at + step], parent[at + 2 * step] = at, at + step
            left -= 1
        at += 2 * step


@jit
def _room(rng, board):
    """Return a random room that is still floor, or 0 if eighty draws find none."""
    size = np.int64(np.sqrt(board.shape[0]))
    rooms = (size - 1) // 2
    for _ in range(80):
        at = (2 * rng_below(rng, rooms) + 1) * size + 2 * rng_below(rng, rooms) + 1
        if board[at] == FLOOR:
            return at
    return 0


@jit
def _lock(rng, board, parent, ends, number):
    """Put a door on the way to one of the ends, and its key on a room in front of it. Return the key's."""
    target = ends[rng_below(rng, number + 1)]
    length, at = 0, parent[target]
    while at >= 0:
        length += board[at] == FLOOR
        at = parent[at]
    if length == 0:
        return 0
    skip, at = rng_below(rng, length), parent[target]
    while board[at] != FLOOR or skip > 0:
        skip -= board[at] == FLOOR
        at = parent[at]
    board[at] = DOOR + number
    for _ in range(40):
        room = _room(rng, board)
        behind, back = room == 0, room
        while room > 0 and back >= 0:
            behind |= back == at
            back = parent[back]
        if not behind:
            board[room] = KEY + number
            return room
    return 0


@jit
def _draw(keys, count, question):
    """Draw one maze per key. question: `(n, size^2)` uint8."""
    rng = np.empty(4, np.uint64)
    cells = question.shape[1]
    size = np.int64(np.sqrt(cells))
    parent = np.empty(cells, np.int64)
    ends = np.zeros(4, np.int64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        board = question[i]
        board[:] = WALL
        rooms = (size - 1) // 2
        start = (2 * rng_below(rng, rooms) + 1) * size + 2 * rng_below(rng, rooms) + 1
        parent[:] = -1
        _carve(rng, board, start, parent)
        board[start] = PLAYER
        ends[0] = _room(rng, board)
        board[ends[0]] = GOAL
        for number in range(count):
            ends[number + 1] = _lock(rng, board, parent, ends, number)
            if ends[number + 1] == 0:
                board[ends[0]] = FLOOR  # without a goal, it is drawn again
                break


@final
class KeyDoor(PlanTask[Params]):
    """Fetch keys, pass doors, reach the goal."""

    family = "key-door"
    summary = "Make the first steps of a shortest way to the goal of a maze with keys and doors."
    reasoning = Reasoning.PLANNING
    look = Look("keys", cell=16)
    codes = 11
    legend = (
        *("wall", "floor", "goal", "player", "player at the goal"),
        *(f"key {number}" for number in (1, 2, 3)),
        *(f"door {number}" for number in (1, 2, 3)),
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> list[int]:
        keys = range(params.keys)
        return [*range(KEY), *(KEY + key for key in keys), *(DOOR + key for key in keys)]

    def instructions(self, params: Params) -> tuple[str, str, str]:
        steps = plural(params.moves, "step")
        after = f"after the first {steps}" if params.moves else "at the end, with the player at the goal"
        rule = (
            "The player goes one cell up, down, left or right per step, and never into a wall or a door. On "
            "a key, the player takes it, and the door with the same number becomes floor"
        )
        return (
            f"The player wants to reach the goal. {rule}. Find a way with the fewest steps, and show the "
            f"grid {after}. Cells that the player leaves are floor. If several ways are shortest, any of "
            "them is right.",
            f"Some doors are closed in this maze, and keys open them. {rule}. Show the grid {after}, for a "
            "way to the goal that has as few steps as possible. If several ways are shortest, choose any.",
            f"Bring the player to the goal with the fewest steps. {rule}. What does the grid look like "
            f"{after}? Any shortest way may be shown.",
        )

    def draw(self, params: Params, keys: Keys) -> Grids:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        _draw(keys, params.keys, question.reshape(len(keys), params.size * params.size))
        return question

    def accepts(self, params: Params, plans: Plans) -> npt.NDArray[np.bool_]:
        return plans.distance >= params.least

    def expand(self, params: Params, states: Grids) -> tuple[Numbers, Grids]:
        before = np.empty(4 * len(states), np.int64)
        after = np.empty((4 * len(states), *states.shape[1:]), np.uint8)
        count = int(_steps(states, before, after))
        return before[:count], after[:count]

    def is_goal(self, params: Params, states: Grids) -> npt.NDArray[np.bool_]:
        return (states == ARRIVED).any(axis=(1, 2))


TASK = KeyDoor()
