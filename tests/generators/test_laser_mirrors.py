"""Test laser beams against a slow twin, and their end against the beam followed from its other end."""

from __future__ import annotations

import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn, grid
from vizbench.generators.laser_mirrors import TASK, VARIANTS, Params

WAYS = {7: (-1, 0), 8: (0, 1), 9: (1, 0), 10: (0, -1)}
MARKS = ".#/\\-|+^>v<"


def step(board: Rows) -> Rows:
    """Return the board after the beam has entered one more cell."""
    places = cells_of(board)
    lasers = [place for place, code in places.items() if code >= 7]
    if len(lasers) != 1:
        return board
    (r, c), (dr, dc) = lasers[0], WAYS[places[lasers[0]]]
    seen = set[tuple[int, int, int, int]]()
    while (r, c, dr, dc) not in seen:
        seen.add((r, c, dr, dc))
        r, c = r + dr, c + dc
        code = places.get((r, c), 1)
        if code == 1 or code >= 7:
            return board
        if code == 2:
            dr, dc = -dc, -dr
        elif code == 3:
            dr, dc = dc, dr
        elif code == 0:
            board[r][c] = 4 if dr == 0 else 5
            return board
        elif code == (5 if dr == 0 else 4):
            board[r][c] = 6
            return board
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=5, mirrors=0.5, blocks=0.1)):
        agree(TASK, params, step)
    agree_on_noise(TASK, Params(size=5), step, 300)


def test_the_way_of_light_can_be_reversed():
    """Replace the laser by the other end of the beam: if it leaves at the edge, the way back is the same."""
    batch = drawn(TASK, VARIANTS["8"], 2000)
    turned = 0
    for question, target in zip(batch.question, batch.target, strict=True):
        ((r, c),) = np.argwhere(question >= 7).tolist()
        (dr, dc), first = WAYS[int(question[r, c])], (r, c)
        path = list[tuple[int, int]]()
        while (r + dr, c + dc) != first and 0 <= r + dr < 8 and 0 <= c + dc < 8:
            r, c = r + dr, c + dc
            if target[r, c] == 1:
                break
            path.append((r, c))
            if target[r, c] in (2, 3):
                dr, dc = (-dc, -dr) if target[r, c] == 2 else (dc, dr)
        if path[-1] != (r, c) or question[r, c] != 0 or path.count((r, c)) > 1:
            continue
        back = np.where(question >= 7, 0, question).astype(np.uint8)
        back[r, c] = next(code for code, way in WAYS.items() if way == (-dr, -dc))
        shone = TASK.solve(Params(), back)
        assert shone is not None
        cells = {cell for cell in path if question[cell] == 0} - {(r, c)}
        assert cells <= {tuple(cell) for cell in np.argwhere((shone >= 4) & (shone <= 6)).tolist()}
        turned += 1
    assert turned > 500


def test_mirrors_turn_beams_and_beams_cross():
    question = grid(">...\\. ...... ...... .\\../.", MARKS)[0]
    expected = grid(">+--\\. .|..|. .|..|. .\\--/.", MARKS)[0]
    beam = TASK.solve(Params(), question)
    assert beam is not None
    assert beam.tolist() == expected.tolist()
