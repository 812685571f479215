"""Test propagation and search against exhaustive search, for every kind of constraint."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from vizbench.kernels import constraints as kinds
from vizbench.kernels.constraints import clear, demand, new_problems, new_work, over, row_of, seal
from vizbench.kernels.propagate import deduce, search

VALUES = 3
VARIABLES = 5

Scope = Sequence[int]
Holds = Callable[[Scope, int, int, int], bool]


def count(values: Scope, low: int, high: int, mask: int) -> bool:
    return low <= sum(mask >> value & 1 for value in values) <= high


def different(values: Scope, low: int, high: int, mask: int) -> bool:
    held = sum(1 << value for value in set(values))
    return len(set(values)) == len(values) and mask & ~held == 0


def less(values: Scope, low: int, high: int, mask: int) -> bool:
    return values[0] + low <= values[1]


def total(values: Scope, low: int, high: int, mask: int) -> bool:
    return low <= sum(values) <= high


def unequal(values: Scope, low: int, high: int, mask: int) -> bool:
    return list(values[: len(values) // 2]) != list(values[len(values) // 2 :])


def visible(values: Scope, low: int, high: int, mask: int) -> bool:
    return low <= sum(all(v > w for w in values[:k]) for k, v in enumerate(values)) <= high


HOLDS: dict[int, Holds] = {
    kinds.COUNT: count,
    kinds.DIFFERENT: different,
    kinds.LESS: less,
    kinds.SUM: total,
    kinds.UNEQUAL_LINES: unequal,
    kinds.VISIBLE: visible,
}
SIZES = {kinds.DIFFERENT: (2, 3), kinds.LESS: (2,), kinds.UNEQUAL_LINES: (2, 4)}


def holds(kind: int, rules: Sequence[tuple[int, int, int, list[int]]], values: Scope) -> bool:
    """Whether the values of all variables agree with constraints of one kind: low, high, mask, scope."""
    return all(HOLDS[kind]([values[v] for v in scope], *rest) for *rest, scope in rules)


def runs(values: Scope) -> list[int]:
    return [len(list(group)) for value, group in itertools.groupby(values) if value == 1]


def fits_domains(domains: Sequence[int], values: Scope) -> bool:
    return all(domain >> value & 1 for domain, value in zip(domains, values, strict=True))


def solve(problem: kinds.Problem, domains: np.ndarray, most: int) -> tuple[int, kinds.Work]:
    work = new_work(problem)
    number, _ = search(problem, work, domains, np.zeros(4, np.uint64), False, most, 10_000)
    return number, work


@pytest.mark.parametrize("kind", HOLDS)
def test_search_counts_what_exhaustive_search_counts(kind: int):
    rng = np.random.default_rng(kind)
    problem = row_of(new_problems(1, VARIABLES, 4, 40), 0)
    for _ in range(150):
        domains = rng.integers(1, 1 << VALUES, VARIABLES)
        rules: list[tuple[int, int, int, list[int]]] = []
        clear(problem, VARIABLES, 0)
        problem.domains[:] = domains
        for _ in range(rng.integers(1, 4)):
            size = int(rng.choice(SIZES.get(kind, (2, 3, 4))))
            low, high = np.sort(rng.integers(0, 4, 2)).tolist()
            low = min(low, 2) if kind == kinds.LESS else low
            mask = int(rng.integers(0, 1 << VALUES))
            scope = rng.permutation(VARIABLES)[:size].tolist()
            rules.append((low, high, mask, scope))
            demand(problem, kind, low, high, mask, 0, 0)
            for variable in scope:
                over(problem, variable)
        seal(problem)
        choices: list[list[int]] = []
        for domain in domains.tolist():
            choices.append([value for value in range(VALUES) if domain >> value & 1])
        solutions = [values for values in itertools.product(*choices) if holds(kind, rules, values)]
        number, work = solve(problem, problem.domains.copy(), 1000)
        assert number == len(solutions), (domains, rules)
        if solutions:
            assert tuple(work.solution.tolist()) in solutions
        narrowed = problem.domains.copy()
        deduce(problem, new_work(problem), narrowed)
        assert all(fits_domains(narrowed.tolist(), values) for values in solutions)


def test_a_line_counts_what_exhaustive_search_counts_and_keeps_no_other_value():
    rng = np.random.default_rng(1)
    cells = 8
    problem = row_of(new_problems(1, cells, 1, 40), 0)
    lines = list(itertools.product((0, 1), repeat=cells))
    for _ in range(300):
        clear(problem, cells, 3)
        fixed = rng.random(cells) < 0.3
        problem.domains[fixed] = rng.integers(1, 3, int(fixed.sum()))
        lengths = runs(lines[int(rng.integers(len(lines)))])
        demand(problem, kinds.LINE, cells, 0, 0, 0, 0)
        for entry in (*range(cells), *lengths):
            over(problem, entry)
        seal(problem)
        suited = [line for line in lines if runs(line) == lengths]
        domains = problem.domains.tolist()
        allowed = [line for line in suited if fits_domains(domains, line)]
        assert solve(problem, problem.domains.copy(), 1000)[0] == len(allowed)
        narrowed, work = problem.domains.copy(), new_work(problem)
        kinds.enqueue(work, 0)
        fits = kinds.narrow(problem, work, narrowed, 0)
        assert fits == bool(allowed)
        if allowed:
            columns = zip(*allowed, strict=True)
            assert narrowed.tolist() == [sum(1 << value for value in set(column)) for column in columns]


def test_a_search_gives_up_at_its_limit():
    problem = row_of(new_problems(1, 4, 1, 4), 0)
    clear(problem, 4, 3)
    seal(problem)
    assert search(problem, new_work(problem), problem.domains, np.zeros(4, np.uint64), False, 99, 3) == (
        -1,
        3,
    )
