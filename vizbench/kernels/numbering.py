"""Number things in the order in which they appear."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def number_by_appearance(codes, numbers, count):
    """Return the number of each code `(n,)`, as `(n,)` int32. A new code gets the next number.

    numbers: `(k,)` int32, the number of each code, -1 if it has none yet; it is updated. count: the first
    number that is free.
    """
    out = np.empty(codes.shape[0], np.int32)
    for i in range(codes.shape[0]):
        number = numbers[codes[i]]
        if number < 0:
            number = np.int32(count)
            numbers[codes[i]] = number
            count += 1
        out[i] = number
    return out
