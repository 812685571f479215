"""Ctrl-C ends a command at once, also within compiled code, and says how to go on."""

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
from typing import Final

GRACE: Final = 0.5
"""Seconds that a command has after Ctrl-C to end by itself: its last line is written, its processes are
ended."""

CODE: Final = 130
"""The exit code after Ctrl-C, as shells have it."""

_advice = ["nothing was begun"]
_told = threading.Lock()
_stopped = threading.Event()
"""Set once Ctrl-C has come."""


def advise(text: str) -> None:
    """Set what the command that runs says when Ctrl-C stops it."""
    _advice[:] = [text]


def leave_report_to_child() -> None:
    """Say nothing when Ctrl-C stops this process: one that it started does so."""
    _told.acquire(blocking=False)


def report_stop() -> None:
    """Say that the command was stopped, and how to go on; once per process."""
    if _told.acquire(blocking=False):
        with suppress(
            OSError, ValueError
        ):  # a stream that is closed, or a pipe that is full, must not hold it up
            if sys.platform == "win32" or select.select([], [2], [], 0)[1]:
                sys.stderr.write(f"vizbench: stopped; {_advice[0]}\n")
                sys.stderr.flush()


@contextmanager
def bounded() -> Generator[None]:
    """Within the block, end this process GRACE seconds after Ctrl-C, if it has not ended by then.

    Python raises KeyboardInterrupt between two of its own steps. A compiled kernel, a network's forward pass
    or a thread that is waited for at the end may take much longer. What was written stays whole, as it does
    after a kill."""
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
        _stopped.set()  # the watcher may not have read the signal yet, and must not be waited for
        raise
    finally:
        signal.set_wakeup_fd(before)
        far.close()  # the watcher reads to the end
        if not _stopped.is_set():
            watcher.join(GRACE)


def _watch(near: socket.socket) -> None:
    """Wait for Ctrl-C. After it, end the process, unless it ends first."""
    with near:
        while byte := near.recv(1):
            if byte[0] == signal.SIGINT:
                _stopped.set()
                threading.Event().wait(GRACE)
                report_stop()
                os._exit(CODE)


@atexit.register
def _leave() -> None:
    """After Ctrl-C, end the process without taking the interpreter apart.

    That may take seconds, as with a large library loaded, and the thread that bounds it does not live through
    it. What was registered later than this, which is nearly all, has run."""
    if _stopped.is_set():
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # closed, or none
                stream.flush()
        os._exit(CODE)
