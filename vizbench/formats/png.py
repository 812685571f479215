"""Write each question and target as a PNG in palette mode, with the rows as JSON Lines beside them.

The grids are read back from the rows, not from the pictures. The shard's digest covers both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import final

from vizbench.dataset.columns import Key, Kind
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.jsonl import FORMAT as JSONL
from vizbench.formats.pictures import SIDES, pngs
from vizbench.formats.rows import Row


@final
class Png(Format):
    """`train-00000.jsonl`, and for row 7 `train/question/00000007.png` and `train/target/00000007.png`."""

    name = "png"

    @property
    def draws(self) -> bool:
        return True

    def files(self, place: Place) -> Iterable[str]:
        yield from JSONL.files(place)
        for key in place.keys:
            for side in SIDES:
                yield _path(place, side, key)

    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        for side in SIDES:
            (place.folder / place.split / side).mkdir(parents=True, exist_ok=True)
        JSONL.write(place, self._draw(place, chunks), kinds)
        return self.digest(place)

    def read(self, place: Place) -> Iterator[Row]:
        return JSONL.read(place)

    def _draw(self, place: Place, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Draw each chunk, then yield it. In a mixture, a row's place is not its index in its own task."""
        keys = place.keys
        for chunk in chunks:
            for pictures in pngs(chunk.columns, place.look):
                key = next(keys)
                for side, picture in zip(SIDES, pictures, strict=True):
                    (place.folder / _path(place, side, key)).write_bytes(picture)
            yield chunk


def _path(place: Place, side: str, key: str) -> str:
    return f"{place.split}/{side}/{key}.png"


FORMAT = Png()
