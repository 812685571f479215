"""Generate elementary cellular automata (Wolfram 1983): cells on a ring and their two neighbours.

Each row of the grid is the state one step after the row above. The question holds the first row, the target
the whole diagram. Codes: 0 and 1 cells, 2 unknown. Rules and size are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_from, rng_seed
from vizbench.task.bases import StepTask
from vizbench.task.contract import Reasoning, Space
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look, Trajectories

UNKNOWN = 2


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of an elementary automaton."""

    rule: int = 110
    """Wolfram's number, 0 … 255."""
    width: int = 16
    """Cells on the ring, 1 … 256."""
    rows: int = 8
    """Rows of the diagram, 2 … 256; the first is given."""

    def __post_init__(self) -> None:
        if not 0 <= self.rule <= 255:
            raise UserError(
                f"rule={self.rule} is not in 0 … 255: choose Wolfram's number of a rule, e.g. 110"
            )
        check_ranges(self, width=(1, 256), rows=(2, 256))


_RULES = (110, 8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 54, 62, 106)
VARIANTS = {str(rule): Params(rule=rule) for rule in _RULES}

# On narrower rings, there are too few first rows for a test set.
LEVELS = (
    Params(rule=170, width=12, rows=2),
    Params(rule=250, width=12, rows=3),
    Params(rule=250, width=12, rows=4),
    Params(rule=90, width=12, rows=5),
    Params(rule=90, width=13, rows=6),
    Params(rule=150, width=14, rows=7),
    Params(width=16, rows=8),
    Params(width=20, rows=10),
    Params(rule=30, width=24, rows=14),
    Params(rule=30, width=32, rows=20),
)


@jit
def _unfold(rule, diagram):
    """Fill the rows of `diagram` (h, w) uint8 below the first. A single cell is its own neighbour."""
    h, w = diagram.shape
    for r in range(1, h):
        left, here = diagram[r - 1, w - 1], diagram[r - 1, 0]
        for c in range(w):
            right = diagram[r - 1, c + 1 if c + 1 < w else 0]
            diagram[r, c] = (rule >> (4 * left + 2 * here + right)) & 1
            left, here = here, right


@jit
def _make(keys, rule, question, target):
    """Make one diagram per key. question, target: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_cells(rng, EVENS, target[i, 0])
        _unfold(rule, target[i])
        question[i] = UNKNOWN
        question[i, 0] = target[i, 0]


@jit
def _diagram_of(rule, question, diagram):
    """Write the diagram of a question's first row to `diagram` (h, w). Codes other than 1 count as dead."""
    for c in range(question.shape[1]):
        diagram[0, c] = question[0, c] == 1
    _unfold(rule, diagram)


@jit
def _equal(a, b):
    """Return whether two grids of one shape are equal."""
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            if a[r, c] != b[r, c]:
                return False
    return True


@jit
def _check_all(rule, question, answer, valid):
    """Write which answers continue the first row of their question, `(n,)` bool."""
    diagram = np.empty_like(question[0])
    for i in range(question.shape[0]):
        _diagram_of(rule, question[i], diagram)
        valid[i] = _equal(diagram, answer[i])


@jit
def _row_share(expected, row):
    """Return the share of the cells of a row that are right, for the code with the least share."""
    due, hit = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for c in range(row.shape[0]):
        due[expected[c]] += 1
        hit[expected[c]] += row[c] == expected[c]
    least = 1.0
    for code in range(2):
        if due[code] > 0:
            least = min(least, hit[code] / due[code])
    return least


@jit
def _rows_right(diagram, answer):
    """Return how many rows below the first are right, down to the first wrong one and its share."""
    rows = 0.0
    for r in range(1, diagram.shape[0]):
        share = _row_share(diagram[r], answer[r])
        rows += share
        if share < 1:
            break
    return rows


@jit
def _cells_right(diagram, answer):
    """Return the right cells minus the wrong ones as a share of those filled in below the first row."""
    right, filled = 0, 0
    for r in range(1, diagram.shape[0]):
        for c in range(diagram.shape[1]):
            if answer[r, c] != UNKNOWN:
                filled += 1
                right += answer[r, c] == diagram[r, c]
    return max(0.0, (2 * right - filled) / filled) if filled > 0 else 0.0


@jit
def _measure(rule, question, answer, rows, cells):
    """Write the parts `rows` and `cells` of each answer, `(n,)` float64."""
    diagram = np.empty_like(question[0])
    for i in range(question.shape[0]):
        rows[i], cells[i] = 0.0, 0.0
        if diagram.shape[0] > 1 and _equal(question[i, :1], answer[i, :1]):
            _diagram_of(rule, question[i], diagram)
            rows[i] = _rows_right(diagram, answer[i]) / (diagram.shape[0] - 1)
            cells[i] = _cells_right(diagram, answer[i])


def _triples(rule: int) -> str:
    """Return in words which triples of cells make a live cell: "live-live-dead or dead-dead-live"."""
    words: list[str] = []
    states = ("dead", "live")
    for k in range(7, -1, -1):
        if rule >> k & 1:
            words.append(f"{states[k >> 2 & 1]}-{states[k >> 1 & 1]}-{states[k & 1]}")
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _sensitivity(rule: int) -> float:
    """Return the share of the 24 flips of one cell in the 8 neighbourhoods that change the rule's outcome."""
    return sum(((rule >> k) ^ (rule >> (k ^ flip))) & 1 for k in range(8) for flip in (1, 2, 4)) / 24


@final
class Eca(StepTask[Params]):
    """Unfold an elementary automaton from its first row."""

    family = "eca"
    version = 4
    summary = "Continue the first row of an elementary cellular automaton downwards, one step per row."
    reasoning = Reasoning.LOCAL_RULE
    look = Look("eca", cell=16)
    codes = 3
    answer_codes = (0, 1)
    legend = ("dead cell", "live cell", "unknown cell")
    # First rows must only differ: there are 2^16, too few for a test set at a distance from a pool of 5000.
    min_distance = 0.0
    variants = VARIANTS
    levels = LEVELS
    parts: ClassVar[Mapping[str, str]] = {
        "rows": "the share of the rows below the first that are right, down to the first wrong one, of which "
        "the share of right cells counts, for the code with the least share; 0 if the first row was changed",
        "cells": "of the cells that are filled in below the first row, the share that is right minus the "
        "share that is wrong, at least 0; 0 if the first row was changed",
    }

    def instructions(self, params: Params) -> tuple[str, str, str]:
        triples = _triples(params.rule)
        if params.rule == 0:
            rule = "Every cell below the first row is a dead cell."
        elif params.rule == 255:
            rule = "Every cell below the first row is a live cell."
        else:
            rule = (
                "A cell is live if the three cells above it (upper left, upper, upper right) are "
                f"{triples}, and dead otherwise."
            )
        ring = "Each row is a ring: its first and last cell are neighbors."
        return (
            f"The first row of the grid is given and stays as it is. {rule} {ring} "
            "Replace every unknown cell, from the top row down.",
            f"This is rule {params.rule} of the elementary cellular automata: each row follows from the row "
            f"above it. {rule} {ring} Keep the first row and fill in all unknown cells.",
            "Continue the first row downwards until no unknown cell is left, and do not change the first "
            f"row. {rule} {ring}",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.rows, params.width), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.rule, question, target)
        return Batch(question, target)

    def rule(self, params: Params) -> str:
        return f"rule {params.rule}"

    def advance(self, params: Params, state: Grid) -> Grid | str:
        """Return the diagram with its first unknown row filled in."""
        row = int(np.argmax((state == UNKNOWN).any(axis=1)))
        if row == 0:
            first = (state[0] == UNKNOWN).any()
            return "the first row is unknown" if first else "every row is known already"
        after = state.copy()
        two = state[row - 1 : row + 1].copy()
        _unfold(params.rule, two)
        after[row] = two[1]
        return after

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        """Return the diagrams with one more row per step."""
        n, rows, _ = target.shape
        known = np.arange(rows) <= np.arange(1, rows)[:, None]
        states = np.where(known[:, :, None], target[:, None], np.uint8(UNKNOWN))
        return Trajectories(states.reshape(-1, *target.shape[1:]), np.arange(n + 1) * (rows - 1))

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        valid = np.empty(len(question), np.bool_)
        _check_all(params.rule, question, answer, valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        rows, cells = np.empty(len(question)), np.empty(len(question))
        _measure(params.rule, question, answer, rows, cells)
        return {"rows": rows, "cells": cells}

    def outcome(self, params: Params, question: Grid) -> Grid:
        """Return the diagram unfolded from the question's first row. Its other rows are ignored."""
        diagram = np.equal(question, 1).astype(np.uint8)
        _unfold(params.rule, diagram)
        return diagram

    def space(self, params: Params) -> Space:
        """Count all first rows."""
        return Space(2**params.width)

    def identity(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the first row's cells: diagrams of one first row begin alike for any number of rows."""
        return self.features(params, batch)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the first row's cells."""
        return np.ascontiguousarray(batch.question[:, 0])

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, the mean of sensitivity and surprise, and what it is made of.

        - effort: the number of asked cells.
        - sensitivity: the share of single flips in a neighbourhood that change the rule's outcome.
        - surprise: twice the share of asked cells missed by the best of three guesses, at most 1. The guesses
          are a copy of the cell above, all 0, and all 1.
        - changed: the share of asked cells that differ from the cell above.
        - live: the share of asked cells that are live.
        """
        n, asked = len(target), target[:, 1:]
        changed = (asked != target[:, :-1]).mean(axis=(1, 2))
        live = asked.mean(axis=(1, 2))
        surprise = np.minimum(1.0, 2 * np.minimum(changed, np.minimum(live, 1 - live)))
        sensitivity = np.full(n, _sensitivity(params.rule))
        return {
            "score": (sensitivity + surprise) / 2,
            "effort": np.full(n, float(params.width * (params.rows - 1))),
            "sensitivity": sensitivity,
            "surprise": surprise,
            "changed": changed,
            "live": live,
        }

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return the first row as given, and each cell below it 0 or 1 with equal chances."""
        answer = question.copy()
        random_cells(rng_from(key), EVENS, answer[1:].reshape(-1))
        return answer


TASK = Eca()
