"""Estimate what a plan takes: its trials, the data each needs, and the time, from a few measured steps."""

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
from vizbench.harness.run.codec import Codec
from vizbench.harness.run.predict import TrialData, codec_of, context_of, missing_answers
from vizbench.harness.run.trial import LoadData, planned, refuse_change, trial_data
from vizbench.model import Model, Progress, Schedule, load_model
from vizbench.seeds import stream

STEPS: Final = 4
"""Optimizer steps that are timed. The first one, which warms up, does not count."""

QUESTIONS: Final = 2
"""Questions that are asked to time an answer."""

PATIENCE: Final = 60.0
"""Seconds after which no further task is timed. The others take the mean of their model."""

_Key: TypeAlias = tuple[str, str, str]
"""Model, checkpoint, task."""


@final
class Estimate(msgspec.Struct, frozen=True):
    """What one trial takes."""

    trial: Trial
    """The trial."""
    directory: str
    """Where its records go."""
    state: Literal["new", "begun", "done"]
    """How far it is."""
    shots: int | None
    """Number of training examples. None if its data cannot be made."""
    questions: int | None
    """Test questions. None if its data cannot be made."""
    answers: int
    """Answers that it lacks."""
    seconds: float | None
    """The time for these. None if it could not be estimated."""
    measured: bool
    """Whether the time was measured on this task, not as the mean over other tasks of the model."""
    problem: str
    """Why its data or its model failed."""


@final
@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model is on a task, as measured. All times are in seconds."""

    start: float = 0.0
    """From the call of `adapt` to the first step."""
    step: float = 0.0
    """Per optimizer step."""
    steps: int = 0
    """Optimizer steps in all."""
    shots: int = 1
    """The number of shots that takes so many steps."""
    answer: float = 0.0
    """Per answer."""
    spent: float = 0.0
    """What the measurement itself took."""
    problem: str = ""
    """Why there is no measurement."""

    def seconds(self, shots: int, answers: int, epochs: int | None) -> float:
        """Return the time of a trial. The number of steps grows with the shots only if epochs are fixed."""
        steps = self.steps * shots / self.shots if epochs else self.steps
        return self.start + self.step * steps + self.answer * answers


def estimate(plan: Plan, out: Path) -> list[Estimate]:
    """Estimate every trial of the plan. Writes nothing.

    Each model is built and trained for some steps on its first task, and on further tasks until PATIENCE
    seconds have passed. Raises UserError as `run.run` does.
    """
    load = lru_cache(maxsize=64)(loading.load)
    trials = plan.trials()
    plan.check_questions(trials)
    rows = [_untimed(trial, out / trial.directory, plan.limit, load) for trial in trials]
    timed = [row.trial for row in rows if row.answers and not row.problem]
    paces, data_seconds = _paces(timed, load)
    counted: set[tuple[str, int]] = set()
    return [_timed(row, paces, data_seconds, counted) for row in rows]


def total(rows: Sequence[Estimate]) -> float:
    """Return the seconds of all trials with an estimate, one after the other."""
    return sum(row.seconds or 0.0 for row in rows)


def pace(trial: Trial, load: LoadData, model: Model[Any]) -> Pace:
    """Measure STEPS optimizer steps and QUESTIONS questions.

    What fails here would fail in the run: it is returned as a problem, not raised. A model that reports no
    progress is trained to its end.
    """
    try:
        data = trial_data(msgspec.structs.replace(trial, n_test=QUESTIONS), load)
        clock = time.perf_counter()
        measured = _measured(data, model)
    except Exception as error:  # a damaged file, a fault of a task family, or anybody's model
        return Pace(problem=f"{type(error).__name__}: {error}")
    return replace(measured, spent=time.perf_counter() - clock)


def _untimed(trial: Trial, directory: Path, limit: int | None, load: LoadData) -> Estimate:
    """Return the estimate of a trial without its time."""
    refuse_change(directory, planned(trial))
    missing = missing_answers(directory, trial, limit)
    shots, questions, problem = _sizes(trial, load)
    if missing is None:
        state, asked = "new", min(questions or 0, limit or trial.n_test)
    else:
        state, asked = "begun" if missing else "done", len(missing)
    answers = trial.attempts * asked
    return Estimate(trial, str(directory), state, shots, questions, answers, None, False, problem)


def _sizes(trial: Trial, load: LoadData) -> tuple[int | None, int | None, str]:
    """Return the numbers of shots and questions, without making a row, or why there is no data."""
    try:
        data = load(trial.task, trial.seed, trial.pool)
    except Exception as error:  # a damaged file, a space that is too small, a fault of a task family
        return None, None, str(error)
    shots = data.train.count if trial.shots is None else trial.shots
    questions = trial.n_test if data.test.count is None else min(data.test.count, trial.n_test)
    return shots, questions, ""


def _paces(trials: Sequence[Trial], load: LoadData) -> tuple[dict[_Key, Pace], dict[str, float]]:
    """Measure each model on each task, until PATIENCE seconds have passed.

    In rounds: first every model on its first task, the named models before the baselines, then on the next.
    Also returns the seconds that each task's data took, which its trials of one seed share.
    """
    model_of = lru_cache(maxsize=None)(load_model)
    first: dict[_Key, Trial] = {}
    for trial in trials:
        first.setdefault(_key(trial), trial)
    rounds: Counter[tuple[str, str]] = Counter()
    order: list[tuple[int, bool, _Key]] = []
    for key in first:
        order.append((rounds[key[:2]], key[0] in TRIVIAL, key))
        rounds[key[:2]] += 1
    paces: dict[_Key, Pace] = {}
    data_seconds: dict[str, float] = {}
    began = time.monotonic()
    for number, _, key in sorted(order, key=lambda each: each[:2]):
        if number and time.monotonic() - began > PATIENCE:
            break
        clock = time.perf_counter()
        paces[key] = pace(first[key], load, model_of(*key[:2]))
        data_seconds.setdefault(key[2], time.perf_counter() - clock - paces[key].spent)
    return paces, data_seconds


@final
class _EnoughSteps(BaseException):
    """Ends a training that was timed for long enough. Not an Exception, so that no model swallows it."""


def _measured(data: TrialData, model: Model[Any]) -> Pace:
    codec, trial = codec_of(data, model), data.trial

    # Time some steps.
    times, totals = [time.perf_counter()], [0]

    def watch(progress: Progress) -> None:
        times.append(time.perf_counter())
        totals.append(progress.total)
        if len(times) > STEPS:
            raise _EnoughSteps

    ended = _adapt(data, model, codec, Schedule(trial.steps, trial.epochs), watch)
    steps = totals[-1]
    step = (times[-1] - times[1]) / (len(times) - 2) if len(times) > 2 else 0.0
    start = times[1] - times[0] - step if len(times) > 1 else time.perf_counter() - times[0]
    measured = Pace(max(start, 0.0), step, steps, max(len(data.train), 1))

    # Time some answers, of a model that was adapted in a single step.
    del times[1:]
    if not ended and not _adapt(data, model, codec, Schedule(steps=1), watch):
        return measured  # it ignores the schedule, so its answers cannot be timed
    clock = time.perf_counter()
    questions = codec.questions(data.test)
    for _ in model.predict(questions, 1, stream("predict", trial.seed, 0)):
        pass
    return replace(measured, answer=(time.perf_counter() - clock) / len(questions))


def _adapt(
    data: TrialData,
    model: Model[Any],
    codec: Codec[Any],
    schedule: Schedule,
    watch: Callable[[Progress], None],
) -> bool:
    """Adapt the model, and return whether training came to its end."""
    context = replace(context_of(data, watch), schedule=schedule)
    try:
        model.adapt(codec.examples(data.shown), context)
    except _EnoughSteps:
        return False
    return True


def _timed(
    row: Estimate,
    paces: Mapping[_Key, Pace],
    data_seconds: Mapping[str, float],
    counted: set[tuple[str, int]],
) -> Estimate:
    """Return the estimate with its time: as measured, or the model's mean over other tasks.

    The first trial of a task and a seed also takes the time of its data.

    counted: tasks and seeds whose data is counted already.
    """
    trial, key = row.trial, _key(row.trial)
    if row.answers == 0:
        return msgspec.structs.replace(row, seconds=None if row.problem else 0.0)

    # The pace of this task if it was measured, otherwise those of the model's other tasks.
    if key in paces:
        known = [paces[key]]
    else:
        known = [pace for other, pace in paces.items() if other[:2] == key[:2]]
    shots = row.shots or 0
    times = [pace.seconds(shots, row.answers, trial.epochs) for pace in known if not pace.problem]
    problem = row.problem or (paces[key].problem if key in paces else "")
    if problem or not times:
        return msgspec.structs.replace(row, problem=problem)

    # The mean time, and once per task and seed the time of the data.
    seconds = sum(times) / len(times)
    if (trial.task, trial.seed) not in counted:
        counted.add((trial.task, trial.seed))
        seconds += data_seconds.get(trial.task, sum(data_seconds.values()) / len(data_seconds))
    return msgspec.structs.replace(row, seconds=seconds, measured=key in paces)


def _key(trial: Trial) -> _Key:
    return trial.model, trial.checkpoint, trial.task
