"""Figures from records alone. A mean over nothing is refused, and what could not be decoded counts as wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import msgspec

from vizbench.harness.plan import TRIVIAL, Cell
from vizbench.harness.records import CellRun, Record

Z95: Final = 1.959963984540054
"""The 97.5% point of the normal distribution."""

LEAK: Final = 0.05
"""The share of valid answers above which a trivial baseline gives a task away."""


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """One row of a table: cells that differ in their seed alone, pooled.

    training: how long the plan had the model train, in words; n: questions answered, of `asked`; exact, valid, cells,
    undecodable: shares over the first attempts, 0..1; exact_low … valid_high: 95% Wilson intervals (questions taken as
    independent, seeds not as clusters); exact_any, valid_any: any of the attempts; exact_at, valid_at: k -> pass@k, for
    k = 1, 2, 4 … and `attempts`, of the questions that have k answers; psr: share of first attempts whose path joins
    start and goal, None where the task has no paths; rpl: mean length over the shortest's, of the unbroken paths alone,
    None where there are none; seconds: adaptation, the mean of a cell; predict_seconds: an answer.
    """

    task: str
    model: str
    checkpoint: str
    shots: int
    seeds: tuple[int, ...]
    kin: str | None
    training: str
    attempts: int
    asked: int
    n: int
    exact: float
    exact_low: float
    exact_high: float
    valid: float
    valid_low: float
    valid_high: float
    cells: float
    undecodable: float
    exact_any: float
    valid_any: float
    exact_at: Mapping[int, float]
    valid_at: Mapping[int, float]
    psr: float | None
    rpl: float | None
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


def wilson_mean(counts: Sequence[tuple[int, int]]) -> tuple[float, float, float]:
    """The mean of independent shares, given as (hits, n), and its 95% interval: the distances to each share's Wilson
    limits, added by squares (MOVER, Zou and Donner 2008), which, unlike a bootstrap, is no point where all are 0."""
    spans = [(hits / n, *wilson(hits, n)) for hits, n in counts]
    centre = mean(share for share, _, _ in spans)
    below = math.sqrt(math.fsum((share - low) ** 2 for share, low, _ in spans)) / len(spans)
    above = math.sqrt(math.fsum((high - share) ** 2 for share, _, high in spans)) / len(spans)
    return centre, centre - below, centre + above


def mean(values: Iterable[float]) -> float:
    """The mean. Raises ValueError over nothing: that is no zero."""
    listed = list(values)
    if not listed:
        raise ValueError("a mean over nothing")
    return math.fsum(listed) / len(listed)


def pass_at(n: int, hits: int, k: int) -> float:
    """The chance that k of n answers, drawn without putting back, hold one of the `hits` right ones: the unbiased
    pass@k of Chen et al. 2021 (section 2.1). Raises ValueError unless 1 <= k <= n and 0 <= hits <= n."""
    if not (1 <= k <= n and 0 <= hits <= n):
        raise ValueError(f"pass@{k} of {hits} in {n} does not exist")
    return 1 - math.comb(n - hits, k) / math.comb(n, k)


def distinct(runs: Sequence[CellRun]) -> list[CellRun]:
    """The runs, each cell once: where two folders hold it, as they hold the baselines of two evaluations, the one
    with more answers, the later one of equals."""
    best: dict[tuple[Kind, int], CellRun] = {}
    for run in runs:
        key = kind(run), run.header.cell.seed
        if key not in best or _weight(run) > _weight(best[key]):
            best[key] = run
    return list(best.values())


Kind: TypeAlias = tuple[Cell, int, str | None, str | None]
"""A cell without its seed, the version of its task, and the digests of the model's weights and of its file."""


def kind(run: CellRun) -> Kind:
    """What a cell shares with those of other seeds: the cell with its seed and n_test set to 0, its shots to the
    examples that there were, and a baseline's training, which it does not have, left out; and what answered what: other
    weights, another file or another version of the task are never pooled."""
    header = run.header
    cell = msgspec.structs.replace(run.header.cell, shots=run.header.data.examples, n_test=0, seed=0)
    cell = msgspec.structs.replace(cell, steps=None, epochs=None) if cell.model in TRIVIAL else cell
    return cell, header.task.version, header.weights, header.code


def summaries(runs: Sequence[CellRun]) -> list[Summary]:
    """One row for each task, model, checkpoint and budget that has an answer: tasks by name, and in each the models
    before the trivial baselines, by growing budget. A cell that is there twice counts once (`distinct`)."""
    groups: dict[Kind, list[CellRun]] = {}
    for run in distinct(runs):
        groups.setdefault(kind(run), []).append(run)
    paths = {run.header.cell.task for run in runs if any("psr" in record.parts for record in run.records)}
    rows = [
        _summary(group, cell.task in paths)
        for (cell, *_), group in groups.items()
        if any(_first(r.records) for r in group)
    ]
    return sorted(
        rows, key=lambda row: (row.task, _rank(row.model), row.model, row.checkpoint, row.shots, row.attempts)
    )


def leaks(rows: Sequence[Summary], most: float = LEAK) -> dict[str, Summary]:
    """The leaky tasks: task -> the row of the trivial baseline with the largest share of valid answers, where that is
    over `most`. The solver is no such baseline."""
    worst: dict[str, Summary] = {}
    for row in rows:
        if row.model in TRIVIAL and row.model != "solver" and row.valid > most:
            worst[row.task] = max(worst.get(row.task, row), row, key=lambda one: one.valid)
    return worst


def _weight(run: CellRun) -> tuple[int, str]:
    return len(run.records), run.header.created


def _rank(model: str) -> int:
    return TRIVIAL.index(model) + 1 if model in TRIVIAL else 0


def _summary(runs: Sequence[CellRun], paths: bool) -> Summary:
    """paths: whether the task is one of paths, where an answer without a part `psr` joined nothing."""
    header = runs[0].header
    cell = header.cell
    records = [record for run in runs for record in run.records]
    first = _first(records)
    hits, valid = sum(record.exact for record in first), sum(record.valid for record in first)
    low, high = wilson(hits, len(first))
    valid_low, valid_high = wilson(valid, len(first))
    lengths = [length for record in first if (length := record.parts.get("rpl")) is not None]
    asked = _by_question(runs)
    return Summary(
        task=cell.task,
        model=cell.model,
        checkpoint=cell.checkpoint,
        shots=header.data.examples,
        seeds=tuple(sorted(run.header.cell.seed for run in runs)),
        kin=header.kin,
        training=cell.training,
        attempts=cell.attempts,
        asked=sum(len(run.questions) for run in runs),
        n=len(first),
        exact=hits / len(first),
        exact_low=low,
        exact_high=high,
        valid=valid / len(first),
        valid_low=valid_low,
        valid_high=valid_high,
        cells=mean(record.cells for record in first),
        undecodable=mean(record.undecodable for record in first),
        exact_any=mean(any(record.exact for record in answers) for answers in asked),
        valid_any=mean(any(record.valid for record in answers) for answers in asked),
        exact_at=_at(cell.attempts, [(len(a), sum(record.exact for record in a)) for a in asked]),
        valid_at=_at(cell.attempts, [(len(a), sum(record.valid for record in a)) for a in asked]),
        psr=mean(record.parts.get("psr") or 0.0 for record in first) if paths else None,
        rpl=mean(lengths) if lengths else None,
        seconds=mean(run.sessions[-1].seconds if run.sessions else 0.0 for run in runs),
        predict_seconds=mean(record.seconds for record in records),
    )


def _at(attempts: int, counts: Sequence[tuple[int, int]]) -> dict[int, float]:
    """pass@k by k, of questions with (answers, right ones); those with fewer than k answers are left out of it."""
    steps = sorted({attempts, *(1 << power for power in range(attempts.bit_length()))})
    shares = {k: [pass_at(n, hits, k) for n, hits in counts if n >= k] for k in steps}
    return {k: mean(values) for k, values in shares.items() if values}


def _by_question(runs: Sequence[CellRun]) -> list[list[Record]]:
    """The answers to each question that has one. The same id in two seeds' cells is two questions."""
    found: dict[tuple[int, str], list[Record]] = {}
    for number, run in enumerate(runs):
        for record in run.records:
            found.setdefault((number, record.id), []).append(record)
    return list(found.values())


def _first(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.attempt == 0]
