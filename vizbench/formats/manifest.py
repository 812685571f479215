"""The manifest beside a data set: the recipe, the versions that made it, and digests to check it by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, final

import msgspec
import numpy as np
from msgspec import Meta

from vizbench import __version__
from vizbench.dataset import Recipe
from vizbench.errors import UserError
from vizbench.formats.files import read_bounded, text_of
from vizbench.words import plural

NAME = "manifest.json"

MAX_DATASET = 10**8
"""Rows of the largest data set on disk."""

_MAX_BYTES = 16 << 20

FormatName = Literal["jsonl", "parquet", "png"]

FORMATS: tuple[FormatName, ...] = ("jsonl", "parquet", "png")


@final
class Shard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shard. sha256: of its files' bytes, one file after the other in the format's order."""

    rows: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    sha256: str


@final
class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data set's recipe and digests. digest: of all rows in order, the same for every format and shard size.

    steps: whether the states on the way were kept; vizbench, numpy: the versions that made it.
    """

    vizbench: str
    numpy: str
    format: FormatName
    rows: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    steps: bool
    recipe: Recipe
    digest: str
    shards: list[Shard]


def new(recipe: Recipe, kind: FormatName, rows: int, steps: bool, digest: str, shards: list[Shard]) -> Manifest:
    """A manifest of this vizbench."""
    return Manifest(__version__, np.__version__, kind, rows, steps, recipe, digest, shards)


def save(manifest: Manifest, folder: Path) -> None:
    """Write the manifest, indented for people."""
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")


def load(folder: Path) -> Manifest:
    """Read the manifest of the data set in `folder`. UserError where there is none, or it contradicts itself."""
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{folder} holds no {NAME}: give the folder of a data set that `vizbench generate` made")
    try:
        manifest = msgspec.json.decode(text_of(read_bounded(path, "manifest", _MAX_BYTES)), type=Manifest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is malformed ({error}): generate the data set again") from None
    if sum(shard.rows for shard in manifest.shards) != manifest.rows:
        raise UserError(
            f"{path} is malformed (its shards do not hold {plural(manifest.rows, 'row')}): generate it again"
        )
    return manifest
