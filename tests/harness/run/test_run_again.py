"""Runs that continue after a kill, Ctrl-C, a torn line or a full disk, and changes that are refused."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.support import stubs
from tests.support.small_runs import directory, predictions, small_plan
from vizbench._util import files, notices
from vizbench._util.locks import folder_lock
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs, read_trial
from vizbench.harness.run.run import run


def test_kill_9_within_a_group_loses_nothing_and_counts_nothing_twice(tmp_path):
    plan = small_plan(n_test=70, attempts=2)
    run(plan, tmp_path / "whole")
    out = tmp_path / "killed"
    script = "import sys; from pathlib import Path; from tests.support.small_runs import small_plan; " + (
        "from vizbench.harness.run.run import run; run(small_plan(n_test=70, attempts=2), Path(sys.argv[1]))"
    )
    log = directory(out, plan) / "records.jsonl"
    for lines in (
        2,
        38,
        90,
    ):  # the groups of questions end after 64, 128 and 140 lines; a torn one is asked again
        child = subprocess.Popen(
            [sys.executable, "-c", script, out], env=os.environ | {"STUB_HOLD": str(lines // 2)}
        )
        deadline = time.monotonic() + 120
        while not (log.exists() and log.read_bytes().count(b"\n") == lines):
            assert child.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    run(plan, out)
    assert predictions(out) == predictions(tmp_path / "whole")


def test_a_torn_last_line_is_dropped_and_answered_again(tmp_path):
    whole = tmp_path / "whole"
    run(small_plan(), whole)
    for cut in (1, 30):  # only the newline, and part of the line
        out = tmp_path / f"cut{cut}"
        run(small_plan(), out)
        log = directory(out, small_plan()) / "records.jsonl"
        log.write_bytes(log.read_bytes()[:-cut])
        run(small_plan(), out)
        assert predictions(out) == predictions(whole)


@pytest.mark.parametrize(
    ("line", "edit", "words"),
    [
        (2, lambda text: text[:-9], "line 2 of .*records.jsonl is corrupt"),
        (1, lambda text: "\0" * len(text), "line 1 of .* is corrupt"),
        (3, lambda text: text.replace('"cells":0', '"cells":7'), "line 3 of .*`float` <= 1"),
        (3, lambda text: text.replace('"valid"', '"vilad"'), "line 3 of"),
        (2, lambda text: text.replace("test-1", "test-0"), "line 2 of .*attempt 0 is there twice"),
        (2, lambda text: text.replace("test-1", "test-99"), "line 2 of .*was not asked"),
        (4, lambda text: text.replace('"attempt":0', '"attempt":1'), "line 4 of .*was not asked"),
        (2, lambda text: "[" * 100_000, "line 2 of .* is corrupt"),
    ],
)
def test_a_corrupt_line_is_refused_with_file_and_line(tmp_path, line, edit, words):
    run(small_plan(), tmp_path)
    log = directory(tmp_path, small_plan()) / "records.jsonl"
    lines = log.read_text().splitlines()
    changed = edit(lines[line - 1])
    assert changed != lines[line - 1]
    log.write_text("\n".join([*lines[: line - 1], changed, *lines[line:]]) + "\n")
    damaged = log.read_bytes()
    with pytest.raises(UserError, match=words):
        run(small_plan(), tmp_path)
    with pytest.raises(UserError, match=words):
        read_runs([tmp_path])
    assert log.read_bytes() == damaged


@pytest.mark.parametrize(
    "last",
    [
        b'{"id": "foreign", "score": 1}\n',
        b'{"id": "foreign", "score": 1}',  # whole, only without its line end
        b'{"id":"life/conway#0-test-4","attempt":0}\n',
        b"not ours\n",
        b"not ours",
        b"\n",
        b"[]\n",
    ],
)
@pytest.mark.parametrize("place", ["last", "first"])
def test_a_foreign_line_is_refused_and_kept(tmp_path, last, place):
    run(small_plan(limit=3), tmp_path)
    log = directory(tmp_path, small_plan()) / "records.jsonl"
    ours = log.read_bytes()
    log.write_bytes(ours + last if place == "last" else last.rstrip(b"\n") + b"\n" + ours)
    damaged = log.read_bytes()
    for act in (lambda: run(small_plan(), tmp_path), lambda: read_runs([tmp_path])):
        with pytest.raises(
            UserError, match=f"line {4 if place == 'last' else 1} of .*records.jsonl is corrupt.*remove"
        ):
            act()
    assert log.read_bytes() == damaged


@pytest.mark.parametrize("cut", [b'{"id":"life/con', b"{", b"\0\0\0", b'{"id":"a","attempt":\0\0'])
def test_a_line_that_a_kill_cut_short_is_made_anew_and_that_is_said(tmp_path, cut, monkeypatch):
    run(small_plan(), tmp_path / "whole")
    out = tmp_path / "out"
    run(small_plan(limit=3), out)
    log = directory(out, small_plan()) / "records.jsonl"
    log.write_bytes(log.read_bytes() + cut)
    said: list[str] = []
    monkeypatch.setattr(notices, "_said", set())
    with notices.notices_to(lambda text, key: said.append(text)):
        run(small_plan(), out)
    assert [str(log) in text for text in said] == [True]
    assert predictions(out) == predictions(tmp_path / "whole")


@pytest.mark.parametrize("name", ["run.json", "questions.jsonl"])
def test_a_corrupt_header_or_question_is_refused(tmp_path, name):
    run(small_plan(), tmp_path)
    path = directory(tmp_path, small_plan()) / name
    path.write_text(path.read_text().replace("[", "{", 1) if name == "questions.jsonl" else "{")
    with pytest.raises(UserError, match=name):
        run(small_plan(), tmp_path)


def test_a_changed_plan_is_refused_with_what_changed_and_nothing_is_written(tmp_path):
    run(small_plan(), tmp_path)
    before = predictions(tmp_path)
    with pytest.raises(UserError, match=r"n_test was 5, is 6; attempts was 1, is 3.*another --out"):
        run(small_plan(n_test=6, attempts=3, shots=(5, 3)), tmp_path)
    assert predictions(tmp_path) == before


def test_changed_data_and_changed_weights_are_refused(tmp_path):
    spy = f"{stubs.FILE}:Spy"
    plan = Plan(models=(spy,), tasks=("life/conway",), checkpoint="grid", shots=(3,), n_test=5, limit=2)
    run(plan, tmp_path)
    path = directory(tmp_path, plan, spy) / "run.json"
    header = json.loads(path.read_text())
    assert header["weights"] == "0123"
    path.write_text(json.dumps(header | {"weights": "4567"}))
    with pytest.raises(UserError, match="weights was 4567, is 0123"):
        run(msgspec.structs.replace(plan, limit=None), tmp_path)
    path.write_text(json.dumps(header | {"data": header["data"] | {"digest": "00"}}))
    with pytest.raises(UserError, match=r"data\.digest was 00"):
        run(plan, tmp_path)
    path.write_text(json.dumps(header | {"format": 1}))
    with pytest.raises(UserError, match="format 1 and this vizbench reads 3"):
        run(plan, tmp_path)


def test_a_model_whose_file_was_changed_is_another_model(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(Path(stubs.FILE).read_text())
    plan = small_plan(f"{file}:Trainer", limit=2)
    run(plan, tmp_path / "out")
    place = directory(tmp_path / "out", plan, f"{file}:Trainer")
    assert read_trial(place).header.code is not None
    file.write_text(file.read_text() + "#")
    with pytest.raises(UserError, match=r"code was \w+, is \w+"):
        run(plan, tmp_path / "out")


def test_ctrl_c_passes_through_and_what_was_answered_stays(tmp_path):
    fails = f"{stubs.FILE}:Fails"
    plan = small_plan(fails, checkpoint="interrupt")
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path)
    assert len(read_trial(directory(tmp_path, plan, fails)).records) == 1


def test_a_trial_in_use_is_refused_and_a_dead_lock_is_not(tmp_path):
    plan = small_plan(limit=2)
    run(plan, tmp_path)
    place = directory(tmp_path, plan)
    (place / "lock").write_text("999999")  # left by a process that is gone
    run(small_plan(limit=3), tmp_path)
    with folder_lock(place), pytest.raises(UserError, match=f"being written by process {os.getpid()}"):
        run(small_plan(), tmp_path)
    run(small_plan(), tmp_path)
    assert read_trial(place).complete


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_refuses_ends_in_one_sentence_and_the_run_goes_on_later(tmp_path, monkeypatch, code):
    run(small_plan(limit=2), tmp_path)

    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", refuse)
        with pytest.raises(UserError, match="cannot be written"):
            run(small_plan(), tmp_path)
    run(small_plan(), tmp_path)
    assert read_trial(directory(tmp_path, small_plan())).complete
