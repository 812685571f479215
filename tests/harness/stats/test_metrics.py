"""Test Wilson intervals against published values and their definition, and shares from records."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from itertools import combinations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.support.made_results import answered, record, share, trial_result
from vizbench.harness.records.records import TaskInfo
from vizbench.harness.stats.intervals import Z95, mean_interval, wilson
from vizbench.harness.stats.metrics import Summary, distinct, leaks, mean, pass_at, summaries


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, score method
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_values(hits, n, low, high):
    assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(pair):
    expected = stats.binomtest(*pair).proportion_ci(method="wilson")
    assert wilson(*pair) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_ends_are_where_the_score_test_just_rejects(pair):
    hits, n = pair
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            assert abs(hits / n - end) == pytest.approx(Z95 * math.sqrt(end * (1 - end) / n), rel=1e-6)


@pytest.mark.parametrize("n", [50, 200])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.85])
def test_wilson_covers_the_truth_in_about_95_of_100_samples(n, p):
    """Summed over every outcome, so without the noise of a simulation."""
    covered = 0.0
    for hits in range(n + 1):
        low, high = wilson(hits, n)
        if low <= p <= high:
            covered += math.comb(n, hits) * p**hits * (1 - p) ** (n - hits)
    assert 0.93 < covered < 0.975


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (1, 0), (-1, 5), (6, 5)])
def test_no_share_of_nothing(hits, n):
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, n)
    with pytest.raises(ValueError, match="over nothing"):
        mean([])


def test_shares_are_of_first_attempts_and_undecodable_counts_as_wrong():
    records = [
        record("a", exact=True, cells=1.0),
        record("b", valid=True),
        record("c"),
        record("d", cells=0.0, undecodable=True),
        record("a", 1),
        record("b", 1, exact=True, cells=1.0),
        record("c", 1),
        record("d", 1),
    ]
    [row] = summaries([trial_result(records, attempts=2)])
    assert (row.n, row.asked, row.exact, row.valid, row.cells, row.undecodable) == (
        4,
        4,
        0.25,
        0.5,
        0.5,
        0.25,
    )
    assert (row.exact_any, row.valid_any) == (0.5, 0.5)
    assert (row.exact_low, row.exact_high) == wilson(1, 4)
    assert (row.seconds, row.predict_seconds) == (2.0, 0.25)


def test_seeds_are_pooled_and_shots_are_not():
    one = trial_result([record("a", exact=True), record("b")], seed=0, names="ab", seconds=1.0)
    two = trial_result([record("a"), record("b")], seed=5, names="ab", seconds=3.0)
    other = trial_result([record("a")], shots=30, names="ab")
    rows = summaries([other, two, one])
    assert [(row.shots, row.seeds, row.n, row.asked, row.exact) for row in rows] == [
        (16, (0, 5), 4, 4, 0.25),
        (30, (0,), 1, 2, 0.0),
    ]
    assert rows[0].seconds == 2.0


def test_models_come_before_baselines_and_empty_trials_give_no_row():
    runs = [trial_result([record("a")], model=name) for name in ("random", "copy", "mine")]
    rows = summaries([*runs, trial_result([], model="empty")])
    assert [row.model for row in rows] == ["mine", "copy", "random"]


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_right_answer(case):
    n, hits, k = case
    draws = list(combinations([True] * hits + [False] * (n - hits), k))
    assert pass_at(n, hits, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_pass_at_k_by_the_product_of_the_published_code():
    product = math.prod(1 - 10 / i for i in range(200 - 7 + 1, 200 + 1))  # Chen et al. 2021, figure 3
    assert pass_at(200, 7, 10) == pytest.approx(1 - product, rel=1e-12)
    assert pass_at(200, 7, 10) != pytest.approx(1 - (1 - 7 / 200) ** 10, rel=1e-3)  # the biased estimate


@pytest.mark.parametrize(("n", "hits", "k"), [(0, 0, 1), (3, 1, 4), (3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_pass_at_what_is_not_there_is_refused(n, hits, k):
    with pytest.raises(ValueError, match="does not exist"):
        pass_at(n, hits, k)


def test_pass_at_k_leaves_out_questions_with_fewer_answers():
    one = [record("a", k, exact=k == 2) for k in range(3)]
    two = [record("b", 0), record("b", 1, exact=True, valid=True)]  # the third answer is missing
    [row] = summaries([trial_result([*one, *two], attempts=3, names="ab")])
    assert row.exact_at == {1: pytest.approx((1 / 3 + 1 / 2) / 2), 2: pytest.approx((2 / 3 + 1) / 2), 3: 1.0}
    [none] = summaries([trial_result(two, attempts=3, names="ab")])
    assert none.exact_at == {1: 0.5, 2: 1.0}  # nothing has three: no pass@3, and no zero


def test_paths_give_psr_and_rpl_and_other_tasks_none():
    joined = {"psr": 1.0, "rpl": 1.5}
    records = [
        record("a", valid=True, figures=joined),
        record("b", figures={"psr": 1.0}),
        record("c", figures={"psr": 0.0}),
        record("d", undecodable=True),
    ]
    broken = trial_result([record("a", undecodable=True)], model="mine", names="a")
    mine, copy = summaries([trial_result(records), broken])
    assert (copy.psr, copy.rpl) == (0.5, 1.5)
    assert (mine.psr, mine.rpl) == (0.0, None)  # the task has paths: an answer without one joined nothing
    [plain] = summaries([trial_result([record("a")])])
    assert (plain.psr, plain.rpl) == (None, None)


def test_a_trial_that_two_folders_hold_counts_once():
    full, part = answered([True, False]), answered([True, None])
    later = answered([False, False], created="2026")
    assert [row.n for row in summaries([part, full, part])] == [2]
    assert distinct([full, later]) == [later]
    assert distinct([later, full]) == [later]
    assert (
        len(distinct([full, answered([True], seed=1), answered([True], shots=3), answered([True], steps=9)]))
        == 4
    )


def test_two_files_of_one_name_are_two_trials():
    def corpus(hits, digest, target=1, **more):
        run = answered(hits, shots=None, task="arc-json:data/x.json", digest=digest, **more)
        return replace(run, questions=[msgspec.structs.replace(q, target=[[target]]) for q in run.questions])

    one, other = corpus([True, True], "a"), corpus([False], "b", target=2)
    for runs in ([one, other], [other, one]):
        assert len(distinct(runs)) == 2
        assert sorted((row.n, row.exact) for row in summaries(runs)) == [(1, 0.0), (2, 1.0)]
    again, begun = corpus([False, False], "a", created="2026"), corpus([True, None], "a")
    assert distinct([one, again, begun]) == [again]
    head = corpus([False], "c")  # --n-test 1: the first of the same questions
    assert distinct([head, one]) == distinct([one, head]) == [one]
    assert distinct([head, corpus([None, None], "a")]) == [head]
    assert len(distinct([head, corpus([True], "d")])) == 2  # as many questions, and other demonstrations
    twice = [one, corpus([False, False], "a", seed=1)]
    wide = [replace(run, header=_asking(run.header, 200)) for run in twice[1:]]
    assert [row.n for row in summaries([twice[0], *wide])] == [4]  # n_test differs, the data does not
    made = [
        answered([True], digest="a"),
        answered([True, True], digest="b"),
    ]  # generated data is identified by its seed
    assert distinct(made) == made[1:]


def _asking(header, n_test):
    return msgspec.structs.replace(header, trial=msgspec.structs.replace(header.trial, n_test=n_test))


def test_baselines_have_no_training_to_tell_them_apart():
    rows = summaries([trial_result([record("a")], steps=5), trial_result([record("a")], steps=9, seed=1)])
    assert [(row.n, row.training) for row in rows] == [(2, "none")]
    rows = summaries([trial_result([record("a")], model="mine", steps=n) for n in (5, 9)])
    assert [row.training for row in rows] == ["5 optimizer steps", "9 optimizer steps"]


def test_a_task_leaks_if_a_trivial_baseline_passes_5_percent_valid():
    def rows(*valid, model="copy"):
        return summaries([answered(share(v), model=model, shots=n) for n, v in enumerate(valid, 1)])

    assert leaks(rows(0.0, 0.05)) == {}
    assert leaks(rows(0.9, model="solver")) == leaks(rows(0.9, model="mine")) == {}
    assert leaks([]) == {}
    leaky = leaks([*rows(0.055, 0.06, 0.01), *rows(0.06, model="nearest")])
    assert [(task, row.model, row.shots, row.valid) for task, row in leaky.items()] == [
        ("t/x", "copy", 2, 0.06)
    ]


@pytest.mark.parametrize(
    ("hits", "n", "leaky"),
    [(1, 12, False), (2, 12, False), (3, 12, True), (6, 99, False), (6, 100, True), (5, 100, False)],
)
def test_few_answers_leak_only_beyond_chance(hits, n, leaky):
    assert bool(leaks(summaries([answered([k < hits for k in range(n)], model="copy")]))) == leaky


def test_every_share_lies_within_0_and_1_and_no_field_is_forgotten():
    [row] = summaries([answered([True, False, None])])
    assert (row.n, row.asked, row.valid_low, row.valid_high) == (2, 3, *wilson(1, 2))
    values = {field.name: getattr(row, field.name) for field in fields(Summary)}
    assert all(0 <= v <= 1 for name, v in values.items() if isinstance(v, float) and "seconds" not in name)


def test_the_interval_of_a_mean_of_shares():
    def of(counts):
        return mean_interval([(hits / n, *wilson(hits, n)) for hits, n in counts])

    assert of([(3, 10)]) == pytest.approx((0.3, *wilson(3, 10)))
    nothing = of([(0, 15)] * 16)
    assert nothing == pytest.approx((0, 0, wilson(0, 15)[1] / 4))  # 16 alike: a quarter of one's width
    centre, low, high = of([(5, 10), (0, 1)])
    assert centre == 0.25
    assert centre - low == pytest.approx((0.5 - wilson(5, 10)[0]) / 2)  # the zero can be no lower
    assert high - centre == pytest.approx(math.hypot(wilson(5, 10)[1] - 0.5, wilson(0, 1)[1]) / 2)
    generator = np.random.default_rng(5)
    truth = generator.uniform(0.05, 0.6, 16)
    spans = [of([(int(hits), 15) for hits in generator.binomial(15, truth)]) for _ in range(400)]
    assert 0.93 <= np.mean([low <= truth.mean() <= high for _, low, high in spans]) <= 0.99
    with pytest.raises(ValueError, match="nothing"):
        mean_interval([])


@pytest.mark.parametrize("other", [{"code": "new"}, {"weights": "new"}, {"task": TaskInfo(2, {}, "binary")}])
def test_answers_of_another_model_file_weights_or_version_are_not_pooled(other):
    wrong, right = answered([False] * 4), answered([True] * 4, seed=1)
    assert [row.n for row in summaries([wrong, right])] == [8]
    changed = replace(right, header=msgspec.structs.replace(right.header, **other))
    assert sorted((row.n, row.exact) for row in summaries([wrong, changed])) == [(4, 0.0), (4, 1.0)]
    again = replace(changed, header=msgspec.structs.replace(changed.header, trial=wrong.header.trial))
    assert len(distinct([wrong, again])) == 2
