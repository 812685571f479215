"""Run one trial: make its data, write its header, and record its model's answers."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, final

import msgspec

from vizbench._util.files import disk_errors, remove_drafts, write_atomically
from vizbench._util.locks import folder_lock
from vizbench.dataset.splits import Dataset, Split
from vizbench.errors import UserError
from vizbench.formats.lookup import source_of
from vizbench.formats.rows import encode
from vizbench.harness.plan.augment import augmented
from vizbench.harness.plan.plan import Trial
from vizbench.harness.records.provenance import data_digest, environment, now
from vizbench.harness.records.records import FORMAT, DataInfo, Header, TaskInfo, read_header
from vizbench.harness.run.codec import process_info
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.predict import ModelFaultError, TrialData, checked, missing_answers, predict_all
from vizbench.model import Model, Progress, model_code
from vizbench.task.registry import code_of, params_json
from vizbench.types import Instance, Json

Kind: TypeAlias = Literal["start", "skip", "adapt", "predict", "done", "failed"]
"""What an event reports."""

LoadData: TypeAlias = Callable[[str, int, int], Dataset]
"""(task, seed, pool) -> the data set."""


@final
@dataclass(frozen=True, slots=True)
class Event:
    """One step of a run, for a progress display."""

    kind: Kind
    """What happened."""
    trial: Trial
    """The trial that it happened to."""
    position: int
    """Number of the trial, from 1."""
    trials: int
    """Number of trials in the run."""
    done: int = 0
    """Optimizer steps (adapt) or questions (predict) so far."""
    total: int = 0
    """Optimizer steps or questions in all."""
    loss: float | None = None
    """The latest loss, if the model reports it."""
    memory: int | None = None
    """The most bytes on the device so far, if the model reports them."""
    message: str = ""
    """Why the trial failed."""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended."""

    trial: Trial
    """The trial."""
    directory: Path
    """Its directory."""
    error: str | None
    """Why it failed. None if it did not."""
    data: bool = True
    """Whether its data could be made."""

    @property
    def begun(self) -> bool:
        """Whether there is a run that can be read."""
        return (self.directory / "run.json").exists()


@final
@dataclass(frozen=True, slots=True)
class Job:
    """A trial to run, and the directory of its records."""

    trial: Trial
    """The trial."""
    directory: Path
    """Where its records are written."""
    limit: int | None
    """Stop after so many questions. None: ask all."""
    pretraining_overlap: str | None
    """How close the task is to the embedded models' pretraining: "near: …" or "far: …", if known."""
    position: int
    """Number of the trial, from 1."""
    trials: int
    """Number of trials in the run."""


@final
@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the events of one trial."""

    report: Callable[[Event], None]
    """Receives the events."""
    job: Job
    """The trial."""

    def __call__(self, kind: Kind, progress: Progress | None = None, message: str = "") -> None:
        """Report one step."""
        progress = progress or Progress(0, 0)
        self.report(
            Event(
                kind,
                self.job.trial,
                self.job.position,
                self.job.trials,
                progress.done,
                progress.total,
                progress.loss,
                progress.memory,
                message,
            )
        )


def run_trial(job: Job, load: LoadData, model_cache: ModelCache, report: Callable[[Event], None]) -> Outcome:
    """Run one trial. Data and model failures are returned as the outcome, not raised.

    If the data cannot be made, nothing is written or reported, because the whole plan may lack data.

    Raises UserError if the plan has changed, if the directory is corrupt or in use, or if the disk cannot be
    written. These are not failures of the trial.
    """
    trial, directory, notify = job.trial, job.directory, Reporter(report, job)
    open_questions = missing_answers(directory, trial, job.limit)
    try:
        data = trial_data(trial, load)
    except Exception as error:  # a damaged file, a space that is too small, a fault of a task family
        return Outcome(trial, directory, _data_failure(error), data=False)

    # Compare with what an earlier run has left. A trial that is complete needs no model.
    with _same_folder():
        model = None if open_questions == [] else model_cache.get(trial.model, trial.checkpoint)
    header = header_of(data, model, job.pretraining_overlap)
    refuse_change(directory, _lasting(header))
    if model is None:
        _forget_error(directory)  # its process may have died after the last answer
        notify("skip")
        return Outcome(trial, directory, None)

    # Predict, in a directory that no other process uses.
    notify("start")
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with folder_lock(directory):
        refuse_change(directory, _lasting(header))  # another process may have started it in the meantime
        remove_drafts(directory)
        _forget_error(directory)
        try:
            _measure(job, header, data, model, notify)
        except UserError:
            raise
        except Exception as error:  # of a model, which may be anybody's code
            known = isinstance(error, ModelFaultError)
            sentence = str(error) if known else f"{type(error).__name__}: {error}"
            write_error(directory, trial, sentence, error)
            notify("failed", message=sentence)
            return Outcome(trial, directory, sentence)
    notify("done")
    return Outcome(trial, directory, None)


def _measure(job: Job, header: Header, data: TrialData, model: Model[Any], notify: Reporter) -> None:
    """Write the trial's files if they do not exist, and record the answers that it lacks."""
    directory = job.directory
    with _same_folder():
        codec = checked(data, model)
    if codec.prompt is not None:
        header = msgspec.structs.replace(header, first_prompt=codec.prompt(data.test[0]))
        refuse_change(directory, {"first_prompt": header.first_prompt})
    if not (directory / "run.json").exists():
        rows = b"".join(encode(instance, steps=False) + b"\n" for instance in data.test)
        write_atomically(directory / "questions.jsonl", rows)
        write_atomically(directory / "run.json", msgspec.json.format(msgspec.json.encode(header)) + b"\n")
    with _same_folder():
        open_questions = missing_answers(directory, job.trial, job.limit)
        predict_all(directory.absolute(), data, model, codec, open_questions, notify)


@contextmanager
def _same_folder() -> Generator[None]:
    """Restore the current folder after the block.

    A model may change it for files of its own. Directories of trials are relative to the folder in which the
    command was given.
    """
    before = os.getcwd()
    try:
        yield
    finally:
        with suppress(OSError):  # the folder was removed: the next write there reports it
            os.chdir(before)


def trial_data(trial: Trial, load: LoadData) -> TrialData:
    """Return the trial's data. Raises UserError if there are not enough rows."""
    dataset = load(trial.task, trial.seed, trial.pool)
    shots = dataset.train.count if trial.shots is None else trial.shots
    train = () if trial.shots == 0 else _head(dataset.train, shots)
    kinds = trial.augment.split(",") if trial.augment else ()
    shown = augmented(train, kinds, trial.seed) if kinds else train
    test = _head(dataset.test, trial.n_test)
    return TrialData(trial, dataset.verifier, dataset.params, train, shown, test)


def refuse_change(directory: Path, parts: Mapping[str, Any]) -> None:
    """Raise UserError if the directory holds a trial whose header differs in these parts; say in which."""
    if not (directory / "run.json").exists():
        return
    old = _flat(msgspec.to_builtins(read_header(directory)))
    changes: list[str] = []
    for key, value in _flat(msgspec.to_builtins(parts)).items():
        if old.get(key) != value:
            changes.append(f"{key.removeprefix('trial.')} was {old.get(key)}, is {value}")
    if changes:
        raise UserError(
            f"{directory} was measured by another plan ({'; '.join(changes)}): "
            "give that plan again, or another --out"
        )


def write_error(directory: Path, trial: Trial, sentence: str, error: BaseException | None = None) -> None:
    """Write why the trial failed: a sentence, and the traceback of `error`.

    If there is no run yet, the trial itself is written too, so that a report can name it.
    """
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "run.json").exists():
        write_atomically(directory / "trial.json", msgspec.json.format(msgspec.json.encode(trial)) + b"\n")
    text = sentence.replace("\n", " ") + "\n"
    if error is not None:
        text += "\n" + "".join(traceback.format_exception(error))
    write_atomically(directory / "error.txt", text.encode("utf-8", "replace"))


def _forget_error(directory: Path) -> None:
    """Remove the files of an earlier failure."""
    with disk_errors(directory):
        for name in ("error.txt", "trial.json"):
            (directory / name).unlink(missing_ok=True)


def _data_failure(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__} in its data: {error}"


def _head(split: Split, n: int | None) -> tuple[Instance, ...]:
    """Return the first n rows, or all rows of a file that has fewer."""
    if split.count is not None:
        n = split.count if n is None else min(n, split.count)
    if not n:
        raise UserError(
            f"{split.spec.task[:120]} has no {split.name} rows whose answer is known: choose another task"
        )
    return split.head(n)


def header_of(data: TrialData, model: Model[Any] | None, pretraining_overlap: str | None) -> Header:
    """Return the header of a trial.

    model: None if no model is run.
    pretraining_overlap: near or far, if known.
    """
    trial = data.trial
    digest = data_digest([*data.train, *data.test])
    shows = trial.supervision == "process"
    return Header(
        format=FORMAT,
        trial=trial,
        task=TaskInfo(data.verifier.version, _json(data.params), data.verifier.look.palette),
        data=DataInfo(digest, len(data.train), len(data.test)),
        weights=model.weights if model else None,
        pretraining_overlap=pretraining_overlap,
        created=now(),
        environment=environment(),
        code=model_code(trial.model),
        task_code=_task_code(trial.task),
        process=process_info(model, data.verifier, data.shown) if shows and model else None,
    )


def _lasting(header: Header) -> dict[str, Any]:
    """Return the parts that must stay the same if a run continues."""
    parts = planned(header.trial) | {"task": header.task, "data": header.data}
    return parts | {"weights": header.weights} if header.weights else parts


def planned(trial: Trial) -> dict[str, Any]:
    """Return the parts of a header that are known before any data is made."""
    parts: dict[str, Any] = {"trial": trial}
    if code := model_code(trial.model):
        parts["code"] = code
    if code := _task_code(trial.task):
        parts["task_code"] = code
    return parts


def _task_code(name: str) -> str | None:
    """Return the digest of the code of a task in a Python file."""
    return code_of(name) if source_of(name) is None else None


def _json(params: Any) -> Json:
    """Return parameters as they are after a round trip through JSON, so that they compare equal."""
    return msgspec.json.decode(msgspec.json.encode(params_json(params)))


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested objects as one, with keys joined by dots."""
    if not isinstance(value, dict):
        return {name: value}
    flat: dict[str, Any] = {}
    for key, item in cast("dict[str, Any]", value).items():
        flat |= _flat(item, f"{name}.{key}" if name else key)
    return flat
