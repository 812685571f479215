"""Cells measured by several processes at once.

A process measures one cell at a time and tells of every step through a pipe. Processes rather than threads:
models hold the interpreter's lock. Spawned rather than forked: a fork of a process with threads may stand
still. Own pipes rather than a pool of `concurrent.futures`: that gives up all its cells when one process
dies, and here one cell fails."""

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
from vizbench._util.processes import exit_with_parent, interrupts_held, safe_path
from vizbench.errors import UserError
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.trial import Event, Job, Outcome, run_trial, write_error

MAX_JOBS: Final = 256

_PATIENCE: Final = 10.0
"""Seconds that a process without work has to end by itself, so that a model may put its things away."""


_CRASHES: Final = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
"""Signals that a process brings on itself."""


def check_jobs(jobs: int) -> None:
    """Refuse a number of processes that is no integer in 1 … MAX_JOBS."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or not 1 <= jobs <= MAX_JOBS:  # pyright: ignore[reportUnnecessaryIsInstance] callers are users
        raise UserError(f"jobs {str(jobs)[:40]} is outside 1 … {MAX_JOBS}: choose a whole number there")


def run_all(places: Sequence[Job], jobs: int, report: Callable[[Event], None]) -> list[Outcome]:
    """Measure the cells by `jobs` processes; outcomes in the order of the places, events as they come.

    A process that dies fails the cell that it was at. On any error, Ctrl-C included, all processes are ended
    at once: what they had written stays. They also end when this process dies."""
    waiting = deque(places)
    outcomes: dict[int, Outcome] = {}
    workers: list[_Worker] = []
    try:
        workers += [_Worker() for _ in range(min(jobs, len(places)))]
        while len(outcomes) < len(places):
            heard = wait([worker.pipe for worker in workers])
            for worker in [worker for worker in workers if worker.pipe in heard]:
                match worker.hear():
                    case Event() as event:
                        report(event)
                    case _Refused(sentence):
                        raise UserError(sentence)
                    case _Noticed(sentence, key):
                        notice(sentence, key)
                    case _Ready():
                        worker.give(waiting)
                    case Outcome() as outcome:
                        outcomes[worker.at.position] = outcome
                        worker.give(waiting)
                    case None:
                        workers.remove(worker)
                        if worker.place is not None:
                            outcomes[worker.at.position] = _died(worker, report)
                            workers += [_Worker()] if waiting else []
        for worker in workers:
            worker.process.join(_PATIENCE)
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
    return [outcomes[place.position] for place in places]


@final
@dataclass(frozen=True, slots=True)
class _Ready:
    """A process says that it has started."""


@final
@dataclass(frozen=True, slots=True)
class _Refused:
    """A process says why the whole run must end."""

    sentence: str


@final
@dataclass(frozen=True, slots=True)
class _Noticed:
    """A process says something once, which others may say too."""

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
        self.place: Job | None = None
        """The cell it is at."""
        self._started = False
        with interrupts_held(), safe_path():
            self.process.start()
        far.close()  # so that the pipe ends with the process

    @property
    def at(self) -> Job:
        assert self.place is not None  # asked of a process that speaks of its cell
        return self.place

    def hear(self) -> _Message | None:
        """What it says; None once it has ended. UserError where it ended before it had started."""
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
        """Hand it the next cell, or tell it to end where there is none."""
        self.place = waiting.popleft() if waiting else None
        with suppress(ConnectionError):  # it has just died, as `hear` will find
            self.pipe.send(self.place)


def _died(worker: _Worker, report: Callable[[Event], None]) -> Outcome:
    """The outcome of a cell whose process ended in its midst."""
    place = worker.at
    sentence = _ended(worker.process.exitcode or 0)
    write_error(place.directory, place.trial, sentence)
    report(Event("failed", place.trial, place.position, place.trials, message=sentence))
    return Outcome(place.trial, place.directory, sentence)


def _stillborn(code: int) -> str:
    """What ended a process before it could work, as far as its exit code says."""
    if code == -signal.SIGKILL:
        return (
            "a process was killed from outside (SIGKILL) before it could work, by hand or for want of memory: "
            "use fewer jobs"
        )
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    return (
        f"a process ended {how} before it could work: what it said stands above; a script that calls vizbench needs "
        "`if __name__ == '__main__':`, and --jobs 1 starts no process"
    )


def _ended(code: int) -> str:
    """What ended a process, by its exit code: whoever killed it from outside, a crash of its own, or its own
    will."""
    goes_on = "the same command goes on from its last answer"
    if code >= 0:
        return f"its process ended by itself, with code {code}: {goes_on}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        why = "by hand or for want of memory, where fewer jobs help"
        return f"its process was killed from outside (SIGKILL), {why}: {goes_on}"
    if name in _CRASHES:
        return f"its process crashed ({name}) in the model or a library of its: {goes_on}"
    return f"its process was killed from outside ({name}): {goes_on}"


def _work(pipe: Connection[Any, Any]) -> None:
    """The life of a process: cells come through the pipe until None does."""
    exit_with_parent()
    load = lru_cache(maxsize=4)(loading.load)
    stage = ModelCache({})
    pipe.send(_Ready())
    with notices_to(lambda sentence, key: pipe.send(_Noticed(sentence, key))):
        while (place := pipe.recv()) is not None:
            try:
                pipe.send(run_trial(place, load, stage, pipe.send))
            except UserError as error:
                pipe.send(_Refused(str(error)))
