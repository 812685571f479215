"""Generate boards with obstacles: mark a shortest path around them. Settings are the paper's.

A square board has a border of wall. Inside are single cells of wall, then barriers (whole rows or columns
with holes), then blocks (rectangles). The Manhattan distance of start and goal is at least `apart`. All such
pairs are equally likely. Pair and board are drawn again until the board joins the pair. Codes as in mazes: 0
wall, 1 open, 2 start, 3 goal, 4 path. Most questions have many shortest paths, all of them right. The target
is one, each equally likely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.cells import neighbours
from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.paths import (
    GOAL,
    OPEN,
    PATH,
    START,
    WALL,
    check_path,
    growth_fault,
    guessed_path,
    marked_shortest_path,
    path_distances,
    shortest_path,
)
from vizbench.kernels.rng import rng_below, rng_chance, rng_seed
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import Metric
from vizbench.types import Batch, CheckResult, Grid, Keys, Look

_TRIES = (
    4096  # draws before the parameters count as impossible; the named variants need 2, 7 and 2 on average
)
_LIMITS = {
    "size": (7, 65),
    "density": (0.0, 0.4),
    "barriers": (0, 65),
    "holes_min": (0, 65),
    "holes_max": (0, 65),
    "blocks_min": (0, 65),
    "blocks_max": (0, 65),
    "block_min": (1, 5),
    "block_max": (1, 5),
    "apart": (2, 124),
}


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a board with obstacles."""

    size: int = 15
    """Cells per side, border included, 7 … 65."""
    density: float = 0.05
    """Single cells of wall as a share of all cells, 0 … 0.4."""
    barriers: int = 3
    """Rows and columns of wall, 0 … 65."""
    holes_min: int = 8
    """The least holes per barrier, 0 … 65."""
    holes_max: int = 14
    """The most holes per barrier, 0 … 65. All cells of a barrier can be holes."""
    blocks_min: int = 3
    """The least blocks, 0 … 65."""
    blocks_max: int = 8
    """The most blocks, 0 … 65."""
    block_min: int = 2
    """The least cells per side of a block, 1 … 5."""
    block_max: int = 3
    """The most cells per side of a block, 1 … 5."""
    apart: int = 15
    """The least Manhattan distance from start to goal, 2 … 2 (size - 3)."""

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value: float = getattr(self, name)
            if not low <= value <= high:
                raise UserError(
                    f"{name}={value} is outside {low} … {high}: the paper's is {getattr(Params, name)}"
                )
        for name in ("holes", "blocks", "block"):
            least, most = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if least > most:
                raise UserError(f"{name}_min={least} is above {name}_max={most}: give {most} or less")
        if self.apart > 2 * (self.size - 3):
            raise UserError(
                f"apart={self.apart} is too large for size={self.size}: give {2 * (self.size - 3)} or less"
            )


VARIANTS = {
    "shortest-path": Params(),
    # Only walls with a few gaps: a quarter of the paths are longer by a fifth or more than over open ground.
    "barriers": Params(
        21, density=0.0, barriers=8, holes_min=3, holes_max=5, blocks_min=0, blocks_max=0, apart=21
    ),
    # Few obstacles give thousands of shortest paths, so nearly all right answers differ from the target.
    "open": Params(barriers=0, blocks_min=0, blocks_max=0),
}


@jit
def _between(rng, bounds):
    return bounds[0] + rng_below(rng, bounds[1] - bounds[0] + 1)


@jit
def _ends(rng, size, shifts, upto):
    """Draw start and goal, flat: a shift from `shifts` (k, 2), then one of the places at which it fits.

    The chance of a shift is proportional to the places at which it fits. upto (k,) int64: how many pairs of
    cells have this shift or one before it.
    """
    inner = size - 2
    pick = rng_below(rng, upto[-1])
    at = np.searchsorted(upto, pick, side="right")
    if at > 0:
        pick -= upto[at - 1]
    down, right = shifts[at, 0], shifts[at, 1]
    columns = inner - abs(right)
    row = 1 + max(0, -down) + pick // columns
    column = 1 + max(0, -right) + pick % columns
    return row * size + column, (row + down) * size + column + right


@jit
def _scatter(rng, size, count, board):
    """Put wall on `count` different cells inside the border, each set equally likely."""
    inner = size - 2
    while count > 0:
        cell = rng_below(rng, inner * inner)
        at = (1 + cell // inner) * size + 1 + cell % inner
        if board[at] == OPEN:
            board[at] = WALL
            count -= 1


@jit
def _bar(rng, size, holes, board):
    """Put wall along a row or a column, except for holes. All sets of holes are equally likely.

    Cells in a hole are unchanged.
    """
    inner = size - 2
    line = 1 + rng_below(rng, inner)
    upright = rng_below(rng, 2) == 1
    at, stride = (size + line, size) if upright else (line * size + 1, 1)
    for left in range(inner, 0, -1):
        if holes > 0 and rng_below(rng, left) < holes:
            holes -= 1
        else:
            board[at] = WALL
        at += stride


@jit
def _block(rng, size, sides, board):
    """Put wall on a rectangle inside the border."""
    height, width = _between(rng, sides), _between(rng, sides)
    top = 1 + rng_below(rng, size - 1 - height)
    left = 1 + rng_below(rng, size - 1 - width)
    for r in range(top, top + height):
        board[r * size + left : r * size + left + width] = WALL


@jit
def _build(rng, size, obstacles, board):
    """Draw the obstacles: `board` (size^2,) becomes wall and open cells.

    Stopping at the first obstacle on start or goal was tried: it is 13% faster for `barriers`, and 5% slower
    by default.
    """
    single, barriers, holes, blocks, sides = obstacles
    board[:] = WALL
    for r in range(1, size - 1):
        board[r * size + 1 : r * size + size - 1] = OPEN
    _scatter(rng, size, single, board)
    for _ in range(barriers):
        _bar(rng, size, _between(rng, holes), board)
    for _ in range(_between(rng, blocks)):
        _block(rng, size, sides, board)


@jit
def _spread(board, step, weight, start, goal, left, share, queue):
    """Search breadth first from the goal until the start is reached. Return whether it is.

    board (m,) uint8: with a border of wall. step (4,): moves on it. left (m,) int32: moves to the goal, -1 if
    not reached. share (m,) float64: the sum over all shortest paths to the goal of the product of their
    cells' weights, without the goal's. With weights of 1 it is the number of paths, exact below 2^53.
    """
    left[:] = -1
    left[goal] = 0
    share[goal] = 1.0
    queue[0] = goal
    head, tail = 0, 1
    while head < tail:
        cell = queue[head]
        head += 1
        if cell == start:
            return True
        for k in range(4):
            near = cell + step[k]
            if board[near] != WALL:
                # A new cell, or another shortest path to a known one.
                if left[near] < 0:
                    left[near] = left[cell] + 1
                    share[near] = 0.0
                    queue[tail] = near
                    tail += 1
                if left[near] == left[cell] + 1:
                    share[near] += weight[near] * share[cell]
    return False


@jit
def _walk(rng, step, start, left, share, board):
    """Mark one of the shortest paths that `_spread` counted, all equally likely.

    The chance of a move is proportional to the number of shortest paths after it.
    """
    cell = start
    for ahead in range(left[start] - 1, 0, -1):
        rest = share[cell]
        chosen = cell
        for k in range(4):
            near = cell + step[k]
            if left[near] == ahead:
                chosen = near
                if share[near] >= rest or rng_chance(rng, share[near] / rest):
                    break
                rest -= share[near]
        cell = chosen
        board[cell] = PATH


@jit
def _draw(rng, size, shifts, upto, obstacles, step, board, left, share, queue):
    """Draw pairs and boards until a board joins its pair. Return start and goal; -1, -1 if none does.

    `left` and `share` are as `_spread` leaves them.
    """
    weight = np.ones(size * size, np.float64)
    for _ in range(_TRIES):
        start, goal = _ends(rng, size, shifts, upto)
        _build(rng, size, obstacles, board)
        ends_open = board[start] == OPEN and board[goal] == OPEN
        if ends_open and _spread(board, step, weight, start, goal, left, share, queue):
            return start, goal
    return -1, -1


@jit
def _make(keys, size, shifts, upto, obstacles, question, target):
    """Make one question per key. question, target: `(n, size^2)` uint8.

    Returns how many were made before one was impossible.
    """
    rng = np.empty(4, np.uint64)
    step = np.array([size, -size, 1, -1], np.int64)
    left = np.empty(size * size, np.int32)
    share = np.empty(size * size, np.float64)
    queue = np.empty(size * size, np.int32)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        board = question[i]
        start, goal = _draw(rng, size, shifts, upto, obstacles, step, board, left, share, queue)
        if start < 0:
            return i
        board[start] = START
        board[goal] = GOAL
        target[i] = board
        _walk(rng, step, start, left, share, target[i])
    return keys.shape[0]


def _obstacles(params: Params) -> tuple[int, int, tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return numbers of single cells and barriers, and ranges of holes, blocks and block sides."""
    single = int(params.density * params.size * params.size)
    holes, blocks = (params.holes_min, params.holes_max), (params.blocks_min, params.blocks_max)
    return single, params.barriers, holes, blocks, (params.block_min, params.block_max)


def _shifts(inner: int, apart: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the shifts of at least `apart` moves, `(k, 2)` down and right, and their sums, `(k,)`.

    A sum is how many pairs of cells have this shift or one before it, on a board of `inner` cells per side.
    """
    reach = np.arange(1 - inner, inner, dtype=np.int64)
    shifts = np.stack(np.meshgrid(reach, reach, indexing="ij"), axis=2).reshape(-1, 2)
    shifts = shifts[np.abs(shifts).sum(axis=1) >= apart]
    return shifts, np.cumsum((inner - np.abs(shifts)).prod(axis=1))


def _shares(question: Grid, weight: npt.NDArray[np.float64]) -> float:
    """Return the sum over all shortest paths of the product of their cells' weights `(h, w)`.

    The goal's weight is left out.
    """
    board = np.pad(question, 1)
    start, goal = (int(np.flatnonzero(board == code)[0]) for code in (START, GOAL))
    wide = board.shape[1]
    share = np.zeros(board.size, np.float64)
    left, queue = np.empty(board.size, np.int32), np.empty(board.size, np.int32)
    step = np.array([wide, -wide, 1, -1], np.int64)
    _spread(board.ravel(), step, np.pad(weight, 1).ravel(), start, goal, left, share, queue)
    return float(share[start])


@final
class Navigation(AnswerTask[Params]):
    """Mark one of the shortest paths around obstacles."""

    family = "navigation"
    version = 2
    summary = "Mark a shortest path from the start to the goal around obstacles."
    look = Look("maze", cell=16)
    codes = 5
    step_text = "a step marks one"
    metric = Metric.JACCARD
    min_distance = (
        0.5  # the paper's, between paths; with a pool of 5000, 4% of the candidates pass, and 1% of `open`
    )
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        """Make one instance per key. Raises UserError if none of 4096 draws joins start and goal."""
        size = params.size
        question = np.empty((len(keys), size * size), np.uint8)
        target = np.empty_like(question)
        shifts, upto = _shifts(size - 2, params.apart)
        made: int = _make(keys, size, shifts, upto, _obstacles(params), question, target)
        if made < len(keys):
            raise UserError(
                f"none of {_TRIES} boards joins its start and goal: give a lower density, fewer barriers or "
                "blocks, more holes, or a lower apart"
            )
        return Batch(question.reshape(-1, size, size), target.reshape(-1, size, size))

    def order(self, params: Params, question: Grid, target: Grid) -> npt.NDArray[np.int64]:
        """Return the path's cells, beginning at the start."""
        return shortest_path(target == PATH, question)

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why the path must not grow by this cell. A wrong turn is legal."""
        return growth_fault(question, before, after, cell)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the path's cells: questions are alike if their paths are, whatever the obstacles."""
        return (batch.target == PATH).reshape(len(batch), -1).astype(np.uint8)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, bits / (bits + 16), and what it is made of.

        - bits: -log2 of the chance that a random walker takes a shortest path. It never turns back.
        - path: cells between start and goal.
        - detour: moves divided by the Manhattan distance.
        - ways: the number of shortest paths.
        """
        exits = neighbours(question != WALL)
        choices = np.maximum(exits - (question != START), 1)  # only at the start, no exit leads back
        bits = -log2(max(_shares(question, 1 / choices), 2.0**-1000))  # below this, doubles are 0
        _, walked = path_distances(question == OPEN, question)
        manhattan = int(np.abs(np.argwhere(question == START)[0] - np.argwhere(question == GOAL)[0]).sum())
        return {
            "score": bits / (bits + 16),
            "bits": bits,
            "path": float(walked - 1),
            "detour": walked / manhattan,
            "ways": _shares(question, np.ones(question.shape)),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that the marked cells are a shortest path from start to goal, and other cells unchanged.

        - psr, in `figures`: 1 if marked open cells join start and goal, with or without stray cells.
        - rpl, only for one unbranched path: its length divided by that of a shortest path.
        """
        result = check_path(question, answer)
        if result.valid and result.figures["rpl"] > 1:
            reason = f"the path is {result.figures['rpl']:.3g} times as long as the shortest"
            return CheckResult(False, reason, result.figures)
        return result

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return a shortest path, or None if the goal cannot be reached."""
        return marked_shortest_path(question)

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return a random walk that never meets itself, or None unless there is one start and one goal."""
        return guessed_path(question, key)


TASK = Navigation()
