"""The laws that no world may use: those of the suites' tasks, their mirror images, complements, and what
behaves alike.

A model pretrained on a task's own rule would say nothing about learning it, and neither would one that has
seen a rule which differs where boards hardly ever go: B38/S23 answers 94 soups of 100 as Conway's B3/S23
does. So a law is refused by its *answers*: when an excluded law gives the same ones on `LIMIT` of a fixed
panel of boards or more. `tests/baselines/embedded/test_worlds.py` checks the rules here against the rooms'
variants, and draws from the stream to see that none slips through."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from vizbench.baselines.embedded.worlds.draw import Draw
from vizbench.baselines.embedded.worlds.laws import (
    Walk,
    next_rows,
    seen_around,
    seen_in_rows,
    walked,
    with_walker,
)
from vizbench.baselines.embedded.worlds.scene import Boards

LIMIT = 0.4
"""Share of the panel's boards answered alike from which on a law is refused. Below one half: on half of the
boards a walker that treats one of two colours as Langton's ant does takes the ant's first step."""

LIFE = ("B3/S23", "B3/S2", "B3678/S34678", "B3/S12345", "B2/S")
"""Rules of the room `life`."""

ECA = (8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 54, 62, 106, 110)
"""Rules of the room `eca`."""

ANTS = (((1, 1), (3, 1)), ((3, 1), (1, 1)))
"""Langton's ant and its mirror image, (quarter turns to the right, flips) on white and on black."""


PANEL = 256
"""Boards that two laws are compared on: 8x8, a share of .2 to .6 live, as the worlds draw them."""


def life_bits(rule: str) -> tuple[int, ...]:
    """B/S notation as 18 bits: born with 0..8 live neighbours, then survives with 0..8."""
    born, survives = rule.removeprefix("B").split("/S")
    return tuple(int(str(k) in born) for k in range(9)) + tuple(int(str(k) in survives) for k in range(9))


def life_complement(bits: tuple[int, ...]) -> tuple[int, ...]:
    """The same rule with live and dead exchanged."""
    born, survives = bits[:9], bits[9:]
    return tuple(1 - survives[8 - k] for k in range(9)) + tuple(1 - born[8 - k] for k in range(9))


def eca_family(rule: int) -> frozenset[int]:
    """The rule with its mirror image, its complement and both (Wolfram 1983, section 2)."""

    def mirror(r: int) -> int:
        return sum(
            ((r >> (4 * a + 2 * b + c)) & 1) << (4 * c + 2 * b + a)
            for a in (0, 1)
            for b in (0, 1)
            for c in (0, 1)
        )

    def complement(r: int) -> int:
        return sum((1 - ((r >> (7 - k)) & 1)) << k for k in range(8))

    return frozenset({rule, mirror(rule), complement(rule), mirror(complement(rule))})


LIFE_BITS = frozenset(life_bits(r) for r in LIFE) | frozenset(life_complement(life_bits(r)) for r in LIFE)
ECA_RULES = frozenset(r for rule in ECA for r in eca_family(rule))


def life_alike(bits: tuple[int, ...]) -> float:
    """The largest share of the panel that an excluded life-like law answers as this one does."""
    return max(_untouched(_life_seen(), _places(bits, other)) for other in LIFE_BITS)


def eca_alike(rule: int) -> float:
    """The same for an elementary rule, of one step on every row or of whole diagrams, whichever is larger."""
    bits = _rule_bits(rule)
    return max(
        max(_untouched(seen, _places(bits, _rule_bits(other))) for seen in _eca_seen(other))
        for other in ECA_RULES
    )


def turmite_alike(table: tuple[tuple[int, int], tuple[int, int]], steps: int) -> float:
    """The same for a walker with this table, (turn, flip) by colour, after that many steps."""
    mine = _walked(table, steps)
    return max(float((mine == _walked(ant, steps)).all((1, 2)).mean()) for ant in ANTS)


@functools.cache
def _soups() -> Boards:
    draw = Draw("worlds", "excluded", "panel")
    live = 0.2 + 0.4 * draw.uniform(PANEL)
    return (draw.uniform(PANEL, 8, 8) < live[:, None, None]).astype(np.uint8)


@functools.cache
def _life_seen() -> npt.NDArray[np.bool_]:
    return _held(seen_around(_soups(), torus=False), 18)


@functools.cache
def _eca_seen(rule: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Neighbourhoods on the rows of each soup, and in the rule's diagram below the soup's first row."""
    states = [_soups()[:, 0]]
    for _ in range(6):
        states.append(next_rows(states[-1], rule))
    return _held(seen_in_rows(_soups()), 8), _held(seen_in_rows(np.stack(states, 1)), 8)


@functools.cache
def _walked(table: tuple[tuple[int, int], tuple[int, int]], steps: int) -> Boards:
    return with_walker(*walked(*_walks(), table, steps))


@functools.cache
def _walks() -> tuple[Boards, Walk]:
    draw = Draw("worlds", "excluded", "walks")
    colour = (draw.uniform(PANEL, 8, 8) < 0.5).astype(np.uint8)
    return colour, Walk(draw.below(8, PANEL), draw.below(8, PANEL), draw.below(4, PANEL))


def _held(seen: npt.NDArray[np.integer], kinds: int) -> npt.NDArray[np.bool_]:
    """Which of the `kinds` neighbourhoods stand on each board, `(n, kinds)`."""
    return np.stack([(seen == kind).any((1, 2)) for kind in range(kinds)], 1)


def _untouched(held: npt.NDArray[np.bool_], places: Iterable[int]) -> float:
    """Share of boards that hold none of the neighbourhoods `places`: there, two laws that differ in these are
    one."""
    return float((~held[:, list(places)].any(1)).mean())


def _places(one: tuple[int, ...], two: tuple[int, ...]) -> list[int]:
    return [place for place, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]


def _rule_bits(rule: int) -> tuple[int, ...]:
    return tuple((rule >> k) & 1 for k in range(8))
