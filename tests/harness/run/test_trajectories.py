"""Test process supervision: how processes are shown, read back, checked, recorded and reported."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vizbench as vb
from tests.support import stubs
from tests.support.small_runs import BATCHER, directory, predictions, small_plan
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs, read_trial
from vizbench.harness.report import viewer
from vizbench.harness.report.export import csv_text, markdown
from vizbench.harness.run.codec import FrameCodec, ProcessTextCodec, codec_for, process_info
from vizbench.harness.run.estimate import estimate
from vizbench.harness.run.run import run
from vizbench.harness.run.trajectories import (
    process_figures,
    states_after_question,
    states_of_frames,
    states_of_lines,
)
from vizbench.harness.stats.compare import differences
from vizbench.harness.stats.metrics import summaries
from vizbench.model import FrameSpec, TextSpec
from vizbench.renderers.text import last_block, states_from_text, states_to_text, to_text
from vizbench.renderers.video import clip
from vizbench.task.contract import Task
from vizbench.task.registry import families
from vizbench.types import DecodeFailure, Look

WRITER = f"{stubs.FILE}:Writer"
STEPS = "life/conway?steps=4"
FAMILIES = [name for name, task in families().items() if not task.resizes]


def seeing(modality: str, count: int = 64, layout: str = "json") -> Any:
    return SimpleNamespace(
        modality=modality, frames=FrameSpec(count, cell=4), text=TextSpec(cast("Any", layout))
    )


@lru_cache
def rows_of(name: str, n: int) -> tuple[vb.Instance, ...]:
    return vb.load(name, pool=100).test.head(
        n
    )  # a small pool is filtered faster; only the choice of rows differs


def processes(name: str, modality: str, count: int = 64, layout: str = "json", n: int = 3) -> Any:
    """Return the codec that shows processes of a task, the task and some instances."""
    rows = rows_of(name, n)
    verifier = verifier_of(name)
    questions = [row.question for row in rows]
    return (
        codec_for(seeing(modality, count, layout), verifier, rows, questions, supervision="process"),
        verifier,
        rows,
    )


# The mapping of states to frames


@given(st.integers(2, 80), st.integers(2, 80))
def test_a_clip_begins_with_the_question_and_ends_with_the_last_state(states: int, frames: int) -> None:
    shown = states_of_frames(states, frames)
    assert (len(shown), shown[0], shown[-1]) == (frames, 0, states - 1)
    steps = np.diff(shown)
    assert (steps >= 0).all()
    if states <= frames:
        held = np.bincount(shown, minlength=states)
        assert held.min() >= frames // states
        assert held.max() <= -(-frames // states)
    else:
        assert (steps >= 1).all()
        assert steps.max() - steps.min() <= 1


@given(st.integers(2, 40))
def test_two_states_are_the_clip_of_question_and_target(frames: int) -> None:
    grids = np.stack([np.zeros((2, 3), np.uint8), np.ones((2, 3), np.uint8)])
    look = Look("binary", cell=1)
    shown = clip(grids[0], grids[1], look, frames)
    picked = np.stack([clip(grids[k], grids[k], look, 2)[0] for k in states_of_frames(2, frames)])
    assert np.array_equal(shown, picked)


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 2**32))
def test_states_to_frames_and_back(steps: int, more: int, seed: int) -> None:
    """A still board follows itself, and a held frame does not say how often: the number of steps does."""
    name = f"life/conway?steps={steps}&height=4&width=4"
    task = cast("Task[Any]", verifier_of(name))
    params = vb.load(name).params
    batch = task.generate_batch(params, np.array([seed], np.uint64))
    states = task.steps(params, batch.question[0], batch.target[0])
    row = vb.Instance(name, params, 0, "test", 0, batch.question[0], batch.target[0], states)
    whole = [row.question, *states]
    frames = [whole[k] for k in states_of_frames(len(whole), len(whole) + more)]
    assert np.array_equal(states_after_question(task, row, frames), states)


# Every family, in every modality


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    ("modality", "layout"),
    [("frames", "json"), ("text", "json"), ("text", "rows"), ("image", "json"), ("both", "json")],
)
def test_what_is_shown_is_read_back_and_valid(name: str, modality: str, layout: str) -> None:
    codec, task, rows = processes(name, modality, 96, layout)
    for row in rows:
        reading = codec.read(codec.shown(row).target, row)
        assert np.array_equal(reading.decoded.grid, row.target)
        assert codec.checks_process(row)
        assert np.array_equal(np.stack(reading.process), row.steps)
        verdict = task.verify_steps(row, list(reading.process))
        assert process_figures(verdict, len(reading.process)) == {"process_valid": 1, "process_legal": 1}
        assert all(state.shape == row.target.shape for state in reading.trajectory)


@pytest.mark.parametrize("name", ["connect4/win-in-2", "chess/mate-in-2"])
@pytest.mark.parametrize("modality", ["frames", "text"])
def test_in_a_game_the_first_state_is_the_answer(name: str, modality: str) -> None:
    codec, task, rows = processes(name, modality, 9, n=2)
    for row in rows:
        assert len(row.steps) == 3
        example = codec.shown(row)
        if modality == "frames":
            assert len(example.target) == 9
        reading = codec.read(example.target, row)
        assert np.array_equal(reading.decoded.grid, row.target)
        assert np.array_equal(np.stack(reading.trajectory), row.steps[1:])
        assert task.verify_steps(row, list(reading.process)).valid
    assert process_info(seeing(modality), task, rows).answer == "first"


def test_a_process_that_is_longer_than_the_clip_is_shown_with_gaps_and_not_checked() -> None:
    codec, _, rows = processes(STEPS, "frames", 4)
    reading = codec.read(codec.shown(rows[0]).target, rows[0])
    assert np.array_equal(reading.decoded.grid, rows[0].target)
    assert not codec.checks_process(rows[0])
    assert process_info(seeing("frames", 4), verifier_of(STEPS), rows).left_out == 3
    assert process_info(seeing("frames", 5), verifier_of(STEPS), rows).left_out == 0
    assert processes(STEPS, "frames", 5)[0].checks_process(rows[0])


# Answers that are wrong in some way


def figures(codec: Any, task: Any, row: vb.Instance, prediction: object) -> dict[str, float]:
    reading = codec.read(prediction, row)
    return process_figures(task.verify_steps(row, list(reading.process)), len(reading.process))


def test_the_first_illegal_state_is_named() -> None:
    codec, task, rows = processes(STEPS, "text")
    row = rows[0]
    for wrong in range(4):
        states = row.steps.copy()
        states[wrong] = 1 - states[wrong]
        seen = figures(codec, task, row, states_to_text(list(states)))
        assert seen == {"process_valid": 0, "process_legal": wrong / 4, "first_illegal": wrong + 1}


def test_a_right_answer_without_its_process_is_no_valid_process() -> None:
    codec, task, rows = processes(STEPS, "text")
    reading = codec.read(to_text(rows[0].target), rows[0])
    assert task.verify(rows[0], reading.decoded.grid).exact
    assert figures(codec, task, rows[0], to_text(rows[0].target))["process_valid"] == 0


def test_words_around_the_lines_and_a_repeated_question_are_allowed() -> None:
    codec, task, rows = processes(STEPS, "text")
    row = rows[0]
    lines = [f"Step {k}: {to_text(state)}" for k, state in enumerate(row.steps, 1)]
    said = "\n".join([f"From {to_text(row.question)}:", *lines])
    assert figures(codec, task, row, said)["process_valid"] == 1
    reading = codec.read(said, row)
    assert np.array_equal(np.stack([*reading.trajectory, reading.decoded.grid]), row.steps)


@pytest.mark.parametrize("prediction", [None, 7, "", "no grid", "[[", "[[1,2],[3]]", b"[[1]]"])
@pytest.mark.parametrize("name", [STEPS, "connect4/win-in-2"])
def test_nothing_that_a_model_returns_raises(name: str, prediction: object) -> None:
    for modality in ("text", "frames"):
        codec, _, rows = processes(name, modality, n=1)
        assert isinstance(codec.read(prediction, rows[0]).decoded, DecodeFailure)


def test_a_still_clip_has_the_question_as_its_answer() -> None:
    for name in (STEPS, "connect4/win-in-2"):
        codec, _, rows = processes(name, "frames", 5, n=1)
        still = np.repeat(codec.shown(rows[0]).target[:1], 5, axis=0)
        assert np.array_equal(codec.read(still, rows[0]).decoded.grid, rows[0].question)


def test_lines_of_a_task_that_asks_for_a_number_are_states_also_if_the_first_is_the_question() -> None:
    block = np.zeros((4, 4), np.uint8)
    block[1:3, 1:3] = 1
    name = "life/conway?steps=2&height=4&width=4"
    row = vb.Instance(name, vb.load(name).params, 0, "test", 0, block, block, np.stack([block, block]))
    task = cast("Task[Any]", verifier_of(name))
    assert len(states_of_lines(task, row, [block, block])) == 2
    assert len(states_of_lines(task, row, [block, block, block])) == 2


@given(st.lists(st.integers(0, 35), min_size=1, max_size=6), st.integers(1, 3), st.integers(1, 3))
def test_states_survive_as_text(codes: list[int], height: int, width: int) -> None:
    states = [np.full((height, width), code, np.uint8) for code in codes]
    shape = height, width
    assert np.array_equal(np.stack(states_from_text(states_to_text(states), "json", shape)), np.stack(states))
    rows = states_to_text(states, "rows")
    assert np.array_equal(np.stack(states_from_text(rows, "rows", shape)), np.stack(states))
    assert last_block(rows) == to_text(states[-1], "rows")


# Plans


def test_trivial_baselines_keep_their_trials_and_models_get_another_name() -> None:
    target, process = (
        Plan(models=("qwen3",), tasks=(STEPS,), supervision=kind).trials() for kind in ("target", "process")
    )
    assert target[:-1] == process[:-1]
    assert [trial.supervision for trial in process][-2:] == ["target", "process"]
    assert (target[-1].training, process[-1].training) == (
        "the model's own",
        "the model's own, shown the process",
    )
    assert target[-1].directory == process[-1].directory


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"supervision": "both"}, "supervision"),
        ({"models": ()}, "name a model"),
        ({"models": ("copy",)}, "name a model"),
        ({"tasks": ("arc/copy",)}, "arc/copy has none"),
        ({"tasks": ("life/conway", "arc-json:nowhere.json")}, "nowhere"),
    ],
)
def test_a_plan_that_cannot_show_processes_is_refused(fields: dict[str, Any], words: str) -> None:
    plan: dict[str, Any] = {"models": ("qwen3",), "tasks": ("life/conway",), "supervision": "process"}
    with pytest.raises(UserError, match=words):
        Plan(**(plan | fields)).trials()


def test_models_that_show_no_process_are_refused_before_anything_is_written(tmp_path: Any) -> None:
    for model, words in ((BATCHER, "one grid"), ("cogvideox", "2 frames")):
        with pytest.raises(UserError, match=words):
            run(small_plan(model, tasks=(STEPS,), supervision="process"), tmp_path / "x")
    assert not (tmp_path / "x").exists()


# Runs


def written(out: Any, checkpoint: str = "right", **fields: Any) -> Any:
    plan = small_plan(
        WRITER, checkpoint=checkpoint, **({"tasks": (STEPS,), "supervision": "process"} | fields)
    )
    run(plan, out)
    return directory(out, plan, WRITER)


def test_a_run_keeps_trajectories_and_figures_and_resumes(tmp_path: Any) -> None:
    trial = read_trial(written(tmp_path / "whole"))
    header = trial.header
    assert header.trial.supervision == "process"
    assert header.process is not None
    assert (header.process.answer, header.process.frames) == ("last", None)
    for record in trial.records:
        assert record.exact
        assert record.figures == {"process_valid": 1, "process_legal": 1}
        assert len(record.trajectory) == 3
    log = written(tmp_path / "parts", limit=2) / "records.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    written(tmp_path / "parts")
    assert predictions(tmp_path / "parts") == predictions(tmp_path / "whole")


def test_another_supervision_does_not_continue_a_run(tmp_path: Any) -> None:
    written(tmp_path)
    with pytest.raises(UserError, match="supervision was process, is target"):
        written(tmp_path, supervision="target")


def test_tables_keep_supervisions_apart(tmp_path: Any) -> None:
    written(tmp_path / "a", "right")
    written(tmp_path / "b", "right", supervision="target")
    written(tmp_path / "c", "late")
    written(tmp_path / "d", "mute")
    trials = read_runs([tmp_path])
    rows = {(row.checkpoint, row.supervision): row for row in summaries(trials) if row.model == WRITER}
    assert set(rows) == {("right", "process"), ("right", "target"), ("late", "process"), ("mute", "process")}
    right, late, mute = (rows[name, "process"] for name in ("right", "late", "mute"))
    assert (right.exact, right.process_valid, right.process_legal, right.first_illegal) == (1, 1, 1, None)
    assert (late.exact, late.process_valid, late.process_legal, late.first_illegal) == (1, 0, 0.25, 2)
    assert (mute.exact, mute.process_valid, mute.process_legal, mute.first_illegal) == (0, 0, 0, None)
    assert rows["right", "target"].process_valid is None
    pair = {
        (one.a.training, one.b.training) for one in differences(trials) if one.a.name == one.b.name == WRITER
    }
    assert ("the model's own", "the model's own, shown the process") in pair
    table = markdown(trials)
    assert "process valid" in table
    assert "shown the process" in table
    assert "process_valid" in csv_text(summaries(trials)).splitlines()[0]


def test_the_viewer_plays_a_game_from_its_answer(tmp_path: Any) -> None:
    trial = read_trial(written(tmp_path, tasks=("connect4/win-in-2",), n_test=2, attempts=1))
    assert trial.header.process is not None
    assert trial.header.process.answer == "first"
    record, row = trial.records[0], trial.questions[0]
    assert record.figures["process_valid"] == 1
    assert len(record.trajectory) == 2
    first, changes, answer = viewer._answer(record, row, True)[4]
    assert (first, len(changes), answer) == (viewer.pack_grid(record.answer or []), 2, 0)


def test_a_tiny_random_language_model_writes_processes(tmp_path: Any) -> None:
    name = "life/conway?steps=2"
    plan = small_plan("qwen3=tiny-random", tasks=(name,), supervision="process", steps=1, n_test=2)
    run(plan, tmp_path)
    trial = read_trial(directory(tmp_path, plan, "qwen3"))
    assert trial.complete
    assert trial.error == ""
    assert all("process_valid" in record.figures for record in trial.records)


def test_an_estimate_trains_on_processes_too(tmp_path: Any) -> None:
    plan = small_plan(WRITER, checkpoint="right", tasks=(STEPS,), supervision="process")
    assert {row.problem for row in estimate(plan, tmp_path)} == {""}
    plan = small_plan("qwen3=tiny-random", tasks=("life/conway?steps=2",), supervision="process", steps=1)
    assert {row.problem for row in estimate(plan, tmp_path)} == {""}


def test_a_frame_codec_reads_all_frames_and_no_more_than_it_may() -> None:
    codec = FrameCodec(Look("binary", cell=1), FrameSpec(), {(1, 1)})
    frames = np.zeros((1500, 1, 1, 3), np.uint8)
    assert len(codec.states(frames, (1, 1))) == 1024
    assert codec.states(None, (1, 1)) == []


def test_the_text_codec_is_that_of_each_text_modality() -> None:
    for modality in ("text", "image", "both"):
        assert isinstance(processes(STEPS, modality)[0], ProcessTextCodec)
