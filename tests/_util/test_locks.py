"""Test that a lock keeps other processes out, also without locks in the file system, and is never left."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from vizbench._util import locks, notices
from vizbench._util.locks import folder_lock
from vizbench.errors import UserError

HELD = (
    "import sys, time; from pathlib import Path; from vizbench._util.locks import folder_lock\n"
    "with folder_lock(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
)


def test_one_writer_and_a_killed_one_leaves_no_lock(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", HELD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "in\n"
        with pytest.raises(UserError, match=f"by process {child.pid}: wait for it"), folder_lock(tmp_path):
            pass
        child.kill()
        child.wait()
    with folder_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EBADF, errno.EINVAL])
def test_a_file_system_without_locks_is_written_to_and_that_is_said(tmp_path, monkeypatch, code):
    import fcntl

    def refuse(descriptor, operation):
        raise OSError(code, os.strerror(code))

    said: list[str] = []
    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(notices, "_said", set())
    with notices.notices_to(lambda text, key: said.append(text)):
        for _ in range(2):
            with folder_lock(tmp_path):
                again = folder_lock(tmp_path)
                with (
                    pytest.raises(UserError, match=rf"by process {os.getpid()} on .*remove {tmp_path}"),
                    again,
                ):
                    pass
        (tmp_path / "other").mkdir()
        with folder_lock(tmp_path / "other"):
            pass
    assert len(said) == 1 and str(tmp_path) in said[0] and os.strerror(code) in said[0]


def test_a_killed_process_leaves_no_marker_that_blocks(tmp_path, monkeypatch):
    import fcntl

    refused = "import fcntl\ndef flock(*_): raise OSError(37, 'No locks available')\nfcntl.flock = flock\n"
    child = subprocess.Popen(
        [sys.executable, "-c", refused + HELD, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None

    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with child.stdout, notices.notices_to(lambda text, key: None):
        assert child.stdout.readline() == "in\n"
        with pytest.raises(UserError, match=f"by process {child.pid} on "), folder_lock(tmp_path):
            pass
        child.kill()
        child.wait()
        with folder_lock(tmp_path):
            assert (tmp_path / locks.MARKER).read_text().startswith(f"{os.getpid()}\n")


def test_a_place_that_cannot_be_written_is_no_matter_of_locks(tmp_path):
    with (
        pytest.raises(UserError, match="cannot be written: the folder does not exist"),
        folder_lock(tmp_path / "gone" / "x"),
    ):
        pass
