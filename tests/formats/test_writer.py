"""Test that data sets are read back as written, in every format and with any number of workers."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

import vizbench as vb
from vizbench import formats, loading
from vizbench.dataset.columns import DECIMALS, columns_of, rounded
from vizbench.dataset.splits import Split, StoredSplit
from vizbench.errors import UserError
from vizbench.formats import jsonl, lookup, writer
from vizbench.formats.digests import BlockDigests
from vizbench.formats.format_base import Chunk
from vizbench.formats.manifest import FormatName
from vizbench.formats.row_prompts import Prompts
from vizbench.formats.rows import encode
from vizbench.formats.spans import floats
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


STACKS = st.sampled_from([1, 9, 12, 255]).flatmap(
    lambda top: arrays(
        np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.integers(0, top)
    )
)
SEVENTHS = (1 / 7).__mul__
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
FIGURES = st.one_of(
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**16), 10**16).map(lambda billionths: billionths / 1e9),
    TEXTS,
    st.none(),
    st.lists(st.integers(0, 9), max_size=2),
)


@settings(max_examples=50)
@given(STACKS, STACKS, st.dictionaries(TEXTS, FIGURES | st.dictionaries(TEXTS, FIGURES, max_size=3)), TEXTS)
def test_lines_are_json_that_the_standard_library_reads(
    grids: Grids, states: Grids, meta: dict[str, Any], text: str
) -> None:
    first = loading.load("life/conway").train[0]
    row = replace(first, task=text, question=grids[0], target=states[-1], steps=states, meta=meta)
    for steps, prompt in ((True, ""), (False, 'say "ä\\n"\n')):
        prompts = Prompts((prompt,), np.zeros(2, np.int64))
        line = bytes(jsonl.lines(Chunk(columns_of([row, row], steps), (prompts,))).data).splitlines()[1]
        assert json.loads(line) == json.loads(encode(row, steps, prompt))
        assert list(json.loads(line)) == list(json.loads(encode(row, steps, prompt)))


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**7).map(lambda n: n / 7))
)
def test_figures_are_rounded_as_python_rounds_them(figures: list[float]) -> None:
    expected = [round(figure, DECIMALS) + 0.0 for figure in figures]
    actual = rounded(np.array(figures, np.float64))
    assert actual.tobytes() == np.array(expected, np.float64).tobytes()
    texts = floats(actual)
    written = [bytes(texts.data[a:b]) for a, b in zip(texts.starts, texts.ends, strict=True)]
    assert [float(text) for text in written] == expected and all(b"." in t or b"e" in t for t in written)


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


def record(row: Instance, steps: bool, prompt: str = "") -> bytes:
    digests = BlockDigests(1)
    digests.add(columns_of([row], steps), [Prompts((prompt,), np.zeros(1, np.int64))])
    return digests.finish()


def test_a_digest_is_of_all_that_a_row_says() -> None:
    row = loading.load("life/conway?steps=3").train[0]
    made = {name: record(other, True) for name, other in changes(row).items()}
    made["prompt"] = record(row, True, "x")
    made |= {
        str(meta): record(replace(row, meta=meta), True)
        for meta in ({}, {"a": "b"}, {"a": "b\0"}, {"ab": ""})
    }
    assert len({record(row, True), record(row, False), *made.values()}) == len(made) + 2
    assert record(changes(row)["steps"], False) == record(row, False)
    strided = replace(
        row, question=np.asfortranarray(row.question), steps=np.repeat(row.steps, 2, axis=2)[:, :, ::2]
    )
    assert record(strided, True) == record(row, True)


def test_the_digest_is_as_documented() -> None:
    """Compute it by the definition, one row after the other."""
    rows = vb.mixture("eca/110=2,life=3,connect4/win-in-2", seed=5, pool=20).train.head(11)
    digests = BlockDigests(4)
    for start in range(0, 11, 3):
        piece = columns_of(rows[start : start + 3], True)
        prompts = [Prompts(("p",), np.zeros(len(part), np.int64)) for part in piece.parts]
        digests.add(piece, prompts)
    assert digests.finish() == b"".join(naive_digest(rows[start : start + 4]) for start in (0, 4, 8))


def naive_digest(rows: Sequence[Instance]) -> bytes:
    """Return the digest of rows with difficulty and a candidate number, steps, and the prompt "p"."""
    heads: list[bytes] = []
    codes, index, question, target, count, steps, candidate = (b"" for _ in range(7))
    figures: dict[str, bytes] = {}
    for row in rows:
        known = row.meta["difficulty"]
        kinds = [["candidate", "int"], *(["difficulty", name, "float"] for name in sorted(known))]
        shapes = [list(grid.shape) for grid in (row.question, row.target)]
        head = json.dumps([row.task, row.seed, row.split, *shapes, True, kinds, "p"], separators=(",", ":"))
        heads.append(hashlib.sha256(head.encode()).digest())
        codes += struct.pack("<i", list(dict.fromkeys(heads)).index(heads[-1]))
        index += struct.pack("<q", row.index)
        question, target = question + row.question.tobytes(), target + row.target.tobytes()
        count, steps = count + struct.pack("<q", len(row.steps)), steps + row.steps.tobytes()
        candidate += struct.pack("<q", row.meta["candidate"])
        for name, value in known.items():
            figures[name] = figures.get(name, b"") + struct.pack("<d", value)
    columns = [b"".join(dict.fromkeys(heads)), codes, index, question, target, count, steps, candidate]
    columns += [figures[name] for name in sorted(figures)]
    return hashlib.sha256(b"".join(hashlib.sha256(column).digest() for column in columns)).digest()


def lines(path: Path) -> list[bytes]:
    return [encode(row, True) for row in formats.read(path)]


@pytest.mark.parametrize("name", formats.FORMATS)
def test_what_is_written_is_read_back(
    name: FormatName, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHARD_ROWS", 3)
    made = formats.write(split, 7, tmp_path / "out", formats.Settings(name))
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
    monkeypatch.setattr(writer, "BLOCK_ROWS", 2)
    digests = {
        formats.write(split, 7, tmp_path / name, formats.Settings(name)).digest for name in formats.FORMATS
    }
    digests.add(formats.write(split, 7, tmp_path / "packed", formats.Settings("parquet", packed=True)).digest)
    monkeypatch.setattr(writer, "SHARD_ROWS", 2)
    digests.add(formats.write(split, 7, tmp_path / "shards").digest)
    monkeypatch.setattr(writer, "LARGE", 7)
    large_shards: list[tuple[FormatName, int]] = [("parquet", 1), ("png", 4)]
    for name, shards in large_shards:
        large = formats.write(split, 7, tmp_path / f"large-{name}", formats.Settings(name))
        digests.add(large.digest)
        assert len(large.shards) == shards
    assert len(digests) == 1
    assert formats.write(split, 6, tmp_path / "fewer").digest not in digests
    assert formats.write(split, 7, tmp_path / "ends", formats.Settings(steps=False)).digest not in digests


@pytest.mark.parametrize("name", formats.FORMATS)
def test_steps_may_be_left_out(name: FormatName, split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", formats.Settings(name, steps=False))
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
        formats.write(
            split, 10, tmp_path / str(workers), formats.Settings(name), formats.Execution(workers=workers)
        )
    single, together = (
        {p.relative_to(tmp_path / w): p.read_bytes() for p in files(tmp_path / w)} for w in ("1", "2")
    )
    assert single == together
    assert len(single) == 1 + 3 + {"png": 20, "video": 10}.get(name, 0)


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


PLAIN = {
    "id": "string",
    "task": "string",
    "seed": "int64",
    "split": "string",
    "index": "int64",
    "prompt": "string",
}


def test_parquet_has_plain_columns(split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", formats.Settings("parquet"))
    table = pq.read_table(tmp_path / "out" / f"{split.name}-00000.parquet")
    grid = "list<element: list<element: uint8>>"
    types = {field.name: str(field.type) for field in table.schema}
    assert types.pop("meta").startswith("struct<")
    assert types == {**PLAIN, "question": grid, "target": grid, "steps": f"list<element: {grid}>"}
    assert table.column("steps").to_pylist() == [row.steps.tolist() for row in split.head(5)]
    assert table.column("meta").to_pylist() == [row.meta for row in split.head(5)]


def test_packed_grids_are_arrays_in_a_line(split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", formats.Settings("parquet", packed=True))
    table = pq.read_table(tmp_path / "out" / f"{split.name}-00000.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types.pop("meta").startswith("struct<")
    sides = "height: int32 not null, width: int32 not null"
    shapes = {"question": sides, "target": sides, "steps": f"count: int32 not null, {sides}"}
    grids = {f"{name}_shape": f"struct<{shape}>" for name, shape in shapes.items()}
    assert types == PLAIN | dict.fromkeys(shapes, "binary") | grids
    for row, plain in zip(split.head(5), table.to_pylist(), strict=True):
        for name in shapes:
            grid = np.frombuffer(plain[name], np.uint8).reshape(tuple(plain[f"{name}_shape"].values()))
            assert np.array_equal(grid, getattr(row, name))
    assert lines(tmp_path / "out") == [encode(row, True) for row in split.head(5)]


def test_figures_that_fit_no_column_are_kept_as_json(tmp_path: Path) -> None:
    """Stored rows may say anything: here an integer once and a text once, nothing, and an empty mapping."""
    split = loading.load("life/conway").train
    metas: list[dict[str, Any]] = [{"a": 1, "b": None}, {"a": "x", "c": {"d": 1}}, {"c": {}, "e": 2.0}, {}]
    rows = tuple(replace(row, meta=meta) for row, meta in zip(split.head(4), metas, strict=True))
    for name in ("jsonl", "parquet"):
        made = formats.write(StoredSplit(split.spec, rows), 4, tmp_path / name, formats.Settings(name))
        assert [row.meta for row in formats.read(tmp_path / name)] == metas
        assert formats.check(tmp_path / name) == made
    table = pq.read_table(tmp_path / "parquet" / "train-00000.parquet")
    assert str(table.schema.field("meta").type) == "struct<e: double>"
    assert json.loads(table.column("meta_json")[1].as_py()) == {"a": "x", "c": {"d": 1}}


def test_pictures_are_in_palette_mode_and_decode(split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", formats.Settings("png"))
    look = lookup.verifier_of(split[0]).look
    for row in split.head(5):
        for side, grid in (("question", row.question), ("target", row.target)):
            with Image.open(tmp_path / "out" / split.name / side / f"{row.index:08d}.png") as image:
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
        ({"packed": True}, "jsonl has no packed grids: choose --format parquet"),
    ],
)
def test_what_cannot_be_served_is_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    split = loading.load("life/conway", pool=3).train
    settings = {name: value for name, value in arguments.items() if name not in ("n", "workers")}
    execution = formats.Execution(workers=arguments.get("workers", 1))
    with pytest.raises(UserError, match=message) as error:
        formats.write(split, arguments.get("n", 5), tmp_path / "out", formats.Settings(**settings), execution)
    assert len(str(error.value)) < 300
    assert list(tmp_path.iterdir()) == []


def test_a_space_that_is_too_small_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has 13 train rows, fewer than were asked for"):
        formats.write(loading.load("life/conway?height=2&width=2").train, 17, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
