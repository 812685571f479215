"""One row of a data set on disk, whatever the format, and the way between it and an instance."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, TypeAlias, final

import msgspec
import numpy as np
from msgspec import Meta

from vizbench.dataset import MAX_ROWS, Recipe
from vizbench.errors import UserError
from vizbench.grids import MAX_SIDE
from vizbench.task import Judge
from vizbench.types import Grid, Grids, Instance, Json, SplitName

MAX_STEPS = 65_536

_Line: TypeAlias = Annotated[list[Annotated[int, Meta(ge=0, le=255)]], Meta(min_length=1, max_length=MAX_SIDE)]
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
    """The row as one line of JSON without its line feed, which its digest is taken of in every format.

    steps: whether the states on the way are kept.
    """
    question, target = (msgspec.Raw(_nested(grid[None])[1:-1]) for grid in (instance.question, instance.target))
    return _ENCODER.encode(
        {
            "id": instance.id,
            "task": instance.task,
            "seed": instance.seed,
            "split": instance.split,
            "index": instance.index,
            "question": question,
            "target": target,
            "steps": msgspec.Raw(_nested(instance.steps)) if steps else [],
            "meta": dict(instance.meta),
        }
    )


def _nested(grids: Grids) -> memoryview:
    """Grids `(k, h, w)` as a JSON list of lists of lists, k >= 1.

    Written as an array of characters where every code has one digit: through Python's lists 1,000 mazes of 41x41, whose
    ways are 392 MB of JSON, took 10 s instead of 1.7; every further copy of that takes 0.05 s.
    """
    k, h, w = grids.shape
    if grids.max() > 9:
        return memoryview(_ENCODER.encode(grids.tolist()))
    line, board = 2 * w + 2, h * (2 * w + 2) + 2
    text = np.full(k * board + 1, ord(","), np.uint8)  # the commas of [[[0,1,1],[1,0,1]],[[0,1,1],[1,1,1]]]
    boards = text[1:].reshape(k, board)
    lines = boards[:, 1:-1].reshape(k, h, line)
    np.add(grids, ord("0"), out=lines[:, :, 1:-2:2])
    lines[:, :, 0], lines[:, :, -2] = ord("["), ord("]")
    boards[:, 0], boards[:, -2] = ord("["), ord("]")  # the last line has no comma
    text[0], text[-1] = ord("["), ord("]")
    return text.data


def row_digest(line: bytes) -> bytes:
    """16 bytes of a row's JSON line. The digest of a data set is taken of these, so it does not depend on shards."""
    return hashlib.blake2b(line, digest_size=16).digest()


def instance_of(row: Row, index: int, recipe: Recipe, judge: Judge, params: Any) -> Instance:
    """The instance of a row that was read. UserError where it is not row `index` of the recipe, or no proper grids.

    Where the steps were left out, the only state after the question is the target.
    """
    if (row.task, row.seed, row.split, row.index) != (recipe.task, recipe.seed, recipe.split, index):
        raise UserError(f"row {index} is row {row.index} of {row.task[:80]} {row.split}, seed {row.seed}")
    question = _grid(row.question, "question", index, judge)
    target = _grid(row.target, "target", index, judge)
    steps = np.stack([target]) if not row.steps else _steps(row, index, target, judge)
    instance = Instance(row.task, params, row.seed, row.split, index, question, target, steps, row.meta)
    if instance.id != row.id:
        raise UserError(f"row {index} has the id {row.id[:80]!r} where its fields say {instance.id!r}")
    return instance


def _grid(nested: Nested, what: str, index: int, judge: Judge) -> Grid:
    if len({len(line) for line in nested}) != 1:
        raise UserError(f"row {index}: the {what} has lines of different lengths")
    grid = np.array(nested, np.uint8)
    if int(grid.max()) >= judge.codes:
        raise UserError(f"row {index}: the {what} holds the cell code {int(grid.max())}, over {judge.codes - 1}")
    return grid


def _steps(row: Row, index: int, target: Grid, judge: Judge) -> Grids:
    steps = [_grid(step, "way", index, judge) for step in row.steps]
    if any(step.shape != target.shape for step in steps) or not np.array_equal(steps[judge.answer_at], target):
        place = "end at" if judge.sequel is None else "begin with"
        raise UserError(f"row {index}: the way does not {place} the target")
    return np.stack(steps)
