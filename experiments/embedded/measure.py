"""Measure the embedded models and write every table of docs/embedded.md.

    python -m experiments.embedded.measure [--jobs 2] [--minutes 120] [--seeds 3]

Prints one line per measured trial. Each trial is a row of experiments/embedded/results.csv, so the table can
grow over several runs and machines. A trial is measured again only if its weights, or the way its model
adapts, have changed. Adaptation and prediction use one thread.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, astuple, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, final

from experiments.embedded.tables import TABLE, Measured, read, write_tables

if TYPE_CHECKING:
    from vizbench.harness.records.records import TrialResult

TASKS = (
    "life/conway", "life/seeds", "fill/small", "langton/2", "sudoku/mini", "eca/110", "eca/90", "maze/9",
)  # fmt: skip
SHOTS = (30, 300, 3, 16, 100, 1000)
"""Numbers of training examples, the most informative first."""

MODELS = ("cogvideox", "qwen3")
CHECKPOINTS = ("tiny", "tiny-scratch", "tiny-random")
N_TEST = 200


@final
@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """A trial to measure, together with the trivial baselines on the same data."""

    task: str
    """The task."""
    model: str
    """The model family."""
    checkpoint: str
    """The embedded checkpoint."""
    shots: int
    """Number of training examples."""
    seed: int
    """Seed of the data and the adaptation."""


Key = tuple[str, str, str, int, int]


def key_of(trial: PlannedTrial | Measured) -> Key:
    """Return what identifies a trial: task, model, checkpoint, shots, seed."""
    return trial.task, trial.model, trial.checkpoint, trial.shots, trial.seed


def planned(seeds: int) -> Iterator[PlannedTrial]:
    """Yield all trials, the most informative first.

    All of seed 0 comes before seed 1. Within a seed, shots and checkpoints advance together.
    """
    pairs = list(itertools.product(range(len(SHOTS)), range(len(CHECKPOINTS))))
    for seed in range(seeds):
        for shots, checkpoint in sorted(pairs, key=sum):
            for task, model in itertools.product(TASKS, MODELS):
                yield PlannedTrial(task, model, CHECKPOINTS[checkpoint], SHOTS[shots], seed)


def measure(trial: PlannedTrial) -> list[Measured]:
    """Run one trial and its trivial baselines in a temporary folder."""
    # One thread: trials run side by side, and results must not depend on how many.
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from vizbench.baselines.embedded.worlds import pretraining_overlap
    from vizbench.harness.plan.plan import Plan
    from vizbench.harness.records.records import read_runs
    from vizbench.harness.run.run import run

    torch.set_num_threads(1)

    # The records are read back from disk, as any user would read them.
    scratch = Path(tempfile.mkdtemp(prefix="vizbench-embedded-"))
    try:
        plan = Plan(
            models=(trial.model,),
            tasks=(trial.task,),
            checkpoint=trial.checkpoint,
            shots=(trial.shots,),
            seeds=(trial.seed,),
            n_test=N_TEST,
        )
        for outcome in run(plan, scratch, pretraining_overlap=pretraining_overlap):
            if outcome.error:
                raise RuntimeError(f"{trial}: {outcome.error}")
        return [_measured(result, trial) for result in read_runs([scratch])]
    finally:
        shutil.rmtree(scratch)


def _measured(result: TrialResult, trial: PlannedTrial) -> Measured:
    """Return the row of a trial's result."""
    header, records = result.header, result.records
    seconds = sum(session.figures.get("cpu_seconds") or 0.0 for session in result.sessions)
    cells = sum(record.cells for record in records) / len(records)
    return Measured(
        task=header.trial.task,
        model=header.trial.model,
        checkpoint=header.trial.checkpoint,
        shots=trial.shots,
        seed=trial.seed,
        n=len(records),
        hits=sum(record.exact for record in records),
        valid=sum(record.valid for record in records),
        cells=round(cells, 4),
        seconds=round(seconds, 1),
        config=config_digests().get(header.trial.model, ""),
        weights=header.weights or "",
        machine=header.environment.get("device", ""),
    )


def write(rows: Sequence[Measured]) -> None:
    """Write all rows, sorted. The file is replaced as a whole."""
    TABLE.parent.mkdir(exist_ok=True)
    part = TABLE.with_suffix(".part")
    with part.open("w", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Measured)], lineterminator="\n")
        table.writeheader()
        for row in sorted(rows, key=key_of):
            table.writerow(asdict(row))
    part.replace(TABLE)


def config_digests() -> dict[str, str]:
    """Return, by model, a digest of its network sizes and of how it adapts, controls included.

    Only the values count, in the order of the fields, so renaming a class or a field keeps the digest.
    """
    from vizbench.baselines.embedded.language import model as language
    from vizbench.baselines.embedded.language import network as language_network
    from vizbench.baselines.embedded.video import model as video
    from vizbench.baselines.embedded.video import network as video_network

    parts = {
        "cogvideox": (video.AdaptationConfig(), video_network.NetworkConfig()),
        "qwen3": (language.AdaptationConfig(), language_network.NetworkConfig()),
    }
    digests: dict[str, str] = {}
    for model, records in parts.items():
        values = json.dumps([astuple(record) for record in records])
        digests[model] = hashlib.sha256(values.encode()).hexdigest()[:12]
    return digests


def current(rows: Sequence[Measured]) -> list[Measured]:
    """Return the rows of the present weights and configs, and those of the trivial baselines."""
    from vizbench.model import load_model

    configs = config_digests()
    weights = {model: load_model(model, "tiny").weights or "" for model in MODELS}
    kept: list[Measured] = []
    for row in rows:
        if row.model in MODELS:
            expected = weights[row.model] if row.checkpoint == "tiny" else ""
            if (row.config, row.weights) != (configs[row.model], expected):
                continue
        kept.append(row)
    return kept


def main() -> None:
    """Measure what is missing, then write the tables from all rows."""
    parser = argparse.ArgumentParser(description="measure the embedded models and write docs/embedded.md")
    parser.add_argument("--jobs", type=int, default=1, help="trials measured at a time, one core each")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no trial after this time")
    parser.add_argument("--seeds", type=int, default=3, help="seeds per task, model, checkpoint and shots")
    parser.add_argument("--task", action="append", help="only this task; may be repeated")
    parser.add_argument("--model", action="append", help="only this model; may be repeated")
    arguments = parser.parse_args()

    # Plan the trials whose results are missing or outdated.
    rows = current(read())
    have = {key_of(row) for row in rows}
    models, tasks = arguments.model or MODELS, arguments.task or TASKS
    chosen = [trial for trial in planned(arguments.seeds) if trial.model in models and trial.task in tasks]
    todo = [trial for trial in chosen if key_of(trial) not in have]

    # Write after each trial, so that an interrupted run keeps its results.
    deadline = time.monotonic() + 60 * arguments.minutes
    for measured in _measure_all(todo, arguments.jobs, deadline):
        for row in measured:
            if key_of(row) not in have:
                have.add(key_of(row))
                rows.append(row)
                name = f"{row.task:12} {row.model:10} {row.checkpoint:13} n={row.shots:<5}"
                print(f"{name} {row.hits}/{row.n} {row.seconds:.0f}s", flush=True)
        write(rows)
    write_tables(rows)


def _measure_all(todo: Sequence[PlannedTrial], jobs: int, deadline: float) -> Iterator[list[Measured]]:
    """Yield the rows of each trial as it finishes. No trial is started after the deadline."""
    waiting = list(todo)
    running: set[Future[list[Measured]]] = set()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while waiting or running:
            while waiting and len(running) < jobs and time.monotonic() < deadline:
                running.add(pool.submit(measure, waiting.pop(0)))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


if __name__ == "__main__":
    main()
