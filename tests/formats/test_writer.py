"""Test that data sets are read back as written, in every format and with any number of workers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

import vizbench as vb
from vizbench import formats, loading
from vizbench.dataset.splits import Split
from vizbench.errors import UserError
from vizbench.formats import lookup, writer
from vizbench.formats.manifest import FormatName
from vizbench.formats.rows import Pad, encode, row_digest
from vizbench.renderers.decode import decode
from vizbench.types import Answer, Grids, Instance

ARC_PAIR = {"input": [[1, 2, 3]], "output": [[4], [5]]}
ARC_OTHER = {"input": [[1, 2], [0, 9]], "output": [[7]]}


@pytest.fixture(params=["life/conway?steps=3", "maze/small", "connect4/win-in-2", "arc"])
def split(request: pytest.FixtureRequest, tmp_path: Path) -> Split:
    if request.param != "arc":
        return loading.load(request.param, seed=4, pool=20).test
    path = tmp_path / "task.json"
    path.write_text(json.dumps({"train": [ARC_PAIR] * 4 + [ARC_OTHER] * 3, "test": [ARC_PAIR]}))
    return loading.load(f"arc-json:{path}").train


@pytest.mark.parametrize("top", [1, 9, 10, 255])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 5), (1, 4, 1), (2, 1, 3)])
def test_rows_are_the_json_that_the_standard_library_writes(shape: tuple[int, int, int], top: int) -> None:
    states = np.random.default_rng(top).integers(0, top, shape, np.uint8, endpoint=True)
    states.flat[0] = top
    row = replace(loading.load("life/conway").train[0], question=states[0], target=states[-1], steps=states)
    line = encode(row, True)
    read = json.loads(line)
    assert json.dumps(read, separators=(",", ":")).encode() == line
    assert (read["question"], read["target"], read["steps"]) == (*states[[0, -1]].tolist(), states.tolist())
    assert json.loads(encode(row, False))["steps"] == []


STACKS = st.sampled_from([1, 9, 12]).flatmap(
    lambda top: arrays(
        np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.integers(0, top)
    )
)


@given(st.lists(STACKS, min_size=2, max_size=6))
def test_a_pad_keeps_nothing_of_what_it_held(stacks: list[Grids]) -> None:
    pad = Pad()
    for grids in stacks:
        assert f"[{bytes(pad.grids(grids)).decode()}]" == json.dumps(grids.tolist(), separators=(",", ":"))


def changes(row: Instance) -> dict[str, Instance]:
    """Return rows that differ from a row of life in one thing.

    The last three hold the same bytes in other shapes or another order.
    """
    trajectory, tall, wide = row.steps.copy(), row.question.reshape(4, 16), row.target.reshape(4, 16)
    trajectory[0, 0, 0] ^= 1
    return {
        "task": replace(row, task="life/seeds"),
        "seed": replace(row, seed=row.seed + 1),
        "split": replace(row, split="test"),
        "index": replace(row, index=row.index + 1),
        "meta": replace(row, meta={**row.meta, "candidate": -1}),
        "question": replace(row, question=1 - row.question),
        "target": replace(row, target=1 - row.target),
        "steps": replace(row, steps=trajectory),
        "shape": replace(row, question=tall),
        "shapes": replace(row, question=tall, target=wide),
        "sides": replace(row, question=row.target, target=row.question),
    }


def test_a_rows_digest_is_of_all_that_it_says() -> None:
    row = loading.load("life/conway?steps=3").train[0]
    digests = {name: row_digest(other, True) for name, other in changes(row).items()}
    digests["prompt"] = row_digest(row, True, "x")
    assert len({row_digest(row, True), row_digest(row, False), *digests.values()}) == len(digests) + 2
    assert row_digest(changes(row)["steps"], False) == row_digest(row, False)
    strided = replace(
        row, question=np.asfortranarray(row.question), steps=np.repeat(row.steps, 2, axis=2)[:, :, ::2]
    )
    assert row_digest(strided, True) == row_digest(row, True)


def lines(path: Path) -> list[bytes]:
    return [encode(row, True) for row in formats.read(path)]


@pytest.mark.parametrize("name", formats.FORMATS)
def test_what_is_written_is_read_back(
    name: FormatName, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHARD_ROWS", 3)
    made = formats.write(split, 7, tmp_path / "out", name)
    assert lines(tmp_path / "out") == [encode(row, True) for row in split.head(7)]
    assert formats.check(tmp_path / "out") == made
    assert made.spec == split.spec
    assert [shard.rows for shard in made.shards] == [3, 3, 1]
    for row, again in zip(split.head(7), formats.read(tmp_path / "out"), strict=True):
        assert again.params == row.params
        assert loading.verify(again, row.target).exact


def test_the_digest_is_of_the_rows_only(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = {formats.write(split, 7, tmp_path / name, name).digest for name in formats.FORMATS}
    monkeypatch.setattr(writer, "SHARD_ROWS", 2)
    digests.add(formats.write(split, 7, tmp_path / "shards").digest)
    assert len(digests) == 1
    assert formats.write(split, 6, tmp_path / "fewer").digest not in digests
    assert formats.write(split, 7, tmp_path / "ends", steps=False).digest not in digests


@pytest.mark.parametrize("name", formats.FORMATS)
def test_steps_may_be_left_out(name: FormatName, split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", name, steps=False)
    for row, again in zip(split.head(5), formats.read(tmp_path / "out"), strict=True):
        assert again.steps.tolist() == [row.target.tolist()]
    assert not formats.check(tmp_path / "out").steps


@pytest.mark.parametrize("name", formats.FORMATS)
def test_any_number_of_workers_writes_the_same_bytes(
    name: FormatName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHARD_ROWS", 4)
    split = loading.load("life/conway", pool=10).test
    for workers in (1, 2):
        formats.write(split, 10, tmp_path / str(workers), name, workers=workers)
    single, together = (
        {p.relative_to(tmp_path / w): p.read_bytes() for p in files(tmp_path / w)} for w in ("1", "2")
    )
    assert single == together
    assert len(single) == 1 + 3 + 20 * (name == "png")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_manifest_names_the_whole_spec(tmp_path: Path) -> None:
    split = loading.load("life/seeds", seed=9, pool=3, steps=2).test
    formats.write(split, 5, tmp_path / "out")
    plain: dict[str, Any] = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    spec = plain["spec"]
    again = loading.load(spec["task"], spec["seed"], spec["pool"])
    formats.write(getattr(again, spec["split"]), plain["rows"], tmp_path / "again")
    assert json.loads((tmp_path / "again" / "manifest.json").read_bytes()) == plain
    assert plain["numpy"] == np.__version__
    shard = (tmp_path / "out" / "test-00000.jsonl").read_bytes()
    assert plain["shards"] == [{"rows": 5, "sha256": hashlib.sha256(shard).hexdigest()}]


def test_a_jsonl_row_has_the_promised_keys(tmp_path: Path) -> None:
    split = loading.load("life/conway", pool=3).train
    formats.write(split, 2, tmp_path / "out")
    row = [json.loads(line) for line in (tmp_path / "out" / "train-00000.jsonl").read_text().splitlines()][1]
    names = ["id", "task", "seed", "split", "index", "prompt", "question", "target", "steps", "meta"]
    assert list(row) == names
    assert row["prompt"] == vb.prompt(split[1], style=None)
    assert row["id"] == "life/conway#0-train-1"
    assert row["question"] == split[1].question.tolist()
    assert row["steps"] == split[1].steps.tolist()


def test_parquet_has_plain_columns(split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", "parquet")
    table = pq.read_table(tmp_path / "out" / f"{split.name}-00000.parquet")
    grid = "list<element: list<element: uint8>>"
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "task": "string",
        "seed": "int64",
        "split": "string",
        "index": "int64",
        "prompt": "string",
        "question": grid,
        "target": grid,
        "steps": f"list<element: {grid}>",
        "meta": "string",
    }
    assert table.column("steps").to_pylist() == [row.steps.tolist() for row in split.head(5)]
    assert [json.loads(text) for text in table.column("meta").to_pylist()] == [
        row.meta for row in split.head(5)
    ]


def test_pictures_are_in_palette_mode_and_decode(split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", "png")
    look = lookup.verifier_of(split[0]).look
    for row in split.head(5):
        for side, grid in (("question", row.question), ("target", row.target)):
            with Image.open(tmp_path / "out" / side / f"{row.index:08d}.png") as image:
                assert image.mode == "P"
                answer = decode(np.asarray(image.convert("RGB")), look, grid.shape)
            assert isinstance(answer, Answer) and np.array_equal(answer.grid, grid)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, r"n=0 is not in 1 … 100,000,000"),
        ({"n": -5}, "n=-5"),
        ({"n": 10**12}, "n=1000000000000"),
        ({"n": 10**4000}, r"n=1000"),
        ({"n": True}, "n=True"),
        ({"n": 2.0}, "n=2.0"),
        ({"workers": 0}, "workers=0 is not in 1 … 256"),
        ({"workers": 257}, "workers=257"),
        ({"format": "jsonk"}, "did you mean jsonl"),
        ({"format": "../jsonl"}, "unknown format"),
    ],
)
def test_what_cannot_be_served_is_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    split = loading.load("life/conway", pool=3).train
    given: dict[str, Any] = {"n": 5} | arguments
    with pytest.raises(UserError, match=message) as error:
        formats.write(split, out=tmp_path / "out", **given)
    assert len(str(error.value)) < 300
    assert list(tmp_path.iterdir()) == []


def test_a_space_that_is_too_small_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has 13 train rows, fewer than were asked for"):
        formats.write(loading.load("life/conway?height=2&width=2").train, 17, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
