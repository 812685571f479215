"""Run units in this process or in several processes of this machine.

Processes rather than threads: most work holds the interpreter's lock. Only units that take little time for
what they do spend it in compiled code, and for these the start of a process would take longer than they, see
`TrialEngine`. Spawned rather than forked: a fork of a process with threads may hang. Own pipes rather than a
pool of `concurrent.futures`: the pool waits for units that are running, and it hangs if a killed process had
sent half of a result.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import queue
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Final, TypeAlias, final

from vizbench._util.background import AbandonedError, Work
from vizbench._util.processes import exit_with_parent, interrupts_held, safe_path
from vizbench.engines.engine import Done, Engine, Event, Failed, Lost, Needs, Sent, Unit
from vizbench.errors import UserError

_SHORT: Final = 0.25
"""Seconds of CPU that a short unit takes at most. A process takes several times as long to start."""

_GLANCE: Final = 0.02
"""Seconds between two looks at threads while processes work too."""

_DIED: Final = "a worker process died"
_ADVICE: Final = "it may lack memory; use fewer workers"
_STILLBORN: Final = (
    "a worker process died before it could work, out of memory or started from a script without "
    "`if __name__ == '__main__':`: use fewer workers"
)


def local_engine(workers: int) -> Engine:
    """Return an engine that runs so many units at a time, all of much the same length."""
    return TrialEngine(workers) if workers > 1 else ThreadEngine()


@final
class ThreadEngine(Engine):
    """Runs units in threads of this process. `stop` abandons them, in a kernel too."""

    def __init__(self, most: int = 1) -> None:
        """most: the most units at a time."""
        self._most = most
        self._works: dict[int, Work[None]] = {}
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    @property
    def slots(self) -> int:
        return self._most

    @property
    def ahead(self) -> int:
        return 1 if self._most == 1 else 4 * self._most

    @property
    def running(self) -> int:
        """The units that run."""
        return len(self._works)

    def start(self, number: int, unit: Unit, job: Any, needs: Needs) -> None:
        self._works[number] = Work(functools.partial(_run, number, unit, job, self._events))
        self._works[number].start()

    def events(self, timeout: float) -> Sequence[Event]:
        try:
            event = self._events.get(timeout=timeout)
        except queue.Empty:
            return []
        if isinstance(event, Done | Failed):
            del self._works[event.number]
        return [event]

    def stop(self) -> None:
        works = [work for work in self._works.values() if not work.done.is_set()]
        for work in works:  # all before the wait for one
            work.abandoned.set()
        for work in works:
            work.abandon()
        self._works.clear()
        self._events = queue.SimpleQueue()  # an abandoned unit may still fill the one before


def _run(number: int, unit: Unit, job: Any, events: queue.SimpleQueue[Event]) -> None:
    """Put what happens to a unit into a queue."""
    try:
        for message in unit(job):
            events.put(Sent(number, message))
    except AbandonedError:  # nobody waits
        return
    except BaseException as error:  # it is raised again in the thread that waits
        events.put(Failed(number, error))
    else:
        events.put(Done(number))


@final
class TrialEngine(Engine):
    """Runs the first unit in a thread. How long that takes decides where the others run.

    A short unit is compiled code, which does not hold the interpreter's lock, so the others run in threads.
    If it is not done in time, the others run in processes.
    """

    def __init__(self, most: int) -> None:
        """most: the most units at a time."""
        self._threads = ThreadEngine(min(most, os.cpu_count() or 1))
        self._processes = ProcessEngine(most)
        self._engine: Engine | None = None
        """Where units are started. None: the first one runs."""
        self._deadline = 0.0

    @property
    def slots(self) -> int:
        return 1 if self._engine is None else self._engine.slots

    @property
    def ahead(self) -> int:
        return (self._engine or self._processes).ahead

    def start(self, number: int, unit: Unit, job: Any, needs: Needs) -> None:
        if self._engine is None:
            self._deadline = time.process_time() + _SHORT
        (self._engine or self._threads).start(number, unit, job, needs)

    def events(self, timeout: float) -> Sequence[Event]:
        if self._engine is None:
            events = self._threads.events(min(_GLANCE, timeout))
            if not self._threads.running:
                self._engine = self._threads
            elif time.process_time() >= self._deadline:
                self._engine = self._processes
            return events
        if self._engine is self._processes and self._threads.running:  # the first unit is not done yet
            return [*self._threads.events(0), *self._processes.events(min(_GLANCE, timeout))]
        return self._engine.events(timeout)

    def stop(self) -> None:
        self._threads.stop()
        self._processes.stop()
        self._engine = None


@final
class ProcessEngine(Engine):
    """Runs units in processes, which are started when they are needed and end with `stop`."""

    def __init__(self, most: int) -> None:
        """most: the most processes."""
        self._most = most
        self._workers: list[_Worker] = []
        self._works = False
        """Whether any process has ever started."""

    @property
    def slots(self) -> int:
        return self._most

    def start(self, number: int, unit: Unit, job: Any, needs: Needs) -> None:
        worker = next((worker for worker in self._workers if worker.number is None), None)
        if worker is None:
            worker = _Worker()
            self._workers.append(worker)
        worker.give(number, unit, job)

    def events(self, timeout: float) -> Sequence[Event]:
        busy = [worker for worker in self._workers if worker.number is not None]
        ready = wait([worker.pipe for worker in busy], timeout)
        events: list[Event] = []
        for worker in busy:
            if worker.pipe in ready:
                event = worker.receive()
                self._works = self._works or worker.started
                if isinstance(event, Lost):
                    self._workers.remove(worker)
                    worker.end()
                    if not self._works:  # another one would do no better
                        event = Failed(event.number, UserError(_STILLBORN))
                if event is not None:
                    events.append(event)
        return events

    def stop(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()


_Report: TypeAlias = tuple[type[Sent] | type[Done] | type[Failed], Any] | None
"""The kind of an event, and its message or error. None: the process has started."""


@final
class _Worker:
    """A process, with the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.number: int | None = None
        """The number of its job; None if it has none."""
        self.started = False
        self._process = context.Process(target=_serve, args=(far,))
        with interrupts_held(), safe_path():
            self._process.start()
        far.close()  # so that the pipe ends with the process

    def give(self, number: int, unit: Unit, job: Any) -> None:
        self.number = number
        with suppress(ConnectionError):  # it has just died: `receive` reports that
            self.pipe.send((unit, job))

    def receive(self) -> Event | None:
        """Return what has happened to its unit. None if the process has only started."""
        assert self.number is not None  # only a process with a job sends anything
        number = self.number
        try:
            report: _Report = self.pipe.recv()
        except (EOFError, ConnectionError):
            return Lost(number, _DIED, _ADVICE)
        if report is None:
            self.started = True
            return None
        kind, value = report
        if kind is Sent:
            return Sent(number, value)
        self.number = None
        return Failed(number, value) if kind is Failed else Done(number)

    def end(self) -> None:
        """Kill the process: its work is done, or nobody waits for it."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _serve(pipe: Connection[Any, Any]) -> None:
    """Run in a process: do the jobs that come through the pipe, until it closes."""
    exit_with_parent()
    with suppress(EOFError, ConnectionError):
        pipe.send(None)
        while True:
            pipe.send(_reported(pipe))


def _reported(pipe: Connection[Any, Any]) -> _Report:
    """Receive a unit, run it, send its messages, and return how it ended."""
    try:
        unit, job = pipe.recv()
        for message in unit(job):
            pipe.send((Sent, message))
    except (EOFError, ConnectionError):  # nobody waits
        raise
    except Exception as error:
        error.add_note(traceback.format_exc())  # the traceback itself cannot be sent
        return Failed, error
    return Done, None
