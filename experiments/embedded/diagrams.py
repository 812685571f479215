"""Measure where the embedded models err on diagrams of elementary rules.

    python -m experiments.embedded.diagrams

Prints for each model and rule, over three seeds:

- the share of wrong cells in each row below the first, compared with the true diagram
- the share of cells in neither colour, which are wrong too
- the share of wrong cells in each column, compared with the rule applied to the row above as the model wrote
  it, so that an early error is not counted again in every later row

It takes about a quarter of an hour on two cores.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from vizbench.types import Grid

os.environ.setdefault("OMP_NUM_THREADS", "1")

MODELS, RULES, SHOTS, TESTS, SEEDS = ("cogvideox", "qwen3"), (110, 90), 300, 100, 3


def main() -> None:
    """Adapt both models, and print the shares of each."""
    pairs: dict[tuple[str, str], list[tuple[Grid, Grid]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder))
        for model, task, answered in _answers(Path(folder)):
            pairs[model, task] += answered
    for (model, task), answered in pairs.items():
        if answered:
            _print_shares(model, task, answered)


def _run(folder: Path) -> None:
    """Run both models on all rules and seeds."""
    from vizbench.harness.plan.plan import Plan
    from vizbench.harness.run.run import run

    for model in MODELS:
        plan = Plan(
            models=(model,),
            tasks=tuple(f"eca/{rule}" for rule in RULES),
            checkpoint="tiny",
            shots=(SHOTS,),
            n_test=TESTS,
            seeds=tuple(range(SEEDS)),
        )
        run(plan, folder, jobs=2)


def _answers(folder: Path) -> Iterator[tuple[str, str, list[tuple[Grid, Grid]]]]:
    """Yield model, task, and the (target, answer) pairs of each trial whose answer has the target's size."""
    from vizbench.harness.records.records import read_runs

    for result in read_runs([folder]):
        trial = result.header.trial
        if trial.checkpoint != "tiny":  # a trivial baseline
            continue
        targets = {question.id: np.array(question.target, np.uint8) for question in result.questions}
        pairs: list[tuple[Grid, Grid]] = []
        for record in result.records:
            answer = None if record.answer is None else np.array(record.answer, np.uint8)
            if answer is not None and answer.shape == targets[record.id].shape:
                pairs.append((targets[record.id], answer))
        count = f"{len(pairs)} of {len(result.records)}"
        print(f"{trial.model} on {trial.task}, seed {trial.seed}: {count} answers are diagrams of that size")
        yield trial.model, trial.task, pairs


def _print_shares(model: str, task: str, pairs: list[tuple[Grid, Grid]]) -> None:
    """Print the shares of wrong cells of one model on one task."""
    from vizbench.baselines.embedded.worlds.laws import next_rows, seen_in_rows

    targets, answers = (np.stack(part) for part in zip(*pairs, strict=True))
    # The first row is given, so the true one counts, whatever the model wrote there.
    above = np.concatenate([targets[:, :1], answers[:, 1:-1]], 1)
    # A cell counts only if the three cells above it are states.
    known = seen_in_rows((above > 1).astype(np.uint8)) == 0
    wrong = (answers[:, 1:] != next_rows(above, int(task.partition("/")[2]))) & known
    print(f"{model} on {task}, {SHOTS} shots")
    print(f"  by row, of the true diagram: {_percent((answers != targets)[:, 1:].mean((0, 2)))}")
    print(f"  in neither of its colours:   {_percent((answers > 1)[:, 1:].mean((0, 2)))}")
    print(f"  by column, of its own rows:  {_percent(wrong.sum((0, 1)) / known.sum((0, 1)))}")


def _percent(shares: npt.NDArray[np.float64]) -> str:
    """Return the shares as percentages."""
    return " ".join(f"{share:4.0%}" for share in shares)


if __name__ == "__main__":
    main()
