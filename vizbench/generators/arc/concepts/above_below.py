"""Define the rules of AboveBelow: what is above or below a line, a mark or another object."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, final

import numpy as np

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, REARRANGES, RECOLOURS, REMOVES, SAME_SIZE
from vizbench.generators.arc.random_draws import Draw, block
from vizbench.generators.arc.rule import Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, most, move, paint
from vizbench.types import Grid

Where: TypeAlias = Literal["above", "below"]


@final
@dataclass(frozen=True, slots=True)
class ClearBesideLine(Rule):
    """Clear the grid on one side of a horizontal line.

    The line has one colour and fills a whole row. The line itself stays.
    """

    says = "Take away everything {where} the line."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    where: Where
    """The side of the line that is cleared."""

    def question(self, draw: Draw) -> Grid | None:
        height = draw.between(10, 15)
        return _ruled(draw, height, draw.between(4, height - 5))

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None:
            return None
        grid = scene.copy()
        if self.where == "above":
            grid[: line.top] = 0
        else:
            grid[line.bottom :] = 0
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        line_row = _fullest_row(question)
        cleared = slice(line_row) if self.where == "above" else slice(line_row + 1, None)
        if answer[cleared].any():
            return f"something is left {self.where} the line"
        return changed(question, answer, int(np.count_nonzero(question.grid[cleared])))


@final
@dataclass(frozen=True, slots=True)
class EdgeByLine(Rule):
    """Paint the first or last column of each object, depending on its side of the line.

    An object's column is its own cells in the first or last column of its box.
    Objects are at least two cells wide.
    """

    says = (
        "Objects above the line take its colour on their {above}most column, "
        "objects below it on the opposite one."
    )
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    above: Literal["left", "right"]
    """The column that changes in objects above the line."""

    def question(self, draw: Draw) -> Grid | None:
        height = draw.between(10, 15)
        return _ruled(draw, height, draw.between(4, height - 5))

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None:
            return None
        grid = scene.copy()
        for thing in scene.pieces:
            if thing is not line:
                is_above = thing.top < line.top
                column = 0 if is_above == (self.above == "left") else -1
                own_cells = thing.mask[:, column]
                grid[thing.box][:, column][own_cells] = line.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        line_row = _fullest_row(question)
        line_colour = answer[line_row, 0]
        expected = 0
        for thing in question.shapes:
            if thing.height == 1 and thing.top == line_row:
                continue  # the line itself
            is_above = thing.top < line_row
            edge = 0 if is_above == (self.above == "left") else thing.width - 1
            painted = np.nonzero(answer[thing.box] == line_colour)[1]
            if not len(painted) or (painted != edge).any():
                return "an object's edge is not in the line's colour, or another part of it is"
            expected += int(np.count_nonzero(question.grid[thing.box][:, edge]))
        return changed(question, answer, expected)


@final
@dataclass(frozen=True, slots=True)
class PaintBarToMark(Rule):
    """Paint each vertical bar on one side of its mark in the mark's colour.

    Bars are one cell wide. Bars without a mark stay.
    """

    says = "In every bar, give the cells {where} the mark the mark's colour."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    where: Where
    """The side of the mark that is painted."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        lengths = [draw.between(4, 8) for _ in range(draw.between(2, 4))]
        corners = draw.corners(grid, [(length, 1) for length in lengths])
        if corners is None:
            return None
        bar_colour, mark_colour = draw.colours(2)
        for number, (length, (top, column)) in enumerate(zip(lengths, corners, strict=True)):
            grid[top : top + length, column] = bar_colour
            # The first bar always has a mark, so that something changes. Ends are never marked.
            if number == 0 or draw.chance(0.7):
                grid[top + draw.between(1, length - 2), column] = mark_colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for mark in scene.shapes:
            if mark.size > 1 or mark.top == 0 or mark.bottom == scene.height:
                continue

            # A mark has the same colour above and below it: the two parts of its bar.
            cell_above = scene.grid[mark.top - 1, mark.left]
            cell_below = scene.grid[mark.bottom, mark.left]
            if cell_above == 0 or cell_above != cell_below:
                continue

            row = mark.top - 1 if self.where == "above" else mark.bottom
            part = scene.shapes[int(mark.labels[row, mark.left]) - 1]
            if part.width > 1:
                return None
            paint(grid, part, mark.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        expected = 0
        for bar in question.groups:
            before, after = question.grid[bar.box][:, 0], answer[bar.box][:, 0]
            if self.where == "below":
                before, after = before[::-1], after[::-1]
            mark = int(np.argmax(before != before[-1]))  # 0 if the bar has no mark
            expected += mark
            if mark and (after[: mark + 1] != before[mark]).any():
                return "a bar is not in its mark's colour up to the mark"
        return changed(question, answer, expected)


@final
@dataclass(frozen=True, slots=True)
class ColourOfStacked(Rule):
    """Give each blank object the colour of its neighbour straight above or below.

    The neighbour is the nearest object in the blank object's columns.
    In a question, objects form stacks of three with the blank one in the middle.
    """

    says = "Every {blank} object takes the colour of the object straight {where} it."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    blank: Seen
    """The colour of the objects that are recoloured."""
    where: Where
    """The side on which the neighbour is."""

    def question(self, draw: Draw) -> Grid | None:
        floor_height = draw.between(3, 4)
        widths = [draw.between(2, 4) for _ in range(draw.between(2, 3))]
        total_width = sum(widths) + len(widths) + draw.below(3)
        grid = np.zeros((3 * floor_height + 2, total_width), np.uint8)
        left = 0
        for width in widths:
            upper, lower = draw.colours(2, self.blank)
            for floor, colour in enumerate((upper, self.blank, lower)):
                top = floor * (floor_height + 1)
                view = grid[top : top + floor_height, left : left + width]
                draw.scatter(view, [draw.blob(draw.between(1, 3), width, width + 1)], [colour])
            left += width + 1
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.of(self.blank):
            # The cells on that side of the object in its columns, the nearest row first.
            columns = slice(thing.left, thing.right)
            if self.where == "above":
                rows = scene.grid[: thing.top, columns][::-1]
            else:
                rows = scene.grid[thing.bottom :, columns]

            has_ink = rows.any(axis=1)
            if has_ink.any():
                nearest = rows[int(np.argmax(has_ink))]
                colour = int(nearest.max())
                if ((nearest != 0) & (nearest != colour)).any():
                    return None
                paint(grid, thing, colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        blanks = question.of(self.blank)
        step = -1 if self.where == "above" else 1
        for blank in blanks:
            stack = [
                other for other in question.shapes if other.left < blank.right and blank.left < other.right
            ]
            stack.sort(key=lambda other: other.top)
            neighbour = stack[stack.index(blank) + step]
            if (answer[blank.box][blank.mask] != neighbour.colour).any():
                return "an object does not have the colour of its neighbour in the stack"
        return changed(question, answer, sum(blank.size for blank in blanks))


@final
@dataclass(frozen=True, slots=True)
class DrawToLargest(Rule):
    """Move the objects straight above or below the largest object until they touch it.

    An object is straight above another if they share a column.
    The row of the largest object that the others reach has no gap.
    """

    says = "Every object straight {where} the largest object moves until it touches it; the others stay."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    where: Where
    """The side of the largest object whose objects move."""

    def question(self, draw: Draw) -> Grid | None:
        # The largest object, a block with at least four rows above and below it.
        grid = draw.ground(11, 15)
        grid_height, grid_width = grid.shape
        height, width = draw.between(2, 3), draw.between(6, 8)
        top, left = draw.between(4, grid_height - height - 4), draw.below(grid_width - width + 1)
        largest = draw.colour()
        grid[top : top + height, left : left + width] = largest

        # Lanes straight above and below it, each with an object that may move.
        rows_above, rows_below = slice(top - 1), slice(top + height + 1, None)
        lanes = [slice(left, left + 3), slice(left + 4, left + width)]
        views: list[Grid] = []
        for rows in (rows_above, rows_below):
            views += [grid[rows, lane] for lane in draw.some(lanes, draw.between(1, 2))]

        # Strips to its left and right, if two columns wide, with objects that stay.
        for strip in (slice(0, max(left - 1, 0)), slice(left + width + 1, grid_width)):
            if strip.stop - strip.start >= 2:
                views += [grid[rows, strip] for rows in (rows_above, rows_below) if draw.chance(0.5)]

        for view in views:
            if not draw.scatter(view, [draw.blob(draw.between(1, 2), 2, 2)], [draw.colour(largest)]):
                return None
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        largest = most(scene.shapes, lambda thing: thing.size)
        if largest is None:
            return None
        landing_row = 0 if self.where == "above" else -1
        if not largest.mask[landing_row].all():
            return None

        grid = scene.copy()
        for thing in scene.shapes:
            if thing.left >= largest.right or largest.left >= thing.right:
                continue  # no column in common
            if self.where == "above":
                down = max(largest.top - thing.bottom, 0)
            else:
                down = min(largest.bottom - thing.top, 0)
            if down != 0:
                move(grid, scene, thing, down, 0)
        # Overlapping objects lose coloured cells.
        return grid if np.count_nonzero(grid) == np.count_nonzero(scene.grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        # The region straight above or below the largest object, before and after.
        largest = max(question.shapes, key=lambda thing: thing.size)
        rows = slice(largest.top) if self.where == "above" else slice(largest.bottom, None)
        region = rows, slice(largest.left, largest.right)
        before, after = Scene(question.grid[region]), Scene(answer[region])

        # Outside of it nothing changes, and within it objects keep their forms.
        rest = answer.copy()
        rest[region] = before.grid
        forms_before = sorted(thing.form for thing in before.shapes)
        forms_after = sorted(thing.form for thing in after.shapes)
        if (rest != question.grid).any() or forms_before != forms_after:
            return "an object changed that should stay, or lost its form"

        # Objects touch the region's side next to the largest object.
        for thing in after.shapes:
            distance = after.height - thing.bottom if self.where == "above" else thing.top
            if distance != 0:
                return "an object does not touch the largest"

        columns_before, columns_after = np.sort(before.grid, axis=0), np.sort(after.grid, axis=0)
        return "" if (columns_before == columns_after).all() else "an object has left its columns"


@final
@dataclass(frozen=True, slots=True)
class StackInOrder(Rule):
    """Stack objects that are side by side into a grid as wide as one of them.

    All objects have the same width.
    """

    says = "Stack the objects without a gap, the leftmost at the {end}."
    keeps = OLD_COLOURS
    end: Literal["top", "bottom"]
    """The end of the stack at which the leftmost object is."""

    def question(self, draw: Draw) -> Grid | None:
        width, count = draw.between(2, 4), draw.between(2, 3)
        lanes_width = count * (width + 1)
        grid = np.zeros((draw.between(4, 8), lanes_width + draw.between(0, 3)), np.uint8)
        left = draw.below(grid.shape[1] - lanes_width + 2)
        for colour in draw.colours(count):
            mask = draw.blob(draw.between(1, 4), width, width + 1)
            top = draw.below(grid.shape[0] - len(mask) + 1)
            grid[top : top + len(mask), left : left + width][mask] = colour
            left += width + 1
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        things = sorted(scene.shapes, key=lambda thing: thing.left)
        if not 2 <= len(things) <= 5 or any(thing.width != things[0].width for thing in things):
            return None
        if any(left.right > right.left for left, right in pairwise(things)):
            return None
        if self.end == "bottom":
            things.reverse()
        return np.vstack([cut(scene, thing) for thing in things])

    def fault(self, question: Scene, answer: Grid) -> str:
        order = sorted(question.shapes, key=lambda thing: thing.left, reverse=self.end == "bottom")
        if answer.shape != (sum(thing.height for thing in order), order[0].width):
            return "the answer is not as high as all objects, or not as wide as one"
        row_colours = [int(row.max()) for row in answer]
        if row_colours != [thing.colour for thing in order for _ in range(thing.height)]:
            return "the colours are in another order"
        for thing in order:
            rows = (answer == thing.colour).any(axis=1)
            if not np.array_equal(answer[rows], question.grid[thing.box]):
                return "an object has another form"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SwapAcrossLine(Rule):
    """Swap the halves above and below a line in the middle row.

    Nothing is mirrored: both halves keep the order of their rows.
    """

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
        grid[: line.top] = scene.grid[line.bottom :]
        grid[line.bottom :] = scene.grid[: line.top]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Rolling by half the height restores the order of the halves: last half, first half, line.
        half = len(answer) // 2
        rolled = np.roll(answer, half, axis=0)
        rolled[half:-1], rolled[-1] = rolled[half:-1], answer[half]
        without_line = np.delete(question.grid, half, axis=0)
        return "" if np.array_equal(rolled[:-1], without_line) else "a half is not in the place of the other"


@final
@dataclass(frozen=True, slots=True)
class FillBetweenStacked(Rule):
    """Fill the ground between objects that share a column.

    Each column is filled by itself: ground with ink somewhere above it and somewhere below it.
    """

    says = "Fill the ground between every object and the object straight below it {ink}."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour that the ground takes."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        masks = [block(draw.between(1, 3), draw.between(2, 4)) for _ in range(draw.between(3, 5))]
        palette = draw.colours(2, self.ink)
        colours = [draw.pick(palette) for _ in masks]
        return grid if draw.scatter(grid, masks, colours, 2) else None

    def answer(self, scene: Scene) -> Grid | None:
        ink = scene.grid != 0
        has_ink_above = np.logical_or.accumulate(ink, axis=0)
        has_ink_below = np.logical_or.accumulate(ink[::-1], axis=0)[::-1]
        grid = scene.copy()
        grid[has_ink_above & has_ink_below & ~ink] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        expected = 0
        for before, after in zip(question.grid.T, answer.T, strict=True):
            inked_rows = np.flatnonzero(before)
            if len(inked_rows):
                span = after[inked_rows[0] : inked_rows[-1]]
                expected += int(np.count_nonzero(span == self.ink))
                if not span.all():
                    return "there is ground between two objects"
        return changed(question, answer, expected)


@final
@dataclass(frozen=True, slots=True)
class BeyondThePivot(Rule):
    """Recolour the objects wholly above or below one object of a given colour, the pivot.

    An object that shares a row with the pivot is neither above nor below it, and stays.
    """

    says = "Recolour {ink} every object that lies wholly {where} the {pivot} object."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint
    """The new colour."""
    where: Where
    """The side of the pivot whose objects are recoloured."""
    pivot: Seen
    """The colour of the pivot."""

    def question(self, draw: Draw) -> Grid | None:
        if self.ink == self.pivot:
            return None
        grid = draw.ground(10, 14)
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 3) for _ in range(draw.between(4, 6))]
        pivot_top, pivot_left = draw.between(3, grid.shape[0] - 6), draw.below(grid.shape[1] - 2)
        common, rare = draw.colours(2, self.ink, self.pivot)
        colours = [self.pivot, *(draw.pick((common, common, rare)) for _ in masks[1:])]
        if not draw.scatter(grid, masks, colours, fixed=[(pivot_top, pivot_left)]):
            return None

        # A question has objects on both sides, so that the side matters.
        things = Scene(grid).shapes
        pivot_bottom = pivot_top + len(masks[0])
        has_above = any(thing.bottom <= pivot_top for thing in things)
        has_below = any(thing.top >= pivot_bottom for thing in things)
        return grid if has_above and has_below else None

    def answer(self, scene: Scene) -> Grid | None:
        pivots = scene.of(self.pivot)
        if len(pivots) != 1 or self.ink == self.pivot:
            return None
        pivot = pivots[0]
        grid = scene.copy()
        for thing in scene.shapes:
            is_beyond = thing.bottom <= pivot.top if self.where == "above" else thing.top >= pivot.bottom
            if is_beyond:
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        pivot_rows = np.flatnonzero((question.grid == self.pivot).any(axis=1))
        expected = 0
        for thing in question.shapes:
            if self.where == "above":
                is_beyond = thing.bottom - 1 < pivot_rows[0]
            else:
                is_beyond = thing.top > pivot_rows[-1]
            if is_beyond:
                expected += thing.size
            if (answer[thing.box] == self.ink).any() != is_beyond:
                return f"an object {self.where} the pivot is not recoloured, or another one is"
        return changed(question, answer, expected)


def _line(scene: Scene) -> Thing | None:
    """Return the one object that is exactly a whole row, or None."""
    lines = [thing for thing in scene.pieces if thing.height == 1 and thing.width == scene.width]
    return lines[0] if len(lines) == 1 else None


def _fullest_row(scene: Scene) -> int:
    """Return the first row with the most coloured cells."""
    return int(np.argmax(np.count_nonzero(scene.grid, axis=1)))


def _ruled(draw: Draw, height: int, row: int) -> Grid | None:
    """Draw a grid with a line in this row and objects above and below it.

    Objects are at least two cells wide. A row of ground separates them from the line.
    """
    grid = np.zeros((height, draw.between(8, 14)), np.uint8)
    line = draw.colour()
    grid[row] = line
    for half in (grid[: row - 1], grid[row + 2 :]):
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(1, 3))]
        colours = [draw.colour(line) for _ in masks]
        if not draw.scatter(half, masks, colours):
            return None
    return grid
