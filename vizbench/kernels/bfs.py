"""Measure distances on a grid by breadth-first search."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def bfs_spread(free, distance, queue, head, tail):
    """Continue a search over free cells `(h, w)` that have no distance yet. Return the end of the queue.

    distance `(h, w)` int32: -1 if a cell is not reached. queue `(h * w,)` int32: the cells from `head` to
    `tail`, flat, are reached already, and their neighbours are not visited yet.
    """
    h, w = free.shape
    while head < tail:
        r, c = queue[head] // w, queue[head] % w
        head += 1
        for k in range(4):
            y = r + (k == 1) - (k == 0)
            x = c + (k == 3) - (k == 2)
            if 0 <= y < h and 0 <= x < w and free[y, x] and distance[y, x] < 0:
                distance[y, x] = distance[r, c] + 1
                queue[tail] = y * w + x
                tail += 1
    return tail


@jit
def bfs_distances(free, sources):
    """Return the moves between 4-neighbours from each free cell to the nearest source, `(h, w)` int32.

    free, sources: `(h, w)` bool. A source that is not free is ignored. A cell that is not reached has -1.
    """
    h, w = free.shape
    distance = np.full((h, w), -1, np.int32)
    queue = np.empty(h * w, np.int32)
    tail = 0
    for r in range(h):
        for c in range(w):
            if sources[r, c] and free[r, c]:
                distance[r, c] = 0
                queue[tail] = r * w + c
                tail += 1
    bfs_spread(free, distance, queue, 0, tail)
    return distance
