"""ARC files as the paper counts them: tasks that two models solve together or alone, and shares by concept.

A test input is solved where one of the attempts is exact; a task where all its test inputs are. Solving is
counted from cells that are complete alone: a task half asked is not half solved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias, final

from vizbench.formats import registry
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records.records import TrialResult
from vizbench.harness.stats import clusters
from vizbench.harness.stats.metrics import distinct, interval_of
from vizbench.harness.stats.model_key import ModelKey, model_keys, pairs
from vizbench.harness.stats.paper import concept_was_measured, corpus_was_measured, paper


@final
@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of `tasks` tasks, asked of both, were solved by a alone, by both, by b alone, within the
    attempts."""

    corpus: str
    attempts: int
    a: ModelKey
    b: ModelKey
    tasks: int
    only_a: int
    both: int
    only_b: int
    published: bool
    """Whether these are the tasks and attempts of the paper."""


@final
@dataclass(frozen=True, slots=True)
class Concept:
    """One model on one concept: share of n test inputs solved in any of the attempts, with its 95% interval,
    of tasks as clusters (`clusters`). A test input is once in n for each seed, and more seeds make the
    interval no narrower (`metrics.interval_of`)."""

    model: ModelKey
    concept: str
    attempts: int
    n: int
    hits: int
    share: float
    low: float
    high: float
    published: bool
    """Whether these are the tasks and attempts of the paper, for every seed."""


@final
@dataclass(frozen=True, slots=True)
class Solved:
    """One model on one corpus: how many of `tasks` tasks it solved within the attempts, and their share with
    its 95% interval. A task is once in it for each seed, and more seeds make the interval no narrower."""

    corpus: str
    model: ModelKey
    attempts: int
    tasks: int
    solved: int
    share: float
    low: float
    high: float
    published: bool
    """Whether these are the tasks and attempts of the paper, for every seed."""


_Solved: TypeAlias = dict[
    tuple[str, str, int], bool
]  # (task, digest of its data, seed) -> whether it was solved
_BySeed: TypeAlias = dict[int, list[tuple[str, bool]]]  # seed -> of each task its id, whether it was solved
_Tasks: TypeAlias = dict[
    int, list[tuple[str, int, int]]
]  # seed -> of each task its name, inputs solved, inputs asked


def overlaps(runs: Sequence[TrialResult]) -> list[Overlap]:
    """One a corpus (a folder of ARC files), number of attempts and pair that share a task of it: two models,
    then a model and a baseline."""
    solved: dict[tuple[str, int], dict[ModelKey, _Solved]] = {}
    for model, run in _whole_runs(runs, TRIVIAL):
        cell = run.header.trial
        key = cell.task, run.header.data.digest, cell.seed
        solved.setdefault((_folder(cell.task), cell.attempts), {}).setdefault(model, {})[key] = all(
            _inputs(run)
        )
    return [
        _overlap(*where, a, models[a], b, models[b])
        for where, models in sorted(solved.items())
        for a, b in pairs(models)
        if models[a].keys() & models[b].keys()
    ]


def solved(runs: Sequence[TrialResult], baselines: Collection[str] = ()) -> list[Solved]:
    """One a corpus, model and number of attempts. baselines: those of the trivial ones that count as
    models."""
    found: dict[tuple[str, ModelKey, int], _BySeed] = {}
    for model, run in _whole_runs(runs, baselines):
        key = _folder(run.header.trial.task), model, run.header.trial.attempts
        solved = PurePosixPath(run.header.trial.task).stem, all(_inputs(run))
        found.setdefault(key, {}).setdefault(run.header.trial.seed, []).append(solved)
    return [
        Solved(
            *key,
            *_counted(key[1], [(sum(hit for _, hit in tasks), len(tasks)) for tasks in seeds.values()]),
            published=all(
                corpus_was_measured([name for name, _ in tasks], key[2]) for tasks in seeds.values()
            ),
        )
        for key, seeds in sorted(found.items())
    ]


def concepts(runs: Sequence[TrialResult], baselines: Collection[str] = ()) -> list[Concept]:
    """One a model and concept of ConceptARC, whose files lie in folders named by concept; in the paper's
    order.

    baselines: those of the trivial ones that count as models.
    """
    order = {name: number for number, name in enumerate(next(iter(paper().conceptarc_accuracy.values())))}
    found: dict[tuple[ModelKey, int], dict[str, _Tasks]] = {}
    for model, run in _corpus_runs(runs, baselines):
        path = PurePosixPath(run.header.trial.task)
        concept = path.parent.name
        if concept in order:
            tasks = found.setdefault((model, run.header.trial.attempts), {}).setdefault(concept, {})
            inputs = _inputs(run)
            tasks.setdefault(run.header.trial.seed, []).append((path.stem, sum(inputs), len(inputs)))
    rows: list[Concept] = []
    for (model, attempts), here in found.items():
        alike = clusters.correlation([_counts(tasks) for seeds in here.values() for tasks in seeds.values()])
        for concept, seeds in here.items():
            effect = clusters.design_effect(
                [task for tasks in seeds.values() for task in _counts(tasks)], alike
            )
            counts = [
                (sum(hits for _, hits, _ in tasks), sum(of for *_, of in tasks)) for tasks in seeds.values()
            ]
            asked = [[(name, of) for name, _, of in tasks] for tasks in seeds.values()]
            published = all(concept_was_measured(concept, tasks, attempts) for tasks in asked)
            rows.append(
                Concept(model, concept, attempts, *_counted(model, counts, effect), published=published)
            )
    return sorted(rows, key=lambda row: (row.model, row.attempts, order[row.concept]))


def _counts(tasks: Sequence[tuple[str, int, int]]) -> clusters.Counts:
    """Of each task how many inputs were solved, of how many."""
    return [(hits, of) for _, hits, of in tasks]


def _counted(
    model: ModelKey, counts: clusters.Counts, effect: float = 1.0
) -> tuple[int, int, float, float, float]:
    """How many there are and how many of them solved, over all seeds; their share and its interval. counts: a
    seed."""
    hits, n = sum(hits for hits, _ in counts), sum(of for _, of in counts)
    return n, hits, hits / n, *interval_of(model.name, counts, repeated=True, effect=effect)


def _overlap(
    corpus: str, attempts: int, a: ModelKey, a_solved: _Solved, b: ModelKey, b_solved: _Solved
) -> Overlap:
    shared = a_solved.keys() & b_solved.keys()
    solved = [(a_solved[task], b_solved[task]) for task in shared]
    only_a, both, only_b = (solved.count(kind) for kind in ((True, False), (True, True), (False, True)))
    seeds = {seed for *_, seed in shared}
    names = [[PurePosixPath(task).stem for task, _, of in shared if of == seed] for seed in seeds]
    published = all(corpus_was_measured(tasks, attempts) for tasks in names)
    return Overlap(corpus, attempts, a, b, len(solved), only_a, both, only_b, published)


def _corpus_runs(
    runs: Sequence[TrialResult], baselines: Collection[str]
) -> Iterator[tuple[ModelKey, TrialResult]]:
    """The runs of which every question is answered."""
    once = distinct(runs)
    for model, run in zip(model_keys(once), once, strict=True):
        cell = run.header.trial
        stands = cell.model not in TRIVIAL or cell.model in baselines
        if registry.is_corpus(cell.task) and stands and run.questions and run.complete:
            yield model, run


def _whole_runs(
    runs: Sequence[TrialResult], baselines: Collection[str]
) -> Iterator[tuple[ModelKey, TrialResult]]:
    """Those among them that ask every test input of their task: where one hides its output, or n_test left
    one out, nobody can tell whether the task was solved."""
    for model, run in _corpus_runs(runs, baselines):
        if run.questions[0].meta.get("inputs", len(run.questions)) == len(
            run.questions
        ):  # runs of before lack it
            yield model, run


def _inputs(run: TrialResult) -> list[bool]:
    """Of each test input whether an attempt at it is exact."""
    exact = {record.id for record in run.records if record.exact}
    return [question.id in exact for question in run.questions]


def _folder(task: str) -> str:
    """The corpus of a file: the folder that it lies in, or for a concept's file the one above. Of an episode:
    the concept's task, `arc/center`."""
    layout, colon, path = task.partition(":")
    if not colon:
        return task.partition("?")[0]
    folder = PurePosixPath(path).parent
    if layout != "arc-json":
        return f"{layout}:{folder}"
    return str(folder.parent if folder.name in next(iter(paper().conceptarc_accuracy.values())) else folder)
