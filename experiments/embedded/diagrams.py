"""Where the embedded pair errs on diagrams of elementary rules: `python -m experiments.embedded.diagrams`.

Shares of wrong cells by row below the first, against the true diagram; of cells in neither colour, which are
wrong too; and of wrong cells by column, against the rule applied to the row above as the model itself wrote
it, so that an early error is not counted again in every later row. Over three seeds; about a quarter of an
hour on two cores."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

os.environ.setdefault("OMP_NUM_THREADS", "1")

RULES, SHOTS, TESTS, SEEDS = (110, 90), 300, 100, 3


def told(shares: npt.NDArray[np.float64]) -> str:
    """Shares as per cents."""
    return " ".join(f"{share:4.0%}" for share in shares)


def main() -> None:
    """Adapt both models, and print each one's wrong cells."""
    from vizbench.baselines.embedded.worlds.laws import next_rows, seen_in_rows
    from vizbench.harness.plan.plan import Plan
    from vizbench.harness.records.records import read_runs
    from vizbench.harness.run.run import run
    from vizbench.types import Grid

    found: dict[tuple[str, str], list[tuple[Grid, Grid]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        tasks = tuple(f"eca/{rule}" for rule in RULES)
        for model in ("cogvideox", "qwen3"):
            plan = Plan(
                models=(model,),
                tasks=tasks,
                checkpoint="tiny",
                shots=(SHOTS,),
                n_test=TESTS,
                seeds=tuple(range(SEEDS)),
            )
            run(plan, Path(folder), jobs=2)
        for done in read_runs([Path(folder)]):
            cell = done.header.trial
            if cell.checkpoint != "tiny":  # a trivial baseline beside the models
                continue
            targets = {question.id: question.target for question in done.questions}
            pairs = [
                (np.array(targets[record.id], np.uint8), np.array(record.answer, np.uint8))
                for record in done.records
                if record.answer is not None
            ]
            pairs = [(target, answer) for target, answer in pairs if answer.shape == target.shape]
            whole = f"{len(pairs)} of {len(done.records)}"
            print(f"{cell.model} on {cell.task}, seed {cell.seed}: {whole} answers are diagrams of that size")
            if pairs:
                found[cell.model, cell.task] += pairs
    for (model, task), pairs in found.items():
        wanted, answers = (np.stack(part) for part in zip(*pairs, strict=True))
        # The first row is given, and drawn anew with the rest: it counts as it was asked.
        above = np.concatenate([wanted[:, :1], answers[:, 1:-1]], 1)
        # What follows a code that is no state is nobody's error.
        known = seen_in_rows((above > 1).astype(np.uint8)) == 0
        wrong = (answers[:, 1:] != next_rows(above, int(task.partition("/")[2]))) & known
        print(f"{model} on {task}, n = {SHOTS}")
        print(f"  by row, of the true diagram: {told((answers != wanted)[:, 1:].mean((0, 2)))}")
        print(f"  in neither of its colours:   {told((answers > 1)[:, 1:].mean((0, 2)))}")
        print(f"  by column, of its own rows:  {told(wrong.sum((0, 1)) / known.sum((0, 1)))}")


if __name__ == "__main__":
    main()
