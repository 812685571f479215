"""Measure how far an answer got from a question to its target, cell by cell."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def _compare(before, target, answer, due, hit):
    """Compare flat grids `(c,)`, and return `changed` and `precise`, each 0..1.

    due, hit: `(256,)` int64, scratch. For each code: the cells that had to become it, and those that did.
    """
    due[:] = 0
    hit[:] = 0
    still, spoiled, touched, right = 0, 0, 0, 0
    for cell in range(before.shape[0]):
        old, new, made = before[cell], target[cell], answer[cell]
        if old == new:
            still += 1
            spoiled += made != old
        else:
            due[new] += 1
            hit[new] += made == new
        if made != old:
            touched += 1
            right += made == new
    worst = 1.0
    for code in range(256):
        if due[code] > 0:
            worst = min(worst, hit[code] / due[code])
    changed = worst - (spoiled / still if still > 0 else 0.0)
    return max(0.0, changed), (right / touched if touched > 0 else 0.0)


@jit
def change_parts(before, target, answer, changed, precise):
    """Measure the changes that each answer makes. before, target, answer: `(n, c)` uint8.

    changed `(n,)` float64: of the cells that had to become one code, the share that did, for the code with
    the least share; minus the share of the other cells that did not keep their code; at least 0. So a copy
    has 0, one code everywhere has 0 if several are due, and random codes have about 0.
    precise `(n,)` float64: of the cells that the answer changes, the share that is right; 0 if it changes
    none.
    """
    due, hit = np.empty(256, np.int64), np.empty(256, np.int64)
    for i in range(before.shape[0]):
        changed[i], precise[i] = _compare(before[i], target[i], answer[i], due, hit)


@jit
def _differ(a, b):
    """Return how many cells of two flat grids differ."""
    count = 0
    for cell in range(a.shape[0]):
        count += a[cell] != b[cell]
    return count


@jit
def step_parts(question, states, starts, answer, steps, changed, precise):
    """Measure how far each answer got along its process.

    question, answer: `(n, c)` uint8. states `(total, c)` and starts `(n + 1,)`: as in `Trajectories`. The
    state of the process with the fewest differing cells counts, the first of several.

    steps `(n,)` float64: that state's place in the process, from 0 for the question to 1 for the last state;
    the first state's for an answer that is nearest to the question. changed, precise `(n,)` float64: as in
    `change_parts`, from the state before to that state.
    """
    due, hit = np.empty(256, np.int64), np.empty(256, np.int64)
    for i in range(question.shape[0]):
        first, count = starts[i], starts[i + 1] - starts[i]
        nearest, least = 0, _differ(question[i], answer[i])
        for k in range(count):
            differ = _differ(states[first + k], answer[i])
            if differ < least:
                nearest, least = k + 1, differ
        nearest = max(nearest, 1)
        before = question[i] if nearest == 1 else states[first + nearest - 2]
        changed[i], precise[i] = _compare(before, states[first + nearest - 1], answer[i], due, hit)
        steps[i] = nearest / count


@jit
def near_parts(question, states, starts, answer, steps, near):
    """Measure how far each answer got along its process, and how many cells are wrong.

    As in `step_parts`, but near `(n,)` float64 is 1 minus the cells that differ from the nearest state, as a
    share of half the cells that the step to it changed, at least 0. Use it if most cells can be foreseen.
    """
    for i in range(question.shape[0]):
        first, count = starts[i], starts[i + 1] - starts[i]
        nearest, least = 0, _differ(question[i], answer[i])
        for k in range(count):
            differ = _differ(states[first + k], answer[i])
            if differ < least:
                nearest, least = k + 1, differ
        steps[i], near[i] = max(nearest, 1) / count, 0.0
        if nearest > 0:
            before = question[i] if nearest == 1 else states[first + nearest - 2]
            changed = _differ(before, states[first + nearest - 1])
            near[i] = max(0.0, 1 - 2 * least / changed) if changed > 0 else 0.0
