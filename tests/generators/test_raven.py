"""Test matrices: the last panel by trying every rule of the grammar, verdicts by the same, near misses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
import pytest

from tests.support.puzzles import made
from tests.support.simulations import near_misses
from vizbench.errors import UserError
from vizbench.generators.raven import TASK, VARIANTS, Params
from vizbench.types import Grid

Value = object
Rule = Callable[[list[list[Value]]], Value | None]
"""Takes two lines and the first two values of the third, and returns the last one."""

FIGURES = ("### ### ###", "### #.# ###", ".#. ### .#.", "#.# .#. #.#", "### .#. .#.", "#.# #.# ###")


def features_of(panel: Grid) -> tuple[Value, ...] | None:
    """Return shape, material, place and dots of a panel; None for a panel that is none."""
    figure = panel[:3]
    materials = set(figure[figure > 0].tolist())
    dots = frozenset(np.flatnonzero(panel[4] == 3).tolist())
    if len(materials) != 1 or min(materials) < 4 or panel[3].any() or set(panel[4].tolist()) - {0, 3}:
        return None
    for place in range(3):
        words = ["".join(".#"[int(code > 0)] for code in row) for row in figure[:, place : place + 3]]
        drawn = " ".join(words)
        if drawn in FIGURES and (figure > 0).sum() == drawn.count("#"):
            return FIGURES.index(drawn), materials.pop(), place, dots
    return None


def left_justified(values: list[Value]) -> list[int] | None:
    """Return the numbers of sets of dots without gaps, from the left; None if one has a gap."""
    sets = [value if isinstance(value, frozenset) else frozenset() for value in values]
    if any(dots != frozenset(range(len(dots))) for dots in sets):
        return None
    return [len(dots) for dots in sets]


def rules(is_dots: bool) -> Iterator[tuple[int, Callable[[list[Value], list[list[Value]]], list[Value]]]]:
    """Yield the cost of each rule, and the values that it allows after the first two of a line."""
    yield 0, lambda line, lines: [line[0]] if {*line, *lines[0], *lines[1]} == {line[0]} else []
    yield 1, lambda line, _: [line[0]] if line[0] == line[1] else []

    def any_order(line: list[Value], lines: list[list[Value]]) -> list[Value]:
        orders = permutations(lines[0]) if len(set(lines[0])) == 3 else ()
        return [order[2] for order in orders if list(order[:2]) == line]

    yield 2, any_order
    if not is_dots:
        return

    def counting(third: Callable[[int, int], int | None]) -> Callable[..., list[Value]]:
        def allowed(line: list[Value], _: object) -> list[Value]:
            numbers = left_justified(line)
            number = third(*numbers) if numbers else None
            return [frozenset(range(number))] if number is not None and 1 <= number <= 5 else []

        return allowed

    def setwise(
        third: Callable[[frozenset[int], frozenset[int]], frozenset[int]],
    ) -> Callable[..., list[Value]]:
        def allowed(line: list[Value], _: object) -> list[Value]:
            first, second = line
            assert isinstance(first, frozenset)
            assert isinstance(second, frozenset)
            return [third(first, second)] if third(first, second) else []

        return allowed

    for change in (1, 2, -1, -2):
        yield 2, counting(lambda a, b, change=change: b + change if b == a + change else None)
    yield 3, counting(lambda a, b: a + b)
    yield 3, counting(lambda a, b: a - b)
    yield 4, setwise(lambda a, b: a ^ b)
    yield 4, setwise(lambda a, b: a | b)
    yield 4, setwise(lambda a, b: a & b)


def last_values(cells: list[Value], is_dots: bool) -> list[tuple[int, Value]]:
    """Return the cost and the last value of every rule and direction that explain the first eight values."""
    explanations: list[tuple[int, Value]] = []
    for across in (True, False):
        places = (0, 1, 2, 3, 4, 5, 6, 7) if across else (0, 3, 6, 1, 4, 7, 2, 5)
        values = [cells[place] for place in places]
        lines = [values[:3], values[3:6], values[6:]]
        for cost, allowed in rules(is_dots):
            if cost == 0 and not across:
                continue  # it has no direction
            if all(line[2] in allowed(line[:2], lines) for line in lines[:2]):
                explanations += [(cost, value) for value in allowed(lines[2], lines)]
    return explanations


def judged(sheet: Grid) -> tuple[list[set[Value]], int, int] | None:
    """Return the possible last values of each feature, the sets of rules, and the least costs together."""
    panels = [features_of(sheet[r : r + 5, c : c + 5]) for r in (0, 6, 12) for c in (0, 6, 12)][:8]
    if any(panel is None for panel in panels):
        return None
    known = [panel for panel in panels if panel is not None]
    possible: list[set[Value]] = []
    rule_sets, costs = 1, 0
    for feature in range(4):
        explanations = last_values([panel[feature] for panel in known], feature == 3)
        possible.append({value for _, value in explanations})
        rule_sets *= len(explanations)
        costs += min((cost for cost, _ in explanations), default=0)
    return possible, rule_sets, costs


@pytest.mark.parametrize("cost", [1, 5, 8, 10])
def test_every_set_of_rules_that_explains_the_panels_gives_the_answer(cost: int) -> None:
    batch = made(TASK, Params(cost), 500)
    figures = TASK.difficulty_batch(Params(cost), batch.question, batch.target)
    for row, (question, target) in enumerate(zip(batch.question, batch.target, strict=True)):
        verdict = judged(question)
        assert verdict is not None
        possible, rule_sets, costs = verdict
        assert rule_sets == figures["rule_sets"][row]
        assert costs == figures["effort"][row] == cost
        last = features_of(target[12:, 12:])
        assert last is not None
        assert possible == [{value} for value in last]
        assert (question[12:, 12:] == 2).all()
        question[12:, 12:] = target[12:, 12:]
        assert np.array_equal(question, target)


@pytest.mark.parametrize("params", VARIANTS.values())
def test_questions_of_other_panels_have_an_answer_only_if_all_rules_agree(params: Params) -> None:
    """Panels are swapped or spoiled, so that no rule explains them, or rules differ."""
    batch, rng = made(TASK, params, 200), np.random.default_rng(1)
    solved = 0
    for number, question in enumerate(batch.question):
        a, b = 6 * rng.permutation(3)[:2]
        question[a : a + 5, 0:5], question[b : b + 5, 0:5] = (
            question[b : b + 5, 0:5].copy(),
            question[a : a + 5, 0:5].copy(),
        )
        if number % 4 == 0:
            question[rng.integers(11), rng.integers(11)] = rng.integers(9)
        verdict = judged(question) if (question[5] == 1).all() and (question[:, 5] == 1).all() else None
        is_forced = verdict is not None and all(len(values) == 1 for values in verdict[0])
        answer = TASK.solve(params, question)
        assert (answer is not None) == is_forced
        if answer is not None and verdict is not None:
            assert [{value} for value in features_of(answer[12:, 12:]) or ()] == verdict[0]
            solved += 1
    assert 10 < solved < 190


def test_near_misses_are_refused() -> None:
    params = Params()
    batch, rng = made(TASK, params, 300), np.random.default_rng(2)
    answers = near_misses(batch.target, TASK.codes, rng)
    expected = (answers == batch.target).all(axis=(1, 2))
    assert 50 < expected.sum() < 250
    assert np.array_equal(TASK.check_batch(params, batch.question, answers), expected)
    for question, target, answer in zip(batch.question, batch.target, answers, strict=True):
        assert TASK.check(params, question, answer).valid == np.array_equal(answer, target)
    question, target = batch.question[0], batch.target[0]
    assert TASK.check(params, target, target).reason == "no answer to this question is right"
    first = question.copy()
    first[16, 16] = 3 - target[16, 16]
    assert TASK.check_step(params, question, question, first).reason == (
        "the code at row 16, column 16 does not follow from the question"
    )
    first[16, 16] = target[16, 16]
    assert TASK.check_step(params, question, question, first).valid


def test_parts_are_those_of_the_slow_twin() -> None:
    batch, rng = made(TASK, Params(), 200), np.random.default_rng(3)
    answers = near_misses(
        np.where(rng.random(batch.target.shape) < 0.3, batch.question, batch.target), 9, rng
    )
    parts = TASK.parts_batch(Params(), batch.question, batch.target, answers)
    for row, (question, target, answer) in enumerate(zip(batch.question, batch.target, answers, strict=True)):
        expected: list[float] = []
        for rows, codes in ((slice(12, 16), range(4, 9)), (slice(16, 17), (3,))):
            pairs = list(zip(target[rows, 12:].flat, answer[rows, 12:].flat, strict=True))
            due = [code == new for new, code in pairs if new in codes]
            others = [code in codes for new, code in pairs if new not in codes]
            expected.append(max(sum(due) / len(due) - sum(others) / max(len(others), 1), 0))
        clues = question != 2
        expected.append(max(1 - 4 * (question != answer)[clues].mean(), 0))
        assert [parts[name][row] for name in TASK.parts] == pytest.approx(expected)


def test_rules_that_differ_leave_no_answer() -> None:
    """All eight panels show the same dots, so far. Without dots above, no rule tells OR from AND."""
    question = made(TASK, Params(cost=1), 1).question[0]
    for top in (0, 6, 12):
        for left in (0, 6, 12):
            if (top, left) != (12, 12):
                question[top : top + 5, left : left + 5] = question[:5, :5]
                question[top + 4, left : left + 5] = [3, 3, 3, 3, 3]
    assert TASK.solve(Params(), question) is not None
    question[16, 0:5], question[16, 6:11] = [3, 0, 0, 0, 0], [3, 3, 0, 0, 0]
    assert TASK.solve(Params(), question) is None


def test_parameters_outside_their_range_are_refused() -> None:
    for cost in (0, 11):
        with pytest.raises(UserError, match=f"cost={cost}"):
            Params(cost)
