"""Draw random arrays from a SplitMix64 counter stream, the same on any machine and NumPy version."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt

from vizbench.seeds import keys, stream


@final
class Draw:
    """A random stream named by JSON values. Every draw advances it."""

    def __init__(self, *name: Any) -> None:
        self._origin = stream(*name)
        self._drawn = 0

    def uniform(self, *shape: int) -> npt.NDArray[np.float64]:
        """Draw floats in [0, 1), 53 bits each."""
        count = int(np.prod(shape, dtype=np.int64))
        raw = keys(self._origin, self._drawn, count)
        self._drawn += count
        return ((raw >> np.uint64(11)).astype(np.float64) / 9007199254740992.0).reshape(shape)

    def below(self, n: int, *shape: int) -> npt.NDArray[np.int64]:
        """Draw integers in 0 … n-1. For the small n of the worlds the bias is below 2^-40."""
        return (self.uniform(*shape) * n).astype(np.int64)

    def one(self, n: int) -> int:
        """Draw one integer in 0 … n-1."""
        return int(self.below(n, 1)[0])

    def chance(self, p: float) -> bool:
        """Return True with probability p."""
        return float(self.uniform(1)[0]) < p

    def between(self, low: float, high: float) -> float:
        """Draw one float in [low, high)."""
        return low + (high - low) * float(self.uniform(1)[0])

    def permutation(self, n: int) -> npt.NDArray[np.int64]:
        """Draw a random order of 0 … n-1."""
        return np.argsort(self.uniform(n), kind="stable")
