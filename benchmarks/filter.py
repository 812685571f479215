"""Measure the leakage filter: compiled, beside plain NumPy and plain Python.

    python benchmarks/filter.py [ROWS]

All three compare the same 300 test candidates of life/conway with the same train pool (5,000 rows by default)
at the paper's distance of 0.25. Prints the median seconds of three runs of each, then the same for dropping
repeated rows, and for a test split of 200 accepted rows as a whole.
"""

from __future__ import annotations

import operator
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vizbench import loading
from vizbench.dataset.seen import SeenDigests
from vizbench.kernels.pairwise_distance import far_enough
from vizbench.kernels.unseen_rows import row_digests

Rows = npt.NDArray[np.uint8]

LEAST = 0.25
"""Smallest distance of a test question to the pool."""


def compiled(candidates: Rows, pool: Rows) -> list[bool]:
    keep: list[bool] = far_enough(candidates, pool, LEAST, False).tolist()
    return keep


def by_numpy(candidates: Rows, pool: Rows) -> list[bool]:
    return [bool((np.mean(row != pool, axis=1) >= LEAST).all()) for row in candidates]


def by_python(candidates: Rows, pool: Rows) -> list[bool]:
    others = pool.tolist()
    keep: list[bool] = []
    for row in candidates.tolist():
        distances = (sum(map(operator.ne, row, other)) / len(row) for other in others)
        keep.append(all(distance >= LEAST for distance in distances))
    return keep


def distinct_compiled(rows: Rows) -> int:
    return int(SeenDigests().add(row_digests(rows)).sum())


def distinct_set(rows: Rows) -> int:
    return len({row.tobytes() for row in rows})


def seconds(work: Callable[[], object], times: int = 3) -> float:
    work()  # the first call compiles
    spent: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def main() -> None:
    """Print the times."""
    # The distance filter. The slow variants get fewer candidates, and all must agree first.
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    data = loading.load("life/conway", pool=0)
    pool = data.train.batch(0, rows).question.reshape(rows, -1)
    candidates = data.test.batch(0, 300).question.reshape(300, -1)
    few = candidates[:10]
    assert compiled(candidates, pool) == by_numpy(candidates, pool)
    assert compiled(few, pool) == by_python(few, pool)
    fast = seconds(lambda: compiled(candidates, pool))
    table = {
        "kernel": fast,
        "numpy, row by row": seconds(lambda: by_numpy(candidates, pool)),
        "python (300 rows, from 10)": 30 * seconds(lambda: by_python(few, pool), 1),
    }
    print(f"300 candidates against {rows} rows of 64 cells")
    for name, spent in table.items():
        print(f"  {name:28} {spent:9.4f} s   {spent / fast:8.1f} x")

    # The filter of exact duplicates.
    many = data.train.batch(0, 200_000).question.reshape(200_000, -1)
    assert distinct_compiled(many) == distinct_set(many) == len(many)
    fast = seconds(lambda: distinct_compiled(many))
    print("200,000 rows: which are new")
    for name, spent in {"kernel": fast, "python set": seconds(lambda: distinct_set(many))}.items():
        print(f"  {name:28} {spent:9.4f} s   {spent / fast:8.1f} x")

    # Both filters as a data set uses them.
    print("200 test rows, with a new pool of 5000")
    for task in ("life/conway", "life/seeds"):
        spent = seconds(lambda task=task: loading.load(task).test.head(200))
        print(f"  {task:28} {spent:9.4f} s")


if __name__ == "__main__":
    main()
