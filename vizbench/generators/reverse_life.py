"""Generate reverse Life: find a board that becomes the shown one after one step of Conway's Life (1970).

A live cell with two or three live neighbours stays live, a dead cell with three becomes live, and all others
are dead. Cells outside a board are dead. The left board is unknown, the right one is shown, and a border is
between them. Any left board that becomes the right one is a right answer. Shown boards are made by a step
from a random board, so each has such a predecessor. Codes: 0 dead, 1 live, 2 border, 3 unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.life_predecessors import BORDER, DEAD, LIVE, UNKNOWN, after_step, predecessor
from vizbench.kernels.random_cells import chance, random_cells
from vizbench.kernels.rng import rng_seed
from vizbench.task.bases import AnswerTask
from vizbench.task.completion import fill_at_random
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_WIDEST: Final = 10
"""Cells per side of the largest board."""
_FIGURES: Final = ("live", "dead", "born", "spoiled", "wrong", "open")


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of reverse Life."""

    height: int = 6
    """Rows of a board, 4 … 10."""
    width: int = 6
    """Columns of a board, 4 … 10."""
    density: float = 0.4
    """The chance of a live cell before the step, 0.25 … 0.6."""

    def __post_init__(self) -> None:
        check_ranges(self, height=(4, _WIDEST), width=(4, _WIDEST), density=(0.25, 0.6))


VARIANTS = {"6x6": Params(), "8x8": Params(height=8, width=8)}

_SIDES = ((5, 5), (5, 6), (6, 6), (6, 7), (7, 7), (7, 8), (8, 8), (8, 9), (9, 9), (10, 10))
LEVELS = tuple(Params(height, width) for height, width in _SIDES)


@jit
def _compare(sheets, figures):
    """Compare what the left board of each sheet becomes with its right board. figures: `(n, 6)` float64.

    They are: live cells shown, dead cells shown, live cells made where one is shown, and where one is not,
    cells that become another code than is shown, cells of which it is not known what they become.
    """
    w = sheets.shape[2] // 2
    figures[:] = 0
    for i in range(sheets.shape[0]):
        before, shown = sheets[i, :, :w], sheets[i, :, w + 1 :]
        for r in range(sheets.shape[1]):
            for c in range(w):
                after = after_step(before, r, c)
                figures[i, 0] += shown[r, c] == LIVE
                figures[i, 1] += shown[r, c] != LIVE
                figures[i, 2] += after == LIVE and shown[r, c] == LIVE
                figures[i, 3] += after == LIVE and shown[r, c] != LIVE
                figures[i, 4] += after != UNKNOWN and after != shown[r, c]
                figures[i, 5] += after == UNKNOWN


@jit
def _draw(keys, chance, sheets):
    """Draw a board per key and its next board, until a sixth of that is live, and it changes once more."""
    rng = np.empty(4, np.uint64)
    h, w = sheets.shape[1], sheets.shape[2] // 2
    before, after = np.empty((h, w), np.uint8), np.empty((h, w), np.uint8)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        live, changes = 0, 0
        while 6 * live < h * w or changes == 0:
            random_cells(rng, chance, before.reshape(-1))
            live, changes = 0, 0
            for r in range(h):
                for c in range(w):
                    after[r, c] = after_step(before, r, c)
                    live += after[r, c] == LIVE
            for r in range(h):
                for c in range(w):
                    changes += after_step(after, r, c) != after[r, c]
        sheets[i] = BORDER
        sheets[i, :, :w] = before
        sheets[i, :, w + 1 :] = after


@final
class ReverseLife(AnswerTask[Params]):
    """Find a predecessor in the Game of Life."""

    family = "reverse-life"
    summary = "Find a board that becomes the shown one after one step of the Game of Life."
    reasoning = Reasoning.LOGIC
    look = Look("sheet", cell=16, margin=8)
    codes = 4
    answer_codes = (DEAD, LIVE, BORDER)
    legend = ("dead cell", "live cell", "border", "unknown cell")
    step_text = "a step fills one"
    parts: ClassVar[Mapping[str, str]] = {
        "born": "the share of the live cells shown that the left board makes live, minus the share of the "
        "dead cells shown that it makes live, at least 0, squared",
        "precise": "the share of the cells made live that are shown live",
        "kept": "1 minus four times the share of the other cells that are changed, at least 0",
    }
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "In one step, a live cell with two or three live neighbors among the eight around it stays live, "
            "a dead cell with exactly three becomes live, and all other cells are dead afterwards; cells "
            "outside a board are dead."
        )
        return (
            f"The right board is the left board one step of the Game of Life later. {rule} Fill in the "
            "unknown cells of the left board, so that it becomes the right board. Any such left board is "
            "right; keep the border and the right board.",
            f"Run the Game of Life backwards. {rule} Which board on the left of the border becomes the board "
            "on the right of it after one step? If there are several, give any of them, and change nothing "
            "else.",
            f"Replace each unknown cell by a dead cell or a live cell. {rule} After one step, the left board "
            "must look exactly like the right board, which stays as it is. Several answers may be right.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        target = np.empty((len(keys), params.height, 2 * params.width + 1), np.uint8)
        _draw(keys, chance(params.density), target)
        question = target.copy()
        question[:, :, : params.width] = UNKNOWN
        return Batch(question, target)

    @staticmethod
    def _is_sheet(question: Grids) -> npt.NDArray[np.bool_]:
        """Return which grids have an unknown board, a border and a shown board."""
        height, columns = question.shape[1:]
        width = columns // 2
        if columns % 2 == 0 or not 1 <= width <= _WIDEST or height > _WIDEST:
            return np.zeros(len(question), np.bool_)
        left, border, right = np.split(question, (width, width + 1), axis=2)
        is_sheet = (left == UNKNOWN).all(axis=(1, 2)) & (border == BORDER).all(axis=(1, 2))
        return is_sheet & (right <= LIVE).all(axis=(1, 2))

    @staticmethod
    def _figures(answer: Grids) -> dict[str, npt.NDArray[np.float64]]:
        """Return the figures of `_compare` by name, `(n,)` each."""
        figures = np.empty((len(answer), len(_FIGURES)))
        _compare(np.ascontiguousarray(answer), figures)
        return dict(zip(_FIGURES, figures.T, strict=True))

    @staticmethod
    def _kept(question: Grids, answer: Grids) -> npt.NDArray[np.float64]:
        """Return the part `kept`, `(n,)`: 1 if nothing is changed outside the left board."""
        width = question.shape[2] // 2
        changed = (question != answer)[:, :, width:].mean(axis=(1, 2))
        return np.maximum(1 - 4 * changed, 0.0)

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        if question.shape != answer.shape or question.shape[2] % 2 == 0:
            return np.zeros(len(answer), np.bool_)
        figures = self._figures(answer)
        right = (figures["wrong"] == 0) & (figures["open"] == 0)
        return right & (self._kept(question, answer) == 1) & self._is_sheet(question)

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Make a step from the left board, and compare."""
        if not self._is_sheet(question[None])[0]:
            return CheckResult(False, "the question is not an unknown board with its next board")
        if self._kept(question[None], answer[None])[0] < 1:
            return CheckResult(False, "the border or the right board was changed")
        left = answer[:, : answer.shape[1] // 2]
        if (left > LIVE).any():
            count = int((left > LIVE).sum())
            cells = plural(count, "cell of the left board is", "cells of the left board are")
            return CheckResult(False, f"{cells} neither dead nor live")
        wrong = int(self._figures(answer[None])["wrong"][0])
        cells = plural(wrong, "cell becomes", "cells become")
        return CheckResult(not wrong, f"{cells} another than the right board shows" if wrong else "")

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why a cell is wrong however the unknown cells are filled, as a sentence; "" if it is not."""
        if cell[1] >= question.shape[1] // 2 or not self._is_sheet(question[None])[0]:
            return "only the left board is to be filled"
        if after[cell] > LIVE:
            return f"the cell at row {cell[0]}, column {cell[1]} is neither dead nor live"
        if self._figures(after[None])["wrong"][0]:
            return f"with the cell at row {cell[0]}, column {cell[1]}, a cell becomes another than is shown"
        return ""

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how well the answer makes the shown board. All are 0 if it is no sheet."""
        if question.shape != answer.shape or question.shape[2] % 2 == 0:
            return {name: np.zeros(len(answer)) for name in self.parts}
        sheets = question.copy()
        width = question.shape[2] // 2
        sheets[:, :, :width] = answer[:, :, :width]
        figures = self._figures(sheets)
        born, spoiled = figures["born"], figures["spoiled"]
        gained = born / np.maximum(figures["live"], 1) - spoiled / np.maximum(figures["dead"], 1)
        precise = born / np.maximum(born + spoiled, 1)
        return {
            "born": np.maximum(gained, 0.0) ** 2,
            "precise": precise,
            "kept": self._kept(question, answer),
        }

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Search for a predecessor of the right board, at most 10 cells wide."""
        if not self._is_sheet(question[None])[0]:
            return None
        width = question.shape[1] // 2
        before = predecessor(question[:, width + 1 :])
        if before is None:
            return None
        answer = question.copy()
        answer[:, :width] = before
        return answer

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return any state in each unknown cell."""
        return fill_at_random(question, UNKNOWN, (DEAD, LIVE), key)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, cells / (cells + 64), and what it is made of.

        - effort: cells of the left board.
        - live: the share of live cells in the right board.
        - before: the share of live cells in the stored left board.
        - reversed: the share of cells that differ between the two.
        """
        n, height, columns = question.shape
        width = columns // 2
        before, shown = target[:, :, :width] == LIVE, question[:, :, columns - width :] == LIVE
        cells = np.full(n, float(height * width))
        return {
            "score": cells / (cells + 64),
            "effort": cells,
            "live": shown.mean(axis=(1, 2)),
            "before": before.mean(axis=(1, 2)),
            "reversed": (before != shown).mean(axis=(1, 2)),
        }


TASK = ReverseLife()
