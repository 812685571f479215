"""Run one call in a background thread, so that Ctrl-C ends the wait for it at once.

Use this around a compiled kernel, in library calls and in commands. The caller gets KeyboardInterrupt and
continues. `interrupts` is about the whole process: it ends a command that does not end by itself.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, final

from vizbench._util.interrupts import exit_at_once

R = TypeVar("R")

TICK: Final = 0.1
"""Seconds between two checks of a call, in case the system does not wake the waiting thread."""

_GRACE: Final = 0.2
"""Seconds that an abandoned thread has to end by itself."""


@final
class AbandonedError(Exception):
    """Report that the call in this thread was abandoned: nobody waits for its result."""


def run_in_background(call: Callable[[], R]) -> R:
    """Return what `call` returns, or raise what it raises.

    It runs in a new thread, because a compiled kernel in the main thread would delay Ctrl-C until its end. On
    Ctrl-C, this function ends at once. The thread ends when it calls `stop_if_abandoned`, or with the
    process.
    """
    work = Work(call)
    try:
        work.start()
        while not work.done.wait(TICK):
            pass
    except BaseException:
        work.abandon()
        raise
    return work.result()


def stop_if_abandoned() -> None:
    """Raise AbandonedError if this thread runs an abandoned call. It is fast: call it once per row."""
    work: Work[Any] | None = getattr(_CURRENT, "work", None)
    if work is not None and work.abandoned.is_set():
        raise AbandonedError


@final
class Work(Generic[R]):
    """Run a call in a daemon thread."""

    def __init__(self, call: Callable[[], R]) -> None:
        self.done = threading.Event()
        self.abandoned = threading.Event()
        self._call = call
        self._results: list[R] = []
        self._error: BaseException | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def result(self) -> R:
        """Return what the call returned, or raise what it raised, once it is done."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def abandon(self) -> None:
        """Ask the thread to end. The process does not wait for it, even if it is in a kernel."""
        self.abandoned.set()
        _ABANDONED.append(self)
        self.done.wait(_GRACE)

    def _run(self) -> None:
        _CURRENT.work = self
        try:
            self._results.append(self._call())
        except BaseException as error:  # it is raised again in the thread that waits
            self._error = error
        finally:
            self.done.set()


_CURRENT: Final = threading.local()
_ABANDONED: Final[list[Work[Any]]] = []


@atexit.register
def _leave() -> None:
    """End the process if an abandoned thread is in a kernel: a shutdown would free the kernel's memory."""
    if not all(work.done.is_set() for work in _ABANDONED):
        exit_at_once()
