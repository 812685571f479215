"""Describe what demonstrations show before any rule is run.

Facts rule out rules. Colours narrow the values of a rule's parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, final

from vizbench.generators.arc import scene_kernels
from vizbench.generators.arc.scene import Scene
from vizbench.types import Grid

SAME_SIZE: Final = scene_kernels.SAME_SIZE
"""The answer has the question's size."""
ADDS: Final = scene_kernels.ADDS
"""Same size, and no coloured cell changes: only ground is painted."""
REMOVES: Final = scene_kernels.REMOVES
"""Same size, and every cell that changes becomes ground."""
RECOLOURS: Final = scene_kernels.RECOLOURS
"""Same size, and the same cells are coloured."""
REARRANGES: Final = scene_kernels.REARRANGES
"""Same size, and as many cells of each colour as before."""
OLD_COLOURS: Final = scene_kernels.OLD_COLOURS
"""The answer has no colour that the question lacks."""
SHRINKS: Final = scene_kernels.SHRINKS
"""The answer has at most as many rows and columns as the question, and fewer cells."""
ONE_INK: Final = scene_kernels.ONE_INK
"""The answer has at most one colour besides the ground's."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Hold a demonstration, with facts and colours as bit masks. Bit c means colour c."""

    question: Scene
    """The input."""
    answer: Scene
    """The output."""
    facts: int
    """The facts above that hold."""
    before: int
    """The colours of the question."""
    after: int
    """The colours of the answer."""
    painted: int
    """The colours of the cells that changed. If the sizes differ, those of the whole answer."""


def pair(question: Grid, answer: Grid) -> Pair:
    """Make a demonstration of two grids."""
    before, after = Scene(question), Scene(answer)
    return Pair(before, after, *scene_kernels.pair_facts(before.grid, after.grid))


@final
class Demos:
    """Hold demonstrations of one rule, at least one, and the facts and colours that all of them share."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = tuple(pairs)
        self.facts: int = _common_bits([pair.facts for pair in pairs])
        self.before = _common_colours([pair.before for pair in pairs])
        self.after = _common_colours([pair.after for pair in pairs])
        self.painted = _common_colours([pair.painted for pair in pairs])


def _common_colours(masks: Sequence[int]) -> tuple[int, ...]:
    """Return the colours 1 … 9 whose bit is set in every mask."""
    common = _common_bits(masks)
    return tuple(colour for colour in range(1, 10) if common >> colour & 1)


def _common_bits(masks: Sequence[int]) -> int:
    """Return the bits that are set in every mask."""
    return reduce(lambda a, b: a & b, masks)
