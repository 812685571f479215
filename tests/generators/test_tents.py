"""Test Tents: unique by a SAT solver, verdicts by a slow twin, near misses."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from tests.support.puzzles import Cell, Clauses, assert_verdicts_agree, beside, between, made, models
from vizbench.errors import UserError
from vizbench.generators.tents import TASK, Params
from vizbench.types import Grid


def cells_of(field: Grid, code: int) -> set[Cell]:
    return {(int(r), int(c)) for r, c in np.argwhere(field == code)}


def touch(a: Cell, b: Cell) -> bool:
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1


def is_right(question: Grid, answer: Grid) -> bool:
    """The rules in plain Python."""
    if any(old != new and (old, new) != (0, 2) for old, new in zip(question.flat, answer.flat, strict=True)):
        return False
    field = answer[1:, 1:]
    trees, tents = cells_of(field, 1), cells_of(field, 2)
    for line in range(len(field)):
        if (field[line] == 2).sum() != answer[line + 1, 0] - 4:
            return False
        if (field[:, line] == 2).sum() != answer[0, line + 1] - 4:
            return False
    if any(touch(a, b) for a, b in itertools.combinations(tents, 2)) or len(tents) != len(trees):
        return False
    near = [set(beside(tree, *field.shape)) & tents for tree in trees]
    return all(near) and set().union(*near) == tents


def clauses_of(question: Grid) -> Clauses:
    field = question[1:, 1:]
    size = len(field)
    cells = list(itertools.product(range(size), range(size)))
    trees = cells_of(field, 1)

    def at(cell: Cell) -> int:
        return 1 + cell[0] * size + cell[1]

    clauses: Clauses = [[-at(tree)] for tree in trees]
    for line in range(size):
        row, column = int(question[line + 1, 0]) - 4, int(question[0, line + 1]) - 4
        clauses += between((at((line, k)) for k in range(size)), row, row)
        clauses += between((at((k, line)) for k in range(size)), column, column)
    clauses += [[-at(a), -at(b)] for a, b in itertools.combinations(cells, 2) if touch(a, b)]
    clauses += [[at(cell) for cell in beside(tree, size, size)] for tree in trees]
    clauses += [[-at(cell)] for cell in cells if not trees & set(beside(cell, size, size))]
    return clauses  # the numbers add up to as many tents as trees


@pytest.mark.parametrize(
    ("params", "count"), [(Params(size=5, tents=5), 2000), (Params(size=8, tents=12), 30)]
)
def test_questions_have_one_solution_by_a_sat_solver(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        tents = {1 + int(cell) for cell in np.flatnonzero(target[1:, 1:] == 2)}
        assert len(tents) == (question[1:, 1:] == 1).sum() == params.tents
        assert models(clauses_of(question)) == [tents]


def test_trees_and_tents_can_be_paired():
    """The solution also obeys the stricter rule of one tent per tree."""
    for target in made(TASK, Params(), 100).target:
        field = target[1:, 1:]
        trees, tents = cells_of(field, 1), cells_of(field, 2)
        graph = nx.Graph((("tree", tree), near) for tree in trees for near in beside(tree, *field.shape))
        graph.remove_nodes_from([node for node in graph if node[0] != "tree" and node not in tents])
        pairs = nx.bipartite.maximum_matching(graph, [("tree", tree) for tree in trees])
        assert len(pairs) == 2 * len(trees)


@pytest.mark.parametrize("params", [Params(size=5, tents=4), Params()])
def test_verdicts_are_those_of_the_slow_twin(params: Params):
    assert_verdicts_agree(TASK, params, made(TASK, params, 400), is_right, (0, 2))


def test_near_misses_name_the_broken_rule():
    question = np.full((5, 5), 4, np.uint8)
    question[0, 0] = 3
    question[1:, 1:] = 0
    question[2, 1] = question[2, 4] = 1
    question[0, 1:], question[1:, 0] = [5, 4, 4, 5], [5, 4, 5, 4]
    params = Params(size=4, tents=2)
    answer = question.copy()
    answer[1, 1] = answer[3, 4] = 2
    assert TASK.check(params, question, answer).valid
    for (r, c), reason in (
        ((3, 3), "row 2 of the field does not have as many tents as its number says"),
        ((1, 4), "row 0 of the field does not have as many tents as its number says"),
        ((0, 0), "the clue at row 0, column 0 was changed"),
        ((2, 1), "the clue at row 2, column 1 was changed"),
    ):
        other = answer.copy()
        other[r, c] = 2
        assert TASK.check(params, question, other).reason == reason
    assert not TASK.check(params, question, np.where(answer == 2, 0, answer).astype(np.uint8)).valid


@pytest.mark.parametrize(("size", "tents"), [(3, 2), (11, 5), (6, 1), (6, 8)])
def test_parameters_outside_their_range_are_refused(size: int, tents: int):
    with pytest.raises(UserError, match=r"size=|tents="):
        Params(size=size, tents=tents)
