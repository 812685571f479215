"""Test tasks as clusters of test inputs: how alike their answers are, and the coverage of intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.made_results import record, trial_result
from vizbench.harness.stats.arc import concepts
from vizbench.harness.stats.clusters import Counts, correlation, design_effect
from vizbench.harness.stats.intervals import seed_interval, wilson

CLUSTER = st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
GROUPS = st.lists(st.lists(CLUSTER, min_size=1, max_size=6), min_size=1, max_size=4)


def naive(groups: list[list[tuple[int, int]]]) -> float:
    """Return the same estimate from single answers: mean squares between and within clusters."""
    between = within = weight = 0.0
    free_between = free_within = 0
    for group in groups:
        answers = [[1.0] * hits + [0.0] * (n - hits) for hits, n in group]
        every = [answer for cluster in answers for answer in cluster]
        for cluster in answers:
            between += sum((np.mean(cluster) - np.mean(every)) ** 2 for _ in cluster)
            within += sum((answer - np.mean(cluster)) ** 2 for answer in cluster)
        free_between += len(group) - 1
        free_within += len(every) - len(group)
        weight += len(every) - sum(len(cluster) ** 2 for cluster in answers) / len(every)
    if not free_between or not free_within or between + within < 1e-12:
        return 1.0
    b, w = between / free_between, within / free_within
    return float(np.clip((b - w) / (b + (weight / free_between - 1) * w), 0, 1))


@given(GROUPS)
def test_the_estimate_is_that_of_single_answers(groups: list[list[tuple[int, int]]]) -> None:
    assert correlation(groups) == pytest.approx(naive(groups), abs=1e-9)


@given(st.lists(CLUSTER, min_size=1, max_size=6), st.floats(0, 1))
def test_an_effect_lies_between_one_and_the_largest_cluster(
    clusters: list[tuple[int, int]], alike: float
) -> None:
    assert 1 <= design_effect(clusters, alike) <= max(n for _, n in clusters) + 1e-9
    assert design_effect(clusters, 0.0) == 1


def test_the_ends_of_the_scale() -> None:
    assert correlation([[(3, 3), (0, 3), (3, 3)]]) == 1  # a task is solved completely or not at all
    assert correlation([[(1, 3), (2, 3), (1, 3), (2, 3)]]) == 0
    assert correlation([[(0, 3), (0, 3)], [(3, 3), (3, 3)]]) == 1  # nothing varies within a concept
    assert design_effect([(0, 3)] * 5, 1.0) == 3
    assert design_effect([(0, 1)] * 5, 1.0) == 1


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6, 1.0])
def test_intervals_cover_the_truth_however_alike_a_tasks_inputs_are(p: float, alike: float) -> None:
    """16 concepts of 5 tasks of 3 inputs, 120 times. The independent interval falls to 62%."""
    random = np.random.default_rng(5)
    covered = independent = total = 0
    for _ in range(120):
        if alike == 1:
            shares = (random.random((16, 5)) < p).astype(float)
        else:
            spread = np.inf if alike == 0 else 1 / alike - 1
            shares = np.full((16, 5), p) if alike == 0 else random.beta(p * spread, (1 - p) * spread, (16, 5))
        groups: list[Counts] = [[(int(h), 3) for h in random.binomial(3, row)] for row in shares]
        likeness = correlation(groups)
        for group in groups:
            hits = sum(h for h, _ in group)
            low, high = seed_interval([(hits, 15)], repeated=True, effect=design_effect(group, likeness))
            covered += low <= p <= high
            low, high = wilson(hits, 15)
            independent += low <= p <= high
            total += 1
    assert 0.925 <= covered / total <= 0.99
    if (p, alike) == (0.5, 1.0):
        assert independent / total < 0.7


def concept_run(task: str, hits: list[bool], **more: Any) -> Any:
    names = [f"{task}-{k}" for k in range(len(hits))]
    records = [record(name, exact=hit) for name, hit in zip(names, hits, strict=True)]
    return trial_result(
        records, model="mine", names=names, task=f"arc-json:d/{task}.json", shots=None, **more
    )


def test_concepts_take_tasks_as_clusters() -> None:
    whole = [concept_run(f"Copy/Copy{k}", [k < 2] * 3) for k in range(5)]
    (row,) = concepts(whole)
    assert (row.hits, row.n) == (6, 15)
    assert (row.low, row.high) == pytest.approx(wilson(2, 5))
    mixed = [concept_run(f"Copy/Copy{k}", [True, False, k < 1]) for k in range(5)]
    (row,) = concepts(mixed)
    assert (row.hits, row.n) == (6, 15)
    assert (row.low, row.high) == pytest.approx(wilson(6, 15))


def test_the_likeness_is_taken_over_all_concepts_of_a_model_and_more_seeds_narrow_nothing() -> None:
    runs = [concept_run(f"Copy/Copy{k}", [k < 2] * 3) for k in range(5)]
    runs += [concept_run(f"Count/Count{k}", [True, False, k < 1]) for k in range(5)]
    copy, count = concepts(runs)[::-1] if concepts(runs)[0].concept == "Count" else concepts(runs)
    groups = [[(3, 3)] * 2 + [(0, 3)] * 3, [(2, 3)] + [(1, 3)] * 4]
    effect = 1 + 2 * correlation(groups)
    assert 1 < effect < 3
    assert (copy.low, copy.high) == pytest.approx(wilson(6 / effect, 15 / effect))
    assert (count.low, count.high) == pytest.approx(wilson(6 / effect, 15 / effect))
    again = [concept_run(f"Copy/Copy{k}", [k < 2] * 3, seed=seed) for k in range(5) for seed in (0, 1)]
    (row,) = concepts(again)
    assert row.n == 30 and (row.low, row.high) == pytest.approx(wilson(2, 5))
