"""Test Rush Hour: plans against a slow twin, near misses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.oracles import plans
from tests.oracles.plans import State
from tests.support.plans import agrees_with_twin, state_of
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.rush_hour import TASK, Params
from vizbench.types import Grid

MARKS = "#.>oABCDEFGHI"
"""Wall, free cell, exit, own car, other cars."""


def moves(state: State) -> Iterator[State]:
    """Slide each car cell by cell, as long as the next cell is free."""
    cells: dict[tuple[int, int], int] = {}
    for r, row in enumerate(state):
        for c, code in enumerate(row):
            cells[r, c] = code
    for car in set(cells.values()) - {0, 1, 2}:
        parts = sorted(cell for cell in cells if cells[cell] == car)
        down, right = (int(a != b) for a, b in zip(parts[0], parts[1], strict=True))
        for sign in (1, -1):
            now, places = dict(cells), parts
            while True:
                after = [(r + sign * down, c + sign * right) for r, c in places]
                if any(now[cell] not in (1, car) for cell in after):
                    break
                now.update(dict.fromkeys(places, 1))
                now.update(dict.fromkeys(after, car))
                places = after
                yield tuple(tuple(now[r, c] for c in range(len(state[0]))) for r in range(len(state)))


def is_goal(state: State) -> bool:
    return any(row[-2:] == (3, 2) for row in state)


def test_plans_are_those_of_the_twin() -> None:
    agrees_with_twin(TASK, Params(4, 3, 2, 2), moves, is_goal, 20)
    agrees_with_twin(TASK, Params(4, 4, 0, 2), moves, is_goal, 10)


def test_distances_are_those_of_the_twin() -> None:
    """Over 2,000 boards, solvable or not."""
    params = Params(4, 4, 1, 1)
    questions = TASK.draw(params, seeds.keys(9, 0, 2000))
    few = [question for question in questions if len(np.unique(question)) >= 6]
    expected = [plans.ways_to_goal(state_of(question), moves, is_goal)[0] for question in few]
    assert TASK.search(params, np.array(few)).distance.tolist() == expected


def board(text: str) -> Grid:
    return np.array([[MARKS.index(mark) for mark in row] for row in text.split()], np.uint8)


QUESTION = board("###### #..A.# #ooA.> #..BB# #....# ######")


def test_near_misses_are_refused() -> None:
    """Car A must go down by two cells."""
    params = Params(4, 2, 1, 1)
    question = board("###### #..A.# #ooA.> #....# #....# ######")
    assert TASK.check(params, question, board("###### #....# #oo..> #..A.# #..A.# ######")).valid
    for text in (
        "###### #....# #ooA.> #..A.# #....# ######",
        "###### #..A.# #oo..> #..A.# #....# ######",
        "###### #....# #oo..> #.A..# #.A..# ######",
        "###### #....# #.oo.> #..A.# #..A.# ######",
    ):
        result = TASK.check(params, question, board(text))
        assert not result.valid
        assert result.reason.startswith("no shortest plan comes to this state")
    result = TASK.check(Params(4, 2, 2, 2), question, board("###### #....# #oo..> #..A.# #..A.# ######"))
    assert result.reason == "a shortest plan is here after 1 move, but 2 are asked"


def test_slides_end_at_cars_and_walls() -> None:
    _, after = TASK.expand(Params(4, 2, 1, 1), QUESTION[None])
    expected = [
        board("###### #..A.# #ooA.> #.BB.# #....# ######"),
        board("###### #..A.# #ooA.> #BB..# #....# ######"),
    ]
    assert sorted(map(state_of, after)) == sorted(map(state_of, expected))
    jump = board("###### #..A.# #.Aoo> #..BB# #....# ######")
    reason = TASK.check_step(Params(4, 2, 1, 1), QUESTION, QUESTION, jump).reason
    assert reason == "no legal move leads to this state"


@pytest.mark.parametrize("values", [(3,), (8,), (6, 1), (6, 10), (6, 5, 3, 2), (6, 5, 3, 7)])
def test_parameters_out_of_range(values: tuple[int, ...]) -> None:
    with pytest.raises(UserError):
        Params(*values)
