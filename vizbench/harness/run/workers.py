"""Run trials in several processes at once.

Each process runs one trial at a time and sends its events through a pipe. Processes rather than threads,
because models hold the interpreter's lock. Spawned rather than forked, because a fork of a process with
threads may deadlock. Own pipes rather than `concurrent.futures`, which gives up all its work if one process
dies; here only one trial fails.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from typing import Any, Final, TypeAlias, final

from vizbench import loading
from vizbench._util.notices import notice, notices_to
from vizbench._util.numbers import is_whole
from vizbench._util.processes import exit_with_parent, interrupts_held, safe_path
from vizbench.errors import UserError
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.trial import Event, Job, Outcome, run_trial, write_error

MAX_JOBS: Final = 256
"""The most processes."""

_PATIENCE: Final = 10.0
"""Seconds in which an idle process may end by itself, so that a model can clean up."""

_CRASHES: Final = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
"""Signals that a process causes itself."""


def check_jobs(jobs: int) -> None:
    """Raise UserError if a number of processes is not an integer in 1 … MAX_JOBS."""
    if not is_whole(jobs, 1, MAX_JOBS):
        raise UserError(f"jobs {str(jobs)[:40]} is outside 1 … {MAX_JOBS}: choose a whole number there")


def run_all(queue: Sequence[Job], processes: int, report: Callable[[Event], None]) -> list[Outcome]:
    """Run the trials in so many processes. Returns outcomes in the order of the queue.

    If a process dies, only the trial that it ran fails. On any error, Ctrl-C included, all processes are
    killed at once; what they have written is kept. They also end if this process dies.
    """
    pool = _Pool(queue, report)
    try:
        pool.start(min(processes, len(queue)))
        while len(pool.outcomes) < len(queue):
            for worker in pool.ready():
                pool.handle(worker, worker.receive())
        pool.join()
    finally:
        pool.kill()
    return [pool.outcomes[job.position] for job in queue]


@final
@dataclass(frozen=True, slots=True)
class _Ready:
    """A process has started."""


@final
@dataclass(frozen=True, slots=True)
class _Refused:
    """The whole run must end, for this reason."""

    sentence: str


@final
@dataclass(frozen=True, slots=True)
class _Noticed:
    """A notice that is shown once, even if several processes send it."""

    sentence: str
    key: object


_Message: TypeAlias = Event | Outcome | _Ready | _Refused | _Noticed


@final
class _Worker:
    """A process and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_work, args=(far,))
        self.job: Job | None = None
        """The trial that it runs."""
        self._started = False
        with interrupts_held(), safe_path():
            self.process.start()
        far.close()  # so that the pipe ends with the process

    @property
    def current(self) -> Job:
        assert self.job is not None  # asked only of a process that reports on its trial
        return self.job

    def receive(self) -> _Message | None:
        """Return the next message, or None if the process has ended.

        Raises UserError if it ended before it had started.
        """
        try:
            message: _Message = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            if not self._started:
                raise UserError(_stillborn(self.process.exitcode or 0)) from None
            return None
        self._started = True
        return message

    def give(self, waiting: deque[Job]) -> None:
        """Send the next trial, or the request to end if there is none."""
        self.job = waiting.popleft() if waiting else None
        with suppress(ConnectionError):  # it has just died, which `receive` will notice
            self.pipe.send(self.job)


@final
class _Pool:
    """The processes, the trials that wait, and the outcomes so far."""

    def __init__(self, queue: Sequence[Job], report: Callable[[Event], None]) -> None:
        self.outcomes: dict[int, Outcome] = {}
        """Position of a job -> its outcome."""
        self._waiting = deque(queue)
        self._report = report
        self._workers: list[_Worker] = []

    def start(self, count: int) -> None:
        """Start so many processes."""
        for _ in range(count):
            self._workers.append(_Worker())

    def ready(self) -> list[_Worker]:
        """Wait for messages, and return the processes that have sent one or have ended."""
        pipes = wait([worker.pipe for worker in self._workers])
        return [worker for worker in self._workers if worker.pipe in pipes]

    def handle(self, worker: _Worker, message: _Message | None) -> None:
        """Act on a message. Raises UserError if it ends the whole run."""
        match message:
            case Event() as event:
                self._report(event)
            case _Refused(sentence):
                raise UserError(sentence)
            case _Noticed(sentence, key):
                notice(sentence, key)
            case _Ready():
                worker.give(self._waiting)
            case Outcome() as outcome:
                self.outcomes[worker.current.position] = outcome
                worker.give(self._waiting)
            case None:
                self._replace(worker)

    def _replace(self, worker: _Worker) -> None:
        """Record the death of a process, and start another one if trials wait."""
        self._workers.remove(worker)
        if worker.job is None:
            return
        self.outcomes[worker.job.position] = _died(worker, self._report)
        if self._waiting:
            self.start(1)

    def join(self) -> None:
        """Give each process _PATIENCE seconds to end by itself."""
        for worker in self._workers:
            worker.process.join(_PATIENCE)

    def kill(self) -> None:
        """End every process."""
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()


def _died(worker: _Worker, report: Callable[[Event], None]) -> Outcome:
    """Return the outcome of a trial whose process died, and record the error."""
    job = worker.current
    sentence = _ended(worker.process.exitcode or 0)
    write_error(job.directory, job.trial, sentence)
    report(Event("failed", job.trial, job.position, job.trials, message=sentence))
    return Outcome(job.trial, job.directory, sentence)


def _stillborn(code: int) -> str:
    """Say what ended a process before it could work, as far as its exit code shows it."""
    if code == -signal.SIGKILL:
        return (
            "a process was killed from outside (SIGKILL) before it could work, by hand or for lack of memory"
            ": use fewer jobs"
        )
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    return (
        f"a process ended {how} before it could work: its own message is above; a script that calls vizbench "
        "needs `if __name__ == '__main__':`, and --jobs 1 starts no process"
    )


def _ended(code: int) -> str:
    """Say what ended a process, by its exit code: a kill from outside, a crash, or its own exit."""
    continues = "the same command continues from its last answer"
    if code >= 0:
        return f"its process ended by itself, with code {code}: {continues}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        why = "by hand or for lack of memory, which fewer jobs may avoid"
        return f"its process was killed from outside (SIGKILL), {why}: {continues}"
    if name in _CRASHES:
        return f"its process crashed ({name}) in the model or one of its libraries: {continues}"
    return f"its process was killed from outside ({name}): {continues}"


def _work(pipe: Connection[Any, Any]) -> None:
    """Run the trials that come through the pipe, until None comes."""
    exit_with_parent()
    load = lru_cache(maxsize=4)(loading.load)
    model_cache = ModelCache({})
    pipe.send(_Ready())
    with notices_to(lambda sentence, key: pipe.send(_Noticed(sentence, key))):
        while (job := pipe.recv()) is not None:
            try:
                pipe.send(run_trial(job, load, model_cache, pipe.send))
            except UserError as error:
                pipe.send(_Refused(str(error)))
