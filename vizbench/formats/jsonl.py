"""Write and read JSON Lines: one row per line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import final

import msgspec

from vizbench._util.files import read_lines
from vizbench.errors import UserError
from vizbench.formats.format_base import Entry, Format, Place
from vizbench.formats.rows import Pad, Row, pieces

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read."""

_DECODER = msgspec.json.Decoder(Row)


@final
class Jsonl(Format):
    """Files such as `train-00000.jsonl`, in UTF-8, with a line feed after each row."""

    name = "jsonl"

    def files(self, place: Place) -> Iterable[str]:
        return [f"{place.stem}.jsonl"]

    def write(self, place: Place, entries: Iterable[Entry]) -> str:
        digest, pad = hashlib.sha256(), Pad()
        with open(place.folder / f"{place.stem}.jsonl", "wb") as file:
            for entry in entries:
                for piece in (*pieces(entry.instance, entry.steps, pad), b"\n"):
                    digest.update(piece)  # not from the disk afterwards: to read 410 MB again takes 0.15 s
                    file.write(piece)
        return digest.hexdigest()

    def read(self, place: Place) -> Iterator[Row]:
        path = place.folder / f"{place.stem}.jsonl"
        for number, _, line in read_lines(path, "shard", MAX_LINE):
            if line.isspace():
                continue
            try:
                row = _DECODER.decode(line)
            except (ValueError, RecursionError) as error:
                raise UserError(
                    f"line {number} of {path} is not a row ({error}): generate the data set again"
                ) from None
            yield row


FORMAT = Jsonl()
