"""Define what every format does: write the rows of one shard into a folder, and read them back."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from vizbench._util.files import open_regular
from vizbench.dataset.columns import Columns, Key, Kind
from vizbench.formats.row_prompts import Prompts
from vizbench.formats.rows import Row
from vizbench.renderers.looks import LookName
from vizbench.types import SplitName


@final
@dataclass(frozen=True, slots=True)
class Place:
    """The place of one shard in a data set."""

    folder: Path
    """The folder of the data set."""
    split: SplitName
    """The split that is written."""
    number: int
    """The number of the shard, from 0."""
    first: int
    """The index of its first row."""
    rows: int
    """The number of its rows."""
    look: LookName = "paper"
    """How a format with pictures draws them. It does not change the files' names."""

    @property
    def stem(self) -> str:
        """The name of its files: `train-00000`. `datasets.load_dataset(folder)` finds the split by it."""
        return f"{self.split}-{self.number:05d}"

    @property
    def keys(self) -> Iterator[str]:
        """The name of each row: its number in the split, with eight digits."""
        return (f"{row:08d}" for row in range(self.first, self.first + self.rows))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Rows to be written."""

    columns: Columns
    """The rows."""
    prompts: tuple[Prompts, ...]
    """The prompts of each part of them."""


class Format(ABC):
    """Write rows to disk, and read them. The bytes depend only on the rows."""

    name: ClassVar[str]
    """The name of the format: see `FORMATS`."""
    large_shards: ClassVar[int] = 1
    """How many times more rows a shard has in a large data set."""

    @property
    def draws(self) -> bool:
        """Whether it writes pictures, which have a look."""
        return False

    @abstractmethod
    def files(self, place: Place) -> Iterable[str]:
        """Return the shard's files, relative to the folder, in the order in which they enter its digest.

        They are made one by one: a manifest may claim any number, and the first that is missing ends the
        loop.
        """

    @abstractmethod
    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        """Write the shard's files, and return their digest. Only a few chunks are held in memory.

        kinds: what `meta` holds in the whole data set. The bytes do not depend on how rows are cut into
        chunks.
        """

    @abstractmethod
    def read(self, place: Place) -> Iterator[Row]:
        """Yield the rows in order. Raises UserError if a file is missing or malformed."""

    @final
    def digest(self, place: Place) -> str:
        """Return the SHA-256 of the shard's files on disk, one after the other."""
        digest = hashlib.sha256()
        for name in self.files(place):
            with open_regular(place.folder / name, "shard") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()
