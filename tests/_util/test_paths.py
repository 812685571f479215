"""Test which names are data: hidden ones are skipped in every folder and archive."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from vizbench import loading
from vizbench._util.paths import is_hidden, visible_files
from vizbench.errors import UserError
from vizbench.formats.arc.archive import members
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs, read_unstarted
from vizbench.harness.run.run import run as measure

HIDDEN = (
    "._17.png", ".DS_Store", ".git", ".ipynb_checkpoints", ".hidden.json", "..data", "~$answers.json",
    "Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "__MACOSX", "$RECYCLE.BIN",
    "@eaDir", "lost+found",
)  # fmt: skip

TASK = {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]], "output": [[4]]}]}


@pytest.mark.parametrize("name", HIDDEN)
def test_names_that_are_no_data(name: str) -> None:
    assert is_hidden(name)


@pytest.mark.parametrize(
    "name", ["17.png", "_17.png", "a.b", "~17.png", "$1.json", "Thumbs.png", "x.git", "macosx"]
)
def test_names_that_are_data(name: str) -> None:
    assert not is_hidden(name)


def scatter(top: Path, suffix: str) -> None:
    """Put one good file below a folder, and bad ones under hidden names and in hidden folders."""
    (top / "Copy").mkdir(parents=True)
    for name in (".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir"):
        (top / "Copy" / name / "deep").mkdir(parents=True)
        (top / "Copy" / name / f"Copy2{suffix}").write_text("bad")
        (top / "Copy" / name / "deep" / f"Copy3{suffix}").write_text("bad")
    for name in (f"._Copy1{suffix}", f".x{suffix}", f"~$Copy1{suffix}"):
        (top / "Copy" / name).write_text("bad")
    (top / "Copy" / f"Copy1{suffix}").write_text(json.dumps(TASK))


def test_folders_and_archives_of_tasks_hold_the_visible_files_only(tmp_path: Path) -> None:
    top = tmp_path / ".cache" / "tasks"  # the user names it, so its own name does not count
    scatter(top, ".json")
    assert loading.expand(f"arc-json:{top}") == [f"arc-json:{top}/Copy/Copy1.json"]
    assert loading.load(f"arc-json:{top}/Copy/Copy1.json").test[0].target.tolist() == [[4]]
    shutil.make_archive(str(tmp_path / "tasks"), "zip", top)
    archive = tmp_path / "tasks.zip"
    assert members(archive, ".json") == ["Copy/Copy1.json"]
    assert loading.expand(f"arc-json:{archive}") == [f"arc-json:{archive}/Copy/Copy1.json"]
    shutil.rmtree(top / "Copy")
    (top / "Copy").mkdir()
    (top / "Copy" / "._Copy1.json").write_text("bad")
    with pytest.raises(UserError, match=r"holds no \.json file"):
        loading.expand(f"arc-json:{top}")


def test_hidden_copies_of_runs_are_no_runs(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    measure(Plan(models=("copy",), tasks=("life/conway",), shots=(3,), n_test=2), out)
    count = len(read_runs([out]))
    for name in (".Trash-1000", ".git", "__MACOSX"):
        shutil.copytree(out, tmp_path / "copy")
        shutil.move(tmp_path / "copy", out / name)
    for path in (out / ".Trash-1000").rglob("run.json"):
        (path.parent / "trial.json").write_text("bad")
        path.unlink()
    assert len(read_runs([out])) == count
    assert read_unstarted([out]) == []
    assert len(read_runs([out / ".git"])) == count  # named by the user


def test_the_walk_is_in_order_and_follows_no_link(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/3", "c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in visible_files(tmp_path)] == [
        "c",
        "a/3",
        "b/1",
        "b/2",
    ]


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), json.dumps(TASK))
    return path


def test_archives_with_backslashes_are_read_as_folders(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "win.zip", "corpus\\Copy\\Copy1.json", "corpus\\.git\\Copy2.json", "corpus\\Copy\\"
    )
    [name] = loading.expand(f"arc-json:{archive}")
    assert name == f"arc-json:{archive}/corpus/Copy/Copy1.json"
    assert loading.load(name).test[0].target.tolist() == [[4]]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("..\\..\\x.json", "leads out of its archive"),
        ("a\\..\\..\\x.json", "leads out of its archive"),
        ("C:\\x.json", "leads out of its archive"),
        ("\\x.json", "leads out of its archive"),
        ("\\\\server\\share\\x.json", "leads out of its archive"),
        ("a\\" * 100 + "x.json", "is over 200 characters long"),
    ],
)
def test_backslashes_do_not_lead_out(tmp_path: Path, name: str, why: str) -> None:
    [task] = loading.expand(f"arc-json:{zipped(tmp_path / 'bad.zip', name)}")
    with pytest.raises(UserError, match=why):
        loading.load(task)


def test_two_spellings_of_one_name_are_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "twice.zip", "a\\x.json", "a/x.json", "y.json")
    good, bad = f"arc-json:{archive}/y.json", f"arc-json:{archive}/a/x.json"
    assert loading.expand(f"arc-json:{archive}") == [bad, good]
    with pytest.raises(UserError, match="more than once"):
        loading.load(bad)
    assert loading.load(good).test[0].target.tolist() == [[4]]
