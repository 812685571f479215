"""Test that the kept list of task families is the true one, and that nothing wrong is taken from the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vizbench import generators
from vizbench.task import listing
from vizbench.task.listing import Listed, listed
from vizbench.task.registry import families


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the kept list, which does not exist yet."""
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


def test_a_change_of_a_file_makes_the_list_again(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "helper.txt").write_text("no task")
    monkeypatch.setattr(generators, "__path__", [*generators.__path__, str(own)])
    keys = [listing._key()]
    (own / "a.py").write_text("x = 1")
    keys.append(listing._key())
    os.utime(own / "a.py", ns=(1, 1))
    keys.append(listing._key())
    assert len(set(keys)) == 3
    assert not kept.exists()


def test_a_folder_that_cannot_be_written_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "file"))
    assert [each.family for each in listed()] == list(families())


def test_a_kept_list_is_shown_without_numpy(kept: Path) -> None:
    code = "import sys, vizbench.cli as cli; sys.argv = ['vizbench', 'tasks']; cli.main()"
    command = [sys.executable, "-X", "importtime", "-c", code]
    assert listed()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "life" in done.stdout and "numpy" not in done.stderr
