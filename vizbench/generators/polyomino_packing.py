"""Generate packing puzzles: fill a region with the given pieces.

A piece is a polyomino of 3 to 5 cells that fits into a square of 3x3. All pieces differ. Each is used once,
and together they cover the region exactly. They may be moved only, or also turned, or also flipped over. The
puzzles were made popular by Solomon Golomb (Polyominoes, 1965).

The region is at the left of the grid. The pieces are beside it, ordered and turned in a fixed way, so that no
two questions differ only in that. Codes: 0 blank, 1 … 11 the pieces, 12 open cell of the region.

Random pieces are put side by side until the region can be covered in one way, proven by search. Each step of
a process places one piece whole. The cell or piece with the fewest places is always next.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, final

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.kernels.packing import MOVES, Ints, Packing, Shapes, new_packing, shapes_of
from vizbench.kernels.packing_boards import OPEN, find_faults, is_same, make_all, study_all
from vizbench.kernels.rng import rng_below, rng_from
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import Reasoning
from vizbench.task.puzzle import PuzzleTask, open_cell_parts
from vizbench.task.ranges import check_choice, check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_MOST = OPEN - 1  # pieces, since their codes come before it
_CELLS = 60  # of the largest field, whose cells are the bits of a number
_PITCH = 4  # from one piece to the next: its square of 3x3, and a blank line
_LIMIT = 200_000  # places that a search tries before it gives up

_MAY = {
    "slide": "Pieces may be moved, but neither turned nor flipped over.",
    "turn": "Pieces may be moved and turned, but not flipped over.",
    "flip": "Pieces may be moved, turned and flipped over.",
}


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a packing puzzle."""

    height: int = 5
    """Rows of the field that holds the region, 4 … 7."""
    width: int = 5
    """Columns of the field, 4 … 10. The field has 60 cells at most."""
    pieces: int = 5
    """How many pieces there are, 2 … height * width / 5, 11 at most."""
    moves: Literal["slide", "turn", "flip"] = "turn"
    """Whether pieces may be moved only, or also turned, or also flipped over."""

    def __post_init__(self) -> None:
        check_ranges(self, height=(4, 7), width=(4, 10))
        if self.height * self.width > _CELLS:
            raise UserError(
                f"height={self.height} and width={self.width} make a field of over {_CELLS} cells: make it "
                "smaller"
            )
        most = min(self.height * self.width // 5, _MOST)
        check_ranges(self, pieces=(2, most))
        check_choice(self, moves=MOVES)


VARIANTS = {
    "turn": Params(),
    "slide": Params(moves="slide"),
    "flip": Params(height=6, width=7, pieces=6, moves="flip"),
}

LEVELS = (
    Params(height=4, width=4, pieces=2, moves="slide"),
    Params(height=4, width=5, pieces=3, moves="slide"),
    Params(height=5, width=5, pieces=4, moves="slide"),
    Params(height=5, width=6, pieces=5, moves="slide"),
    Params(height=5, width=6, pieces=5, moves="turn"),
    Params(height=6, width=7, pieces=6, moves="turn"),
    Params(height=7, width=8, pieces=7, moves="flip"),
    Params(height=7, width=8, pieces=8, moves="flip"),
    Params(height=7, width=8, pieces=9, moves="turn"),
    Params(height=6, width=10, pieces=10, moves="turn"),
)


class _Layout(NamedTuple):
    """Hold what all grids of one record of parameters share."""

    shape: tuple[int, int]
    """Rows and columns of the grid."""
    slots: Ints
    """The top left cell of each piece that is shown, `(pieces, 2)`."""
    shapes: Shapes
    """The pieces under these moves."""


@functools.cache
def _layout(params: Params) -> _Layout:
    """Return the layout: two or three rows of pieces are beside the field."""
    rows = 2 if params.pieces <= 6 else 3
    numbers = np.arange(params.pieces, dtype=np.int64)
    slots = np.stack([numbers % rows * _PITCH, params.width + 1 + numbers // rows * _PITCH], axis=1)
    bottom, right = (slots.max(axis=0) + _PITCH - 1).tolist()
    return _Layout((max(params.height, bottom), right), slots, shapes_of(params.moves))


def _scratch(params: Params) -> tuple[Packing, Ints]:
    """Return room for a search, and a board."""
    height, width = params.height, params.width
    return new_packing(height, width, params.pieces), np.zeros((height, width), np.int64)


class _Study(NamedTuple):
    """Hold what a search says of questions, see `study_all`."""

    solutions: Ints
    """The cells of each piece, as bits, `(n, pieces)`."""
    ranks: Ints
    """When each piece is placed, `(n, pieces)`."""
    figures: npt.NDArray[np.float64]
    """Covers, places tried, places of pieces in the empty region, and forced pieces, `(n, 4)`."""


@final
class PolyominoPacking(AnswerTask[Params]):
    """Pack pieces into a region that they cover in one way."""

    family = "polyomino-packing"
    summary = "Fill a region with the pieces beside it, each used once."
    reasoning = Reasoning.GEOMETRY
    look = Look("tiles", cell=16, margin=8)
    codes = _MOST + 2
    legend = ("blank cell", *(f"piece {number}" for number in range(1, _MOST + 1)), "open cell")
    parts = PuzzleTask.parts
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return (*range(params.pieces + 1), OPEN)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = _MAY[params.moves]
        return (
            f"Fill the open cells at the left with the {params.pieces} pieces that are shown beside them. "
            f"Use each piece once, without overlaps, and leave no open cell uncovered. {rule} Keep the "
            "shown pieces and the blank cells.",
            f"The {params.pieces} pieces at the right fit exactly into the open cells. {rule} Write each "
            "piece into the open cells that it covers; every open cell belongs to one piece, and all other "
            "cells stay as they are.",
            "Solve this packing puzzle: divide the open cells into the shapes of the pieces shown next to "
            f"them, each of the {params.pieces} shapes once, and mark each part with its piece. {rule} "
            "Nothing else changes.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        shape, slots, shapes = _layout(params)
        question = np.empty((len(keys), *shape), np.uint8)
        target = np.empty_like(question)
        make_all(keys, slots, shapes, *_scratch(params), question, target)
        return Batch(question, target)

    def _study(self, params: Params, question: Grids) -> _Study:
        """Solve questions. All is 0 if their shape is not the one of these parameters."""
        n, (shape, slots, shapes) = len(question), _layout(params)
        solutions, ranks = np.zeros((2, n, params.pieces), np.int64)
        study = _Study(solutions, ranks, np.zeros((n, 4)))
        if question.shape[1:] == shape:
            study_all(np.ascontiguousarray(question), slots, shapes, *_scratch(params), _LIMIT, *study)
        return study

    def moments(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the step that writes each cell: a piece per step, see `order_pieces`."""
        n, shape = len(question), question.shape
        pieces = np.clip(target.reshape(n, -1).astype(np.int64), 1, params.pieces) - 1
        order = np.take_along_axis(self._study(params, question).ranks, pieces, axis=1)
        return np.where(question != target, order.reshape(shape), -1)

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check that one piece was placed whole on open cells, right or wrong."""
        fault = self._step_fault(params, question, before, after)
        return CheckResult(not fault, fault)

    def _step_fault(self, params: Params, question: Grid, before: Grid, after: Grid) -> str:
        shape, slots, shapes = _layout(params)
        field = (slice(params.height), slice(params.width))
        if not question.shape == before.shape == after.shape == shape:
            return f"the board is not {shape[0]}x{shape[1]}"
        is_open = np.zeros(shape, np.bool_)
        is_open[field] = (question[field] == OPEN) & (before[field] == OPEN)
        is_new = before != after
        if (is_new & ~is_open).any():
            return "a cell was changed that is not open"
        numbers = np.unique(after[is_new]).tolist()
        if len(numbers) != 1 or not 1 <= numbers[0] <= params.pieces:
            return "a step places one piece"
        (number,) = numbers
        if (before[field] == number)[question[field] == OPEN].any():
            return f"piece {number} was placed before"
        slot = slots[number - 1]
        if not is_same(question, after, params.height, params.width, slot, number, shapes.kinds):
            return f"piece {number} does not have the shape that is shown"
        return ""

    def _faults(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.int64]:
        """Return what is wrong with answers of the right shape, `(n,)`, see `_fault`."""
        _, slots, shapes = _layout(params)
        faults = np.zeros(len(question), np.int64)
        grids = [np.ascontiguousarray(each) for each in (question, answer)]
        find_faults(*grids, slots, shapes.kinds, params.height, params.width, faults)
        return faults

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that each piece is in the region once, in its shape, and that nothing else changed."""
        height, width = _layout(params).shape
        if not question.shape == answer.shape == (height, width):
            return CheckResult(False, f"the board is not {height}x{width}")
        fault = int(self._faults(params, question[None], answer[None])[0])
        if fault < 0:
            return CheckResult(True, "")
        if fault > question.size:
            number = fault - question.size
            return CheckResult(False, f"piece {number} does not have the shape that is shown")
        r, c = divmod(fault, width)
        is_open = r < params.height and c < params.width and question[r, c] == OPEN
        what = "has no piece" if is_open else "was changed"
        return CheckResult(False, f"the cell at row {r}, column {c} {what}")

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        if not question.shape[1:] == answer.shape[1:] == _layout(params).shape:
            return np.zeros(len(answer), np.bool_)
        return self._faults(params, question, answer) < 0

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`. All are 0 if question and answer differ in shape."""
        return open_cell_parts(question, target, answer, (OPEN,))

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, work / (work + 1000), and what it is made of.

        - effort: open + log2(1 + work), with work = places + 4 tried.
        - open: the cells of the region.
        - places: where single pieces fit into the empty region.
        - tried: places that a search tries until it knows that there is one solution.
        - branches: steps of the process at which the cell or piece with the fewest places has several.
        """
        figures = self._study(params, question).figures
        _, tried, places, forced = np.ascontiguousarray(figures.T)
        open_cells = (question == OPEN).sum(axis=(1, 2)).astype(np.float64)
        work = places + 4 * tried
        return {
            "score": work / (work + 1000),
            "effort": open_cells + np.log2(1 + work),
            "open": open_cells,
            "places": places,
            "tried": tried,
            "branches": params.pieces - forced,
        }

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return a cover, or None if there is none."""
        study = self._study(params, question[None])
        if study.figures[0, 0] < 1:
            return None
        answer = question.copy()
        cells = answer[: params.height, : params.width]
        places = np.arange(cells.size).reshape(cells.shape)
        for number, mask in enumerate(study.solutions[0], 1):
            cells[mask >> places & 1 == 1] = number
        return answer

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return any of the pieces in each open cell."""
        rng, answer = rng_from(key), question.copy()
        is_open = question == OPEN
        answer[is_open] = [1 + rng_below(rng, params.pieces) for _ in range(int(is_open.sum()))]
        return answer


TASK = PolyominoPacking()
