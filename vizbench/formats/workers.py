"""Work spread over processes, results in order."""

from __future__ import annotations

import collections
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from vizbench.errors import UserError
from vizbench.orphans import serve_parent

J = TypeVar("J")
R = TypeVar("R")


def in_order(function: Callable[[J], R], jobs: Iterator[J], workers: int) -> Iterator[R]:
    """`map(function, jobs)` by `workers` processes; one works inside this process. Jobs are drawn as they are needed.

    Processes rather than threads: turning rows into text holds the interpreter's lock. Spawned rather than forked: a
    fork of a process with threads may stand still.
    """
    if workers == 1:
        yield from map(function, jobs)
        return
    waiting: collections.deque[Future[R]] = collections.deque()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), serve_parent)
    try:
        for job in jobs:
            waiting.append(pool.submit(function, job))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise UserError(
            "a worker process died, out of memory or started from a script without `if __name__ == '__main__':`: "
            "use fewer workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
