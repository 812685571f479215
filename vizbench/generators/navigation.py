"""Navigation: mark a shortest way around obstacles. Board, obstacles and canvas of the paper's shortest-path
task.

A square board has a border of wall; inside lie single cells of wall, then barriers (whole rows or columns
with holes), then blocks (rectangles). Start and goal lie at least `apart` rows and columns from each other,
every such pair equally likely; pair and board are drawn anew until the board joins the pair. Codes as in
mazes: 0 wall, 1 open, 2 start, 3 goal, 4 path. Most questions have many shortest ways, all of them right; the
target is one, each equally likely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.bases import AnswerTask
from vizbench.errors import UserError
from vizbench.kernels.cells import neighbours
from vizbench.kernels.paths import (
    GOAL,
    OPEN,
    PATH,
    START,
    WALL,
    check_way,
    growth_fault,
    guessed_way,
    moves,
    shortest_way,
    way,
)
from vizbench.kernels.rng import rng_below, rng_chance, rng_seed
from vizbench.task import Metric
from vizbench.types import Batch, CheckResult, Grid, Keys, Look

_TRIES = 4096  # draws until the parameters count as hopeless; the named variants need 2, 7 and 2 on average
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
    """size: cells a side, border included, 7 … 65; density: single cells of wall as a share of all cells, 0 …
    0.4.

    barriers, and the least and most holes in each (all cells at most); the least and most blocks, and the
    least and most cells a side of each; apart: the least Manhattan distance from start to goal, 2 … 2 (size -
    3)."""

    size: int = 15
    density: float = 0.05
    barriers: int = 3
    holes_min: int = 8
    holes_max: int = 14
    blocks_min: int = 3
    blocks_max: int = 8
    block_min: int = 2
    block_max: int = 3
    apart: int = 15

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
                f"apart={self.apart} is more than size={self.size} has room for: give {2 * (self.size - 3)} or less"
            )


VARIANTS = {
    "shortest-path": Params(),
    # Nothing but walls with a few gaps: a quarter of the ways are a fifth longer than over open ground, or
    # more.
    "barriers": Params(
        21, density=0.0, barriers=8, holes_min=3, holes_max=5, blocks_min=0, blocks_max=0, apart=21
    ),
    # Next to no obstacles: thousands of shortest ways, so that nearly all right answers differ from the
    # target.
    "open": Params(barriers=0, blocks_min=0, blocks_max=0),
}


@jit
def _between(rng, bounds):
    return bounds[0] + rng_below(rng, bounds[1] - bounds[0] + 1)


@jit
def _ends(rng, size, shifts, upto):
    """Start and goal, flat: a shift from `shifts` (k, 2), as often as it fits the board, then one of the
    places.

    upto (k,) int64: how many pairs of cells have this shift or one before it.
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
    """Wall on `count` different cells inside the border, each set equally likely."""
    inner = size - 2
    while count > 0:
        cell = rng_below(rng, inner * inner)
        at = (1 + cell // inner) * size + 1 + cell % inner
        if board[at] == OPEN:
            board[at] = WALL
            count -= 1


@jit
def _bar(rng, size, holes, board):
    """Wall along a row or a column but for its holes, each set of them equally likely; what lies in a hole
    stays."""
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
    """Wall on a rectangle inside the border."""
    height, width = _between(rng, sides), _between(rng, sides)
    top = 1 + rng_below(rng, size - 1 - height)
    left = 1 + rng_below(rng, size - 1 - width)
    for r in range(top, top + height):
        board[r * size + left : r * size + left + width] = WALL


@jit
def _build(rng, size, obstacles, board):
    """The obstacles: `board` (size^2,) becomes wall and open cells.

    Leaving at the first obstacle that hits start or goal was tried: 13% faster for `barriers`, 5% slower by
    default."""
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
    """Breadth first from the goal until the start is met; whether it is.

    board (m,) uint8 with a border of wall; step (4,): moves on it. left (m,) int32: moves to the goal, -1
    where none came. share (m,) float64: the sum over all shortest ways to the goal of the product of their
    cells' weights, the goal's left out: with weights of 1 the number of ways, exact below 2^53."""
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
    """Mark one of the shortest ways that `_spread` counted: each move is as likely as the ways behind it are
    many."""
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
    """Pairs and boards until a board joins its pair: start and goal, and what `_spread` found; -1, -1 if none
    does."""
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
    """One question a key: question, target `(n, size^2)` uint8. Returns how many were made before one was
    hopeless."""
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
    """Single cells and barriers; the least and the most holes in each, blocks, and cells a block's side."""
    single = int(params.density * params.size * params.size)
    holes, blocks = (params.holes_min, params.holes_max), (params.blocks_min, params.blocks_max)
    return single, params.barriers, holes, blocks, (params.block_min, params.block_max)


def _shifts(inner: int, apart: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Every way to go at least `apart` moves, `(k, 2)` down and right, and how many pairs of cells each and
    those before it have on a board of `inner` cells a side, `(k,)`."""
    reach = np.arange(1 - inner, inner, dtype=np.int64)
    shifts = np.stack(np.meshgrid(reach, reach, indexing="ij"), axis=2).reshape(-1, 2)
    shifts = shifts[np.abs(shifts).sum(axis=1) >= apart]
    return shifts, np.cumsum((inner - np.abs(shifts)).prod(axis=1))


def _shares(question: Grid, weight: npt.NDArray[np.float64]) -> float:
    """The sum over all shortest ways of the product of their cells' weights `(h, w)`, the goal's left out."""
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
    """Mark one of the shortest ways around obstacles."""

    family = "navigation"
    version = 2
    summary = "Mark a shortest way from the start to the goal around obstacles."
    look = Look("maze", cell=16)
    codes = 5
    step_text = "one is marked a step"
    metric = Metric.JACCARD
    min_distance = 0.5  # the paper's, between paths; 4% of candidates keep it to a pool of 5000, 1% of `open`
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        """Raises UserError where the parameters join no start and goal within 4096 draws."""
        size = params.size
        question = np.empty((len(keys), size * size), np.uint8)
        target = np.empty_like(question)
        shifts, upto = _shifts(size - 2, params.apart)
        made: int = _make(keys, size, shifts, upto, _obstacles(params), question, target)
        if made < len(keys):
            raise UserError(
                f"none of {_TRIES} boards joins its start and goal: give a lower density, fewer barriers or blocks, "
                "more holes, or a lower apart"
            )
        return Batch(question.reshape(-1, size, size), target.reshape(-1, size, size))

    def order(self, params: Params, question: Grid, target: Grid) -> npt.NDArray[np.int64]:
        """Return the path's cells from the start on."""
        return way(target == PATH, question)

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why the path must not grow by this cell. A wrong turn is legal."""
        return growth_fault(question, before, after, cell)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """The path's cells: two questions are alike when their paths are, whatever the obstacles."""
        return (batch.target == PATH).reshape(len(batch), -1).astype(np.uint8)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """score: bits / (bits + 16); bits: -log2 of the chance that a walker who never turns back, and else
        goes anywhere, takes a shortest way.

        path: cells between start and goal; detour: moves over the Manhattan distance; ways: shortest ones.
        """
        exits = neighbours(question != WALL)
        choices = np.maximum(exits - (question != START), 1)  # only at the start no way leads back
        bits = -log2(max(_shares(question, 1 / choices), 2.0**-1000))  # 0 where doubles end
        _, walked = moves(question == OPEN, question)
        manhattan = int(np.abs(np.argwhere(question == START)[0] - np.argwhere(question == GOAL)[0]).sum())
        return {
            "score": bits / (bits + 16),
            "bits": bits,
            "path": float(walked - 1),
            "detour": walked / manhattan,
            "ways": _shares(question, np.ones(question.shape)),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Every other cell kept, and the marked cells are a shortest way from start to goal, whichever of
        them.

        parts: psr is 1 when marked open cells join start and goal, strays or not; rpl, for one unbranched
        way, is its length over the shortest's."""
        ruling = check_way(question, answer)
        if ruling.valid and ruling.parts["rpl"] > 1:
            reason = f"the way is {ruling.parts['rpl']:.3g} times as long as the shortest"
            return CheckResult(False, reason, ruling.parts)
        return ruling

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """A shortest way; None where the goal cannot be reached."""
        return shortest_way(question)

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """A walk from the start that never meets itself, as far as it comes; None without one start and one
        goal."""
        return guessed_way(question, key)


TASK = Navigation()
