"""Make small plans for tests, and read what their runs left."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.support import stubs
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs

BATCHER = f"{stubs.FILE}:Batcher"


def small_plan(model=BATCHER, **fields: Any):
    small: dict[str, Any] = {"models": (model,), "tasks": ("life/conway",), "shots": (3,), "n_test": 5}
    return Plan(**(small | fields))


def directory(out, plan, model=BATCHER):
    """Return the directory of a model's first trial."""
    return next(out / trial.directory for trial in plan.trials() if trial.model == model)


def predictions(out):
    """Return the records of every trial, in order, without what differs from run to run."""
    return {
        trial.directory.name: [msgspec.structs.replace(r, seconds=0) for r in trial.records]
        for trial in read_runs([out])
    }


def stub(name):
    """Return the model of this process's own module, which a test can change."""
    return stubs.Talker() if name.endswith(":Talker") else None


def write_arc(path, outputs=("[[2]]", "[[3]]")):
    pairs = ", ".join(f'{{"input": [[1]], "output": {grid}}}' for grid in outputs)
    path.write_text(f'{{"train": [{pairs}], "test": [{pairs}]}}')
