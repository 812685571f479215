"""Test Minesweeper: what is forced by exhaustive search and by a SAT solver, verdicts, near misses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pysat.solvers import Minisat22

from tests.support.puzzles import Cell, Clauses, between, made
from vizbench.errors import UserError
from vizbench.generators.minesweeper import TASK, Params
from vizbench.types import Grid


def around(cell: Cell, size: int) -> list[Cell]:
    r, c = cell
    rows, columns = range(max(r - 1, 0), min(r + 2, size)), range(max(c - 1, 0), min(c + 2, size))
    return [other for other in itertools.product(rows, columns) if other != cell]


def numbers_of(question: Grid) -> list[tuple[int, list[Cell]]]:
    """Return the number and the covered cells around each cell that shows one."""
    shown = [(int(r), int(c)) for r, c in np.argwhere(question >= 3)]
    pairs: list[tuple[int, list[Cell]]] = []
    for cell in shown:
        covered = [other for other in around(cell, len(question)) if question[other] == 0]
        pairs.append((int(question[cell]) - 3, covered))
    return pairs


def forced_by_sat(question: Grid) -> Grid:
    """Return the answer, by asking for each cell whether it can be a mine, and whether it can be none."""
    size = len(question)
    clauses: Clauses = []
    for number, covered in numbers_of(question):
        clauses += between([1 + r * size + c for r, c in covered], number, number)
    answer = question.copy()
    with Minisat22(bootstrap_with=clauses) as solver:
        for r, c in np.argwhere(question == 0):
            variable = 1 + int(r) * size + int(c)
            can_be = [solver.solve(assumptions=[sign * variable]) for sign in (-1, 1)]
            if can_be != [True, True]:
                answer[r, c] = 1 if can_be[1] else 2
    return answer


def forced_by_exhaustion(question: Grid) -> Grid:
    """Return the answer, from all placements of mines."""
    covered = [(int(r), int(c)) for r, c in np.argwhere(question == 0)]
    near = sorted({cell for _, cells in numbers_of(question) for cell in cells})
    placements = np.array(list(itertools.product((0, 1), repeat=len(near))), np.uint8)
    for number, cells in numbers_of(question):
        sums = placements[:, [near.index(cell) for cell in cells]].sum(axis=1)
        placements = placements[sums == number]
    answer = question.copy()
    for k, cell in enumerate(near):
        if len(set(placements[:, k].tolist())) == 1:
            answer[cell] = 1 if placements[0, k] else 2
    assert set(near) <= set(covered)
    return answer


def test_targets_are_what_is_forced_by_exhaustive_search():
    batch = made(TASK, Params(size=4, shown=60, forced=1), 200)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert np.array_equal(forced_by_exhaustion(question), target)


@pytest.mark.parametrize(("params", "count"), [(Params(size=5, forced=1), 2000), (Params(size=12), 15)])
def test_targets_are_what_is_forced_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert np.array_equal(forced_by_sat(question), target)
        assert min((target == 1).sum(), (target == 2).sum()) >= params.forced


def test_only_the_target_is_right():
    params = Params()
    batch, rng = made(TASK, params, 200), np.random.default_rng(1)
    answers = batch.target.copy()
    for answer, question in zip(answers, batch.question, strict=True):
        answer.flat[rng.choice(np.flatnonzero(question == 0), 2)] = rng.integers(0, 3, 2)
    expected = (answers == batch.target).all(axis=(1, 2))
    assert TASK.check_batch(params, batch.question, answers).tolist() == expected.tolist()
    assert TASK.check_batch(params, batch.question, batch.target).all()


def test_a_position_that_is_read_by_hand():
    """The 1 in the corner forces nothing; the 3 has three covered cells; the 0 has none but safe ones."""
    question = np.zeros((4, 4), np.uint8)
    question[0, 0], question[3, 0], question[0, 3] = 4, 6, 3
    answer = question.copy()
    answer[2, 0] = answer[2, 1] = answer[3, 1] = 1
    answer[0, 2] = answer[1, 2] = answer[1, 3] = 2
    params = Params(size=4, forced=1)
    solved = TASK.solve(params, question)
    assert solved is not None
    assert np.array_equal(solved, answer)
    wrong = question.copy()
    wrong[0, 1] = 1
    reason = TASK.check_step(params, question, question, wrong).reason
    assert reason == "the numbers do not force the mark at row 0, column 1"
    wrong = answer.copy()
    wrong[0, 1] = 1
    reason = TASK.check(params, question, wrong).reason
    assert reason == "1 of 16 cells differ from what the numbers force, the first at row 0, column 1"
    question[0, 1] = 3 + 8
    reason = TASK.check(params, question, answer).reason
    assert reason == "no mines agree with the numbers, or the search for them gave up"


def test_no_more_is_asked_to_be_forced_than_boards_have():
    with pytest.raises(UserError, match="forced=4"):
        Params(size=4, shown=90, forced=4)


@pytest.mark.parametrize("name", ["size=3", "size=17", "mines=9", "shown=91", "forced=7"])
def test_parameters_outside_their_range_are_refused(name: str):
    field, value = name.split("=")
    with pytest.raises(UserError, match=name):
        Params(**{field: int(value)})
