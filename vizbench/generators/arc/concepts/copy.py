"""Define the rules of Copy: repeat something at places that the grid shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, RECOLOURS, SAME_SIZE
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import MAX_SIDE, Axis, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, paint, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class RepeatTheGrid(Rule):
    """Repeat the whole grid in a row or a column. Copies touch each other."""

    says = "Put {n} copies of the grid into a {line}, {manner}."
    keeps = OLD_COLOURS
    n: Literal[2, 3, 4]
    """The number of copies."""
    line: Axis
    """The direction in which copies follow each other."""
    manner: Literal["all alike", "every second one mirrored at the edge that they share"]
    """Whether every second copy is mirrored."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = draw.between(3, 6), draw.between(3, 6)
        mask = draw.blob(height, width, draw.between(6, 16))
        grid = draw.coloured(mask, draw.colours(draw.between(2, 3)))
        is_symmetric = np.array_equal(grid, np.flip(grid, self._axis))
        return None if is_symmetric else grid

    def answer(self, scene: Scene) -> Grid | None:
        if scene.grid.shape[self._axis] * self.n > MAX_SIDE:
            return None
        second = np.flip(scene.grid, self._axis) if self._is_mirrored else scene.grid
        return np.concatenate([scene.grid, second, scene.grid, second][: self.n], self._axis)

    def fault(self, question: Scene, answer: Grid) -> str:
        across = 1 - self._axis
        if answer.shape[across] != question.grid.shape[across] or answer.shape[self._axis] % self.n:
            return "the answer is not a row or column of this many copies"
        parts = np.array_split(answer, self.n, self._axis)
        if self._is_mirrored:
            parts[1::2] = [np.flip(part, self._axis) for part in parts[1::2]]
        is_repeated = all(np.array_equal(part, question.grid) for part in parts)
        return "" if is_repeated else "a copy differs from the grid"

    @property
    def _axis(self) -> int:
        """Axis of the array along which copies follow each other."""
        return 1 if self.line == "row" else 0

    @property
    def _is_mirrored(self) -> bool:
        """Whether every second copy is mirrored."""
        return self.manner != "all alike"


@final
@dataclass(frozen=True, slots=True)
class CopyIntoFrames(Rule):
    """Copy the only object outside the frames into the middle of each frame.

    All frames are empty. A frame stays empty if it is too small, or if the object cannot be in its middle.
    """

    says = "Copy the object into the middle of every empty frame."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        # The object, and frames with one or two cells around it.
        grid = draw.ground(12, 17)
        height, width = draw.pick((2, 3)), draw.pick((2, 3, 3, 4))
        frame_colour, *object_colours = draw.colours(draw.between(2, 3))
        max_frames = 3 if height < 3 else 2
        frame_sizes = [
            (height + 2 + 2 * draw.below(2), width + 2 + 2 * draw.below(2))
            for _ in range(draw.between(1, max_frames))
        ]
        corners = draw.corners(grid, [(height, width), *frame_sizes])
        if corners is None:
            return None
        mask = draw.blob(height, width, draw.between(3, 7))
        stamp(grid, draw.coloured(mask, object_colours), *corners[0])
        for size, (top, left) in zip(frame_sizes, corners[1:], strict=True):
            grid[top : top + size[0], left : left + size[1]][frame(*size)] = frame_colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        frames = [thing for thing in scene.shapes if _is_empty_frame(scene, thing)]
        if not frames:
            return None

        # What remains without the frames is the object. It may touch a frame.
        rest = scene.copy()
        for each in frames:
            paint(rest, each, 0)
        others = Scene(rest)
        if len(others.groups) != 1:
            return None
        pixels = cut(others, others.groups[0])

        grid = scene.copy()
        for each in frames:
            spare_rows, spare_columns = each.height - pixels.shape[0], each.width - pixels.shape[1]
            has_middle = spare_rows % 2 == spare_columns % 2 == 0
            if min(spare_rows, spare_columns) >= 2 and has_middle:
                stamp(grid, pixels, each.top + spare_rows // 2, each.left + spare_columns // 2)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        frames = [group for group in question.groups if _is_empty_frame(question, group)]
        original = next(group for group in question.groups if group not in frames)
        for each in frames:
            window = answer[each.box]
            new = np.argwhere(window != question.grid[each.box])
            if len(new) != original.size:
                return "a frame does not have as many new cells as the object"
            (top, left), (bottom, right) = new.min(axis=0), new.max(axis=0) + 1
            if top != each.height - bottom or left != each.width - right:
                return "a copy is not in the middle of its frame"
            if not np.array_equal(window[top:bottom, left:right], question.grid[original.box]):
                return "a copy differs from the object"
        return changed(question, answer, original.size * len(frames))


@final
@dataclass(frozen=True, slots=True)
class CopyOntoDots(Rule):
    """Replace each dot by a copy of the only object.

    Dots are single cells of a colour that the object does not have. All dots disappear.
    """

    says = "Replace every single {dot} cell by a copy of the object whose {place} lies there."
    keeps = SAME_SIZE | OLD_COLOURS
    place: Literal[
        "centre", "top left corner", "top right corner", "bottom left corner", "bottom right corner"
    ]
    """The place in the object's box that comes onto the dot."""
    dot: Seen
    """The colour of the dots."""

    def question(self, draw: Draw) -> Grid | None:
        # An object whose cell at the place is coloured. One with a centre cell has odd sides.
        grid = draw.ground(10, 15)
        if self.place == "centre":
            height, width = 3, 3
        else:
            height, width = draw.between(2, 4), draw.between(2, 4)
        mask = draw.blob(height, width, draw.between(3, 8)).copy()
        down, right = self._offset(height, width)
        mask[down, right] = True
        pixels = draw.coloured(mask, draw.colours(draw.between(1, 2), self.dot))

        # The object, and dots that leave enough ground for the copies.
        corners = draw.corners(grid, [mask.shape] * draw.between(2, 4))
        if corners is None:
            return None
        stamp(grid, pixels, *corners[0])
        for top, left in corners[1:]:
            grid[top + down, left + right] = self.dot
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        # One object, and dots that touch nothing.
        dots = scene.of(self.dot)
        others = [group for group in scene.groups if group.colour != self.dot]
        if not dots or len(others) != 1 or any(dot.size > 1 for dot in dots):
            return None
        if len(scene.groups) != len(dots) + 1:
            return None

        pixels = cut(scene, others[0])
        height, width = pixels.shape
        if self.place == "centre" and (height % 2 == 0 or width % 2 == 0):
            return None
        down, right = self._offset(height, width)

        grid = np.where(scene.grid == self.dot, np.uint8(0), scene.grid)
        done = [stamp(grid, pixels, dot.top - down, dot.left - right) for dot in dots]
        return grid if all(done) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        looks = {cut(after, group).tobytes() for group in after.groups}
        if after.counts[self.dot] or len(looks) != 1:
            return "a dot is left, or the objects differ"

        dots = {(row, column) for row, column in np.argwhere(question.grid == self.dot).tolist()}
        places: set[tuple[int, int]] = set()
        for group in after.groups:
            down, right = self._offset(group.height, group.width)
            places.add((group.top + down, group.left + right))
        # The copies are on the dots. The object itself is not on one.
        if not dots < places or len(places) != len(dots) + 1:
            return "a copy is not on a dot, or a dot has no copy"

        original = next(group for group in question.groups if group.colour != self.dot)
        is_same = np.array_equal(answer[original.box], question.grid[original.box])
        return "" if is_same else "the object changed"

    def _offset(self, height: int, width: int) -> tuple[int, int]:
        """Return the row and column of the place in a box of this size."""
        if self.place == "centre":
            return height // 2, width // 2
        row = 0 if "top" in self.place else height - 1
        column = 0 if "left" in self.place else width - 1
        return row, column


@final
@dataclass(frozen=True, slots=True)
class CopyToEveryField(Rule):
    """Copy what one field holds into all other fields.

    Lines from edge to edge part the grid into fields of one size. Only one field holds something.
    """

    says = (
        "The {line} lines part the grid into fields: "
        "copy what lies in one field to the same place in all others."
    )
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    line: Seen
    """The colour of the lines."""

    def question(self, draw: Draw) -> Grid | None:
        # Empty fields.
        rows, columns = draw.pick(((1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 2), (3, 3)))
        height, width = draw.between(3, 5), draw.between(3, 5)
        grid = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1), np.uint8)
        grid[height :: height + 1] = grid[:, width :: width + 1] = self.line

        # An object somewhere in one of them.
        mask = draw.blob(draw.between(2, height), draw.between(2, width), draw.between(3, 7))
        pixels = draw.coloured(mask, draw.colours(draw.between(1, 3), self.line))
        top = draw.below(rows) * (height + 1) + draw.below(height - mask.shape[0] + 1)
        left = draw.below(columns) * (width + 1) + draw.below(width - mask.shape[1] + 1)
        return grid if stamp(grid, pixels, top, left) else None

    def answer(self, scene: Scene) -> Grid | None:
        height, width = _field_size(scene, self.line)
        if (height, width) == scene.grid.shape:
            return None
        if (scene.height + 1) % (height + 1) or (scene.width + 1) % (width + 1):
            return None

        # With a line added below and on the right, the grid is an array of fields with their lines:
        # `(rows of fields, height + 1, columns of fields, width + 1)`.
        grid = np.full((scene.height + 1, scene.width + 1), self.line, np.uint8)
        grid[:-1, :-1] = scene.grid
        rows, columns = (scene.height + 1) // (height + 1), (scene.width + 1) // (width + 1)
        ruled = grid.reshape(rows, height + 1, columns, width + 1)
        if (ruled[:, -1] != self.line).any() or (ruled[:, :, :, -1] != self.line).any():
            return None

        fields = ruled[:, :-1, :, :-1]
        filled = np.argwhere(fields.any(axis=(1, 3)))
        if len(filled) != 1:
            return None
        row, column = filled[0]
        fields[:] = fields[row, :, column][:, None].copy()
        return grid[:-1, :-1].copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        height, width = _field_size(question, self.line)
        differs_down = (answer[height + 1 :] != answer[: -height - 1]).any()
        differs_across = (answer[:, width + 1 :] != answer[:, : -width - 1]).any()
        if differs_down or differs_across:
            return "the fields differ"
        fields = ((question.height + 1) // (height + 1)) * ((question.width + 1) // (width + 1))
        object_size = question.grid.size - question.counts[0] - question.counts[self.line]
        return changed(question, answer, (fields - 1) * object_size)


@final
@dataclass(frozen=True, slots=True)
class CopyColoursOntoBlanks(Rule):
    """Give each blank object the colours of the coloured object of the same shape.

    Objects are groups of any colours. A blank object stays if no coloured object has its shape, or several.
    """

    says = "Give every {blank} object the colours of the coloured object of the same shape."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    blank: Seen
    """The colour of the blank objects."""

    def question(self, draw: Draw) -> Grid | None:
        # Two coloured objects, and blank ones of their shapes.
        grid = draw.ground(11, 15)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 3), draw.between(4, 7)) for _ in range(2)]
        models = [draw.coloured(mask, draw.colours(draw.between(2, 3), self.blank)) for mask in masks]
        copies = [draw.pick(masks) for _ in range(draw.between(1, 3))]
        corners = draw.corners(grid, [mask.shape for mask in (*masks, *copies)])
        if corners is None:
            return None
        blanks = [mask * np.uint8(self.blank) for mask in copies]
        for pixels, (top, left) in zip((*models, *blanks), corners, strict=True):
            stamp(grid, pixels, top, left)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        models = [group for group in scene.groups if group.colour != self.blank]
        if not models or len(models) == len(scene.groups):
            return None
        forms = [model.form for model in models]
        grid = scene.copy()
        for group in scene.groups:
            if group.colour == self.blank and forms.count(group.form) == 1:
                model = models[forms.index(group.form)]
                stamp(grid, cut(scene, model), group.top, group.left)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        looks = {cut(question, group).tobytes() for group in question.groups if group.colour != self.blank}
        if any(cut(after, group).tobytes() not in looks for group in after.groups):
            return "an object has colours that no object of the question has"
        return changed(question, answer, question.counts[self.blank])


@final
@dataclass(frozen=True, slots=True)
class GridOfGrids(Rule):
    """Replace each cell of the grid by a copy of the whole grid or by ground.

    A grid of h rows and w columns becomes one of h * h rows and w * w columns.
    """

    says = (
        "Put a copy of the whole grid in place of each of its {ink} cells, "
        "and as much ground in place of the others."
    )
    keeps = OLD_COLOURS
    ink: Seen
    """The colour of the cells that are replaced by copies."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = draw.between(3, 4), draw.between(3, 4)
        mask = draw.blob(height, width, draw.between(5, 11))
        grid = draw.coloured(mask, [self.ink, *draw.colours(2, self.ink)])
        copies = np.count_nonzero(grid == self.ink)
        return grid if 1 < copies < height * width - 3 else None

    def answer(self, scene: Scene) -> Grid | None:
        height, width = scene.height, scene.width
        if max(height, width) > 5 or not scene.counts[self.ink]:
            return None
        # `(height, height, width, width)`: the row of the copy, the row in it, and the columns likewise.
        is_copy = (scene.grid == self.ink)[:, None, :, None]
        copies = is_copy * scene.grid[None, :, None, :]
        return copies.reshape(height * height, width * width)

    def fault(self, question: Scene, answer: Grid) -> str:
        height, width = question.grid.shape
        if answer.shape != (height * height, width * width):
            return "the answer has another size"
        for (row, column), colour in np.ndenumerate(question.grid):
            part = answer[row * height : (row + 1) * height, column * width : (column + 1) * width]
            is_right = np.array_equal(part, question.grid) if colour == self.ink else not part.any()
            if not is_right:
                return "a copy is missing, different or in another place"
        expected = question.counts[self.ink] * int(np.count_nonzero(question.grid))
        return "" if np.count_nonzero(answer) == expected else "there are too many cells"


@final
@dataclass(frozen=True, slots=True)
class CopyToMarkedLines(Rule):
    """Copy the only coloured row or column into the marked ones.

    The mark of a line is its first cell. The line to copy is coloured beyond it and has no mark.
    Lines with marks of other colours stay empty.
    """

    says = "Copy the coloured {line} into every {line} whose first cell is {mark}."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    line: Axis
    """The direction of the lines."""
    mark: Seen
    """The colour of the marks."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = draw.between(8, 12), draw.between(6, 11)
        grid = np.zeros((height, width), np.uint8)
        colours = draw.colours(3, self.mark)

        # One coloured row, two marked ones, and one whose mark may have another colour.
        coloured, first, second, last = draw.some(range(draw.below(2), height, 2), 4)
        grid[coloured, 2:] = [draw.pick((0, *colours)) for _ in range(width - 2)]
        grid[[first, second], 0] = self.mark
        grid[last, 0] = draw.pick((self.mark, colours[0], colours[1]))
        if np.count_nonzero(grid[coloured]) < 3:
            return None
        return grid if self.line == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        before = scene.grid if self.line == "row" else scene.grid.T
        coloured = np.flatnonzero(before[:, 1:].any(axis=1))
        if len(coloured) != 1 or before[coloured[0], 0]:
            return None
        grid = scene.copy()
        lines = grid if self.line == "row" else grid.T
        is_marked = before[:, 0] == self.mark
        lines[is_marked, 1:] = before[coloured[0], 1:]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = (question.grid, answer) if self.line == "row" else (question.grid.T, answer.T)
        pattern = next(line for line in before.tolist() if any(line[1:]))
        marked = [line for line in after.tolist() if line[0] == self.mark]
        if any(line[1:] != pattern[1:] for line in marked):
            return "a marked line differs from the coloured one"
        coloured_cells = sum(colour > 0 for colour in pattern)
        return changed(question, answer, len(marked) * coloured_cells)


@final
@dataclass(frozen=True, slots=True)
class CopyPerTick(Rule):
    """Repeat a block once for each tick beside it.

    The grid is only the block and its ticks. The ticks continue the top edge to the right, or the left edge
    downwards.
    """

    says = (
        "Draw the block once, and once more for each {tick} cell, "
        "in the direction of these cells, one cell apart."
    )
    keeps = OLD_COLOURS
    tick: Seen
    """The colour of the ticks."""

    def question(self, draw: Draw) -> Grid | None:
        height, width, ticks = draw.between(3, 5), draw.between(3, 5), draw.between(1, 4)
        grid = np.zeros((height, width + ticks), np.uint8)
        colours = draw.colours(draw.between(2, 3), self.tick)
        grid[:, :width] = draw.coloured(block(height, width), colours)
        grid[0, width:] = self.tick
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        runs = scene.of(self.tick)
        if len(runs) != 1 or not runs[0].solid or len(scene.colours) < 2:
            return None

        # The ticks and the axis of the array along which they run.
        run, ticks = runs[0], runs[0].size
        if run.top == 0 and run.right == scene.width and run.height == 1 and run.left > 0:
            pixels, axis = scene.grid[:, : run.left], 1
        elif run.left == 0 and run.bottom == scene.height and run.width == 1 and run.top > 0:
            pixels, axis = scene.grid[: run.top], 0
        else:
            return None
        if (pixels.shape[axis] + 1) * (ticks + 1) - 1 > MAX_SIDE:
            return None

        # Blocks with a line of ground after each, of which the last goes.
        padding = ((0, 0), (0, 1)) if axis == 1 else ((0, 1), (0, 0))
        repeated = np.concatenate([np.pad(pixels, padding)] * (ticks + 1), axis)
        return repeated[:, :-1] if axis == 1 else repeated[:-1]

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn columns into rows, so that blocks follow each other from left to right.
        ticks = question.counts[self.tick]
        is_row = question.grid[0, -1] == self.tick
        before, after = (question.grid, answer) if is_row else (question.grid.T, answer.T)

        width = before.shape[1] - ticks
        if after.shape != (before.shape[0], (width + 1) * (ticks + 1) - 1):
            return "the answer is too small or too large for this number of blocks"
        if after[:, width :: width + 1].any() or (after[:, width + 1 :] != after[:, : -width - 1]).any():
            return "the blocks differ, or touch"
        return "" if np.array_equal(after[:, :width], before[:, :width]) else "the first block changed"


def _is_empty_frame(scene: Scene, thing: Thing) -> bool:
    """Return whether this is a hollow rectangle of one colour with only ground inside."""
    return thing.colour > 0 and thing.hollow and not scene.grid[thing.box][1:-1, 1:-1].any()


def _field_size(scene: Scene, line: int) -> tuple[int, int]:
    """Return the size of the first field.

    It is the number of rows above the first row that is all of the line's colour, and of columns before the
    first such column. Without such a line, it is the whole side.
    """
    is_line = scene.grid == line
    rows, columns = np.flatnonzero(is_line.all(axis=1)), np.flatnonzero(is_line.all(axis=0))
    height = int(rows[0]) if rows.size else scene.height
    width = int(columns[0]) if columns.size else scene.width
    return height, width
