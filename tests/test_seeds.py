"""Test seeds: published outputs, streams that depend on every part of their name, and exact uniform draws."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from vizbench import seeds
from vizbench.errors import UserError
from vizbench.kernels.random_cells import EVENS, chance, random_cells, random_word
from vizbench.kernels.rng import rng_below, rng_chance, rng_next, rng_seed, rng_shuffle


def state_of(key: int) -> np.ndarray:
    state = np.zeros(4, np.uint64)
    rng_seed(state, np.uint64(key))
    return state


def assert_uniform(counts: np.ndarray) -> None:
    """Assert that Pearson's statistic is within five standard deviations of its mean."""
    expected = counts.sum() / len(counts)
    freedom = len(counts) - 1
    assert abs(((counts - expected) ** 2 / expected).sum() - freedom) < 5 * np.sqrt(2 * freedom)


def test_splitmix64_published_outputs():
    """Seeds 0 and 1234567, as in the reference code's tests."""
    zero = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    other = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert seeds.keys(0, 0, 3).tolist() == zero
    assert seeds.keys(1234567, 0, 5).tolist() == other
    assert state_of(1234567).tolist() == other[:4]


def test_xoshiro256starstar_published_outputs():
    """State 1, 2, 3, 4."""
    state = np.array([1, 2, 3, 4], np.uint64)
    assert [int(rng_next(state)) for _ in range(10)] == [
        11520,
        0,
        1509978240,
        1215971899390074240,
        1216172134540287360,
        607988272756665600,
        16172922978634559625,
        8476171486693032832,
        10595114339597558777,
        2904607092377533576,
    ]


def test_keys_are_reached_in_any_order():
    origin = seeds.stream("a stream")
    whole = seeds.keys(origin, 0, 1000)
    assert np.array_equal(seeds.keys(origin, 700, 300), whole[700:])
    places = np.array([999, 0, 500, 0], np.int64)
    assert np.array_equal(seeds.keys_at(origin, places), whole[places])
    assert len(set(whole.tolist())) == 1000


def test_keys_wrap_at_the_end_of_the_counter():
    far = seeds.keys((1 << 64) - 1, 10**9 - 2, 4)
    assert np.array_equal(far[2:], seeds.keys((1 << 64) - 1, 10**9, 2))


def test_every_part_of_the_name_changes_the_stream():
    name = ("life", 1, {"steps": 1}, 0, "train")
    others = [
        ("eca", 1, {"steps": 1}, 0, "train"),
        ("life", 2, {"steps": 1}, 0, "train"),
        ("life", 1, {"steps": 2}, 0, "train"),
        ("life", 1, {"steps": 1}, 1, "train"),
        ("life", 1, {"steps": 1}, 0, "test"),
    ]
    keys = {
        key
        for parts in (name, *others)
        for key in seeds.keys(seeds.instance_stream(*parts), 0, 1000).tolist()
    }
    assert len(keys) == 6000  # neighbouring seeds share no instance either


def test_stream_does_not_depend_on_the_order_of_params():
    assert seeds.stream({"a": 1, "b": 2}) == seeds.stream({"b": 2, "a": 1})
    assert seeds.stream("ab", "c") != seeds.stream("a", "bc")


@pytest.mark.parametrize("seed", [-1, 1 << 63, True, np.True_, 1.0, "0", None, np.zeros(2, int)])
def test_no_seed(seed: object):
    with pytest.raises(UserError, match="integer"):
        seeds.check_seed(seed)  # pyright: ignore[reportArgumentType] what users may pass


def test_the_ends_of_the_range_are_seeds():
    assert [seeds.check_seed(s) for s in (0, (1 << 63) - 1)] == [0, (1 << 63) - 1]


def test_numpys_integers_are_seeds():
    actual = seeds.check_seed(np.uint16(7))
    assert (actual, type(actual)) == (7, int)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 64, 100])
def test_rng_below_is_uniform(n: int):
    state = state_of(n)
    draws = [int(rng_below(state, n)) for _ in range(20_000)]
    counts = np.bincount(draws, minlength=n)
    assert len(counts) == n
    if n > 1:
        assert_uniform(counts)


def test_rng_below_is_exact_near_its_limit():
    """For n = 3 * 2^30 a draw without rejection would hit one third of the numbers twice as often."""
    n = 3 << 30
    state = state_of(5)
    draws = np.array([int(rng_below(state, n)) for _ in range(30_000)])
    assert draws.max() < n
    for divisor in (3, 4):
        assert_uniform(np.bincount(draws % divisor, minlength=divisor))
    assert_uniform(np.bincount(draws >> 30, minlength=3))


def test_rng_shuffle_reaches_every_order_equally():
    state = state_of(6)
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(12_000):
        items = np.arange(5)
        rng_shuffle(state, items, 4)
        assert items[4] == 4
        seen[tuple(items[:4].tolist())] += 1
    assert_uniform(np.array([seen[order] for order in permutations(range(4))]))


@pytest.mark.parametrize("p", [0.0, 0.25, 0.9, 1.0])
def test_rng_chance(p: float):
    state = state_of(7)
    hits = sum(bool(rng_chance(state, p)) for _ in range(10_000))
    assert abs(hits - 10_000 * p) <= 5 * np.sqrt(10_000 * p * (1 - p))


def test_chance_stays_inside():
    assert chance(0.5) == EVENS
    assert chance(1e-300) == 1
    assert chance(1 - 1e-16) == 2**32 - 1


def test_random_word_compares_binary_fractions_from_the_top():
    """Bit k is set if the fraction made of the words' bits k is below the chance."""
    for key in range(50):
        p = chance((key + 0.5) / 50)
        word = int(random_word(state_of(key), p))
        state = state_of(key)
        digits = [int(rng_next(state)) for _ in range(32)]
        for k in range(64):
            fraction = int("".join(str(d >> k & 1) for d in digits), 2)
            assert word >> k & 1 == (fraction < p)


def test_random_cells_are_words_in_order():
    cells = np.empty(150, np.uint8)
    random_cells(state_of(9), EVENS, cells)
    state = state_of(9)
    words = [int(random_word(state, EVENS)) for _ in range(3)]
    assert cells.tolist() == [words[k // 64] >> k % 64 & 1 for k in range(150)]
