"""Start Python processes that import the right modules, end with this one, and leave Ctrl-C to it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Final

_SAFE_PATH: Final = "PYTHONSAFEPATH"
_OURS: Final = "vizbench"
"""The value of that variable if `safe_path` set it."""


@contextmanager
def safe_path() -> Generator[None]:
    """Within the block, start Python processes that do not look for modules in the current folder first.

    Python puts that folder first on the path of a process that it spawns. A file `types.py` or `json.py`
    there would replace the standard library's.
    """
    before = os.environ.get(_SAFE_PATH)
    if not before:
        os.environ[_SAFE_PATH] = _OURS
    try:
        yield
    finally:
        if not before:
            del os.environ[_SAFE_PATH]


def exit_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it has ended: an orphan would wait for work forever."""
    forget_safe_path()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def forget_safe_path() -> None:
    """Undo `safe_path` in a process that was started with it, for the programs that a model starts."""
    if os.environ.get(_SAFE_PATH) == _OURS:
        del os.environ[_SAFE_PATH]


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def interrupts_held() -> Generator[None]:
    """Delay Ctrl-C for a moment, because it would end a starting process with a traceback."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    with safe_path():  # Python also starts a process for the tracker
        # If it started with the first process, Ctrl-C would be allowed again.
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
