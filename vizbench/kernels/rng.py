"""Draw random numbers in kernels by xoshiro256** 1.0 (Blackman, Vigna 2018).

A state is a `(4,)` uint64 array, seeded by SplitMix64. `np.random.Generator` is not used: it takes
microseconds to build per instance, and its stream may change between versions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@jit
def rng_seed(state, key):
    """Fill `state` (4,) uint64 from one 64-bit key, by four SplitMix64 outputs."""
    x = key
    for i in range(4):
        x = x + _GOLDEN
        z = (x ^ (x >> np.uint64(30))) * _MIX1
        z = (z ^ (z >> np.uint64(27))) * _MIX2
        state[i] = z ^ (z >> np.uint64(31))


def rng_from(key: int) -> npt.NDArray[np.uint64]:
    """Return a state `(4,)` for kernels called from Python. key: 0 … 2^64 - 1."""
    state = np.empty(4, np.uint64)
    rng_seed(state, np.uint64(key))
    return state


@jit
def _rotl(x, k):
    return (x << k) | (x >> (np.uint64(64) - k))


@jit
def rng_next(state):
    """Return the next 64 bits."""
    result = _rotl(state[1] * np.uint64(5), np.uint64(7)) * np.uint64(9)
    t = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= t
    state[3] = _rotl(state[3], np.uint64(45))
    return result


@jit
def rng_below(state, n):
    """Return a uniform integer in 0 … n-1, n < 2^32, as int64: Lemire's method, exact by rejection."""
    bound = np.uint64(n)
    threshold = (np.uint64(1 << 32) - bound) % bound
    while True:
        product = (rng_next(state) >> np.uint64(32)) * bound
        if (product & np.uint64(0xFFFFFFFF)) >= threshold:
            return np.int64(product >> np.uint64(32))


@jit
def rng_chance(state, p):
    """Return True with probability p (53-bit resolution)."""
    return np.float64(rng_next(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0) < p


@jit
def rng_shuffle(state, items, count):
    """Shuffle `items[:count]` in place (Fisher-Yates)."""
    for i in range(count - 1, 0, -1):
        j = rng_below(state, i + 1)
        items[i], items[j] = items[j], items[i]
