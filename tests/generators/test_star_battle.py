"""Test Star Battle: unique by a SAT solver, connected regions, verdicts by a slow twin, near misses."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from tests.support.puzzles import Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.star_battle import TASK, Params
from vizbench.types import Grid


def star_count(question: Grid) -> int:
    """How many stars a line has in this test: two on boards of 9x9."""
    return 1 if len(question) < 9 else 2


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    stars = [(int(r), int(c)) for r, c in np.argwhere(answer == 0)]
    if ((answer != question) & (answer != 0)).any():
        return False
    each = sorted([*range(len(question))] * star_count(question))
    rows, columns = sorted(r for r, _ in stars), sorted(c for _, c in stars)
    regions = sorted(int(question[star]) - 1 for star in stars)
    pairs = itertools.combinations(stars, 2)
    apart = all(max(abs(a - c), abs(b - d)) > 1 for (a, b), (c, d) in pairs)
    return rows == columns == regions == each and apart


def clauses_of(question: Grid) -> Clauses:
    size, stars = len(question), star_count(question)
    cells = list(itertools.product(range(size), range(size)))
    groups: dict[tuple[str, int], list[int]] = {}
    for r, c in cells:
        for group in (("row", r), ("column", c), ("region", int(question[r, c]))):
            groups.setdefault(group, []).append(1 + r * size + c)
    clauses = [clause for scope in groups.values() for clause in between(scope, stars, stars)]
    for (a, b), (c, d) in itertools.combinations(cells, 2):
        if max(abs(a - c), abs(b - d)) == 1:
            clauses.append([-(1 + a * size + b), -(1 + c * size + d)])
    return clauses


@pytest.mark.parametrize(("params", "count"), [(Params(size=5), 2000), (Params(size=9, stars=2), 12)])
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert models(clauses_of(question)) == [{1 + int(cell) for cell in np.flatnonzero(target == 0)}]


@pytest.mark.parametrize("params", [Params(size=7), Params(size=9, stars=2)])
def test_regions_are_connected(params: Params):
    size = params.size
    for question in made(TASK, params, 8).question:
        graph = nx.Graph()
        graph.add_nodes_from(itertools.product(range(size), range(size)))
        for cell in list(graph):
            graph.add_edges_from(
                (cell, other) for other in beside(cell, size, size) if question[other] == question[cell]
            )
        assert nx.number_connected_components(graph) == len(np.unique(question)) == size


@pytest.mark.parametrize(("params", "count"), [(Params(size=5), 400), (Params(size=9, stars=2), 12)])
def test_verdicts_are_those_of_the_slow_twin(params: Params, count: int):
    batch = made(TASK, params, count)
    assert_verdicts_agree(TASK, params, batch, is_right, range(params.size + 1))


def test_near_misses_name_the_broken_rule():
    question = np.repeat(np.arange(1, 6, dtype=np.uint8)[:, None], 5, axis=1)
    params = Params(size=5)
    for columns, reason in (
        ((1, 3, 0, 2, 4), ""),
        ((0, 3, 0, 2, 4), "column 0 does not have the right number of stars"),
        ((1, 0, 3, 2, 4), "two stars touch near row 0, column 0"),
    ):
        answer = question.copy()
        answer[range(5), columns] = 0
        assert TASK.check(params, question, answer).reason == reason
    answer[0, 0] = 2
    assert TASK.check(params, question, answer).reason == (
        "the cell at row 0, column 0 has a code that no answer has there"
    )


@pytest.mark.parametrize(("size", "stars"), [(4, 1), (11, 1), (8, 2), (9, 3)])
def test_parameters_outside_their_range_are_refused(size: int, stars: int):
    with pytest.raises(UserError, match=r"size=|stars="):
        Params(size=size, stars=stars)
