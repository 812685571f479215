"""Test Shikaku: unique by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.shikaku import TASK, Params
from vizbench.types import Grid

Room = frozenset[Cell]


def rooms_of(grid: Grid) -> set[Room]:
    """Return the sets of cells that no line separates, by row and column of the square."""
    side = grid.shape[0] // 2 + 1
    rooms: set[Room] = set()
    for start in np.ndindex(side, side):
        reached = [start]
        for r, c in reached:
            for y, x in beside((r, c), side, side):
                if grid[r + y, c + x] != 1 and (y, x) not in reached:
                    reached.append((y, x))
        rooms.add(frozenset(reached))
    return rooms


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if ((question != answer) & ((question > 1) | (answer > 1))).any():
        return False
    for room in rooms_of(answer):
        rows, columns = {r for r, _ in room}, {c for _, c in room}
        numbers = [int(question[2 * r, 2 * c]) - 2 for r, c in room if question[2 * r, 2 * c] > 3]
        if len(rows) * len(columns) != len(room) or numbers != [len(room)]:
            return False
        for (r, c), (y, x) in combinations(sorted(room), 2):
            has_line = near((r, c), (y, x)) and answer[r + y, c + x] == 1
            if has_line:
                return False
    return True


def near(a: Cell, b: Cell) -> bool:
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1


def candidates(question: Grid) -> list[Room]:
    """Return the rectangles with one number each, which is their area."""
    side = question.shape[0] // 2 + 1
    numbers = {(r, c): int(question[2 * r, 2 * c]) - 2 for r, c in np.ndindex(side, side)}
    numbers = {cell: number for cell, number in numbers.items() if number > 1}
    rectangles: list[Room] = []
    for top, left in np.ndindex(side, side):
        for bottom, right in np.ndindex(side, side):
            area = (bottom - top + 1) * (right - left + 1)
            if bottom < top or right < left or area not in numbers.values():
                continue
            inside = [n for (r, c), n in numbers.items() if top <= r <= bottom and left <= c <= right]
            if inside == [area]:
                rectangles.append(
                    frozenset((r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))
                )
    return rectangles


def solutions_of(question: Grid) -> list[set[Room]]:
    """Return two exact covers at most."""
    side, rooms = question.shape[0] // 2 + 1, candidates(question)
    clauses: Clauses = []
    for cell in np.ndindex(side, side):
        clauses += between([k + 1 for k, room in enumerate(rooms) if cell in room], 1, 1)
    return [{rooms[k - 1] for k in model} for model in models(clauses)]


@pytest.mark.parametrize(("params", "count"), [(Params(size=4, largest=6), 2000), (Params(size=6), 20)])
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert solutions_of(question) == [rooms_of(target)]


@pytest.mark.parametrize("size", [3, 5])
def test_verdicts_are_those_of_the_slow_twin(size: int):
    params = Params(size=size)
    assert_verdicts_agree(TASK, params, made(TASK, params, 150), is_right, (0, 1))


def test_any_square_is_solved_as_by_the_sat_solver():
    """Some of these squares have no solution, and some have several."""
    params, rng, counts = Params(size=4), np.random.default_rng(1), [0, 0, 0]
    blank = made(TASK, params, 1).question[0]
    blank[::2, ::2] = 2
    for _ in range(300):
        numbers = rng.permutation([[4, 4, 4, 4], [2, 6, 4, 4], [2, 2, 4, 8], [6, 6, 2, 3]][rng.integers(4)])
        question = blank.copy()
        for place, number in zip(rng.choice(16, 4, replace=False), numbers, strict=True):
            question[place // 4 * 2, place % 4 * 2] = number + 2
        solutions, actual = solutions_of(question), TASK.solve(params, question)
        if sum(numbers) != 16:
            solutions = []
        assert (actual is None) == (not solutions)
        assert TASK.is_unique(params, question[None])[0] == (len(solutions) == 1)
        assert actual is None or is_right(question, actual)
        counts[len(solutions)] += 1
    assert min(counts) > 5


def test_near_misses_name_the_broken_rule():
    right = np.array([[4, 0, 2, 1, 5], [1, 3, 1, 3, 0], [2, 0, 6, 1, 2], [0, 3, 0, 3, 0], [2, 0, 2, 1, 2]])
    right = right.astype(np.uint8)
    question = np.where(right == 1, 0, right).astype(np.uint8)
    params = Params(size=3)
    assert TASK.check(params, question, right).valid
    around = "the lines do not surround a rectangle for the number at row {}, column {}"
    cases = {
        around.format(0, 0): [(1, 0, 0)],
        around.format(0, 4): [(1, 4, 1)],
        around.format(2, 2): [(3, 0, 1)],
        "the clue at row 1, column 1 was changed": [(1, 1, 1)],
        "the cell at row 2, column 1 has a code that no answer has there": [(2, 1, 2)],
    }
    for reason, changes in cases.items():
        answer = right.copy()
        for r, c, code in changes:
            answer[r, c] = code
        assert not is_right(question, answer)
        assert TASK.check(params, question, answer).reason == reason
    question[0, 4] = 2
    assert TASK.check(params, question, np.where(right == 5, 2, right).astype(np.uint8)).reason == (
        "the numbers add up to 6, which is not the number of cells"
    )


@pytest.mark.parametrize(("size", "largest"), [(2, 4), (11, 4), (5, 2), (5, 10), (10**30, 5)])
def test_parameters_outside_their_range_are_refused(size: int, largest: int):
    with pytest.raises(UserError, match=r"size=|largest="):
        Params(size=size, largest=largest)
