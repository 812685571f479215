"""Generate Sokoban (Imabayashi 1982): the first steps of a shortest way to push all boxes onto targets.

The player goes one cell up, down, left or right, onto floor or a target. A box in the way is pushed one cell
ahead if that cell is floor or a target. Boxes are never pulled. A solution is shortest if it has the fewest
steps of the player, with or without a push. The answer is the board after some steps of a shortest solution;
any board that some shortest solution reaches after so many steps is right. Codes: 0 wall, 1 floor, 2 target,
3 box, 4 box on a target, 5 player, 6 player on a target.

Rooms are squares with a border of wall and some single walls. A random walk from the solved board pulls the
boxes away, so that all boards can be solved; those that are solved too soon or too late are drawn again.
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
from vizbench.types import Grids, Keys, Look

WALL, FLOOR, TARGET, BOX, HOME = 0, 1, 2, 3, 4
_BOX, _PLAYER = 2, 4  # added to floor or target where a box or the player is


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of Sokoban."""

    size: int = 7
    """Cells per side with the border, 5 … 9."""
    boxes: int = 2
    """Boxes, as many as targets, 1 … 4."""
    walls: int = 5
    """Single cells of wall inside, 0 … a third of the cells inside."""
    moves: int = 6
    """Steps to make, 0 … `least`. 0 means all steps up to the solved board."""
    least: int = 8
    """The fewest steps to solve the board, at least 1."""
    most: int = 30
    """The most steps to solve the board, `least` … 60."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(5, 9), boxes=(1, 4))
        check_ranges(self, walls=(0, (self.size - 2) ** 2 // 3))
        if not max(1, self.moves) <= self.least <= self.most <= 60 or self.moves < 0:
            raise UserError(
                f"moves={self.moves}, least={self.least} and most={self.most} are not in rising order, moves "
                "from 0 and the others in 1 … 60: try 6, 8 and 30"
            )


VARIANTS = {
    "2-boxes": Params(),
    "1-box": Params(boxes=1, moves=4, least=5),
    "2-boxes-solved": Params(moves=0),
}

LEVELS = (
    Params(6, 1, 2, moves=2, least=2, most=8),
    Params(6, 1, 3, moves=3, least=4, most=10),
    Params(7, 1, 4, moves=3, least=5, most=14),
    Params(7, 1, 5, moves=4, least=6, most=18),
    Params(7, 2, 5, moves=5, least=7, most=20),
    Params(moves=6),
    Params(moves=8, least=10),
    Params(8, 2, 6, moves=8, least=11),
    Params(8, 3, 8, moves=9, least=12, most=40),
    Params(8, 3, 6, moves=12, least=15, most=60),
)


@jit
def _steps(states, before, after):
    """Write the states after each step of the first player to `after` (4 m, h, w). Return their number.

    The player goes down, up, right, left.
    """
    m, h, w = states.shape
    count = 0
    for i in range(m):
        r, c = 0, 0
        while r < h and states[i, r, c] <= HOME:
            c += 1
            if c == w:
                r, c = r + 1, 0
        if r >= h:
            continue
        for k in range(4):
            down, right = (k == 0) - (k == 1), (k == 2) - (k == 3)
            y, x = r + down, c + right
            if not (0 <= y < h and 0 <= x < w) or states[i, y, x] == WALL or states[i, y, x] > HOME:
                continue
            ground = states[i, y, x]
            if ground >= BOX:
                v, u = y + down, x + right
                if not (0 <= v < h and 0 <= u < w) or not FLOOR <= states[i, v, u] <= TARGET:
                    continue
                after[count] = states[i]
                after[count, v, u] += _BOX
                ground -= _BOX
            else:
                after[count] = states[i]
            after[count, r, c] -= _PLAYER
            after[count, y, x] = ground + _PLAYER
            before[count] = i
            count += 1
    return count


@jit
def _solved(states, solved):
    """Write which states hold no box beside a target, `(m,)` bool."""
    for i in range(states.shape[0]):
        solved[i] = True
        for r in range(states.shape[1]):
            for c in range(states.shape[2]):
                solved[i] &= states[i, r, c] != BOX


@jit
def _place(rng, board, code, add):
    """Add a number to a random cell of this code inside the border, if there is any. Return its place."""
    inside = board.shape[0] - 2
    first = rng_below(rng, inside * inside)
    for k in range(inside * inside):
        at = (first + k) % (inside * inside)
        r, c = 1 + at // inside, 1 + at % inside
        if board[r, c] == code:
            board[r, c] += add
            return r, c
    return 0, 0


@jit
def _pull(rng, board, r, c, steps):
    """Walk backwards from r, c. Where a box is behind the player, it is pulled along three times in four.

    After `steps`, the walk ends as soon as no box is on a target, or after four times as many.
    """
    home = 0
    for row in board:
        for code in row:
            home += code == HOME
    for step in range(4 * steps):
        if step >= steps and home == 0:
            break
        k = int(rng_below(rng, 4))
        down, right = (k == 0) - (k == 1), (k == 2) - (k == 3)
        y, x = r + down, c + right
        if not FLOOR <= board[y, x] <= TARGET:
            continue
        board[r, c] -= _PLAYER
        if BOX <= board[r - down, c - right] <= HOME and rng_below(rng, 4) > 0:
            home += np.int64(board[r, c] == TARGET) - np.int64(board[r - down, c - right] == HOME)
            board[r - down, c - right] -= _BOX
            board[r, c] += _BOX
        board[y, x] += _PLAYER
        r, c = y, x


@jit
def _draw(keys, boxes, walls, steps, question):
    """Draw one room per key, after so many steps back from its solved board."""
    rng = np.empty(4, np.uint64)
    size = question.shape[1]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        question[i] = WALL
        question[i, 1 : size - 1, 1 : size - 1] = FLOOR
        for _ in range(walls):
            r, c = 1 + rng_below(rng, size - 2), 1 + rng_below(rng, size - 2)
            question[i, r, c] = WALL
        for _ in range(boxes):
            _place(rng, question[i], FLOOR, HOME - FLOOR)
        r, c = _place(rng, question[i], FLOOR, _PLAYER)
        _pull(rng, question[i], r, c, steps)


@final
class Sokoban(PlanTask[Params]):
    """Push all boxes onto targets."""

    family = "sokoban"
    summary = "Make the first steps of a shortest way to push all boxes onto targets."
    reasoning = Reasoning.PLANNING
    look = Look("sokoban", cell=16)
    codes = 7
    legend = ("wall", "floor", "target", "box", "box on a target", "player", "player on a target")
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        steps = plural(params.moves, "step")
        after = f"after the first {steps}" if params.moves else "at the end, when every box is on a target"
        rule = (
            "In a step, the player goes one cell up, down, left or right. A box there is pushed one cell "
            "further, which needs floor or a target behind it. The player cannot pull boxes, push two at "
            "once, or enter walls"
        )
        return (
            f"The player has to push every box onto a target. {rule}. Find a solution with the fewest steps, "
            f"and show the grid {after}. If several solutions are shortest, any of them is right.",
            f"This is Sokoban. {rule}. Show the grid {after}, for a solution that brings all boxes to "
            "targets in as few steps of the player as possible. Any such solution is right.",
            f"Bring all boxes to targets with the fewest steps of the player. {rule}. What does the grid "
            f"look like {after}? Any shortest solution may be shown.",
        )

    def draw(self, params: Params, keys: Keys) -> Grids:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        _draw(keys, params.boxes, params.walls, 40 * (1 + params.boxes), question)
        return question

    def accepts(self, params: Params, plans: Plans) -> npt.NDArray[np.bool_]:
        return (params.least <= plans.distance) & (plans.distance <= params.most)

    def expand(self, params: Params, states: Grids) -> tuple[Numbers, Grids]:
        before = np.empty(4 * len(states), np.int64)
        after = np.empty((4 * len(states), *states.shape[1:]), np.uint8)
        count = int(_steps(states, before, after))
        return before[:count], after[:count]

    def is_goal(self, params: Params, states: Grids) -> npt.NDArray[np.bool_]:
        solved = np.empty(len(states), np.bool_)
        _solved(states, solved)
        return solved


TASK = Sokoban()
