"""Models against one another on the same questions, and against budgets: differences, budgets to reach 90%,
ratios.

All from records alone, over first attempts. Models come first, then each of them against each baseline;
baselines are not compared with one another. The same arguments give the same intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np

from vizbench.harness.records.origins import is_corpus_run, origins
from vizbench.harness.records.records import Record, TrialResult
from vizbench.harness.stats import bootstrap, thresholds
from vizbench.harness.stats.bootstrap import Floats
from vizbench.harness.stats.metrics import UNTRAINED, distinct
from vizbench.harness.stats.model_key import ModelKey, model_keys, pairs, ranked
from vizbench.harness.stats.thresholds import TARGET, Span
from vizbench.seeds import stream

Metric: TypeAlias = Literal["exact", "valid"]

PSEUDO: Final = ((1.0,), (-1.0,))
"""Two questions that are added to resampled differences, one for either model: two models that answer 200
questions alike may still differ, and a resample of zeros would deny it."""

HALF: Final = 0.5
"""What each of these weighs (Agresti and Min 2005 add as much to each cell of the table of pairs)."""


RESAMPLED: Final = (
    "questions for one seed; for several the seeds themselves, with Student's t, but the questions wherever all seeds "
    "have the same share, which tells nothing of their spread"
)
"""What the intervals of this file resample, in words."""


NO_RATIO: Final = f"{', '.join(UNTRAINED)} take nothing from examples and stand in no ratio"
"""Which baselines have no ratio and why, in words."""


@final
@dataclass(frozen=True, slots=True)
class Budget:
    """How many examples one model needs on one task.

    budgets, shares: the measured curve, by growing budget; first: the smallest measured budget with at least
    the target share, the paper's convention, None where none is; at: the same read off the monotone curve
    between measured budgets (`thresholds`), open where the curve starts above the target or ends below it;
    interval: 95%, over what RESAMPLED says; of sampling alone: how a curve runs between two budgets it cannot
    know."""

    task: str
    model: ModelKey
    seeds: tuple[int, ...]
    budgets: tuple[int, ...]
    shares: tuple[float, ...]
    first: int | None
    at: Span
    interval: Span

    def text(self) -> str:
        """The budget as a table shows it. A baseline that is not there by the largest is told as that: "more
        than" would promise that it gets there with more."""
        return "not reached" if self.model.trivial and self.at.high is None else self.at.text()


@final
@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as many examples `b` needs as `a` to reach the target, on questions that both answered.

    a_at, b_at: their budgets on these questions; at, interval: as in `Budget`, open where a curve does not
    reach the target or starts above it. A question counts at a budget that both have where both answered it
    there, and at a budget that one has where the other answered it at any."""

    task: str
    a: ModelKey
    b: ModelKey
    seeds: tuple[int, ...]
    a_at: Span
    b_at: Span
    at: Span
    interval: Span

    def text(self) -> str:
        """The ratio as a table shows it, with who never got there; where nothing is known of it, why."""
        never = [name for name, at in (("A", self.a_at), ("B", self.b_at)) if at.high is None]
        if self.at == thresholds.UNKNOWN:
            return "not reached by either" if never else "reached by both with the fewest examples"
        return f"{self.at.text()} ({never[0]} not reached)" if never else self.at.text()


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """Two models with the same examples on the same questions.

    origin: as in `Summary`; n: questions that both answered, in `seeds`; a_share, b_share: right among these;
    difference: a - b; low, high: its 95% interval, paired, over what RESAMPLED says.
    """

    task: str
    origin: str
    shots: int
    a: ModelKey
    b: ModelKey
    seeds: tuple[int, ...]
    n: int
    a_share: float
    b_share: float
    difference: float
    low: float
    high: float


def budgets(runs: Sequence[TrialResult], metric: Metric = "exact", target: float = TARGET) -> list[Budget]:
    """One a task and model or baseline that was measured at two budgets or more: models by task, then
    baselines."""
    found = [
        _budget(curve, metric, target)
        for curves in _tasks(runs)
        for curve in curves
        if len(curve.shots()) > 1
    ]
    return sorted(found, key=lambda row: row.model.trivial)


def ratios(runs: Sequence[TrialResult], metric: Metric = "exact", target: float = TARGET) -> list[Ratio]:
    """One a task and pair that share a seed and were measured at two budgets or more: models by task, then
    models and the baselines that take something from examples. The UNTRAINED need none, or never enough."""
    found = [_ratio(a, b, metric, target) for a, b in _pairs(runs) if b.model.name not in UNTRAINED]
    return sorted((row for row in found if row is not None), key=lambda row: row.b.trivial)


def differences(runs: Sequence[TrialResult], metric: Metric = "exact") -> list[Difference]:
    """One a task, budget and pair that share a question: models by task and budget, then models and
    baselines."""
    found = [_difference(a, b, n, metric) for a, b in _pairs(runs) for n in a.shots() if n in b.shots()]
    return sorted(
        (row for row in found if row is not None), key=lambda row: (row.b.trivial, row.task, row.shots)
    )


_Answers: TypeAlias = Mapping[str, Record]  # a question's id -> its first answer


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """One model on one task: (seed, examples) -> its answers, none of them empty."""

    task: str
    origin: str
    model: ModelKey
    cells: Mapping[tuple[int, int], _Answers]

    def shots(self) -> tuple[int, ...]:
        return tuple(sorted({n for _, n in self.cells}))

    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({seed for seed, _ in self.cells}))


def _tasks(runs: Sequence[TrialResult]) -> list[list[_Curve]]:
    """The curves, task by task, models first. One task's questions in two versions, or in a file that
    changed, are two tasks here.

    Baselines on files of ARC are left out: a file asks one to four questions, and a difference for each of
    400 files, five baselines and every model would bury what there is to read. `corpus.overlaps` has them,
    over whole corpora."""
    found: dict[tuple[str, str, str], dict[ModelKey, dict[tuple[int, int], _Answers]]] = {}
    once = distinct(runs)
    told: dict[tuple[str, str, str], str] = {}
    for contender, origin, run in zip(model_keys(once), origins(once), once, strict=True):
        header = run.header
        cell = header.trial
        answers = {record.id: record for record in run.records if record.attempt == 0}
        if not answers or (contender.trivial and is_corpus_run(run)):
            continue
        key = cell.task, str(header.task.version), header.data.digest if is_corpus_run(run) else ""
        told[key] = origin
        cells = found.setdefault(key, {}).setdefault(contender, {})
        place = cell.seed, header.data.examples
        if len(answers) > len(cells.get(place, ())):  # with other attempts it may be there twice
            cells[place] = answers
    return [
        [_Curve(key[0], told[key], model, found[key][model]) for model in ranked(found[key])]
        for key in sorted(found)
    ]


def _pairs(runs: Sequence[TrialResult]) -> Iterator[tuple[_Curve, _Curve]]:
    for curves in _tasks(runs):
        known = {curve.model: curve for curve in curves}
        yield from ((known[a], known[b]) for a, b in pairs(known))


def _table(curves: Sequence[_Curve], seed: int, columns: Sequence[tuple[int, int]], metric: Metric) -> Floats:
    """Scores `(questions, columns)` of one seed, NaN where not answered. columns: a curve's number and a
    budget."""
    answers = [curves[number].cells.get((seed, n), {}) for number, n in columns]
    ids = dict.fromkeys(name for known in answers for name in known)
    right: Callable[[Record], bool] = (
        (lambda record: record.exact) if metric == "exact" else lambda record: record.valid
    )
    rows = [[float(right(known[name])) if name in known else np.nan for known in answers] for name in ids]
    return np.array(rows, np.float64).reshape(len(ids), len(columns))


def _budget(curve: _Curve, metric: Metric, target: float) -> Budget:
    shots, seeds = curve.shots(), curve.seeds()
    tables = [_table([curve], seed, [(0, n) for n in shots], metric) for seed in seeds]
    tables = (
        [np.concatenate(tables)] if curve.model.name in UNTRAINED else tables
    )  # whose seeds are no clusters
    values, weights = bootstrap.shares(tables), bootstrap.counts(tables)
    draws = resampled_curves(tables, stream("budget", curve.task, *_names(curve)))
    low, high = thresholds.reached(shots, values[None], weights, target)
    measured = tuple(float(value) for value in values)
    return Budget(
        task=curve.task,
        model=curve.model,
        seeds=seeds,
        budgets=shots,
        shares=measured,
        first=thresholds.first_reached(shots, measured, target),
        at=thresholds.span(float(low[0]), float(high[0])),
        interval=thresholds.interval(*thresholds.reached(shots, draws, weights, target)),
    )


def _ratio(a: _Curve, b: _Curve, metric: Metric, target: float) -> Ratio | None:
    columns = [(0, n) for n in a.shots()] + [(1, n) for n in b.shots()]
    shared = {
        seed: _shared(_table([a, b], seed, columns, metric), columns)
        for seed in a.seeds()
        if seed in b.seeds()
    }
    tables = {seed: table for seed, table in shared.items() if not np.isnan(table).all()}
    if not tables:
        return None
    weights = bootstrap.counts(list(tables.values()))
    kept = weights > 0
    left, right = (
        tuple(n for (who, n), there in zip(columns, kept, strict=True) if there and who == k) for k in (0, 1)
    )
    if min(len(left), len(right)) < 2:
        return None
    whole, weights = [table[:, kept] for table in tables.values()], weights[kept]

    def reach(values: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        return (
            thresholds.reached(left, values[:, : len(left)], weights[: len(left)], target),
            thresholds.reached(right, values[:, len(left) :], weights[len(left) :], target),
        )

    def over(a_at: tuple[Floats, Floats], b_at: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        with np.errstate(divide="ignore"):
            return b_at[0] / a_at[1], b_at[1] / a_at[0]  # inf only above, 0 only below: no draw is undefined

    measured = reach(bootstrap.shares(whole)[None])
    draws = resampled_curves(whole, stream("ratio", a.task, *_names(a), *_names(b)))
    a_at, b_at, at = (
        thresholds.span(float(low[0]), float(high[0])) for low, high in (*measured, over(*measured))
    )
    interval = thresholds.interval(*over(*reach(draws)))
    return Ratio(a.task, a.model, b.model, tuple(tables), a_at, b_at, at, interval)


def _shared(table: Floats, columns: Sequence[tuple[int, int]]) -> Floats:
    """The scores with those taken out to which the other model has no answer: at the same budget where it has
    one in this seed, else at any."""
    answered = ~np.isnan(table)
    kept = table.copy()
    for k, (who, n) in enumerate(columns):
        others = [j for j, (other, _) in enumerate(columns) if other != who]
        same = [j for j in others if columns[j][1] == n and answered[:, j].any()]
        kept[~answered[:, same or others].any(axis=1), k] = np.nan
    return kept


def resampled_curves(tables: Sequence[Floats], origin: int, draws: int = bootstrap.DRAWS) -> Floats:
    """Resampled curves `(draws, columns)`, each of shares within 0..1.

    Where questions are resampled, one that is right at every budget and one that is right at none are added,
    as to a share by Agresti and Coull (1998): a step from 0 to 1 would have an interval without width.

    Coverage of a budget's interval over 1,000 trials, of one seed with 200 and with 50 questions and of 3
    seeds with 200 that do not differ and that differ by .06: 92-97% for six rising curves of five budgets,
    the least for a step from .001 to .999 with one seed, else 93.4 and more. Efron's bootstrap without the
    two questions has 40 and 13% for that step, 92 and 74 for .02 .1 .98 .99 .995, 94 and 92 for .3 .6 .85 .93
    .97; his BCa interval within 1 of these."""
    columns = tables[0].shape[1]
    return np.clip(bootstrap.resample(tables, origin, draws, ((1.0,) * columns, (0.0,) * columns)), 0, 1)


def _difference(a: _Curve, b: _Curve, shots: int, metric: Metric) -> Difference | None:
    pairs = {
        seed: _table([a, b], seed, [(0, shots), (1, shots)], metric)
        for seed in a.seeds()
        if seed in b.seeds()
    }
    both = {seed: table[~np.isnan(table).any(axis=1)] for seed, table in pairs.items()}
    both = {seed: table for seed, table in both.items() if len(table)}
    if not both:
        return None
    tables = list(both.values())
    a_share, b_share = (float(share) for share in bootstrap.shares(tables))
    low, high = paired(tables, stream("difference", a.task, shots, *_names(a), *_names(b)))
    n = sum(len(table) for table in tables)
    shares = a_share, b_share, a_share - b_share
    return Difference(a.task, a.origin, shots, a.model, b.model, tuple(both), n, *shares, low, high)


def paired(tables: Sequence[Floats], origin: int, draws: int = bootstrap.DRAWS) -> tuple[float, float]:
    """The 95% interval of the difference of two columns, within -1..1. tables: `(questions, 2)` a seed, no
    NaN.

    Coverage over 2,000 trials of one seed with 50 and with 200 questions: 93-97% where five or more of them
    tell the two apart, 91-100 where one to four do. Questions added whole (Bonett and Price 2012) have
    94-97.5 and 95-100 and are a tenth wider there; Newcombe's hybrid score interval (1998) 94-97.5 and
    98-100; Tango's 93-96.5 and 94-100, twice to six times as wide; Agresti and Min's own 94-97.5, but 86 for
    shares of 1 and .99."""
    gaps = [table[:, :1] - table[:, 1:] for table in tables]
    tail = (1 - bootstrap.LEVEL) / 2
    low, high = np.quantile(bootstrap.resample(gaps, origin, draws, PSEUDO, HALF)[:, 0], [tail, 1 - tail])
    return float(max(low, -1)), float(min(high, 1))


def _names(curve: _Curve) -> tuple[str, ...]:
    """What its randomness comes from. A mark depends on what else is in the report, and an interval must
    not."""
    return curve.model.name, curve.model.checkpoint, curve.model.training
