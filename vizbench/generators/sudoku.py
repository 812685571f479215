"""Sudoku: fill in the digits so that each row, column and box holds each digit once. Size and canvas of the paper.

Codes: 0 empty, 1 … size the digits. Every question has exactly one solution, proven by search when it is made. For mini
(4x4 in 2x2 boxes) each of the 288 solutions is equally likely, whatever the number of givens.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.compiler import jit
from vizbench.errors import UserError
from vizbench.generators.kernels.rng import rng_below, rng_seed, rng_shuffle
from vizbench.task import Metric, Task
from vizbench.types import Batch, Grid, Grids, Keys, Look, Ruling

_MINI_GRIDS = 288  # all 4x4 solutions


@final
@dataclass(frozen=True)
class Params:
    """box: cells a side of a box, 2 (4x4 boards); givens: digits shown, 4 … 15 (no 4x4 question is unique below 4)."""

    box: int = 2
    givens: int = 8

    def __post_init__(self) -> None:
        if self.box != 2:
            raise UserError(f"box={self.box} is not offered: boards are 4x4 in 2x2 boxes, box=2")
        if not 4 <= self.givens <= 15:
            raise UserError(f"givens={self.givens} is outside 4 … 15: no 4x4 question has one solution below 4, try 8")


VARIANTS = {"mini": Params()}


@jit
def _place(grid, used, box, cell, digit):
    """Write `digit` into the flat grid and toggle its bit for the cell's row, column and box in `used` (3, size)."""
    side = box * box
    r, c = cell // side, cell % side
    bit = np.int64(1) << np.int64(max(grid[cell], digit) - 1)
    used[0, r] ^= bit
    used[1, c] ^= bit
    used[2, r // box * box + c // box] ^= bit
    grid[cell] = digit


@jit
def _choices(used, box, cell):
    """The digits that the cell's row, column and box leave to it, as bits."""
    side = box * box
    r, c = cell // side, cell % side
    return ((1 << side) - 1) & ~(used[0, r] | used[1, c] | used[2, r // box * box + c // box])


@jit
def _tightest(grid, used, box):
    """The empty cell with the fewest choices, and these choices; -1, 0 on a full grid."""
    best, best_bits, fewest = -1, 0, grid.shape[0]
    for cell in range(grid.shape[0]):
        if grid[cell] == 0:
            bits = _choices(used, box, cell)
            count, rest = 0, bits
            while rest:
                rest &= rest - 1
                count += 1
            if count < fewest:
                best, best_bits, fewest = cell, bits, count
                if count <= 1:
                    break
    return best, best_bits


@jit
def _load(question, grid, used, box):
    """Copy the givens to an empty grid; False where one of them breaks a rule."""
    for cell in range(grid.shape[0]):
        if question[cell] != 0:
            if not _choices(used, box, cell) >> (np.int64(question[cell]) - 1) & 1:
                return False
            _place(grid, used, box, cell, question[cell])
    return True


@jit
def _search(question, box, found):
    """Solutions of a flat grid `(size^2,)`, as many as `found` (k, size^2) has rows for; returns their number.

    Depth first, always at the tightest cell: `cells`, `left` are the way down and the digits not yet tried there.
    """
    used = np.zeros((3, box * box), np.int64)
    grid = np.zeros_like(question)
    if not _load(question, grid, used, box):
        return 0
    cells = np.empty(grid.shape[0] + 1, np.int64)
    left = np.empty(grid.shape[0] + 1, np.int64)
    depth = 0
    count = 0
    cells[0], left[0] = _tightest(grid, used, box)
    while depth >= 0:
        cell = cells[depth]
        if cell < 0:
            found[count] = grid
            count += 1
            if count == found.shape[0]:
                return count
        elif grid[cell] != 0:
            _place(grid, used, box, cell, 0)
        if left[depth] == 0:
            depth -= 1
            continue
        digit = 1
        while not left[depth] >> (digit - 1) & 1:
            digit += 1
        left[depth] &= left[depth] - 1
        _place(grid, used, box, cell, digit)
        depth += 1
        cells[depth], left[depth] = _tightest(grid, used, box)
    return count


@jit
def _make(keys, box, givens, solutions, question, target):
    """One question a key. solutions (k, size^2): drawn from evenly; question, target: `(n, size^2)` uint8."""
    rng = np.empty(4, np.uint64)
    cells = target.shape[1]
    order = np.empty(cells, np.int64)
    found = np.empty((2, cells), np.uint8)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        order[:] = np.arange(cells)
        target[i] = solutions[rng_below(rng, solutions.shape[0])]
        shown = cells + 1
        # A random order may end in a question with more givens, from which none can go: never for 6 givens and more,
        # 1 in 3 times for 4 (worst solution: 7 in 8). Then another order for the same solution, because a new solution
        # would favour those with many small questions.
        while shown > givens:
            question[i] = target[i]
            rng_shuffle(rng, order, cells)
            shown = cells
            for k in range(cells):
                if shown == givens:
                    break
                question[i, order[k]] = 0
                shown -= 1
                if _search(question[i], box, found) > 1:
                    question[i, order[k]] = target[i, order[k]]
                    shown += 1


@functools.cache
def _solutions(box: int) -> Grids:
    """Every solution grid, flat: `(288, 16)` uint8 for box 2."""
    found = np.empty((_MINI_GRIDS, box**4), np.uint8)
    _search(np.zeros(box**4, np.uint8), box, found)
    return found


def _units(grid: Grid, box: int) -> npt.NDArray[np.uint8]:
    """The grid's rows, columns and boxes, `(3, size, size)`: kind, number, place."""
    boxes = grid.reshape(box, box, box, box).swapaxes(1, 2).reshape(grid.shape)
    return np.stack([grid, grid.T, boxes])


def _forced(grid: Grid, box: int) -> Grid:
    """The digit of every empty cell whose row, column and box leave it one, 0 elsewhere: `(size, size)`."""
    size = box * box
    given = grid[:, :, None] == np.arange(1, size + 1)
    in_box = given.reshape(box, box, box, box, size).any(axis=(1, 3)).repeat(box, axis=0).repeat(box, axis=1)
    able = ~(given.any(axis=1, keepdims=True) | given.any(axis=0, keepdims=True) | in_box) & (grid == 0)[:, :, None]
    return np.where(able.sum(axis=2) == 1, able.argmax(axis=2) + 1, 0).astype(np.uint8)


@final
class Sudoku(Task[Params]):
    """Complete a Sudoku that has one solution."""

    family = "sudoku"
    version = 1
    summary = "Fill in a Sudoku: each row, column and box holds each digit once."
    look = Look("sudoku", cell=32, margin=8)
    codes = 5
    metric = Metric.HAMMING
    min_distance = 0.3  # the paper's, between questions; 6% of candidates keep it to a pool of 5000, 59% to one of 1000

    @property
    def variants(self) -> Mapping[str, Params]:
        return VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        size = params.box**2
        question = np.empty((len(keys), size * size), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.box, params.givens, _solutions(params.box), question, target)
        return Batch(question.reshape(-1, size, size), target.reshape(-1, size, size))

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """The empty cells filled one by one in reading order: the order of deduction is not unique, this one is."""
        empty = np.argwhere(question == 0)
        states = np.repeat(question[None], len(empty), axis=0)
        for k, (r, c) in enumerate(empty):
            states[k:, r, c] = target[r, c]
        return states

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """The question's cells."""
        return batch.question.reshape(len(batch), -1)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """score: x / (x + 16) with x = empty + 4 (rounds - 1).

        rounds: passes that each write every cell with one digit left, until none is; first: cells that the first pass
        writes; empty: cells. No 4x4 question with one solution was found (5000 of 4 givens) that needs another rule.
        """
        empty = int((question == 0).sum())
        grid, rounds, first = question, 0, 0
        while (forced := _forced(grid, params.box)).any():
            grid = np.where(grid == 0, forced, grid)
            rounds += 1
            first = first or int((forced != 0).sum())
        work = empty + 4 * max(rounds - 1, 0)
        return {
            "score": work / (work + 16),
            "rounds": float(rounds),
            "first": float(first),
            "empty": float(empty),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> Ruling:
        """Givens kept, and each row, column and box holds each digit once."""
        size = params.box**2
        if answer.shape != (size, size):
            return Ruling(False, f"the board is not {size}x{size}")
        moved = np.argwhere((question != 0) & (answer != question))
        if len(moved):
            return Ruling(False, f"the given digit at row {moved[0, 0]}, column {moved[0, 1]} was changed")
        units = np.sort(_units(answer, params.box), axis=2)
        wrong = np.argwhere((units != np.arange(1, size + 1)).any(axis=2))
        if len(wrong):
            kind = ("row", "column", "box")[wrong[0, 0]]
            return Ruling(False, f"{kind} {wrong[0, 1]} does not hold each digit once")
        return Ruling(True, "")

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """The first solution that a search finds; None where there is none, or the question is no such board."""
        size = params.box**2
        if question.shape != (size, size) or question.max() > size:
            return None
        found = np.empty((1, question.size), np.uint8)
        count: int = _search(question.flatten(), params.box, found)
        return found[0].reshape(question.shape) if count else None


TASK = Sudoku()
