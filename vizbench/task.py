"""Judge and Task, the abstract classes of a room, and the registry that finds rooms.

A *judge* knows how a task's grids look and which answers are right; a *task* also makes instances without end.
Corpora on disk (ARC JSON) have judges only.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
import math
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, final
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from vizbench._util import params as parameters
from vizbench._util.grids import as_grid, as_states, size
from vizbench._util.text import plural
from vizbench.errors import unknown
from vizbench.types import Batch, Grid, Grids, Instance, Json, Keys, Look, Ruling, Verdict

P = TypeVar("P")


class Metric(enum.Enum):
    """How far two instances lie apart, over their feature rows: 0 is the same, 1 nothing shared."""

    HAMMING = "share of features that differ"
    JACCARD = "1 - shared set features / features set in either (0 where both are empty)"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Space:
    """The size of a task's space, both sides of the split together."""

    count: int
    """How many there are, at least 1."""
    of: str = "questions"
    """What is counted: `questions`, or `solutions` if it is not known how many questions these have."""

    def __str__(self) -> str:
        """`65,536 questions`; from 10^9 on the order of magnitude, `10^19 questions`."""
        if self.count < 10**9:
            return f"{self.count:,} {self.of}"
        return f"10^{int(math.log10(self.count))} {self.of}"


class Sequel(ABC):
    """How a process goes on after the answer: a game whose first move was asked, played by turns up to its end."""

    @abstractmethod
    def check_step(self, params: Any, way: Sequence[Grid], after: Grid) -> Ruling:
        """Whether `after` may follow `way`: the question, a right answer and the states since, all judged legal."""

    @abstractmethod
    def check_end(self, params: Any, way: Sequence[Grid]) -> Ruling:
        """Whether the process may stop at the last state of `way`, which is as above."""


class Judge(ABC):
    """What is needed to draw a task's grids and to judge an answer."""

    look: ClassVar[Look]
    codes: ClassVar[int]
    """Cell codes are 0 … codes-1."""
    resizes: ClassVar[bool] = False
    """Whether an answer may have another size than its question."""
    sequel: ClassVar[Sequel | None] = None
    """How a process goes on after the answer, its first state then; None: a process ends with the answer."""

    @final
    @property
    def answer_at(self) -> int:
        """Where among the states after the question the answer stands: 0 the first, -1 the last."""
        return -1 if self.sequel is None else 0

    @abstractmethod
    def check(self, params: Any, question: Grid, answer: Grid) -> Ruling | None:
        """The rules applied to an answer; None where no rule is known.

        Its codes are in range and its shape is the question's, unless the judge `resizes`. The stored target is not
        passed, so it cannot be leaned on.
        """

    @abstractmethod
    def solve(self, params: Any, question: Grid) -> Grid | None:
        """A right answer worked out from the question alone, or None where no rule is known."""

    @abstractmethod
    def guess(self, params: Any, question: Grid, key: int) -> Grid | None:
        """A legal answer drawn at random, right or wrong: what is given is kept, a move is one of the rules'.

        key: all its randomness, 0 … 2^64 - 1. None where no rule is known, or the question leaves no legal answer.
        """

    @final
    def verify(self, instance: Instance, answer: object) -> Verdict:
        """Judge any object as an answer. Never raises: what is no grid is a wrong answer with a reason."""
        grid = as_grid(answer, self.codes)
        if isinstance(grid, str):
            return Verdict(False, False, 0.0, grid)
        target = instance.target
        if grid.shape != target.shape:
            reason = f"the answer is {size(grid)} where {size(target)} was asked"
            return Verdict(False, False, 0.0, reason)
        exact = bool(np.array_equal(grid, target))
        cells = float(np.count_nonzero(grid == target) / grid.size)
        fault = self._misfit(instance)
        ruling = Ruling(False, fault) if fault else self.check(instance.params, instance.question, grid)
        if ruling is None:
            wrong = int(np.sum(grid != target))
            return Verdict(exact, exact, cells, "" if exact else f"{wrong} of {grid.size} cells differ from the answer")
        return Verdict(ruling.valid, exact, cells, ruling.reason, ruling.parts)

    @final
    def _misfit(self, instance: Instance) -> str:
        """Why no answer to an instance is right: a question from a file may be of another size than its target."""
        question, target = instance.question, instance.target
        if self.resizes or question.shape == target.shape:
            return ""
        return f"the question is {size(question)} and its target {size(target)}, so no answer is right"


class Task(Judge, Generic[P]):
    """A task family: its parameters, its named variants, its generator and its rules. A room ends with one final class.

    version rises when any generated byte or verdict changes, never for speed. min_distance, metric: how far test
    questions keep from the train pool, over `features`.
    """

    family: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str]
    """One plain sentence: what is asked."""
    metric: ClassVar[Metric]
    min_distance: ClassVar[float]

    @property
    @abstractmethod
    def variants(self) -> Mapping[str, P]:
        """Named parameters; the first is the default."""

    @abstractmethod
    def generate_batch(self, params: P, keys: Keys) -> Batch:
        """One instance a key, `(n,)` uint64. Row i depends on `params` and `keys[i]` alone."""

    @abstractmethod
    def steps(self, params: P, question: Grid, target: Grid) -> Grids:
        """The states after the question, `(k, h, w)` with k >= 1; the one at `answer_at` is the target."""

    @abstractmethod
    def check_step(self, params: P, question: Grid, before: Grid, after: Grid) -> Ruling:
        """Whether `after` may follow `before` on a way from the question: one move of the process, never none.

        `after` is of the target's shape, with codes in range; `before` is the question, or a state judged legal.
        """

    @abstractmethod
    def step_count(self, params: P, question: Grid) -> int | None:
        """How many states a way from the question has, where that is asked (the steps of an automaton).

        None where the moves alone decide: each takes something off what is left, so that no way goes on for ever.
        """

    @abstractmethod
    def features(self, params: P, batch: Batch) -> npt.NDArray[np.uint8]:
        """What two instances are compared by, `(n, d)` uint8, under `metric`."""

    def identity(self, params: P, batch: Batch) -> npt.NDArray[np.uint8]:
        """What makes a question the same question, `(n, d)` uint8: nothing else decides between train and test.

        Default: the question's cells. Override it if the task takes several grids for one question.
        """
        return batch.question.reshape(len(batch), -1)

    def space(self, params: P) -> Space | None:
        """How much there is to draw from. Default: None, not known."""
        return None

    @abstractmethod
    def difficulty(self, params: P, question: Grid, target: Grid) -> Mapping[str, float]:
        """`score` in 0..1 and the measured figures that it is made of."""

    @final
    def verify_steps(self, instance: Instance, grids: object) -> Verdict:
        """Judge a whole process: each state follows from the one before by one move, and it holds a right answer.

        That is the last state, or in a game the first: the game then has to be played to its end, see `Sequel`.

        grids: `(k, h, w)` or a list of grids, the states after the question. Never raises. reason names the step;
        exact: the process is valid and its answer the stored target; cells: of the answer; parts: the answer's, and
        `legal`, the share of states before the first that does not follow.
        """
        states = as_states(grids)
        if isinstance(states, str):
            return Verdict(False, False, 0.0, states, {"legal": 0.0})
        if fault := self._misfit(instance):
            return Verdict(False, False, 0.0, fault, {"legal": 0.0})
        asked = self.step_count(instance.params, instance.question)
        answer = self.verify(instance, states[self.answer_at])
        way, reason = self._follow(instance, states[:asked], answer)
        parts = {**answer.parts, "legal": (len(way) - 1) / len(states)}
        if not reason and asked is not None and len(states) != asked:
            wanted = plural(asked, "is asked", "are asked")
            reason = f"the process has {plural(len(states), 'state')} where {wanted}"
        if not reason and not answer.valid:
            reason = f"the answer, state {len(states)}: {answer.reason}"
        if not reason and self.sequel is not None:
            reason = self.sequel.check_end(instance.params, way).reason
        return Verdict(not reason, answer.exact and not reason, answer.cells, reason, parts)

    def _follow(self, instance: Instance, states: Sequence[object], answer: Verdict) -> tuple[list[Grid], str]:
        """The question and the states that follow legally, and what is wrong with the next."""
        way, shape = [instance.question], instance.target.shape
        for k, state in enumerate(states):
            after = as_grid(state, self.codes, "state")
            if isinstance(after, str):
                return way, f"step {k + 1}: {after}"
            if after.shape != shape:
                return way, f"step {k + 1}: the state is {size(after)} where {size(instance.target)} was asked"
            if self.sequel is None or k == 0:
                ruling = self.check_step(instance.params, way[0], way[-1], after)
            elif answer.valid:
                ruling = self.sequel.check_step(instance.params, way, after)
            else:
                return way, f"the answer, state 1: {answer.reason}"
            if not ruling.valid:
                return way, f"step {k + 1}: {ruling.reason}"
            way.append(after)
        return way, ""

    @final
    def distance(self, a: Instance, b: Instance) -> float:
        """How far two instances of the same params lie apart, 0..1."""
        from vizbench.kernels.distance import distances

        rows = [self.features(i.params, Batch(i.question[None], i.target[None])) for i in (a, b)]
        return float(distances(rows[0], rows[1], self.metric is Metric.JACCARD)[0, 0])


def compare(answer: Grid, wanted: Grid, fault: str) -> Ruling:
    """The ruling of a task with one answer. fault: what wrong cells do, e.g. "differ from rule 110"."""
    if answer.shape != wanted.shape:
        return Ruling(False, f"the answer is {size(answer)} where {size(wanted)} was asked")
    wrong = np.argwhere(answer != wanted)
    if len(wrong) == 0:
        return Ruling(True, "")
    row, column = (int(v) for v in wrong[0])
    return Ruling(False, f"{len(wrong)} of {wanted.size} cells {fault}, the first at row {row}, column {column}")


@functools.cache
def rooms() -> Mapping[str, Task[Any]]:
    """Every room of `vizbench.generators` by family, in alphabetical order."""
    import vizbench.generators as package

    found: dict[str, Task[Any]] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        task: Task[Any] = importlib.import_module(f"{package.__name__}.{module.name}").TASK
        found[task.family] = task
    return dict(sorted(found.items()))


def tasks() -> list[str]:
    """Every task name, `family/variant`; a family's first is its default."""
    return [f"{family}/{variant}" for family, task in rooms().items() for variant in task.variants]


class Transfer(ABC):
    """A params record whose train rows are made by another record: learn small mazes, be asked large ones.

    Test rows are made by the record itself. Rows of both splits carry it, and are judged and compared under it.
    """

    @abstractmethod
    def for_train(self) -> Any:
        """The record of the same room that makes the train rows: boards of the same shape."""


@final
@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A task that is shown, not told: pairs of question and target to learn from and to be asked; story: plain JSON for
    every row's `meta`."""

    demos: tuple[tuple[Grid, Grid], ...]
    tests: tuple[tuple[Grid, Grid], ...]
    story: Mapping[str, Json]


class Demonstrated(ABC):
    """A params record whose task may bring its own demonstrations, as a file of ARC does."""

    @property
    @abstractmethod
    def fixed(self) -> bool:
        """Whether it does. Makes no grid."""

    @abstractmethod
    def shown(self) -> Shown | None:
        """Demonstrations and tests; None where the task makes pairs without end."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task with its parameters filled in. name is canonical: `life/conway`, `life/conway?steps=2`."""

    name: str
    task: Task[Any]
    params: Any


def spec(name: str, overrides: Mapping[str, object] | None = None) -> TaskSpec:
    """Read `family`, `family/variant` or `family/variant?key=value&key=value`; `overrides` win.

    Raises UserError for unknown names (with near ones) and for values that the room refuses.
    """
    path, _, query = name.partition("?")
    family, _, variant = path.partition("/")
    if family not in rooms():
        raise unknown("task", path, [*rooms(), *tasks()], {family: task.summary for family, task in rooms().items()})
    task = rooms()[family]
    variant = variant or next(iter(task.variants))
    if variant not in task.variants:
        raise unknown("task", path, tasks())
    base = task.variants[variant]
    wanted: dict[str, object] = {**parameters.query(query), **(overrides or {})}
    params = parameters.override(f"{family}/{variant}", base, wanted)
    changed = {k: v for k, v in dataclasses.asdict(params).items() if v != getattr(base, k)}
    text = "&".join(f"{k}={quote(_text(v), safe='/,.-')}" for k, v in sorted(changed.items()))
    return TaskSpec(f"{family}/{variant}" + (f"?{text}" if text else ""), task, params)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def params_json(params: Any) -> Json:
    """A params record as plain JSON, for seeds, manifests and rows."""
    return dataclasses.asdict(params)
