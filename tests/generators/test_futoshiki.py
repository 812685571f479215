"""Test Futoshiki: unique by exhaustive search and by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.support.puzzles import Clauses, assert_verdicts_agree, between, latin_squares, made, models
from vizbench.errors import UserError
from vizbench.generators.futoshiki import TASK, Params
from vizbench.types import Grid

ORDER = {9: (0, -1, 0, 1), 10: (0, 1, 0, -1), 11: (-1, 0, 1, 0), 12: (1, 0, -1, 0)}
"""Where the smaller and the larger digit are, from each sign."""


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    digits = answer[::2, ::2].tolist()
    full = list(range(1, len(digits) + 1))
    if any(sorted(line) != full for line in (*digits, *map(list, zip(*digits, strict=True)))):
        return False
    for (r, c), code in np.ndenumerate(question):
        if code and answer[r, c] != code:
            return False
        if code in ORDER:
            dy, dx, ey, ex = ORDER[int(code)]
            if answer[r + dy, c + dx] >= answer[r + ey, c + ex]:
                return False
    return True


def test_questions_have_one_solution_by_exhaustive_search():
    squares = latin_squares(4)
    assert len(squares) == 576
    grids = np.zeros((len(squares), 7, 7), np.uint8)
    grids[:, ::2, ::2] = squares
    batch = made(TASK, Params(size=4, empty=100), 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        fits = ((question == 0) | (question == grids) | (question > 7)).all(axis=(1, 2))
        for (r, c), code in np.ndenumerate(question):
            if code in ORDER:
                dy, dx, ey, ex = ORDER[int(code)]
                fits &= grids[:, r + dy, c + dx] < grids[:, r + ey, c + ex]
        assert fits.sum() == 1
        assert np.array_equal(squares[fits][0], target[::2, ::2])


def clauses_of(question: Grid) -> Clauses:
    size = (len(question) + 1) // 2
    line = range(size)

    def at(r: int, c: int, digit: int) -> int:
        return 1 + (r * size + c) * size + digit

    clauses: Clauses = []
    for a, b in itertools.product(line, line):
        clauses += between([at(a, b, k) for k in line], 1, 1)
        clauses += between([at(a, k, b) for k in line], 1, 1)
        clauses += between([at(k, a, b) for k in line], 1, 1)
    for (y, x), code in np.ndenumerate(question):
        if 1 <= code <= size:
            clauses.append([at(y // 2, x // 2, int(code) - 1)])
        if code in ORDER:
            dy, dx, ey, ex = ORDER[int(code)]
            small, large = ((y + dy) // 2, (x + dx) // 2), ((y + ey) // 2, (x + ex) // 2)
            for k, m in itertools.product(line, line):
                if k >= m:
                    clauses.append([-at(*small, k), -at(*large, m)])
    return clauses


def test_large_questions_have_one_solution_by_a_sat_solver():
    batch = made(TASK, Params(size=6), 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        digits = target[::2, ::2].flatten()
        expected = {1 + 6 * cell + int(digit) - 1 for cell, digit in enumerate(digits)}
        assert models(clauses_of(question)) == [expected]


@pytest.mark.parametrize("size", [4, 5])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 400), is_right, range(size + 2))


def test_near_misses_name_the_broken_rule():
    question = np.full((5, 5), 8, np.uint8)
    question[::2, ::2] = 0
    question[0, 1], question[1, 4] = 9, 12
    answer = question.copy()
    answer[::2, ::2] = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    params = Params(size=3)
    assert TASK.check(params, question, answer).valid
    swapped = answer.copy()
    swapped[::2, ::2] = [[2, 1, 3], [3, 2, 1], [1, 3, 2]]
    assert TASK.check(params, question, swapped).reason == "the sign at row 0, column 1 is not obeyed"
    swapped[::2, ::2] = [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
    assert TASK.check(params, question, swapped).reason == "column 0 of digits does not hold each digit once"
    sign = answer.copy()
    sign[0, 1] = 10
    assert TASK.check(params, question, sign).reason == "the clue at row 0, column 1 was changed"


@pytest.mark.parametrize(
    ("size", "signs", "empty"), [(2, 30, 60), (8, 30, 60), (5, 9, 60), (5, 71, 60), (5, 30, 9), (5, 30, 101)]
)
def test_parameters_outside_their_range_are_refused(size: int, signs: int, empty: int):
    with pytest.raises(UserError, match=r"size=|signs=|empty="):
        Params(size=size, signs=signs, empty=empty)
