"""Bring the files of shards from machines that share no files with this one.

A machine writes a shard into a folder of its own and sends the files in pieces. Only this process writes the
data set. It holds a few pieces at a time, and checks every shard by its digest.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, final

from vizbench.engines.engine import Lost, Sent
from vizbench.engines.schedule import Result
from vizbench.errors import UserError
from vizbench.formats.format_base import Format, Place
from vizbench.formats.manifest import Shard

PIECE: Final = 4 << 20
"""The most bytes in one message."""


class ShardJob(Protocol):
    """A shard to be written: a record that `dataclasses.replace` can change."""

    @property
    def place(self) -> Place:
        """Where it goes."""
        ...

    @property
    def format(self) -> Format:
        """The format that writes it."""
        ...


@final
@dataclass(frozen=True, slots=True)
class _Pieces:
    """Parts of files, each of which is to be appended to the file of its name."""

    pieces: tuple[tuple[str, bytes], ...]


def carried(write: Callable[[Any], tuple[Shard, Any]], job: Any) -> Iterator[_Pieces | Result[Any]]:
    """Write a shard into a folder of this machine, and yield its files in pieces, then what `write` returned.

    write: writes the shard of a job.
    """
    with tempfile.TemporaryDirectory(prefix="vizbench-") as folder:
        place = dataclasses.replace(job.place, folder=Path(folder))
        made = write(dataclasses.replace(job, place=place))
        yield from _pieces(job.format, place)
    yield Result(made)


def _pieces(format: Format, place: Place) -> Iterator[_Pieces]:
    """Yield the files of a shard. Small ones share a message: a shard of pictures has thousands."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name in format.files(place):
        with (place.folder / name).open("rb") as file:
            while data := file.read(PIECE):
                if size + len(data) > PIECE:
                    yield _Pieces(tuple(batch))
                    batch, size = [], 0
                batch.append((name, data))
                size += len(data)
    yield _Pieces(tuple(batch))


@final
class Receiver:
    """Writes what `carried` sends into the folder of the data set."""

    def __init__(self, ended: Callable[[int, tuple[Shard, Any]], None]) -> None:
        """ended: called for each shard that is in the folder and checked."""
        self._ended = ended
        self._jobs: dict[int, ShardJob] = {}
        """By number, from when they are made until their shard is checked."""

    def noted(self, jobs: Iterator[Any]) -> Iterator[Any]:
        """Yield the jobs, and remember where their shards go."""
        for number, job in enumerate(jobs):
            self._jobs[number] = job
            yield job

    def watch(self, event: Sent | Lost) -> None:
        """Write pieces into their files. After a loss, remove the files of that shard."""
        job = self._jobs[event.number]
        if isinstance(event, Lost):
            for name in job.format.files(job.place):
                (job.place.folder / name).unlink(missing_ok=True)
            return
        names = set(job.format.files(job.place))
        for name, data in event.message.pieces:
            if name not in names:
                raise UserError(f"a node sent {str(name)[:80]!r}, which is no file of shard {job.place.stem}")
            path = job.place.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(data)

    def ended(self, number: int, made: tuple[Shard, Any]) -> None:
        """Compare the files of a shard that has come with its digest."""
        job = self._jobs.pop(number)
        if job.format.digest(job.place) != made[0].sha256:
            raise UserError(
                f"shard {job.place.stem} did not arrive as it was written (its digest differs): "
                "give the same command again"
            )
        self._ended(number, made)
