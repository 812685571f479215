"""Test rolling dice against a slow twin that turns the die as a solid body."""

from __future__ import annotations

import pytest

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn
from vizbench.errors import UserError
from vizbench.generators.dice_rolling import TASK, VARIANTS, Params

MOVES = {7: (-1, 0), 8: (0, 1), 9: (1, 0), 10: (0, -1)}
"""Rows and columns of each roll."""


def rolled(faces: list[int], move: tuple[int, int]) -> list[int]:
    """Return the top, north and east faces after a roll: each face goes where its normal goes."""
    top, north, east = faces
    solid = {(0, 0, 1): top, (-1, 0, 0): north, (0, 1, 0): east}
    solid |= {(-r, -c, -z): 7 - face for (r, c, z), face in solid.items()}
    dr, dc = move
    after = dict[tuple[int, int, int], int]()
    for (r, c, z), face in solid.items():
        along = r * dr + c * dc
        side = r - along * dr, c - along * dc
        after[side[0] + z * dr, side[1] + z * dc, -along] = face
    return [after[0, 0, 1], after[-1, 0, 0], after[0, 1, 0]]


def step(board: Rows) -> Rows:
    """Return the board after the first roll."""
    rolls = [k for k, code in enumerate(board[0]) if 7 <= code <= 10]
    dice = [place for place, code in cells_of(board).items() if code == 11 and place[0] >= 2]
    faces = board[1][:3]
    if not rolls or len(dice) != 1 or not set(faces) <= set(range(1, 7)):
        return board
    (r, c), (dr, dc) = dice[0], MOVES[board[0][rolls[0]]]
    if (r + dr, c + dc) in cells_of(board) and r + dr >= 2:
        board[0][rolls[0]] = 0
        board[r][c] = 7 - faces[0]
        board[r + dr][c + dc] = 11
        board[1][:3] = rolled(faces, (dr, dc))
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=4, rolls=4)):
        agree(TASK, params, step)
        agree_on_noise(TASK, params, step, 300)


def test_all_rolls_are_made_and_the_die_stays_a_die():
    batch = drawn(TASK, VARIANTS["10"], 2000)
    assert not batch.target[:, 0].any()
    for grids in (batch.question, batch.target):
        faces = grids[:, 1, :3].astype(int)
        assert all(len({*face, *(7 - face)}) == 6 for face in faces)
        assert ((grids == 11).sum(axis=(1, 2)) == 1).all()


def test_rolls_must_fit():
    with pytest.raises(UserError, match="do not fit"):
        Params(size=4, rolls=5)
