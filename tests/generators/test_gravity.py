"""Test falling blocks against a slow twin, and their end against the columns sorted at once."""

from __future__ import annotations

import pytest

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.generators.gravity import TASK, VARIANTS, Params

MOVES = {"down": (1, 0), "up": (-1, 0), "left": (0, -1), "right": (0, 1)}


def fallen(board: Rows, toward: str) -> Rows:
    """Return the board after one step: a block falls unless something holds it, at last."""
    size, (dr, dc) = len(board), MOVES[toward]

    def held(r: int, c: int) -> bool:
        y, x = r + dr, c + dc
        if not (0 <= y < size and 0 <= x < size) or board[y][x] == 1:
            return True
        return board[y][x] > 1 and held(y, x)

    after = [[int(code == 1) for code in row] for row in board]
    for r in range(size):
        for c in range(size):
            if board[r][c] > 1:
                moves = not held(r, c)
                after[r + dr * moves][c + dc * moves] = board[r][c]
    return after


@pytest.mark.parametrize("toward", MOVES)
def test_states_are_those_of_the_twin(toward: str):
    params = Params(size=7, toward=toward)  # pyright: ignore[reportArgumentType] a key of MOVES
    agree(TASK, params, lambda board: fallen(board, toward))
    agree_on_noise(TASK, params, lambda board: fallen(board, toward))


def sunk(cells: list[int]) -> list[int]:
    """Return a column at rest: between walls, the empty cells come first."""
    parts, part = list[int](), list[int]()
    for code in [*cells, 1]:
        part.append(code)
        if code == 1:
            parts += [*sorted(part[:-1], key=bool), 1]
            part = []
    return parts[:-1]


def test_the_end_is_every_column_sorted():
    batch = drawn(TASK, VARIANTS["down"], 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert [sunk(column) for column in question.T.tolist()] == target.T.tolist()
