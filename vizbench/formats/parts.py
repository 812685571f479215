"""Describe the parts of a data set that `--shard i/n` makes. `merge` puts them together again.

The folder of a part has its shards and a `part.json`, and no manifest, so that nobody takes it for a data
set. The digests of its blocks of rows are in a file of their own: the digest of the whole is made from them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final, final

import msgspec
from msgspec import Meta

from vizbench._util.background import run_in_background
from vizbench._util.files import read_bounded, write_new
from vizbench._util.text import text_of
from vizbench.engines.shard import MAX_PARTS, NAME, Part
from vizbench.errors import UserError
from vizbench.formats.manifest import MAX_SHARDS, Manifest
from vizbench.formats.stores import Store, Where

DIGESTS: Final = "blocks.digests"
"""The file with the digests of a part's blocks of rows."""

_MAX_BYTES: Final = 5 << 20


@final
class DatasetPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="data set", tag_field="kind"):
    """One part of a data set."""

    part: Annotated[int, Meta(ge=0, lt=MAX_PARTS)]
    """Its number, from 0."""
    parts: Annotated[int, Meta(ge=2, le=MAX_PARTS)]
    """The number of parts."""
    manifest: Manifest
    """The manifest of the whole data set. Its shards and its digest are those of this part only."""
    sizes: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=MAX_SHARDS)]
    """Bytes of the digests of each shard's blocks."""
    digests: Annotated[str, Meta(max_length=64)]
    """The SHA-256 of the file that holds them."""


@final
class DigestFile:
    """Keeps the digests of a part's blocks of rows in a file."""

    def __init__(self, folder: Path) -> None:
        """folder: the folder of the part."""
        self.sizes: list[int] = []
        """Bytes per shard."""
        self._path = folder / DIGESTS
        self._sum = hashlib.sha256()

    def add(self, digests: bytes) -> None:
        """Append the digests of the next shard's blocks."""
        with self._path.open("ab") as file:
            file.write(digests)
        self._sum.update(digests)
        self.sizes.append(len(digests))

    def close(self) -> str:
        """Return the SHA-256 of the file, which is there even if there are no rows."""
        self._path.touch()
        return self._sum.hexdigest()


def save(part: Part, manifest: Manifest, digests: DigestFile, folder: Path) -> None:
    """Write the description of a part into its folder."""
    made = DatasetPart(part.index, part.count, manifest, digests.sizes, digests.close())
    write_new(folder / NAME, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")


def load(folder: Where) -> DatasetPart:
    """Read the description of a part. Raises UserError if there is none, or it is malformed."""
    path = f"{folder}/{NAME}"
    data = _read(folder)
    if data is None:
        raise UserError(f"{folder} holds no {NAME}: give the folders that `vizbench generate --shard` wrote")
    try:
        part = msgspec.json.decode(text_of(data), type=DatasetPart)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is malformed ({error}): generate the part again") from None
    if part.part >= part.parts or len(part.sizes) != len(part.manifest.shards):
        raise UserError(f"{path} is malformed (its numbers contradict each other): generate the part again")
    return part


def _read(folder: Where) -> bytes | None:
    """Return the description in a folder or a store. None if there is none."""
    if isinstance(folder, Store):
        return run_in_background(lambda: folder.read(NAME, _MAX_BYTES))
    if not (folder / NAME).is_file():
        return None
    return read_bounded(folder / NAME, "description", _MAX_BYTES)
