"""Test trajectories in the frames of an attempt: read, kept, and played in a real browser."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vizbench as vb
from tests.support import stubs
from tests.support.report_pages import settled, written
from tests.support.small_runs import directory, predictions, small_plan
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.harness.records.records import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS, read_runs, read_trial
from vizbench.harness.run.codec import FrameCodec
from vizbench.harness.run.run import run
from vizbench.model import FrameSpec
from vizbench.renderers.frames import render
from vizbench.types import Look

FILMER = f"{stubs.FILE}:Filmer"
LOOK = Look("arc", cell=3)


def films(out, checkpoint="nine", **fields):
    """Run the Filmer, and return the directory of its trial."""
    plan = small_plan(FILMER, checkpoint=checkpoint, **({"n_test": 3, "attempts": 2} | fields))
    run(plan, out)
    return directory(out, plan, FILMER)


def turned(grid, count):
    """Return the grid with its first `count` cells inverted."""
    flat = np.array(grid).ravel()
    flat[:count] = 1 - flat[:count]
    return flat.reshape(np.shape(grid)).tolist()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=150), st.booleans())
def test_a_trajectory_is_what_the_frames_show_without_repetitions(codes, board):
    """Compares with a naive twin, on frames that are rendered from known grids."""
    grids = [np.full((2, 3), code, np.uint8) for code in codes]
    shapes = {(2, 3), (4, 4)} if board else {(2, 3)}
    codec = FrameCodec(LOOK, FrameSpec(), shapes)
    place = (4, 4) if board else (2, 3)
    clip = np.stack([render(grid, LOOK, place) for grid in grids])
    states = [int(state[0, 0]) for state in codec.trajectory(clip, grids[0], grids[-1])]
    assert all(state.shape == (2, 3) for state in codec.trajectory(clip, grids[0], grids[-1]))
    if len(codes) <= 2:
        assert states == []
        return
    last = len(codes) - 1
    seen = (
        codes[:-1]
        if last <= MAX_TRAJECTORY
        else [codes[k * last // MAX_TRAJECTORY] for k in range(MAX_TRAJECTORY)]
    )
    kept = [code for code, after in zip(seen, [*seen[1:], codes[-1]], strict=True) if code != after]
    assert states == kept


def test_no_trajectory_if_the_size_changes_the_grid_is_huge_or_there_is_no_clip():
    codec = FrameCodec(Look("binary", cell=1), FrameSpec(), {(2, 3)})
    grid = np.zeros((2, 3), np.uint8)
    clip = np.zeros((5, 2, 3, 3), np.uint8)
    assert len(codec.trajectory(clip, grid, grid)) == 1  # black is 1, the answer was said to be white
    assert codec.trajectory(clip, np.zeros((3, 2), np.uint8), grid) == []
    assert codec.trajectory(clip[0], grid, grid) == []
    assert codec.trajectory(None, grid, grid) == []
    side = 160  # two of these fit in the bound
    large = FrameCodec(Look("binary", cell=1), FrameSpec(), {(side, side)})
    clip = np.zeros((5, side, side, 3), np.uint8)
    clip[0::2] = 255
    blank = np.zeros((side, side), np.uint8)
    assert 2 * side * side <= MAX_TRAJECTORY_CELLS < 3 * side * side
    assert [int(state[0, 0]) for state in large.trajectory(clip[:4], blank, blank)] == [0, 1]
    huge = np.zeros((300, 300), np.uint8)
    assert FrameCodec(Look("binary", cell=1), FrameSpec(), {huge.shape}).trajectory(clip, huge, huge) == []


def test_a_canvas_is_read_in_the_cells_of_the_answer():
    look = verifier_of("arc-json:nowhere.json").look
    codec = FrameCodec(look, FrameSpec(), {(2, 3), (5, 5)})
    grids = [np.full((2, 3), code, np.uint8) for code in (1, 2, 3)]
    states = codec.trajectory(np.stack([render(grid, look) for grid in grids]), grids[0], grids[2])
    assert np.array_equal(states, grids[:2])


def test_records_keep_the_trajectory_and_a_run_that_continues_keeps_the_same(tmp_path):
    place = films(tmp_path / "whole")
    trial = read_trial(place)
    questions = {question.id: question.question for question in trial.questions}
    assert len(trial.records) == 6
    for record in trial.records:
        start, cells = questions[record.id], 5 + record.attempt
        assert record.answer == turned(start, cells)
        assert list(record.trajectory) == [turned(start, count) for count in range(cells)]
    films(tmp_path / "parts", limit=1)
    log = films(tmp_path / "parts", limit=2) / "records.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    films(tmp_path / "parts")
    assert predictions(tmp_path / "parts") == predictions(tmp_path / "whole")


@pytest.mark.parametrize("checkpoint", ["two", "still"])
def test_where_nothing_moves_the_line_is_as_it_was(tmp_path, checkpoint):
    log = films(tmp_path, checkpoint) / "records.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 6
    assert all("trajectory" not in line for line in lines)
    assert "trajectory" in json.loads(
        (films(tmp_path / "nine") / "records.jsonl").read_text().splitlines()[0]
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda line: line | {"trajectory": line["trajectory"] * 13},
            r"line 2 of .*length <= 63.*trajectory",
        ),
        (lambda line: line | {"trajectory": [[[256]]]}, r"line 2 of .*<= 255.*trajectory"),
        (lambda line: line | {"trajectory": [[[1, 0], [1]]]}, "is no rectangle"),
        (lambda line: line | {"trajectory": [[[1]]]}, "another shape than the answer"),
        (lambda line: line | {"answer": None}, "another shape than the answer"),
        (
            lambda line: line | {"trajectory": [[[0] * 1024] * 33] * 2, "answer": [[0] * 1024] * 33},
            "over 65,536 cells",
        ),
    ],
)
def test_a_trajectory_that_no_run_wrote_is_refused_in_a_sentence(tmp_path, edit, words):
    log = films(tmp_path, attempts=1) / "records.jsonl"
    lines = log.read_text().splitlines()
    log.write_text("\n".join([lines[0], json.dumps(edit(json.loads(lines[1]))), *lines[2:]]) + "\n")
    with pytest.raises(UserError, match=words) as error:
        read_runs([tmp_path])
    assert "\n" not in str(error.value)


def test_an_attempt_plays_from_its_frames_and_rests_on_its_answer(visit, tmp_path):
    films(tmp_path)
    page = visit(written(read_runs([tmp_path]), tmp_path), f"#model={FILMER}@nine&i=2")
    question = vb.load("life/conway").test[1].question.tolist()
    cards = page.locator("#boards .answer")
    assert cards.count() == 2
    for attempt in (0, 1):
        card, last = cards.nth(attempt), 5 + attempt
        slider = card.locator("input")
        picture = f"document.querySelectorAll('#boards .answer canvas')[{attempt}].toDataURL()"
        rest = page.evaluate(picture)
        assert (slider.input_value(), card.locator(".film span").inner_text()) == (
            str(last),
            f"{last} / {last}",
        )
        states = page.evaluate(
            f"async () => unroll((await unpack(data.trials[state.trial].blob))[state.i][{attempt}][4])"
        )
        assert states == [np.ravel(turned(question, count)).tolist() for count in range(last + 1)]
        slider.focus()
        page.keyboard.press("ArrowLeft")
        assert slider.input_value() == str(last - 1)
        assert page.evaluate(picture) != rest
        page.keyboard.press("ArrowRight")
        assert page.evaluate(picture) == rest
        assert "cells differ" in card.locator("canvas").get_attribute("aria-label")
    page.focus("#viewer")
    page.keyboard.press("]")
    page.keyboard.press("a")  # only the second begins at its first frame
    assert cards.nth(1).locator(".play").inner_text() == "❚❚"
    assert cards.nth(0).locator(".play").inner_text() == "▶"
    page.wait_for_function("() => document.querySelectorAll('#boards .answer input')[1].value === '6'")
    page.wait_for_function("() => document.querySelectorAll('#boards .answer .play')[1].textContent === '▶'")
    cards.nth(0).locator(".play").click()
    page.wait_for_function("() => document.querySelectorAll('#boards .answer input')[0].value === '3'")
    settled(page, lambda: page.select_option("#model", label="copy"))
    assert page.locator("#boards .answer .film").count() == 0


def test_trials_without_frames_take_no_byte_more(visit, tmp_path):
    films(tmp_path / "two", "two")
    page = visit(written(read_runs([tmp_path / "two"]), tmp_path), f"#model={FILMER}@two")
    lengths = page.evaluate(
        "async () => (await Promise.all(data.trials.map(trial => unpack(trial.blob)))).flat(2)"
        ".map(answer => answer.length)"
    )
    assert set(lengths) == {4}
