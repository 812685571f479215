"""Define `Rule`, the base class of all rules.

A subclass is a family of rules. An object is one rule of the family, with values for its parameters: the
fields. A rule in a file of `concepts` needs no registration. A complete one:

    @final
    @dataclass(frozen=True, slots=True)
    class RecolourLargest(Rule):
        says = "Recolour the largest object {ink}."
        keeps = SAME_SIZE | RECOLOURS
        ink: Paint
        "The new colour."

        def question(self, draw: Draw) -> Grid | None:
            grid = draw.ground()
            masks = [draw.blob(side, side, side * side // 2) for side in draw.some((2, 3, 4, 5), 3)]
            return grid if draw.scatter(grid, masks, draw.colours(3, self.ink)) else None

        def answer(self, scene: Scene) -> Grid | None:
            largest = most(scene.shapes, lambda thing: thing.size)
            if largest is None:
                return None
            grid = scene.copy()
            paint(grid, largest, self.ink)
            return grid

        def fault(self, question: Scene, answer: Grid) -> str:
            sizes = [thing.size for thing in question.shapes]
            return changed(question, answer, max(sizes))
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, final, get_args, get_type_hints

import numpy as np

from vizbench.errors import UserError
from vizbench.generators.arc.facts import Demos, Pair, pair
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.scene import Scene
from vizbench.types import Grid

MAX_SIDE = 30
"""The largest number of rows and columns of a grid, as in ARC."""

COLOURS = ("black", "blue", "red", "green", "yellow", "grey", "magenta", "orange", "sky", "maroon")
"""The names of colours 0 … 9 in sentences."""

_TRIES = 200
"""Questions drawn before a rule's `pair` gives up, and rules drawn before `sample` does."""


@final
@dataclass(frozen=True, slots=True)
class Reads:
    """Annotate a field with the way in which demonstrations narrow its values."""

    values: Callable[[Demos], Collection[Any]]
    """Return the values that could explain the demonstrations: more than needed, but never fewer."""
    colour: bool = False
    """Whether sentences name the value as a colour."""


_Nine: TypeAlias = Literal[1, 2, 3, 4, 5, 6, 7, 8, 9]

Paint: TypeAlias = Annotated[_Nine, Reads(lambda demos: demos.painted, True)]
"""The only colour that the rule gives to cells that had another. Every demonstration paints with it."""

Ink: TypeAlias = Annotated[_Nine, Reads(lambda demos: demos.after, True)]
"""A colour that every answer has, on changed cells or others."""

Seen: TypeAlias = Annotated[_Nine, Reads(lambda demos: demos.before, True)]
"""A colour that every question has."""

Side: TypeAlias = Literal["top", "bottom", "left", "right"]
"""An edge of the grid, or the direction towards it."""

Axis: TypeAlias = Literal["row", "column"]
"""Along a row (horizontal) or along a column (vertical)."""


class Rule(ABC):
    """Map a grid to a grid by a small program, and draw grids that show what it does.

    Fields are literals, so a family has finitely many settings of its parameters. `fit` tries those that are
    compatible with the demonstrations.
    """

    __slots__ = ()

    says: ClassVar[str]
    """The rule in one plain sentence, with `{field}` for each parameter."""
    keeps: ClassVar[int]
    """The facts (`vizbench.generators.arc.facts`) of every pair. They reject the rule before it is run."""

    @abstractmethod
    def question(self, draw: Draw) -> Grid | None:
        """Draw an input on which the rule is visible, `(h, w)`, with sides of 1 … 30 cells.

        Returns None if this attempt made none. For a setting that makes no sense, such as one colour for two
        that must differ, it always returns None. Such a setting is never sampled.
        """

    @abstractmethod
    def answer(self, scene: Scene) -> Grid | None:
        """Return the output for any grid, or None if the rule does not apply. Never raises.

        The output depends on the cells of the grid only.
        """

    @abstractmethod
    def fault(self, question: Scene, answer: Grid) -> str:
        """Describe what is wrong with an answer to one of the rule's own questions, "" if nothing is.

        This is a second, independent verifier: it counts, compares or inverts, and does not call `answer`.
        The facts of `keeps` hold for the answer. With SAME_SIZE, for example, it has the question's size.
        """

    @final
    def check(self, question: Scene, answer: Grid) -> str:
        """Describe in a sentence what is wrong with any answer, "" if nothing is. Does not run the rule."""
        facts: int = pair(question.grid, answer).facts
        if self.keeps & ~facts:
            return "it changes what the rule keeps"
        return self.fault(question, answer)

    @final
    def pair(self, draw: Draw) -> Pair | None:
        """Draw a question that the rule changes, with its answer. None if many attempts made none."""
        for _ in range(_TRIES):
            grid = self.question(draw)
            if grid is None:
                continue
            answer = self.answer(Scene(grid))
            if answer is not None and max(*grid.shape, *answer.shape) <= MAX_SIDE and not _same(answer, grid):
                return pair(grid, answer)
        return None

    @final
    def explains(self, shown: Pair) -> bool:
        """Return whether the rule turns this question into this answer."""
        answer = self.answer(shown.question)
        return answer is not None and _same(answer, shown.answer.grid)

    @final
    @property
    def parameters(self) -> Mapping[str, int | str]:
        """The fields and their values, as plain JSON."""
        return {name: getattr(self, name) for name in _fields(type(self))}

    @final
    @property
    def sentence(self) -> str:
        """The rule in one sentence, with the values of its parameters."""
        fields = _fields(type(self))
        words: dict[str, str] = {}
        for name, value in self.parameters.items():
            if fields[name].colour and isinstance(value, int):
                words[name] = COLOURS[value]
            else:
                words[name] = str(value)
        return self.says.format(**words)

    @final
    @classmethod
    def id(cls) -> str:
        """Return the name of the class in lower case with dashes: `recolour-largest`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @final
    @classmethod
    def concept(cls) -> str:
        """Return the name of the class's file with dashes: `above-below`."""
        return cls.__module__.rpartition(".")[2].replace("_", "-")

    @final
    @classmethod
    def settings(cls) -> list[Self]:
        """Return every rule of the family, including those that make no sense."""
        return [cls(*values) for values in product(*(field.every for field in _fields(cls).values()))]

    @final
    @classmethod
    def sample(cls, draw: Draw) -> Self:
        """Draw one rule of the family, uniformly among those that make pairs.

        Raises UserError if no rule drawn makes a pair.
        """
        for _ in range(_TRIES):
            rule = cls(*(draw.pick(field.every) for field in _fields(cls).values()))
            if rule.pair(draw) is not None:
                return rule
        raise UserError(
            f"rule {cls.id()} makes no pair under {_TRIES} settings: its `question` refuses too much"
        )

    @final
    @classmethod
    def fit(cls, demos: Demos) -> tuple[Self, ...]:
        """Return every rule of the family that explains all demonstrations.

        Each demonstration must change something.
        """
        if cls.keeps & ~demos.facts:
            return ()
        narrowed = [field.read(demos) for field in _fields(cls).values()]
        rules = (cls(*values) for values in product(*narrowed))
        return tuple(rule for rule in rules if all(map(rule.explains, demos.pairs)))


@final
@dataclass(frozen=True, slots=True)
class _Field:
    """Describe a parameter: its values, those that demonstrations leave, and whether it is a colour."""

    every: tuple[Any, ...]
    narrow: Callable[[Demos], Collection[Any]] | None
    colour: bool

    def read(self, demos: Demos) -> Collection[Any]:
        """Return the values that could explain the demonstrations."""
        return self.every if self.narrow is None else self.narrow(demos)


@cache
def _fields(rule: type[Rule]) -> dict[str, _Field]:
    """Return the parameters of a family by name, in their order, from the annotations of its fields."""
    hints = get_type_hints(rule, include_extras=True)
    fields: dict[str, _Field] = {}
    for field in dataclasses.fields(rule):  # pyright: ignore[reportArgumentType] rules are dataclasses, their base is not
        hint = hints[field.name]
        extras = getattr(hint, "__metadata__", ())
        reads = next((extra for extra in extras if isinstance(extra, Reads)), None)
        if reads is None:
            fields[field.name] = _Field(get_args(hint), None, False)
        else:
            fields[field.name] = _Field(get_args(hint.__origin__), reads.values, reads.colour)
    return fields


def _same(a: Grid, b: Grid) -> bool:
    """Return whether two grids are equal: on small grids, 5 times as fast as `np.array_equal`."""
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def changed(question: Scene, answer: Grid, expected: int) -> str:
    """Return a fault if the number of cells that differ is not the expected one, "" otherwise.

    The answer has the question's size.
    """
    count = int(np.count_nonzero(answer != question.grid))
    return "" if count == expected else f"{count} cells changed, but {expected} should have"
