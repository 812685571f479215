"""What every format offers: it writes the rows of one shard into a folder, and reads them back."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from vizbench._util.files import open_regular
from vizbench.formats.rows import Row
from vizbench.types import Instance, SplitName


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where a shard lies: rows first … first+rows-1 of the data set in `folder`, as its shard `number`."""

    folder: Path
    split: SplitName
    number: int
    first: int
    rows: int

    @property
    def stem(self) -> str:
        """`train-00000`. Named by the split, by which `datasets.load_dataset(folder)` finds it."""
        return f"{self.split}-{self.number:05d}"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A row to be written; steps: whether the format shall keep the way."""

    instance: Instance
    steps: bool


class Format(ABC):
    """A way to lay rows on disk. The bytes are a function of the rows alone."""

    name: ClassVar[str]

    @abstractmethod
    def files(self, place: Place) -> Iterable[str]:
        """The shard's files, relative to the folder, in the order in which they enter its digest.

        They come one by one: a manifest may claim any number, and the first that is not there ends it.
        """

    @abstractmethod
    def write(self, place: Place, entries: Iterable[Entry]) -> str:
        """Write the shard's files; returns their digest. Takes entries one after the other and holds few of
        them."""

    @abstractmethod
    def read(self, place: Place) -> Iterator[Row]:
        """The rows in order. UserError for what is no such file."""

    @final
    def digest(self, place: Place) -> str:
        """The SHA-256 of the shard's files as they lie on disk, one after the other."""
        digest = hashlib.sha256()
        for name in self.files(place):
            with open_regular(place.folder / name, "shard") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()
