"""Define the rules of Center: the centre of an object, of a line of objects and of the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, REARRANGES, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame, plus
from vizbench.generators.arc.rule import Axis, Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, drop, keep, most, move, paint
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class DotInFrames(Rule):
    """Put a dot into the middle cell of each frame.

    Frames with even sides have no middle cell and stay.
    """

    says = "Put one {ink} cell into the middle of every frame that has a middle cell."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of the dots."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 16)
        # The first frame has odd sides, so that something changes.
        sides = [draw.pick((3, 5, 7))]
        sides += [draw.between(3, 6) for _ in range(draw.between(1, 3))]
        colours = [draw.colour(self.ink) for _ in sides]
        return grid if draw.scatter(grid, [frame(side, side) for side in sides], colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.pieces:
            has_middle_cell = thing.height % 2 == 1 and thing.width % 2 == 1
            if has_middle_cell and thing.hollow:
                grid[thing.top + thing.height // 2, thing.left + thing.width // 2] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        odd_holes = [hole for hole in question.holes if hole.height % 2 and hole.width % 2]
        for hole in odd_holes:
            window = answer[hole.box]
            is_symmetric = np.array_equal(window, window[::-1, ::-1])
            if not is_symmetric or np.count_nonzero(window) != 1:
                return "a hole with odd sides does not have one cell in its middle"
        return changed(question, answer, len(odd_holes))


@final
@dataclass(frozen=True, slots=True)
class NearestTheMiddle(Rule):
    """Keep only the object nearest to the centre of the grid, or take it away.

    The distance is that between the centres of the object's box and the grid.
    """

    says = "{deed} the object that lies nearest to the centre of the grid."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Literal["Take away", "Keep only"]
    """What happens to the nearest object."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(3, 5))]

        # The first object is in the middle of the grid. On odd gaps, chance rounds up or down.
        height, width = masks[0].shape
        top = (grid.shape[0] - height + draw.below(2)) // 2
        left = (grid.shape[1] - width + draw.below(2)) // 2
        colours = [draw.colour() for _ in masks]
        if not draw.scatter(grid, masks, colours, fixed=[(top, left)]):
            return None

        # The second nearest object must be clearly farther away.
        scene = Scene(grid)
        distances = sorted(_from_centre(scene, thing) for thing in scene.shapes)
        return grid if distances[1] > 24 else None

    def answer(self, scene: Scene) -> Grid | None:
        nearest = most(scene.shapes, lambda thing: -_from_centre(scene, thing))
        if nearest is None:
            return None
        return keep(scene, [nearest]) if self.deed == "Keep only" else drop(scene, [nearest])

    def fault(self, question: Scene, answer: Grid) -> str:
        remaining = len(Scene(answer).shapes)
        expected = 1 if self.deed == "Keep only" else len(question.shapes) - 1
        return "" if remaining == expected else f"{remaining} objects are left, but {expected} should be"


@final
@dataclass(frozen=True, slots=True)
class MoveToTheMiddle(Rule):
    """Move the only object to the centre of the grid.

    Along each axis, the sides of the object and the grid are both odd or both even.
    """

    says = "Move the object to the centre of the grid."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 14)
        height, width = (side % 2 + 2 * draw.between(1, 2) for side in grid.shape)
        mask = draw.blob(height, width, height * width // 2)
        return grid if draw.scatter(grid, [mask], [draw.colour()]) else None

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.groups) != 1:
            return None
        thing = scene.groups[0]
        # Twice the distance to move, as `middle` is twice the centre.
        down, right = scene.height - 1 - thing.middle[0], scene.width - 1 - thing.middle[1]
        if down % 2 or right % 2:
            return None
        grid = scene.copy()
        return grid if move(grid, scene, thing, down // 2, right // 2) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        things = Scene(answer).groups
        if len(things) != 1 or things[0].form != question.groups[0].form:
            return "the object is not what it was"
        (height, width), thing = answer.shape, things[0]
        is_central = thing.top == height - thing.bottom and thing.left == width - thing.right
        return "" if is_central else "the object's distances to opposite edges differ"


@final
@dataclass(frozen=True, slots=True)
class CutOutTheMiddle(Rule):
    """Cut a square out of the middle of the grid.

    The sides of the grid are odd if the square's side is odd, and even otherwise.
    """

    says = "Cut out the middle {side}x{side} cells of the grid."
    keeps = SHRINKS | OLD_COLOURS
    side: Literal[1, 2, 3, 4, 5]
    """The side of the square, in cells."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = (self.side + 2 * draw.between(1, 3) for _ in range(2))
        return draw.coloured(block(height, width), [0, 0, *draw.colours(4)])

    def answer(self, scene: Scene) -> Grid | None:
        spare_rows, spare_columns = scene.height - self.side, scene.width - self.side
        if spare_rows < 0 or spare_columns < 0 or spare_rows % 2 or spare_columns % 2:
            return None
        top, left = spare_rows // 2, spare_columns // 2
        return scene.grid[top : top + self.side, left : left + self.side].copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        if answer.shape != (self.side, self.side):
            return "the answer has another size"
        # Pasting the answer back into the middle must change nothing.
        margin = [(length - self.side) // 2 for length in question.grid.shape]
        pasted = question.copy()
        pasted[margin[0] : -margin[0], margin[1] : -margin[1]] = answer
        return changed(question, pasted, 0)


@final
@dataclass(frozen=True, slots=True)
class LineThroughTheMiddle(Rule):
    """Draw a line through the middle of the only object, from edge to edge.

    Only ground is painted: the line passes behind the object.
    """

    says = (
        "Draw one {ink} line through the middle of the object, along its {axis}, "
        "from edge to edge, behind the object."
    )
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of the line."""
    axis: Axis
    """The direction of the line."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 16)
        height, width = (draw.pick((3, 5)) for _ in range(2))
        mask = self._mask(draw, height, width)
        return grid if draw.scatter(grid, [mask], [draw.colour(self.ink)], margin=1) else None

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 1:
            return None
        is_vertical = self.axis == "column"
        twice_middle = scene.shapes[0].middle[is_vertical]
        if twice_middle % 2:
            return None
        grid = scene.copy()
        line = grid[:, twice_middle // 2] if is_vertical else grid[twice_middle // 2]
        line[line == 0] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        thing = question.shapes[0]
        is_vertical = self.axis == "column"
        changed_lines = (answer != question.grid).any(axis=0 if is_vertical else 1)
        if changed_lines.sum() != 1:
            return "not one line changed"
        at = int(np.argmax(changed_lines))
        first, end = thing.span(int(is_vertical))
        is_in_middle = at - first == end - 1 - at
        is_full = (answer[:, at] if is_vertical else answer[at]).all()
        return "" if is_in_middle and is_full else "the line is not in the object's middle, or has gaps"

    @staticmethod
    def _mask(draw: Draw, height: int, width: int) -> Mask:
        """Draw a full rectangle or a plus now and then, and a blob most times."""
        if draw.chance(0.1):
            return block(height, width)
        if draw.chance(0.1):
            return plus(2)
        return draw.blob(height, width, draw.between(5, 14))


@final
@dataclass(frozen=True, slots=True)
class MiddleOfThree(Rule):
    """Cut out the middle one of three objects in a row or column.

    The grid shows which of the two it is.
    """

    says = "Three objects stand in a {axis}: cut out the middle one."
    keeps = SHRINKS | OLD_COLOURS
    axis: Axis
    """The direction in which the objects follow each other."""

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(5, 7), draw.between(14, 16)), np.uint8)

        # From left to right, one or two columns of ground between objects.
        lefts: list[int] = []
        left = draw.below(2)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 3), 3) for _ in range(3)]
        for mask in masks:
            lefts.append(left)
            left += mask.shape[1] + draw.between(1, 2)

        for mask, left, colour in zip(masks, lefts, draw.colours(3), strict=True):
            height, width = mask.shape
            top = draw.below(grid.shape[0] - height + 1)
            grid[top : top + height, left : left + width][mask] = colour
        return grid if self.axis == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 3:
            return None
        is_row = self.axis == "row"
        first, middle, last = sorted(scene.shapes, key=lambda thing: thing.middle[is_row])
        if is_row:
            is_apart = first.right <= middle.left and middle.right <= last.left
        else:
            is_apart = first.bottom <= middle.top and middle.bottom <= last.top
        return cut(scene, middle) if is_apart else None

    def fault(self, question: Scene, answer: Grid) -> str:
        counts = np.bincount(answer.ravel(), minlength=10)
        inked = [colour for colour in range(1, 10) if counts[colour]]
        if len(inked) != 1 or counts[inked[0]] != question.counts[inked[0]]:
            return "the answer is not one whole object"

        # Each object has a colour of its own, so a colour identifies an object.
        axis = 1 if self.axis == "row" else 0
        places: dict[int, float] = {}
        for colour in question.colours:
            places[colour] = np.argwhere(question.grid == colour)[:, axis].mean()
        is_middle = sorted(places.values())[1] == places[inked[0]]
        return "" if is_middle else "the object is not between the others"


@final
@dataclass(frozen=True, slots=True)
class Midpoint(Rule):
    """Put a dot half-way between the two cells of each colour.

    The two cells share a row or a column.
    """

    says = "Put one {ink} cell half-way between two cells of one colour."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of the dots."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        colours = draw.colours(draw.between(1, 3), self.ink)
        # Boxes of odd length, one cell thick: the two cells are their ends.
        sizes = [draw.pick(((1, length), (length, 1))) for length in draw.some((3, 5, 7), len(colours))]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width), colour in zip(corners, sizes, colours, strict=True):
            grid[top, left] = colour
            grid[top + height - 1, left + width - 1] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            dots = scene.of(colour)
            if len(dots) != 2 or dots[0].size != 1 or dots[1].size != 1 or not _aligned(*dots):
                continue
            row_sum, column_sum = dots[0].top + dots[1].top, dots[0].left + dots[1].left
            if row_sum % 2 == column_sum % 2 == 0:
                grid[row_sum // 2, column_sum // 2] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for row, column in np.argwhere(answer != question.grid):
            if not _is_midpoint(question, row, column):
                return "a new cell is not half-way between two of a colour"
        return changed(question, answer, len(question.colours))


@final
@dataclass(frozen=True, slots=True)
class CrossbarToTheMiddle(Rule):
    """Slide a crossbar along a long bar to the bar's middle.

    The crossbar is two cells, one on each side of the bar.
    """

    says = "Slide the two cells that sit beside the bar to the bar's middle."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(5, 9), draw.between(10, 14)), np.uint8)
        length, row = draw.pick((5, 7, 9)), draw.between(1, grid.shape[0] - 2)
        left = draw.below(grid.shape[1] - length + 1)
        bar_colour, crossbar_colour = draw.colours(2)
        grid[row, left : left + length] = bar_colour
        column = left + draw.below(length)
        grid[row - 1, column] = grid[row + 1, column] = crossbar_colour
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        bar = most(scene.shapes, lambda thing: thing.size)
        sides = [thing for thing in scene.shapes if thing is not bar]
        if bar is None or not bar.solid or len(sides) != 2 or sides[0].size != 1 or sides[1].size != 1:
            return None

        # Twice the distance to move along the bar, the same for both cells.
        axis = 1 if bar.width > bar.height else 0
        shift = bar.middle[axis] - sides[0].middle[axis]
        if shift % 2 or sides[0].middle[axis] != sides[1].middle[axis]:
            return None
        down, right = (0, shift // 2) if axis == 1 else (shift // 2, 0)

        grid = scene.copy()
        for side in sides:
            paint(grid, side, 0)
        done = [move(grid, scene, side, down, right) for side in sides]
        return grid if all(done) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        groups = Scene(answer).groups
        if len(groups) != 1:
            return "the pieces are not connected"
        window = answer[groups[0].box]
        is_symmetric = np.array_equal(window, window[::-1]) and np.array_equal(window, window[:, ::-1])
        return "" if is_symmetric else "the figure is not its own mirror image"


def _from_centre(scene: Scene, thing: Thing) -> int:
    """Return four times the squared distance between the centres of an object and the grid."""
    row, column = thing.middle
    return (row - scene.height + 1) ** 2 + (column - scene.width + 1) ** 2


def _aligned(a: Thing, b: Thing) -> bool:
    """Return whether two single cells share a row or a column."""
    return a.top == b.top or a.left == b.left


def _is_midpoint(scene: Scene, row: int, column: int) -> bool:
    """Return whether the cells of some colour add up to twice this place."""
    for colour in scene.colours:
        total = np.argwhere(scene.grid == colour).sum(axis=0)
        if (total == (2 * row, 2 * column)).all():
            return True
    return False
