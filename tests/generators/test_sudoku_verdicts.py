"""Test Sudoku: verdicts on answers, steps and stored questions against a slow twin or a SAT solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import cells as naive
from tests.oracles import sudoku
from tests.support.sudoku_boards import BOTH, EASY, SOLVED, made, sat_solutions
from vizbench.generators.sudoku import TASK, Params
from vizbench.types import Grid, Instance

CHANGES = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 9)), max_size=4)


@BOTH
@given(seed=st.integers(0, 2**63 - 1), changes=CHANGES)
def test_verdict_equals_the_slow_twin_after_any_change(
    params: Params, seed: int, changes: list[tuple[int, int]]
) -> None:
    batch = made(params, 1, seed)
    answer = batch.target[0].copy()
    for cell, digit in changes:
        answer.flat[cell % answer.size] = digit
    result = TASK.check(params, batch.question[0], answer)
    assert result.valid == naive.sudoku_valid(batch.question[0].tolist(), answer.tolist(), params.box)
    assert (result.reason == "") == result.valid


def renamed(answer: Grid, rng: np.random.Generator) -> Grid:
    """Exchange two digits in some cells, in all, or in two rows. The result may be right."""
    size = len(answer)
    a, b = rng.choice(size, 2, replace=False) + 1
    rows = [np.arange(size), rng.choice(size, 2, replace=False), rng.choice(size, 1)][rng.integers(3)]
    here = np.zeros(answer.shape, bool)
    here[rows] = True
    return np.where(here & (answer == a), b, np.where(here & (answer == b), a, answer)).astype(np.uint8)


@pytest.mark.parametrize(("params", "count"), [(Params(), 2000), (Params(givens=4), 500), (EASY, 150)])
def test_mutated_targets_are_verified_as_by_the_slow_twin(params: Params, count: int) -> None:
    batch = made(params, count)
    rng = np.random.default_rng(4)
    right = 0
    for question, target in zip(batch.question, batch.target, strict=True):
        shown = question * (
            rng.random(question.shape) < rng.choice([0.0, 0.5, 1.0])
        )  # fewer givens: more answers
        answer = renamed(target, rng)
        if rng.random() < 0.3:
            answer.flat[rng.integers(answer.size)] = rng.integers(TASK.codes)
        result = TASK.check(params, shown, answer)
        assert result.valid == naive.sudoku_valid(shown.tolist(), answer.tolist(), params.box)
        right += result.valid
    assert 0.05 * count < right < 0.95 * count


@BOTH
@given(seed=st.integers(0, 2**63 - 1), share=st.floats(0, 1), changes=CHANGES)
def test_parts_equal_the_slow_twin(
    params: Params, seed: int, share: float, changes: list[tuple[int, int]]
) -> None:
    batch = made(params, 1, seed)
    question, target = batch.question[0], batch.target[0]
    answer = np.where(np.random.default_rng(seed).random(target.shape) < share, target, question)
    for cell, digit in changes:
        answer.flat[cell % answer.size] = digit
    actual = TASK.parts_batch(params, question[None], target[None], answer[None])
    expected = sudoku.parts(question.tolist(), target.tolist(), answer.tolist(), params.box)
    assert {name: float(part[0]) for name, part in actual.items()} == pytest.approx(expected)


# Answers to a question with the cells of the first row and of the first column empty, 7 of 16.
HOLED = SOLVED.copy()
HOLED[0] = HOLED[:, 0] = 0


@pytest.mark.parametrize(
    ("cells", "right", "kept", "unique"),
    [
        ([(0, 0, 1)], 1 / 7, 1, 1),
        ([(0, 0, 1), (0, 1, 2), (3, 0, 4)], 3 / 7, 1, 1),
        ([(0, 0, 1), (0, 1, 2), (3, 0, 3)], 1 / 7, 1, 10 / 12),  # row 3 and box 2 hold a 3 already
        ([(0, 0, 4)], 0, 1, 11 / 12),  # box 0 holds a 4 already
        ([(0, 0, 1), (0, 1, 9)], 0, 1, 1),
        ([(0, 0, 1), (1, 1, 0)], 1 / 7, 8 / 9, 1),
        ([(0, 0, 1), (1, 1, 2)], 1 / 7, 8 / 9, 11 / 12),  # row 1 holds a 2 already
    ],
)
def test_parts_of_answers_read_by_hand(
    cells: list[tuple[int, int, int]], right: float, kept: float, unique: float
) -> None:
    answer = HOLED.copy()
    for r, c, digit in cells:
        answer[r, c] = digit
    instance = Instance("sudoku/mini", Params(), 0, "test", 0, HOLED, SOLVED, SOLVED[None])
    assert TASK.verify(instance, answer).parts == pytest.approx(
        {"right": right, "kept": kept, "unique": unique}
    )


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (2, 8), (10, 10)])
def test_boards_of_another_size_have_no_part(params: Params, shape: tuple[int, int]) -> None:
    grids = np.full((3, *shape), 9, np.uint8)
    assert not TASK.check_batch(params, grids, grids).any()
    parts = TASK.parts_batch(params, grids, grids, grids)
    assert all((part == 0).all() for part in parts.values())


@BOTH
def test_every_changed_cell_of_a_target_is_noticed(params: Params) -> None:
    batch = made(params, 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c, shift in np.ndindex(*target.shape, TASK.codes - 1):
            answer = target.copy()
            answer[r, c] = (answer[r, c] + 1 + shift) % TASK.codes
            assert not TASK.check(params, question, answer).valid


@given(st.lists(st.integers(0, 4), min_size=16, max_size=16))
def test_solve_agrees_with_the_sat_solver_on_any_question(digits: list[int]) -> None:
    question = np.array(digits, np.uint8).reshape(4, 4) * (np.arange(16).reshape(4, 4) % 3 == 0)
    actual = TASK.solve(Params(), question)
    solutions = sat_solutions(question, 1000)
    assert (actual is None) == (not solutions)
    assert actual is None or actual.tobytes() in solutions


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
    result = TASK.check(Params(), question, answer)
    assert (result.valid, result.reason) == (False, reason)


def test_a_latin_square_with_bad_boxes_is_no_answer() -> None:
    latin = np.array([[1, 2, 3, 4], [2, 3, 4, 1], [3, 4, 1, 2], [4, 1, 2, 3]], np.uint8)
    result = TASK.check(Params(), np.zeros((4, 4), np.uint8), latin)
    assert (result.valid, result.reason) == (False, "box 0 does not hold each digit once")


@BOTH
def test_steps_write_the_empty_cells_in_reading_order(params: Params) -> None:
    batch = made(params, 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(params, question, target)
        assert np.array_equal(steps[-1], target)
        changed = [np.argwhere(a != b).tolist() for a, b in zip([question, *steps], steps, strict=False)]
        assert changed == [[cell] for cell in np.argwhere(question == 0).tolist()]
        instance = Instance("sudoku/easy", params, 0, "test", 0, question, target, steps)
        assert TASK.verify_steps(instance, steps).exact
        order = np.random.default_rng(1).permutation(np.flatnonzero(question == 0))
        states = np.repeat(question[None], len(order), axis=0)
        for k, cell in enumerate(order):
            states[k:].reshape(len(order) - k, -1)[:, cell] = target.flat[cell]
        assert TASK.verify_steps(instance, states).exact
        assert not TASK.verify_steps(instance, np.delete(states, 1, axis=0)).valid
        assert not TASK.verify_steps(instance, states[:-1]).valid


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([], "0 cells changed, but a step writes one"),
        ([(1, 1, 4), (2, 2, 4)], "2 cells changed, but a step writes one"),
        ([(0, 0, 0)], "the digit at row 0, column 0 was changed"),
        ([(0, 0, 2)], "the digit at row 0, column 0 was changed"),
        ([(1, 1, 5)], "the digit at row 1, column 1 is over 4"),
        ([(0, 3, 1)], "row 0 holds a 1 already"),
        ([(3, 0, 1)], "column 0 holds a 1 already"),
        ([(1, 1, 1)], "box 0 holds a 1 already"),
        ([(3, 2, 3)], "box 3 holds a 3 already"),
    ],
)
def test_steps_that_break_a_rule_are_named(cells: list[tuple[int, int, int]], reason: str) -> None:
    before = np.zeros((4, 4), np.uint8)
    before[0, 0], before[2, 3] = 1, 3
    after = before.copy()
    for r, c, digit in cells:
        after[r, c] = digit
    result = TASK.check_step(Params(), before, before, after)
    assert (result.valid, result.reason) == (False, reason)


@BOTH
@given(seed=st.integers(0, 2**63 - 1), changes=CHANGES)
def test_steps_are_verified_as_by_the_slow_twin(
    params: Params, seed: int, changes: list[tuple[int, int]]
) -> None:
    before = made(params, 1, seed).question[0]
    after = before.copy()
    for cell, digit in changes[:2]:
        after.flat[cell % after.size] = digit
    result = TASK.check_step(params, before, before, after)
    assert result.valid == sudoku.step_legal(before.tolist(), after.tolist(), params.box)
    assert (result.reason == "") == result.valid


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (2, 8), (16, 1), (27, 3), (5, 5), (9, 10)])
def test_a_stored_question_of_another_size_has_no_solution(params: Params, shape: tuple[int, int]) -> None:
    question = np.zeros(shape, np.uint8)
    assert TASK.solve(params, question) is None
    assert not TASK.check(params, question, question).valid
    assert not TASK.check_step(params, question, question, question + np.uint8(1)).valid


def test_a_stored_question_with_a_digit_too_large_has_no_solution() -> None:
    question = np.zeros((4, 4), np.uint8)
    question[2, 2] = 5
    assert TASK.solve(Params(), question) is None


def test_a_9x9_question_whose_only_fault_shows_late_has_no_solution() -> None:
    question = made(EASY, 1).question[0]
    r, c = np.argwhere(question == 0)[0]
    right = TASK.solve(EASY, question)
    assert right is not None
    for digit in range(1, 10):
        other = question.copy()
        other[r, c] = digit
        assert (TASK.solve(EASY, other) is None) == (digit != right[r, c])
