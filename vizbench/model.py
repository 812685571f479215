"""The protocol every model speaks, and the registry that finds model families.

A model adapts to examples and then predicts answers to questions it is handed alone, so no target can leak.
What it exchanges is set by its modality; the harness renders and decodes:

modality  a question is            an example's answer is                  a prediction is
grid      a grid (h, w) uint8      a grid                                  a grid
frames    an image (H, W, 3)       a clip (T, H, W, 3), question first,    a clip; its last frame is decoded
                                   target last
text      a string                 a string                                a string
image     an image (H, W, 3)       a string                                a string

An answer may also be a `DecodeFailure`: the model's own word on why it gives none.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, final

from vizbench.errors import unknown
from vizbench.task import Verifier
from vizbench.types import DecodeFailure

X = TypeVar("X")

Modality: TypeAlias = Literal["grid", "frames", "text", "image", "both"]


@final
@dataclass(frozen=True, slots=True)
class FrameSpec:
    """The clips a model wants. count: frames T; cell: pixels a cell without margins and lines, None: the
    task's look; motion: how the clip goes from question to target (`renderers.video`)."""

    count: int = 9
    cell: int | None = None
    motion: Literal["discrete", "linear"] = "discrete"


@final
@dataclass(frozen=True, slots=True)
class TextSpec:
    """The text a model wants: compact JSON, or one line of digits a row (`renderers.text`)."""

    layout: Literal["json", "rows"] = "json"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Example(Generic[X]):
    """One training pair, in the model's modality."""

    question: X
    target: X


@final
@dataclass(frozen=True, slots=True)
class Progress:
    """What a model says while it adapts: steps done of steps in all, the latest loss and the most bytes held
    on the device so far, where it tells them."""

    done: int
    total: int
    loss: float | None = None
    memory: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a plan has a model train: so many optimizer steps, or epochs over the examples; neither: as it
    likes."""

    steps: int | None = None
    epochs: int | None = None

    def count(self, examples: int, batch: int, own: int) -> int:
        """The optimizer steps to take. batch: how many examples a step sees; own: the number that the model
        sets."""
        if self.steps is not None:
            return self.steps
        if self.epochs is not None:
            return -(-self.epochs * examples // batch)
        return own


@final
@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What surrounds one adaptation. judge, params: the task's rules (never its targets); seed: all
    randomness; schedule: how long to train, where the plan says so. A model that trains reports its `steps`
    in its figures.

    The judge can solve as well as judge: the baseline `solver` is the ceiling by that. A model that is to
    show what it learned leaves the judge alone; it could import the rooms just as well, and nothing here can
    forbid either."""

    verifier: Verifier
    params: Any
    seed: int
    report: Callable[[Progress], None]
    schedule: Schedule = Schedule()


@final
class CutText(str):
    """An answer in text that was cut off. If no grid can be read in it, the record says what cut it."""

    by: str

    def __new__(cls, text: str, by: str = "length") -> CutText:
        """by: what cut it, in words."""
        cut = super().__new__(cls, text)
        cut.by = by
        return cut


class Model(ABC, Generic[X]):
    """A thing that learns from examples. Anything with these two methods plugs in."""

    modality: ClassVar[Modality]
    frames: FrameSpec = FrameSpec()
    """A model whose checkpoints want clips of their own sets it when it is built."""
    text: ClassVar[TextSpec] = TextSpec()
    split: ClassVar[bool] = False
    """Whether launched processes adapt it together, each with its share of every batch
    (`distributed.env`)."""
    weights: str | None = None
    """A digest of the checkpoint's weights, for the record; a model that has weights sets it when it is
    built."""

    @abstractmethod
    def adapt(self, examples: Sequence[Example[X]], context: Context) -> Mapping[str, float]:
        """Learn from the examples, starting anew from the checkpoint; returns figures for the record
        (seconds, steps, loss, trainable parameters). `examples` renders lazily: each access may cost."""

    @abstractmethod
    def predict(
        self, questions: Sequence[X], attempts: int, seed: int
    ) -> Iterator[Sequence[X | DecodeFailure]]:
        """Yield, for each question in order, a list of `attempts` answers. The same seed gives the same
        answers.

        Fewer or more lists or answers are a fault of the model. An answer that is no grid is wrong by itself.
        """


class CheckedModel(Model[X]):
    """A model that knows what it cannot learn from before its weights are loaded. The harness asks before it
    begins a cell; whoever calls `adapt` without asking is refused there."""

    @abstractmethod
    def check(self, examples: Sequence[Example[X]], context: Context) -> None:
        """UserError where `adapt` would refuse the same: examples too many, too long, too large for the
        memory, a schedule that it cannot keep."""


@final
@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """What memory is estimated for. tokens: of a question with its answer, for language models; height,
    width: pixels of a clip, frames: in it, for video models."""

    tokens: int = 512
    height: int = 272
    width: int = 272
    frames: int = 9


@final
@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """What a checkpoint takes while it adapts, estimated before anything is loaded. settings: under which, as
    they stand behind its name; parts: bytes by name, all held at once."""

    checkpoint: str
    settings: str
    parts: Mapping[str, float]


@final
@dataclass(frozen=True, slots=True)
class ModelFamily:
    """A model family as `vizbench models` lists it. checkpoints: names, the first is the default; build:
    checkpoint name -> model (imports torch only then); memory: what it is asked for -> estimates."""

    name: str
    modality: Modality
    summary: str
    checkpoints: tuple[str, ...]
    build: Callable[[str], Model[Any]]
    memory: Callable[[MemoryRequest], Sequence[MemoryEstimate]] | None = None


@functools.cache
def families() -> Mapping[str, ModelFamily]:
    """Every family that a file of `vizbench.baselines` offers in its `FAMILIES`, by name."""
    import vizbench.baselines as package

    found: dict[str, ModelFamily] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        offered = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "FAMILIES", ())
        found.update((family.name, family) for family in offered)
    return found


def family(name: str) -> ModelFamily:
    """The family of that name, or a UserError that lists near ones."""
    if name not in families():
        raise unknown("model", name, families())
    return families()[name]
