"""Test data sets in other processes: a pickle holds what rows are made from, or the rows of files."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import vizbench as vb
from vizbench.dataset import leakage
from vizbench.formats.rows import encode
from vizbench.types import Batch, Keys, SplitName

GENERATED = ["maze/9", "life/conway?height=5&steps=2&torus=true", "connect4/win-in-2", "navigation"]
BACK_RANK_MATE = "m1,6k1/5ppp/8/8/8/7P/r4PP1/R5K1 b - - 0 1,a2a4 a1a4 g8f8 a4a8\n"
ARC_TASK = {
    "train": [{"input": [[1, 2]], "output": [[3]]}] * 2,
    "test": [{"input": [[4]], "output": [[5], [6]]}],
}


def lines(split: vb.Split, n: int) -> list[bytes]:
    return [encode(row, True) for row in split.head(n)]


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("side", ["train", "test"])
def test_a_generated_split_comes_back_with_its_rows(name: str, side: SplitName) -> None:
    data = vb.load(name, seed=3, pool=7)
    split: vb.Split = getattr(data, side)
    rows = lines(split, 5)
    pickled = pickle.dumps(split)
    assert len(pickled) < 300  # what was found on the way does not travel
    for again in (
        pickle.loads(pickled),
        copy.deepcopy(split),
        getattr(pickle.loads(pickle.dumps(data)), side),
    ):
        assert (again.spec, lines(again, 5)) == (split.spec, rows)


def arc(folder: Path) -> str:
    (folder / "task.json").write_text(json.dumps(ARC_TASK))
    return f"arc-json:{folder}/task.json"


def rle(folder: Path) -> str:
    (folder / "glider.rle").write_text("x = 3, y = 3\nbo$2bo$3o!\n")
    return f"life-rle:{folder}/glider.rle"


def lichess(folder: Path) -> str:
    (folder / "puzzles.csv").write_text(f"PuzzleId,FEN,Moves\n{BACK_RANK_MATE}")
    return f"lichess-csv:{folder}/puzzles.csv?mate=1"


@pytest.mark.parametrize("make", [arc, rle, lichess, lambda _: "arc/copy"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rows_of_files_travel_in_the_pickle(make: Callable[[Path], str], tmp_path: Path) -> None:
    data = vb.load(make(tmp_path))
    pickled = pickle.dumps((data, data.train, data.test))
    for file in tmp_path.iterdir():
        file.unlink()
    again, train, test = pickle.loads(pickled)
    for side, alone in (("train", train), ("test", test)):
        split: vb.Split = getattr(data, side)
        for other in (getattr(again, side), alone):
            assert (other.spec, other.count) == (split.spec, split.count)
            assert lines(other, split.count or 0) == lines(split, split.count or 0)
            for row in other.head(split.count or 0):
                assert vb.verify(row, row.target).exact
    assert (again.name, again.params, again.seed, again.pool) == (
        data.name,
        data.params,
        data.seed,
        data.pool,
    )


class Wrapped(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """What people write around a split to train on it."""

    def __init__(self, split: vb.Split, n: int) -> None:
        self.split, self.n = split, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = self.split[index]
        return torch.from_numpy(row.question.copy()), torch.from_numpy(row.target.copy())


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_a_data_loader_gives_the_rows(start: str) -> None:
    split = vb.load("maze/9").train
    rows = split.head(6)
    loader = DataLoader(Wrapped(split, 6), batch_size=2, num_workers=2, multiprocessing_context=start)
    batches = list(loader)
    assert torch.cat([question for question, _ in batches]).tolist() == [
        row.question.tolist() for row in rows
    ]
    assert torch.cat([target for _, target in batches]).tolist() == [row.target.tolist() for row in rows]


def _send(split: vb.Split, pipe: Any) -> None:
    pipe.send(lines(split, 40))


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # which is what is tested
@pytest.mark.parametrize("side", ["train", "test"])
def test_a_fork_in_the_midst_of_a_threads_search_gives_the_rows(
    side: SplitName, monkeypatch: pytest.MonkeyPatch
) -> None:
    split: vb.Split = getattr(vb.load("maze/9", pool=9), side)
    split.head(3)
    inside, leave = threading.Event(), threading.Event()
    make = leakage.make_candidates

    def held(spec: Any, side: SplitName, keys: Keys) -> Batch:
        if threading.current_thread() is thread:
            inside.set()
            leave.wait()
        return make(spec, side, keys)

    monkeypatch.setattr(leakage, "make_candidates", held)
    thread = threading.Thread(target=lambda: split.rows(0, 2000))
    thread.start()
    inside.wait()
    context = multiprocessing.get_context("fork")
    near, far = context.Pipe()
    child = context.Process(target=_send, args=(split, far))
    child.start()
    far.close()  # so that the pipe ends with the child
    arrived = near.recv() if near.poll(60) else None
    leave.set()
    child.kill()
    child.join()
    thread.join()
    assert arrived == lines(split, 40), "the child waits for a thread that it does not have"
    assert np.array_equal(split.batch(0, 2000).question[0], split[0].question)
