"""Test sandpiles against a slow twin, and their end against topplings in another order."""

from __future__ import annotations

import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.generators.sandpile import TASK, VARIANTS, Params


def near(r: int, c: int) -> list[tuple[int, int]]:
    return [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]


def toppled(board: Rows) -> Rows:
    """Return the pile after all full cells have toppled once."""
    size = len(board)
    full = {(r, c) for r, c in np.ndindex(size, size) if board[r][c] >= 4}

    def grains(r: int, c: int) -> int:
        return board[r][c] - 4 * ((r, c) in full) + sum(cell in full for cell in near(r, c))

    return [[grains(r, c) for c in range(size)] for r in range(size)]


def test_states_are_those_of_the_twin():
    for params in (Params(), Params(size=3, high=0.5)):
        agree(TASK, params, toppled)
        agree_on_noise(TASK, params, toppled)


def relaxed(pile: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Return the pile at rest, one cell at a time, the last full cell first."""
    waiting = [cell for cell, grains in pile.items() if grains >= 4]
    while waiting:
        cell = waiting.pop()
        if pile[cell] < 4:
            continue
        pile[cell] -= 4
        waiting.append(cell)
        for other in near(*cell):
            if other in pile:
                pile[other] += 1
                waiting.append(other)
    return pile


def test_the_order_of_topplings_does_not_matter():
    batch = drawn(TASK, VARIANTS["6"], 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        pile = {(int(r), int(c)): int(question[r, c]) for r, c in np.ndindex(question.shape)}
        assert list(relaxed(pile).values()) == target.ravel().tolist()


def test_a_corner_loses_two_grains():
    question = np.array([[[4, 3], [0, 0]]], np.uint8)
    first, second = TASK.steps_batch(Params(size=2), question, question).states
    assert first.tolist() == [[0, 4], [1, 0]]
    assert second.tolist() == [[1, 0], [1, 1]]
