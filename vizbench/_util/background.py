"""Calls in a background thread: Ctrl-C ends the wait for them at once, whatever kernel is running."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar, final

R = TypeVar("R")

TICK: Final = 0.1
"""Seconds between two looks at what is waited for, in case that the system does not wake the thread that
waits."""

_GRACE: Final = 0.2
"""Seconds that an abandoned thread has to end by itself."""

_INTERRUPTED: Final = 130


@final
class AbandonedError(Exception):
    """Nobody waits any more for what this thread does."""


def run_in_background(call: Callable[[], R]) -> R:
    """Return what `call` returns.

    It runs in a thread of its own: a compiled kernel in the main thread would keep Ctrl-C waiting for its
    end. On Ctrl-C this function ends at once, and the thread as soon as it calls `stop_if_abandoned`, or with
    the process."""
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
    """Raise AbandonedError in a thread of `run_in_background` that nobody waits for any more. It is cheap:
    call it per row."""
    work: Work[Any] | None = getattr(_CURRENT, "work", None)
    if work is not None and work.abandoned.is_set():
        raise AbandonedError


@final
class Work(Generic[R]):
    """A call in a daemon thread."""

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
        """Ask the thread to end. If it is still in a kernel when the process ends, the process does not wait
        for it."""
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
    """End the process if an abandoned thread is in a kernel: the interpreter would free what the kernel works
    on."""
    if all(work.done.is_set() for work in _ABANDONED):
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed, or none
            stream.flush()
    os._exit(_INTERRUPTED)
