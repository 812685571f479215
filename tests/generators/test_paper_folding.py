"""Test unfolded paper against a slow twin, and its end by folding it again."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn
from vizbench.errors import UserError
from vizbench.generators.paper_folding import TASK, VARIANTS, Params


def step(board: Rows) -> Rows:
    """Return the board after the first move."""
    moves = [c for c, code in enumerate(board[0]) if code >= 3]
    paper = {place: code for place, code in cells_of(board).items() if code and place[0] > 0}
    if not moves or not paper:
        return board
    way, board[0][moves[0]] = board[0][moves[0]], 0
    rows, columns = [r for r, _ in paper], [c for _, c in paper]
    for r in range(min(rows), max(rows) + 1):
        for c in range(min(columns), max(columns) + 1):
            y = {3: 2 * min(rows) - 1 - r, 5: 2 * max(rows) + 1 - r}.get(way, r)
            x = {4: 2 * max(columns) + 1 - c, 6: 2 * min(columns) - 1 - c}.get(way, c)
            if 1 <= y < len(board) and 0 <= x < len(board[0]):
                board[y][x] = paper.get((r, c), 0)
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=4, folds=2, holes=1)):
        agree(TASK, params, step)
        agree_on_noise(TASK, params, step)


def test_folding_the_open_sheet_again_gives_the_question():
    params = VARIANTS["4"]
    batch = drawn(TASK, params, 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        sheet = target[1:]
        assert (sheet > 0).all()
        moves = [int(code) for code in question[0] if code]
        for move in reversed(moves):
            first, second = np.split(sheet, 2, axis=0 if move in (3, 5) else 1)
            mirrored = np.flip(second, 0 if move in (3, 5) else 1)
            assert np.array_equal(first, mirrored)
            sheet = second if move in (3, 6) else first
        folded = question[1:][np.ix_(*(question[1:].any(axis=axis) for axis in (1, 0)))]
        assert np.array_equal(folded, sheet)


def test_parameters_that_do_not_fit():
    for values in ({"size": 12}, {"size": 4, "folds": 3}):
        with pytest.raises(UserError, match=r"power of two|fewer folds"):
            Params(**values)
