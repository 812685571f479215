"""Write each question and target as a PNG in palette mode, with the rows as JSON Lines beside them.

The grids are read back from the rows, not from the pictures. The shard's digest covers both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import final

from vizbench._util.background import stop_if_abandoned
from vizbench.dataset.columns import Key, Kind
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.jsonl import FORMAT as JSONL
from vizbench.formats.lookup import verifier_of
from vizbench.formats.rows import Row
from vizbench.renderers.looks import look_of
from vizbench.renderers.pictures import save_png
from vizbench.task.contract import Verifier
from vizbench.types import Grid, Look


@final
class Png(Format):
    """`train-00000.jsonl`, and for row 7 the pictures `question/00000007.png` and `target/00000007.png`."""

    name = "png"
    draws = True

    def files(self, place: Place) -> Iterable[str]:
        yield from JSONL.files(place)
        for row in range(place.first, place.first + place.rows):
            yield f"question/{row:08d}.png"
            yield f"target/{row:08d}.png"

    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        for side in ("question", "target"):
            (place.folder / side).mkdir(exist_ok=True)
        JSONL.write(place, self._draw(place, chunks), kinds)
        return self.digest(place)

    def read(self, place: Place) -> Iterator[Row]:
        return JSONL.read(place)

    def _draw(self, place: Place, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Draw each chunk, then yield it. In a mixture, a row's place is not its index in its own task."""
        verifiers: dict[str, Verifier] = {}
        number = place.first
        for chunk in chunks:
            for row in chunk.columns.instances():
                stop_if_abandoned()
                if row.task not in verifiers:
                    verifiers[row.task] = verifier_of(row)
                look = look_of(verifiers[row.task], place.look, row)
                for side, grid in (("question", row.question), ("target", row.target)):
                    _save(place.folder / side / f"{number:08d}.png", grid, look)
                number += 1
            yield chunk


def _save(path: Path, grid: Grid, look: Look) -> None:
    with open(path, "wb") as file:  # not atomic: the folder as a whole is
        save_png(file, grid, look)


FORMAT = Png()
