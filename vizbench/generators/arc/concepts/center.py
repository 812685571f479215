"""Center: the middle of an object, of a row of objects, of the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame, plus
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, REARRANGES, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Axis, Paint, Rule, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, drop, keep, most, move, paint
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class DotInFrames(Rule):
    """Frames of even sides have no middle cell, and stay."""

    says = "Put one {ink} cell into the middle of every frame that has a middle cell."
    keeps = SAME_SIZE | ADDS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 16)
        sides = [(draw.pick((3, 5, 7)),) * 2, *((draw.between(3, 6),) * 2 for _ in range(draw.between(1, 3)))]
        colours = [draw.colour(self.ink) for _ in sides]
        return grid if draw.scatter(grid, [frame(*side) for side in sides], colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.pieces:
            h, w = thing.height, thing.width
            if h % 2 and w % 2 and thing.hollow:
                grid[thing.top + h // 2, thing.left + w // 2] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        odd = [hole for hole in question.holes if hole.height % 2 and hole.width % 2]
        for hole in odd:
            window = answer[hole.box]
            if not np.array_equal(window, window[::-1, ::-1]) or np.count_nonzero(window) != 1:
                return "an odd hole does not hold one cell in its middle"
        return changed(question, answer, len(odd))


@final
@dataclass(frozen=True, slots=True)
class NearestTheMiddle(Rule):
    """How far an object lies from the grid's centre is judged by its box's centre."""

    says = "{deed} the object that lies nearest to the centre of the grid."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Literal["Take away", "Keep only"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(3, 5))]
        (h, w), (tall, wide) = grid.shape, masks[0].shape
        middle = (h - tall + draw.below(2)) // 2, (w - wide + draw.below(2)) // 2
        colours = [draw.colour() for _ in masks]
        if not draw.scatter(grid, masks, colours, fixed=[middle]):
            return None
        far = sorted(_from_centre(Scene(grid), thing) for thing in Scene(grid).shapes)
        return grid if far[1] > 24 else None

    def answer(self, scene: Scene) -> Grid | None:
        nearest = most(scene.shapes, lambda thing: -_from_centre(scene, thing))
        if nearest is None:
            return None
        return (keep if self.deed == "Keep only" else drop)(scene, [nearest])

    def fault(self, question: Scene, answer: Grid) -> str:
        left = len(Scene(answer).shapes)
        wanted = 1 if self.deed == "Keep only" else len(question.shapes) - 1
        return "" if left == wanted else f"{left} objects are left where {wanted} should be"


@final
@dataclass(frozen=True, slots=True)
class MoveToTheMiddle(Rule):
    """The one object and the grid are odd together, or even together, along each axis."""

    says = "Move the object to the centre of the grid."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 14)
        h, w = (side % 2 + 2 * draw.between(1, 2) for side in grid.shape)
        return grid if draw.scatter(grid, [draw.blob(h, w, h * w // 2)], [draw.colour()]) else None

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.groups) != 1:
            return None
        thing = scene.groups[0]
        down, right = scene.height - 1 - thing.middle[0], scene.width - 1 - thing.middle[1]
        grid = scene.copy()
        return None if down % 2 or right % 2 or not move(grid, scene, thing, down // 2, right // 2) else grid

    def fault(self, question: Scene, answer: Grid) -> str:
        things = Scene(answer).groups
        if len(things) != 1 or things[0].form != question.groups[0].form:
            return "the object is not what it was"
        (h, w), thing = answer.shape, things[0]
        inside = thing.top == h - thing.bottom and thing.left == w - thing.right
        return "" if inside else "the object's distances to opposite edges differ"


@final
@dataclass(frozen=True, slots=True)
class CutOutTheMiddle(Rule):
    """The grid is odd where the piece is odd."""

    says = "Cut out the middle {side}x{side} cells of the grid."
    keeps = SHRINKS | OLD_COLOURS
    side: Literal[1, 2, 3, 4, 5]

    def question(self, draw: Draw) -> Grid | None:
        h, w = (self.side + 2 * draw.between(1, 3) for _ in range(2))
        return draw.coloured(block(h, w), [0, 0, *draw.colours(4)])

    def answer(self, scene: Scene) -> Grid | None:
        rows, columns = scene.height - self.side, scene.width - self.side
        if rows < 0 or columns < 0 or rows % 2 or columns % 2:
            return None
        return scene.grid[rows // 2 : rows // 2 + self.side, columns // 2 : columns // 2 + self.side].copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        if answer.shape != (self.side, self.side):
            return "the answer has another size"
        margin = [(big - self.side) // 2 for big in question.grid.shape]
        whole = question.copy()
        whole[margin[0] : -margin[0], margin[1] : -margin[1]] = answer
        return changed(question, whole, 0)


@final
@dataclass(frozen=True, slots=True)
class LineThroughTheMiddle(Rule):
    """The line runs on the ground alone, from edge to edge."""

    says = "Draw one {ink} line through the middle of the object, along its {axis}, from edge to edge, behind the object."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    axis: Axis

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 16)
        h, w = (draw.pick((3, 5)) for _ in range(2))
        mask = (
            block(h, w)
            if draw.chance(0.1)
            else plus(2)
            if draw.chance(0.1)
            else draw.blob(h, w, draw.between(5, 14))
        )
        return grid if draw.scatter(grid, [mask], [draw.colour(self.ink)], margin=1) else None

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 1:
            return None
        across = self.axis == "column"
        twice = scene.shapes[0].middle[across]
        if twice % 2:
            return None
        grid = scene.copy()
        line = grid[:, twice // 2] if across else grid[twice // 2]
        line[line == 0] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        thing = question.shapes[0]
        columns = self.axis == "column"
        lines = (answer != question.grid).any(axis=1 - columns)
        if lines.sum() != 1:
            return "not one line changed"
        at = int(np.argmax(lines))
        first, end = thing.span(int(columns))
        full = (answer[:, at] if columns else answer[at]).all()
        return (
            ""
            if at - first == end - 1 - at and full
            else "the line is not in the object's middle, or has gaps"
        )


@final
@dataclass(frozen=True, slots=True)
class MiddleOfThree(Rule):
    """Three objects stand in a row or in a column; which, the grid shows."""

    says = "Three objects stand in a {axis}: cut out the middle one."
    keeps = SHRINKS | OLD_COLOURS
    axis: Axis

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(5, 7), draw.between(14, 16)), np.uint8)
        lefts: list[int] = []
        at = draw.below(2)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 3), 3) for _ in range(3)]
        for mask in masks:
            lefts.append(at)
            at += mask.shape[1] + draw.between(1, 2)
        for mask, left, colour in zip(masks, lefts, draw.colours(3), strict=True):
            top = draw.below(grid.shape[0] - mask.shape[0] + 1)
            grid[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = colour
        return grid if self.axis == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 3:
            return None
        along = self.axis == "row"
        first, middle, last = sorted(scene.shapes, key=lambda thing: thing.middle[along])
        apart = first.right <= middle.left and middle.right <= last.left
        if not along:
            apart = first.bottom <= middle.top and middle.bottom <= last.top
        return cut(scene, middle) if apart else None

    def fault(self, question: Scene, answer: Grid) -> str:
        counts = np.bincount(answer.ravel(), minlength=10)
        inked = [colour for colour in range(1, 10) if counts[colour]]
        if len(inked) != 1 or counts[inked[0]] != question.counts[inked[0]]:
            return "the answer is not one whole object"
        axis = int(self.axis == "row")
        places = {c: np.argwhere(question.grid == c)[:, axis].mean() for c in question.colours}
        return (
            "" if sorted(places.values())[1] == places[inked[0]] else "the object is not between the others"
        )


@final
@dataclass(frozen=True, slots=True)
class Midpoint(Rule):
    """Each colour has two cells, in one row or one column."""

    says = "Put one {ink} cell half-way between two cells of one colour."
    keeps = SAME_SIZE | ADDS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        colours = draw.colours(draw.between(1, 3), self.ink)
        sizes = [draw.pick(((1, k), (k, 1))) for k in draw.some((3, 5, 7), len(colours))]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (h, w), colour in zip(corners, sizes, colours, strict=True):
            grid[top, left] = grid[top + h - 1, left + w - 1] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            dots = scene.of(colour)
            if len(dots) == 2 and dots[0].size == dots[1].size == 1 and _aligned(*dots):
                row, column = dots[0].top + dots[1].top, dots[0].left + dots[1].left
                if row % 2 == column % 2 == 0:
                    grid[row // 2, column // 2] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for row, column in np.argwhere(answer != question.grid):
            turned = [
                np.argwhere(question.grid == colour).sum(axis=0) == (2 * row, 2 * column)
                for colour in question.colours
            ]
            if not any(match.all() for match in turned):
                return "a new cell is not half-way between two of a colour"
        return changed(question, answer, len(question.colours))


@final
@dataclass(frozen=True, slots=True)
class CrossbarToTheMiddle(Rule):
    """A crossbar sits on a long bar, one cell beside it on both sides."""

    says = "Slide the two cells that sit beside the bar to the bar's middle."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(5, 9), draw.between(10, 14)), np.uint8)
        length, row = draw.pick((5, 7, 9)), draw.between(1, grid.shape[0] - 2)
        left = draw.below(grid.shape[1] - length + 1)
        colour, other = draw.colours(2)
        grid[row, left : left + length] = colour
        at = left + draw.below(length)
        grid[row - 1, at] = grid[row + 1, at] = other
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        bar = most(scene.shapes, lambda thing: thing.size)
        sides = [thing for thing in scene.shapes if thing is not bar]
        if bar is None or not bar.solid or len(sides) != 2 or sides[0].size != 1 or sides[1].size != 1:
            return None
        across = bar.width > bar.height
        shift = bar.middle[across] - sides[0].middle[across]
        if shift % 2 or sides[0].middle[across] != sides[1].middle[across]:
            return None
        grid = scene.copy()
        down, right = (shift // 2) * (not across), (shift // 2) * across
        for side in sides:
            paint(grid, side, 0)
        done = [move(grid, scene, side, down, right) for side in sides]
        return grid if all(done) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        groups = Scene(answer).groups
        if len(groups) != 1:
            return "the pieces do not hang together"
        window = answer[groups[0].box]
        mirrored = np.array_equal(window, window[::-1]) and np.array_equal(window, window[:, ::-1])
        return "" if mirrored else "the figure is not its own mirror image"


def _from_centre(scene: Scene, thing: Thing) -> int:
    """Four times the squared distance of an object's centre from the grid's."""
    row, column = thing.middle
    return (row - scene.height + 1) ** 2 + (column - scene.width + 1) ** 2


def _aligned(a: Thing, b: Thing) -> bool:
    return a.top == b.top or a.left == b.left
