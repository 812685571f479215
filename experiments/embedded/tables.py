"""Write the tables of docs/embedded.md from experiments/embedded/results.csv."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from scripts.readme import fill
from vizbench.baselines.embedded.worlds import pretraining_overlap
from vizbench.harness.stats.intervals import seed_interval

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("results.csv")
SHOTS = (3, 16, 30, 100, 300, 1000)
TRIVIAL = ("copy", "blank", "majority", "random", "nearest")
MODELS = ("cogvideox", "qwen3")
CHECKPOINTS = ("tiny", "tiny-scratch", "tiny-random")


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """A measured trial: one row of results.csv."""

    task: str
    """The task."""
    model: str
    """The model family, or a trivial baseline."""
    checkpoint: str
    """The checkpoint."""
    shots: int
    """Number of training examples."""
    seed: int
    """Seed of the data and the adaptation."""
    n: int
    """Test questions."""
    hits: int
    """Answers equal to the target."""
    valid: int
    """Answers that obey the rules."""
    cells: float
    """Mean share of right cells."""
    seconds: float
    """CPU time of the adaptation on one thread."""
    config: str
    """Digest of the model's sizes and of how it adapts (see `measure.config_digests`)."""
    weights: str
    """Digest of the weights, "" if there are none."""
    machine: str
    """Device on which it was measured."""


def read() -> list[Measured]:
    """Return the rows of results.csv."""
    if not TABLE.exists():
        return []
    types: dict[str, type] = {"int": int, "float": float, "str": str}
    convert = {field.name: types[str(field.type)] for field in fields(Measured)}
    rows: list[Measured] = []
    with TABLE.open(newline="") as file:
        for line in csv.DictReader(file):
            values: dict[str, Any] = {name: convert[name](text) for name, text in line.items()}
            rows.append(Measured(**values))
    return rows


def pooled(rows: Sequence[Measured]) -> tuple[int, int]:
    """Return hits and questions, summed over the seeds."""
    return sum(row.hits for row in rows), sum(row.n for row in rows)


def figure(rows: Sequence[Measured]) -> str:
    """Return the exact share with its 95% interval over the seeds, or a dash if nothing was measured.

    The number of seeds follows if it is not three.
    """
    if not rows:
        return "–"
    hits, n = pooled(rows)
    low, high = _interval(rows)
    seeds = "" if len(rows) == 3 else f" ({len(rows)})"
    return f"{hits / n:.2f} [{low:.2f}, {high:.2f}]{seeds}"


def _interval(rows: Sequence[Measured]) -> tuple[float, float]:
    """Return the 95% interval of the exact share, with seeds as clusters."""
    return seed_interval([(row.hits, row.n) for row in rows])


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))


def _pick(
    rows: Sequence[Measured], task: str, model: str, checkpoint: str | None, shots: int
) -> list[Measured]:
    """Return the rows of one task, model, checkpoint and number of shots. None: any checkpoint."""
    matches = [row for row in rows if (row.task, row.model, row.shots) == (task, model, shots)]
    return [row for row in matches if checkpoint in (None, row.checkpoint)]


def best_trivial(rows: Sequence[Measured], task: str, shots: int) -> str:
    """Return the best trivial baseline's exact share and its name."""
    shares: list[tuple[float, str]] = []
    for name in TRIVIAL:
        hits, n = pooled(_pick(rows, task, name, None, shots))
        if n:
            shares.append((hits / n, name))
    if not shares:
        return "–"
    share, name = max(shares)
    return f"{share:.2f} {name}" if share else "0.00"


def task_table(rows: Sequence[Measured], task: str) -> str:
    """Return the table of one task: a line per model and checkpoint, a column per number of shots."""
    lines: list[list[str]] = []
    for model, checkpoint in itertools.product(MODELS, CHECKPOINTS):
        columns = [_pick(rows, task, model, checkpoint, shots) for shots in SHOTS]
        seconds = [row.seconds for column in columns for row in column]
        if seconds:
            mean = sum(seconds) / len(seconds)
            lines.append([f"`{model}` {checkpoint}", *map(figure, columns), f"{mean:.0f}"])
    lines.append(["best trivial", *(best_trivial(rows, task, shots) for shots in SHOTS), ""])
    return _table(["", *(f"{n} shots" for n in SHOTS), "s"], lines)


def comparison(rows: Sequence[Measured], model: str) -> str:
    """Return a table that compares LoRA on our weights with training from scratch: a line per task.

    The columns list the numbers of shots at which LoRA is better or worse, which means that the intervals do
    not touch, and those at which the two cannot be separated.
    """
    lines: list[list[str]] = []
    for task in dict.fromkeys(row.task for row in rows):
        # Sort the numbers of shots into three columns.
        better: list[str] = []
        worse: list[str] = []
        unclear: list[str] = []
        for shots in SHOTS:
            ours, control = (_pick(rows, task, model, c, shots) for c in ("tiny", "tiny-scratch"))
            if not ours or not control:
                continue
            # Intervals that overlap separate nothing.
            low, high = _interval(ours)
            control_low, control_high = _interval(control)
            if low > control_high:
                better.append(str(shots))
            elif high < control_low:
                worse.append(str(shots))
            else:
                unclear.append(str(shots))
        lines.append([f"`{task}`", *(", ".join(column) for column in (better, worse, unclear))])
    return _table([f"`{model}`, shots", "LoRA better", "LoRA worse", "not separated"], lines)


def summary(rows: Sequence[Measured]) -> str:
    """Return the README's table: both models beside training from scratch, with 30 and 300 shots."""
    columns = list(itertools.product((30, 300), MODELS, ("tiny", "tiny-scratch")))
    lines: list[list[str]] = []
    for task in dict.fromkeys(row.task for row in rows):
        overlap = str(pretraining_overlap(task)).partition(":")[0]
        line = [f"`{task}`", overlap]
        for shots, model, checkpoint in columns:
            line.append(figure(_pick(rows, task, model, checkpoint, shots)).partition(" ")[0])
        lines.append([*line, best_trivial(rows, task, 300)])
    head = ["task", "overlap"]
    for shots in (30, 300):
        head += [f"video, {shots} shots", "scratch", f"text, {shots} shots", "scratch"]
    return _table([*head, "best trivial"], lines)


def blocks(rows: Sequence[Measured]) -> dict[str, str]:
    """Return the generated blocks of docs/embedded.md, by the name of their markers."""
    tasks = dict.fromkeys(row.task for row in rows)
    parts = [f"### {task}: {pretraining_overlap(task)}\n\n{task_table(rows, task)}" for task in tasks]
    comparisons = [comparison(rows, model) for model in MODELS]
    every = "\n\n".join([*parts, "### LoRA on our weights against training from scratch", *comparisons])
    return {"results": summary(rows), "tables": every}


def write_tables(rows: Sequence[Measured]) -> None:
    """Fill the generated blocks of docs/embedded.md. `make readme` copies the short one into the README."""
    page = ROOT / "docs" / "embedded.md"
    text = page.read_text(encoding="utf-8")
    for name, content in blocks(sorted(rows, key=lambda row: row.task)).items():
        text = fill(text, name, content)
    page.write_text(text, encoding="utf-8")
