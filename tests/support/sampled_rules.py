"""Share rules with a few settings and pairs of each among the test suites of rules."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np
import pytest

from vizbench.generators.arc.facts import Pair
from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import Rule
from vizbench.seeds import stream
from vizbench.types import Grid

SETTINGS, PAIRS = 6, 8

every_rule = pytest.mark.parametrize(
    "family", rules(), ids=lambda family: f"{family.concept()}/{family.id()}"
)
every_concept = pytest.mark.parametrize("concept", concepts())


@final
@dataclass(frozen=True)
class Sampled:
    """A rule and pairs of it."""

    rule: Rule
    """The rule, with the values of its parameters."""
    pairs: tuple[Pair, ...]
    """Questions and answers."""


@functools.cache
def sampled(family: type[Rule]) -> tuple[Sampled, ...]:
    """Draw a few rules of the family, with a few pairs of each."""
    samples: list[Sampled] = []
    for setting in range(SETTINGS):
        draw = Draw(stream("test", family.id(), setting))
        rule = family.sample(draw)
        pairs = tuple(made(rule, draw) for _ in range(PAIRS))
        samples.append(Sampled(rule, pairs))
    return tuple(samples)


def made(rule: Rule, draw: Draw) -> Pair:
    """Draw a pair. A rule may fail once, but not twice in a row."""
    pair = rule.pair(draw) or rule.pair(draw)
    assert pair is not None, f"{rule} made no pair in 400 draws"
    return pair


def noise(family: type[Rule]) -> list[Grid]:
    """Draw grids that no rule was made for: empty, full, single cells, and sparse and dense noise."""
    rng = np.random.default_rng(stream("noise", family.id()))
    grids = [np.zeros((1, 1), np.uint8), np.zeros((30, 30), np.uint8), np.full((5, 7), 3, np.uint8)]
    for k in range(24):
        height, width = rng.integers(1, 31, 2) if k % 4 else rng.integers(1, 4, 2)
        palette = rng.integers(0, 10, rng.integers(1, 5))
        is_coloured = rng.random((height, width)) < rng.random()
        colours = rng.choice(palette, (height, width))
        grids.append(np.where(is_coloured, colours, 0).astype(np.uint8))
    return grids
