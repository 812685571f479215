"""Test that a data set appears in whole or not at all, and that nothing of others is lost."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import paused_process as places
from tests.support.commands import Run, refused
from tests.support.paused_process import held, released
from vizbench import formats, loading
from vizbench.dataset.splits import Split
from vizbench.errors import UserError
from vizbench.formats import digests, folder, manifest, writer


@pytest.fixture
def split() -> Split:
    return loading.load("life/conway").train


@pytest.fixture
def out(split: Split, tmp_path: Path) -> Path:
    """Write a good data set of 5 rows."""
    formats.write(split, 5, tmp_path / "out")
    return tmp_path / "out"


def entries(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while the rows are written."""
    made = digests.heads_of

    def heads_of(*arguments: Any) -> Any:
        monkeypatch.setattr(digests, "heads_of", made)
        happens()
        return made(*arguments)

    monkeypatch.setattr(digests, "heads_of", heads_of)


def link(path: Path, to: str) -> None:
    path.symlink_to(to)


def folder_with(path: Path, name: str) -> None:
    path.mkdir(exist_ok=True, parents=True)
    (path / name).write_text("years of work")


APPEARED: dict[str, Callable[[Path], object]] = {
    "file": lambda path: path.write_text("years of work"),
    "folder": lambda path: folder_with(path, "thesis.txt"),
    "hidden": lambda path: folder_with(path, ".hidden"),
    "dangling link": lambda path: link(path, "nowhere"),
    "link": lambda path: (folder_with(path.with_name("other"), "thesis.txt"), link(path, "other")),
    "data set": lambda path: formats.write(loading.load("life/conway").train, 4, path),
}


def tree(path: Path) -> dict[str, bytes | str]:
    """Return everything below a folder: links by what they name, files by what they hold."""
    content: dict[str, bytes | str] = {}
    for entry in path.rglob("*"):
        name = str(entry.relative_to(path))
        if entry.is_symlink():
            content[name] = os.readlink(entry)
        elif entry.is_file():
            content[name] = entry.read_bytes()
    return content


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("what", APPEARED)
def test_what_appears_at_the_place_stays(
    what: str, overwrite: bool, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: dict[str, bytes | str] = {}

    def happens() -> None:
        APPEARED[what](tmp_path / "out")
        left.update(
            {name: data for name, data in tree(tmp_path).items() if not name.startswith(".vizbench-")}
        )

    meanwhile(monkeypatch, happens)
    with pytest.raises(UserError, match=r"made or changed by somebody else in the meantime, so it stays"):
        formats.write(split, 6, tmp_path / "out", execution=formats.Execution(overwrite=overwrite))
    assert left and tree(tmp_path) == left


CHANGED: dict[str, Callable[[Path], object]] = {
    "a file in it": lambda path: folder_with(path, "thesis.txt"),
    "a folder in it": lambda path: folder_with(path / "train" / "question", "thesis.txt"),
    "another data set": lambda path: (
        shutil.rmtree(path),
        formats.write(loading.load("life/conway").train, 4, path),
    ),
    "the same over it": lambda path: formats.write(
        loading.load("life/conway").train, 4, path, execution=formats.Execution(overwrite=True)
    ),
    "a file for it": lambda path: (shutil.rmtree(path), path.write_text("years of work")),
    "moved and linked": lambda path: (path.rename(path.with_name("moved")), link(path, "moved")),
}


@pytest.mark.parametrize("what", CHANGED)
def test_overwrite_replaces_only_what_was_there_at_the_start(
    what: str, split: Split, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: dict[str, bytes | str] = {}

    def happens() -> None:
        CHANGED[what](out)
        left.update(
            {name: data for name, data in tree(out.parent).items() if not name.startswith(".vizbench-")}
        )

    meanwhile(monkeypatch, happens)
    with pytest.raises(UserError, match=r"made or changed by somebody else in the meantime, so it stays"):
        formats.write(split, 6, out, execution=formats.Execution(overwrite=True))
    assert left and tree(out.parent) == left


def test_an_empty_folder_that_appears_is_filled(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, (tmp_path / "out").mkdir)
    formats.write(split, 6, tmp_path / "out")
    assert formats.check(tmp_path / "out").rows == 6


def test_a_place_that_became_free_is_taken(split: Split, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: shutil.rmtree(out))
    formats.write(split, 6, out, execution=formats.Execution(overwrite=True))
    assert formats.check(out).rows == 6


@pytest.mark.parametrize("flags", [(), ("--overwrite",)])
def test_of_two_writers_one_wins(flags: tuple[str, ...], split: Split, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if flags:
        formats.write(split, 5, out)
    with (
        held(places.BEFORE_RENAMES, "--out", out, "--seed", 1, *flags) as one,
        held(places.BEFORE_RENAMES, "--out", out, "--seed", 2, *flags) as two,
    ):
        (first, silence), (second, sentence) = released(one), released(two)
    assert (first, silence, second) == (0, "", 2)
    assert "somebody else" in sentence and sentence.count("\n") == 1
    assert formats.check(out).spec.seed == 1
    assert entries(tmp_path) == ["out"]


STAGES = [
    places.BEFORE_SHARD,
    places.BETWEEN_SHARDS,
    places.BEFORE_MANIFEST,
    places.BETWEEN_RENAMES,
    places.AFTER_RENAMES,
]


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_at_any_stage_loses_nothing(
    stage: tuple[str, int], split: Split, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = formats.check(out)
    with held(stage, "--out", out, "--overwrite") as child:
        child.kill()
    if stage == places.BETWEEN_RENAMES:
        with pytest.raises(UserError, match=r"was moved to .* by a `generate --overwrite` that was killed"):
            formats.read(out)
    else:
        assert formats.check(out).rows == (6 if stage == places.AFTER_RENAMES else 5)
    assert len(entries(out.parent)) == 1 + (stage != places.BETWEEN_RENAMES)
    # The next run puts back what was moved aside, and clears the rest, unless shards are finished.
    with pytest.raises(UserError, match="is not empty"):
        formats.write(split, 7, out)
    has_shards = stage not in (places.BEFORE_SHARD, places.AFTER_RENAMES)
    assert len(entries(out.parent)) == 1 + has_shards
    if stage != places.AFTER_RENAMES:
        assert formats.check(out) == before
    monkeypatch.setattr(writer, "SHARD_ROWS", 3)
    kept: list[int] = []
    formats.write(
        split,
        6,
        out,
        execution=formats.Execution(overwrite=True, resumed=lambda shards, _: kept.append(shards)),
    )
    assert kept == [1 + (stage != places.BETWEEN_SHARDS)] * has_shards
    assert formats.check(out).rows == 6 and entries(out.parent) == ["out"]


@pytest.mark.parametrize("stage", [places.IN_SHARD, places.BEFORE_RENAMES, places.AFTER_RENAMES])
def test_a_killed_first_writer_leaves_nothing_or_all(
    stage: tuple[str, int], split: Split, tmp_path: Path
) -> None:
    with held(stage, "--out", tmp_path / "out") as child:
        child.kill()
    done = stage == places.AFTER_RENAMES
    assert [name for name in entries(tmp_path) if not name.startswith(".")] == ["out"] * done
    formats.write(split, 5, tmp_path / "next")  # whatever it writes, the next run clears what is left
    visible = [name for name in entries(tmp_path) if not name.startswith(".")]
    assert visible == ["next", "out"][: 1 + done]
    assert len(entries(tmp_path)) == len(visible) + (stage == places.BEFORE_RENAMES)
    if done:
        assert formats.check(tmp_path / "out").rows == 6


def test_a_place_that_was_taken_after_a_kill_keeps_both(
    split: Split, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = formats.check(out)
    with held(places.BETWEEN_RENAMES, "--out", out, "--overwrite") as child:
        child.kill()
    folder_with(out, "thesis.txt")
    with pytest.raises(UserError, match="is not empty"):
        formats.write(split, 7, out)
    (kept,) = (entry for entry in out.parent.iterdir() if entry.name.startswith("out-old-"))
    assert formats.check(kept) == before
    assert entries(out) == ["thesis.txt"]
    assert str(kept) in caplog.text


def test_the_folder_of_a_live_process_is_untouched(split: Split, tmp_path: Path) -> None:
    with held(places.IN_SHARD, "--out", tmp_path / "out") as child:
        formats.write(split, 5, tmp_path / "other")
        assert len(entries(tmp_path)) == 2
        assert released(child) == (0, "")
    assert formats.check(tmp_path / "out").rows == 6
    assert entries(tmp_path) == ["other", "out"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_without_locks_a_process_is_known_by_its_id(
    number: int, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fails)
    with held(places.IN_SHARD, "--out", tmp_path / "out", no_locks=number) as child:
        formats.write(split, 5, tmp_path / "other")
        assert len(entries(tmp_path)) == 2
        child.kill()
        child.wait()
        formats.write(split, 5, tmp_path / "third")
    assert entries(tmp_path) == ["other", "third"]


def alike(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change the record of a workspace that a killed process left."""
    record = json.loads((path / "owner.json").read_bytes())
    change(record)
    (path / "owner.json").write_text(json.dumps(record))


def test_folders_that_look_like_leftovers_are_untouched(split: Split, tmp_path: Path) -> None:
    with held(places.IN_SHARD, "--out", tmp_path / "out") as child:
        child.kill()
    (left,) = tmp_path.iterdir()
    names = [f".vizbench-{digit * 16}" for digit in "0123456789"]
    copies = [shutil.copytree(left, tmp_path / name) for name in names]
    changes: list[Callable[[dict[str, object]], object]] = [
        lambda record: None,  # a copy names the original
        lambda record: record.update(workspace=names[1], host="another machine", boot=""),
        lambda record: record.update(workspace=names[2], target="Li4vdXA="),  # ../up
        lambda record: record.update(workspace=names[3], target=""),
        lambda record: record.update(workspace=names[4], boot=1),
        lambda record: record.clear(),
    ]
    for path, change in zip(copies, changes, strict=False):
        alike(path, change)
    (copies[6] / "owner.json").unlink()
    (copies[7] / "owner.json").write_bytes(b"[" * 5000)
    shutil.rmtree(copies[8])
    copies[8].symlink_to(copies[0])
    (copies[9] / "owner.json").unlink()
    os.mkfifo(copies[9] / "owner.json")
    (tmp_path / ".vizbench-backup").mkdir()
    formats.write(split, 5, tmp_path / "out")
    assert entries(tmp_path) == sorted([*names, ".vizbench-backup", "out"])


@pytest.mark.parametrize("fails", [1, 2])
def test_a_failed_replacement_keeps_the_old(
    fails: int, split: Split, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renaming the new data set fails, and every attempt to put the old one back fails too."""
    before = formats.check(out)
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if (self.name == "new" and target == out) or (self.name == "old" and fails == 2):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(folder.Path, "rename", broken)
    with pytest.raises(
        UserError, match=r"cannot be written( \(Input/output error\))?: (the disk failed|what was there)"
    ) as error:
        formats.write(split, 6, out, execution=formats.Execution(overwrite=True))
    monkeypatch.undo()
    if fails == 2:
        (left,) = out.parent.iterdir()
        assert str(left / "old") in str(error.value)
        assert formats.check(left / "old") == before
        formats.write(split, 3, out.with_name("next"))
        shutil.rmtree(out.with_name("next"))
    assert formats.check(out) == before
    assert entries(out.parent) == ["out"]


def test_a_disk_that_is_full_at_once_leaves_nothing(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vizbench.formats.workspace.write_new", full)
    with pytest.raises(UserError, match=r"out cannot be written: the disk is full"):
        formats.write(split, 5, tmp_path / "deep" / "out")
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        "thesis.txt",
        "train-00000.jsonl.bak",
        "train/a.png",
        "test/question/a.md",
        "train/video/0.mp4",
        "sub/a",
    ],
)
def test_overwrite_deletes_no_files_that_are_not_of_the_data_set(name: str, split: Split, out: Path) -> None:
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("years of work")
    with pytest.raises(UserError, match="which is not of its data set: move it away first"):
        formats.write(split, 6, out, execution=formats.Execution(overwrite=True))
    assert (out / name).read_text() == "years of work"


def test_overwrite_takes_what_file_managers_leave(split: Split, out: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "._manifest.json"):
        (out / name).write_text("")
    formats.write(split, 6, out, formats.Settings("png"), formats.Execution(overwrite=True))
    formats.write(split, 7, out, execution=formats.Execution(overwrite=True))
    assert formats.check(out).rows == 7


@pytest.mark.parametrize("text", ["{}", '{"manifest_version": 3}', "[[" * 9999, "\xff", ""])
def test_overwrite_knows_a_manifest_of_others(text: str, split: Split, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"no manifest\.json of vizbench, so it is not a data set"):
        formats.write(split, 6, tmp_path / "out", execution=formats.Execution(overwrite=True))
    assert (tmp_path / "out" / "manifest.json").read_text() == text


def test_a_data_set_of_another_version_may_be_replaced(split: Split, out: Path) -> None:
    plain = json.loads((out / manifest.NAME).read_bytes()) | {"more": 1}
    (out / manifest.NAME).write_text(json.dumps(plain))
    formats.write(split, 6, out, execution=formats.Execution(overwrite=True))
    assert formats.check(out).rows == 6


def test_folders_above_are_made_and_go_with_a_failure(split: Split, tmp_path: Path) -> None:
    place = tmp_path / "deep" / "er" / "out"
    with pytest.raises(UserError, match="has 13 train rows, fewer than were asked for"):
        formats.write(loading.load("life/conway?height=2&width=2").train, 17, place)
    assert entries(tmp_path) == []
    link(tmp_path / "link", "deep/er/out")
    formats.write(split, 5, tmp_path / "link")  # a link that names nothing yet
    assert formats.check(place).rows == 5
    assert (tmp_path / "link").is_symlink() and entries(tmp_path) == ["deep", "link"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", str(place)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a mount point needs root: {error}")  # not every container lets root mount
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_mount_points_and_read_only_disks_are_refused(run: Run, disk: Path, split: Split) -> None:
    command = ("generate", "--task", "life/conway", "--n", 3, "--out")
    assert "is a mount point and cannot be replaced: name a folder in it" in refused(run(*command, disk))
    assert run(*command, disk / "out").code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for path, flags in ((disk / "new", ()), (disk / "out", ("--overwrite",))):
        said = refused(run(*command, path, *flags))
        assert f"{path} cannot be written: the disk is read-only: choose another" in said
    assert entries(disk) == ["out"] and formats.check(disk / "out").rows == 3
