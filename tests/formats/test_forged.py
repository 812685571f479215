"""Test data sets that others made or broke: one sentence each, and bounded memory."""

from __future__ import annotations

import hashlib
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vizbench import formats, loading
from vizbench.errors import UserError
from vizbench.formats import manifest, parquet, writer
from vizbench.formats.format_base import Place
from vizbench.formats.parquet import Parquet
from vizbench.formats.rows import encode

ROWS = 5


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a data set of 5 small rows in each format, in a folder of the format's name."""
    folder = tmp_path_factory.mktemp("good")
    split = loading.load("life/conway?height=4&width=4&steps=2").train
    for name in formats.FORMATS:
        formats.write(split, ROWS, folder / name, formats.Settings(name))
    return folder


def sentence(folder: Path) -> str:
    """Return what `check` says of a data set, at most one sentence. "" if it is good."""
    try:
        formats.check(folder)
    except UserError as error:
        said = str(error)
        assert "\n" not in said and len(said) < 900
        return said
    return ""


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / manifest.NAME
    plain = json.loads(path.read_bytes())
    change(plain)
    path.write_text(json.dumps(plain, indent=None))


def copied(good: Path, name: str, to: Path) -> Path:
    for file in (good / name).rglob("*"):
        place = to / file.relative_to(good / name)
        if file.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    return to


def put(folder: Path, data: bytes) -> None:
    """Replace the only shard, and its digest with it, as a forger would."""
    (shard,) = (path for path in folder.iterdir() if path.name.startswith("train-"))
    shard.write_bytes(data)
    kind = json.loads((folder / manifest.NAME).read_bytes())["format"]
    digest = hashlib.sha256(data)
    for name in list(writer.format_named(kind).files(Place(folder, "train", 0, 0, ROWS)))[1:]:
        digest.update((folder / name).read_bytes())
    forge(folder, lambda plain: plain["shards"][0].update(sha256=digest.hexdigest()))


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize("shards", [1, 20_000])
def test_a_manifest_of_any_count_takes_no_memory(name: str, shards: int, good: Path, tmp_path: Path) -> None:
    folder = copied(good, name, tmp_path / "out")
    forge(
        folder,
        lambda plain: plain.update(
            rows=10**8, shards=[{"rows": 10**8 // shards, "sha256": plain["shards"][0]["sha256"]}] * shards
        ),
    )
    tracemalloc.start()
    try:
        assert sentence(folder)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plain: plain.update(shards=plain["shards"] * 20_001), "malformed"),
        (lambda plain: plain.update(shards=[], rows=5), "do not hold 5 rows"),
        (
            lambda plain: plain.update(shards=plain["shards"] * 2, rows=10),
            "train-00001.jsonl cannot be opened",
        ),
        (lambda plain: plain["shards"][0].update(rows=10**9), "malformed"),
        (lambda plain: plain["shards"][0].update(rows=-5), "malformed"),
        (lambda plain: plain["shards"][0].update(rows=5.5), "malformed"),
        (lambda plain: plain["shards"][0].update(sha256="0" * 10**6), "malformed"),
        (lambda plain: plain["shards"][0].update(path="../../etc/passwd"), "malformed"),
        (lambda plain: plain.update(vizbench="v" * 10**6), "malformed"),
        (lambda plain: plain["spec"].update(params="p" * 10**7), "is over 8,388,608 bytes"),
        (lambda plain: plain["spec"].update(task="../../../etc/passwd"), "unknown task"),
    ],
)
def test_what_a_manifest_may_not_say(
    change: Callable[[dict[str, Any]], object], said: str, good: Path, tmp_path: Path
) -> None:
    folder = copied(good, "jsonl", tmp_path / "out")
    forge(folder, change)
    assert said in sentence(folder)


def deep(meta: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(b'"meta":{', b'"meta":{"more":' + meta + b",", 1)


@pytest.mark.parametrize("name", ["jsonl", "png", "video"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (deep(b"1" * 4000), "not those of its manifest"),
        (deep(b"-" + b"9" * 300), "not those of its manifest"),
        (deep(b"1e999"), "is not a row"),
        (deep(b'"\\ud800"'), "is not a row"),
        (deep(b"[" * 10**6), "is not a row"),
        (deep(b"[" * 900 + b"]" * 900), ""),
        (lambda data: data.replace(b"[[", b"[[" + b"0," * 10**6, 1), "is not a row"),
        (lambda data: data.replace(b"\n", b" " * (65 << 20) + b"\n", 1), "is over 67,108,864 bytes"),
        (lambda data: data * 3, "row 5 is row 0"),
        (lambda data: b"", "holds 0 rows"),
    ],
)
def test_lines_of_any_kind_are_rows_or_said(
    name: str, change: Callable[[bytes], bytes], said: str, good: Path, tmp_path: Path
) -> None:
    folder = copied(good, name, tmp_path / "out")
    put(folder, change((folder / "train-00000.jsonl").read_bytes()))
    message = sentence(folder)
    assert message and said in message  # if it can be read, it does not have the manifest's digest


def checked(good: Path, data: bytes, tmp_path: Path) -> str:
    folder = tmp_path / "out"
    if not folder.exists():
        copied(good, "parquet", folder)
    put(folder, data)
    return sentence(folder)


def test_a_parquet_file_that_is_cut_or_flipped_is_said_or_whole(good: Path, tmp_path: Path) -> None:
    """Changed bytes are found although the digest is forged too.

    Each byte of the footer is changed, some of the rest, and many lengths.
    """
    folder = copied(good, "parquet", tmp_path / "out")
    data = (folder / "train-00000.parquet").read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    rng = random.Random(3)
    places = [*range(footer, len(data)), *rng.sample(range(footer), 200)]
    broken = [
        data[:at] + bytes([data[at] ^ rng.choice((1, 4, 16, 128, 255))]) + data[at + 1 :] for at in places
    ]
    broken += [data[:length] for length in range(0, len(data), 19)] + [data + b"\0", b"\0" + data, data * 2]
    place = Place(folder, "train", 0, 0, ROWS)
    rows = list(Parquet().read(place))
    whole = 0
    for other in broken:
        (folder / "train-00000.parquet").write_bytes(other)
        try:
            read = list(Parquet().read(place))
        except UserError as error:
            assert str(tmp_path) in str(error) and "\n" not in str(error)
            continue
        whole += read == rows
        if read != rows:
            put(folder, other)
            assert sentence(folder)
    assert 0 < whole < len(broken) // 2  # statistics and the like may be anything


@pytest.mark.parametrize(
    "error",
    [
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
        KeyError(7),
        MemoryError("m"),
        pa.ArrowKeyError("x"),
        SystemError(),
    ],
)
def test_whatever_arrow_raises_is_said(
    error: Exception, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fails)
    folder = copied(good, "parquet", tmp_path / "out")
    assert f"{folder}/train-00000.parquet is not a Parquet data set" in sentence(folder)


def table(good: Path) -> pa.Table:
    return pq.read_table(good / "parquet" / "train-00000.parquet")


def bytes_of(made: pa.Table, path: Path) -> bytes:
    pq.write_table(made, path, compression="zstd")
    return path.read_bytes()


def test_a_parquet_file_that_lies_about_its_rows_is_refused(good: Path, tmp_path: Path) -> None:
    whole = table(good)
    names = list(whole.schema.names)
    names[names.index("id")] = "meta"
    for made, said in (
        (pa.concat_tables([whole] * 5001), "row groups larger than those"),
        (whole.slice(0, 4), "holds 4 rows and the manifest says 5"),
        (pa.concat_tables([whole] * 60), "holds 300 rows and the manifest says 5"),
        (whole.drop_columns(["index"]), "has other columns"),
        (whole.drop_columns(["meta"]), "not those of its manifest"),
        (whole.rename_columns(names), "has other"),
        (whole.append_column("more", whole["id"]), "has other columns"),
        (whole.set_column(0, "id", [[None] * 5]), "other columns|is not a Parquet data set"),
    ):
        message = checked(good, bytes_of(made, tmp_path / "made"), tmp_path)
        assert any(part in message for part in said.split("|")), message


def test_rows_of_a_billion_cells_are_not_unpacked(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = 1 << 22
    monkeypatch.setattr(parquet, "_GROUP_CELLS", 1 << 20)
    whole = table(good)
    line = pa.ListArray.from_arrays([0, cells], pa.nulls(cells, pa.uint8()).fill_null(0))
    grids = pa.ListArray.from_arrays([0, 1, 1, 1, 1, 1], line)
    data = bytes_of(whole.set_column(5, whole.schema.field("question"), grids), tmp_path / "made")
    assert len(data) < 20_000
    assert "row groups larger than those of a vizbench data set" in checked(good, data, tmp_path)


def number(value: int, length: int = 0) -> bytes:
    """Return a number as a footer holds it, in as many bytes as requested."""
    left, parts = 2 * value, bytearray()
    while left > 127 or len(parts) + 1 < length:
        parts.append(left & 127 | 128)
        left >>= 7
    return bytes([*parts, left])


def test_pages_that_hold_more_than_the_footer_says_are_not_unpacked(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = 1 << 22
    monkeypatch.setattr(parquet, "_GROUP_CELLS", 1 << 20)
    line = pa.ListArray.from_arrays([0, cells], pa.nulls(cells, pa.uint8()).fill_null(0))
    grids = pa.ListArray.from_arrays([0, 1, 1, 1, 1, 1], line)
    whole = table(good)
    data = bytes_of(whole.set_column(5, whole.schema.field("question"), grids), tmp_path / "made")
    claim = number(cells + 4)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    assert claim in data[footer:]
    lie = data[:footer] + data[footer:].replace(claim, number(80, len(claim)))
    assert "its pages do not hold what its footer says" in checked(good, lie, tmp_path)


def test_row_groups_hold_a_bounded_number_of_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = loading.load("life/conway?height=9&width=9&steps=8").train
    monkeypatch.setattr(parquet, "_WRITTEN_CELLS", 3000)
    monkeypatch.setattr(parquet, "_READ_CELLS", 1000)
    formats.write(split, 12, tmp_path / "out", formats.Settings("parquet"))
    file = pq.ParquetFile(tmp_path / "out" / "train-00000.parquet")
    assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [3, 3, 3, 3]
    assert [encode(row, True) for row in formats.read(tmp_path / "out")] == [
        encode(row, True) for row in split.head(12)
    ]
    monkeypatch.setattr(parquet, "_WRITTEN_CELLS", 800)  # a group for each row
    formats.write(split, 2, tmp_path / "each", formats.Settings("parquet"))
    assert pq.ParquetFile(tmp_path / "each" / "train-00000.parquet").num_row_groups == 2
    monkeypatch.setattr(parquet, "_GROUP_CELLS", 800)
    with pytest.raises(
        UserError, match="row 0 has 810 cells and a row of Parquet holds at most 800: leave the steps"
    ):
        formats.write(split, 12, tmp_path / "more", formats.Settings("parquet"))


def test_a_shard_is_named_by_its_place_only(tmp_path: Path) -> None:
    assert list(Parquet().files(Place(tmp_path, "test", 7, 0, 1))) == ["test-00007.parquet"]
