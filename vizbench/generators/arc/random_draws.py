"""Draw random numbers, colours, shapes and scenes for rules, all from one 64-bit key."""

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
    """Draw from a stream of random numbers. Each pair of a rule has its own.

    key: 0 … 2^64 - 1.
    """

    def __init__(self, key: int) -> None:
        self._state = np.empty(4, np.uint64)
        rng_seed(self._state, np.uint64(key))

    def key(self) -> int:
        """Draw a key for another stream."""
        return int(rng_next(self._state))

    def below(self, n: int) -> int:
        """Draw an integer from 0 … n-1."""
        return int(rng_below(self._state, n))

    def between(self, low: int, high: int) -> int:
        """Draw an integer from low … high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, p: float) -> bool:
        """Return True with probability p, to a precision of a millionth."""
        return self.below(1_000_000) < p * 1_000_000

    def pick(self, items: Sequence[T]) -> T:
        """Draw one of the items."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], n: int) -> list[T]:
        """Draw n different ones of the items, in random order."""
        pool = list(items)
        for i in range(n):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:n]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in random order."""
        return self.some(items, len(items))

    def colours(self, n: int, *without: int) -> list[int]:
        """Draw n different colours of 1 … 9, none of `without`."""
        return self.some([colour for colour in _PALETTE if colour not in without], n)

    def colour(self, *without: int) -> int:
        """Draw a colour of 1 … 9, none of `without`."""
        return self.colours(1, *without)[0]

    def shares(self, numbers: Sequence[int]) -> list[int]:
        """Draw a different colour for each number, and repeat it that many times."""
        repeated: list[int] = []
        for colour, number in zip(self.colours(len(numbers)), numbers, strict=True):
            repeated += [colour] * number
        return repeated

    def mixed(self, low: int, high: int) -> list[bool]:
        """Draw low … high truth values in random order, at least one true and one false.

        low: at least 2.
        """
        others = [self.chance(0.5) for _ in range(self.between(low, high) - 2)]
        return self.shuffled([True, False, *others])

    def ground(self, low: int = 8, high: int = 14) -> Grid:
        """Draw an empty grid with sides of low … high cells."""
        return np.zeros((self.between(low, high), self.between(low, high)), np.uint8)

    def blob(self, height: int, width: int, cells: int = 0) -> Mask:
        """Draw a 4-connected shape that touches all sides of its box and has at least this many cells."""
        return blob(self._state, height, width, min(cells, height * width))

    def coloured(self, mask: Mask, colours: Sequence[int]) -> Grid:
        """Draw one of the colours for each cell of the mask, `(h, w)`. 0 may be among them."""
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
        """Paint shapes at random places on an empty grid.

        gap: cells of ground between their boxes, at least.
        margin: cells of ground between them and the edge, at least.
        fixed: tops and lefts of the first shapes, which are not drawn.

        Returns False, and paints nothing, if the shapes do not fit. Cells that are coloured already are
        ignored.
        """
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
        """Draw places for boxes of these sizes (rows, columns), as `scatter` does. Paints nothing.

        fixed: places of the first boxes, which are not drawn.

        Returns the top and left of every box, or None if they do not fit.
        """
        places = np.empty((len(sizes), 2), np.int64)
        places[: len(fixed)] = np.array(fixed, np.int64).reshape(-1, 2)
        boxes = np.array(sizes, np.int64).reshape(-1, 2)
        if not place(self._state, *grid.shape, boxes, len(fixed), gap, margin, places):
            return None
        return [(top, left) for top, left in places.tolist()]


@lru_cache(maxsize=1024)
def block(height: int, width: int) -> Mask:
    """Return a full rectangle."""
    return _read_only(np.ones((height, width), np.bool_))


@lru_cache(maxsize=1024)
def frame(height: int, width: int) -> Mask:
    """Return the outline of a rectangle, one cell thick. From 3x3 cells on, it is hollow."""
    mask = np.ones((height, width), np.bool_)
    mask[1:-1, 1:-1] = False
    return _read_only(mask)


@lru_cache(maxsize=64)
def plus(arm: int) -> Mask:
    """Return an upright cross with sides of 2 * arm + 1 cells."""
    mask = np.zeros((2 * arm + 1, 2 * arm + 1), np.bool_)
    mask[arm, :] = mask[:, arm] = True
    return _read_only(mask)


def _read_only(mask: Mask) -> Mask:
    """Protect a cached mask, which every caller shares."""
    mask.setflags(write=False)
    return mask
