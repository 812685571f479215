"""Test intervals over seeds as clusters: by the score test with Student's t, by hand, and by coverage."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.support.made_results import answered, record, share, trial_result
from vizbench.harness.stats.arc import concepts, solved
from vizbench.harness.stats.intervals import seed_interval, student, wilson
from vizbench.harness.stats.metrics import summaries

TRIALS = 2000
COUNTS = st.integers(20, 300).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, n), st.just(n)), min_size=2, max_size=12)
)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 6, 9, 30, 99, 10**6])
def test_students_t_is_scipys(freedom):
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_one_seed_has_wilsons_interval(count):
    assert seed_interval([count]) == seed_interval([count], repeated=True) == wilson(*count)


@given(COUNTS)
def test_ends_are_where_the_score_test_over_seeds_just_rejects(counts):
    """Return the interval for one seed, with the variance of the seeds' shares, and t in place of z."""
    n, shares = counts[0][1], np.array([hits / n for hits, n in counts])
    p, total = shares.mean(), n * len(counts)
    variance = shares.var(ddof=1) / len(counts)
    t = stats.t.ppf(0.975, len(counts) - 1)
    low, high = seed_interval(counts)
    assert 0 <= low <= p + 1e-12
    assert p - 1e-12 <= high <= 1
    if len({hits for hits, _ in counts}) == 1:
        assert (low, high) == wilson(counts[0][0] * len(counts), total)
    elif t * t * variance * 4 * total < 1.96**2 * p * (1 - p):
        assert (low, high) == pytest.approx(wilson(4 * p * total, 4 * total), rel=2e-3, abs=1e-9)
    else:
        for end in (low, high):
            if 0 < end < 1:
                expected = t * math.sqrt(variance / (p * (1 - p)) * end * (1 - end))
                assert abs(p - end) == pytest.approx(expected, rel=2e-3, abs=1e-9)


def test_by_hand():
    shares = [
        0.4,
        0.5,
        0.6,
    ]  # standard error .1 / sqrt 3, t 4.303: the ends are d / sqrt(1 + 4 d^2) from .5
    d = 4.302652730 * 0.1 / math.sqrt(3)
    low, high = seed_interval([(round(200 * p), 200) for p in shares])
    assert (low, high) == pytest.approx(
        (0.5 - d / math.sqrt(1 + 4 * d * d), 0.5 + d / math.sqrt(1 + 4 * d * d))
    )
    assert high - low > 5 * (wilson(300, 600)[1] - 0.5)


def test_seeds_that_agree_by_chance_say_no_more_than_four_times_as_much():
    assert seed_interval([(100, 200), (100, 200), (101, 200)]) == pytest.approx(wilson(4 * 301, 4 * 600))
    assert seed_interval([(100, 200)] * 3) == wilson(300, 600)
    assert seed_interval([(0, 200)] * 3) == wilson(0, 600)
    assert seed_interval([(200, 200)] * 3) == wilson(600, 600)
    assert seed_interval([(67, 201), (1, 3)]) == wilson(68, 204)  # the same share of other sizes


def test_a_seed_hardly_begun_makes_the_others_no_surer():
    low, high = seed_interval([(100, 200), (99, 200), (1, 3)])
    assert (low, high) == pytest.approx(wilson(200, 403))
    assert seed_interval([(100, 200), (101, 200), (50, 100)]) == pytest.approx(wilson(4 * 251, 4 * 500))


def test_questions_that_every_seed_is_asked_count_once():
    same = [(100, 200), (100, 200), (101, 200)]
    assert seed_interval(same, repeated=True) == pytest.approx(wilson(301 / 3, 200))
    assert seed_interval([(100, 200)] * 3, repeated=True) == wilson(100, 200)
    assert seed_interval([(2, 2)] * 3, repeated=True) == wilson(2, 2)
    apart = [(20, 200), (100, 200), (180, 200)]
    assert seed_interval(apart, repeated=True) == seed_interval(apart)


@pytest.mark.parametrize("counts", [[], [(0, 0)], [(1, 2), (0, 0)], [(3, 2), (1, 2)]])
def test_no_share_of_nothing(counts):
    with pytest.raises(ValueError, match="share"):
        seed_interval(counts)


def drawn(p, deviation, seeds=3, n=200):
    """Return right answers of seeds with n questions, `(trials, seeds)`.

    The shares of seeds follow the beta distribution of this mean and deviation.
    """
    random = np.random.default_rng(11)
    size = (TRIALS, seeds)
    if not deviation:
        return random.binomial(n, p, size)
    mass = p * (1 - p) / deviation**2 - 1
    return random.binomial(n, random.beta(p * mass, (1 - p) * mass, size))


def covered(p, deviation, seeds, n):
    kinds, times = np.unique(np.sort(drawn(p, deviation, seeds, n), axis=1), axis=0, return_counts=True)
    spans = [seed_interval([(int(hits), n) for hits in row]) for row in kinds]
    return sum(t for t, (low, high) in zip(times, spans, strict=True) if low <= p <= high) / TRIALS


P, DEVIATIONS, SEEDS, QUESTIONS = (
    (0.02, 0.05, 0.2, 0.5, 0.9, 0.99), (0, 0.01, 0.02, 0.05, 0.1), (1, 3, 5), (50, 200)
)  # fmt: skip
GRID = [
    (p, deviation, seeds, n)
    for p, deviation, seeds, n in product(P, DEVIATIONS, SEEDS, QUESTIONS)
    if deviation**2 < p * (1 - p) and not (seeds == 1 and deviation)  # one seed is about its own training run
]


@pytest.mark.parametrize(("p", "deviation", "seeds", "n"), GRID)
def test_it_covers_the_truth_as_a_report_says(p, deviation, seeds, n):
    """Tests the bounds that `metrics.COVERAGE` states."""
    edge = min(p, 1 - p)
    coverage = covered(p, deviation, seeds, n)
    if deviation > edge:
        assert 0.27 <= coverage <= 1
    elif seeds * n * edge < 20:
        assert 0.9 <= coverage <= 1
    else:
        assert 0.93 <= coverage <= 0.97


def test_if_most_seeds_are_near_0_too_few_intervals_cover():
    assert 0.78 <= covered(0.05, 0.1, 3, 200) <= 0.85
    assert covered(0.02, 0.1, 3, 200) < 0.4
    nothing = (drawn(0.05, 0.1).sum(axis=1) == 0).mean()  # to cover, 0 of 600 would have to mean up to 5%
    assert nothing > 0.05


def test_answers_pooled_as_if_independent_would_not_cover():
    spans = [wilson(int(row.sum()), 600) for row in drawn(0.5, 0.1)]
    assert np.mean([low <= 0.5 <= high for low, high in spans]) < 0.6


# Where it is used


def test_a_row_of_the_table_takes_seeds_as_clusters():
    shares = (0.4, 0.5, 0.6)
    [row] = summaries([answered(share(p), seed=seed) for seed, p in enumerate(shares)])
    assert (row.exact, row.n) == (0.5, 600)
    counts = [(round(200 * p), 200) for p in shares]
    assert (row.exact_low, row.exact_high) == (row.valid_low, row.valid_high) == seed_interval(counts)
    [alike] = summaries([answered(share(0.5), seed=seed) for seed in range(3)])
    assert row.exact_high - row.exact_low > 5 * (alike.exact_high - alike.exact_low)
    [begun] = summaries([answered(share(0.5)), answered([None] * 200, seed=1)])
    assert (begun.exact_low, begun.exact_high) == wilson(100, 200)


@pytest.mark.parametrize("model", ["copy", "blank", "random", "solver"])
def test_baselines_that_learn_nothing_have_no_clusters(model):
    apart = [answered(share(p), model, seed=seed) for seed, p in enumerate((0.0, 0.1))]
    [row] = summaries(apart)
    assert (row.exact_low, row.exact_high) == wilson(20, 400)
    [learns] = summaries([answered(share(p), "nearest", seed=seed) for seed, p in enumerate((0.0, 0.1))])
    assert (learns.exact_low, learns.exact_high) == seed_interval([(0, 200), (20, 200)]) != wilson(20, 400)


def test_baselines_that_learn_nothing_have_no_clusters_on_a_corpus_either():
    def rows(model):
        runs = [
            trial_result(
                [record(n, exact=n in right) for n in "abcd"],
                seed,
                model,
                None,
                task="arc-json:/d/Copy/Copy1.json",
            )
            for seed, right in enumerate(("", "ab", "abcd"))
        ]
        return summaries(runs)[0], concepts(runs, (model,))[0]

    row, concept = rows("random")
    assert (row.n, row.exact_low, row.exact_high) == (12, *wilson(2, 4))
    assert (concept.low, concept.high) == pytest.approx(wilson(0.5, 1))  # one task is one cluster
    learns, _ = rows("nearest")
    spread = seed_interval([(0, 4), (2, 4), (4, 4)], repeated=True)
    assert (learns.exact_low, learns.exact_high) == spread != wilson(2, 4)


def test_corpora_are_the_same_questions_in_every_seed():
    def run(seed, *exact):
        records = [record(name, exact=e) for name, e in zip("ab", exact, strict=True)]
        return trial_result(records, seed, "mine", None, 1, "ab", task="arc-json:/d/Copy/Copy1.json")

    alike = [run(seed, True, False) for seed in range(3)]
    [row], [concept], [task] = summaries(alike), concepts(alike), solved(alike)
    assert (row.n, row.exact_low, row.exact_high) == (6, *wilson(1, 2))
    [once] = concepts(alike[:1])  # tasks are clusters there
    assert (concept.n, concept.hits, concept.share) == (6, 3, 0.5)
    assert (concept.low, concept.high) == pytest.approx((once.low, once.high))
    assert (task.tasks, task.solved, task.share, task.low, task.high) == (3, 0, 0.0, *wilson(0, 1))
