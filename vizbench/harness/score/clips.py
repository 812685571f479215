"""Read the answer in a clip frame by frame: the last frame's grid, and the states that lead to it.

A clip is never held as a whole. Memory holds one frame, the few of the decoder, and the grids that were read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeAlias, final

import numpy as np

from vizbench.errors import UserError
from vizbench.harness.records.records import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS
from vizbench.harness.run.codec import changing
from vizbench.renderers.decode import place_and_read, read_at
from vizbench.renderers.locate import Placement
from vizbench.renderers.video import Frame, frames
from vizbench.task.contract import Verifier
from vizbench.types import Answer, DecodeFailure, Grid, Image, Instance, Look

_SURE: Final = 0.5
"""Confidence of every cell from which a frame is read at the place of the frame before it."""

_SEARCHES: Final = 64
"""Frames of a clip in which the board is searched for. Later frames that need a search are skipped."""

_SAME: Final = 24
"""Levels by which two frames that show the same may differ in any pixel."""

_Reading: TypeAlias = "tuple[Placement, Answer] | DecodeFailure"
"""Where the board is in a frame and what it shows, or why it cannot be read."""


@final
class _SpreadStates:
    """States of frames that are spread evenly over a clip of unknown length."""

    def __init__(self, placement: Placement, most: int) -> None:
        """Read states at `placement`; return at most `most`."""
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
        """Return at most `most` states of the frames before number `last` that differ from the next state."""
        kept = [grid for at, grid in self._states.items() if at < last]
        count = min(len(kept), self._most)
        picks: list[int] = np.linspace(0, len(kept), count, endpoint=False).astype(int).tolist()
        return changing([kept[at] for at in picks], answer)


def last_state(
    path: Path, verifier: Verifier, row: Instance, look: Look
) -> tuple[Grid, list[Grid]] | DecodeFailure:
    """Return the grid of a clip's last frame, and up to MAX_TRAJECTORY states before it.

    Each of these states differs from the next. They are read at the place of the board in the first frame.
    There are none if that frame shows no board, or if the board of the last frame has another place or
    another shape than the question.
    """
    states: _SpreadStates | None = None
    number, last = -1, None
    try:
        for number, frame in enumerate(frames(path)):
            last = frame
            if number == 0:
                states = _states_from(frame.image(), verifier, row, look)
            if states is not None:
                states.add(number, frame)
        assert last is not None  # a clip without frames is a UserError
        reading = _read(last.image(), verifier, row, look)
    except UserError as error:
        return unreadable(path, error)
    if isinstance(reading, DecodeFailure):
        return reading
    placement, answer = reading
    if states is None or number < 2:
        return answer.grid, []
    if answer.grid.shape != row.question.shape or not _same_place(states.placement, placement):
        return answer.grid, []
    return answer.grid, states.before(number, answer.grid)


def all_states(path: Path, verifier: Verifier, row: Instance, look: Look) -> list[Grid] | DecodeFailure:
    """Return the grids that a clip's frames show, one for each frame.

    A frame that cannot be read is left out, because a fade between two states is no state. Returns a
    DecodeFailure if the last frame cannot be read.
    """
    states: list[Grid] = []
    before: Image | None = None
    reading: _Reading = DecodeFailure("")
    searches = 0
    try:
        for frame in frames(path):
            image = frame.image()
            # A frame like the one before has the same reading. A search for the board is slow, so the
            # place of the frame before is tried first.
            if before is None or not _same(image, before):
                nearby = _read_nearby(image, reading)
                if nearby is not None:
                    reading = nearby
                elif searches < _SEARCHES:
                    searches += 1
                    reading = _read(image, verifier, row, look)
                else:
                    reading = DecodeFailure(f"over {_SEARCHES} frames show no clear board")
                before = image
            if not isinstance(reading, DecodeFailure):
                states.append(reading[1].grid)
    except UserError as error:
        return unreadable(path, error)
    return reading if isinstance(reading, DecodeFailure) else states


def unreadable(path: Path, error: UserError) -> DecodeFailure:
    """Return why a file holds no answer, without its name, because reasons are counted over files."""
    return DecodeFailure(str(error).replace(str(path), "the file"))


def _states_from(image: Image, verifier: Verifier, row: Instance, look: Look) -> _SpreadStates | None:
    """Begin to collect states at the board of the first frame. Return None if it shows none."""
    most = min(MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // row.question.size)
    if not most:
        return None
    reading = _read(image, verifier, row, look)
    return None if isinstance(reading, DecodeFailure) else _SpreadStates(reading[0], most)


def _read_nearby(image: Image, before: _Reading) -> _Reading | None:
    """Read a frame at the place of the frame before it. Return None if the reading would be unsure."""
    if isinstance(before, DecodeFailure):
        return None
    placement = before[0]
    answer = read_at(image, placement)
    return (placement, answer) if answer.confidence.min() >= _SURE else None


def _read(image: Image, verifier: Verifier, row: Instance, look: Look) -> _Reading:
    """Read a frame in the shape of the question, or in the shape that the frame shows if it is free."""
    shape = verifier.answer_shape(row.question)
    question = None if shape is None else row.question
    return place_and_read(image, look, shape, None, question)


def _same_place(one: Placement, other: Placement) -> bool:
    """Return whether two placements of a board differ by less than a quarter of a cell."""
    if one.rows.shape != other.rows.shape or one.columns.shape != other.columns.shape:
        return False
    quarter = float(one.rows[0, 1] - one.rows[0, 0]) / 4
    rows = float(np.abs(one.rows - other.rows).max())
    columns = float(np.abs(one.columns - other.columns).max())
    return rows < quarter and columns < quarter


def _same(image: Image, other: Image) -> bool:
    """Return whether two frames show the same, except for the noise of a video codec."""
    if image.shape != other.shape:
        return False
    return bool((np.maximum(image, other) - np.minimum(image, other)).max() <= _SAME)
