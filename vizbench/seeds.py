"""Derive all randomness. Every instance has one 64-bit key, a pure function of its name.

(family, version, params, seed, split) are hashed to the state of a SplitMix64 sequence (Steele, Lea, Flood
2014). The key of instance i is the i-th output, reached in O(1) because the state is a counter. Kernels seed
xoshiro256** (`kernels.rng`) with the key. Neighbouring seeds give unrelated keys, because the seed is hashed.
"""

from __future__ import annotations

import hashlib
import json
import operator
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.types import Grids, Json, Keys

GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_PLAIN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def splitmix64(state: Keys) -> Keys:
    """Return the outputs of SplitMix64 for advanced states `(n,)` uint64."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stream(*parts: Json) -> int:
    """Return the 64-bit origin of a stream named by JSON values, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(_PLAIN.encode(parts).encode(), digest_size=8).digest(), "little")


def keys(origin: int, start: int, count: int) -> Keys:
    """Return keys start … start+count-1 of the stream, `(count,)` uint64."""
    first = (origin + (start + 1) * GOLDEN) & _MASK
    return splitmix64(np.uint64(first) + np.arange(count, dtype=np.uint64) * np.uint64(GOLDEN))


def keys_at(origin: int, numbers: npt.NDArray[np.int64]) -> Keys:
    """Return the keys with these numbers, `(n,)` >= 0, in any order: `keys_at(o, [7])` is `keys(o, 7, 1)`."""
    return splitmix64(np.uint64(origin) + (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN))


def instance_stream(family: str, version: int, params: Json, seed: int, split: str) -> int:
    """Return the origin of a split's keys. params: the record as plain JSON (`task.params_json`)."""
    return stream("vizbench", family, version, params, seed, split)


def check_seed(seed: SupportsIndex) -> int:
    """Return the seed as Python's int. Raises UserError if it is not an integer in 0 … 2^63 - 1."""
    if (value := integer(seed)) is None or not 0 <= value < 1 << 63:
        raise UserError(f"seed {seed!r} is not an integer in 0 … 2^63 - 1: choose one there, e.g. 0")
    return value


def integer(value: SupportsIndex) -> int | None:
    """Return an integer of Python or NumPy as Python's int, or None for anything else, also True and 1.0."""
    try:
        return None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        return None


def random_grids(keys: Keys, height: int, width: int, codes: int) -> Grids:
    """Return one random grid per key, `(n, height, width)`, every code 0 … codes-1 equally likely.

    Use it in tasks that are written in NumPy. keys: `(n,)` uint64. A grid depends only on its own key.
    """
    places = np.arange(1, height * width + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    words = splitmix64(splitmix64(keys)[:, None] + places)
    return (words % np.uint64(codes)).astype(np.uint8).reshape(len(keys), height, width)
