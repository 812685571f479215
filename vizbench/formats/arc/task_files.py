"""Read ARC JSON files (Chollet 2019; ConceptARC, Moskvichev et al. 2023), one task per file.

A file holds demonstrations to learn from and test inputs to answer: `{"train": [{"input": grid, "output":
grid} ...], "test": [...]}`. Grids have colours 0 … 9 and up to 30x30 cells.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, final

import msgspec
import numpy as np
from msgspec import Meta

from vizbench._util.files import read_bounded
from vizbench.dataset.splits import Dataset, Split, SplitSpec, StoredSplit
from vizbench.errors import UserError
from vizbench.formats.arc.archive import archive_of, members, read_member
from vizbench.formats.arc.errata import flaws
from vizbench.formats.file_source import FileSource, files_below
from vizbench.task.contract import Reasoning, Verifier
from vizbench.types import CheckResult, Grid, Instance, Json, Look, SplitName

PREFIX = "arc-json:"
"""The beginning of these tasks' names."""

VERSION = 1
"""Rises if any grid that is read from a file, or any verdict, changes."""

MAX_BYTES = 4 << 20
"""Bytes of the largest file that is read."""

_Row: TypeAlias = Annotated[list[Annotated[int, Meta(ge=0, le=9)]], Meta(min_length=1, max_length=30)]
_Grid: TypeAlias = Annotated[list[_Row], Meta(min_length=1, max_length=30)]
_Pair: TypeAlias = tuple[str, Grid, Grid]
"""The place of a pair in the file, its question and its target."""


@final
class _Demonstration(msgspec.Struct, frozen=True):
    input: _Grid
    output: _Grid


@final
class _Test(msgspec.Struct, frozen=True):
    input: _Grid
    output: _Grid | None = None


@final
class _File(msgspec.Struct, frozen=True):
    train: Annotated[list[_Demonstration], Meta(min_length=1)]
    test: Annotated[list[_Test], Meta(min_length=1)]


@final
@dataclass(frozen=True)
class Params:
    """The parameters of an ARC file: none."""


@final
class ArcVerifier(Verifier):
    """Compare with the stored output: an ARC file does not say its rule, so `valid` follows `exact`."""

    version = VERSION
    reasoning = Reasoning.INDUCTION
    look = Look("arc", canvas=400, line=2)
    codes = 10
    resizes = True

    def check(self, params: Any, question: Grid, answer: Grid) -> CheckResult | None:
        return None

    def solve(self, params: Any, question: Grid) -> Grid | None:
        return None

    def guess(self, params: Any, question: Grid, key: int) -> Grid | None:
        return None


VERIFIER = ArcVerifier()


@final
class ArcSource(FileSource):
    """Read tasks named `arc-json:PATH`. The name holds no parameters: a path may have any character."""

    suffix = ".json"

    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        return rest, {}

    def rules(self, params: Mapping[str, object]) -> tuple[Verifier, Params]:
        return VERIFIER, Params()

    def expand(self, path: Path) -> list[str]:
        """Return the tasks of the files below a folder, or in an archive. Archives in it are left out."""
        if archive_of(path) != path:
            return files_below(path, self.suffix)
        return [f"{path.as_posix()}/{name}" for name in members(path, self.suffix)]

    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        refuse_params(PREFIX + path.as_posix(), params)
        return load(path, seed, pool)


SOURCES = {"arc-json": ArcSource()}


def refuse_params(name: str, params: Mapping[str, object]) -> None:
    """Raise UserError if there are parameters: an ARC task has none."""
    if params:
        raise UserError(f"{name} takes no parameters, and {sorted(params)[0]} was given: leave it out")


def load(path: Path, seed: int, pool: int) -> Dataset:
    """Return one file, in a folder or in a zip archive, as a data set: see `dataset_of`.

    Raises UserError if it is not an ARC file of at most MAX_BYTES.
    """
    archive = archive_of(path)
    what = "an archive" if archive == path else "a folder"
    if archive == path or path.is_dir():
        raise UserError(f"{path} is {what} and a task is one file: name one in it, as {PREFIX}{path}/….json")
    if archive is None:
        data = read_bounded(path, "ARC file", MAX_BYTES)
    else:
        inner = path.as_posix()[len(archive.as_posix()) + 1 :]
        data = read_member(archive, inner, "ARC file", MAX_BYTES)
    return dataset_of(data, PREFIX + path.as_posix(), f"ARC file {path}", path.stem, seed, pool)


def dataset_of(
    data: bytes | msgspec.Raw, name: str, place: str, file_name: str, seed: int, pool: int
) -> Dataset:
    """Return the JSON of one task as a data set.

    Its demonstrations are `train`, and its test inputs with a known output are `test`. name: the task's
    name; place: what errors call the file. The rows do not depend on `seed` and `pool`, which only name the
    runs made from them.

    `meta` of a row holds `file`, `digest`, its `item` in the file, and `inputs`: the number of test inputs,
    with those of hidden output. If the task has a known error, `flagged` holds one sentence per faulty pair.
    Raises UserError if the file is malformed.
    """
    file = _decoded(data, place)
    train = [_pair(place, f"train[{i}]", pair.input, pair.output) for i, pair in enumerate(file.train)]
    test = [
        _pair(place, f"test[{i}]", pair.input, pair.output)
        for i, pair in enumerate(file.test)
        if pair.output is not None
    ]

    # Facts that all rows share.
    digest = hashlib.sha256(memoryview(data)).hexdigest()[:16]
    meta: dict[str, Json] = {"file": file_name, "digest": digest, "inputs": len(file.test)}
    sentences = flaws(file_name, [*train, *test])
    if sentences:
        meta["flagged"] = sentences

    def split(side: SplitName, pairs: list[_Pair], shortage: str = "") -> Split:
        rows: list[Instance] = []
        for index, (item, question, target) in enumerate(pairs):
            steps = target[None]
            facts = meta | {"item": item}
            rows.append(Instance(name, Params(), seed, side, index, question, target, steps, facts, pool))
        return StoredSplit(SplitSpec(name, VERSION, {}, seed, side, pool), tuple(rows), shortage)

    # Test inputs of hidden output are not rows, but they are reported.
    hidden = len(file.test) - len(test)
    shortage = f" ({hidden} more hide their output and cannot be verified)" if hidden else ""
    return Dataset(name, VERIFIER, Params(), seed, pool, split("train", train), split("test", test, shortage))


def _decoded(data: bytes | msgspec.Raw, place: str) -> _File:
    """Return the content of a file. place: what errors call it. Raises UserError if it is malformed."""
    start = bytes(memoryview(data)[:3])
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError(f"{place} is in UTF-16 or UTF-32 and JSON is in UTF-8: save it as UTF-8")
    # Windows editors write a byte order mark, which JSON does not have.
    text = memoryview(data)[3:] if start == codecs.BOM_UTF8 else data
    try:
        return msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(
            f"{place} is malformed ({error}): give train and test lists of input, output"
        ) from None


def _pair(place: str, item: str, asked: _Grid, answer: _Grid) -> _Pair:
    return item, _grid(place, f"{item}.input", asked), _grid(place, f"{item}.output", answer)


def _grid(place: str, item: str, rows: _Grid) -> Grid:
    if len({len(row) for row in rows}) != 1:
        raise UserError(f"{place} is malformed ({item} has rows of different lengths): make it a rectangle")
    return np.array(rows, np.uint8)
