"""Instances per CPU second of every task, one thread, kernels warm: `python -m benchmarks.generators [name …]`.

Peers are measured beside where they can be imported (`pip install reasoning-gym cellpylib`), each through its own way
of making one item; the last column is how many times as fast the task here is.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from vizbench import seeds, task

SECONDS = 0.5  # a measurement; the best of three counts, since other programs only ever slow one down
BATCH = 4096


def rate(make: Callable[[], int]) -> float:
    """Instances per CPU second of a function that makes some and returns how many. The first call is not counted."""
    make()
    best = 0.0
    for _ in range(3):
        start, count = time.thread_time(), 0
        while (spent := time.thread_time() - start) < SECONDS:
            count += make()
        best = max(best, count / spent)
    return best


def ours(name: str, batch: int) -> Callable[[], int]:
    spec = task.spec(name)
    keys = seeds.keys(seeds.stream("benchmark"), 0, batch)

    def make() -> int:
        return len(spec.task.generate_batch(spec.params, keys))

    return make


def reasoning_gym(dataset: str, **config: Any) -> Callable[[], int]:
    package = importlib.import_module("reasoning_gym")
    items = package.create_dataset(dataset, size=10**6, seed=0, **config)
    index = itertools.count()

    def make() -> int:
        items[next(index)]
        return 1

    return make


def cellpylib_life() -> Callable[[], int]:
    package = importlib.import_module("cellpylib")
    rng = np.random.default_rng(0)

    def make() -> int:
        board = (rng.random((1, 8, 8)) < 0.4).astype(int)
        package.evolve2d(board, timesteps=2, apply_rule=package.game_of_life_rule, neighbourhood="Moore")
        return 1

    return make


def cellpylib_eca(rule: int) -> Callable[[], int]:
    package = importlib.import_module("cellpylib")

    def apply(neighbours: Any, _cell: int, _step: int) -> int:
        return package.nks_rule(neighbours, rule)

    def make() -> int:
        package.evolve(package.init_random(16), timesteps=8, apply_rule=apply)
        return 1

    return make


# What comes nearest elsewhere: cellpylib's boards are toruses, reasoning-gym's mazes 10x10 cells where ours are 21x21.
PEERS: dict[str, list[tuple[str, Callable[[], Callable[[], int]]]]] = {
    "life/conway": [
        ("reasoning-gym", lambda: reasoning_gym("game_of_life", grid_size_x=8, grid_size_y=8, simulation_steps=1)),
        ("cellpylib", cellpylib_life),
    ],
    "eca/110": [("cellpylib", lambda: cellpylib_eca(110))],
    "sudoku/mini": [("reasoning-gym", lambda: reasoning_gym("mini_sudoku", min_empty=8, max_empty=8))],
    "maze/base": [
        ("reasoning-gym", lambda: reasoning_gym("maze", min_grid_size=10, max_grid_size=10, min_dist=1)),
    ],
}


def peers(name: str, own: float) -> list[str]:
    """A line for each peer of a task: its rate and the ratio, or that it is not here."""
    lines: list[str] = []
    for package, prepare in PEERS.get(name, []):
        try:
            theirs = rate(prepare())
        except ImportError:
            lines.append(f"    {package:<24} not installed")
        else:
            lines.append(f"    {package:<24} {theirs:>14,.0f}   ours is {own / theirs:,.0f} x")
    return lines


def main(names: list[str]) -> None:
    print(f"instances per CPU second, one thread, batches of {BATCH:,} into new arrays")
    for name in names or task.tasks():
        own = rate(ours(name, BATCH))
        print(f"{name:<28} {own:>14,.0f}")
        print(*peers(name, own), sep="\n", end="\n" if PEERS.get(name) else "")
    # Large results come in fresh pages from the system, which cost more than the boards that are written to them.
    if not names:
        print(f"{'life/conway, 65,536 a batch':<28} {rate(ours('life/conway', 65_536)):>14,.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])
