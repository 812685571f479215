"""Runs: what they measure, leave on disk, and hand to models."""

from __future__ import annotations

import json
import sys

import msgspec
import numpy as np
import pytest

import vizbench as vb
from tests.support import stubs
from tests.support.small_runs import directory, predictions, small_plan
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan
from vizbench.harness.records.records import read_trial
from vizbench.harness.run.run import Event, run


def test_a_run_leaves_every_figure_and_every_question_on_disk(tmp_path):
    plan = small_plan(attempts=2)
    events: list[Event] = []
    outcomes = run(plan, tmp_path, events.append, lambda task: f"near: others than {task}")
    assert [outcome.error for outcome in outcomes] == [None] * (len(TRIVIAL) + 1)
    trial = read_trial(directory(tmp_path, plan))
    assert trial.complete
    assert trial.header.pretraining_overlap == "near: others than life/conway"
    assert trial.header.task.palette == "binary"
    assert trial.header.environment["numpy"] == np.__version__
    attempts = [(record.id, record.attempt) for record in trial.records]
    assert attempts == [(question.id, a) for question in trial.questions for a in (0, 1)]
    for record, instance in zip(trial.records[::2], vb.load("life/conway").test.head(5), strict=True):
        verdict = vb.verify(instance, record.answer)
        assert (record.valid, record.exact, record.cells, record.reason) == (
            verdict.valid,
            verdict.exact,
            verdict.cells,
            verdict.reason,
        )
    assert trial.sessions[0].figures == {"steps": 1.0, "loss": None}
    kinds = [event.kind for event in events if event.trial == trial.header.trial]
    assert kinds == ["start", "adapt", *["predict"] * 5, "done"]
    assert (events[-1].position, events[-1].trials, events[-2].done, events[-2].total) == (7, 7, 5, 5)


def test_the_solver_is_right_and_copy_is_not(tmp_path):
    plan = small_plan(model="copy")
    run(plan, tmp_path)
    assert all(
        record.exact and record.valid for record in read_trial(directory(tmp_path, plan, "solver")).records
    )
    assert not any(record.exact for record in read_trial(directory(tmp_path, plan, "copy")).records)


def test_a_finished_run_is_not_changed(tmp_path):
    run(small_plan(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    events: list[Event] = []
    run(small_plan(), tmp_path, events.append)
    assert {event.kind for event in events} == {"skip"}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before


def test_a_limit_stops_early_and_a_later_run_finishes_to_the_same_records(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(small_plan(n_test=40, attempts=2), whole)
    for limit in (3, 34, None):
        run(small_plan(n_test=40, attempts=2, limit=limit), parts)
    assert predictions(parts) == predictions(whole)
    assert len(read_trial(directory(parts, small_plan(n_test=40, attempts=2))).sessions) == 3


def test_who_reads_no_prompt_is_refused_before_anything_is_written(tmp_path):
    plan = Plan(
        models=(f"{stubs.FILE}:Talker",), tasks=("life/conway",), prompt="task", shots=(0, 3), n_test=2
    )
    with pytest.raises(UserError, match=r"stubs\.py:Talker=default reads no prompt: leave --prompt task out"):
        run(plan, tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="qwen3=tiny reads no prompt"):
        run(Plan(models=("qwen3",), tasks=("life/conway",), prompt="task"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_prompted_model_is_told_so_and_gets_the_words(tmp_path):
    spy = f"{stubs.FILE}:Spy"
    plan = Plan(models=(spy,), tasks=("life/conway",), checkpoint="text", shots=(2,), n_test=2, prompt="task")
    run(plan, tmp_path)
    module = sys.modules["vizbench_model_stubs"]
    assert module.Spy.contexts[-1].prompt == "task"
    data = vb.load("life/conway")
    assert [one.question.prompt for one in module.Spy.shown] == [
        vb.prompt(i, style=None) for i in data.train.head(2)
    ]
    (questions,) = module.Spy.seen
    assert [one.prompt for one in questions] == [vb.prompt(i, style=None) for i in data.test.head(2)]
    read = read_trial(tmp_path / plan.trials()[-1].directory)
    assert (read.header.trial.prompt, read.header.first_prompt) == ("task", questions[0].prompt)


def test_more_shots_and_tasks_join_a_run(tmp_path):
    run(small_plan(), tmp_path)
    events: list[Event] = []
    run(small_plan(shots=(3, 5)), tmp_path, events.append)
    assert {event.trial.shots for event in events if event.kind == "skip"} == {3}
    assert {event.trial.shots for event in events if event.kind == "done"} == {5}


@pytest.mark.parametrize(
    ("modality", "prompt"),
    [("grid", None), ("text", None), ("frames", None), ("text", "task"), ("grid", "task")],
)
def test_a_model_never_sees_a_target(tmp_path, modality, prompt):
    """Search every object that can be reached from the questions."""
    spy = f"{stubs.FILE}:Spy"
    plan = Plan(models=(spy,), tasks=("life/conway",), checkpoint=modality, shots=(3,), n_test=40)
    run(msgspec.structs.replace(plan, prompt=prompt), tmp_path)
    module = sys.modules["vizbench_model_stubs"]
    questions, shown = module.Spy.seen, module.Spy.shown
    assert [len(chunk) for chunk in questions] == [32, 8]
    test = vb.load("life/conway").test.head(40)
    targets = {bytes(i.target.tobytes()) for i in test}
    things = list(_reachable(questions))
    assert any(np.array_equal(thing, test[3].question) for thing in things if isinstance(thing, np.ndarray))
    for thing in things:
        assert not isinstance(thing, vb.Instance)
        if isinstance(thing, np.ndarray):
            grids = thing if thing.ndim == 3 and thing.shape[-2:] == (8, 8) else thing[None]
            assert not {bytes(grid.tobytes()) for grid in grids} & targets
    assert len(shown) == 3
    record = read_trial(directory(tmp_path, plan, spy))
    assert [
        np.array_equal(row.question, i.question) for row, i in zip(record.questions, test, strict=True)
    ] == [True] * 40


def _reachable(root):
    """Yield the objects that can be reached by items, attributes, closures and array bases."""
    seen, queue = set(), [root]
    while queue:
        thing = queue.pop()
        if id(thing) in seen or isinstance(thing, (str, bytes, int, float, type, type(sys))):
            continue
        seen.add(id(thing))
        yield thing
        if isinstance(thing, np.ndarray):
            queue.append(thing.base)
        elif isinstance(thing, dict):
            queue += thing.values()
        elif isinstance(thing, (list, tuple, set)):
            queue += thing
        elif callable(thing):
            queue += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
            queue.append(getattr(thing, "__self__", None))
        else:
            queue += vars(thing).values() if hasattr(thing, "__dict__") else ()


def test_the_order_of_trials_does_not_matter(tmp_path, monkeypatch):
    plan = small_plan(shots=(3, 5), limit=4)
    run(plan, tmp_path / "forward")
    trials = plan.trials()
    monkeypatch.setattr(Plan, "trials", lambda self: trials[::-1])
    run(plan, tmp_path / "backward")
    assert predictions(tmp_path / "forward") == predictions(tmp_path / "backward")


@pytest.mark.parametrize(("fixed", "taken"), [({}, 100), ({"steps": 7}, 7), ({"epochs": 3}, 4)])
def test_a_plan_can_fix_steps_or_epochs_and_both_are_kept(tmp_path, fixed, taken):
    trainer = f"{stubs.FILE}:Trainer"
    plan = small_plan(trainer, shots=(5,), n_test=2, **fixed)
    run(plan, tmp_path)
    trial = read_trial(directory(tmp_path, plan, trainer))
    assert trial.sessions[0].figures == {"steps": taken}
    assert (trial.header.trial.steps, trial.header.trial.epochs) == (fixed.get("steps"), fixed.get("epochs"))
    with pytest.raises(UserError, match=r"steps was (None|7), is 8"):
        run(msgspec.structs.replace(plan, steps=8, epochs=None), tmp_path)


def test_a_model_that_ignores_the_schedule_fails(tmp_path):
    outcomes = run(small_plan(steps=7), tmp_path / "a")
    assert outcomes[-1].error == "the model took 1 optimizer step and the plan says 7"
    outcomes = run(small_plan(f"{stubs.FILE}:Spy", checkpoint="grid", epochs=2), tmp_path / "b")
    assert "the plan says 2 epochs and the model does not say how many it took" in (outcomes[-1].error or "")


def test_arc_files_bring_their_own_examples_and_shapes(tmp_path):
    shapes = [((3, 3), (6, 2)), ((2, 5), (1, 1)), ((4, 4), (7, 7))]
    pairs = [{"input": np.full(q, 1).tolist(), "output": np.full(t, 2).tolist()} for q, t in shapes]
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"train": pairs, "test": pairs[1:2]}))
    spy = f"{stubs.FILE}:Spy"
    for modality in ("frames", "text", "grid"):
        out = tmp_path / modality
        plan = Plan(models=(spy,), tasks=(f"arc-json:{file}",), checkpoint=modality)
        run(plan, out)
        trial = read_trial(directory(out, plan, spy))
        assert (trial.header.data.shots, trial.header.data.questions) == (3, 1)
        # The spy answers with the target of its first example, whose size was found.
        assert trial.records[0].answer == [[2, 2]] * 6
