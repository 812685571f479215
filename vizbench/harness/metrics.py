"""Figures from records alone. A mean over nothing is refused, and what could not be decoded counts as wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, final

from vizbench.harness.plan import TRIVIAL
from vizbench.harness.records import CellRun, Record

Z95: Final = 1.959963984540054
"""The 97.5% point of the normal distribution."""


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """One row of a table: cells that differ in their seed alone, pooled.

    n: questions answered, of `asked`. exact, valid, cells, undecodable: shares over the first attempts, 0..1;
    exact_low, exact_high: the 95% Wilson interval (questions taken as independent, seeds not as clusters); exact_any,
    valid_any: any of the attempts; seconds: adaptation, the mean of a cell; predict_seconds: an answer.
    """

    task: str
    model: str
    checkpoint: str
    shots: int
    seeds: tuple[int, ...]
    kin: str | None
    attempts: int
    asked: int
    n: int
    exact: float
    exact_low: float
    exact_high: float
    valid: float
    cells: float
    undecodable: float
    exact_any: float
    valid_any: float
    seconds: float
    predict_seconds: float


def wilson(hits: int, n: int, z: float = Z95) -> tuple[float, float]:
    """The interval of Wilson (1927) for a share of `hits` in `n`, within 0..1. Raises ValueError for n < 1."""
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share")
    p = hits / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (centre - half) / scale, (centre + half) / scale
    return (0.0 if hits == 0 else low), (1.0 if hits == n else high)  # rounding would leave 1e-17 there


def mean(values: Iterable[float]) -> float:
    """The mean. Raises ValueError over nothing: that is no zero."""
    listed = list(values)
    if not listed:
        raise ValueError("a mean over nothing")
    return math.fsum(listed) / len(listed)


def summaries(runs: Sequence[CellRun]) -> list[Summary]:
    """One row for each task, model, checkpoint and budget that has an answer: tasks by name, and in each the models
    before the trivial baselines, by growing budget."""
    groups: dict[tuple[str, str, str, int, int], list[CellRun]] = {}
    for run in runs:
        cell = run.header.cell
        key = cell.task, cell.model, cell.checkpoint, run.header.data.examples, cell.attempts
        groups.setdefault(key, []).append(run)
    rows = [_summary(group) for group in groups.values() if any(_first(run.records) for run in group)]
    return sorted(
        rows, key=lambda row: (row.task, _rank(row.model), row.model, row.checkpoint, row.shots, row.attempts)
    )


def _rank(model: str) -> int:
    return TRIVIAL.index(model) + 1 if model in TRIVIAL else 0


def _summary(runs: Sequence[CellRun]) -> Summary:
    header = runs[0].header
    cell = header.cell
    records = [record for run in runs for record in run.records]
    first = _first(records)
    hits = sum(record.exact for record in first)
    low, high = wilson(hits, len(first))
    return Summary(
        task=cell.task,
        model=cell.model,
        checkpoint=cell.checkpoint,
        shots=header.data.examples,
        seeds=tuple(sorted(run.header.cell.seed for run in runs)),
        kin=header.kin,
        attempts=cell.attempts,
        asked=sum(len(run.questions) for run in runs),
        n=len(first),
        exact=hits / len(first),
        exact_low=low,
        exact_high=high,
        valid=mean(record.valid for record in first),
        cells=mean(record.cells for record in first),
        undecodable=mean(record.undecodable for record in first),
        exact_any=len({record.id for record in records if record.exact}) / len(first),
        valid_any=len({record.id for record in records if record.valid}) / len(first),
        seconds=mean(run.sessions[-1].seconds if run.sessions else 0.0 for run in runs),
        predict_seconds=mean(record.seconds for record in records),
    )


def _first(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.attempt == 0]
