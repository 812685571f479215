"""Make Sudoku boards for tests: generated questions, and solutions by a SAT solver."""

from __future__ import annotations

import functools
from itertools import combinations, islice, product

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
    """Return the SAT variable that is true if this cell holds this digit."""
    return size * size * cell[0] + size * cell[1] + digit


@functools.cache
def sat_rules(size: int) -> list[list[int]]:
    """Return clauses: each cell holds a digit, and no digit is twice in a row, column or box."""
    box, digits = int(size**0.5), range(1, size + 1)
    cells = list(product(range(size), range(size)))
    units: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for r, c in cells:
        for unit in (("row", r), ("column", c), ("box", r // box, c // box)):
            units.setdefault(unit, []).append((r, c))
    clauses = [[holds(size, cell, digit) for digit in digits] for cell in cells]
    pairs = {pair for unit in units.values() for pair in combinations(unit, 2)}
    for a, b in pairs:
        clauses += [[-holds(size, a, digit), -holds(size, b, digit)] for digit in digits]
    return clauses


def sat_solutions(question: Grid, limit: int) -> set[bytes]:
    """Return solutions of a question by a SAT solver, at most `limit`."""
    size = len(question)
    givens = [[holds(size, (int(r), int(c)), int(question[r, c]))] for r, c in np.argwhere(question)]
    with Minisat22(bootstrap_with=sat_rules(size) + givens) as solver:
        models = list(islice(solver.enum_models(), limit))
    return {digits_of(model, size) for model in models}


def digits_of(model: list[int], size: int) -> bytes:
    """Return the digits of all cells, row by row. A negative variable is false."""
    return bytes((variable - 1) % size + 1 for variable in model if variable > 0)
