"""Runs that are killed, interrupted, or out of disk keep what they wrote, and the same command continues."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support import forked_runs
from tests.support.small_runs import predictions
from vizbench.harness.records.records import read_runs
from vizbench.harness.run.run import run

ROOT = Path(__file__).resolve().parents[3]
KILLS = 30


@pytest.fixture
def files(tmp_path):
    """Return a folder of two ARC tasks with 40 test inputs each."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number, name in enumerate("ab"):
        pairs = [{"input": [[i % 10, number]], "output": [[number, i % 10]]} for i in range(40)]
        (folder / f"{name}.json").write_text(json.dumps({"train": pairs[:3], "test": pairs}))
    return folder


def start(*words, **environment):
    """Start a `python` of these sources with two pipes to it."""
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def evaluate(files, out, *words):
    """Return the arguments of an `eval` of the plan of `forked_runs`."""
    plan = forked_runs.plan(files)
    named = (
        "--model",
        plan.models[0],
        "--task",
        plan.tasks[0],
        "--n-test",
        40,
        "--attempts",
        2,
        "--out",
        out,
    )
    return ("-m", "vizbench", "eval", *named, *words)


def eventually(true, what):
    """Wait until a condition holds, for a minute at most."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_thirty_random_kills_lose_nothing_and_count_nothing_twice(tmp_path, files):
    """Kills half of the runs at a random time, and half at a random write or between two files."""
    random = np.random.default_rng(4)
    whole = tmp_path / "whole"
    run(forked_runs.plan(files), whole)
    expected = predictions(whole)
    nurse = start("-m", "tests.support.forked_runs", files, STUB_DELAY="0.001")
    assert nurse.stdin is not None and nurse.stdout is not None
    outs, kills, torn = [tmp_path / "out0"], 0, 0
    try:
        while kills < KILLS or (
            outs[-1].exists() and not all(trial.complete for trial in read_runs([outs[-1]]))
        ):
            last = kills >= KILLS
            moment = (
                10**6 if last else int(random.integers(0, 60)) if kills % 2 else -int(random.integers(1, 100))
            )
            nurse.stdin.write(f"{outs[-1]} {moment}\n")
            nurse.stdin.flush()
            status = int(nurse.stdout.readline())
            torn += sum(
                not log.read_bytes().endswith(b"\n")
                for log in outs[-1].rglob("records.jsonl")
                if log.stat().st_size
            )
            kills += status == signal.SIGKILL
            assert status in (0, signal.SIGKILL)
            if status == 0 and not last:  # it was done before it could be killed: kill another
                assert predictions(outs[-1]) == expected
                outs.append(tmp_path / f"out{len(outs)}")
    finally:
        nurse.stdin.close()
        nurse.wait(60)
        nurse.stdout.close()
        if nurse.stderr is not None:
            nurse.stderr.close()
    assert kills == KILLS
    assert torn  # some lines were cut in two, or the test does not show much
    for out in outs:
        run(forked_runs.plan(files), out)
        assert predictions(out) == expected
        assert not list(out.rglob("error.txt"))


def test_drafts_of_killed_processes_are_cleared(tmp_path, files):
    out = tmp_path / "out"
    run(forked_runs.plan(files), out)
    trial = read_runs([out])[0].directory
    (trial / "records.jsonl").unlink()
    (trial / ".run.json.4711.draft").write_text("{")
    run(forked_runs.plan(files), out)
    assert not list(out.rglob(".*"))


def test_processes_give_the_same_records_and_die_with_their_parent(tmp_path, files):
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(forked_runs.plan(files), whole)
    running = start(*evaluate(files, out, "--jobs", 2), STUB_DELAY="1000", STUB_PIDS=str(tmp_path / "pids"))
    try:
        pids = tmp_path / "pids"
        eventually(lambda: pids.exists() and len(set(pids.read_text().split())) == 2, "two processes at work")
        running.kill()
        running.communicate(timeout=60)  # they hold the other ends of its pipes
        for pid in set(pids.read_text().split()):
            eventually(lambda pid=pid: not _alive(int(pid)), f"process {pid} outlives its parent")
    finally:
        running.kill()
    assert not all(trial.complete for trial in read_runs([out]))
    outcomes = run(forked_runs.plan(files), out, jobs=2)
    assert [outcome.trial for outcome in outcomes] == list(forked_runs.plan(files).trials())
    assert predictions(out) == predictions(whole)


def test_ctrl_c_ends_all_processes_clean(tmp_path, files):
    out, pids = tmp_path / "out", tmp_path / "pids"
    running = start(*evaluate(files, out, "--jobs", 2), STUB_DELAY="1000", STUB_PIDS=str(pids))
    try:
        eventually(lambda: pids.exists() and len(set(pids.read_text().split())) == 2, "two processes at work")
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "the same command continues" in said and "Traceback" not in said
    assert not [pid for pid in set(pids.read_text().split()) if _alive(int(pid))]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_is_full_ends_in_one_sentence_and_the_run_goes_on_later(tmp_path, files, jobs):
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(forked_runs.plan(files), whole)
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        "sys.argv = ['vizbench', *sys.argv[3:]]; runpy.run_module('vizbench', run_name='__main__')"
    )
    code = tmp_path / "limited.py"
    code.write_text(f"if __name__ == '__main__':\n    {limited}\n")
    running = start(code, *evaluate(files, out, "--jobs", jobs))
    _, said = running.communicate(timeout=120)
    assert running.returncode == 2, said
    sentences = [line for line in said.splitlines() if ": done" not in line]
    assert len(sentences) == 1
    assert "cannot be written: a file may not grow further there" in sentences[0]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    run(forked_runs.plan(files), out)
    assert predictions(out) == predictions(whole)


REPORTS = """
import os, random, signal, sys
from pathlib import Path
from vizbench.harness.report import report
from vizbench.harness.records.records import read_runs

out = Path(sys.argv[1])
trials, page = read_runs([out]), out / "page.html"
report.write_report(trials, [], page)
whole = page.read_text(encoding="utf-8")
random.seed(5)
pages, drafts = set(), 0

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

class Torn:
    def __init__(self, file): self.file = file
    def __getattr__(self, name): return getattr(self.file, name)
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, data):
        self.file.write(data[: random.randrange(len(data))])
        self.file.flush()
        die()

opened = Path.open
for number in range(20):
    child = os.fork()
    if child == 0:
        random.seed(number)
        report.render_report = lambda *_: f"{whole}<!-- {number} -->"
        if number % 3 == 0:
            Path.open = lambda self, *a, **b: Torn(opened(self, *a, **b))
        elif number % 3 == 1:
            os.fsync = die
        else:
            signal.setitimer(signal.ITIMER_REAL, random.random() * 0.004)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        report.write_report(trials, [], page)
        os._exit(0)
    os.waitpid(child, 0)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(whole), number
    assert text[len(whole):] in {"", *(f"<!-- {k} -->" for k in range(number + 1))}, number
    pages.add(text)
    drafts += bool(list(out.glob(".*.draft")))
    assert len(list(out.glob(".*.draft"))) <= 1, number  # each run removes what the one before left
report.write_report(trials, [], page)
assert not list(out.glob(".*.draft"))
print(drafts)
"""


def test_twenty_kills_of_a_report_leave_whole_pages_and_no_drafts(tmp_path, files):
    run(forked_runs.plan(files), tmp_path)
    working = start("-c", REPORTS, tmp_path)
    said, wrong = working.communicate(timeout=120)
    assert working.returncode == 0, wrong
    assert int(said) > 5  # many kills came within a write, or the test does not show much


def test_a_report_on_a_full_disk_keeps_the_page_of_before_and_promises_nothing(tmp_path, files):
    run(forked_runs.plan(files), tmp_path)
    page = tmp_path / "page.html"
    page.write_text("before")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        "from vizbench.cli import main; main()"
    )
    working = start("-c", code, "report", tmp_path, "--html", page)
    _, said = working.communicate(timeout=120)
    assert (working.returncode, said.count("\n")) == (2, 1)
    assert "page.html cannot be written: a file may not grow further there" in said and "goes on" not in said
    assert page.read_text() == "before" and not list(tmp_path.glob(".*.draft"))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
