"""Test data sets with both splits in one folder, in every format."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vizbench as vb
from tests.support.commands import Run, refused
from vizbench import formats
from vizbench.errors import UserError
from vizbench.formats import Settings, manifest, writer
from vizbench.formats.rows import encode
from vizbench.types import Instance

MIXED = vb.mixture("eca/110=2,life=3,sudoku/mini", seed=5, pool=20)
DATA = [MIXED, vb.load("maze/9", seed=3, pool=10), vb.load("life/conway?steps=3", pool=10)]
KINDS = [
    *(Settings(name) for name in formats.FORMATS),
    Settings("parquet", packed=True),
    Settings("parquet", pictures=True),
    Settings("video", frames="states"),
]


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(DATA), st.integers(1, 9), st.integers(1, 4), st.integers(1, 6), st.data())
def test_the_digest_hangs_on_the_rows_only(
    data: Any, n: int, n_test: int, size: int, draw: st.DataObject
) -> None:
    """Any format, and any size of shards, holds the same rows, alone or with the other split."""
    kinds = draw.draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=3))
    both = [(data.train, n), (data.test, n_test)]
    with tempfile.TemporaryDirectory() as name, patch.object(writer, "BLOCK_ROWS", 2):
        folder = Path(name)
        expected = [formats.write(split, rows, folder / split.name).digest for split, rows in both]
        for number, kind in enumerate(kinds):
            out = folder / str(number)
            with patch.object(writer, "SHARD_ROWS", 2 * size):
                made = formats.write_splits(both, out, kind)
            assert [each.digest for each in made] == expected
            for each, (split, rows) in zip(made, both, strict=True):
                assert formats.check(out, split.name) == each
                again = [plain_row(row) for row in formats.read(out, split.name)]
                assert again == [plain_row(row) for row in split.head(rows)]


def plain_row(row: Instance) -> Any:
    return json.loads(encode(row, True))


def test_any_number_of_workers_writes_the_same_bytes(tmp_path: Path) -> None:
    both = [(MIXED.train, 9), (MIXED.test, 5)]
    with patch.object(writer, "SHARD_ROWS", 4):
        for workers in (1, 2):
            seen: list[int] = []
            formats.write_splits(
                both,
                tmp_path / str(workers),
                Settings("webdataset"),
                execution=formats.Execution(workers=workers, progress=seen.append),
            )
            assert seen == sorted(seen) and seen[-1] == 14
            assert workers > 1 or seen == [4, 8, 9, 13, 14]
    one, two = files_in(tmp_path / "1"), files_in(tmp_path / "2")
    assert one == two
    shards = [f"train-0000{number}" for number in range(3)] + [f"test-0000{number}" for number in range(2)]
    assert sorted(path.stem for path in one) == sorted(["manifest", *shards])


def files_in(folder: Path) -> dict[Path, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in paths}


@pytest.mark.parametrize("task", ["maze/9", "eca/110", "life/conway", "mixture"])
def test_no_question_is_in_both_splits(task: str, tmp_path: Path) -> None:
    data: Any = vb.mixture("eca/110,eca/30") if task == "mixture" else vb.load(task)
    formats.write_splits([(data.train, 2000), (data.test, 200)], tmp_path / "out", Settings(steps=False))
    sides = {name: set[bytes]() for name in ("train", "test")}
    for name, questions in sides.items():
        for row in formats.read(tmp_path / "out", name):  # pyright: ignore[reportArgumentType] it is a split
            questions.add(np.ascontiguousarray(row.question).tobytes())
    assert len(sides["test"]) > 150 and len(sides["train"]) > 1500
    assert not sides["train"] & sides["test"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = vb.load("life/conway", pool=10)
    formats.write_splits([(data.train, 6), (data.test, 3)], tmp_path / "d", Settings("png"))
    return tmp_path / "d"


def test_a_split_must_be_named(folder: Path) -> None:
    for call in (formats.check, formats.read, manifest.load):
        with pytest.raises(UserError, match="holds the splits train and test: choose one by --split"):
            call(folder)
    formats.write(vb.load("life").train, 3, folder, execution=formats.Execution(overwrite=True))
    with pytest.raises(UserError, match="holds the split train and not test: choose --split train"):
        formats.check(folder, "test")


@pytest.mark.parametrize(
    "change",
    [
        lambda splits: splits.pop(),
        lambda splits: splits.append(splits[0]),
        lambda splits: splits[0].update(format="jsonl"),
        lambda splits: splits[1]["spec"].update(seed=9),
        lambda splits: splits[1]["spec"].update(split="train"),
        lambda splits: splits[1].update(splits=[]),
    ],
)
def test_splits_that_do_not_belong_together_are_refused(change: Any, folder: Path) -> None:
    plain = json.loads((folder / manifest.NAME).read_bytes())
    change(plain["splits"])
    (folder / manifest.NAME).write_text(json.dumps(plain))
    with pytest.raises(UserError, match="malformed"):
        formats.check(folder, "train")


def test_what_cannot_be_in_one_folder_is_refused(tmp_path: Path) -> None:
    data = vb.load("life/conway", pool=10)
    for splits in ([], [(data.train, 3)] * 2):
        with pytest.raises(UserError, match="not different ones"):
            formats.write_splits(splits, tmp_path / "d", Settings())
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_and_scores_both(run: Run, tmp_path: Path) -> None:
    mixture = "eca/110=2,life"
    done = run("generate", "--task", mixture, "--splits", "test,train", "--n", 7, "--n-test", 3)
    assert done.code == 0, done
    (folder,) = tmp_path.iterdir()
    assert folder.name.endswith("-train-7-test-3")
    assert [line.split(": ")[1].split(" of ")[0] for line in done.out.splitlines()] == ["7 rows", "3 rows"]
    rows = {name: list(formats.read(folder, name)) for name in ("train", "test")}
    for name, count in (("train", 7), ("test", 3)):
        lines = [json.dumps({"id": row.id, "answer": row.target.tolist()}) for row in rows[name]]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
        done = run("score", f"{name}.jsonl", "--dataset", folder, "--split", name, "--json")
        assert (json.loads(done.out)["score"]["rows"], json.loads(done.out)["score"]["exact"]) == (count, 1.0)
    assert "choose one by --split" in refused(run("score", "test.jsonl", "--dataset", folder))
    again = run("generate", "--task", mixture, "--splits", "train", "--n", 7, "--out", folder, "--overwrite")
    assert again.code == 0 and formats.check(folder).rows == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--splits", "train,val"), "'train,val' are no splits: give train,test, or one of the two"),
        (("--splits", "train,train"), "are no splits"),
        (("--splits", ""), "are no splits"),
        (("--splits", "train,test", "--split", "test"), "names all splits: leave --split out"),
        (("--n-test", 3), "give --splits train,test too"),
        (("--splits", "train,test", "--n-test", 0), "n-test=0 is not in 1 …"),
        (("--splits", "train,test", "--shard", "0/2"), "--shard divides the rows of one split"),
        (("--format", "arc", "--splits", "train,test"), "leave --splits out with --format arc"),
        (("--format", "arc", "--pictures"), "leave --pictures out with --format arc"),
        (("--frames", 9), "jsonl has no clips"),
        (("--format", "video", "--frames", "x"), "is not a number of frames"),
        (("--format", "video", "--frames", "9" * 5000), "is not a number of frames"),
        (("--format", "video", "--frames", 1025), "frames=1025 is not in 2 … 1,024"),
        (("--format", "tar"), "--format 'tar' is not one of"),
    ],
)
def test_wrong_options_are_one_sentence(run: Run, tmp_path: Path, options: Any, message: str) -> None:
    assert message in refused(run("generate", "--task", "life", "--n", 3, *options))
    assert list(tmp_path.iterdir()) == []
