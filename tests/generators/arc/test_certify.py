"""Test what episodes promise, and check their certificate again by brute force."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest

from tests.support.sampled_rules import every_concept
from vizbench.generators.arc import certify
from vizbench.generators.arc.certify import episode, shortcut, symmetric
from vizbench.generators.arc.facts import Pair
from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.rule import Rule
from vizbench.types import Grid

BRUTE = 200 // len(concepts()) + 1
"""Episodes per concept that are checked by brute force."""


def grids(pairs: Sequence[Pair]) -> list[tuple[Grid, Grid]]:
    return [(pair.question.grid, pair.answer.grid) for pair in pairs]


def ids(fits: Sequence[Rule]) -> set[str]:
    return {rule.id() for rule in fits}


@every_concept
def test_episodes_have_their_sizes_and_nothing_twice(concept: str):
    library = {family.id() for family in rules()}
    episodes = [episode(concept, number) for number in range(40)]
    for drawn in episodes:
        assert 2 <= len(drawn.demos) <= 5 and 1 <= len(drawn.tests) <= 3
        questions = [pair.question.key for pair in (*drawn.demos, *drawn.tests)]
        assert len(set(questions)) == len(questions)
        assert drawn.rule.concept() == concept
        assert drawn.rule in drawn.fits
        assert ids(drawn.fits) | {*drawn.rejected} == library
        assert not ids(drawn.fits) & {*drawn.rejected}

    chosen = [drawn.rule for drawn in episodes]
    assert ids(chosen) > ids(chosen[:3])
    assert len({drawn.demos[0].question.key for drawn in episodes}) == 40


@every_concept
def test_no_setting_of_any_rule_explains_the_demonstrations_and_answers_otherwise(concept: str):
    """Run every setting of every rule on every grid, without `fit`, `keeps` and the narrowing."""
    every = list(chain.from_iterable(family.settings() for family in rules()))
    for number in range(1000, 1000 + BRUTE):
        drawn = episode(concept, number)
        explaining = [rule for rule in every if all(map(rule.explains, drawn.demos))]
        assert drawn.rule in explaining
        for test in drawn.tests:
            for rule in explaining:
                answer = rule.answer(test.question)
                assert answer is None or np.array_equal(answer, test.answer.grid), (concept, number, rule)


@every_concept
def test_no_shortcut_solves_an_episode(concept: str):
    for number in range(60):
        drawn = episode(concept, number)
        assert shortcut(grids(drawn.demos), grids(drawn.tests)) == ""


def test_shortcuts_are_seen():
    grid = np.array([[1, 2], [3, 0], [0, 0]], np.uint8)
    other = np.array([[5, 5]], np.uint8)
    demos = [(grid, other)]
    turned = [symmetric(grid, k) for k in range(8)]
    assert len({(each.shape, each.tobytes()) for each in turned}) == 8

    names = [shortcut(demos, [(grid, each)]) for each in turned]
    assert names == ["copy", *(f"symmetry {k}" for k in range(1, 8))]
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
