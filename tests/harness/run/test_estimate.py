"""Test the dry run: every trial, the data that it needs, and a time from measured steps."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support import stubs
from tests.support.commands import Run
from vizbench.console import estimates
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan, Trial
from vizbench.harness.run import estimate as estimate_module
from vizbench.harness.run.estimate import STEPS, Estimate, Pace, estimate
from vizbench.harness.run.run import run

TRAINER = f"{stubs.FILE}:Trainer"


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Let a busy machine measure as much as an idle one."""
    monkeypatch.setattr(estimate_module, "PATIENCE", float("inf"))


@pytest.fixture
def task(tmp_path):
    """Write an ARC file with 3 demonstrations and 4 test inputs."""
    pairs = [{"input": [[i]], "output": [[i + 1]]} for i in range(4)]
    (tmp_path / "t.json").write_text(json.dumps({"train": pairs[:3], "test": pairs}))
    return f"arc-json:{tmp_path}/t.json"


def test_trials_with_their_data_and_what_is_left_of_them(tmp_path, task):
    plan, out = (
        Plan(tasks=(task, "life/conway"), models=(TRAINER,), shots=(3, 5), n_test=6, attempts=2),
        tmp_path / "out",
    )
    new = estimate(plan, out)
    assert not out.exists()
    assert [each.trial for each in new] == list(plan.trials())
    for each in new:
        arc = each.trial.shots is None
        assert (each.shots, each.questions) == ((3, 4) if arc else (each.trial.shots, 6))
        assert (each.state, each.answers, each.problem) == ("new", 8 if arc else 12, "")
        assert each.seconds is not None
    run(Plan(tasks=(task,), models=(TRAINER,), n_test=6, attempts=2, limit=3), out)
    begun = estimate(plan, out)
    assert {(each.state, each.answers) for each in begun if each.trial.shots is None} == {("begun", 2)}
    run(plan, out)
    done = estimate(plan, out)
    assert {(each.state, each.answers, each.seconds) for each in done} == {("done", 0, 0.0)}


def test_time_is_estimated_from_a_few_steps_and_answers(tmp_path, task, monkeypatch):
    monkeypatch.setenv("STUB_STEP", "0.002")
    monkeypatch.setenv("STUB_DELAY", "0.003")
    rows = estimate(Plan(tasks=(task,), models=(TRAINER,)), tmp_path)[-1]
    assert (
        sys.modules["vizbench_model_stubs"].Trainer.taken == STEPS + 1
    )  # of 100, and one more to have answers
    assert rows.trial.model == TRAINER
    assert rows.measured
    assert rows.seconds is not None
    assert rows.seconds >= 100 * 0.002 * 0.9 + 4 * 0.003


def test_without_patience_every_model_is_measured_on_its_first_task(tmp_path, task, monkeypatch):
    (tmp_path / "u.json").write_text((tmp_path / "t.json").read_text())
    monkeypatch.setattr(estimate_module, "PATIENCE", -1.0)
    rows = estimate(Plan(tasks=(task, task.replace("t.json", "u.json")), models=(TRAINER,)), tmp_path / "out")
    assert [each.measured for each in rows] == [True, False] * len(
        TRIVIAL
    )  # without the solver, with the trainer
    for first, other in zip(rows[::2], rows[1::2], strict=True):
        assert first.seconds is not None
        assert other.seconds == pytest.approx(first.seconds)


def test_steps_and_epochs_scale_as_the_plan_says():
    pace = Pace(start=1.0, step=0.5, steps=10, shots=4, answer=0.25)
    assert pace.seconds(4, 8, None) == 1 + 5 + 2
    assert pace.seconds(40, 8, None) == 1 + 5 + 2
    assert pace.seconds(40, 0, 3) == 1 + 50


def test_what_would_fail_is_said(tmp_path, task):
    (tmp_path / "bad.json").write_text("{")
    fails = f"{stubs.FILE}:Fails"
    plan = Plan(tasks=(task, f"arc-json:{tmp_path}/bad.json"), models=(fails,), checkpoint="adapt")
    rows = estimate(plan, tmp_path / "out")
    for each in rows:
        if "bad" in each.trial.task:
            assert "is malformed" in each.problem
            assert each.seconds is None
        elif each.trial.model == fails:
            assert each.problem == "RuntimeError: out of <memory>"
            assert each.seconds is None
        else:
            assert each.problem == ""


def test_a_changed_plan_is_refused(tmp_path, task):
    run(Plan(tasks=(task,)), tmp_path / "out")
    with pytest.raises(UserError, match="attempts was 1, is 2"):
        estimate(Plan(tasks=(task,), attempts=2), tmp_path / "out")


def test_the_command_prints_trials_and_a_sum_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    words = ("eval", "--task", "life/conway", "--shots", "3,5", "--n-test", 6, "--dry-run", "--jobs", 2)
    done = run(*words)
    assert done.code == 0, done
    assert "12 trials under runs/trivial_life-conway, 12 of them incomplete: 72 answers missing" in done.out
    assert " with one process, " in done.out
    rows = json.loads(run(*words, "--json").out)
    assert len(rows["trials"]) == 12
    assert rows["trials"][0]["trial"]["task"] == "life/conway"
    assert not list(tmp_path.iterdir())


def dry_run_lines(
    capsys: pytest.CaptureFixture[str], *trials: tuple[str, float | None, int, str]
) -> list[str]:
    """Return the lines of a dry run of trials given as (model, seconds, answers, problem)."""
    lines: list[Estimate] = []
    for seed, (model, seconds, answers, problem) in enumerate(trials):
        trial, state = Trial("t/x", model, "none", 3, seed, 5, 1), "new" if answers else "done"
        lines.append(Estimate(trial, "d", state, 3, 5, answers, seconds, True, problem))
    estimates.print_estimate(lines, 1, Path("r"))
    return capsys.readouterr().out.splitlines()


def test_trials_that_cost_nothing_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    free = [("copy", 0.01, 5, ""), ("blank", 0.0, 0, ""), ("copy", 0.099, 5, "")]
    _, slow, broken, folded, _, total, *_ = dry_run_lines(
        capsys, ("mine", 0.1, 5, ""), *free, ("bad", None, 5, "no luck")
    )
    assert slow.split() == ["mine", "on", "t/x,", "3", "shots", "3", "5", "5", "0.1", "s"]
    assert broken.endswith("no luck")
    assert folded.split() == [
        "3",
        "trials",
        "of",
        "copy,",
        "blank",
        "3",
        "5",
        "10",
        "under",
        "0.1",
        "s",
        "each,",
        "1",
        "done",
    ]
    assert total == "5 trials under r, 4 of them incomplete: 20 answers missing"


def test_one_trial_is_a_line_of_its_own_and_no_plural(capsys: pytest.CaptureFixture[str]) -> None:
    _, line, _, total, *_ = dry_run_lines(capsys, ("copy", 0.01, 1, ""))
    assert line.startswith("copy on t/x, 3 shots ")
    assert total == "1 trial under r, 1 of them incomplete: 1 answer missing"


def test_what_is_done_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    _, line, *_ = dry_run_lines(capsys, ("copy", 0.0, 0, ""), ("blank", 0.0, 0, ""))
    assert line.split() == ["2", "trials", "of", "copy,", "blank", "3", "5", "0", "done"]
    free = [
        Estimate(Trial("t/x", "copy", "none", n, 0, 5, 1), "d", "new", n, q, 5, 0.0, True, "")
        for n, q in ((3, 5), (30, 2), (3000, 5))
    ]
    estimates.print_estimate(free, 1, Path("r"))
    assert capsys.readouterr().out.splitlines()[1].split()[4:11] == ["3", "to", "3,000", "2", "to", "5", "15"]
