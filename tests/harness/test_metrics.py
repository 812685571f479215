"""Wilson intervals against published values and by their definition; shares from records alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizbench.formats.rows import Row
from vizbench.harness.metrics import Z95, mean, summaries, wilson
from vizbench.harness.plan import Cell
from vizbench.harness.records import CellRun, DataInfo, Header, Record, Session, TaskInfo


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, score method
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_values(hits, n, low, high):
    assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


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


def record(name, attempt=0, exact=False, valid=None, cells=0.5, undecodable=False):
    valid = exact if valid is None else valid
    return Record(name, attempt, valid, exact, cells, "", {}, None, undecodable, 0.25)


def cell_run(records, seed=0, model="copy", shots=16, attempts=1, names="abcd", seconds=2.0):
    cell = Cell("t/x", model, "none", shots, seed, len(names), attempts)
    header = Header(1, cell, TaskInfo(1, {}, "binary"), DataInfo("", shots, len(names)), None, None, "", {})
    questions = [Row(name, "t/x", seed, "test", i, [[0]], [[1]], [], {}) for i, name in enumerate(names)]
    return CellRun(Path("nowhere"), header, questions, [Session("", seconds, {}, {})], records, "")


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
    [row] = summaries([cell_run(records, attempts=2)])
    assert (row.n, row.asked, row.exact, row.valid, row.cells, row.undecodable) == (4, 4, 0.25, 0.5, 0.5, 0.25)
    assert (row.exact_any, row.valid_any) == (0.5, 0.5)
    assert (row.exact_low, row.exact_high) == wilson(1, 4)
    assert (row.seconds, row.predict_seconds) == (2.0, 0.25)


def test_seeds_are_pooled_and_budgets_are_not():
    one = cell_run([record("a", exact=True), record("b")], seed=0, names="ab", seconds=1.0)
    two = cell_run([record("a"), record("b")], seed=5, names="ab", seconds=3.0)
    other = cell_run([record("a")], shots=30, names="ab")
    rows = summaries([other, two, one])
    assert [(row.shots, row.seeds, row.n, row.asked, row.exact) for row in rows] == [
        (16, (0, 5), 4, 4, 0.25),
        (30, (0,), 1, 2, 0.0),
    ]
    assert rows[0].seconds == 2.0


def test_models_stand_before_baselines_and_empty_cells_give_no_row():
    runs = [cell_run([record("a")], model=name) for name in ("random", "copy", "mine")]
    rows = summaries([*runs, cell_run([], model="empty")])
    assert [row.model for row in rows] == ["mine", "copy", "random"]
