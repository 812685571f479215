"""What the embedded pair shows: every table of docs/embedded.md, by one command.

    python -m experiments.embedded.measure [--jobs 2] [--minutes 120] [--seeds 3]

Each measured cell is a line of experiments/embedded/results.csv, so that the table grows over several sittings and machines;
a cell is measured again only when the weights that it used, or the way that it adapts, have changed.
Adaptation and prediction take one thread."""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import final

from experiments.embedded.tables import TABLE, Measured, read, write_tables

TASKS = (
    "life/conway", "life/seeds", "fill/small", "langton/2", "sudoku/mini", "eca/110", "eca/90", "maze/9",
)  # fmt: skip
SHOTS = (30, 300, 3, 16, 100, 1000)
"""Budgets, the most telling first."""

MODELS = ("cogvideox", "qwen3")
CHECKPOINTS = ("tiny", "tiny-scratch", "tiny-random")
N_TEST = 200


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """A cell to measure, together with the trivial baselines on the same data."""

    task: str
    model: str
    checkpoint: str
    shots: int
    seed: int


def wanted(seeds: int) -> Iterator[Wanted]:
    """All cells, the most telling first: seed 0 throughout before seed 1, telling budgets and checkpoints in
    turn."""
    pairs = list(itertools.product(range(len(SHOTS)), range(len(CHECKPOINTS))))
    for seed in range(seeds):
        for shots, checkpoint in sorted(pairs, key=sum):
            for task, model in itertools.product(TASKS, MODELS):
                yield Wanted(task, model, CHECKPOINTS[checkpoint], SHOTS[shots], seed)


def measure(cell: Wanted) -> list[Measured]:
    """Run one cell and its trivial baselines in a scratch folder."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from vizbench.baselines.embedded.worlds import pretraining_overlap
    from vizbench.harness.plan.plan import Plan
    from vizbench.harness.records.records import read_runs
    from vizbench.harness.run.run import run

    torch.set_num_threads(1)
    scratch = Path(tempfile.mkdtemp(prefix="vizbench-embedded-"))
    try:
        plan = Plan(
            models=(cell.model,),
            tasks=(cell.task,),
            checkpoint=cell.checkpoint,
            shots=(cell.shots,),
            seeds=(cell.seed,),
            n_test=N_TEST,
        )
        failed = [
            outcome.error
            for outcome in run(plan, scratch, pretraining_overlap=pretraining_overlap)
            if outcome.error
        ]
        if failed:
            raise RuntimeError(f"{cell}: {failed[0]}")
        rows: list[Measured] = []
        for done in read_runs([scratch]):
            header = done.header
            rows.append(
                Measured(
                    header.trial.task,
                    header.trial.model,
                    header.trial.checkpoint,
                    cell.shots,
                    cell.seed,
                    len(done.records),
                    sum(r.exact for r in done.records),
                    sum(r.valid for r in done.records),
                    round(sum(r.cells for r in done.records) / len(done.records), 4),
                    round(sum(s.figures.get("cpu_seconds") or 0.0 for s in done.sessions), 1),
                    recipes().get(header.trial.model, ""),
                    header.weights or "",
                    header.environment.get("device", ""),
                )
            )
        return rows
    finally:
        shutil.rmtree(scratch)


def write(rows: Sequence[Measured]) -> None:
    """All lines, in order, whole or not at all."""
    TABLE.parent.mkdir(exist_ok=True)
    part = TABLE.with_suffix(".part")
    with part.open("w", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Measured)], lineterminator="\n")
        table.writeheader()
        table.writerows(
            asdict(row)
            for row in sorted(rows, key=lambda r: (r.task, r.model, r.checkpoint, r.shots, r.seed))
        )
    part.replace(TABLE)


def recipes() -> dict[str, str]:
    """A digest of each family's sizes and way to adapt, controls included."""
    from vizbench.baselines.embedded.language import model as llm_lora
    from vizbench.baselines.embedded.language import network as text
    from vizbench.baselines.embedded.video import model as embedded
    from vizbench.baselines.embedded.video import network as video

    parts = {
        "cogvideox": (embedded.AdaptationConfig(), video.NetworkConfig()),
        "qwen3": (llm_lora.AdaptationConfig(), text.NetworkConfig()),
    }
    return {
        model: hashlib.sha256(repr(records).encode()).hexdigest()[:12] for model, records in parts.items()
    }


def current(rows: Sequence[Measured]) -> list[Measured]:
    """The measured cells that still say something: of today's weights and way to adapt, and the trivial
    baselines."""
    from vizbench.model import load_model

    recipe = recipes()
    weights = {model: load_model(model, "tiny").weights or "" for model in MODELS}
    return [
        row
        for row in rows
        if row.model not in MODELS
        or (
            row.recipe == recipe[row.model]
            and row.weights == (weights[row.model] if row.checkpoint == "tiny" else "")
        )
    ]


def main() -> None:
    """Measure what is missing for some minutes, then write the tables from all that is there."""
    parser = argparse.ArgumentParser(description="measure the embedded pair and write docs/embedded.md")
    parser.add_argument("--jobs", type=int, default=1, help="cells measured at a time, one core each")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no cell after this time")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", action="append", help="only these")
    parser.add_argument("--model", action="append", help="only these")
    arguments = parser.parse_args()
    models, tasks = arguments.model or MODELS, arguments.task or TASKS
    rows = current(read())
    have = {(r.task, r.model, r.checkpoint, r.shots, r.seed) for r in rows}
    todo = [
        w
        for w in wanted(arguments.seeds)
        if (w.task, w.model, w.checkpoint, w.shots, w.seed) not in have
        and w.task in tasks
        and w.model in models
    ]
    began = time.monotonic()
    running: set[Future[list[Measured]]] = set()
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        while todo or running:
            while (
                todo and len(running) < arguments.jobs and time.monotonic() - began < 60 * arguments.minutes
            ):
                running.add(pool.submit(measure, todo.pop(0)))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for row in (row for future in done for row in future.result()):
                key = (row.task, row.model, row.checkpoint, row.shots, row.seed)
                if key not in have:
                    have.add(key)
                    rows.append(row)
                    name = f"{row.task:12} {row.model:10} {row.checkpoint:13} n={row.shots:<5}"
                    print(f"{name} {row.hits}/{row.n} {row.seconds:.0f}s", flush=True)
            write(rows)
    write_tables(rows)


if __name__ == "__main__":
    main()
