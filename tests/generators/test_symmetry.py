"""Test symmetric patterns against a slow twin, and their end by turning and mirroring it."""

from __future__ import annotations

import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.generators.symmetry import AXES, TASK, VARIANTS, Params


def step_of(axes: str):
    """Return the twin's step."""

    def images(board: Rows, r: int, c: int) -> list[int]:
        mirrored = {1: board[r][-1 - c], 2: board[-1 - r][c], 3: board[-1 - r][-1 - c]}
        return [
            mirrored[axis] for axis in {"column": [1], "row": [2], "half-turn": [3], "both": [1, 2, 3]}[axes]
        ]

    def step(board: Rows) -> Rows:
        for r, row in enumerate(board):
            for c, code in enumerate(row):
                known = [image for image in images(board, r, c) if image]
                if code == 0 and known:
                    row[c] = known[0]
                    return board
        return board

    return step


def test_states_are_those_of_the_twin():
    for axes in AXES:
        params = Params(size=5, axes=axes)  # pyright: ignore[reportArgumentType] a key of AXES
        agree(TASK, params, step_of(axes))
        agree_on_noise(TASK, params, step_of(axes))


def test_targets_are_symmetric_and_show_what_the_question_shows():
    for name, params in VARIANTS.items():
        batch = drawn(TASK, params, 2000)
        shown = batch.question != 0
        assert np.array_equal(batch.target[shown], batch.question[shown])
        assert (batch.target > 0).all()
        flips = {"column": [(2,)], "both": [(1,), (2,)], "half-turn": [(1, 2)]}[name]
        for flip in flips:
            assert np.array_equal(np.flip(batch.target, flip), batch.target)
