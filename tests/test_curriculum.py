"""Test that a curriculum follows a learner's skill, and holds nothing but its state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizbench.curriculum import Settings, State, update
from vizbench.errors import UserError

RESULTS = st.lists(st.lists(st.booleans(), max_size=40), max_size=30)


def answers(skill: float, level: int, rng: np.random.Generator) -> list[bool]:
    """A batch of a learner who has half of a level right if it equals the skill."""
    chance = 1 / (1 + math.exp(2 * (level - skill)))
    return (rng.random(16) < chance).tolist()


@pytest.mark.parametrize("skill", [0.0, 3.0, 6.0, 9.0])
@pytest.mark.parametrize("start", [0, 9])
def test_the_level_comes_to_where_half_of_the_answers_are_right(skill: float, start: int):
    state, rng = State(start), np.random.default_rng(0)
    visited: list[int] = []
    for _ in range(400):
        state = update(state, answers(skill, state.level, rng))
        visited.append(state.level)
    assert abs(np.mean(visited[200:]) - skill) <= 0.5


def test_the_level_follows_a_learner_who_gets_better():
    state, rng = State(), np.random.default_rng(1)
    for batch in range(1500):
        state = update(state, answers(9 * batch / 1500, state.level, rng))
    assert state.level >= 8


@given(RESULTS, st.integers(1, 20))
def test_the_same_results_give_the_same_levels(batches: list[list[bool]], window: int):
    settings = Settings(window=window, lowest=2, highest=5)
    first = second = State(3)
    for batch in batches:
        before = first.level
        first, second = (
            update(first, batch, settings),
            update(State(second.level, second.recent), batch, settings),
        )
        assert first == second
        assert abs(first.level - before) <= 1
        assert 2 <= first.level <= 5
        assert len(first.recent) <= window


def test_the_level_waits_for_a_whole_window():
    settings = Settings(window=4)
    assert update(State(3), [True] * 3, settings) == State(3, (True,) * 3)
    assert update(State(3, (True,) * 3), [True], settings) == State(4)
    assert update(State(3), [False] * 4, settings) == State(2)
    assert update(State(0), [False] * 4, settings).level == 0
    assert update(State(3), [True, False] * 2, settings).success == 0.5
    assert State().success is None


def test_a_state_outside_of_the_levels_is_brought_back():
    assert update(State(9, (True,)), [False], Settings(highest=5)) == State(5, (False,))


NAN = float("nan")
BAD_SETTINGS: Mapping[str, tuple[object, ...]] = {
    "target": (0.0, 1.0, NAN, math.inf, "0.5", None, True),
    "margin": (-0.1, 0.6, NAN, -math.inf, "0.2", None, 0.5),
    "window": (0, 100_001, 1.5, True, "64", None),
    "lowest": (-1, 0.0, True, None),
    "highest": (-1, 10, 9.0, "9"),
}
BAD_STATES: Mapping[str, tuple[object, ...]] = {
    "level": (-1, 10, 1.0, True, "1", None),
    "recent": ([True], "ab", None, (1,), (0.5,), ("x" * 10**5,), (True,) * 100_001),
}


def refused(make: Callable[[], object], text: str):
    with pytest.raises(UserError, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_values_out_of_range_are_refused_in_one_sentence():
    for name, bad in BAD_SETTINGS.items():
        for value in bad:
            changed: Any = {name: value}
            refused(lambda changed=changed: Settings(**changed), name)
    for name, bad in BAD_STATES.items():
        for value in bad:
            changed = {name: value}
            refused(lambda changed=changed: State(**changed), name)
    for target, margin in ((0.2, 0.2), (0.75, 0.25)):  # no share is under 0 or over 1
        with pytest.raises(UserError, match="smaller margin"):
            Settings(target=target, margin=margin)
    for result in (0.5, NAN, "yes", None, [True], 2):
        with pytest.raises(UserError, match="not a boolean, 0 or 1"):
            update(State(), [True, result])


def test_results_of_arrays_are_read():
    rows = (np.array([True, False]), np.array([1, 0]), np.array([1.0, 0.0]), iter([1, 0.0]))
    for results in rows:
        state = update(State(), results)
        assert state.recent == (True, False)
        assert all(type(answer) is bool for answer in state.recent)
