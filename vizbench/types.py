"""The nouns that flow through vizbench: grids, instances, batches, verdicts, and how a task wants to be
drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

Grid: TypeAlias = npt.NDArray[np.uint8]
"""Cell codes, `(h, w)` uint8. A code is not a colour: palettes give codes their colours."""

Grids: TypeAlias = npt.NDArray[np.uint8]
"""A stack of grids, `(n, h, w)` uint8."""

Image: TypeAlias = npt.NDArray[np.uint8]
"""One picture, `(H, W, 3)` uint8 RGB."""

Video: TypeAlias = npt.NDArray[np.uint8]
"""A clip, `(T, H, W, 3)` uint8 RGB."""

Keys: TypeAlias = npt.NDArray[np.uint64]
"""One 64-bit key an instance, `(n,)`: all the randomness an instance has."""

SplitName: TypeAlias = Literal["train", "test"]

POOL: Final = 5000
"""The default pool: test rows keep away from so many of the first train rows. It is the paper's largest
budget."""

Json: TypeAlias = Any  # what `json.loads` gives; a recursive alias costs pyright more than it tells a reader


def row_id(task: str, seed: int, split: SplitName, index: int, pool: int) -> str:
    """The id of a row: see `Instance.id`."""
    tail = f"-pool{pool}" if split == "test" and pool != POOL else ""
    return f"{task}#{seed}-{split}-{index}{tail}"


@final
@dataclass(frozen=True, slots=True)
class Look:
    """How a task's grids are drawn, as plain numbers: the renderers know looks, not tasks.

    palette: a name in `renderers.palettes`; cell: pixels a cell's side; margin: pixels around the board;
    line: pixels between cells; canvas: when set, the picture is canvas x canvas and cells grow to fit it.
    """

    palette: str
    cell: int = 16
    margin: int = 0
    line: int = 0
    canvas: int | None = None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Instances as arrays. question, target: `(n, h, w)` uint8; facts: name -> `(n,)` array, copied into
    `meta`.

    sizes: `(n, 4)` int64, rows and columns of each question, then of each target, where these differ: a grid
    lies at the top left of its array, and zeros fill it up; None where every grid fills its array."""

    question: Grids
    target: Grids
    facts: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict[str, npt.NDArray[Any]])
    sizes: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.question)

    def pair(self, row: int) -> tuple[Grid, Grid]:
        """Question and target of a row, in their own sizes."""
        question, target = self.question[row], self.target[row]
        if self.sizes is None:
            return question, target
        rows, columns, tall, wide = self.sizes[row].tolist()
        return np.ascontiguousarray(question[:rows, :columns]), np.ascontiguousarray(target[:tall, :wide])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One question with its stored answer.

    task: full name, overrides included (`life/conway`, `life/conway?steps=2`); params: the room's frozen
    record. question `(h, w)`, target `(h', w')` uint8; steps `(k, h', w')`: states after the question, the
    last is the target, or the first where a game goes on. pool: the train rows that test rows of this data
    set keep away from."""

    task: str
    params: Any
    seed: int
    split: SplitName
    index: int
    question: Grid
    target: Grid
    steps: Grids
    meta: Mapping[str, Json] = field(default_factory=dict[str, Json])
    pool: int = POOL

    @property
    def id(self) -> str:
        """A name unique over all data sets, from which `vizbench.instance` makes the instance again.

        `life/conway#0-test-17`; with another pool than the default, test rows are
        `life/conway#0-test-17-pool100`."""
        return row_id(self.task, self.seed, self.split, self.index, self.pool)


@final
@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a room's rules say of an answer that has the right form. parts: figures of their own (psr, rpl,
    ...)."""

    valid: bool
    reason: str
    parts: Mapping[str, float] = field(default_factory=dict[str, float])


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one answer.

    valid: the rules hold, checked from the question alone; exact: equal to the stored target (the paper's
    metric); cells: share of target cells answered right, 0..1 (0 when the shape differs); reason: one
    sentence, "" when valid."""

    valid: bool
    exact: bool
    cells: float
    reason: str
    parts: Mapping[str, float] = field(default_factory=dict[str, float])


@final
@dataclass(frozen=True, slots=True)
class DecodeFailure:
    """Why a picture or a text holds no grid. It is an answer, a wrong one, and stays in the denominator."""

    reason: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A decoded answer. grid: `(h, w)` uint8; confidence: `(h, w)` float32 in 0..1, 1 where the reading is
    certain."""

    grid: Grid
    confidence: npt.NDArray[np.float32]


Decoded: TypeAlias = Answer | DecodeFailure
