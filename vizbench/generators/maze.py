"""Mazes: mark the way from the start to the goal. Wilson's algorithm (Wilson 1996), canvas and sizes of the paper.

Rooms lie on the odd coordinates of a square board, walls between them. The open walls form a spanning tree of the
rooms, each tree equally likely, so exactly one way joins two rooms. Codes: 0 wall, 1 open, 2 start (top left room),
3 goal (bottom right room), 4 path. The target marks the cells strictly between start and goal; these two keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.compiler import jit
from vizbench.errors import UserError
from vizbench.generators.kernels.flood import flood
from vizbench.generators.kernels.rng import rng_next, rng_seed
from vizbench.task import Metric, Task
from vizbench.types import Batch, Grid, Grids, Keys, Look, Ruling

WALL, OPEN, START, GOAL, PATH = 0, 1, 2, 3, 4

_FREE, _TREE, _OUTSIDE = 0, 1, 2  # what Wilson's walk meets
_APART_BY_PATH = 17  # the least size of which 2% of the candidates keep their path away from 5000 others
_DOWN_UP_RIGHT_LEFT = ((1, 0), (-1, 0), (0, 1), (0, -1))


@final
@dataclass(frozen=True)
class Params:
    """size: cells a side, odd, 5 … 201; (size - 1) / 2 rooms a side."""

    size: int = 21

    def __post_init__(self) -> None:
        if not 5 <= self.size <= 201 or self.size % 2 == 0:
            raise UserError(f"size={self.size} is not an odd number in 5 … 201: rooms lie on odd coordinates, try 21")


VARIANTS = {"base": Params(), "small": Params(size=13), "9": Params(size=9)}


@jit
def _grow_tree(rng, rooms, step, state, heading):
    """A uniform spanning tree: `heading` of each room points along the tree towards the goal, its root.

    step (4,) int64: moves on the padded board of rooms+2 a side; state, heading: `((rooms+2)^2,)` uint8.
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
        while state[room] == _FREE:  # the walk; a later heading overwrites an earlier one, which erases loops
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
    """Draw the tree: `question` (size, size) gets its walls, rooms, start and goal."""
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
    """One maze a key. question, target: `(n, size, size)` uint8."""
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


def _moves(walkable: npt.NDArray[np.bool_], question: Grid) -> tuple[npt.NDArray[np.int32], int]:
    """Distances `(h, w)` from the start over walkable cells, start and goal, and the goal's; -1 where not reached."""
    start, goal = question == START, question == GOAL
    distance: npt.NDArray[np.int32] = flood(np.ascontiguousarray(walkable | start | goal), np.ascontiguousarray(start))
    return distance, int(distance[goal][:1].max(initial=-1))  # stored questions may hold no goal, or several


def _way(walkable: npt.NDArray[np.bool_], question: Grid) -> list[tuple[int, int]]:
    """A shortest way over walkable cells, in order, without start and goal; empty where there is none."""
    distance, left = _moves(walkable, question)
    cells: list[tuple[int, int]] = []
    here = np.argwhere(question == GOAL)[:1]
    while left > 1:
        left -= 1
        near = here + np.array(_DOWN_UP_RIGHT_LEFT)
        near = near[((near >= 0) & (near < question.shape)).all(axis=1)]
        here = near[distance[near[:, 0], near[:, 1]] == left][:1]
        cells.append((int(here[0, 0]), int(here[0, 1])))
    return cells[::-1]


@final
class Maze(Task[Params]):
    """Mark the only way through a maze."""

    family = "maze"
    version = 1
    summary = "Mark the way from the start to the goal of a maze."
    look = Look("maze", cell=16)
    codes = 5
    metric = Metric.JACCARD
    min_distance = 0.5  # the paper's, between paths; 16% of 21x21 candidates keep it to a pool of 5000, 29% of 9x9

    @property
    def variants(self) -> Mapping[str, Params]:
        return VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        target = np.empty_like(question)
        _make(keys, (params.size - 1) // 2, question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """The path, one cell more a step, from the start on."""
        rows, columns = np.array(_way(target == PATH, question)).T
        states = np.repeat(question[None], len(rows), axis=0)
        for k in range(len(rows)):
            states[k:, rows[k], columns[k]] = PATH
        return states

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """The path's cells from 17 cells a side on: two mazes are alike when their paths are, whatever the walls.

        Smaller boards have too few paths to keep them apart (9x9 has 184 in all; no candidate of 13x13 passes a pool of
        5000). There it is the pieces: which of its 16 forms the square of passages between each 2x2 rooms has.
        """
        if params.size >= _APART_BY_PATH:
            return (batch.target == PATH).reshape(len(batch), -1).astype(np.uint8)
        carved = (batch.question != WALL).astype(np.uint8)
        across, down = carved[:, 1::2, 2:-1:2], carved[:, 2:-1:2, 1::2]
        form = across[:, :-1] + 2 * across[:, 1:] + 4 * down[:, :, :-1] + 8 * down[:, :, 1:]
        return (form[..., None] == np.arange(16)).reshape(len(batch), -1).astype(np.uint8)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """score: bits / (bits + 16); bits: what a walker who never turns back must be told to choose right each time.

        path: cells between start and goal; turns: bends on the way; forks: cells on the way with a side way; dead_ends.
        """
        walkable = np.pad(question != WALL, 1)
        exits = walkable[:-2, 1:-1].astype(int) + walkable[2:, 1:-1] + walkable[1:-1, :-2] + walkable[1:-1, 2:]
        way = np.array([(1, 1), *_way(target == PATH, question), (params.size - 2, params.size - 2)])
        bends = np.abs(np.diff(way, n=2, axis=0)).sum(axis=1) > 0
        choices = exits[way[:-1, 0], way[:-1, 1]] - 1
        choices[0] += 1  # at the start no way leads back
        bits = sum(log2(n) for n in choices)
        return {
            "score": bits / (bits + 16),
            "bits": bits,
            "path": float(len(way) - 2),
            "turns": float(bends.sum()),
            "forks": float((choices > 1).sum()),
            "dead_ends": float(((exits == 1) & (question == OPEN)).sum()),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> Ruling:
        """Every other cell kept, and the marked cells are one unbranched way from start to goal.

        parts: psr is 1 when marked open cells join start and goal, strays or not; rpl, for valid answers only, is the
        way's length over the shortest (1 in a maze without loops).
        """
        path = (answer == PATH) & (question == OPEN)
        _, moves = _moves(path, question)
        psr = float(moves >= 0)
        spoiled = np.argwhere((answer != question) & ~path)
        if len(spoiled):
            names = {WALL: "wall", OPEN: "open cell", START: "start", GOAL: "goal"}
            r, c = (int(v) for v in spoiled[0])
            name = names.get(int(question[r, c]), "cell")
            return Ruling(False, f"the {name} at row {r}, column {c} was changed", {"psr": psr})
        if not psr:
            return Ruling(False, "the marked cells do not join start and goal", {"psr": psr})
        # A shortest way over the marked cells that needs all of them has no branch, no loop and no stray cell.
        stray = int(path.sum()) + 1 - moves
        if stray:
            return Ruling(False, f"{stray} marked cells lie off the way from start to goal", {"psr": psr})
        _, shortest = _moves(question == OPEN, question)
        return Ruling(True, "", {"psr": psr, "rpl": moves / shortest})

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """A shortest way; None where the goal cannot be reached."""
        if _moves(question == OPEN, question)[1] < 0:
            return None
        answer = question.copy()
        for r, c in _way(question == OPEN, question):
            answer[r, c] = PATH
        return answer


TASK = Maze()
