"""Runs: what they leave on disk, how they go on after a kill, and what they refuse."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import vizbench as vb
from tests.harness import stubs
from vizbench.errors import UserError
from vizbench.harness import run as run_module
from vizbench.harness import storage
from vizbench.harness.plan import TRIVIAL, Plan
from vizbench.harness.plugin import load_model
from vizbench.harness.records import read_cell, read_runs
from vizbench.harness.run import Event, run
from vizbench.harness.storage import locked
from vizbench.types import DecodeFailure

BATCHER = f"{stubs.FILE}:Batcher"


def plan(model=BATCHER, **fields: Any):
    small: dict[str, Any] = {"models": (model,), "tasks": ("life/conway",), "shots": (3,), "n_test": 5}
    return Plan(**(small | fields))


def directory(out, wanted, model=BATCHER):
    return next(out / cell.directory for cell in wanted.cells() if cell.model == model)


def predictions(out):
    """Every record, by cell, in order, without what differs from run to run."""
    return {
        cell.directory.name: [msgspec.structs.replace(r, seconds=0) for r in cell.records] for cell in read_runs([out])
    }


def test_a_run_leaves_every_figure_and_every_question_on_disk(tmp_path):
    wanted = plan(attempts=2)
    events: list[Event] = []
    outcomes = run(wanted, tmp_path, events.append, lambda task: f"near: others than {task}")
    assert [outcome.error for outcome in outcomes] == [None] * (len(TRIVIAL) + 1)
    cell = read_cell(directory(tmp_path, wanted))
    assert cell.complete
    assert cell.header.kin == "near: others than life/conway"
    assert cell.header.task.palette == "binary"
    assert cell.header.environment["numpy"] == np.__version__
    assert [(r.id, r.attempt) for r in cell.records] == [(q.id, a) for q in cell.questions for a in (0, 1)]
    for record, instance in zip(cell.records[::2], vb.load("life/conway").test.head(5), strict=True):
        verdict = vb.verify(instance, record.answer)
        assert (record.valid, record.exact, record.cells, record.reason) == (
            verdict.valid,
            verdict.exact,
            verdict.cells,
            verdict.reason,
        )
    assert cell.sessions[0].figures == {"steps": 1.0, "loss": None}
    kinds = [event.kind for event in events if event.cell == cell.header.cell]
    assert kinds == ["start", "adapt", *["predict"] * 5, "done"]
    assert (events[-1].position, events[-1].cells, events[-2].done, events[-2].total) == (7, 7, 5, 5)


def test_the_solver_is_right_and_copy_is_not(tmp_path):
    wanted = plan(model="copy")
    run(wanted, tmp_path)
    assert all(record.exact and record.valid for record in read_cell(directory(tmp_path, wanted, "solver")).records)
    assert not any(record.exact for record in read_cell(directory(tmp_path, wanted, "copy")).records)


def test_a_finished_run_is_left_alone(tmp_path):
    run(plan(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    events: list[Event] = []
    run(plan(), tmp_path, events.append)
    assert {event.kind for event in events} == {"skip"}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before


def test_a_limit_stops_early_and_a_later_run_finishes_to_the_same_records(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(plan(n_test=40, attempts=2), whole)
    for limit in (3, 34, None):
        run(plan(n_test=40, attempts=2, limit=limit), parts)
    assert predictions(parts) == predictions(whole)
    assert len(read_cell(directory(parts, plan(n_test=40, attempts=2))).sessions) == 3


def test_kill_9_at_any_moment_loses_nothing_and_counts_nothing_twice(tmp_path):
    wanted = plan(n_test=70, attempts=2)
    run(wanted, tmp_path / "whole")
    out = tmp_path / "killed"
    script = "import sys; from pathlib import Path; from tests.harness.test_run import plan; " + (
        "from vizbench.harness.run import run; run(plan(n_test=70, attempts=2), Path(sys.argv[1]))"
    )
    log = directory(out, wanted) / "records.jsonl"
    for lines in (1, 37, 90):  # the groups of questions end after 64, 128 and 140 lines
        child = subprocess.Popen([sys.executable, "-c", script, out], env=os.environ | {"STUB_DELAY": "0.03"})
        deadline = time.monotonic() + 120
        while not (log.exists() and log.read_bytes().count(b"\n") > lines):
            assert child.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert log.read_bytes().count(b"\n") < 140
    run(wanted, out)
    assert predictions(out) == predictions(tmp_path / "whole")


def test_a_torn_last_line_is_dropped_and_answered_again(tmp_path):
    whole = tmp_path / "whole"
    run(plan(), whole)
    for cut in (1, 30):  # the newline alone, and part of the line
        out = tmp_path / f"cut{cut}"
        run(plan(), out)
        log = directory(out, plan()) / "records.jsonl"
        log.write_bytes(log.read_bytes()[:-cut])
        run(plan(), out)
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
    run(plan(), tmp_path)
    log = directory(tmp_path, plan()) / "records.jsonl"
    lines = log.read_text().splitlines()
    changed = edit(lines[line - 1])
    assert changed != lines[line - 1]
    log.write_text("\n".join([*lines[: line - 1], changed, *lines[line:]]) + "\n")
    damaged = log.read_bytes()
    with pytest.raises(UserError, match=words):
        run(plan(), tmp_path)
    with pytest.raises(UserError, match=words):
        read_runs([tmp_path])
    assert log.read_bytes() == damaged


@pytest.mark.parametrize("name", ["run.json", "questions.jsonl"])
def test_a_corrupt_header_or_question_is_refused(tmp_path, name):
    run(plan(), tmp_path)
    path = directory(tmp_path, plan()) / name
    path.write_text(path.read_text().replace("[", "{", 1) if name == "questions.jsonl" else "{")
    with pytest.raises(UserError, match=name):
        run(plan(), tmp_path)


def test_a_changed_plan_is_refused_with_what_changed_and_nothing_is_written(tmp_path):
    run(plan(), tmp_path)
    before = predictions(tmp_path)
    with pytest.raises(UserError, match=r"n_test was 5, is 6; attempts was 1, is 3.*another --out"):
        run(plan(n_test=6, attempts=3, shots=(5, 3)), tmp_path)
    assert predictions(tmp_path) == before


def test_changed_data_and_changed_weights_are_refused(tmp_path):
    spy = f"{stubs.FILE}:Spy"
    wanted = Plan(models=(spy,), tasks=("life/conway",), checkpoint="grid", shots=(3,), n_test=5, limit=2)
    run(wanted, tmp_path)
    path = directory(tmp_path, wanted, spy) / "run.json"
    header = json.loads(path.read_text())
    assert header["weights"] == "0123"
    path.write_text(json.dumps(header | {"weights": "4567"}))
    with pytest.raises(UserError, match="weights was 4567, is 0123"):
        run(msgspec.structs.replace(wanted, limit=None), tmp_path)
    path.write_text(json.dumps(header | {"data": header["data"] | {"digest": "00"}}))
    with pytest.raises(UserError, match=r"data\.digest was 00"):
        run(wanted, tmp_path)
    path.write_text(json.dumps(header | {"format": 2}))
    with pytest.raises(UserError, match="format 2 and this vizbench reads 1"):
        run(wanted, tmp_path)


def test_a_model_whose_file_was_changed_is_another_model(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(Path(stubs.FILE).read_text())
    wanted = plan(f"{file}:Trainer", limit=2)
    run(wanted, tmp_path / "out")
    place = directory(tmp_path / "out", wanted, f"{file}:Trainer")
    assert read_cell(place).header.code is not None
    file.write_text(file.read_text() + "#")
    with pytest.raises(UserError, match=r"code was \w+, is \w+"):
        run(wanted, tmp_path / "out")
    header = json.loads((place / "run.json").read_text())
    del header["code"]  # as runs were written before
    (place / "run.json").write_text(json.dumps(header))
    run(plan(f"{file}:Trainer"), tmp_path / "out")
    assert read_cell(place).complete


def test_more_budgets_and_tasks_join_a_run(tmp_path):
    run(plan(), tmp_path)
    events: list[Event] = []
    run(plan(shots=(3, 5)), tmp_path, events.append)
    assert {event.cell.shots for event in events if event.kind == "skip"} == {3}
    assert {event.cell.shots for event in events if event.kind == "done"} == {5}


@pytest.mark.parametrize("modality", ["grid", "text", "frames"])
def test_a_model_never_sees_a_target(tmp_path, modality):
    """Everything within reach of the questions is searched, whatever it is held by."""
    spy = f"{stubs.FILE}:Spy"
    wanted = Plan(models=(spy,), tasks=("life/conway",), checkpoint=modality, shots=(3,), n_test=40)
    run(wanted, tmp_path)
    module = sys.modules["vizbench_model_stubs"]
    questions, shown = module.Spy.seen, module.Spy.shown
    assert [len(chunk) for chunk in questions] == [32, 8]
    test = vb.load("life/conway").test.head(40)
    targets = {bytes(i.target.tobytes()) for i in test}
    found = list(_reachable(questions))
    assert any(np.array_equal(thing, test[3].question) for thing in found if isinstance(thing, np.ndarray))
    for thing in found:
        assert not isinstance(thing, vb.Instance)
        if isinstance(thing, np.ndarray):
            grids = thing if thing.ndim == 3 and thing.shape[-2:] == (8, 8) else thing[None]
            assert not {bytes(grid.tobytes()) for grid in grids} & targets
    assert len(shown) == 3
    record = read_cell(directory(tmp_path, wanted, spy))
    assert [np.array_equal(row.question, i.question) for row, i in zip(record.questions, test, strict=True)] == [
        True
    ] * 40


def _reachable(root):
    """Objects that can be reached from `root` by items, attributes, closures and array bases."""
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


@pytest.mark.parametrize(
    ("way", "words", "kept"),
    [
        ("adapt", "RuntimeError while adapting: out of <memory>", 0),
        ("call", "KeyError while predicting", 0),
        ("later", "RuntimeError while predicting: out of\nmemory", 1),
        ("few", "answered 1 of 5 questions", 1),
        ("attempts", "gave 2 answers to a question and 1 were asked", 1),
    ],
)
def test_a_model_that_fails_fails_its_cell_alone(tmp_path, way, words, kept):
    fails = f"{stubs.FILE}:Fails"
    wanted = plan(fails, checkpoint=way, shots=(3, 5))
    events: list[Event] = []
    outcomes = run(wanted, tmp_path, events.append)
    assert [outcome.error is None for outcome in outcomes] == [outcome.cell.model != fails for outcome in outcomes]
    assert words in (outcomes[-1].error or "")
    assert events[-1].kind == "failed"
    cell = read_cell(outcomes[-1].directory)
    assert (len(cell.records), cell.complete) == (kept, False)
    assert cell.error == words.replace("\n", " ") or words in cell.error


def write_arc(path, outputs=("[[2]]", "[[3]]")):
    pairs = ", ".join(f'{{"input": [[1]], "output": {grid}}}' for grid in outputs)
    path.write_text(f'{{"train": [{pairs}], "test": [{pairs}]}}')


@pytest.mark.parametrize("jobs", [1, 2])
def test_data_that_cannot_be_had_fails_its_cells_alone(tmp_path, jobs):
    files = tmp_path / "files"
    files.mkdir()
    write_arc(files / "good.json")
    (files / "bad.json").write_text('{"train": 3}')
    wanted, out = Plan(tasks=(f"arc-json:{files}",), models=(BATCHER,)), tmp_path / "out"
    outcomes = run(wanted, out, jobs=jobs)
    for outcome in outcomes:
        bad = "bad.json" in outcome.cell.task
        assert (outcome.error is not None, outcome.data, outcome.begun) == (bad, not bad, not bad)
        assert (outcome.directory / "error.txt").exists() is bad
        if bad:
            assert "bad.json is malformed" in (outcome.directory / "error.txt").read_text()
    assert {"bad" in cell.header.cell.task for cell in read_runs([out])} == {False}
    write_arc(files / "bad.json")
    assert {outcome.error for outcome in run(wanted, out, jobs=jobs)} == {None}
    assert not list(out.rglob("error.txt"))


def test_a_plan_without_any_data_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    for task, words in ((f"arc-json:{tmp_path}/bad.json", "is malformed"), ("arc-json:gone.json", "cannot be opened")):
        with pytest.raises(UserError, match=words):
            run(Plan(tasks=(task,)), tmp_path / "out")
    with pytest.raises(UserError, match="eca/110"):  # 16 first rows of width 4
        run(Plan(tasks=("eca/110?width=4",), n_test=20), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_process_that_dies_fails_its_cell_alone(tmp_path):
    dies = f"{stubs.FILE}:Dies"
    write_arc(tmp_path / "a.json")
    wanted = Plan(tasks=(f"arc-json:{tmp_path}/a.json",), models=(dies, BATCHER), checkpoint="9")
    events: list[Event] = []
    outcomes = run(msgspec.structs.replace(wanted, models=(dies,)), tmp_path / "out", events.append, jobs=2)
    (dead,) = (outcome for outcome in outcomes if outcome.error)
    assert dead.cell.model == dies
    assert (dead.error or "").startswith("its process was killed from outside (SIGKILL), by hand or for want of memory")
    assert (read_cell(dead.directory).error, read_cell(dead.directory).complete) == (dead.error, False)
    assert [event.message for event in events if event.kind == "failed"] == [dead.error]
    assert len([event for event in events if event.kind == "done"]) == len(outcomes) - 1


def test_a_model_that_exits_fails_its_cell_in_this_process_too(tmp_path):
    outcomes = run(plan(f"{stubs.FILE}:Dies", checkpoint="exit"), tmp_path)
    assert outcomes[-1].error == "SystemExit while adapting: 3"


def test_jobs_out_of_range_and_faults_in_other_processes_are_refused(tmp_path):
    for jobs in (0, 257, True):
        with pytest.raises(UserError, match="is outside 1 … 256"):
            run(plan(), tmp_path, jobs=jobs)
    write_arc(tmp_path / "a.json")
    wanted = Plan(tasks=(f"arc-json:{tmp_path}/a.json",))
    run(wanted, tmp_path / "out")
    write_arc(tmp_path / "a.json", ("[[4]]", "[[3]]"))
    with pytest.raises(UserError, match=r"data\.digest was \w+, is \w+"):
        run(wanted, tmp_path / "out", jobs=2)


def test_the_order_of_cells_does_not_matter(tmp_path, monkeypatch):
    wanted = plan(shots=(3, 5), limit=4)
    run(wanted, tmp_path / "forward")
    cells = wanted.cells()
    monkeypatch.setattr(Plan, "cells", lambda self: cells[::-1])
    run(wanted, tmp_path / "backward")
    assert predictions(tmp_path / "forward") == predictions(tmp_path / "backward")


@pytest.mark.parametrize(("fixed", "taken"), [({}, 100), ({"steps": 7}, 7), ({"epochs": 3}, 4)])
def test_a_plan_can_fix_steps_or_epochs_and_both_are_kept(tmp_path, fixed, taken):
    trainer = f"{stubs.FILE}:Trainer"
    wanted = plan(trainer, shots=(5,), n_test=2, **fixed)
    run(wanted, tmp_path)
    cell = read_cell(directory(tmp_path, wanted, trainer))
    assert cell.sessions[0].figures == {"steps": taken}
    assert (cell.header.cell.steps, cell.header.cell.epochs) == (fixed.get("steps"), fixed.get("epochs"))
    with pytest.raises(UserError, match=r"steps was (None|7), is 8"):
        run(msgspec.structs.replace(wanted, steps=8, epochs=None), tmp_path)


def test_a_model_that_minds_no_schedule_is_not_said_to(tmp_path):
    outcomes = run(plan(steps=7), tmp_path / "a")
    assert outcomes[-1].error == "the model took 1 steps where the plan says 7"
    outcomes = run(plan(f"{stubs.FILE}:Spy", checkpoint="grid", epochs=2), tmp_path / "b")
    assert "the plan says 2 epochs and the model does not say how many it took" in (outcomes[-1].error or "")


def test_an_adapt_without_figures_says_what_to_return(tmp_path, monkeypatch):
    monkeypatch.setattr(stubs.Talker, "adapt", lambda self, examples, context: None)
    monkeypatch.setattr(run_module, "load_model", lambda name, checkpoint: _stub(name) or load_model(name, checkpoint))
    outcomes = run(plan(f"{stubs.FILE}:Talker"), tmp_path)
    assert outcomes[-1].error == "adapt returned a NoneType: return a dict of figures, {} for none"


def test_ctrl_c_passes_through_and_what_was_answered_stays(tmp_path):
    fails = f"{stubs.FILE}:Fails"
    wanted = plan(fails, checkpoint="interrupt")
    with pytest.raises(KeyboardInterrupt):
        run(wanted, tmp_path)
    assert len(read_cell(directory(tmp_path, wanted, fails)).records) == 1


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
    wanted = plan(f"{stubs.FILE}:Talker", limit=2)
    monkeypatch.setattr(stubs.Talker, "says", says)
    monkeypatch.setattr(run_module, "load_model", lambda name, checkpoint: _stub(name) or load_model(name, checkpoint))
    outcomes = run(wanted, tmp_path)
    records = read_cell(outcomes[-1].directory).records
    assert [(r.undecodable, r.valid, r.exact, r.cells, r.answer) for r in records] == [
        (True, False, False, 0.0, None)
    ] * 2
    assert records[0].reason
    assert words in records[0].reason


def _stub(name):
    """The class of this process's own module, which a test can change."""
    return stubs.Talker() if name.endswith(":Talker") else None


def test_a_cell_in_use_is_refused_and_a_dead_lock_is_not(tmp_path):
    wanted = plan(limit=2)
    run(wanted, tmp_path)
    place = directory(tmp_path, wanted)
    (place / "lock").write_text("999999")  # left by a process that is gone
    run(plan(limit=3), tmp_path)
    with locked(place), pytest.raises(UserError, match=f"being written by process {os.getpid()}"):
        run(plan(), tmp_path)
    run(plan(), tmp_path)
    assert read_cell(place).complete


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_refuses_ends_in_one_sentence_and_the_run_goes_on_later(tmp_path, monkeypatch, code):
    run(plan(limit=2), tmp_path)

    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(storage.os, "fsync", refuse)
        with pytest.raises(UserError, match="cannot be written"):
            run(plan(), tmp_path)
    run(plan(), tmp_path)
    assert read_cell(directory(tmp_path, plan())).complete


def test_an_out_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a part of that path is a file"):
        run(plan(), tmp_path / "file" / "runs")


def test_a_path_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        read_runs([tmp_path])
    with pytest.raises(UserError, match="holds no run"):
        read_runs([Path("/nowhere")])


def test_arc_files_bring_their_own_examples_and_shapes(tmp_path):
    shapes = [((3, 3), (6, 2)), ((2, 5), (1, 1)), ((4, 4), (7, 7))]
    pairs = [{"input": np.full(q, 1).tolist(), "output": np.full(t, 2).tolist()} for q, t in shapes]
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"train": pairs, "test": pairs[1:2]}))
    spy = f"{stubs.FILE}:Spy"
    for modality in ("frames", "text", "grid"):
        out = tmp_path / modality
        wanted = Plan(models=(spy,), tasks=(f"arc-json:{file}",), checkpoint=modality)
        run(wanted, out)
        cell = read_cell(directory(out, wanted, spy))
        assert (cell.header.data.examples, cell.header.data.questions) == (3, 1)
        assert cell.records[0].answer == [[2, 2]] * 6  # the spy says its first example's answer; its size was found
