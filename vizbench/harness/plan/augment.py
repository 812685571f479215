"""Demonstrations of an ARC task turned, mirrored and recoloured, for models that are fitted to them.

A variant is one symmetry of the square and one permutation of colours, applied to question and target of
every demonstration alike. Test inputs stay as they are. Black (0) stays black: it is the ground of nearly
every task, and another ground would show the model pictures that no test input looks like.

A model that sees one pair at a time is not told which variant it sees. Where a rule names a direction or a
colour, variants contradict one another: hence a plan has to ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from vizbench.seeds import keys, stream
from vizbench.types import Grid, Instance

KINDS: Final = ("symmetries", "colours")
"""symmetries: the 8 of the square; colours: RECOLOURED permutations of 1 … 9. Of both, every pair of one and
one."""

RECOLOURED: Final = 8
"""Permutations of colours, the identity among them: as many as there are symmetries."""

MAX_EXAMPLES: Final = 5000
"""What a model is shown at most, as in the paper's largest budget. A file may hold thousands of
demonstrations."""


def augmented(rows: Sequence[Instance], kinds: Sequence[str], seed: int) -> list[Instance]:
    """The rows, then their other variants, none twice; rows beyond MAX_EXAMPLES only if they are themselves
    given.

    kinds: of KINDS; seed: draws the permutations, the same ones whatever the rows.
    """
    turns = range(8 if "symmetries" in kinds else 1)
    palettes = permutations(seed) if "colours" in kinds else [np.arange(10, dtype=np.uint8)]
    shown = list(rows)
    seen = {_name(row.question, row.target) for row in rows}
    for palette in palettes:
        for turn in turns:
            for row in rows:
                question, target = (palette[turned(grid, turn)] for grid in (row.question, row.target))
                name = _name(question, target)
                if len(shown) < MAX_EXAMPLES and name not in seen:
                    seen.add(name)
                    shown.append(replace(row, question=question, target=target, steps=target[None]))
    return shown


def turned(grid: Grid, turn: int) -> Grid:
    """The grid under a symmetry of the square: 0 … 3 quarter turns, 4 … 7 the same of its mirror image."""
    return np.ascontiguousarray(np.rot90(grid if turn < 4 else grid[:, ::-1], turn % 4))


def permutations(seed: int) -> list[Grid]:
    """RECOLOURED palettes `(10,)` uint8, from colour to colour: the identity first, 0 always to 0."""
    found = [np.arange(10, dtype=np.uint8)]
    origin = stream("augment", seed)
    for number in range(RECOLOURED - 1):
        order = np.argsort(keys(origin, 9 * number, 9)).astype(np.uint8)
        found.append(np.concatenate([np.zeros(1, np.uint8), order + np.uint8(1)]))
    return found


def _name(question: Grid, target: Grid) -> tuple[object, ...]:
    return question.shape, question.tobytes(), target.shape, target.tobytes()
