"""Test Lights Out: solutions against exhaustive search, parts against a slow twin, near misses."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.lights_out import TASK, Params
from vizbench.types import Batch, Instance


def toggled(board: Any, r: int, c: int) -> Any:
    """Press a cell, by the rule only."""
    after = board.copy()
    for y, x in ((r, c), (r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
        if 0 <= y < len(board) and 0 <= x < len(board):
            after[y, x] ^= 1
    return after


def pressed(question: Any, cells: Iterable[tuple[int, ...]]) -> Any:
    """Return the board after presses, with their marks."""
    board = question.copy()
    for r, c in cells:
        board = toggled(board, r, c)
        board[r, c] |= 2
    return board


def made(params: Params, count: int) -> Batch:
    return TASK.generate_batch(params, seeds.keys(11, 0, count))


def smallest_solutions(size: int) -> dict[bytes, tuple[int, int]]:
    """Return the fewest presses, and how many sets have as many, for every board: of all sets of presses."""
    sets = (np.arange(1 << size * size)[:, None] >> np.arange(size * size) & 1).astype(np.uint8)
    blank = np.zeros((size, size), np.uint8)
    effects = [toggled(blank, *divmod(cell, size)).ravel() for cell in range(size * size)]
    lights = sets @ np.array(effects) % 2
    fewest: dict[bytes, tuple[int, int]] = {}
    for board, count in sorted(zip(map(bytes, lights), sets.sum(axis=1).tolist(), strict=True)):
        least, times = fewest.get(board, (count, 0))
        fewest[board] = (least, times + (count == least))
    return fewest


@pytest.mark.parametrize("size", [3, 4])
def test_the_fewest_presses_are_those_of_exhaustive_search(size: int) -> None:
    fewest = smallest_solutions(size)
    assert len(fewest) == {3: 512, 4: 4096}[size]
    boards = np.array([list(board) for board in fewest], np.uint8).reshape(-1, size, size)
    figures = TASK.difficulty_batch(Params(size, 4), boards, boards)
    measured = list(zip(figures["presses"].tolist(), figures["right"].tolist(), strict=True))
    assert measured == list(fewest.values())
    batch = made(Params(size, 4), 2000)
    assert all(fewest[question.tobytes()][0] == 4 for question in batch.question)
    assert ((batch.target == 2).sum(axis=(1, 2)) == 4).all()


@pytest.mark.parametrize("params", [Params(), Params(4, 6), Params(7, 10)])
def test_processes_press_cell_after_cell(params: Params) -> None:
    batch = made(params, 20)
    for question, target in zip(batch.question, batch.target, strict=True):
        cells = [(int(r), int(c)) for r, c in np.argwhere(target == 2)]
        states = [pressed(question, cells[:count]) for count in range(1, len(cells) + 1)]
        assert np.array_equal(TASK.steps(params, question, target), states)
        assert set(target.flat) == {0, 2}


def smallest_sets(question: Any, presses: int) -> list[set[tuple[int, ...]]]:
    """Return the sets of so many presses that turn all lights off, by trying all."""
    places = list(itertools.product(range(len(question)), repeat=2))
    sets = itertools.combinations(places, presses)
    return [set(cells) for cells in sets if not (pressed(question, cells) & 1).any()]


@given(st.integers(0, 30), st.lists(st.tuples(st.integers(0, 15), st.integers(0, 3)), max_size=6))
def test_parts_are_those_of_a_slow_twin(row: int, changes: list[tuple[int, int]]) -> None:
    params = Params(4, 2)
    batch = made(params, 31)
    question, target, answer = batch.question[row], batch.target[row], batch.target[row].copy()
    for place, code in changes:
        answer.flat[place] = code
    marks = {(int(r), int(c)) for r, c in np.argwhere(answer >= 2)}
    shared = [len(marks & cells) - len(marks - cells) for cells in smallest_sets(question, 2)]
    wrong = (pressed(question, marks) != answer).mean()
    parts = TASK.parts_batch(params, question[None], target[None], answer[None])
    assert parts["presses"][0] == pytest.approx(max([0, *shared]) / 2)
    assert parts["lights"][0] == pytest.approx(max(0.0, 1 - 2 * wrong))
    valid = len(marks) == 2 and wrong == 0 and set(answer.flat) <= {0, 2}
    assert TASK.check_batch(params, question[None], answer[None])[0] == valid


def test_near_misses_are_refused() -> None:
    params = Params(4, 2)
    question = pressed(np.zeros((4, 4), np.uint8), [(0, 0), (2, 2)]) & 1
    right = pressed(question, [(2, 2), (0, 0)])
    assert TASK.check(params, question, right).valid
    quiet = {(0, 0), (0, 2), (0, 3), (1, 0), (2, 1), (2, 2), (2, 3), (3, 2)}
    assert not pressed(np.zeros((4, 4), np.uint8), quiet).max() & 1
    for answer, reason in (
        (pressed(question, [(0, 0)]), "the presses leave 5 cells lit"),
        (right | question, "8 cells are shown lit"),
        (question, "the presses leave 8 cells lit"),
        (pressed(question, quiet ^ {(0, 0), (2, 2)}), "6 presses are made, but 2 do"),
    ):
        assert TASK.check(params, question, answer).reason == reason
    reason = "the question is not a board without presses, so no answer is right"
    assert TASK.check(params, right, right).reason == reason


def test_steps_that_are_no_press_are_refused() -> None:
    params = Params(4, 2)
    question = pressed(np.zeros((4, 4), np.uint8), [(0, 0), (2, 2)]) & 1
    target = TASK.solve(params, question)
    assert target is not None
    asked = Instance("lights-out/5x5", params, 0, "test", 0, question, target, target[None])
    first = pressed(question, [(3, 3)])
    for states, reason in (
        ([pressed(question, [(0, 0), (2, 2)])], "step 1: a step presses one cell, not 2"),
        ([first, question], "step 2: the press of a cell was taken back"),
        ([first ^ 1], "step 1: 16 lights are not what the press makes"),
    ):
        assert TASK.verify_steps(asked, states).reason == reason


@pytest.mark.parametrize("values", [(2, 1), (9, 1), (5, 0), (5, 13), (4, 7), (6, 19)])
def test_parameters_out_of_range(values: tuple[int, int]) -> None:
    with pytest.raises(UserError):
        Params(*values)
