"""Define what the writer knows of a data set that is being written, wherever it goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, final

from vizbench._util.background import stop_if_abandoned
from vizbench.formats.format_base import Format, Place
from vizbench.formats.journal import Finished

TRIAL: Final = "trial"
"""The folder in a draft for rows that are only written to see their size."""


class Draft(ABC):
    """A data set that is being written. It becomes one for readers when the block of its maker ends."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The local folder in which files are made. What is in it at the end becomes part of the data set."""

    @property
    @abstractmethod
    def recorded(self) -> Mapping[str, Finished]:
        """The shards that an earlier command says it has finished, by stem."""

    @property
    def is_local(self) -> bool:
        """Whether the data set is on the disk of `folder`."""
        return True

    @abstractmethod
    def add(self, format: Format, place: Place, record: Finished) -> None:
        """Take a shard whose files are in `folder`, and record that it is finished.

        Raises UserError or OSError if the place refuses.
        """

    @abstractmethod
    def keep(self, records: Iterable[Finished]) -> None:
        """Continue with these shards of an earlier command. Records of others are dropped."""

    @abstractmethod
    def digest(self, format: Format, place: Place) -> str | None:
        """Return the digest of a finished shard's files, read again. None if one is missing."""

    @final
    def kept(self, format: Format, places: Iterable[Place]) -> dict[str, Finished]:
        """Return the shards that need not be made again, by stem. Reads each to compare its digest."""
        intact: dict[str, Finished] = {}
        for place in places:
            stop_if_abandoned()
            record = self.recorded.get(place.stem)
            if record is None or record.rows != place.rows:
                continue
            if self.digest(format, place) == record.sha256:
                intact[place.stem] = record
        self.keep(intact.values())
        return intact
