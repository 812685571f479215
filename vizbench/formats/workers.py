"""Run jobs in several processes, and yield their results in order."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Final, Generic, TypeAlias, TypeVar, final

from vizbench._util.background import TICK, Work, run_in_background
from vizbench._util.processes import exit_with_parent, interrupts_held, safe_path
from vizbench.errors import UserError

J = TypeVar("J")
R = TypeVar("R")

_GLANCE: Final = 0.02
"""Seconds between two checks of the processes while the next job is being made."""


def in_order(function: Callable[[J], R], jobs: Iterator[J], workers: int) -> Generator[R]:
    """Yield the results of `map(function, jobs)`, computed by `workers` processes. Jobs are made when needed.

    If workers is 1, this process does the work. Ctrl-C ends it at once, in a kernel too. Close the iterator
    if you do not take all results: that ends its processes.

    Processes rather than threads: turning rows into text holds the interpreter's lock. Spawned rather than
    forked: a fork of a process with threads may hang. Own pipes rather than a pool of `concurrent.futures`:
    the pool waits for jobs that are running, and it hangs if a killed process had sent half of a result.
    """
    if workers > 1:
        yield from _Pool(function, jobs, workers).results()
        return
    while job := run_in_background(functools.partial(_next, jobs)):
        yield run_in_background(functools.partial(function, job[0]))


def _next(jobs: Iterator[J]) -> list[J]:
    """Return the next job in a list, which is empty after the last."""
    return list(itertools.islice(jobs, 1))


@final
class _Pool(Generic[J, R]):
    """Processes that work on one job each, while a thread makes the next jobs."""

    def __init__(self, function: Callable[[J], R], jobs: Iterator[J], most: int) -> None:
        self._function = function
        self._jobs = jobs
        self._most = most
        self._workers: list[_Worker[J, R]] = []
        self._backlog: deque[J] = deque()
        """Jobs that no process has yet."""
        self._search: Work[list[J]] | None = None
        """The call that makes the next job; None after the last."""
        self._results: dict[int, R] = {}
        """Results that are not yielded yet, by the numbers of their jobs."""
        self._given = 0
        self._yielded = 0

    def results(self) -> Iterator[R]:
        """Yield the results in the order of the jobs. The processes end with this iterator."""
        try:
            self._make_next()
            while self._search is not None or self._backlog or self._yielded < self._given:
                self._collect()
                self._hand_out()
                if self._yielded in self._results:
                    yield self._results.pop(self._yielded)
                    self._yielded += 1
                else:
                    self._receive()
        finally:
            if self._search is not None:
                self._search.abandon()
            for worker in self._workers:
                worker.end()

    def _make_next(self) -> None:
        self._search = Work(functools.partial(_next, self._jobs))
        self._search.start()

    def _collect(self) -> None:
        """Add the job that was made to the backlog, and make the next one, unless many are waiting."""
        unfinished = len(self._backlog) + self._given - self._yielded
        if self._search is None or not self._search.done.is_set() or unfinished >= 2 * self._most:
            return
        job = self._search.result()
        self._search = None
        if job:
            self._backlog += job
            self._make_next()

    def _hand_out(self) -> None:
        """Give jobs to idle processes, and start more processes if there are jobs for them."""
        while self._backlog:
            idle = next((worker for worker in self._workers if worker.number is None), None)
            if idle is None:
                if len(self._workers) == self._most:
                    return
                idle = _Worker(self._function)
                self._workers.append(idle)
            idle.give(self._given, self._backlog.popleft())
            self._given += 1

    def _receive(self) -> None:
        """Wait a moment for results, and for the job that is being made."""
        busy = [worker for worker in self._workers if worker.number is not None]
        is_searching = self._search is not None and not self._search.done.is_set()
        if is_searching and not busy:
            assert self._search is not None  # checked above
            self._search.done.wait(TICK)
            return
        ready = wait([worker.pipe for worker in busy], _GLANCE if is_searching else TICK)
        for worker in busy:
            if worker.pipe in ready:
                number, result = worker.receive()
                self._results[number] = result


_Outcome: TypeAlias = tuple[bool, Any]
"""Whether a job succeeded, and its result or its error."""


@final
class _Worker(Generic[J, R]):
    """A process, with the pipe to it."""

    def __init__(self, function: Callable[[J], R]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.number: int | None = None
        """The number of its job; None if it has none."""
        self._process = context.Process(target=_serve, args=(far, function))
        with interrupts_held(), safe_path():
            self._process.start()
        far.close()  # so that the pipe ends with the process

    def give(self, number: int, job: J) -> None:
        self.number = number
        with suppress(ConnectionError):  # it has just died: `receive` reports that
            self.pipe.send(job)

    def receive(self) -> tuple[int, R]:
        """Return the number of its job and the result.

        Raises what the job raised, and UserError if the process died.
        """
        assert self.number is not None  # only a process with a job sends anything
        try:
            outcome: _Outcome = self.pipe.recv()
        except (EOFError, ConnectionError):
            raise UserError(
                "a worker process died, out of memory or started from a script without "
                "`if __name__ == '__main__':`: use fewer workers"
            ) from None
        has_succeeded, value = outcome
        if not has_succeeded:
            raise value
        number, self.number = self.number, None
        return number, value

    def end(self) -> None:
        """Kill the process: its work is done, or nobody waits for it."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _serve(pipe: Connection[Any, Any], function: Callable[[Any], Any]) -> None:
    """Run in a process: do the jobs that come through the pipe, until it closes."""
    exit_with_parent()
    with suppress(EOFError, ConnectionError):
        while True:
            job = pipe.recv()
            try:
                outcome: _Outcome = (True, function(job))
            except Exception as error:
                error.add_note(traceback.format_exc())  # the traceback itself cannot be sent
                outcome = (False, error)
            pipe.send(outcome)
