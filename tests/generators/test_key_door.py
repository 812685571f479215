"""Test mazes with keys and doors: ways against a slow twin, near misses."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest

from tests.oracles.plans import State
from tests.support.plans import agrees_with_twin, state_of
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.key_door import TASK, VARIANTS, Params
from vizbench.types import Grid

MARKS = "#.gp!abcABC"
"""Wall, floor, goal, player, player at the goal, keys, doors."""


def moves(state: State) -> Iterator[State]:
    text = ["".join(MARKS[code] for code in row) for row in state]
    players = [(r, row.index("p")) for r, row in enumerate(text) if "p" in row]
    for r, c in players:
        for y, x in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            mark = text[y][x]
            if mark in "#ABC":
                continue
            rows = [list(row.replace("p", ".").replace(mark.upper(), ".")) for row in text]
            if mark not in "abc":
                rows = [list(row.replace("p", ".")) for row in text]
            rows[y][x] = "!" if mark == "g" else "p"
            yield tuple(tuple(map(MARKS.index, row)) for row in rows)


def is_goal(state: State) -> bool:
    return any(4 in row for row in state)


def test_ways_are_those_of_the_twin() -> None:
    agrees_with_twin(TASK, Params(7, 1, 3, 6), moves, is_goal, 15)
    agrees_with_twin(TASK, Params(7, 2, 3, 6), moves, is_goal, 15)
    agrees_with_twin(TASK, Params(7, 1, 0, 6), moves, is_goal, 10)


def graph_of(question: Grid, closed: tuple[int, ...]) -> nx.Graph[tuple[int, int]]:
    graph: nx.Graph[tuple[int, int]] = nx.grid_2d_graph(*question.shape)
    graph.remove_nodes_from([(int(r), int(c)) for r, c in np.argwhere(np.isin(question, closed))])
    return graph


def test_with_one_key_the_way_is_that_to_the_key_and_on_by_networkx() -> None:
    """Over 2,000 mazes: their passages are a tree, and the door is needed."""
    params = Params(7, 1, 4, 6)
    batch = TASK.generate_batch(params, seeds.keys(5, 0, 2000))
    distance = TASK.difficulty_batch(params, batch.question, batch.target)["distance"]
    for question, measured in zip(batch.question, distance, strict=True):
        start, key, goal = (tuple(np.argwhere(question == code)[0].tolist()) for code in (3, 5, 2))
        shut, opened = graph_of(question, (0, 8)), graph_of(question, (0,))
        assert nx.is_tree(opened)
        assert not nx.has_path(shut, start, goal)
        first = nx.shortest_path_length(shut, start, key)
        assert measured == first + nx.shortest_path_length(opened, key, goal)


@pytest.mark.parametrize("params", VARIANTS.values(), ids=VARIANTS)
def test_all_keys_are_taken(params: Params) -> None:
    whole = Params(params.size, params.keys, 0, params.least)
    batch = TASK.generate_batch(whole, seeds.keys(5, 0, 50))
    assert not (batch.target >= 5).any()
    assert ((batch.question >= 5).sum(axis=(1, 2)) == 2 * params.keys).all()


def maze(text: str) -> Grid:
    return np.array([[MARKS.index(mark) for mark in row] for row in text.split()], np.uint8)


QUESTION = maze("####### #a....# #.###.# #pAg#.# ####### ####### #######")


def test_near_misses_are_refused() -> None:
    params = Params(7, 1, 3, 6)
    right = maze("####### #.....# #p###.# #..g#.# ####### ####### #######")
    assert TASK.check(params, QUESTION, right).valid
    for text, reason in (
        ("####### #p....# #.###.# #..g#.# ####### ####### #######", "a shortest plan is here after 2 moves"),
        ("####### #.....# #p###.# #.Ag#.# ####### ####### #######", "no shortest plan comes to this state"),
        ("####### #a....# #.###.# #.p!#.# ####### ####### #######", "no shortest plan comes to this state"),
        ("####### #.p...# #.###.# #..g#.# ####### ####### #######", "no shortest plan comes to this state"),
    ):
        result = TASK.check(params, QUESTION, maze(text))
        assert not result.valid
        assert result.reason.startswith(reason)


def test_doors_stay_closed_without_their_key() -> None:
    params = Params(7, 1, 3, 6)
    _, after = TASK.expand(params, QUESTION[None])
    assert [state_of(grid) for grid in after] == [
        state_of(maze("####### #a....# #p###.# #.Ag#.# ####### ####### #######"))
    ]
    through = maze("####### #a....# #.###.# #.pg#.# ####### ####### #######")
    reason = TASK.check_step(params, QUESTION, QUESTION, through).reason
    assert reason == "no legal move leads to this state"


@pytest.mark.parametrize("values", [(8,), (17,), (7, 0), (7, 4), (7, 1, 5, 4), (7, 1, 4, 29)])
def test_parameters_out_of_range(values: tuple[int, ...]) -> None:
    with pytest.raises(UserError):
        Params(*values)
