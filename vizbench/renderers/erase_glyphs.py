"""Remove the glyphs from a picture, so that only the colours of its cells are left to read.

A closing, which is a maximum filter and then a minimum filter, removes dark shapes that are thinner than its
window. Strokes of glyphs are; cells are not, because the window is smaller than a cell. Light lines between
cells stay.
"""

from __future__ import annotations

import math
from typing import Final

from vizbench.renderers.erase_kernels import close
from vizbench.renderers.layout import MAX_PICTURE, Layout
from vizbench.types import Image

WINDOW: Final = 0.46
"""Side of the window in cells. The filled parts of glyphs are at most 0.3 cells thick."""

LEAST_INK: Final = 26
"""Levels by which the closing must raise a pixel that counts as ink. Noise is raised by less."""

_LIKE: Final = 1.3
"""Scales within this factor of each other share a window."""


def without_glyphs(picture: Image, cell: float) -> Image:
    """Return the picture `(H, W, 3)` without dark strokes in cells of that many pixels."""
    window = max(3, round(WINDOW * cell)) | 1
    return close(picture, window, LEAST_INK)


def cell_sizes(place: Layout | None, cell: int, size: tuple[int, int]) -> list[float]:
    """Return the sides that cells may have in a frame of that size, in pixels, the most usual first.

    place: the drawing; None if its shape is unknown. cell: the side of a cell as drawn.
    """
    scales = [1.0, 0.5, 2.0]
    if place is not None:
        fit = min(size[0] / place.height, size[1] / place.width)
        scales = [fit, 1.0, 0.8 * fit]
    sizes: list[float] = []
    for scale in scales:
        side = min(max(scale * cell, 3.0), float(MAX_PICTURE))
        if all(abs(math.log(side / other)) > math.log(_LIKE) for other in sizes):
            sizes.append(side)
    return sizes
