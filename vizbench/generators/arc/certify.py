"""Make episodes: rules with demonstrations that allow only one answer to each test.

All rules of the library with all their settings are tried. Those that explain every demonstration must agree
on each test to which they apply. If they do not, another demonstration is added, up to five. After that the
episode is drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np

from vizbench.generators.arc.facts import Demos, Pair
from vizbench.generators.arc.library import rules
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import Rule
from vizbench.generators.arc.scene import Scene
from vizbench.seeds import stream
from vizbench.types import Grid

MIN_DEMOS: Final = 2
"""The smallest number of demonstrations of an episode."""

MAX_DEMOS: Final = 5
"""The largest number of demonstrations of an episode."""

MAX_TESTS: Final = 3
"""The largest number of tests of an episode."""

SHORTCUTS: Final = ("last", "majority", "copy", *(f"symmetry {k}" for k in range(1, 8)))
"""Names of answers that need no rule, see `shortcut`."""

_RULES: Final = 200
"""Rules drawn before `episode` gives up."""

_SETTINGS: Final = 8
"""Settings of a rule that are tried before another rule is drawn."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """Hold a rule with its demonstrations and tests."""

    rule: Rule
    """The rule, with the values of its parameters."""
    demos: tuple[Pair, ...]
    """The demonstrations, 2 to 5."""
    tests: tuple[Pair, ...]
    """The tests, 1 to 3."""
    fits: tuple[Rule, ...]
    """Every rule that explains the demonstrations, including this one."""
    rejected: tuple[str, ...]
    """Ids of the rules of which no setting explains the demonstrations."""


def fitting(demos: Demos) -> list[Rule]:
    """Return every rule of the library, with every setting, that explains the demonstrations."""
    return [rule for family in rules() for rule in family.fit(demos)]


def episode(concept: str, number: int) -> Episode:
    """Return the episode of a concept with this number.

    It depends only on these two and on the rules of the library.
    """
    return _drawn(concept, stream("episode", concept, number))


@lru_cache(maxsize=256)
def _drawn(concept: str, key: int) -> Episode:
    """Draw rules of the concept until one has an episode."""
    draw = Draw(key)
    for _ in range(_RULES):
        family = draw.pick(rules(concept))
        for _ in range(_SETTINGS):
            result = _certified(family.sample(draw), draw)
            if result is not None:
                return result
    raise RuntimeError(f"{concept}: {_RULES} rules gave no episode that leaves one answer")


def _certified(rule: Rule, draw: Draw) -> Episode | None:
    """Draw an episode of the rule.

    Returns None if five demonstrations allow more than one answer, or if a shortcut solves it.
    """
    # Draw pairs, all different.
    demo_count, test_count = draw.between(MIN_DEMOS, MAX_DEMOS - 1), draw.between(1, MAX_TESTS)
    drawn = [rule.pair(draw) for _ in range(demo_count + test_count)]
    pairs = [pair for pair in drawn if pair is not None]
    keys = {pair.question.key for pair in pairs}
    if len(keys) < demo_count + test_count:
        return None
    tests, demos = pairs[:test_count], pairs[test_count:]

    # Add demonstrations until the rules that explain them agree on the tests.
    fits = fitting(Demos(demos))
    while not agree(fits, [test.question for test in tests]):
        more = rule.pair(draw)
        if more is None or len(demos) == MAX_DEMOS or more.question.key in keys:
            return None
        demos.append(more)
        keys.add(more.question.key)
        fits = [each for each in fits if each.explains(more)]

    if shortcut(_grids(demos), _grids(tests)):
        return None
    fitting_ids = {each.id() for each in fits}
    rejected = tuple(family.id() for family in rules() if family.id() not in fitting_ids)
    return Episode(rule, tuple(demos), tuple(tests), tuple(fits), rejected)


def _grids(pairs: Sequence[Pair]) -> list[tuple[Grid, Grid]]:
    """Return the questions and answers of the pairs."""
    return [(pair.question.grid, pair.answer.grid) for pair in pairs]


def agree(fits: Sequence[Rule], questions: Sequence[Scene]) -> bool:
    """Return whether, for each question, all rules that apply to it give the same answer."""
    for question in questions:
        answers = (each.answer(question) for each in fits)
        if len({(answer.shape, answer.tobytes()) for answer in answers if answer is not None}) > 1:
            return False
    return True


def shortcut(demos: Sequence[tuple[Grid, Grid]], tests: Sequence[tuple[Grid, Grid]]) -> str:
    """Return the name of an answer without a rule that is right for every test, or "".

    Shortcuts are the question itself, any of its 8 symmetries, the last demonstration's answer, and the
    commonest colour of the answers on all cells of the question.
    """
    _, last = demos[-1]
    counts = sum(np.bincount(answer.ravel(), minlength=10) for _, answer in demos)
    commonest = int(np.argmax(counts))
    remaining = [*SHORTCUTS]
    for question, answer in tests:
        guesses = [last, np.full_like(question, commonest), *(symmetric(question, k) for k in range(8))]
        named = dict(zip(SHORTCUTS, guesses, strict=True))
        remaining = [name for name in remaining if np.array_equal(named[name], answer)]
    return remaining[0] if remaining else ""


def symmetric(grid: Grid, k: int) -> Grid:
    """Return the k-th of the 8 symmetries of a grid, 0 … 7. Symmetry 0 is the grid itself."""
    return np.rot90(grid if k < 4 else grid.T, k % 4)
