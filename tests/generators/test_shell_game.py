"""Test shell games against a slow twin, and their end against permutations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.errors import UserError
from vizbench.generators.shell_game import TASK, VARIANTS, Params


def step(board: Rows) -> Rows:
    """Return the board after the first swap."""
    for row in board[1:]:
        marks = [c for c, code in enumerate(row) if code == 1]
        if len(marks) == 2:
            a, b = marks
            board[0][a], board[0][b] = board[0][b], board[0][a]
            row[a] = row[b] = 0
            break
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(cups=3, things=1, swaps=2)):
        agree(TASK, params, step)
        agree_on_noise(TASK, params, step)


def test_the_end_is_a_product_of_permutations():
    params = VARIANTS["12"]
    batch = drawn(TASK, params, 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        whole = np.eye(params.cups, dtype=int)
        for row in question[1:]:
            swap = np.eye(params.cups, dtype=int)
            swap[np.flatnonzero(row)] = swap[np.flatnonzero(row)[::-1]]
            whole = swap @ whole
        assert np.array_equal(target[0], whole @ question[0])
        assert not target[1:].any()
        assert ((question[1:] == 1).sum(axis=1) == 2).all()


def test_things_must_be_fewer_than_cups():
    with pytest.raises(UserError, match="give more cups"):
        Params(cups=4, things=4)
