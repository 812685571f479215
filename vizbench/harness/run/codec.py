"""Convert between grids and what models take: one codec per modality encodes questions and decodes answers.

A prediction that does not fit the modality becomes a `DecodeFailure`: a wrong answer, not an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import dropwhile, pairwise
from typing import Any, Final, Generic, TypeVar, cast, final, overload

import numpy as np
import numpy.typing as npt

from vizbench._util.grids import as_grid
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Supervision
from vizbench.harness.records.records import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS, ProcessInfo
from vizbench.harness.run.trajectories import (
    MAPPING,
    check_frames,
    states_after_question,
    states_of_frames,
    states_of_lines,
)
from vizbench.model import Example, FrameSpec, Model, Prompt, Prompted, TextSpec
from vizbench.renderers.decode import decode, decode_batch
from vizbench.renderers.frames import render
from vizbench.renderers.layout import Shape, common_board
from vizbench.renderers.looks import LookName, look_on, with_cells
from vizbench.renderers.prompts import Reader, prompt_of
from vizbench.renderers.text import from_text, last_block, states_from_text, states_to_text, to_text
from vizbench.renderers.video import clip
from vizbench.task.contract import Task, Verifier
from vizbench.types import Answer, Decoded, DecodeFailure, Grid, Image, Instance, Look, Video

MAX_STATES: Final = 1024
"""Frames of an answer that are read as its process."""

X = TypeVar("X")
S = TypeVar("S")
T = TypeVar("T")


@final
class Lazy(Sequence[T], Generic[S, T]):
    """A sequence that makes its items on each access, because 5000 clips do not fit in memory."""

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


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a prediction shows."""

    decoded: Decoded
    """The answer, or why there is none."""
    trajectory: Sequence[Grid] = ()
    """The other states, for the record, in the answer's shape: before it, or after it in a game."""
    process: Sequence[Grid] = ()
    """Every state after the question, the answer included. Empty if no process is checked."""


class Codec(ABC, Generic[X]):
    """The encoding of one task in one modality."""

    prompt: Callable[[Instance], str] | None = None
    """Returns the prompt of an instance, in runs with `--prompt task`. None: questions have no prompt."""

    @abstractmethod
    def question(self, question: Grid) -> X:
        """Encode a question."""

    @abstractmethod
    def example(self, question: Grid, target: Grid) -> Example[X]:
        """Encode a question with its target."""

    @abstractmethod
    def decode(self, prediction: object) -> Decoded:
        """Return the grid in a prediction, or why there is none. Never raises."""

    def shown(self, instance: Instance) -> Example[X]:
        """Encode a training example. Default: its question and its target, without the states between."""
        return self.example(instance.question, instance.target)

    def read(self, prediction: object, instance: Instance) -> Reading:
        """Return the answer in a prediction and what else it shows. Default: only the answer. Never raises.

        instance: what was asked. Nothing is read from its target.
        """
        return Reading(self.decode(prediction))

    def checks_process(self, instance: Instance) -> bool:
        """Return whether an answer has to show a process that can be checked. Default: it does not."""
        return False

    def of(self, instance: Instance) -> Codec[X]:
        """Return the codec of one instance. Default: this one. Some looks are drawn for each instance."""
        return self

    @final
    def examples(self, instances: Sequence[Instance]) -> Sequence[Example[Any]]:
        """Return the encoded training examples, made on access. Their questions may be `Prompted`."""
        return Lazy(instances, self._shown)

    @final
    def questions(self, instances: Sequence[Instance]) -> Sequence[Any]:
        """Return the encoded questions, made on access. They may be `Prompted`.

        A model cannot reach the targets from them.
        """
        asked: list[tuple[Codec[X], Grid, str | None]] = []
        for instance in instances:
            prompt = None if self.prompt is None else self.prompt(instance)
            asked.append((self.of(instance), instance.question, prompt))
        return Lazy(asked, self._asked)

    @final
    def _shown(self, instance: Instance) -> Example[Any]:
        example = self.of(instance).shown(instance)
        if self.prompt is None:
            return example
        return Example(Prompted(self.prompt(instance), example.question), example.target)

    @staticmethod
    def _asked(asked: tuple[Codec[X], Grid, str | None]) -> X | Prompted[X]:
        codec, grid, prompt = asked
        question = codec.question(grid)
        return question if prompt is None else Prompted(prompt, question)


@final
class GridCodec(Codec[Grid]):
    """Grids as they are. A model gets copies, so that it cannot change the originals."""

    def __init__(self, codes: int) -> None:
        """codes: number of cell codes of the task."""
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
    """Grids as clips.

    If all grids have one shape, answers are read in it. Otherwise the shape of an answer is found in the
    picture. On a canvas every grid then has cells of its own size, as in the paper. With cells of a fixed
    size all grids are drawn on one board that holds every example and question, so that a larger answer is
    impossible. This concerns 2 of the 240 test inputs of ConceptARC that were checked, 9 of 419 in the
    evaluation set of ARC-AGI-1 and 3 of 167 in that of ARC-AGI-2.
    """

    def __init__(self, look: Look, spec: FrameSpec, shapes: set[Shape], drawn: LookName = "paper") -> None:
        """look: the task's own. drawn: how grids are drawn.

        shapes: those of the examples and of the questions, never of a test target.
        """
        self._own = look
        self._drawn: LookName = drawn
        self._spec = spec
        self._shapes = shapes
        one_shape, board = len(shapes) == 1, common_board(*shapes)
        self._look = _look(look_on(look, drawn, "", board), spec)
        self._shape = board if one_shape else None
        self._board = board if one_shape or self._look.canvas is None else None

    def of(self, instance: Instance) -> FrameCodec:
        """Return the codec of one instance: the look `shuffled` has other colours for each."""
        if self._drawn != "shuffled":
            return self
        codec = FrameCodec(self._own, self._spec, self._shapes)
        codec._look = self.look(instance)
        return codec

    def look(self, instance: Instance) -> Look:
        """Return how an instance is drawn."""
        if self._drawn != "shuffled":
            return self._look
        return _look(look_on(self._own, self._drawn, instance.id, common_board(*self._shapes)), self._spec)

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

    def read(self, prediction: object, instance: Instance) -> Reading:
        decoded = self.decode(prediction)
        if isinstance(decoded, DecodeFailure):
            return Reading(decoded)
        return Reading(decoded, self.trajectory(prediction, instance.question, decoded.grid))

    def states(self, prediction: object, shape: Shape) -> list[Grid]:
        """Return what each frame of a prediction shows, in grids of one shape. [] if it is no clip.

        Of more than MAX_STATES frames as many, spread evenly, are read, the last one included.
        """
        frames = _frames(prediction)
        if isinstance(frames, DecodeFailure):
            return []
        picks = _spread(len(frames))
        return [decode_batch(frames[k : k + 1], self._look, shape, self._board)[0] for k in picks]

    def trajectory(self, prediction: object, question: Grid, answer: Grid) -> list[Grid]:
        """Return the states before the answer in the frames of a prediction (see `trajectory_of`).

        answer: what `decode` read in the prediction.
        """
        frames = _frames(prediction)
        if isinstance(frames, DecodeFailure):
            return []
        return trajectory_of(frames, self._look, question, answer, self._board)


@final
class ImageCodec(Codec[Any]):
    """Questions as pictures, each as large as its grid requires; answers as text."""

    def __init__(
        self,
        look: Look,
        frames: FrameSpec,
        text: TextSpec,
        shape: Shape | None = None,
        drawn: LookName = "paper",
        key: str = "",
    ) -> None:
        """look: the task's own. drawn: how questions are drawn. key: the id of the instance, for `shuffled`.

        shape: that of every grid, if they have one in common. It helps to read answers.
        """
        self._own = look
        self._frames = frames
        self._text = text
        self._shape = shape
        self._drawn: LookName = drawn
        self._key = key

    def of(self, instance: Instance) -> ImageCodec:
        """Return the codec of one instance: the look `shuffled` has other colours for each."""
        if self._drawn != "shuffled":
            return self
        return ImageCodec(self._own, self._frames, self._text, self._shape, self._drawn, instance.id)

    def look(self, instance: Instance) -> Look:
        """Return how the question of an instance is drawn."""
        return self.of(instance)._look(instance.question)

    def question(self, question: Grid) -> Image:
        return render(question, self._look(question))

    def _look(self, question: Grid) -> Look:
        return _look(look_on(self._own, self._drawn, self._key, _shape(question)), self._frames)

    def example(self, question: Grid, target: Grid) -> Example[Any]:
        return Example(self.question(question), to_text(target, self._text.layout))

    def decode(self, prediction: object) -> Decoded:
        return _read_text(prediction, self._shape)


@final
class BothCodec(Codec[Any]):
    """Questions as pictures together with their text, and answers as text."""

    def __init__(self, picture: ImageCodec, text: TextCodec) -> None:
        self._picture = picture
        self._text = text

    def of(self, instance: Instance) -> BothCodec:
        return BothCodec(self._picture.of(instance), self._text)

    def look(self, instance: Instance) -> Look:
        """Return how the question of an instance is drawn."""
        return self._picture.look(instance)

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
        """shape: that of every grid, if they have one in common. It helps to read answers."""
        self._spec = spec
        self._shape = shape

    def question(self, question: Grid) -> str:
        return to_text(question, self._spec.layout)

    def example(self, question: Grid, target: Grid) -> Example[str]:
        return Example(self.question(question), to_text(target, self._spec.layout))

    def decode(self, prediction: object) -> Decoded:
        return _read_text(prediction, self._shape)


@final
class ProcessFrameCodec(Codec[Any]):
    """Processes as clips: the question first, then every state, held or left out to fit the frames.

    The mapping is `process.states_of_frames`. The last frame is the answer. In a game, whose answer is the
    first state, it is the first frame that shows another board than the question.
    """

    def __init__(self, frames: FrameCodec, count: int, task: Task[Any]) -> None:
        """frames: draws and reads. count: frames of a clip."""
        self._frames = frames
        self._count = count
        self._task = task

    def of(self, instance: Instance) -> ProcessFrameCodec:
        return ProcessFrameCodec(self._frames.of(instance), self._count, self._task)

    def question(self, question: Grid) -> Image:
        return self._frames.question(question)

    def example(self, question: Grid, target: Grid) -> Example[Any]:
        return self._clip(question, [target])

    def shown(self, instance: Instance) -> Example[Any]:
        return self._clip(instance.question, list(instance.steps))

    def decode(self, prediction: object) -> Decoded:
        return self._frames.decode(prediction)

    def read(self, prediction: object, instance: Instance) -> Reading:
        question = instance.question
        grids = self._frames.states(prediction, _shape(question))
        if not grids:
            return Reading(self.decode(prediction))

        # The answer is read once more, because only `decode` says that a frame is unclear.
        at = len(grids) - 1
        if self._task.continuation is not None:
            at = next((k for k, grid in enumerate(grids) if not np.array_equal(grid, question)), at)
        video = cast("Video", prediction)
        decoded = self.decode(video[: _spread(len(video))[at] + 1])
        if isinstance(decoded, DecodeFailure):
            return Reading(decoded)
        grids[at] = decoded.grid

        states = states_after_question(self._task, instance, grids)
        if self._task.continuation is not None:
            return Reading(decoded, _kept(states[1:]), states)
        return Reading(decoded, _kept(changing(grids[:-1], decoded.grid)), states)

    def checks_process(self, instance: Instance) -> bool:
        """Return whether the clip has a frame for every state. With fewer, no step can be checked."""
        return len(instance.steps) < self._count

    def _clip(self, question: Grid, states: Sequence[Grid]) -> Example[Any]:
        pictures = [self.question(state) for state in (question, *states)]
        picks = states_of_frames(len(pictures), self._count)
        return Example(pictures[0], np.stack([pictures[pick] for pick in picks]))


@final
class ProcessTextCodec(Codec[Any]):
    """Processes as text: one state per line of compact JSON, or per block of rows below an empty line.

    The last state is the answer. In a game, whose answer is the first state, it is the first one that differs
    from the question.
    """

    def __init__(self, answers: Codec[Any], spec: TextSpec, task: Task[Any], shape: Shape | None) -> None:
        """answers: encodes questions, and reads answers. shape: that of every grid, if they have one."""
        self._answers = answers
        self._spec = spec
        self._task = task
        self._shape = shape

    def of(self, instance: Instance) -> ProcessTextCodec:
        return ProcessTextCodec(self._answers.of(instance), self._spec, self._task, self._shape)

    def question(self, question: Grid) -> Any:
        return self._answers.question(question)

    def example(self, question: Grid, target: Grid) -> Example[Any]:
        return Example(self.question(question), states_to_text([target], self._spec.layout))

    def shown(self, instance: Instance) -> Example[Any]:
        lines = states_to_text(list(instance.steps), self._spec.layout)
        return Example(self.question(instance.question), lines)

    def decode(self, prediction: object) -> Decoded:
        if self._spec.layout == "rows" and isinstance(prediction, str):
            return self._answers.decode(last_block(prediction))
        return self._answers.decode(prediction)

    def read(self, prediction: object, instance: Instance) -> Reading:
        grids: list[Grid] = []
        if isinstance(prediction, str):
            grids = states_from_text(prediction, self._spec.layout, self._shape)
        if self._task.continuation is not None and grids:
            return self._first(grids, instance)

        # The answer is read as without a process. The states before it are on the lines above.
        decoded = self.decode(prediction)
        if isinstance(decoded, DecodeFailure):
            return Reading(decoded)
        before = [k for k, grid in enumerate(grids) if np.array_equal(grid, decoded.grid)]
        grids = [*(grids[: before[-1]] if before else grids), decoded.grid]
        process = states_of_lines(self._task, instance, grids)
        return Reading(decoded, _kept(_of_shape(process[:-1], decoded.grid)), process)

    def checks_process(self, instance: Instance) -> bool:
        return True

    def _first(self, grids: list[Grid], instance: Instance) -> Reading:
        """Return the answer of a game, and the states after it."""
        process = list(dropwhile(lambda grid: np.array_equal(grid, instance.question), grids)) or grids[-1:]
        answer = Answer(process[0], np.ones(process[0].shape, np.float32))
        return Reading(answer, _kept(_of_shape(process[1:], answer.grid)), process)


def _spread(frames: int) -> list[int]:
    """Return the frames of an answer that are read as its process: all, or MAX_STATES of them."""
    return np.linspace(0, frames - 1, min(frames, MAX_STATES)).astype(int).tolist()


def _of_shape(states: Sequence[Grid], answer: Grid) -> list[Grid]:
    """Return the states of the answer's shape. Only these can be played."""
    return [state for state in states if state.shape == answer.shape]


def _kept(states: Sequence[Grid]) -> list[Grid]:
    """Return the states that a record keeps: all, or as many as it may hold, spread evenly."""
    if not states:
        return []
    most = min(len(states), MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // states[0].size)
    picks: list[int] = np.linspace(0, len(states), most, endpoint=False).astype(int).tolist()
    return [states[pick] for pick in picks]


def trajectory_of(
    frames: Video, look: Look, question: Grid, answer: Grid, board: Shape | None = None
) -> list[Grid]:
    """Return the states that the frames `(t, H, W, 3)` before the last one show, without repetitions.

    [] if there is no frame between the first and the last. [] also if question and answer differ in shape,
    because a grid that changes its shape has no cells in between. Of many frames at most MAX_TRAJECTORY,
    spread evenly, are read, and at most MAX_TRAJECTORY_CELLS cells in all.

    answer: what was read in the last frame. The other frames are read in its shape.
    board: the board that the frames are drawn on.
    """
    most = min(MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // answer.size)
    if len(frames) <= 2 or question.shape != answer.shape or not most:
        return []
    last = len(frames) - 1
    picks = np.linspace(0, last, min(last, most), endpoint=False).astype(int)
    # All of nine frames cost 0.5 to 0.8 ms per attempt, 4 ms at 656x656 px: little beside the model that made
    # them. One frame at a time, because a copy of all picked frames could be as large as the clip.
    states = [decode_batch(frames[k : k + 1], look, _shape(answer), board)[0] for k in picks]
    return changing(states, answer)


def changing(states: Sequence[Grid], answer: Grid) -> list[Grid]:
    """Return the states that differ from the next one. The answer follows the last state."""
    return [state for state, after in pairwise([*states, answer]) if not np.array_equal(state, after)]


def codec_for(
    model: Model[Any],
    verifier: Verifier,
    examples: Sequence[Instance],
    questions: Sequence[Grid],
    *,
    prompt: Prompt = "none",
    supervision: Supervision = "target",
    look: LookName = "paper",
) -> Codec[Any]:
    """Return the codec for the modality of a model.

    Raises UserError if the modality does not exist, if the model cannot read the prompt, if it sees no
    pictures and a look is asked, or if the model or the task shows no process and one is asked.
    """
    if prompt == "task":
        require_reader(model)
    if look != "paper":
        require_eyes(model)
    drawn = _target_codec(model, verifier, examples, questions, look)
    codec = drawn
    if supervision == "process":
        codec = _process_codec(drawn, model, verifier, questions)
    if prompt == "task":
        reader, process = reader_of(model), supervision == "process"
        seen = drawn.look if isinstance(drawn, FrameCodec | ImageCodec | BothCodec) else None

        def ask(instance: Instance) -> str:
            drawn_as = None if seen is None else seen(instance)
            return prompt_of(verifier, instance, reader, None, drawn_as, process)

        codec.prompt = ask
    return codec


def require_eyes(model: Model[Any], name: str = "") -> None:
    """Raise UserError if a model sees no pictures. name: that of its class if none is given."""
    if model.modality in ("grid", "text"):
        raise UserError(
            f"{name or type(model).__name__} sees no pictures, so a look changes nothing: leave --look out, "
            "or choose a model that sees pictures"
        )


def _process_codec(
    codec: Codec[Any], model: Model[Any], verifier: Verifier, questions: Sequence[Grid]
) -> Codec[Any]:
    """Return the codec that shows processes."""
    if not isinstance(verifier, Task) or verifier.resizes:
        raise UserError("this task has no process to show: leave supervision out")
    check_shows_process(model)
    task = cast("Task[Any]", verifier)
    if isinstance(codec, FrameCodec):
        return ProcessFrameCodec(codec, model.frames.count, task)
    return ProcessTextCodec(codec, model.text, task, _common(questions))


def require_reader(model: Model[Any], name: str = "") -> None:
    """Raise UserError if a model cannot read the task's prompt. name: that of its class if none is given."""
    name = name or type(model).__name__
    if not model.reads_prompts:
        raise UserError(
            f"{name} reads no prompt: leave --prompt task out, or choose a language model that follows "
            "instructions"
        )
    if model.modality in ("text", "both") and model.text.layout != "json":
        raise UserError(
            f"{name} reads its grids as digits and prompts describe JSON: leave --prompt task out"
        )


def reader_of(model: Model[Any]) -> Reader:
    """Return who a model is to `prompts.prompt_of`, by its modality."""
    readers: dict[str, Reader] = {"image": "vision", "frames": "video"}
    return readers.get(model.modality, "text")


def check_shows_process(model: Model[Any]) -> None:
    """Raise UserError if what a model answers cannot show a state before the answer."""
    if model.modality == "grid":
        raise UserError("the model answers with one grid, which shows no process: leave supervision out")
    if model.modality == "frames":
        check_frames(model.frames.count)


def process_info(model: Model[Any], verifier: Verifier, examples: Sequence[Instance]) -> ProcessInfo:
    """Return how a model is shown processes, for the header of a trial."""
    answer = "last" if verifier.continuation is None else "first"
    if model.modality != "frames":
        return ProcessInfo("one state per line", answer)
    frames = model.frames.count
    left_out = sum(len(example.steps) >= frames for example in examples)
    return ProcessInfo(MAPPING, answer, frames, left_out)


def _target_codec(
    model: Model[Any],
    verifier: Verifier,
    examples: Sequence[Instance],
    questions: Sequence[Grid],
    look: LookName,
) -> Codec[Any]:
    """Return the codec that shows targets, without prompts."""
    if model.modality == "grid":
        return GridCodec(verifier.codes)
    shape = None if verifier.resizes else _common(questions)
    if model.modality == "text":
        return TextCodec(model.text, shape)
    if model.modality == "image":
        return ImageCodec(verifier.look, model.frames, model.text, shape, look)
    if model.modality == "both":
        picture = ImageCodec(verifier.look, model.frames, model.text, None, look)
        return BothCodec(picture, TextCodec(model.text, shape))
    if model.modality == "frames":
        shapes = {_shape(question) for question in questions}
        for example in examples:
            shapes |= {_shape(example.question), _shape(example.target)}
        return FrameCodec(verifier.look, model.frames, shapes, look)
    raise UserError(
        f"modality {str(model.modality)[:40]!r} does not exist: say grid, frames, text, image or both"
    )


def _look(look: Look, spec: FrameSpec) -> Look:
    """Return the look itself, or with plain cells of the size that the model asks for."""
    return look if spec.cell is None else with_cells(look, spec.cell)


def _common(grids: Sequence[Grid]) -> Shape | None:
    """Return the shape that all grids have, or None if they differ."""
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
