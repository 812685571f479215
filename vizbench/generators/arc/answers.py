"""Measure how far an answer got towards the rule's, colour by colour."""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench._util.jit import jit

_COLOURS: Final = 256


@jit
def _least_share(due, right):
    """Return the least share of cells that are right, of the colours that have cells; 1 if none has."""
    least = 1.0
    for colour in range(_COLOURS):
        if due[colour] > 0:
            least = min(least, right[colour] / due[colour])
    return least


@jit
def colour_parts(before, target, answer, changed, kept, precise):
    """Measure the changes that each answer makes. before, target, answer: `(n, c)` uint8.

    changed `(n,)` float64: of the cells that had to become one colour, the share that did, for the colour
    with the least share. kept: of the cells that had to keep one colour, the share that did, for the colour
    with the least share. precise: of the cells that the answer changes, the share that is right; 0 if it
    changes none.
    """
    due, right = np.empty((2, _COLOURS), np.int64), np.empty((2, _COLOURS), np.int64)
    for i in range(before.shape[0]):
        due[:] = 0
        right[:] = 0
        touched, hits = 0, 0
        for cell in range(before.shape[1]):
            new, made = target[i, cell], answer[i, cell]
            group = 0 if before[i, cell] == new else 1
            due[group, new] += 1
            right[group, new] += made == new
            if made != before[i, cell]:
                touched += 1
                hits += made == new
        kept[i] = _least_share(due[0], right[0])
        changed[i] = _least_share(due[1], right[1])
        precise[i] = hits / touched if touched > 0 else 0.0
