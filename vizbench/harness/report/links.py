"""Link table rows to viewer entries, and give each trial a unique id."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, cast

import msgspec

from vizbench.harness.records import labels
from vizbench.harness.records.records import TrialResult
from vizbench.harness.report.curves import Curve, Panel, Point, row_link
from vizbench.harness.stats.metrics import Kind, Summary, kind
from vizbench.types import Json

Table: TypeAlias = dict[str, list[dict[str, Json]]]
"""What `tables` returns: columns and rows."""

_Linked: TypeAlias = Mapping[tuple[str, str], Sequence[tuple[float, str]]]
"""For each link and model mark, the share of exact answers and the trial id of each row, in their order."""


def trial_id(trial: TrialResult) -> str:
    """Return a digest of all that makes a trial.

    That is its task and the version, model, checkpoint, training, weights, file, shots, attempts and seed;
    for a corpus also the data.
    """
    identity = msgspec.json.encode((kind(trial), trial.header.trial.seed))
    return hashlib.blake2b(identity, digest_size=6).hexdigest()


def trial_labels(trials: Sequence[TrialResult]) -> dict[str, str]:
    """Return the name of each trial's model by trial id.

    Models of a task with the same name also say in what they differ.
    """
    plain: dict[str, str] = {}
    groups: dict[tuple[str, str], list[TrialResult]] = {}
    origins = labels.model_marks(_name(trial) for trial in trials)
    for trial in trials:
        name = labels.model_label(*_name(trial), origins[_name(trial)])
        plain[trial_id(trial)] = name
        groups.setdefault((trial.header.trial.task, name), []).append(trial)
    marked: dict[str, str] = {}
    for group in groups.values():
        for trial in group:
            marked[trial_id(trial)] = " · ".join([plain[trial_id(trial)], *_marks(trial, group)])
    return marked


def trials_of_rows(rows: Sequence[Summary], trials: Sequence[TrialResult]) -> list[list[TrialResult]]:
    """Return for each row of `metrics.summaries(trials)` the trials that it pools, by seed.

    trials: each once.
    """
    groups: dict[Kind, list[TrialResult]] = {}
    for trial in trials:
        groups.setdefault(kind(trial), []).append(trial)

    # In the order in which `summaries` meets them: rows that differ only in a digest keep it.
    waiting: dict[tuple[object, ...], list[list[TrialResult]]] = {}
    for group in groups.values():
        if any(record.attempt == 0 for trial in group for record in trial.records):
            ordered = sorted(group, key=lambda trial: trial.header.trial.seed)
            first, shots = ordered[0].header.trial, ordered[0].header.data.shots
            seeds = tuple(trial.header.trial.seed for trial in ordered)
            key = first.task, first.model, first.checkpoint, first.training, shots, first.attempts, seeds
            waiting.setdefault(key, []).append(ordered)
    pooled: list[list[TrialResult]] = []
    for row in rows:
        key = row.task, row.model, row.checkpoint, row.training, row.shots, row.attempts, row.seeds
        pooled.append(waiting[key].pop(0))
    return pooled


def link_table(table: Json, rows: Sequence[Summary], trials: Sequence[TrialResult]) -> Json:
    """Add to each row the id of the trial that its button opens, and the model's full name.

    table: `tables.results(rows, …)`. If any row has several answers to a question, there is a column with
    their number.
    """
    results = cast("Table", table)
    names, columns = trial_labels(trials), results["columns"]
    if any(row.attempts > 1 for row in rows):
        after = [column["key"] for column in columns].index("shots") + 1
        attempts = {
            "key": "attempts", "title": "attempts", "kind": "count", "help": "Answers to a question.",
        }  # fmt: skip
        columns = [*columns[:after], attempts, *columns[after:]]
    body: list[dict[str, Json]] = []
    for line, row, pooled in zip(results["rows"], rows, trials_of_rows(rows, trials), strict=True):
        first = trial_id(pooled[0])
        body.append(
            line | {"attempts": row.attempts, "model": names[first], "trial": first, "seeds": row.seeds}
        )
    return {"columns": columns, "rows": body}


def link_panels(
    panels: Sequence[Panel], rows: Sequence[Summary], trials: Sequence[TrialResult]
) -> list[Panel]:
    """Return the panels with the trial's id in the link of each point."""
    linked: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for row, pooled in zip(rows, trials_of_rows(rows, trials), strict=True):
        linked.setdefault((row_link(row), row.mark), []).append((row.exact, trial_id(pooled[0])))
    return [
        replace(panel, curves=tuple(_link_curve(curve, linked) for curve in panel.curves)) for panel in panels
    ]


def _link_curve(curve: Curve, linked: _Linked) -> Curve:
    """Return a curve with the trial's id in the link of each point.

    Points of a model that share a link, of other attempts, are in the order of their rows. The best baseline
    has one of them, the best.
    """
    met: Counter[str] = Counter()
    points: list[Point] = []
    mark = curve.entry.model.mark if curve.entry.model else ""
    for point in curve.points:
        if not point.link:  # the paper's
            points.append(point)
            continue
        candidates = linked[point.link, mark]
        if curve.entry.kind == "baseline":
            _, trial = max(candidates, key=lambda candidate: candidate[0])
        else:
            _, trial = candidates[met[point.link]]
        met[point.link] += 1
        points.append(replace(point, link=f"{point.link}&trial={trial}"))
    return replace(curve, points=tuple(points))


def _name(trial: TrialResult) -> labels.ModelName:
    header = trial.header.trial
    return header.model, header.checkpoint, header.training


def _marks(trial: TrialResult, group: Sequence[TrialResult]) -> list[str]:
    """Return in what a trial differs from some of the group, beyond what every table shows."""
    everyone = [_facts(other) for other in group]
    marks: list[str] = []
    for name, fact in _facts(trial).items():
        if len({facts[name] for facts in everyone}) > 1:
            marks.append(f"{name} {fact}")
    return marks


def _facts(trial: TrialResult) -> dict[str, str]:
    header = trial.header
    return {
        "weights": (header.weights or "none")[:8],
        "file": (header.code or "none")[:8],
        "task version": str(header.task.version),
    }
