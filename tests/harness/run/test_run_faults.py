"""Runs with faults: of a model, its answers, data, a process or a path; other trials continue."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import stubs
from tests.support.small_runs import BATCHER, small_plan, stub, write_arc
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs, read_trial
from vizbench.harness.run import run as run_module
from vizbench.harness.run.run import Event, run
from vizbench.model import Model, load_model
from vizbench.types import DecodeFailure


@pytest.mark.parametrize(
    ("fault", "words", "kept"),
    [
        ("adapt", "RuntimeError while adapting: out of <memory>", 0),
        ("call", "KeyError while predicting", 0),
        ("later", "RuntimeError while predicting: out of\nmemory", 1),
        ("few", "answered 1 of 5 questions", 1),
        ("attempts", "gave 2 answers to a question and 1 was asked", 1),
    ],
)
def test_a_model_that_fails_fails_only_its_trial(tmp_path, fault, words, kept):
    fails = f"{stubs.FILE}:Fails"
    plan = small_plan(fails, checkpoint=fault, shots=(3, 5))
    events: list[Event] = []
    outcomes = run(plan, tmp_path, events.append)
    assert [outcome.error is None for outcome in outcomes] == [
        outcome.trial.model != fails for outcome in outcomes
    ]
    assert words in (outcomes[-1].error or "")
    assert events[-1].kind == "failed"
    trial = read_trial(outcomes[-1].directory)
    assert (len(trial.records), trial.complete) == (kept, False)
    assert trial.error == words.replace("\n", " ") or words in trial.error


@pytest.mark.parametrize("jobs", [1, 2])
def test_data_that_cannot_be_had_fails_only_its_trials(tmp_path, jobs):
    files = tmp_path / "files"
    files.mkdir()
    write_arc(files / "good.json")
    (files / "bad.json").write_text('{"train": 3}')
    plan, out = Plan(tasks=(f"arc-json:{files}",), models=(BATCHER,)), tmp_path / "out"
    outcomes = run(plan, out, jobs=jobs)
    for outcome in outcomes:
        bad = "bad.json" in outcome.trial.task
        assert (outcome.error is not None, outcome.data, outcome.begun) == (bad, not bad, not bad)
        assert (outcome.directory / "error.txt").exists() is bad
        if bad:
            assert "bad.json is malformed" in (outcome.directory / "error.txt").read_text()
    assert {"bad" in trial.header.trial.task for trial in read_runs([out])} == {False}
    write_arc(files / "bad.json")
    assert {outcome.error for outcome in run(plan, out, jobs=jobs)} == {None}
    assert not list(out.rglob("error.txt"))


def test_a_plan_without_any_data_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    for task, words in (
        (f"arc-json:{tmp_path}/bad.json", "is malformed"),
        ("arc-json:gone.json", "cannot be opened"),
    ):
        with pytest.raises(UserError, match=words):
            run(Plan(tasks=(task,)), tmp_path / "out")
    with pytest.raises(UserError, match="eca/110"):  # 16 first rows of width 4
        run(Plan(tasks=("eca/110?width=4",), n_test=20), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_examples_that_a_model_refuses_fail_only_its_trial(tmp_path, jobs):
    picky, events = f"{stubs.FILE}:Picky", list[Event]()
    plan = small_plan(picky, checkpoint="4", shots=(3, 5))
    for _ in range(2):  # the second time one trial is done and the other refused again
        events.clear()
        outcomes = run(plan, tmp_path, events.append, jobs=jobs)
        (refused,) = (outcome for outcome in outcomes if outcome.error)
        assert (refused.trial.model, refused.trial.shots, refused.error) == (
            picky,
            5,
            "5 examples do not fit: give 4 or fewer",
        )
        assert {"trial.json", "error.txt"} <= {path.name for path in refused.directory.iterdir()}
        assert not refused.begun
        assert [event.message for event in events if event.kind == "failed"] == [refused.error]
        assert not [event for event in events if event.kind == "adapt" and event.position == len(outcomes)]


@pytest.mark.parametrize(
    ("most", "words"), [("broken", "KeyError while checking its"), ("exit", "SystemExit while ch")]
)
def test_a_check_that_breaks_fails_its_trials_and_leaves_a_traceback(tmp_path, most, words):
    outcomes = run(small_plan(f"{stubs.FILE}:Picky", checkpoint=most), tmp_path)
    assert words in (outcomes[-1].error or "")
    assert "in check" in (outcomes[-1].directory / "error.txt").read_text()
    assert {outcome.error for outcome in outcomes[:-1]} == {None}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_model_that_refuses_all_its_trials_is_refused_and_nothing_is_written(tmp_path, jobs):
    out, picky = tmp_path / "out", f"{stubs.FILE}:Picky"
    with pytest.raises(UserError, match=r"Picky cannot adapt to life/conway at n = 3: 3 examples do not fit"):
        run(small_plan(picky, checkpoint="2", shots=(3, 5)), out, jobs=jobs)
    assert not out.exists()


def test_data_that_cannot_be_had_is_no_models_refusal(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    write_arc(tmp_path / "good.json")
    plan = Plan(tasks=(f"arc-json:{tmp_path}",), models=(f"{stubs.FILE}:Picky",), checkpoint="9")
    assert {"bad.json" in outcome.trial.task for outcome in run(plan, tmp_path / "a") if outcome.error} == {
        True
    }
    with pytest.raises(UserError, match="do not fit: give 0"):
        run(msgspec.structs.replace(plan, checkpoint="0"), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_model_is_let_go_before_the_next_one_adapts(tmp_path, monkeypatch):
    made: dict[str, weakref.ref[Model[Any]]] = {}

    def load(name: str, checkpoint: str) -> Model[Any]:
        model = load_model(name, checkpoint)
        made[name] = weakref.ref(model)
        return model

    alive: dict[str, int] = {}

    def watch(event: Event) -> None:
        if event.kind == "adapt":
            alive[event.trial.model] = sum(ref() is not None for ref in made.values())

    monkeypatch.setattr(run_module, "load_model", load)
    first, second = BATCHER, f"{stubs.FILE}:Trainer"
    run(Plan(models=(first, second), tasks=("life/conway",), shots=(3, 5), n_test=2), tmp_path, watch)
    assert alive == {first: 2, second: 1}


def test_a_process_that_dies_fails_only_its_trial(tmp_path):
    dies = f"{stubs.FILE}:Dies"
    write_arc(tmp_path / "a.json")
    plan = Plan(tasks=(f"arc-json:{tmp_path}/a.json",), models=(dies, BATCHER), checkpoint="9")
    events: list[Event] = []
    outcomes = run(msgspec.structs.replace(plan, models=(dies,)), tmp_path / "out", events.append, jobs=2)
    (dead,) = (outcome for outcome in outcomes if outcome.error)
    assert dead.trial.model == dies
    assert (dead.error or "").startswith(
        "its process was killed from outside (SIGKILL), by hand or for lack of memory"
    )
    assert (read_trial(dead.directory).error, read_trial(dead.directory).complete) == (dead.error, False)
    assert [event.message for event in events if event.kind == "failed"] == [dead.error]
    assert len([event for event in events if event.kind == "done"]) == len(outcomes) - 1


def test_a_model_that_exits_fails_its_trial_in_this_process_too(tmp_path):
    outcomes = run(small_plan(f"{stubs.FILE}:Dies", checkpoint="exit"), tmp_path)
    assert outcomes[-1].error == "SystemExit while adapting: 3"


def test_jobs_out_of_range_and_faults_in_other_processes_are_refused(tmp_path):
    for jobs in (0, 257, True):
        with pytest.raises(UserError, match="is outside 1 … 256"):
            run(small_plan(), tmp_path, jobs=jobs)
    write_arc(tmp_path / "a.json")
    plan = Plan(tasks=(f"arc-json:{tmp_path}/a.json",))
    run(plan, tmp_path / "out")
    write_arc(tmp_path / "a.json", ("[[4]]", "[[3]]"))
    with pytest.raises(UserError, match=r"data\.digest was \w+, is \w+"):
        run(plan, tmp_path / "out", jobs=2)


def test_an_adapt_without_figures_says_what_to_return(tmp_path, monkeypatch):
    monkeypatch.setattr(stubs.Talker, "adapt", lambda self, examples, context: None)
    monkeypatch.setattr(
        run_module, "load_model", lambda name, checkpoint: stub(name) or load_model(name, checkpoint)
    )
    outcomes = run(small_plan(f"{stubs.FILE}:Talker"), tmp_path)
    assert outcomes[-1].error == "adapt returned a NoneType: return a dict of figures, {} for none"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (None, "NoneType"),
        (7, "int"),
        (b"[[0]]", "bytes"),
        (DecodeFailure("the model refused"), "the model refused"),
        ("nothing here", "no complete grid"),
        ("[[0,1],[1]]", ""),
        ("[" * 100_000, ""),
    ],
)
def test_a_malformed_answer_is_wrong_and_keeps_its_reason(tmp_path, monkeypatch, says, words):
    plan = small_plan(f"{stubs.FILE}:Talker", limit=2)
    monkeypatch.setattr(stubs.Talker, "says", says)
    monkeypatch.setattr(
        run_module, "load_model", lambda name, checkpoint: stub(name) or load_model(name, checkpoint)
    )
    outcomes = run(plan, tmp_path)
    records = read_trial(outcomes[-1].directory).records
    assert [(r.undecodable, r.valid, r.exact, r.cells, r.answer) for r in records] == [
        (True, False, False, 0.0, None)
    ] * 2
    assert records[0].reason
    assert words in records[0].reason


def test_an_out_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a part of that path is a file"):
        run(small_plan(), tmp_path / "file" / "runs")


def test_a_path_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        read_runs([tmp_path])
    with pytest.raises(UserError, match="holds no run"):
        read_runs([Path("/nowhere")])
