"""Test Numberlink: unique by a SAT solver, verdicts by a slow twin, growing paths, near misses."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.numberlink import TASK, Params
from vizbench.types import Grid, Instance


def cells_of(grid: Grid, code: int) -> set[Cell]:
    return {(int(r), int(c)) for r, c in np.argwhere(grid == code)}


def is_path(cells: set[Cell], ends: set[Cell], shape: tuple[int, int]) -> bool:
    """Return whether cells are one path that never touches itself, with these ends."""
    reached: list[Cell] = sorted(ends)[:1]
    for cell in reached:
        near = cells & set(beside(cell, *shape))
        if len(near) != (1 if cell in ends else 2):
            return False
        reached += sorted(near - set(reached))
    return set(reached) == cells and len(ends) == 2


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if (answer[question > 0] != question[question > 0]).any():
        return False
    shape = (answer.shape[0], answer.shape[1])
    codes = {int(code) for code in answer.flat}
    return 0 not in codes and all(
        is_path(cells_of(answer, code), cells_of(question, code), shape) for code in codes
    )


@functools.cache
def variable(width: int, codes: int, cell: Cell, code: int) -> int:
    return 1 + (cell[0] * width + cell[1]) * codes + code - 1


@functools.cache
def clauses_of(shape: tuple[int, int], codes: int, cell: Cell, given: int) -> Clauses:
    """Return what must hold at a cell, with a given number or 0."""
    at = functools.partial(variable, shape[1], codes)
    choices = [given] if given else range(1, codes + 1)
    clauses = between([at(cell, code) for code in range(1, codes + 1)], 1, 1)
    clauses.append([at(cell, code) for code in choices])
    for code in choices:
        near = [at(other, code) for other in beside(cell, *shape)]
        count = 1 if given else 2
        clauses += [[-at(cell, code), *clause] for clause in between(near, count, count)]
    return clauses


def solutions_of(question: Grid, limit: int = 1000) -> list[Grid]:
    """Return all solutions by a SAT solver that knows nothing of rings, which are left out afterwards."""
    codes, shape = int(question.max()), (question.shape[0], question.shape[1])
    clauses: Clauses = []
    for cell, given in np.ndenumerate(question):
        clauses += clauses_of(shape, codes, cell, int(given))
    answers: list[Grid] = []
    for model in models(clauses, limit):
        answer = ((np.array(sorted(model)) - 1) % codes + 1).astype(np.uint8).reshape(shape)
        if is_right(question, answer):
            answers.append(answer)
    return answers


@pytest.mark.parametrize(("params", "count"), [(Params(size=4, paths=3), 2000), (Params(), 40)])
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        (solution,) = solutions_of(question)
        assert np.array_equal(solution, target)


@pytest.mark.parametrize("params", [Params(size=4, paths=3), Params()])
def test_verdicts_are_those_of_the_slow_twin(params: Params):
    assert_verdicts_agree(TASK, params, made(TASK, params, 300), is_right, range(params.paths + 1))


def test_any_board_is_solved_as_by_the_sat_solver():
    """Most of these boards have no solution: an end of a path was moved."""
    params, rng, solved = Params(size=4, paths=3), np.random.default_rng(1), 0
    for question in made(TASK, params, 200).question:
        old, new = rng.choice(np.flatnonzero(question)), rng.choice(np.flatnonzero(question == 0))
        if rng.random() < 0.8:
            question.flat[new], question.flat[old] = question.flat[old], 0
        solutions, actual = solutions_of(question), TASK.solve(params, question)
        assert (actual is None) == (not solutions)
        assert TASK.is_unique(params, question[None])[0] == (len(solutions) == 1)
        if actual is not None:
            assert is_right(question, actual)
            solved += 1
    assert 5 < solved < 195


def test_near_misses_name_the_broken_rule():
    question = np.array([[1, 0, 0, 2], [0, 0, 0, 0], [1, 0, 0, 2], [3, 0, 0, 3]], np.uint8)
    right = np.array([[1, 1, 2, 2], [0, 1, 2, 0], [1, 1, 2, 2], [3, 3, 3, 3]], np.uint8)
    right[1] = [3, 1, 2, 3]
    broken = {
        "the cell at row 1, column 0 does not have exactly two neighbors of its number": [],
        "the given number at row 0, column 0 does not have exactly one neighbor of its number": [(1, 0, 1)],
        "the clue at row 3, column 3 was changed": [(3, 3, 1)],
        "the cell at row 3, column 1 has a code that no answer has there": [(3, 1, 4)],
    }
    for reason, changes in broken.items():
        answer = right.copy()
        for r, c, code in changes:
            answer[r, c] = code
        assert not is_right(question, answer)
        assert TASK.check(Params(size=4, paths=3), question, answer).reason == reason


def test_a_ring_beside_a_path_is_refused():
    question, answer = np.zeros((5, 5), np.uint8), np.full((5, 5), 2, np.uint8)
    answer[:2] = [[1, 1, 1, 1, 1], [3, 3, 3, 3, 3]]
    answer[2:] = [[2, 2, 2, 4, 1], [2, 4, 2, 4, 1], [2, 2, 2, 4, 1]]
    question[:] = np.where(answer == 2, 0, answer)
    result = TASK.check(Params(), question, answer)
    assert not result.valid
    assert not is_right(question, answer)


def test_paths_grow_cell_by_cell():
    batch = made(TASK, Params(), 5)
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(Params(), question, target)
        assert len(steps) == (question == 0).sum()
        instance = Instance("numberlink/5", Params(), 0, "test", 0, question, target, steps)
        assert TASK.verify_steps(instance, steps).exact
        skipped = np.delete(steps, 0, axis=0)
        assert not TASK.verify_steps(instance, skipped).valid


def test_a_path_grows_only_from_its_cells():
    question = np.array([[1, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 2]], np.uint8)
    params = Params(size=4, paths=2)
    for (r, c), code, fault in (
        ((1, 0), 1, ""),
        ((1, 1), 1, "the cell at row 1, column 1 does not continue a path of its number"),
        ((0, 1), 3, "the cell at row 0, column 1 has a code that no answer has there"),
    ):
        after = question.copy()
        after[r, c] = code
        assert TASK.check_step(params, question, question, after).reason == fault


@pytest.mark.parametrize(("size", "paths"), [(3, 2), (10, 9), (5, 1), (5, 7), (9, 10), (10**30, 5)])
def test_parameters_outside_their_range_are_refused(size: int, paths: int):
    with pytest.raises(UserError, match=r"size=|paths="):
        Params(size=size, paths=paths)
