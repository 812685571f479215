"""End a command soon after Ctrl-C, also within compiled code, and say how to continue.

This is about the whole process, for the command line. `background` is about one call, whose caller
continues after KeyboardInterrupt.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

GRACE: Final = 0.5
"""Seconds that a command has after Ctrl-C to write its last line and to end its processes."""

CODE: Final = 130
"""The exit code after Ctrl-C, as in shells."""

_advice = ["nothing was started"]
_reported = threading.Lock()
_stopped = threading.Event()
"""Set after Ctrl-C."""


def advise(text: str) -> None:
    """Set what the running command says when Ctrl-C stops it."""
    _advice[:] = [text]


def leave_report_to_child() -> None:
    """Leave the report of Ctrl-C to a process that this one started."""
    _reported.acquire(blocking=False)


def report_stop() -> None:
    """Say once per process that the command was stopped, and how to continue."""
    if _reported.acquire(blocking=False):
        with suppress(OSError, ValueError):  # a closed stream or a full pipe must not delay the end
            if sys.platform == "win32" or select.select([], [2], [], 0)[1]:
                sys.stderr.write(f"vizbench: stopped; {_advice[0]}\n")
                sys.stderr.flush()


@contextmanager
def bounded() -> Generator[None]:
    """Within the block, end this process GRACE seconds after Ctrl-C, if it has not ended by then.

    Python raises KeyboardInterrupt between two of its own instructions. A compiled kernel, a network's
    forward pass or a thread that is joined at the end may take much longer. Files stay intact, as after a
    kill.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ):
        yield
        return
    near, far = socket.socketpair()
    far.setblocking(False)
    before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(near,), daemon=True)
    watcher.start()
    try:
        yield
    except KeyboardInterrupt:
        _stopped.set()  # the watcher may not have read the signal yet, so do not wait for it
        raise
    finally:
        signal.set_wakeup_fd(before)
        far.close()  # the watcher reads to the end
        if not _stopped.is_set():
            watcher.join(GRACE)


def _watch(near: socket.socket) -> None:
    """Wait for Ctrl-C. Then end the process, unless it ends first."""
    with near:
        while byte := near.recv(1):
            if byte[0] == signal.SIGINT:
                _stopped.set()
                threading.Event().wait(GRACE)
                report_stop()
                os._exit(CODE)


def exit_at_once() -> NoReturn:
    """End the process with CODE, without the shutdown of the interpreter. Output is flushed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed, or none
            stream.flush()
    os._exit(CODE)


@atexit.register
def _leave() -> None:
    """After Ctrl-C, end the process without the shutdown of the interpreter.

    The shutdown may take seconds if a large library is loaded, and the watching thread has ended by then.
    Almost all other exit functions are registered later than this one, so they have run.
    """
    if _stopped.is_set():
        exit_at_once()
