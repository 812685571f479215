"""Test ARC corpora on the command line: tasks with known errors, and turned and recoloured examples."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.support.commands import Run, refused

FLAGGED, SOUND = "arc-agi-1:evaluation/dd2401ed", "arc-agi-1:evaluation/00576224"
EVAL = ("eval", "--model", "copy", "--task", FLAGGED, "--task", SOUND, "--out", "r")
WHAT = "train[3]: the red cells at 1, 5 and 5, 6, which the grey column passes, stay red"


def test_a_flagged_task_is_measured_and_named_everywhere(run: Run, tmp_path: Path) -> None:
    done = run(*EVAL)
    assert (done.code, done.err.count("dropped")) == (0, 0)
    _, sound, flawed = done.out.replace("\narc-agi-1:", "\0arc-agi-1:").split("\0")[:3]
    assert (sound.startswith(SOUND), flawed.startswith(FLAGGED)) == (True, True)
    assert f"flagged: {WHAT}" in flawed and "flagged" not in sound
    rows = {row["task"]: row["flagged"] for row in json.loads(run(*EVAL, "--json").out)["results"]}
    assert rows[SOUND] == [] and rows[FLAGGED][0].startswith(WHAT)
    run("report", "r", "--md", "r.md", "--csv", "r.csv")
    page, text = (tmp_path / "r" / "report.html").read_text(), (tmp_path / "r.md").read_text()
    assert page.count('<section id="flagged">') == 1 and WHAT in page
    assert "## Flagged tasks" in text and "arc-agi-1: evaluation/dd2401ed" in text
    with (tmp_path / "r.csv").open(newline="") as file:
        flagged = {row["task"]: row["flagged"] for row in csv.DictReader(file)}
    assert flagged[SOUND] == "" and flagged[FLAGGED].startswith(WHAT)


def test_without_a_flagged_task_nothing_is_said_of_flags(run: Run, tmp_path: Path) -> None:
    assert "flagged" not in run("eval", "--model", "copy", "--task", SOUND, "--out", "r").out
    assert '<section id="flagged">' not in (tmp_path / "r" / "report.html").read_text()


def test_protocol_tables_name_the_flagged_tasks_in_their_figures(run: Run) -> None:
    done = run(*EVAL, "--protocol", "arc-agi")
    assert "flagged: 1 task with a known error in the data, included in these figures" in done.out
    assert f"{FLAGGED}  {WHAT[:30]}" in done.out


def test_a_dropped_task_is_named_and_not_asked(run: Run, tmp_path: Path) -> None:
    done = run(*EVAL, "--flagged", "drop")
    assert done.code == 0
    assert done.err.count(f"dropped as flagged: {FLAGGED}: {WHAT}") == 1
    assert SOUND in done.out and FLAGGED not in done.out
    assert not list((tmp_path / "r").glob("*dd2401ed*"))
    output = json.loads(run(*EVAL, "--flagged", "drop", "--json").out)
    assert output["dropped"].keys() == {FLAGGED} and {row["task"] for row in output["results"]} == {SOUND}
    done = run(*EVAL, "--flagged", "drop", "--dry-run")
    assert f"dropped as flagged: {FLAGGED}" in done.err and "dd2401ed" not in done.out
    assert "every task of the plan is flagged" in refused(run("eval", "--task", FLAGGED, "--flagged", "drop"))
    assert "did you mean drop" in refused(run(*EVAL, "--flagged", "dropp"))
