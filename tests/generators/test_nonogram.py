"""Test nonograms: unique by exhaustive search, verdicts by a slow twin, near misses."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

from tests.support.puzzles import assert_verdicts_agree, made
from vizbench.errors import UserError
from vizbench.generators.nonogram import TASK, Params
from vizbench.types import Grid

Runs = tuple[int, ...]
Line = tuple[int, ...]


def runs(line: Line) -> Runs:
    return tuple(len(list(group)) for filled, group in itertools.groupby(line) if filled)


def numbers(codes: list[int]) -> Runs:
    return tuple(code - 2 for code in codes if code > 2)


def clues(question: Grid) -> tuple[list[Runs], list[Runs]]:
    """The runs of rows and columns that the margins show."""
    margin = (len(question) + 2) // 3
    rows = [numbers(row[:margin].tolist()) for row in question[margin:]]
    columns = [numbers(column[:margin].tolist()) for column in question.T[margin:]]
    return rows, columns


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    margin = (len(question) + 2) // 3
    picture = answer[margin:, margin:].tolist()
    if answer[margin:, margin:].max() > 1:
        return False
    rows, columns = clues(question)
    fits = [runs(tuple(row)) for row in picture] == rows
    return fits and [runs(column) for column in zip(*picture, strict=True)] == columns


@functools.cache
def lines(size: int, lengths: Runs) -> list[Line]:
    return [line for line in itertools.product((0, 1), repeat=size) if runs(line) == lengths]


@functools.cache
def beginnings(size: int, lengths: Runs) -> set[Line]:
    return {line[:k] for line in lines(size, lengths) for k in range(size + 1)}


def solutions(question: Grid) -> list[list[Line]]:
    """Every picture, row by row, as long as each column can go on."""
    rows, columns = clues(question)
    size = len(rows)
    pictures: list[list[Line]] = [[]]
    for lengths in rows:
        longer = [[*picture, line] for picture in pictures for line in lines(size, lengths)]
        pictures = []
        for picture in longer:
            parts = zip(zip(*picture, strict=True), columns, strict=True)
            if all(part in beginnings(size, column) for part, column in parts):
                pictures.append(picture)
    return pictures


@pytest.mark.parametrize(("size", "count"), [(4, 2000), (6, 100)])
def test_questions_have_one_solution_by_exhaustive_search(size: int, count: int):
    batch = made(TASK, Params(size=size), count)
    margin = (size + 1) // 2
    for question, target in zip(batch.question, batch.target, strict=True):
        (picture,) = solutions(question)
        assert np.array_equal(np.array(picture), target[margin:, margin:])


@pytest.mark.parametrize("size", [4, 7])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 400), is_right, (0, 1, 2))


def test_near_misses_name_the_broken_rule():
    question = np.array(
        [[2, 2, 2, 2, 2], [2, 2, 3, 4, 3], [3, 3, 0, 0, 0], [2, 3, 0, 0, 0], [2, 3, 0, 0, 0]], np.uint8
    )
    answer = question.copy()
    answer[2, 2] = answer[2, 4] = answer[3, 3] = answer[4, 3] = 1
    assert TASK.check(Params(size=3), question, answer).valid
    shifted = answer.copy()
    shifted[4, 3], shifted[4, 2] = 0, 1
    assert TASK.check(Params(size=3), question, shifted).reason == (
        "column 0 of the picture does not have the runs of its numbers"
    )
    clue = answer.copy()
    clue[0, 0] = 3
    assert TASK.check(Params(size=3), question, clue).reason == "the clue at row 0, column 0 was changed"


@pytest.mark.parametrize(("size", "filled"), [(2, 60), (14, 60), (6, 39), (6, 81)])
def test_parameters_outside_their_range_are_refused(size: int, filled: int):
    with pytest.raises(UserError, match=r"size=|filled="):
        Params(size=size, filled=filled)
