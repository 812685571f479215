"""Test the bouncing ball against a slow twin, and in an empty box against its unfolded flight."""

from __future__ import annotations

import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn, grid
from vizbench.generators.bounce import TASK, VARIANTS, Params

HEADINGS = {2: (-1, 1), 3: (1, 1), 4: (1, -1), 5: (-1, -1)}


def step(board: Rows) -> Rows:
    """Return the board after the ball has moved."""
    places = cells_of(board)
    balls = [place for place, code in places.items() if code >= 2]
    if len(balls) != 1:
        return board
    r, c = balls[0]
    dr, dc = HEADINGS[board[r][c]]
    if places.get((r, c + dc), 1) != 1 and places.get((r + dr, c), 1) != 1:
        back = places.get((r + dr, c + dc), 1) == 1
        dr, dc = (-dr, -dc) if back else (dr, dc)
    else:
        turned = places.get((r, c + dc), 1) == 1, places.get((r + dr, c), 1) == 1
        dc = -dc if turned[0] else dc
        dr = -dr if turned[1] else dr
    board[r][c] = 0
    if places.get((r + dr, c + dc), 1) != 1:
        r, c = r + dr, c + dc
    board[r][c] = next(code for code, heading in HEADINGS.items() if heading == (dr, dc))
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=3, walls=0.4, steps=4)):
        agree(TASK, params, step)
    agree_on_noise(TASK, Params(size=3), step)


def test_in_an_empty_box_the_ball_flies_straight_in_the_unfolded_plane():
    params = Params(walls=0, steps=13)
    batch, period = drawn(TASK, params, 2000), 2 * (params.size - 1)
    for question, target in zip(batch.question, batch.target, strict=True):
        ((r, c),) = np.argwhere(question >= 2).tolist()
        ((y, x),) = np.argwhere(target >= 2).tolist()
        dr, dc = HEADINGS[int(question[r, c])]
        for start, speed, end in ((r, dr, y), (c, dc, x)):
            unfolded = (start + 13 * speed) % period
            assert end == min(unfolded, period - unfolded)


def test_a_corner_turns_the_ball_back():
    state = TASK.advance_batch(Params(), grid(".... ..#. .2.. ....".replace("#", "1"), ".12345"))
    assert np.array_equal(state, grid(".... ..1. .... 4...", ".12345"))
