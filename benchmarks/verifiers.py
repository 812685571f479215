"""Measure answers verified per CPU second of every task: batches, single rows, and rows of an older version.

    python -m benchmarks.verifiers [--old FOLDER] [NAME ...]

Prints a line per task: the rate of `verify_batch` with the parts of rewards, the rate of `verify` row by row,
and the ratio of the two. The answers are wrong: each is the target with one cell changed, which costs most.

--old: a folder with the package of an older version, for example a checkout of version 0.1. The same answers
are then verified by it, row by row, in a process that has only that version. The last column is the ratio of
`verify_batch` to it.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import vizbench as vb
from vizbench.task import registry

SECONDS = 0.5
"""Length of a measurement. The best of three counts, because other programs only slow it down."""
BATCH = 2048
"""Answers per batch."""
ROWS = 100
"""Answers that are verified row by row."""

NAMES = (
    "life/conway",
    "eca/110",
    "langton/10",
    "sudoku/mini",
    "sudoku/hard",
    "hitori/5",
    "maze/base",
    "navigation/shortest-path",
    "fill/base",
    "hanoi/5",
    "connect4/win-in-1",
    "chess/mate-in-1",
)

OLD = """
import pickle, sys, time
import vizbench as vb
name, rows = pickle.load(open(sys.argv[1], "rb"))
data = vb.load(name)
instances = data.train.head(len(rows))
best = 0.0
for _ in range(4):
    start, count = time.thread_time(), 0
    while (spent := time.thread_time() - start) < 0.3:
        for instance, grid in zip(instances, rows):
            vb.verify(instance, grid)
        count += len(rows)
    best = max(best, count / spent)
print(best)
"""
"""Verifies the same answers to its own rows in an older version: the rules of both are the same."""


def near_misses(targets: vb.Grids, codes: int) -> npt.NDArray[np.uint8]:
    """Return the targets `(n, h, w)`, each with one cell changed."""
    answers = targets.copy()
    flat = answers.reshape(len(answers), -1)
    rows = np.arange(len(answers))
    cells = (rows * 7919) % flat.shape[1]
    flat[rows, cells] = (flat[rows, cells] + 1) % codes
    return answers


def rate(verify: Callable[[], int]) -> float:
    """Return answers per CPU second of a function that verifies some and returns their number."""
    verify()  # compiles
    best = 0.0
    for _ in range(3):
        start, count = time.thread_time(), 0
        while (spent := time.thread_time() - start) < SECONDS:
            count += verify()
        best = max(best, count / spent)
    return best


def old_rate(name: str, answers: npt.NDArray[np.uint8], folder: Path) -> float:
    """Return answers per CPU second of the version in a folder."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "answers"
        path.write_bytes(pickle.dumps((name, list(answers))))
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-c", OLD, str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=place)
    return float(done.stdout)


def line(name: str, folder: Path | None) -> str:
    """Return the line of a task."""
    data = vb.load(name)
    batch = data.train.batch(0, BATCH if not name.startswith("chess") else 128)
    answers = near_misses(batch.target, data.verifier.codes)
    instances: list[Any] = list(data.train.head(min(ROWS, len(batch))))

    def whole() -> int:
        vb.verify_batch(batch, answers)
        return len(batch)

    def single() -> int:
        for instance, answer in zip(instances, answers, strict=False):
            vb.verify(instance, answer)
        return len(instances)

    batches, rows = rate(whole), rate(single)
    text = f"{name:<26}{batches:>12,.0f}{rows:>10,.0f}{batches / rows:>9.1f}x"
    if folder is not None:
        old = old_rate(name, answers[: len(instances)], folder)
        text += f"{old:>10,.0f}{batches / old:>9.1f}x"
    return text


def main() -> None:
    """Measure the named tasks, or one of each family."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[[], *registry.tasks()])
    parser.add_argument("--old", type=Path)
    given = parser.parse_args()
    print(
        f"{'task':<26}{'batch':>12}{'rows':>10}{'ratio':>10}"
        + (f"{'old rows':>10}{'ratio':>10}" if given.old else "")
    )
    for name in given.names or NAMES:
        print(line(name, given.old), flush=True)


if __name__ == "__main__":
    main()
