"""Test that every output lists incomplete trials with their error: in data, training or prediction."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import pytest

from tests.support import stubs
from tests.support.commands import Run
from tests.support.made_results import answered, record, trial_result
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan, Trial
from vizbench.harness.records.records import UnstartedTrial, read_runs, read_unstarted
from vizbench.harness.report.report import render_report
from vizbench.harness.run.run import run as measure
from vizbench.harness.run.trial import write_error
from vizbench.harness.stats.incomplete import IncompleteTrial, incomplete_trials, write_incomplete

FAILS = f"{stubs.FILE}:Fails"


def arc(path: Path, text: str = '{"input": [[0, 1]], "output": [[1, 0]]}') -> str:
    path.write_text(f'{{"train": [{text}], "test": [{text}, {text}]}}', encoding="utf-8")
    return f"arc-json:{path}"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Run a good file and a bad one, with a model that breaks within its answers."""
    tasks = arc(tmp_path / "good.json"), arc(tmp_path / "bad.json", '{"input": 3}')
    measure(Plan(tasks=tasks, models=(FAILS,), checkpoint="later", attempts=2), tmp_path / "out")
    return tmp_path / "out"


def lines(done_err: str) -> list[str]:
    return [
        line.removeprefix("vizbench: incomplete: ")
        for line in done_err.splitlines()
        if "incomplete: " in line
    ]


def test_data_training_and_prediction_each_make_an_incomplete_trial(out: Path) -> None:
    incomplete = {
        (one.trial.model, "bad" in one.trial.task): one
        for one in incomplete_trials(read_runs([out]), read_unstarted([out]))
    }
    assert len(incomplete) == 7  # six on the bad file, which has no solver, and the model on the good one
    mine = incomplete[FAILS, False]
    assert (mine.answers, mine.asked, mine.shots) == (2, 4, 1)
    assert mine.state() == "2 of 4 answers; RuntimeError while predicting: out of memory"
    data = incomplete["copy", True]
    assert (data.answers, data.asked, data.shots) == (0, None, None)
    assert data.state().startswith("not begun; ARC file ")
    assert "bad.json is malformed" in data.error and "\n" not in data.error


def test_page_terminal_and_csv_hold_every_incomplete_trial(out: Path, run: Run, tmp_path: Path) -> None:
    done = run("report", out, "--html", "r.html", "--csv", "r.csv")
    assert done.code == 0
    said = lines(done.err)
    assert len(said) == 7 + 1
    assert said[-1].startswith("7 trials in all; the same `vizbench eval` continues")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r-incomplete.csv").read_text(encoding="utf-8"))))
    assert len(rows) == page.count("not begun; ARC file") + 1 == 7
    assert "2 of 4 answers; RuntimeError while predicting: out of memory" in page
    assert {(row["model"], row["answers"], row["asked"]) for row in rows} >= {
        ("copy", "0", ""),
        (FAILS, "2", "4"),
    }
    assert all(row["error"] for row in rows)


def test_a_trial_that_is_completed_is_listed_no_more(out: Path, run: Run, tmp_path: Path) -> None:
    run("report", out, "--csv", "r.csv")
    arc(tmp_path / "bad.json")
    tasks = f"arc-json:{tmp_path}/good.json", f"arc-json:{tmp_path}/bad.json"
    measure(Plan(tasks=tasks, attempts=2), out)
    assert [one.trial.model for one in read_unstarted([out])] == [FAILS]  # which this plan leaves out
    again = run("report", out, "--csv", "r.csv")
    assert {name.split(",")[1] for name in lines(again.err)[:-1]} == {" stubs.py:Fails · later"}
    assert not list(out.glob("*copy*/error.txt")) and not list(out.glob("*copy*/trial.json"))


def test_an_empty_table_replaces_one_of_before(run: Run, tmp_path: Path) -> None:
    command = "eval", "--task", "life/conway", "--shots", 3, "--n-test", 4, "--out", "r"
    limited = run(*command, "--limit", 2)
    assert lines(limited.err)[-1].startswith("6 trials in all")
    run("report", "r", "--csv", "t.csv")
    assert (tmp_path / "t-incomplete.csv").read_text().count("\n") == 7
    assert not lines(run(*command).err)
    assert not lines(run("report", "r", "--csv", "t.csv", "--md", "t.md").err)
    assert (tmp_path / "t-incomplete.csv").read_text().count("\n") == 1
    run("report", "r", "--csv", "new.csv")
    assert not (tmp_path / "new-incomplete.csv").exists()


def test_an_error_of_before_does_not_outlive_its_cure(tmp_path: Path) -> None:
    """A process may be killed after the last answer: its trial is whole, and the next run says so."""
    plan = Plan(tasks=(arc(tmp_path / "a.json"),))
    [first, *_] = measure(plan, tmp_path / "out")
    (first.directory / "error.txt").write_text("its process was killed\n")
    assert not incomplete_trials(read_runs([tmp_path / "out"]), [])
    measure(plan, tmp_path / "out")
    assert not (first.directory / "error.txt").exists()


def test_what_another_folder_holds_complete_is_not_incomplete() -> None:
    half, whole = answered([True, None]), answered([True, False])
    unstarted = UnstartedTrial(Path("x"), whole.header.trial, "no luck")
    assert [one.answers for one in incomplete_trials([half], [unstarted])] == [1]
    assert incomplete_trials([half, whole], [unstarted, unstarted]) == []
    other = UnstartedTrial(Path("x"), msgspec.structs.replace(whole.header.trial, seed=9), "no luck")
    assert [one.trial.seed for one in incomplete_trials([half, whole], [other, other])] == [9]


def test_names_say_training_and_one_is_no_plural(tmp_path: Path) -> None:
    one = trial_result([], model="m", shots=1, names="a", steps=300, error="=1+1")
    [incomplete] = incomplete_trials([one], [])
    assert incomplete.who() == "t/x, m · 300 optimizer steps, 1 shot, seed 0"
    assert incomplete.state() == "0 of 1 answer; =1+1"
    assert "t/x, m · 300 optimizer steps, 1 shot, seed 0: 0 of 1 answer; =1+1" in render_report(
        [one, answered([True])]
    )
    write_incomplete([incomplete], tmp_path / "g.csv")
    [row] = csv.DictReader(io.StringIO((tmp_path / "g.csv").read_text(encoding="utf-8")))
    assert row["error"] == "'=1+1"
    twice = trial_result([record("a")], model="m", shots=1234, names="a", attempts=2)
    assert IncompleteTrial.who(incomplete_trials([twice], [])[0]) == "t/x, m, 1,234 shots, seed 0"


def test_a_broken_trial_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "trial.json").write_text("{")
    with pytest.raises(UserError, match=r"trial\.json is no trial file"):
        read_unstarted([tmp_path])


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("15", "killed from outside (SIGTERM): the same command continues"),
        ("11", "its process crashed (SIGSEGV) in the model"),
        ("40", "killed from outside (signal 40)"),
    ],
)
def test_what_ended_a_process_is_reported(tmp_path: Path, ending: str, words: str) -> None:
    plan = Plan(tasks=(arc(tmp_path / "a.json"),), models=(f"{stubs.FILE}:Dies",), checkpoint=ending)
    [*_, dead] = measure(plan, tmp_path / "out", jobs=2)
    assert words in (dead.error or "")
    assert "the model failed" not in render_report(read_runs([tmp_path / "out"]))


def test_a_trial_whose_process_dies_over_its_data_is_unstarted_not_forgotten(tmp_path: Path) -> None:
    """A process that dies before run.json is there still leaves its trial's name."""
    trial = Trial("t/x", "m", "none", 3, 0, 5, 1)
    write_error(tmp_path / "c", trial, "its process was killed\nsecond line")
    [unstarted] = read_unstarted([tmp_path])
    assert (unstarted.trial, unstarted.error) == (trial, "its process was killed second line")
