"""What deciding the side of a question costs, and how large the test side should be: `python -m
benchmarks.sides`.

With `--whole NAME …`, or without names for every task: checks that 50,000 train rows and 200 test rows of two
seeds share no question, with the default pool. Takes seconds per task, but hours for chess and the hard
Sudoku.

Measured (medians, 2-core machine; the shares in one run):

- Cost per row: 40 ns for 8x8 boards and 0.9 µs for 41x41. That is 39% of making a life board, 7% of a maze/9,
  6% of a
  maze/41, and 0.2% and less of a Sudoku or a chess position.
- A request for test rows costs the pool and the test rows. With a pool of 1,000 and 40 test rows of
  chess/mate-in-1 it
  takes 1.4 s at a share of 1/20, 1.2 at 1/10, 1.1 at 1/5, 1.3 at 1/3 and 1.3 at 1/2. A smaller share makes
  test rows
  expensive, a larger one the pool.
- At 1/5, eca/110 has 52,513 train and 13,020 test rows, maze/9 80,540 and 19,809 (of which 5,564 keep their
  distance to
  a full pool), and hanoi/3 67,407 and 16,832. At 1/20, 1,347 test rows of maze/9 are left beside a full pool;
  at 1/2,
  train has half the space.
- So a fifth is test.
"""

from __future__ import annotations

import functools
import statistics
import sys
import time
from collections.abc import Callable

from vizbench import leakage, task
from vizbench.dataset import Dataset, generated_dataset
from vizbench.errors import UserError
from vizbench.leakage import is_test
from vizbench.seeds import keys, stream

SHARES = (20, 10, 5, 3, 2)
SMALL = ("hanoi/3", "maze/9", "eca/110")


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """The median of the processor's seconds over `times` runs, after one that is not counted."""
    work()
    taken: list[float] = []
    for _ in range(times):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return statistics.median(taken)


def cost(name: str, rows: int) -> str:
    """What making and dividing rows of a task take."""
    spec = task.spec(name)
    some = keys(stream("benchmark"), 0, rows)
    batch = spec.task.generate_batch(spec.params, some)
    making = seconds(lambda: spec.task.generate_batch(spec.params, some)) / rows
    dividing = seconds(lambda: is_test(spec.task.identity(spec.params, batch))) / rows
    return f"{name:<20} making {making * 1e9:10.0f} ns per row   side {dividing * 1e9:8.0f} ns   {dividing / making:6.1%}"


def count(data: Dataset, split: str) -> int:
    """How many rows a split has in all."""
    try:
        getattr(data, split).batch(0, 10**7)
    except UserError as error:
        return int(str(error).split(f" {split} row")[0].split()[-1].replace(",", ""))
    raise AssertionError("the space is not small")


def at_share(share: int) -> None:
    """Print what a share means for a slow family and for small spaces."""
    leakage.is_test = functools.partial(is_test, share=share)
    leakage.SHARE = share
    spec = task.spec("chess/mate-in-1")
    start = time.thread_time()
    generated_dataset(spec, 0, 1000).test.batch(0, 40)
    print(
        f"1/{share}: chess/mate-in-1, 40 test rows with a pool of 1,000: {time.thread_time() - start:.1f} s"
    )
    for name in SMALL:
        rows = {split: count(generated_dataset(task.spec(name), 0, 0), split) for split in ("train", "test")}
        near = count(generated_dataset(task.spec(name), 0, 5000), "test")
        print(
            f"      {name:<12} {rows['train']:>7,} train, {rows['test']:>7,} test, {near:,} beside a full pool"
        )


def whole(name: str) -> str:
    """Compare 50,000 train rows with 200 test rows, of two seeds each."""
    spec = task.spec(name)
    train: set[bytes] = set()
    test: set[bytes] = set()
    for seed in (0, 1):
        data = generated_dataset(spec, seed, 5000)
        for rows, split, most in ((train, data.train, 50_000), (test, data.test, 200)):
            try:
                batch = split.batch(0, most)
            except UserError as error:
                batch = split.batch(
                    0, int(str(error).split(f" {split.name} row")[0].split()[-1].replace(",", ""))
                )
            rows |= {row.tobytes() for row in spec.task.identity(spec.params, batch)}
    return f"{name:<28} {len(train):>8,} train, {len(test):>4} test, {len(train & test)} in both"


if __name__ == "__main__":
    if "--whole" in sys.argv:
        names = [word for word in sys.argv[1:] if not word.startswith("-")]
        for each in names or task.tasks():
            print(whole(each), flush=True)
    else:
        for each in ("life/conway", "eca/110", "maze/9", "maze/41", "sudoku/easy", "chess/mate-in-1"):
            print(cost(each, 1000 if each.startswith("chess") else 10_000), flush=True)
        for each in SHARES:
            at_share(each)
