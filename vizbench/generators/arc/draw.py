"""Chance for rules: numbers, colours, shapes, and scenes of shapes that do not touch. All of it from one
64-bit key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar, final

import numpy as np

from vizbench.generators.arc.scene import Mask
from vizbench.generators.arc.scene_kernels import blob, place
from vizbench.kernels.rng import rng_below, rng_next, rng_seed
from vizbench.types import Grid

T = TypeVar("T")

_PALETTE = tuple(range(1, 10))


@final
class Draw:
    """A stream of chances. Never shared: each pair has its own key."""

    def __init__(self, key: int) -> None:
        """key: 0 … 2^64 - 1."""
        self._state = np.empty(4, np.uint64)
        rng_seed(self._state, np.uint64(key))

    def key(self) -> int:
        """A key for another stream."""
        return int(rng_next(self._state))

    def below(self, n: int) -> int:
        """A whole number in 0 … n-1."""
        return int(rng_below(self._state, n))

    def between(self, low: int, high: int) -> int:
        """A whole number in low … high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, p: float) -> bool:
        """True with probability p, to a millionth."""
        return self.below(1_000_000) < p * 1_000_000

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], n: int) -> list[T]:
        """n different ones of the items, in random order."""
        pool = list(items)
        for i in range(n):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:n]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        return self.some(items, len(items))

    def colours(self, n: int, *without: int) -> list[int]:
        """n different colours of 1 … 9, none of `without`."""
        return self.some([colour for colour in _PALETTE if colour not in without], n)

    def colour(self, *without: int) -> int:
        """A colour of 1 … 9, none of `without`."""
        return self.colours(1, *without)[0]

    def shares(self, numbers: Sequence[int]) -> list[int]:
        """A colour of its own for each number, so many times, one colour after the other."""
        return [
            colour for colour, n in zip(self.colours(len(numbers)), numbers, strict=True) for _ in range(n)
        ]

    def mixed(self, low: int, high: int) -> list[bool]:
        """low … high truth values, low at least 2, in random order: one true and one false at least."""
        return self.shuffled([True, False, *(self.chance(0.5) for _ in range(self.between(low, high) - 2))])

    def ground(self, low: int = 8, high: int = 14) -> Grid:
        """An empty grid with sides of low … high cells."""
        return np.zeros((self.between(low, high), self.between(low, high)), np.uint8)

    def blob(self, height: int, width: int, cells: int = 0) -> Mask:
        """A 4-connected shape that touches all sides of its box, of at least so many cells."""
        return blob(self._state, height, width, min(cells, height * width))

    def coloured(self, mask: Mask, colours: Sequence[int]) -> Grid:
        """The mask's cells, each in one of the colours, `(h, w)`; 0 may be among them."""
        pixels = np.zeros(mask.shape, np.uint8)
        pixels[mask] = [self.pick(colours) for _ in range(int(np.count_nonzero(mask)))]
        return pixels

    def scatter(
        self,
        grid: Grid,
        masks: Sequence[Mask],
        colours: Sequence[int],
        gap: int = 1,
        margin: int = 0,
        fixed: Sequence[tuple[int, int]] = (),
    ) -> bool:
        """Paint shapes at random places, `gap` cells of ground between their boxes at least, `margin` to the
        edge.

        The grid should be empty: what is on it is not looked at. fixed: tops and lefts of the first shapes,
        which are not drawn. False, and nothing painted, where they do not fit."""
        corners = self.corners(grid, [mask.shape for mask in masks], gap, margin, fixed)
        if corners is None:
            return False
        for mask, colour, (top, left) in zip(masks, colours, corners, strict=True):
            grid[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = colour
        return True

    def corners(
        self,
        grid: Grid,
        sizes: Sequence[tuple[int, ...]],
        gap: int = 1,
        margin: int = 0,
        fixed: Sequence[tuple[int, int]] = (),
    ) -> list[tuple[int, int]] | None:
        """Top and left in the grid of boxes of these sizes (rows, columns), placed as by `scatter`; None
        where they do not fit. Paints nothing.

        fixed: places of the first boxes, which stay where they are and are returned too.
        """
        found = np.empty((len(sizes), 2), np.int64)
        found[: len(fixed)] = np.array(fixed, np.int64).reshape(-1, 2)
        boxes = np.array(sizes, np.int64).reshape(-1, 2)
        if not place(self._state, *grid.shape, boxes, len(fixed), gap, margin, found):
            return None
        return [(top, left) for top, left in found.tolist()]


@lru_cache(maxsize=1024)
def block(height: int, width: int) -> Mask:
    """A full rectangle."""
    return _fixed(np.ones((height, width), np.bool_))


@lru_cache(maxsize=1024)
def frame(height: int, width: int) -> Mask:
    """A rectangle's outline, one cell thick: hollow from 3x3 on."""
    mask = np.ones((height, width), np.bool_)
    mask[1:-1, 1:-1] = False
    return _fixed(mask)


@lru_cache(maxsize=64)
def plus(arm: int) -> Mask:
    """An upright cross of 2 * arm + 1 cells a side."""
    mask = np.zeros((2 * arm + 1, 2 * arm + 1), np.bool_)
    mask[arm, :] = mask[:, arm] = True
    return _fixed(mask)


def _fixed(mask: Mask) -> Mask:
    mask.setflags(write=False)  # it is handed to every caller
    return mask
