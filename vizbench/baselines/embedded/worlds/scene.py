"""What a world gives: question and target boards under one law, and the law's knobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

Boards: TypeAlias = npt.NDArray[np.uint8]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """n pairs of one law. question, target: `(n, h, w)` uint8 codes 0..9, 0 the ground; knobs: the law's
    parameters as (value, how many values), which become the caption."""

    question: Boards
    target: Boards
    knobs: tuple[tuple[int, int], ...]


def padded(boards: npt.NDArray[np.generic], torus: bool = False) -> npt.NDArray[np.generic]:
    """The boards with one cell of edge around: zeros, or the opposite side."""
    return np.pad(boards, ((0, 0), (1, 1), (1, 1)), mode="wrap" if torus else "constant")


def neighbours(live: npt.NDArray[np.bool_], cross: bool, torus: bool = False) -> npt.NDArray[np.int64]:
    """How many of the 8 (cross: 4) cells around each are live, `(n, h, w)`."""
    h, w = live.shape[1:]
    around = padded(live, torus).astype(np.int64)
    total = np.zeros(live.shape, np.int64)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if (dy or dx) and not (cross and dy and dx):
                total += around[:, 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
    return total


def moved(boards: npt.NDArray[np.generic], dy: int, dx: int) -> npt.NDArray[np.generic]:
    """The boards shifted by (dy, dx); what leaves is lost, zeros come in."""
    out = np.zeros_like(boards)
    h, w = boards.shape[1:]
    if abs(dy) < h and abs(dx) < w:
        out[:, max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = boards[
            :, max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
    return out


HEADINGS = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""North, east, south, west as (dy, dx)."""
