"""Between grids and what a model exchanges: one channel a modality draws or writes the examples and reads the
answers.

A prediction that is not what the modality says becomes a `DecodeFailure`: a wrong answer, not an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Generic, TypeVar, final, overload

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import as_grid
from vizbench.errors import UserError
from vizbench.harness.records.records import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS
from vizbench.model import Example, FrameSpec, Model, TextSpec
from vizbench.renderers.decode import decode, decode_batch
from vizbench.renderers.frames import render
from vizbench.renderers.layout import Shape, common_board
from vizbench.renderers.text import from_text, to_text
from vizbench.renderers.video import clip
from vizbench.task import Verifier
from vizbench.types import Answer, Decoded, DecodeFailure, Grid, Image, Instance, Look, Video

X = TypeVar("X")
S = TypeVar("S")
T = TypeVar("T")


@final
class Lazy(Sequence[T], Generic[S, T]):
    """A sequence that makes its items when they are asked for, anew each time: 5000 clips do not fit in
    memory."""

    def __init__(self, sources: Sequence[S], make: Callable[[S], T]) -> None:
        self._sources = sources
        self._make = make

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Lazy[S, T]: ...
    def __getitem__(self, index: int | slice) -> T | Lazy[S, T]:
        if isinstance(index, slice):
            return Lazy(self._sources[index], self._make)
        return self._make(self._sources[index])


class Codec(ABC, Generic[X]):
    """How one modality speaks about one task."""

    @abstractmethod
    def question(self, question: Grid) -> X:
        """What the model is asked."""

    @abstractmethod
    def example(self, question: Grid, target: Grid) -> Example[X]:
        """What the model is shown."""

    @abstractmethod
    def decode(self, prediction: object) -> Decoded:
        """The grid in what the model answered. Never raises."""

    @final
    def examples(self, instances: Sequence[Instance]) -> Sequence[Example[X]]:
        """The training pairs, made on access."""
        return Lazy(instances, lambda i: self.example(i.question, i.target))

    @final
    def questions(self, grids: Sequence[Grid]) -> Sequence[X]:
        """The questions, made on access. It is built from grids, not instances: no target is within reach."""
        return Lazy(grids, self.question)


@final
class GridCodec(Codec[Grid]):
    """Grids as they are; copies, so that a model's scribbling stays its own."""

    def __init__(self, codes: int) -> None:
        self._codes = codes

    def question(self, question: Grid) -> Grid:
        return question.copy()

    def example(self, question: Grid, target: Grid) -> Example[Grid]:
        return Example(question.copy(), target.copy())

    def decode(self, prediction: object) -> Decoded:
        grid = as_grid(prediction, self._codes)
        if isinstance(grid, str):
            return DecodeFailure(grid)
        return Answer(grid, np.ones(grid.shape, np.float32))


@final
class FrameCodec(Codec[Any]):
    """Clips. Where all grids share one shape, answers are read in it; else an answer's size is found in the
    picture.

    On a canvas every grid then has cells of its own size, as in the paper. With cells of a fixed size all
    grids lie on one board, large enough for the examples and the questions: an answer that is larger cannot
    be given. Such are 2 of the 240 test inputs of the ConceptARC files at hand, 9 of 419 in ARC-AGI-1's
    evaluation, 3 of 167 in ARC-AGI-2's."""

    def __init__(self, look: Look, spec: FrameSpec, shapes: set[Shape]) -> None:
        """shapes: of the examples' grids and of the questions, never of a test target."""
        self._look = _look(look, spec)
        self._spec = spec
        board = common_board(*shapes)
        self._shape = board if len(shapes) == 1 else None
        self._board = board if len(shapes) == 1 or self._look.canvas is None else None

    def question(self, question: Grid) -> Image:
        return render(question, self._look, self._board)

    def example(self, question: Grid, target: Grid) -> Example[Any]:
        frames = clip(question, target, self._look, self._spec.count, self._spec.motion, self._board)
        return Example(self.question(question), frames)

    def decode(self, prediction: object) -> Decoded:
        frames = _frames(prediction)
        if isinstance(frames, DecodeFailure):
            return frames
        return decode(frames[-1], self._look, self._shape, self._board)

    def trajectory(self, prediction: object, question: Grid, answer: Grid) -> list[Grid]:
        """`trajectory_of` the frames of a prediction. answer: what `decode` read in it."""
        frames = _frames(prediction)
        return (
            []
            if isinstance(frames, DecodeFailure)
            else trajectory_of(frames, self._look, question, answer, self._board)
        )


@final
class ImageCodec(Codec[Any]):
    """Questions as pictures, each as large as its own grid makes it; answers as text."""

    def __init__(self, look: Look, frames: FrameSpec, text: TextSpec, shape: Shape | None = None) -> None:
        """shape: that of every grid, if they share one; it helps to read answers."""
        self._look = _look(look, frames)
        self._text = text
        self._shape = shape

    def question(self, question: Grid) -> Image:
        return render(question, self._look)

    def example(self, question: Grid, target: Grid) -> Example[Any]:
        return Example(self.question(question), to_text(target, self._text.layout))

    def decode(self, prediction: object) -> Decoded:
        return _read_text(prediction, self._shape)


@final
class BothCodec(Codec[Any]):
    """Questions as pictures together with their text; answers as text."""

    def __init__(self, picture: ImageCodec, text: TextCodec) -> None:
        self._picture = picture
        self._text = text

    def question(self, question: Grid) -> tuple[Image, str]:
        return self._picture.question(question), self._text.question(question)

    def example(self, question: Grid, target: Grid) -> Example[Any]:
        return Example(self.question(question), self._text.example(question, target).target)

    def decode(self, prediction: object) -> Decoded:
        return self._text.decode(prediction)


@final
class TextCodec(Codec[str]):
    """Grids as text."""

    def __init__(self, spec: TextSpec, shape: Shape | None = None) -> None:
        """shape: that of every grid, if they share one; it helps to read answers."""
        self._spec = spec
        self._shape = shape

    def question(self, question: Grid) -> str:
        return to_text(question, self._spec.layout)

    def example(self, question: Grid, target: Grid) -> Example[str]:
        return Example(self.question(question), to_text(target, self._spec.layout))

    def decode(self, prediction: object) -> Decoded:
        return _read_text(prediction, self._shape)


def trajectory_of(
    frames: Video, look: Look, question: Grid, answer: Grid, board: Shape | None = None
) -> list[Grid]:
    """What the frames `(t, H, W, 3)` before the last show, of equal ones in a row one; [] where nothing lies
    between two frames.

    answer: what was read in the last, and board how. They are read in its shape: only where that is the
    question's too, for a grid that changes its size has no cells in between. Of many frames MAX_WAY spread
    over the clip are read, and no more than hold MAX_WAY_CELLS."""
    most = min(MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // answer.size)
    if len(frames) <= 2 or question.shape != answer.shape or not most:
        return []
    last = len(frames) - 1
    picks = np.linspace(0, last, min(last, most), endpoint=False).astype(int)
    # All of nine frames cost 0.5 to 0.8 ms an attempt, 4 ms of 656x656 px: nothing beside a model that made
    # them. One at a time: a copy of all that were picked could be as large as the clip.
    states = [decode_batch(frames[k : k + 1], look, _shape(answer), board)[0] for k in picks]
    return changing(states, answer)


def changing(states: Sequence[Grid], answer: Grid) -> list[Grid]:
    """The states that differ from the next one; after the last comes the answer."""
    return [state for state, then in pairwise([*states, answer]) if not np.array_equal(state, then)]


def codec_for(
    model: Model[Any], verifier: Verifier, examples: Sequence[Instance], questions: Sequence[Grid]
) -> Codec[Any]:
    """The channel that a model asks for. Raises UserError for a modality that does not exist."""
    if model.modality == "grid":
        return GridCodec(verifier.codes)
    shape = None if verifier.resizes else _common(questions)
    if model.modality == "text":
        return TextCodec(model.text, shape)
    if model.modality == "image":
        return ImageCodec(verifier.look, model.frames, model.text, shape)
    if model.modality == "both":
        return BothCodec(ImageCodec(verifier.look, model.frames, model.text), TextCodec(model.text, shape))
    if model.modality == "frames":
        grids = [*questions, *(i.question for i in examples), *(i.target for i in examples)]
        return FrameCodec(verifier.look, model.frames, {_shape(grid) for grid in grids})
    raise UserError(
        f"modality {str(model.modality)[:40]!r} does not exist: say grid, frames, text, image or both"
    )


def _look(look: Look, spec: FrameSpec) -> Look:
    """The task's look, or plain cells of the size that the model wants."""
    return look if spec.cell is None else replace(look, cell=spec.cell, margin=0, line=0, canvas=None)


def _common(grids: Sequence[Grid]) -> Shape | None:
    """The shape that all grids have, or None."""
    shapes = {_shape(grid) for grid in grids}
    return shapes.pop() if len(shapes) == 1 else None


def _read_text(prediction: object, shape: Shape | None) -> Decoded:
    if not isinstance(prediction, str):
        return DecodeFailure(f"the answer is of type {type(prediction).__name__}, not a text")
    return from_text(prediction, shape=shape)


def _shape(grid: Grid) -> Shape:
    return grid.shape[0], grid.shape[1]


def _frames(prediction: object) -> Video | DecodeFailure:
    if not isinstance(prediction, np.ndarray):
        return DecodeFailure(
            f"the answer is of type {type(prediction).__name__}, not a clip (T, H, W, 3) of uint8"
        )
    frames: npt.NDArray[Any] = prediction  # pyright: ignore[reportUnknownVariableType] numpy knows no more
    if frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape or frames.dtype != np.uint8:
        return DecodeFailure(
            f"the answer has shape {frames.shape} and type {frames.dtype}, not (T, H, W, 3) of uint8"
        )
    return frames
