"""Measure the cost of deciding the side of a question, and compare sizes of the test side.

    python -m benchmarks.sides

Prints, per task, the nanoseconds to make a row and to decide its side, then for each share of the test side
the seconds of a request for chess rows and the number of rows in small spaces.

    python -m benchmarks.sides --whole [NAME ...]

Prints, per task, how many of 50,000 train rows and 200 test rows of two seeds are in both, which must be 0,
with the default pool. It takes seconds per task, but hours for chess and the hard Sudoku.

Measured (medians, 2-core machine; all shares in one run):

- Cost per row: 40 ns for 8x8 boards and 0.9 µs for 41x41. This is 39% of the time to make a Life board, 7% of
  a maze/9, 6% of a maze/41, and at most 0.2% of a Sudoku or a chess position.
- A request for test rows costs the pool and the test rows. With a pool of 1,000 and 40 test rows of
  chess/mate-in-1 it takes 1.4 s at a share of 1/20, 1.2 at 1/10, 1.1 at 1/5, 1.3 at 1/3 and 1.3 at 1/2. A
  smaller share makes test rows expensive, a larger one the pool.
- At 1/5, eca/110 has 52,513 train and 13,020 test rows, maze/9 80,540 and 19,809 (of which 5,564 keep their
  distance to a full pool), and hanoi/3 67,407 and 16,832. At 1/20, 1,347 test rows of maze/9 remain beside a
  full pool. At 1/2, train has half the space.
- So a fifth of the questions is test.
"""

from __future__ import annotations

import functools
import statistics
import sys
import time
from collections.abc import Callable

from vizbench.dataset import leakage
from vizbench.dataset.leakage import is_test
from vizbench.dataset.splits import Dataset, generated_dataset
from vizbench.errors import UserError
from vizbench.seeds import keys, stream
from vizbench.task import registry

SHARES = (20, 10, 5, 3, 2)
SMALL = ("hanoi/3", "maze/9", "eca/110")


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """Return the median processor seconds of `times` runs, after one that does not count."""
    work()
    taken: list[float] = []
    for _ in range(times):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return statistics.median(taken)


def cost(name: str, rows: int) -> str:
    """Return a line with the time to make a row of a task, and to decide its side."""
    spec = registry.spec(name)
    some = keys(stream("benchmark"), 0, rows)
    batch = spec.task.generate_batch(spec.params, some)
    making = seconds(lambda: spec.task.generate_batch(spec.params, some)) / rows
    deciding = seconds(lambda: is_test(spec.task.identity(spec.params, batch))) / rows
    times = f"making {making * 1e9:10.0f} ns per row   side {deciding * 1e9:8.0f} ns"
    return f"{name:<20} {times}   {deciding / making:6.1%}"


def count(data: Dataset, split: str) -> int:
    """Return how many rows a split has in all, read from the error of a request for too many."""
    try:
        getattr(data, split).batch(0, 10**7)
    except UserError as error:
        return _available(error, split)
    raise AssertionError("the space is not small")


def _available(error: UserError, split: str) -> int:
    """Return the number of rows that the error of a too large request names."""
    return int(str(error).split(f" {split} row")[0].split()[-1].replace(",", ""))


def at_share(share: int) -> None:
    """Print what a share of the test side means for a slow family and for small spaces."""
    leakage.is_test = functools.partial(is_test, share=share)
    leakage.SHARE = share
    spec = registry.spec("chess/mate-in-1")
    start = time.thread_time()
    generated_dataset(spec, 0, 1000).test.batch(0, 40)
    spent = time.thread_time() - start
    print(f"1/{share}: chess/mate-in-1, 40 test rows with a pool of 1,000: {spent:.1f} s")
    for name in SMALL:
        train, test = (
            count(generated_dataset(registry.spec(name), 0, 0), split) for split in ("train", "test")
        )
        distant = count(generated_dataset(registry.spec(name), 0, 5000), "test")
        print(f"      {name:<12} {train:>7,} train, {test:>7,} test, {distant:,} beside a full pool")


def whole(name: str) -> str:
    """Return a line that compares 50,000 train rows with 200 test rows, of two seeds each."""
    spec = registry.spec(name)
    train: set[bytes] = set()
    test: set[bytes] = set()
    for seed in (0, 1):
        data = generated_dataset(spec, seed, 5000)
        for rows, split, most in ((train, data.train, 50_000), (test, data.test, 200)):
            try:
                batch = split.batch(0, most)
            except UserError as error:
                batch = split.batch(0, _available(error, split.name))
            rows |= {row.tobytes() for row in spec.task.identity(spec.params, batch)}
    return f"{name:<28} {len(train):>8,} train, {len(test):>4} test, {len(train & test)} in both"


def main(arguments: list[str]) -> None:
    """Print the costs and the shares, or the whole comparison."""
    if "--whole" in arguments:
        names = [word for word in arguments if not word.startswith("-")]
        for name in names or registry.tasks():
            print(whole(name), flush=True)
        return
    for name in ("life/conway", "eca/110", "maze/9", "maze/41", "sudoku/easy", "chess/mate-in-1"):
        print(cost(name, 1000 if name.startswith("chess") else 10_000), flush=True)
    for share in SHARES:
        at_share(share)


if __name__ == "__main__":
    main(sys.argv[1:])
