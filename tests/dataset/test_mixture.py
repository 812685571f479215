"""Test that a mixture has its proportions, in one order, and the rows of its tasks."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vizbench as vb
from vizbench.dataset.mixture import MAX_WEIGHT, is_mixture, mixture

NAME = "mixture:eca/110=2,life/conway=3,langton/2=1"
MIXED = mixture("eca/110=4,life=6,langton/2=2", seed=5)


def test_a_mixture_has_one_name():
    assert MIXED.name == NAME
    assert is_mixture(NAME) and not is_mixture("life/conway")
    same: tuple[Any, ...] = (
        NAME,
        {"eca/110": 2, "life": 3, "langton": 1},
        ["eca/110=2", ("life/conway", 3), "langton"],
        [{"task": "eca", "weight": 2}, {"task": "life", "weight": 3}, {"task": "langton/2"}],
    )
    for tasks in same:
        again = mixture(tasks, seed=5)
        assert again.name == NAME
        assert [row.id for row in again.train.head(30)] == [row.id for row in MIXED.train.head(30)]


def test_levels_are_tasks_of_their_own():
    mixed = mixture([{"task": "life", "levels": "2-4", "weight": 2}, {"task": "life", "level": 9}])
    assert mixed.name == "mixture:life/level2=2,life/level3=2,life/level4=2,life/level9=1"


def test_every_block_has_the_proportions():
    for split in (MIXED.train, MIXED.test):
        rows = split.head(60)
        for start in range(0, 60, 6):
            families = Counter(row.task for row in rows[start : start + 6])
            assert families == {"eca/110": 2, "life/conway": 3, "langton/2": 1}
        assert len({tuple(row.task for row in rows[start : start + 6]) for start in range(0, 60, 6)}) > 3


def test_rows_are_those_of_their_tasks():
    for row in (*MIXED.train.head(40), *MIXED.test.head(40)):
        again = vb.instance(row.id)
        assert (again.question == row.question).all()
        assert vb.verify(row, row.target).valid
        assert json.dumps(dict(again.meta)) == json.dumps(dict(row.meta))
    for data in MIXED.tasks:
        mine = [row.index for row in MIXED.train.head(60) if row.task == data.name]
        assert mine == list(range(len(mine)))


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 100), n=st.integers(0, 30))
def test_any_range_of_rows_is_a_part_of_the_whole(start: int, n: int):
    whole = [row.id for row in MIXED.train.head(130)]
    part = MIXED.train.rows(start, n)
    assert len(part) == n
    assert [row.id for row in part] == whole[start : start + n]


@settings(max_examples=30, deadline=None)
@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=4), index=st.integers(0, 10**7))
def test_a_row_is_found_without_those_before_it(weights: list[int], index: int):
    items = ["eca/110=1", *(f"life/level{level}={weight}" for level, weight in enumerate(weights))]
    blocks = Counter[str]()
    spec, number = mixture(items).train.place(index)
    for item in items:
        task, _, weight = item.partition("=")
        blocks[task] = int(weight)
    block, weight = index // blocks.total(), blocks[spec.task]
    assert block * weight <= number < (block + 1) * weight


def test_no_test_question_of_one_task_is_a_train_question_of_another():
    mixed = mixture("sudoku/mini,sudoku/mini-easy,sudoku/mini-medium", pool=50)
    train, test = ({row.question.tobytes() for row in split.head(300)} for split in (mixed.train, mixed.test))
    assert not train & test


def test_seeds_and_sides_have_orders_of_their_own():
    orders = [
        [row.task for row in split.head(60)]
        for split in (MIXED.train, MIXED.test, mixture(NAME, seed=6).train)
    ]
    assert len({tuple(order) for order in orders}) == 3


def test_rows_can_be_sent_to_another_process():
    rows = MIXED.train.rows(7, 20)
    assert [row.id for row in pickle.loads(pickle.dumps(rows))] == [row.id for row in rows]


def test_a_mixture_comes_from_a_file(tmp_path: Path):
    path = tmp_path / "mixture.toml"
    path.write_text('[[task]]\ntask = "eca/110"\nweight = 2\n[[task]]\ntask = "life"\nlevels = "0-1"\n')
    assert mixture(path).name == "mixture:eca/110=2,life/level0=1,life/level1=1"
    for text, reason in (
        ("[[task]", "not TOML"),
        ("task = 3", "not a mixture"),
        ('[[task]]\ntask = "life"\n[more]\n', "not a mixture"),
        ('[[task]]\ntask = "life"\nlevel = 1\nlevels = "0-1"\n', "at most one"),
        ("[[task]]\nweight = 1\n", "give `task`"),
    ):
        path.write_text(text)
        with pytest.raises(vb.UserError, match=reason):
            mixture(path)
    with pytest.raises(vb.UserError):
        mixture(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ("life", "at least two"),
        ("", "is not the name"),
        ("life=0,eca", "weight '0'"),
        ("life=-1,eca", "weight '-1'"),
        ("life=1.5,eca", "weight '1.5'"),
        (f"life={MAX_WEIGHT + 1},eca", "not in 1"),
        (f"life={MAX_WEIGHT},eca", "sum to"),
        ("life,life/conway", "one task"),
        ("life/level1,life", "one task"),
        ("arc/center,life", "episode"),
        ("arc-json:x.json,life", "in a file"),
        ("lief,eca", "did you mean"),
        ([3, "life"], "'3' is not a task"),
        (3, "not of int"),
        ([("life", True), "eca"], "weight 'True'"),
        ([{"task": "life", "levl": 2}, "eca"], "keys of a task"),
        ([{"task": "life", "levels": "4-2"}, "eca"], "neither a level nor a range"),
        ([{"task": "life", "level": 12}, "eca"], "neither a level nor a range"),
        ([f"life?steps={steps}" for steps in range(1, 258)], "over 256"),
    ],
)
def test_what_is_no_mixture_is_refused(tasks: Any, reason: str):
    with pytest.raises(vb.UserError, match=reason):
        mixture(tasks)


def test_parameters_come_before_the_weight():
    assert mixture("life?steps=2=3,eca").name == "mixture:life/conway?steps=2=3,eca/110=1"
    assert mixture("life?steps=2,eca").name == "mixture:life/conway?steps=2=1,eca/110=1"


def test_a_mixture_is_no_array():
    with pytest.raises(vb.UserError, match="fit no array"):
        MIXED.train.batch(0, 3)
    with pytest.raises(vb.UserError, match="positions count"):
        MIXED.train.rows(-1, 2)


@settings(max_examples=60, deadline=None)
@given(index=st.integers(0, 10**6))
def test_a_rows_place_is_found_by_its_task_and_number(index: int):
    spec, number = MIXED.train.place(index)
    assert MIXED.train.position(spec.task, number) == index
    assert MIXED.train.position("maze/9", number) is None


def test_places_are_those_of_the_rows():
    rows = MIXED.test.head(40)
    places = [(spec.task, number) for spec, number in MIXED.test.places(7, 30)]
    assert places == [(row.task, row.index) for row in rows[7:37]]


def test_a_mixture_is_not_loaded_as_one_task():
    for call in (
        lambda: vb.load(NAME),
        lambda: vb.verifier_of(NAME),
        lambda: vb.instance(f"{NAME}#0-train-1"),
    ):
        with pytest.raises(vb.UserError, match=r"is a mixture and not one task: call vizbench\.mixture"):
            call()
