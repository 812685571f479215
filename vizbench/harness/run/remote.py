"""Run trials on machines that share no files with this one.

A worker runs a trial in a folder of its own, which begins as a copy of the trial's directory here. It sends
what it adds to its files, at most PULSE seconds later, and only this process writes the run. So a trial that
loses its worker continues like one that was killed: from its last answer, on any machine and any engine.
"""

from __future__ import annotations

import functools
import queue
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, final

from vizbench import loading
from vizbench._util.background import Work
from vizbench._util.files import Log, disk_errors, remove_drafts, write_atomically
from vizbench._util.locks import folder_lock
from vizbench._util.notices import notice, notices_to
from vizbench.engines.engine import Done, Engine, Lost, Needs, Sent
from vizbench.engines.schedule import lost_too_often, stream
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Trial
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.trial import Event, Job, LoadData, Outcome, planned, run_trial, write_error
from vizbench.model import MemoryEstimate, MemoryRequest, families

PULSE: Final = 1.0
"""Seconds after which a worker sends what it has."""

_LOGS: Final = ("sessions.jsonl", "records.jsonl")
_WHOLE: Final = ("questions.jsonl", "run.json", "error.txt", "trial.json")
"""Files that are written at once, in this order: a trial with a run.json has its questions."""

_Change: TypeAlias = tuple[Literal["append", "replace", "remove"], str, bytes]
"""What happens to a file: how, its name, and the bytes."""


@final
@dataclass(frozen=True, slots=True)
class _RemoteTrial:
    """A trial to run elsewhere, and what its directory holds."""

    job: Job
    """The trial, with its directory here."""
    files: dict[str, bytes]
    """The files that are there. Logs are cut after their last whole line."""
    planned: dict[str, Any]
    """What its header must say, see `trial.planned`."""


@final
@dataclass(frozen=True, slots=True)
class _Batch:
    """What has happened to a trial since the last batch."""

    events: tuple[Event, ...]
    """For the progress display."""
    notices: tuple[tuple[str, object], ...]
    """Notices with their keys."""
    changes: tuple[_Change, ...]
    """Changes of its files, in the order in which they are to be made."""
    outcome: tuple[str | None, bool] | None
    """The error of the outcome, and whether there was data. None before the end."""


# Here: the process that writes the run


def run_remotely(jobs: Sequence[Job], engine: Engine, report: Callable[[Event], None]) -> list[Outcome]:
    """Run the trials on an engine. Returns outcomes in the order of the jobs.

    If a worker is lost, its trial continues on another. A trial that lost too many workers fails.

    Raises UserError as `run_trial` does.
    """
    ledger = _Ledger(jobs)
    outcomes: dict[int, Outcome] = {}
    with (
        closing(ledger),
        closing(
            stream(
                engine,
                measure,
                ledger.remote_trials(),
                ledger.again,
                lambda remote: needs_of(remote.job.trial),
            )
        ) as events,
    ):
        for event in events:
            job = jobs[event.number]
            match event:
                case Sent():
                    batch: _Batch = event.message
                    ledger.write(event.number, batch)
                    for each in batch.events:
                        report(each)
                    if batch.outcome is not None:
                        error, data = batch.outcome
                        outcomes[event.number] = Outcome(job.trial, job.directory, error, data)
                case Lost(gave_up=True):
                    outcomes[event.number] = _failed(job, event, report)
                    ledger.release(event.number)
                case Lost():
                    pass  # `again` has made its next run
                case Done():
                    ledger.release(event.number)
    return [outcomes[number] for number in range(len(jobs))]


def _failed(job: Job, event: Lost, report: Callable[[Event], None]) -> Outcome:
    sentence = f"{lost_too_often(event)}: the same command continues from its last answer"
    write_error(job.directory, job.trial, sentence)
    report(Event("failed", job.trial, job.position, job.trials, message=sentence))
    return Outcome(job.trial, job.directory, sentence)


@final
class _Ledger:
    """The directories of the trials that run now."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._open: dict[int, _Directory] = {}

    def remote_trials(self) -> Iterator[_RemoteTrial]:
        """Yield the trials with what is in their directories, which are locked until `release`."""
        for number, job in enumerate(self._jobs):
            self._open[number] = directory = _Directory(job)
            yield directory.remote_trial()

    def again(self, number: int, remote: _RemoteTrial) -> _RemoteTrial:
        """Return a trial as it is now, after the loss of its worker."""
        del remote
        return self._open[number].remote_trial()

    def write(self, number: int, batch: _Batch) -> None:
        """Write what a worker has sent."""
        for sentence, key in batch.notices:
            notice(sentence, key)
        self._open[number].write(batch.changes)

    def release(self, number: int) -> None:
        """Close and unlock the directory of a trial."""
        self._open.pop(number).close()

    def close(self) -> None:
        """Close and unlock all directories."""
        for number in list(self._open):
            self.release(number)


@final
class _Directory:
    """The directory of one trial. It is locked from the first time that it exists."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._held = ExitStack()
        self._locked = False
        self._logs: dict[str, Log] = {}
        if job.directory.is_dir():
            self._lock()
            remove_drafts(job.directory)

    def remote_trial(self) -> _RemoteTrial:
        """Return the trial with what is in the directory."""
        self._close_logs()
        files: dict[str, bytes] = {}
        for name in (*_WHOLE, *_LOGS):
            path = self._job.directory / name
            if self._locked and path.is_file():
                data = path.read_bytes()
                files[name] = data[: data.rfind(b"\n") + 1] if name in _LOGS else data
        return _RemoteTrial(self._job, files, planned(self._job.trial))

    def write(self, changes: Sequence[_Change]) -> None:
        """Make the changes. Raises UserError if the disk refuses, or another process was faster."""
        for how, name, data in changes:
            self._lock_late()
            path = self._job.directory / name
            if how == "append":
                self._log(name).append(data.split(b"\n")[:-1])
            elif how == "replace":
                write_atomically(path, data)
            else:
                with disk_errors(path):
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        try:
            self._close_logs()
        finally:
            self._held.close()

    def _lock(self) -> None:
        directory = self._job.directory
        with disk_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(folder_lock(directory))
        self._locked = True

    def _lock_late(self) -> None:
        """Lock the directory of a trial that had none when it was sent."""
        if self._locked:
            return
        self._lock()
        if (self._job.directory / "run.json").exists():
            raise UserError(
                f"{self._job.directory} was begun by another process in the meantime: wait for it, then give "
                "the same command again"
            )

    def _log(self, name: str) -> Log:
        if name not in self._logs:
            path = self._job.directory / name
            data = path.read_bytes() if path.is_file() else b""
            self._logs[name] = Log(path, data.rfind(b"\n") + 1)
        return self._logs[name]

    def _close_logs(self) -> None:
        logs = list(self._logs.values())
        self._logs.clear()
        for log in logs:
            log.close()


# What a trial takes


def needs_of(trial: Trial) -> Needs:
    """Return what a trial takes: a GPU if its model may train on one, and the estimate of its memory.

    The estimate is that of `vizbench models --memory` for the settings in the checkpoint's name, and the
    least of them if they leave a choice.
    """
    if trial.model in TRIVIAL:
        return Needs()
    family = families().get(trial.model)
    if family is None:  # from a file: it may use a GPU
        return Needs(gpus=1)
    if family.memory is None:
        return Needs()
    name, _, settings = trial.checkpoint.partition("?")
    rows = [row for row in family.memory(MemoryRequest()) if row.checkpoint == name]
    totals = [sum(row.parts.values()) for row in rows if _answers(row, settings)]
    return Needs(gpus=1, memory=int(min(totals, default=0)))


def _answers(row: MemoryEstimate, settings: str) -> bool:
    """Return whether an estimate is of training, and contradicts none of the settings."""
    own, given = _settings(row.settings), _settings(settings)
    return "backbone" in own and all(own.get(key, value) == value for key, value in given.items())


def _settings(text: str) -> dict[str, str]:
    """Return settings by name, as they are behind the name of a checkpoint."""
    pairs = [item.partition("=") for item in text.split("&") if item]
    return {key: value for key, _, value in pairs}


# There: the worker


def measure(remote: _RemoteTrial) -> Iterator[_Batch]:
    """Run a trial in a folder of this machine, and yield what happens to it.

    Raises UserError as `run_trial` does, and if the code of the task or the model differs here.
    """
    job = remote.job
    with tempfile.TemporaryDirectory(prefix="vizbench-") as folder:
        directory = Path(folder) / job.directory.name
        for name, data in remote.files.items():
            directory.mkdir(exist_ok=True)
            (directory / name).write_bytes(data)
        said: queue.SimpleQueue[Event | tuple[str, object]] = queue.SimpleQueue()
        work = Work(functools.partial(_run, remote, replace(job, directory=directory), said))
        work.start()
        copy = _Copy(directory, remote.files)
        while not work.done.wait(PULSE):
            yield _batch(said, copy, None)
        try:
            outcome = work.result()
        except UserError as error:
            raise UserError(str(error).replace(str(directory), str(job.directory))) from None
        yield _batch(said, copy, (outcome.error, outcome.data))


def _run(remote: _RemoteTrial, job: Job, said: queue.SimpleQueue[Event | tuple[str, object]]) -> Outcome:
    load, models = _kept()
    with notices_to(lambda sentence, key: said.put((sentence, key))):
        _refuse_other_code(remote)
        return run_trial(job, load, models, said.put)


@functools.cache
def _kept() -> tuple[LoadData, ModelCache]:
    """Return what this worker keeps from one trial to the next: data sets, and one model."""
    return functools.lru_cache(maxsize=4)(loading.load), ModelCache({})


def _refuse_other_code(remote: _RemoteTrial) -> None:
    """Raise UserError if a file of the plan is another one on this machine."""
    trial = remote.job.trial
    here = planned(trial)
    for key, name in (("code", trial.model), ("task_code", trial.task)):
        if here.get(key) != remote.planned.get(key):
            raise UserError(
                f"{name[:120]} is another file on a node than here: give every node the same files, at the "
                "same place"
            )


def _batch(
    said: queue.SimpleQueue[Event | tuple[str, object]],
    copy: _Copy,
    outcome: tuple[str | None, bool] | None,
) -> _Batch:
    """Return what has happened. What was reported is in the files by then."""
    events: list[Event] = []
    notices: list[tuple[str, object]] = []
    with suppress(queue.Empty):
        while True:
            item = said.get_nowait()
            if not isinstance(item, Event):
                notices.append(item)
                continue
            if events and item.kind == events[-1].kind:  # only the latest progress matters
                events.pop()
            events.append(item)
    return _Batch(tuple(events), tuple(notices), copy.changes(), outcome)


@final
class _Copy:
    """What the process that writes the run has of the files in a folder."""

    def __init__(self, directory: Path, files: dict[str, bytes]) -> None:
        self._directory = directory
        self._whole = {name: files.get(name) for name in _WHOLE}
        self._sizes = {name: len(files.get(name, b"")) for name in _LOGS}

    def changes(self) -> tuple[_Change, ...]:
        """Return the changes since the last call.

        Logs are read first, and `run.json` before the questions, because the trial writes in the reverse
        order meanwhile: whoever gets a record gets its run, too.
        """
        added: list[_Change] = []
        for name in _LOGS:
            lines = self._added(name)
            if lines:
                added.append(("append", name, lines))
        now: dict[str, bytes | None] = {name: self._read(name) for name in reversed(_WHOLE)}
        replaced: list[_Change] = []
        for name in _WHOLE:
            data = now[name]
            if data == self._whole[name]:
                continue
            replaced.append(("remove", name, b"") if data is None else ("replace", name, data))
            self._whole[name] = data
        return (*replaced, *added)

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None

    def _added(self, name: str) -> bytes:
        """Return the whole lines that a log has got."""
        try:
            with (self._directory / name).open("rb") as file:
                file.seek(self._sizes[name])
                data = file.read()
        except FileNotFoundError:
            return b""
        lines = data[: data.rfind(b"\n") + 1]
        self._sizes[name] += len(lines)
        return lines
