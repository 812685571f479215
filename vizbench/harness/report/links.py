"""Which cells a row of the tables counts, and what tells each from all others: the viewer is led by these."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias, cast

import msgspec

from vizbench.harness.records import labels as names
from vizbench.harness.records.records import TrialResult
from vizbench.harness.report import curves
from vizbench.harness.report.curves import Curve, Panel, Point
from vizbench.harness.stats.metrics import Kind, Summary, kind
from vizbench.types import Json

Table: TypeAlias = dict[str, list[dict[str, Json]]]
"""What `tables` gives: columns and rows."""


def trial_id(run: TrialResult) -> str:
    """A digest of all that makes a cell: task and its version, model, checkpoint, training, weights, file,
    examples, attempts, seed; the data of a corpus."""
    whole = msgspec.json.encode((kind(run), run.header.trial.seed))
    return hashlib.blake2b(whole, digest_size=6).hexdigest()


def trial_labels(cells: Sequence[TrialResult]) -> dict[str, str]:
    """Identity -> the model's name. Models of a task that would be called alike say in what they differ."""
    alike: dict[tuple[str, str], list[TrialResult]] = {}
    told: dict[str, str] = {}
    origins = names.model_marks(_name(run) for run in cells)
    for run in cells:
        told[trial_id(run)] = names.model_label(*_name(run), origins[_name(run)])
        alike.setdefault((run.header.trial.task, told[trial_id(run)]), []).append(run)
    return {
        trial_id(run): told[trial_id(run)] + "".join(f" · {mark}" for mark in _marks(run, group))
        for group in alike.values()
        for run in group
    }


def trials_of_rows(rows: Sequence[Summary], cells: Sequence[TrialResult]) -> list[list[TrialResult]]:
    """For each row of `metrics.summaries(cells)` the cells that it pools, by seed. cells: each once."""
    groups: dict[Kind, list[TrialResult]] = {}
    for run in cells:
        groups.setdefault(kind(run), []).append(run)
    waiting: dict[tuple[object, ...], list[list[TrialResult]]] = {}
    for group in (
        groups.values()
    ):  # in the order in which `summaries` meets them: rows that differ in a digest keep it
        if any(record.attempt == 0 for run in group for record in run.records):
            ordered = sorted(group, key=lambda run: run.header.trial.seed)
            cell, examples = ordered[0].header.trial, ordered[0].header.data.shots
            seeds = tuple(run.header.trial.seed for run in ordered)
            key = cell.task, cell.model, cell.checkpoint, cell.training, examples, cell.attempts, seeds
            waiting.setdefault(key, []).append(ordered)
    return [
        waiting[row.task, row.model, row.checkpoint, row.training, row.shots, row.attempts, row.seeds].pop(0)
        for row in rows
    ]


def link_table(table: Json, rows: Sequence[Summary], cells: Sequence[TrialResult]) -> Json:
    """The table of results, `tables.results(rows, …)`, each row with the cell that its button opens, the
    model's full name, and where any has several answers to a question a column of how many."""
    found = cast("Table", table)
    known, columns = trial_labels(cells), found["columns"]
    if any(row.attempts > 1 for row in rows):
        after = [column["key"] for column in columns].index("shots") + 1
        told = {"key": "attempts", "title": "attempts", "kind": "count", "help": "Answers to a question."}
        columns = [*columns[:after], told, *columns[after:]]
    body: list[dict[str, Json]] = []
    for line, row, runs in zip(found["rows"], rows, trials_of_rows(rows, cells), strict=True):
        first = trial_id(runs[0])
        body.append(
            line | {"attempts": row.attempts, "model": known[first], "run": first, "seeds": row.seeds}
        )
    return {"columns": columns, "rows": body}


def link_panels(
    panels: Sequence[Panel], rows: Sequence[Summary], cells: Sequence[TrialResult]
) -> list[Panel]:
    """The panels, each point's address with the identity of its cell."""
    runs: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for row, group in zip(rows, trials_of_rows(rows, cells), strict=True):
        runs.setdefault((curves.address(row), row.mark), []).append((row.exact, trial_id(group[0])))
    return [replace(panel, lines=tuple(_addressed(line, runs) for line in panel.lines)) for panel in panels]


def _addressed(line: Curve, runs: dict[tuple[str, str], list[tuple[float, str]]]) -> Curve:
    """Points of a line that share an address, of other attempts, stand in the order of their rows; on the
    line of the best baseline there is one of them, the best."""
    met: Counter[str] = Counter()
    points: list[Point] = []
    mark = line.key.model.mark if line.key.model else ""
    for point in line.points:
        if not point.address:  # the paper's
            points.append(point)
            continue
        alike = runs[point.address, mark]
        nth = (
            alike.index(max(alike, key=lambda one: one[0]))
            if line.key.kind == "floor"
            else met[point.address]
        )
        met[point.address] += 1
        points.append(replace(point, address=f"{point.address}&run={alike[nth][1]}"))
    return replace(line, points=tuple(points))


def _name(run: TrialResult) -> names.ModelName:
    cell = run.header.trial
    return cell.model, cell.checkpoint, cell.training


def _marks(run: TrialResult, group: Sequence[TrialResult]) -> list[str]:
    """In what this cell differs from some of the group, beyond what every table shows."""

    def facts(one: TrialResult) -> dict[str, str]:
        header = one.header
        return {
            "weights": (header.weights or "none")[:8],
            "file": (header.code or "none")[:8],
            "task version": str(header.task.version),
        }

    every = [facts(one) for one in group]
    return [f"{what} {fact}" for what, fact in facts(run).items() if len({each[what] for each in every}) > 1]
