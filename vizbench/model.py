"""Define the protocol of models, and find them: our own, installed ones, and those in Python files.

A model adapts to examples. Then it predicts answers to questions. It gets these without targets, so no target
can leak. Its modality sets what it exchanges. The harness renders and decodes:

modality  a question is            an example's target is                  a prediction is
grid      a grid (h, w) uint8      a grid                                  a grid
frames    an image (H, W, 3)       a clip (T, H, W, 3), question first,    a clip; its last frame is decoded
                                   target last
text      a string                 a string                                a string
image     an image (H, W, 3)       a string                                a string

A prediction may also be a `DecodeFailure` with the model's reason for giving none.

With `--prompt task`, every question is a `Prompted`: the question above with the task's prompt in words.
Models with `reads_prompts` accept that.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Final, Generic, Literal, TypeAlias, TypeVar, cast, final, get_args

from vizbench._util import plugins
from vizbench._util.text import is_utf8
from vizbench.errors import UserError, unknown
from vizbench.task.contract import Verifier
from vizbench.types import DecodeFailure

X = TypeVar("X")

Modality: TypeAlias = Literal["grid", "frames", "text", "image", "both"]

Prompt: TypeAlias = Literal["none", "task"]
"""What a model is told besides the question. none: nothing. task: what is asked, in words."""

PROMPTS: Final[tuple[Prompt, ...]] = get_args(Prompt)

DEFAULT = "default"
"""The checkpoint of a file's model if none is named."""


@final
@dataclass(frozen=True, slots=True)
class FrameSpec:
    """Describe the clips that a model takes."""

    count: int = 9
    """Frames per clip."""
    cell: int | None = None
    """Pixels per cell, without margins and lines. None: as the task is drawn."""
    motion: Literal["discrete", "linear"] = "discrete"
    """How the clip goes from question to target, see `renderers.video`."""


@final
@dataclass(frozen=True, slots=True)
class TextSpec:
    """Describe the text that a model takes."""

    layout: Literal["json", "rows"] = "json"
    """Compact JSON, or one line of digits per row of cells, see `renderers.text`."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Prompted(Generic[X]):
    """Hold a question with the task's prompt."""

    prompt: str
    """What is asked, all rules, and the form of the answer, in one line of ASCII (`vizbench.prompt`)."""
    question: X
    """The question, in the model's modality."""


def split_prompt(question: Any) -> tuple[str, Any]:
    """Return the prompt and the question. The prompt of a question that is not `Prompted` is ""."""
    if not isinstance(question, Prompted):
        return "", question
    prompted = cast("Prompted[Any]", question)
    return prompted.prompt, prompted.question


@final
@dataclass(frozen=True, slots=True, eq=False)
class Example(Generic[X]):
    """Hold one training pair, in the model's modality."""

    question: X
    """What is asked. With `--prompt task` it is a `Prompted`."""
    target: X
    """The right answer."""


@final
@dataclass(frozen=True, slots=True)
class Progress:
    """Report how far a model has adapted."""

    done: int
    """Optimizer steps done."""
    total: int
    """Optimizer steps in all."""
    loss: float | None = None
    """The latest loss, if the model reports it."""
    memory: int | None = None
    """Most bytes held on the device so far, if the model reports it."""


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """Set how long a model trains. Without steps and epochs, the model decides."""

    steps: int | None = None
    """Optimizer steps."""
    epochs: int | None = None
    """Passes over the examples."""

    def count(self, examples: int, batch: int, own: int) -> int:
        """Return the optimizer steps to take.

        batch: examples per step. own: the number that the model sets.
        """
        if self.steps is not None:
            return self.steps
        if self.epochs is not None:
            return -(-self.epochs * examples // batch)
        return own


@final
@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Hold what one adaptation may use besides the examples.

    The verifier can solve as well as check. The baseline `solver` uses this, so it is an oracle. A model that
    should show what it learned must not use the verifier. This cannot be enforced, because a model could also
    import the tasks.
    """

    verifier: Verifier
    """The task's rules, without its targets."""
    params: Any
    """The task's record of parameters."""
    seed: int
    """The seed of all randomness."""
    report: Callable[[Progress], None]
    """Called during training."""
    schedule: Schedule = Schedule()
    """How long to train. A model that trains reports its `steps` in its figures."""
    prompt: Prompt = "none"
    """Whether questions come with the task's prompt. If they do, there may be no examples (`--shots 0`)."""
    supervision: Literal["target", "process"] = "target"
    """What examples show: the target, or every state of the process that leads to it."""


@final
class CutText(str):
    """Mark an answer in text as cut off. If no grid can be read in it, the record says by what."""

    by: str

    def __new__(cls, text: str, by: str = "length") -> CutText:
        """Mark a text as cut. by: what cut it, in words."""
        cut = super().__new__(cls, text)
        cut.by = by
        return cut


class Model(ABC, Generic[X]):
    """Learn from examples and answer questions. Any class with these two methods is a model."""

    modality: ClassVar[Modality]
    """What it exchanges, see above."""
    frames: FrameSpec = FrameSpec()
    """The clips that it takes. A model whose checkpoints take clips of their own sets it when it is built."""
    text: ClassVar[TextSpec] = TextSpec()
    """The text that it takes."""
    split: ClassVar[bool] = False
    """Whether launched processes adapt it together, each with a share of every batch, see `distributed`."""
    reads_prompts: ClassVar[bool] = False
    """Whether it can be asked with the task's prompt. Its questions may then be `Prompted`."""
    weights: str | None = None
    """A digest of the checkpoint's weights, for the record. A model with weights sets it when it is built."""

    @abstractmethod
    def adapt(self, examples: Sequence[Example[X]], context: Context) -> Mapping[str, float]:
        """Learn from the examples, starting again from the checkpoint.

        `examples` renders lazily, so each access takes time. Returns figures for the record: seconds, steps,
        loss, trainable parameters.
        """

    @abstractmethod
    def predict(
        self, questions: Sequence[X], attempts: int, seed: int
    ) -> Iterator[Sequence[X | DecodeFailure]]:
        """Yield a list of `attempts` answers per question, in order. The same seed gives the same answers.

        Another number of lists or answers is an error of the model. An answer that is not a grid is only
        wrong.
        """


class CheckedModel(Model[X]):
    """Check, before weights are loaded, whether a model can learn from some examples.

    The harness calls `check` before it begins a trial. `adapt` refuses the same examples.
    """

    @abstractmethod
    def check(self, examples: Sequence[Example[X]], context: Context) -> None:
        """Raise UserError if `adapt` would refuse the examples or the schedule.

        Examples may be too many, too long, or too large for the memory.
        """


@final
@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """Describe the training whose memory is estimated."""

    tokens: int = 512
    """Tokens of a question with its answer, for language models."""
    height: int = 272
    """Pixels of a clip, for video models."""
    width: int = 272
    """Pixels of a clip."""
    frames: int = 9
    """Frames of a clip."""


@final
@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Estimate the memory that a checkpoint takes while it adapts, before anything is loaded."""

    checkpoint: str
    """The checkpoint's name."""
    settings: str
    """The settings that the estimate is for, as they follow the checkpoint's name."""
    parts: Mapping[str, float]
    """Bytes by name, all held at once."""


@final
@dataclass(frozen=True, slots=True)
class ModelFamily:
    """Describe a model family, as `vizbench models` lists it."""

    name: str
    """The name after `--model`."""
    modality: Modality
    """What its models exchange."""
    summary: str
    """What it is, in one line."""
    checkpoints: tuple[str, ...]
    """Names of checkpoints; the first is the default."""
    build: Callable[[str], Model[Any]]
    """Builds the model of a checkpoint's name. Heavy packages are imported only then."""
    memory: Callable[[MemoryRequest], Sequence[MemoryEstimate]] | None = None
    """Estimates what the checkpoints take, if that is known."""
    prompt: Prompt = "none"
    """What its models are told if the plan does not say."""


@functools.cache
def families() -> Mapping[str, ModelFamily]:
    """Return every model family by name: those of `vizbench.baselines`, then those of installed packages."""
    import vizbench.baselines as package

    own: dict[str, ModelFamily] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        offered: Sequence[object] = getattr(_own_module(f"{package.__name__}.{module.name}"), "FAMILIES", ())
        for item in offered:
            if fault := _family_fault(item):
                raise UserError(f"FAMILIES in {package.__name__}.{module.name} is wrong: {fault}")
            own[cast("ModelFamily", item).name] = cast("ModelFamily", item)
    return {**own, **dict(plugins.installed("vizbench.models", _family_fault, lambda each: each.name, own))}


def _own_module(name: str) -> ModuleType:
    """Import a module of `vizbench.baselines`. Raises UserError with its name if it fails."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # one broken file would break every command without being named
        raise UserError(
            f"model file {name} fails on import: {plugins.reason_of(error)}: correct the file, or move it "
            "away"
        ) from error


def _family_fault(item: object) -> str:
    """Return why an object is not a model family, as a clause, or "" if it is one."""
    if isinstance(item, ModelFamily):
        return ""
    kind = f"the class {item.__name__}" if isinstance(item, type) else f"of type {type(item).__name__}"
    return f"it is {kind}: give an instance of vizbench.ModelFamily"


def family(name: str) -> ModelFamily:
    """Return the family of that name. Raises UserError, with near names, if there is none."""
    if name not in families():
        raise unknown("model", name, families())
    return families()[name]


# Models by name


_KIND: Final = plugins.Kind("model", "class", "path/to/file.py:Class")

_FILE_CLASS: Final = re.compile(r"(.*?\.py:[^\W\d]\w*)(?:=|$)", re.DOTALL)
"""`FILE.py:Class`, and the `=` that may follow."""


@final
@dataclass(frozen=True, slots=True)
class ModelRef:
    """Name a model and a checkpoint, with the default filled in."""

    name: str
    """A family's name, or `FILE.py:Class`."""
    checkpoint: str
    """The checkpoint's name; DEFAULT for a file's model if none is named."""


def split_checkpoint(text: str) -> tuple[str, str | None]:
    """Split `NAME=CHECKPOINT`. A name without `=` has no checkpoint.

    The name of a file may hold `=`, a class may not.
    """
    file = _FILE_CLASS.match(text)
    if file:
        name, equals, checkpoint = file[1], text[file.end(1) :][:1], text[file.end() :]
    else:
        name, equals, checkpoint = text.partition("=")
    if equals and not checkpoint:
        raise UserError(
            f"model {text[:120]!r} names no checkpoint after its =: write NAME=CHECKPOINT, or NAME"
        )
    return name, checkpoint or None


def resolve_model(name: str, checkpoint: str | None = None) -> ModelRef:
    """Check a model's name without building it.

    Raises UserError for unknown names and missing files, and for names that no record could hold.
    """
    for word in (name, checkpoint or ""):
        if not is_utf8(word):
            raise UserError(f"the name {word[-80:]!r} of a model is not UTF-8: rename the file")
    if plugins.is_in_file(name):
        _file_class(name)
        return ModelRef(name, DEFAULT if checkpoint is None else checkpoint)
    return ModelRef(name, family(name).checkpoints[0] if checkpoint is None else checkpoint)


def default_prompt(name: str) -> Prompt:
    """Return what a model is told if the plan does not say: as its family says, and nothing for a file."""
    return "none" if plugins.is_in_file(name) else family(name).prompt


def load_model(name: str, checkpoint: str | None = None) -> Model[Any]:
    """Build a model.

    A file's class is called without arguments, or with the checkpoint if one is named. Loading a file runs
    its code: name only files you trust.
    """
    ref = resolve_model(name, checkpoint)
    if not plugins.is_in_file(name):
        return family(name).build(ref.checkpoint)
    target = _file_class(name)
    _, chosen = plugins.load(target, _KIND)
    source = f"{target.name} in {target.path.name}"
    if not isinstance(chosen, type) or not issubclass(chosen, Model):
        raise UserError(f"{source} is not a Model: derive it from vizbench.Model")
    build = cast("Callable[..., Model[Any]]", chosen)
    try:
        return build() if ref.checkpoint == DEFAULT else build(ref.checkpoint)
    except TypeError as error:  # an abstract method is missing, or the constructor takes other arguments
        raise UserError(f"{source} cannot be built: {error}") from error


def model_code(name: str) -> str | None:
    """Return a digest of the code of a file's model, see `plugins.code_of`; None for a family.

    A model with changed code is another model. A model with weights sets their digest itself.
    """
    return plugins.code_of(name) if plugins.is_in_file(name) else None


def _file_class(name: str) -> plugins.FileObject:
    target = plugins.find(name, _KIND)
    if target.rest:
        raise UserError(f"model {name[:120]!r} names no class: write {_KIND.example}")
    return target
