"""Draw random cells: 64 bits at a time, each 1 with a given chance, or codes with given shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_next

EVENS: Final = 1 << 31
"""The chance 1/2."""


def chance(p: float) -> int:
    """Return a probability in 0 < p < 1 as a multiple of 2^-32, for the kernels."""
    return min(max(round(p * 2**32), 1), 2**32 - 1)


@jit
def random_word(state, chance):
    """Return 64 independent bits, each 1 with probability chance / 2^32.

    Each bit compares a random binary fraction with the chance's, both read from the top. A bit is decided at
    the first digit that differs. All 64 bits are decided after about 7 random words (10 ns). Reading from the
    bottom takes no test, but always 32 words (27 ns).
    """
    rest = np.uint64(chance) << np.uint64(32)
    ones = np.uint64(0)
    open_lanes = ~np.uint64(0)
    while open_lanes != 0 and rest != 0:
        digits = rng_next(state)
        if rest >> np.uint64(63):
            ones |= open_lanes & ~digits
            open_lanes &= digits
        else:
            open_lanes &= ~digits
        rest = rest << np.uint64(1)
    return ones


@jit
def random_cells(state, chance, cells):
    """Fill `cells` (m,) uint8 with 0 and 1. Cell k is bit k % 64 of random word k // 64."""
    word = np.uint64(0)
    for k in range(cells.shape[0]):
        if k % 64 == 0:
            word = random_word(state, chance)
        cells[k] = word & np.uint64(1)
        word = word >> np.uint64(1)


def code_table(shares: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Return the code of each byte, `(256,)`, for `random_codes`. shares: of each code, in sum 1.

    A share is rounded to 1/256. What the sum lacks goes to the first code.
    """
    counts = [round(256 * share) for share in shares]
    counts[0] += 256 - sum(counts)
    return np.repeat(np.arange(len(counts), dtype=np.uint8), counts)


@jit
def random_codes(state, table, cells):
    """Fill `cells` (m,) uint8 with codes of `table` (256,), each entry equally likely."""
    word = np.uint64(0)
    for k in range(cells.shape[0]):
        if k % 8 == 0:
            word = rng_next(state)
        cells[k] = table[word & np.uint64(255)]
        word = word >> np.uint64(8)
