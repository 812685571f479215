"""Test that train and test share no question, for any seed, index and amount, and ids name instances."""

from __future__ import annotations

from itertools import product
from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vizbench as vb
from tests.dataset.test_splits import naive_side
from tests.support.contract import every_family, every_task
from vizbench import seeds
from vizbench.dataset.leakage import SHARE, is_test, make_candidates
from vizbench.dataset.mixture import mixture
from vizbench.dataset.splits import Dataset, generated_dataset
from vizbench.errors import UserError
from vizbench.harness.score.row_keys import RowKeys
from vizbench.task import registry
from vizbench.types import POOL, Batch

MANY = 2_000
"""Train rows that are compared with test rows, or all if there are fewer."""

# Train rows of slow tasks. If the filter kept every row, 30 rows would show it with probability 0.999.
SLOW = (
    "binairo/",
    "futoshiki/",
    "light-up/",
    "mosaic/",
    "numberlink/",
    "numbrix/",
    "polyomino-packing/",
    "rush-hour/",
    "shikaku/",
    "skyscrapers/",
    "slitherlink/",
    "star-battle/",
    "sudoku-variants/",
    "tents/",
)
FEW = {
    **dict.fromkeys(filter(lambda name: name.startswith(SLOW), vb.tasks()), 100),
    **dict.fromkeys(filter(lambda name: name.startswith("arc/"), vb.tasks()), 200),
    "sudoku/medium": 200,
    "hitori/hard": 200,
    "sudoku/hard": 100,
    "sudoku/minimal": 50,
    "rush-hour/6-cars": 60,
    "rush-hour/6-cars-solved": 60,
    "rush-hour/8-cars": 30,
    "binairo/8": 60,
    "light-up/8": 60,
    "chess/mate-in-1": 100,
    "chess/mate-in-2": 30,
    "chess/mate-in-3": 12,
}


def read_all(data: Dataset, split: str, most: int) -> Batch:
    """Return the first `most` rows of a split, or all if there are fewer."""
    rows = getattr(data, split)
    try:
        return rows.batch(0, most)
    except UserError as error:
        there = int(str(error).split(f" {split} row")[0].split()[-1].replace(",", ""))
        return rows.batch(0, there)


@every_task
def test_no_question_is_on_both_sides(name: str):
    spec = registry.spec(name)
    sides: dict[str, set[bytes]] = {"train": set(), "test": set()}
    for seed in (0, 1):
        train = FEW.get(name, MANY)
        counts = {"train": train, "test": max(2, min(64, train // 6))}
        data = generated_dataset(spec, seed, pool=counts["test"])
        for split, count in counts.items():
            batch = read_all(data, split, count)
            identity = spec.task.identity(spec.params, batch)
            assert is_test(identity).tolist() == [split == "test"] * len(batch)
            sides[split] |= {row.tobytes() for row in identity}
    assert len(sides["train"]) > len(sides["test"]) > 0
    assert not sides["train"] & sides["test"]


SMALL = (
    "eca/110?width=10",
    "eca/90?width=12&rows=3",
    "hanoi/3?steps=7",
    "langton/2?height=3&width=3",
    "life/conway?height=3&width=3",
    "maze/base?size=7",
)


@pytest.mark.parametrize("name", SMALL)
def test_small_spaces_are_divided_whole(name: str):
    """Without a pool, the two sides together are the whole space."""
    spec = registry.spec(name)
    data = generated_dataset(spec, 0, 0)
    rows = [read_all(data, split, 10_000) for split in ("train", "test")]
    identities = [{row.tobytes() for row in spec.task.identity(spec.params, batch)} for batch in rows]
    space = spec.task.space(spec.params)
    assert space is not None
    assert sum(map(len, identities)) == space.count
    assert len(identities[1]) / space.count == pytest.approx(1 / SHARE, abs=0.06)


@pytest.mark.parametrize("side", [2, 3, 4, 6, 8])
def test_mazes_are_counted_as_networkx_counts_trees(side: int):
    trees = networkx.number_of_spanning_trees(networkx.grid_2d_graph(side, side))
    space = registry.spec(f"maze/base?size={2 * side + 1}").task.space(
        registry.spec(f"maze/base?size={2 * side + 1}").params
    )
    assert space is not None and space.count == pytest.approx(trees, rel=1e-9)


def test_a_recoloured_puzzle_is_the_same_question():
    """Hanoi of 4 disks and more takes puzzles that differ in colours for one, so both are on one side."""
    spec = registry.spec("hanoi/4")
    batch = generated_dataset(spec, 0, 0).train.batch(0, 200)
    question = batch.question.copy()
    disks = (question >= 1) & (question <= 6)
    question[disks] = question[disks] % 6 + 1
    twins = Batch(question, batch.target)
    assert not np.array_equal(question, batch.question)
    assert not is_test(spec.task.identity(spec.params, twins)).any()
    three = registry.spec("hanoi/3")
    assert (
        three.task.identity(three.params, generated_dataset(three, 0, 0).train.batch(0, 1)).size > 100
    )  # all its cells


@every_family
def test_all_parameters_agree_on_the_side_of_a_question(name: str):
    """So mixtures of levels and variants have no question on both sides."""
    family = registry.families()[name]
    records = [*family.variants.values(), *family.levels]
    batches = [family.generate_batch(params, seeds.keys(3, 0, 6)) for params in records]
    for batch, own in zip(batches, records, strict=True):
        identity = family.identity(own, batch)
        for other, params in zip(batches, records, strict=True):
            if other.question.shape == batch.question.shape:
                assert np.array_equal(family.identity(params, batch), identity)


def test_diagrams_of_one_first_row_are_on_one_side():
    mixed = mixture([{"task": "eca", "levels": "0-3"}, "eca/90?width=12"], pool=500)
    sides = [{row.question[0].tobytes() for row in side.rows(0, 1500)} for side in (mixed.train, mixed.test)]
    assert not sides[0] & sides[1]
    assert sum(map(len, sides)) > 1500


def test_a_framed_maze_is_the_maze_in_the_frame():
    plain, framed = registry.spec("maze/small"), registry.spec("maze/generalization")
    key = seeds.keys(4, 0, 50)
    small, in_frame = (
        spec.task.identity(spec.params, make_candidates(spec, "train", key)) for spec in (plain, framed)
    )
    assert small.shape == (50, 13 * 13)
    assert np.array_equal(small, in_frame)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8))
def test_the_side_is_that_of_the_definition(questions: list[bytes]):
    for question in questions:
        rows = np.frombuffer(question, np.uint8)[None]
        assert is_test(rows).tolist() == [naive_side(question) == "test"]
        assert is_test(np.asfortranarray(np.repeat(rows, 2, axis=0))).tolist() == is_test(rows).tolist() * 2


@pytest.mark.parametrize("codes", [2, 5, 256])
def test_a_fifth_is_test_whatever_the_questions_are_like(codes: int):
    """Questions are 40,000 random ones, ones that differ in one cell, and the binary numbers."""
    rng = np.random.default_rng(3)
    random = rng.integers(0, codes, (40_000, 23), np.uint8)
    one_cell = np.zeros((40_000, 200), np.uint8)
    one_cell[np.arange(40_000), np.arange(40_000) % 200] = np.arange(40_000) // 200 + 1
    numbers = (np.arange(40_000)[:, None] >> np.arange(16) & 1).astype(np.uint8)
    for questions in (random, one_cell, numbers):
        share = is_test(questions).mean()
        assert abs(share - 1 / SHARE) < 5 * (0.2 * 0.8 / 40_000) ** 0.5  # five standard errors
    neighbours = is_test(numbers).reshape(-1, 2)
    assert abs((neighbours[:, 0] & neighbours[:, 1]).mean() - 1 / SHARE**2) < 0.01  # one bit decides nothing


@pytest.mark.parametrize(
    ("name", "pool", "split"),
    list(
        product(
            ["maze/9", "life/conway?steps=2", "hanoi/4-steps-3", "eca/110"], [POOL, 40], ["train", "test"]
        )
    ),
)
def test_an_id_names_its_instance(name: str, pool: int, split: str):
    data = vb.load(name, seed=3, pool=pool)
    row = getattr(data, split)[7]
    again = vb.instance(row.id)
    assert again.id == row.id and again.meta == row.meta
    assert np.array_equal(again.question, row.question) and np.array_equal(again.target, row.target)
    assert ("pool" in row.id) == (split == "test" and pool != POOL)


def test_an_id_names_the_row_of_an_episode():
    row = vb.load("arc/count?episode=2").test[0]
    assert np.array_equal(vb.instance(row.id).target, row.target)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "maze/9",
            "maze/9#0",
            "maze/9#0-train",
            "maze/9#0-dev-1",
            "maze/9#-1-train-1",
            "maze/9#0-train-1 ",
        ),
        *("#0-test-1", "maze/9#0-test-17-pool", "maze/9#٣-train-1", "maze/9#0-train-99999999999"),
        *(None, 17, b"maze/9#0-train-17"),
    ],
)
def test_what_is_no_id_is_refused(text: Any):
    with pytest.raises(UserError, match="is not an id of an instance: write TASK#SEED-SPLIT-INDEX"):
        vb.instance(text)


@pytest.mark.parametrize(
    "text", ["maze/10#0-train-1", "arc/count#0-test-9", "maze/9#9999999999999999999-train-0"]
)
def test_an_id_of_what_does_not_exist_is_refused(text: str):
    with pytest.raises(UserError):
        vb.instance(text)


def test_names_of_files_may_say_the_pool():
    spec = vb.load("maze/9", pool=40).test.spec
    keys = RowKeys(spec, 20)
    assert keys.row_of_id("maze/9#0-test-17-pool40") == 17
    assert keys.row_of_id("maze/9#0-test-17") is None
    assert [keys.own(name) for name in ("0-test-17", "0-test-17-pool40", "0-test-17-pool41", "17")] == [
        None,
        17,
        None,
        17,
    ]
