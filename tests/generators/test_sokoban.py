"""Test Sokoban: plans against a slow twin, near misses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.oracles import plans
from tests.oracles.plans import State
from tests.support.plans import agrees_with_twin, state_of
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.sokoban import TASK, Params
from vizbench.types import Grid

MARKS = "#.ox*pP"
"""Wall, floor, target, box, box on a target, player, player on a target."""

Cell = tuple[int, int]


def parsed(state: State) -> tuple[set[Cell], set[Cell], set[Cell], Cell]:
    """Return the cells that are no wall, the targets, the boxes and the player."""
    marks: dict[Cell, str] = {}
    for r, row in enumerate(state):
        for c, code in enumerate(row):
            marks[r, c] = MARKS[code]
    sets: list[set[Cell]] = []
    for kinds in (".ox*pP", "o*P", "x*", "pP"):
        sets.append({cell for cell, mark in marks.items() if mark in kinds})
    free, targets, boxes, (one,) = sets
    return free, targets, boxes, one


def moves(state: State) -> Iterator[State]:
    free, targets, boxes, (r, c) = parsed(state)
    for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        to, behind = (r + down, c + right), (r + 2 * down, c + 2 * right)
        pushes = to in boxes
        if to not in free or (pushes and (behind not in free or behind in boxes)):
            continue
        after = (boxes - {to}) | {behind} if pushes else boxes
        rows = [[0] * len(state[0]) for _ in state]
        for y, x in free:
            rows[y][x] = (1 + ((y, x) in targets)) + 2 * ((y, x) in after) + 4 * ((y, x) == to)
        yield tuple(map(tuple, rows))


def is_goal(state: State) -> bool:
    _, targets, boxes, _ = parsed(state)
    return boxes <= targets


def test_plans_are_those_of_the_twin() -> None:
    agrees_with_twin(TASK, Params(5, 1, 1, moves=2, least=2, most=20), moves, is_goal, 60)
    agrees_with_twin(TASK, Params(5, 2, 0, moves=3, least=4, most=20), moves, is_goal, 15)
    agrees_with_twin(TASK, Params(5, 1, 0, moves=0, least=3, most=20), moves, is_goal, 15)


def test_distances_are_those_of_the_twin() -> None:
    """Over 2,000 rooms, solvable or not."""
    params = Params(5, 1, 1, moves=1, least=1, most=60)
    questions = TASK.draw(params, seeds.keys(9, 0, 2000))
    different, rows = np.unique(questions, axis=0, return_inverse=True)
    expected = [plans.ways_to_goal(state_of(question), moves, is_goal)[0] for question in different]
    assert TASK.search(params, questions).distance.tolist() == np.array(expected)[rows.ravel()].tolist()


def room(text: str) -> Grid:
    return np.array([[MARKS.index(mark) for mark in row] for row in text.split()], np.uint8)


QUESTION = room("###### #....# #.xo.# #p...# #....# ######")


def test_near_misses_are_refused() -> None:
    params = Params(6, 1, 0, moves=2, least=2)
    right = room("###### #....# #.p*.# #....# #....# ######")
    assert TASK.check(params, QUESTION, right).valid
    for text, reason in (
        (
            "###### #....# #pxo.# #....# #....# ######",
            "a shortest plan is here after 1 move, but 2 are asked",
        ),
        ("###### #....# #..*p# #....# #....# ######", "no shortest plan comes to this state"),
        ("###### #....# #..*.# #....# #....# ######", "no shortest plan comes to this state"),
        ("###### #...*# #.p..# #....# #....# ######", "no shortest plan comes to this state"),
    ):
        result = TASK.check(params, QUESTION, room(text))
        assert not result.valid
        assert result.reason.startswith(reason)


def test_moves_are_pushes_by_one_cell() -> None:
    params = Params(6, 1, 0, moves=2, least=2)
    state = room("###### #..x.# #.px.# #.x..# #....# ######")
    _, after = TASK.expand(params, state[None])
    assert [state_of(grid) for grid in after] == [
        state_of(room(text))
        for text in (
            "###### #..x.# #..x.# #.p..# #.x..# ######",
            "###### #.px.# #..x.# #.x..# #....# ######",
            "###### #..x.# #..px# #.x..# #....# ######",
            "###### #..x.# #p.x.# #.x..# #....# ######",
        )
    ]
    stuck = room("###### #p.x.# ###### #.x..# #....# ######")
    away = TASK.check_step(params, QUESTION, stuck, room("###### #.px.# ###### #.x..# #....# ######"))
    assert away.reason == "the move does not lead nearer to the goal"


@pytest.mark.parametrize("values", [(4,), (10,), (7, 0), (7, 5), (7, 2, 9), (7, 2, 5, 9), (7, 2, 5, 1, 8, 7)])
def test_parameters_out_of_range(values: tuple[int, ...]) -> None:
    with pytest.raises(UserError):
        Params(*values)
