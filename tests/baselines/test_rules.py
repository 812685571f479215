"""Test the baseline `rules`: right on every certified episode, and no answer if no rule explains it."""

from __future__ import annotations

import numpy as np
import pytest

import vizbench as vb
from vizbench.model import Context, Example, family
from vizbench.types import DecodeFailure, Grid


def answers(pairs: list[tuple[Grid, Grid]], questions: list[Grid], attempts: int = 2) -> list[list[object]]:
    model = family("rules").build("none")
    context = Context(vb.verifier_of("arc/center"), None, 0, lambda _: None)
    model.adapt([Example(*pair) for pair in pairs], context)
    return [list(each) for each in model.predict(questions, attempts, 0)]


@pytest.mark.parametrize("name", [f"arc/{c}?episode={k}" for c in ("center", "count") for k in range(8)])
def test_episodes_are_solved_by_the_first_attempt(name: str):
    data = vb.load(name)
    replies = answers([(row.question, row.target) for row in data.train], [row.question for row in data.test])
    for row, (first, second) in zip(data.test, replies, strict=True):
        assert np.array_equal(np.asarray(first), row.target)
        assert isinstance(second, DecodeFailure), "the certificate says that there is no other answer"


def test_what_no_rule_explains_has_no_answer():
    grid, other = np.array([[1, 2, 3]], np.uint8), np.array([[9], [8]], np.uint8)
    assert all(isinstance(each, DecodeFailure) for each in answers([(grid, other)], [grid])[0])


@pytest.mark.parametrize("strange", [np.full((3, 3), 200, np.uint8), np.zeros((40, 3), np.uint8)])
def test_grids_that_are_not_arcs_have_no_answer(strange: Grid):
    data = vb.load("arc/center")
    shown = [(row.question, row.target) for row in data.train]
    assert isinstance(answers(shown, [strange])[0][0], DecodeFailure)
    assert isinstance(answers([(strange, strange)], [data.test[0].question])[0][0], DecodeFailure)


def test_a_checkpoint_is_refused():
    with pytest.raises(vb.UserError, match="no checkpoint"):
        family("rules").build("tiny")
