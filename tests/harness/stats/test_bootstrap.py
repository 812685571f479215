"""Test resampling against SciPy's bootstrap and t intervals, and by the coverage of its intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from vizbench.harness.stats import bootstrap, thresholds
from vizbench.harness.stats.compare import paired, resampled_curves

TRIALS, DRAWS = 2000, 400
SHOTS = (10, 30, 100, 300, 1000)


def answers(random, shares, n, like=0.7):
    """Return answers `(n, columns)` of these shares, with correlation `like` between columns."""
    hard = random.normal(size=(n, 1)) * like**0.5 + random.normal(size=(n, len(shares))) * (1 - like) ** 0.5
    return (hard < stats.norm.ppf(shares)).astype(float)


def quantiles(values):
    return np.quantile(values, [0.025, 0.975])


def test_one_seed_is_scipys_paired_bootstrap():
    table = answers(np.random.default_rng(3), [0.7, 0.55], 200)

    def difference(a, b, axis):
        return np.mean(a, axis=axis) - np.mean(b, axis=axis)

    expected = stats.bootstrap(
        (table[:, 0], table[:, 1]), difference, paired=True, method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval
    draws = bootstrap.resample([table], 5, 20_000)
    assert quantiles(draws[:, 0] - draws[:, 1]) == pytest.approx(
        (expected.low, expected.high), abs=0.006
    )  # steps of .005
    assert draws.mean(axis=0) == pytest.approx(table.mean(axis=0), abs=0.002)


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_several_seeds_are_the_t_interval_of_their_means(seeds):
    random = np.random.default_rng(seeds)
    tables = [answers(random, [share], 100) for share in random.uniform(0.4, 0.8, seeds)]
    means = [table.mean() for table in tables]
    expected = stats.t.interval(0.95, seeds - 1, np.mean(means), stats.sem(means))
    ours = quantiles(bootstrap.resample(tables, 9, 200_000)[:, 0])
    assert ours - np.mean(means) == pytest.approx(np.array(expected) - np.mean(means), rel=0.04)


def test_columns_of_a_draw_belong_together():
    table = np.repeat(answers(np.random.default_rng(1), [0.5], 50), 2, axis=1)
    for tables in ([table], [table, table[:20], table[5:]]):
        draws = bootstrap.resample(tables, 2, 500)
        assert draws[:, 0] == pytest.approx(draws[:, 1])
        assert draws[:, 0].std() > 0.03


def test_seeds_that_agree_to_the_digit_leave_it_to_the_questions():
    table = answers(np.random.default_rng(1), [0.5], 50)
    draws = bootstrap.resample([table, table[::-1].copy()], 2, 500)
    assert draws.std() == pytest.approx(0.5 / np.sqrt(100), rel=0.2)


def test_columns_in_which_the_seeds_agree_are_drawn_apart_from_those_in_which_they_differ():
    one, two = (np.repeat(np.arange(40)[:, None] < hits, 2, axis=1).astype(float) for hits in (20, 24))
    mixed = [np.concatenate([table, one], axis=1) for table in (one, two)]
    draws: Any = np.corrcoef(bootstrap.resample(mixed, 4, 4000), rowvar=False)
    assert draws[0, 1] == pytest.approx(1)  # the seeds differ in both
    assert draws[2, 3] == pytest.approx(1)  # they agree in both
    assert abs(draws[0, 2]) < 0.1


def test_weights_of_questions_are_rubins():
    """Shares of 3 right in 4 follow the beta distribution with 3 and 1 (Rubin 1981, section 2)."""
    table = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    draws = bootstrap.resample([table], 3, 20_000)
    assert stats.kstest(draws[:, 0], stats.beta(3, 1).cdf).pvalue > 0.01
    assert stats.kstest(draws[:, 1], stats.beta(1, 3).cdf).pvalue > 0.01
    assert (draws[:, 1] < draws[:, 0]).all()  # who is right in the second column is so in the first


def test_questions_that_are_added_count_where_questions_are_resampled_and_not_over_seeds():
    full = np.ones((8, 1))
    assert (bootstrap.resample([full], 3, 50) == 1).all()
    draws = bootstrap.resample([full], 3, 20_000, pseudo=((1.0,), (0.0,)))[:, 0]
    assert stats.kstest(draws, stats.beta(9, 1).cdf).pvalue > 0.01
    apart = [full, (np.arange(8)[:, None] % 2).astype(float)]
    assert np.array_equal(
        bootstrap.resample(apart, 3, 50), bootstrap.resample(apart, 3, 50, pseudo=((0.0,),) * 9)
    )


def test_unanswered_questions_are_no_zeros():
    table = np.array([[1.0, 1.0], [0.0, np.nan], [1.0, np.nan]])
    assert bootstrap.shares([table, table[:1]]) == pytest.approx([3 / 4, 1])
    assert bootstrap.counts([table, table[:1]]) == pytest.approx([4, 2])
    draws = bootstrap.resample([table], 1, 400)
    assert set(draws[:, 1]) == {1.0}  # the one answer is never left out
    assert draws[:, 0].mean() == pytest.approx(2 / 3, abs=0.03)
    assert np.isnan(bootstrap.shares([table[1:]])[1])


def test_the_same_origin_gives_the_same_draws():
    tables = [answers(np.random.default_rng(1), [0.5, 0.9], 50)]
    first, again, other = (bootstrap.resample(tables, origin, 50) for origin in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def coverage(trial):
    return np.mean([trial(number) for number in range(TRIALS)])


@pytest.mark.parametrize(("n", "a", "b"), [(200, 0.8, 0.7), (50, 0.6, 0.5)])
def test_a_paired_interval_covers_the_truth_95_times_in_100(n, a, b):
    random = np.random.default_rng(n)

    def trial(number):
        low, high = paired([answers(random, [a, b], n)], number, DRAWS)
        return low <= a - b <= high

    assert 0.93 <= coverage(trial) <= 0.97


@pytest.mark.parametrize(("seeds", "spread"), [(3, 0.0), (3, 0.06), (5, 0.06)])
def test_an_interval_over_seeds_covers_the_truth_whether_seeds_differ_or_not(seeds, spread):
    random = np.random.default_rng(seeds)

    def trial(number):
        means = [0.75, 0.6] + random.normal(size=(seeds, 2)) * spread
        low, high = paired([answers(random, np.clip(pair, 0.01, 0.99), 100) for pair in means], number, DRAWS)
        return low <= 0.15 <= high

    assert 0.93 <= coverage(trial) <= 0.97


def test_only_resampled_seeds_would_not_cover():
    """Shows why t is used: the plain cluster bootstrap, seeds and then questions in them, covers less."""
    random = np.random.default_rng(3)

    def trial(number):
        means = 0.75 + random.normal(size=3) * 0.06
        tables = np.array([answers(random, [mean], 100)[:, 0] for mean in means])
        chosen = random.integers(0, 3, (DRAWS, 3))
        within = random.binomial(100, tables.mean(axis=1)[chosen]) / 100
        low, high = quantiles(within.mean(axis=1))
        return low <= 0.75 <= high

    assert coverage(trial) < 0.93


@pytest.mark.parametrize(
    ("shares", "n", "least"),
    [
        ((0.3, 0.6, 0.85, 0.93, 0.97), 200, 0.93),
        ((0.3, 0.6, 0.85, 0.93, 0.97), 50, 0.93),
        ((0.02, 0.1, 0.98, 0.99, 0.995), 200, 0.93),
        ((0.02, 0.1, 0.98, 0.99, 0.995), 50, 0.93),
        (
            (0.001, 0.001, 0.999, 0.999, 0.999),
            200,
            0.9,
        ),  # a step: the two added questions are all that is known of it
    ],
)
def test_the_interval_of_the_shots_needed_covers_the_truth_95_times_in_100(shares, n, least):
    weights = np.full(5, float(n))
    truth = thresholds.reached(SHOTS, np.array([shares]), weights, 0.9)[0][0]
    random = np.random.default_rng(1)

    def trial(number):
        draws = resampled_curves([answers(random, shares, n)], number, DRAWS)
        interval = thresholds.interval(*thresholds.reached(SHOTS, draws, weights, 0.9))
        return (interval.low or 0) <= truth <= (interval.high or np.inf)

    assert least <= coverage(trial) <= 0.97


# Bounds of the coverage as in `metrics.COVERAGE`, by the number of questions that separate two models.
FEW, ENOUGH = (0.91, 1.0), (0.93, 0.97)


@pytest.mark.parametrize(
    ("n", "a", "b", "bounds"),
    [
        (200, 0.9, 0.5, ENOUGH), (200, 0.5, 0.5, ENOUGH), (200, 0.98, 0.95, ENOUGH),
        (200, 0.05, 0.02, ENOUGH), (200, 0.98, 0.98, ENOUGH), (200, 1.0, 0.95, ENOUGH),
        (50, 0.2, 0.2, ENOUGH), (50, 0.9, 0.8, ENOUGH),
        (200, 0.99, 0.98, FEW), (200, 0.995, 0.99, FEW), (50, 0.98, 0.95, FEW), (50, 1.0, 0.95, FEW),
    ],
)  # fmt: skip
def test_a_paired_interval_covers_the_truth_near_the_ends_too(n, a, b, bounds):
    random = np.random.default_rng(8)
    spans = {}

    def trial(number):
        pair = answers(random, [a, b], n)
        key = tuple(int(((pair[:, 0] == x) & (pair[:, 1] == 1 - x)).sum()) for x in (0, 1))
        if key not in spans:
            spans[key] = paired([pair], number, 4 * DRAWS)
        low, high = spans[key]
        return low <= a - b <= high

    assert bounds[0] <= coverage(trial) <= bounds[1]


def test_added_questions_weigh_what_they_are_said_to():
    draws = bootstrap.resample([np.zeros((8, 1))], 3, 20_000, ((1.0,), (-1.0,)), 0.5)[:, 0]
    _, here, other = np.random.default_rng(1).dirichlet((8, 0.5, 0.5), 20_000).T
    expected: Any = stats.ks_2samp(draws, here - other)
    assert expected.pvalue > 0.01
    whole = bootstrap.resample([np.zeros((8, 1))], 3, 20_000, ((1.0,), (-1.0,)))[:, 0]
    assert draws.std() < 0.8 * whole.std()


def test_a_column_in_which_the_seeds_agree_keeps_the_spread_of_its_questions():
    def table(*right):
        return np.array([[float(k < hits) for hits in right] for k in range(40)])

    draws = bootstrap.resample([table(4, 20, 40), table(5, 20, 40)], 3)
    single = bootstrap.resample([table(20), table(20)], 3)
    assert draws[:, 0].std() > 0
    assert draws[:, 1].std() == pytest.approx(single[:, 0].std(), rel=0.05)
    assert draws[:, 1].std() > 0.05
    assert draws[:, 2].std() == 0
