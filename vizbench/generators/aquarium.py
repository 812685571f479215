"""Generate Aquarium: fill vessels with water, as many cells in each line as its number says.

A vessel is a group of cells of one kind that are joined by their sides. It may be empty. Its water is level:
all its cells in a row are filled or none, and under a filled row its lower rows are filled too. The puzzle is
known from puzzle-aquarium.com. The numbers of rows are in the first column, those of columns in the first
row. Codes: 0 water, 1 … 4 empty cells
of four kinds, 5 corner, 6 + k the number k.

Every question has exactly one solution, proven by search when it is made. Connected vessels grow from random
cells, and neighbours get different kinds. Each vessel gets a random level of water. Boards are drawn until
one is unique.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.constraints import COUNT, LESS, clear, demand, over, seal
from vizbench.kernels.puzzle_answers import KEEP
from vizbench.kernels.regions import code_at, divide, groups_of, paint
from vizbench.kernels.rng import rng_below
from vizbench.kernels.scopes import for_each, over_line
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, DrawnPuzzleTask, PuzzleTask, States, rectangle
from vizbench.task.ranges import check_ranges
from vizbench.types import Grids, Look

_KINDS = 4
_WATER, _CORNER, _ZERO = 0, _KINDS + 1, _KINDS + 2
_FULL = 16  # is added to the kind of a cell with water while a board is made
_MOST = 7  # the largest number
_ROW, _COLUMN, _LEVEL, _BELOW = range(4)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of an Aquarium."""

    size: int = 6
    """Cells per side of the field, 3 … 9. The numbers take one more."""
    vessel: int = 4
    """Cells that a vessel has on average, 2 … 8."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 9), vessel=(2, 8))


VARIANTS = {"6": Params(), "8": Params(size=8), "large-vessels": Params(vessel=6)}

LEVELS = (
    Params(size=4),
    Params(size=4, vessel=3),
    Params(size=5, vessel=5),
    Params(size=5),
    Params(size=5, vessel=3),
    Params(size=6, vessel=5),
    Params(size=6),
    Params(size=7),
    Params(size=8),
    Params(size=9),
)


@jit
def _flow(problem, rule, place, cell, other):
    """Demand that another cell has water if a cell has. place: the cell of the rule on the board."""
    demand(problem, LESS, 0, 0, 0, rule, place)
    over(problem, cell)
    over(problem, other)


@jit
def _write_water(problem, size, vessels, cell):
    """Demand that the water of a cell's vessel is level beside and below the cell."""
    place = (cell // size + 1) * (size + 1) + cell % size + 1  # on the board
    for other in range(cell + 1, cell // size * size + size):
        if vessels[other] == vessels[cell]:
            _flow(problem, _LEVEL, place, cell, other)
            _flow(problem, _LEVEL, place, other, cell)
            break
    below = cell + size
    if below < size * size and vessels[below] == vessels[cell]:
        _flow(problem, _BELOW, place, cell, below)


@jit
def _write_rules(board, problem):
    """Write the constraints of a board. Value 1 is water."""
    size = board.shape[0] - 1
    clear(problem, size * size, 3)
    for line in range(size):
        for is_column in range(2):
            code = board[0, line + 1] if is_column else board[line + 1, 0]
            number = np.int64(code) - _ZERO
            demand(problem, COUNT, number, number, 2, _ROW + is_column, line)
            over_line(problem, size, is_column, line)
    field = board[1:, 1:]
    vessels = groups_of(field)
    for cell in range(size * size):
        if 1 <= code_at(field, cell) <= _KINDS:
            _write_water(problem, size, vessels, cell)
        else:
            problem.domains[cell] = 1
    seal(problem)


@jit
def _pour(rng, regions, field, kinds, board):
    """Fill each region from its bottom up to a random row, and write the field of a board."""
    size = field.shape[0]
    for region in range(1, regions + 1):
        rows = np.nonzero(field == region)[0]
        surface = rows[0] + rng_below(rng, rows[-1] - rows[0] + 2)
        for cell in range(field.size):
            r, c = cell // size, cell % size
            if field[r, c] == region:
                board[r + 1, c + 1] = kinds[region] + (_FULL if r >= surface else 0)


@jit
def _write_numbers(board):
    """Write the numbers of a board. Return whether none is too large, and whether there is some water."""
    field = board[1:, 1:]
    board[0, 0] = _CORNER
    largest, total = 0, 0
    for line in range(field.shape[0]):
        row, column = (field[line] >= _FULL).sum(), (field[:, line] >= _FULL).sum()
        board[line + 1, 0], board[0, line + 1] = _ZERO + row, _ZERO + column
        largest, total = max(largest, row, column), total + row
    return largest <= _MOST and total >= field.shape[0]


@jit
def _draw(rng, regions, order, field, kinds, board):
    """Draw vessels and water. Return whether the board suits."""
    divide(rng, regions, order, field)
    if not paint(rng, regions, _KINDS, field, kinds):
        return False
    _pour(rng, regions, field, kinds, board)
    return _write_numbers(board)


@jit
def _draw_all(states, vessel, target):
    """Draw a board per random generator. target: `(n, size + 1, size + 1)` uint8."""
    size = target.shape[1] - 1
    regions = max(size * size // vessel, 2)
    field, kinds = np.empty((size, size), np.uint8), np.empty(regions + 1, np.int64)
    for i in range(target.shape[0]):
        order = np.arange(size * size)
        while not _draw(states[i], regions, order, field, kinds, target[i]):
            pass


@functools.cache
def _board(size: int) -> Board:
    side, cells = size + 1, size * size
    places = rectangle((side, side), 1, 1, size, size)
    return Board((side, side), places, 2 * size + 3 * cells, 8 * cells)


@final
class Aquarium(DrawnPuzzleTask[Params]):
    """Fill the vessels of an Aquarium that has one solution."""

    family = "aquarium"
    summary = "Fill vessels with water up to a level each; numbers count the water in each row and column."
    reasoning = Reasoning.COUNTING
    look = Look("aquarium", cell=32, margin=8)
    codes = _ZERO + _MOST + 1
    legend = (
        "water",
        *(f"empty cell of kind {kind}" for kind in "ABCD"),
        "blank corner cell",
        *(f"number {k}" for k in range(_MOST + 1)),
    )
    value_codes = (KEEP, _WATER)
    open_codes: ClassVar[Sequence[int]] = range(1, _KINDS + 1)
    rules = (
        "row {} of the field does not have as much water as its number says",
        "column {} of the field does not have as much water as its number says",
        "in the vessel of row {row}, column {column}, the water of this row is not level",
        "below the water at row {row}, column {column}, a cell of the vessel is empty",
    )
    parts: ClassVar[Mapping[str, str]] = {
        **PuzzleTask.parts,
        "counts": "1 minus the sum of the differences between the numbers and the water in their rows and "
        "columns, as a share of the sum of the numbers, at least 0",
    }
    decides_all = True
    write_all = for_each(_write_rules)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            "Empty cells of one kind that are joined by their sides form a vessel. Fill vessels with water. "
            "The water of a vessel is level: if a cell is filled, so are all cells of the vessel in the same "
            "row and in lower rows. A number at the left or the top is the number of water cells in its row "
            "or column; keep the numbers and all cells that stay empty.",
            "Turn cells into water so that each number of the first column counts the water in its row, and "
            "each number of the first row the water in its column. A vessel is a group of empty cells of the "
            "same kind that are joined by their sides, and it can be empty, full, or filled from its lowest "
            "row up to some row. All its cells in a row are water or none is. Change nothing else.",
            "This is an Aquarium puzzle. The field is divided into vessels: groups of cells of the same kind "
            "that are joined by their sides. Choose a water level for each vessel, or leave it empty: its "
            "cells at this level and below become water, and those above stay as they are. The numbers in "
            "the first column count the water in each row, and those in the first row the water in each "
            "column.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def draw(self, params: Params, states: States) -> Grids:
        target = np.empty((len(states), *self.board(params).shape), np.uint8)
        _draw_all(states, params.vessel, target)
        return target

    def cleared(self, params: Params, target: Grids) -> Grids:
        """Return the boards without water."""
        return np.where(target >= _FULL, target - _FULL, target)

    def finish(self, params: Params, states: States, question: Grids, target: Grids) -> Grids:
        """Write the water into the targets."""
        target[target >= _FULL] = _WATER
        return question

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return the parts of all puzzles, and how much of the water the numbers confirm, see `parts`."""
        parts = dict(super().parts_batch(params, question, target, answer))
        parts["counts"] = np.zeros(len(question))
        if question.shape == answer.shape:
            codes = np.concatenate([question[:, 1:, 0], question[:, 0, 1:]], axis=1)
            numbers = codes.astype(np.int64) - _ZERO
            water = answer[:, 1:, 1:] == _WATER
            counts = np.concatenate([water.sum(axis=2), water.sum(axis=1)], axis=1)
            wrong = np.abs(counts - numbers).sum(axis=1)
            parts["counts"] = np.maximum(1 - wrong / np.maximum(np.abs(numbers).sum(axis=1), 1), 0)
        return parts


TASK = Aquarium()
