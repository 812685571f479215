"""Seconds of a fresh process that writes 1,000 rows of a task: `python -m benchmarks.first [name …]`.

Each is run twice and the second counts, when the compiled kernels lie in their cache. Beside the wall's stand
the processor's seconds, which other programs on the machine change less, and the size of what was written.
Without names all tasks but chess, whose positions are searched for; a task that brings fewer rows is asked
for those.

Measured: most take 0.9 to 1.1 s, nearly all of it the start of Python, Numba and the kernels; the longest are
maze/41 with 1.5 to 1.6 s for its 410 MB, of which SHA-256 of the file takes 0.2 and the writing 0.1, and
maze/31 with 1.3."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vizbench import loading, task

ROWS = 1_000

EXPECTED = 2.0
"""Seconds on the wall of a 2-core machine."""


def first(name: str, out: Path) -> tuple[float, float]:
    """Seconds on the wall and of the processor that one `vizbench generate` takes."""
    rows = min(ROWS, loading.load(name).train.count or ROWS)
    command = [
        sys.executable,
        "-m",
        "vizbench",
        "generate",
        "--task",
        name,
        "--n",
        str(rows),
        "--out",
        str(out),
    ]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def line(name: str, wall: float, processor: float, size: int) -> str:
    """A task's seconds, with a mark where they are more than expected."""
    mark = "" if wall < EXPECTED else f"   over {EXPECTED:.0f} s"
    return f"{name:<28} {wall:8.2f} {processor:10.2f} {size / 1e6:10.1f}{mark}"


def main(names: list[str]) -> None:
    print(f"{'task':<28} {'wall':>8} {'processor':>10} {'MB':>10}")
    for name in names or [name for name in task.tasks() if not name.startswith("chess/")]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            first(name, out)
            wall, processor = first(name, out)
            size = sum(file.stat().st_size for file in out.iterdir())
        print(line(name, wall, processor, size), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
