"""Round numbers to a few decimals, except where rounding a product would be in doubt."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def round_scaled(figures, scale, exact, doubt, rounded, unsure):
    """Round each figure `(n,)` to a multiple of 1 / scale, and return how many are unsure.

    A figure is unsure if its product is within `doubt` of a half, as a fraction of it, or not below `exact`.

    rounded: `(n,)` float64. unsure: `(n,)` bool. Both are written.
    """
    count = 0
    for i in range(figures.shape[0]):
        scaled = figures[i] * scale
        whole = np.rint(scaled)
        size = abs(scaled)
        rounded[i] = whole / scale + 0.0  # no -0.0
        unsure[i] = abs(scaled - whole) > 0.5 - size * doubt or not size < exact
        count += unsure[i]
    return count
