"""Reading the answer in a clip, frame by frame: the last frame's grid, and the states that lead to it.

A clip is never held as a whole. Memory holds a frame, the decoder's own few, and the grids that were read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, final

import numpy as np

from vizbench.errors import UserError
from vizbench.harness.records.records import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS
from vizbench.harness.run.codec import changing
from vizbench.renderers.decode import place_and_read, read_at
from vizbench.renderers.layout import Shape
from vizbench.renderers.locate import Placement
from vizbench.renderers.video import Frame, frames
from vizbench.task import Verifier
from vizbench.types import Answer, DecodeFailure, Grid, Image, Instance

_SURE: Final = 0.5
"""Confidence of all cells from which a frame is read where the frame before it was."""

_SEARCHES: Final = 64
"""Frames of a clip in which the board is searched for; of the others, those that need it are passed over."""

_SAME: Final = 24
"""Levels by which two frames that show the same may differ in any pixel."""


@final
class _Way:
    """The grids of frames that are spread evenly over a clip of unknown length."""

    def __init__(self, placement: Placement, most: int) -> None:
        self.placement = placement
        self._most = most
        self._stride = 1
        self._states: dict[int, Grid] = {}

    def add(self, number: int, frame: Frame) -> None:
        """Read a frame if it is one of those that are kept."""
        if number % self._stride:
            return
        self._states[number] = read_at(frame.image(), self.placement).grid
        if len(self._states) > 2 * self._most:
            self._stride *= 2
            self._states = {at: grid for at, grid in self._states.items() if at % self._stride == 0}

    def before(self, last: int, answer: Grid) -> list[Grid]:
        """The states of frames before number `last` that differ from the next; at most as many as asked
        for."""
        kept = [grid for at, grid in self._states.items() if at < last]
        picks: list[int] = (
            np.linspace(0, len(kept), min(len(kept), self._most), endpoint=False).astype(int).tolist()
        )
        return changing([kept[at] for at in picks], answer)


def last_state(path: Path, verifier: Verifier, row: Instance) -> tuple[Grid, list[Grid]] | DecodeFailure:
    """The grid of a clip's last frame, and up to MAX_WAY states before it that differ from the next.

    The states are read where the board was in the first frame. There are none if it is elsewhere in the last
    frame, has another shape there than in the question, or cannot be found in the first."""
    way: _Way | None = None
    number, last = -1, None
    try:
        for number, frame in enumerate(frames(path)):
            last = frame
            if number == 0:
                way = _started(frame.image(), verifier, row)
            if way is not None:
                way.add(number, frame)
        assert last is not None  # a clip without frames is a UserError
        found = _read(last.image(), verifier, row)
    except UserError as error:
        return unreadable(path, error)
    if isinstance(found, DecodeFailure):
        return found
    placement, answer = found
    if (
        way is None
        or number < 2
        or answer.grid.shape != row.question.shape
        or not _same_place(way.placement, placement)
    ):
        return answer.grid, []
    return answer.grid, way.before(number, answer.grid)


def all_states(path: Path, verifier: Verifier, row: Instance) -> list[Grid] | DecodeFailure:
    """The grids that a clip's frames show, equal frames in a row as one per frame. The last frame must be
    readable; others that are not are left out, because a fade between two states is no state."""
    states: list[Grid] = []
    before: Image | None = None
    found: tuple[Placement, Answer] | DecodeFailure = DecodeFailure("")
    searches = 0
    try:
        for frame in frames(path):
            image = frame.image()
            if before is None or not _same(image, before):
                near = None if isinstance(found, DecodeFailure) else read_at(image, found[0])
                if (
                    near is not None
                    and not isinstance(found, DecodeFailure)
                    and near.confidence.min() >= _SURE
                ):
                    found = found[0], near
                elif searches < _SEARCHES:
                    searches += 1
                    found = _read(image, verifier, row)
                else:
                    found = DecodeFailure(f"over {_SEARCHES} frames show no clear board")
                before = image
            if not isinstance(found, DecodeFailure):
                states.append(found[1].grid)
    except UserError as error:
        return unreadable(path, error)
    return found if isinstance(found, DecodeFailure) else states


def unreadable(path: Path, error: UserError) -> DecodeFailure:
    """Why a file holds no answer, without its name: the reason is counted over files."""
    return DecodeFailure(str(error).replace(str(path), "the file"))


def _started(image: Image, verifier: Verifier, row: Instance) -> _Way | None:
    most = min(MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // row.question.size)
    found = _read(image, verifier, row) if most else DecodeFailure("")
    return None if isinstance(found, DecodeFailure) else _Way(found[0], most)


def _read(image: Image, verifier: Verifier, row: Instance) -> tuple[Placement, Answer] | DecodeFailure:
    """Read where the question is; most answers have its shape, that of ARC's is found in the picture."""
    if verifier.resizes:
        return place_and_read(image, verifier.look, None, None, None)
    shape: Shape = row.question.shape[0], row.question.shape[1]
    return place_and_read(image, verifier.look, shape, None, row.question)


def _same_place(one: Placement, other: Placement) -> bool:
    """Whether two placements of a board differ by less than a quarter of a cell."""
    if one.rows.shape != other.rows.shape or one.columns.shape != other.columns.shape:
        return False
    quarter = float(one.rows[0, 1] - one.rows[0, 0]) / 4
    return all(
        float(np.abs(a - b).max()) < quarter
        for a, b in ((one.rows, other.rows), (one.columns, other.columns))
    )


def _same(image: Image, other: Image) -> bool:
    """Whether two frames show the same, but for the noise of a codec."""
    if image.shape != other.shape:
        return False
    return bool((np.maximum(image, other) - np.minimum(image, other)).max() <= _SAME)
