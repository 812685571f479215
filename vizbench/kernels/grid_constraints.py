"""Narrow constraints about cells of a grid: equal neighbours, connected cells, chains of numbers.

They add to the kinds of `kernels.constraints`. `narrow_any` takes all kinds.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import is_single, narrow, restrict
from vizbench.kernels.line_constraints import (
    EITHER,
    LOOP,
    RECTANGLE,
    narrow_either,
    narrow_loop,
    narrow_rectangle,
)

SAME, CONNECTED, NEXT = range(100, 103)
"""The kinds of constraints, see the kernel of each."""


@jit
def _alike(problem, domains, c, value):
    """Return how many variables after the first of a scope surely have a value, and how many may have it."""
    sure, possible = 0, 0
    for k in range(problem.starts[c] + 1, problem.starts[c + 1]):
        domain = domains[problem.scopes[k]]
        sure += domain == value
        possible += domain & value != 0
    return sure, possible


@jit
def _narrow_same(problem, work, domains, c):
    """SAME: between low and high of the other variables of the scope have the value of the first."""
    first, low, high = problem.scopes[problem.starts[c]], problem.lows[c], problem.highs[c]
    keep, left = domains[first] & 0, domains[first]
    while left:
        value = left & -left
        left ^= value
        sure, possible = _alike(problem, domains, c, value)
        if sure <= high and possible >= low:
            keep |= value
    if not restrict(problem, work, domains, first, keep):
        return False
    if not is_single(keep):
        return True
    sure, possible = _alike(problem, domains, c, keep)
    if sure == possible or (sure < high and possible > low):
        return True
    rest = ~keep if sure == high else keep
    for k in range(problem.starts[c] + 1, problem.starts[c + 1]):
        v = problem.scopes[k]
        if domains[v] & keep and domains[v] != keep:
            restrict(problem, work, domains, v, rest)
    return True


@jit
def _reach(problem, domains, c, start, seen, queue):
    """Mark in `seen` which cells of a CONNECTED can be joined to one of them. Return how many there are."""
    first, width = problem.starts[c], problem.lows[c]
    cells = problem.starts[c + 1] - first
    seen[:cells] = 0
    seen[start] = 1
    queue[0] = start
    head, tail = 0, 1
    while head < tail:
        cell = queue[head]
        head += 1
        column = cell % width
        for k in range(4):
            near = cell + (k == 0) - (k == 1) + width * ((k == 2) - (k == 3))
            beyond = (k == 0 and column == width - 1) or (k == 1 and column == 0)
            if beyond or near < 0 or near >= cells or seen[near]:
                continue
            if domains[problem.scopes[first + near]] & problem.masks[c]:
                seen[near] = 1
                queue[tail] = near
                tail += 1
    return tail


@jit
def _narrow_connected(problem, work, domains, c):
    """CONNECTED: the cells with a value of the mask are connected by their sides.

    The scope is a grid in reading order. low: its width.
    """
    first, mask = problem.starts[c], problem.masks[c]
    cells = problem.starts[c + 1] - first
    start = 0
    while start < cells and domains[problem.scopes[first + start]] & ~mask:
        start += 1
    if start == cells:
        return True
    side = work.ahead.shape[0]
    seen, queue = work.ahead.reshape(side * side), work.back.reshape(side * side)
    _reach(problem, domains, c, start, seen, queue)
    for cell in range(cells):
        if seen[cell]:
            continue
        v = problem.scopes[first + cell]
        if domains[v] & mask and not restrict(problem, work, domains, v, ~mask):
            return False
    return True


@jit
def _narrow_next(problem, work, domains, c):
    """NEXT: other variables of the scope have the value before the first one's, and the value after it.

    The value 0 needs none before it, and the value high none after it.
    """
    first, near = problem.scopes[problem.starts[c]], np.int64(0)
    for k in range(problem.starts[c] + 1, problem.starts[c + 1]):
        near |= domains[problem.scopes[k]]
    has_before = near << 1 | 1
    has_after = near >> 1 | np.int64(1) << problem.highs[c]
    return restrict(problem, work, domains, first, has_before & has_after)


@jit
def narrow_any(problem, work, domains, c):
    """Remove the values that a constraint of any kind excludes. Return False if it cannot hold."""
    kind = problem.kinds[c]
    if kind == SAME:
        return _narrow_same(problem, work, domains, c)
    if kind == CONNECTED:
        return _narrow_connected(problem, work, domains, c)
    if kind == NEXT:
        return _narrow_next(problem, work, domains, c)
    if kind == EITHER:
        return narrow_either(problem, work, domains, c)
    if kind == LOOP:
        return narrow_loop(problem, work, domains, c)
    if kind == RECTANGLE:
        return narrow_rectangle(problem, work, domains, c)
    return narrow(problem, work, domains, c)
