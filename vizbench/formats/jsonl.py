"""Write and read JSON Lines: one row per line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import final

import msgspec
import numpy as np

from vizbench._util.files import read_lines
from vizbench.dataset.columns import Column, Key, Kind, Part
from vizbench.errors import UserError
from vizbench.formats import spans
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.row_prompts import Prompts
from vizbench.formats.rows import Row
from vizbench.formats.spans import Spans
from vizbench.types import id_parts

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read."""

_DECODER = msgspec.json.Decoder(Row)


@final
class Jsonl(Format):
    """Files such as `train-00000.jsonl`, in UTF-8, with a line feed after each row."""

    name = "jsonl"
    large_shards = 5

    def files(self, place: Place) -> Iterable[str]:
        return [f"{place.stem}.jsonl"]

    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        digest = hashlib.sha256()
        with open(place.folder / f"{place.stem}.jsonl", "wb") as file:
            for chunk in chunks:
                made = lines(chunk).bytes(0, len(chunk.columns))
                digest.update(made)  # not from the disk afterwards: to read 410 MB again takes 0.15 s
                file.write(made)
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


def lines(chunk: Chunk) -> Spans:
    """Return each row as a line with its line feed, one after the other."""
    made = [
        (part.places, _lines(part, prompts))
        for part, prompts in zip(chunk.columns.parts, chunk.prompts, strict=True)
    ]
    return spans.ordered(made)


def _lines(part: Part, prompts: Prompts) -> Spans:
    before, after = (_escaped(text) for text in id_parts(part.task, part.seed, part.split, part.pool))
    task, index = _escaped(part.task), spans.integers(part.index)
    pieces: list[Spans | bytes] = [
        b'{"id":"' + before,
        index,
        after + b'","task":"' + task + b'","seed":%d,"split":"' % part.seed + part.split.encode(),
        b'","index":',
        index,
    ]
    if prompts.texts != ("",):
        texts = [b',"prompt":"' + _escaped(text) + b'"' for text in prompts.texts]
        pieces.append(spans.listed(texts).take(prompts.codes))
    pieces += [b',"question":', spans.grids(part.question), b',"target":', spans.grids(part.target)]
    pieces.append(b',"steps":[')
    if part.steps is not None:
        states = spans.grids(part.steps.states)
        first, last = part.steps.starts[:-1], part.steps.starts[1:] - 1
        pieces.append(Spans(states.data, states.starts[first], states.ends[last]))
    return spans.joined([*pieces, b'],"meta":{', *_meta(part), b"}}\n"], len(part))


def _meta(part: Part) -> Iterator[Spans | bytes]:
    """Yield the inside of `meta` in pieces."""
    opened = ""
    for number, (key, column) in enumerate(part.meta.items()):
        top = key[0]
        if opened and opened != top:
            yield b"}"
        comma = b"," if number else b""
        if len(key) == 2:
            if opened != top:
                comma += b'"' + _escaped(top) + b'":{'
            opened = top
        else:
            opened = ""
        yield comma + b'"' + _escaped(key[-1]) + b'":'
        yield _values(column)
    if opened:
        yield b"}"


def _values(column: Column) -> Spans:
    match column.kind:
        case "bool":
            return spans.listed([b"false", b"true"]).take(np.asarray(column.values, np.int64))
        case "int":
            return spans.integers(np.asarray(column.values, np.int64))
        case "float":
            return spans.floats(np.asarray(column.values, np.float64))
        case "text":
            return spans.listed([msgspec.json.encode(text) for text in column.values])
        case "json":
            return spans.listed([str(text).encode() for text in column.values])


def _escaped(text: str) -> bytes:
    """Return a text as it is inside a string of JSON."""
    return msgspec.json.encode(text)[1:-1]


FORMAT = Jsonl()
