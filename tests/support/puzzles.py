"""Test puzzles: solutions by a SAT solver, and verdicts on changed answers by a slow twin."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, islice, permutations
from typing import Any

import numpy as np
from pysat.solvers import Minisat22

from vizbench import seeds
from vizbench.task.bases import AnswerTask
from vizbench.task.puzzle import PuzzleTask
from vizbench.types import Batch, Grid

Clauses = list[list[int]]
IsRight = Callable[[Grid, Grid], bool]
Cell = tuple[int, int]


def made(task: AnswerTask[Any], params: object, count: int) -> Batch:
    """Return the first instances of a family's own stream."""
    return task.generate_batch(params, seeds.keys(seeds.stream(task.family), 0, count))


def between(variables: Iterable[int], low: int, high: int) -> Clauses:
    """Return clauses: at least `low` and at most `high` of the SAT variables are true."""
    scope = list(variables)
    if low > len(scope):
        return [[]]
    most = [[-variable for variable in chosen] for chosen in combinations(scope, high + 1)]
    if low <= 0:
        return most
    return most + [list(chosen) for chosen in combinations(scope, len(scope) - low + 1)]


def models(clauses: Clauses, limit: int = 2) -> list[set[int]]:
    """Return the true variables of each model, at most `limit` models."""
    if [] in clauses:
        return []
    with Minisat22(bootstrap_with=clauses) as solver:
        return [trues(model) for model in islice(solver.enum_models(), limit)]


def trues(model: list[int]) -> set[int]:
    return {variable for variable in model if variable > 0}


def beside(cell: Cell, height: int, width: int) -> Iterator[Cell]:
    """Yield the neighbours of a cell by side."""
    r, c = cell
    for y, x in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
        if 0 <= y < height and 0 <= x < width:
            yield y, x


def columns_differ(rows: tuple[tuple[int, ...], ...]) -> bool:
    return all(len(set(column)) == len(rows) for column in zip(*rows, strict=True))


@functools.cache
def latin_squares(size: int) -> Grid:
    """Return all Latin squares, `(n, size, size)`."""
    rows = list(permutations(range(1, size + 1)))
    squares: list[tuple[tuple[int, ...], ...]] = [()]
    for _ in range(size):
        longer = [(*square, row) for square in squares for row in rows]
        squares = [square for square in longer if columns_differ(square)]
    return np.array(squares, np.uint8)


def assert_verdicts_agree(
    task: PuzzleTask[Any], params: Any, batch: Batch, is_right: IsRight, codes: Sequence[int]
) -> None:
    """Compare verdicts on targets, and on targets after one to four changes, with those of a slow twin."""
    rng = np.random.default_rng(len(batch))
    others: list[Grid] = []
    for question, target in zip(batch.question, batch.target, strict=True):
        assert is_right(question, target)
        answer = target.copy()
        changes = int(rng.integers(1, 5))
        open_cells = np.flatnonzero(np.isin(question, task.open_codes))
        answer.flat[rng.choice(open_cells, changes)] = rng.choice(codes, changes)
        others.append(answer)
    answers = np.stack(others)
    assert task.check_batch(params, batch.question, batch.target).all()
    pairs = zip(batch.question, answers, strict=True)
    expected = [is_right(question, answer) for question, answer in pairs]
    assert task.check_batch(params, batch.question, answers).tolist() == expected
