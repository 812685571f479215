"""Test Slitherlink: unique by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.slitherlink import TASK, Params
from vizbench.types import Grid


def is_loop(lines: set[Cell], shape: tuple[int, int]) -> bool:
    """Return whether lines are one loop that visits no corner twice."""
    reached: list[Cell] = sorted(lines)[:1]
    for line in reached:
        for corner in beside(line, *shape):
            if corner[0] % 2 == corner[1] % 2 == 0:
                joined = lines & set(beside(corner, *shape))
                if len(joined) != 2:
                    return False
                reached += sorted(joined - set(reached))
    return bool(lines) and set(reached) == lines


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if ((question != answer) & ((question > 1) | (answer > 1))).any():
        return False
    shape = (answer.shape[0], answer.shape[1])
    lines = {(int(r), int(c)) for r, c in np.argwhere(answer == 1)}
    numbers = [(cell, int(code) - 4) for cell, code in np.ndenumerate(question) if code >= 4]
    counts = [len(lines & set(beside(cell, *shape))) for cell, _ in numbers]
    return counts == [number for _, number in numbers] and is_loop(lines, shape)


@functools.cache
def clauses_at(shape: tuple[int, int], cell: Cell, code: int) -> Clauses:
    """Return what must hold at a corner or a cell, which is no line itself."""
    around = [1 + r * shape[1] + c for r, c in beside(cell, *shape)]
    clauses = [[-1 - cell[0] * shape[1] - cell[1]]]
    if code >= 4:
        clauses += between(around, code - 4, code - 4)
    if code == 2:
        clauses += between(around, 0, 2)
        for line in around:
            others = [other for other in around if other != line]
            clauses.append([-line, *others])
    return clauses


def loops_of(question: Grid, limit: int = 5000) -> list[set[Cell]]:
    """Return all solutions by a SAT solver that may draw several loops, which are left out afterwards."""
    height, width = question.shape
    clauses: Clauses = []
    for cell, code in np.ndenumerate(question):
        if code >= 2:
            clauses += clauses_at((height, width), cell, int(code))
    drawings = [{divmod(at - 1, width) for at in model} for model in models(clauses, limit)]
    assert len(drawings) < limit
    return [lines for lines in drawings if is_loop(lines, (height, width))]


@pytest.mark.parametrize(("params", "count"), [(Params(size=3, hidden=20), 2000), (Params(), 40)])
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert loops_of(question) == [{(int(r), int(c)) for r, c in np.argwhere(target == 1)}]


@pytest.mark.parametrize("size", [3, 5])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 150), is_right, (0, 1))


def test_any_board_is_solved_as_by_the_sat_solver():
    """Some of these boards have no solution, and some have several."""
    params, rng, counts = Params(size=3), np.random.default_rng(1), [0, 0, 0]
    blank = made(TASK, params, 1).question[0]
    blank[1::2, 1::2] = 3
    for _ in range(200):
        question = blank.copy()
        for place in rng.choice(9, 5, replace=False):
            question[place // 3 * 2 + 1, place % 3 * 2 + 1] = 4 + rng.integers(4)
        solutions, actual = loops_of(question), TASK.solve(params, question)
        assert (actual is None) == (not solutions)
        assert TASK.is_unique(params, question[None])[0] == (len(solutions) == 1)
        assert actual is None or is_right(question, actual)
        counts[min(len(solutions), 2)] += 1
    assert min(counts) > 5


def drawn(*rows: str) -> Grid:
    """Return a board: + corner, - and | lines, a digit or a dot for a cell, blanks for gaps."""
    codes = {"+": 2, "-": 1, "|": 1, " ": 0, ".": 3, "0": 4, "1": 5, "2": 6, "3": 7}
    return np.array([[codes[sign] for sign in row] for row in rows], np.uint8)


RIGHT = drawn("+-+-+-+", "|3 . 3|", "+-+ +-+", " 3|.|3 ", "+-+ +-+", "|3 . 3|", "+-+-+-+")


def test_near_misses_name_the_broken_rule():
    params = Params(size=3)
    question = np.where(RIGHT == 1, 0, RIGHT).astype(np.uint8)
    assert TASK.check(params, question, RIGHT).valid
    assert is_right(question, RIGHT)
    two = drawn("+-+ +-+", "|3|.|3|", "+-+ +-+", " 3 . 3 ", "+-+ +-+", "|3|.|3|", "+-+ +-+")
    bare = np.where(question > 3, 3, question).astype(np.uint8)
    for asked, changed, reason in (
        (question, np.where(RIGHT == 7, 6, RIGHT), "the clue at row 1, column 1 was changed"),
        (question, question, "the number at row 1, column 1 does not count the lines around it"),
        (bare, np.where(two > 3, 3, two), "the lines are not one loop"),
        (bare, bare, "the lines are not one loop"),
    ):
        answer = changed.astype(np.uint8)
        assert not is_right(asked, answer)
        assert TASK.check(params, asked, answer).reason == reason
    branch = RIGHT.copy()
    branch[2, 3] = 1
    assert TASK.check(params, question, branch).reason == (
        "the corner at row 2, column 2 does not join no or two lines"
    )
    wrong = question.copy()
    wrong[3, 3] = 5
    answer = np.where(wrong == 5, 5, RIGHT).astype(np.uint8)
    assert TASK.check(params, wrong, answer).reason == (
        "the number at row 3, column 3 does not count the lines around it"
    )


@pytest.mark.parametrize(("size", "hidden"), [(2, 50), (9, 50), (5, -1), (5, 101), (10**30, 50)])
def test_parameters_outside_their_range_are_refused(size: int, hidden: int):
    with pytest.raises(UserError, match=r"size=|hidden="):
        Params(size=size, hidden=hidden)
