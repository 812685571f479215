"""Test 2048 against a slow twin, and known slides."""

from __future__ import annotations

import pytest

from tests.support.simulations import Rows, agree, agree_on_noise, drawn, grid
from vizbench.errors import UserError
from vizbench.generators.slide_2048 import TASK, VARIANTS, Params


def packed(line: list[int]) -> list[int]:
    """Return a line after a slide to its start."""
    tiles = [code for code in line if code]
    after = list[int]()
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile and tile < 9:
            tiles.pop(0)
            tile += 1
        after.append(tile)
    return after + [0] * (len(line) - len(after))


def turned(board: Rows) -> Rows:
    """Return a board turned to the left by a quarter turn."""
    return [list(column) for column in zip(*board, strict=True)][::-1]


def step(state: Rows) -> Rows:
    """Return the state after the first slide."""
    top, board = state[0], state[1:]
    slides = [c for c, code in enumerate(top) if code >= 10]
    if not slides or max(map(max, board)) >= 10:
        return state
    turns = top[slides[0]] - 10  # up, right, down, left
    top[slides[0]] = 0
    for _ in range((turns + 1) % 4):
        board = turned(board)
    board = [packed(row) for row in board]
    for _ in range(3 - turns):
        board = turned(board)
    return [top, *board]


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=2, slides=2)):
        agree(TASK, params, step, 150)
    agree_on_noise(TASK, Params(size=2, slides=2), step, 400)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("1111", "2200"),
        ("1110", "2100"),
        ("0112", "2200"),
        ("2012", "2120"),
        ("9900", "9900"),
        ("0001", "1000"),
    ],
)
def test_known_slides(line: str, after: str):
    marks = "0123456789^>v<"
    left = grid(f"<000 {line} 0000 0000 0000", marks)
    right = grid(f">000 {line[::-1]} 0000 0000 0000", marks)
    assert TASK.advance_batch(Params(), left).tolist() == grid(f"0000 {after} 0000 0000 0000", marks).tolist()
    end = grid(f"0000 {after[::-1]} 0000 0000 0000", marks)
    assert TASK.advance_batch(Params(), right).tolist() == end.tolist()


def test_the_sum_of_all_tiles_stays():
    batch = drawn(TASK, Params(), 2000)
    sums = [
        (2 ** grids[:, 1:].astype(int) * (grids[:, 1:] > 0)).sum(axis=(1, 2))
        for grids in (batch.question, batch.target)
    ]
    assert (sums[0] == sums[1]).all()


def test_slides_must_fit():
    with pytest.raises(UserError, match="do not fit"):
        Params(size=3, slides=4)
