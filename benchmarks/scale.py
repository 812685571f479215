"""Measure what a data set costs on Ray clusters of 1, 2 and 3 nodes of this machine, against one process.

    python -m benchmarks.scale [--rows 40000] [--task maze/9]

Each node has one core. Wall-clock time depends on what else runs here. Seconds of CPU do not: they are those
of this process and of Ray's, workers and daemons, from a warm cluster. The bytes are compared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from vizbench import formats, loading
from vizbench.engines.ray import RayEngine

STORE = 80 << 20


def cpu() -> float:
    """Return the seconds of CPU of this process and all that it has started and that still run."""
    here = psutil.Process()
    total = 0.0
    for process in (here, *here.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def measured(write: Callable[[Path], object]) -> tuple[float, float, str]:
    """Return the seconds, the seconds of CPU, and the digest of what was written."""
    with tempfile.TemporaryDirectory() as folder:
        clock, used = time.perf_counter(), cpu()
        write(Path(folder, "out"))
        seconds, spent = time.perf_counter() - clock, cpu() - used
        return seconds, spent, digest(Path(folder, "out"))


def on_cluster(nodes: int, write: Callable[[Path, RayEngine], object]) -> tuple[float, float, str]:
    """Return the same on a new cluster. A first data set, which is not measured, starts the workers."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
        with RayEngine(cluster.address) as engine:
            measured(lambda out: write(out, engine))
            return measured(lambda out: write(out, engine))
    finally:
        cluster.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--task", default="maze/9")
    options = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # as the process that it is compared with
    split = loading.load(options.task).train
    rows: int = options.rows

    measured(lambda out: formats.write(split, 10, out))  # compiles
    alone = measured(lambda out: formats.write(split, rows, out))
    print(f"{options.task}, {rows:,} rows as jsonl, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("nodes  seconds  ratio  CPU s  ratio  same bytes", flush=True)
    print(f"local  {alone[0]:7.1f}  {1:5.2f}  {alone[1]:5.1f}  {1:5.2f}", flush=True)
    for nodes in (1, 2, 3):
        made = on_cluster(
            nodes,
            lambda out, engine: formats.write(split, rows, out, execution=formats.Execution(engine=engine)),
        )
        ratios = made[0] / alone[0], made[1] / alone[1]
        figures = f"{made[0]:7.1f}  {ratios[0]:5.2f}  {made[1]:5.1f}  {ratios[1]:5.2f}"
        print(f"{nodes:5}  {figures}  {made[2] == alone[2]}", flush=True)


if __name__ == "__main__":
    main()
