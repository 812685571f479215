"""Test baselines in comparisons: who is compared with whom, and what their rows say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from tests.support.made_results import answered, share
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records.records import TrialResult
from vizbench.harness.report import tables
from vizbench.harness.stats import arc, compare
from vizbench.harness.stats.model_key import ModelKey, pairs, rank
from vizbench.harness.stats.thresholds import Span

SHARES = {
    "mine": (0.1, 0.5, 0.95), "other": (0.2, 0.4, 1.0), "copy": (0.0, 0.0, 0.0),
    "blank": (0.05, 0.05, 0.05), "majority": (0.0, 0.1, 0.1), "random": (0.0, 0.0, 0.0),
    "nearest": (0.1, 0.2, 0.4), "solver": (1.0, 1.0, 1.0),
}  # fmt: skip


def curve(model: str, *shares: float, seed: int = 0) -> list[TrialResult]:
    return [answered(share(s), model, n, seed) for n, s in zip((3, 30, 300), shares, strict=True)]


@pytest.fixture(scope="module")
def runs() -> list[TrialResult]:
    return [run for model, shares in reversed(SHARES.items()) for run in curve(model, *shares)]


def test_a_model_stands_first_and_baselines_are_not_compared_with_each_other() -> None:
    models = [ModelKey(name, "none", "none") for name in (*TRIVIAL, "zeta", "alpha")]
    names = [(a.name, b.name) for a, b in pairs(models)]
    assert names[0] == ("alpha", "zeta")
    assert names[1:] == [(a, b) for a in ("alpha", "zeta") for b in TRIVIAL]
    assert pairs(models[: len(TRIVIAL)]) == []
    assert [rank(name) for name in ("mine", *TRIVIAL)] == list(range(len(TRIVIAL) + 1))


def test_every_baseline_has_shots_needed_or_none(runs: Sequence[TrialResult]) -> None:
    rows = compare.shots_needed(runs)
    assert [row.model.name for row in rows] == ["mine", "other", *TRIVIAL]
    texts = {row.model.name: (row.first, row.text(), row.interval.text()) for row in rows}
    assert texts["solver"] == (3, "≤ 3", "≤ 3")
    assert {texts[name] for name in TRIVIAL if name != "solver"} == {(None, "not reached", "> 300")}
    assert texts["mine"][0] == 300
    [never] = compare.shots_needed(curve("mine", 0.0, 0.1, 0.2))
    assert never.text() == "> 300"  # a model may get there with more


def test_every_model_is_paired_with_every_baseline_on_the_same_questions(runs: Sequence[TrialResult]) -> None:
    rows = compare.differences(runs)
    compared = [(row.shots, row.a.name, row.b.name) for row in rows]
    assert compared[:3] == [(3, "mine", "other"), (30, "mine", "other"), (300, "mine", "other")]
    assert compared[3:] == list(product((3, 30, 300), ("mine", "other"), TRIVIAL))
    for row in rows:
        assert row.n == 200
        assert row.a_share - row.b_share == row.difference
    by_pair = {(row.shots, row.a.name, row.b.name): row for row in rows}
    ahead, below = by_pair[300, "mine", "nearest"], by_pair[300, "mine", "solver"]
    assert ahead.low > 0.4
    assert ahead.high - ahead.low < 2 * 1.96 * np.sqrt(
        0.05 * 0.95 / 200 + 0.4 * 0.6 / 200
    )  # paired: they share .4
    assert below.high < 0


def test_a_pair_counts_the_questions_that_both_answered_in_the_seeds_that_both_have() -> None:
    mine = [answered([True] * 6 + [None] * 4, seed=seed) for seed in (0, 1)]
    [row] = compare.differences([*mine, answered([None] * 4 + [False] * 6, "copy", seed=1)])
    assert (row.n, row.seeds, row.difference) == (2, (1,), 1.0)
    assert compare.differences([*mine, answered([True] * 6, "copy", seed=2)]) == []


def test_ratios_are_of_models_and_the_baselines_that_learn(runs: Sequence[TrialResult]) -> None:
    rows = compare.ratios(runs)
    assert [(row.a.name, row.b.name) for row in rows] == [
        ("mine", "other"), ("mine", "majority"), ("mine", "nearest"),
        ("other", "majority"), ("other", "nearest"),
    ]  # fmt: skip
    for row in rows[1:]:
        assert row.at.high is None
        assert row.at.low is not None
        assert row.at.low > 1
        assert row.text() == f"{row.at.text()} (B not reached)"
    [turned] = compare.ratios([*curve("mine", 0.0, 0.1, 0.2), *curve("other", *SHARES["other"])])
    assert turned.text() == f"{turned.at.text()} (A not reached)"
    [reached] = compare.ratios([*curve("mine", *SHARES["mine"]), *curve("nearest", *SHARES["other"])])
    assert reached.text() == reached.at.text()


def test_seeds_of_what_learns_nothing_are_no_clusters_of_the_shots_needed() -> None:
    """The seeds of an untrained baseline form one curve: .8 and 1 with 200 each are .9 with 400."""

    def two(model: str) -> list[TrialResult]:
        return [run for seed, s in ((0, 0.8), (1, 1.0)) for run in curve(model, 0.0, s, s, seed=seed)]

    [random], [nearest] = compare.shots_needed(two("random")), compare.shots_needed(two("nearest"))
    assert (random.at, random.seeds) == (nearest.at, nearest.seeds)
    assert random.interval.low is not None and random.interval.low > 25
    assert nearest.interval.low is None or nearest.interval.low < random.interval.low


def test_baselines_on_files_are_in_the_overlap_and_not_file_by_file() -> None:
    files = [f"arc-json:c/arc/{k}.json" for k in range(5)]
    runs = [
        answered([k < solved], model, None, task=file)
        for model, solved in (("mine", 3), ("other", 2), ("nearest", 1))
        for k, file in enumerate(files)
    ]
    assert {(row.a.name, row.b.name) for row in compare.differences(runs)} == {("mine", "other")}
    rows = arc.overlaps(runs)
    assert [(r.a.name, r.b.name, r.only_a, r.both, r.only_b) for r in rows] == [
        ("mine", "other", 1, 2, 0), ("mine", "nearest", 2, 1, 0), ("other", "nearest", 1, 1, 0),
    ]  # fmt: skip


def test_the_tables_of_the_page_mark_the_rows_of_baselines(runs: Sequence[TrialResult]) -> None:
    by_table = {
        "shots_needed": tables.shots_needed(compare.shots_needed(runs)),
        "ratios": tables.ratios(compare.ratios(runs)),
        "differences": tables.differences(compare.differences(runs)),
    }  # fmt: skip
    for table in by_table.values():
        rows = table["rows"]
        marks = [row["trivial"] for row in rows]
        assert marks == sorted(marks)  # models first
        assert [(row.get("b") or row["model"]) in TRIVIAL for row in rows] == marks
    assert [row["at"] for row in by_table["shots_needed"]["rows"] if row["model"] == "solver"] == [
        [3.0, "≤ 3"]
    ]


def test_without_a_model_baselines_have_shots_needed() -> None:
    runs = [run for name in TRIVIAL for run in curve(name, *SHARES[name])]
    assert [row.model.name for row in compare.shots_needed(runs)] == list(TRIVIAL)
    assert compare.differences(runs) == compare.ratios(runs) == []
    assert compare.shots_needed(curve("copy", 0.95, 0.95, 0.95))[0].at == Span(None, 3.0)
