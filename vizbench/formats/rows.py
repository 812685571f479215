"""One row of a data set on disk, whatever the format, and the way between it and an instance."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, TypeAlias, final

import msgspec
import numpy as np
from msgspec import Meta

from vizbench._util.grids import MAX_SIDE
from vizbench.dataset import MAX_ROWS, SplitSpec
from vizbench.errors import UserError
from vizbench.task import Verifier
from vizbench.types import Grid, Grids, Instance, Json, SplitName

MAX_STEPS = 65_536

_Line: TypeAlias = Annotated[
    list[Annotated[int, Meta(ge=0, le=255)]], Meta(min_length=1, max_length=MAX_SIDE)
]
Nested: TypeAlias = Annotated[list[_Line], Meta(min_length=1, max_length=MAX_SIDE)]
"""A grid as nested lists of cell codes."""


@final
class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instance as plain data. steps: the states after the question, or empty where they were left out."""

    id: str
    task: str
    seed: Annotated[int, Meta(ge=0)]
    split: SplitName
    index: Annotated[int, Meta(ge=0, lt=MAX_ROWS)]
    question: Nested
    target: Nested
    steps: Annotated[list[Nested], Meta(max_length=MAX_STEPS)]
    meta: dict[str, Json]


_ENCODER = msgspec.json.Encoder()


def encode(instance: Instance, steps: bool) -> bytes:
    """The row as one line of JSON without its line feed. steps: whether the states on the way are kept."""
    return b"".join(pieces(instance, steps, Pad()))


def pieces(instance: Instance, steps: bool, pad: Pad) -> tuple[bytes, memoryview | bytes, bytes]:
    """The same in three parts, of which the pad holds the second, the way, until it is written on again."""
    question, target = (
        msgspec.Raw(bytes(pad.boards(grid[None]))) for grid in (instance.question, instance.target)
    )
    head = _ENCODER.encode(
        {
            "id": instance.id,
            "task": instance.task,
            "seed": instance.seed,
            "split": instance.split,
            "index": instance.index,
            "question": question,
            "target": target,
        }
    )
    way = pad.boards(instance.steps) if steps else b""
    return head[:-1] + b',"steps":[', way, b'],"meta":' + _ENCODER.encode(dict(instance.meta)) + b"}"


@final
class Pad:
    """Memory in which grids are written as JSON, one stack of them over the other.

    1,000 mazes of 41x41, whose ways are 392 MB of JSON, take 10 s through Python's lists and 0.25 s in an
    array of characters each, most of it for fresh pages from the system; over the characters of the row
    before, whose brackets and commas stand, 0.07 s."""

    def __init__(self) -> None:
        self._lay(1, 1, 1)

    def boards(self, grids: Grids) -> memoryview:
        """Grids `(k, h, w)`, k >= 1, as `[[0,1],[1,0]],[[0,1],[1,1]]`: lists of lists with commas between
        them."""
        k, h, w = grids.shape
        if grids.max() > 9:  # a code has more than one digit
            return memoryview(_ENCODER.encode(grids.tolist()))[1:-1]
        if k > len(self._digits) or self._digits.shape[1:] != (h, w):
            self._lay(k, h, w)
        np.add(grids, ord("0"), out=self._digits[:k])
        return self._boards[:k].data.cast("B")[:-1]

    def _lay(self, k: int, h: int, w: int) -> None:
        """Write the brackets and commas of k grids."""
        self._boards = np.full((k, h * (2 * w + 2) + 2), ord(","), np.uint8)
        lines = self._boards[:, 1:-1].reshape(k, h, 2 * w + 2)  # each [0,1,1], and the last without the comma
        lines[:, :, 0], lines[:, :, -2] = ord("["), ord("]")
        self._boards[:, 0], self._boards[:, -2] = ord("["), ord("]")
        self._digits = lines[:, :, 1:-2:2]


def row_digest(instance: Instance, steps: bool) -> bytes:
    """32 bytes of what a row says, whatever its format: of its grids' cells, and of the rest as JSON before
    them.

    The digest of a data set is taken of these, so it does not depend on shards either. steps: whether the
    states on the way are kept. BLAKE2 over the whole line of JSON took three times as long: that is twice the
    bytes, and processors have instructions for SHA-256."""
    grids = [instance.question, instance.target, *([instance.steps] if steps else [])]
    shapes = [grid.shape for grid in grids]
    digest = hashlib.sha256(
        _ENCODER.encode(
            [instance.task, instance.seed, instance.split, instance.index, dict(instance.meta), shapes]
        )
    )
    for grid in grids:
        digest.update(np.ascontiguousarray(grid).data)
    return digest.digest()


def instance_of(row: Row, index: int, recipe: SplitSpec, verifier: Verifier, params: Any) -> Instance:
    """The instance of a row that was read. UserError where it is not row `index` of the recipe, or no proper
    grids.

    Where the steps were left out, the only state after the question is the target.
    """
    if (row.task, row.seed, row.split, row.index) != (recipe.task, recipe.seed, recipe.split, index):
        raise UserError(f"row {index} is row {row.index} of {row.task[:80]} {row.split}, seed {row.seed}")
    question = _grid(row.question, "question", index, verifier)
    target = _grid(row.target, "target", index, verifier)
    steps = np.stack([target]) if not row.steps else _steps(row, index, target, verifier)
    instance = Instance(
        row.task, params, row.seed, row.split, index, question, target, steps, row.meta, recipe.pool
    )
    if instance.id != row.id:
        raise UserError(f"row {index} has the id {row.id[:80]!r} where its fields say {instance.id!r}")
    return instance


def _grid(nested: Nested, what: str, index: int, verifier: Verifier) -> Grid:
    if len({len(line) for line in nested}) != 1:
        raise UserError(f"row {index}: the {what} has lines of different lengths")
    grid = np.array(nested, np.uint8)
    if int(grid.max()) >= verifier.codes:
        raise UserError(
            f"row {index}: the {what} holds the cell code {int(grid.max())}, over {verifier.codes - 1}"
        )
    return grid


def _steps(row: Row, index: int, target: Grid, verifier: Verifier) -> Grids:
    steps = [_grid(step, "process", index, verifier) for step in row.steps]
    if any(step.shape != target.shape for step in steps) or not np.array_equal(
        steps[verifier.answer_at], target
    ):
        place = "end at" if verifier.sequel is None else "begin with"
        raise UserError(f"row {index}: the way does not {place} the target")
    return np.stack(steps)
