"""Measure instances per CPU second of every task, on one thread with warm kernels.

    python -m benchmarks.generators [NAME ...]

Prints a line per task: its rate, and the rate expected on a 2-core machine. Below it is a line per peer that
is installed (see `benchmarks.peers`), with the ratio of our rate to its rate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from benchmarks.peers import PEERS
from vizbench import seeds
from vizbench.task import registry

SECONDS = 0.5
"""Length of a measurement. The best of three counts, because other programs only slow it down."""
BATCH = 4096
"""Instances per batch."""

EXPECTED: Mapping[str, int] = {
    "life/conway": 20_000_000,
    "eca/110": 5_000_000,
    "langton/10": 2_000_000,
    "maze/base": 60_000,
    "maze/small": 160_000,
    "navigation/shortest-path": 50_000,
    "sudoku/easy": 15_000,
    "sudoku/hard": 1_000,
    "sudoku/mini": 200_000,
    "hitori/5": 10_000,
    "connect4/win-in-1": 20_000,
    "hanoi/5": 500_000,
    "chess/mate-in-1": 3_000,
    "chess/mate-in-2": 900,
    "chess/mate-in-3": 350,
}
"""Instances per CPU second."""


def rate(make: Callable[[], int]) -> float:
    """Return instances per CPU second of a function that makes some and returns their number."""
    make()  # compiles
    best = 0.0
    for _ in range(3):
        start, count = time.thread_time(), 0
        while (spent := time.thread_time() - start) < SECONDS:
            count += make()
        best = max(best, count / spent)
    return best


def ours(name: str, batch: int) -> Callable[[], int]:
    """Return a function that makes a batch of a task.

    It has `batch` instances, or fewer if those take over a fifth of a second.
    """
    spec = registry.spec(name)
    keys = seeds.keys(seeds.stream("benchmark"), 0, batch)
    spec.task.generate_batch(spec.params, keys[:4])
    start = time.thread_time()
    spec.task.generate_batch(spec.params, keys[:8])
    one = (time.thread_time() - start) / 8
    keys = keys[: max(8, int(0.2 / max(one, 1e-9)))]

    def make() -> int:
        return len(spec.task.generate_batch(spec.params, keys))

    return make


def peers(name: str, own: float) -> list[str]:
    """Return a line per peer of a task: its rate and the ratio, or that it is not installed."""
    lines: list[str] = []
    for package, prepare in PEERS.get(name, []):
        try:
            theirs = rate(prepare())
        except ImportError as error:
            lines.append(f"    {package:<26} not installed ({error.name})")
        else:
            lines.append(f"    {package:<26} {theirs:>14,.0f}   ours is {own / theirs:,.0f} x")
    return lines


def line(name: str, own: float) -> str:
    """Return a task's rate, and its ratio to the expected rate."""
    expected = EXPECTED.get(name.partition(",")[0])
    ratio = "" if expected is None else f"   expected {expected:,}: {own / expected:.1f} x"
    return f"{name:<30} {own:>14,.0f}{ratio}"


def main(names: list[str]) -> None:
    """Print the lines of the tasks, all without names."""
    print(f"instances per CPU second, one thread, batches of up to {BATCH:,} into new arrays")
    for name in names or registry.tasks():
        own = rate(ours(name, BATCH))
        print(line(name, own), *peers(name, own), sep="\n", flush=True)
    # Large results need new pages from the system, which cost more than the boards written to them.
    if not names:
        print(line("life/conway, 65,536 per batch", rate(ours("life/conway", 65_536))))


if __name__ == "__main__":
    main(sys.argv[1:])
