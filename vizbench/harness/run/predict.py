"""Asking one model one cell's questions, and writing down what it answered.

Questions are handed out in groups of CHUNK, each with a seed of its own. A cell that was stopped within a
group asks the group again from its start and keeps what is new: a model that works in batches then sees the
same batches, so that its answers are those of an undisturbed run. Adapted weights are not kept: an unfinished
cell adapts again, with the same seed."""

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
from vizbench.harness.run.codec import Codec, FrameCodec, codec_for
from vizbench.model import CheckedModel, Context, CutText, Model, Progress, Schedule
from vizbench.seeds import stream
from vizbench.task import Verifier
from vizbench.types import DecodeFailure, Instance

CHUNK: Final = 32
"""Questions a group."""

MAX_REASON: Final = 2000
"""Characters of a model's own word on why it has no answer."""


Tell: TypeAlias = Callable[[Literal["adapt", "predict"], Progress], None]
"""Told of every step of training and of every question answered."""


@final
class ModelFaultError(Exception):
    """A model raised, or broke the protocol: its cell fails, and the others go on."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class TrialData:
    """A cell with its data. train: the examples; shown: what the model is shown of them, with their variants
    where the plan wants these (`augment`); test: what it is asked, answers included."""

    trial: Trial
    verifier: Verifier
    params: Any
    train: Sequence[Instance]
    shown: Sequence[Instance]
    test: Sequence[Instance]


def missing_answers(directory: Path, cell: Trial, limit: int | None) -> list[int] | None:
    """Numbers of the first `limit` questions that lack an answer; None where the cell has not begun."""
    if not (directory / "run.json").exists():
        return None
    questions, _ = read_log(directory / "questions.jsonl", Row)
    ids = [question.id for question in questions]
    records, _ = read_records(directory, cell, ids)
    have = {(record.id, record.attempt) for record in records}
    return [
        i for i, name in enumerate(ids[:limit]) if any((name, a) not in have for a in range(cell.attempts))
    ]


def codec_of(asking: TrialData, model: Model[Any]) -> Codec[Any]:
    """The channel between a model and its cell. UserError for a modality that does not exist."""
    return codec_for(model, asking.verifier, asking.shown, [instance.question for instance in asking.test])


def checked(asking: TrialData, model: Model[Any]) -> Codec[Any]:
    """The channel between a model and its cell. ModelFaultError where the model refuses what the cell would
    show it."""
    try:
        codec = codec_of(asking, model)
        if isinstance(model, CheckedModel):
            model.check(codec.examples(asking.shown), context_of(asking, lambda _: None))
    except (Exception, SystemExit) as error:
        raise ModelFaultError(_sentence("checking its examples", error)) from error
    return codec


def predict_all(
    directory: Path,
    asking: TrialData,
    model: Model[Any],
    codec: Codec[Any],
    wanted: Sequence[int] | None,
    tell: Tell,
) -> None:
    """Adapt the model and record its answers to the questions of these numbers. tell(kind, Progress): what is
    shown.

    Raises ModelFaultError where the model fails; what it had answered stays.
    """
    cell, test = asking.trial, asking.test
    numbers = set(range(len(test)) if wanted is None else wanted)
    records, size = read_records(directory, cell, [instance.id for instance in test])
    have = {(record.id, record.attempt) for record in records}
    _adapt(directory, asking, model, codec, tell)
    log = Log(directory / "records.jsonl", size)
    try:
        for first in sorted({number - number % CHUNK for number in numbers}):
            last = max(number for number in numbers if number < first + CHUNK)
            chunk = test[first : first + CHUNK]
            answers = _answers(model, codec, chunk, cell.attempts, stream("predict", cell.seed, first))
            for number, (predictions, seconds) in zip(range(first, last + 1), answers, strict=False):
                judged = [
                    _judge(asking, codec, test[number], k, p, seconds) for k, p in enumerate(predictions)
                ]
                log.append(
                    msgspec.json.encode(record)
                    for record in judged
                    if (record.id, record.attempt) not in have
                )
                tell("predict", Progress(number + 1, len(test)))
    finally:
        log.close()


def _adapt(directory: Path, asking: TrialData, model: Model[Any], codec: Codec[Any], tell: Tell) -> None:
    """Adapt, and write a line of what it took."""
    started, clock = now(), time.perf_counter()
    cell = asking.trial
    try:
        with broadcast_trial(cell) if model.split else nullcontext():
            told: Any = model.adapt(
                codec.examples(asking.shown), context_of(asking, lambda p: tell("adapt", p))
            )
        if not isinstance(told, Mapping):
            raise UserError(
                f"adapt returned a {type(told).__name__}: return a dict of figures, {{}} for none"
            )
        figures = _figures(cast("Mapping[str, float]", told))
    except (Exception, SystemExit) as error:
        raise ModelFaultError(_sentence("adapting", error)) from error
    _check_schedule(cell, figures)
    session = Session(started, time.perf_counter() - clock, figures, environment())
    path = directory / "sessions.jsonl"
    _, size = read_log(path, Session)
    log = Log(path, size)
    try:
        log.append([msgspec.json.encode(session)])
    finally:
        log.close()


def context_of(asking: TrialData, report: Callable[[Progress], None]) -> Context:
    """What surrounds the adaptation to a cell."""
    cell = asking.trial
    seed, schedule = stream("adapt", cell.seed), Schedule(cell.steps, cell.epochs)
    return Context(asking.verifier, asking.params, seed, report, schedule)


def _answers(
    model: Model[Any], codec: Codec[Any], chunk: Sequence[Instance], attempts: int, seed: int
) -> Iterator[tuple[list[Any], float]]:
    """For each question its answers, and the seconds one took."""
    questions = codec.questions([instance.question for instance in chunk])
    answers: Iterator[object] | None = None
    for at in range(len(chunk)):
        clock = time.perf_counter()
        try:
            if answers is None:
                answers = _predicted(model.predict(questions, attempts, seed), len(chunk))
            predictions = _attempts(next(answers), attempts)
            seconds = (time.perf_counter() - clock) / attempts
            if (
                at == len(chunk) - 1
            ):  # before the last answer is kept: a cell that has all its answers is complete
                _check_end(answers, len(chunk))
        except StopIteration:
            raise ModelFaultError(f"the model answered {at} of {plural(len(chunk), 'question')}") from None
        except ModelFaultError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelFaultError(_sentence("predicting", error)) from error
        yield predictions, seconds


def _predicted(answers: object, asked: int) -> Iterator[object]:
    """What `predict` returned, as an iterator. ModelFaultError if it is unordered, a text, or has another
    length."""
    kind = type(answers).__name__
    if isinstance(answers, Mapping | Set | str | bytes) or not isinstance(answers, Iterable):
        raise ModelFaultError(
            f"predict returned something of type {kind}: yield, for each question in order, a list of its answers"
        )
    if isinstance(answers, Sized) and len(answers) != asked:
        raise ModelFaultError(f"the model gave answers to {len(answers):,} questions and {_asked(asked)}")
    return iter(cast("Iterable[object]", answers))


def _attempts(given: object, attempts: int) -> list[Any]:
    """The answers to one question. ModelFaultError if they are no list, or not `attempts`."""
    kind = type(given).__name__
    if isinstance(given, Mapping | Set | str | bytes | DecodeFailure) or not isinstance(given, Iterable):
        raise ModelFaultError(
            f"the model gave something of type {kind} to a question: give a list of {plural(attempts, 'answer')}"
        )
    listed = list(islice(cast("Iterable[object]", given), attempts + 1))  # a generator may have no end
    if len(listed) > attempts:
        total = (
            plural(len(given), "answer")
            if isinstance(given, Sized)
            else f"more than {plural(attempts, 'answer')}"
        )
        raise ModelFaultError(f"the model gave {total} to a question and {_asked(attempts)}")
    if len(listed) < attempts:
        raise ModelFaultError(
            f"the model gave {plural(len(listed), 'answer')} to a question and {_asked(attempts)}"
        )
    return listed


def _check_end(answers: Iterator[object], asked: int) -> None:
    """ModelFaultError if the model goes on after the last question."""
    nothing = object()
    if next(answers, nothing) is not nothing:
        raise ModelFaultError(
            f"the model gave answers to more than {plural(asked, 'question')} and {_asked(asked)}"
        )


def _asked(number: int) -> str:
    return plural(number, "was asked", "were asked")


def _judge(
    asking: TrialData, codec: Codec[Any], instance: Instance, attempt: int, prediction: object, seconds: float
) -> Record:
    # a model's own word on why it has no answer stands as it is
    decoded = prediction if isinstance(prediction, DecodeFailure) else codec.decode(prediction)
    if isinstance(decoded, DecodeFailure):
        cut = f"the reply was cut by {prediction.by}: " if isinstance(prediction, CutText) else ""
        reason = replace_surrogates(f"{cut}{decoded.reason}"[:MAX_REASON])
        return Record(instance.id, attempt, False, False, 0.0, reason, {}, None, True, seconds)
    verdict = asking.verifier.verify(instance, decoded.grid)
    framed = isinstance(codec, FrameCodec)
    way = codec.trajectory(prediction, instance.question, decoded.grid) if framed else []
    return Record(
        id=instance.id,
        attempt=attempt,
        valid=bool(verdict.valid),  # a room's rules may answer in numpy's types, which JSON does not know
        exact=bool(verdict.exact),
        cells=float(verdict.cells),
        reason=verdict.reason,
        parts=_figures(verdict.parts),
        answer=decoded.grid.tolist(),
        undecodable=False,
        seconds=seconds,
        trajectory=tuple(state.tolist() for state in way),
    )


def _figures(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers as JSON has them: what is not finite is None."""
    numbers = {str(key): float(value) for key, value in values.items()}
    return {key: value if math.isfinite(value) else None for key, value in numbers.items()}


def _check_schedule(cell: Trial, figures: Mapping[str, float | None]) -> None:
    """ModelFaultError where the plan fixes the training and the model trained otherwise, or does not say how
    long."""
    if cell.steps is None and cell.epochs is None:
        return
    steps = figures.get("steps")
    if steps is None:
        raise ModelFaultError(
            f"the plan says {cell.training} and the model does not say how many it took: train for "
            "context.schedule.count(...) steps and return that number as `steps`"
        )
    if cell.steps not in (None, steps):
        raise ModelFaultError(
            f"the model took {plural(int(steps), 'step')} where the plan says {cell.steps:,}"
        )


def _sentence(doing: str, error: BaseException) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__} while {doing}: {error}"
