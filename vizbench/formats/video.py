"""Write each row as a lossless clip, with the rows as JSON Lines beside them.

The grids are read back from the rows, not from the clips. The shard's digest covers both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final

from vizbench._util.background import stop_if_abandoned
from vizbench.dataset.columns import Key, Kind, Part
from vizbench.errors import UserError
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.jsonl import FORMAT as JSONL
from vizbench.formats.manifest import DEFAULT_FRAMES, Frames
from vizbench.formats.pictures import batches, in_order, looks_of
from vizbench.formats.rows import Row
from vizbench.renderers.frames import render_batch
from vizbench.renderers.layout import Shape, common_board
from vizbench.renderers.looks import LookName
from vizbench.renderers.video import MAX_FRAMES, clip_board, encode_clip
from vizbench.types import Grid, Grids, Image, Look

_DRAWN: Final = 8
"""States that are drawn at a time."""


@final
class Video(Format):
    """`train-00000.jsonl`, and for row 7 the clip `train/video/00000007.mp4`."""

    name = "video"

    def __init__(self, frames: Frames = DEFAULT_FRAMES) -> None:
        """frames: how many, the first half the question and the rest the target; "states": one per state."""
        self._frames: Frames = frames

    @property
    def draws(self) -> bool:
        return True

    def files(self, place: Place) -> Iterable[str]:
        yield from JSONL.files(place)
        for key in place.keys:
            yield _path(place, key)

    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        (place.folder / place.split / "video").mkdir(parents=True, exist_ok=True)
        JSONL.write(place, self._film(place, chunks), kinds)
        return self.digest(place)

    def read(self, place: Place) -> Iterator[Row]:
        return JSONL.read(place)

    def _film(self, place: Place, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Write the clips of each chunk, then yield it."""
        keys = place.keys
        for chunk in chunks:
            clips = [self._clips(part, place.look) for part in chunk.columns.parts]
            for clip in in_order(chunk.columns, clips):
                stop_if_abandoned()
                (place.folder / _path(place, next(keys))).write_bytes(clip)
            yield chunk

    def _clips(self, part: Part, name: LookName) -> Iterator[bytes]:
        """Yield the clip of each row."""
        if self._frames == "states":
            yield from _processes(part, name)
            return
        held = (self._frames + 1) // 2
        for look, places in looks_of(part, name):
            board = clip_board(look, part.question.shape, part.target.shape)
            for here in batches(part, places, look):
                sides = (part.question[here], part.target[here])
                starts, ends = (render_batch(grids, look, board) for grids in sides)
                for start, end in zip(starts, ends, strict=True):
                    yield encode_clip([(start, held), (end, self._frames - held)])


def _processes(part: Part, name: LookName) -> Iterator[bytes]:
    """Yield the clip of each row's states, the question before them."""
    assert part.steps is not None  # `write` checks it
    bounds = part.steps.starts.tolist()
    for look, places in looks_of(part, name):
        for place in places:
            states = part.steps.states[bounds[place] : bounds[place + 1]]
            if len(states) >= MAX_FRAMES:
                raise UserError(
                    f"a row of {part.task[:120]} has {len(states):,} states and a clip at most "
                    f"{MAX_FRAMES:,} frames: leave --frames states out"
                )
            board = common_board(part.question.shape, states.shape)
            yield encode_clip(_drawn(part.question[place], states, look, board))


def _drawn(question: Grid, states: Grids, look: Look, board: Shape) -> Iterator[tuple[Image, int]]:
    """Yield the picture of the question, then those of the states, for one frame each."""
    for grids in (question[None], *(states[at : at + _DRAWN] for at in range(0, len(states), _DRAWN))):
        for picture in render_batch(grids, look, board):
            yield picture, 1


def _path(place: Place, key: str) -> str:
    return f"{place.split}/video/{key}.mp4"


FORMAT = Video()
