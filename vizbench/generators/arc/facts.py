"""What demonstrations show before any rule is run: facts that a rule can be refused by, and colours to try it
with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, final

from vizbench.generators.arc import scene_kernels
from vizbench.generators.arc.scene import Scene
from vizbench.types import Grid

SAME_SIZE: Final = scene_kernels.SAME_SIZE
"""The answer is as large as the question."""
ADDS: Final = scene_kernels.ADDS
"""Same size, and no coloured cell changes: something is added on the ground."""
REMOVES: Final = scene_kernels.REMOVES
"""Same size, and each cell is as it was or became ground."""
RECOLOURS: Final = scene_kernels.RECOLOURS
"""Same size, and the same cells are coloured."""
REARRANGES: Final = scene_kernels.REARRANGES
"""Same size, and as many cells of each colour as before."""
OLD_COLOURS: Final = scene_kernels.OLD_COLOURS
"""The answer has no colour that the question lacks."""
SHRINKS: Final = scene_kernels.SHRINKS
"""The answer has no more rows and columns than the question, and fewer cells."""
ONE_INK: Final = scene_kernels.ONE_INK
"""The answer has one colour beside the ground at most."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A demonstration. facts: the bits above that hold; before, after, painted: bit c for colour c, in the
    question, in the answer, and on cells that changed (all of the answer's where the sizes differ)."""

    question: Scene
    answer: Scene
    facts: int
    before: int
    after: int
    painted: int


def pair(question: Grid, answer: Grid) -> Pair:
    """A demonstration of two grids."""
    asked, told = Scene(question), Scene(answer)
    return Pair(asked, told, *scene_kernels.pair_facts(asked.grid, told.grid))


@final
class Demos:
    """Demonstrations of one rule, at least one. Facts and colours are those that all of them share."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = tuple(pairs)
        self.facts: int = _every([pair.facts for pair in pairs])
        self.before = _shared([pair.before for pair in pairs])
        self.after = _shared([pair.after for pair in pairs])
        self.painted = _shared([pair.painted for pair in pairs])


def _shared(bits: Sequence[int]) -> tuple[int, ...]:
    """The colours whose bit is set in all of these."""
    every = _every(bits)
    return tuple(colour for colour in range(1, 10) if every >> colour & 1)


def _every(bits: Sequence[int]) -> int:
    return reduce(lambda a, b: a & b, bits)
