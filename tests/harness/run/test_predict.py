"""How many answers a model gives: each question has its own, no fewer and no more, and a bad one is wrong by
itself."""

from __future__ import annotations

import pytest

from tests.support import stubs
from tests.support.small_runs import plan, stub
from vizbench.harness.records.records import read_trial
from vizbench.harness.run import run as run_module
from vizbench.harness.run.run import run
from vizbench.model import CutText, load_model
from vizbench.types import DecodeFailure

MODEL = f"{stubs.FILE}:Miscounts"


def outcome(tmp_path, way, **fields):
    """What became of the model's cell."""
    last = run(plan(MODEL, checkpoint=way, **fields), tmp_path)[-1]
    return last.error or "", read_trial(last.directory)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("many", "the model gave answers to more than 5 questions and 5 were asked"),
        ("many in a list", "the model gave answers to 6 questions and 5 were asked"),
        ("few in a list", "the model gave answers to 4 questions and 5 were asked"),
        ("without end", "the model gave answers to more than 5 questions and 5 were asked"),
        (
            "a dict",
            "predict returned something of type dict: yield, for each question in order, a list of its answers",
        ),
        (
            "a set",
            "predict returned something of type set: yield, for each question in order, a list of its answers",
        ),
        (
            "a text",
            "predict returned something of type str: yield, for each question in order, a list of its answers",
        ),
        (
            "a number",
            "predict returned something of type int: yield, for each question in order, a list of its answers",
        ),
        (
            "nothing",
            "predict returned something of type NoneType: yield, for each question in order, a list of its answers",
        ),
        ("answers without end", "the model gave more than 1 answer to a question and 1 was asked"),
        ("dicts", "the model gave something of type dict to a question: give a list of 1 answer"),
        ("texts", "the model gave something of type str to a question: give a list of 1 answer"),
        ("bare nothing", "the model gave something of type NoneType to a question: give a list of 1 answer"),
    ],
)
def test_a_wrong_number_of_answers_is_a_fault_and_the_cell_stays_unfinished(tmp_path, way, words):
    error, cell = outcome(tmp_path, way)
    assert error == cell.error == words
    assert not cell.complete
    again, _ = outcome(tmp_path, way)
    assert again == words  # a second run does not take the cell for whole


def test_a_grid_in_place_of_a_list_is_counted_by_its_rows(tmp_path):
    assert "answers to a question and 1 was asked" in outcome(tmp_path, "bare grids")[0]


@pytest.mark.parametrize("way", ["right", "generators", "array"])
def test_any_ordered_shape_with_the_right_number_is_taken(tmp_path, way):
    error, cell = outcome(tmp_path, way, attempts=2)
    assert (error, len(cell.records), cell.complete) == ("", 10, True)


@pytest.mark.parametrize("way", ["none", "nan", "nans", "hole"])
def test_an_answer_that_is_nothing_is_wrong_by_itself(tmp_path, way):
    error, cell = outcome(tmp_path, way)
    assert (error, cell.complete) == ("", True)
    assert [record.undecodable for record in cell.records] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (
            CutText("[[1,0"),
            "the reply was cut by length: the text ends in row 1 of a grid that is not closed",
        ),
        (DecodeFailure("no \ud83d" + "x" * 9999), "no \ufffd" + "x" * 1996),
    ],
)
def test_the_reason_is_kept_as_far_as_a_record_holds_it(tmp_path, monkeypatch, says, reason):
    monkeypatch.setattr(stubs.Talker, "says", says)
    monkeypatch.setattr(
        run_module, "load_model", lambda name, checkpoint: stub(name) or load_model(name, checkpoint)
    )
    last = run(plan(f"{stubs.FILE}:Talker", limit=1), tmp_path)[-1]
    (record,) = read_trial(last.directory).records
    assert record.reason == reason
