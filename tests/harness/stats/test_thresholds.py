"""Test the shots to reach a share: isotonic as in SciPy, straight over log n, never extrapolated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import optimize

from vizbench.harness.stats.thresholds import Span, first_reached, interval, isotonic, reached, span

SHARES = st.integers(0, 20).map(lambda k: k / 20)
CURVES = st.integers(1, 11).flatmap(
    lambda n: st.tuples(
        st.lists(SHARES, min_size=n, max_size=n),
        st.lists(st.integers(1, 200), min_size=n, max_size=n),
        st.lists(st.integers(1, 5000), min_size=n, max_size=n, unique=True).map(sorted),
    )
)


def at(shots, shares, weights=None, target=0.9):
    low, high = reached(
        shots, np.array([shares], float), np.array(weights or [200.0] * len(shares), float), target
    )
    return float(low[0]), float(high[0])


@given(CURVES)
def test_isotonic_is_scipys(curve):
    shares, weights, _ = curve
    expected = optimize.isotonic_regression(shares, weights=weights).x
    ours = isotonic(np.array([shares, shares[::-1]]), np.array(weights, float))
    assert ours[0] == pytest.approx(expected, abs=1e-12)
    assert ours[1] == pytest.approx(optimize.isotonic_regression(shares[::-1], weights=weights).x, abs=1e-12)


@given(CURVES, SHARES.filter(bool))
def test_reached_is_a_walk_along_scipys_curve(curve, target):
    shares, weights, shots = curve
    expected = optimize.isotonic_regression(shares, weights=weights).x
    reach = [k for k, share in enumerate(expected) if share >= target - 1e-9]
    if not reach:
        bounds = (shots[-1], math.inf)
    elif reach[0] == 0:
        bounds = (0, shots[0])
    else:
        k = reach[0]
        n = math.exp(np.interp(target, expected[k - 1 : k + 1], np.log(shots[k - 1 : k + 1])))
        bounds = (n, n)
    assert at(shots, shares, weights, target) == pytest.approx(bounds, rel=1e-9)


def test_from_no_shots_the_curve_is_straight_over_shots():
    assert at([0, 10], [0.4, 1.0], target=0.7) == pytest.approx((5, 5))
    assert at([0, 10, 1000], [0.0, 0.0, 1.0], target=0.5) == pytest.approx((100, 100))
    assert at([0, 10], [0.95, 1.0]) == (0, 0)
    assert at([0, 10], [0.1, 0.2]) == (10, math.inf)
    assert span(0, 0) == Span(0.0, 0.0) and span(0, 0).text() == "0"
    assert span(0, 10) == Span(None, 10)


@given(CURVES)
@example(([0.0, 0.05], [1, 1], [1729, 2014]))  # 1729 * (2014 / 1729) is over 2014
def test_it_never_leaves_what_was_measured_and_a_higher_target_needs_no_fewer(curve):
    shares, weights, shots = curve
    by_target = [at(shots, shares, weights, target / 20) for target in range(1, 21)]
    for low, high in by_target:
        assert low == high or (low, high) in [(0, shots[0]), (shots[-1], math.inf)]
        assert low == 0 or shots[0] <= low <= shots[-1]
    assert by_target == sorted(by_target)


@pytest.mark.parametrize(
    ("shares", "bounds"),
    [
        (
            [0.0, 0.8, 1.0],
            (math.sqrt(30 * 300),) * 2,
        ),  # half way from .8 to 1, so half way from log 30 to log 300
        ([0.9, 0.95, 1.0], (0, 3)),
        ([0.0, 0.5, 0.89], (300, math.inf)),
        ([0.0, 0.9, 0.9], (30, 30)),
        ([0.0, 0.95, 0.85], (30, 30)),  # the two are pooled to .9
        ([0.0, 0.95, 0.84], (300, math.inf)),  # pooled below .9, though 30 shots once gave more
    ],
)
def test_by_hand(shares, bounds):
    assert at([3, 30, 300], shares) == pytest.approx(bounds)


def test_the_papers_convention_takes_the_first_measured_shots():
    assert first_reached([3, 30, 300], [0.2, 0.95, 0.8]) == 30
    assert first_reached([3, 30, 300], [0.2, 180 / 200, 0.95]) == 30
    assert first_reached([3, 30, 300], [None, 0.899, None]) is None
    assert first_reached([], []) is None


def test_open_ends_are_kept_in_intervals():
    ends = np.array([0.0] * 5 + [20.0] * 95), np.array([3.0] * 5 + [20.0] * 95)
    assert interval(*ends) == Span(None, 20.0)
    assert interval(np.array([20.0] * 95 + [50.0] * 5), np.array([20.0] * 95 + [np.inf] * 5)) == Span(
        20.0, None
    )
    assert interval(np.array([20.0] * 99 + [50.0]), np.array([20.0] * 99 + [np.inf])) == Span(20.0, 20.0)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (26.94, 26.94, "26.9"),
        (232.8, 232.8, "233"),
        (0, 3, "≤ 3"),
        (5000, math.inf, "> 5,000"),
        (18.2, 1240, "18.2 to 1,240"),
        (0, math.inf, "any"),
        (0.0123, 0.0123, "0.0123"),
    ],
)
def test_spans_as_text(low, high, text):
    assert span(low, high).text() == text
    assert span(low, high).point == (low if low == high else None)
