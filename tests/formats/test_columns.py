"""Test that rows made as columns are the rows of the split: for any task, cut, format and workers."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import vizbench as vb
from vizbench import formats
from vizbench.dataset import splits
from vizbench.dataset.columns import columns_of
from vizbench.dataset.splits import Split
from vizbench.errors import UserError
from vizbench.formats import writer
from vizbench.formats.digests import BlockDigests
from vizbench.formats.row_prompts import RowPrompts
from vizbench.formats.rows import encode

BLOCK = 4
TASKS = ("life/conway?height=3&width=5&steps=2", "eca/110?rows=4", "maze/small", "arc/count?rule=bar-chart")
SPLITS: tuple[Split, ...] = (
    *(vb.load(name, pool=10).train for name in TASKS),
    vb.load("sudoku/mini", pool=5).test,
    vb.mixture("eca/110=2,life=3,connect4/win-in-2", seed=5, pool=5).test,
    vb.mixture("arc/count?rule=bar-chart=2,life", seed=1, pool=5).train,
)


def expected_digests(split: Split, n: int, steps: bool) -> bytes:
    """Return the digests of the blocks of the first n rows, which are taken one by one."""
    digests, prompts_of = BlockDigests(BLOCK), RowPrompts("text")
    for row in split.head(n):
        columns = columns_of([row], steps)
        digests.add(columns, [prompts_of(part) for part in columns.parts])
    return digests.finish()


def test_workers_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SHARD_ROWS", BLOCK)
    for workers in (1, 2):
        formats.write(
            SPLITS[-2],
            15,
            tmp_path / str(workers),
            formats.Settings("parquet", packed=True),
            formats.Execution(workers=workers),
        )
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / w).iterdir()} for w in ("1", "2"))
    assert one == two and len(one) == 5


def test_a_file_does_not_depend_on_how_rows_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are cut by time. A mixture and many wordings give the tables something to order."""
    split = SPLITS[-1]
    made: set[bytes] = set()
    for piece in (1, 3, 4096):
        monkeypatch.setattr(splits, "_CHUNK", piece)
        formats.write(split, 30, tmp_path / str(piece), formats.Settings("parquet"))
        made.add((tmp_path / str(piece) / "train-00000.parquet").read_bytes())
    assert len(made) == 1


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.spec.task)
def test_a_loop_gives_the_rows_that_an_index_gives(split: Split) -> None:
    for row, alone in zip(islice(split, 9), (split[i] for i in range(9)), strict=True):
        assert encode(row, True) == encode(alone, True)


def test_batches_are_the_rows_in_order() -> None:
    split = vb.load("life/conway", pool=10).train
    batches = list(islice(split.batches(7), 3))
    assert np.array_equal(np.concatenate([batch.question for batch in batches]), split.batch(0, 21).question)
    assert batches[0].task == "life/conway"


def test_batches_of_a_small_space_end_with_its_last_rows() -> None:
    sizes: list[int] = []
    with pytest.raises(UserError, match="has 13 train rows"):
        for batch in vb.load("life/conway?height=2&width=2").train.batches(5):
            sizes.append(len(batch))
    assert sizes == [5, 5, 3]
    shown = vb.load("arc/copy").train
    assert sum(1 for _ in shown) == shown.count
    for wrong in (0, -1, True, 10**9):
        with pytest.raises(UserError, match=r"choose e\.g\. 1024"):
            next(shown.batches(wrong))
