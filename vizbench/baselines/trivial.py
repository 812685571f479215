"""Define the trivial baselines, against which every score is read.

- copy answers the question itself.
- blank answers code 0 everywhere.
- majority answers the most frequent target, cell by cell.
- random answers a random legal answer.
- nearest answers the target of the most similar training question.
- solver, the oracle, answers by the task's own rules.

Without examples, as at 0 shots, majority and nearest cannot answer. The others can.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, final

import numpy as np

from vizbench.errors import UserError
from vizbench.model import Context, Example, Modality, Model, ModelFamily
from vizbench.seeds import keys, stream
from vizbench.types import Grid

CHECKPOINT = "none"
"""Name in the column of checkpoints: a trivial baseline has no weights."""


class Trivial(Model[Grid]):
    """Answer one question at a time."""

    modality: ClassVar[Modality] = "grid"
    needs_examples: ClassVar[bool] = False
    """Whether it answers from examples only."""

    @abstractmethod
    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        """Keep what `answer` needs of the examples."""

    @abstractmethod
    def answer(self, question: Grid, key: int) -> Grid:
        """Return one answer. key: a 64-bit stream origin of this question and attempt."""

    @final
    def adapt(self, examples: Sequence[Example[Grid]], context: Context) -> Mapping[str, float]:
        """Learn from the examples. There are no figures."""
        if self.needs_examples and not len(examples):
            raise UserError(f"baseline {type(self).__name__.lower()} needs examples: give at least one")
        self.learn(examples, context)
        return {}

    @final
    def predict(self, questions: Sequence[Grid], attempts: int, seed: int) -> Iterator[Sequence[Grid]]:
        """Yield the attempts of each question."""
        for i, question in enumerate(questions):
            yield [self.answer(question, stream("trivial", seed, i, attempt)) for attempt in range(attempts)]


@final
class Copy(Trivial):
    """Answer the question itself."""

    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        del examples, context

    def answer(self, question: Grid, key: int) -> Grid:
        del key
        return question.copy()


@final
class Blank(Trivial):
    """Answer code 0 everywhere, in the shape of the targets if they share one, else of the question."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None

    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        del context
        self._shape = _shared_shape(examples)

    def answer(self, question: Grid, key: int) -> Grid:
        del key
        return np.zeros(self._shape or question.shape, np.uint8)


@final
class Majority(Trivial):
    """Answer the most frequent target code of each cell (ties: the lowest).

    If the targets differ in shape, one code fills all cells.
    """

    needs_examples = True

    def __init__(self) -> None:
        self._grid: Grid | None = None
        self._code = 0

    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        targets = [example.target for example in examples]
        codes = range(context.verifier.codes)
        totals = sum(np.bincount(target.ravel(), minlength=256) for target in targets)
        self._code = int(np.argmax(totals))
        self._grid = None
        if _shared_shape(examples) is not None:
            stack = np.stack(targets)
            counts = np.stack([(stack == code).sum(axis=0) for code in codes])  # (codes, h, w)
            self._grid = counts.argmax(axis=0).astype(np.uint8)

    def answer(self, question: Grid, key: int) -> Grid:
        del key
        return np.full_like(question, self._code) if self._grid is None else self._grid.copy()


@final
class Random(Trivial):
    """Answer a random legal answer (`Verifier.guess`), such as a move that the rules allow, or a walk.

    If the task has no such guess, each cell is drawn from the codes in the examples' targets, all equally
    likely. Without examples it is drawn from all codes.
    """

    def __init__(self) -> None:
        self._context: Context | None = None
        self._shape: tuple[int, ...] | None = None
        self._codes: Grid = np.zeros(1, np.uint8)

    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        self._context = context
        self._shape = _shared_shape(examples)
        self._codes = np.arange(context.verifier.codes, dtype=np.uint8)
        if examples:
            self._codes = np.unique(np.concatenate([np.unique(example.target) for example in examples]))

    def answer(self, question: Grid, key: int) -> Grid:
        context = self._context
        legal = None if context is None else context.verifier.guess(context.params, question, key)
        if legal is not None:
            return legal
        shape = self._shape or question.shape
        draws = keys(key, 0, int(np.prod(shape)))
        return self._codes[(draws % np.uint64(len(self._codes))).astype(np.intp)].reshape(shape)


@final
class Nearest(Trivial):
    """Answer the target of the training question with the fewest differing cells (ties: the first).

    A question of a shape that was not seen is copied.
    """

    needs_examples = True

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[list[Grid], list[Grid]]] = {}

    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        del context
        self._known = {}
        for example in examples:
            questions, targets = self._known.setdefault(example.question.shape, ([], []))
            questions.append(example.question)
            targets.append(example.target)

    def answer(self, question: Grid, key: int) -> Grid:
        del key
        questions, targets = self._known.get(question.shape, ([], []))
        if not questions:
            return question.copy()
        distances = [int(np.count_nonzero(known != question)) for known in questions]
        return targets[int(np.argmin(distances))].copy()


@final
class Solver(Trivial):
    """Answer by the task's own rules: the oracle. Only for tasks whose rule is known."""

    def __init__(self) -> None:
        self._context: Context | None = None

    def learn(self, examples: Sequence[Example[Grid]], context: Context) -> None:
        if examples and context.verifier.solve(context.params, examples[0].question) is None:
            raise UserError("the rule of this task is not known, so it has no solver: leave the solver out")
        self._context = context

    def answer(self, question: Grid, key: int) -> Grid:
        del key
        context = self._context
        solved = None if context is None else context.verifier.solve(context.params, question)
        if solved is None:
            raise UserError("the solver has no answer to a question: the rule of this task is not known")
        return solved


def _shared_shape(examples: Sequence[Example[Grid]]) -> tuple[int, ...] | None:
    """Return the shape of the targets if they share one."""
    shapes = {example.target.shape for example in examples}
    return shapes.pop() if len(shapes) == 1 else None


def _family(name: str, summary: str, make: Callable[[], Trivial]) -> ModelFamily:
    """Return the family of a baseline, which has no checkpoints."""

    def build(checkpoint: str) -> Trivial:
        if checkpoint != CHECKPOINT:
            raise UserError(f"baseline {name} has no checkpoint {checkpoint[:80]!r}: leave --checkpoint out")
        return make()

    return ModelFamily(name, "grid", summary, (CHECKPOINT,), build)


FAMILIES = (
    _family("copy", "answers the question itself", Copy),
    _family("blank", "answers code 0 everywhere", Blank),
    _family("majority", "answers the most frequent target, cell by cell", Majority),
    _family(
        "random",
        "answers a random legal answer; for ARC files, whose rules are unknown, random codes of the targets",
        Random,
    ),
    _family("nearest", "answers the target of the most similar example", Nearest),
    _family("solver", "the oracle: answers by the task's own rules", Solver),
)
