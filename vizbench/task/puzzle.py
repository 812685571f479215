"""Define the base of logic puzzles: a family writes its constraints, and the rest follows from them.

A family has a kernel that writes the constraints of questions (`kernels.constraints`). Solver, checks,
process and difficulty are derived. Only the kernels here search, so that they are compiled once for all
families.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple, TypeVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import Kernel
from vizbench.kernels.constraints import Ints, Problem, Work, new_problems, new_work, row_of
from vizbench.kernels.propagate import (
    draw_all,
    hide_clues_all,
    hide_givens_all,
    prove_all,
    seed_all,
    study_all,
)
from vizbench.kernels.puzzle_answers import (
    CLUE_CHANGED,
    KEEP,
    RIGHT,
    RULE_BROKEN,
    STRANGE_CODE,
    find_faults,
    score_all,
    write_random,
)
from vizbench.kernels.rng import rng_from
from vizbench.task.bases import AnswerTask
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys

P = TypeVar("P")

States = npt.NDArray[np.uint64]
"""A random generator per question, `(n, 4)`."""

LIMIT = 100_000
"""Values that a search tries before it gives up."""

LIMIT_DRAWN = 500
"""The same for a question that may be dropped."""

_BLOCK = 256
"""Questions whose constraints are held in memory at once."""


@final
@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Describe the boards of one record of parameters."""

    shape: tuple[int, int]
    """Rows and columns of the grid, clues included."""
    places: Ints
    """The cell of each variable, `(variables,)`, numbered in reading order."""
    constraints: int
    """How many constraints a question has at most."""
    entries: int
    """How many variables their scopes have at most, all together."""


class Study(NamedTuple):
    """Hold what the solver says of questions, see `study_all`."""

    counts: Ints
    """Solutions of each question: 2 for two or more, -1 if the search gave up."""
    solutions: Ints
    """A value of each variable, `(n, variables)`."""
    moments: Ints
    """When the value of each variable follows. Only the order counts."""
    figures: npt.NDArray[np.float64]
    """Constraints that were narrowed, trials, undecided variables, values tried by search: `(n, 4)`."""


def rectangle(shape: tuple[int, int], top: int, left: int, height: int, width: int) -> Ints:
    """Return the cells of a rectangle of a grid in reading order, `(height * width,)`."""
    cells = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape)
    return cells[top : top + height, left : left + width].flatten()


class PuzzleTask(AnswerTask[P]):
    """Complete a puzzle that has one solution.

    Write `generate_batch`, `board`, and `write_all` or `write_rules`. A variable is a cell of the grid, and
    its values are codes. `generate_batch` may use what is under "Generate" below.
    """

    rules: ClassVar[Sequence[str]]
    """What is wrong if a constraint of a rule is broken: {} is its number, {row} and {column} its cell's."""
    value_codes: ClassVar[Sequence[int]]
    """The code of each value of a variable, or KEEP."""
    open_codes: ClassVar[Sequence[int]] = (0,)
    """The codes of cells in a question that are to be decided. All others are clues."""
    decides_all: ClassVar[bool] = False
    """Whether `effort` counts all variables, not only written cells: then the answer depends on each."""
    write_all: ClassVar[Kernel]
    """Writes the constraints of each question, see `kernels.scopes.for_each`."""
    parts: ClassVar[Mapping[str, str]] = {
        "right": "the share of the cells due to get a code that got it, minus the share of the other open "
        "cells that got it too, a mean over the codes, at least 0",
        "precise": "the share of the cells written that are right",
        "kept": "the share of the clues that are unchanged",
    }

    @abstractmethod
    def board(self, params: P) -> Board:
        """Return the board of these parameters."""

    def write_rules(self, params: P, question: Grids, problems: Problem) -> None:
        """Write the constraints of each question in a kernel. Default: `write_all`.

        question: `(n, h, w)`, of the board's shape, with any codes. problems: one per question, see
        `row_of`.
        """
        self.write_all(question, problems)

    # Work on many questions

    @final
    def written(self, params: P, question: Grids) -> Iterator[tuple[slice, Problem, Work]]:
        """Yield the constraints of questions of the board's shape, in blocks."""
        board, work = self.board(params), None
        for first in range(0, len(question), _BLOCK):
            block = slice(first, min(first + _BLOCK, len(question)))
            rows = block.stop - first
            problems = new_problems(rows, len(board.places), board.constraints, board.entries)
            self.write_rules(params, np.ascontiguousarray(question[block]), problems)
            work = work or new_work(problems)
            yield block, problems, work

    def study(self, params: P, question: Grids) -> Study:
        """Solve questions of the board's shape."""
        n, variables = len(question), len(self.board(params).places)
        values, moments = np.zeros((n, variables), np.int64), np.zeros((n, variables), np.int64)
        study = Study(np.zeros(n, np.int64), values, moments, np.zeros((n, 4)))
        for block, problems, work in self.written(params, question):
            study_all(problems, work, LIMIT, *(column[block] for column in study))
        return study

    @final
    def faults(self, params: P, question: Grids, answer: Grids, is_partial: bool) -> Ints:
        """Return what is wrong with answers of the board's shape, `(n, 3)`, see `find_faults`."""
        n, board = len(question), self.board(params)
        codes = np.array(self.value_codes, np.int64)
        faults = np.zeros((n, 3), np.int64)
        flat = [self.flat(params, grids) for grids in (question, answer)]
        for block, problems, work in self.written(params, question):
            grids = [cells[block] for cells in flat]
            find_faults(problems, work, board.places, codes, *grids, is_partial, faults[block])
        return faults

    @final
    def flat(self, params: P, grids: Grids) -> npt.NDArray[np.uint8]:
        cells = math.prod(self.board(params).shape)
        return np.ascontiguousarray(grids).reshape(len(grids), cells)

    # Generate

    @final
    def seeded(self, keys: Keys) -> States:
        """Return a random generator per key."""
        states = np.empty((len(keys), 4), np.uint64)
        seed_all(keys, states)
        return states

    @final
    def is_unique(self, params: P, question: Grids) -> npt.NDArray[np.bool_]:
        """Return which questions have exactly one solution, proven within a limit."""
        unique = np.zeros(len(question), np.bool_)
        for block, problems, work in self.written(params, question):
            prove_all(problems, work, LIMIT_DRAWN, unique[block])
        return unique

    @final
    def drawn_values(self, params: P, states: States, question: Grids) -> Ints:
        """Return a random solution of each question, a value per variable: `(n, variables)`."""
        values = np.zeros((len(question), len(self.board(params).places)), np.int64)
        for block, problems, work in self.written(params, question):
            draw_all(problems, work, states[block], LIMIT_DRAWN, values[block])
        return values

    @final
    def hidden_givens(
        self, params: P, states: States, question: Grids, values: Ints, count: int, most: int
    ) -> npt.NDArray[np.bool_]:
        """Return which variables need no given, `(n, variables)`: at most `most` of each question.

        question: boards without givens. values: their solutions, as in `drawn_values`. count: how many values
        a variable may have, from 0 on.
        """
        full = (1 << count) - 1
        hidden = np.zeros(values.shape, np.bool_)
        for block, problems, work in self.written(params, question):
            hide_givens_all(problems, work, states[block], LIMIT_DRAWN, values[block], full, most)
            hidden[block] = problems.domains == full
        return hidden

    @final
    def hidden_clues(
        self,
        params: P,
        states: States,
        question: Grids,
        rule: int,
        percent: int,
        limit: int = LIMIT_DRAWN,
    ) -> Ints:
        """Return the numbers of constraints of a rule that are not needed, as pairs of row and number.

        percent: how many of a question are taken away at most. limit: the most values that a search tries. A
        clue that needs more is kept.
        """
        pairs: list[Ints] = []
        for block, problems, work in self.written(params, question):
            hide_clues_all(problems, work, states[block], limit, rule, percent)
            at_all: Ints = np.arange(problems.kinds.shape[1], dtype=np.int64)
            is_hidden = (problems.rules == rule) & (problems.highs > problems.sizes[:, :1])
            row, at = np.nonzero(is_hidden & (at_all < problems.sizes[:, 1:2]))
            pairs.append(np.stack([row + block.start, problems.numbers[row, at]], axis=1))
        return np.concatenate([np.empty((0, 2), np.int64), *pairs])

    # Check

    def check(self, params: P, question: Grid, answer: Grid) -> CheckResult:
        """Check that the clues are unchanged and that no rule is broken."""
        reason = self._reason(params, question, answer, False)
        return CheckResult(not reason, reason)

    @final
    def _reason(self, params: P, question: Grid, answer: Grid, is_partial: bool) -> str:
        """Return what is wrong with an answer, as a sentence; "" if nothing is."""
        height, width = self.board(params).shape
        if question.shape != (height, width) or answer.shape != (height, width):
            return f"the board is not {height}x{width}"
        kind, at, number = self.faults(params, question[None], answer[None], is_partial)[0].tolist()
        cell = f"at row {at // width}, column {at % width}"
        if kind == RULE_BROKEN:
            return self.rules[int(at)].format(number, row=number // width, column=number % width)
        return {
            RIGHT: "",
            CLUE_CHANGED: f"the clue {cell} was changed",
            STRANGE_CODE: f"the cell {cell} has a code that no answer has there",
        }[kind]

    def check_batch(self, params: P, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        if not question.shape[1:] == answer.shape[1:] == self.board(params).shape:
            return np.zeros(len(answer), np.bool_)
        return self.faults(params, question, answer, False)[:, 0] == RIGHT

    def cell_fault(self, params: P, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]) -> str:
        """Return which rule no completion of `after` can keep, each rule on its own; "" if there is none."""
        if after.shape == question.shape and after[cell] == question[cell]:
            return f"the cell at row {cell[0]}, column {cell[1]} was changed back"
        return self._reason(params, question, after, True)

    # Solve and measure

    def solve(self, params: P, question: Grid) -> Grid | None:
        """Return a solution; None if there is none, or if the board has another shape."""
        board = self.board(params)
        if question.shape != board.shape:
            return None
        study = self.study(params, question[None])
        if study.counts[0] <= 0:
            return None
        answer = question.copy()
        self.fill(params, answer[None], study.solutions)
        return answer

    @final
    def fill(self, params: P, grids: Grids, values: Ints) -> None:
        """Write the codes of values `(n, variables)` into grids `(n, h, w)`, which are contiguous.

        The value -1 leaves a cell as it is.
        """
        codes = np.array([*self.value_codes, KEEP], np.int64)[values]
        board = self.board(params)
        flat, places = grids.reshape(len(grids), math.prod(board.shape)), board.places
        flat[:, places] = np.where(codes == KEEP, flat[:, places], codes)

    def moments(self, params: P, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the step that writes each cell: the cells that change, in the order of deductions."""
        n, board, shape = len(question), self.board(params), question.shape
        cells = math.prod(shape[1:])
        order = np.arange(cells)[None].repeat(n, axis=0)
        if shape[1:] == board.shape:
            order[:, board.places] = self.study(params, question).moments
        written = (question != target).reshape(n, cells)
        order = np.where(written, order, np.iinfo(np.int64).max)
        rank = order.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        return np.where(written, rank, -1).reshape(shape)

    def difficulty_batch(
        self, params: P, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, work / (work + 1000), and what it is made of.

        - effort: open + log2(1 + work), with work = checks + 4 trials + 16 tried. All variables count as open
          if `decides_all`.
        - checks: how often a rule is applied to a line, a clue or a pair, until nothing follows.
        - trials: values that are tried by looking one step ahead, if nothing follows.
        - undecided: cells that neither decides.
        - tried: values that a search tries after that.
        - open: cells that are written.
        """
        figures = np.zeros((len(question), 4))
        if question.shape[1:] == self.board(params).shape:
            figures = self.study(params, question).figures
        checks, trials, undecided, tried = np.ascontiguousarray(figures.T)
        work = checks + 4 * trials + 16 * tried
        written = np.full(len(question), 0.0)
        if question.shape == target.shape:
            written = (question != target).sum(axis=(1, 2)).astype(np.float64)
        decided = len(self.board(params).places) if self.decides_all else written
        return {
            "score": work / (work + 1000),
            "effort": decided + np.log2(1 + work),
            "checks": checks,
            "trials": trials,
            "undecided": undecided,
            "tried": tried,
            "open": written,
        }

    def parts_batch(
        self, params: P, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`. All are 0 if question and answer differ in shape."""
        return open_cell_parts(question, target, answer, self.open_codes)

    def guess(self, params: P, question: Grid, key: int) -> Grid | None:
        """Return random values in the open cells, each as the clue of its cell allows."""
        board = self.board(params)
        if question.shape != board.shape:
            return None
        answer = question.flatten()
        codes = np.array(self.value_codes, np.int64)
        for _, problems, _ in self.written(params, question[None]):
            write_random(row_of(problems, 0), codes, board.places, rng_from(key), answer)
        return answer.reshape(question.shape)


class DrawnPuzzleTask(PuzzleTask[P]):
    """Complete a puzzle that is drawn until it has one solution.

    Write `draw` in place of `generate_batch`.
    """

    @abstractmethod
    def draw(self, params: P, states: States) -> Grids:
        """Draw a solved board with all clues per random generator, `(n, h, w)`.

        It need not be unique: then another one is drawn.
        """

    def cleared(self, params: P, target: Grids) -> Grids:
        """Return solved boards without their solution. Default: open cells instead of the values' codes."""
        answered = [code for code in self.value_codes if code != KEEP]
        return np.where(np.isin(target, answered), np.uint8(self.open_codes[0]), target)

    def generate_batch(self, params: P, keys: Keys) -> Batch:
        """Draw boards until each is unique."""
        states = self.seeded(keys)
        question = np.empty((len(keys), *self.board(params).shape), np.uint8)
        target = np.empty_like(question)
        todo = np.arange(len(keys))
        while len(todo):
            rng = states[todo]
            target[todo] = self.draw(params, rng)
            question[todo] = self.cleared(params, target[todo])
            states[todo] = rng
            todo = todo[~self.is_unique(params, question[todo])]
        return Batch(self.finish(params, states, question, target), target)

    def finish(self, params: P, states: States, question: Grids, target: Grids) -> Grids:
        """Return unique questions after clues were taken away. Default: as they are. `target` may change."""
        return question


class LinePuzzleTask(DrawnPuzzleTask[P]):
    """Draw lines in the gaps of a board, as a drawn puzzle.

    Many answers share most of their lines, so that a wrong answer easily has a large part of them.
    """

    parts: ClassVar[Mapping[str, str]] = {
        **PuzzleTask.parts,
        "right": "the share of the lines that are drawn, minus the share of the other gaps with a line, at "
        "least 0, squared",
    }

    def parts_batch(
        self, params: P, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`."""
        parts = super().parts_batch(params, question, target, answer)
        return {**parts, "right": parts["right"] ** 2}


def open_cell_parts(
    question: Grids, target: Grids, answer: Grids, open_codes: Sequence[int]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return how far each answer got, see `PuzzleTask.parts`. All are 0 if the grids differ in shape.

    open_codes: the codes of cells in a question that are to be decided.
    """
    n, cells = len(question), math.prod(question.shape[1:])
    parts = {name: np.zeros(n) for name in PuzzleTask.parts}
    if question.shape == target.shape == answer.shape:
        flat = [np.ascontiguousarray(grids).reshape(n, cells) for grids in (question, target, answer)]
        score_all(*flat, _is_open(tuple(open_codes)), *parts.values())
    return parts


@functools.cache
def _is_open(codes: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return which codes are among these, `(256,)`."""
    is_open = np.zeros(256, np.bool_)
    is_open[list(codes)] = True
    return is_open
