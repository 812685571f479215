"""Decide which laws no world may use: those of the suites' tasks, and laws that behave like them.

A model pretrained on a task's own rule would say nothing about learning it. The same holds for a rule that
differs only on boards that hardly occur: B38/S23 answers 94 of 100 soups as Conway's B3/S23 does. So laws are
compared by their *answers* on a fixed panel of boards. A law is refused if an excluded law, its mirror image
or its complement gives the same answers on a share of `LIMIT` or more. The tests compare the rules listed
here with the variants of the task families, and draw from the stream to check that it holds no excluded law.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from vizbench.baselines.embedded.worlds.laws import (
    Walk,
    next_rows,
    seen_around,
    seen_in_rows,
    walked,
    with_walker,
)
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.embedded.worlds.scene import Boards

LIMIT = 0.4
"""Laws that agree with an excluded law on this share of the panel, or more, are refused.

The value is below one half because a walker that treats one of two colours as Langton's ant does takes the
ant's first step on half of the boards.
"""

LIFE = ("B3/S23", "B3/S2", "B3678/S34678", "B3/S12345", "B2/S")
"""Rules of the task family `life`."""

ECA = (8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 54, 62, 106, 110)
"""Rules of the task family `eca`."""

ANTS = (((1, 1), (3, 1)), ((3, 1), (1, 1)))
"""Langton's ant and its mirror image: (quarter turns to the right, flips) on white and on black."""

PANEL = 256
"""Number of 8x8 boards on which two laws are compared. A share of .2 to .6 is live, as in the worlds."""


def life_bits(rule: str) -> tuple[int, ...]:
    """Convert B/S notation to 18 bits: born with 0 … 8 live neighbours, then survives with 0 … 8."""
    born, survives = rule.removeprefix("B").split("/S")
    return tuple(int(str(k) in born) for k in range(9)) + tuple(int(str(k) in survives) for k in range(9))


def life_complement(bits: tuple[int, ...]) -> tuple[int, ...]:
    """Return the rule with live and dead exchanged."""
    born, survives = bits[:9], bits[9:]
    return tuple(1 - survives[8 - k] for k in range(9)) + tuple(1 - born[8 - k] for k in range(9))


def eca_family(rule: int) -> frozenset[int]:
    """Return the rule, its mirror image, its complement and both (Wolfram 1983, section 2)."""
    mirrored = _eca_mirror(rule)
    return frozenset({rule, mirrored, _eca_complement(rule), _eca_complement(mirrored)})


def _eca_mirror(rule: int) -> int:
    """Return the rule with left and right exchanged."""
    mirrored = 0
    for left, own, right in itertools.product((0, 1), repeat=3):
        bit = (rule >> (4 * left + 2 * own + right)) & 1
        mirrored |= bit << (4 * right + 2 * own + left)
    return mirrored


def _eca_complement(rule: int) -> int:
    """Return the rule with the two states exchanged."""
    return sum((1 - ((rule >> (7 - k)) & 1)) << k for k in range(8))


LIFE_BITS = frozenset(life_bits(r) for r in LIFE) | frozenset(life_complement(life_bits(r)) for r in LIFE)
ECA_RULES = frozenset(r for rule in ECA for r in eca_family(rule))


def life_alike(bits: tuple[int, ...]) -> float:
    """Return the largest share of the panel that an excluded life-like law answers as `bits` does."""
    return max(_untouched(_life_seen(), _differing(bits, other)) for other in LIFE_BITS)


def eca_alike(rule: int) -> float:
    """Return the largest share of the panel that an excluded elementary rule answers as `rule` does.

    Both one step on every row and whole diagrams are compared.
    """
    bits = _rule_bits(rule)
    shares: list[float] = []
    for other in ECA_RULES:
        differing = _differing(bits, _rule_bits(other))
        shares += [_untouched(seen, differing) for seen in _eca_seen(other)]
    return max(shares)


def turmite_alike(table: tuple[tuple[int, int], tuple[int, int]], steps: int) -> float:
    """Return the largest share of the panel on which Langton's ant or its mirror image walks as `table` does.

    table: (quarter turns, flip) by colour. The boards are compared after `steps` steps.
    """
    mine = _walked(table, steps)
    return max(float((mine == _walked(ant, steps)).all((1, 2)).mean()) for ant in ANTS)


@functools.cache
def _soups() -> Boards:
    """Draw the panel of boards."""
    draw = Draw("worlds", "excluded", "panel")
    live = 0.2 + 0.4 * draw.uniform(PANEL)
    return (draw.uniform(PANEL, 8, 8) < live[:, None, None]).astype(np.uint8)


@functools.cache
def _life_seen() -> npt.NDArray[np.bool_]:
    """Return which life-like neighbourhoods each board of the panel contains."""
    return _held(seen_around(_soups(), torus=False), 18)


@functools.cache
def _eca_seen(rule: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the neighbourhoods in the rows of each board, and in the rule's diagram of its first row."""
    states = [_soups()[:, 0]]
    for _ in range(6):
        states.append(next_rows(states[-1], rule))
    return _held(seen_in_rows(_soups()), 8), _held(seen_in_rows(np.stack(states, 1)), 8)


@functools.cache
def _walked(table: tuple[tuple[int, int], tuple[int, int]], steps: int) -> Boards:
    """Return the panel's walks after `steps` steps."""
    return with_walker(*walked(*_walks(), table, steps))


@functools.cache
def _walks() -> tuple[Boards, Walk]:
    """Draw the panel of boards with walkers."""
    draw = Draw("worlds", "excluded", "walks")
    colour = (draw.uniform(PANEL, 8, 8) < 0.5).astype(np.uint8)
    return colour, Walk(draw.below(8, PANEL), draw.below(8, PANEL), draw.below(4, PANEL))


def _held(seen: npt.NDArray[np.integer], kinds: int) -> npt.NDArray[np.bool_]:
    """Return which of the `kinds` neighbourhoods each board contains, `(n, kinds)`."""
    return np.stack([(seen == kind).any((1, 2)) for kind in range(kinds)], 1)


def _untouched(held: npt.NDArray[np.bool_], kinds: Iterable[int]) -> float:
    """Return the share of boards without any of the neighbourhoods `kinds`.

    On these boards, two laws that differ only in `kinds` give the same answer.
    """
    return float((~held[:, list(kinds)].any(1)).mean())


def _differing(one: tuple[int, ...], two: tuple[int, ...]) -> list[int]:
    """Return the neighbourhoods for which two laws differ."""
    return [kind for kind, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]


def _rule_bits(rule: int) -> tuple[int, ...]:
    return tuple((rule >> k) & 1 for k in range(8))
