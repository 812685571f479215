"""Compute the figures of tables from records.

A mean over nothing is refused. An answer that could not be decoded counts as wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast, final

import msgspec

from vizbench.harness.plan.plan import TRIVIAL, Trial
from vizbench.harness.records.labels import disambiguate
from vizbench.harness.records.records import Record, TrialResult
from vizbench.harness.stats.decode_failures import by_kind
from vizbench.harness.stats.intervals import interval_of
from vizbench.harness.stats.model_key import model_keys, rank

LEAK: Final = 0.05
"""A trivial baseline gives a task away if its share of valid answers is above this."""

LEAK_ANSWERS: Final = 100
"""Number of answers from which that share is taken as it is.

A true 2% then exceeds 5% in 1.5% of samples, but with 12 answers in 22%. With fewer answers the whole 95%
interval has to be above LEAK.
"""

COVERAGE: Final = (
    "In simulations (2,000 trials per case, of 1, 3 and 5 seeds with 50 and 200 questions) 95% intervals "
    "of shares cover 93 to 97% if at least twenty answers are right and twenty wrong, else 90 to 100%. "
    "They cover less, down to 28%, if seeds differ by more than their mean differs from 0 or 1 (most of "
    "them near 0, one far off), which three or five seeds seldom show. Intervals of differences cover 93 "
    "to 97% if two models differ on at least five questions, else 91 to 100%. Intervals of numbers of "
    "shots cover 92 to 97%."
)
"""What is known of the intervals of a report, in words. Tests hold each figure."""

Kind: TypeAlias = tuple[Trial, int, str | None, str | None, str]
"""What trials have in common that differ only in seed (see `kind`)."""


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """One table row: trials that differ only in seed, pooled.

    Shares are in 0..1. If nothing else is said, they are over first attempts.
    """

    task: str
    """Name of the task."""
    model: str
    """Name of the model."""
    checkpoint: str
    """Its weights, by name."""
    shots: int
    """Number of training examples."""
    seeds: tuple[int, ...]
    """The seeds that are pooled."""
    pretraining_overlap: str | None
    """How close the task is to the pretraining of the embedded models: near or far, if known."""
    training: str
    """How long the plan has the model train, in words."""
    mark: str
    """Its weights or file, if these runs hold others of the same name (`ModelKey.mark`)."""
    origin: str
    """What keeps its file apart from others of the same name in these runs (`labels.disambiguate`)."""
    attempts: int
    """Answers asked per question."""
    asked: int
    """Questions asked."""
    n: int
    """Questions answered."""
    exact: float
    """Share of answers that equal the target."""
    exact_low: float
    """Lower end of its 95% interval: over questions for one seed and the untrained, else over seeds."""
    exact_high: float
    """Upper end of this interval (see `intervals.interval_of`)."""
    valid: float
    """Share of answers that obey the rules."""
    valid_low: float
    """Lower end of its 95% interval."""
    valid_high: float
    """Upper end of its 95% interval."""
    cells: float
    """Mean share of cells that equal those of the target."""
    undecodable: float
    """Share of answers that could not be decoded."""
    undecodable_by: Mapping[str, int]
    """Kind of reason -> number of these."""
    exact_any: float
    """Share of questions with an exact answer in any attempt."""
    valid_any: float
    """Share of questions with a valid answer in any attempt."""
    exact_at: Mapping[int, float]
    """k -> pass@k of exact answers, for k = 1, 2, 4 … and `attempts`, over questions with k answers."""
    valid_at: Mapping[int, float]
    """k -> pass@k of valid answers."""
    psr: float | None
    """Share of answers whose path joins start and goal. None if the task has no paths."""
    rpl: float | None
    """Mean length of unbroken paths without stray cells, over the shortest. None if there are none."""
    supervision: str
    """What the model was shown of each example: its target, or every state of its process."""
    look: str
    """How grids were drawn for the model, if it sees pictures."""
    process_valid: float | None
    """Share of answers that follow from their own process, each step legal. None if none is checked."""
    process_legal: float | None
    """Mean share of the states before the first illegal one. None if none is checked."""
    first_illegal: float | None
    """Mean number of the first illegal state, from 1, of processes that have one. None if there are none."""
    seconds: float
    """Mean time of an adaptation."""
    predict_seconds: float
    """Mean time of an answer."""
    flagged: tuple[str, ...]
    """What is known to be wrong in the data of the task, one sentence per faulty pair."""


def mean(values: Iterable[float]) -> float:
    """Return the mean. Raises ValueError if there is no value: the mean of nothing is not zero."""
    listed = list(values)
    if not listed:
        raise ValueError("a mean over nothing")
    return math.fsum(listed) / len(listed)


def pass_at(n: int, hits: int, k: int) -> float:
    """Return the chance that k of n answers, drawn without replacement, contain one of the `hits` right ones.

    This is the unbiased pass@k of Chen et al. 2021 (section 2.1). Raises ValueError unless 1 <= k <= n and
    0 <= hits <= n.
    """
    if not (1 <= k <= n and 0 <= hits <= n):
        raise ValueError(f"pass@{k} of {hits} in {n} does not exist")
    return 1 - math.comb(n - hits, k) / math.comb(n, k)


def distinct(runs: Sequence[TrialResult]) -> list[TrialResult]:
    """Return the runs with each trial once.

    Two folders may hold the same trial, for example the baselines of two evaluations. Of these the one with
    more answers is kept, and the later one if they have equally many. The same holds if one asked only the
    first questions of a file.
    """
    groups: dict[tuple[object, ...], list[TrialResult]] = {}
    for run in runs:
        *rest, _ = kind(run)
        groups.setdefault((*rest, run.header.trial.seed), []).append(run)
    kept: list[TrialResult] = []
    for group in groups.values():
        different: list[TrialResult] = []
        for run in sorted(group, key=_priority, reverse=True):
            if not any(_same_data(run, other) for other in different):
                different.append(run)
        kept += different
    return kept


def kind(run: TrialResult) -> Kind:
    """Return what a trial has in common with those of other seeds.

    The trial with its seed and n_test set to 0, its shots as the data has them, and the training of a
    baseline left out. Then the version of the task, the digests of the model's weights and file, and for a
    corpus the digest of the data. Other weights, another file or another version of the task are never
    pooled, and neither are two ARC files of the same name. The digest is that of the questions that were
    asked, so that a plan with fewer questions is another kind.
    """
    header = run.header
    trial = msgspec.structs.replace(header.trial, shots=header.data.shots, n_test=0, seed=0)
    if trial.model in TRIVIAL:
        trial = msgspec.structs.replace(trial, steps=None, epochs=None)
    data = header.data.digest if run.is_corpus else ""
    return trial, header.task.version, header.weights, header.code, data


def summaries(runs: Sequence[TrialResult]) -> list[Summary]:
    """Return one row per task, model, checkpoint and number of shots that has an answer.

    Sorted by task, then models before the trivial baselines, then by shots. A trial that is there twice
    counts once (`distinct`).
    """
    groups: dict[Kind, list[TrialResult]] = {}
    marks: dict[Kind, tuple[str, str]] = {}
    once = distinct(runs)
    for model_key, origin, run in zip(model_keys(once), disambiguate(once), once, strict=True):
        groups.setdefault(kind(run), []).append(run)
        marks[kind(run)] = model_key.mark, origin
    with_paths = {run.header.trial.task for run in runs if _has_paths(run)}
    rows: list[Summary] = []
    for common, group in groups.items():
        if any(_first(run.records) for run in group):
            mark, origin = marks[common]
            rows.append(_summary(group, common[0].task in with_paths, mark, origin))
    return sorted(rows, key=_order)


def leaks(rows: Sequence[Summary], most: float = LEAK) -> dict[str, Summary]:
    """Return the tasks that a trivial baseline gives away, with the row of the best one.

    A baseline gives a task away if its share of valid answers is over `most`, from LEAK_ANSWERS answers or
    beyond chance. The solver does not count.
    """
    worst: dict[str, Summary] = {}
    for row in rows:
        sure = row.valid > most and (row.n >= LEAK_ANSWERS or row.valid_low > most)
        if row.model in TRIVIAL and row.model != "solver" and sure:
            worst[row.task] = max(worst.get(row.task, row), row, key=lambda one: one.valid)
    return worst


def flaws(runs: Sequence[TrialResult]) -> tuple[str, ...]:
    """Return the known errors in the data of one task's runs, each sentence once."""
    sentences: dict[str, None] = {}
    for run in runs:
        flagged = run.questions[0].meta.get("flagged") if run.questions else None
        if isinstance(flagged, list):
            sentences.update((str(sentence), None) for sentence in cast("list[object]", flagged))
    return tuple(sentences)


def _order(row: Summary) -> tuple[object, ...]:
    return row.task, rank(row.model), row.model, row.checkpoint, row.shots, row.attempts


def _has_paths(run: TrialResult) -> bool:
    return any("psr" in record.figures for record in run.records)


def _same_data(a: TrialResult, b: TrialResult) -> bool:
    """Return whether two trials of one name hold the same questions, or one the first of the other's.

    The digest is that of all questions that were asked, and cannot show the second case.
    """
    if not a.is_corpus or a.header.data.digest == b.header.data.digest:
        return True
    pairs = zip(a.questions, b.questions, strict=False)
    same = all((x.question, x.target) == (y.question, y.target) for x, y in pairs)
    return same and len(a.questions) != len(b.questions)


def _priority(run: TrialResult) -> tuple[int, str]:
    return len(run.records), run.header.created


def _summary(runs: Sequence[TrialResult], has_paths: bool, mark: str, origin: str) -> Summary:
    """Pool the trials of one kind.

    has_paths: whether the task asks for paths, so that an answer without a figure `psr` joined nothing.
    """
    header, trial = runs[0].header, runs[0].header.trial
    seeds = [run.header.trial.seed for run in runs]
    asked = [len(run.questions) for run in runs]
    records = [record for run in runs for record in run.records]
    answer_seconds = [record.seconds for record in records]

    # First attempts, and their intervals over the seeds.
    first = _first(records)
    exact = [record.exact for record in first]
    valid = [record.valid for record in first]
    cells = [record.cells for record in first]
    failures = [record.reason for record in first if record.undecodable]
    by_seed = list(filter(None, (_first(run.records) for run in runs)))
    exact_by_seed = [(sum(record.exact for record in answers), len(answers)) for answers in by_seed]
    valid_by_seed = [(sum(record.valid for record in answers), len(answers)) for answers in by_seed]
    exact_low, exact_high = interval_of(trial.model, exact_by_seed, runs[0].is_corpus)
    valid_low, valid_high = interval_of(trial.model, valid_by_seed, runs[0].is_corpus)

    # Paths.
    joined = mean([record.figures.get("psr") or 0.0 for record in first]) if has_paths else None

    # All attempts.
    by_question = _by_question(runs)
    exact_counts = [(len(answers), sum(record.exact for record in answers)) for answers in by_question]
    valid_counts = [(len(answers), sum(record.valid for record in answers)) for answers in by_question]

    return Summary(
        task=trial.task,
        model=trial.model,
        checkpoint=trial.checkpoint,
        shots=header.data.shots,
        seeds=tuple(sorted(seeds)),
        pretraining_overlap=header.pretraining_overlap,
        training=trial.training,
        mark=mark,
        origin=origin,
        attempts=trial.attempts,
        asked=sum(asked),
        n=len(first),
        exact=mean(exact),
        exact_low=exact_low,
        exact_high=exact_high,
        valid=mean(valid),
        valid_low=valid_low,
        valid_high=valid_high,
        cells=mean(cells),
        undecodable=len(failures) / len(first),
        undecodable_by=by_kind(failures),
        exact_any=_share_of_hits(exact_counts),
        valid_any=_share_of_hits(valid_counts),
        exact_at=_pass_at_each(trial.attempts, exact_counts),
        valid_at=_pass_at_each(trial.attempts, valid_counts),
        psr=joined,
        rpl=_mean_figure(first, "rpl"),
        supervision=trial.supervision,
        look=trial.look,
        process_valid=_mean_figure(first, "process_valid"),
        process_legal=_mean_figure(first, "process_legal"),
        first_illegal=_mean_figure(first, "first_illegal"),
        seconds=mean(map(_adaptation_seconds, runs)),
        predict_seconds=mean(answer_seconds),
        flagged=flaws(runs),
    )


def _mean_figure(records: Sequence[Record], name: str) -> float | None:
    """Return the mean of a figure over the records that have it, or None if there are none."""
    values = [record.figures.get(name) for record in records]
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _share_of_hits(counts: Sequence[tuple[int, int]]) -> float:
    """Return the share of questions with a right answer. counts: (answers, right ones) per question."""
    return mean(hits > 0 for _, hits in counts)


def _adaptation_seconds(run: TrialResult) -> float:
    return run.sessions[-1].seconds if run.sessions else 0.0


def _pass_at_each(attempts: int, counts: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Return k -> pass@k. Questions with fewer than k answers are left out.

    counts: (answers, right ones) per question.
    """
    sizes = sorted({attempts, *(1 << power for power in range(attempts.bit_length()))})
    shares: dict[int, float] = {}
    for k in sizes:
        chances = [pass_at(n, hits, k) for n, hits in counts if n >= k]
        if chances:
            shares[k] = mean(chances)
    return shares


def _by_question(runs: Sequence[TrialResult]) -> list[list[Record]]:
    """Return the answers to each question that has one. The same id in two seeds is two questions."""
    answers: dict[tuple[int, str], list[Record]] = {}
    for number, run in enumerate(runs):
        for record in run.records:
            answers.setdefault((number, record.id), []).append(record)
    return list(answers.values())


def _first(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.attempt == 0]
