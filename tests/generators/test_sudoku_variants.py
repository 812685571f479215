"""Test variants of Sudoku: unique by a SAT solver, verdicts by a slow twin, near misses, regions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import combinations, product

import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, latin_squares, made, models
from vizbench.errors import UserError
from vizbench.generators.sudoku_variants import BOXES, RULES, TASK, Params
from vizbench.types import Grid

ZERO, GAP = 10, 11
Cells = tuple[Cell, ...]
SMALL = [Params(rule=rule, size=4, empty=80) for rule in RULES]


def enclosed(question: Grid) -> list[Cells]:
    """Return the cells of each part that borders enclose, in reading order."""
    size = len(question) // 2
    parts: list[Cells] = []
    for start in product(range(size), range(size)):
        if any(start in part for part in parts):
            continue
        reached, waiting = {start}, [start]
        while waiting:
            r, c = waiting.pop()
            for y, x in beside((r, c), size, size):
                if question[r + y + 1, c + x + 1] == GAP and (y, x) not in reached:
                    reached.add((y, x))
                    waiting.append((y, x))
        parts.append(tuple(sorted(reached)))
    return parts


def number_of(question: Grid, cage: Cells) -> int:
    """Return the number of a cage."""
    r, c = cage[0]
    tens, ones = int(question[2 * r, 2 * c]), int(question[2 * r, 2 * c + 1])
    if tens > 9:  # a border or a gap
        tens = 0
    if ones == ZERO:
        ones = 0
    return 10 * tens + ones


def units_of(question: Grid, rule: str) -> Iterator[Cells]:
    """The parts of the board that hold each digit once."""
    size = len(question) // 2
    numbers = range(size)
    cells = list(product(numbers, numbers))
    yield from (tuple((k, j) for j in numbers) for k in numbers)
    yield from (tuple((j, k) for j in numbers) for k in numbers)
    if rule != "killer":
        yield from enclosed(question)
        assert all(len(part) == size for part in enclosed(question))
    if rule == "diagonal":
        yield tuple((k, k) for k in numbers)
        yield tuple((k, size - 1 - k) for k in numbers)
    if rule == "killer":
        tall, wide = BOXES[size]
        for top, left in product(range(0, size, tall), range(0, size, wide)):
            yield tuple((r, c) for r, c in cells if 0 <= r - top < tall and 0 <= c - left < wide)


def digits(answer: Grid, cells: Iterable[Cell]) -> list[int]:
    return [int(answer[2 * r + 1, 2 * c + 1]) for r, c in cells]


def judge(params: Params):
    def is_right(question: Grid, answer: Grid) -> bool:
        """The rules in plain Python."""
        is_open = np.zeros(question.shape, np.bool_)
        is_open[1::2, 1::2] = question[1::2, 1::2] == 0
        if (answer != question)[~is_open].any():
            return False
        full = list(range(1, params.size + 1))
        if any(sorted(digits(answer, unit)) != full for unit in units_of(question, params.rule)):
            return False
        cages = enclosed(question) if params.rule == "killer" else []
        sums = all(sum(digits(answer, cage)) == number_of(question, cage) for cage in cages)
        return sums and all(len(set(digits(answer, cage))) == len(cage) for cage in cages)

    return is_right


@functools.cache
def wrong_digits(size: int, cells: int, total: int) -> list[tuple[int, ...]]:
    """The digits of a cage that repeat one or do not add up to its number."""
    tuples = product(range(1, size + 1), repeat=cells)
    return [each for each in tuples if len(set(each)) < cells or sum(each) != total]


def clauses_of(question: Grid, rule: str) -> Clauses:
    size = len(question) // 2

    def holds(cell: Cell, digit: int) -> int:
        return (cell[0] * size + cell[1]) * size + digit

    every = range(1, size + 1)
    clauses: Clauses = []
    for cell in product(range(size), range(size)):
        given = int(question[2 * cell[0] + 1, 2 * cell[1] + 1])
        clauses.append([holds(cell, given)] if given else [holds(cell, digit) for digit in every])
        clauses += [[-holds(cell, a), -holds(cell, b)] for a, b in combinations(every, 2)]
    for unit in units_of(question, rule):
        for a, b in combinations(unit, 2):
            clauses += [[-holds(a, digit), -holds(b, digit)] for digit in every]
    for cage in enclosed(question) if rule == "killer" else []:
        for wrong in wrong_digits(size, len(cage), number_of(question, cage)):
            clauses.append([-holds(cell, digit) for cell, digit in zip(cage, wrong, strict=True)])
    return clauses


@pytest.mark.parametrize(
    ("params", "count"),
    [*((params, 700) for params in SMALL), *((Params(rule=rule), 20) for rule in RULES)],
    ids=[f"{rule}-{size}" for size in (4, 6) for rule in RULES],
)
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        answer = target[1::2, 1::2].ravel().tolist()
        expected = {cell * params.size + digit for cell, digit in enumerate(answer)}
        assert models(clauses_of(question, params.rule)) == [expected]


@pytest.mark.parametrize("params", [*SMALL, Params(rule="killer")], ids=[*RULES, "killer-6"])
def test_verdicts_are_those_of_the_slow_twin(params: Params):
    assert_verdicts_agree(TASK, params, made(TASK, params, 150), judge(params), range(params.size + 1))


def test_regions_are_of_many_shapes_and_seldom_boxes():
    batch = made(TASK, Params(), 200)
    parts = [tuple(enclosed(question)) for question in batch.question]
    boxes = tuple(enclosed(made(TASK, Params(rule="diagonal"), 1).question[0]))
    assert len(set(parts)) > 150
    assert sum(part == boxes for part in parts) < 20


@pytest.mark.parametrize("cage", [2, 5])
def test_cages_have_so_many_cells_at_most(cage: int):
    sizes: list[int] = []
    for question in made(TASK, Params(rule="killer", cage=cage), 50).question:
        sizes += [len(cells) for cells in enclosed(question)]
    assert max(sizes) == cage
    assert sizes.count(1) < len(sizes) / 4


BROKEN = {
    "diagonal": {"diagonal", ""},
    "jigsaw": {"region", ""},
    "killer": {"box", "cage", "sum", ""},
}
"""What a Latin square of 4x4 may break, by the rule. With right diagonals, its boxes are right."""


def broken(reason: str) -> str:
    word = reason.partition(" of the cell at row ")[0].removeprefix("the ")
    return "sum" if reason.endswith("add up to its number") else word


@pytest.mark.parametrize("params", SMALL, ids=RULES)
def test_near_misses_name_the_broken_rule(params: Params):
    """Every Latin square is right in rows and columns. What else it breaks is the reason."""
    reasons: set[str] = set()
    for question in made(TASK, params, 3).question:
        question[1::2, 1::2] = 0
        for square in latin_squares(4):
            answer = question.copy()
            answer[1::2, 1::2] = square
            reason = TASK.check(params, question, answer).reason
            assert (reason == "") == judge(params)(question, answer)
            reasons.add(broken(reason))
    assert reasons == BROKEN[params.rule]


def test_a_repeated_digit_and_a_changed_border_are_named():
    batch = made(TASK, Params(), 1)
    question, target = batch.question[0].copy(), batch.target[0]
    question[1::2, 1::2] = 0
    answer = target.copy()
    answer[1, 1] = answer[1, 3]
    reason = TASK.check(Params(), question, answer).reason
    assert reason == "the row of the cell at row 1, column 1 does not hold each digit once"
    answer = target.copy()
    answer[0, 0] = GAP
    assert TASK.check(Params(), question, answer).reason == "the clue at row 0, column 0 was changed"


@pytest.mark.parametrize(
    ("rule", "size", "empty", "cage"),
    [("", 6, 60, 3), ("killer", 5, 60, 3), ("killer", 6, 9, 3), ("killer", 6, 101, 3), ("killer", 6, 60, 6)],
)
def test_parameters_outside_their_range_are_refused(rule: str, size: int, empty: int, cage: int):
    with pytest.raises(UserError, match=r"rule=|size=|empty=|cage="):
        Params(rule, size, empty, cage)  # pyright: ignore[reportArgumentType] values from outside
