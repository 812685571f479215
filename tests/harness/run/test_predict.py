"""Test numbers of answers: exactly one list per question, and a bad answer spoils no other."""

from __future__ import annotations

import pytest

from tests.support import stubs
from tests.support.small_runs import small_plan, stub
from vizbench.harness.records.records import read_trial
from vizbench.harness.run import run as run_module
from vizbench.harness.run.run import run
from vizbench.model import CutText, load_model
from vizbench.types import DecodeFailure

MODEL = f"{stubs.FILE}:Miscounts"
YIELD_LISTS = "yield, for each question in order, a list of its answers"


def outcome(tmp_path, shape, **fields):
    """Return the error of the model's trial, and its result."""
    last = run(small_plan(MODEL, checkpoint=shape, **fields), tmp_path)[-1]
    return last.error or "", read_trial(last.directory)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("many", "the model gave answers to more than 5 questions and 5 were asked"),
        ("many in a list", "the model gave answers to 6 questions and 5 were asked"),
        ("few in a list", "the model gave answers to 4 questions and 5 were asked"),
        ("without end", "the model gave answers to more than 5 questions and 5 were asked"),
        ("a dict", f"predict returned something of type dict: {YIELD_LISTS}"),
        ("a set", f"predict returned something of type set: {YIELD_LISTS}"),
        ("a text", f"predict returned something of type str: {YIELD_LISTS}"),
        ("a number", f"predict returned something of type int: {YIELD_LISTS}"),
        ("nothing", f"predict returned something of type NoneType: {YIELD_LISTS}"),
        ("answers without end", "the model gave more than 1 answer to a question and 1 was asked"),
        ("dicts", "the model gave something of type dict to a question: give a list of 1 answer"),
        ("texts", "the model gave something of type str to a question: give a list of 1 answer"),
        ("bare nothing", "the model gave something of type NoneType to a question: give a list of 1 answer"),
    ],
)
def test_a_wrong_number_of_answers_is_a_fault_and_the_trial_stays_incomplete(tmp_path, shape, words):
    error, trial = outcome(tmp_path, shape)
    assert error == trial.error == words
    assert not trial.complete
    again, _ = outcome(tmp_path, shape)
    assert again == words  # a second run does not take the trial for complete


def test_a_grid_in_place_of_a_list_is_counted_by_its_rows(tmp_path):
    assert "answers to a question and 1 was asked" in outcome(tmp_path, "bare grids")[0]


@pytest.mark.parametrize("shape", ["right", "generators", "array"])
def test_any_ordered_shape_with_the_right_number_is_taken(tmp_path, shape):
    error, trial = outcome(tmp_path, shape, attempts=2)
    assert (error, len(trial.records), trial.complete) == ("", 10, True)


@pytest.mark.parametrize("shape", ["none", "nan", "nans", "hole"])
def test_an_answer_that_is_nothing_is_wrong_by_itself(tmp_path, shape):
    error, trial = outcome(tmp_path, shape)
    assert (error, trial.complete) == ("", True)
    assert [record.undecodable for record in trial.records] == [False, True, False, False, False]


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
    last = run(small_plan(f"{stubs.FILE}:Talker", limit=1), tmp_path)[-1]
    (record,) = read_trial(last.directory).records
    assert record.reason == reason
