"""Convert between an instance and one row of a data set, which is the same in every format."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, TypeAlias, final

import msgspec
import numpy as np
from msgspec import Meta

from vizbench._util.grids import MAX_SIDE
from vizbench.dataset.splits import MAX_ROWS, SplitSpec
from vizbench.errors import UserError
from vizbench.task.contract import Verifier
from vizbench.types import Grid, Grids, Instance, Json, SplitName

MAX_STEPS = 65_536
"""States of the longest trajectory that is read."""

_Line: TypeAlias = Annotated[
    list[Annotated[int, Meta(ge=0, le=255)]], Meta(min_length=1, max_length=MAX_SIDE)
]
Nested: TypeAlias = Annotated[list[_Line], Meta(min_length=1, max_length=MAX_SIDE)]
"""A grid as nested lists of cell codes."""


@final
class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instance as plain data."""

    id: str
    """The id of the instance, which follows from the fields below."""
    task: str
    """The name of its task."""
    seed: Annotated[int, Meta(ge=0)]
    """The seed of its data set."""
    split: SplitName
    """The split that it is in."""
    index: Annotated[int, Meta(ge=0, lt=MAX_ROWS)]
    """Its number in the split, from 0."""
    question: Nested
    """The question."""
    target: Nested
    """The right answer."""
    steps: Annotated[list[Nested], Meta(max_length=MAX_STEPS)]
    """The states after the question; empty if they were left out."""
    meta: dict[str, Json]
    """What else the task says of the instance."""
    prompt: str = ""
    """What is asked in words; empty if prompts were left out."""


_ENCODER = msgspec.json.Encoder()


def encode(instance: Instance, steps: bool, prompt: str = "") -> bytes:
    """Return the row as one line of JSON without its line feed.

    steps: whether to keep the trajectory. prompt: left out if it is empty.
    """
    return b"".join(pieces(instance, steps, prompt, Pad()))


def pieces(instance: Instance, steps: bool, prompt: str, pad: Pad) -> tuple[bytes, memoryview | bytes, bytes]:
    """Return the line of `encode` in three parts. The second is in the pad, and valid until its next use."""
    question = msgspec.Raw(bytes(pad.grids(instance.question[None])))
    target = msgspec.Raw(bytes(pad.grids(instance.target[None])))
    fields: dict[str, object] = {
        "id": instance.id,
        "task": instance.task,
        "seed": instance.seed,
        "split": instance.split,
        "index": instance.index,
    }
    if prompt:
        fields["prompt"] = prompt
    fields["question"], fields["target"] = question, target
    head = _ENCODER.encode(fields)
    states = pad.grids(instance.steps) if steps else b""
    return head[:-1] + b',"steps":[', states, b'],"meta":' + _ENCODER.encode(dict(instance.meta)) + b"}"


@final
class Pad:
    """Memory that is used again and again to write grids as JSON.

    1,000 mazes of 41x41, whose trajectories are 392 MB of JSON, take 10 s through Python's lists. In a new
    array of characters for each they take 0.25 s, mostly for fresh pages from the system. This class
    overwrites the digits of the row before, and keeps its brackets and commas: 0.07 s.
    """

    def __init__(self) -> None:
        self._write_brackets(1, 1, 1)

    def grids(self, grids: Grids) -> memoryview:
        """Return grids `(k, h, w)`, k >= 1, as JSON without outer brackets: `[[0,1],[1,0]],[[0,1],[1,1]]`."""
        k, h, w = grids.shape
        if grids.max() > 9:  # a code has more than one digit
            return memoryview(_ENCODER.encode(grids.tolist()))[1:-1]
        if k > len(self._digits) or self._digits.shape[1:] != (h, w):
            self._write_brackets(k, h, w)
        np.add(grids, ord("0"), out=self._digits[:k])
        return self._characters[:k].data.cast("B")[:-1]

    def _write_brackets(self, k: int, h: int, w: int) -> None:
        """Write the brackets and commas of k grids."""
        self._characters = np.full((k, h * (2 * w + 2) + 2), ord(","), np.uint8)
        # Each line is `[0,1,1],`. The comma after the last one becomes a bracket.
        lines = self._characters[:, 1:-1].reshape(k, h, 2 * w + 2)
        lines[:, :, 0], lines[:, :, -2] = ord("["), ord("]")
        self._characters[:, 0], self._characters[:, -2] = ord("["), ord("]")
        self._digits = lines[:, :, 1:-2:2]


def row_digest(instance: Instance, steps: bool, prompt: str = "") -> bytes:
    """Return the digest of a row, 32 bytes, which is the same in every format.

    It covers the fields as JSON, then the cells of the grids. The digest of a data set is taken of these,
    so it does not depend on shards either. steps: whether the trajectory is kept. prompt: "" if it is left
    out. BLAKE2 over the whole line of JSON took three times as long: it has twice the bytes, and processors
    have instructions for SHA-256.
    """
    grids = [instance.question, instance.target]
    if steps:
        grids.append(instance.steps)
    shapes = [grid.shape for grid in grids]
    fields = [instance.task, instance.seed, instance.split, instance.index, dict(instance.meta), shapes]
    if prompt:
        fields.append(prompt)
    digest = hashlib.sha256(_ENCODER.encode(fields))
    for grid in grids:
        digest.update(np.ascontiguousarray(grid).data)
    return digest.digest()


def instance_of(
    row: Row, index: int, spec: SplitSpec, verifier: Verifier, params: Any, position: int | None = None
) -> Instance:
    """Return the instance of a row that was read. If the steps were left out, the target is the only one.

    position: where the row is in its data set, for errors; None if that is `index`.

    Raises UserError if it is not row `index` of the split `spec`, or its grids are malformed.
    """
    at = index if position is None else position
    if (row.task, row.seed, row.split, row.index) != (spec.task, spec.seed, spec.split, index):
        raise UserError(f"row {at} is row {row.index} of {row.task[:80]} {row.split}, seed {row.seed}")
    question = _grid(row.question, "question", at, verifier)
    target = _grid(row.target, "target", at, verifier)
    steps = np.stack([target]) if not row.steps else _steps(row, at, target, verifier)
    instance = Instance(
        row.task, params, row.seed, row.split, index, question, target, steps, row.meta, spec.pool
    )
    if instance.id != row.id:
        raise UserError(f"row {at} has the id {row.id[:80]!r} and its fields say {instance.id!r}")
    return instance


def _grid(nested: Nested, what: str, index: int, verifier: Verifier) -> Grid:
    """Return a grid that was read. what: the noun for errors. Raises UserError if it is malformed."""
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
    has_shape = all(step.shape == target.shape for step in steps)
    if not has_shape or not np.array_equal(steps[verifier.answer_at], target):
        place = "end at" if verifier.continuation is None else "begin with"
        raise UserError(f"row {index}: the process does not {place} the target")
    return np.stack(steps)
