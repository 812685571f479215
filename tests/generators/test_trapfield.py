"""Test trap fields: shortest safe paths against networkx, near misses."""

from __future__ import annotations

import functools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.trapfield import TASK, Params
from vizbench.types import Batch, Grid

Cell = tuple[int, int]


@functools.cache
def made(params: Params, count: int) -> Batch:
    return TASK.generate_batch(params, seeds.keys(11, 0, count))


def spot(question: Grid, code: int) -> Cell:
    ((r, c),) = np.argwhere(question == code).tolist()
    return r, c


def safe_graph(question: Grid, reach: bool) -> nx.Graph[Cell]:
    """Return the graph of the cells on which nobody is caught."""
    graph: nx.Graph[Cell] = nx.grid_2d_graph(*question.shape)
    traps = {(int(r), int(c)) for r, c in np.argwhere(question == 0)}
    guarded = {cell for trap in traps for cell in graph[trap]}
    graph.remove_nodes_from(traps | guarded if reach else traps)
    return graph


@pytest.mark.parametrize("params", [Params(7, 0.25), Params(9, 0.1, True)])
def test_targets_are_shortest_safe_paths_by_networkx(params: Params) -> None:
    batch = made(params, 1000)
    for question, target in zip(batch.question, batch.target, strict=True):
        graph = safe_graph(question, params.reach)
        start, goal = spot(question, 2), spot(question, 3)
        marked = {(int(r), int(c)) for r, c in np.argwhere(target != question)}
        assert (question == 0).sum() == int(params.traps * question.size)
        assert all(target[cell] == 4 and question[cell] == 1 for cell in marked)
        path = graph.subgraph(marked | {start, goal})
        assert nx.is_connected(path)
        assert len(path) == nx.shortest_path_length(graph, start, goal) + 1


@given(
    st.integers(0, 40), st.booleans(), st.lists(st.tuples(st.integers(0, 48), st.integers(0, 4)), max_size=4)
)
def test_verdicts_are_those_of_networkx(row: int, reach: bool, changes: list[tuple[int, int]]) -> None:
    params = Params(7, 0.1, reach)
    batch = made(params, 41)
    question, answer = batch.question[row], batch.target[row].copy()
    for place, code in changes:
        answer.flat[place] = code
    graph, start, goal = safe_graph(question, reach), spot(question, 2), spot(question, 3)
    changed = {(int(r), int(c)) for r, c in np.argwhere(answer != question)}
    path = graph.subgraph(
        {cell for cell in changed if answer[cell] == 4 and question[cell] == 1} | {start, goal}
    )
    valid = len(path) == len(changed) + 2 and nx.has_path(path, start, goal)
    valid = valid and len(path) == nx.shortest_path_length(graph, start, goal) + 1
    assert TASK.check_batch(params, question[None], answer[None])[0] == valid
    assert TASK.check(params, question, answer).valid == valid


def field(text: str) -> Grid:
    return np.array([["x.SG*".index(mark) for mark in row] for row in text.split()], np.uint8)


QUESTION = field("S..... ...... ..x... ...... ...... .....G")
SAFE = field("S***** .....* ..x..* .....* .....* .....G")
NEAR = field("S*.... .***.. ..x*.. ...*.. ...*.. ...**G")


def test_a_trap_with_reach_guards_the_cells_beside_it() -> None:
    plain, wary = Params(6, 0.03), Params(6, 0.03, reach=True)
    assert TASK.check(plain, QUESTION, SAFE).valid
    assert TASK.check(plain, QUESTION, NEAR).valid
    assert TASK.check(wary, QUESTION, SAFE).valid
    assert TASK.check(wary, QUESTION, NEAR).reason == (
        "the cell that a trap guards at row 1, column 2 was changed"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("S***** .....* ..x..* .....* ....** ....*G", "2 marked cells are off the path from start to goal"),
        ("S***** .....* ..x..* .....* .....* .....*", "the goal at row 5, column 5 was changed"),
        ("S***** .....* ..*..* .....* .....* .....G", "the cell that a trap guards at row 2, column 2 was"),
        ("S***** .....* ..x..* .....* ...... .....G", "the marked cells do not join start and goal"),
        ("S*.... .*.... **x... *..... *****. ....*G", "the path is 1.2 times as long as the shortest"),
    ],
)
def test_near_misses_are_refused(text: str, reason: str) -> None:
    result = TASK.check(Params(6, 0.03), QUESTION, field(text))
    assert not result.valid
    assert result.reason.startswith(reason)


@pytest.mark.parametrize("values", [(5,), (41,), (12, 0.5), (12, 0.2, True)])
def test_parameters_out_of_range(values: tuple[int, float, bool]) -> None:
    with pytest.raises(UserError):
        Params(*values)
