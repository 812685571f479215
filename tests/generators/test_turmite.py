"""Test turmites against a slow twin, and one table against Langton's ant."""

from __future__ import annotations

import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn
from vizbench.generators import langton
from vizbench.generators.turmite import TASK, VARIANTS, Params


def step(board: Rows) -> Rows:
    """Return the board after the ant has moved."""
    table, field = board[0], board[2:]
    places = cells_of(field)
    ants = [place for place, code in places.items() if code >= 2]
    entries = {"clear": table[1], "marked": table[3]}
    if len(ants) != 1 or 10 in places.values() or not all(2 <= entry <= 9 for entry in entries.values()):
        return board
    (r, c) = ants[0]
    clear, heading = places[r, c] < 6, (places[r, c] - 2) % 4
    entry = entries["clear" if clear else "marked"]
    heading = (heading + (entry - 2) % 4) % 4
    field[r][c] = 0 if entry < 6 else 1
    dr, dc = [(-1, 0), (0, 1), (1, 0), (0, -1)][heading]
    r, c = (r + dr) % len(field), (c + dc) % len(field[0])
    field[r][c] = [2, 6][field[r][c]] + heading
    return board[:2] + field


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=4, steps=9)):
        agree(TASK, params, step)
    agree_on_noise(TASK, Params(size=4), step)


def test_one_table_is_langtons_ant():
    batch = drawn(TASK, Params(steps=20), 200)
    question = batch.question.copy()
    question[:, 0, :4] = (0, 7, 1, 5)  # on clear: write marked, turn right; on marked: write clear, turn left
    ours = TASK.steps_batch(Params(steps=20), question, question)
    theirs = langton.TASK.steps_batch(langton.Params(steps=20), question[:, 2:], question[:, 2:])
    assert np.array_equal(ours.states[:, 2:], theirs.states)
