"""Define base classes that make a task short to write. Derive a new task from the one that fits.

- `StepTask`: a simulation. Write one step, `advance`.
- `AnswerTask`: a puzzle. Write `solve`, and `check` if several answers can be right.
- `MoveTask`: moves towards a goal. Write the legal `moves` and `goal_fault`.

Each takes `generate_batch` as well. `vizbench.task.contract.Task` is for anything else.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.cells import changed
from vizbench._util.text import plural
from vizbench.kernels.process_states import cell_steps
from vizbench.kernels.rng import rng_below, rng_from
from vizbench.task.contract import Task, check_equal
from vizbench.types import CheckResult, Grid, Grids, Trajectories

P = TypeVar("P")


class StepTask(Task[P]):
    """Predict the state after some steps of a rule: a simulation.

    Write `generate_batch` and `advance`. If the parameters have a field `steps`, the process has that many
    states. Otherwise it ends if `advance` returns a text.
    """

    def rule(self, params: P) -> str:
        """Return the rule's name in reasons, such as "B3/S23". Default: "the rule"."""
        return "the rule"

    @abstractmethod
    def advance(self, params: P, state: Grid) -> Grid | str:
        """Return the state after one step, a new grid, or why no step follows, as a clause."""

    def run(self, params: P, state: Grid, count: int | None) -> Grids | str:
        """Return the states after 1 … count steps, `(count, h, w)`, or why there are fewer, as a clause.

        count: None for all steps up to the end, at least one. Override it if a kernel makes many steps at
        once.
        """
        states: list[Grid] = []
        while count is None or len(states) < count:
            after = self.advance(params, states[-1] if states else state)
            if not isinstance(after, str):
                states.append(after)
            elif states and count is None:
                break
            else:
                return after
        return np.stack(states)

    def step_count(self, params: P, question: Grid) -> int | None:
        """Return the field `steps` of the parameters, or None if they have none."""
        return getattr(params, "steps", None)

    def steps(self, params: P, question: Grid, target: Grid) -> Grids:
        """Return the state after each step."""
        states = self.run(params, question, self.step_count(params, question))
        return target[None] if isinstance(states, str) else states

    parts: ClassVar[Mapping[str, str]] = {
        "steps": "the place in the process of the state that the answer is nearest to, 1 for the last",
        "changed": "of the step to that state: the share of the cells that had to become a code and did, for "
        "the code with the least share, minus the share of the other cells that were changed",
        "precise": "the share of the cells changed since the state before that are right",
    }

    def parts_batch(
        self, params: P, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got along its process, see `kernels.changes.step_parts`.

        - steps: the place in the process of the state that the answer is nearest to.
        - changed, precise: how well the answer makes the step to that state.
        """
        from vizbench.kernels.changes import step_parts  # no task needs numba to be listed

        n = len(question)
        process = self.steps_batch(params, question, target)
        states = process.states.reshape(len(process.states), -1)
        steps, changed, precise = np.empty(n), np.empty(n), np.empty(n)
        flat = [np.ascontiguousarray(grids).reshape(n, -1) for grids in (question, answer)]
        step_parts(flat[0], states, process.starts, flat[1], steps, changed, precise)
        return {"steps": steps, "changed": changed, "precise": precise}

    def outcome(self, params: P, question: Grid) -> Grid | str:
        """Return the state after all steps, or why there is none, as a clause."""
        states = self.run(params, question, self.step_count(params, question))
        return states if isinstance(states, str) else states[-1]

    def solve(self, params: P, question: Grid) -> Grid | None:
        """Return the state after all steps, or None if a step is not possible."""
        outcome = self.outcome(params, question)
        return None if isinstance(outcome, str) else outcome

    def check(self, params: P, question: Grid, answer: Grid) -> CheckResult:
        """Run the steps again from the question, and compare."""
        outcome, count = self.outcome(params, question), self.step_count(params, question)
        if isinstance(outcome, str):
            return CheckResult(False, f"no answer is right: {outcome}")
        after = "" if count is None else f" after {plural(count, 'step')}"
        return check_equal(answer, outcome, f"differ from {self.rule(params)}{after}")

    def check_step(self, params: P, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Advance the state before by one step, and compare."""
        expected = self.advance(params, before)
        if isinstance(expected, str):
            return CheckResult(False, f"no step follows: {expected}")
        return check_equal(after, expected, f"differ from one step of {self.rule(params)}")


class AnswerTask(Task[P]):
    """Find a grid that fits the question: a puzzle.

    Write `generate_batch` and `solve`, and `check` if several answers can be right. The process writes the
    answer's cells one by one, each once, in reading order. An answer of another size is given in one step.
    """

    step_text: ClassVar[str] = "a step writes one"
    """What a step does with one cell, as a clause for reasons."""

    def check(self, params: P, question: Grid, answer: Grid) -> CheckResult:
        """Check an answer. Default: it equals the answer of `solve`."""
        expected = self.solve(params, question)
        if expected is None:
            return CheckResult(False, "no answer to this question is right")
        return check_equal(answer, expected, "differ from the answer")

    def canvas(self, params: P, question: Grids) -> Grids:
        """Return the grids that the processes begin with, `(n, h, w)`. Default: the questions."""
        return question

    def moments(self, params: P, question: Grids, target: Grids) -> npt.NDArray[np.integer]:
        """Return the number of the step that writes each cell, `(n, h, w)` from 0; -1 if none does.

        Default: the cells that differ from the canvas, in reading order.
        """
        written = (self.canvas(params, question) != target).reshape(len(target), math.prod(target.shape[1:]))
        return np.where(written, np.cumsum(written, axis=1) - 1, -1).reshape(target.shape)

    def cell_fault(self, params: P, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]) -> str:
        """Return why this cell, the only one that differs, must not get this value; "" if it may."""
        return ""

    def steps(self, params: P, question: Grid, target: Grid) -> Grids:
        """Return the canvas with one more cell of the target per state."""
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: P, question: Grids, target: Grids) -> Trajectories:
        """Return the canvases with more of the target's cells per state, see `moments`."""
        canvas = self.canvas(params, question)
        if canvas.shape != target.shape:
            return Trajectories(target, np.arange(len(target) + 1))
        return cell_steps(canvas, target, self.moments(params, question, target))

    def check_step(self, params: P, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check that one cell was written that was not written before. Its value may be wrong."""
        start = self.canvas(params, question[None])[0]
        if before.shape != start.shape:
            return CheckResult(False, "the answer was given before")
        if start.shape != after.shape:
            return self.check(params, question, after)
        if np.array_equal(before, question):
            before = start
        written = changed(before, after, 1, self.step_text)
        if isinstance(written, str):
            return CheckResult(False, written)
        (cell,) = written
        fault = self.cell_fault(params, question, before, after, cell)
        if not fault and before[cell] != start[cell]:
            fault = f"the cell at row {cell[0]}, column {cell[1]} was written before"
        return CheckResult(not fault, fault)


class MoveTask(Task[P]):
    """Reach a goal by moves: a game or puzzle.

    Write `generate_batch`, `moves` and `goal_fault`. States are grids that hold all that moves depend on.
    """

    one_move: ClassVar[bool] = False
    """Whether the answer is the state after one move. Otherwise it may take any number of moves."""
    most_states: ClassVar[int] = 100_000
    """States that a search visits before it gives up."""

    @abstractmethod
    def moves(self, params: P, state: Grid) -> Sequence[Grid]:
        """Return the states after one legal move, in a fixed order. They are none if no move is legal."""

    @abstractmethod
    def goal_fault(self, params: P, question: Grid, answer: Grid) -> str:
        """Return why a state is not the goal, as a clause; "" if it is."""

    def move_fault(self, params: P, before: Grid, after: Grid) -> str:
        """Return why no legal move leads from `before` to `after`, as a clause; "" if one does."""
        legal = any(np.array_equal(after, state) for state in self.moves(params, before))
        return "" if legal else "no legal move leads to this state"

    @final
    def plan(self, params: P, question: Grid, target: Grid | None = None) -> list[Grid] | None:
        """Return the states of a shortest plan to the target, or to the nearest goal if none is given.

        Of several shortest plans, the first in the order of `moves` is taken. Returns None if there is none,
        or if the search gives up.
        """
        waiting: deque[tuple[Grid, ...]] = deque([()])
        seen = {question.tobytes()}
        while waiting:
            trajectory = waiting.popleft()
            for state in self.moves(params, trajectory[-1] if trajectory else question):
                if state.tobytes() in seen:
                    continue
                if self._ends(params, question, state, target):
                    return [*trajectory, state]
                if len(seen) >= self.most_states:
                    return None
                seen.add(state.tobytes())
                if not self.one_move:
                    waiting.append((*trajectory, state))
        return None

    def _ends(self, params: P, question: Grid, state: Grid, target: Grid | None) -> bool:
        if target is None:
            return not self.goal_fault(params, question, state)
        return np.array_equal(state, target)

    def steps(self, params: P, question: Grid, target: Grid) -> Grids:
        """Return the states of a shortest plan to the target."""
        plan = None if self.one_move else self.plan(params, question, target)
        return target[None] if plan is None else np.stack(plan)

    def solve(self, params: P, question: Grid) -> Grid | None:
        """Return the nearest goal, or None if no moves lead to one."""
        plan = self.plan(params, question)
        return None if plan is None else plan[-1]

    def check(self, params: P, question: Grid, answer: Grid) -> CheckResult:
        """Check that legal moves lead to the answer, and that it is the goal."""
        fault = self.move_fault(params, question, answer) if self.one_move else ""
        fault = fault or self.goal_fault(params, question, answer)
        if not fault and not self.one_move and self.plan(params, question, answer) is None:
            fault = "no legal moves lead to this state"
        return CheckResult(not fault, fault)

    def check_step(self, params: P, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check one move, right or wrong."""
        fault = self.move_fault(params, before, after)
        return CheckResult(not fault, fault)

    def guess(self, params: P, question: Grid, key: int) -> Grid | None:
        """Return the state after a random legal move, or None if there is none."""
        states = self.moves(params, question)
        if not states:
            return None
        chosen: int = rng_below(rng_from(key), len(states))
        return states[chosen]
