"""Episodes: what they promise, and the certificate checked again by brute force."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from tests.support.sampled_rules import every_concept
from vizbench.generators.arc import certify
from vizbench.generators.arc.certify import Episode, episode, shortcut, symmetric
from vizbench.generators.arc.library import concepts, rules

BRUTE = 200 // len(concepts()) + 1


def grids(found: Episode) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[np.ndarray, np.ndarray]]]:
    demos, tests = ([(p.question.grid, p.answer.grid) for p in pairs] for pairs in (found.demos, found.tests))
    return demos, tests


@every_concept
def test_episodes_have_their_sizes_and_nothing_twice(concept: str):
    drawn = [episode(concept, number) for number in range(40)]
    for found in drawn:
        assert 2 <= len(found.demos) <= 5 and 1 <= len(found.tests) <= 3
        questions = [pair.question.key for pair in (*found.demos, *found.tests)]
        assert len(set(questions)) == len(questions)
        assert found.rule.concept() == concept
        assert found.rule in found.fits
        assert {each.id() for each in found.fits} | {*found.rejected} == {family.id() for family in rules()}
        assert not {each.id() for each in found.fits} & {*found.rejected}
    assert {found.rule.id() for found in drawn} > {found.rule.id() for found in drawn[:3]}
    assert len({found.demos[0].question.key for found in drawn}) == 40


@every_concept
def test_no_setting_of_any_rule_explains_the_demonstrations_and_answers_otherwise(concept: str):
    """Every setting of every rule is run on every grid: `fit`, `keeps` and the narrowing are not asked."""
    every = list(chain.from_iterable(family.settings() for family in rules()))
    for number in range(1000, 1000 + BRUTE):
        found = episode(concept, number)
        explaining = [rule for rule in every if all(map(rule.explains, found.demos))]
        assert found.rule in explaining
        for test in found.tests:
            for rule in explaining:
                answer = rule.answer(test.question)
                assert answer is None or np.array_equal(answer, test.answer.grid), (concept, number, rule)


@every_concept
def test_no_shortcut_solves_an_episode(concept: str):
    for number in range(60):
        demos, tests = grids(episode(concept, number))
        assert shortcut(demos, tests) == ""


def test_shortcuts_are_seen():
    grid, other = np.array([[1, 2], [3, 0], [0, 0]], np.uint8), np.array([[5, 5]], np.uint8)
    demos = [(grid, other)]
    turned = [symmetric(grid, k) for k in range(8)]
    assert len({(each.shape, each.tobytes()) for each in turned}) == 8
    assert [shortcut(demos, [(grid, each)]) for each in turned] == [
        "copy",
        *(f"symmetry {k}" for k in range(1, 8)),
    ]
    assert shortcut(demos, [(grid, other)]) == "last"
    assert shortcut(demos, [(grid, np.full_like(grid, 5))]) == "majority"
    assert shortcut(demos, [(grid, grid), (grid, other)]) == ""  # each is right for one test, none for both


def test_episodes_that_leave_two_answers_are_not_emitted(monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(certify, "agree", never)
    monkeypatch.setattr(certify, "_RULES", 3)
    with pytest.raises(RuntimeError, match="one answer"):
        episode(concepts()[0], 777_777)
