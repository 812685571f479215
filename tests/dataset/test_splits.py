"""Test splits against a slow twin that takes candidates one by one, and in every order of requests."""

from __future__ import annotations

import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import toy_task
from vizbench import loading
from vizbench.dataset import leakage
from vizbench.dataset.seen import SeenDigests
from vizbench.dataset.splits import MAX_POOL, MAX_ROWS, Dataset, Split, StoredSplit, generated_dataset
from vizbench.errors import UserError
from vizbench.formats.rows import encode
from vizbench.kernels.pairwise_distance import distances, far_enough
from vizbench.kernels.unseen_rows import PARTS, add_unseen, row_digests
from vizbench.seeds import instance_stream, keys, keys_at, splitmix64
from vizbench.task.registry import TaskSpec, params_json
from vizbench.types import Instance


def toy(space: int, seed: int = 0, pool: int = 5000) -> Dataset:
    params = toy_task.Params(space=space)
    return generated_dataset(TaskSpec(f"toy/small?space={space}", toy_task.TOY, params), seed, pool)


def naive(space: int, seed: int, split: str, dry: int, pool: list[bytes]) -> list[tuple[int, bytes]]:
    """Yield every accepted candidate with its question, one by one.

    Ends after `dry` candidates in a row bring none; in test, after 5 `dry`.
    """
    params, patience = toy_task.Params(space=space), dry * (5 if split == "test" else 1)
    origin = instance_stream("toy", 1, params_json(params), seed, split)
    seen: set[bytes] = set()
    rows: list[tuple[int, bytes]] = []
    number, last = 0, -1
    questions: list[bytes] = []
    while number - last <= patience:
        if number == len(questions):
            batch = toy_task.TOY.generate_batch(params, keys(origin, number, 256))
            questions += [question.tobytes() for question in batch.question]
        question = questions[number]
        far = all(sum(a != b for a, b in zip(question, other, strict=True)) / 8 >= 0.25 for other in pool)
        if naive_side(question) == split and question not in seen and far:
            rows.append((number, question))
            last = number
        seen.add(question)
        number += 1
    return rows


def naive_side(question: bytes) -> str:
    """Return the side of a question by its definition: the 64-bit words of its bytes, mixed one by one."""
    state = len(question)
    for start in range(0, len(question), 8):
        word = int.from_bytes(question[start : start + 8], "big")
        state = (state ^ word) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ (state >> 29)) * 0x94D049BB133111EB % 2**64
        state ^= state >> 32
    salted = np.array([max(state, 1) ^ 0x7465737420736964], np.uint64)
    return "test" if int(splitmix64(salted)[0]) < 2**64 // 5 else "train"


def lines(rows: object) -> list[bytes]:
    assert isinstance(rows, tuple)
    return [encode(row, True) for row in rows]


@settings(max_examples=40)  # each ends in several dry runs
@given(
    space=st.integers(1, 200),
    seed=st.integers(0, 2**63 - 1),
    pool=st.integers(0, 40),
    dry=st.integers(1, 90),
    block=st.integers(1, 100),
)
def test_rows_are_those_of_the_slow_twin(space: int, seed: int, pool: int, dry: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "DRY", dry)
        patch.setattr(leakage, "_BLOCK_CANDIDATES", block)
        data = toy(space, seed, pool)
        train = naive(space, seed, "train", dry, [])
        near = [question for _, question in train[:pool]]
        for split, expected in ((data.test, naive(space, seed, "test", dry, near)), (data.train, train)):
            actual = split.head(len(expected))
            assert [(row.meta["candidate"], row.question.tobytes()) for row in actual] == expected
            with pytest.raises(UserError, match=rf"has {len(expected)} (train|test) rows?"):
                split.head(len(expected) + 1)
            assert lines(split.head(len(expected))) == lines(actual)  # the error changed nothing


def test_any_order_of_requests_gives_the_same_rows() -> None:
    rows = toy(256).train.head(40)
    assert [row.index for row in rows] == list(range(40))
    assert lines(toy(256).train.head(3)) == lines(rows[:3])
    split = toy(256).train
    assert lines(tuple(split[i] for i in reversed(range(40)))) == lines(rows[::-1])
    assert lines(tuple(islice(toy(256).train, 40))) == lines(rows)
    for start, n in ((0, 40), (39, 1), (7, 20)):
        for fresh in (toy(256).train, split):  # both right after the block was made and out of an old one
            batch = fresh.batch(start, n)
            assert np.array_equal(batch.question, [row.question for row in rows[start : start + n]])
            assert np.array_equal(batch.target, [row.target for row in rows[start : start + n]])
            assert batch.facts["number"].tolist() == [row.meta["number"] for row in rows[start : start + n]]


def test_rows_may_be_made_elsewhere() -> None:
    split = toy(256, pool=3).test
    there = pickle.loads(pickle.dumps(split.rows(2, 3)))
    assert lines(tuple(there)) == lines(split.head(5)[2:])
    assert len(there) == 3


def test_threads_see_the_same_rows() -> None:
    split = toy(256, pool=3).test
    with ThreadPoolExecutor(8) as pool:
        actual = list(pool.map(lambda i: encode(split[i % 20], True), range(80)))
    assert actual == lines(toy(256, pool=3).test.head(20)) * 4


def test_an_instance_says_what_it_is() -> None:
    row = toy(256, seed=7, pool=3).test[4]
    assert row.id == "toy/small?space=256#7-test-4-pool3"
    assert set(row.meta) == {"number", "odd", "candidate", "difficulty"}
    assert type(row.meta["number"]) is int and type(row.meta["odd"]) is bool  # plain, so that JSON takes it
    assert np.array_equal(row.steps[-1], row.target)
    mean = float(row.question.mean())
    assert row.meta["difficulty"] == {"score": mean, "effort": mean}


def test_seeds_and_splits_share_no_stream() -> None:
    origins = {
        instance_stream("toy", version, {"space": space}, seed, split)
        for version, space, seed, split in product((1, 2), (1, 2), (0, 1), ("train", "test"))
    }
    assert len(origins) == 16
    numbers = np.array([3, 0, 12_345_678, 3], np.int64)
    for origin in (5, 2**64 - 3):
        assert keys_at(origin, numbers).tolist() == [int(keys(origin, int(n), 1)[0]) for n in numbers]


def test_a_space_that_is_used_up_says_how_many_there_are() -> None:
    data = toy(16)
    assert len({row.question.tobytes() for row in data.train.head(11)}) == 11
    with pytest.raises(UserError, match=r"has 11 train rows, fewer than were asked for.*ask for at most 11"):
        data.train.head(12)
    with pytest.raises(UserError, match=r"0 test rows, fewer than.*from the 11 questions.*pool below 11, or"):
        data.test.head(1)  # all of them are near to the train pool
    assert len(toy(16, pool=0).test.head(5)) == 5
    with pytest.raises(UserError, match=r"has 5 test rows, fewer than were asked for.*ask for at most 5"):
        toy(16, pool=0).test.head(6)
    with pytest.raises(UserError, match="11 train rows"):
        list(toy(16).train)


def test_life_does_not_leak() -> None:
    data = loading.load("life/conway", pool=500)
    train, test = (
        data.train.batch(0, 501).question.reshape(501, -1),
        data.test.batch(0, 60).question.reshape(60, -1),
    )
    assert distances(test, train[:500], False).min() >= 0.25
    assert distances(test, train[500:], False).min() < 0.45  # the measure is no constant
    other = loading.load("life/conway", seed=1).train.batch(0, 500).question.reshape(500, -1)
    assert not {row.tobytes() for row in other} & {row.tobytes() for row in train}


@pytest.mark.parametrize("name", ["life/conway", "life/seeds"])
def test_the_papers_request_is_fulfilled(name: str) -> None:
    """200 test questions at 0.25 from 5000 train questions: of `seeds` too, however alike its answers are."""
    data = loading.load(name)
    train, test = (
        data.train.batch(0, 5000).question.reshape(5000, -1),
        data.test.batch(0, 200).question.reshape(200, -1),
    )
    assert data.pool == 5000
    assert distances(test, train, False).min() >= 0.25
    assert len({row.tobytes() for row in test}) == 200


def test_a_request_that_cannot_be_fulfilled_says_how_many_there_are_and_what_share_passes() -> None:
    data = loading.load("life/seeds?height=4&width=4", pool=1500)
    with pytest.raises(UserError) as caught:
        data.test.head(200)
    actual = re.match(
        r"(\S+) has (\d+) test rows, fewer than were asked for: the last 327,680 of ([\d,]+) "
        r"candidates brought no new one, and ([\d.]+)% are",
        str(caught.value),
    )
    assert actual is not None, caught.value
    assert actual[1] == data.name
    assert len(data.test.head(int(actual[2]))) == int(actual[2]) > 0
    assert float(actual[4]) == pytest.approx(100 * int(actual[2]) / int(actual[3].replace(",", "")), abs=1e-3)
    assert "at least 0.25 away from the 1,500 questions" in str(caught.value)


@pytest.mark.parametrize("index", [-1, MAX_ROWS, 10**12])
def test_positions_out_of_range_are_refused(index: int) -> None:
    for split in (toy(16).train, stored(3)):
        with pytest.raises(UserError, match=r"positions count from 0|it has"):
            split[index]
        with pytest.raises(UserError):
            split.batch(index, 1)
    with pytest.raises(UserError):
        toy(16).train.head(-1)
    assert toy(16).train.head(0) == ()
    assert toy(16).train[np.int64(2)].index == 2


def test_a_pool_may_be_numpys() -> None:
    params = toy_task.Params(space=16)
    assert (
        type(
            generated_dataset(TaskSpec("toy/small?space=16", toy_task.TOY, params), 0, pool=np.int64(3)).pool
        )
        is int
    )


@pytest.mark.parametrize("pool", [-1, MAX_POOL + 1, True, np.True_, 2.0, "9"])
def test_pools_out_of_range_are_refused(pool: int) -> None:
    with pytest.raises(UserError, match="pool"):
        toy(16, pool=pool)


def stored(count: int, ragged: bool = False) -> Split:
    spec = toy(16).train.spec
    grids = [np.full((1 + ragged * i, 2), i, np.uint8) for i in range(count)]
    rows = [Instance(spec.task, None, 0, "train", i, grid, grid, grid[None]) for i, grid in enumerate(grids)]
    return StoredSplit(spec, tuple(rows), " (1 more hides)")


def test_stored_rows() -> None:
    split = stored(3)
    assert split.count == 3 and split.name == "train"
    assert [row.index for row in split] == [0, 1, 2]
    assert split.batch(1, 2).question.tolist() == [[[1, 1]], [[2, 2]]]
    with pytest.raises(UserError, match=r"it has 3 \(1 more hides\)"):
        split.head(4)
    with pytest.raises(UserError, match="3 different shapes"):
        stored(3, ragged=True).batch(0, 3)
    assert stored(3, ragged=True).batch(2, 1).question.shape == (1, 3, 2)


@given(st.data())
def test_the_filter_is_the_pairwise_distance(data: st.DataObject) -> None:
    n, m, d = (data.draw(st.integers(low, 12)) for low in (0, 0, 1))
    rows = st.lists(st.integers(0, 3), min_size=(n + m) * d, max_size=(n + m) * d)
    flat = np.array(data.draw(rows), np.uint8).reshape(n + m, d)
    least = data.draw(st.sampled_from([1 / d, 0.25, 0.3, 0.5, 1.0]))
    for jaccard in (False, True):
        expected = (distances(flat[:n], flat[n:], jaccard) >= least).all(axis=1)
        assert far_enough(flat[:n], flat[n:], least, jaccard).tolist() == expected.tolist()


def test_the_filter_keeps_what_lies_just_far_enough() -> None:
    pool = np.zeros((1, 8), np.uint8)
    rows = np.tri(3, 8, dtype=np.uint8)  # 1, 2, 3 of 8 features differ
    assert far_enough(rows, pool, 0.25, False).tolist() == [False, True, True]
    base = np.array([[1, 1, 1, 1, 0, 0, 0, 0]], np.uint8)
    near = np.array([[1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0]], np.uint8)  # Jaccard 1/2, 1/4
    assert far_enough(near, base, 0.5, True).tolist() == [True, False]


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**32))
def test_digests_tell_rows_apart(width: int, count: int, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(0, 2, (count, width), np.uint8)
    actual = row_digests(rows)
    assert len(set(actual.tolist())) == len({row.tobytes() for row in rows})
    seen = SeenDigests()
    first = [rows[:i].tolist().count(row.tolist()) == 0 for i, row in enumerate(rows)]
    assert seen.add(actual).tolist() == first
    assert not seen.add(actual).any()


def test_a_table_wraps_around_its_end() -> None:
    """The lowest 32 bits choose the slot, the highest 4 the table: all of these want its last slot."""
    tables = tuple(np.zeros(4, np.uint64) for _ in range(PARTS))
    last = np.array([1, 2, 3, 2], np.uint64) << np.uint64(32) | np.uint64(0xFFFFFFFF)
    used = np.zeros(PARTS, np.int64)
    assert add_unseen(tables, last, used).tolist() == [True, True, True, False]
    assert sorted(tables[0].tolist()) == [0, *last[:3].tolist()]
    assert used.tolist() == [3] + [0] * (PARTS - 1)


def test_digests_see_order_and_length() -> None:
    rows = [b"\1", b"\1\0", b"\0\1", b"\0" * 8, b"\0" * 9, b"\0" * 16, b"\1" + b"\0" * 8, b"\0" * 8 + b"\1"]
    actual = [int(row_digests(np.frombuffer(row, np.uint8)[None])[0]) for row in rows]
    assert len(set(actual)) == len(rows) and 0 not in actual
