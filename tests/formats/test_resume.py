"""Test that the same command continues an interrupted `generate`, with the bytes of an undisturbed one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Run, refused
from tests.support.paused_process import held
from vizbench import formats, loading
from vizbench.dataset.splits import Split
from vizbench.engines.shard import Part
from vizbench.errors import UserError
from vizbench.formats import Execution, Settings, journal, writer
from vizbench.formats.merge import merge

BETWEEN_RECORDS = ("vizbench.formats.journal.line", 3)
"""Before the third shard is recorded: the first two are, after the line of the command."""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make shards of three rows, as `held` does."""
    monkeypatch.setattr(writer, "SHARD_ROWS", 3)


@pytest.fixture
def split() -> Split:
    return loading.load("life/conway").train


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed(out: Path, *arguments: object) -> Path:
    """Kill a command after two of its shards, and return the workspace that it left."""
    with held(BETWEEN_RECORDS, "--out", out, "--n", 14, *arguments) as child:
        child.kill()
    (space,) = out.parent.glob(".vizbench-*")
    return space


@pytest.mark.parametrize(
    "arguments",
    [("--workers", 2), ("--format", "png", "--look", "glyphs"), ("--format", "parquet", "--shard", "1/2")],
)
def test_a_killed_command_continues(arguments: tuple[object, ...], run: Run, tmp_path: Path) -> None:
    at = ("vizbench.formats.journal.line", 2) if "--shard" in arguments else BETWEEN_RECORDS
    plain = arguments if "--workers" not in arguments else ()  # the bytes are the same, and it is faster
    command = ("generate", "--task", "life/conway", "--n", 14, *plain, "--out")
    with held(at, "--out", tmp_path / "out", "--n", 14, *arguments) as child:
        child.kill()
    shards = at[1] - 1
    done = run(*command, "out")
    assert (done.code, done.err) == (
        0,
        f"vizbench: {shards} finished shard{'s' * (shards > 1)} kept ({3 * shards} rows)\n",
    )
    assert run(*command, "whole").code == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_ctrl_c_leaves_what_is_finished(run: Run, tmp_path: Path) -> None:
    """Workers are killed with it. Others finish the work."""
    with held(BETWEEN_RECORDS, "--out", tmp_path / "out", "--n", 14, "--workers", 2) as child:
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said == "vizbench: stopped; finished shards are kept, and the same command continues from them\n"
    done = run("generate", "--task", "life/conway", "--n", 14, "--out", "out")
    assert "2 finished shards kept (6 rows)" in done.err
    assert formats.check(tmp_path / "out").rows == 14


def damaged(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


FAULTS: dict[str, tuple[Callable[[Path], object], int]] = {
    "nothing": (lambda space: None, 2),
    "cut": (lambda space: os.truncate(space / "new" / "train-00000.jsonl", 900), 1),
    "changed": (lambda space: damaged(space / "new" / "train-00001.jsonl", 300), 1),
    "gone": (lambda space: (space / "new" / "train-00001.jsonl").unlink(), 1),
    "a pipe": (lambda space: swapped(space / "new" / "train-00001.jsonl"), 1),
    "record cut": (lambda space: shortened(space / "finished.jsonl"), 1),
    "record changed": (lambda space: damaged(space / "finished.jsonl", -9), 1),
    "records doubled": (lambda space: doubled(space / "finished.jsonl"), 2),
    "records of others": (lambda space: foreign(space / "finished.jsonl"), 2),
    "shards gone": (lambda space: shutil.rmtree(space / "new"), 0),
}


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 9)


def swapped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def doubled(path: Path) -> None:
    path.write_bytes(path.read_bytes() + path.read_bytes().partition(b"\n")[2] + b"[" * 5000)


def foreign(path: Path) -> None:
    records = [journal.Finished("train-00002", 5, "0" * 64, b""), journal.Finished("../up", 3, "0" * 64, b"")]
    path.write_bytes(path.read_bytes() + b"".join(map(journal.line, records)))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what a killed command left of `out`."""
    folder = tmp_path_factory.mktemp("left")
    killed(folder / "out")
    return folder


@pytest.mark.parametrize("what", FAULTS)
def test_shards_that_are_not_as_recorded_are_made_again(
    what: str, left: Path, split: Split, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    shutil.copytree(left, here)
    (space,) = here.iterdir()
    change, kept = FAULTS[what]
    change(space)
    counts: list[tuple[int, int]] = []
    made = formats.write(
        split, 14, here / "out", execution=Execution(resumed=lambda *each: counts.append(each))
    )
    assert counts == [(kept, 3 * kept)] * (kept > 0)
    assert formats.write(split, 14, tmp_path / "whole") == made
    assert tree(here / "out") == tree(tmp_path / "whole")
    assert [path.name for path in here.iterdir()] == ["out"]


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"n": 15}, "n is 14 there and 15 here"),
    ({"split": loading.load("life/conway", 1).train}, "seed is 0 there and 1 here"),
    ({"split": loading.load("life/seeds").train}, "task is life/conway there and life/seeds here"),
    ({"settings": Settings("parquet")}, "format is jsonl there and parquet here"),
    ({"settings": Settings(steps=False)}, "steps is True there and False here"),
    ({"settings": Settings(prompt="none")}, "prompt is text there and none here"),
    ({"execution": Execution(part=Part(0, 2))}, "--shard is 0/1 there and 0/2 here"),
]


def test_another_command_is_refused(
    left: Path, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    shutil.copytree(left, here)
    before = tree(here)
    for changes, difference in OTHERS:
        named: dict[str, Any] = {"split": split, "n": 14, "out": here / "out"} | changes
        with pytest.raises(UserError) as error:
            formats.write(**named)
        assert f"holds 2 shards of another command ({difference}): give that command again" in str(
            error.value
        )
        assert tree(here).keys() == before.keys()
    monkeypatch.setattr("vizbench.formats.manifest.__version__", "9.9")
    with pytest.raises(UserError, match=r"vizbench is 0\.\S+ there and 9\.9 here"):
        formats.write(split, 14, here / "out")
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"out is unfinished, its shards are in .*: wait for its"):
        formats.read(here / "out")
    formats.write(split, 2, here / "other")  # beside it
    assert formats.write(split, 15, here / "out", execution=Execution(overwrite=True)).rows == 15
    assert sorted(path.name for path in here.iterdir()) == ["other", "out"]


def test_another_machine_continues(left: Path, split: Split, tmp_path: Path) -> None:
    """An array job may be given to another node of the cluster, which sees the same folder."""
    here = tmp_path / "here"
    shutil.copytree(left, here)
    (space,) = here.iterdir()
    owner = json.loads((space / "owner.json").read_bytes())
    assert owner["host"] == socket.gethostname()
    (space / "owner.json").write_text(json.dumps(owner | {"host": "elsewhere", "boot": ""}))
    formats.write(split, 2, here / "other")  # which clears nothing of other machines
    counts: list[int] = []
    formats.write(
        split, 14, here / "out", execution=Execution(resumed=lambda shards, _: counts.append(shards))
    )
    assert counts == [2] and sorted(path.name for path in here.iterdir()) == ["other", "out"]


def test_a_command_at_work_is_not_continued(run: Run, split: Split, tmp_path: Path) -> None:
    with held(BETWEEN_RECORDS, "--out", tmp_path / "out", "--n", 14):
        counts: list[int] = []
        formats.write(
            split,
            14,
            tmp_path / "out",
            execution=Execution(resumed=lambda shards, _: counts.append(shards)),
        )
    assert counts == [] and formats.check(tmp_path / "out").rows == 14


def test_ctrl_c_while_shards_are_checked_keeps_them(
    left: Path, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    shutil.copytree(left, here)

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("vizbench.formats.folder.FolderDraft.digest", interrupted)
        formats.write(split, 14, here / "out")
    counts: list[int] = []
    formats.write(
        split, 14, here / "out", execution=Execution(resumed=lambda shards, _: counts.append(shards))
    )
    assert counts == [2]


def test_many_kills_one_result(run: Run, tmp_path: Path) -> None:
    """Every command gets one shard further. Parts that were continued are merged."""
    for part in (0, 1):
        words = ("--out", tmp_path / f"p{part}", "--n", 18, "--shard", f"{part}/2")
        for kills in range(2 * part):
            with held(("vizbench.formats.journal.line", 2 + kills), *words) as child:
                child.kill()
        done = run("generate", "--task", "life/conway", *words)
        assert (done.code, "2 finished shards kept" in done.err) == (0, part == 1)
    formats.write(loading.load("life/conway").train, 18, tmp_path / "whole")
    merge([tmp_path / "p0", tmp_path / "p1"], tmp_path / "merged")
    assert tree(tmp_path / "merged") == tree(tmp_path / "whole")
    assert "holds no manifest" in refused(run("verify", "p0", "x"))


def test_a_disk_that_refuses_the_record_keeps_the_others(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = journal.Journal.add

    def refuses(self: journal.Journal, record: journal.Finished) -> None:
        if record.stem == "train-00002":
            raise OSError(28, "No space left on device")
        add(self, record)

    monkeypatch.setattr(journal.Journal, "add", refuses)
    with pytest.raises(
        UserError, match=r"the disk is full: .* \(2 finished shards in .* for the same command"
    ):
        formats.write(split, 14, tmp_path / "out")
    monkeypatch.setattr(journal.Journal, "add", add)
    counts: list[int] = []
    formats.write(
        split,
        14,
        tmp_path / "out",
        execution=Execution(resumed=lambda shards, _: counts.append(shards)),
    )
    assert counts == [2] and [path.name for path in tmp_path.iterdir()] == ["out"]
