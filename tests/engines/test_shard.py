"""Test that parts made alone give the whole, and that nothing else is taken for its parts."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path

import pytest

from tests.support.commands import Run, refused
from tests.support.small_runs import BATCHER, predictions, small_plan
from vizbench import formats, loading
from vizbench.engines.shard import Part, read_part
from vizbench.errors import UserError
from vizbench.formats import writer
from vizbench.formats.manifest import FormatName
from vizbench.formats.merge import merge
from vizbench.harness.run import run as running

PLAN = small_plan(shots=(3, 5), n_test=4)
EVAL = ("--model", BATCHER, "--task", "life/conway", "--n-test", 4, "--shots", "3,5")


def same_files(one: Path, other: Path) -> bool:
    names = {str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()}
    theirs = {str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()}
    return names == theirs and not any(filecmp.cmpfiles(one, other, names, shallow=False)[1:])


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SHARD_ROWS", 4)


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "0/0", "1/10001", "0/2/3", "a/b", " 0/2"])
def test_a_shard_is_i_of_n(text: str) -> None:
    with pytest.raises(UserError, match="is not i/n with n in 1 … 10,000"):
        read_part(text)


@pytest.mark.parametrize(("name", "count"), [("jsonl", 3), ("parquet", 2), ("png", 7)])
@pytest.mark.usefixtures("small_shards")
def test_parts_merge_to_the_bytes_of_the_whole(name: FormatName, count: int, tmp_path: Path) -> None:
    """Of seven parts some are empty: there are five shards."""
    split = loading.load("maze/level1").test
    whole = formats.write(split, 18, tmp_path / "whole", formats.Settings(name))
    parts = [tmp_path / str(index) for index in range(count)]
    for index, folder in enumerate(parts):
        formats.write(split, 18, folder, formats.Settings(name), formats.Execution(part=Part(index, count)))
        with pytest.raises(UserError, match=r"holds no manifest\.json"):
            formats.check(folder)
    assert merge(parts[::-1], tmp_path / "merged") == whole
    assert same_files(tmp_path / "whole", tmp_path / "merged")
    assert formats.check(tmp_path / "merged") == whole


@pytest.fixture
def three(tmp_path: Path, small_shards: None) -> list[Path]:
    """Three parts of a data set of five shards."""
    folders = [tmp_path / f"part{index}" for index in range(3)]
    for index, folder in enumerate(folders):
        formats.write(
            loading.load("life/conway").train, 18, folder, execution=formats.Execution(part=Part(index, 3))
        )
    return folders


def test_wrong_parts_are_refused_and_nothing_is_written(three: list[Path], tmp_path: Path, run: Run) -> None:
    other = tmp_path / "other"
    formats.write(
        loading.load("life/conway", 1).train, 18, other, execution=formats.Execution(part=Part(2, 3))
    )
    whole = tmp_path / "whole"
    formats.write(loading.load("life/conway").train, 18, whole)
    again = shutil.copytree(three[1], tmp_path / "again")

    for folders, sentence in (
        (three[:2], "1 part is missing (2/3)"),
        ([three[1]], "2 parts are missing (0/3, 2/3)"),
        ([*three, again], "are both part 1/3: leave one of them out"),
        ([*three[:2], other], "parts of different data sets (seed is 0 and 1)"),
        ([whole], "holds no part.json: give the folders that"),
        ([tmp_path / "nowhere"], "holds no part.json"),
    ):
        assert sentence in refused(run("merge", *folders, "--out", "merged")), sentence
        assert not (tmp_path / "merged").exists()


def test_damaged_parts_are_refused(three: list[Path], tmp_path: Path, run: Run) -> None:
    def damage(name: str, change: bytes) -> str:
        folders = [shutil.copytree(folder, tmp_path / f"x{folder.name}") for folder in three]
        path = folders[1] / name
        path.write_bytes(change)
        sentence = refused(run("merge", *folders, "--out", "merged"))
        assert not (tmp_path / "merged").exists()
        for folder in folders:
            shutil.rmtree(folder)
        return sentence

    shard = (three[1] / "train-00001.jsonl").read_bytes()
    digests = (three[1] / "blocks.digests").read_bytes()
    part = json.loads((three[1] / "part.json").read_text())
    assert "shard train-00001 is not as it was written" in damage(
        "train-00001.jsonl", shard.replace(b"1", b"2", 1)
    )
    assert "blocks.digests is not as it was written" in damage("blocks.digests", digests[:-1] + b"\0")
    assert "blocks.digests is not as it was written" in damage("blocks.digests", digests + b"\0")
    assert "part.json is malformed" in damage("part.json", b"{")
    for changes, sentence in (
        ({"part": 3}, "its numbers contradict each other"),
        ({"part": -1}, "is malformed"),
        ({"kind": "thing"}, "is malformed"),
        ({"parts": 4}, "one of 3 and one of 4 parts"),
        ({"sizes": part["sizes"][:1]}, "its numbers contradict each other"),
        ({"sizes": part["sizes"][:1], "manifest": part["manifest"] | {"shards": []}}, "contradict"),
        ({"manifest": part["manifest"] | {"rows": 17}}, "rows is 18 and 17"),
        (
            {"manifest": part["manifest"] | {"shards": [{"rows": 5, "sha256": "0"}] * 2}},
            "do not hold 18 rows",
        ),
    ):
        assert sentence in damage("part.json", json.dumps(part | changes).encode()), changes


def test_parts_of_a_run_merge_to_the_run(tmp_path: Path, run: Run) -> None:
    running.run(PLAN, tmp_path / "whole")
    running.run(PLAN, tmp_path / "p1", part=Part(1, 2))
    assert run("eval", *EVAL, "--out", "p0", "--shard", "0/2").code == 0
    merged = run("merge", "p1", "p0", "--out", "merged")
    assert (merged.code, merged.out) == (0, "merged: 14 trials, report: merged/report.html\n")
    assert predictions(tmp_path / "merged") == predictions(tmp_path / "whole")
    running.run(PLAN, tmp_path / "merged")  # it is a run like any other


def test_a_run_goes_only_into_the_folder_of_its_part(tmp_path: Path) -> None:
    running.run(PLAN, tmp_path, part=Part(0, 14))
    running.run(PLAN, tmp_path, part=Part(0, 14))  # it may be given again
    with pytest.raises(UserError, match="add --shard 0/14"):
        running.run(PLAN, tmp_path)
    for plan, part in ((PLAN, Part(1, 14)), (small_plan(n_test=3), Part(0, 14))):
        with pytest.raises(UserError, match="of another plan or number: give a folder of its own"):
            running.run(plan, tmp_path, part=part)


def test_wrong_parts_of_a_run_are_refused(tmp_path: Path, run: Run) -> None:
    def merge(*folders: str) -> str:
        sentence = refused(run("merge", *folders, "--out", "m"))
        assert not (tmp_path / "m").exists()
        return sentence

    for index in range(2):
        running.run(PLAN, tmp_path / f"p{index}", part=Part(index, 2))
    running.run(small_plan(n_test=3), tmp_path / "q1", part=Part(1, 2))
    formats.write(
        loading.load("life/conway").train, 3, tmp_path / "data", execution=formats.Execution(part=Part(0, 2))
    )
    assert "1 part is missing (0/2)" in merge("p1")
    assert "are both part 1/2" in merge("p0", "p1", "p1")
    assert "parts of different plans" in merge("p0", "q1")
    assert "merge runs and data sets separately" in merge("p1", "data")
    assert "--overwrite replaces data sets only" in merge("p0", "p1", "--overwrite")

    # Unfinished and damaged parts.
    records = next((tmp_path / "p0").glob("*__n3__*/records.jsonl"))
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(lines[0])
    assert "lacks 3 answers: give the command of part 0/2 again" in merge("p0", "p1")
    records.write_bytes(b"".join([lines[0], b"x\n", *lines[1:]]))
    assert "line 2 of" in merge("p0", "p1")
    shutil.rmtree(records.parent)
    assert "is missing: give the command of part 0/2 again" in merge("p0", "p1")
    part = json.loads((tmp_path / "p0" / "part.json").read_text())
    for changes in ({"part": 2}, {"trials": ["../p1"]}, {"trials": part["trials"][:1] * 2}, {"plan": 1}):
        (tmp_path / "p0" / "part.json").write_text(json.dumps(part | changes))
        assert "part.json is malformed" in merge("p0", "p1"), changes


def test_options_that_do_not_go_together_are_refused(run: Run) -> None:
    life = ("--task", "life", "--n", 3, "--out", "d")
    for words, sentence in (
        (("generate", *life, "--address", "h:1"), "add --engine ray"),
        (("generate", *life, "--shard", "3/3"), "is not i/n"),
        (("generate", *life, "--format", "arc", "--shard", "0/2"), "leave --engine and --shard out"),
        (("generate", *life, "--engine", "ray", "--workers", 0), "workers=0 is not in 1 … 10,000"),
        (("eval", *EVAL, "--dry-run", "--shard", "0/2"), "leave --engine and --shard out"),
        (("eval", *EVAL, "--engine", "ray", "--devices", 2), "leave --devices and launchers out"),
    ):
        assert sentence in refused(run(*words))
