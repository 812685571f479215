"""Generate boards whose enclosed regions must be coloured. A task of our own, like those of the paper.

Codes: 0 empty, 1 wall, 2 filled. An empty cell is enclosed if no path of 4-neighbours leads from it over
empty cells to the border. The target fills exactly those. So walls that touch at a corner are closed, and a
loop with a gap in a side encloses nothing. Boards have closed loops, loops with one cell removed (some at a
corner, and still closed), and single walls. A rule that fills every cell with walls in all four directions is
wrong on a fifth of the 8x8 boards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.cells import neighbours
from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.bfs import bfs_distances, bfs_spread
from vizbench.kernels.process_states import cell_steps
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_below, rng_chance, rng_from, rng_seed
from vizbench.task.contract import Reasoning, Task
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look, Trajectories

EMPTY, WALL, FILLED = 0, 1, 2

_TRIES = 64
"""Boards drawn per key before a plain ring is used. By default, 1 draw in 8 fails."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a board to fill."""

    height: int = 8
    """Rows, 4 … 64."""
    width: int = 8
    """Columns, 4 … 64."""
    shapes: int = 3
    """Loops drawn at most, 1 … 64."""
    broken: float = 0.5
    """The probability that a loop loses a cell, 0 … 1."""
    noise: float = 0.05
    """The probability that an empty cell becomes a wall, 0 … 0.5."""

    def __post_init__(self) -> None:
        check_ranges(self, height=(4, 64), width=(4, 64), shapes=(1, 64), broken=(0, 1), noise=(0, 0.5))


VARIANTS = {
    "small": Params(),
    "base": Params(height=12, width=12, shapes=5),
    "large": Params(height=16, width=16, shapes=8),
}


# On smaller boards, hardly any test row keeps its distance from the train rows.
LEVELS = tuple(
    Params(height=size, width=size, shapes=shapes)
    for size, shapes in (
        (6, 1), (7, 2), (8, 3), (10, 4), (12, 5), (14, 7), (17, 9), (20, 13), (25, 19), (32, 30)
    )
)  # fmt: skip


PARTS = {
    "filled": "the share of the enclosed cells that are filled, minus the share of the open cells that are "
    "filled, at least 0, squared",
    "precise": "the share of the changed cells that are enclosed cells, now filled, squared",
}


@jit
def _rectangle(rng, inside):
    """Set a random rectangle in `inside` (h, w) uint8, up to half a side long, off the border."""
    h, w = inside.shape
    tall = 1 + rng_below(rng, h // 2)
    wide = 1 + rng_below(rng, w // 2)
    top = 1 + rng_below(rng, h - 1 - tall)
    left = 1 + rng_below(rng, w - 1 - wide)
    inside[top : top + tall, left : left + wide] = 1


@jit
def _blob(rng, inside, cells):
    """Set a random connected blob of up to a fifth of the board, cell by cell, off the border."""
    h, w = inside.shape
    size = 1 + rng_below(rng, h * w // 5)
    r, c = 1 + rng_below(rng, h - 2), 1 + rng_below(rng, w - 2)
    inside[r, c] = 1
    cells[0] = r * w + c
    count = 1
    for _ in range(4 * size):
        if count == size:
            break
        cell = cells[rng_below(rng, count)]
        turn = rng_below(rng, 4)
        r = cell // w + (turn == 1) - (turn == 0)
        c = cell % w + (turn == 3) - (turn == 2)
        if 1 <= r < h - 1 and 1 <= c < w - 1 and inside[r, c] == 0:
            inside[r, c] = 1
            cells[count] = r * w + c
            count += 1


@jit
def _outline(rng, inside, cells, broken, board):
    """Draw a wall around the cells of `inside` on the board.

    By chance, its corners are left out, its inside is cleared, and one of its cells is removed.
    """
    h, w = inside.shape
    sharp = rng_chance(rng, 0.5)
    clear = rng_chance(rng, 0.5)

    # Clear the inside, and put wall on the cells beside it.
    count = 0
    for r in range(h):
        for c in range(w):
            if inside[r, c] != 0:
                if clear:
                    board[r, c] = EMPTY
                continue
            touches = False
            for y in range(max(r - 1, 0), min(r + 2, h)):
                for x in range(max(c - 1, 0), min(c + 2, w)):
                    touches |= inside[y, x] != 0 and (sharp or y == r or x == c)
            if touches:
                board[r, c] = WALL
                cells[count] = r * w + c
                count += 1

    # A gap in the wall.
    if rng_chance(rng, broken):
        gap = cells[rng_below(rng, count)]
        board[gap // w, gap % w] = EMPTY


@jit
def _draw(rng, shapes, broken, noise, inside, cells, board):
    """Draw a board (h, w) uint8: some loops, which may overlap, then single walls."""
    board[:] = EMPTY
    for _ in range(1 + rng_below(rng, shapes)):
        inside[:] = 0
        if rng_chance(rng, 0.5):
            _rectangle(rng, inside)
        else:
            _blob(rng, inside, cells)
        _outline(rng, inside, cells, broken, board)
    h, w = board.shape
    for r in range(h):
        for c in range(w):
            if board[r, c] == EMPTY and rng_chance(rng, noise):
                board[r, c] = WALL


@jit
def _answer(board, border, target):
    """Fill the cells that no path reaches from the border. Return the numbers of filled and of open cells."""
    outside = bfs_distances(board == EMPTY, border)
    filled = 0
    dry = 0
    h, w = board.shape
    for r in range(h):
        for c in range(w):
            enclosed = board[r, c] == EMPTY and outside[r, c] < 0
            target[r, c] = FILLED if enclosed else board[r, c]
            filled += enclosed
            dry += outside[r, c] >= 0
    return filled, dry


@jit
def _make(keys, shapes, broken, noise, border, question, target):
    """Make one board per key, with at least one enclosed and one open cell.

    question, target: `(n, h, w)` uint8.
    """
    rng = np.empty(4, np.uint64)
    h, w = border.shape
    inside = np.empty((h, w), np.uint8)
    cells = np.empty(h * w, np.int64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        for attempt in range(_TRIES + 1):
            if attempt < _TRIES:
                _draw(rng, shapes, broken, noise, inside, cells, question[i])
            else:  # These parameters give hardly any closed loop. Use a ring, so that every key has a board.
                top, left = rng_below(rng, h - 2), rng_below(rng, w - 2)
                question[i, :, :] = EMPTY
                question[i, top : top + 3, left : left + 3] = WALL
                question[i, top + 1, left + 1] = EMPTY
            filled, dry = _answer(question[i], border, target[i])
            if filled > 0 and dry > 0:
                break


@jit
def _reach(question, border, outside):
    """Write the moves from the border to each empty cell, over empty cells, to `outside` (n, h, w) int32.

    Other cells have -1, and so have enclosed ones.
    """
    for i in range(question.shape[0]):
        outside[i] = bfs_distances(question[i] == EMPTY, border)


@jit
def _rise(target, moments):
    """Write the moves to each filled cell from the first of its region, in reading order; others have -1.

    target, moments: `(n, h, w)`.
    """
    h, w = target.shape[1:]
    queue = np.empty(h * w, np.int32)
    moments[:] = -1
    for i in range(target.shape[0]):
        filled = target[i] == FILLED
        tail = 0
        for r in range(h):
            for c in range(w):
                if filled[r, c] and moments[i, r, c] < 0:
                    moments[i, r, c] = 0
                    queue[tail] = r * w + c
                    tail = bfs_spread(filled, moments[i], queue, tail, tail + 1)


@jit
def _measure(question, right, answer, filled, precise):
    """Write the parts of each answer. question, right, answer: `(n, h, w)`; `right` is the right answer."""
    n, h, w = question.shape
    for i in range(n):
        enclosed, wet, opened, spilt, changed = 0, 0, 0, 0, 0
        for r in range(h):
            for c in range(w):
                is_due = right[i, r, c] != question[i, r, c]
                is_open = right[i, r, c] == EMPTY
                is_filled = answer[i, r, c] == FILLED
                enclosed += is_due
                wet += is_due and is_filled
                opened += is_open
                spilt += is_open and is_filled
                changed += answer[i, r, c] != question[i, r, c]
        # Without the squares, filling the cells that are enclosed on most boards would get 0.18.
        filled[i] = max(0.0, wet / max(enclosed, 1) - spilt / max(opened, 1)) ** 2
        precise[i] = (wet / max(changed, 1)) ** 2


def _border(height: int, width: int) -> npt.NDArray[np.bool_]:
    border = np.ones((height, width), np.bool_)
    border[1:-1, 1:-1] = False
    return border


def _counted(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return how many cells of each grid are chosen, `(n,)`."""
    return chosen.sum(axis=(1, 2)).astype(np.float64)


@final
class Fill(Task[Params]):
    """Colour the cells that walls enclose."""

    family = "fill"
    version = 4
    summary = "Colour every empty region that walls cut off from the border."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("fill", cell=32, margin=8)
    codes = 3
    legend = ("empty cell", "wall", "filled cell")
    parts = PARTS
    # With 5000 train questions this keeps 54% of the 8x8 candidates and 84% of the 12x12 ones. A distance of
    # 0.2 would keep 21% and 64%.
    min_distance = 0.15
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        leak = (
            "Moves go up, down, left or right over empty cells, so walls that touch at a corner are closed."
        )
        return (
            "Turn every empty cell that walls cut off from the border of the grid into a filled cell. "
            f"{leak} Keep the walls and all empty cells from which a way leads to the border.",
            "Fill each region that is enclosed by walls. An empty cell is enclosed if no way leads from it "
            f"to the border of the grid. {leak} All other cells stay as they are.",
            "Imagine water that comes in from every empty cell on the border of the grid and spreads. "
            f"{leak} Make each empty cell that stays dry a filled cell, and change nothing else.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.height, params.width), np.uint8)
        target = np.empty_like(question)
        border = _border(params.height, params.width)
        _make(keys, params.shapes, params.broken, params.noise, border, question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        """Return the states as each enclosed region grows breadth first, all of them at once.

        A region begins with its first cell in reading order.
        """
        return cell_steps(question, target, self._moments(target))

    @staticmethod
    def _moments(target: Grids) -> npt.NDArray[np.int32]:
        """Return the state, from 0, that fills each cell, `(n, h, w)`; -1 if none does."""
        moments = np.empty(target.shape, np.int32)
        _rise(target, moments)
        return moments

    @staticmethod
    def _outside(question: Grids) -> npt.NDArray[np.int32]:
        """Return the moves from the border to each empty cell, `(n, h, w)`; -1 if it is enclosed."""
        outside = np.empty(question.shape, np.int32)
        _reach(question, _border(*question.shape[1:]), outside)
        return outside

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, x / (x + 16) with x = reach + traps, and what it is made of.

        - effort: empty cells of the question.
        - reach: moves from the border to the farthest open cell. A rule must look this far.
        - traps: open cells with a wall in all four directions. They look enclosed along lines of sight.
        - filled: filled cells.
        - regions: enclosed regions.
        """
        outside, wall = self._outside(question), question != EMPTY
        seen = wall.copy()
        for axis in (1, 2):
            seen |= ~np.logical_or.accumulate(wall, axis)
            seen |= ~np.flip(np.logical_or.accumulate(np.flip(wall, axis), axis), axis)
        cells = {
            "traps": ~seen & (outside >= 0),
            "filled": target == FILLED,
            "regions": self._moments(target) == 0,
        }
        counts = {name: _counted(chosen) for name, chosen in cells.items()}
        reach = outside.max(axis=(1, 2), initial=-1).astype(np.float64)
        far = reach + counts["traps"]
        return {"score": far / (far + 16), "effort": _counted(~wall), "reach": reach, **counts}

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        return (self._solved(question) == answer).all(axis=(1, 2))

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how much of the enclosed cells is filled, and how few other cells are changed."""
        n = len(question)
        filled, precise = np.empty(n), np.empty(n)
        _measure(question, self._solved(question), answer, filled, precise)
        return {"filled": filled, "precise": precise}

    def _solved(self, question: Grids) -> Grids:
        """Return the right answers, `(n, h, w)`."""
        enclosed = (question == EMPTY) & (self._outside(question) < 0)
        return np.where(enclosed, np.uint8(FILLED), question)

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that walls are kept, every enclosed cell is filled, and no open cell is."""
        right = self.solve(params, question)
        moved = np.argwhere((answer == WALL) != (question == WALL))
        if len(moved):
            return CheckResult(
                False, f"a wall was added or removed at row {moved[0, 0]}, column {moved[0, 1]}"
            )
        dry = int(((answer == EMPTY) & (right == FILLED)).sum())
        spilt = int(((answer == FILLED) & (right == EMPTY)).sum())
        faults = (
            (dry, "enclosed cell is left empty", "enclosed cells are left empty"),
            (spilt, "open cell is filled", "open cells are filled"),
        )
        if dry or spilt:
            return CheckResult(False, " and ".join(plural(*fault) for fault in faults if fault[0]))
        return CheckResult(True, "")

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check that enclosed cells are filled beside filled ones.

        A region without any filled cell begins with one.
        """
        enclosed = np.ascontiguousarray(self.solve(params, question) == FILLED)
        wet, new = before == FILLED, after != before
        if not new.any():
            return CheckResult(False, "no cell was filled")
        spoiled = np.argwhere(new & ((after != FILLED) | ~enclosed))
        if len(spoiled):
            r, c = (int(v) for v in spoiled[0])
            deed = "filled" if after[r, c] == FILLED else "cleared" if after[r, c] == EMPTY else "walled up"
            return CheckResult(False, f"the cell at row {r}, column {c} must not be {deed}")
        for r, c in np.argwhere(new & (neighbours(wet) == 0)):
            first = np.zeros_like(enclosed)
            first[r, c] = True
            region = bfs_distances(enclosed, first) >= 0
            if (region & (wet | new)).sum() > 1:
                return CheckResult(
                    False, f"the cell at row {r}, column {c} was filled before a cell beside it"
                )
        return CheckResult(True, "")

    def solve(self, params: Params, question: Grid) -> Grid:
        return self._solved(question[None])[0]

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return the walls as given, and each other cell empty or filled with equal chances."""
        wet = np.empty(question.shape, np.uint8)
        random_cells(rng_from(key), EVENS, wet.reshape(-1))
        return np.where(question == WALL, question, wet * np.uint8(FILLED))


TASK = Fill()
