"""Ask one model the questions of one trial, and record its answers.

Questions are asked in groups of CHUNK, each with a seed of its own. A trial that was stopped within a group
asks the group again from its start and keeps only the new answers. A model that works in batches then sees
the same batches, so that its answers equal those of an undisturbed run. Adapted weights are not kept: an
incomplete trial adapts again, with the same seed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, Sized
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, final

import msgspec

from vizbench._util.files import Log
from vizbench._util.text import plural, replace_surrogates
from vizbench.distributed.followers import broadcast_trial
from vizbench.errors import UserError
from vizbench.formats.rows import Row
from vizbench.harness.plan.plan import Trial
from vizbench.harness.records.provenance import environment, now
from vizbench.harness.records.records import Record, Session, read_log, read_records
from vizbench.harness.run.codec import Codec, Reading, codec_for
from vizbench.harness.run.trajectories import NO_PROCESS, process_figures
from vizbench.model import CheckedModel, Context, CutText, Model, Progress, Schedule
from vizbench.seeds import stream
from vizbench.task.contract import Task, Verifier
from vizbench.types import DecodeFailure, Instance

CHUNK: Final = 32
"""Questions per group."""

MAX_REASON: Final = 2000
"""The most characters of a model's own reason for a missing answer."""

Notify: TypeAlias = Callable[[Literal["adapt", "predict"], Progress], None]
"""Called at every optimizer step and after every question."""


@final
class ModelFaultError(Exception):
    """A model raised, or broke the protocol: its trial fails, and the others continue."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class TrialData:
    """A trial with its data."""

    trial: Trial
    """The trial."""
    verifier: Verifier
    """The rules of its task."""
    params: Any
    """The parameters of its task."""
    train: Sequence[Instance]
    """The training examples."""
    shown: Sequence[Instance]
    """What the model is shown: the examples, and their variants if the plan asks for these (`augment`)."""
    test: Sequence[Instance]
    """What the model is asked, with targets."""


def missing_answers(directory: Path, trial: Trial, limit: int | None) -> list[int] | None:
    """Return the indices of the questions without an answer, among the first `limit`.

    None if the trial has not begun.
    """
    if not (directory / "run.json").exists():
        return None
    questions, _ = read_log(directory / "questions.jsonl", Row)
    ids = [question.id for question in questions]
    records, _ = read_records(directory, trial, ids)
    answered = _answered(records)
    missing: list[int] = []
    for number, name in enumerate(ids[:limit]):
        if any((name, attempt) not in answered for attempt in range(trial.attempts)):
            missing.append(number)
    return missing


def codec_of(data: TrialData, model: Model[Any]) -> Codec[Any]:
    """Return the codec of a model for a trial.

    Raises UserError if the modality does not exist, or if the model cannot read the prompt of the trial, sees
    no pictures if a look is asked, or can show no process if one is asked.
    """
    questions = [instance.question for instance in data.test]
    trial = data.trial
    return codec_for(
        model,
        data.verifier,
        data.shown,
        questions,
        prompt=trial.prompt,
        supervision=trial.supervision,
        look=trial.look,
    )


def context_of(data: TrialData, report: Callable[[Progress], None]) -> Context:
    """Return the context of the adaptation to a trial."""
    trial = data.trial
    schedule = Schedule(trial.steps, trial.epochs)
    seed = stream("adapt", trial.seed)
    return Context(
        data.verifier,
        data.params,
        seed,
        report,
        schedule,
        prompt=trial.prompt,
        supervision=trial.supervision,
    )


def checked(data: TrialData, model: Model[Any]) -> Codec[Any]:
    """Return the codec of a model for a trial.

    Raises ModelFaultError if the model refuses the examples of the trial.
    """
    try:
        codec = codec_of(data, model)
        if isinstance(model, CheckedModel):
            model.check(codec.examples(data.shown), context_of(data, lambda _: None))
    except (Exception, SystemExit) as error:
        raise ModelFaultError(_sentence("checking its examples", error)) from error
    return codec


def predict_all(
    directory: Path,
    data: TrialData,
    model: Model[Any],
    codec: Codec[Any],
    open_questions: Sequence[int] | None,
    notify: Notify,
) -> None:
    """Adapt the model, and record its answers to the open questions.

    open_questions: their numbers. None: all.

    Raises ModelFaultError if the model fails. The answers up to then are kept.
    """
    # What is open, and what an earlier run has recorded.
    trial, test = data.trial, data.test
    numbers = set(range(len(test)) if open_questions is None else open_questions)
    records, size = read_records(directory, trial, [instance.id for instance in test])
    answered = _answered(records)
    _adapt(directory, data, model, codec, notify)

    # Ask whole groups, and keep only the answers that are new.
    log = Log(directory / "records.jsonl", size)
    try:
        for first in sorted({number - number % CHUNK for number in numbers}):
            last = max(number for number in numbers if number < first + CHUNK)
            chunk = test[first : first + CHUNK]
            answers = _answers(model, codec, chunk, trial.attempts, stream("predict", trial.seed, first))
            for number, (predictions, seconds) in zip(range(first, last + 1), answers, strict=False):
                verified = [
                    _verify(data, codec, test[number], attempt, prediction, seconds)
                    for attempt, prediction in enumerate(predictions)
                ]
                fresh = [record for record in verified if (record.id, record.attempt) not in answered]
                log.append(map(msgspec.json.encode, fresh))
                notify("predict", Progress(number + 1, len(test)))
    finally:
        log.close()


def _answered(records: Sequence[Record]) -> set[tuple[str, int]]:
    """Return the (question, attempt) pairs that have an answer."""
    return {(record.id, record.attempt) for record in records}


def _adapt(directory: Path, data: TrialData, model: Model[Any], codec: Codec[Any], notify: Notify) -> None:
    """Adapt the model, and log what it took."""
    # Adapt, together with the other ranks if the model is split.
    started, clock = now(), time.perf_counter()
    trial = data.trial
    try:
        with broadcast_trial(trial) if model.split else nullcontext():
            context = context_of(data, lambda progress: notify("adapt", progress))
            reported: Any = model.adapt(codec.examples(data.shown), context)
        if not isinstance(reported, Mapping):
            raise UserError(
                f"adapt returned a {type(reported).__name__}: return a dict of figures, {{}} for none"
            )
        figures = finite(cast("Mapping[str, float]", reported))
    except (Exception, SystemExit) as error:
        raise ModelFaultError(_sentence("adapting", error)) from error
    _check_schedule(trial, figures)

    # Log the session, after what a killed run may have left of a line.
    session = Session(started, time.perf_counter() - clock, figures, environment())
    path = directory / "sessions.jsonl"
    _, size = read_log(path, Session)
    log = Log(path, size)
    try:
        log.append([msgspec.json.encode(session)])
    finally:
        log.close()


def _answers(
    model: Model[Any], codec: Codec[Any], chunk: Sequence[Instance], attempts: int, seed: int
) -> Iterator[tuple[list[Any], float]]:
    """Yield the answers to each question, and the seconds per answer."""
    questions = codec.questions(chunk)
    answers: Iterator[object] | None = None
    for number in range(len(chunk)):
        clock = time.perf_counter()
        try:
            if answers is None:
                answers = _predicted(model.predict(questions, attempts, seed), len(chunk))
            predictions = _attempts(next(answers), attempts)
            seconds = (time.perf_counter() - clock) / attempts
            # Before the last answer is recorded, because a trial with all its answers is complete.
            if number == len(chunk) - 1:
                _check_end(answers, len(chunk))
        except StopIteration:
            raise ModelFaultError(
                f"the model answered {number} of {plural(len(chunk), 'question')}"
            ) from None
        except ModelFaultError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelFaultError(_sentence("predicting", error)) from error
        yield predictions, seconds


def _predicted(answers: object, asked: int) -> Iterator[object]:
    """Return what `predict` returned, as an iterator.

    Raises ModelFaultError if it is unordered, a text, or of another length.
    """
    kind = type(answers).__name__
    if isinstance(answers, Mapping | Set | str | bytes) or not isinstance(answers, Iterable):
        raise ModelFaultError(
            f"predict returned something of type {kind}: "
            "yield, for each question in order, a list of its answers"
        )
    if isinstance(answers, Sized) and len(answers) != asked:
        raise ModelFaultError(f"the model gave answers to {len(answers):,} questions and {_asked(asked)}")
    return iter(cast("Iterable[object]", answers))


def _attempts(given: object, attempts: int) -> list[Any]:
    """Return the answers to one question.

    Raises ModelFaultError if they are not a list, or not `attempts` of them.
    """
    kind = type(given).__name__
    if isinstance(given, Mapping | Set | str | bytes | DecodeFailure) or not isinstance(given, Iterable):
        raise ModelFaultError(
            f"the model gave something of type {kind} to a question: "
            f"give a list of {plural(attempts, 'answer')}"
        )
    listed = list(islice(cast("Iterable[object]", given), attempts + 1))  # a generator may have no end
    if len(listed) == attempts:
        return listed
    if len(listed) < attempts:
        count = plural(len(listed), "answer")
    elif isinstance(given, Sized):
        count = plural(len(given), "answer")
    else:
        count = f"more than {plural(attempts, 'answer')}"
    raise ModelFaultError(f"the model gave {count} to a question and {_asked(attempts)}")


def _check_end(answers: Iterator[object], asked: int) -> None:
    """Raise ModelFaultError if the model continues after the last question."""
    nothing = object()
    if next(answers, nothing) is not nothing:
        raise ModelFaultError(
            f"the model gave answers to more than {plural(asked, 'question')} and {_asked(asked)}"
        )


def _asked(number: int) -> str:
    return plural(number, "was asked", "were asked")


def _verify(
    data: TrialData,
    codec: Codec[Any],
    instance: Instance,
    attempt: int,
    prediction: object,
    seconds: float,
) -> Record:
    """Decode and verify one prediction. A DecodeFailure returned by the model is kept unchanged."""
    if isinstance(prediction, DecodeFailure):
        reading = Reading(prediction)
    else:
        reading = codec.of(instance).read(prediction, instance)
    decoded = reading.decoded
    if isinstance(decoded, DecodeFailure):
        cut = f"the reply was cut by {prediction.by}: " if isinstance(prediction, CutText) else ""
        reason = replace_surrogates(f"{cut}{decoded.reason}"[:MAX_REASON])
        parts = finite(data.verifier.no_parts())
        figures = NO_PROCESS if codec.checks_process(instance) else {}
        return Record(
            instance.id, attempt, False, False, 0.0, reason, parts, None, True, seconds, (), {**figures}
        )
    verdict = data.verifier.verify(instance, decoded.grid)
    figures = dict(verdict.figures)
    if codec.checks_process(instance):
        task = cast("Task[Any]", data.verifier)
        figures |= process_figures(task.verify_steps(instance, list(reading.process)), len(reading.process))
    return Record(
        id=instance.id,
        attempt=attempt,
        valid=bool(verdict.valid),  # a verifier may return numpy's types, which JSON does not know
        exact=bool(verdict.exact),
        cells=float(verdict.cells),
        reason=verdict.reason,
        parts=finite(verdict.parts),
        answer=decoded.grid.tolist(),
        undecodable=False,
        seconds=seconds,
        trajectory=tuple(state.tolist() for state in reading.trajectory),
        figures=finite(figures),
    )


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them: None in place of what is not finite."""
    numbers = {str(key): float(value) for key, value in values.items()}
    return {key: value if math.isfinite(value) else None for key, value in numbers.items()}


def _check_schedule(trial: Trial, figures: Mapping[str, float | None]) -> None:
    """Raise ModelFaultError if the model did not train as long as the plan says, or does not report it."""
    if (trial.steps is None and trial.epochs is None) or trial.shots == 0:
        return
    steps = figures.get("steps")
    if steps is None:
        raise ModelFaultError(
            f"the plan says {trial.training} and the model does not say how many it took: train for "
            "context.schedule.count(...) steps and return that number as `steps`"
        )
    if trial.steps not in (None, steps):
        raise ModelFaultError(
            f"the model took {plural(int(steps), 'optimizer step')} and the plan says {trial.steps:,}"
        )


def _sentence(doing: str, error: BaseException) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__} while {doing}: {error}"
