"""Generate trap fields: mark a shortest path from the start to the goal that sets off no trap.

Traps are on random cells of an open square. By default a trap catches who steps onto it. With reach, it also
catches who steps onto one of the four cells beside it, which look like any other ground. Moves go to the four
neighbours. Any shortest safe path is right. Codes: 0 trap, 1 ground, 2 start, 3 goal, 4 path. Start and goal
are drawn evenly from safe cells, and fields without a path of some length between them are drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.paths import (
    GOAL,
    OPEN,
    PATH,
    PATH_PARTS,
    START,
    WALL,
    check_path,
    check_paths,
    growth_fault,
    guessed_path,
    path_moments,
    path_parts,
)
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import Reasoning
from vizbench.task.planning import keys_again
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_DRAWS: Final = 400
"""Fields drawn for a key before the task gives up."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a trap field."""

    size: int = 12
    """Cells per side, 6 … 40."""
    traps: float = 0.3
    """Traps as a share of all cells, 0 … 0.4; with reach at most 0.15."""
    reach: bool = False
    """Whether a trap also catches on the four cells beside it."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(6, 40), traps=(0, 0.15 if self.reach else 0.4))


VARIANTS = {"base": Params(), "reach": Params(traps=0.1, reach=True)}

LEVELS = (
    Params(6, 0.2),
    Params(7, 0.25),
    Params(8),
    Params(9),
    Params(11),
    Params(12, 0.1, True),
    Params(14, 0.11, True),
    Params(17, 0.12, True),
    Params(20, 0.12, True),
    Params(24, 0.13, True),
)


@jit
def _spare(rng, board, safe, code):
    """Put a code on a random cell that is safe and ground, if there is any."""
    cells = board.shape[0]
    first = rng_below(rng, cells)
    for k in range(cells):
        at = (first + k) % cells
        if safe[at] == OPEN and board[at] == OPEN:
            board[at] = code
            return


@jit
def _danger(question, reach, safe):
    """Copy fields `(n, h, w)` to `safe`, with the cells where a trap catches as traps."""
    n, h, w = question.shape
    for i in range(n):
        safe[i] = question[i]
        if not reach:
            continue
        for r in range(h):
            for c in range(w):
                for k in range(4):
                    y = r + (k == 0) - (k == 1)
                    x = c + (k == 2) - (k == 3)
                    if 0 <= y < h and 0 <= x < w and question[i, y, x] == WALL:
                        safe[i, r, c] = WALL


@jit
def _draw(keys, count, reach, question):
    """Draw traps, start and goal. question: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    cells = question.shape[1] * question.shape[2]
    safe = np.empty_like(question[:1])
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        question[i] = OPEN
        board = question[i].reshape(-1)
        left = count
        while left > 0:
            at = rng_below(rng, cells)
            left -= board[at] == OPEN
            board[at] = WALL
        _danger(question[i : i + 1], reach, safe)
        for code in (START, GOAL):
            _spare(rng, board, safe.reshape(-1), code)


def _safe(params: Params, question: Grids) -> Grids:
    """Return fields with the cells where a trap catches as traps."""
    safe = np.empty_like(question)
    _danger(question, params.reach, safe)
    return safe


def _marked(params: Params, question: Grids) -> Grids:
    """Return fields with a shortest path marked, if there is one."""
    safe = _safe(params, question)
    moments = path_moments(safe, np.where(safe == OPEN, np.uint8(PATH), safe))
    return np.where(moments >= 0, np.uint8(PATH), question)


@final
class Trapfield(AnswerTask[Params]):
    """Mark a shortest path that sets off no trap."""

    family = "trapfield"
    summary = "Mark a shortest path from the start to the goal that sets off no trap."
    reasoning = Reasoning.GLOBAL_SEARCH
    look = Look("trapfield", cell=16)
    codes = 5
    legend = ("trap", "ground", "start", "goal", "path cell")
    parts = PATH_PARTS
    step_text = "a step marks one"
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        moves = "Moves go up, down, left or right to the next cell, never diagonally."
        trap = "A trap catches whoever steps onto it."
        if params.reach:
            trap = (
                "A trap catches whoever steps onto it or onto a cell directly above, below, left or right of "
                "it."
            )
        return (
            "Mark a shortest safe path from the start to the goal: turn the ground on it into path cells. "
            f"{trap} {moves} If several safe paths are shortest, any of them is right.",
            f"Cross the field from the start to the goal in as few moves as possible, without being caught. "
            f"{trap} {moves} Mark the ground on the way as path cells, and keep every other cell.",
            f"Connect the start and the goal by path cells. {trap} {moves} The path must set off no trap and "
            "be as short as that allows; of several shortest ones, choose any. Only ground on it changes.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        """Make one instance per key. Raises UserError if no field has a path that is long enough."""
        size = params.size
        question = np.empty((len(keys), size, size), np.uint8)
        target, pending = np.empty_like(question), np.arange(len(keys))
        for attempt in range(_DRAWS):
            drawn = np.empty((len(pending), size, size), np.uint8)
            again = keys_again(keys[pending], attempt)
            _draw(again, int(params.traps * size * size), params.reach, drawn)
            marked = _marked(params, drawn)
            accepted = (marked == PATH).sum(axis=(1, 2)) >= size * 2 // 3
            question[pending[accepted]] = drawn[accepted]
            target[pending[accepted]] = marked[accepted]
            pending = pending[~accepted]
            if not len(pending):
                return Batch(question, target)
        raise UserError(f"none of {_DRAWS} fields has a long safe path: give a lower traps")

    @staticmethod
    def _shown(params: Params, question: Grids, answer: Grids) -> tuple[Grids, Grids]:
        """Return questions and answers with the cells where a trap catches as traps, unless changed."""
        safe = _safe(params, question)
        shown = np.where(answer == question, safe, answer)
        # A trap drawn onto a guarded cell is a change, and must not look like the guard.
        shown[(answer != question) & (shown == safe)] = OPEN
        return safe, shown

    def moments(self, params: Params, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        return path_moments(*self._shown(params, question, target))

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why the path must not grow by this cell. A detour is legal."""
        safe, (old, new) = _safe(params, question[None])[0], (before, after)
        old, new = (np.where(grid == question, safe, grid) for grid in (old, new))
        return _words(growth_fault(safe, old, new, cell))

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        if question.shape != answer.shape:
            return np.zeros(len(question), np.bool_)
        return check_paths(*self._shown(params, question, answer), False)

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that the marked ground is a shortest safe path, and other cells unchanged.

        `figures` are psr and rpl of `kernels.paths.check_path`.
        """
        if question.shape != answer.shape:
            return CheckResult(False, "the answer has another size than the question")
        safe, shown = self._shown(params, question[None], answer[None])
        result = check_path(safe[0], shown[0])
        if result.valid and result.figures["rpl"] > 1:
            reason = f"the path is {result.figures['rpl']:.3g} times as long as the shortest"
            return CheckResult(False, reason, result.figures)
        return CheckResult(result.valid, _words(result.reason), result.figures)

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        if question.shape != answer.shape:
            return dict.fromkeys(PATH_PARTS, np.zeros(len(question)))
        return path_parts(*self._shown(params, question, answer))

    def solve(self, params: Params, question: Grid) -> Grid | None:
        answer = _marked(params, question[None])
        return answer[0] if self.check_batch(params, question[None], answer)[0] else None

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return a random safe walk that never meets itself, or None unless there is a start and a goal."""
        walk = guessed_path(_safe(params, question[None])[0], key)
        return None if walk is None else np.where(walk == PATH, np.uint8(PATH), question)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, path / (path + 32), and what it is made of.

        - effort: cells of ground.
        - path: cells of a shortest path, without start and goal.
        - traps: cells with a trap.
        - safe: cells of ground on which no trap catches.
        """
        path = (_marked(params, question) == PATH).sum(axis=(1, 2)).astype(np.float64)
        return {
            "score": path / (path + 32),
            "effort": (question == OPEN).sum(axis=(1, 2)).astype(np.float64),
            "path": path,
            "traps": (question == WALL).sum(axis=(1, 2)).astype(np.float64),
            "safe": (_safe(params, question) == OPEN).sum(axis=(1, 2)).astype(np.float64),
        }


def _words(reason: str) -> str:
    """Return a reason of `kernels.paths` in this task's words."""
    return reason.replace("the wall", "the cell that a trap guards").replace("open cell", "ground")


TASK = Trapfield()
