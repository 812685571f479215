"""Units of work for tests of engines, which other processes import."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from vizbench.errors import UserError


def square(number: int) -> int:
    return number * number


def late_if_even(number: int) -> int:
    time.sleep(0.2 * (number % 2 == 0))
    return number


def fail_at_two(number: int) -> int:
    if number == 2:
        raise UserError("there is no two")
    return number


def busy(seconds: float) -> int:
    """Compute for some seconds, and return the number of the process that did."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return os.getpid()


def die(number: int) -> int:
    os._exit(number)


def die_once(job: tuple[str, int]) -> int:
    """Kill this process, unless the file of the job is there, which is made first."""
    path = Path(job[0])
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job[1]


def count(limit: int) -> Iterator[int]:
    yield from range(limit)
