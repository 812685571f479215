"""Cells that lack answers stand in every output, each with its error: for want of data, in training, in
predicting."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import pytest

from tests.support import stubs
from tests.support.commands import Run
from tests.support.made_results import answered, cell_run, record
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
    """A run of a good file and a bad one, by a model that breaks within its answers."""
    tasks = arc(tmp_path / "good.json"), arc(tmp_path / "bad.json", '{"input": 3}')
    measure(Plan(tasks=tasks, models=(FAILS,), checkpoint="later", attempts=2), tmp_path / "out")
    return tmp_path / "out"


def lines(done_err: str) -> list[str]:
    return [
        line.removeprefix("vizbench: unfinished: ")
        for line in done_err.splitlines()
        if "unfinished: " in line
    ]


def test_data_training_and_prediction_are_each_a_gap_with_one_line(out: Path) -> None:
    found = {
        (gap.trial.model, "bad" in gap.trial.task): gap
        for gap in incomplete_trials(read_runs([out]), read_unstarted([out]))
    }
    assert len(found) == 7  # six on the bad file, where there is no solver, and the model on the good one
    mine = found[FAILS, False]
    assert (mine.answers, mine.asked, mine.examples) == (2, 4, 1)
    assert mine.state() == "2 of 4 answers; RuntimeError while predicting: out of memory"
    data = found["copy", True]
    assert (data.answers, data.asked, data.examples) == (0, None, None)
    assert data.state().startswith("not begun; ARC file ")
    assert "bad.json is malformed" in data.error and "\n" not in data.error


def test_page_terminal_and_csv_hold_every_gap(out: Path, run: Run, tmp_path: Path) -> None:
    done = run("report", out, "--html", "r.html", "--csv", "r.csv")
    assert done.code == 0
    said = lines(done.err)
    assert len(said) == 7 + 1
    assert said[-1].startswith("7 cells in all; the same `vizbench eval` goes on")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r-unfinished.csv").read_text(encoding="utf-8"))))
    assert len(rows) == page.count("not begun; ARC file") + 1 == 7
    assert "2 of 4 answers; RuntimeError while predicting: out of memory" in page
    assert {(row["model"], row["answers"], row["asked"]) for row in rows} >= {
        ("copy", "0", ""),
        (FAILS, "2", "4"),
    }
    assert all(row["error"] for row in rows)


def test_a_gap_that_is_closed_is_told_no_more(out: Path, run: Run, tmp_path: Path) -> None:
    run("report", out, "--csv", "r.csv")
    arc(tmp_path / "bad.json")
    tasks = f"arc-json:{tmp_path}/good.json", f"arc-json:{tmp_path}/bad.json"
    measure(Plan(tasks=tasks, attempts=2), out)
    assert [one.trial.model for one in read_unstarted([out])] == [FAILS]  # which this plan leaves out
    again = run("report", out, "--csv", "r.csv")
    assert {name.split(",")[1] for name in lines(again.err)[:-1]} == {" stubs.py:Fails · later"}
    assert not list(out.glob("*copy*/error.txt")) and not list(out.glob("*copy*/cell.json"))


def test_an_empty_table_replaces_one_of_before(run: Run, tmp_path: Path) -> None:
    command = "eval", "--task", "life/conway", "--shots", 3, "--n-test", 4, "--out", "r"
    limited = run(*command, "--limit", 2)
    assert lines(limited.err)[-1].startswith("6 cells in all")
    run("report", "r", "--csv", "t.csv")
    assert (tmp_path / "t-unfinished.csv").read_text().count("\n") == 7
    assert not lines(run(*command).err)
    assert not lines(run("report", "r", "--csv", "t.csv", "--md", "t.md").err)
    assert (tmp_path / "t-unfinished.csv").read_text().count("\n") == 1
    run("report", "r", "--csv", "new.csv")
    assert not (tmp_path / "new-unfinished.csv").exists()


def test_an_error_of_before_does_not_outlive_its_cure(tmp_path: Path) -> None:
    """A process may be killed after the last answer: its cell is whole, and the next run says so."""
    wanted = Plan(tasks=(arc(tmp_path / "a.json"),))
    [first, *_] = measure(wanted, tmp_path / "out")
    (first.directory / "error.txt").write_text("its process was killed\n")
    assert not incomplete_trials(read_runs([tmp_path / "out"]), [])
    measure(wanted, tmp_path / "out")
    assert not (first.directory / "error.txt").exists()


def test_what_another_folder_has_in_whole_is_no_gap() -> None:
    half, whole = answered([True, None]), answered([True, False])
    lost = UnstartedTrial(Path("x"), whole.header.trial, "no luck")
    assert [gap.answers for gap in incomplete_trials([half], [lost])] == [1]
    assert incomplete_trials([half, whole], [lost, lost]) == []
    other = UnstartedTrial(Path("x"), msgspec.structs.replace(whole.header.trial, seed=9), "no luck")
    assert [gap.trial.seed for gap in incomplete_trials([half, whole], [other, other])] == [9]


def test_names_say_training_and_one_is_no_plural(tmp_path: Path) -> None:
    one = cell_run([], model="m", shots=1, names="a", steps=300, error="=1+1")
    [gap] = incomplete_trials([one], [])
    assert gap.who() == "t/x, m · 300 steps, 1 example, seed 0"
    assert gap.state() == "0 of 1 answer; =1+1"
    assert "t/x, m · 300 steps, 1 example, seed 0: 0 of 1 answer; =1+1" in render_report(
        [one, answered([True])]
    )
    write_incomplete([gap], tmp_path / "g.csv")
    [row] = csv.DictReader(io.StringIO((tmp_path / "g.csv").read_text(encoding="utf-8")))
    assert row["error"] == "'=1+1"
    twice = cell_run([record("a")], model="m", shots=1234, names="a", attempts=2)
    assert IncompleteTrial.who(incomplete_trials([twice], [])[0]) == "t/x, m, 1,234 examples, seed 0"


def test_a_broken_cell_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "cell.json").write_text("{")
    with pytest.raises(UserError, match=r"cell\.json is no cell file"):
        read_unstarted([tmp_path])


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("15", "killed from outside (SIGTERM): the same command goes on"),
        ("11", "its process crashed (SIGSEGV) in the model"),
        ("40", "killed from outside (signal 40)"),
    ],
)
def test_who_ended_a_process_is_said(tmp_path: Path, way: str, words: str) -> None:
    wanted = Plan(tasks=(arc(tmp_path / "a.json"),), models=(f"{stubs.FILE}:Dies",), checkpoint=way)
    [*_, dead] = measure(wanted, tmp_path / "out", jobs=2)
    assert words in (dead.error or "")
    assert "the model failed" not in render_report(read_runs([tmp_path / "out"]))


def test_a_cell_whose_process_dies_over_its_data_is_lost_not_forgotten(tmp_path: Path) -> None:
    """A process that dies before run.json is there still leaves its cell's name."""
    cell = Trial("t/x", "m", "none", 3, 0, 5, 1)
    write_error(tmp_path / "c", cell, "its process was killed\nsecond line")
    [lost] = read_unstarted([tmp_path])
    assert (lost.trial, lost.error) == (cell, "its process was killed second line")
