"""Record the shards of a data set that are finished, so that the same command can continue after a kill."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, final

import msgspec
from msgspec import Meta

from vizbench._util.files import read_bounded, write_atomically
from vizbench.engines.shard import MAX_PARTS, Part
from vizbench.errors import UserError
from vizbench.formats.manifest import MAX_DATASET, Manifest
from vizbench.formats.workspace import JOURNAL

MAX_RECORD: Final = 8 << 20
"""Bytes of the longest record: a shard may have many blocks."""

_MAX_BYTES: Final = 64 << 20
_CHECK: Final = 64
"""Characters of the digest before each record."""


@final
class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that decides the bytes of a data set, or of a part of one."""

    manifests: Annotated[list[Manifest], Meta(min_length=1, max_length=2)]
    """The manifest of each split, without shards and digest."""
    shard: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    """The rows of the largest shard."""
    index: Annotated[int, Meta(ge=0, lt=MAX_PARTS)]
    """The number of the part, from 0."""
    count: Annotated[int, Meta(ge=1, le=MAX_PARTS)]
    """The number of parts. 1: all is written."""


@final
class Finished(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shard whose files are written."""

    stem: Annotated[str, Meta(max_length=64)]
    """The name of its files, without the suffix."""
    rows: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    """The number of its rows."""
    sha256: Annotated[str, Meta(max_length=64)]
    """The digest of its files' bytes."""
    blocks: bytes
    """The digests of its blocks of rows, 32 bytes each."""


def command(manifests: Sequence[Manifest], shard: int, part: Part) -> Command:
    """Return what identifies a command. shard: the rows of the largest shard."""
    return Command(list(manifests), shard, part.index, part.count)


def line(record: Command | Finished) -> bytes:
    """Return a record as a line: a digest of it, then the record as JSON."""
    data = msgspec.json.encode(record)
    return hashlib.sha256(data).hexdigest().encode() + data + b"\n"


def finished(data: bytes) -> Finished | None:
    """Return the record in a line. None if the line is torn or damaged."""
    return _decoded(data, Finished)


def command_in(data: bytes) -> Command | None:
    """Return the command in a line. None if the line is torn, damaged or of another version of vizbench."""
    return _decoded(data, Command)


def _decoded(data: bytes, kind: type[Any]) -> Any:
    check, record = data[:_CHECK], data[_CHECK:].rstrip(b"\n")
    if hashlib.sha256(record).hexdigest().encode() != check:
        return None
    try:
        return msgspec.json.decode(record, type=kind)
    except (ValueError, RecursionError):
        return None


def difference(theirs: Command | None, mine: Command) -> str:
    """Return in words the first thing in which two commands differ. "" if they are the same."""
    if theirs is None:
        return "by another version of vizbench"
    for before, now in zip(_flat(theirs), _flat(mine), strict=False):
        for name in before | now:
            one, other = before.get(name), now.get(name)
            if one != other:
                return (
                    f"{'n' if name == 'rows' else name} is {str(one)[:80]} there and {str(other)[:80]} here"
                )
    return ""


def _flat(each: Command) -> list[dict[str, Any]]:
    """Return the fields of a command and of each split, in the order in which they are compared."""
    splits = ",".join(manifest.spec.split for manifest in each.manifests)
    part = f"{each.index}/{each.count}"
    fields = [{"splits": splits} if len(each.manifests) > 1 else {}]
    for manifest in each.manifests:
        spec: dict[str, Any] = msgspec.to_builtins(manifest.spec)
        others = {name: getattr(manifest, name) for name in Manifest.__struct_fields__ if name != "spec"}
        fields.append(spec | others)
    return [*fields, {"--shard": part, "rows per shard": each.shard}]


@final
class Journal:
    """The records of finished shards, in a file that grows by one line per shard.

    A line has left this process when `add` returns. After a power cut, shards that are not as the journal
    says are made again.
    """

    def __init__(self, folder: Path, command: Command, count: int) -> None:
        """folder: where the file is, or will be with the first record. count: the records that it has."""
        self.command = command
        self.count = count
        """The number of records."""
        self._path = folder / JOURNAL

    def restart(self, records: Iterable[Finished]) -> None:
        """Replace the file by one with these records. Without records there is no file."""
        lines = [line(record) for record in records]
        self.count = len(lines)
        if lines:
            write_atomically(self._path, b"".join([line(self.command), *lines]))
        else:
            self._path.unlink(missing_ok=True)

    def add(self, record: Finished) -> None:
        """Append a record. Raises OSError if the disk refuses."""
        head = b"" if self.count else line(self.command)
        with self._path.open("ab") as file:
            file.write(head + line(record))
        self.count += 1


def read(folder: Path) -> tuple[Command | None, Mapping[str, Finished]]:
    """Return the command and the finished shards that the journal in a folder records, by stem.

    Damaged lines are left out. The command is None if there is no journal, or it cannot be read.
    """
    try:
        head, *lines = read_bounded(folder / JOURNAL, "journal", _MAX_BYTES).split(b"\n")
    except (UserError, ValueError):
        return None, {}
    records = [record for each in lines if (record := finished(each)) is not None]
    return command_in(head), {record.stem: record for record in records}
