"""Test Binairo: unique by exhaustive search, verdicts by a slow twin, near misses."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.binairo import TASK, Params
from vizbench.types import Batch, Grid

SMALL = Params(size=4, empty=100)


def made(params: Params, count: int) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seeds.stream("binairo"), 0, count))


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if any(code not in (1, 2) for code in answer.flat):
        return False
    for board in (answer.tolist(), answer.T.tolist()):
        for line in board:
            if line.count(1) != line.count(2):
                return False
            if any(len(list(group)) > 2 for _, group in itertools.groupby(line)):
                return False
        if len({tuple(line) for line in board}) < len(board):
            return False
    return all(given in (0, code) for given, code in zip(question.flat, answer.flat, strict=True))


@functools.cache
def all_boards() -> list[Grid]:
    boards = (np.array(codes, np.uint8).reshape(4, 4) for codes in itertools.product((1, 2), repeat=16))
    return [board for board in boards if is_right(np.zeros((4, 4), np.uint8), board)]


def test_questions_have_one_solution_by_exhaustive_search():
    boards = np.stack(all_boards())
    assert len(boards) == 72  # as OEIS A253316 counts
    batch = made(SMALL, 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        fits = ((question == 0) | (question == boards)).all(axis=(1, 2))
        assert fits.sum() == 1
        assert np.array_equal(boards[fits][0], target)


@pytest.mark.parametrize("size", [4, 6, 8])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    batch, rng = made(Params(size=size), 20), np.random.default_rng(size)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert is_right(question, target)
        for changes in (1, 2, 4):
            answer = target.copy()
            answer.flat[rng.integers(0, answer.size, changes)] = rng.integers(0, 3, changes)
            assert TASK.check(Params(size=size), question, answer).valid == is_right(question, answer)
        blank = np.zeros_like(question)
        mirrored = np.ascontiguousarray(target[:, ::-1])
        assert TASK.check(Params(size=size), blank, mirrored).valid == is_right(blank, mirrored)


def test_near_misses_name_the_broken_rule():
    board = np.array([[1, 1, 2, 2], [2, 2, 1, 1], [1, 2, 1, 2], [2, 1, 2, 1]], np.uint8)
    blank = np.zeros_like(board)
    assert TASK.check(SMALL, blank, board).valid
    cases = {
        "row 0 does not have as many white as black disks": [(0, 0, 2)],
        "row 1 equals a row above it": [(1, k, board[0, k]) for k in range(4)],
        "the cell at row 3, column 3 has a code that no answer has there": [(3, 3, 0)],
    }
    for reason, changes in cases.items():
        answer = board.copy()
        for r, c, code in changes:
            answer[r, c] = code
        assert not TASK.check(SMALL, blank, answer).valid
        if reason.startswith("row 1"):
            answer[2], answer[3] = [2, 2, 1, 1], [2, 2, 1, 1]
            assert not TASK.check(SMALL, blank, answer).valid
        else:
            assert TASK.check(SMALL, blank, answer).reason == reason
    given = board.copy()
    given[0] = 0
    assert TASK.check(SMALL, given, np.ascontiguousarray(board[:, ::-1])).reason == (
        "the clue at row 1, column 0 was changed"
    )


@pytest.mark.parametrize(("size", "empty"), [(5, 50), (2, 50), (14, 50), (6, 9), (6, 101)])
def test_parameters_outside_their_range_are_refused(size: int, empty: int):
    with pytest.raises(UserError, match=r"size=|empty="):
        Params(size=size, empty=empty)
