"""Writing that survives: whole files or none, torn tails cut, one writer at a time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from vizbench.errors import UserError
from vizbench.harness import storage
from vizbench.harness.storage import Log, disk_errors, locked, read_lines, write_whole


def test_a_whole_file_replaces_the_old_one_or_leaves_it(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"

    def full(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full"):
        write_whole(path, b"newer")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_whole_file_goes_behind_a_link_and_replaces_no_device(tmp_path):
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="a folder, a device or a loop of links of that name"):
        write_whole(tmp_path / "pipe", b"new")
    assert (tmp_path / "pipe").is_fifo()


def test_a_log_keeps_what_it_is_told_to_and_appends(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    log = Log(path, 4)
    log.append([b"two", b"three"])
    assert path.read_bytes() == b"one\ntwo\nthree\n"  # there before the log is closed: a kill loses nothing
    log.close()
    assert list(read_lines(path)) == [(1, 4, b"one\n"), (2, 8, b"two\n"), (3, 14, b"three\n")]


def test_a_line_without_end_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MAX_LINE", 10)
    path = tmp_path / "log"
    path.write_bytes(b"0123456789" * 3)
    with pytest.raises(UserError, match="line 1 is over"):
        list(read_lines(path))


def test_other_faults_than_the_disks_pass_through(tmp_path):
    with pytest.raises(OSError, match="strange"), disk_errors(tmp_path):
        raise OSError(errno.ECHILD, "strange")


def test_one_writer_and_a_killed_one_leaves_no_lock(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from vizbench.harness.storage import locked\n"
        "with locked(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "in\n"
        with pytest.raises(UserError, match=f"by process {child.pid}: wait for it"), locked(tmp_path):
            pass
        child.kill()
        child.wait()
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
