"""Test Light Up: unique by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.light_up import TASK, Params
from vizbench.types import Grid


def seen_from(board: Grid, cell: Cell) -> Iterator[Cell]:
    """Yield the cells that a bulb in a cell lights besides its own."""
    height, width = board.shape
    for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        r, c = cell[0] + dr, cell[1] + dc
        while 0 <= r < height and 0 <= c < width and board[r, c] < 2:
            yield r, c
            r, c = r + dr, c + dc


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    bulbs = {(int(r), int(c)) for r, c in np.argwhere(answer == 1)}
    for (r, c), code in np.ndenumerate(question):
        near = len(bulbs & set(beside((r, c), *question.shape)))
        if (code >= 2 and answer[r, c] != code) or (code >= 3 and near != code - 3):
            return False
        if code < 2:
            lights = len(bulbs & set(seen_from(question, (r, c))))
            if answer[r, c] > 1 or ((r, c) in bulbs and lights) or ((r, c) not in bulbs and not lights):
                return False
    return True


def clauses_of(question: Grid) -> Clauses:
    height, width = question.shape
    clauses: Clauses = []

    def at(cell: Cell) -> int:
        return 1 + cell[0] * width + cell[1]

    for (r, c), code in np.ndenumerate(question):
        if code >= 2:
            clauses.append([-at((r, c))])
        if code >= 3:
            number = int(code) - 3
            clauses += between(map(at, beside((r, c), height, width)), number, number)
        if code < 2:
            seen = list(map(at, seen_from(question, (r, c))))
            clauses.append([at((r, c)), *seen])
            clauses += [[-at((r, c)), -other] for other in seen]
    return clauses


@pytest.mark.parametrize(("params", "count"), [(Params(size=4, hidden=100), 2000), (Params(size=7), 50)])
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        bulbs = {1 + int(cell) for cell in np.flatnonzero(target == 1)}
        assert models(clauses_of(question)) == [bulbs]


@pytest.mark.parametrize("size", [4, 6])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 400), is_right, (0, 1))


def test_near_misses_name_the_broken_rule():
    question = np.array([[0, 0, 4], [0, 2, 0], [0, 0, 0]], np.uint8)
    right = np.array([[0, 1, 4], [0, 2, 0], [1, 0, 0]], np.uint8)
    assert TASK.check(Params(size=3), question, right).reason == (
        "no bulb lights the cell at row 1, column 2"
    )  # the corner below it is lit from the left
    cases = {
        "": [(1, 2, 0), (0, 1, 1), (2, 0, 0), (1, 0, 1), (2, 2, 1)],
        "the number at row 0, column 2 does not count the bulbs beside it": [(0, 1, 0), (0, 0, 1), (2, 0, 0)],
        "two bulbs in row 2 light each other": [(2, 2, 1)],
        "the clue at row 1, column 1 was changed": [(1, 1, 3)],
        "the cell at row 2, column 2 has a code that no answer has there": [(2, 2, 5)],
    }
    for reason, changes in cases.items():
        answer = right.copy()
        for r, c, code in changes:
            answer[r, c] = code
        assert TASK.check(Params(size=3), question, answer).valid == is_right(question, answer)
        if reason.startswith(("the clue", "the cell", "two bulbs")):
            assert not TASK.check(Params(size=3), question, answer).valid
        if reason.startswith(("the clue", "the cell")):
            assert TASK.check(Params(size=3), question, answer).reason == reason


@pytest.mark.parametrize(
    ("size", "black", "hidden"), [(2, 25, 50), (15, 25, 50), (6, 14, 50), (6, 41, 50), (6, 25, 101)]
)
def test_parameters_outside_their_range_are_refused(size: int, black: int, hidden: int):
    with pytest.raises(UserError, match=r"size=|black=|hidden="):
        Params(size=size, black=black, hidden=hidden)
