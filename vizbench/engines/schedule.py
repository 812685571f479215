"""Feed jobs to an engine, run the units of lost workers again, and put results in order."""

from __future__ import annotations

import functools
import itertools
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar, cast, final

from vizbench._util.background import TICK, Work
from vizbench._util.text import plural
from vizbench.engines.engine import Done, Engine, Event, Failed, Lost, Needs, Sent, Unit
from vizbench.errors import UserError

J = TypeVar("J")
R = TypeVar("R")

RETRIES: Final = 5
"""How often a unit is run again after the loss of its worker."""

_GLANCE: Final = 0.005
"""Seconds between two looks at the units while the next job is being made."""


@final
@dataclass(frozen=True, slots=True)
class Result(Generic[R]):
    """The message of a unit that `results` yields. It is the last one."""

    value: R
    """The result."""


def each(function: Callable[[J], R]) -> Callable[[J], Iterator[Result[R]]]:
    """Return the unit that computes a function."""
    return functools.partial(_once, function)


def results(
    engine: Engine,
    unit: Callable[[J], Iterator[Any]],
    jobs: Iterator[J],
    watch: Callable[[Sent | Lost], None] | None = None,
    needs: Callable[[J], Needs] | None = None,
    ended: Callable[[int, Any], None] | None = None,
) -> Generator[Any]:
    """Yield the result of each unit, in the order of their jobs. Jobs are made when needed, in a thread.

    unit: its last message is a `Result`. watch: called with all other messages, and with each loss, after
    which the unit sends them again from the first. needs: what a job takes. Default: one core. ended: called
    with the number and the result of each unit when it ends, in any order.

    Ctrl-C ends the work at once, in a kernel too. Close the iterator if you do not take all results. Raises
    what a unit raised, and UserError if a unit was lost too often.
    """
    schedule = _Schedule(engine, unit, jobs, _same, needs or _default_needs)
    sent: dict[int, Any] = {}
    waiting: dict[int, Any] = {}
    yielded = 0
    with closing(schedule.events()) as events:
        for event in events:
            match event:
                case Done(number):
                    waiting[number] = sent.pop(number)
                    if ended is not None:
                        ended(number, waiting[number])
                case Sent(number, message) if isinstance(message, Result):
                    sent[number] = cast("Result[Any]", message).value
                case Sent() | Lost():
                    _watch(event, watch)
            while yielded in waiting:
                yield waiting.pop(yielded)
                yielded += 1
            schedule.held = len(waiting)


def _watch(event: Sent | Lost, watch: Callable[[Sent | Lost], None] | None) -> None:
    if isinstance(event, Lost) and event.gave_up:
        raise lost_too_often(event)
    if watch is not None:
        watch(event)


def stream(
    engine: Engine,
    unit: Unit,
    jobs: Iterator[J],
    again: Callable[[int, J], J] | None = None,
    needs: Callable[[J], Needs] | None = None,
) -> Generator[Sent | Done | Lost]:
    """Yield what happens to the units of these jobs, in any order of units.

    After Lost, the unit is run again from its start, unless it `gave_up`. Every unit ends with one Done or
    with one Lost that gave up.

    again: returns the job to run after a loss, from its number and the job. Default: the same job.
    needs: what a job takes. Default: one core.

    Close the iterator if you do not take all events. Raises what a unit raised.
    """
    return _Schedule(engine, unit, jobs, again or _same, needs or _default_needs).events()


def lost_too_often(event: Lost) -> UserError:
    """Return the error for a unit that is not run again."""
    return UserError(f"{event.worker} {plural(RETRIES + 1, 'time')} at the same work: {event.advice}")


def _once(function: Callable[[J], R], job: J) -> Iterator[Result[R]]:
    yield Result(function(job))


def _same(number: int, job: J) -> J:
    del number
    return job


def _default_needs(job: object) -> Needs:
    del job
    return Needs()


def _fill(jobs: Iterator[J], count: int, made: deque[J]) -> bool:
    """Append the next jobs, each as soon as it is made. Return whether there may be more."""
    for job in itertools.islice(jobs, count):
        made.append(job)
        count -= 1
    return count == 0


@final
class _Schedule(Generic[J]):
    """The jobs of one call: those that wait, and those that run."""

    def __init__(
        self,
        engine: Engine,
        unit: Unit,
        jobs: Iterator[J],
        again: Callable[[int, J], J],
        needs: Callable[[J], Needs],
    ) -> None:
        self.held = 0
        """Results that the caller holds back until earlier ones come."""
        self._engine = engine
        self._unit = unit
        self._jobs = jobs
        self._again = again
        self._needs = needs
        self._search: Work[bool] | None = None
        """The call that makes the next jobs, if one runs. It returns whether there may be more."""
        self._fresh: deque[J] = deque()
        """Jobs that the call has made."""
        self._exhausted = False
        """Whether there are no more jobs."""
        self._backlog: deque[tuple[int, J]] = deque()
        """Jobs that no worker has yet."""
        self._running: dict[int, J] = {}
        self._losses: Counter[int] = Counter()
        self._made = 0

    def events(self) -> Generator[Sent | Done | Lost]:
        """Yield the events until the last unit has ended. Units that still run end with this iterator."""
        try:
            while True:
                self._make()
                self._hand_out()
                if self._running:
                    is_making = self._search is not None and not self._search.done.is_set()
                    for event in self._engine.events(_GLANCE if is_making else TICK):
                        noted = self._noted(event)
                        self._hand_out()  # first, because the caller may take long with the event
                        yield noted
                elif self._search is not None:
                    self._search.done.wait(_GLANCE)
                elif self._exhausted and not self._backlog:
                    return
        finally:
            if self._search is not None:
                self._search.abandon()
            self._engine.stop()

    def _make(self) -> None:
        """Add the jobs that were made to the backlog, and make more, unless enough are unfinished."""
        is_made = self._search is not None and self._search.done.is_set()
        while self._fresh:  # after the look at `done`, so that none is left
            self._backlog.append((self._made, self._fresh.popleft()))
            self._made += 1
        if self._search is not None and is_made:
            self._exhausted = not self._search.result()
            self._search = None
        free = self._engine.ahead - len(self._backlog) - len(self._running) - self.held
        if self._search is None and not self._exhausted and free > 0:
            self._search = Work(functools.partial(_fill, self._jobs, free, self._fresh))
            self._search.start()

    def _hand_out(self) -> None:
        while self._backlog and len(self._running) < self._engine.slots:
            number, job = self._backlog.popleft()
            self._running[number] = job
            self._engine.start(number, self._unit, job, self._needs(job))

    def _noted(self, event: Event) -> Sent | Done | Lost:
        """Update the lists by an event, and return it. Raises the error of a unit that failed."""
        match event:
            case Failed():
                raise event.error
            case Done():
                del self._running[event.number]
            case Lost():
                return self._run_again(event)
            case Sent():
                pass
        return event

    def _run_again(self, event: Lost) -> Lost:
        job = self._running.pop(event.number)
        self._losses[event.number] += 1
        if self._losses[event.number] > RETRIES:
            return replace(event, gave_up=True)
        # First of all, because later results may wait for it.
        self._backlog.appendleft((event.number, self._again(event.number, job)))
        return event
