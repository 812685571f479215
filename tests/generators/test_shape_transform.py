"""Test transformed shapes against a slow twin, and against NumPy's own turns and flips."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.errors import UserError
from vizbench.generators.shape_transform import TASK, VARIANTS, Params


def turned(board: Rows) -> Rows:
    """Return a board turned to the right by a quarter turn."""
    return [list(column) for column in zip(*board[::-1], strict=True)]


def flipped(board: Rows) -> Rows:
    return [row[::-1] for row in board]


def changed(board: Rows, change: int) -> Rows:
    """Return the board after one transformation."""
    if change == 4:
        return board[1:] + board[:1]
    if change in (5, 6, 7):  # a move in another direction is a move up of the turned board
        for _ in range(8 - change):
            board = turned(board)
        board = changed(board, 4)
        for _ in range(change - 4):
            board = turned(board)
        return board
    if change in (8, 9, 10):
        for _ in range({8: 1, 9: 3, 10: 2}[change]):
            board = turned(board)
        return board
    return flipped(board) if change == 11 else board[::-1]


def step(state: Rows) -> Rows:
    """Return the state after the first transformation."""
    top = state[0]
    for k, change in enumerate(top):
        if change >= 4:
            return [[*top[:k], 0, *top[k + 1 :]], *changed(state[1:], change)]
    return state


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=3, changes=3, cells=5)):
        agree(TASK, params, step)
        agree_on_noise(TASK, params, step)


def test_the_end_is_that_of_numpy():
    batch = drawn(TASK, VARIANTS["5"], 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        board = question[1:]
        for change in question[0][question[0] > 0].tolist():
            if change < 8:
                board = np.roll(board, [(-1, 0), (0, 1), (1, 0), (0, -1)][change - 4], (0, 1))
            elif change < 11:
                board = np.rot90(board, {8: -1, 9: 1, 10: 2}[change])
            else:
                board = np.flip(board, {11: 1, 12: 0}[change])
        assert np.array_equal(target[1:], board)


def test_changes_must_fit():
    with pytest.raises(UserError, match="do not fit"):
        Params(size=3, changes=4)
