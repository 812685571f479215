"""Generate variants of Sudoku: diagonal, jigsaw and killer Sudoku.

Each row and each column holds each digit once. Besides, as in the Sudoku Grand Prix of the World Puzzle
Federation:

- diagonal: each box and both diagonals hold each digit once.
- jigsaw: each region holds each digit once. The regions take the place of boxes.
- killer: each box holds each digit once. A cage holds no digit twice, and its digits add up to its number.

A board of n x n cells is a grid of 2n x 2n, see `kernels.cell_borders`. Borders and the edges of the grid
enclose the boxes, the regions or the cages. The number of a cage is above its first cell: the ones directly,
the tens to the left of them. Codes: 0 empty, 1 … 9 the digits, 10 zero, 11 gap, 12 border, 13 mark of a
diagonal.

Every question has exactly one solution, proven by search when it is made. Regions begin as the boxes of a
solved board. They exchange cells with equal digits, so that they have a solution. 1 in 20 boards of 6x6 has
boxes in the end, and 1 in 6 of 4x4. Cages come from pairs of neighbours that are joined in random order. The
solution is drawn anew. Then digits are taken away in random order, each only if the solution stays the only
one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.cell_borders import merge_cells, read_labels, trade_cells, write_borders
from vizbench.kernels.constraints import DIFFERENT, SUM, Problem, clear, demand, over, row_of, seal
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import Board, PuzzleTask, States
from vizbench.task.ranges import check_choice, check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look

_ZERO, _GAP, _BORDER, _MARK = range(10, 14)
_ROW, _COLUMN, _BOX, _DIAGONAL, _REGION, _REPEAT, _SUM = range(7)

RULES = ("diagonal", "jigsaw", "killer")

BOXES = {4: (2, 2), 6: (2, 3), 9: (3, 3)}
"""Rows and columns of a box, by the size of the board."""

_TRADES = 10  # tried per cell; with more, regions differ no more


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a variant of Sudoku."""

    rule: Literal["diagonal", "jigsaw", "killer"] = "jigsaw"
    """What holds besides rows and columns."""
    size: int = 6
    """Digits, and cells per side: 4, 6 or 9."""
    empty: int = 60
    """The percentage of cells that are emptied, 10 … 100, if the solution stays the only one."""
    cage: int = 3
    """Cells of a cage of killer Sudoku at most, 2 … 5."""

    def __post_init__(self) -> None:
        check_choice(self, rule=RULES)
        if self.size not in BOXES:
            raise UserError(f"size={self.size} is not offered: choose 4, 6 or 9")
        check_ranges(self, empty=(10, 100), cage=(2, 5))


VARIANTS = {rule: Params(rule=rule) for rule in ("jigsaw", "diagonal", "killer")}

LEVELS = (
    Params(rule="diagonal", size=4, empty=50),
    Params(rule="jigsaw", size=4, empty=70),
    Params(rule="diagonal", empty=40),
    Params(rule="jigsaw", empty=50),
    Params(rule="killer", empty=60),
    Params(rule="diagonal", empty=70),
    Params(rule="jigsaw", size=9, empty=40),
    Params(rule="diagonal", size=9, empty=50),
    Params(rule="killer", size=9, empty=60),
    Params(rule="killer", size=9, empty=70),
)


# Write the constraints. Value k is the digit k + 1.


@jit
def _place(size, cell):
    """Return the number of a cell in the grid."""
    return (2 * (cell // size) + 1) * 2 * size + 2 * (cell % size) + 1


@jit
def _differ(problem, labels, count, full, rule):
    """Demand that no digit is twice under one label, and that each label of all digits has each once."""
    size = labels.shape[0]
    for label in range(count):
        at = demand(problem, DIFFERENT, 0, 0, 0, rule, 0)
        first, cells = -1, 0
        for cell in range(size * size):
            if labels[cell // size, cell % size] == label:
                first = cell if first < 0 else first
                over(problem, cell)
                cells += 1
        problem.masks[at] = full if cells == size else 0
        problem.numbers[at] = _place(size, first)


@jit
def _number_of(grid, r, c):
    """Return the number above a cell; 0 if there is none."""
    ones, tens = np.int64(grid[2 * r, 2 * c + 1]), np.int64(grid[2 * r, 2 * c])
    if not 1 <= ones <= _ZERO:
        return 0
    return ones % 10 + (tens % 10 * 10 if tens <= _ZERO else 0)


@jit
def _add_up(problem, grid, labels, count):
    """Demand the numbers of cages. `labels` are in the order of their first cells."""
    size = labels.shape[0]
    cell = 0
    for label in range(count):
        while labels[cell // size, cell % size] != label:
            cell += 1
        total = _number_of(grid, cell // size, cell % size)
        if total == 0:
            continue
        at = demand(problem, SUM, 0, 0, 0, _SUM, _place(size, cell))
        for other in range(cell, size * size):
            if labels[other // size, other % size] == label:
                over(problem, other)
                total -= 1
        problem.lows[at] = problem.highs[at] = total


@jit
def _write_all(question, units, unit_rules, region_rule, problems):
    """Write the constraints of each question.

    units: the labels of cells of each rule in `unit_rules`, -1 for a cell without one, `(k, n, n)`. The rule
    of the regions that borders enclose: _BOX, _REGION, or _REPEAT for cages.
    """
    size = question.shape[1] // 2
    full = (np.int64(1) << size) - 1
    labels = np.empty((size, size), np.int64)
    for i in range(question.shape[0]):
        problem = row_of(problems, i)
        clear(problem, size * size, full)
        for k in range(units.shape[0]):
            _differ(problem, units[k], units[k].max() + 1, full, unit_rules[k])
        count = read_labels(question[i], _GAP, labels)
        _differ(problem, labels, count, full, region_rule)
        if region_rule == _REPEAT:
            _add_up(problem, question[i], labels, count)
        for cell in range(size * size):
            digit = np.int64(question[i, 2 * (cell // size) + 1, 2 * (cell % size) + 1])
            if 1 <= digit <= size:
                problem.domains[cell] = np.int64(1) << (digit - 1)
        seal(problem)


# Draw


@jit
def _draw_regions(states, boxes, values, grids):
    """Draw regions that are no longer boxes. values: a solution of each board with boxes, `(n, cells)`."""
    labels = np.empty_like(boxes)
    for i in range(grids.shape[0]):
        labels[:] = boxes
        trade_cells(states[i], values[i], labels, _TRADES * boxes.size)
        write_borders(grids[i], labels, _GAP, _BORDER)


@jit
def _draw_cages(states, values, most, grids):
    """Draw cages of up to `most` cells with their numbers. values: the solutions, `(n, cells)`."""
    size = grids.shape[1] // 2
    labels, totals = np.empty((size, size), np.int64), np.empty(size * size, np.int64)
    for i in range(grids.shape[0]):
        merge_cells(states[i], values[i], most, labels)
        write_borders(grids[i], labels, _GAP, _BORDER)
        totals[:] = 0
        for cell in range(size * size):
            totals[labels[cell // size, cell % size]] += values[i, cell] + 1
        for cell in range(size * size):
            r, c = cell // size, cell % size
            total = totals[labels[r, c]]
            if total > 0:
                totals[labels[r, c]] = 0
                grids[i, 2 * r, 2 * c + 1] = total % 10 if total % 10 else _ZERO
                if total > 9:
                    grids[i, 2 * r, 2 * c] = total // 10


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Hold what all boards of a rule and a size share."""

    boxes: npt.NDArray[np.int64]
    """The box of each cell, `(n, n)`."""
    units: npt.NDArray[np.int64]
    """The labels of each rule in `unit_rules`, `(k, n, n)`."""
    unit_rules: npt.NDArray[np.int64]
    """The rules that do not depend on the borders."""
    region_rule: int
    """The rule of what borders enclose."""


@functools.cache
def _layout(rule: str, size: int) -> _Layout:
    cells = np.arange(size * size, dtype=np.int64).reshape(size, size)
    rows, columns = cells // size, cells % size
    tall, wide = BOXES[size]
    boxes = rows // tall * (size // wide) + columns // wide
    falling = np.where(rows == columns, 0, -1)
    rising = np.where(rows + columns == size - 1, 0, -1)
    units = [(_ROW, rows), (_COLUMN, columns)]
    region_rule = _REGION
    if rule == "diagonal":
        units += [(_DIAGONAL, falling), (_DIAGONAL, rising)]
        region_rule = _BOX
    elif rule == "killer":
        units.append((_BOX, boxes))
        region_rule = _REPEAT
    labels = np.stack([labels for _, labels in units])
    return _Layout(boxes, labels, np.array([unit for unit, _ in units]), region_rule)


@functools.cache
def _board(size: int) -> Board:
    side = 2 * size
    places = np.arange(side * side, dtype=np.int64).reshape(side, side)[1::2, 1::2].flatten()
    cells = size * size
    return Board((side, side), places, 4 * size + 2 * cells, 7 * cells)


_WHERE = {
    "diagonal": "each row, each column, each box that borders and edges of the grid enclose, and both "
    "long diagonals with their marks",
    "jigsaw": "each row, each column, and each region that borders and edges of the grid enclose",
    "killer": "each row, each column, and each of the boxes of {} rows and {} columns that make up the board",
}

_CAGES = (
    " Borders and edges of the grid enclose cages: no digit is twice in a cage, and its digits add up to the "
    "number above its first cell, the leftmost one in its top row. The ones of a number are directly above "
    "that cell, the tens to the left of them."
)


@final
class SudokuVariants(PuzzleTask[Params]):
    """Complete a variant of Sudoku that has one solution."""

    family = "sudoku-variants"
    summary = "Fill in a jigsaw, diagonal or killer Sudoku."
    reasoning = Reasoning.LOGIC
    look = Look("sudoku-variants", cell=16, margin=8)
    codes = 14
    legend = (
        "empty cell",
        *(f"digit {digit}" for digit in range(1, 10)),
        "digit zero",
        "gap",
        "border",
        "mark of a diagonal",
    )
    value_codes = tuple(range(1, 10))
    rules = (
        "the row of the cell at row {row}, column {column} does not hold each digit once",
        "the column of the cell at row {row}, column {column} does not hold each digit once",
        "the box of the cell at row {row}, column {column} does not hold each digit once",
        "the diagonal of the cell at row {row}, column {column} does not hold each digit once",
        "the region of the cell at row {row}, column {column} does not hold each digit once",
        "the cage of the cell at row {row}, column {column} holds a digit twice",
        "the cage of the cell at row {row}, column {column} does not add up to its number",
    )
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        if params.rule == "killer":
            return (*range(_BORDER + 1),)
        digits = range(params.size + 1)
        return (*digits, _GAP, _BORDER, _MARK) if params.rule == "diagonal" else (*digits, _GAP, _BORDER)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        size = params.size
        where = _WHERE[params.rule].format(*BOXES[size])
        cages, gap_or_border, gaps = "", "a gap or a border", "gaps and borders"
        if params.rule == "killer":
            cages = _CAGES
            gap_or_border = "a gap, a border, or a number in place of a border"
            gaps = "gaps, borders and numbers"
        return (
            f"Write a digit from 1 to {size} in each empty cell, so that every digit is once in {where}."
            f"{cages} Between any two neighboring cells there is {gap_or_border}; keep all that is not an "
            "empty cell.",
            f"Solve this {params.rule} Sudoku: {where} must hold each digit from 1 to {size} once.{cages} "
            "Only empty cells change.",
            f"Complete the grid with the digits 1 to {size}, each once in {where}.{cages} The {gaps} between "
            "the cells, and the given digits, stay as they are.",
        )

    def board(self, params: Params) -> Board:
        return _board(params.size)

    def write_rules(self, params: Params, question: Grids, problems: Problem) -> None:
        layout = _layout(params.rule, params.size)
        _write_all(question, layout.units, layout.unit_rules, layout.region_rule, problems)

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        states = self.seeded(keys)
        question = self._boards(params, states)
        values = self.drawn_values(params, states, question)
        if params.rule == "killer":
            _draw_cages(states, values, params.cage, question)
        target = question.copy()
        self.fill(params, target, values)
        most = params.size**2 * params.empty // 100
        hidden = self.hidden_givens(params, states, question, values, params.size, most)
        cells = target[:, 1::2, 1::2]
        question[:, 1::2, 1::2] = np.where(hidden.reshape(cells.shape), 0, cells)
        return Batch(question, target)

    def _boards(self, params: Params, states: States) -> Grids:
        """Return boards without digits. Killer Sudokus have boxes instead of cages yet."""
        size, boxes = params.size, _layout(params.rule, params.size).boxes
        board = np.zeros((2 * size, 2 * size), np.uint8)
        write_borders(board, boxes, _GAP, _BORDER)
        if params.rule == "diagonal":
            places = 2 * np.arange(1, size)
            board[places, places] = board[places, 2 * size - places] = _MARK
        boards = np.repeat(board[None], len(states), axis=0)
        if params.rule == "jigsaw":
            values = self.drawn_values(params, states, boards)
            _draw_regions(states, boxes, values, boards)
        return boards


TASK = SudokuVariants()
