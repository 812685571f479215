"""Test that DataLoaders give the same rows for any number of workers and ranks, and from any row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import vizbench as vb
from vizbench.integrations.torch import InstanceMap, InstanceStream, ShardSampler
from vizbench.types import Instance

SPLIT = vb.load("eca/110").train
MIXED = vb.mixture("eca/110=2,maze/9", seed=4).train


def name(row: Instance) -> str:
    return row.id


def names(split: vb.Split, n: int) -> list[str]:
    return [row.id for row in split.head(n)]


def loaded(stream: InstanceStream, batch: int, workers: int) -> list[list[str]]:
    """The ids of each batch."""
    return list(DataLoader(stream, batch, num_workers=workers, collate_fn=list))


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # of more than the cores
@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("split", [SPLIT, MIXED], ids=["task", "mixture"])
def test_any_number_of_workers_gives_the_rows_in_order(split: vb.Split, workers: int) -> None:
    stream = InstanceStream(split, 4, start=3, stop=25, transform=name)
    batches = loaded(stream, 4, workers)
    assert [len(batch) for batch in batches] == [4, 4, 4, 4, 4, 2]
    assert [one for batch in batches for one in batch] == names(split, 25)[3:]


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 5), batch=st.integers(1, 4), steps=st.integers(0, 4), done=st.integers(0, 4))
def test_ranks_share_the_rows_and_continue(size: int, batch: int, steps: int, done: int) -> None:
    done = min(done, steps)
    stop = size * batch * steps
    taken: list[str] = []
    for step in range(done, steps):
        for rank in range(size):
            start = done * size * batch
            stream = InstanceStream(
                SPLIT, batch, start=start, stop=stop, rank=rank, world_size=size, transform=name
            )
            mine = list(stream)
            assert len(mine) == (steps - done) * batch
            taken += mine[(step - done) * batch : (step - done + 1) * batch]
    assert taken == names(SPLIT, stop)[done * size * batch :]


def test_a_stream_without_end_yields_tensors() -> None:
    loader = DataLoader(InstanceStream(SPLIT, 8), 8, num_workers=2)
    batch: dict[str, Any] = next(iter(loader))
    rows = SPLIT.head(8)
    assert batch["id"] == [row.id for row in rows]
    assert batch["question"].tolist() == [row.question.tolist() for row in rows]
    assert batch["target"].tolist() == [row.target.tolist() for row in rows]


def test_ranks_come_from_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert list(InstanceStream(SPLIT, 2, stop=8, transform=name)) == [
        *names(SPLIT, 8)[2:4],
        *names(SPLIT, 8)[6:8],
    ]
    assert list(ShardSampler(5)) == [1, 3]
    assert list(ShardSampler(5, rank=0, world_size=1)) == [0, 1, 2, 3, 4]


def test_a_map_has_the_rows_by_index() -> None:
    rows = InstanceMap(SPLIT, 10, transform=name)
    expected = names(SPLIT, 10)
    assert len(rows) == 10
    assert [rows[i] for i in range(10)] == expected
    assert (rows[-1], rows.__getitems__([3, 4, 5])) == (expected[9], expected[3:6])
    assert rows.__getitems__([7, 2]) == [expected[7], expected[2]]
    for index in (10, -11):
        with pytest.raises(IndexError, match="of 10 rows"):
            rows[index]
    with pytest.raises(IndexError):
        rows.__getitems__([9, 10])
    assert len(InstanceMap(vb.load("arc/copy").train)) == vb.load("arc/copy").train.count


@pytest.mark.parametrize("workers", [0, 2])
def test_a_shuffled_map_continues_in_the_middle_of_an_epoch(workers: int) -> None:
    rows = InstanceMap(SPLIT, 21, transform=name)

    def epoch(number: int, start: int, size: int) -> list[str]:
        taken: list[list[str]] = []
        for rank in range(size):
            sampler = ShardSampler(21, seed=5, epoch=number, start=start, rank=rank, world_size=size)
            loader = DataLoader(rows, 2, sampler=sampler, num_workers=workers, collate_fn=list)
            taken.append([one for batch in loader for one in batch])
        return [one for together in zip(*taken, strict=True) for one in together]

    whole = epoch(0, 0, 1)
    assert sorted(whole) == sorted(names(SPLIT, 21)) != whole
    assert epoch(0, 6, 1) == whole[6:]
    assert epoch(0, 6, 2) == whole[6:20]  # all ranks take equally many
    assert sorted(epoch(1, 0, 1)) == sorted(whole) != epoch(1, 0, 1)


def test_an_epoch_after_a_continued_one_is_whole() -> None:
    sampler = ShardSampler(6, seed=1, start=4)
    assert len(list(sampler)) == len(sampler) == 2
    sampler.set_epoch(1)
    assert sorted(sampler) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: InstanceStream(SPLIT, 0), "batch_size=0"),
        (lambda: InstanceStream(SPLIT, 2, start=-1), "start=-1"),
        (lambda: InstanceStream(SPLIT, 2, stop=5, start=6), "0 … 5"),
        (lambda: InstanceStream(SPLIT, 2, stop=10, rank=0, world_size=2), "choose e.g. stop=8"),
        (lambda: InstanceStream(SPLIT, 2, rank=2, world_size=2), "rank=2 is not an integer in 0 … 1"),
        (lambda: InstanceMap(SPLIT), "give n"),
        (lambda: InstanceMap(SPLIT, True), "n=True"),
        (lambda: InstanceMap(vb.load("arc/copy").train, 50_000), "n=50000"),
        (lambda: ShardSampler(5, seed=-1), "seed -1"),
        (lambda: ShardSampler(5, epoch=-1), "epoch=-1"),
    ],
)
def test_wrong_numbers_are_refused_in_a_sentence(make: Any, reason: str) -> None:
    with pytest.raises(vb.UserError, match=reason):
        make()
