"""Top and bottom in the plane: the topmost and the bottommost object, row, block, colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, TypeAlias, final

import numpy as np

from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import (
    ADDS,
    OLD_COLOURS,
    ONE_INK,
    REARRANGES,
    RECOLOURS,
    REMOVES,
    SAME_SIZE,
    SHRINKS,
)
from vizbench.generators.arc.rule import Paint, Rule, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, drop, keep, most, paint
from vizbench.types import Grid

End: TypeAlias = Literal["topmost", "bottommost"]


@final
@dataclass(frozen=True, slots=True)
class CutOutEndObject(Rule):
    """An object's first row counts where the topmost is wanted, its last row where the bottommost is."""

    says = "Cut out the {end} object."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    end: End

    def question(self, draw: Draw) -> Grid | None:
        return _banded(draw, [draw.colour() for _ in range(draw.between(2, 4))])

    def answer(self, scene: Scene) -> Grid | None:
        thing = _extreme(scene.shapes, self.end)
        return None if thing is None or len(scene.shapes) < 2 else cut(scene, thing)

    def fault(self, question: Scene, answer: Grid) -> str:
        first, end = _bands(question.grid)[0 if self.end == "topmost" else -1]
        band = question.grid[first:end]
        left, right = _bands(band.T)[0]
        return (
            "" if np.array_equal(band[:, left:right], answer) else f"the answer is not what lies {self.end}"
        )


@final
@dataclass(frozen=True, slots=True)
class TakeAwayTopOrBottom(Rule):
    """Three objects or more, one below the other."""

    says = "Take away {which}."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    which: Literal[
        "the topmost object",
        "the bottommost object",
        "the topmost and the bottommost object",
        "all objects but the topmost",
        "all objects but the bottommost",
        "all objects but the topmost and the bottommost",
    ]

    def question(self, draw: Draw) -> Grid | None:
        return _banded(draw, [draw.colour() for _ in range(draw.between(3, 5))], 2)

    def answer(self, scene: Scene) -> Grid | None:
        ends = [_extreme(scene.shapes, end) for end in ("topmost", "bottommost") if end in self.which]
        found = [thing for thing in ends if thing is not None]
        if len(found) < len(ends) or len(scene.shapes) < 3:
            return None
        return (keep if "but" in self.which else drop)(scene, found)

    def fault(self, question: Scene, answer: Grid) -> str:
        bands = _bands(question.grid)
        ends = {at for word, at in (("topmost", 0), ("bottommost", len(bands) - 1)) if word in self.which}
        for at, (first, end) in enumerate(bands):
            left = np.count_nonzero(answer[first:end])
            stays = (at in ends) == ("all" in self.which)
            if left != stays * np.count_nonzero(question.grid[first:end]):
                return f"object {at + 1} from the top should {'stay' if stays else 'go'}"
        return ""


@final
@dataclass(frozen=True, slots=True)
class EndRowOfEveryObject(Rule):
    """The row of an object's box, so far as its cells lie in it."""

    says = "Recolour the {end} row of every object {ink}."
    keeps = SAME_SIZE | RECOLOURS
    end: End
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 5), 6) for _ in range(draw.between(1, 3))]
        return grid if draw.scatter(grid, masks, [draw.colour(self.ink) for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        at = 0 if self.end == "topmost" else -1
        for thing in scene.shapes:
            grid[thing.box][at][thing.mask[at]] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        total = 0
        for group in question.groups:
            row = group.top if self.end == "topmost" else group.bottom - 1
            cells = question.grid[row, group.left : group.right] != 0
            if (answer[row, group.left : group.right][cells] != self.ink).any():
                return f"an object's {self.end} row has another colour"
            total += int(cells.sum())
        return changed(question, answer, total)


@final
@dataclass(frozen=True, slots=True)
class ViewAlongColumns(Rule):
    """A column without colour leaves a gap in the row."""

    says = "Show in one row the {end} colour of every column of the grid."
    keeps = SHRINKS | OLD_COLOURS
    end: End

    def question(self, draw: Draw) -> Grid | None:
        grid = _banded(draw, draw.colours(draw.between(3, 5)), 2, 7)
        above, below = (
            rows[(rows != 0).argmax(axis=0), np.arange(grid.shape[1])] for rows in (grid, grid[::-1])
        )
        clear = np.count_nonzero(above != below) > 2 and min(len(np.unique(above)), len(np.unique(below))) > 2
        return grid if clear else None

    def answer(self, scene: Scene) -> Grid | None:
        rows = scene.grid if self.end == "topmost" else scene.grid[::-1]
        return rows[(rows != 0).argmax(axis=0), np.arange(scene.width)][None, :]

    def fault(self, question: Scene, answer: Grid) -> str:
        if answer.shape != (1, question.width):
            return "the answer is not one row as wide as the grid"
        for column, colour in zip(question.grid.T.tolist(), answer[0].tolist(), strict=True):
            inked = [cell for cell in column if cell]
            if colour != (inked[0 if self.end == "topmost" else -1] if inked else 0):
                return f"a column's {self.end} colour is another"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SwapColoursOfTopAndBottom(Rule):
    """Three objects or more, of different colours."""

    says = "The topmost and the bottommost object swap their colours."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        return _banded(draw, draw.colours(draw.between(3, 4)))

    def answer(self, scene: Scene) -> Grid | None:
        top, bottom = (_extreme(scene.shapes, end) for end in ("topmost", "bottommost"))
        if top is None or bottom is None or len(scene.shapes) < 3:
            return None
        grid = scene.copy()
        paint(grid, top, bottom.colour)
        paint(grid, bottom, top.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        was = [int(question.grid[first:end].max()) for first, end in _bands(question.grid)]
        told = [set(answer[first:end].ravel().tolist()) - {0} for first, end in _bands(question.grid)]
        return (
            ""
            if told == [{colour} for colour in (was[-1], *was[1:-1], was[0])]
            else "the order of colours is another"
        )


@final
@dataclass(frozen=True, slots=True)
class ColoursByHeight(Rule):
    """Objects lie one below the other."""

    says = "List the colours of the objects in one {line}, that of the {end} object first."
    keeps = SHRINKS | OLD_COLOURS
    line: Literal["row", "column"]
    end: End

    def question(self, draw: Draw) -> Grid | None:
        return _banded(draw, draw.colours(draw.between(3, 5)), 2)

    def answer(self, scene: Scene) -> Grid | None:
        things = scene.shapes
        if not 2 <= len(things) <= 30:
            return None
        order = sorted((_place(thing, self.end), thing.colour) for thing in things)
        if len({place for place, _ in order}) < len(order):
            return None
        row = np.array([[colour for _, colour in order]], np.uint8)
        return row if self.line == "row" else np.ascontiguousarray(row.T)

    def fault(self, question: Scene, answer: Grid) -> str:
        bands = _bands(question.grid)
        if answer.shape != ((1, len(bands)) if self.line == "row" else (len(bands), 1)):
            return f"the answer is not one {self.line} with a cell for each object"
        listed = answer.ravel().tolist()[:: 1 if self.end == "topmost" else -1]
        for (first, end), colour in zip(bands, listed, strict=True):
            if np.count_nonzero(question.grid[first:end]) != np.count_nonzero(question.grid == colour):
                return "a colour stands in another's place"
        return ""


@final
@dataclass(frozen=True, slots=True)
class FillBeyondObjects(Rule):
    """Whole rows, from edge to edge."""

    says = "Fill all rows {where} {ink}."
    keeps = SAME_SIZE | ADDS
    where: Literal["above the topmost object", "below the bottommost object", "above and below all objects"]
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        above, below = draw.between(1, 3), draw.between(1, 3)
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 4), 3) for _ in range(draw.between(2, 3))]
        colours = [draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid[above:-below], masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        bands = _bands(scene.grid)
        if not bands:
            return None
        grid = scene.copy()
        if "above" in self.where:
            grid[: bands[0][0]] = self.ink
        if "below" in self.where:
            grid[bands[-1][1] :] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        first, last = min(one.top for one in question.groups), max(one.bottom for one in question.groups)
        rows = [row for row in range(first) if "above" in self.where]
        rows += [row for row in range(last, question.height) if "below" in self.where]
        if (answer[rows] != self.ink).any():
            return f"a row {self.where} is not filled"
        return changed(question, answer, len(rows) * question.width)


@final
@dataclass(frozen=True, slots=True)
class LevelWithEndObject(Rule):
    """Objects share no column."""

    says = "Move every object straight up or down until its {end} row is level with that of the {end} object."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    end: End

    def question(self, draw: Draw) -> Grid | None:
        h = draw.between(9, 12)
        masks = [draw.blob(draw.between(1, 4), draw.between(2, 3), 3) for _ in range(draw.between(3, 4))]
        grid = np.zeros((h, sum(mask.shape[1] + 1 for mask in masks) + draw.between(0, 2)), np.uint8)
        left, spare = draw.below(2), 0
        for mask in masks:
            top = draw.between(1, h - mask.shape[0] - 1)
            grid[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = draw.colour()
            spare = max(spare, top, h - top - mask.shape[0])
            left += mask.shape[1] + 1
        return grid if spare > 3 else None

    def answer(self, scene: Scene) -> Grid | None:
        things = sorted(scene.shapes, key=lambda thing: thing.left)
        if len(things) < 2 or any(b.left < a.right for a, b in pairwise(things)):
            return None
        grid = np.zeros_like(scene.grid)
        top, bottom = min(thing.top for thing in things), max(thing.bottom for thing in things)
        for thing in things:
            first = top if self.end == "topmost" else bottom - thing.height
            grid[first : first + thing.height, thing.left : thing.right][thing.mask] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        way = 1 if self.end == "topmost" else -1
        level = _bands(question.grid[::way])[0][0]
        for thing in question.shapes:
            strip = answer[::way, thing.left : thing.right][level : level + thing.height]
            if not np.array_equal(strip[::way], question.grid[thing.box]):
                return "an object is not level with the others, or not what it was"
        return (
            ""
            if np.count_nonzero(answer) == np.count_nonzero(question.grid)
            else "something else stands there"
        )


@final
@dataclass(frozen=True, slots=True)
class EndOfTheStackGoesOver(Rule):
    """A stack is a rectangle of blocks as wide as itself; the other blocks move up or down to make room."""

    says = "In every stack, the {end} block goes to the other end."
    keeps = SAME_SIZE | REARRANGES | RECOLOURS | OLD_COLOURS
    end: End

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        stacks: list[Grid] = []
        for _ in range(draw.between(1, 3)):
            column = [
                colour for colour in draw.colours(draw.between(3, 4)) for _ in range(draw.between(1, 2))
            ]
            stacks.append(np.array([column] * draw.between(1, 3), np.uint8).T)
        corners = draw.corners(grid, [stack.shape for stack in stacks])
        if corners is None:
            return None
        for stack, (top, left) in zip(stacks, corners, strict=True):
            grid[top : top + stack.shape[0], left : left + stack.shape[1]] = stack
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for stack in scene.groups:
            rows = scene.grid[stack.box]
            if not stack.solid or (rows != rows[:, :1]).any():
                return None
            runs = _runs(rows)
            grid[stack.box] = np.roll(rows, -runs[0][1] if self.end == "topmost" else runs[-1][1], axis=0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for stack in question.groups:
            was = _runs(question.grid[stack.box])
            if _runs(answer[stack.box]) != (
                [*was[1:], was[0]] if self.end == "topmost" else [was[-1], *was[:-1]]
            ):
                return "a stack has another order of blocks"
        return changed(Scene(np.sign(question.grid)), np.sign(answer), 0)


@final
@dataclass(frozen=True, slots=True)
class EndObjectOfEachColour(Rule):
    """A colour's only object stays."""

    says = "Of every colour, keep the {end} object and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    end: End

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        counts = draw.pick(((2, 2), (3, 1), (3, 2), (2, 2, 1), (2, 1, 3)))
        colours = draw.shares(counts)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in colours]
        if not draw.scatter(grid, masks, colours):
            return None
        scene = Scene(grid)
        places = [sorted(_place(thing, self.end) for thing in scene.of(colour)) for colour in scene.colours]
        return None if any(len(ends) > 1 and ends[1] - ends[0] < 2 for ends in places) else grid

    def answer(self, scene: Scene) -> Grid | None:
        ends = [_extreme(scene.of(colour), self.end) for colour in scene.colours]
        found = [thing for thing in ends if thing is not None]
        return keep(scene, found) if len(found) == len(ends) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        way = 1 if self.end == "topmost" else -1
        left = Scene(answer)
        if len(left.shapes) != len(question.colours) or left.colours != question.colours:
            return "not one object of each colour is left"
        for thing in left.shapes:
            was, told = ((grid == thing.colour).any(axis=1)[::way] for grid in (question.grid, answer))
            if was.argmax() != told.argmax() or all(
                thing.form != one.form for one in question.of(thing.colour)
            ):
                return f"an object that is not the {self.end} of its colour is left, or part of one"
        return ""


def _extreme(things: Sequence[Thing], end: End) -> Thing | None:
    return most(things, lambda thing: -_place(thing, end))


def _place(thing: Thing, end: End) -> int:
    """Less for what lies nearer to that end."""
    return thing.top if end == "topmost" else -thing.bottom


def _banded(draw: Draw, colours: Sequence[int], tallest: int = 3, widest: int = 4) -> Grid:
    """Objects of these colours one below the other, each in rows of its own, anywhere from left to right."""
    masks = [draw.blob(draw.between(1, tallest), draw.between(2, widest), 3) for _ in colours]
    grid = np.zeros((30, draw.between(7, 12)), np.uint8)
    at = draw.below(3)
    for mask, colour in zip(masks, colours, strict=True):
        h, w = mask.shape
        left = draw.below(grid.shape[1] - w + 1)
        grid[at : at + h, left : left + w][mask] = colour
        at += h + draw.between(1, 2)
    return grid[: at + draw.below(2)].copy()


def _bands(grid: Grid) -> list[tuple[int, int]]:
    """Runs of rows that hold a colour, first and end."""
    inked = np.r_[False, grid.any(axis=1), False]
    turns = np.flatnonzero(inked[1:] != inked[:-1]).tolist()
    return list(zip(turns[::2], turns[1::2], strict=True))


def _runs(stack: Grid) -> list[tuple[int, int]]:
    """Colour and cells of each block of a stack, from its first column."""
    return [(colour, len(list(run))) for colour, run in groupby(stack[:, 0].tolist())]
