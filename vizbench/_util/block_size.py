"""Choose the size of blocks of work, so that each takes a fraction of a second.

Ctrl-C and the progress bar are handled between two blocks.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import Final, final

SECONDS: Final = 0.2
"""Seconds that a block takes at most, as estimated from the blocks before it."""

_FIRST: Final = 16  # the first block shows how slow a task is
_GROWTH: Final = 8


@final
class BlockSize:
    """Choose how many items the next block has. No result may depend on this number."""

    def __init__(self, most: int, first: int = _FIRST) -> None:
        """most, first: items of the largest block and of the first."""
        self._most = most
        self.size = min(first, most)
        """Items of the next block, at least 1."""

    @contextlib.contextmanager
    def measure(self, items: int) -> Generator[None]:
        """Time a block of `items`, and set the next size accordingly."""
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        fitting = int(items * SECONDS / max(seconds, 1e-9))
        self.size = max(1, min(fitting, self.size * _GROWTH, self._most))
