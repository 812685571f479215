"""Figures from records alone. A mean over nothing is refused, and what could not be decoded counts as
wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast, final

import msgspec

from vizbench.harness.plan.plan import TRIVIAL, Trial
from vizbench.harness.records.origins import is_corpus_run, origins
from vizbench.harness.records.records import Record, TrialResult
from vizbench.harness.stats.decode_failures import by_kind
from vizbench.harness.stats.model_key import model_keys, rank

Z95: Final = 1.959963984540054
"""The 97.5% point of the normal distribution."""

_T975: Final = (12.706204736, 4.302652730, 3.182446305, 2.776445105)

UNTRAINED: Final = ("copy", "blank", "random", "solver")
"""Baselines that take no rule from examples: answers of one seed share nothing, and seeds are no clusters."""

LEAK: Final = 0.05
"""The share of valid answers above which a trivial baseline gives a task away."""

LEAK_ANSWERS: Final = 100
"""Answers from which that share is taken at its word: a true 2% then seems more than 5% in 1.5% of samples,
where with 12 answers it would in 22%. With fewer the whole 95% interval has to lie above LEAK."""


COVERAGE: Final = (
    "In simulations, 2,000 trials a case of 1, 3 and 5 seeds with 50 and 200 questions, 95% intervals of shares cover "
    "93 to 97% where twenty answers or more are right and twenty or more wrong, else 90 to 100%; but down to 28% where "
    "seeds stray by more than their mean lies from 0 or 1 (most of them near 0, one far off), which three or five "
    "seeds seldom show. Those of differences cover 93 to 97% where five questions or more tell the two apart, else 91 "
    "to 100%; those of budgets 92 to 97%."
)
"""What is known of the intervals of a report, in words; tests hold each figure."""


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """One row of a table: cells that differ in their seed alone, pooled.

    origin: what tells its file from another of the same name in these runs (`origins`); training: how long
    the plan had the model train, in words; mark: its weights or file, where these runs hold others of the
    same name (`contender`); n: questions answered, of `asked`; exact, valid, cells, undecodable: shares over
    the first attempts, 0..1; undecodable_by: how many of these by kind of reason; exact_low … valid_high:
    their 95% intervals, of questions for one seed and for the UNTRAINED, of seeds as clusters for several
    (`seed_interval`); exact_any, valid_any: any of the attempts; exact_at, valid_at: k -> pass@k, for k = 1,
    2, 4 … and `attempts`, of the questions that have k answers; psr: share of first attempts whose path joins
    start and goal, None where the task has no paths; rpl: mean length over the shortest's, of unbroken paths
    without stray cells, None where there are none; seconds: adaptation, the mean of a cell; predict_seconds:
    an answer; flagged: what is known to be wrong in the task's data, a sentence a faulty pair."""

    task: str
    model: str
    checkpoint: str
    shots: int
    seeds: tuple[int, ...]
    pretraining_overlap: str | None
    training: str
    mark: str
    origin: str
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
    undecodable_by: Mapping[str, int]
    exact_any: float
    valid_any: float
    exact_at: Mapping[int, float]
    valid_at: Mapping[int, float]
    psr: float | None
    rpl: float | None
    seconds: float
    predict_seconds: float
    flagged: tuple[str, ...]


def wilson(hits: float, n: float) -> tuple[float, float]:
    """The 95% interval of Wilson (1927) for a share of `hits` in `n`, within 0..1. Raises ValueError for n <=
    0."""
    if not 0 <= hits <= n or n <= 0:
        raise ValueError(f"{hits} of {n} is no share")
    p, z = hits / n, Z95
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (centre - half) / scale, (centre + half) / scale
    return (0.0 if hits == 0 else low), (1.0 if hits == n else high)  # rounding would leave 1e-17 there


def seed_interval(
    counts: Sequence[tuple[int, int]], repeated: bool = False, effect: float = 1.0
) -> tuple[float, float]:
    """The 95% interval of a share pooled over seeds, each of which is a cluster: its answers share one
    training run.

    counts: (hits, n) a seed; repeated: whether every seed was asked the same questions, as those of a corpus
    are; effect: how many times as many of these are needed as independent ones (`clusters.design_effect`),
    where repeated. Raises ValueError for no seed, and for a seed without an answer.

    One seed: Wilson's, which speaks of other questions and the same training run. Several: Wilson's for the
    number of independent answers that would tell as much of the share, n / design effect (Kish 1965, section
    8.2) with the variance of the seeds' shares, times (z / t)^2 with seeds - 1 degrees of freedom (Korn and
    Graubard 1998). Never more than 4 n, which is half of Wilson's width, since three seeds may agree by
    chance; nor than n where they agree to the digit, one has under half of another's answers, or all answers
    are alike; nor than the different questions.

    Coverage over 40,000 trials of 3 seeds with 200 questions, shares of seeds beta-distributed around p with
    this standard deviation (2 seeds: 94-99%, and 78 in the upper corner; 5 and 10 seeds: as below, within 2):

              0      .02    .05    .1 p = .05   96.8   95.8   94.5   81.2    the last: most seeds lie near 0,
              few near .4, and three seldom show it:
                                           in 10% of trials all 600 answers are wrong
    p = .5    96.1   95.7   95.2   95.2
    p = .9    96.2   95.4   95.0   93.8

    Nothing mends the corner that does not tell of 0 in 600 that it may be 5%: a beta-binomial posterior with
    a flat prior on the logarithm of the seeds' correlation has 96 there, but 91 where this has 95.2 and 99.5
    in the first column; a least correlation of .01 still 81, and 99.9; a variance shrunk to the binomial's 71
    and 98.

    Wilson's over the pooled answers has 95, 78 … 92 and 20 … 49 in the columns 0, .02 and .1; the t interval
    of the seeds' shares 68 and 88 where this has 81.2 and 93.8; that on an arc-sine scale 74 and 92. Never
    narrower than Wilson's, it would have 98.8 in the first column."""
    hits, n, alone = _pooled(counts, repeated, effect)
    share, seeds = hits / n, len(counts)
    spread = sum(
        (right * n - of * hits) ** 2 for right, of in counts
    )  # of whole numbers, so 0 means that they agree
    if not spread:
        return wilson(hits * alone / n, alone)
    variance = spread / n**4 * seeds / (seeds - 1)
    even = 2 * min(of for _, of in counts) >= max(of for _, of in counts)
    most = alone if repeated or not even else 4 * n
    size = min(share * (1 - share) / variance * (Z95 / student(seeds - 1)) ** 2, most)
    return wilson(share * size, size)


def interval_of(
    model: str, counts: Sequence[tuple[int, int]], repeated: bool = False, effect: float = 1.0
) -> tuple[float, float]:
    """The 95% interval of a model's share: `seed_interval`, but for the UNTRAINED, whose seeds are no
    clusters, Wilson's over all answers, or where `repeated` over as many as there are different questions."""
    if model not in UNTRAINED:
        return seed_interval(counts, repeated, effect)
    hits, n, alone = _pooled(counts, repeated, effect)
    return wilson(hits * alone / n, alone)


def _pooled(counts: Sequence[tuple[int, int]], repeated: bool, effect: float) -> tuple[int, int, float]:
    """Hits, answers, and how many answers would tell as much were all independent of one another."""
    hits, n = sum(right for right, _ in counts), sum(of for _, of in counts)
    if min((of for _, of in counts), default=0) < 1:
        raise ValueError("a share of a seed without answers")
    return hits, n, max(of for _, of in counts) / effect if repeated else n


def student(freedom: int) -> float:
    """The 97.5% point of Student's t with so many degrees of freedom, 1 or more, to 0.02%: by table, then by
    its expansion around the normal's (Abramowitz and Stegun 1964, 26.7.5)."""
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z, v = Z95, freedom
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160
    return z + first / v + second / v**2 + third / v**3 + fourth / v**4


def mean_interval(spans: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The mean of independent shares, given as (share, low, high), and its 95% interval: the distances to
    each share's limits, added by squares (MOVER, Zou and Donner 2008), which, unlike a bootstrap, is no point
    where all are 0."""
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
    """The chance that k of n answers, drawn without putting back, hold one of the `hits` right ones: the
    unbiased pass@k of Chen et al. 2021 (section 2.1). Raises ValueError unless 1 <= k <= n and 0 <= hits <=
    n."""
    if not (1 <= k <= n and 0 <= hits <= n):
        raise ValueError(f"pass@{k} of {hits} in {n} does not exist")
    return 1 - math.comb(n - hits, k) / math.comb(n, k)


def distinct(runs: Sequence[TrialResult]) -> list[TrialResult]:
    """The runs, each cell once: where two folders hold it, as they hold the baselines of two evaluations, the
    one with more answers, the later one of equals. Of a file that one of them asked the first questions of
    alone, too."""
    groups: dict[tuple[object, ...], list[TrialResult]] = {}
    for run in runs:
        *rest, _ = kind(run)
        groups.setdefault((*rest, run.header.trial.seed), []).append(run)
    found: list[TrialResult] = []
    for group in groups.values():
        kept: list[TrialResult] = []
        for run in sorted(group, key=_weight, reverse=True):
            if not any(_same_data(run, other) for other in kept):
                kept.append(run)
        found += kept
    return found


Kind: TypeAlias = tuple[Trial, int, str | None, str | None, str]
"""A cell without its seed, the version of its task, the digests of the model's weights and of its file, and
for a corpus that of its data."""


def kind(run: TrialResult) -> Kind:
    """What a cell shares with those of other seeds: the cell with its seed and n_test set to 0, its shots to
    the examples that there were, and a baseline's training, which it does not have, left out; and what
    answered what: other weights, another file or another version of the task are never pooled, nor are two
    files of ARC of the same name. The digest of these is of the questions that were asked: a plan that asks
    fewer than a file has makes another kind."""
    header = run.header
    cell = msgspec.structs.replace(run.header.trial, shots=run.header.data.examples, n_test=0, seed=0)
    cell = msgspec.structs.replace(cell, steps=None, epochs=None) if cell.model in TRIVIAL else cell
    data = header.data.digest if is_corpus_run(run) else ""
    return cell, header.task.version, header.weights, header.code, data


def summaries(runs: Sequence[TrialResult]) -> list[Summary]:
    """One row for each task, model, checkpoint and budget that has an answer: tasks by name, and in each the
    models before the trivial baselines, by growing budget. A cell that is there twice counts once
    (`distinct`)."""
    groups: dict[Kind, list[TrialResult]] = {}
    once = distinct(runs)
    marks: dict[Kind, tuple[str, str]] = {}
    for contender, origin, run in zip(model_keys(once), origins(once), once, strict=True):
        groups.setdefault(kind(run), []).append(run)
        marks[kind(run)] = contender.mark, origin
    paths = {run.header.trial.task for run in runs if any("psr" in record.parts for record in run.records)}
    rows = [
        _summary(group, cell_kind[0].task in paths, *marks[cell_kind])
        for cell_kind, group in groups.items()
        if any(_first(r.records) for r in group)
    ]
    return sorted(
        rows, key=lambda row: (row.task, rank(row.model), row.model, row.checkpoint, row.shots, row.attempts)
    )


def leaks(rows: Sequence[Summary], most: float = LEAK) -> dict[str, Summary]:
    """The leaky tasks: task -> the row of the trivial baseline with the largest share of valid answers, where
    that is over `most`, by LEAK_ANSWERS or more or beyond chance. The solver is no such baseline."""
    worst: dict[str, Summary] = {}
    for row in rows:
        sure = row.valid > most and (row.n >= LEAK_ANSWERS or row.valid_low > most)
        if row.model in TRIVIAL and row.model != "solver" and sure:
            worst[row.task] = max(worst.get(row.task, row), row, key=lambda one: one.valid)
    return worst


def flaws(runs: Sequence[TrialResult]) -> tuple[str, ...]:
    """What the questions of one task's runs say of known errors in its data, each sentence once."""
    told = [run.questions[0].meta.get("flagged") for run in runs if run.questions]
    lists = [cast("list[object]", found) for found in told if isinstance(found, list)]
    return tuple(dict.fromkeys(str(what) for found in lists for what in found))


def _same_data(a: TrialResult, b: TrialResult) -> bool:
    """Whether two cells of one name hold the same questions, or one the first of the other's: the digest is
    of all that were asked, and cannot be compared there."""
    if not is_corpus_run(a) or a.header.data.digest == b.header.data.digest:
        return True
    pairs = zip(a.questions, b.questions, strict=False)
    return len(a.questions) != len(b.questions) and all(
        (x.question, x.target) == (y.question, y.target) for x, y in pairs
    )


def _weight(run: TrialResult) -> tuple[int, str]:
    return len(run.records), run.header.created


def _summary(runs: Sequence[TrialResult], paths: bool, mark: str, origin: str) -> Summary:
    """paths: whether the task is one of paths, where an answer without a part `psr` joined nothing."""
    header = runs[0].header
    cell = header.trial
    records = [record for run in runs for record in run.records]
    first = _first(records)
    repeated = is_corpus_run(runs[0])
    by_seed = [found for run in runs if (found := _first(run.records))]
    exact = [(sum(record.exact for record in found), len(found)) for found in by_seed]
    valid = [(sum(record.valid for record in found), len(found)) for found in by_seed]
    low, high = interval_of(cell.model, exact, repeated)
    valid_low, valid_high = interval_of(cell.model, valid, repeated)
    lengths = [length for record in first if (length := record.parts.get("rpl")) is not None]
    asked = _by_question(runs)
    return Summary(
        task=cell.task,
        model=cell.model,
        checkpoint=cell.checkpoint,
        shots=header.data.examples,
        seeds=tuple(sorted(run.header.trial.seed for run in runs)),
        pretraining_overlap=header.pretraining_overlap,
        training=cell.training,
        mark=mark,
        origin=origin,
        attempts=cell.attempts,
        asked=sum(len(run.questions) for run in runs),
        n=len(first),
        exact=mean(record.exact for record in first),
        exact_low=low,
        exact_high=high,
        valid=mean(record.valid for record in first),
        valid_low=valid_low,
        valid_high=valid_high,
        cells=mean(record.cells for record in first),
        undecodable=mean(record.undecodable for record in first),
        undecodable_by=by_kind(record.reason for record in first if record.undecodable),
        exact_any=mean(any(record.exact for record in answers) for answers in asked),
        valid_any=mean(any(record.valid for record in answers) for answers in asked),
        exact_at=_at(cell.attempts, [(len(a), sum(record.exact for record in a)) for a in asked]),
        valid_at=_at(cell.attempts, [(len(a), sum(record.valid for record in a)) for a in asked]),
        psr=mean(record.parts.get("psr") or 0.0 for record in first) if paths else None,
        rpl=mean(lengths) if lengths else None,
        seconds=mean(run.sessions[-1].seconds if run.sessions else 0.0 for run in runs),
        predict_seconds=mean(record.seconds for record in records),
        flagged=flaws(runs),
    )


def _at(attempts: int, counts: Sequence[tuple[int, int]]) -> dict[int, float]:
    """pass@k by k, of questions with (answers, right ones); those with fewer than k answers are left out of
    it."""
    steps = sorted({attempts, *(1 << power for power in range(attempts.bit_length()))})
    shares = {k: [pass_at(n, hits, k) for n, hits in counts if n >= k] for k in steps}
    return {k: mean(values) for k, values in shares.items() if values}


def _by_question(runs: Sequence[TrialResult]) -> list[list[Record]]:
    """The answers to each question that has one. The same id in two seeds' cells is two questions."""
    found: dict[tuple[int, str], list[Record]] = {}
    for number, run in enumerate(runs):
        for record in run.records:
            found.setdefault((number, record.id), []).append(record)
    return list(found.values())


def _first(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.attempt == 0]
