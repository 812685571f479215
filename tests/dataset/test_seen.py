"""Test that what was seen and what was accepted is remembered exactly, beside a set and an array."""

from __future__ import annotations

import numpy as np

from vizbench import seeds
from vizbench.dataset.seen import RisingNumbers, SeenDigests
from vizbench.kernels.unseen_rows import PART_SHIFT


def test_a_digest_is_new_once() -> None:
    """Tables grow, one of them more than the others, and slots collide."""
    digests = seeds.keys(7, 0, 30_000)
    digests = np.concatenate((digests[::2], digests, digests % np.uint64(5000) + np.uint64(1)))
    seen, known = SeenDigests(), set[int]()
    for start in range(0, len(digests), 777):
        some = digests[start : start + 777]
        for digest, new in zip(some.tolist(), seen.add(some).tolist(), strict=True):
            assert new == (digest not in known)
            known.add(digest)
    values = seen.values()
    assert set(values.tolist()) == known and len(values) == len(known)
    assert int((values >> PART_SHIFT == 0).sum()) > 5000
    assert len(seen.add(values[:0])) == 0


def test_numbers_are_kept_in_order() -> None:
    """Steps of all sizes: many numbers, and none, between two multiples of 65,536."""
    steps = seeds.keys(8, 0, 50_000)
    numbers = np.cumsum(1 + (steps % np.uint64(1 << 20) >> (steps >> np.uint64(59))).astype(np.int64))
    kept = RisingNumbers()
    assert kept.last == -1 and len(kept.between(0, 0)) == 0
    for start in range(0, len(numbers), 999):
        kept.append(numbers[start : start + 999])
        assert kept.last == numbers[len(kept) - 1]
    kept.append(numbers[:0])
    assert np.array_equal(kept.between(0, len(kept)), numbers)
    for start, size in zip(range(0, 49_000, 97), range(0, 1000, 2), strict=False):
        assert np.array_equal(kept.between(start, start + size), numbers[start : start + size])


def test_numbers_fill_more_than_one_piece() -> None:
    kept = RisingNumbers()
    numbers = np.arange(0, 6_600_000, 3)
    for part in np.array_split(numbers, 7):
        kept.append(part)
    assert np.array_equal(kept.between(1_000_000, 2_200_000), numbers[1_000_000:])
