"""Measure how fast rows are made and written, beside an older version in the same run.

    python -m benchmarks.throughput [--old FOLDER] [--rounds N] [--large]

Prints rows per CPU second, on one core, of life/conway and maze/base without steps in each format, and of
loops over instances and batches. Each measurement runs in a process of its own, in turns with the older
version. The best of all rounds counts, because other programs only slow it down.

--old: a folder with the package of an older version, for example a checkout of version 0.1. What it cannot
do is compared with the nearest that it can: packed Parquet with Parquet, batches with `Split.batch`. Its
rows have no prompts, those of this version do.

--large: also the time of 4 * 10^6 rows with one and with two workers, and the most memory that 10^7 rows of
packed Parquet take. That needs two idle cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parents[1]

WRITE = """
import json, resource, sys, time
from pathlib import Path
import vizbench as vb
from vizbench import formats
task, kind, n, workers = json.loads(sys.argv[1])
if __name__ == "__main__":
    if hasattr(formats, "Execution"):
        settings = formats.Settings("parquet" if kind == "packed" else kind, False, packed=kind == "packed")
        options = {"settings": settings, "execution": formats.Execution(workers=workers)}
    else:  # older versions take each option by itself
        options = {"format": kind, "steps": False, "workers": workers}
    if workers == 1:
        formats.write(vb.load(task, seed=1).train, 30, Path("warm"), **options)
    clock = time.process_time if workers == 1 else time.perf_counter
    start = clock()
    formats.write(vb.load(task).train, n, Path("out"), **options)
    print(clock() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
"""Writes rows, and prints seconds and megabytes."""

LOOP = """
import json, sys, time
from itertools import islice
import vizbench as vb
task, kind, n, _ = json.loads(sys.argv[1])
def run(split, n):
    if kind == "instances":
        for row in islice(split, n):
            pass
    elif hasattr(split, "batches"):
        for batch in islice(split.batches(1024), n // 1024):
            pass
    else:
        for start in range(0, n - 1023, 1024):
            split.batch(start, 1024)
run(vb.load(task, seed=1).train, 2048)
start = time.process_time()
run(vb.load(task).train, n)
print(time.process_time() - start, 0)
"""
"""Makes rows, and prints seconds."""

MEASURES = (
    ("life/conway", "parquet", 100_000, 10_000, "parquet"),
    ("life/conway", "packed", 200_000, 10_000, "parquet"),
    ("life/conway", "jsonl", 100_000, 10_000, "jsonl"),
    ("maze/base", "parquet", 20_000, 2_000, "parquet"),
    ("life/conway", "instances", 200_000, 5_000, "instances"),
    ("life/conway", "batches", 1_024_000, 102_400, "batches"),
)
"""Task, what is made, rows of this version, rows of the older one, and what that makes."""

LARGE = 4 * 10**6
"""Rows that one and two workers write."""


ABSENT = ("pandas", "scipy")
"""Packages that only a development install has. Arrow and numba import them: 45 MB more."""


def measured(package: Path, task: str, kind: str, n: int, workers: int = 1) -> tuple[float, float]:
    """Return rows per second and megabytes, by the package in a folder."""
    script = LOOP if kind in ("instances", "batches") else WRITE
    environment = {**os.environ, "PYTHONPATH": str(package.resolve()), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "measure.py").write_text(script)
        for name in ABSENT:
            (Path(place) / f"{name}.py").write_text(f"raise ImportError('{name} is not installed')")
        command = [sys.executable, "measure.py", json.dumps([task, kind, n, workers])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=place)
    seconds, megabytes = map(float, done.stdout.split())
    return n / seconds, megabytes


def main() -> None:
    """Print a line per measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--old", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    if given.old is not None and not (given.old / "vizbench").is_dir():
        parser.error(f"--old {given.old} holds no package vizbench: give a checkout of an older version")
    print(f"{'':<26}{'rows/s':>12}" + (f"{'old rows/s':>12}{'ratio':>8}" if given.old else ""))
    for task, kind, n, old_n, old_kind in MEASURES:
        best = old = 0.0
        for _ in range(given.rounds):
            best = max(best, measured(HERE, task, kind, n)[0])
            if given.old is not None:
                old = max(old, measured(given.old, task, old_kind, old_n)[0])
        text = f"{task + ' ' + kind:<26}{best:>12,.0f}"
        print(text + (f"{old:>12,.0f}{best / old:>7.1f}x" if old else ""), flush=True)
    if given.large:
        for kind in ("jsonl", "parquet", "packed"):
            one, two = (measured(HERE, "life/conway", kind, LARGE, workers)[0] for workers in (1, 2))
            print(f"two workers, {kind:<13}{two:>12,.0f}{'':>12}{two / one:>7.1f}x", flush=True)
        print(f"10^7 rows, packed: {measured(HERE, 'life/conway', 'packed', 10**7)[1]:,.0f} MB")


if __name__ == "__main__":
    main()
