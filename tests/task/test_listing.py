"""Test that the kept list of task families is the true one, and that nothing wrong is taken from the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vizbench import generators
from vizbench.task import listing
from vizbench.task.listing import Listed, listed
from vizbench.task.registry import families

COMMAND = "import sys, vizbench.cli as cli; sys.argv = ['vizbench', 'tasks']; cli.main()"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the kept list, which does not exist yet. Lets this process keep one."""
    monkeypatch.setattr(listing, "_has_imported", lambda: False)
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "families.json"


def test_the_list_has_every_family_and_is_read_again(kept: Path) -> None:
    true = tuple(Listed(name, task.summary, tuple(task.variants)) for name, task in families().items())
    assert listed() == true
    before = kept.read_bytes()
    kept.write_bytes(before.replace(true[0].summary.encode(), b"Read again."))
    assert listed()[0] == Listed(true[0].family, "Read again.", true[0].variants)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"key": "x", "families": []}', b"[" * 2000])
def test_a_list_that_is_not_valid_is_written_again(kept: Path, content: bytes) -> None:
    true = listed()
    written = kept.read_bytes()
    kept.write_bytes(content)
    assert listed() == true
    assert kept.read_bytes() == written


@pytest.mark.parametrize("name", ["$(id)", "a b", "a;b", "a\n", "", "-a", "../a"])
def test_a_forged_list_with_other_names_is_not_read(kept: Path, name: str) -> None:
    true = listed()
    content = json.loads(kept.read_bytes())
    for forged in ({"family": name}, {"variants": [name]}):
        family = {**content["families"][0], **forged}
        kept.write_text(json.dumps({**content, "families": [family]}))
        assert listed() == true


def test_a_change_of_a_file_makes_the_list_again(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = own / "file-without-a-task.py"  # no name of a module: it is not imported
    monkeypatch.setattr(generators, "__path__", [*generators.__path__, str(own)])
    true = listed()
    for change in (
        lambda: file.write_text("x = 1"),
        lambda: file.write_text("x = 10"),
        lambda: os.utime(file, ns=(1, 1)),
        file.unlink,
    ):
        kept.write_bytes(kept.read_bytes().replace(true[0].summary.encode(), b"Old."))
        assert listed()[0].summary == "Old."
        change()
        assert listed() == true
        assert listed() == true


def test_a_list_of_files_that_change_meanwhile_is_not_kept(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter(["before", "after"])
    monkeypatch.setattr(listing, "_key", lambda: next(keys))
    assert [each.family for each in listed()] == list(families())
    assert not kept.exists()


def test_a_file_that_vanishes_gives_the_true_list(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rglob(folder: Path, pattern: str) -> list[Path]:
        return [folder / "gone.py"]

    monkeypatch.setattr(Path, "rglob", rglob)
    assert [each.family for each in listed()] == list(families())
    assert not kept.exists()


def test_a_folder_that_cannot_be_written_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "file"))
    assert [each.family for each in listed()] == list(families())


def test_only_a_process_without_imported_families_keeps_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A family may be imported before its file is changed. The list of such a process may be old."""
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))
    file = tmp_path / "families.json"
    true = listed()
    assert not file.exists()
    for is_first in (True, False):
        command = [sys.executable, "-X", "importtime", "-c", COMMAND]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "life" in done.stdout
        assert ("numpy" in done.stderr) == is_first
    assert listing._read(file) == listing._Kept(str(listing._key()), true)
