"""Define the base of simulations whose rule is one compiled step over many grids at once.

Write `draw`, which makes questions, and `advance_batch`, one step of all grids. The rest follows: instances,
processes, checks, parts of rewards, and difficulty. If the parameters have a field `steps`, a process makes
that many steps. Otherwise it ends when nothing changes any more.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, TypeVar, final

import numpy as np
import numpy.typing as npt

from vizbench import seeds
from vizbench.errors import UserError
from vizbench.seeds import random_grids
from vizbench.task.bases import StepTask
from vizbench.types import Batch, Grid, Grids, Keys, Trajectories

P = TypeVar("P")

_TRIES = 1000
"""How often a question that does not suit is drawn again before an error is raised."""


NEAR_PARTS: Final[Mapping[str, str]] = {
    "steps": "the place in the process of the state that the answer is nearest to, 1 for the last",
    "near": "1 minus the cells that differ from that state, as a share of half the cells that the step to it "
    "changed, at least 0",
}
"""The parts of `SimulationTask.near_parts`."""


class SimulationTask(StepTask[P]):
    """Predict where a simulation leads.

    A grid is the whole state: the next one depends on it and the parameters only. Grids from outside may
    hold any codes below `codes` and have any shape. A step leaves a grid as it is if it has no meaning.
    """

    most_steps: ClassVar[int] = 1000
    """Steps after which a process without `steps` in its parameters counts as endless."""
    fixed: ClassVar[tuple[int, ...]] = ()
    """Codes of cells that no process changes. A guess keeps them and holds no others of them."""

    @abstractmethod
    def draw(self, params: P, keys: Keys) -> Grids:
        """Return one question per key, `(n, h, w)`. Each depends on its own key only."""

    @abstractmethod
    def advance_batch(self, params: P, states: Grids) -> Grids:
        """Return the states after one step, a new array `(n, h, w)`."""

    def suits(self, params: P, question: Grids, target: Grids) -> npt.NDArray[np.bool_]:
        """Return which questions are worth asking, `(n,)`. Others are drawn again.

        Default: those whose target differs.
        """
        return _differ(question, target)

    @final
    def generate_batch(self, params: P, keys: Keys) -> Batch:
        question = self.draw(params, keys)
        target, counts, _ = self._simulate(params, question, False)
        rows = np.flatnonzero(~self.suits(params, question, target) | (counts == 0))
        keys = keys.copy()
        for _ in range(_TRIES):
            if not len(rows):
                return Batch(question, target)
            keys[rows] = seeds.splitmix64(keys[rows] + np.uint64(seeds.GOLDEN))
            again = self.draw(params, keys[rows])
            question[rows] = again
            target[rows], counts, _ = self._simulate(params, again, False)
            rows = rows[~self.suits(params, again, target[rows]) | (counts == 0)]
        raise UserError(f"{self.family} makes no question with {params}: choose other values")

    def _simulate(
        self, params: P, question: Grids, record: bool
    ) -> tuple[Grids, npt.NDArray[np.int64], list[tuple[npt.NDArray[np.intp], Grids]]]:
        """Return the last states `(n, h, w)`, the numbers of steps `(n,)`, and if asked the states.

        The states after step k are one pair per step: rows, and their grids. A row without a step, or
        without an end, has 0 steps.
        """
        asked: int | None = getattr(params, "steps", None)
        last, counts = question.copy(), np.zeros(len(question), np.int64)
        record_of_steps: list[tuple[npt.NDArray[np.intp], Grids]] = []
        rows, states = np.arange(len(question)), question
        for number in range(1, (asked or self.most_steps + 1) + 1):
            after = self.advance_batch(params, states)
            if asked is None:
                changes = _differ(states, after)
                if not changes.all():
                    rows, after = rows[changes], after[changes]
                counts[rows] = number
                last[rows] = after
            if record:
                record_of_steps.append((rows, after))
            states = after
            if not len(rows):
                break
        if asked is not None:
            return states, counts + asked, record_of_steps
        counts[counts > self.most_steps] = 0
        return last, counts, record_of_steps

    @final
    def advance(self, params: P, state: Grid) -> Grid | str:
        after = self.advance_batch(params, state[None])[0]
        if getattr(params, "steps", None) is None and np.array_equal(after, state):
            return "nothing changes any more"
        return after

    @final
    def run(self, params: P, state: Grid, count: int | None) -> Grids | str:
        _, counts, record = self._simulate(params, state[None], True)
        if counts[0] == 0:
            return "nothing changes" if len(record[0][0]) == 0 else "it has no end"
        return np.concatenate([states for _, states in record])

    @final
    def steps(self, params: P, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    @final
    def steps_batch(self, params: P, question: Grids, target: Grids) -> Trajectories:
        _, counts, record = self._simulate(params, question, True)
        starts = np.zeros(len(question) + 1, np.int64)
        np.cumsum(np.maximum(counts, 1), out=starts[1:])
        states = np.empty((int(starts[-1]), *question.shape[1:]), np.uint8)
        for number, (rows, after) in enumerate(record):
            ends = counts[rows] > 0
            states[starts[rows[ends]] + number] = after[ends]
        lacking = counts == 0
        states[starts[:-1][lacking]] = target[lacking]
        return Trajectories(states, starts)

    @final
    def check_batch(self, params: P, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        last, counts, _ = self._simulate(params, question, False)
        return ~_differ(last, answer) & (counts > 0)

    @final
    def near_parts(
        self, params: P, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return the parts `NEAR_PARTS`, for tasks of which most cells can be foreseen."""
        from vizbench.kernels.changes import near_parts  # no task needs numba to be listed

        n = len(question)
        process = self.steps_batch(params, question, target)
        states = process.states.reshape(len(process.states), -1)
        steps, near = np.empty(n), np.empty(n)
        flat = [np.ascontiguousarray(grids).reshape(n, -1) for grids in (question, answer)]
        near_parts(flat[0], states, process.starts, flat[1], steps, near)
        return {"steps": steps, "near": near}

    def effort(self, params: P, question: Grids, states: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return what levels rise in, `(n,)`. Default: cells times `steps`, or only cells.

        states: the number of steps of each process, `(n,)`.
        """
        cells = question.shape[1] * question.shape[2]
        return np.full(len(question), float(cells * (getattr(params, "steps", None) or 1)))

    @final
    def difficulty_batch(
        self, params: P, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, changes / (changes + cells), and what it is made of.

        - effort: what levels rise in, see the task's `effort`. Usually cells times steps.
        - states: the number of steps.
        - changes: cells that change, summed over the steps.
        - changed: the share of the target's cells that differ from the question's.
        """
        n, cells = len(question), question.shape[1] * question.shape[2]
        process = self.steps_batch(params, question, target)
        states = process.states.reshape(len(process.states), cells)
        before = np.empty_like(states)
        before[1:] = states[:-1]
        before[process.starts[:-1]] = question.reshape(n, cells)
        totals = np.zeros(len(states) + 1, np.int64)
        np.cumsum((states != before).sum(axis=1), out=totals[1:])
        changes = np.diff(totals[process.starts]).astype(np.float64)
        counts = np.diff(process.starts)
        return {
            "score": changes / (changes + cells),
            "effort": self.effort(params, question, counts),
            "states": counts.astype(np.float64),
            "changes": changes,
            "changed": (question != target).reshape(n, cells).mean(axis=1),
        }

    def guess(self, params: P, question: Grid, key: int) -> Grid:
        """Return any code that can change in each cell that can change, with equal chances."""
        free = np.setdiff1d(np.arange(self.codes, dtype=np.uint8), np.array(self.fixed, np.uint8))
        height, width = question.shape
        drawn = random_grids(np.array([key], np.uint64), height, width, len(free))[0]
        return np.where(np.isin(question, self.fixed), question, free[drawn])


def _differ(a: Grids, b: Grids) -> npt.NDArray[np.bool_]:
    """Return which pairs of grids `(n, h, w)` differ, `(n,)`."""
    return (a != b).reshape(len(a), a.shape[1] * a.shape[2]).any(axis=1)
