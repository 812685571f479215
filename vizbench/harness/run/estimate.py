"""What a plan will take, before it is measured: its cells, the data each needs, and time told from measured
steps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, final

import msgspec

from vizbench import loading
from vizbench.harness.plan.plan import TRIVIAL, Plan, Trial
from vizbench.harness.run.predict import TrialData, codec_of, missing_answers
from vizbench.harness.run.trial import LoadData, planned, refuse_change, trial_data
from vizbench.model import Context, Model, Progress, Schedule, load_model
from vizbench.seeds import stream

STEPS: Final = 4
"""Steps of training that are watched; the first, which warms up, is left out of the measure."""

QUESTIONS: Final = 2
"""Questions asked for the time of an answer."""

PATIENCE: Final = 60.0
"""Seconds after which no further task is measured: the rest take the mean of what their model took."""


_Key: TypeAlias = tuple[str, str, str]
"""Model, checkpoint, task."""


@final
class Estimate(msgspec.Struct, frozen=True):
    """One cell. examples, questions: the data it needs; answers: how many are still to be given; seconds:
    what that takes, None where it could not be told; measured: whether on this task, or as this model's mean
    over others; problem: why its data or its model failed the trial."""

    trial: Trial
    directory: str
    state: Literal["new", "begun", "done"]
    examples: int | None
    questions: int | None
    answers: int
    seconds: float | None
    measured: bool
    problem: str


@final
@dataclass(frozen=True, slots=True)
class Pace:
    """What was measured, in seconds. start: until training gets going; step: a step, of `steps` at `examples`
    examples; answer: an answer; spent: what measuring took. problem: why there is no measure."""

    start: float = 0.0
    step: float = 0.0
    steps: int = 0
    examples: int = 1
    answer: float = 0.0
    spent: float = 0.0
    problem: str = ""

    def seconds(self, examples: int, answers: int, epochs: int | None) -> float:
        """The time of a cell. Only epochs make steps grow with the examples."""
        grown = examples / self.examples
        steps = self.steps * (grown if epochs else 1.0)
        return self.start + self.step * steps + self.answer * answers


def estimate(plan: Plan, out: Path) -> list[Estimate]:
    """Every cell of the plan. Writes nothing. Each model is built and trained for some steps on its first
    task, and on its others until PATIENCE is over. UserError as in `run.run`."""
    load = lru_cache(maxsize=64)(loading.load)
    cells = [_plain(cell, out / cell.directory, plan.limit, load) for cell in plan.trials()]
    paces, data = _paces([each.trial for each in cells if each.answers and not each.problem], load)
    paid: set[tuple[str, int]] = set()
    return [_timed(each, paces, data, paid) for each in cells]


def _plain(cell: Trial, directory: Path, limit: int | None, load: LoadData) -> Estimate:
    """A cell without its time."""
    refuse_change(directory, planned(cell))
    lacking = missing_answers(directory, cell, limit)
    state = "new" if lacking is None else "begun" if lacking else "done"
    examples, questions, problem = _sizes(cell, load)
    asked = min(questions or 0, limit or cell.n_test)
    answers = cell.attempts * (asked if lacking is None else len(lacking))
    return Estimate(cell, str(directory), state, examples, questions, answers, None, False, problem)


def _paces(cells: Sequence[Trial], load: LoadData) -> tuple[dict[_Key, Pace], dict[str, float]]:
    """What each model took on each task, and the seconds that each task's data took, which its cells of one
    seed share.

    In rounds: every model on its first task, those that were asked for before the baselines, then on the
    next."""
    model_of = lru_cache(maxsize=None)(load_model)
    wanted: dict[_Key, Trial] = {}
    for cell in cells:
        wanted.setdefault(_key(cell), cell)
    rounds: Counter[tuple[str, str]] = Counter()
    order: list[tuple[int, bool, _Key]] = []
    for key in wanted:
        order.append((rounds[key[:2]], key[0] in TRIVIAL, key))
        rounds[key[:2]] += 1
    paces: dict[_Key, Pace] = {}
    data: dict[str, float] = {}
    began = time.monotonic()
    for place, _, key in sorted(order, key=lambda each: each[:2]):
        if place and time.monotonic() - began > PATIENCE:
            break
        clock = time.perf_counter()
        paces[key] = pace(wanted[key], load, model_of(*key[:2]))
        data.setdefault(key[2], time.perf_counter() - clock - paces[key].spent)
    return paces, data


def pace(cell: Trial, load: LoadData, model: Model[Any]) -> Pace:
    """Train for STEPS steps and ask QUESTIONS questions. What fails here would fail in the run: it is said,
    not raised. A model that reports no progress is trained to its end."""
    try:
        asking = trial_data(msgspec.structs.replace(cell, n_test=QUESTIONS), load)
        clock = time.perf_counter()
        found = _measured(asking, model)
    except Exception as error:  # of a file, a room, or anybody's model
        return Pace(problem=f"{type(error).__name__}: {error}")
    return replace(found, spent=time.perf_counter() - clock)


@final
class _Enough(BaseException):
    """Leaves a training that was watched for long enough; no Exception, so that no model swallows it."""


def _measured(asking: TrialData, model: Model[Any]) -> Pace:
    codec = codec_of(asking, model)
    cell = asking.trial
    times, totals = [time.perf_counter()], [0]

    def watch(progress: Progress) -> None:
        times.append(time.perf_counter())
        totals.append(progress.total)
        if len(times) > STEPS:
            raise _Enough

    def adapt(schedule: Schedule, report: Callable[[Progress], None]) -> bool:
        """Whether training came to its end."""
        context = Context(asking.verifier, asking.params, stream("adapt", cell.seed), report, schedule)
        try:
            model.adapt(codec.examples(asking.shown), context)
        except _Enough:
            return False
        return True

    ended = adapt(Schedule(cell.steps, cell.epochs), watch)
    steps = totals[-1]
    step = (times[-1] - times[1]) / (len(times) - 2) if len(times) > 2 else 0.0
    start = times[1] - times[0] - step if len(times) > 1 else time.perf_counter() - times[0]
    found = Pace(max(start, 0.0), step, steps, len(asking.train))
    del times[1:]
    if not ended and not adapt(Schedule(steps=1), watch):
        return found  # it minds no schedule: its answers cost what they cost
    clock = time.perf_counter()
    questions = codec.questions([instance.question for instance in asking.test])
    for _ in model.predict(questions, 1, stream("predict", cell.seed, 0)):
        pass
    return replace(found, answer=(time.perf_counter() - clock) / len(questions))


def _sizes(cell: Trial, load: LoadData) -> tuple[int | None, int | None, str]:
    """Examples and questions of a cell, without making a row; and why they cannot be had."""
    try:
        data = load(cell.task, cell.seed, cell.pool)
    except Exception as error:  # of a file, of a space that is too small, of a room
        return None, None, str(error)
    examples = data.train.count if cell.shots is None else cell.shots
    questions = cell.n_test if data.test.count is None else min(data.test.count, cell.n_test)
    return examples, questions, ""


def _timed(
    each: Estimate, paces: Mapping[_Key, Pace], data: Mapping[str, float], paid: set[tuple[str, int]]
) -> Estimate:
    """The cell with its time: its model's, or that model's mean over other tasks, and where it is the first
    of a task and a seed, that of its data. paid: tasks and seeds whose data is counted already."""
    cell, key = each.trial, _key(each.trial)
    if each.answers == 0:
        return msgspec.structs.replace(each, seconds=None if each.problem else 0.0)
    problem = each.problem or (paces[key].problem if key in paces else "")
    own = [paces[key]] if key in paces else [pace for other, pace in paces.items() if other[:2] == key[:2]]
    times = [pace.seconds(each.examples or 0, each.answers, cell.epochs) for pace in own if not pace.problem]
    if problem or not times:
        return msgspec.structs.replace(each, problem=problem)
    seconds = sum(times) / len(times)
    if (cell.task, cell.seed) not in paid:
        paid.add((cell.task, cell.seed))
        seconds += data.get(cell.task, sum(data.values()) / len(data))
    return msgspec.structs.replace(each, seconds=seconds, measured=key in paces)


def _key(cell: Trial) -> _Key:
    return cell.model, cell.checkpoint, cell.task


def total(forecasts: Sequence[Estimate]) -> float:
    """Seconds of all cells whose time could be told, one after the other."""
    return sum(each.seconds or 0.0 for each in forecasts)
