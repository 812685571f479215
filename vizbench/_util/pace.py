"""Blocks of work that each take a fraction of a second, so that Ctrl-C and progress are served between
them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import Final, final

SECONDS: Final = 0.2
"""What a block takes at most, as far as the blocks before it show."""

_FIRST: Final = 16  # how slow a task is shows with the first block
_GROWTH: Final = 8


@final
class Pace:
    """Chooses how many items the next block has. Sizes change speed only: no result may depend on them.

    most: a block never has more items.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(_FIRST, most)
        """Items of the next block, at least 1."""

    @contextlib.contextmanager
    def measure(self, items: int) -> Generator[None]:
        """Time a block of `items`, and set the next size by it."""
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        fitting = int(items * SECONDS / max(seconds, 1e-9))
        self.size = max(1, min(fitting, self.size * _GROWTH, self._most))
