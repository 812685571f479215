"""Sudoku: one solution each, proven by an unrelated solver; even draws; verdicts against a slow twin."""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Minisat22

from tests import naive
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.sudoku import TASK, Params
from vizbench.types import Batch, Grid

SOLVED = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]], np.uint8)


def made(givens: int, count: int, seed: int = 5) -> Batch:
    return TASK.generate_batch(Params(givens=givens), seeds.keys(seed, 0, count))


def sat_solutions(question: Grid, limit: int) -> set[bytes]:
    """Solutions of a 4x4 question by a SAT solver. Variable 16 r + 4 c + d: the cell at r, c holds digit d."""
    places = [[(r, c) for c in range(4)] for r in range(4)] + [[(r, c) for r in range(4)] for c in range(4)]
    places += [[(r + i, c + j) for i in (0, 1) for j in (0, 1)] for r in (0, 2) for c in (0, 2)]
    clauses = [[16 * r + 4 * c + d for d in range(1, 5)] for r in range(4) for c in range(4)]
    for unit in places:
        for d in range(1, 5):
            clauses += [[-(16 * a + 4 * b + d), -(16 * y + 4 * x + d)] for (a, b), (y, x) in combinations(unit, 2)]
    for r, c in np.argwhere(question):
        clauses.append([int(16 * r + 4 * c + question[r, c])])
    with Minisat22(bootstrap_with=clauses) as solver:
        models = list(islice(solver.enum_models(), limit))
    return {bytes((v - 1) % 4 + 1 for v in model if v > 0) for model in models}


@pytest.mark.parametrize("givens", [4, 5, 8, 12, 15])
def test_questions_show_so_many_digits_and_have_one_solution(givens: int) -> None:
    batch = made(givens, 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert (question != 0).sum() == givens
        assert ((question == 0) | (question == target)).all()
        assert sat_solutions(question, 2) == {target.tobytes()}
        assert TASK.check(Params(givens=givens), question, target).valid
        solved = TASK.solve(Params(givens=givens), question)
        assert solved is not None
        assert np.array_equal(solved, target)


@pytest.mark.parametrize("givens", [8, 4])
def test_all_288_solutions_are_equally_likely(givens: int) -> None:
    expected = 15
    grids, counts = np.unique(made(givens, 288 * expected).target, axis=0, return_counts=True)
    assert {grid.tobytes() for grid in grids} == sat_solutions(np.zeros((4, 4), np.uint8), 1000)
    chi_square, freedom = ((counts - expected) ** 2).sum() / expected, 287
    assert len(counts) == 288
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_every_cell_is_shown_equally_often() -> None:
    shown = (made(8, 3000).question != 0).mean(axis=0)
    assert np.abs(shown - 0.5).max() < 0.04


@given(st.integers(0, 2**63 - 1), st.lists(st.tuples(st.integers(0, 15), st.integers(0, 4)), max_size=4))
def test_verdict_equals_the_slow_twin_after_any_change(seed: int, changes: list[tuple[int, int]]) -> None:
    batch = made(8, 1, seed)
    answer = batch.target[0].copy()
    for cell, digit in changes:
        answer.flat[cell] = digit
    ruling = TASK.check(Params(), batch.question[0], answer)
    assert ruling.valid == naive.sudoku_valid(batch.question[0].tolist(), answer.tolist(), 2)
    assert (ruling.reason == "") == ruling.valid


def test_every_changed_cell_of_a_target_is_noticed() -> None:
    batch = made(8, 5)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c, shift in np.ndindex(4, 4, 4):
            answer = target.copy()
            answer[r, c] = (answer[r, c] + 1 + shift) % 5
            assert not TASK.check(Params(), question, answer).valid


@given(st.lists(st.integers(0, 4), min_size=16, max_size=16))
def test_solve_agrees_with_the_sat_solver_on_any_question(digits: list[int]) -> None:
    question = np.array(digits, np.uint8).reshape(4, 4) * (np.arange(16).reshape(4, 4) % 3 == 0)
    found = TASK.solve(Params(), question)
    solutions = sat_solutions(question, 1000)
    assert (found is None) == (not solutions)
    assert found is None or found.tobytes() in solutions


def test_any_solution_of_an_ambiguous_question_is_valid() -> None:
    question = np.zeros((4, 4), np.uint8)
    swapped = SOLVED.T.copy()
    assert not np.array_equal(swapped, SOLVED)
    assert TASK.check(Params(), question, SOLVED).valid
    assert TASK.check(Params(), question, swapped).valid


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([(0, 0, 2)], "the given digit at row 0, column 0 was changed"),
        ([(1, 1, 0)], "row 1 does not hold each digit once"),
        ([(0, 1, 3), (0, 2, 2)], "column 1 does not hold each digit once"),
    ],
)
def test_near_misses(cells: list[tuple[int, int, int]], reason: str) -> None:
    question, answer = np.zeros((4, 4), np.uint8), SOLVED.copy()
    question[0, 0] = 1
    for r, c, digit in cells:
        answer[r, c] = digit
    ruling = TASK.check(Params(), question, answer)
    assert (ruling.valid, ruling.reason) == (False, reason)


def test_a_latin_square_with_bad_boxes_is_no_answer() -> None:
    latin = np.array([[1, 2, 3, 4], [2, 3, 4, 1], [3, 4, 1, 2], [4, 1, 2, 3]], np.uint8)
    ruling = TASK.check(Params(), np.zeros((4, 4), np.uint8), latin)
    assert (ruling.valid, ruling.reason) == (False, "box 0 does not hold each digit once")


def test_steps_write_the_empty_cells_in_reading_order() -> None:
    batch = made(8, 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(Params(), question, target)
        assert np.array_equal(steps[-1], target)
        changed = [np.argwhere(a != b).tolist() for a, b in zip([question, *steps], steps, strict=False)]
        assert changed == [[cell] for cell in np.argwhere(question == 0).tolist()]


def test_difficulty_of_a_question_read_by_hand() -> None:
    question = SOLVED.copy()
    question[0, :3] = question[1:3, 0] = 0  # all but the corner have one digit left; the corner waits for them
    assert TASK.difficulty(Params(givens=11), question, SOLVED) == {
        "score": 9 / 25,
        "rounds": 2.0,
        "first": 4.0,
        "empty": 5.0,
    }


@pytest.mark.parametrize(("box", "givens"), [(3, 30), (2, 3), (2, 16), (1, 8)])
def test_parameters_outside_their_range_are_refused(box: int, givens: int) -> None:
    with pytest.raises(UserError, match=r"box=|givens="):
        Params(box=box, givens=givens)


@pytest.mark.parametrize("shape", [(1, 1), (2, 8), (16, 1), (9, 9)])
def test_a_stored_question_of_another_size_has_no_solution(shape: tuple[int, int]) -> None:
    question = np.zeros(shape, np.uint8)
    assert TASK.solve(Params(), question) is None
    assert not TASK.check(Params(), question, question).valid


def test_a_stored_question_with_a_digit_too_large_has_no_solution() -> None:
    question = np.zeros((4, 4), np.uint8)
    question[2, 2] = 5
    assert TASK.solve(Params(), question) is None
