"""Measure the seconds of a fresh process that writes 1,000 rows of a task.

    python -m benchmarks.first [NAME ...]

Prints a line per task: seconds of wall time, seconds of the processor, which other programs disturb less, and
the size of what was written. Each command runs twice, and the second run counts, when the compiled kernels
are in their cache. Without names, all tasks but chess are measured, because chess positions are found by
search. A task with fewer rows writes all of them.

Measured: most take 0.9 to 1.1 s, nearly all of it the start of Python, Numba and the kernels. The longest are
maze/41 with 1.5 to 1.6 s for its 410 MB, of which SHA-256 of the file takes 0.2 s and writing 0.1 s, and
maze/31 with 1.3 s.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vizbench import loading
from vizbench.task import registry

ROWS = 1_000

EXPECTED = 2.0
"""Seconds of wall time on a 2-core machine."""


def first(name: str, out: Path) -> tuple[float, float]:
    """Return the wall time and the processor time of one `vizbench generate`, in seconds."""
    rows = min(ROWS, loading.load(name).train.count or ROWS)
    command = [sys.executable, "-m", "vizbench", "generate", "--task", name, "--n", str(rows)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, "--out", str(out), "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def line(name: str, wall: float, processor: float, size: int) -> str:
    """Return the line of a task, marked if it takes longer than expected."""
    mark = "" if wall < EXPECTED else f"   over {EXPECTED:.0f} s"
    return f"{name:<28} {wall:8.2f} {processor:10.2f} {size / 1e6:10.1f}{mark}"


def main(names: list[str]) -> None:
    """Print the table."""
    print(f"{'task':<28} {'wall':>8} {'processor':>10} {'MB':>10}")
    for name in names or [name for name in registry.tasks() if not name.startswith("chess/")]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            first(name, out)
            wall, processor = first(name, out)
            size = sum(file.stat().st_size for file in out.iterdir())
        print(line(name, wall, processor, size), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
