"""The laws that no world may use: those of the suites' tasks, and their mirror images and complements.

A model pretrained on a task's own rule would say nothing about learning it. `tests/baselines/test_worlds.py` checks the
rules here against the rooms' variants, and draws from the stream to see that none slips through.
"""

from __future__ import annotations

LIFE = ("B3/S23", "B3/S2", "B3678/S34678", "B3/S12345", "B2/S")
"""Rules of the room `life`."""

ECA = (8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 54, 62, 106, 110)
"""Rules of the room `eca`."""

TURMITE = ((1, 1), (3, 1))
"""Langton's ant turns right on white (1) and left on black (3), always flipping; its mirror image turns the other way.
Given as (turn on white, flips); with the opposite turn on black."""


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
            ((r >> (4 * a + 2 * b + c)) & 1) << (4 * c + 2 * b + a) for a in (0, 1) for b in (0, 1) for c in (0, 1)
        )

    def complement(r: int) -> int:
        return sum((1 - ((r >> (7 - k)) & 1)) << k for k in range(8))

    return frozenset({rule, mirror(rule), complement(rule), mirror(complement(rule))})


LIFE_BITS = frozenset(life_bits(r) for r in LIFE) | frozenset(life_complement(life_bits(r)) for r in LIFE)
ECA_RULES = frozenset(r for rule in ECA for r in eca_family(rule))
