"""Generate mazes by Wilson's algorithm (Wilson 1996): mark the path from the start to the goal.

Rooms are on the odd coordinates of a square board, with walls between them. The open walls form a spanning
tree of the rooms, each tree equally likely, so exactly one path joins two rooms. Codes: 0 wall, 1 open, 2
start (top left room), 3 goal (bottom right room), 4 path. The target marks the cells strictly between start
and goal. Sizes and canvas are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log2
from typing import Any, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.paths import (
    GOAL,
    LEGEND,
    OPEN,
    PATH,
    PATH_PARTS,
    START,
    WALL,
    check_path,
    check_paths,
    growth_fault,
    guessed_path,
    marked_shortest_path,
    path_moments,
    path_parts,
)
from vizbench.kernels.rng import rng_next, rng_seed
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import DistributionShift, Metric, Reasoning, Space
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_FREE, _TREE, _OUTSIDE = 0, 1, 2  # states of a room in Wilson's walk
_COUNTED = 101  # cells per side; counting the spanning trees of larger mazes takes over a second
_APART_BY_PATH = (
    17  # cells per side; from this size on, 2% of the candidates are at a distance from 5000 other paths
)


def _check_size(name: str, size: int) -> None:
    if not 5 <= size <= 201 or size % 2 == 0:
        raise UserError(
            f"{name}={size} is not an odd number in 5 … 201: rooms are on odd coordinates, try 21"
        )


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a maze."""

    size: int = 21
    """Cells per side, odd, 5 … 201: (size - 1) / 2 rooms per side."""

    def __post_init__(self) -> None:
        _check_size("size", self.size)


@final
@dataclass(frozen=True)
class Framed(DistributionShift):
    """Put mazes in the middle of a larger board: small ones to learn from, larger ones as test questions.

    All fill the same canvas with cells of one size. All sizes are odd and in 5 … 201, and no maze is larger
    than the board.
    """

    size: int = 21
    """Cells per side of the mazes in test rows."""
    train: int = 13
    """Cells per side of the mazes in train rows."""
    board: int = 21
    """Cells per side of the board; its other cells are wall."""

    def __post_init__(self) -> None:
        for name, size in (("board", self.board), ("size", self.size), ("train", self.train)):
            _check_size(name, size)
            if size > self.board:
                raise UserError(
                    f"{name}={size} does not fit board={self.board}: give {name}={self.board} or less"
                )

    def for_train(self) -> Framed:
        return replace(self, size=self.train)


VARIANTS: Mapping[str, Params | Framed] = {
    "base": Params(),
    "small": Params(size=13),
    "generalization": Framed(),
    **{str(size): Params(size=size) for size in (9, 11, 15, 17, 25, 31, 41)},
}


# Below 9, a test row that keeps its distance from the train rows does not exist.
LEVELS = tuple(Params(size) for size in (9, 11, 13, 15, 17, 21, 25, 29, 35, 41))


@jit
def _grow_tree(rng, rooms, step, state, heading):
    """Grow a uniform spanning tree: `heading` of each room points along the tree to the goal, its root.

    step (4,) int64: moves on the padded board of rooms+2 per side. state, heading: `((rooms+2)^2,)` uint8.
    """
    wide = rooms + 2
    state[:] = _OUTSIDE
    for r in range(1, rooms + 1):
        state[r * wide + 1 : r * wide + 1 + rooms] = _FREE
    state[rooms * wide + rooms] = _TREE
    bits = np.uint64(0)
    left = 0
    for first in range(wide + 1, rooms * wide + rooms):
        room = first
        while state[room] == _FREE:  # Walk. A later heading overwrites an earlier one, which erases loops.
            if left == 0:
                bits = rng_next(rng)
                left = 32
            turn = np.int64(bits & np.uint64(3))
            bits = bits >> np.uint64(2)
            left -= 1
            if state[room + step[turn]] != _OUTSIDE:
                heading[room] = turn
                room += step[turn]
        room = first
        while state[room] == _FREE:
            state[room] = _TREE
            room += step[heading[room]]


@jit
def _carve(rooms, heading, question):
    """Write the walls, rooms, start and goal of a tree to `question` (size, size)."""
    question[:] = WALL
    for r in range(rooms):
        for c in range(rooms):
            y, x = 2 * r + 1, 2 * c + 1
            question[y, x] = OPEN
            if r + 1 < rooms or c + 1 < rooms:
                turn = heading[(r + 1) * (rooms + 2) + c + 1]
                question[y + (turn == 0) - (turn == 1), x + (turn == 2) - (turn == 3)] = OPEN
    question[1, 1] = START
    question[2 * rooms - 1, 2 * rooms - 1] = GOAL


@jit
def _mark(rooms, heading, target):
    """Follow the headings from start to goal and mark the cells between."""
    y, x = 1, 1
    while target[y, x] != GOAL:
        turn = heading[(y + 1) // 2 * (rooms + 2) + (x + 1) // 2]
        dy = np.int64(turn == 0) - np.int64(turn == 1)
        dx = np.int64(turn == 2) - np.int64(turn == 3)
        for _ in range(2):
            if target[y, x] == OPEN:
                target[y, x] = PATH
            y += dy
            x += dx


@jit
def _make(keys, rooms, question, target):
    """Make one maze per key. question, target: `(n, size, size)` uint8."""
    rng = np.empty(4, np.uint64)
    wide = rooms + 2
    step = np.array([wide, -wide, 1, -1], np.int64)
    state = np.empty(wide * wide, np.uint8)
    heading = np.empty(wide * wide, np.uint8)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        _grow_tree(rng, rooms, step, state, heading)
        _carve(rooms, heading, question[i])
        target[i] = question[i]
        _mark(rooms, heading, target[i])


def _frame(mazes: Grids, board: int) -> Grids:
    """Return mazes in the middle of boards of wall, `(n, board, board)`. Rooms stay on odd coordinates."""
    size = mazes.shape[1]
    first = (board - size) // 4 * 2
    framed = np.full((len(mazes), board, board), WALL, np.uint8)
    framed[:, first : first + size, first : first + size] = mazes
    return framed


def _passages(chosen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return how many neighbours in the row, and in the column, are chosen, per cell of `(n, h, w)`."""
    board = np.pad(chosen, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    return board[:, 1:-1, :-2] + board[:, 1:-1, 2:], board[:, :-2, 1:-1] + board[:, 2:, 1:-1]


def _counted(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return how many cells of each grid are chosen, `(n,)`."""
    return chosen.sum(axis=(1, 2)).astype(np.float64)


def _spanning_trees(rooms: int) -> int:
    """Return how many spanning trees a square of `rooms` x `rooms` has, exactly.

    By Kirchhoff's theorem, it is the product of a + b over all pairs of eigenvalues of the path matrix with 2
    on its diagonal and -1 beside it, of order `rooms` - 1. These are the roots of U(1 - x/2), U the Chebyshev
    polynomial of the second kind of this degree. So the product is the determinant of U(1 + path/2).
    """
    order = rooms - 1
    unit = np.eye(order, dtype=int).astype(object)  # Python's integers, because 21x21 has 10^42 trees
    double = 4 * unit - np.eye(order, k=1, dtype=int) - np.eye(order, k=-1, dtype=int)
    before, value = unit, double
    for _ in range(order - 1):
        before, value = value, double @ value - before
    return _determinant(value)


def _determinant(matrix: npt.NDArray[Any]) -> int:
    """Return the determinant of a positive definite matrix of Python's integers `(n, n)`.

    Without fractions (Bareiss 1968).
    """
    rows, pivot = matrix.copy(), 1
    for k in range(len(rows) - 1):
        rest = rows[k + 1 :, k + 1 :] * rows[k, k] - np.outer(rows[k + 1 :, k], rows[k, k + 1 :])
        rows[k + 1 :, k + 1 :] = rest // pivot
        pivot = rows[k, k]
    return int(rows[-1, -1])


@final
class Maze(AnswerTask[Params | Framed]):
    """Mark the only path through a maze."""

    family = "maze"
    version = 4
    summary = "Mark the path from the start to the goal of a maze."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("maze", cell=16)
    codes = 5
    legend = LEGEND
    parts = PATH_PARTS
    step_text = "a step marks one"
    metric = Metric.JACCARD
    # The paper's, between paths. With a pool of 5000, 16% of the 21x21 candidates and 29% of the 9x9 ones
    # pass.
    min_distance = 0.5
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params | Framed) -> tuple[str, str, str]:
        moves = "Moves go up, down, left or right to the next cell, never diagonally and never into a wall."
        return (
            "The grid is a maze. Turn every open cell on the way from the start to the goal into a path "
            f"cell. {moves} Mark no dead ends, and leave all other cells as they are.",
            f"Find the way through the maze from the start to the goal. {moves} Mark each open cell on it as "
            "a path cell and keep every other cell.",
            f"Connect the start and the goal of this maze by path cells. {moves} Only open cells on the one "
            "way between them become path cells, and all other cells stay unchanged.",
        )

    def generate_batch(self, params: Params | Framed, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        target = np.empty_like(question)
        _make(keys, (params.size - 1) // 2, question, target)
        if isinstance(params, Framed):
            return Batch(_frame(question, params.board), _frame(target, params.board))
        return Batch(question, target)

    def moments(self, params: Params | Framed, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the place of each cell on the path, beginning at the start."""
        return path_moments(question, target)

    def cell_fault(
        self,
        params: Params | Framed,
        question: Grid,
        before: Grid,
        after: Grid,
        cell: tuple[int, int],
    ) -> str:
        """Return why the path must not grow by this cell. A wrong turn is legal."""
        return growth_fault(question, before, after, cell)

    def space(self, params: Params | Framed) -> Space | None:
        """Count all spanning trees of the rooms. Very large mazes are not counted: it takes over a second."""
        return Space(_spanning_trees((params.size - 1) // 2)) if params.size <= _COUNTED else None

    def identity(self, params: Params | Framed, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the question's cells, without the frame: a framed maze is the same maze."""
        if not len(batch):
            return super().identity(params, batch)
        open_rows = np.flatnonzero((batch.question[0] != WALL).any(axis=1))
        inside = slice(max(int(open_rows[0]) - 1, 0), int(open_rows[-1]) + 2)
        return batch.question[:, inside, inside].reshape(len(batch), -1)

    def features(self, params: Params | Framed, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the path's cells, or for mazes of under 17 cells per side the forms of their pieces.

        Large mazes are alike if their paths are. Small boards have too few different paths: 9x9 has 184 in
        all, and no candidate of 13x13 passes a pool of 5000. A piece is 2x2 rooms with the passages between
        them, of 16 forms.
        """
        if batch.target.shape[1] >= _APART_BY_PATH:
            return (batch.target == PATH).reshape(len(batch), -1).astype(np.uint8)
        carved = (batch.question != WALL).astype(np.uint8)
        across, down = carved[:, 1::2, 2:-1:2], carved[:, 2:-1:2, 1::2]
        form = across[:, :-1] + 2 * across[:, 1:] + 4 * down[:, :, :-1] + 8 * down[:, :, 1:]
        return (form[..., None] == np.arange(16)).reshape(len(batch), -1).astype(np.uint8)

    def difficulty_batch(
        self, params: Params | Framed, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, bits / (bits + 16), and what it is made of.

        - effort: cells that are not wall.
        - bits: the information that a walker who never turns back needs to choose right each time.
        - path: cells between start and goal.
        - turns: bends on the path.
        - forks: cells on the path with a branch.
        - dead_ends: cells with one exit.
        """
        marked, start = path_moments(question, target) >= 0, question == START
        across, down = _passages(question != WALL)
        exits = across + down
        across, down = _passages(marked | start | (question == GOAL))
        # At the start, no exit leads back.
        choices = np.where(marked, exits, 1) - 1 + np.where(start, exits, 0)
        figures = {
            "path": marked,
            "turns": marked & (across < 2) & (down < 2),
            "forks": choices > 1,
            "dead_ends": (exits == 1) & (question == OPEN),
        }
        counts = {name: _counted(cells) for name, cells in figures.items()}
        bits = _counted(choices == 2) + _counted(choices == 3) * log2(3) + _counted(choices == 4) * 2
        return {
            "score": bits / (bits + 16),
            "effort": _counted(question != WALL),
            "bits": bits,
            **counts,
        }

    def check_batch(self, params: Params | Framed, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        return check_paths(question, answer, True)

    def parts_batch(
        self, params: Params | Framed, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how much of a shortest path is marked, and how few other cells are changed."""
        return path_parts(question, answer)

    def check(self, params: Params | Framed, question: Grid, answer: Grid) -> CheckResult:
        """Check that the marked cells are one unbranched path from start to goal, and other cells unchanged.

        - psr, in `figures`: 1 if marked open cells join start and goal, with or without stray cells.
        - rpl, only for valid answers: the path's length divided by the shortest one's, 1 without loops.
        """
        return check_path(question, answer)

    def solve(self, params: Params | Framed, question: Grid) -> Grid | None:
        """Return a shortest path, or None if the goal cannot be reached."""
        return marked_shortest_path(question)

    def guess(self, params: Params | Framed, question: Grid, key: int) -> Grid | None:
        """Return a random walk that never meets itself, or None unless there is one start and one goal."""
        return guessed_path(question, key)


TASK = Maze()
