"""Test reverse Life: predecessors by trying all boards and by SAT, verdicts and parts by a slow twin."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from pysat.solvers import Minisat22

from tests.support.puzzles import made
from tests.support.simulations import near_misses
from vizbench.errors import UserError
from vizbench.generators.reverse_life import TASK, VARIANTS, Params
from vizbench.types import Grid, Grids

SMALL = Params(4, 4)


def step(boards: Grids) -> Grids:
    """Make a step of Life on boards `(n, h, w)`."""
    padded = np.pad(boards, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    around = windows.sum(axis=(3, 4)) - boards
    return ((around == 3) | (boards == 1) & (around == 2)).astype(np.uint8)


def sheet(shown: Grid) -> Grid:
    """Return the question for a board."""
    unknown, border = np.full_like(shown, 3), np.full((len(shown), 1), 2, np.uint8)
    return np.hstack([unknown, border, shown])


def is_right(question: Grid, answer: Grid) -> bool:
    width = question.shape[1] // 2
    before = answer[:, :width]
    is_kept = np.array_equal(answer[:, width:], question[:, width:])
    return is_kept and before.max() <= 1 and np.array_equal(step(before[None])[0], question[:, width + 1 :])


def has_predecessor(shown: Grid) -> bool:
    """Ask a SAT solver: no neighbourhood may give another cell than is shown."""
    height, width = shown.shape
    clauses: list[list[int]] = []
    for r, c in itertools.product(range(height), range(width)):
        near = itertools.product(range(r - 1, r + 2), range(c - 1, c + 2))
        scope = [1 + y * width + x for y, x in near if 0 <= y < height and 0 <= x < width]
        own = scope.index(1 + r * width + c)
        for states in itertools.product((0, 1), repeat=len(scope)):
            around = sum(states) - states[own]
            after = around == 3 or (around == 2 and states[own])
            if after != shown[r, c]:
                clauses.append([(1 - 2 * state) * cell for cell, state in zip(scope, states, strict=True)])
    with Minisat22(bootstrap_with=clauses) as solver:
        return bool(solver.solve())


def test_a_predecessor_is_given_for_exactly_the_boards_that_have_one() -> None:
    """All boards of 4x4 are made forwards; the others are Gardens of Eden."""
    boards = (np.arange(1 << 16)[:, None] >> np.arange(16) & 1).astype(np.uint8).reshape(-1, 4, 4)
    reached = {board.tobytes() for board in step(boards)}
    rng = np.random.default_rng(1)
    asked = [*made(TASK, SMALL, 1000).question[:, :, 5:], *rng.integers(0, 2, (1200, 4, 4), np.uint8)]
    orphans = 0
    for shown in asked:
        question = sheet(shown)
        answer = TASK.solve(SMALL, question)
        assert (answer is not None) == (shown.tobytes() in reached)
        assert answer is None or is_right(question, answer)
        orphans += answer is None
    assert orphans > 100


def test_larger_boards_have_the_predecessors_that_sat_says() -> None:
    rng = np.random.default_rng(2)
    verdicts: set[bool] = set()
    for chance in np.linspace(0.1, 0.6, 12):
        shown = (rng.random((6, 6)) < chance).astype(np.uint8)
        answer = TASK.solve(Params(), sheet(shown))
        assert (answer is not None) == has_predecessor(shown)
        verdicts.add(answer is not None)
    assert verdicts == {True, False}


@pytest.mark.parametrize("params", [*VARIANTS.values(), Params(10, 10)])
def test_verdicts_are_those_of_the_slow_twin(params: Params) -> None:
    batch, rng = made(TASK, params, 300), np.random.default_rng(4)
    changed = near_misses(batch.target, TASK.codes, rng)
    changed[::3, :, : params.width] = rng.permuted(changed[::3, :, : params.width], axis=2)
    pairs = zip(batch.question, changed, strict=True)
    expected = [is_right(question, answer) for question, answer in pairs]
    assert 50 < sum(expected) < 200
    assert TASK.check_batch(params, batch.question, changed).tolist() == expected
    for question, target, answer, right in zip(batch.question, batch.target, changed, expected, strict=True):
        assert is_right(question, target)
        assert TASK.check(params, question, answer).valid == right


def after_if_known(before: Grid, r: int, c: int) -> int:
    """Return what a cell becomes, 3 if a cell next to it is not filled."""
    near = before[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2]
    if near.max() > 1:
        return 3
    return int(near.sum() == 3 or (before[r, c] == 1 and near.sum() == 4))


def test_parts_and_faults_are_those_of_the_slow_twin() -> None:
    batch, rng = made(TASK, SMALL, 200), np.random.default_rng(5)
    answers = np.where(rng.random(batch.target.shape) < 0.2, batch.question, batch.target)
    answers[:, :, 4:] = batch.target[:, :, 4:]
    spoiled = near_misses(answers, TASK.codes, rng)
    parts = TASK.parts_batch(SMALL, batch.question, batch.target, spoiled)
    for row, answer in enumerate(spoiled):
        shown = batch.question[row, :, 5:]
        cells = list(itertools.product(range(4), repeat=2))
        codes = np.array([after_if_known(answer[:, :4], r, c) for r, c in cells]).reshape(4, 4)
        born, extra = (codes == 1) & (shown == 1), (codes == 1) & (shown == 0)
        gained = born.sum() / (shown == 1).sum() - extra.sum() / (shown == 0).sum()
        assert parts["born"][row] == pytest.approx(max(gained, 0) ** 2)
        assert parts["precise"][row] == pytest.approx(born.sum() / max((codes == 1).sum(), 1))
        changed = (answer[:, 4:] != batch.question[row, :, 4:]).mean()
        assert parts["kept"][row] == pytest.approx(max(1 - 4 * changed, 0))
        if answer[0, 0] > 1 or not np.array_equal(answer[:, 4:], batch.question[row, :, 4:]):
            continue
        before = answer.copy()
        before[0, 0] = 3
        result = TASK.check_step(SMALL, batch.question[row], before, answer)
        assert result.valid == (not ((codes != 3) & (codes != shown)).any())


def test_near_misses_name_what_is_wrong() -> None:
    blinker = np.zeros((5, 7), np.uint8)
    blinker[2, 1:4] = 1
    params = Params(5, 7)
    question = sheet(blinker)
    right = question.copy()
    right[:, :7] = 0
    right[1:4, 2] = 1
    assert TASK.check(params, question, right).valid

    def reason(changes: dict[tuple[int, int], int]) -> str:
        answer: Any = right.copy()
        for cell, code in changes.items():
            answer[cell] = code
        return TASK.check(params, question, answer).reason

    assert reason({(0, 6): 1}) == ""  # a lonely cell dies, so this is another right answer
    assert reason({(2, 2): 0}) == "3 cells become another than the right board shows"
    assert reason({(0, 0): 3}) == "1 cell of the left board is neither dead nor live"
    assert reason({(0, 8): 1}) == "the border or the right board was changed"
    assert TASK.check(params, right, right).reason == (
        "the question is not an unknown board with its next board"
    )


def test_parameters_outside_their_range_are_refused() -> None:
    for height, width, density in ((3, 6, 0.4), (6, 11, 0.4), (6, 6, 0.2), (6, 6, 0.7)):
        with pytest.raises(UserError, match=r"height=3|width=11|density=0\.[27]"):
            Params(height, width, density)
