"""One HTML file that shows runs: figures, a table, and every instance with its answers. It needs no network.

Whatever comes from a run is text to be escaped: names and reasons may hold anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vizbench.errors import UserError
from vizbench.harness import figure
from vizbench.harness.metrics import summaries
from vizbench.harness.plan import TRIVIAL
from vizbench.harness.provenance import now
from vizbench.harness.records import CellRun, Record, read_runs
from vizbench.harness.storage import write_whole
from vizbench.renderers.palettes import palette

MAX_QUESTIONS: Final = 100
"""Questions of a data set that the viewer holds, from the first on."""

MAX_ATTEMPTS: Final = 8
"""Attempts at a question that the viewer holds."""

MAX_CELLS: Final = 6_000_000
"""Grid cells that the viewer holds in all, two characters each: with more, it holds fewer questions."""


def write_report(runs: Sequence[Path], html: Path) -> None:
    """Write the report of these run directories to `html`, whole or not at all.

    runs: the `--out` of evaluations, or single cells in them. UserError where there is no run, a file in one is
    corrupt, or the disk refuses.
    """
    cells = read_runs(runs)
    if html.is_dir():
        raise UserError(f"{html} is a folder: name a file, e.g. {html / 'report.html'}")
    write_whole(html, render_report(cells).encode("utf-8", "replace"))


def render_report(cells: Sequence[CellRun]) -> str:
    """The report as HTML text."""
    import jinja2

    rows = summaries(cells)
    held = _held(cells)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html").render(
        rows=rows,
        trivial=TRIVIAL,
        panels=figure.panels(rows),
        legend=figure.legend(rows),
        figure=figure,
        attempts=max((row.attempts for row in rows), default=1),
        payload=payload(cells, held),
        held=held,
        most=max(len(cell.questions) for cell in cells),
        troubles=[cell for cell in cells if cell.error or not cell.complete],
        environments=_environments(cells),
        seeds=sorted({cell.header.cell.seed for cell in cells}),
        made=now(),
    )


def payload(cells: Sequence[CellRun], held: int) -> dict[str, Any]:
    """What the viewer reads. sets: questions by task and seed; runs: a cell's answers, in the order of its set."""
    sets: dict[tuple[str, int, int, str], dict[str, Any]] = {}
    runs: list[dict[str, Any]] = []
    for cell in cells:
        head = cell.header
        key = head.cell.task, head.cell.seed, head.task.version, head.data.digest if head.cell.shots is None else ""
        chosen = cell.questions[:held]
        if key not in sets or len(sets[key]["questions"]) < len(chosen):  # a shorter test set is the head of a longer
            questions = [[row.id, packed(row.question), packed(row.target)] for row in chosen]
            colours = ["#" + bytes(colour).hex() for colour in palette(head.task.palette)]
            label = figure.task_label(head.cell.task)
            sets[key] = {
                "task": head.cell.task,
                "label": label,
                "seed": head.cell.seed,
                "colours": colours,
                "questions": questions,
            }
        answers: dict[str, list[Record]] = {}
        for record in cell.records:
            answers.setdefault(record.id, []).append(record)
        label = figure.model_label(head.cell.model, head.cell.checkpoint)
        run = {"set": list(sets).index(key), "model": f"{head.cell.model}@{head.cell.checkpoint}", "label": label}
        shown = [[_answer(record) for record in answers.get(row.id, [])[:MAX_ATTEMPTS]] for row in chosen]
        runs.append(run | {"shots": head.data.examples, "answers": shown})
    runs.sort(key=lambda run: (run["set"], run["model"].partition("@")[0] in TRIVIAL, run["model"], run["shots"]))
    return {"sets": list(sets.values()), "runs": runs}


def packed(rows: Sequence[Sequence[int]]) -> list[Any]:
    """A grid for the viewer: its width, and two hexadecimal digits a cell."""
    return [len(rows[0]), b"".join(bytes(row) for row in rows).hex()]


def _answer(record: Record) -> list[Any]:
    verdict = "exact" if record.exact else "valid" if record.valid else "undecodable" if record.undecodable else "wrong"
    return [verdict, record.reason, record.cells, None if record.answer is None else packed(record.answer)]


def _held(cells: Sequence[CellRun]) -> int:
    """How many questions a cell the viewer can hold."""
    biggest = max(len(row.target) * len(row.target[0]) for cell in cells for row in cell.questions[:1])
    attempts = sum(min(cell.header.cell.attempts, MAX_ATTEMPTS) for cell in cells)
    return max(1, min(MAX_QUESTIONS, MAX_CELLS // (biggest * (attempts + 2))))


def _environments(cells: Sequence[CellRun]) -> list[dict[str, str]]:
    """The machines and versions that took part, each once."""
    found: list[dict[str, str]] = []
    for environment in (
        e for cell in cells for e in (cell.header.environment, *(s.environment for s in cell.sessions))
    ):
        if environment not in found:
            found.append(environment)
    return found
