"""Define what a world draws, `Scene`, and the grid helpers of all worlds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

Boards: TypeAlias = npt.NDArray[np.uint8]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Pairs under one law. Code 0 is the ground."""

    question: Boards
    """Codes 0 … 9, `(n, h, w)`."""
    target: Boards
    """Codes 0 … 9, `(n, h, w)`."""
    knobs: tuple[tuple[int, int], ...]
    """The law's parameters as (value, number of values). They become the caption."""


def padded(boards: npt.NDArray[np.generic], torus: bool = False) -> npt.NDArray[np.generic]:
    """Add an edge of one cell: zeros, or on a torus the opposite side."""
    return np.pad(boards, ((0, 0), (1, 1), (1, 1)), mode="wrap" if torus else "constant")


def neighbours(live: npt.NDArray[np.bool_], cross: bool, torus: bool = False) -> npt.NDArray[np.int64]:
    """Count the live cells among the eight neighbours (cross: the four direct ones), `(n, h, w)`."""
    h, w = live.shape[1:]
    around = padded(live, torus).astype(np.int64)
    total = np.zeros(live.shape, np.int64)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if (dy or dx) and not (cross and dy and dx):
                total += around[:, 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
    return total


def moved(boards: npt.NDArray[np.generic], dy: int, dx: int) -> npt.NDArray[np.generic]:
    """Shift the boards by (dy, dx). What leaves the board is lost, zeros come in."""
    out = np.zeros_like(boards)
    h, w = boards.shape[1:]
    if abs(dy) < h and abs(dx) < w:
        source = boards[:, max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)]
        out[:, max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = source
    return out


HEADINGS = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""North, east, south and west as (dy, dx)."""
