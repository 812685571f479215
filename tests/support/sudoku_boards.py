"""Sudoku boards for tests: questions that are made, and solutions that a SAT solver finds."""

from __future__ import annotations

import functools
from itertools import combinations, islice

import numpy as np
import pytest
from pysat.solvers import Minisat22

from vizbench import seeds
from vizbench.generators.sudoku import TASK, VARIANTS, Params
from vizbench.types import Batch, Grid

SOLVED = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]], np.uint8)
EASY = VARIANTS["easy"]
BOTH = pytest.mark.parametrize("params", [Params(), EASY], ids=["4x4", "9x9"])


def made(params: Params, count: int, seed: int = 5) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seed, 0, count))


def holds(size: int, cell: tuple[int, int], digit: int) -> int:
    """The SAT variable that says so."""
    return size * size * cell[0] + size * cell[1] + digit


@functools.cache
def sat_rules(size: int) -> list[list[int]]:
    """Each cell holds a digit, and no digit twice in a row, column or box."""
    lines, box = range(size), int(size**0.5)
    units = [[(r, c) for c in lines] for r in lines] + [[(r, c) for r in lines] for c in lines]
    units += [
        [(y + i, x + j) for i in range(box) for j in range(box)] for y in lines[::box] for x in lines[::box]
    ]
    clauses = [[holds(size, (r, c), d) for d in range(1, size + 1)] for r in lines for c in lines]
    pairs = {pair for unit in units for pair in combinations(sorted(unit), 2)}
    return clauses + [[-holds(size, a, d), -holds(size, b, d)] for a, b in pairs for d in range(1, size + 1)]


def sat_solutions(question: Grid, limit: int) -> set[bytes]:
    """Solutions of a question by a SAT solver, as many as the limit."""
    size = len(question)
    givens = [[holds(size, (int(r), int(c)), int(question[r, c]))] for r, c in np.argwhere(question)]
    with Minisat22(bootstrap_with=sat_rules(size) + givens) as solver:
        models = list(islice(solver.enum_models(), limit))
    return {bytes((v - 1) % size + 1 for v in model if v > 0) for model in models}
