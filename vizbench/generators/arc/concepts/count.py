"""Count: how many objects, holes, spots, cells there are, and of what most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import OLD_COLOURS, ONE_INK, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Ink, Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, holder, is_window, keep, most, paint, stands
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class CountObjects(Rule):
    """Objects of one colour may not touch; size does not count."""

    says = "Count the objects n: the answer is one {ink} {form}."
    keeps = ONE_INK | SHRINKS
    ink: Ink
    form: Literal["row of n cells", "column of n cells", "square of n by n cells"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 13)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in range(draw.between(1, 7))]
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        n = len(scene.shapes)
        if not n:
            return None
        tall = 1 if self.form.startswith("row") else n
        return np.full((tall, 1 if self.form.startswith("column") else n), self.ink, np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        ends = {"row": answer.shape[0] == 1, "column": answer.shape[1] == 1}
        square = answer.shape[0] == answer.shape[1]
        if not ends.get(self.form.partition(" ")[0], square) or not (answer == self.ink).all():
            return "the answer is no such form"
        left, n = question.copy(), 0
        while left.any():  # taken away one by one, by colour and box rather than by label
            first = next(thing for thing in Scene(left).shapes)
            paint(left, first, 0)
            n += 1
        return "" if n == max(answer.shape) else f"{n} objects stand against {max(answer.shape)}"


@final
@dataclass(frozen=True, slots=True)
class KeepExtremeColour(Rule):
    """Objects are counted, not cells: the colour of the most cells is another in half of the scenes."""

    says = "Keep the objects of the colour that has the {end} objects, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS | ONE_INK
    end: Literal["most", "fewest"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        counts = draw.some((1, 2, 3, 4), draw.between(2, 3))
        colours = draw.shares(counts)
        masks = [draw.blob(draw.between(1, 2), draw.between(1, 3), 2) for _ in colours]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        numbers = sorted((len(scene.of(colour)), colour) for colour in scene.colours)
        numbers = numbers[::-1] if self.end == "most" else numbers
        if len(numbers) < 2 or numbers[0][0] == numbers[1][0]:
            return None
        return np.where(scene.grid == numbers[0][1], scene.grid, np.uint8(0))

    def fault(self, question: Scene, answer: Grid) -> str:
        kept = int(answer.max())
        if np.count_nonzero(answer) != question.counts[kept] or not kept:
            return "not all cells of one colour are kept"
        mine = len(question.of(kept))
        others = [len(question.of(colour)) for colour in question.colours if colour != kept]
        right = mine > max(others) if self.end == "most" else mine < min(others)
        return "" if right else f"a colour of {mine} objects is kept"


@final
@dataclass(frozen=True, slots=True)
class KeepByHoles(Rule):
    """A hole is ground that an object's cells close in; two cells that touch at a corner close it."""

    says = "Keep the objects with {holes}, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    holes: Literal["no hole", "one hole", "two holes", "three holes"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        masks = [_pierced(draw, n) for n in draw.some((0, 0, 1, 1, 2, 2, 3), draw.between(3, 5))]
        colour = draw.colour()
        return (
            grid
            if draw.scatter(grid, masks, [colour if draw.chance(0.5) else draw.colour() for _ in masks])
            else None
        )

    def answer(self, scene: Scene) -> Grid | None:
        inside = [0] * (len(scene.shapes) + 1)
        for hole in scene.holes:
            inside[holder(scene, hole).number] += 1
        wanted = _HOLES.index(self.holes)
        found = [thing for thing in scene.shapes if inside[thing.number] == wanted]
        return keep(scene, found) if found else None

    def fault(self, question: Scene, answer: Grid) -> str:
        wanted = _HOLES.index(self.holes)
        for thing in question.shapes:
            alone = np.zeros_like(question.grid)
            paint(alone, thing, 1)
            if not stands(answer, thing, len(Scene(alone).holes) == wanted):
                return "an object with another number of holes is kept, or one with this number is not"
        return ""


@final
@dataclass(frozen=True, slots=True)
class BarChart(Rule):
    """Bars stand in order of length, the longest on the left."""

    says = "Draw a bar for each colour, as high as it has {unit}, the highest on the left."
    keeps = OLD_COLOURS
    unit: Literal["objects", "cells"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        counts = draw.some((1, 2, 3, 4, 5), draw.between(2, 4))
        colours = draw.shares(counts)
        masks = [block(1, draw.between(1, 2)) for _ in colours]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        cells = self.unit == "cells"
        many = {colour: scene.counts[colour] if cells else len(scene.of(colour)) for colour in scene.colours}
        if len(many) < 2 or len(set(many.values())) < len(many) or max(many.values()) > 30:
            return None
        grid = np.zeros((max(many.values()), len(many)), np.uint8)
        for column, colour in enumerate(sorted(many, key=lambda c: -many[c])):
            grid[grid.shape[0] - many[colour] :, column] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        heights = np.count_nonzero(answer, axis=0)
        for height, column in zip(heights, answer.T, strict=True):
            colour = int(column[-1])
            n = question.counts[colour] if self.unit == "cells" else len(question.of(colour))
            if (column[len(column) - height :] != colour).any() or height != n or not colour:
                return "a bar is broken, or of another height than its colour's number"
        return (
            ""
            if (np.diff(heights) < 0).all() and len(heights) == len(question.colours)
            else "the order is another"
        )


@final
@dataclass(frozen=True, slots=True)
class FrameByDots(Rule):
    """Every frame holds up to four dots of its own or another colour."""

    says = "Recolour {ink} every frame that holds {dots} dots."
    keeps = SAME_SIZE | RECOLOURS
    dots: Literal[1, 2, 3, 4]
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        inside = [self.dots, *(draw.between(1, 4) for _ in range(draw.between(1, 3)))]
        colour, dot = draw.colours(2, self.ink)
        corners = draw.corners(grid, [(5, 5)] * len(inside))
        if corners is None:
            return None
        for (top, left), n in zip(corners, inside, strict=True):
            grid[top : top + 5, left : left + 5][frame(5, 5)] = colour
            for place in draw.some(range(9), n):
                grid[top + 1 + place // 3, left + 1 + place % 3] = dot
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.hollow:
                inner = scene.grid[thing.top + 1 : thing.bottom - 1, thing.left + 1 : thing.right - 1]
                if np.count_nonzero(inner) == self.dots:
                    paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        wanted = 0
        for group in question.groups:
            full = np.count_nonzero(question.grid[group.box]) == 16 + self.dots
            wanted += 16 * full
            rim = answer[group.box][frame(group.height, group.width)]
            if (rim == self.ink).all() != full:
                return "a frame with another number of dots is recoloured, or one with this number is not"
        return changed(question, answer, wanted)


@final
@dataclass(frozen=True, slots=True)
class RepeatByDots(Rule):
    """The tile is the one object of several cells; the dots are single cells of one other colour."""

    says = "Repeat the object side by side, in a {line}, as many times as there are single {dot} cells."
    keeps = OLD_COLOURS | ONE_INK
    dot: Seen
    line: Literal["row", "column"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 11)
        side = draw.between(2, 3)
        masks = [draw.blob(side, draw.between(2, 3), 3), *(block(1, 1) for _ in range(draw.between(2, 5)))]
        colours = [draw.colour(self.dot), *(self.dot for _ in masks[1:])]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        tiles = [thing for thing in scene.shapes if thing.colour != self.dot]
        dots = scene.of(self.dot)
        if len(tiles) != 1 or not dots or any(dot.size > 1 for dot in dots):
            return None
        tile, n = cut(scene, tiles[0]), len(dots)
        down = self.line == "column"
        return None if tile.shape[not down] * n > 30 else np.tile(tile, (n, 1) if down else (1, n))

    def fault(self, question: Scene, answer: Grid) -> str:
        n, other = question.counts[self.dot], next(c for c in question.colours if c != self.dot)
        if np.count_nonzero(answer == other) != n * question.counts[other] or np.count_nonzero(
            answer == self.dot
        ):
            return "the answer does not hold the object's cells so many times"
        parts = np.array_split(answer, n, axis=0 if self.line == "column" else 1)
        if any(not np.array_equal(part, parts[0]) for part in parts):
            return "the copies differ"
        box = next(thing for thing in question.shapes if thing.colour == other)
        return "" if np.array_equal(question.grid[box.box], parts[0]) else "the copies are not the object"


@final
@dataclass(frozen=True, slots=True)
class ParityCells(Rule):
    """Objects are bars of one to six cells, so that the number is seen at a glance."""

    says = "Recolour {ink} every object whose number of cells is {parity}."
    keeps = SAME_SIZE | RECOLOURS
    parity: Literal["even", "odd"]
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        colour = draw.colour(self.ink)
        masks = [
            block(*draw.pick(((1, n), (n, 1)))) for n in draw.some((1, 2, 3, 4, 5, 6), draw.between(3, 5))
        ]
        return grid if draw.scatter(grid, masks, [colour] * len(masks)) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.size % 2 == (self.parity == "odd"):
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in Scene(np.where(answer == self.ink, answer, np.uint8(0))).shapes:
            if thing.size % 2 != (self.parity == "odd"):
                return f"an object of {thing.size} cells is recoloured"
        sizes = [thing.size for thing in question.shapes]
        return changed(question, answer, sum(size for size in sizes if size % 2 == (self.parity == "odd")))


@final
@dataclass(frozen=True, slots=True)
class ExtremeSpots(Rule):
    """Blocks of about one size, each with a number of spots of its own."""

    says = "Cut out the block with the {end} spots."
    keeps = SHRINKS | OLD_COLOURS
    end: Literal["most", "fewest"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        spots = draw.some((1, 2, 3, 4, 5), draw.between(2, 4))
        colour, spot = draw.colours(2)
        sizes = [(draw.between(3, 4), draw.between(3, 4)) for _ in spots]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (h, w), n in zip(corners, sizes, spots, strict=True):
            grid[top : top + h, left : left + w] = colour
            for place in draw.some(range(h * w), n):
                grid[top + place // w, left + place % w] = spot
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        many = sorted((scene.counts[colour], colour) for colour in scene.colours)
        if len(many) != 2 or many[0][0] == many[1][0]:
            return None
        spot = many[0][1]
        sign = 1 if self.end == "most" else -1
        chosen = most(scene.groups, lambda block: sign * _count(scene, block, spot))
        return None if chosen is None or not chosen.solid or len(scene.groups) < 2 else cut(scene, chosen)

    def fault(self, question: Scene, answer: Grid) -> str:
        spot = min(question.colours, key=lambda colour: question.counts[colour])
        n = np.count_nonzero(answer == spot)
        if not is_window(question, question.groups, answer):
            return "the answer is none of the blocks"
        counts = sorted(_count(question, group, spot) for group in question.groups)
        return "" if n == counts[-1 if self.end == "most" else 0] else f"the block has {n} spots"


_HOLES = ("no hole", "one hole", "two holes", "three holes")


def _pierced(draw: Draw, holes: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A block three cells high, with so many holes of one cell in a row."""
    mask = np.ones((3, 2 * holes + 1 if holes else 3), np.bool_)
    mask[1, 1 : 2 * holes : 2] = False
    if not holes:
        mask[0, draw.below(3)] = False
    return mask if draw.chance(0.5) else np.ascontiguousarray(mask.T)


def _count(scene: Scene, thing: Thing, colour: int) -> int:
    return int(np.count_nonzero(scene.grid[thing.box] == colour))
