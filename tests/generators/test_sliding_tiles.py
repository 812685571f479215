"""Test sliding tiles: plans against a slow twin, distances against networkx, near misses."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest

from tests.oracles.plans import State
from tests.support.plans import agrees_with_twin
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.sliding_tiles import TASK, Params
from vizbench.types import Grid

SMALL = Params(2, 3, moves=3, least=3, most=21)


def moves(state: State) -> Iterator[State]:
    """Exchange the gap of the lower half with each neighbour."""
    first = len(state) // 2 + 1
    spots = {(r, c): state[r][c] for r in range(first, len(state)) for c in range(len(state[0]))}
    (gap,) = (spot for spot, code in spots.items() if code == 0)
    for spot, tile in spots.items():
        if abs(spot[0] - gap[0]) + abs(spot[1] - gap[1]) == 1:
            after = {**spots, gap: tile, spot: 0}
            rows = (tuple(after[r, c] for c in range(len(state[0]))) for r in range(first, len(state)))
            yield (*state[:first], *rows)


def is_goal(state: State) -> bool:
    half = len(state) // 2
    return state[:half] == state[half + 1 :]


def test_plans_are_those_of_the_twin() -> None:
    agrees_with_twin(TASK, Params(moves=3, least=3, most=7), moves, is_goal, 80)
    agrees_with_twin(TASK, SMALL, moves, is_goal, 40)
    agrees_with_twin(TASK, Params(3, 4, moves=2, least=2, most=5), moves, is_goal, 20)


def test_distances_are_those_of_networkx() -> None:
    goal: State = ((1, 2, 3), (4, 5, 0))
    top: State = (*goal, (12, 12, 12))
    graph: nx.Graph[State] = nx.Graph()
    waiting: list[State] = [(*top, *goal)]
    while waiting:
        state = waiting.pop()
        for after in moves(state):
            if after not in graph:
                waiting.append(after)
            graph.add_edge(state, after)
    lengths = nx.single_source_shortest_path_length(graph, (*top, *goal))
    assert len(lengths) == 360
    batch = TASK.generate_batch(SMALL, seeds.keys(5, 0, 2000))
    number = np.zeros(13, np.uint8)
    distance = TASK.difficulty_batch(SMALL, batch.question, batch.target)["distance"]
    for question, target, measured in zip(batch.question, batch.target, distance, strict=True):
        number[question[:2].ravel()] = (1, 2, 3, 4, 5, 0)
        boards = [number[grid[3:]] for grid in (question, target)]
        start, end = (lengths[*top, *map(tuple, board.tolist())] for board in boards)
        assert (start, end) == (measured, measured - 3)


def picture(*rows: str) -> Grid:
    return np.array([["0123456789+#-".index(code) for code in row] for row in rows], np.uint8)


def test_near_misses_are_refused() -> None:
    params = Params(2, 3, moves=2, least=2, most=21)
    question = picture("123", "450", "---", "123", "045")
    right = picture("123", "450", "---", "123", "450")
    assert TASK.check(params, question, right).valid
    for answer, reason in (
        (picture("123", "450", "---", "123", "405"), "a shortest plan is here after 1 move, but 2 are asked"),
        (question, "a shortest plan is here after 0 moves, but 2 are asked"),
        (picture("123", "450", "---", "123", "540"), "no shortest plan comes to this state: the nearest"),
        (picture("123", "045", "---", "123", "045"), "no shortest plan comes to this state: the nearest"),
        (picture("123", "450", "---", "023", "145"), "no shortest plan comes to this state: the nearest"),
    ):
        result = TASK.check(params, question, answer)
        assert not result.valid
        assert result.reason.startswith(reason)
    solved = picture("123", "450", "---", "123", "405")
    assert TASK.check(params, solved, right).reason == (
        "the goal is less than 2 moves away, so no answer is right"
    )
    odd = picture("123", "450", "---", "213", "045")
    assert TASK.check(params, odd, right).reason.startswith("no plan leads from the question")
    away = picture("123", "450", "---", "023", "145")
    assert TASK.check_step(params, question, question, away).reason == (
        "the move does not lead nearer to the goal"
    )
    assert TASK.check_step(params, question, question, right).reason == ("no legal move leads to this state")


@pytest.mark.parametrize(
    "values", [(1, 3), (5, 3), (2, 2), (4, 4), (3, 3, 5, 4), (3, 3, 4, 4, 32), (3, 3, 0)]
)
def test_parameters_out_of_range(values: tuple[int, ...]) -> None:
    with pytest.raises(UserError):
        Params(*values)
