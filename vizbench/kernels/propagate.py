"""Solve puzzles: propagate constraints, search with bounds, and order the deductions.

A problem is written by `kernels.constraints`. All kernels work on `domains`, a mask of values per variable.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import inlined, jit
from vizbench.kernels.constraints import (
    DIFFERENT,
    SUM,
    bits,
    enqueue,
    is_single,
    restrict,
    row_of,
    value_of,
)
from vizbench.kernels.grid_constraints import narrow_any
from vizbench.kernels.rng import rng_below, rng_seed, rng_shuffle

GAVE_UP = -1
"""The count of a search that reached its limit."""


@jit
def forget_queue(work):
    """Forget what is queued."""
    while work.marks[0] != work.marks[1]:
        work.queued[work.queue[work.marks[0]]] = False
        work.marks[0] = (work.marks[0] + 1) % work.queue.shape[0]


@jit
def settle(problem, work, domains):
    """Narrow queued constraints until nothing follows. Return False at a contradiction."""
    while work.marks[0] != work.marks[1]:
        c = work.queue[work.marks[0]]
        work.marks[0] = (work.marks[0] + 1) % work.queue.shape[0]
        work.marks[2] += 1
        # These kinds may find more when they are narrowed again. The others find all at once.
        again = problem.kinds[c] == DIFFERENT or problem.kinds[c] == SUM
        if again:
            work.queued[c] = False
        fits = narrow_any(problem, work, domains, c)
        if not again:
            work.queued[c] = False
        if not fits:
            forget_queue(work)
            return False
    return True


@inlined
def settle_all(problem, work, domains):
    """Narrow all constraints until nothing follows. Return False at a contradiction."""
    for v in range(problem.sizes[0]):
        if domains[v] == 0:
            return False
    for c in range(problem.sizes[1]):
        enqueue(work, c)
    return settle(problem, work, domains)


@jit
def _pick(problem, domains, rng, is_random):
    """Return an undecided variable with the fewest values; -1 if all are decided.

    Of several, it is the first, from a random place on if so asked.
    """
    variables = problem.sizes[0]
    offset = rng_below(rng, variables) if is_random else 0
    chosen, fewest = -1, 99
    for k in range(variables):
        v = k + offset if k + offset < variables else k + offset - variables
        if is_single(domains[v]):
            continue
        count = bits(domains[v])
        if count < fewest:
            chosen, fewest = v, count
            if count == 2:
                break
    return chosen


@jit
def _next_value(left, rng, is_random):
    """Return the lowest value of a mask, or a random one, as a bit."""
    skip = rng_below(rng, bits(left)) if is_random else 0
    for _ in range(skip):
        left &= left - 1
    return left & -left


@jit
def _keep_solution(problem, work, domains):
    for v in range(problem.sizes[0]):
        work.solution[v] = value_of(domains[v])


@jit
def search(problem, work, domains, rng, is_random, most, limit):
    """Count the solutions within `domains`, at most `most`. Return the count and the values that were tried.

    The count is GAVE_UP if more than `limit` values would be tried. The first solution is left in
    `work.solution`. rng: `(4,)` uint64, used only if `is_random`, for the order of variables and values.
    """
    levels, count, tried = work.levels, 0, 0
    variables = problem.sizes[0]
    levels[0, :variables] = domains[:variables]
    if not settle_all(problem, work, levels[0]):
        return 0, 0
    work.chosen[0] = _pick(problem, levels[0], rng, is_random)
    if work.chosen[0] < 0:
        _keep_solution(problem, work, levels[0])
        return 1, 0
    work.left[0] = levels[0, work.chosen[0]]
    depth = 0
    while depth >= 0 and count < most:
        if work.left[depth] == 0:
            depth -= 1
            continue
        if tried == limit:
            return GAVE_UP, tried
        tried += 1
        value = _next_value(work.left[depth], rng, is_random)
        work.left[depth] ^= value
        levels[depth + 1, :variables] = levels[depth, :variables]
        restrict(problem, work, levels[depth + 1], work.chosen[depth], value)
        if not settle(problem, work, levels[depth + 1]):
            continue
        v = _pick(problem, levels[depth + 1], rng, is_random)
        if v >= 0:
            depth += 1
            work.chosen[depth], work.left[depth] = v, levels[depth, v]
        else:
            if count == 0:
                _keep_solution(problem, work, levels[depth + 1])
            count += 1
    return count, tried


@inlined
def _refute(problem, work, domains, v, value):
    """Return whether a value of a variable, as a bit, leads to a contradiction at once."""
    variables = problem.sizes[0]
    work.trial[:variables] = domains[:variables]
    restrict(problem, work, work.trial, v, value)
    return not settle(problem, work, work.trial)


@inlined
def _look_ahead(problem, work, domains):
    """Try each value of each undecided variable in turn, until one is refuted. Remove it.

    Returns the number of trials, and whether one was refuted.
    """
    trials = 0
    for v in range(problem.sizes[0]):
        if is_single(domains[v]):
            continue
        left = domains[v]
        while left:
            value = left & -left
            left ^= value
            trials += 1
            if _refute(problem, work, domains, v, value):
                restrict(problem, work, domains, v, ~value)
                return trials, True
    return trials, False


@jit
def deduce(problem, work, domains):
    """Decide variables as far as propagation and looking one step ahead lead. `work.moments` has the order.

    Returns the constraints that were narrowed, the trials, and the variables that stay undecided.
    """
    work.marks[2:] = 0
    trials, more = 0, True
    fits = settle_all(problem, work, domains)
    while fits and more:
        tries, more = _look_ahead(problem, work, domains)
        trials += tries
        if more:
            fits = settle(problem, work, domains)
    undecided = 0
    for v in range(problem.sizes[0]):
        if not is_single(domains[v]):
            undecided += 1
            work.moments[v] = work.marks[3] + v
    return work.marks[2], trials, undecided


@inlined
def has_other(problem, work, domains, v, value, rng, limit):
    """Return whether a solution may exist in which a variable has another value, of those in its domain.

    True also if a search over `limit` values does not decide it. `domains` is left as it is.
    """
    before = domains[v]
    domains[v] = before & ~(np.int64(1) << value)
    count, _ = search(problem, work, domains, rng, False, 1, limit)
    domains[v] = before
    return count != 0


@inlined
def is_unique(problem, work, domains, rng, limit):
    """Return whether a search proves exactly one solution, left in `work.solution`."""
    count, _ = search(problem, work, domains, rng, False, 2, limit)
    return count == 1


@inlined
def _hide_givens(problem, work, solution, full, order, most, rng, limit):
    """Take givens away in an order, as long as the solution stays the only one, at most `most` of them.

    full: the domain of a variable without a given. `problem.domains` gets the value of each given and the
    full domain of the others. Returns how many were taken away.
    """
    for v in range(problem.sizes[0]):
        problem.domains[v] = np.int64(1) << solution[v]
    hidden = 0
    for v in order:
        if hidden == most:
            break
        problem.domains[v] = full
        if has_other(problem, work, problem.domains, v, solution[v], rng, limit):
            problem.domains[v] = np.int64(1) << solution[v]
        else:
            hidden += 1
    return hidden


@inlined
def _hide_clues(problem, work, clues, most, rng, limit):
    """Take clues away in an order, as long as the solution stays the only one, at most `most` of them.

    clues: COUNT constraints. One that is taken away gets bounds that always hold: 0 and the number of all
    variables plus one.
    """
    hidden = 0
    for c in clues:
        if hidden == most:
            break
        low, high = problem.lows[c], problem.highs[c]
        problem.lows[c], problem.highs[c] = 0, problem.sizes[0] + 1
        hidden += 1
        if not is_unique(problem, work, problem.domains, rng, limit):
            problem.lows[c], problem.highs[c] = low, high
            hidden -= 1


# The same for many problems


@jit
def seed_all(keys, states):
    """Seed a random generator per key, `(n, 4)`."""
    for i in range(keys.shape[0]):
        rng_seed(states[i], keys[i])


@jit
def study_all(problems, work, limit, counts, solutions, moments, figures):
    """Solve problems, and note the order of deductions and the effort.

    counts `(n,)`: the solutions, 2 for two or more, GAVE_UP if that is not known. solutions, moments:
    `(n, variables)`, see `search` and `deduce`. figures `(n, 4)`: what `deduce` returns, and the values that
    a search tries after it.
    """
    rng = np.zeros(4, np.uint64)
    domains = np.empty(problems.domains.shape[1], np.int64)
    for i in range(problems.domains.shape[0]):
        problem = row_of(problems, i)
        domains[:] = problem.domains
        narrowings, trials, undecided = deduce(problem, work, domains)
        moments[i] = work.moments
        counts[i], tried = search(problem, work, domains, rng, False, 2, limit)
        solutions[i] = work.solution
        figures[i, 0], figures[i, 1] = narrowings, trials
        figures[i, 2], figures[i, 3] = undecided, tried


@jit
def prove_all(problems, work, limit, unique):
    """Write which problems have exactly one solution, by a search over `limit` values, to `unique` (n,)."""
    rng = np.zeros(4, np.uint64)
    for i in range(problems.domains.shape[0]):
        problem = row_of(problems, i)
        unique[i] = is_unique(problem, work, problem.domains, rng, limit)


@jit
def draw_all(problems, work, states, limit, solutions):
    """Draw a solution of each problem by a random search, begun again after `limit` values.

    Each problem must have one. states `(n, 4)`: a random generator per problem.
    """
    for i in range(problems.domains.shape[0]):
        problem = row_of(problems, i)
        while search(problem, work, problem.domains, states[i], True, 1, limit)[0] != 1:
            pass
        solutions[i] = work.solution


@jit
def hide_givens_all(problems, work, states, limit, solutions, full, most):
    """Take givens away from solutions in random order, see `_hide_givens`, into the problems' domains."""
    variables = problems.domains.shape[1]
    for i in range(problems.domains.shape[0]):
        order = np.arange(variables)
        rng_shuffle(states[i], order, variables)
        _hide_givens(row_of(problems, i), work, solutions[i], full, order, most, states[i], limit)


@jit
def hide_clues_all(problems, work, states, limit, rule, percent):
    """Take clues away in random order, see `_hide_clues`: at most a percentage of a rule's constraints."""
    for i in range(problems.domains.shape[0]):
        problem = row_of(problems, i)
        clues, count = np.empty(problem.sizes[1], np.int64), 0
        for c in range(problem.sizes[1]):
            if problem.rules[c] == rule:
                clues[count] = c
                count += 1
        rng_shuffle(states[i], clues, count)
        _hide_clues(problem, work, clues[:count], count * percent // 100, states[i], limit)
