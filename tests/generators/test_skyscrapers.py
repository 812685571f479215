"""Test Skyscrapers: unique by exhaustive search, verdicts by a slow twin, near misses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.puzzles import assert_verdicts_agree, latin_squares, made
from vizbench.errors import UserError
from vizbench.generators.skyscrapers import TASK, Params
from vizbench.types import Grid


def seen(heights: Sequence[int]) -> int:
    return sum(all(height > other for other in heights[:k]) for k, height in enumerate(heights))


def numbers_of(city: Grid) -> Grid:
    """The city with the numbers of all margins around it."""
    grid = np.full((len(city) + 2, len(city) + 2), 8, np.uint8)
    grid[1:-1, 1:-1] = city
    for k in range(len(city)):
        row, column = city[k].tolist(), city[:, k].tolist()
        grid[k + 1, 0], grid[k + 1, -1] = seen(row), seen(row[::-1])
        grid[0, k + 1], grid[-1, k + 1] = seen(column), seen(column[::-1])
    return grid


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    city = answer[1:-1, 1:-1].tolist()
    full = list(range(1, len(city) + 1))
    if any(sorted(line) != full for line in (*city, *map(list, zip(*city, strict=True)))):
        return False
    if ((question != 0) & (question != answer)).any():
        return False
    numbers = numbers_of(answer[1:-1, 1:-1])
    return bool(((question == 0) | (question == 8) | (question == numbers)).all())


def test_questions_have_one_solution_by_exhaustive_search():
    grids = np.stack([numbers_of(city) for city in latin_squares(4)])
    batch = made(TASK, Params(size=4, empty=100, hidden=60), 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        fits = ((question == 0) | (question == 8) | (question == grids)).all(axis=(1, 2))
        assert fits.sum() == 1
        assert np.array_equal(grids[fits][0, 1:-1, 1:-1], target[1:-1, 1:-1])


@pytest.mark.parametrize("size", [4, 6])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size, empty=60)
    assert_verdicts_agree(TASK, params, made(TASK, params, 200), is_right, range(size + 2))


def test_near_misses_name_the_broken_rule():
    city = np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2]], np.uint8)
    question = numbers_of(city)
    question[1:-1, 1:-1] = 0
    answer = numbers_of(city)
    params = Params(size=3)
    assert TASK.check(params, question, answer).valid
    other = answer.copy()
    other[1:-1, 1:-1] = city[::-1]
    assert TASK.check(params, question, other).reason == (
        "the number at row 1, column 0 does not count the towers that are seen from there"
    )
    other[1:-1, 1:-1] = [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
    assert TASK.check(params, question, other).reason == "column 0 of the city does not hold each height once"
    other = answer.copy()
    other[0, 0] = 3
    assert TASK.check(params, question, other).reason == "the clue at row 0, column 0 was changed"


@pytest.mark.parametrize(
    ("size", "empty", "hidden"), [(2, 80, 30), (8, 80, 30), (4, 9, 30), (4, 101, 30), (4, 80, 101)]
)
def test_parameters_outside_their_range_are_refused(size: int, empty: int, hidden: int):
    with pytest.raises(UserError, match=r"size=|empty=|hidden="):
        Params(size=size, empty=empty, hidden=hidden)
