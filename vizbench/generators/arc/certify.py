"""Episodes: a rule shown by demonstrations that leave one answer to each test, by every rule of the library.

Among all rules, with all their settings, those that explain every demonstration must agree on every test that
they say anything about. Where they do not, another demonstration is shown, up to five; then the episode is
drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np

from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import Demos, Pair
from vizbench.generators.arc.library import rules
from vizbench.generators.arc.rule import Rule
from vizbench.generators.arc.scene import Scene
from vizbench.seeds import stream
from vizbench.types import Grid

FEWEST, MOST_DEMOS, MOST_TESTS = 2, 5, 3

SHORTCUTS: Final = ("last", "majority", "copy", *(f"symmetry {k}" for k in range(1, 8)))
"""Answers that need no rule, see `shortcut`."""

_SETTINGS: Final = 8  # settings of a rule that are tried before another rule is drawn
_RULES: Final = 200


@final
@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """A rule, 2-5 demonstrations and 1-3 tests. fits: every rule that explains the demonstrations, this one
    among them; rejected: ids of those of which no setting does."""

    rule: Rule
    demos: tuple[Pair, ...]
    tests: tuple[Pair, ...]
    fits: tuple[Rule, ...]
    rejected: tuple[str, ...]


def fitting(demos: Demos) -> list[Rule]:
    """Every rule of the library, with every setting, that explains the demonstrations."""
    return [found for family in rules() for found in family.fit(demos)]


def episode(concept: str, number: int) -> Episode:
    """The episode of a concept with this number: a pure function of the two, and of the library."""
    return _drawn(concept, stream("episode", concept, number))


@lru_cache(maxsize=256)
def _drawn(concept: str, key: int) -> Episode:
    draw = Draw(key)
    for _ in range(_RULES):
        family = draw.pick(rules(concept))
        for _ in range(_SETTINGS):
            found = _certified(family.sample(draw), draw)
            if found is not None:
                return found
    raise RuntimeError(f"{concept}: {_RULES} rules gave no episode that leaves one answer")


def _certified(rule: Rule, draw: Draw) -> Episode | None:
    """An episode of the rule; None where five demonstrations leave more than one answer, or a shortcut finds
    it."""
    wanted, asked = draw.between(FEWEST, MOST_DEMOS - 1), draw.between(1, MOST_TESTS)
    drawn = [rule.pair(draw) for _ in range(wanted + asked)]
    pairs = [pair for pair in drawn if pair is not None]
    if len({pair.question.key for pair in pairs}) < wanted + asked:
        return None
    tests, demos = pairs[:asked], pairs[asked:]
    fits = fitting(Demos(demos))
    while not agree(fits, [test.question for test in tests]):
        more = rule.pair(draw)
        if (
            more is None
            or len(demos) == MOST_DEMOS
            or more.question.key in {p.question.key for p in (*demos, *tests)}
        ):
            return None
        demos.append(more)
        fits = [each for each in fits if each.explains(more)]
    if shortcut(
        [(p.question.grid, p.answer.grid) for p in demos], [(p.question.grid, p.answer.grid) for p in tests]
    ):
        return None
    fitted = {each.id() for each in fits}
    rejected = tuple(family.id() for family in rules() if family.id() not in fitted)
    return Episode(rule, tuple(demos), tuple(tests), tuple(fits), rejected)


def agree(fits: Sequence[Rule], questions: Sequence[Scene]) -> bool:
    """Whether the rules that say anything about a question say the same, for each question."""
    for question in questions:
        answers = (each.answer(question) for each in fits)
        if len({(answer.shape, answer.tobytes()) for answer in answers if answer is not None}) > 1:
            return False
    return True


def shortcut(demos: Sequence[tuple[Grid, Grid]], tests: Sequence[tuple[Grid, Grid]]) -> str:
    """The name of an answer without a rule that is right for every test, "" where none is: the question
    itself, any of its 8 symmetries, the last demonstration's answer, or the answers' commonest colour on all
    cells of the question."""
    last = demos[-1][1]
    commonest = int(np.argmax(sum(np.bincount(answer.ravel(), minlength=10) for _, answer in demos)))
    left = [*SHORTCUTS]
    for question, answer in tests:
        guesses = [last, np.full_like(question, commonest), *(symmetric(question, k) for k in range(8))]
        right = {
            name for name, guess in zip(SHORTCUTS, guesses, strict=True) if np.array_equal(guess, answer)
        }
        left = [name for name in left if name in right]
    return left[0] if left else ""


def symmetric(grid: Grid, k: int) -> Grid:
    """The k-th of the 8 symmetries of a grid, 0 … 7; 0 leaves it as it is."""
    return np.rot90(grid if k < 4 else grid.T, k % 4)
