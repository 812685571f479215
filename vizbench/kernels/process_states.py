"""Make processes that write the cells of a target, at a moment per cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.types import Grids, Trajectories


@jit
def _count(moments, starts):
    """Write where the process of each row `(n, c)` begins to `starts` (n + 1,). Each has a state or more."""
    starts[0] = 0
    for i in range(moments.shape[0]):
        count = np.int64(1)
        for cell in range(moments.shape[1]):
            count = max(count, np.int64(moments[i, cell]) + 1)
        starts[i + 1] = starts[i] + count


@jit
def _write(canvas, target, moments, starts, states):
    """Write the states `(total, c)`. canvas, target, moments: `(n, c)`."""
    for i in range(moments.shape[0]):
        is_written = False
        for cell in range(moments.shape[1]):
            is_written |= moments[i, cell] >= 0
        if not is_written:
            states[starts[i]] = target[i]
            continue
        for state in range(starts[i], starts[i + 1]):
            moment = state - starts[i]
            for cell in range(moments.shape[1]):
                is_done = 0 <= moments[i, cell] <= moment
                states[state, cell] = target[i, cell] if is_done else canvas[i, cell]


def cell_steps(canvas: Grids, target: Grids, moments: npt.NDArray[np.integer]) -> Trajectories:
    """Return the states as cells take the target's codes.

    canvas: the grids before the first state, `(n, h, w)`. moments `(n, h, w)`: the state, from 0, from which
    a cell has the target's code; -1 for a cell that keeps the canvas's. A process that writes no cell has one
    state, the target.
    """
    n, height, width = target.shape
    cells = height * width
    flat = [np.ascontiguousarray(grids).reshape(n, cells) for grids in (canvas, target, moments)]
    starts = np.empty(n + 1, np.int64)
    _count(flat[2], starts)
    states = np.empty((int(starts[-1]), height, width), np.uint8)
    _write(*flat, starts, states.reshape(len(states), cells))
    return Trajectories(states, starts)
