"""Generate matrices after Raven (1936): nine panels whose features follow rules, the last one unknown.

A panel shows a figure and a row of dots. Its features are the figure's shape, material and place, and the
dots. A feature follows one rule along all rows, or along all columns (after Carpenter, Just, Shell 1990):

- cost 0: it is the same in all panels
- cost 1: it is the same in the three panels of a line
- cost 2: each line has the same three different values in any order; or the number of dots changes by a
  fixed amount
- cost 3: the third number of dots is the sum of the first two, or the first minus the second
- cost 4: the third panel has dots where just one, at least one, or both of the first two have

The rules of cost 3, and changes of the number, are for dots without gaps, from the left. A question is asked
only if all rules that explain a feature in the eight panels give the same value in the last one, and none of
them is cheaper than planned. Codes: 0 empty, 1 border, 2 unknown, 3 dot, 4 … 8 materials.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.matrix_rules import (
    BY_1,
    COSTS,
    DOTS,
    FEATURES,
    MATERIAL,
    PLACE,
    RULES,
    SHAPE,
    SIDE,
    draw_line_values,
    explain,
)
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.completion import CompletionTask
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grids, Keys, Look

EMPTY, BORDER, UNKNOWN, DOT, FIRST_MATERIAL = range(5)
SHAPES: Final = (0b111111111, 0b111101111, 0b010111010, 0b101010101, 0b010010111, 0b111101101)
"""Figures of 3x3 cells, the first cell in the lowest bit. All are three cells wide."""
_HIGHEST: Final = {SHAPE: 2, MATERIAL: 2, PLACE: 2, DOTS: 4}
"""The cost of the most expensive rule of each feature."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of matrices."""

    cost: int = 5
    """The costs of the rules of all features together, 1 … 10."""

    def __post_init__(self) -> None:
        check_ranges(self, cost=(1, 10))


VARIANTS = {"5": Params(), "9": Params(cost=9)}

LEVELS = tuple(Params(cost=cost) for cost in range(1, 11))


@functools.cache
def _plans(cost: int) -> npt.NDArray[np.int64]:
    """Return all ways to share a cost among the features, `(m, 4)`."""
    shares = itertools.product(*(range(most + 1) for most in _HIGHEST.values()))
    return np.array([share for share in shares if sum(share) == cost])


@jit
def _draw(keys, plans, values):
    """Draw the features of nine panels per key. plans: `(m, 4)`; values: `(n, 4, 9)` int64."""
    rng, base = np.empty(4, np.uint64), np.empty(3, np.int64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        plan = plans[rng_below(rng, plans.shape[0])]
        for feature in range(FEATURES):
            is_done = False
            while not is_done:
                rule = rng_below(rng, RULES if feature == DOTS else BY_1)
                if COSTS[rule] != plan[feature]:
                    continue
                if draw_line_values(rng, feature, rule, rng_below(rng, 2), base, values[i, feature]):
                    last, _, cost = explain(values[i, feature], feature)
                    is_done = last == values[i, feature, 8] and cost == plan[feature]


@jit
def _paint(values, sheets):
    """Paint panels on sheets full of BORDER. values: `(n, 4, 9)`."""
    for i in range(values.shape[0]):
        for panel in range(9):
            top, left = panel // 3 * (SIDE + 1), panel % 3 * (SIDE + 1)
            cells = sheets[i, top : top + SIDE, left : left + SIDE]
            shape, place = SHAPES[values[i, SHAPE, panel]], values[i, PLACE, panel]
            cells[:] = EMPTY
            for k in range(9):
                if shape >> k & 1:
                    cells[k // 3, place + k % 3] = FIRST_MATERIAL + values[i, MATERIAL, panel]
            for k in range(SIDE):
                if values[i, DOTS, panel] >> k & 1:
                    cells[SIDE - 1, k] = DOT


@jit
def _read(sheets, values):
    """Write the features of panels, any values for a panel that is none. values: `(n, 4, 9)`, all 0."""
    for i in range(sheets.shape[0]):
        for panel in range(9):
            top, left = panel // 3 * (SIDE + 1), panel % 3 * (SIDE + 1)
            cells = sheets[i, top : top + SIDE, left : left + SIDE]
            place = 0
            while place < 2 and cells[:3, place].max() < FIRST_MATERIAL:
                place += 1
            bits = 0
            for k in range(9):
                code = cells[k // 3, place + k % 3]
                if code >= FIRST_MATERIAL:
                    bits |= 1 << k
                    values[i, MATERIAL, panel] = code - FIRST_MATERIAL
            values[i, PLACE, panel] = place
            for shape in range(len(SHAPES)):
                if SHAPES[shape] == bits:
                    values[i, SHAPE, panel] = shape
            for k in range(SIDE):
                values[i, DOTS, panel] |= np.int64(cells[SIDE - 1, k] == DOT) << k


@jit
def _complete(values, forced, rule_sets, costs):
    """Write the features of the last panel, if all rules agree on it. values: `(n, 4, 9)`."""
    for i in range(values.shape[0]):
        forced[i], rule_sets[i], costs[i] = True, 1, 0
        for feature in range(FEATURES):
            last, count, cost = explain(values[i, feature], feature)
            forced[i] &= last >= 0
            values[i, feature, 8] = max(last, 0)
            rule_sets[i] *= count
            costs[i] += cost


def _sheets(values: npt.NDArray[np.int64]) -> Grids:
    """Return the sheets of panels, `(n, 17, 17)`."""
    side = 3 * SIDE + 2
    sheets = np.full((len(values), side, side), BORDER, np.uint8)
    _paint(values, sheets)
    return sheets


def _hidden(target: Grids) -> Grids:
    """Return the sheets with an unknown last panel."""
    question = target.copy()
    question[:, -SIDE:, -SIDE:] = UNKNOWN
    return question


def _gain(due: Grids, made: Grids, first: int, end: int) -> npt.NDArray[np.float64]:
    """Return how many cells due to have a code first … end-1 have it, minus the others with such codes.

    Both are shares, `(n,)`, and the difference is at least 0.
    """
    is_due, is_made = (due >= first) & (due < end), (made >= first) & (made < end)
    right = (is_due & (due == made)).sum(axis=(1, 2)) / np.maximum(is_due.sum(axis=(1, 2)), 1)
    extra = (~is_due & is_made).sum(axis=(1, 2)) / np.maximum((~is_due).sum(axis=(1, 2)), 1)
    return np.maximum(right - extra, 0.0)


@final
class Raven(CompletionTask[Params]):
    """Complete a matrix of panels."""

    family = "raven"
    summary = "Complete a 3x3 matrix of panels whose features follow rules along its rows or columns."
    reasoning = Reasoning.INDUCTION
    look = Look("raven", cell=16, margin=8)
    codes = 9
    answer_codes = (EMPTY, BORDER, *range(DOT, 9))
    legend = ("empty cell", "border", "unknown cell", "dot", "wood", "stone", "iron", "clay", "glass")
    open_code = UNKNOWN
    fill_codes = (EMPTY, *range(DOT, 9))
    parts: ClassVar[Mapping[str, str]] = {
        "figure": "the share of the figure's cells that are right, minus the share of the other cells above "
        "the dots that hold a material, at least 0",
        "dots": "the share of the dots that are there, minus the share of the other places that hold a dot, "
        "at least 0",
        "kept": "1 minus four times the share of the cells of other panels and borders that are changed, at "
        "least 0",
    }
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rules = (
            "The four features are the shape of the figure, its material, its place (left, middle, right) "
            "and the dots. Each feature follows its own rule along all rows, or along all columns: it is "
            "the same in the three panels of a line; or each line has the same three different values in any "
            "order; or, for dots that fill the places from the left without gaps, their number grows or "
            "shrinks by a fixed amount, or the third number is the sum of the first two, or the first minus "
            "the second; or the third panel has dots exactly where just one, where at least one, or where "
            "both of the first two have."
        )
        return (
            f"Each of nine panels shows a figure and a row of dots below it. {rules} Fill in the panel "
            "that is unknown.",
            f"This is a matrix of 3x3 panels, each with a figure above a row of dots. {rules} Show the "
            "matrix with the missing panel at the lower right.",
            "Find the rules that the eight panels follow, and complete the ninth. A panel holds a figure "
            f"and, below it, dots. {rules}",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        values = np.empty((len(keys), 4, 9), np.int64)
        _draw(keys, _plans(params.cost), values)
        target = _sheets(values)
        return Batch(_hidden(target), target)

    def complete(self, params: Params, question: Grids) -> tuple[Grids, npt.NDArray[np.bool_]]:
        answers, forced, _, _ = self._study(question)
        return answers, forced

    @staticmethod
    def _study(
        question: Grids,
    ) -> tuple[Grids, npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return answers, which of them are forced, numbers of sets of rules, and the least costs."""
        n, side = len(question), 3 * SIDE + 2
        forced, rule_sets, costs = np.zeros(n, np.bool_), np.zeros(n), np.zeros(n)
        if question.shape[1:] != (side, side):
            return question, forced, rule_sets, costs
        values = np.zeros((n, 4, 9), np.int64)
        _read(np.ascontiguousarray(question), values)
        _complete(values, forced, rule_sets, costs)
        answers = _sheets(values)
        is_sheet = (_hidden(answers) == question).all(axis=(1, 2))
        return answers, forced & is_sheet, rule_sets, costs

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`. All are 0 if question and answer differ in shape."""
        if not question.shape == target.shape == answer.shape:
            return {name: np.zeros(len(answer)) for name in self.parts}
        due, made = target[:, -SIDE:, -SIDE:], answer[:, -SIDE:, -SIDE:]
        clues = question != UNKNOWN
        changed = (clues & (question != answer)).sum(axis=(1, 2)) / np.maximum(clues.sum(axis=(1, 2)), 1)
        return {
            "figure": _gain(due[:, :-1], made[:, :-1], FIRST_MATERIAL, self.codes),
            "dots": _gain(due[:, -1:], made[:, -1:], DOT, FIRST_MATERIAL),
            "kept": np.maximum(1 - 4 * changed, 0.0),
        }

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, effort / 10, and what it is made of.

        - effort: the costs of the cheapest rules that explain the features.
        - rule_sets: how many choices of a rule and a direction for each feature explain the eight panels. All
          give the same last panel.
        """
        _, _, rule_sets, costs = self._study(question)
        return {"score": np.minimum(costs / 10, 1.0), "effort": costs, "rule_sets": rule_sets}


TASK = Raven()
