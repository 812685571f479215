"""Test that files are written whole or not at all, that reads are bounded, and that torn logs are cut."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from vizbench._util import files, notices
from vizbench._util.files import Log, disk_errors, read_lines, write_atomically
from vizbench.errors import UserError


def test_a_whole_file_replaces_the_old_one_or_leaves_it(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"

    def full(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(
        UserError, match=r"the disk is full: free some space, then give the same command again$"
    ):
        write_atomically(path, b"newer")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_whole_file_goes_behind_a_link_and_replaces_no_device(tmp_path):
    (tmp_path / "link").symlink_to("file")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="a folder, a device or a loop of links of that name"):
        write_atomically(tmp_path / "pipe", b"new")
    assert (tmp_path / "pipe").is_fifo()


def test_a_log_keeps_what_it_should_and_appends(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    log = Log(path, 4)
    log.append([b"two", b"three"])
    assert path.read_bytes() == b"one\ntwo\nthree\n"  # there before the log is closed: a kill loses nothing
    log.close()
    assert list(read_lines(path, "log", 99)) == [(1, 4, b"one\n"), (2, 8, b"two\n"), (3, 14, b"three\n")]


def test_a_line_without_end_is_not_read_into_memory(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"0123456789" * 3)
    with pytest.raises(UserError, match=r"line 1 of log .* is over 10 bytes"):
        list(read_lines(path, "log", 10))


def test_other_faults_than_the_disks_pass_through(tmp_path):
    with pytest.raises(OSError, match="strange"), disk_errors(tmp_path):
        raise OSError(errno.ECHILD, "strange")


def test_a_draft_becomes_the_file_with_the_rights_of_any_other(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with files.atomic_path(tmp_path / "file") as draft:
        draft.write_bytes(b"new")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_long_name_is_written(tmp_path):
    write_atomically(tmp_path / ("é" * 127), b"new")
    assert len(list(tmp_path.iterdir())) == 1


def test_two_drafts_of_one_file_do_not_meet(tmp_path):
    with files.atomic_path(tmp_path / "file") as one, files.atomic_path(tmp_path / "file") as two:
        assert one != two
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_what_a_library_opens_is_checked_first(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    files.check_regular(tmp_path / "file", "picture", 5)
    with pytest.raises(UserError, match=r"picture .*file is over 4 bytes, the most that is read"):
        files.check_regular(tmp_path / "file", "picture", 4)
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "", "gone", "a\0b"):
        with pytest.raises(UserError, match=r"not a regular file|cannot be opened"):
            files.check_regular(str(tmp_path / name), "picture", 5)


def test_drafts_of_dead_writers_are_swept_and_others_stay(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    mine = files._machine()
    dead = [tmp_path / f".page.html.{mine}-{child.pid}{token}.draft" for token in ("", "-0123abcd")]
    others = [
        tmp_path / f".page.html.{mine}-{os.getppid()}.draft",  # it still runs
        tmp_path / f".page.html.00000000-{child.pid}.draft",  # on another machine
        tmp_path / f".other.html.{mine}-{child.pid}.draft",
    ]
    for path in (*dead, *others):
        path.write_bytes(b"half")
    write_atomically(tmp_path / "page.html", b"whole")
    assert not any(path.exists() for path in dead) and all(path.exists() for path in others)


def test_a_log_completes_a_last_line_and_says_what_it_cuts(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo")
    log = Log(path, 7)
    log.append([b"three"])
    log.close()
    assert path.read_bytes() == b"one\ntwo\nthree\n"
    said: list[str] = []
    monkeypatch.setattr(notices, "_said", set())
    with notices.notices_to(lambda text, key: said.append(text)):
        Log(path, 4).close()
    assert path.read_bytes() == b"one\n" and str(path) in said[0]


def test_a_disk_that_forces_nothing_is_no_failure(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(files.os, "fsync", refuse)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
