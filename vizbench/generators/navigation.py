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
from typing import final

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
from vizbench.kernels.rng import rng_below, rng_chance, rng_seed
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import Metric, Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

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
        check_ranges(self, **_LIMITS)
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


def _level(size: int, barriers: int, blocks: int) -> Params:
    """Return a board whose ends are a side apart, with a quarter of holes in each barrier."""
    holes = size // 4
    return Params(
        size,
        barriers=barriers,
        holes_min=holes,
        holes_max=holes + 2,
        blocks_min=blocks,
        blocks_max=blocks + 2,
        apart=size,
    )


# On smaller boards, hardly any test row keeps its distance from the train rows.
LEVELS = (
    _level(12, 0, 2),
    _level(14, 1, 2),
    _level(16, 2, 2),
    _level(18, 3, 2),
    _level(21, 4, 2),
    _level(24, 6, 2),
    _level(28, 8, 3),
    _level(32, 10, 3),
    _level(37, 12, 4),
    _level(43, 15, 4),
)


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


@jit
def _load(question, wide, step, board, weight):
    """Copy a question `(h, w)` to a board with a border of wall. Return its first start and goal, or -1.

    weight (m,) float64: becomes the chance of each move of a walker who does not turn back.
    """
    h, w = question.shape
    board[:] = WALL
    start, goal = -1, -1
    for r in range(h):
        for c in range(w):
            at = (r + 1) * wide + c + 1
            board[at] = question[r, c]
            if board[at] == START and start < 0:
                start = at
            if board[at] == GOAL and goal < 0:
                goal = at
    weight[:] = 1.0
    for at in range(wide, board.shape[0] - wide):
        exits = 0
        for k in range(4):
            exits += board[at + step[k]] != WALL
        if board[at] != START:
            exits -= 1  # only at the start, no exit leads back
        weight[at] = 1.0 / max(exits, 1)
    return start, goal


@jit
def _measure(question, moves, apart, luck, ways):
    """Measure all shortest paths of each question `(n, h, w)`. A question without any has zeros.

    moves, apart `(n,)` float64: the length of each and the Manhattan distance. luck `(n,)` float64: the
    chance that a walker who does not turn back takes one. ways `(n,)` float64: their number.
    """
    wide = question.shape[2] + 2
    cells = (question.shape[1] + 2) * wide
    step = np.array([wide, -wide, 1, -1], np.int64)
    board, ones, weight = np.empty(cells, np.uint8), np.ones(cells), np.empty(cells)
    left, share, queue = np.empty(cells, np.int32), np.empty(cells), np.empty(cells, np.int32)
    for i in range(question.shape[0]):
        moves[i], apart[i], luck[i], ways[i] = 0.0, 1.0, 0.0, 0.0
        start, goal = _load(question[i], wide, step, board, weight)
        if start < 0 or goal < 0:
            continue
        if _spread(board, step, weight, start, goal, left, share, queue):
            luck[i] = share[start]
            _spread(board, step, ones, start, goal, left, share, queue)
            moves[i], ways[i] = left[start], share[start]
        apart[i] = abs(start // wide - goal // wide) + abs(start % wide - goal % wide)


@final
class Navigation(AnswerTask[Params]):
    """Mark one of the shortest paths around obstacles."""

    family = "navigation"
    version = 4
    summary = "Mark a shortest path from the start to the goal around obstacles."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("maze", cell=16)
    codes = 5
    legend = LEGEND
    parts = PATH_PARTS
    step_text = "a step marks one"
    metric = Metric.JACCARD
    min_distance = (
        0.5  # the paper's, between paths; with a pool of 5000, 4% of the candidates pass, and 1% of `open`
    )
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        moves = "Moves go up, down, left or right to the next cell, never diagonally and never into a wall."
        return (
            "Mark a shortest path from the start to the goal: turn each open cell on it into a path cell. "
            f"{moves} If several paths are shortest, any of them is right. Leave all other cells unchanged.",
            f"Get from the start to the goal in as few moves as possible. {moves} Mark the open cells on the "
            "way as path cells, and keep every other cell. Of several shortest ways, choose any one.",
            f"Connect the start and the goal by path cells, around the walls. {moves} The path must "
            "be a shortest one; any shortest one is right. Only open cells on the path change.",
        )

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

    def moments(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the place of each cell on the path, beginning at the start."""
        return path_moments(question, target)

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why the path must not grow by this cell. A wrong turn is legal."""
        return growth_fault(question, before, after, cell)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the path's cells: questions are alike if their paths are, whatever the obstacles."""
        return (batch.target == PATH).reshape(len(batch), -1).astype(np.uint8)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, bits / (bits + 16), and what it is made of.

        - effort: cells that are not wall.
        - bits: -log2 of the chance that a random walker takes a shortest path. It never turns back.
        - path: cells between start and goal.
        - detour: moves divided by the Manhattan distance.
        - ways: the number of shortest paths.
        """
        moves, apart, luck, ways = np.empty((4, len(question)))
        _measure(question, moves, apart, luck, ways)
        bits = -np.log2(np.maximum(luck, 2.0**-1000))  # below this, doubles are 0
        return {
            "score": bits / (bits + 16),
            "effort": (question != WALL).sum(axis=(1, 2)).astype(np.float64),
            "bits": bits,
            "path": moves - 1,
            "detour": moves / apart,
            "ways": ways,
        }

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        return check_paths(question, answer, False)

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how much of a shortest path is marked, and how few other cells are changed."""
        return path_parts(question, answer)

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
