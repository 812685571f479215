"""Convert between an instance and one row of a data set, which is the same in every format."""

from __future__ import annotations

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
    fields: dict[str, object] = {
        "id": instance.id,
        "task": instance.task,
        "seed": instance.seed,
        "split": instance.split,
        "index": instance.index,
    }
    if prompt:
        fields["prompt"] = prompt
    fields["question"], fields["target"] = instance.question.tolist(), instance.target.tolist()
    fields["steps"], fields["meta"] = instance.steps.tolist() if steps else [], dict(instance.meta)
    return _ENCODER.encode(fields)


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
