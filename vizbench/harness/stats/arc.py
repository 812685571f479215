"""Count ARC results as the paper does: tasks that one or both of two models solve, and shares by concept.

A test input is solved if one of the attempts is exact. A task is solved if all its test inputs are. Only
complete trials count, because a task with missing answers cannot be called unsolved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias, final

from vizbench.formats import lookup
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records.records import TrialResult
from vizbench.harness.stats import clusters
from vizbench.harness.stats.intervals import interval_of
from vizbench.harness.stats.metrics import distinct
from vizbench.harness.stats.model_key import ModelKey, model_keys, pairs
from vizbench.harness.stats.paper import concept_was_measured, corpus_was_measured, paper


@final
@dataclass(frozen=True, slots=True)
class Overlap:
    """How many tasks of a corpus one or both of two models solved within the attempts."""

    corpus: str
    """The folder of ARC files."""
    attempts: int
    """Attempts per test input."""
    a: ModelKey
    """A model."""
    b: ModelKey
    """Another model, or a baseline."""
    tasks: int
    """Tasks that both were asked, once per seed."""
    only_a: int
    """Tasks that only `a` solved."""
    both: int
    """Tasks that both solved."""
    only_b: int
    """Tasks that only `b` solved."""
    published: bool
    """Whether these are the tasks and attempts of the paper."""


@final
@dataclass(frozen=True, slots=True)
class Concept:
    """One model on one concept of ConceptARC.

    A test input counts once per seed, but more seeds do not make the interval narrower
    (`intervals.interval_of`). Tasks are clusters of test inputs (`clusters`).
    """

    model: ModelKey
    """The model."""
    concept: str
    """The concept."""
    attempts: int
    """Attempts per test input."""
    n: int
    """Test inputs."""
    hits: int
    """Test inputs solved in one of the attempts."""
    share: float
    """Share of test inputs solved, 0..1."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of its 95% interval."""
    published: bool
    """Whether these are the tasks and attempts of the paper, for every seed."""


@final
@dataclass(frozen=True, slots=True)
class Solved:
    """One model on one corpus.

    A task counts once per seed, but more seeds do not make the interval narrower.
    """

    corpus: str
    """The folder of ARC files."""
    model: ModelKey
    """The model."""
    attempts: int
    """Attempts per test input."""
    tasks: int
    """Number of tasks."""
    solved: int
    """Number of tasks solved within the attempts."""
    share: float
    """Share of tasks solved, 0..1."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of its 95% interval."""
    published: bool
    """Whether these are the tasks and attempts of the paper, for every seed."""


_Solved: TypeAlias = dict[tuple[str, str, int], bool]
"""(task, digest of its data, seed) -> whether it was solved."""

_TasksBySeed: TypeAlias = dict[int, list[tuple[str, bool]]]
"""Seed -> id of each task, and whether it was solved."""

_InputsBySeed: TypeAlias = dict[int, list[tuple[str, int, int]]]
"""Seed -> name of each task, test inputs solved, test inputs asked."""


def overlaps(runs: Sequence[TrialResult]) -> list[Overlap]:
    """Return one row per corpus, number of attempts and pair of models that share a task of it.

    Pairs are two models, or a model and a baseline.
    """
    solved: dict[tuple[str, int], dict[ModelKey, _Solved]] = {}
    for model, run in _whole_runs(runs, TRIVIAL):
        trial = run.header.trial
        task = trial.task, run.header.data.digest, trial.seed
        models = solved.setdefault((_corpus_of(trial.task), trial.attempts), {})
        models.setdefault(model, {})[task] = all(_inputs(run))
    rows: list[Overlap] = []
    for (corpus, attempts), models in sorted(solved.items()):
        for a, b in pairs(models):
            if models[a].keys() & models[b].keys():
                rows.append(_overlap(corpus, attempts, a, models[a], b, models[b]))
    return rows


def solved(runs: Sequence[TrialResult], baselines: Collection[str] = ()) -> list[Solved]:
    """Return one row per corpus, model and number of attempts.

    baselines: those of the trivial ones that count as models.
    """
    groups: dict[tuple[str, ModelKey, int], _TasksBySeed] = {}
    for model, run in _whole_runs(runs, baselines):
        trial = run.header.trial
        seeds = groups.setdefault((_corpus_of(trial.task), model, trial.attempts), {})
        seeds.setdefault(trial.seed, []).append((PurePosixPath(trial.task).stem, all(_inputs(run))))
    return [
        _solved(corpus, model, attempts, seeds) for (corpus, model, attempts), seeds in sorted(groups.items())
    ]


def concepts(runs: Sequence[TrialResult], baselines: Collection[str] = ()) -> list[Concept]:
    """Return one row per model and concept of ConceptARC, in the order of the paper.

    The concept of a file is the name of its folder.

    baselines: those of the trivial ones that count as models.
    """
    order = {name: number for number, name in enumerate(_concept_names())}
    groups: dict[tuple[ModelKey, int], dict[str, _InputsBySeed]] = {}
    for model, run in _corpus_runs(runs, baselines):
        trial = run.header.trial
        path = PurePosixPath(trial.task)
        if path.parent.name in order:
            seeds = groups.setdefault((model, trial.attempts), {}).setdefault(path.parent.name, {})
            inputs = _inputs(run)
            seeds.setdefault(trial.seed, []).append((path.stem, sum(inputs), len(inputs)))
    rows: list[Concept] = []
    for (model, attempts), by_concept in groups.items():
        correlation = _correlation(by_concept)
        for concept, seeds in by_concept.items():
            rows.append(_concept(model, concept, attempts, seeds, correlation))
    return sorted(rows, key=lambda row: (row.model, row.attempts, order[row.concept]))


def _overlap(
    corpus: str, attempts: int, a: ModelKey, a_solved: _Solved, b: ModelKey, b_solved: _Solved
) -> Overlap:
    shared = a_solved.keys() & b_solved.keys()
    outcomes = [(a_solved[task], b_solved[task]) for task in shared]
    by_seed: dict[int, list[str]] = {}
    for task, _, seed in shared:
        by_seed.setdefault(seed, []).append(PurePosixPath(task).stem)
    return Overlap(
        corpus=corpus,
        attempts=attempts,
        a=a,
        b=b,
        tasks=len(outcomes),
        only_a=outcomes.count((True, False)),
        both=outcomes.count((True, True)),
        only_b=outcomes.count((False, True)),
        published=all(corpus_was_measured(tasks, attempts) for tasks in by_seed.values()),
    )


def _solved(corpus: str, model: ModelKey, attempts: int, seeds: _TasksBySeed) -> Solved:
    counts: list[tuple[int, int]] = []
    published = True
    for tasks in seeds.values():
        counts.append((sum(is_solved for _, is_solved in tasks), len(tasks)))
        published = published and corpus_was_measured([name for name, _ in tasks], attempts)
    n, hits, share, low, high = _pooled(model, counts)
    return Solved(corpus, model, attempts, n, hits, share, low, high, published)


def _concept(
    model: ModelKey, concept: str, attempts: int, seeds: _InputsBySeed, correlation: float
) -> Concept:
    """Return one model's share on one concept, over the seeds.

    correlation: of the test inputs of a task (`clusters.correlation`).
    """
    counts: list[tuple[int, int]] = []
    every_task: list[tuple[int, int]] = []
    published = True
    for tasks in seeds.values():
        by_task = _counts(tasks)
        every_task += by_task
        counts.append((sum(hits for hits, _ in by_task), sum(of for _, of in by_task)))
        asked = [(name, of) for name, _, of in tasks]
        published = published and concept_was_measured(concept, asked, attempts)
    effect = clusters.design_effect(every_task, correlation)
    n, hits, share, low, high = _pooled(model, counts, effect)
    return Concept(model, concept, attempts, n, hits, share, low, high, published)


def _correlation(by_concept: Mapping[str, _InputsBySeed]) -> float:
    """Return the correlation of the test inputs of a task, over the concepts and seeds of one model."""
    groups: list[clusters.Counts] = []
    for seeds in by_concept.values():
        groups += [_counts(tasks) for tasks in seeds.values()]
    return clusters.correlation(groups)


def _counts(tasks: Sequence[tuple[str, int, int]]) -> list[tuple[int, int]]:
    """Return the test inputs solved and asked of each task."""
    return [(hits, of) for _, hits, of in tasks]


def _pooled(
    model: ModelKey, counts: clusters.Counts, effect: float = 1.0
) -> tuple[int, int, float, float, float]:
    """Return the number asked and solved over all seeds, the share, and the ends of its interval.

    counts: (solved, asked) per seed.
    """
    hits, n = sum(hits for hits, _ in counts), sum(of for _, of in counts)
    low, high = interval_of(model.name, counts, repeated=True, effect=effect)
    return n, hits, hits / n, low, high


def _corpus_runs(
    runs: Sequence[TrialResult], baselines: Collection[str]
) -> Iterator[tuple[ModelKey, TrialResult]]:
    """Yield the complete runs on ARC files, by models and by these baselines."""
    once = distinct(runs)
    for model, run in zip(model_keys(once), once, strict=True):
        counts = not model.trivial or model.name in baselines
        if counts and lookup.is_corpus(run.header.trial.task) and run.questions and run.complete:
            yield model, run


def _whole_runs(
    runs: Sequence[TrialResult], baselines: Collection[str]
) -> Iterator[tuple[ModelKey, TrialResult]]:
    """Yield only the runs that ask every test input; otherwise a task cannot be counted as solved.

    A run lacks test inputs if their outputs are hidden, or if n_test is smaller than their number.
    """
    for model, run in _corpus_runs(runs, baselines):
        asked = len(run.questions)
        if run.questions[0].meta.get("inputs", asked) == asked:
            yield model, run


def _inputs(run: TrialResult) -> list[bool]:
    """Return for each test input whether an attempt at it is exact."""
    exact = {record.id for record in run.records if record.exact}
    return [question.id in exact for question in run.questions]


def _corpus_of(task: str) -> str:
    """Return the corpus of a task.

    For a file it is its folder, or the folder above if the folder is a concept. For an episode it is the
    concept's task, such as `arc/center`.
    """
    layout, colon, path = task.partition(":")
    if not colon:
        return task.partition("?")[0]
    folder = PurePosixPath(path).parent
    if layout != "arc-json":
        return f"{layout}:{folder}"
    return str(folder.parent if folder.name in _concept_names() else folder)


def _concept_names() -> Collection[str]:
    """Return the concepts of ConceptARC, in the order of the paper."""
    return next(iter(paper().conceptarc_accuracy.values())).keys()
