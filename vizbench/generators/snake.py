"""Generate games of snake with all moves given: show the board when they are made.

The top row holds the moves. A step makes the first one and erases it. The head moves to the next cell. If
food was there, the snake grows, else its last cell becomes empty. Body cells point to the next cell toward
the head, so that a grid is the whole state. No move of a question meets a wall or the snake. A row of wall is
below the moves. Codes: 0 empty, 1 wall, 2 food, 3 head, 4 … 7 a body cell or move up, right, down, left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Grids, Keys, Look

EMPTY, WALL, FOOD, HEAD, UP = 0, 1, 2, 3, 4

TOP: Final = 2
"""Rows above the board: the moves and the wall."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of snake."""

    size: int = 7
    """Rows and columns of the board, 4 … 32."""
    moves: int = 5
    """Moves, 1 … size."""
    length: int = 4
    """Cells of the snake at the start, 2 … 16, at most a third of the board."""
    food: int = 3
    """Pieces of food that are not on the snake's way, 0 … 16, fewer on small boards."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 32), moves=(1, 32), length=(2, 16), food=(0, 16))
        if self.moves > self.size:
            raise UserError(f"moves={self.moves} do not fit above {self.size} columns: give moves <= size")
        if 3 * self.length > self.size**2:
            raise UserError(f"length={self.length} is over a third of the board: give a shorter snake")


VARIANTS = {"5": Params(), "9": Params(size=9, moves=9, length=6)}

LEVELS = (
    Params(size=5, moves=1, length=3),
    Params(size=5, moves=2, length=3),
    Params(size=6, moves=3, length=3),
    Params(size=6, moves=4),
    Params(size=7, moves=5),
    Params(size=7, moves=6),
    Params(size=8, moves=8, length=5),
    Params(size=10, moves=10, length=6),
    Params(size=12, moves=12, length=8),
    Params(size=16, moves=16, length=10),
)


@jit
def _ahead(grid, r, c, move):
    """Return the cell that a move 0 … 3 leads to, or -1 and -1 if it is not on the board."""
    y, x = r + (move == 2) - (move == 0), c + (move == 1) - (move == 3)
    return (y, x) if TOP <= y < grid.shape[0] and 0 <= x < grid.shape[1] else (-1, -1)


@jit
def _tail(grid, r, c):
    """Return the last cell of the snake whose head is at a cell, the head itself if it has no body."""
    for _ in range(grid.size):
        before = -1
        for move in range(4):
            y, x = _ahead(grid, r, c, (move + 2) % 4)
            if y >= 0 and grid[y, x] == UP + move:
                before = move
        if before < 0:
            break
        r, c = _ahead(grid, r, c, (before + 2) % 4)
    return r, c


@jit
def _go(grid, r, c, move):
    """Move the head from a cell, in place. Return its new cell, or -1 and -1 if the way is blocked."""
    y, x = _ahead(grid, r, c, move)
    if y < 0 or (grid[y, x] != EMPTY and grid[y, x] != FOOD):
        return -1, -1
    if grid[y, x] == EMPTY:
        last, side = _tail(grid, r, c)
        grid[r, c] = UP + move
        grid[last, side] = EMPTY
    grid[r, c] = UP + move if grid[y, x] == FOOD or grid[r, c] != EMPTY else EMPTY
    grid[y, x] = HEAD
    return y, x


@jit
def _find(grid):
    """Return the place of the only head, or -1 and -1 if there is not one."""
    row, column, heads = -1, -1, 0
    for r in range(TOP, grid.shape[0]):
        for c in range(grid.shape[1]):
            if grid[r, c] == HEAD:
                row, column, heads = r, c, heads + 1
    return (row, column) if heads == 1 else (-1, -1)


@jit
def _step(states):
    """Make the first move of each state in place. States without a possible move stay."""
    for i in range(states.shape[0]):
        grid = states[i]
        r, c = _find(grid)
        for k in range(grid.shape[1]):
            if r >= 0 and grid[0, k] >= UP:
                if _go(grid, r, c, grid[0, k] - UP)[0] >= 0:
                    grid[0, k] = EMPTY
                break


@jit
def _free_move(rng, grid, r, c):
    """Return a random move from a cell to an empty one, or -1 if there is none."""
    first = rng_below(rng, 4)
    for turn in range(4):
        move = (first + turn) % 4
        y, x = _ahead(grid, r, c, move)
        if y >= 0 and grid[y, x] == EMPTY:
            return move
    return -1


@jit
def _walk(rng, question, grid, seen, r, c, start):
    """Make random moves on `grid`, and put some food in their way on both grids. Return how many.

    seen: the cells that have held the snake, `(h, w)` bool. start: the number of the first move.
    """
    for made in range(start, question.shape[1]):
        if question[0, made] == EMPTY:
            return made
        move = _free_move(rng, grid, r, c)
        if move < 0:
            return made
        y, x = _ahead(grid, r, c, move)
        if not seen[y, x] and rng_below(rng, 4) == 0:
            question[y, x], grid[y, x] = FOOD, FOOD
        r, c = _go(grid, r, c, move)
        seen[r, c] = True
        question[0, made] = UP + move
    return question.shape[1]


@jit
def _draw(keys, moves, length, food, grids):
    """Draw a snake, its moves and food for each key. grids: `(n, size + TOP, size)` zeros."""
    rng = np.empty(4, np.uint64)
    h, w = grids.shape[1:]
    grid, seen = np.empty((h, w), np.uint8), np.empty((h, w), np.bool_)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        question, made = grids[i], 0
        while made < moves:
            question[:] = EMPTY
            question[1] = WALL
            question[0, :moves] = UP
            r, c = TOP + rng_below(rng, h - TOP), rng_below(rng, w)
            question[r, c] = HEAD
            for _ in range(4 * length):
                y, x = _ahead(question, r, c, rng_below(rng, 4))
                if y >= 0 and question[y, x] == EMPTY and np.sum(question[TOP:] > FOOD) < length:
                    question[r, c] = UP + ((x > c) + 2 * (y > r) + 3 * (x < c))
                    question[y, x] = HEAD
                    r, c = y, x
            grid[:] = question
            seen[:] = question > FOOD
            made = _walk(rng, question, grid, seen, r, c, 0)
        for _ in range(food):
            r, c = TOP + rng_below(rng, h - TOP), rng_below(rng, w)
            if question[r, c] == EMPTY and not seen[r, c]:
                question[r, c] = FOOD


@final
class Snake(SimulationTask[Params]):
    """Play the given moves of snake."""

    family = "snake"
    summary = "Play all given moves of a game of snake."
    reasoning = Reasoning.MEMORY_OVER_TIME
    look = Look("snake", cell=16, margin=8)
    codes = 8
    legend = (
        "empty cell",
        "wall",
        "food",
        "head",
        *(f"arrow {way}" for way in ("up", "right", "down", "left")),
    )
    fixed = (WALL,)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "The arrows of the top row are the moves of the head, from left to right. On the board below the "
            "wall, the snake is its head and a chain of arrows, each pointing to the next cell toward the "
            "head. With a move the head goes to the next cell, its old cell becomes an arrow to the new one, "
            "and the last cell of the snake becomes empty; if the head enters food, the snake keeps its last "
            "cell and the food is gone. Each move is erased when it is made."
        )
        return (
            f"Play this game of snake. {rule} Show the grid after all moves.",
            f"Where is the snake after all its moves? {rule}",
            f"Make every move of the top row. {rule} What does the grid look like at the end?",
        )

    def rule(self, params: Params) -> str:
        return "the moves"

    def draw(self, params: Params, keys: Keys) -> Grids:
        grids = np.zeros((len(keys), params.size + TOP, params.size), np.uint8)
        _draw(keys, params.moves, params.length, params.food, grids)
        return grids

    def effort(
        self, params: Params, question: Grids, states: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the moves times the cells of the board."""
        return np.full(len(question), float(params.moves * params.size**2))

    def advance_batch(self, params: Params, states: Grids) -> Grids:
        after = states.copy()
        _step(after)
        return after


TASK = Snake()
