"""Hold the constraints of a puzzle as flat arrays, and narrow the values that its variables may take.

A variable has a domain: a mask of values 0 … 62, bit k for value k. A constraint has a kind, bounds, a mask
of values and a scope of variables. One kernel per kind removes values that the constraint excludes. If each
variable of its scope has one value, it decides exactly whether the constraint holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit

COUNT, DIFFERENT, LESS, SUM, UNEQUAL_LINES, LINE, VISIBLE = range(7)
"""The kinds of constraints, see the kernel of each."""

Ints = npt.NDArray[np.int64]


class Problem(NamedTuple):
    """Hold the variables and constraints of one question. Kernels write it, see `clear`.

    Problems of several questions are arrays with one more axis, the rows. `row_of` returns one of them.
    """

    sizes: Ints
    """How many variables, constraints and entries of scopes are in use, `(3,)`."""
    domains: Ints
    """The values that each variable may take at first, as bits, `(variables,)`."""
    kinds: Ints
    """The kind of each constraint, `(constraints,)`."""
    lows: Ints
    """The lower bound of each constraint."""
    highs: Ints
    """The upper bound of each constraint."""
    masks: Ints
    """The values that each constraint is about, as bits."""
    rules: Ints
    """The number of the rule that each constraint belongs to, for reasons."""
    numbers: Ints
    """What is numbered within the rule: a row, a column, a cell."""
    starts: Ints
    """Where the scope of each constraint begins, and the end, `(constraints + 1,)`."""
    scopes: Ints
    """The variables of all scopes, `(entries,)`. After them, a LINE has the lengths of its runs."""
    use_starts: Ints
    """Where the constraints of each variable begin in `uses`, `(variables + 1,)`."""
    uses: Ints
    """The constraints of each variable, `(entries,)`."""


class Work(NamedTuple):
    """Hold what propagation and search write while they work."""

    queue: Ints
    """The constraints that must be narrowed again, a ring, `(constraints + 1,)`."""
    queued: npt.NDArray[np.bool_]
    """Which constraints are in the queue, `(constraints,)`."""
    marks: Ints
    """Head and tail of the queue, narrowings so far, and variables that got one value so far, `(4,)`."""
    moments: Ints
    """When each variable got its one value, `(variables,)`. Only their order counts."""
    levels: Ints
    """The domains at each depth of the search, `(variables + 2, variables)`."""
    chosen: Ints
    """The variable that is tried at each depth."""
    left: Ints
    """Its values that are not tried yet, as bits."""
    solution: Ints
    """The first solution of a search, a value per variable."""
    trial: Ints
    """Domains of a trial, `(variables,)`."""
    ahead: Ints
    """Scratch of `LINE` and `VISIBLE`, `(65, 65)`."""
    back: Ints
    """The same from the other end."""


def new_problems(rows: int, variables: int, constraints: int, entries: int) -> Problem:
    """Return problems with room for so many variables, constraints and entries of scopes each."""
    kinds, lows, highs, masks, rules, numbers = (np.zeros((rows, constraints), np.int64) for _ in range(6))
    return Problem(
        np.zeros((rows, 3), np.int64),
        np.zeros((rows, variables), np.int64),
        kinds,
        lows,
        highs,
        masks,
        rules,
        numbers,
        np.zeros((rows, constraints + 1), np.int64),
        np.zeros((rows, entries), np.int64),
        np.zeros((rows, variables + 1), np.int64),
        np.zeros((rows, entries), np.int64),
    )


@jit
def row_of(problems, i):
    """Return one of several problems. What is written to it, is written there."""
    return Problem(
        problems.sizes[i],
        problems.domains[i],
        problems.kinds[i],
        problems.lows[i],
        problems.highs[i],
        problems.masks[i],
        problems.rules[i],
        problems.numbers[i],
        problems.starts[i],
        problems.scopes[i],
        problems.use_starts[i],
        problems.uses[i],
    )


def new_work(problem: Problem) -> Work:
    """Return what a search in a problem, or in one of several, needs."""
    variables, constraints = problem.domains.shape[-1], problem.kinds.shape[-1]
    return Work(
        np.zeros(constraints + 1, np.int64),
        np.zeros(constraints, np.bool_),
        np.zeros(4, np.int64),
        np.zeros(variables, np.int64),
        np.zeros((variables + 2, variables), np.int64),
        np.zeros(variables + 2, np.int64),
        np.zeros(variables + 2, np.int64),
        np.zeros(variables, np.int64),
        np.zeros(variables, np.int64),
        np.zeros((65, 65), np.int64),
        np.zeros((65, 65), np.int64),
    )


# Write a problem


@jit
def clear(problem, variables, domain):
    """Begin a problem: so many variables with one domain, and no constraint."""
    problem.sizes[0], problem.sizes[1], problem.sizes[2] = variables, 0, 0
    problem.domains[:variables] = domain
    problem.starts[0] = 0


@jit
def demand(problem, kind, low, high, mask, rule, number):
    """Add a constraint with an empty scope, and return its position. Add its variables by `over`."""
    at = problem.sizes[1]
    problem.kinds[at], problem.lows[at], problem.highs[at] = kind, low, high
    problem.masks[at], problem.rules[at], problem.numbers[at] = mask, rule, number
    problem.sizes[1] = at + 1
    problem.starts[at + 1] = problem.sizes[2]
    return at


@jit
def over(problem, variable):
    """Add a variable to the scope of the last constraint."""
    problem.scopes[problem.sizes[2]] = variable
    problem.sizes[2] += 1
    problem.starts[problem.sizes[1]] = problem.sizes[2]


@jit
def _scope_end(problem, c):
    """Return where the variables in the scope of a constraint end."""
    if problem.kinds[c] == LINE:
        return problem.starts[c] + problem.lows[c]
    return problem.starts[c + 1]


@jit
def seal(problem):
    """Finish a problem: list the constraints of each variable."""
    variables, constraints = problem.sizes[0], problem.sizes[1]
    ends = problem.use_starts
    ends[: variables + 1] = 0
    for c in range(constraints):
        for k in range(problem.starts[c], _scope_end(problem, c)):
            ends[problem.scopes[k]] += 1
    total = 0
    for v in range(variables):
        total += ends[v]
        ends[v] = total
    ends[variables] = total
    for c in range(constraints - 1, -1, -1):
        for k in range(problem.starts[c], _scope_end(problem, c)):
            v = problem.scopes[k]
            ends[v] -= 1
            problem.uses[ends[v]] = c


# Values as bits


@jit
def bits(mask):
    """Return how many values a mask has."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@jit
def value_of(bit):
    """Return the value of a mask that has one."""
    value = 0
    while bit > 1:
        bit >>= 1
        value += 1
    return value


@jit
def highest(mask):
    """Return the largest value of a mask that has any."""
    return value_of(mask)


@jit
def is_single(mask):
    """Return whether a mask has one value at most."""
    return mask & (mask - 1) == 0


# Propagate


@jit
def enqueue(work, c):
    """Put a constraint in the queue, if it is not there."""
    if not work.queued[c]:
        work.queued[c] = True
        tail = work.marks[1]
        work.queue[tail] = c
        work.marks[1] = tail + 1 if tail + 1 < work.queue.shape[0] else 0


@jit
def restrict(problem, work, domains, v, mask):
    """Keep only the values of a mask, and queue the variable's constraints. Return False if none is left."""
    before = domains[v]
    after = before & mask
    if after == before:
        return True
    domains[v] = after
    if after == 0:
        return False
    if is_single(after):
        work.moments[v] = work.marks[3]
        work.marks[3] += 1
    for k in range(problem.use_starts[v], problem.use_starts[v + 1]):
        enqueue(work, problem.uses[k])
    return True


@jit
def _narrow_count(problem, work, domains, c):
    """COUNT: between low and high variables of the scope have a value of the mask."""
    mask, low, high = problem.masks[c], problem.lows[c], problem.highs[c]
    first, end = problem.starts[c], problem.starts[c + 1]
    sure, possible = 0, 0
    for k in range(first, end):
        domain = domains[problem.scopes[k]]
        possible += domain & mask != 0
        sure += domain & ~mask == 0
    if sure > high or possible < low:
        return False
    if sure == possible or (sure < high and possible > low):
        return True
    keep = ~mask if sure == high else mask
    for k in range(first, end):
        v = problem.scopes[k]
        if domains[v] & mask != 0 and domains[v] & ~mask != 0:
            restrict(problem, work, domains, v, keep)
    return True


@jit
def _narrow_different(problem, work, domains, c):
    """DIFFERENT: no two variables of the scope have one value, and each value of the mask is taken."""
    first, end = problem.starts[c], problem.starts[c + 1]
    taken, once, twice = 0, 0, 0
    for k in range(first, end):
        domain = domains[problem.scopes[k]]
        if is_single(domain):
            if taken & domain:
                return False
            taken |= domain
        twice |= once & domain
        once |= domain
    if problem.masks[c] & ~once:
        return False
    hidden = problem.masks[c] & ~twice & ~taken
    for k in range(first, end):
        v = problem.scopes[k]
        domain = domains[v]
        if is_single(domain):
            continue
        keep = domain & hidden if domain & hidden else ~taken
        if not restrict(problem, work, domains, v, keep):
            return False
        if not is_single(keep & domain) and domain & hidden:
            return False  # it had to take two values
    return True


@jit
def _narrow_less(problem, work, domains, c):
    """LESS: the value of the first variable, plus low, is at most the value of the second."""
    a, b = problem.scopes[problem.starts[c]], problem.scopes[problem.starts[c] + 1]
    low, one = problem.lows[c], np.int64(1)
    most = highest(domains[b]) - low
    if most < 0 or not restrict(problem, work, domains, a, (one << (most + 1)) - 1):
        return False
    lowest = domains[a] & -domains[a]
    return restrict(problem, work, domains, b, ~((lowest << low) - 1))


@jit
def _narrow_sum(problem, work, domains, c):
    """SUM: the values of the scope add up to between low and high."""
    first, end = problem.starts[c], problem.starts[c + 1]
    least, most, one = 0, 0, np.int64(1)
    for k in range(first, end):
        domain = domains[problem.scopes[k]]
        least += value_of(domain & -domain)
        most += highest(domain)
    if least > problem.highs[c] or most < problem.lows[c]:
        return False
    for k in range(first, end):
        v = problem.scopes[k]
        small, large = value_of(domains[v] & -domains[v]), highest(domains[v])
        top = min(large, problem.highs[c] - least + small)
        bottom = max(small, problem.lows[c] - most + large)
        keep = ((one << (top + 1)) - 1) & ~((one << bottom) - 1)
        if not restrict(problem, work, domains, v, keep):
            return False
    return True


@jit
def _narrow_unequal(problem, work, domains, c):
    """UNEQUAL_LINES: the first and the second half of the scope differ in a place."""
    first, end = problem.starts[c], problem.starts[c + 1]
    half = (end - first) // 2
    a, b, open_pairs = 0, 0, 0
    for k in range(first, first + half):
        one, other = domains[problem.scopes[k]], domains[problem.scopes[k + half]]
        if one & other == 0:
            return True
        if not (one == other and is_single(one)):
            open_pairs += 1
            if open_pairs > 1:
                return True
            a, b = problem.scopes[k], problem.scopes[k + half]
    if open_pairs == 0:
        return False
    if is_single(domains[a]):
        return restrict(problem, work, domains, b, ~domains[a])
    if is_single(domains[b]):
        return restrict(problem, work, domains, a, ~domains[b])
    return True


@jit
def _line_fits(problem, domains, c, work, ahead):
    """Write to `ahead[i, j]` whether the first i cells can hold exactly the first j runs of a LINE.

    `back[i, j]` is written likewise for the cells from i and the runs from j, if `ahead` is False.
    """
    first, cells = problem.starts[c], problem.lows[c]
    runs = problem.starts[c + 1] - first - cells
    table = work.ahead if ahead else work.back
    table[: cells + 1, : runs + 1] = 0
    table[0, 0] = 1
    for i in range(1, cells + 1):
        place = i - 1 if ahead else cells - i
        can_stay = domains[problem.scopes[first + place]] & 1
        for j in range(runs + 1):
            if can_stay and table[i - 1, j]:
                table[i, j] = 1
            elif j > 0:
                run = j - 1 if ahead else runs - j
                length = problem.scopes[first + cells + run]
                table[i, j] = _run_ends(problem, domains, first, cells, table, i, j, length, ahead)
    return table[cells, runs] == 1


@jit
def _run_ends(problem, domains, first, cells, table, i, j, length, ahead):
    """Return whether run j of a LINE can end with cell i - 1, counted from the end that `ahead` says."""
    if length > i:
        return 0
    for back in range(1, length + 1):
        place = i - back if ahead else cells - 1 - (i - back)
        if domains[problem.scopes[first + place]] & 2 == 0:
            return 0
    if length == i:
        return table[0, j - 1]
    place = i - length - 1 if ahead else cells - (i - length)
    if domains[problem.scopes[first + place]] & 1 == 0:
        return 0
    return table[i - length - 1, j - 1]


@jit
def _narrow_line(problem, work, domains, c):
    """LINE: the cells of the scope with value 1 form runs of the given lengths, in this order.

    low: the number of cells. The lengths follow them in the scope. The other cells have value 0.
    """
    first, cells = problem.starts[c], problem.lows[c]
    runs = problem.starts[c + 1] - first - cells
    if not _line_fits(problem, domains, c, work, True):
        return False
    _line_fits(problem, domains, c, work, False)
    filled, blank = 0, 0  # places that can be so, as bits
    for i in range(cells):
        for j in range(runs + 1):
            if domains[problem.scopes[first + i]] & 1 and work.ahead[i, j]:
                blank |= work.back[cells - i - 1, runs - j] << i
    for j in range(runs):
        length = problem.scopes[first + cells + j]
        for i in range(cells - length + 1):
            if _run_fits(problem, domains, work, first, cells, runs, i, j, length):
                filled |= ((np.int64(1) << length) - 1) << i
    for i in range(cells):
        keep = (blank >> i & 1) | (filled >> i & 1) << 1
        if not restrict(problem, work, domains, problem.scopes[first + i], keep):
            return False
    return True


@jit
def _run_fits(problem, domains, work, first, cells, runs, i, j, length):
    """Return whether run j of a LINE can begin at cell i, if the rest of the line is filled suitably."""
    for k in range(i, i + length):
        if domains[problem.scopes[first + k]] & 2 == 0:
            return False
    before, after = i, cells - i - length  # cells that are left on both sides
    if before > 0:
        if domains[problem.scopes[first + i - 1]] & 1 == 0:
            return False
        before -= 1
    if after > 0:
        if domains[problem.scopes[first + i + length]] & 1 == 0:
            return False
        after -= 1
    return work.ahead[before, j] == 1 and work.back[after, runs - 1 - j] == 1


@jit
def _seen_ahead(problem, domains, first, cells, table):
    """Write to `table[i, m]` the numbers of towers, as bits, seen in the first i cells if m is the highest.

    Heights are 1 … values, value k is height k + 1; m = 0: no cell yet.
    """
    table[: cells + 1, :] = 0
    table[0, 0] = 1
    for i in range(cells):
        domain = domains[problem.scopes[first + i]]
        for m in range(64):
            counts = table[i, m]
            if counts == 0:
                continue
            if domain & ((np.int64(1) << m) - 1):  # a lower or equal tower, not seen
                table[i + 1, m] |= counts
            higher = domain >> m
            height = m
            while higher:
                height += 1
                if higher & 1:
                    table[i + 1, height] |= counts << 1
                higher >>= 1


@jit
def _narrow_visible(problem, work, domains, c):
    """VISIBLE: between low and high towers of the scope are higher than all before them."""
    first = problem.starts[c]
    cells = problem.starts[c + 1] - first
    one = np.int64(1)
    _seen_ahead(problem, domains, first, cells, work.ahead)
    # back[i, m]: the numbers of towers, as bits, that are seen before cell i and lead to an allowed total.
    allowed = ((one << (problem.highs[c] + 1)) - 1) & ~((one << problem.lows[c]) - 1)
    work.back[cells, :] = allowed
    for i in range(cells - 1, -1, -1):
        domain, keep = domains[problem.scopes[first + i]], np.int64(0)
        for m in range(64):
            work.back[i, m] = 0
            counts = work.ahead[i, m]
            if counts == 0:
                continue
            rest, height = domain, 0
            while rest:
                height += 1
                if rest & 1:
                    if height > m:
                        fitting = counts & (work.back[i + 1, height] >> 1)
                    else:
                        fitting = counts & work.back[i + 1, m]
                    if fitting:
                        keep |= one << (height - 1)
                        work.back[i, m] |= fitting
                rest >>= 1
        if keep == 0:
            return False
        if not restrict(problem, work, domains, problem.scopes[first + i], keep):
            return False
    return True


@jit
def narrow(problem, work, domains, c):
    """Remove the values that a constraint excludes. Return False if it cannot hold."""
    kind = problem.kinds[c]
    if kind == COUNT:
        return _narrow_count(problem, work, domains, c)
    if kind == DIFFERENT:
        return _narrow_different(problem, work, domains, c)
    if kind == LESS:
        return _narrow_less(problem, work, domains, c)
    if kind == SUM:
        return _narrow_sum(problem, work, domains, c)
    if kind == UNEQUAL_LINES:
        return _narrow_unequal(problem, work, domains, c)
    if kind == LINE:
        return _narrow_line(problem, work, domains, c)
    return _narrow_visible(problem, work, domains, c)
