"""Above and below: what lies over a line, over a mark, over another object, or straight under it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, REARRANGES, RECOLOURS, REMOVES, SAME_SIZE
from vizbench.generators.arc.rule import Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, most, move, paint
from vizbench.types import Grid

Where: TypeAlias = Literal["above", "below"]


@final
@dataclass(frozen=True, slots=True)
class ClearBesideLine(Rule):
    """The line has one colour and runs through a whole row; the line itself stays."""

    says = "Take away everything {where} the line."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        h = draw.between(10, 15)
        return _ruled(draw, h, draw.between(4, h - 5))

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None:
            return None
        grid = scene.copy()
        grid[slice(line.top) if self.where == "above" else slice(line.bottom, None)] = 0
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        at = int(np.argmax(np.count_nonzero(question.grid, axis=1)))
        gone = slice(at) if self.where == "above" else slice(at + 1, None)
        if answer[gone].any():
            return f"something is left {self.where} the line"
        return changed(question, answer, int(np.count_nonzero(question.grid[gone])))


@final
@dataclass(frozen=True, slots=True)
class EdgeByLine(Rule):
    """An object's column are its own cells in its box's first or last column; objects are two cells wide at
    least."""

    says = "Objects above the line take its colour on their {above}most column, objects below it on the opposite one."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    above: Literal["left", "right"]

    def question(self, draw: Draw) -> Grid | None:
        h = draw.between(10, 15)
        return _ruled(draw, h, draw.between(4, h - 5))

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None:
            return None
        grid = scene.copy()
        for thing in scene.pieces:
            if thing is not line:
                side = 0 if (thing.top < line.top) == (self.above == "left") else -1
                grid[thing.box][:, side][thing.mask[:, side]] = line.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        at = int(np.argmax(np.count_nonzero(question.grid, axis=1)))
        total = 0
        for thing in question.shapes:
            if thing.height == 1 and thing.top == at:
                continue
            first = (thing.top < at) == (self.above == "left")
            columns = np.nonzero(answer[thing.box] == answer[at, 0])[1]
            if not len(columns) or (columns != (0 if first else thing.width - 1)).any():
                return "an object's edge is not in the line's colour, or another part of it is"
            total += int(np.count_nonzero(question.grid[thing.box][:, columns[0]]))
        return changed(question, answer, total)


@final
@dataclass(frozen=True, slots=True)
class PaintBarToMark(Rule):
    """Bars are one cell wide; some have no mark, and stay."""

    says = "In every bar, give the cells {where} the mark the mark's colour."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        lengths = [draw.between(4, 8) for _ in range(draw.between(2, 4))]
        corners = draw.corners(grid, [(n, 1) for n in lengths])
        if corners is None:
            return None
        bar, mark = draw.colours(2)
        for k, (n, (top, left)) in enumerate(zip(lengths, corners, strict=True)):
            grid[top : top + n, left] = bar
            if not k or draw.chance(0.7):
                grid[top + draw.between(1, n - 2), left] = mark
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for mark in scene.shapes:
            if mark.size == 1 and mark.top > 0 and mark.bottom < scene.height:
                over, under = (scene.grid[row, mark.left] for row in (mark.top - 1, mark.bottom))
                if over and over == under:
                    row = mark.top - 1 if self.where == "above" else mark.bottom
                    part = scene.shapes[int(mark.labels[row, mark.left]) - 1]
                    if part.width > 1:
                        return None
                    paint(grid, part, mark.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        total = 0
        for bar in question.groups:
            way = 1 if self.where == "above" else -1
            was, told = question.grid[bar.box][::way, 0], answer[bar.box][::way, 0]
            at = int(np.argmax(was != was[-1]))
            total += at
            if at and (told[: at + 1] != was[at]).any():
                return "a bar is not in its mark's colour up to the mark"
        return changed(question, answer, total)


@final
@dataclass(frozen=True, slots=True)
class ColourOfStacked(Rule):
    """Straight above: the nearest in the object's columns. Objects stand in threes, the middle one blank."""

    says = "Every {blank} object takes the colour of the object straight {where} it."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    blank: Seen
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        tall, sides = draw.between(3, 4), [draw.between(2, 4) for _ in range(draw.between(2, 3))]
        grid = np.zeros((3 * tall + 2, sum(sides) + len(sides) + draw.below(3)), np.uint8)
        left = 0
        for wide in sides:
            colours = draw.colours(2, self.blank)
            for k, colour in enumerate((colours[0], self.blank, colours[1])):
                view = grid[k * (tall + 1) : k * (tall + 1) + tall, left : left + wide]
                draw.scatter(view, [draw.blob(draw.between(1, 3), wide, wide + 1)], [colour])
            left += wide + 1
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.of(self.blank):
            columns = slice(thing.left, thing.right)
            strip = scene.grid[: thing.top][::-1] if self.where == "above" else scene.grid[thing.bottom :]
            inked = strip[:, columns].any(axis=1)
            if inked.any():
                row = strip[int(np.argmax(inked)), columns]
                colour = int(row.max())
                if ((row != 0) & (row != colour)).any():
                    return None
                paint(grid, thing, colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        blanks = question.of(self.blank)
        for thing in blanks:
            stack = [
                other for other in question.shapes if other.left < thing.right and thing.left < other.right
            ]
            stack.sort(key=lambda other: other.top)
            giver = stack[stack.index(thing) + (-1 if self.where == "above" else 1)]
            if (answer[thing.box][thing.mask] != giver.colour).any():
                return "an object has not the colour of its neighbour in the stack"
        return changed(question, answer, sum(thing.size for thing in blanks))


@final
@dataclass(frozen=True, slots=True)
class DrawToLargest(Rule):
    """Straight above: sharing a column with it. The largest object's rim is full on the side where they
    arrive."""

    says = "Every object straight {where} the largest object moves until it touches it; the others stay."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        (h, w), high, wide = grid.shape, draw.between(2, 3), draw.between(6, 8)
        top, left = draw.between(4, h - high - 4), draw.below(w - wide + 1)
        largest = draw.colour()
        grid[top : top + high, left : left + wide] = largest
        upper, lower = slice(top - 1), slice(top + high + 1, None)
        lanes = [slice(left, left + 3), slice(left + 4, left + wide)]
        views = [grid[rows, lane] for rows in (upper, lower) for lane in draw.some(lanes, draw.between(1, 2))]
        beside = [
            side
            for side in (slice(max(left - 1, 0)), slice(left + wide + 1, w))
            if side.stop - (side.start or 0) > 1
        ]
        views += [grid[rows, side] for side in beside for rows in (upper, lower) if draw.chance(0.5)]
        for view in views:
            if not draw.scatter(view, [draw.blob(draw.between(1, 2), 2, 2)], [draw.colour(largest)]):
                return None
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        largest = most(scene.shapes, lambda thing: thing.size)
        if largest is None or not largest.mask[0 if self.where == "above" else -1].all():
            return None
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.left < largest.right and largest.left < thing.right:
                gap = largest.top - thing.bottom if self.where == "above" else thing.top - largest.bottom
                if gap > 0:
                    move(grid, scene, thing, gap if self.where == "above" else -gap, 0)
        return grid if np.count_nonzero(grid) == np.count_nonzero(scene.grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        largest = max(question.shapes, key=lambda thing: thing.size)
        rows = slice(largest.top) if self.where == "above" else slice(largest.bottom, None)
        region = rows, slice(largest.left, largest.right)
        was, told = Scene(question.grid[region]), Scene(answer[region])
        rest = answer.copy()
        rest[region] = was.grid
        if (rest != question.grid).any() or sorted(t.form for t in was.shapes) != sorted(
            t.form for t in told.shapes
        ):
            return "an object changed that should stay, or lost its form"
        touch = [
            thing.bottom == told.height if self.where == "above" else not thing.top for thing in told.shapes
        ]
        if not all(touch):
            return "an object does not touch the largest"
        same = (np.sort(was.grid, axis=0) == np.sort(told.grid, axis=0)).all()
        return "" if same else "an object has left its columns"


@final
@dataclass(frozen=True, slots=True)
class StackInOrder(Rule):
    """The objects stand side by side and are equally wide; the answer is as wide as one."""

    says = "Stack the objects without a gap, the leftmost at the {end}."
    keeps = OLD_COLOURS
    end: Literal["top", "bottom"]

    def question(self, draw: Draw) -> Grid | None:
        wide, n = draw.between(2, 4), draw.between(2, 3)
        grid = np.zeros((draw.between(4, 8), n * (wide + 1) + draw.between(0, 3)), np.uint8)
        at = draw.below(grid.shape[1] - n * (wide + 1) + 2)
        for colour in draw.colours(n):
            mask = draw.blob(draw.between(1, 4), wide, wide + 1)
            top = draw.below(grid.shape[0] - len(mask) + 1)
            grid[top : top + len(mask), at : at + wide][mask] = colour
            at += wide + 1
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        things = sorted(scene.shapes, key=lambda thing: thing.left)
        if not 2 <= len(things) <= 5 or any(thing.width != things[0].width for thing in things):
            return None
        if any(a.right > b.left for a, b in pairwise(things)):
            return None
        return np.vstack([cut(scene, thing) for thing in (things if self.end == "top" else things[::-1])])

    def fault(self, question: Scene, answer: Grid) -> str:
        order = sorted(question.shapes, key=lambda thing: thing.left, reverse=self.end == "bottom")
        if answer.shape != (sum(thing.height for thing in order), order[0].width):
            return "the answer is not as high as all objects, or not as wide as one"
        inked = [int(row.max()) for row in answer]
        if inked != [thing.colour for thing in order for _ in range(thing.height)]:
            return "the colours follow in another order"
        for thing in order:
            if not np.array_equal(answer[(answer == thing.colour).any(axis=1)], question.grid[thing.box]):
                return "an object has another form"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SwapAcrossLine(Rule):
    """The line is the middle row. Nothing is turned over: both halves keep their row order."""

    says = "Swap what lies above the line with what lies below it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        half = draw.between(4, 6)
        return _ruled(draw, 2 * half + 1, half)

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None or 2 * line.top + 1 != scene.height:
            return None
        grid = scene.copy()
        grid[: line.top], grid[line.bottom :] = scene.grid[line.bottom :], scene.grid[: line.top]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        half = len(answer) // 2
        turned = np.roll(answer, half, axis=0)  # the two halves in their old order, the line after them
        turned[half:-1], turned[-1] = turned[half:-1], answer[half]
        without = np.delete(question.grid, half, axis=0)
        return "" if np.array_equal(turned[:-1], without) else "a half is not where the other was"


@final
@dataclass(frozen=True, slots=True)
class FillBetweenStacked(Rule):
    """Column by column: ground with ink somewhere above it and somewhere below it."""

    says = "Fill the ground between every object and the object straight below it {ink}."
    keeps = SAME_SIZE | ADDS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        masks = [block(draw.between(1, 3), draw.between(2, 4)) for _ in range(draw.between(3, 5))]
        colours = draw.colours(2, self.ink)
        return grid if draw.scatter(grid, masks, [draw.pick(colours) for _ in masks], 2) else None

    def answer(self, scene: Scene) -> Grid | None:
        ink = scene.grid != 0
        above = np.logical_or.accumulate(ink, axis=0)
        below = np.logical_or.accumulate(ink[::-1], axis=0)[::-1]
        grid = scene.copy()
        grid[above & below & ~ink] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        total = 0
        for was, told in zip(question.grid.T, answer.T, strict=True):
            ends = np.flatnonzero(was)
            if len(ends):
                inner = told[ends[0] : ends[-1]]
                total += int(np.count_nonzero(inner == self.ink))
                if not inner.all():
                    return "there is ground between two objects"
        return changed(question, answer, total)


@final
@dataclass(frozen=True, slots=True)
class BeyondThePivot(Rule):
    """An object that shares a row with the pivot is neither above nor below it, and stays."""

    says = "Recolour {ink} every object that lies wholly {where} the {pivot} object."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint
    where: Where
    pivot: Seen

    def question(self, draw: Draw) -> Grid | None:
        if self.ink == self.pivot:
            return None
        grid = draw.ground(10, 14)
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 3) for _ in range(draw.between(4, 6))]
        at = draw.between(3, grid.shape[0] - 6), draw.below(grid.shape[1] - 2)
        colour, other = draw.colours(2, self.ink, self.pivot)
        colours = [self.pivot, *(draw.pick((colour, colour, other)) for _ in masks[1:])]
        if not draw.scatter(grid, masks, colours, fixed=[at]):
            return None
        sides = {
            (thing.bottom <= at[0]) - (thing.top >= at[0] + len(masks[0])) for thing in Scene(grid).shapes
        }
        return grid if {-1, 1} <= sides else None

    def answer(self, scene: Scene) -> Grid | None:
        pivots = scene.of(self.pivot)
        if len(pivots) != 1 or self.ink == self.pivot:
            return None
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.bottom <= pivots[0].top if self.where == "above" else thing.top >= pivots[0].bottom:
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rows = np.flatnonzero((question.grid == self.pivot).any(axis=1))
        total = 0
        for thing in question.shapes:
            far = thing.bottom - 1 < rows[0] if self.where == "above" else thing.top > rows[-1]
            total += thing.size * int(far)
            if (answer[thing.box] == self.ink).any() != far:
                return "an object above is not recoloured, or one that is not above is"
        return changed(question, answer, total)


def _line(scene: Scene) -> Thing | None:
    """The one object that is a whole row, nothing more."""
    lines = [thing for thing in scene.pieces if thing.height == 1 and thing.width == scene.width]
    return lines[0] if len(lines) == 1 else None


def _ruled(draw: Draw, height: int, row: int) -> Grid | None:
    """A line in this row, objects two cells wide and more above and below it, a row of ground between."""
    grid = np.zeros((height, draw.between(8, 14)), np.uint8)
    line = draw.colour()
    grid[row] = line
    for half in (grid[: row - 1], grid[row + 2 :]):
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(1, 3))]
        if not draw.scatter(half, masks, [draw.colour(line) for _ in masks]):
            return None
    return grid
