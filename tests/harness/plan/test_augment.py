"""Test variants of demonstrations: whole pairs, bounded, seeded, and never made of a test input."""

from __future__ import annotations

import json
import sys
from itertools import permutations as orders
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.support.stubs import FILE
from vizbench.errors import UserError
from vizbench.harness.plan.augment import KINDS, MAX_EXAMPLES, RECOLOURED, augmented, permutations, turned
from vizbench.harness.plan.options import read_config
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs
from vizbench.harness.run.run import run
from vizbench.harness.stats.metrics import kind, summaries
from vizbench.types import Grid, Instance

GRIDS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 9))
PAIRS = st.lists(st.tuples(GRIDS, GRIDS), min_size=1, max_size=3)
CHOSEN = st.sets(st.sampled_from(KINDS), min_size=1)


def row(question: Grid, target: Grid) -> Instance:
    return Instance("arc-json:x", None, 0, "train", 0, question, target, target[None])


def plain(rows: list[Instance]) -> list[tuple[str, str]]:
    return [(str(one.question.tolist()), str(one.target.tolist())) for one in rows]


def naive_symmetries(grid: Grid) -> list[list[list[int]]]:
    """Return the grid read from every corner, by rows and by columns."""
    h, w = grid.shape
    readings: list[list[list[int]]] = []
    for ys in (range(h), range(h - 1, -1, -1)):
        for xs in (range(w), range(w - 1, -1, -1)):
            readings.append([[int(grid[y, x]) for x in xs] for y in ys])
            readings.append([[int(grid[y, x]) for y in ys] for x in xs])
    return readings


@given(GRIDS)
def test_the_symmetries_are_the_orders_to_read_a_grid(grid: Grid) -> None:
    mine = [turned(grid, turn).tolist() for turn in range(8)]
    assert mine[0] == grid.tolist()
    assert sorted(map(str, mine)) == sorted(map(str, naive_symmetries(grid)))


@given(PAIRS, CHOSEN, st.integers(0, 2**63 - 1))
def test_every_variant_is_one_symmetry_and_one_recolouring_of_a_whole_pair(
    pairs: list[tuple[Grid, Grid]], chosen: set[str], seed: int
) -> None:
    rows = [row(*pair) for pair in pairs]
    shown = augmented(rows, sorted(chosen), seed)
    assert plain(shown[: len(rows)]) == plain(rows)
    extra = plain(shown[len(rows) :])
    assert len(set(extra)) == len(extra) and not set(extra) & set(plain(rows))
    palettes = permutations(seed) if "colours" in chosen else [np.arange(10, dtype=np.uint8)]
    turns = 8 if "symmetries" in chosen else 1
    expected: set[tuple[str, str]] = set()
    for (question, target), palette, turn in product(pairs, palettes, range(turns)):
        variant = [palette[turned(grid, turn)].tolist() for grid in (question, target)]
        expected.add((str(variant[0]), str(variant[1])))
    assert set(plain(shown)) == expected
    assert len(shown) <= len(rows) * turns * len(palettes)


@given(st.integers(0, 2**63 - 1))
def test_palettes_permute_the_colours_and_leave_black(seed: int) -> None:
    palettes = permutations(seed)
    assert len(palettes) == RECOLOURED
    assert palettes[0].tolist() == list(range(10))
    for palette in palettes:
        assert palette[0] == 0 and sorted(palette.tolist()) == list(range(10))


def test_palettes_are_drawn_evenly_and_by_the_seed() -> None:
    assert [p.tolist() for p in permutations(7)] == [p.tolist() for p in permutations(7)]
    every = [tuple(p.tolist()) for seed in range(300) for p in permutations(seed)[1:]]
    assert len(every) - len(set(every)) < 20  # of 9! = 362,880 about 6 coincide by chance
    places = np.array(every)[:, 1:]
    counts = np.array([(places == colour).sum(0) for colour in range(1, 10)])
    assert abs(counts / len(every) - 1 / 9).max() < 0.03  # a standard deviation is .007
    first = {tuple(np.argsort(p[1:4]).tolist()) for p in every}
    assert first == set(orders(range(3)))


def test_what_is_shown_is_bounded_and_starts_with_every_demonstration() -> None:
    rows = [
        row(np.array([[a, b, c]], np.uint8), np.array([[d]], np.uint8))
        for a, b, c, d in np.ndindex(6, 6, 6, 6)
    ]
    shown = augmented(rows, KINDS, 0)
    assert len(shown) == MAX_EXAMPLES
    assert plain(shown[: len(rows)]) == plain(rows)
    many = rows * 5
    assert len(augmented(many, KINDS, 0)) == len(many) > MAX_EXAMPLES  # a plan may give more itself


def test_without_a_kind_nothing_is_added() -> None:
    rows = [row(np.array([[1, 2]], np.uint8), np.array([[3]], np.uint8))]
    assert plain(augmented(rows, (), 0)) == plain(rows)


PAIR = {"input": [[1, 2, 0]], "output": [[2], [1]]}


@pytest.fixture
def task(tmp_path: Path) -> str:
    (tmp_path / "a.json").write_text(json.dumps({"train": [PAIR], "test": [PAIR]}))
    return f"arc-json:{tmp_path}/a.json"


def plan(task: str, augment: tuple[str, ...], checkpoint: str = "grid") -> Plan:
    return Plan(models=(f"{FILE}:Spy",), checkpoint=checkpoint, tasks=(task,), augment=augment)


def shown_and_asked(plan: Plan, out: Path) -> tuple[list[Any], list[Any]]:
    """Return the examples that the model was shown, and the questions that it was asked."""
    run(plan, out)
    spy = sys.modules["vizbench_model_stubs"].Spy  # a run loads the file again
    return spy.shown, [question for questions in spy.seen for question in questions]


def test_a_model_is_shown_variants_and_asked_the_test_as_it_is(task: str, tmp_path: Path) -> None:
    shown, asked = shown_and_asked(plan(task, ("symmetries",)), tmp_path / "r")
    grids = [(one.question.tolist(), one.target.tolist()) for one in shown]
    assert len(grids) == 8 and grids[0] == (PAIR["input"], PAIR["output"])
    assert ([[1], [2], [0]], [[2, 1]]) in grids  # the transposed pair
    assert [question.shape for question in asked] == [(1, 3)]
    assert len(shown_and_asked(plan(task, ()), tmp_path / "s")[0]) == 1


def test_frames_fit_turned_examples(task: str, tmp_path: Path) -> None:
    shown, asked = shown_and_asked(plan(task, ("symmetries",), checkpoint="frames"), tmp_path / "r")
    assert {one.question.shape for one in shown} == {(6, 6, 3)}  # boards of 3x3 cells of 2 pixels
    assert {question.shape for question in asked} == {(6, 6, 3)}


def test_it_is_part_of_the_trial_and_of_what_the_model_is_called(task: str, tmp_path: Path) -> None:
    run(plan(task, ("colours", "symmetries")), tmp_path / "r")
    run(plan(task, ()), tmp_path / "s")
    trials = {
        one.header.trial.augment: one
        for one in read_runs([tmp_path])
        if one.header.trial.model.endswith("Spy")
    }
    assert trials.keys() == {"symmetries,colours", None}
    assert len({kind(one)[0] for one in trials.values()}) == 2
    assert trials[None].header.data == trials["symmetries,colours"].header.data  # the same demonstrations
    words = {row.training for row in summaries(list(trials.values()))}
    assert words == {"the model's own", "the model's own, with symmetries and colours"}
    with pytest.raises(UserError, match="augment was None, is colours"):
        run(plan(task, ("colours",)), tmp_path / "s")
    baselines = [trial for trial in plan(task, KINDS).trials() if not trial.model.endswith("Spy")]
    assert {trial.augment for trial in baselines} == {None}
    old = msgspec.json.encode(
        {k: v for k, v in msgspec.structs.asdict(baselines[0]).items() if k != "augment"}
    )
    assert msgspec.json.decode(old, type=type(baselines[0])) == baselines[0]  # runs of before lack it


def test_other_tasks_and_other_words_are_refused(task: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="augment is for ARC tasks only"):
        Plan(tasks=("life", task), augment=("colours",)).trials()
    with pytest.raises(UserError, match="unknown augmentation 'colors': did you mean colours"):
        Plan(tasks=(task,), augment=("colors",))
    (tmp_path / "p.toml").write_text('augment = ["colours", "symmetries"]')
    assert read_config(tmp_path / "p.toml") == {"augment": "colours,symmetries"}
    (tmp_path / "p.toml").write_text('augment = "colours"')
    assert read_config(tmp_path / "p.toml") == {"augment": "colours"}
