"""One cell, brought as far as it goes: its data, its header, its model's answers, and what can go wrong with
each."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, final

import msgspec

from vizbench._util.files import disk_errors, folder_lock, remove_drafts, write_atomically
from vizbench.dataset import Dataset, Split
from vizbench.errors import UserError
from vizbench.formats.registry import source_of
from vizbench.formats.rows import encode
from vizbench.harness.plan.augment import augmented
from vizbench.harness.plan.plan import Trial
from vizbench.harness.records.provenance import data_digest, environment, now
from vizbench.harness.records.records import FORMAT, DataInfo, Header, TaskInfo, read_header
from vizbench.harness.run.predict import ModelFaultError, TrialData, checked, missing_answers, predict_all
from vizbench.model import Model, Progress, model_code
from vizbench.task import code_of, params_json
from vizbench.types import Instance, Json

Kind: TypeAlias = Literal["start", "skip", "adapt", "predict", "done", "failed"]

LoadData: TypeAlias = Callable[[str, int, int], Dataset]
"""The data set of a task, a seed and a pool."""

ModelOf: TypeAlias = Callable[[str, str], Model[Any]]
"""The model of a name and a checkpoint, built when it is asked for."""


@final
@dataclass(frozen=True, slots=True)
class Event:
    """What happens in a run, for whoever shows it.

    position: the cell's number, from 1, of `cells`. done, total: steps (adapt) or questions (predict); loss:
    the latest, memory: most bytes on the device, where the model tells them; message: why the cell failed.
    """

    kind: Kind
    trial: Trial
    position: int
    trials: int
    done: int = 0
    total: int = 0
    loss: float | None = None
    memory: int | None = None
    message: str = ""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cell ended. error: None where it was measured, else why not; data: whether its data could be had
    at all."""

    trial: Trial
    directory: Path
    error: str | None
    data: bool = True

    @property
    def begun(self) -> bool:
        """Whether there is a run to be read back."""
        return (self.directory / "run.json").exists()


@final
@dataclass(frozen=True, slots=True)
class Job:
    """A cell, where it goes, after how many questions it stops, its kin, and its number, from 1, of
    `cells`."""

    trial: Trial
    directory: Path
    limit: int | None
    pretraining_overlap: str | None
    position: int
    trials: int


@final
@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the events of one cell."""

    report: Callable[[Event], None]
    place: Job

    def __call__(self, kind: Kind, at: Progress | None = None, message: str = "") -> None:
        """Tell of one step."""
        at = at or Progress(0, 0)
        place = self.place
        self.report(
            Event(
                kind,
                place.trial,
                place.position,
                place.trials,
                at.done,
                at.total,
                at.loss,
                at.memory,
                message,
            )
        )


def run_trial(place: Job, load: LoadData, model_of: ModelOf, report: Callable[[Event], None]) -> Outcome:
    """Bring one cell as far as it goes; a fault of its data or its model is its outcome.

    Nothing is written or told where the data cannot be had: it may be so for the whole plan. UserError
    for a changed plan, a corrupt or busy directory, a disk that refuses: these are not the cell's fault.
    """
    cell, directory, tell = place.trial, place.directory, Reporter(report, place)
    open_questions = missing_answers(directory, cell, place.limit)
    try:
        asking = trial_data(cell, load)
    except Exception as error:  # of a file, of a space that is too small, of a room
        sentence = (
            str(error) if isinstance(error, UserError) else f"{type(error).__name__} in its data: {error}"
        )
        return Outcome(cell, directory, sentence, data=False)
    with _same_folder():
        model = None if open_questions == [] else model_of(cell.model, cell.checkpoint)
    header = header_of(asking, model, place.pretraining_overlap)
    refuse_change(directory, _lasting(header))
    if model is None:
        _forget_error(directory)  # its process may have been ended after the last answer
        tell("skip")
        return Outcome(cell, directory, None)
    tell("start")
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with folder_lock(directory):
        refuse_change(directory, _lasting(header))  # another process may have begun it since
        remove_drafts(directory)
        _forget_error(directory)
        try:
            with _same_folder():
                codec = checked(asking, model)
            if not (directory / "run.json").exists():
                rows = b"".join(encode(instance, steps=False) + b"\n" for instance in asking.test)
                write_atomically(directory / "questions.jsonl", rows)
                write_atomically(
                    directory / "run.json", msgspec.json.format(msgspec.json.encode(header)) + b"\n"
                )
            with _same_folder():
                open_questions = missing_answers(directory, cell, place.limit)
                predict_all(directory.absolute(), asking, model, codec, open_questions, tell)
        except UserError:
            raise
        except Exception as error:  # of a model, which may be anybody's
            sentence = (
                str(error) if isinstance(error, ModelFaultError) else f"{type(error).__name__}: {error}"
            )
            write_error(directory, cell, sentence, error)
            tell("failed", message=sentence)
            return Outcome(cell, directory, sentence)
    tell("done")
    return Outcome(cell, directory, None)


@contextmanager
def _same_folder() -> Generator[None]:
    """After the block, be in the same current folder as before it.

    A model may go to another one for files of its own. Runs are named from the folder in which the command
    was given."""
    before = os.getcwd()
    try:
        yield
    finally:
        with suppress(OSError):  # somebody removed it: what is written there next says so
            os.chdir(before)


def trial_data(cell: Trial, load: LoadData) -> TrialData:
    """The cell's data. UserError where there are not enough examples."""
    dataset = load(cell.task, cell.seed, cell.pool)
    train = _head(dataset.train, dataset.train.count if cell.shots is None else cell.shots)
    kinds = cell.augment.split(",") if cell.augment else ()
    shown = augmented(train, kinds, cell.seed) if kinds else train
    return TrialData(cell, dataset.verifier, dataset.params, train, shown, _head(dataset.test, cell.n_test))


def refuse_change(directory: Path, wanted: Mapping[str, Any]) -> None:
    """UserError where the directory holds a cell that differs in these parts of its header; says in what."""
    if not (directory / "run.json").exists():
        return
    old = _flat(msgspec.to_builtins(read_header(directory)))
    new = _flat(msgspec.to_builtins(wanted))
    changed = [
        f"{key.removeprefix('trial.')} was {old.get(key)}, is {value}"
        for key, value in new.items()
        if old.get(key) != value
        and not (key == "code" and old.get(key) is None)  # runs of before told no code
    ]
    if changed:
        raise UserError(
            f"{directory} was measured by another plan ({'; '.join(changed)}): give that plan again, or another --out"
        )


def write_error(directory: Path, cell: Trial, sentence: str, error: BaseException | None = None) -> None:
    """Leave in the directory why the cell failed: a sentence, and the traceback of `error`; and where there
    is no run yet, the cell itself, so that a report can name what it lacks."""
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "run.json").exists():
        write_atomically(directory / "cell.json", msgspec.json.format(msgspec.json.encode(cell)) + b"\n")
    story = [
        sentence.replace("\n", " "),
        "\n",
        *(["\n", *traceback.format_exception(error)] if error else []),
    ]
    write_atomically(directory / "error.txt", "".join(story).encode("utf-8", "replace"))


def _forget_error(directory: Path) -> None:
    """Remove what a failure of before has left."""
    with disk_errors(directory):
        for name in ("error.txt", "cell.json"):
            (directory / name).unlink(missing_ok=True)


def _head(split: Split, n: int | None) -> tuple[Instance, ...]:
    """The first n rows, or all that a file has."""
    if split.count is not None:
        n = split.count if n is None else min(n, split.count)
    if not n:
        raise UserError(
            f"{split.spec.task[:120]} has no {split.name} rows whose answer is known: choose another task"
        )
    return split.head(n)


def header_of(asking: TrialData, model: Model[Any] | None, pretraining_overlap: str | None) -> Header:
    """The header of a cell with its data. model: None where none is run; pretraining_overlap: near or far,
    where known."""
    cell = asking.trial
    digest = data_digest([*asking.train, *asking.test])
    task = TaskInfo(asking.verifier.version, _json(asking.params), asking.verifier.look.palette)
    data = DataInfo(digest, len(asking.train), len(asking.test))
    weights = model.weights if model else None
    return Header(
        FORMAT,
        cell,
        task,
        data,
        weights,
        pretraining_overlap,
        now(),
        environment(),
        model_code(cell.model),
        _task_code(cell.task),
    )


def _lasting(header: Header) -> dict[str, Any]:
    """The parts that must stay the same for a run to go on."""
    weights = {"weights": header.weights} if header.weights else {}
    return planned(header.trial) | {"task": header.task, "data": header.data} | weights


def planned(cell: Trial) -> dict[str, Any]:
    """The parts that are known before any data is made."""
    code, task_code = model_code(cell.model), _task_code(cell.task)
    model = {"code": code} if code else {}
    task = {"task_code": task_code} if task_code else {}
    return {"trial": cell} | model | task


def _task_code(name: str) -> str | None:
    """Return the digest of the code of a task in a Python file."""
    return code_of(name) if source_of(name) is None else None


def _json(params: Any) -> Json:
    """Parameters as they read after a way through JSON, so that they compare equal."""
    return msgspec.json.decode(msgspec.json.encode(params_json(params)))


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested objects as one, the keys joined by dots."""
    if not isinstance(value, dict):
        return {name: value}
    inner = cast("dict[str, Any]", value)
    dot = "." if name else ""
    return {
        path: leaf for key, item in inner.items() for path, leaf in _flat(item, f"{name}{dot}{key}").items()
    }
