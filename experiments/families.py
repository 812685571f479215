"""Measure what trivial baselines and embedded models reach on each family, for the table of docs/tasks.md.

    python -m experiments.families [--models] [--minutes 60]

Prints one line per task. The tasks are the default of each family and those of the suite `core`. The figures
are kept in experiments/families.json, so a run measures only what is missing or has another version. With
--models it also adapts the embedded models, which takes a minute per model and task.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

import msgspec

from vizbench import loading
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.plan.suites import SUITES, tasks_of
from vizbench.harness.records.records import TrialResult, read_runs
from vizbench.harness.run.run import run
from vizbench.model import load_model
from vizbench.task.registry import spec

FILE: Final = Path(__file__).with_suffix(".json")
BASELINES: Final = ("copy", "blank", "majority", "nearest", "random")
MODELS: Final = ("cogvideox", "qwen3")
SHOTS: Final = 30
N_TEST: Final = 200
ROWS: Final = 20
"""Train rows whose effort is measured."""


@final
class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of one task."""

    version: int
    """Version of the family that was measured."""
    valid: dict[str, float]
    """Baseline -> share of valid answers."""
    effort: float
    """Mean effort, see `Task.difficulty_batch`."""
    models: dict[str, float | None] = {}
    """Embedded model -> share of valid answers. None: it refuses the task."""


def read() -> dict[str, Figures]:
    """Return the figures by task."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Figures]) if FILE.exists() else {}


def write(figures: dict[str, Figures]) -> None:
    """Write the figures, sorted by task."""
    listed = msgspec.json.encode(dict(sorted(figures.items())))
    FILE.write_bytes(msgspec.json.format(listed, indent=1) + b"\n")


def tasks() -> list[str]:
    """Return the tasks to measure: the default of each family, and the suite `core`."""
    return sorted({*tasks_of("all"), *SUITES["core"]})


def measure(task: str) -> Figures:
    """Return the shares of the trivial baselines, and the effort."""
    results = results_of(task, ())
    valid: dict[str, float] = {}
    for name in BASELINES:
        valid[name] = share([result for result in results if result.header.trial.model == name])
    return Figures(spec(task).task.version, valid, effort(task))


def results_of(task: str, models: Sequence[str]) -> list[TrialResult]:
    """Run models and the trivial baselines in a temporary folder. Trials that fail have no result."""
    with tempfile.TemporaryDirectory(prefix="vizbench-families-") as folder:
        run(Plan(models=tuple(models), tasks=(task,), shots=(SHOTS,), n_test=N_TEST), Path(folder))
        return read_runs([Path(folder)])


def share(results: Sequence[TrialResult]) -> float:
    """Return the share of valid answers among those of all results. Exits if there are no answers."""
    answers = [record.valid for result in results for record in result.records]
    if not answers:
        raise SystemExit(
            "a trial has failed, so a share is of no answers: run it by vizbench eval to see why"
        )
    return round(sum(answers) / len(answers), 3)


def effort(task: str) -> float:
    """Return the mean effort of the first train rows. A name may mean several episodes."""
    efforts: list[float] = []
    for name in loading.expand(task):
        data = loading.load(name)
        for row in data.train.head(ROWS if data.train.count is None else min(ROWS, data.train.count)):
            figures = spec(name).task.difficulty(data.params, row.question, row.target)
            efforts.append(figures["effort"])
    return round(sum(efforts) / len(efforts), 2)


def with_model(task: str, known: Figures, model: str) -> Figures:
    """Return the figures with the share of one embedded model."""
    try:
        results = results_of(task, (model,))
        valid = share([result for result in results if result.header.trial.model == model])
    except UserError as error:
        if "cannot adapt to" not in str(error):  # not a misfit, but a fault of the set-up
            raise
        valid = None
    return msgspec.structs.replace(known, models={**known.models, model: valid})


def main() -> None:
    """Measure what is missing. The file is written after each task."""
    parser = argparse.ArgumentParser(description="measure baselines and embedded models for docs/tasks.md")
    parser.add_argument("--models", action="store_true", help="also adapt the embedded models")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no task after this time")
    arguments = parser.parse_args()

    models = MODELS if arguments.models else ()
    for model in models:
        load_model(model)  # a model that cannot be built ends the run before anything is measured

    current = {task: known for task, known in read().items() if task in tasks()}
    figures = {task: known for task, known in current.items() if known.version == spec(task).task.version}
    deadline = time.monotonic() + 60 * arguments.minutes
    for task in tasks():
        if time.monotonic() > deadline:
            break
        known = figures.get(task) or measure(task)
        for model in models:
            if model not in known.models:
                known = with_model(task, known, model)
        if known != figures.get(task):
            print(task, msgspec.json.encode(known).decode(), flush=True)
            figures[task] = known
            write(figures)
    write(figures)


if __name__ == "__main__":
    main()
