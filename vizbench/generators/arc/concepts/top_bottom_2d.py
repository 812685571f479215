"""Define the rules of TopBottom2D: the topmost and the bottommost object, row, block or colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, TypeAlias, final

import numpy as np

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
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import Paint, Rule, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, drop, keep, most, paint
from vizbench.types import Grid

End: TypeAlias = Literal["topmost", "bottommost"]
"""An end of the order of objects: by first rows for the topmost object, by last rows for the bottommost."""


@final
@dataclass(frozen=True, slots=True)
class CutOutEndObject(Rule):
    """Cut out the object at one end."""

    says = "Cut out the {end} object."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    end: End
    """The object that is cut out."""

    def question(self, draw: Draw) -> Grid | None:
        return _one_below_the_other(draw, [draw.colour() for _ in range(draw.between(2, 4))])

    def answer(self, scene: Scene) -> Grid | None:
        thing = _extreme(scene.shapes, self.end)
        return None if thing is None or len(scene.shapes) < 2 else cut(scene, thing)

    def fault(self, question: Scene, answer: Grid) -> str:
        # Cut the rows of the object out of the grid, and then its columns out of these.
        top, bottom = _bands(question.grid)[0 if self.end == "topmost" else -1]
        band = question.grid[top:bottom]
        left, right = _bands(band.T)[0]
        if not np.array_equal(band[:, left:right], answer):
            return f"the answer is not the {self.end} object"
        return ""


@final
@dataclass(frozen=True, slots=True)
class TakeAwayTopOrBottom(Rule):
    """Remove the objects at the ends, or all others.

    There are three objects or more, one below the other.
    """

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
    """The objects that are removed."""

    def question(self, draw: Draw) -> Grid | None:
        return _one_below_the_other(draw, [draw.colour() for _ in range(draw.between(3, 5))], 2)

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) < 3:
            return None
        named: list[Thing] = []
        for end in _ENDS:
            if end in self.which:
                thing = _extreme(scene.shapes, end)
                if thing is None:
                    return None
                named.append(thing)
        return keep(scene, named) if "but" in self.which else drop(scene, named)

    def fault(self, question: Scene, answer: Grid) -> str:
        bands = _bands(question.grid)
        named: set[int] = set()
        if "topmost" in self.which:
            named.add(0)
        if "bottommost" in self.which:
            named.add(len(bands) - 1)
        for k, (top, bottom) in enumerate(bands):
            is_kept = (k in named) == ("but" in self.which)
            cells = np.count_nonzero(question.grid[top:bottom]) if is_kept else 0
            if np.count_nonzero(answer[top:bottom]) != cells:
                return f"object {k + 1} from the top should {'stay' if is_kept else 'go'}"
        return ""


@final
@dataclass(frozen=True, slots=True)
class EndRowOfEveryObject(Rule):
    """Recolour the cells of every object in the first or last row of its box."""

    says = "Recolour the {end} row of every object {ink}."
    keeps = SAME_SIZE | RECOLOURS
    end: End
    """The row that changes."""
    ink: Paint
    """Its new colour."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 5), 6) for _ in range(draw.between(1, 3))]
        colours = [draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        row = 0 if self.end == "topmost" else -1
        for thing in scene.shapes:
            grid[thing.box][row][thing.mask[row]] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        inked_cells = 0
        for group in question.groups:
            row = group.top if self.end == "topmost" else group.bottom - 1
            is_coloured = question.grid[row, group.left : group.right] != 0
            if (answer[row, group.left : group.right][is_coloured] != self.ink).any():
                return f"an object's {self.end} row has the wrong colour"
            inked_cells += int(is_coloured.sum())
        return changed(question, answer, inked_cells)


@final
@dataclass(frozen=True, slots=True)
class ViewAlongColumns(Rule):
    """Show the grid as seen from above or from below.

    A column without colour leaves a gap in the answer.
    """

    says = "Show in one row the {end} colour of every column of the grid."
    keeps = SHRINKS | OLD_COLOURS
    end: End
    """The end from which the grid is seen."""

    def question(self, draw: Draw) -> Grid | None:
        grid = _one_below_the_other(draw, draw.colours(draw.between(3, 5)), 2, 7)
        # Both views must have three values or more, ground included, and differ clearly.
        from_top, from_bottom = _first_colours(grid), _first_colours(grid[::-1])
        fewest_colours = min(len(np.unique(from_top)), len(np.unique(from_bottom)))
        if np.count_nonzero(from_top != from_bottom) <= 2 or fewest_colours <= 2:
            return None
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        rows = scene.grid if self.end == "topmost" else scene.grid[::-1]
        return _first_colours(rows)[None, :]

    def fault(self, question: Scene, answer: Grid) -> str:
        if answer.shape != (1, question.width):
            return "the answer is not one row as wide as the grid"
        for column, colour in zip(question.grid.T.tolist(), answer[0].tolist(), strict=True):
            colours = [each for each in column if each] or [0]
            if colour != colours[0 if self.end == "topmost" else -1]:
                return f"a column's {self.end} colour is wrong"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SwapColoursOfTopAndBottom(Rule):
    """Swap the colours of the topmost and the bottommost object.

    There are three objects or more, of different colours.
    """

    says = "The topmost and the bottommost object swap their colours."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        return _one_below_the_other(draw, draw.colours(draw.between(3, 4)))

    def answer(self, scene: Scene) -> Grid | None:
        top, bottom = _extreme(scene.shapes, "topmost"), _extreme(scene.shapes, "bottommost")
        if top is None or bottom is None or len(scene.shapes) < 3:
            return None
        grid = scene.copy()
        paint(grid, top, bottom.colour)
        paint(grid, bottom, top.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before = [int(question.grid[top:bottom].max()) for top, bottom in _bands(question.grid)]
        first, *middle, last = before
        for (top, bottom), colour in zip(_bands(question.grid), [last, *middle, first], strict=True):
            if {*answer[top:bottom].ravel().tolist()} - {0} != {colour}:
                return "the order of colours is wrong"
        return ""


@final
@dataclass(frozen=True, slots=True)
class ColoursByHeight(Rule):
    """List the colours of objects that are one below the other."""

    says = "List the colours of the objects in one {line}, that of the {end} object first."
    keeps = SHRINKS | OLD_COLOURS
    line: Literal["row", "column"]
    """The shape of the answer."""
    end: End
    """The object that is listed first."""

    def question(self, draw: Draw) -> Grid | None:
        return _one_below_the_other(draw, draw.colours(draw.between(3, 5)), 2)

    def answer(self, scene: Scene) -> Grid | None:
        if not 2 <= len(scene.shapes) <= 30:
            return None
        colour_at = {_place(thing, self.end): thing.colour for thing in scene.shapes}
        if len(colour_at) < len(scene.shapes):
            return None  # two objects share a place
        row = np.array([[colour_at[place] for place in sorted(colour_at)]], np.uint8)
        return row if self.line == "row" else np.ascontiguousarray(row.T)

    def fault(self, question: Scene, answer: Grid) -> str:
        bands = _bands(question.grid)
        shape = (1, len(bands)) if self.line == "row" else (len(bands), 1)
        if answer.shape != shape:
            return f"the answer is not one {self.line} with a cell for each object"
        from_top = answer.ravel().tolist()
        if self.end == "bottommost":
            from_top.reverse()
        # All cells of the colour must be in the rows of the object.
        for (top, bottom), colour in zip(bands, from_top, strict=True):
            if np.count_nonzero(question.grid[top:bottom]) != np.count_nonzero(question.grid == colour):
                return "a colour has the place of another"
        return ""


@final
@dataclass(frozen=True, slots=True)
class FillBeyondObjects(Rule):
    """Fill the rows above or below all objects, from edge to edge."""

    says = "Fill all rows {where} {ink}."
    keeps = SAME_SIZE | ADDS
    where: Literal["above the topmost object", "below the bottommost object", "above and below all objects"]
    """The rows that are filled."""
    ink: Paint
    """Their colour."""

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
        first, last = bands[0][0], bands[-1][1]
        grid = scene.copy()
        if "above" in self.where:
            grid[:first] = self.ink
        if "below" in self.where:
            grid[last:] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rows: list[int] = []
        if "above" in self.where:
            rows += range(min(group.top for group in question.groups))
        if "below" in self.where:
            rows += range(max(group.bottom for group in question.groups), question.height)
        if (answer[rows] != self.ink).any():
            return f"a row {self.where} is not filled"
        return changed(question, answer, len(rows) * question.width)


@final
@dataclass(frozen=True, slots=True)
class LevelWithEndObject(Rule):
    """Move objects up or down to the level of the object at one end.

    No two objects share a column.
    """

    says = "Move every object straight up or down until its {end} row is level with that of the {end} object."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    end: End
    """The object that gives the level, and the row that is moved there."""

    def question(self, draw: Draw) -> Grid | None:
        height = draw.between(9, 12)
        masks = [draw.blob(draw.between(1, 4), draw.between(2, 3), 3) for _ in range(draw.between(3, 4))]
        width = sum(mask.shape[1] + 1 for mask in masks) + draw.between(0, 2)
        grid = np.zeros((height, width), np.uint8)

        # Some object must be far from an end, so that the move is seen.
        left, farthest = draw.below(2), 0
        for mask in masks:
            rows, columns = mask.shape
            top = draw.between(1, height - rows - 1)
            grid[top : top + rows, left : left + columns][mask] = draw.colour()
            farthest = max(farthest, top, height - top - rows)
            left += columns + 1
        return grid if farthest > 3 else None

    def answer(self, scene: Scene) -> Grid | None:
        things = sorted(scene.shapes, key=lambda thing: thing.left)
        if len(things) < 2 or any(b.left < a.right for a, b in pairwise(things)):
            return None
        grid = np.zeros_like(scene.grid)
        highest, lowest = min(thing.top for thing in things), max(thing.bottom for thing in things)
        for thing in things:
            top = highest if self.end == "topmost" else lowest - thing.height
            grid[top : top + thing.height, thing.left : thing.right][thing.mask] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn both grids upside down if the bottommost object gives the level.
        step = 1 if self.end == "topmost" else -1
        before, after = question.grid[::step], answer[::step]
        level = _bands(before)[0][0]
        for thing in question.shapes:
            strip = after[level : level + thing.height, thing.left : thing.right]
            if not np.array_equal(strip[::step], question.grid[thing.box]):
                return "an object is not level with the others, or has changed"
        if np.count_nonzero(answer) != np.count_nonzero(question.grid):
            return "there is something besides the objects"
        return ""


@final
@dataclass(frozen=True, slots=True)
class EndOfTheStackGoesOver(Rule):
    """Move the block at one end of every stack to its other end.

    A stack is a rectangle of blocks as wide as itself. The other blocks move up or down to make room.
    """

    says = "In every stack, the {end} block goes to the other end."
    keeps = SAME_SIZE | REARRANGES | RECOLOURS | OLD_COLOURS
    end: End
    """The block that moves."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        stacks: list[Grid] = []
        for _ in range(draw.between(1, 3)):
            column: list[int] = []
            for colour in draw.colours(draw.between(3, 4)):
                column += [colour] * draw.between(1, 2)
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
                return None  # no stack
            blocks = _blocks(rows)
            _, top_height = blocks[0]
            _, bottom_height = blocks[-1]
            down = -top_height if self.end == "topmost" else bottom_height
            grid[stack.box] = np.roll(rows, down, axis=0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for stack in question.groups:
            before = _blocks(question.grid[stack.box])
            after = [*before[1:], before[0]] if self.end == "topmost" else [before[-1], *before[:-1]]
            if _blocks(answer[stack.box]) != after:
                return "a stack has the wrong order of blocks"
        # The same cells are coloured, whatever the colours.
        return changed(Scene(np.sign(question.grid)), np.sign(answer), 0)


@final
@dataclass(frozen=True, slots=True)
class EndObjectOfEachColour(Rule):
    """Keep only one object of each colour: the topmost or the bottommost.

    An object that is the only one of its colour is kept.
    """

    says = "Of every colour, keep the {end} object and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    end: End
    """The object that is kept."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        objects_per_colour = draw.pick(((2, 2), (3, 1), (3, 2), (2, 2, 1), (2, 1, 3)))
        colours = draw.shares(objects_per_colour)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in colours]
        if not draw.scatter(grid, masks, colours):
            return None
        # The first two objects of a colour must differ by two rows or more.
        scene = Scene(grid)
        for colour in scene.colours:
            places = sorted(_place(thing, self.end) for thing in scene.of(colour))
            if len(places) > 1 and places[1] - places[0] < 2:
                return None
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        kept: list[Thing] = []
        for colour in scene.colours:
            thing = _extreme(scene.of(colour), self.end)
            if thing is None:
                return None
            kept.append(thing)
        return keep(scene, kept)

    def fault(self, question: Scene, answer: Grid) -> str:
        step = 1 if self.end == "topmost" else -1
        after = Scene(answer)
        if len(after.shapes) != len(question.colours) or after.colours != question.colours:
            return "there is not exactly one object of each colour"
        for thing in after.shapes:
            # The colour begins in the same row as before, from the end on, and the object is whole.
            rows_before = (question.grid == thing.colour).any(axis=1)[::step]
            rows_after = (answer == thing.colour).any(axis=1)[::step]
            is_whole = any(thing.form == old.form for old in question.of(thing.colour))
            if rows_before.argmax() != rows_after.argmax() or not is_whole:
                return f"an object that is not the {self.end} of its colour is kept, or only a part of one"
        return ""


_ENDS: tuple[End, ...] = ("topmost", "bottommost")


def _extreme(things: Sequence[Thing], end: End) -> Thing | None:
    """Return the thing at one end; None if there is none, or if two share the place."""
    return most(things, lambda thing: -_place(thing, end))


def _place(thing: Thing, end: End) -> int:
    """Return a number that is smaller for things nearer to that end."""
    return thing.top if end == "topmost" else -thing.bottom


def _one_below_the_other(draw: Draw, colours: Sequence[int], tallest: int = 3, widest: int = 4) -> Grid:
    """Draw objects of these colours in rows of their own, at random columns.

    tallest, widest: the largest height and width of an object.
    """
    masks = [draw.blob(draw.between(1, tallest), draw.between(2, widest), 3) for _ in colours]
    grid = np.zeros((30, draw.between(7, 12)), np.uint8)
    top = draw.below(3)
    for mask, colour in zip(masks, colours, strict=True):
        height, width = mask.shape
        left = draw.below(grid.shape[1] - width + 1)
        grid[top : top + height, left : left + width][mask] = colour
        top += height + draw.between(1, 2)
    return grid[: top + draw.below(2)].copy()


def _bands(grid: Grid) -> list[tuple[int, int]]:
    """Return the first row and one past the last of each run of rows that hold a colour."""
    is_coloured = np.r_[False, grid.any(axis=1), False]
    borders = np.flatnonzero(is_coloured[1:] != is_coloured[:-1]).tolist()
    return list(zip(borders[::2], borders[1::2], strict=True))


def _blocks(stack: Grid) -> list[tuple[int, int]]:
    """Return colour and height of each block of a stack, from its first column."""
    return [(colour, len(list(run))) for colour, run in groupby(stack[:, 0].tolist())]


def _first_colours(grid: Grid) -> Grid:
    """Return the first colour of each column from the top, 0 for a column without one, `(w,)`."""
    first_rows = (grid != 0).argmax(axis=0)
    return grid[first_rows, np.arange(grid.shape[1])]
