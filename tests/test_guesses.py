"""Test what every task family promises of its guesses: legal, and drawn by their key only."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

import numpy as np
import pytest

import vizbench as vb
from tests.support.contract import (
    every_family,
    every_task,
    instances,
    made,
    verdict_of_answer,
    verdict_of_process,
)
from vizbench import seeds
from vizbench.task import registry
from vizbench.types import Grid, Instance

KEYS = [int(key) for key in seeds.keys(seeds.stream("guesses"), 0, 64)]


def guess(name: str, instance: Instance, key: int) -> Grid:
    spec, _ = made(name)
    actual = spec.task.guess(spec.params, instance.question, key)
    assert actual is not None
    return actual


@every_task
def test_a_guess_is_the_same_for_its_key_and_another_for_others(name: str):
    spec, _ = made(name)
    for instance in instances(name)[:2]:
        question = instance.question.copy()
        actual = [guess(name, instance, key) for key in KEYS[:16]]
        for key, grid in zip(KEYS[:8], actual, strict=False):
            assert grid.shape == instance.target.shape
            assert grid.dtype == np.uint8
            assert int(grid.max()) < spec.task.codes
            assert np.array_equal(guess(name, instance, key), grid)
            assert not np.shares_memory(grid, instance.question)
            verdict_of_answer(name, instance, grid)
        assert len({grid.tobytes() for grid in actual}) > 1
        assert np.array_equal(instance.question, question)


@every_family
def test_a_foreign_question_has_a_guess_or_none(name: str):
    """Instances come from files too: a question there may be anything of the right form."""
    spec, batch = made(registry.spec(name).name)
    rng = np.random.default_rng(5)
    h, w = batch.target.shape[1:]
    for shape in ((h, w), (1, 1), (2, 3), (h + 2, w + 2)):
        for question in (np.zeros(shape, np.uint8), rng.integers(0, spec.task.codes, shape).astype(np.uint8)):
            actual = spec.task.guess(spec.params, question, KEYS[0])
            solved = spec.task.solve(spec.params, question)
            expected = shape if solved is None else solved.shape  # a rule's answer may have another size
            assert actual is None or (actual.shape == expected and int(actual.max()) < spec.task.codes)


# Legal, by the task's check of single moves if there is one, else by what its first sentence says of answers


def _a_move(name: str, instance: Instance, grid: Grid) -> bool:
    spec, _ = made(name)
    return spec.task.check_step(spec.params, instance.question, instance.question, grid).valid


def _a_walk(name: str, instance: Instance, grid: Grid) -> bool:
    """Every cell, by its distance from the start, is a legal move; no other cell was changed."""
    question, (first,) = instance.question, np.argwhere(instance.question == 2).tolist()
    queue, seen = deque([tuple(first)]), [tuple(first)]
    while queue:
        r, c = queue.popleft()
        for y, x in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            if (y, x) not in seen and grid[y, x] == 4:
                queue.append((y, x))
                seen.append((y, x))
    states = [question]
    for r, c in seen[1:]:
        states.append(states[-1].copy())
        states[-1][r, c] = 4
    whole = np.array_equal(states[-1], grid)
    return whole and (len(states) == 1 or verdict_of_process(name, instance, states[1:]).parts["legal"] == 1)


def _a_state(name: str, instance: Instance, grid: Grid) -> bool:
    reason = verdict_of_answer(name, instance, grid).reason
    return reason.startswith(("the state is", "the goal is still")) or not reason


def _a_shading(name: str, instance: Instance, grid: Grid) -> bool:
    spec, _ = made(name)
    states = spec.task.steps(spec.params, instance.question, grid)
    return verdict_of_process(name, instance, states).parts["legal"] == 1


def _digits(name: str, instance: Instance, grid: Grid) -> bool:
    given = instance.question != 0
    digits = 1 <= grid.min() <= grid.max() <= len(grid)
    return digits and np.array_equal(grid[given], instance.question[given])


def _a_diagram(name: str, instance: Instance, grid: Grid) -> bool:
    return np.array_equal(grid[0], instance.question[0]) and set(np.unique(grid)) <= {0, 1}


def _one_ant(name: str, instance: Instance, grid: Grid) -> bool:
    return int((grid >= 2).sum()) == 1


def _water(name: str, instance: Instance, grid: Grid) -> bool:
    return np.array_equal(grid == 1, instance.question == 1) and set(np.unique(grid)) <= {0, 1, 2}


def _cells(name: str, instance: Instance, grid: Grid) -> bool:
    return set(np.unique(grid)) <= {0, 1}


LEGAL: dict[str, Callable[[str, Instance, Grid], bool]] = {
    "chess": _a_move,
    "connect4": _a_move,
    "eca": _a_diagram,
    "fill": _water,
    "hanoi": _a_state,
    "hitori": _a_shading,
    "langton": _one_ant,
    "life": _cells,
    "maze": _a_walk,
    "navigation": _a_walk,
    "sudoku": _digits,
}


@pytest.mark.parametrize("name", [name for name in vb.tasks() if name.partition("/")[0] in LEGAL])
def test_a_guess_is_legal(name: str):
    """A task family that is not in the table above is held to the rest of this file."""
    legal = LEGAL[name.partition("/")[0]]
    for instance in instances(name):
        for key in KEYS[:4]:
            assert legal(name, instance, guess(name, instance, key))


@pytest.mark.parametrize(
    "name", ["connect4/win-in-1", "chess/mate-in-1", "hanoi/3", "maze/9", "navigation/open"]
)
def test_legal_is_neither_right_nor_wrong(name: str):
    verdicts = [
        verdict_of_answer(name, instance, guess(name, instance, key))
        for instance in instances(name)
        for key in KEYS
    ]
    assert 0 < sum(verdict.valid for verdict in verdicts) < len(verdicts) / 2


def test_a_drop_falls_into_every_open_column_as_often():
    name = "connect4/win-in-1"
    instance = instances(name)[0]
    keys = seeds.keys(7, 0, 2800)
    columns = Counter(
        int(np.argwhere(guess(name, instance, int(k)) != instance.question)[0, 1]) for k in keys
    )
    open_columns = np.flatnonzero(instance.question[0] == 0)
    assert sorted(columns) == open_columns.tolist()
    expected = len(keys) / len(open_columns)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in columns.values())


def test_a_question_without_a_legal_answer_has_none():
    full = np.tile(np.array([[1, 2], [1, 2], [2, 1], [2, 1], [1, 2], [1, 2]], np.uint8), (1, 4))[:, :7]
    full[:, 6] = [1, 2, 1, 2, 1, 2]
    assert (full == 1).sum() == 21
    family_task = registry.spec("connect4")
    result = family_task.task.check(family_task.params, full, full)
    assert result is not None
    assert result.reason == "no disk was dropped"  # so it is a position
    assert family_task.task.solve(family_task.params, full) is None
    assert family_task.task.guess(family_task.params, full, 1) is None
    stalemate = np.zeros((8, 8), np.uint8)
    stalemate[7, 0], stalemate[5, 1], stalemate[0, 7] = (
        6,
        11,
        12,
    )  # white's king a1, black's queen b3, king h8
    family_task = registry.spec("chess")
    assert family_task.task.guess(family_task.params, stalemate, 1) is None
    boxed = np.zeros((9, 9), np.uint8)
    boxed[1, 1], boxed[7, 7] = 2, 3  # no open cell: the walk has no length
    family_task = registry.spec("maze/9")
    actual = family_task.task.guess(family_task.params, boxed, 1)
    assert actual is not None
    assert np.array_equal(actual, boxed)
