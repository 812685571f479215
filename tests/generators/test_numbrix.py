"""Test Numbrix: unique by a plain search, verdicts by a slow twin, steps along the path, near misses."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.puzzles import Cell, assert_verdicts_agree, beside, made
from vizbench.errors import UserError
from vizbench.generators.numbrix import TASK, Params
from vizbench.types import Grid, Instance


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if (answer[question > 0] != question[question > 0]).any():
        return False
    places = {int(number): (int(r), int(c)) for (r, c), number in np.ndenumerate(answer)}
    if sorted(places) != list(range(1, answer.size + 1)):
        return False
    return all(places[k + 1] in set(beside(places[k], *answer.shape)) for k in range(1, answer.size))


def completions(question: Grid, path: tuple[Cell, ...] = ()) -> Iterator[tuple[Cell, ...]]:
    """Yield the paths through all cells that begin with these cells and keep the given numbers."""
    if len(path) == question.size:
        yield path
        return
    number = len(path) + 1
    given = {code: cell for code, cell in givens(question.tobytes(), question.shape[1]) if code >= number}
    near = set(beside(path[-1], *question.shape)) if path else set(np.ndindex(*question.shape))
    if number in given:
        near &= {given.pop(number)}
    for cell in sorted(near - set(path) - set(given.values())):
        if all(abs(cell[0] - r) + abs(cell[1] - c) <= code - number for code, (r, c) in given.items()):
            yield from completions(question, (*path, cell))


@functools.cache
def givens(codes: bytes, width: int) -> list[tuple[int, Cell]]:
    return [(code, divmod(place, width)) for place, code in enumerate(codes) if code]


@pytest.mark.parametrize(
    ("params", "count"), [(Params(size=3, empty=100), 1500), (Params(size=4), 600), (Params(), 20)]
)
def test_questions_have_one_solution_by_a_plain_search(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        (path,) = completions(question)
        assert [int(target[cell]) for cell in path] == list(range(1, target.size + 1))


@pytest.mark.parametrize("size", [3, 4, 5])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 200), is_right, range(size * size + 1))


def test_any_board_is_solved_as_by_the_plain_search():
    """Some of these boards have no solution, and some have several."""
    params, rng, solved = Params(size=3), np.random.default_rng(1), 0
    for _ in range(300):
        question = np.zeros((3, 3), np.uint8)
        question.flat[rng.choice(9, 2, replace=False)] = rng.choice(9, 2, replace=False) + 1
        solutions, actual = list(completions(question)), TASK.solve(params, question)
        assert (actual is None) == (not solutions)
        assert TASK.is_unique(params, question[None])[0] == (len(solutions) == 1)
        if actual is not None:
            assert is_right(question, actual)
            solved += 1
    assert 20 < solved < 280


def test_near_misses_name_the_broken_rule():
    right = np.array([[1, 2, 3], [6, 5, 4], [7, 8, 9]], np.uint8)
    question = np.where(right == 5, right, 0).astype(np.uint8)
    assert TASK.check(Params(size=3), question, right).valid
    apart = "the number at row {}, column {} is not beside the number before it and the one after it"
    cases = {
        apart.format(0, 0): [(0, 0, 3), (0, 2, 1)],
        "a number is there twice or is missing": [(0, 0, 2)],
        "the clue at row 1, column 1 was changed": [(1, 1, 4)],
        "the cell at row 2, column 2 has a code that no answer has there": [(2, 2, 10)],
    }
    for reason, changes in cases.items():
        answer = right.copy()
        for r, c, code in changes:
            answer[r, c] = code
        assert not is_right(question, answer)
        assert TASK.check(Params(size=3), question, answer).reason == reason


def test_steps_follow_the_path_from_the_least_given_number():
    batch = made(TASK, Params(), 5)
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(Params(), question, target)
        states = [question, *steps]
        written = [int(b[a != b][0]) for a, b in itertools.pairwise(states)]
        least = int(question[question > 0].min())
        up = [k for k in written if k > least]
        down = [k for k in written if k < least]
        assert written == sorted(up) + sorted(down, reverse=True)
        instance = Instance("numbrix/5", Params(), 0, "test", 0, question, target, steps)
        assert TASK.verify_steps(instance, steps).exact


def test_a_step_continues_the_path():
    question = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 9]], np.uint8)
    for (r, c), number, fault in (
        ((0, 1), 2, ""),
        ((1, 2), 8, ""),
        ((1, 1), 2, "the number at row 1, column 1 is not beside the one before it or the one after it"),
        ((0, 1), 1, "a number is there twice or is missing"),
    ):
        after = question.copy()
        after[r, c] = number
        assert TASK.check_step(Params(size=3), question, question, after).reason == fault


@pytest.mark.parametrize(("size", "empty"), [(2, 50), (7, 50), (5, 9), (5, 101), (10**30, 50)])
def test_parameters_outside_their_range_are_refused(size: int, empty: int):
    with pytest.raises(UserError, match=r"size=|empty="):
        Params(size=size, empty=empty)
