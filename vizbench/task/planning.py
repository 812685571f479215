"""Define a base for planning: moves lead from a question to a goal, and the answer is on a shortest plan.

A family writes the legal moves, for many states at once, and which states are goals. `PlanTask` derives the
rest from one breadth-first search over all instances at once. No kernel takes a function as its argument, so
the loop over levels is in Python.
"""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.kernels.changes import change_parts
from vizbench.kernels.rng import rng_below, rng_from
from vizbench.kernels.search import (
    Flat,
    Numbers,
    StateSet,
    add_ways,
    equal_states,
    nearest_states,
    trace_plans,
)
from vizbench.seeds import GOLDEN, splitmix64
from vizbench.task.contract import Task
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Trajectories

P = TypeVar("P")

_DRAWS: Final = 400
"""Questions drawn for a key before a task gives up."""

_TOGETHER: Final = 64
"""Instances that a search begins with. Later searches take as many as fit their states."""

_STATES: Final = 400_000
"""States of all instances that are searched together, as estimated from the search before."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """The states on shortest plans from each question to a goal, one instance after the other."""

    states: Grids
    """`(total, h, w)`, each instance's in the order of its search: the question first."""
    levels: Numbers
    """Moves from the question to each state, `(total,)`."""
    parents: Numbers
    """The place of the state before each state in the first plan to it, `(total,)`; -1 for questions."""
    starts: Numbers
    """Where each instance begins, and the total at the end, `(n + 1,)`."""
    distance: Numbers
    """Moves of a shortest plan, `(n,)`; -1 if there is none, or if the search gave up."""
    ways: npt.NDArray[np.float64]
    """The number of shortest plans, `(n,)`."""
    visited: Numbers
    """States that the search has visited, `(n,)`."""


class PlanTask(Task[P]):
    """Make the first moves of a shortest plan: sliding tiles, Sokoban.

    Write `draw`, `expand` and `is_goal`. States are grids that hold all that moves depend on, walls and goals
    included. The answer is any state that so many moves of some shortest plan lead to. If the parameters
    have a field `moves`, it is that many; 0 means all moves up to the goal.
    """

    most_states: ClassVar[int] = 100_000
    """States of one instance that a search visits before it gives up."""

    parts: ClassVar[Mapping[str, str]] = {
        "moves": "the moves that lead to the state on a shortest plan that the answer is nearest to, as a "
        "share of the moves asked",
        "changed": "from the question to that state: the share of the cells that had to become a code and "
        "did, for the code with the least share, minus the share of the other cells that were changed",
        "precise": "the share of the changed cells that are as in that state",
    }

    @abstractmethod
    def draw(self, params: P, keys: Keys) -> Grids:
        """Return a question per key, `(n, h, w)`. Those that `accepts` refuses are drawn again."""

    @abstractmethod
    def expand(self, params: P, states: Grids) -> tuple[Numbers, Grids]:
        """Return all states after one legal move from each of `(m, h, w)` states, in a fixed order.

        Returns the place of the state before, ascending, `(k,)`, and the state after, `(k, h, w)`. States may
        be malformed: these have any legal moves, or none.
        """

    @abstractmethod
    def is_goal(self, params: P, states: Grids) -> npt.NDArray[np.bool_]:
        """Return which states `(m, h, w)` are goals, `(m,)`."""

    def left(self, params: P, states: Grids) -> Numbers | None:
        """Return the moves from each state to a goal, `(m,)`, -1 if there is no plan or it is too long.

        Default: None. Then they are searched for.
        """
        return None

    def accepts(self, params: P, plans: Plans) -> npt.NDArray[np.bool_]:
        """Return which drawn questions are given out, `(n,)`. Default: those with as many moves as asked."""
        return plans.distance >= max(1, self.moves(params))

    def moves(self, params: P) -> int:
        """Return how many moves are asked, 0 for all up to the goal. Default: the field `moves`."""
        return int(getattr(params, "moves", 0))

    # Searches

    @final
    def search(self, params: P, question: Grids, moves: int | None = None) -> Plans:
        """Search for the shortest plans of questions `(n, h, w)`. The last results are kept.

        moves: how many moves of the plans to keep, 0 for all. None: as many as are asked.
        """
        depth = self.moves(params) if moves is None else moves
        return _kept(self, params, depth, question.shape, question.tobytes())

    @final
    def asked(self, params: P, plans: Plans) -> Numbers:
        """Return how many moves each question asks for, `(n,)`; 0 if no answer is right."""
        count = self.moves(params)
        if count == 0:
            return np.maximum(plans.distance, 0)
        return np.where(plans.distance >= count, count, 0)

    # What a task is

    @final
    def generate_batch(self, params: P, keys: Keys) -> Batch:
        """Make one instance per key. Raises UserError if a key has no question that is accepted."""
        question = self.draw(params, keys)
        target = np.empty_like(question)
        drawn, pending = question, np.arange(len(keys))
        for attempt in range(1, _DRAWS):
            plans = self.search(params, drawn)
            accepted = np.flatnonzero(self.accepts(params, plans))
            question[pending[accepted]] = drawn[accepted]
            ends = _first_ends(plans, self.asked(params, plans))
            target[pending[accepted]] = plans.states[ends[accepted]]
            pending = np.delete(pending, accepted)
            if not len(pending):
                return Batch(question, target)
            drawn = self.draw(params, keys_again(keys[pending], attempt))
        raise UserError(
            f"none of {_DRAWS} questions of {self.family} is far enough from its goal: ask for fewer moves"
        )

    def check_batch(self, params: P, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        if question.shape != answer.shape:
            return np.zeros(len(question), np.bool_)
        return self._ends(params, question, answer)[1] >= 0

    def check(self, params: P, question: Grid, answer: Grid) -> CheckResult:
        """Check that so many moves of some shortest plan lead to the answer."""
        if question.shape != answer.shape:
            return CheckResult(False, "the answer has another size than the question")
        plans, ends = self._ends(params, question[None], answer[None])
        if ends[0] >= 0:
            return CheckResult(True, "")
        count = self.moves(params)
        if plans.distance[0] < 1:
            return CheckResult(
                False, "no plan leads from the question to a goal, or it is too long, so no answer is right"
            )
        if plans.distance[0] < count:
            return CheckResult(
                False, f"the goal is less than {plural(count, 'move')} away, so no answer is right"
            )
        return CheckResult(False, self._fault(params, plans, answer))

    @final
    def _fault(self, params: P, plans: Plans, answer: Grid) -> str:
        """Return why an answer is wrong, as a sentence."""
        same = (plans.states == answer).all(axis=(1, 2))
        asked = plural(int(self.asked(params, plans)[0]), "is asked", "are asked")
        if same.any():
            made = plural(int(plans.levels[same][0]), "move")
            return f"a shortest plan is here after {made}, but {asked}"
        differ = int((plans.states[plans.levels > 0] != answer).sum(axis=(1, 2)).min())
        cells = plural(differ, "cell")
        return f"no shortest plan comes to this state: the nearest state on one differs in {cells}"

    @final
    def _ends(self, params: P, question: Grids, answer: Grids) -> tuple[Plans, Numbers]:
        """Return the plans, and the place of the state that each answer shows if it is right, else -1."""
        plans, ends = self.search(params, question), np.full(len(question), -1, np.int64)
        asked = self.asked(params, plans)
        asked = np.where(asked > 0, asked, -1)
        equal_states(_flat(answer), _flat(plans.states), plans.starts, plans.levels, asked, ends)
        return plans, ends

    def parts_batch(
        self, params: P, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far along a shortest plan each answer is, and how well it shows that state."""
        n = len(question)
        moves, changed, precise = np.zeros(n), np.zeros(n), np.zeros(n)
        plans = self.search(params, question)
        if question.shape == answer.shape and len(plans.states):
            asked, places = self.asked(params, plans), np.empty(n, np.int64)
            nearest_states(_flat(answer), _flat(plans.states), plans.starts, plans.levels, asked, places)
            shown = places >= 0
            nearest = np.where(shown[:, None, None], plans.states[places], question)
            change_parts(_flat(question), _flat(nearest), _flat(answer), changed, precise)
            moves[shown] = plans.levels[places[shown]] / asked[shown]
        return {"moves": moves, "changed": changed, "precise": precise}

    def steps(self, params: P, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: P, question: Grids, target: Grids) -> Trajectories:
        """Return the states after each move of the first shortest plan that leads to each target.

        A target that is not right is the only state of its process.
        """
        n, plans = len(question), self.search(params, question)
        if question.shape != target.shape or not len(plans.states):
            return Trajectories(target, np.arange(n + 1))
        ends = self._ends(params, question, target)[1]
        lengths = np.where(ends >= 0, plans.levels[ends], 1)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        chosen = np.empty(int(starts[-1]), np.int64)
        trace_plans(ends, plans.parents, starts, chosen)
        states = plans.states[chosen]
        states[starts[:-1][ends < 0]] = target[ends < 0]
        return Trajectories(states, starts)

    def step_count(self, params: P, question: Grid) -> int | None:
        return self.moves(params) or None

    def check_step(self, params: P, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check one legal move that is the first of a shortest plan to a goal."""
        if before.shape != after.shape:
            return CheckResult(False, "the state has another size than the one before")
        plans = self.search(params, before[None], 1)
        if (plans.states[plans.levels == 1] == after).all(axis=(1, 2)).any():
            return CheckResult(True, "")
        _, states = self.expand(params, before[None])
        if (states == after).all(axis=(1, 2)).any():
            return CheckResult(False, "the move does not lead nearer to the goal")
        return CheckResult(False, "no legal move leads to this state")

    def solve(self, params: P, question: Grid) -> Grid | None:
        """Return the state on the first shortest plan, or None if no answer is right."""
        plans = self.search(params, question[None])
        asked = self.asked(params, plans)
        return plans.states[_first_ends(plans, asked)[0]].copy() if asked[0] > 0 else None

    def guess(self, params: P, question: Grid, key: int) -> Grid | None:
        """Return the state after as many random legal moves, or None if there is none."""
        rng, state = rng_from(key), question
        count = self.moves(params) or int(self.search(params, question[None]).distance[0])
        for made in range(max(1, count)):
            _, states = self.expand(params, state[None])
            if not len(states):
                return state.copy() if made else None
            state = states[rng_below(rng, len(states))]
        return state.copy()

    def difficulty_batch(
        self, params: P, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, x / (x + 16) with x = moves asked + distance / 4, and what it is made of.

        - effort: moves asked times the cells of the board.
        - distance: moves of a shortest plan to the goal.
        - plans: the number of shortest plans.
        - right: states that are right answers.
        """
        plans = self.search(params, question)
        asked = self.asked(params, plans)
        rows = np.repeat(np.arange(len(question)), np.diff(plans.starts))
        right = np.bincount(rows[plans.levels == asked[rows]], minlength=len(question)).astype(np.float64)
        work = (asked + np.maximum(plans.distance, 0) / 4).astype(np.float64)
        return {
            "score": work / (work + 16),
            "effort": (asked * math.prod(question.shape[1:])).astype(np.float64),
            "distance": plans.distance.astype(np.float64),
            "plans": plans.ways,
            "right": right,
        }


@functools.lru_cache(maxsize=4)
def _kept(task: PlanTask[P], params: P, depth: int, shape: tuple[int, ...], data: bytes) -> Plans:
    """Return the plans of questions, in groups that fit into memory.

    A few results are kept, because the figures, the process and the check of the same rows all need them.
    """
    question = np.frombuffer(data, np.uint8).reshape(shape)
    groups: list[Plans] = []
    at, size = 0, _TOGETHER
    while at < len(question) or not groups:
        group = _Search(task, params, question[at : at + size]).run(depth)
        groups.append(group)
        at += size
        each = int(group.visited.sum()) // max(1, len(group.visited))
        size = max(1, _STATES // max(1, each))
    return groups[0] if len(groups) == 1 else _joined(groups)


@final
class _Search:
    """One search from several questions at once."""

    def __init__(self, task: PlanTask[Any], params: Any, question: Grids) -> None:
        n, self._shape = len(question), question.shape[1:]
        self._task, self._params = task, params
        self._known = StateSet(self._shape[0] * self._shape[1])
        self._known.add(_flat(question), np.arange(n))
        self._parents = [np.full(n, -1, np.int64)]
        self._bounds = [0, n]  # where each level begins, and the end
        self._moves: list[tuple[Numbers, Numbers]] = []  # of each level: places before and after
        self._distance, self._visited = np.full(n, -1, np.int64), np.ones(n, np.int64)
        self._goals: list[Numbers] = []

    def run(self, depth: int) -> Plans:
        """Search until each question has reached a goal, or gives up. depth: moves to keep, 0 for all."""
        known = self._known
        while True:
            places = np.arange(self._bounds[-2], self._bounds[-1])
            goals = places[self._task.is_goal(self._params, self._grids(places))]
            self._goals.append(goals)
            self._distance[known.rows[goals]] = len(self._bounds) - 2
            is_open = (self._distance < 0) & (self._visited <= self._task.most_states)
            places = places[is_open[known.rows[places]]]
            if not len(places):
                return self._plans(depth)
            self._add_level(places)

    def _grids(self, places: Numbers) -> Grids:
        return self._known.states[places].reshape(-1, *self._shape)

    def _add_level(self, places: Numbers) -> None:
        """Add the states after one move from the states of the last level that are searched further."""
        known, states = self._known, self._grids(places)
        count = len(known)
        at, after = self._task.expand(self._params, states)
        left = self._task.left(self._params, states)
        if left is not None:
            nearer = self._task.left(self._params, after)
            assert nearer is not None
            keep = (left[at] > 0) & (nearer == left[at] - 1)
            at, after = at[keep], after[keep]
        before = places[at]
        reached = known.add(_flat(after), known.rows[before])
        is_new = reached >= count  # fewer moves lead to the others
        before, reached = before[is_new], reached[is_new]
        parents = np.empty(len(known) - count, np.int64)
        parents[reached[::-1] - count] = before[::-1]  # the first of several remains
        self._parents.append(parents)
        self._moves.append((before, reached))
        self._bounds.append(len(known))
        self._visited += np.bincount(known.rows[count:], minlength=len(self._visited))

    def _plans(self, depth: int) -> Plans:
        """Return the states from which a shortest plan leads on to a goal."""
        known, n = self._known, len(self._distance)
        levels = np.repeat(np.arange(len(self._bounds) - 1), np.diff(self._bounds))
        ways = np.zeros(len(known))
        ways[np.concatenate(self._goals)] = 1
        for before, after in reversed(self._moves):
            add_ways(before, after, ways)
        kept = np.flatnonzero((ways > 0) & ((levels <= depth) | (depth == 0)))
        kept = kept[np.argsort(known.rows[kept], kind="stable")]
        renumbered = np.full(len(known) + 1, -1, np.int64)  # the last is for the parent -1
        renumbered[kept] = np.arange(len(kept))
        parents = renumbered[np.concatenate(self._parents)[kept]]
        counts = np.bincount(known.rows[kept], minlength=n)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Plans(
            self._grids(kept), levels[kept], parents, starts, self._distance, ways[:n], self._visited
        )


def _joined(groups: list[Plans]) -> Plans:
    """Return the plans of several groups of questions as one."""
    first, parents, starts = 0, [np.zeros(0, np.int64)], [np.zeros(1, np.int64)]
    for group in groups:
        parents.append(np.where(group.parents < 0, -1, group.parents + first))
        starts.append(group.starts[1:] + first)
        first += len(group.states)
    columns: dict[str, npt.NDArray[Any]] = {}
    for name in ("states", "levels", "distance", "ways", "visited"):
        columns[name] = np.concatenate([getattr(group, name) for group in groups])
    return Plans(parents=np.concatenate(parents), starts=np.concatenate(starts), **columns)


def _first_ends(plans: Plans, asked: Numbers) -> Numbers:
    """Return the place of the first state after the moves asked, `(n,)`; of no meaning if none is asked."""
    rows = np.repeat(np.arange(len(asked)), np.diff(plans.starts))
    ends = np.zeros(len(asked), np.int64)
    right = np.flatnonzero(plans.levels == asked[rows])[::-1]
    ends[rows[right]] = right  # the first of several remains
    return ends


def _flat(grids: Grids) -> Flat:
    """Return grids as rows of cells, `(n, h * w)`."""
    return np.ascontiguousarray(grids).reshape(len(grids), grids.shape[1] * grids.shape[2])


def keys_again(keys: Keys, attempt: int) -> Keys:
    """Return the keys of a repeated draw; the keys themselves for the first."""
    if attempt == 0:
        return keys
    return splitmix64(keys + np.uint64(attempt * GOLDEN & ((1 << 64) - 1)))
