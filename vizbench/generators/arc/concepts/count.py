"""Define the rules of Count: numbers of objects, holes, spots or cells, and the largest and smallest ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import OLD_COLOURS, ONE_INK, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import MAX_SIDE, Axis, Ink, Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import (
    Mask,
    Scene,
    Thing,
    cut,
    holder,
    is_window,
    keep,
    most,
    paint,
    present_exactly_if,
)
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class CountObjects(Rule):
    """Draw a row, column or square whose side is the number of objects.

    Objects of one colour may not touch. Their sizes do not matter.
    """

    says = "Count the objects n: the answer is one {ink} {form}."
    keeps = ONE_INK | SHRINKS
    ink: Ink
    """The colour of the answer."""
    form: Literal["row of n cells", "column of n cells", "square of n by n cells"]
    """The form of the answer."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 13)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in range(draw.between(1, 7))]
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        count = len(scene.shapes)
        if count == 0:
            return None
        height = 1 if self.form.startswith("row") else count
        width = 1 if self.form.startswith("column") else count
        return np.full((height, width), self.ink, np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        height, width = answer.shape
        if self.form.startswith("row"):
            is_form = height == 1
        elif self.form.startswith("column"):
            is_form = width == 1
        else:
            is_form = height == width
        if not is_form or not (answer == self.ink).all():
            return "the answer does not have the colour and form of the rule"

        # Objects are taken away one by one, rather than counted by their labels.
        remaining, count = question.copy(), 0
        while remaining.any():
            first = Scene(remaining).shapes[0]
            paint(remaining, first, 0)
            count += 1
        side = max(height, width)
        if count != side:
            return f"the question has {count} objects, but the answer has a side of {side} cells"
        return ""


@final
@dataclass(frozen=True, slots=True)
class KeepExtremeColour(Rule):
    """Keep the objects of the colour that has the most or the fewest objects.

    Objects are counted, not cells. In half of the questions, another colour has the most cells.
    """

    says = "Keep the objects of the colour that has the {end} objects, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS | ONE_INK
    end: Literal["most", "fewest"]
    """Whether the colour has the most or the fewest objects."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        counts = draw.some((1, 2, 3, 4), draw.between(2, 3))
        colours = draw.shares(counts)
        masks = [draw.blob(draw.between(1, 2), draw.between(1, 3), 2) for _ in colours]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        ranking = sorted((len(scene.of(colour)), colour) for colour in scene.colours)
        if self.end == "most":
            ranking.reverse()
        if len(ranking) < 2:
            return None
        (count, colour), (next_count, _) = ranking[:2]
        if count == next_count:
            return None
        return np.where(scene.grid == colour, scene.grid, np.uint8(0))

    def fault(self, question: Scene, answer: Grid) -> str:
        kept = int(answer.max())
        if np.count_nonzero(answer) != question.counts[kept] or not kept:
            return "not all cells of one colour are kept"
        count = len(question.of(kept))
        others = [len(question.of(colour)) for colour in question.colours if colour != kept]
        is_extreme = count > max(others) if self.end == "most" else count < min(others)
        return "" if is_extreme else f"a colour of {count} objects is kept"


@final
@dataclass(frozen=True, slots=True)
class KeepByHoles(Rule):
    """Keep the objects with a given number of holes.

    A hole is ground that the cells of an object close in. Two cells that touch at a corner close it.
    """

    says = "Keep the objects with {holes}, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    holes: Literal["no hole", "one hole", "two holes", "three holes"]
    """The number of holes of the objects that stay."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        numbers = draw.some((0, 0, 1, 1, 2, 2, 3), draw.between(3, 5))
        masks = [_pierced(draw, holes) for holes in numbers]
        # About half of the objects share a colour.
        common = draw.colour()
        colours = [common if draw.chance(0.5) else draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        # Objects are numbered from 1.
        holes_of = [0] * (len(scene.shapes) + 1)
        for hole in scene.holes:
            holes_of[holder(scene, hole).number] += 1
        kept = [thing for thing in scene.shapes if holes_of[thing.number] == HOLES.index(self.holes)]
        return keep(scene, kept) if kept else None

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in question.shapes:
            alone = np.zeros_like(question.grid)
            paint(alone, thing, 1)
            is_kept = len(Scene(alone).holes) == HOLES.index(self.holes)
            if not present_exactly_if(answer, thing, is_kept):
                return "an object with another number of holes is kept, or one with this number is not"
        return ""


@final
@dataclass(frozen=True, slots=True)
class BarChart(Rule):
    """Draw a bar chart of the number of objects or cells of each colour.

    Bars are side by side in order of height, the highest on the left.
    """

    says = "Draw a bar for each colour, as high as it has {unit}, the highest on the left."
    keeps = OLD_COLOURS
    unit: Literal["objects", "cells"]
    """What is counted."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        counts = draw.some((1, 2, 3, 4, 5), draw.between(2, 4))
        colours = draw.shares(counts)
        masks = [block(1, draw.between(1, 2)) for _ in colours]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        heights = {colour: self._height(scene, colour) for colour in scene.colours}
        has_ties = len(set(heights.values())) < len(heights)
        if len(heights) < 2 or has_ties or max(heights.values()) > MAX_SIDE:
            return None
        highest = max(heights.values())
        grid = np.zeros((highest, len(heights)), np.uint8)
        ranking = sorted(heights, key=lambda colour: -heights[colour])
        for column, colour in enumerate(ranking):
            grid[highest - heights[colour] :, column] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        heights = np.count_nonzero(answer, axis=0)
        for height, column in zip(heights, answer.T, strict=True):
            colour = int(column[-1])
            expected = self._height(question, colour)
            if (column[len(column) - height :] != colour).any() or height != expected or not colour:
                return "a bar is broken, or of another height than its colour's number"
        is_descending = (np.diff(heights) < 0).all()
        has_all_colours = len(heights) == len(question.colours)
        if is_descending and has_all_colours:
            return ""
        return "the bars are not in descending order, or one is missing"

    def _height(self, scene: Scene, colour: int) -> int:
        """Return how many cells or objects of a colour there are."""
        return scene.counts[colour] if self.unit == "cells" else len(scene.of(colour))


@final
@dataclass(frozen=True, slots=True)
class FrameByDots(Rule):
    """Recolour the frames that hold a given number of dots.

    Frames are 5x5 cells. Each holds one to four dots, of its own or another colour.
    """

    says = "Recolour {ink} every frame that holds {dots} dots."
    keeps = SAME_SIZE | RECOLOURS
    dots: Literal[1, 2, 3, 4]
    """The number of dots."""
    ink: Paint
    """The new colour."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        # The first frame has the right number of dots, so that something changes.
        dot_counts = [self.dots, *(draw.between(1, 4) for _ in range(draw.between(1, 3)))]
        frame_colour, dot_colour = draw.colours(2, self.ink)
        corners = draw.corners(grid, [(5, 5)] * len(dot_counts))
        if corners is None:
            return None
        for (top, left), dots in zip(corners, dot_counts, strict=True):
            grid[top : top + 5, left : left + 5][frame(5, 5)] = frame_colour
            for place in draw.some(range(9), dots):
                grid[top + 1 + place // 3, left + 1 + place % 3] = dot_colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.hollow:
                inside = scene.grid[thing.box][1:-1, 1:-1]
                if np.count_nonzero(inside) == self.dots:
                    paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rim_size = 16
        expected = 0
        for group in question.groups:
            has_dots = np.count_nonzero(question.grid[group.box]) == rim_size + self.dots
            if has_dots:
                expected += rim_size
            rim = answer[group.box][frame(group.height, group.width)]
            if (rim == self.ink).all() != has_dots:
                return "a frame with another number of dots is recoloured, or one with this number is not"
        return changed(question, answer, expected)


@final
@dataclass(frozen=True, slots=True)
class RepeatByDots(Rule):
    """Repeat the object as many times as there are dots.

    The object has several cells. The dots are single cells of one other colour.
    """

    says = "Repeat the object side by side, in a {line}, as many times as there are single {dot} cells."
    keeps = OLD_COLOURS | ONE_INK
    dot: Seen
    """The colour of the dots."""
    line: Axis
    """The direction in which copies follow each other."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 11)
        height = draw.between(2, 3)
        masks = [draw.blob(height, draw.between(2, 3), 3)]
        masks += [block(1, 1)] * draw.between(2, 5)
        colours = [draw.colour(self.dot)]
        colours += [self.dot] * (len(masks) - 1)
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        tiles = [thing for thing in scene.shapes if thing.colour != self.dot]
        dots = scene.of(self.dot)
        if len(tiles) != 1 or not dots or any(dot.size > 1 for dot in dots):
            return None
        tile, count = cut(scene, tiles[0]), len(dots)
        if tile.shape[self._axis] * count > MAX_SIDE:
            return None
        return np.tile(tile, (count, 1) if self.line == "column" else (1, count))

    def fault(self, question: Scene, answer: Grid) -> str:
        count = question.counts[self.dot]
        colour = next(colour for colour in question.colours if colour != self.dot)
        if (
            np.count_nonzero(answer == colour) != count * question.counts[colour]
            or (answer == self.dot).any()
        ):
            return "the answer does not have the object's cells this many times"
        parts = np.array_split(answer, count, axis=self._axis)
        if any(not np.array_equal(part, parts[0]) for part in parts):
            return "the copies differ"
        original = next(thing for thing in question.shapes if thing.colour == colour)
        is_same = np.array_equal(question.grid[original.box], parts[0])
        return "" if is_same else "the copies are not the object"

    @property
    def _axis(self) -> int:
        """Axis of the array along which copies follow each other."""
        return 0 if self.line == "column" else 1


@final
@dataclass(frozen=True, slots=True)
class ParityCells(Rule):
    """Recolour the objects with an even or an odd number of cells.

    In a question, objects are bars of one to six cells, so that the number is seen at a glance.
    """

    says = "Recolour {ink} every object whose number of cells is {parity}."
    keeps = SAME_SIZE | RECOLOURS
    parity: Literal["even", "odd"]
    """The parity of the objects that are recoloured."""
    ink: Paint
    """The new colour."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        colour = draw.colour(self.ink)
        lengths = draw.some((1, 2, 3, 4, 5, 6), draw.between(3, 5))
        masks = [block(*draw.pick(((1, length), (length, 1)))) for length in lengths]
        return grid if draw.scatter(grid, masks, [colour] * len(masks)) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if self._has_parity(thing.size):
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        recoloured = Scene(np.where(answer == self.ink, answer, np.uint8(0))).shapes
        for thing in recoloured:
            if not self._has_parity(thing.size):
                return f"an object of {thing.size} cells is recoloured"
        sizes = [thing.size for thing in question.shapes]
        return changed(question, answer, sum(size for size in sizes if self._has_parity(size)))

    def _has_parity(self, number: int) -> bool:
        """Return whether a number is even or odd as the rule asks."""
        return number % 2 == (1 if self.parity == "odd" else 0)


@final
@dataclass(frozen=True, slots=True)
class ExtremeSpots(Rule):
    """Cut out the block with the most or the fewest spots.

    Blocks have about the same size and different numbers of spots.
    """

    says = "Cut out the block with the {end} spots."
    keeps = SHRINKS | OLD_COLOURS
    end: Literal["most", "fewest"]
    """Whether the block has the most or the fewest spots."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        spot_counts = draw.some((1, 2, 3, 4, 5), draw.between(2, 4))
        block_colour, spot_colour = draw.colours(2)
        sizes = [(draw.between(3, 4), draw.between(3, 4)) for _ in spot_counts]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width), spots in zip(corners, sizes, spot_counts, strict=True):
            grid[top : top + height, left : left + width] = block_colour
            for place in draw.some(range(height * width), spots):
                grid[top + place // width, left + place % width] = spot_colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        # Of the two colours, that of fewer cells is the spots'.
        cells = sorted((scene.counts[colour], colour) for colour in scene.colours)
        if len(cells) != 2 or cells[0][0] == cells[1][0]:
            return None
        spot_colour = cells[0][1]

        sign = 1 if self.end == "most" else -1
        chosen = most(scene.groups, lambda group: sign * _count(scene, group, spot_colour))
        if chosen is None or not chosen.solid or len(scene.groups) < 2:
            return None
        return cut(scene, chosen)

    def fault(self, question: Scene, answer: Grid) -> str:
        if not is_window(question, question.groups, answer):
            return "the answer is none of the blocks"
        spot_colour = min(question.colours, key=lambda colour: question.counts[colour])
        spots = np.count_nonzero(answer == spot_colour)
        spot_counts = [_count(question, group, spot_colour) for group in question.groups]
        expected = max(spot_counts) if self.end == "most" else min(spot_counts)
        return "" if spots == expected else f"the block has {spots} spots"


HOLES = ("no hole", "one hole", "two holes", "three holes")
"""The values of `KeepByHoles.holes`, each at the index of its number."""


def _pierced(draw: Draw, holes: int) -> Mask:
    """Draw a block three cells high or wide, with this many holes of one cell in a line."""
    if holes == 0:
        # A notch in the rim in place of a hole.
        mask = np.ones((3, 3), np.bool_)
        mask[0, draw.below(3)] = False
    else:
        mask = np.ones((3, 2 * holes + 1), np.bool_)
        mask[1, 1 : 2 * holes : 2] = False
    return mask if draw.chance(0.5) else np.ascontiguousarray(mask.T)


def _count(scene: Scene, thing: Thing, colour: int) -> int:
    """Return how many cells of a colour are in the box of an object."""
    return int(np.count_nonzero(scene.grid[thing.box] == colour))
