"""JSON Lines: one row a line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

import msgspec

from vizbench.errors import UserError
from vizbench.formats.files import open_regular
from vizbench.formats.rows import Pad, Row, pieces
from vizbench.formats.shard import Entry, Format, Place

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read."""

_DECODER = msgspec.json.Decoder(Row)


@final
class Jsonl(Format):
    """`train-00000.jsonl`, UTF-8, a line feed after each row."""

    name = "jsonl"

    def files(self, place: Place) -> Iterable[str]:
        return [f"{place.stem}.jsonl"]

    def write(self, place: Place, entries: Iterable[Entry]) -> str:
        digest, pad = hashlib.sha256(), Pad()
        with open(place.folder / f"{place.stem}.jsonl", "wb") as file:
            for entry in entries:
                for piece in (*pieces(entry.instance, entry.steps, pad), b"\n"):
                    digest.update(piece)  # here, not from the disk: to read 410 MB again takes 0.15 s
                    file.write(piece)
        return digest.hexdigest()

    def read(self, place: Place) -> Iterator[Row]:
        path = place.folder / f"{place.stem}.jsonl"
        for number, line in lines(path, "shard", MAX_LINE):
            try:
                row = _DECODER.decode(line)
            except (ValueError, RecursionError) as error:
                raise UserError(
                    f"line {number} of {path} is no row ({error}): generate the data set again"
                ) from None
            yield row


def lines(path: Path, what: str, limit: int) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers from 1, blank ones left out. what: the noun for errors; limit:
    bytes."""
    with open_regular(path, what) as file:
        number = 0
        while line := file.readline(limit + 1):
            number += 1
            if len(line) > limit:
                raise UserError(f"line {number} of {path} is over {limit:,} bytes, the most that is read")
            if not line.isspace():
                yield number, line


FORMAT = Jsonl()
