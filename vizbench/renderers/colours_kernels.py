"""Find the different colours of cells, in compiled code."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def cluster_means(means, reach, most):
    """Return the different colours among the means `(n, 3)`, at most `most`.

    The colour nearest to the median of all is taken with all colours within `reach` levels, and so on with
    the rest. Each is returned as the mean of its colours.
    """
    remaining = means.copy()
    count, size = 0, means.shape[0]
    out = np.empty((min(most, size), 3))
    while size > 0 and count < most:
        # The colour nearest to the median.
        middle = np.empty(3)
        for c in range(3):
            ordered = np.sort(remaining[:size, c].copy())
            middle[c] = (ordered[(size - 1) // 2] + ordered[size // 2]) / 2.0
        first, nearest = 0, np.inf
        for n in range(size):
            away = 0.0
            for c in range(3):
                away = max(away, abs(remaining[n, c] - middle[c]))
            if away < nearest:
                first, nearest = n, away

        # Its neighbours are averaged. The others move to the front.
        centre = remaining[first].copy()
        total, alike, kept = np.zeros(3), 0, 0
        for n in range(size):
            away = 0.0
            for c in range(3):
                away = max(away, abs(remaining[n, c] - centre[c]))
            if away <= reach:
                total += remaining[n]
                alike += 1
            else:
                remaining[kept] = remaining[n]
                kept += 1
        out[count] = total / alike
        count, size = count + 1, kept
    return out[:count]
