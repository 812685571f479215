"""Find what a puzzle with several solutions forces: the variables with one value in all of them."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import is_single, row_of, value_of
from vizbench.kernels.propagate import GAVE_UP, deduce, search


@jit
def _mark_group(problem, domains, groups, stack, v):
    """Mark the undecided variables that are linked to one of them by constraints, with its number."""
    groups[v], stack[0], top = v, v, 1
    while top > 0:
        top -= 1
        u = stack[top]
        for use in range(problem.use_starts[u], problem.use_starts[u + 1]):
            c = problem.uses[use]
            for k in range(problem.starts[c], problem.starts[c + 1]):
                other = problem.scopes[k]
                if groups[other] < 0 and not is_single(domains[other]):
                    groups[other], stack[top] = v, other
                    top += 1


@jit
def _mark_groups(problem, domains, groups, stack):
    """Number the groups of undecided variables that do not depend on each other; -1 for all others."""
    groups[:] = -1
    for v in range(problem.sizes[0]):
        if groups[v] < 0 and not is_single(domains[v]):
            _mark_group(problem, domains, groups, stack, v)


@jit
def _other_solution(problem, work, domains, groups, first, trial, v, limit):
    """Search a solution with another value of a variable than the first one has. Return the count.

    Only the variable's group varies. The others keep their values of the first solution: the search would
    otherwise try all of them before it sees that the group has no solution.
    """
    for u in range(problem.sizes[0]):
        trial[u] = domains[u] if groups[u] == groups[v] else first[u]
    trial[v] = domains[v] & ~first[v]
    count, _ = search(problem, work, trial, np.zeros(4, np.uint64), False, 1, limit)
    return count


@jit
def _force(problem, work, domains, moments, limit):
    """Decide the variables that look-ahead left open, by search. Return how many were searched.

    It is -1 if there is no solution, or if a search gave up. The moments go on in reading order.
    """
    variables = problem.sizes[0]
    groups, trial = np.empty(variables, np.int64), np.empty(variables, np.int64)
    _mark_groups(problem, domains, groups, trial)
    count, _ = search(problem, work, domains, np.zeros(4, np.uint64), False, 1, limit)
    if count != 1:
        return -1
    first = np.int64(1) << work.solution[:variables]
    seen = first.copy()  # the values that occur in solutions
    last, searches = moments.max() + 1, 0
    for v in range(variables):
        is_free = problem.use_starts[v] == problem.use_starts[v + 1]
        if is_free or is_single(domains[v]) or not is_single(seen[v]):
            continue
        searches += 1
        count = _other_solution(problem, work, domains, groups, first, trial, v, limit)
        if count == GAVE_UP:
            return -1
        if count == 0:
            domains[v], moments[v] = seen[v], last + v
        else:
            for u in range(variables):
                if groups[u] == groups[v]:
                    seen[u] |= np.int64(1) << work.solution[u]
    return searches


@jit
def force_all(problems, work, limit, counts, values, moments, figures):
    """Write what each problem forces, as `study_all` does. An open variable has the value -1.

    counts: 1 if a solution was found and no search gave up, else 0. No constraint may be a LINE.
    """
    domains = np.empty(problems.domains.shape[1], np.int64)
    for i in range(problems.domains.shape[0]):
        problem = row_of(problems, i)
        domains[:] = problem.domains
        narrowings, trials, undecided = deduce(problem, work, domains)
        moments[i] = work.moments
        searches = _force(problem, work, domains, moments[i], limit)
        counts[i] = searches >= 0
        for v in range(problem.sizes[0]):
            values[i, v] = value_of(domains[v]) if domains[v] > 0 and is_single(domains[v]) else -1
        figures[i, 0], figures[i, 1] = narrowings, trials
        figures[i, 2], figures[i, 3] = undecided, max(searches, 0)
