"""Compare models on the same questions: differences, shots to reach 90%, and ratios of these.

All figures come from records only, over first attempts. Models are compared first, then each of them with
each baseline. Baselines are not compared with one another. The same arguments give the same intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np

from vizbench.harness.records.labels import disambiguate
from vizbench.harness.records.records import Record, TrialResult
from vizbench.harness.stats import bootstrap, thresholds
from vizbench.harness.stats.bootstrap import Floats
from vizbench.harness.stats.intervals import UNTRAINED
from vizbench.harness.stats.metrics import distinct
from vizbench.harness.stats.model_key import ModelKey, model_keys, pairs, ranked
from vizbench.harness.stats.thresholds import TARGET, Span
from vizbench.seeds import stream

Metric: TypeAlias = Literal["exact", "valid"]
"""Which answers count as right."""

PSEUDO: Final = ((1.0,), (-1.0,))
"""Two questions that are added to resampled differences, one in favour of either model.

Two models that answer 200 questions alike may still differ, which a resample of zeros would deny.
"""

HALF: Final = 0.5
"""The weight of each of these. Agresti and Min 2005 add as much to each entry of the table of pairs."""

RESAMPLED: Final = (
    "questions for one seed; for several seeds the seeds themselves, with Student's t, but questions if "
    "all seeds have the same share, which shows nothing of their spread"
)
"""What the intervals of this module resample, in words."""

NO_RATIO: Final = f"{', '.join(UNTRAINED)} learn nothing from examples and have no ratio"
"""Which baselines have no ratio, and why, in words."""


@final
@dataclass(frozen=True, slots=True)
class ShotsNeeded:
    """How many shots one model needs on one task."""

    task: str
    """Name of the task."""
    model: ModelKey
    """The model."""
    seeds: tuple[int, ...]
    """The seeds that are pooled."""
    shots: tuple[int, ...]
    """The measured numbers of shots, rising."""
    shares: tuple[float, ...]
    """The share of right answers at each of them."""
    first: int | None
    """The smallest of them with at least the target share, as the paper counts. None if there is none."""
    at: Span
    """The number read off the monotone curve between them (`thresholds`).

    Open if the curve starts above the target or ends below it.
    """
    interval: Span
    """Its 95% interval, over what RESAMPLED says.

    It is about sampling only: the curve between two measured numbers of shots is not known.
    """

    def text(self) -> str:
        """Return the number as a table shows it.

        For a baseline that does not reach the target it is "not reached", because "more than" would promise
        that more shots help.
        """
        return "not reached" if self.model.trivial and self.at.high is None else self.at.text()


@final
@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as many shots `b` needs as `a` to reach the target, on questions that both answered.

    A question counts at a number of shots that both have if both answered it there. At a number of shots that
    one has, it counts if the other answered it at any. Answers at 0 shots are left out: 0 has no ratios.
    """

    task: str
    """Name of the task."""
    a: ModelKey
    """A model."""
    b: ModelKey
    """Another model, or a baseline."""
    seeds: tuple[int, ...]
    """The seeds that both have."""
    a_at: Span
    """Shots that `a` needs on these questions."""
    b_at: Span
    """Shots that `b` needs on these questions."""
    at: Span
    """The ratio. Open if a curve does not reach the target, or starts above it."""
    interval: Span
    """Its 95% interval, over what RESAMPLED says."""

    def text(self) -> str:
        """Return the ratio as a table shows it, with who does not reach the target, or why it is unknown."""
        never = [name for name, at in (("A", self.a_at), ("B", self.b_at)) if at.high is None]
        if self.at == thresholds.UNKNOWN:
            return "not reached by either" if never else "reached by both with the fewest shots"
        return f"{self.at.text()} ({never[0]} not reached)" if never else self.at.text()


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """Two models with the same number of shots on the same questions."""

    task: str
    """Name of the task."""
    origin: str
    """What keeps its file apart from others of the same name, as in `Summary`."""
    shots: int
    """Number of training examples."""
    a: ModelKey
    """A model."""
    b: ModelKey
    """Another model, or a baseline."""
    seeds: tuple[int, ...]
    """The seeds that both have."""
    n: int
    """Questions that both answered, over these seeds."""
    a_share: float
    """Share of them that `a` answered right."""
    b_share: float
    """Share of them that `b` answered right."""
    difference: float
    """`a_share` - `b_share`."""
    low: float
    """Lower end of its paired 95% interval, over what RESAMPLED says."""
    high: float
    """Upper end of this interval."""


def shots_needed(
    runs: Sequence[TrialResult], metric: Metric = "exact", target: float = TARGET
) -> list[ShotsNeeded]:
    """Return one row per task and model that was measured at two or more numbers of shots.

    Models come first, by task, then baselines.
    """
    rows: list[ShotsNeeded] = []
    for curves in _curves_by_task(runs):
        rows += [_shots_needed(curve, metric, target) for curve in curves if len(curve.shots()) > 1]
    return sorted(rows, key=lambda row: row.model.trivial)


def ratios(runs: Sequence[TrialResult], metric: Metric = "exact", target: float = TARGET) -> list[Ratio]:
    """Return one row per task and pair that share a seed and have two or more numbers of shots each.

    Models come first, by task, then models with the baselines that learn from examples. The UNTRAINED are
    left out: no number of shots changes them.
    """
    rows: list[Ratio] = []
    for a, b in _pairs(runs):
        row = None if b.model.name in UNTRAINED else _ratio(a, b, metric, target)
        if row is not None:
            rows.append(row)
    return sorted(rows, key=lambda row: row.b.trivial)


def differences(runs: Sequence[TrialResult], metric: Metric = "exact") -> list[Difference]:
    """Return one row per task, number of shots and pair that share a question.

    Models come first, by task and shots, then models with baselines.
    """
    rows: list[Difference] = []
    for a, b in _pairs(runs):
        for shots in a.shots():
            row = _difference(a, b, shots, metric) if shots in b.shots() else None
            if row is not None:
                rows.append(row)
    return sorted(rows, key=lambda row: (row.b.trivial, row.task, row.shots))


_Answers: TypeAlias = Mapping[str, Record]
"""Id of a question -> its first answer."""

_TaskKey: TypeAlias = tuple[str, str, str]
"""Task, version, and for a corpus the digest of its data."""

_Bounds: TypeAlias = tuple[Floats, Floats]
"""Lower and upper bounds of a number, one of each per draw."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """One model on one task."""

    task: str
    origin: str
    model: ModelKey
    answers: Mapping[tuple[int, int], _Answers]
    """(seed, shots) -> its answers, one or more."""

    def shots(self) -> tuple[int, ...]:
        return tuple(sorted({n for _, n in self.answers}))

    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({seed for seed, _ in self.answers}))


def _curves_by_task(runs: Sequence[TrialResult]) -> list[list[_Curve]]:
    """Return the curves of each task, models first.

    One task in two versions, or a file that changed, counts as two tasks.

    Baselines on ARC files are left out: a file asks one to four questions, and a difference for each of 400
    files, five baselines and every model would hide what matters. `arc.overlaps` has them, over whole
    corpora.
    """
    answers: dict[_TaskKey, dict[ModelKey, dict[tuple[int, int], _Answers]]] = {}
    origins: dict[_TaskKey, str] = {}
    once = distinct(runs)
    for model_key, origin, run in zip(model_keys(once), disambiguate(once), once, strict=True):
        header = run.header
        first = {record.id: record for record in run.records if record.attempt == 0}
        if not first or (model_key.trivial and run.is_corpus):
            continue
        task = header.trial.task, str(header.task.version), header.data.digest if run.is_corpus else ""
        origins[task] = origin
        by_trial = answers.setdefault(task, {}).setdefault(model_key, {})
        place = header.trial.seed, header.data.shots
        # It may be there twice, with other numbers of attempts.
        if len(first) > len(by_trial.get(place, ())):
            by_trial[place] = first
    curves: list[list[_Curve]] = []
    for task, models in sorted(answers.items(), key=lambda item: item[0]):
        curves.append([_Curve(task[0], origins[task], model, models[model]) for model in ranked(models)])
    return curves


def _pairs(runs: Sequence[TrialResult]) -> Iterator[tuple[_Curve, _Curve]]:
    """Yield the curves that are compared, task by task."""
    for curves in _curves_by_task(runs):
        by_model = {curve.model: curve for curve in curves}
        for a, b in pairs(by_model):
            yield by_model[a], by_model[b]


def _table(curves: Sequence[_Curve], seed: int, columns: Sequence[tuple[int, int]], metric: Metric) -> Floats:
    """Return the scores `(questions, columns)` of one seed, NaN if not answered.

    columns: number of a curve, and number of shots.
    """
    answers = [curves[number].answers.get((seed, n), {}) for number, n in columns]
    ids = list(dict.fromkeys(name for known in answers for name in known))
    table = np.full((len(ids), len(columns)), np.nan)
    for row, name in enumerate(ids):
        for column, known in enumerate(answers):
            if name in known:
                record = known[name]
                table[row, column] = record.exact if metric == "exact" else record.valid
    return table


def _shots_needed(curve: _Curve, metric: Metric, target: float) -> ShotsNeeded:
    shots, seeds = curve.shots(), curve.seeds()
    tables = [_table([curve], seed, [(0, n) for n in shots], metric) for seed in seeds]
    if curve.model.name in UNTRAINED:
        tables = [np.concatenate(tables)]  # its seeds are no clusters
    values, weights = bootstrap.shares(tables), bootstrap.counts(tables)
    draws = resampled_curves(tables, stream("budget", curve.task, *_identity(curve)))
    low, high = thresholds.reached(shots, values[None], weights, target)
    measured = tuple(float(value) for value in values)
    return ShotsNeeded(
        task=curve.task,
        model=curve.model,
        seeds=seeds,
        shots=shots,
        shares=measured,
        first=thresholds.first_reached(shots, measured, target),
        at=thresholds.span(float(low[0]), float(high[0])),
        interval=thresholds.interval(*thresholds.reached(shots, draws, weights, target)),
    )


def _ratio(a: _Curve, b: _Curve, metric: Metric, target: float) -> Ratio | None:
    """Return the ratio of two curves, or None if they share too little."""
    # Scores of the questions that both answered, in the columns that are left.
    places = [(0, n) for n in a.shots()] + [(1, n) for n in b.shots()]
    columns = [(number, n) for number, n in places if n > 0]
    tables: dict[int, Floats] = {}
    for seed in _common_seeds(a, b):
        table = _shared(_table([a, b], seed, columns, metric), columns)
        if not np.isnan(table).all():
            tables[seed] = table
    if not tables:
        return None
    weights = bootstrap.counts(list(tables.values()))
    kept = weights > 0
    left = [column for column, keep in zip(columns, kept, strict=True) if keep]
    a_shots = [n for number, n in left if number == 0]
    b_shots = [n for number, n in left if number == 1]
    if min(len(a_shots), len(b_shots)) < 2:
        return None
    scores, weights = [table[:, kept] for table in tables.values()], weights[kept]
    split = len(a_shots)

    def reach(values: Floats) -> tuple[_Bounds, _Bounds]:
        return (
            thresholds.reached(a_shots, values[:, :split], weights[:split], target),
            thresholds.reached(b_shots, values[:, split:], weights[split:], target),
        )

    # What was measured, and its interval.
    a_at, b_at = reach(bootstrap.shares(scores)[None])
    draws = resampled_curves(scores, stream("ratio", a.task, *_identity(a), *_identity(b)))
    return Ratio(
        task=a.task,
        a=a.model,
        b=b.model,
        seeds=tuple(tables),
        a_at=_first_span(a_at),
        b_at=_first_span(b_at),
        at=_first_span(_quotient(a_at, b_at)),
        interval=thresholds.interval(*_quotient(*reach(draws))),
    )


def _quotient(a_at: _Bounds, b_at: _Bounds) -> _Bounds:
    """Return the bounds of b / a."""
    # Only upper bounds are infinite and only lower bounds are 0, so that no quotient is undefined.
    with np.errstate(divide="ignore"):
        return b_at[0] / a_at[1], b_at[1] / a_at[0]


def _first_span(bounds: _Bounds) -> Span:
    low, high = bounds
    return thresholds.span(float(low[0]), float(high[0]))


def _common_seeds(a: _Curve, b: _Curve) -> list[int]:
    return [seed for seed in a.seeds() if seed in b.seeds()]


def _shared(table: Floats, columns: Sequence[tuple[int, int]]) -> Floats:
    """Return the scores without those to which the other model has no answer.

    An answer at the same number of shots is required if the other model has one in this seed, else at any.
    """
    answered = ~np.isnan(table)
    kept = table.copy()
    for column, (number, n) in enumerate(columns):
        others = [k for k, (other, _) in enumerate(columns) if other != number]
        same = [k for k in others if columns[k][1] == n and answered[:, k].any()]
        kept[~answered[:, same or others].any(axis=1), column] = np.nan
    return kept


def resampled_curves(tables: Sequence[Floats], origin: int, draws: int = bootstrap.DRAWS) -> Floats:
    """Return resampled curves `(draws, columns)` of shares within 0..1.

    If questions are resampled, one that is right in every column and one that is right in none are added, as
    Agresti and Coull (1998) do for a share. Otherwise a step from 0 to 1 would have an interval without
    width.

    Coverage of the interval of a `ShotsNeeded` over 1,000 trials: 92-97% for six rising curves of five
    points, with one seed of 200 and of 50 questions, and with 3 seeds of 200 that do not differ and that
    differ by .06. It is least for a step from .001 to .999 with one seed, and 93.4 or more otherwise. Efron's
    bootstrap without the two questions has 40 and 13% for that step, 92 and 74 for .02 .1 .98 .99 .995, and
    94 and 92 for .3 .6 .85 .93 .97. His BCa interval is within 1 of these.
    """
    columns = tables[0].shape[1]
    always, never = (1.0,) * columns, (0.0,) * columns
    return np.clip(bootstrap.resample(tables, origin, draws, (always, never)), 0, 1)


def _difference(a: _Curve, b: _Curve, shots: int, metric: Metric) -> Difference | None:
    """Return the difference of two curves at a number of shots, or None if they share no question."""
    # Only questions that both answered count, seed by seed.
    both: dict[int, Floats] = {}
    for seed in _common_seeds(a, b):
        table = _table([a, b], seed, [(0, shots), (1, shots)], metric)
        answered = table[~np.isnan(table).any(axis=1)]
        if len(answered):
            both[seed] = answered
    if not both:
        return None

    # The shares, and the paired interval of their difference.
    tables = list(both.values())
    a_share, b_share = (float(share) for share in bootstrap.shares(tables))
    low, high = paired(tables, stream("difference", a.task, shots, *_identity(a), *_identity(b)))
    return Difference(
        task=a.task,
        origin=a.origin,
        shots=shots,
        a=a.model,
        b=b.model,
        seeds=tuple(both),
        n=sum(map(len, tables)),
        a_share=a_share,
        b_share=b_share,
        difference=a_share - b_share,
        low=low,
        high=high,
    )


def paired(tables: Sequence[Floats], origin: int, draws: int = bootstrap.DRAWS) -> tuple[float, float]:
    """Return the 95% interval of the difference of two columns, within -1..1.

    tables: `(questions, 2)` per seed, without NaN.

    Coverage over 2,000 trials of one seed with 50 and with 200 questions: 93-97% if the two differ on five or
    more of them, 91-100 if on one to four. Alternatives, in the same two cases: questions added with full
    weight (Bonett and Price 2012) have 94-97.5 and 95-100, and are a tenth wider. Newcombe's hybrid score
    interval (1998) has 94-97.5 and 98-100. Tango's has 93-96.5 and 94-100, and is two to six times as wide.
    Agresti and Min's own has 94-97.5, but 86 for shares of 1 and .99.
    """
    deltas = [table[:, :1] - table[:, 1:] for table in tables]
    tail = (1 - bootstrap.LEVEL) / 2
    resampled = bootstrap.resample(deltas, origin, draws, PSEUDO, HALF)[:, 0]
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(max(low, -1)), float(min(high, 1))


def _identity(curve: _Curve) -> tuple[str, ...]:
    """Return what the randomness of a curve's interval depends on.

    The mark is left out, because it depends on what else is in the report.
    """
    return curve.model.name, curve.model.checkpoint, curve.model.training
