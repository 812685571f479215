"""experiments/embedded/results.csv as the tables of docs/embedded.md, between their markers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from scripts.readme import fill
from vizbench.baselines.embedded.worlds import pretraining_overlap
from vizbench.harness.stats.intervals import seed_interval

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("results.csv")
BUDGETS = (3, 16, 30, 100, 300, 1000)
FLOOR = ("copy", "blank", "majority", "random", "nearest")


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """One cell. hits, valid: exact and valid answers of n; cells: mean share of right cells; seconds: CPU
    time of the adaptation, on one thread; recipe: digest of the model's sizes and of how it adapts; weights:
    digest, "" where there are none; machine: where it was measured."""

    task: str
    model: str
    checkpoint: str
    shots: int
    seed: int
    n: int
    hits: int
    valid: int
    cells: float
    seconds: float
    recipe: str
    weights: str
    machine: str


def read() -> list[Measured]:
    """The lines of experiments/embedded/results.csv."""
    if not TABLE.exists():
        return []
    kinds = {
        field.name: {"int": int, "float": float, "str": str}[str(field.type)] for field in fields(Measured)
    }
    with TABLE.open(newline="") as file:
        rows: list[Any] = [{k: kinds[k](v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [Measured(**row) for row in rows]


def pooled(rows: Sequence[Measured]) -> tuple[int, int]:
    """Hits and answers over the seeds."""
    return sum(r.hits for r in rows), sum(r.n for r in rows)


def figure(rows: Sequence[Measured]) -> str:
    """Exact share with its 95% interval over the seeds, and the number of seeds; a dash where nothing was
    measured."""
    if not rows:
        return "–"
    hits, n = pooled(rows)
    low, high = _interval(rows)
    return f"{hits / n:.2f} [{low:.2f}, {high:.2f}]" + (f" ({len(rows)})" if len(rows) != 3 else "")


def _interval(rows: Sequence[Measured]) -> tuple[float, float]:
    return seed_interval([(r.hits, r.n) for r in rows])


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines))


def _pick(
    rows: Sequence[Measured], task: str, model: str, checkpoint: str | None, shots: int
) -> list[Measured]:
    return [
        r
        for r in rows
        if (r.task, r.model, r.shots) == (task, model, shots) and checkpoint in (None, r.checkpoint)
    ]


def best_floor(rows: Sequence[Measured], task: str, shots: int) -> str:
    """The best trivial baseline's exact share, and its name."""
    found = [(name, *pooled(_pick(rows, task, name, None, shots))) for name in FLOOR]
    shares = [(hits / n, name) for name, hits, n in found if n]
    if not shares:
        return "–"
    share, name = max(shares)
    return f"{share:.2f} {name}" if share else "0.00"


def task_table(rows: Sequence[Measured], task: str) -> str:
    """One task: a line a model and checkpoint, a column a budget."""
    lines: list[list[str]] = []
    for model in ("cogvideox", "qwen3"):
        for checkpoint in ("tiny", "tiny-scratch", "tiny-random"):
            cells = [_pick(rows, task, model, checkpoint, shots) for shots in BUDGETS]
            measured = [r for cell in cells for r in cell]
            if measured:
                seconds = sum(r.seconds for r in measured) / len(measured)
                lines.append([f"`{model}` {checkpoint}", *map(figure, cells), f"{seconds:.0f}"])
    lines.append(["best trivial", *(best_floor(rows, task, shots) for shots in BUDGETS), ""])
    return _table(["", *(f"n = {n}" for n in BUDGETS), "s"], lines)


def comparison(rows: Sequence[Measured], model: str) -> str:
    """The budgets at which LoRA on our weights beats training the same net from scratch (intervals apart), at
    which it is beaten, at which the two are not told apart: a line a task."""
    lines: list[list[str]] = []
    for task in dict.fromkeys(r.task for r in rows):
        better: list[str] = []
        worse: list[str] = []
        open_: list[str] = []
        for shots in BUDGETS:
            ours, control = (_pick(rows, task, model, c, shots) for c in ("tiny", "tiny-scratch"))
            if ours and control:
                (low, high), (least, most) = _interval(ours), _interval(control)
                (better if low > most else worse if high < least else open_).append(str(shots))
        lines.append([f"`{task}`", *(", ".join(found) for found in (better, worse, open_))])
    return _table([f"`{model}`, n =", "LoRA better", "LoRA worse", "not told apart"], lines)


def summary(rows: Sequence[Measured]) -> str:
    """The README's table: n = 30 and 300, both models beside training from scratch."""
    lines: list[list[str]] = []
    for task in dict.fromkeys(r.task for r in rows):
        cells = [
            figure(_pick(rows, task, model, checkpoint, shots)).partition(" ")[0]
            for shots in (30, 300)
            for model, checkpoint in (
                ("cogvideox", "tiny"), ("cogvideox", "tiny-scratch"), ("qwen3", "tiny"), ("qwen3", "tiny-scratch")
            )
        ]  # fmt: skip
        lines.append(
            [
                f"`{task}`",
                str(pretraining_overlap(task)).partition(":")[0],
                *cells,
                best_floor(rows, task, 300),
            ]
        )
    head = ["task", "overlap"]
    for shots in (30, 300):
        head += [f"video, n = {shots}", "scratch", f"text, n = {shots}", "scratch"]
    return _table([*head, "best trivial"], lines)


def blocks(rows: Sequence[Measured]) -> dict[str, str]:
    """What stands between the markers of docs/embedded.md, by marker."""
    tasks = dict.fromkeys(r.task for r in rows)
    parts = [f"### {task}: {pretraining_overlap(task)}\n\n{task_table(rows, task)}" for task in tasks]
    said = [comparison(rows, model) for model in ("cogvideox", "qwen3")]
    every = "\n\n".join([*parts, "### LoRA on our weights against training from scratch", *said])
    return {"results": summary(rows), "tables": every}


def write_tables(rows: Sequence[Measured]) -> None:
    """Fill the generated parts of docs/embedded.md; `make readme` carries the short one over."""
    page = ROOT / "docs" / "embedded.md"
    text = page.read_text(encoding="utf-8")
    for name, content in blocks(sorted(rows, key=lambda row: row.task)).items():
        text = fill(text, name, content)
    page.write_text(text, encoding="utf-8")
