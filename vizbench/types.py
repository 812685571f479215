"""Define the data of vizbench: grids, instances, batches, verdicts, and how a task is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
"""One 64-bit key per instance, `(n,)`: all the randomness that an instance has."""

SplitName: TypeAlias = Literal["train", "test"]

POOL: Final = 5000
"""The default pool: how many of the first train rows test rows keep away from. The paper's most shots."""

Json: TypeAlias = Any  # what `json.loads` gives; a recursive alias would slow pyright down


def row_id(task: str, seed: int, split: SplitName, index: int, pool: int) -> str:
    """Return the id of a row, see `Instance.id`."""
    before, after = id_parts(task, seed, split, pool)
    return f"{before}{index}{after}"


def id_parts(task: str, seed: int, split: SplitName, pool: int) -> tuple[str, str]:
    """Return what comes before and after the index in the ids of a split's rows."""
    return f"{task}#{seed}-{split}-", f"-pool{pool}" if split == "test" and pool != POOL else ""


@final
@dataclass(frozen=True, slots=True)
class Look:
    """Describe how a task's grids are drawn. Renderers know looks, not tasks."""

    palette: str
    """The name of a palette in `renderers.palettes`, or its colours written out: `ffffff 000000 | 808080`.

    The colour after the bar is that of margins and lines.
    """
    cell: int = 16
    """Pixels per side of a cell."""
    margin: int = 0
    """Pixels around the grid."""
    line: int = 0
    """Pixels between cells."""
    canvas: int | None = None
    """If set, the picture is canvas x canvas pixels, and cells grow to fit it."""
    glyphs: str = ""
    """The name of a set in `renderers.glyphs` that is drawn on the cells; "" for plain cells."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Hold instances as arrays."""

    question: Grids
    """`(n, h, w)` uint8."""
    target: Grids
    """`(n, h', w')` uint8."""
    facts: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict[str, npt.NDArray[Any]])
    """Arrays `(n,)` by name, copied into `meta`."""
    sizes: npt.NDArray[np.int64] | None = None
    """Rows and columns of each question, then of each target, `(n, 4)`. None if every grid fills its array.

    A smaller grid is at the top left of its array, and zeros fill the rest.
    """
    task: str = ""
    """The canonical name of the task. "" as `Task.generate_batch` returns it."""

    def __len__(self) -> int:
        return len(self.question)

    def pair(self, row: int) -> tuple[Grid, Grid]:
        """Return question and target of a row, in their own sizes."""
        question, target = self.question[row], self.target[row]
        if self.sizes is None:
            return question, target
        rows, columns, tall, wide = self.sizes[row].tolist()
        return np.ascontiguousarray(question[:rows, :columns]), np.ascontiguousarray(target[:tall, :wide])

    def by_sizes(self) -> Iterator[tuple[npt.NDArray[np.int64], Batch]]:
        """Yield batches of rows whose grids have the same sizes, each with the places of its rows here."""
        if self.sizes is None:
            yield np.arange(len(self)), self
            return
        sizes, groups = np.unique(self.sizes, axis=0, return_inverse=True)
        for number, (height, width, tall, wide) in enumerate(sizes.tolist()):
            places = np.flatnonzero(groups.ravel() == number)
            question = np.ascontiguousarray(self.question[places, :height, :width])
            target = np.ascontiguousarray(self.target[places, :tall, :wide])
            facts = {name: fact[places] for name, fact in self.facts.items()}
            yield places, Batch(question, target, facts, task=self.task)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """The processes of several instances, one after the other in one array."""

    states: Grids
    """The states after each question, `(total, h, w)` uint8."""
    starts: npt.NDArray[np.int64]
    """Where each process begins, and the total at the end, `(n + 1,)`."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> Grids:
        """Return the states of one instance, `(k, h, w)`, k >= 1."""
        return self.states[self.starts[row] : self.starts[row + 1]]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """Hold one question with its target."""

    task: str
    """The full name, overrides included: `life/conway`, `life/conway?steps=2`."""
    params: Any
    """The task's record of parameters."""
    seed: int
    """The seed of its data set."""
    split: SplitName
    """The split that it is a row of."""
    index: int
    """Its position in the split, from 0."""
    question: Grid
    """`(h, w)` uint8."""
    target: Grid
    """The right answer, `(h', w')` uint8."""
    steps: Grids
    """The states after the question, `(k, h', w')`. The last is the target, or in a game the first."""
    meta: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Facts and difficulty, as plain JSON."""
    pool: int = POOL
    """How many of the first train rows the test rows of its data set keep away from."""

    @property
    def id(self) -> str:
        """A name that is unique over all data sets: `life/conway#0-test-17`.

        `vizbench.instance` makes the instance again from it. Test rows whose pool is not the default are
        named `life/conway#0-test-17-pool100`.
        """
        return row_id(self.task, self.seed, self.split, self.index, self.pool)


@final
@dataclass(frozen=True, slots=True)
class CheckResult:
    """Hold the result of a task's rules for an answer that has the right form."""

    valid: bool
    """Whether the rules hold."""
    reason: str
    """What is wrong, one sentence; "" if valid."""
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    """Further figures of the task, such as psr and rpl of paths."""


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold the verdict on one answer."""

    valid: bool
    """Whether the rules hold, checked from the question only."""
    exact: bool
    """Whether the answer equals the stored target: the paper's metric."""
    cells: float
    """The share of target cells that the answer has right, 0..1; 0 if the shape differs."""
    reason: str
    """What is wrong, one sentence; "" if valid."""
    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    """How far the answer got, each 0..1: all 0 for the untouched question, all 1 for a valid answer.

    See `Task.parts_batch`. A process has the part `legal` as well.
    """
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    """Measures of the task's own, see `CheckResult`."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """The verdicts on a batch of answers, as columns."""

    valid: npt.NDArray[np.bool_]
    """Whether the rules hold, `(n,)`."""
    exact: npt.NDArray[np.bool_]
    """Whether the answer equals the stored target, `(n,)`."""
    cells: npt.NDArray[np.float64]
    """The share of target cells that are answered right, `(n,)` in 0..1."""
    parts: Mapping[str, npt.NDArray[np.float64]]
    """How far each answer got, `(n,)` in 0..1 by name, see `Verdict.parts`."""

    def __len__(self) -> int:
        return len(self.valid)


@final
@dataclass(frozen=True, slots=True)
class Reward:
    """One number for one answer, for training."""

    value: float
    """1 if the answer is valid, otherwise 0..0.5: half the product of the parts."""
    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    """What it is made of, see `Verdict.parts`."""


@final
@dataclass(frozen=True, slots=True)
class DecodeFailure:
    """Give the reason why a picture or a text holds no grid. It counts as a wrong answer."""

    reason: str
    """One sentence."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Hold a decoded answer."""

    grid: Grid
    """`(h, w)` uint8."""
    confidence: npt.NDArray[np.float32]
    """How certain each cell is, `(h, w)` in 0..1; 1 is certain."""


Decoded: TypeAlias = Answer | DecodeFailure
