"""Read answers to puzzles: find what is wrong with them, measure how far they got, and write random ones.

A variable is the cell of a grid, and each of its values has a code, or KEEP: the cell stays as it is in the
question. Grids are flat: `(n, cells)`.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import inlined, jit
from vizbench.kernels.constraints import bits, is_single, row_of
from vizbench.kernels.grid_constraints import narrow_any
from vizbench.kernels.propagate import forget_queue
from vizbench.kernels.rng import rng_below

KEEP = -1
"""The code of a value that leaves a cell as it is in the question."""

RIGHT, CLUE_CHANGED, STRANGE_CODE, RULE_BROKEN = range(4)
"""What is wrong with an answer."""


@jit
def _read(domain, codes, before, code, is_partial):
    """Return the values that a code gives to a variable, as bits; 0 if it has none of them.

    domain: the values that the question allows. before: the code in the question. is_partial: a cell that is
    unchanged may have any of these values.
    """
    if is_partial and before == code:
        return domain
    for value in range(codes.shape[0]):
        if codes[value] == code or (codes[value] == KEEP and before == code):
            return domain & (np.int64(1) << value)
    return np.int64(0)


@jit
def _changed_clue(is_place, question, answer):
    """Return the first changed cell that is no variable's; -1 if there is none."""
    for cell in range(question.shape[0]):
        if not is_place[cell] and question[cell] != answer[cell]:
            return cell
    return -1


@inlined
def _find_fault(problem, work, places, is_place, codes, question, answer, is_partial, domains):
    """Return what is wrong with an answer: its kind, and the cell, or the rule and its number.

    is_partial: as in `_read`. Then each constraint is checked on its own, whether it can still hold.
    """
    clue = _changed_clue(is_place, question, answer)
    if clue >= 0:
        return CLUE_CHANGED, clue, 0
    for v in range(problem.sizes[0]):
        cell, allowed = places[v], problem.domains[v]
        domains[v] = _read(allowed, codes, question[cell], answer[cell], is_partial)
        if domains[v] == 0:
            return (CLUE_CHANGED if is_single(allowed) else STRANGE_CODE), cell, 0
    for c in range(problem.sizes[1]):
        work.trial[:] = domains
        fits = narrow_any(problem, work, work.trial, c)
        forget_queue(work)
        if not fits:
            return RULE_BROKEN, problem.rules[c], problem.numbers[c]
    return RIGHT, 0, 0


@jit
def find_faults(problems, work, places, codes, question, answer, is_partial, faults):
    """Write what is wrong with each answer to `faults` (n, 3), see `_find_fault`."""
    is_place = np.zeros(question.shape[1], np.bool_)
    for cell in places:
        is_place[cell] = True
    domains = np.empty(problems.domains.shape[1], np.int64)
    for i in range(question.shape[0]):
        problem = row_of(problems, i)
        kind, at, number = _find_fault(
            problem, work, places, is_place, codes, question[i], answer[i], is_partial, domains
        )
        faults[i, 0], faults[i, 1], faults[i, 2] = kind, at, number


@jit
def _score(question, target, answer, is_open, due, hit, missed):
    """Return the parts of one answer, see `PuzzleTask.parts`. due, hit, missed: `(256,)` int64, scratch."""
    due[:] = 0
    hit[:] = 0
    missed[:] = 0
    cells, made, won, clues, kept = 0, 0, 0, 0, 0
    for cell in range(question.shape[0]):
        old, new, code = question[cell], target[cell], answer[cell]
        if not is_open[old]:
            clues += 1
            kept += code == old
            continue
        cells += 1
        if new != old:
            due[new] += 1
        if code != old:
            made += 1
            won += code == new
            hit[code] += code == new
            missed[code] += code != new
    right, codes = 0.0, 0
    for code in range(due.shape[0]):
        if due[code] > 0:
            others = cells - due[code]
            codes += 1
            right += hit[code] / due[code] - (missed[code] / others if others > 0 else 0.0)
    right = max(right, 0.0) / codes if codes > 0 else 0.0
    precise = won / made if made > 0 else 0.0
    unchanged = kept / clues if clues > 0 else 1.0
    return right, precise, unchanged


@jit
def score_all(question, target, answer, is_open, right, precise, kept):
    """Write the parts of each answer, `(n,)` each. is_open `(256,)`: the codes that are no clues."""
    due, hit, missed = np.empty(256, np.int64), np.empty(256, np.int64), np.empty(256, np.int64)
    for i in range(question.shape[0]):
        right[i], precise[i], kept[i] = _score(question[i], target[i], answer[i], is_open, due, hit, missed)


@jit
def write_random(problem, codes, places, rng, answer):
    """Give each variable that has a choice a random value in `answer` (cells,)."""
    for v in range(problem.sizes[0]):
        left = problem.domains[v]
        if is_single(left):
            continue
        for _ in range(rng_below(rng, bits(left))):
            left &= left - 1
        value = 0
        while left >> value & 1 == 0:
            value += 1
        if codes[value] != KEEP:
            answer[places[v]] = codes[value]
