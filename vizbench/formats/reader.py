"""Read data sets. Every byte is checked against the manifest, and the manifest against this vizbench."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, cast, final

import numpy as np

from vizbench._util.text import plural
from vizbench._util.version import __version__
from vizbench.dataset.columns import Order, columns_of
from vizbench.dataset.mixture import MixedSplit, is_mixture, recorded_mixture
from vizbench.dataset.splits import SplitSpec
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.digests import BlockDigests
from vizbench.formats.fetched import fetched
from vizbench.formats.format_base import Format, Place
from vizbench.formats.lookup import verifier_and_params
from vizbench.formats.manifest import Manifest, Shard
from vizbench.formats.row_prompts import Prompts
from vizbench.formats.rows import Row, instance_of
from vizbench.formats.stores import Where, located
from vizbench.formats.writer import format_named
from vizbench.task.contract import Verifier
from vizbench.task.registry import params_json
from vizbench.types import Instance, Json, SplitName

_BLOCK = 4096
"""Rows of a mixture that are looked up at a time."""

_PIECE = 512
"""Rows whose digest is taken at a time."""

_PIECE_CELLS = 1 << 22
"""Cells of the rows whose digest is taken at a time, unless one row has more."""


def read(path: Where | str, split: SplitName | None = None) -> Iterator[Instance]:
    """Return the instances of the data set at `path`, in order: a folder, or a URL in an object store.

    Of a store one shard at a time is fetched into a temporary folder.

    split: which one; may be None if there is only one.

    Raises UserError at once if it was made by another version of the task. The iterator raises UserError at a
    shard whose digest differs, or whose rows are not what the manifest says.
    """
    folder = located(path)
    manifest = manifests.load(folder, split)
    expected = _expected(folder, manifest)
    return (instance for instance, _ in _rows(folder, manifest, expected))


def check(path: Where | str, split: SplitName | None = None) -> Manifest:
    """Read every row of the data set at `path`, a folder or a URL, and return its manifest.

    split: as in `read`.

    Raises UserError if a digest differs, or a row is not what the manifest says.
    """
    folder = located(path)
    manifest = manifests.load(folder, split)
    digests = BlockDigests(manifest.block)
    for rows in _pieces(_rows(folder, manifest, _expected(folder, manifest))):
        columns = columns_of([instance for instance, _ in rows], manifest.steps)
        texts = [prompt for _, prompt in rows]
        digests.add(columns, [_prompts(texts, part.places) for part in columns.parts])
    if hashlib.sha256(digests.finish()).hexdigest() != manifest.digest:
        raise UserError(f"the rows in {folder} are not those of its {manifests.NAME}: generate it again")
    return manifest


def _pieces(rows: Iterable[tuple[Instance, str]]) -> Iterator[list[tuple[Instance, str]]]:
    """Yield the rows in lists of bounded size."""
    piece: list[tuple[Instance, str]] = []
    cells = 0
    for row in rows:
        piece.append(row)
        cells += row[0].question.size + row[0].target.size + row[0].steps.size
        if len(piece) == _PIECE or cells > _PIECE_CELLS:
            yield piece
            piece, cells = [], 0
    if piece:
        yield piece


def _prompts(texts: list[str], places: Order) -> Prompts:
    """Return the prompts of the rows at some places."""
    numbers: dict[str, int] = {}
    chosen: list[int] = places.tolist()
    codes = [numbers.setdefault(texts[place], len(numbers)) for place in chosen]
    return Prompts(tuple(numbers), np.array(codes, np.int64))


def mixed_split(folder: Where, manifest: Manifest) -> MixedSplit | None:
    """Return the split of a mixture that a data set holds, or None if it is of one task.

    Raises UserError if this vizbench makes another one.
    """
    spec = manifest.spec
    if not is_mixture(spec.task):
        return None
    mixed = recorded_mixture(spec.task, spec.seed, spec.pool)
    split = mixed.train if spec.split == "train" else mixed.test
    _check_code(folder, manifest)
    _check_version(folder, manifest, spec.task, spec.version, split.spec.version)
    for mine, given in zip(split.sides, _list(spec.params), strict=False):
        _check_version(folder, manifest, mine.task, _version_of(given), mine.version)
    if split.spec != spec:
        raise _other_params(folder, spec.task)
    return split


@final
@dataclass(frozen=True, slots=True)
class _Expected:
    """What a row must be."""

    spec: SplitSpec
    """The split of its task."""
    index: int
    """Its number there."""
    verifier: Verifier
    """Its task's rules."""
    params: Any
    """Its task's parameters."""


def _expected(folder: Where, manifest: Manifest) -> Iterator[_Expected]:
    """Return what rows 0, 1, 2 … must be, without end.

    Raises UserError at once if this vizbench has other tasks of these names.
    """
    split = mixed_split(folder, manifest)
    if split is not None:
        return _expected_of_mixture(split)
    verifier, params = _verifier_and_params(folder, manifest)
    return (_Expected(manifest.spec, index, verifier, params) for index in count())


def _expected_of_mixture(split: MixedSplit) -> Iterator[_Expected]:
    rules = {side.task: verifier_and_params(side.task) for side in split.sides}
    for start in count(0, _BLOCK):
        for spec, index in split.places(start, _BLOCK):
            yield _Expected(spec, index, *rules[spec.task])


def _verifier_and_params(folder: Where, manifest: Manifest) -> tuple[Verifier, Any]:
    """Return the verifier and the parameters of the rows. Raises UserError if this vizbench has others."""
    spec = manifest.spec
    verifier, params = verifier_and_params(spec.task)
    _check_code(folder, manifest)
    _check_version(folder, manifest, spec.task, spec.version, verifier.version)
    if params_json(params) != spec.params:
        raise _other_params(folder, spec.task)
    return verifier, params


def _check_code(folder: Where, manifest: Manifest) -> None:
    """Raise UserError if the Python files of the tasks have changed."""
    name = manifest.spec.task
    if manifest.code is not None and manifest.code != manifests.code_digest(name):
        raise UserError(
            f"{folder} was made by other code of {name[:200]}: generate it again, or give the file as it was"
        )


def _check_version(folder: Where, manifest: Manifest, task: str, version: object, current: int) -> None:
    if version != current:
        raise UserError(
            f"{folder} was made by version {str(version)[:20]} of {task[:200]} and this vizbench "
            f"{__version__} has version {current}: generate it again, or use vizbench "
            f"{manifest.vizbench[:20]}"
        )


def _other_params(folder: Where, task: str) -> UserError:
    return UserError(
        f"the parameters in {folder}/{manifests.NAME} are not those of {task[:200]}: generate it again"
    )


def _list(value: Json) -> list[Json]:
    """Return a list of a manifest, or none if it holds something else."""
    return cast("list[Json]", value) if isinstance(value, list) else []


def _version_of(value: Json) -> object:
    """Return the version of a task that a manifest lists, or None if it has none."""
    return cast("dict[str, Json]", value).get("version") if isinstance(value, dict) else None


def _rows(folder: Where, manifest: Manifest, expected: Iterator[_Expected]) -> Iterator[tuple[Instance, str]]:
    """Yield the rows with their prompts."""
    chosen = format_named(manifest.format)
    first = 0
    for number, shard in enumerate(manifest.shards):
        place = Place(Path(), manifest.spec.split, number, first, shard.rows)
        with fetched(folder, chosen, place) as here:
            yield from _rows_of_shard(folder, chosen, here, shard, expected, manifest)
        first += shard.rows


def _rows_of_shard(
    folder: Where,
    format: Format,
    place: Place,
    shard: Shard,
    expected: Iterator[_Expected],
    manifest: Manifest,
) -> Iterator[tuple[Instance, str]]:
    # The digest is checked before anything is parsed.
    if format.digest(place) != shard.sha256:
        raise UserError(
            f"{folder}: shard {place.stem} is not as it was written (its digest differs): make it again"
        )

    # Rows beyond those of the manifest are read, to be counted, but not yielded.
    rows = 0
    for row in format.read(place):
        try:
            instance = _instance(row, place.first + rows, next(expected), manifest)
        except UserError as error:
            raise UserError(f"{folder}: {error}: generate it again") from None
        rows += 1
        if rows <= shard.rows:
            yield instance, row.prompt
    if rows != shard.rows:
        raise UserError(
            f"{folder}: shard {place.stem} holds {plural(rows, 'row')} and the manifest says "
            f"{shard.rows:,}: make it again"
        )


def _instance(row: Row, position: int, expected: _Expected, manifest: Manifest) -> Instance:
    if (row.prompt == "") != (manifest.prompt == "none"):
        given = "a" if row.prompt else "no"
        raise UserError(f"row {position} has {given} prompt, and the manifest says {manifest.prompt}")
    return instance_of(row, expected.index, expected.spec, expected.verifier, expected.params, position)
