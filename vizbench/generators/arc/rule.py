"""The abstract rule. A class is a family of rules; an object is one rule, its fields the parameters filled
in.

A rule's file needs no registration. A whole one:

    @final
    @dataclass(frozen=True, slots=True)
    class RecolourLargest(Rule):
        says = "Recolour the largest object {ink}."
        keeps = SAME_SIZE | RECOLOURS
        ink: Paint

        def question(self, draw: Draw) -> Grid | None:
            grid = draw.ground()
            masks = [draw.blob(k, k, k * k // 2) for k in draw.some((2, 3, 4, 5), 3)]
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
from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import Demos, Pair, pair
from vizbench.generators.arc.scene import Scene
from vizbench.types import Grid

MAX_SIDE = 30
"""ARC's grids have up to so many rows and columns."""

COLOURS = ("black", "blue", "red", "green", "yellow", "grey", "magenta", "orange", "sky", "maroon")
"""What sentences call colours 0 … 9."""

_TRIES = 200  # scenes drawn before a setting of the parameters is given up


@final
@dataclass(frozen=True, slots=True)
class Reads:
    """How the values that a field may have are narrowed by demonstrations. values: those that could explain
    them, more than needed but never fewer; colour: whether sentences give the value a colour's name."""

    values: Callable[[Demos], Collection[Any]]
    colour: bool = False


_Nine: TypeAlias = Literal[1, 2, 3, 4, 5, 6, 7, 8, 9]

Paint: TypeAlias = Annotated[_Nine, Reads(lambda demos: demos.painted, True)]
"""The only colour that the rule ever gives to a cell that had another: each demonstration paints with it."""

Ink: TypeAlias = Annotated[_Nine, Reads(lambda demos: demos.after, True)]
"""A colour that every answer holds, changed cells or not."""

Seen: TypeAlias = Annotated[_Nine, Reads(lambda demos: demos.before, True)]
"""A colour that every question holds."""

Side: TypeAlias = Literal["top", "bottom", "left", "right"]
"""An edge, or the way towards it."""

Axis: TypeAlias = Literal["row", "column"]
"""Along a row (horizontal) or along a column (vertical)."""


class Rule(ABC):
    """A small program from grid to grid, and how to see it at work. Fields are literals, so that the settings
    of the parameters are finitely many; `fit` tries those that the demonstrations leave."""

    __slots__ = ()

    says: ClassVar[str]
    """One plain sentence, `{field}` where a parameter stands."""
    keeps: ClassVar[int]
    """The facts (`vizbench.generators.arc.facts`) that hold of every pair: what refuses the rule before it is
    run."""

    @abstractmethod
    def question(self, draw: Draw) -> Grid | None:
        """An input on which the rule is visible, `(h, w)` of 1 … 30 a side; None where this draw made none.

        A setting that makes no sense (two colours that must differ) returns None always, and is never drawn.
        """

    @abstractmethod
    def answer(self, scene: Scene) -> Grid | None:
        """The output for any grid whatever, from its cells alone, never raising; None where the rule says
        nothing."""

    @abstractmethod
    def fault(self, question: Scene, answer: Grid) -> str:
        """What an independent look finds wrong with an answer to the rule's own question, "" for nothing.

        It counts, compares or inverts, and does not call `answer`. The answer is any grid with which the
        facts of `keeps` hold: under SAME_SIZE it is as large as the question."""

    @final
    def check(self, question: Scene, answer: Grid) -> str:
        """What looks wrong with an answer without running the rule, in a sentence; "" for nothing."""
        facts: int = pair(question.grid, answer).facts
        return "it changes what the rule keeps" if self.keeps & ~facts else self.fault(question, answer)

    @final
    def pair(self, draw: Draw) -> Pair | None:
        """A question that the rule changes, and its answer; None where `question` made none in many draws."""
        for _ in range(_TRIES):
            grid = self.question(draw)
            if grid is None:
                continue
            scene = Scene(grid)
            answer = self.answer(scene)
            if answer is not None and max(*grid.shape, *answer.shape) <= MAX_SIDE and not _same(answer, grid):
                return pair(grid, answer)
        return None

    @final
    def explains(self, shown: Pair) -> bool:
        """Whether the rule turns this question into this answer."""
        found = self.answer(shown.question)
        return found is not None and _same(found, shown.answer.grid)

    @final
    @property
    def parameters(self) -> Mapping[str, int | str]:
        """The fields as plain JSON."""
        return {name: getattr(self, name) for name in _fields(type(self))}

    @final
    @property
    def sentence(self) -> str:
        """The rule in one sentence, its parameters filled in."""
        fields = _fields(type(self))
        words = {
            name: COLOURS[value] if isinstance(value, int) and fields[name].colour else str(value)
            for name, value in self.parameters.items()
        }
        return self.says.format(**words)

    @final
    @classmethod
    def id(cls) -> str:
        """The class's name with dashes: `recolour-largest`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @final
    @classmethod
    def concept(cls) -> str:
        """The name of its file with dashes: `above-below`."""
        return cls.__module__.rpartition(".")[2].replace("_", "-")

    @final
    @classmethod
    def settings(cls) -> list[Self]:
        """Every rule of the family, those that make no sense too."""
        return [cls(*values) for values in product(*(field.every for field in _fields(cls).values()))]

    @final
    @classmethod
    def sample(cls, draw: Draw) -> Self:
        """One rule of the family, evenly drawn among those that make pairs."""
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
        """Every rule of the family that explains all demonstrations, each of which changes something; () for
        none."""
        if cls.keeps & ~demos.facts:
            return ()
        narrowed = [field.read(demos) for field in _fields(cls).values()]
        rules = (cls(*values) for values in product(*narrowed))
        return tuple(rule for rule in rules if all(map(rule.explains, demos.pairs)))


@final
@dataclass(frozen=True, slots=True)
class _Field:
    every: tuple[Any, ...]
    read: Callable[[Demos], Collection[Any]]
    colour: bool


@cache
def _fields(rule: type[Rule]) -> dict[str, _Field]:
    """The parameters by name, in order, read off the annotations."""
    hints = get_type_hints(rule, include_extras=True)
    found: dict[str, _Field] = {}
    for field in dataclasses.fields(rule):  # pyright: ignore[reportArgumentType] rules are dataclasses, their base is not
        hint = hints[field.name]
        reads = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Reads)), None)
        every = get_args(hint.__origin__ if reads else hint)
        found[field.name] = _Field(
            every, reads.values if reads else lambda _, every=every: every, bool(reads and reads.colour)
        )
    return found


def _same(a: Grid, b: Grid) -> bool:
    return (
        a.shape == b.shape and a.tobytes() == b.tobytes()
    )  # 5 times as fast as np.array_equal on small grids


def changed(question: Scene, answer: Grid, wanted: int) -> str:
    """A fault where the answer, of the question's size, does not differ from it in so many cells; ""
    otherwise."""
    found = int(np.count_nonzero(answer != question.grid))
    return "" if found == wanted else f"{found} cells changed where {wanted} should"
