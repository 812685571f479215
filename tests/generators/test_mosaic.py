"""Test Mosaic: unique by exhaustive search and by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.support.puzzles import Clauses, assert_verdicts_agree, between, made, models
from vizbench.errors import UserError
from vizbench.generators.mosaic import TASK, Params
from vizbench.types import Grid


def around(r: int, c: int, size: int) -> list[tuple[int, int]]:
    rows, columns = range(max(r - 1, 0), min(r + 2, size)), range(max(c - 1, 0), min(c + 2, size))
    return list(itertools.product(rows, columns))


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    size = len(question)
    picture = answer[:, size + 1 :]
    if (answer[:, : size + 1] != question[:, : size + 1]).any() or picture.max() > 1:
        return False
    for (r, c), code in np.ndenumerate(question[:, :size]):
        if code >= 4 and sum(int(picture[cell]) for cell in around(r, c, size)) != code - 4:
            return False
    return True


def clauses_of(question: Grid) -> Clauses:
    size = len(question)
    clauses: Clauses = [[-v, v] for v in range(1, size * size + 1)]  # so that all variables are known
    for (r, c), code in np.ndenumerate(question[:, :size]):
        if code >= 4:
            scope = [1 + y * size + x for y, x in around(r, c, size)]
            clauses += between(scope, int(code) - 4, int(code) - 4)
    return clauses


def test_questions_have_one_solution_by_exhaustive_search():
    pictures = np.array(list(itertools.product((0, 1), repeat=9)), np.uint8).reshape(-1, 3, 3)
    sums = np.zeros_like(pictures)
    for r, c in itertools.product(range(3), range(3)):
        sums[:, r, c] = sum(pictures[:, y, x] for y, x in around(r, c, 3))
    batch = made(TASK, Params(size=3, hidden=100), 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        numbers = question[:, :3]
        fits = ((numbers < 4) | (numbers == sums + 4)).all(axis=(1, 2))
        assert fits.sum() == 1
        assert np.array_equal(pictures[fits][0], target[:, 4:])


def test_large_questions_have_one_solution_by_a_sat_solver():
    batch = made(TASK, Params(size=7), 30)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert models(clauses_of(question)) == [
            {1 + int(cell) for cell in np.flatnonzero(target[:, 8:] == 1)}
        ]


@pytest.mark.parametrize("size", [4, 6])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 400), is_right, (0, 1, 2))


def test_near_misses_name_the_broken_rule():
    question = np.array([[5, 2, 2, 3, 0, 0, 0], [2, 2, 2, 3, 0, 0, 0], [2, 2, 4, 3, 0, 0, 0]], np.uint8)
    answer = question.copy()
    answer[0, 4] = 1
    params = Params(size=3)
    assert TASK.check(params, question, answer).valid
    answer[1, 4] = 1
    assert TASK.check(params, question, answer).reason == (
        "the number at row 0, column 0 does not equal the number of shaded cells around its place"
    )
    answer[0, 3] = 0
    assert TASK.check(params, question, answer).reason == "the clue at row 0, column 3 was changed"


@pytest.mark.parametrize("name", ["size=2", "size=13", "hidden=101"])
def test_parameters_outside_their_range_are_refused(name: str):
    field, value = name.split("=")
    with pytest.raises(UserError, match=name):
        Params(**{field: int(value)})
