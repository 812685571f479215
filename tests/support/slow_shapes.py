"""Find shapes, edges and colours slowly, as the compiled kernels of the renderers must."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vizbench.renderers.infer_shape_kernels import candidate_error
from vizbench.renderers.layout import Layout
from vizbench.types import Image

Floats = npt.NDArray[Any]


def slow_sums(picture: Image) -> Floats:
    height, width = picture.shape[:2]
    sums = np.zeros((height + 1, width + 1, 3))
    sums[1:, 1:] = picture.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    return sums


def slow_best(picture: Image, places: list[Layout], colours: Floats) -> int:
    """Return the number of the layout with the least error: every one is tried, in order."""
    sums = slow_sums(picture)
    best, least = 0, np.inf
    for number, place in enumerate(places):
        rows = place.edges(0, place.board[0]) * (picture.shape[0] / place.height)
        columns = place.edges(1, place.board[1]) * (picture.shape[1] / place.width)
        error = candidate_error(sums, rows.ravel(), columns.ravel(), colours)
        if error < least - 1e-3:
            best, least = number, error
    return best


def slow_profile(picture: Image, threshold: float) -> Floats:
    """Return the strength of edges on each line between columns, `(W + 1,)`."""
    height, width = picture.shape[:2]
    profile = np.zeros(width + 1)
    if height < 3 or width < 4:
        return profile
    levels = picture.astype(np.int64)
    steps = np.zeros((height, width + 1), np.int64)
    for y in range(1, height - 1):
        for x in range(2, width - 1):
            left = levels[y - 1 : y + 2, x - 2 : x].sum(axis=(0, 1))
            right = levels[y - 1 : y + 2, x : x + 2].sum(axis=(0, 1))
            steps[y, x] = np.abs(right - left).max()
    least = abs(threshold)
    if threshold <= 0:
        counts = np.bincount(np.minimum(steps[1:-1:4, 2:-2:3] // 6, 255).ravel(), minlength=256)
        least = max(least, 5.0 * int(np.argmax(counts.cumsum() >= counts.sum() // 2)))
    for x in range(2, width - 1):
        column = steps[1 : height - 1, x - 1 : x + 2].tolist()
        peaks = [here for left, here, right in column if here > 6 * least and here >= left and here > right]
        profile[x] = sum(peaks) / 6 - len(peaks) * least
    return profile


def slow_clusters(means: Floats, reach: float, most: int) -> Floats:
    remaining = means
    colours: list[Floats] = []
    while len(remaining) and len(colours) < most:
        near = np.abs(remaining - np.median(remaining, axis=0)).max(axis=1)
        first = remaining[int(near.argmin())]
        alike = np.abs(remaining - first).max(axis=1) <= reach
        colours.append(remaining[alike].mean(axis=0))
        remaining = remaining[~alike]
    return np.array(colours)


def slow_bars(picture: Image) -> tuple[int, int]:
    sample = picture[:, :: max(1, picture.shape[1] // 256)].astype(np.int64)
    ends: list[int] = []
    for rows in (sample, sample[::-1]):
        flat = np.abs(rows - rows[0, 0]).max(axis=(1, 2)) <= 20
        ends.append(0 if flat.all() else int(flat.argmin()))
    return ends[0], len(picture) - ends[1]
