"""What the suites of rules share: every rule with a few settings, and pairs of each."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import final

import numpy as np
import pytest

from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import Pair
from vizbench.generators.arc.library import concepts, rules
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
    pairs: tuple[Pair, ...]


@functools.cache
def sampled(family: type[Rule]) -> tuple[Sampled, ...]:
    found: list[Sampled] = []
    for setting in range(SETTINGS):
        draw = Draw(stream("test", family.id(), setting))
        rule = family.sample(draw)
        found.append(Sampled(rule, tuple(made(rule, draw) for _ in range(PAIRS))))
    return tuple(found)


def made(rule: Rule, draw: Draw) -> Pair:
    """A pair, which a rule may fail to make now and then but not always."""
    found = rule.pair(draw) or rule.pair(draw)
    assert found is not None, f"{rule} made no pair in 400 draws"
    return found


def noise(family: type[Rule]) -> list[Grid]:
    """Grids that no rule was made for: empty, full, single cells, sparse and dense noise, of all sizes."""
    rng = np.random.default_rng(stream("noise", family.id()))
    grids = [np.zeros((1, 1), np.uint8), np.zeros((30, 30), np.uint8), np.full((5, 7), 3, np.uint8)]
    for k in range(24):
        h, w = rng.integers(1, 31, 2) if k % 4 else rng.integers(1, 4, 2)
        colours = rng.integers(0, 10, rng.integers(1, 5))
        grids.append(
            np.where(rng.random((h, w)) < rng.random(), rng.choice(colours, (h, w)), 0).astype(np.uint8)
        )
    return grids
