"""Define the base of tasks that fill the open cells of a sheet. The other cells decide what they become."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar, final

import numpy as np
import numpy.typing as npt

from vizbench.seeds import random_grids
from vizbench.task.bases import AnswerTask
from vizbench.task.puzzle import PuzzleTask, open_cell_parts
from vizbench.types import Grid, Grids

P = TypeVar("P")


def fill_at_random(question: Grid, open_code: int, codes: Sequence[int], key: int) -> Grid:
    """Return the question with a random one of the codes in each open cell."""
    height, width = question.shape
    drawn = random_grids(np.array([key], np.uint64), height, width, len(codes))[0]
    return np.where(question == open_code, np.array(codes, np.uint8)[drawn], question)


class CompletionTask(AnswerTask[P]):
    """Fill the open cells of a sheet.

    Write `generate_batch` and `complete`. A process fills one cell per step, and each cell rightly.
    """

    step_text = "a step fills one"
    open_code: ClassVar[int]
    """The code of open cells."""
    fill_codes: ClassVar[Sequence[int]]
    """The codes that may replace it."""
    parts: ClassVar[Mapping[str, str]] = PuzzleTask.parts

    @abstractmethod
    def complete(self, params: P, question: Grids) -> tuple[Grids, npt.NDArray[np.bool_]]:
        """Return the sheets without open cells, `(n, h, w)`, and which of them are the only right answers.

        question: grids of any shape with any codes.
        """

    @final
    def solve(self, params: P, question: Grid) -> Grid | None:
        answers, unique = self.complete(params, question[None])
        return answers[0] if unique[0] else None

    @final
    def check_batch(self, params: P, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        answers, unique = self.complete(params, question)
        if answers.shape != answer.shape:
            return np.zeros(len(answer), np.bool_)
        return unique & (answers == answer).all(axis=(1, 2))

    @final
    def cell_fault(self, params: P, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]) -> str:
        answer = self.solve(params, question)
        if answer is None:
            return "no answer to this question is right"
        if after[cell] == answer[cell]:
            return ""
        return f"the code at row {cell[0]}, column {cell[1]} does not follow from the question"

    def parts_batch(
        self, params: P, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`. All are 0 if question and answer differ in shape."""
        return open_cell_parts(question, target, answer, (self.open_code,))

    @final
    def guess(self, params: P, question: Grid, key: int) -> Grid:
        """Return any code in each open cell."""
        return fill_at_random(question, self.open_code, self.fill_codes, key)
