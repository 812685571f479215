"""Test Aquarium: unique by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.aquarium import TASK, Params
from vizbench.types import Grid


def vessels_of(question: Grid) -> list[set[Cell]]:
    """The connected groups of cells of one kind, as cells of the field."""
    field = question[1:, 1:]
    graph = nx.Graph()
    graph.add_nodes_from(itertools.product(range(len(field)), range(len(field))))
    for cell in list(graph):
        near = beside(cell, *field.shape)
        graph.add_edges_from((cell, other) for other in near if field[other] == field[cell])
    return list(nx.connected_components(graph))


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if ((answer != question) & (answer != 0)).any() or (answer[0] != question[0]).any():
        return False
    water = answer[1:, 1:] == 0
    if (answer[:, 0] != question[:, 0]).any():
        return False
    if (water.sum(axis=1) != question[1:, 0] - 6).any() or (water.sum(axis=0) != question[0, 1:] - 6).any():
        return False
    for vessel in vessels_of(question):
        full = [r for r, c in vessel if water[r, c]]
        if any(not water[r, c] for r, c in vessel if full and r >= min(full)):
            return False
    return True


def clauses_of(question: Grid) -> Clauses:
    size = len(question) - 1
    clauses: Clauses = []
    for line in range(size):
        row, column = int(question[line + 1, 0]) - 6, int(question[0, line + 1]) - 6
        clauses += between((1 + line * size + k for k in range(size)), row, row)
        clauses += between((1 + k * size + line for k in range(size)), column, column)
    for vessel in vessels_of(question):
        for (a, b), (c, d) in itertools.permutations(vessel, 2):
            if a <= c:
                clauses.append([-(1 + a * size + b), 1 + c * size + d])
    return clauses


@pytest.mark.parametrize(
    ("params", "count"), [(Params(size=4), 1500), (Params(size=3, vessel=3), 1500), (Params(size=8), 30)]
)
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        water = {1 + int(cell) for cell in np.flatnonzero(target[1:, 1:] == 0)}
        assert models(clauses_of(question)) == [water]


@pytest.mark.parametrize("params", [Params(size=4), Params(vessel=6)])
def test_verdicts_are_those_of_the_slow_twin(params: Params):
    assert_verdicts_agree(TASK, params, made(TASK, params, 400), is_right, (0, 0, 1, 2))


def test_near_misses_name_the_broken_rule():
    """A vessel in the form of a U around another one, and a third below."""
    question = np.array([[5, 7, 8, 7], [6, 1, 2, 1], [8, 1, 1, 1], [7, 3, 3, 3]], np.uint8)
    question[1:, 0] = (6, 9, 6)
    question[0, 1:] = 7
    params = Params(size=3)
    cases = {
        "": [(2, 1), (2, 2), (2, 3)],
        "row 1 of the field does not have as much water as its number says": [(2, 1), (2, 2)],
        "row 0 of the field does not have as much water as its number says": [(1, 2), (2, 1), (2, 3)],
    }
    for reason, water in cases.items():
        answer = question.copy()
        answer[tuple(np.transpose(water))] = 0
        assert TASK.check(params, question, answer).reason == reason
        assert is_right(question, answer) == (not reason)
    answer = question.copy()
    question[1:, 0], answer[1:, 0] = (7, 8, 6), (7, 8, 6)
    answer[1, 1] = answer[2, 2] = answer[2, 3] = 0
    assert TASK.check(params, question, answer).reason == (
        "in the vessel of row 1, column 1, the water of this row is not level"
    )
    answer[0, 0] = 0
    assert TASK.check(params, question, answer).reason == "the clue at row 0, column 0 was changed"


@pytest.mark.parametrize("name", ["size=2", "size=10", "vessel=1", "vessel=9"])
def test_parameters_outside_their_range_are_refused(name: str):
    field, value = name.split("=")
    with pytest.raises(UserError, match=name):
        Params(**{field: int(value)})
