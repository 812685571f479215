"""Test dropped pieces against a slow twin that moves them row by row."""

from __future__ import annotations

import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn, grid
from vizbench.generators.tetris_drop import TASK, VARIANTS, Params

MARKS = ".#o="


def step_of(pieces: int):
    """Return the twin's step."""
    line = 4 * pieces

    def step(board: Rows) -> Rows:
        places = cells_of(board)
        cells = [(r, c) for (r, c), code in places.items() if code == 2 and r < line]
        band = max((r // 4 for r, _ in cells), default=0)
        piece = [(r, c) for r, c in cells if r // 4 == band]
        stack = {place for place, code in places.items() if code == 1}
        floor = {(len(board), c) for c in range(len(board[0]))}
        moved = piece
        while piece and not (stack | floor).intersection((r + 1, c) for r, c in moved):
            moved = [(r + 1, c) for r, c in moved]
        if not piece or min(moved)[0] <= line:
            return board
        for r, c in piece:
            board[r][c] = 0
        for r, c in moved:
            board[r][c] = 1
        kept = [row for row in board[line + 1 :] if row != [1] * len(row)]
        lost = len(board) - line - 1 - len(kept)
        return board[: line + 1] + [[0] * len(board[0]) for _ in range(lost)] + kept

    return step


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(width=4, stack=2, pieces=1, holes=0.3)):
        agree(TASK, params, step_of(params.pieces))
        agree_on_noise(TASK, params, step_of(params.pieces))


def test_all_pieces_drop_and_cells_are_kept_or_vanish_by_rows():
    for params in VARIANTS.values():
        batch = drawn(TASK, params, 2000)
        assert not (batch.target == 2).any()
        assert ((batch.question == 2).sum(axis=(1, 2)) == 4 * params.pieces).all()
        before = ((batch.question == 1) | (batch.question == 2)).sum(axis=(1, 2))
        vanished = before - (batch.target == 1).sum(axis=(1, 2))
        assert not (vanished % params.width).any()
        assert 0.2 < (vanished > 0).mean() < 0.9
        assert not (batch.target == 1).all(axis=2).any()


def test_a_bar_fills_two_rows_at_once():
    start = grid("oo.. oo.. .... .... ==== .... .... .... ..## ..##", MARKS)
    end = grid(".... .... .... .... ==== .... .... .... .... ....", MARKS)
    assert TASK.advance_batch(Params(width=4, pieces=1), start).tolist() == end.tolist()
    assert np.array_equal(TASK.advance_batch(Params(width=4, pieces=1), end), end)
