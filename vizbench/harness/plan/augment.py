"""Augment the demonstrations of an ARC task with turned, mirrored and recoloured variants.

A variant is one symmetry of the square and one permutation of colours. It is applied to the question and the
target of every demonstration alike. Test inputs stay as they are. Black (0) stays black: it is the background
of nearly every task, and a model would otherwise see pictures that no test input looks like.

Variants contradict one another if a rule names a direction or a colour, because a model that sees one pair
at a time cannot know the variant. For this reason augmentation is off unless a plan asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from vizbench.seeds import keys, stream
from vizbench.types import Grid, Instance

KINDS: Final = ("symmetries", "colours")
"""symmetries: the 8 of the square; colours: RECOLOURED permutations of 1 … 9; both: every pair of these."""

RECOLOURED: Final = 8
"""Number of colour permutations, the identity included: as many as there are symmetries."""

MAX_EXAMPLES: Final = 5000
"""The most examples that a model is shown: the largest number of shots in the paper.

A file may hold thousands of demonstrations.
"""


def augmented(rows: Sequence[Instance], kinds: Sequence[str], seed: int) -> list[Instance]:
    """Return the rows followed by their other variants, each once.

    At most MAX_EXAMPLES are returned, or all given rows if these are more.

    kinds: from KINDS.
    seed: chooses the permutations, which do not depend on the rows.
    """
    turns = range(8 if "symmetries" in kinds else 1)
    palettes = permutations(seed) if "colours" in kinds else [np.arange(10, dtype=np.uint8)]
    shown = list(rows)
    seen = {_identity(row.question, row.target) for row in rows}
    for palette in palettes:
        for turn in turns:
            for row in rows:
                question = palette[turned(row.question, turn)]
                target = palette[turned(row.target, turn)]
                identity = _identity(question, target)
                if len(shown) < MAX_EXAMPLES and identity not in seen:
                    seen.add(identity)
                    shown.append(replace(row, question=question, target=target, steps=target[None]))
    return shown


def turned(grid: Grid, turn: int) -> Grid:
    """Apply a symmetry of the square: 0 … 3 are quarter turns, 4 … 7 those of the mirror image."""
    return np.ascontiguousarray(np.rot90(grid if turn < 4 else grid[:, ::-1], turn % 4))


def permutations(seed: int) -> list[Grid]:
    """Return RECOLOURED palettes `(10,)` uint8 that map colour to colour.

    The identity comes first. Every palette maps 0 to 0.
    """
    palettes = [np.arange(10, dtype=np.uint8)]
    origin = stream("augment", seed)
    for number in range(RECOLOURED - 1):
        order = np.argsort(keys(origin, 9 * number, 9)).astype(np.uint8)
        palettes.append(np.concatenate([np.zeros(1, np.uint8), order + np.uint8(1)]))
    return palettes


def _identity(question: Grid, target: Grid) -> tuple[object, ...]:
    return question.shape, question.tobytes(), target.shape, target.tobytes()
