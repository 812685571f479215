"""Test faults of disks and files: no half data set is left, and no changed one is accepted."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vizbench import formats, loading
from vizbench._util.files import read_lines
from vizbench.dataset.splits import Split
from vizbench.errors import UserError
from vizbench.formats import digests, writer
from vizbench.formats.manifest import FormatName


@pytest.fixture
def split() -> Split:
    return loading.load("life/conway", pool=3).train


@pytest.fixture
def out(split: Split, tmp_path: Path) -> Path:
    """Write a good data set of 5 rows."""
    formats.write(split, 5, tmp_path / "out")
    return tmp_path / "out"


def entries(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_a_folder_with_anything_in_it_is_refused(split: Split, out: Path) -> None:
    before = formats.check(out)
    with pytest.raises(UserError, match=r"is not empty.*--overwrite"):
        formats.write(split, 6, out)
    assert formats.check(out) == before
    assert entries(out.parent) == ["out"]


def test_overwrite_swaps_the_whole(split: Split, out: Path) -> None:
    formats.write(split, 6, out, formats.Settings("parquet"), formats.Execution(overwrite=True))
    assert entries(out) == ["manifest.json", "train-00000.parquet"]
    assert formats.check(out).rows == 6
    assert entries(out.parent) == ["out"]


def test_the_current_folder_is_not_swapped_away(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data" / "inner")
    for place in (Path(), Path(".."), tmp_path / "data"):
        with pytest.raises(UserError, match=r"current folder|is not empty"):
            formats.write(split, 5, place)
        with pytest.raises(UserError, match=r"current folder"):
            formats.write(split, 5, place, execution=formats.Execution(overwrite=True))
    assert list((tmp_path / "data").rglob("*")) == [tmp_path / "data" / "inner"]


def test_overwrite_deletes_no_other_files(split: Split, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"holds files but no manifest\.json"):
        formats.write(split, 5, tmp_path, execution=formats.Execution(overwrite=True))
    assert entries(tmp_path) == ["thesis.txt"]


def test_empty_new_and_linked_folders_are_written(split: Split, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for path in (tmp_path / "link", tmp_path / "deep" / "er" / "out"):
        formats.write(split, 5, path)
        assert formats.check(path).rows == 5
    assert (tmp_path / "link").is_symlink()
    assert entries(tmp_path / "empty") == ["manifest.json", "train-00000.jsonl"]


@pytest.mark.parametrize("path", ["file", "file/below", "/proc/vizbench/out", "loop", "a\0b", "x" * 300])
def test_places_that_cannot_be_written_are_refused(path: str, split: Split, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("keep me")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserError, match=r"is a file|cannot be written") as error:
        formats.write(split, 5, tmp_path / path)
    assert "\n" not in str(error.value)
    assert (tmp_path / "file").read_text() == "keep me"
    assert entries(tmp_path) == ["file", "loop"]


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize(
    "stop", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), RuntimeError()]
)
def test_a_failure_meanwhile_leaves_the_old_and_what_is_finished(
    name: FormatName, stop: BaseException, split: Split, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = formats.check(out)
    calls: list[int] = []
    made = digests.heads_of

    def heads_of(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise stop
        return made(*arguments)

    monkeypatch.setattr(digests, "heads_of", heads_of)
    monkeypatch.setattr(writer, "SHARD_ROWS", 3)
    expected = UserError if isinstance(stop, OSError) else type(stop)
    kept: list[tuple[int, int]] = []
    for path in (out, out.parent / "new"):
        calls.clear()
        with pytest.raises(expected):
            formats.write(split, 6, path, formats.Settings(name), formats.Execution(overwrite=True))
        assert formats.check(out) == before
        assert [entry for entry in entries(out.parent) if entry[0] != "."] == ["out"]
    monkeypatch.setattr(digests, "heads_of", made)
    for path in (out, out.parent / "new"):
        formats.write(
            split,
            6,
            path,
            formats.Settings(name),
            formats.Execution(overwrite=True, resumed=lambda *counts: kept.append(counts)),
        )
    assert kept == [(1, 3)] * 2
    assert entries(out.parent) == ["new", "out"]
    assert formats.check(out) == formats.check(out.parent / "new") != before


def test_more_than_the_disk_holds_is_refused_at_once(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer.shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    with pytest.raises(
        UserError, match=r"100,000,000 rows need about .* GB and the disk has 1.000 GB free: ask for at most"
    ):
        formats.write(split, 10**8, tmp_path / "out")
    assert entries(tmp_path) == []


def test_a_split_with_too_few_rows_is_refused_by_the_number_asked_for(tmp_path: Path) -> None:
    shown = loading.load("arc/copy").train
    assert shown.count is not None
    for n in (shown.count + 1, 50):  # within the rows written on trial, and beyond them
        asked = f"rows 0 … {n - 1} of arc/copy train were asked for: it has {shown.count}: "
        with pytest.raises(UserError, match=f"{asked}.* --format arc, or name a rule"):
            formats.write(shown, n, tmp_path / "out")
    assert entries(tmp_path) == []
    assert formats.write(shown, shown.count, tmp_path / "out").rows == shown.count


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        # A limit on a file's size needs no root, but its error is another one, which the runs' tests cover.
        # Not every container lets root mount.
        pytest.skip(f"a disk of a known size needs root and tmpfs: {error}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_full_disk_leaves_nothing_new(
    name: FormatName, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = loading.load("life/conway?height=40&width=40", pool=3).train
    formats.write(split, 1, tiny_disk / "out")
    with pytest.raises(UserError, match=r"the disk is full|need about"):
        formats.write(
            split, 2000, tiny_disk / "out", formats.Settings(name), formats.Execution(overwrite=True)
        )
    # The estimate may be wrong. Then the writing fails.
    monkeypatch.setattr(writer, "_check_space", lambda sample, n: None)
    with pytest.raises(UserError, match=r"out cannot be written: the disk is full"):
        formats.write(
            split, 2000, tiny_disk / "out", formats.Settings(name), formats.Execution(overwrite=True)
        )
    assert entries(tiny_disk) == ["out"]
    assert formats.check(tiny_disk / "out").rows == 1


def test_a_disk_that_fills_keeps_what_is_finished(tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = loading.load("life/conway?height=40&width=40", pool=3).train
    monkeypatch.setattr(writer, "SHARD_ROWS", 4)
    monkeypatch.setattr(writer, "_check_space", lambda sample, n: None)
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(bytes(150 << 10))
    with pytest.raises(UserError, match=r"is full: free some space.* \(\d finished shards? in ") as error:
        formats.write(split, 20, tiny_disk / "out")
    shards = int(str(error.value).partition(" finished shard")[0][-1])
    assert 1 <= shards < 5 and not (tiny_disk / "out").exists()
    ballast.unlink()
    kept: list[tuple[int, int]] = []
    formats.write(
        split, 20, tiny_disk / "out", execution=formats.Execution(resumed=lambda *counts: kept.append(counts))
    )
    assert kept == [(shards, 4 * shards)] and entries(tiny_disk) == ["out"]
    assert formats.check(tiny_disk / "out").rows == 20


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(out: Path) -> None:
        plain = json.loads((out / "manifest.json").read_bytes())
        change(plain)
        (out / "manifest.json").write_text(json.dumps(plain))

    return apply


def rewrite(old: bytes, new: bytes, count: int = -1) -> Callable[[Path], None]:
    """Change the shard, and its digest with it, as a forger would."""

    def apply(out: Path) -> None:
        shard = out / "train-00000.jsonl"
        before = shard.read_bytes()
        assert old in before
        shard.write_bytes(before.replace(old, new, count))
        digest = hashlib.sha256(shard.read_bytes()).hexdigest()
        edit(lambda plain: plain["shards"][0].update(sha256=digest))(out)

    return apply


def truncate(out: Path) -> None:
    shard = out / "train-00000.jsonl"
    os.truncate(shard, shard.stat().st_size - 1)


def flip(out: Path) -> None:
    shard = out / "train-00000.jsonl"
    data = bytearray(shard.read_bytes())
    at = data.index(b"[[", 300)
    data[at + 2] ^= 1  # a 0 becomes a 1
    shard.write_bytes(data)


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (truncate, "digest differs"),
    (flip, "digest differs"),
    (lambda out: (out / "train-00000.jsonl").unlink(), "cannot be opened"),
    (lambda out: (out / "manifest.json").unlink(), r"holds no manifest\.json"),
    (lambda out: (out / "manifest.json").write_text("[" * 100_000), "malformed"),
    (lambda out: (out / "manifest.json").write_text("{}"), "malformed"),
    (lambda out: (out / "manifest.json").write_bytes(b"\xff" * 9), "malformed"),
    (edit(lambda plain: plain.update(more=1)), "malformed"),
    (edit(lambda plain: plain.update(rows=6)), "do not hold 6 rows"),
    (edit(lambda plain: plain.update(format="../jsonl")), "malformed"),
    (edit(lambda plain: plain.update(digest="0" * 64)), "are not those of its manifest"),
    (edit(lambda plain: plain.update(format="parquet")), "cannot be opened"),
    (edit(lambda plain: plain["shards"][0].update(sha256="")), "digest differs"),
    (
        edit(lambda plain: plain["spec"].update(version=99)),
        "version 99 of life/conway and this vizbench .* has version",
    ),
    (edit(lambda plain: plain["spec"].update(task="life/conwey")), "unknown task"),
    (
        edit(lambda plain: plain["spec"].update(task="life/seeds")),
        "parameters in .* are not those of life/seeds",
    ),
    (edit(lambda plain: plain["spec"].update(seed=1)), "row 0 is row 0 of life/conway train, seed 0"),
    (edit(lambda plain: plain["spec"].update(seed=-1)), "row 0 is row 0"),
    (edit(lambda plain: plain["spec"].update(split="../train")), "malformed"),
    (edit(lambda plain: plain["spec"].update(split="test")), "cannot be opened"),
    (rewrite(b'"index":1,', b'"index":2,'), "row 1 is row 2"),
    (rewrite(b"train-1", b"train-9"), "row 1 has the id 'life/conway#0-train-9'"),
    (rewrite(b"[[0,", b"[[2,", 1), "cell code 2, over 1"),
    (rewrite(b"[[0,", b"[[256,", 1), "is not a row"),
    (rewrite(b"[[0,", b"[[0,0,", 1), "lines of different lengths"),
    (rewrite(b'"steps":[', b'"steps":[[[0]],', 1), "does not end at the target"),
    (rewrite(b'"target":[[', b'"target":[[0,', 1), "lines of different lengths"),
    (rewrite(b'"candidate":0', b'"candidate":7'), "are not those of its manifest"),
    (rewrite(b'"meta":{', b'"meta":' + b"[" * 9999, 1), "is not a row"),
    (rewrite(b"\n", b"", 1), "is not a row"),
    (rewrite(b'"seed":0', b'"seed":"0"', 1), "is not a row"),
]


@pytest.mark.parametrize("fault", range(len(FAULTS)))
def test_a_changed_data_set_is_refused(fault: int, out: Path) -> None:
    change, message = FAULTS[fault]
    change(out)
    with pytest.raises(UserError, match=message) as error:
        formats.check(out)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_the_process_of_a_game_begins_with_the_target(tmp_path: Path) -> None:
    formats.write(loading.load("connect4/win-in-2", pool=3).train, 2, tmp_path / "out")
    rewrite(b'"steps":[', b'"steps":[[[0]],', 1)(tmp_path / "out")
    with pytest.raises(UserError, match="row 0: the process does not begin with the target"):
        formats.check(tmp_path / "out")


def test_a_shard_with_another_number_of_rows_is_refused(out: Path) -> None:
    shard = out / "train-00000.jsonl"
    rows = shard.read_bytes().splitlines(keepends=True)
    for kept, message in (
        (rows[:4], "holds 4 rows and the manifest says 5"),
        ([*rows, rows[4]], "row 5 is row 4"),
    ):
        shard.write_bytes(rows[0])
        rewrite(rows[0], b"".join(kept), 1)(out)
        with pytest.raises(UserError, match=message):
            formats.check(out)


@pytest.mark.parametrize("junk", [b"", b"PAR1", b"PAR1" + b"\0" * 200 + b"PAR1", b"{}\n"])
def test_a_broken_parquet_file_is_refused(junk: bytes, split: Split, tmp_path: Path) -> None:
    formats.write(split, 5, tmp_path / "out", formats.Settings("parquet"))
    (tmp_path / "out" / "train-00000.parquet").write_bytes(junk)
    with pytest.raises(UserError, match="digest differs"):
        formats.check(tmp_path / "out")
    digest = hashlib.sha256(junk).hexdigest()
    edit(lambda plain: plain["shards"][0].update(sha256=digest))(tmp_path / "out")
    with pytest.raises(UserError, match="is not a Parquet data set"):
        formats.check(tmp_path / "out")


def test_lines_over_the_limit_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123456\n\n1234567\n")
    lines = [(1, 7, b"123456\n"), (2, 8, b"\n"), (3, 16, b"1234567\n")]
    assert list(read_lines(tmp_path / "a", "file", 8)) == lines
    with pytest.raises(UserError, match=r"line 3 of .* is over 7 bytes"):
        list(read_lines(tmp_path / "a", "file", 7))
