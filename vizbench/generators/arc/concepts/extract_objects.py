"""Define the rules of ExtractObjects: cut one part out of a busy grid, and leave the rest behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import OLD_COLOURS, ONE_INK, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Axis, Rule, Seen
from vizbench.generators.arc.scene import Mask, Scene, Thing, box_of, cut, is_window, parted, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class ObjectAmongSpecks(Rule):
    """Cut out the only object among specks.

    Specks have one or two cells, of the object's colour or another.
    """

    says = "Cut out the one object, and leave the specks of one or two cells."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        size = draw.between(3, 5), draw.between(3, 5)
        masks = [frame(*size) if draw.chance(0.2) else draw.blob(*size, draw.between(5, 9))]
        for _ in range(draw.between(5, 9)):
            speck_width = 2 if draw.chance(0.2) else 1
            masks.append(block(1, speck_width))
        palette = draw.colours(2)
        colours = [draw.pick(palette) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        things = [thing for thing in scene.shapes if thing.size > 2]
        has_specks = len(scene.shapes) > len(things)
        return cut(scene, things[0]) if len(things) == 1 and has_specks else None

    def fault(self, question: Scene, answer: Grid) -> str:
        return _window_fault(question, answer, (thing for thing in question.shapes if thing.size > 2))


@final
@dataclass(frozen=True, slots=True)
class ColourOffTheEdge(Rule):
    """Cut out the only colour that does not reach the grid's edge.

    Every colour of the pattern around it does.
    """

    says = "Cut out the one colour that is no part of the pattern, and leave the pattern behind."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        # A pattern of stripes, diagonals or steps.
        height, width = draw.between(9, 15), draw.between(9, 15)
        rows, columns = np.indices((height, width))
        own_colour, *others = draw.colours(4)
        palette = np.array(draw.shuffled([*others[: draw.between(1, 3)], 0]), np.uint8)
        patterns = (rows, columns, rows + columns, rows - columns + 30, rows // 2 + columns // 2)
        grid = palette[draw.pick(patterns) % len(palette)]

        # An object that leaves the edge free.
        mask = draw.blob(draw.between(2, 5), draw.between(3, 5), draw.between(4, 12))
        return grid if draw.scatter(grid, [mask], [own_colour], margin=1) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid
        at_edge = {*grid[0].tolist(), *grid[-1].tolist(), *grid[:, 0].tolist(), *grid[:, -1].tolist()}
        off_edge = [colour for colour in scene.colours if colour not in at_edge]
        if len(off_edge) != 1 or not any(at_edge):
            return None
        return _cropped(grid == off_edge[0], off_edge[0])

    def fault(self, question: Scene, answer: Grid) -> str:
        colour = int(answer.max())
        before, after = np.argwhere(question.grid == colour), np.argwhere(answer)
        if not colour or len(before) != len(after) or (before - before.min(axis=0) != after).any():
            return "the answer does not have all cells of one colour as they were"
        if tuple(after.max(axis=0) + 1) != answer.shape:
            return "the answer has empty lines at its sides"
        cells_off_edge = np.count_nonzero(question.grid[1:-1, 1:-1] == colour)
        return "" if cells_off_edge == len(before) else "the colour reaches the edge"


@final
@dataclass(frozen=True, slots=True)
class FrameMadeWhole(Rule):
    """Cut out the only frame of its colour, and restore the part that other frames hide.

    Its colour has fewer cells than the colour of the other frames. One of these crosses it.
    """

    says = "Cut out the frame that is the only one of its colour, made whole where others hide it."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        # The size of the frame, and the size of the others.
        grid = draw.ground(11, 15)
        height, width = draw.between(4, 6), draw.between(4, 6)
        other_height, other_width = draw.between(3, 4), draw.between(3, 4)

        # How far another frame is shifted against it, so that they cross.
        down = draw.pick((2 - other_height, draw.between(1, 2), height - 2))
        right = draw.pick((2 - other_width, draw.between(1, 2), width - 2))

        # Places for the box of these two, and for two or three frames more.
        offset_down, offset_right = max(0, -down), max(0, -right)
        both_height = max(height, down + other_height) + offset_down
        both_width = max(width, right + other_width) + offset_right
        extra = [(other_height, other_width)] * draw.between(2, 3)
        corners = draw.corners(grid, [(both_height, both_width), *extra])
        if corners is None:
            return None
        own_colour, other_colour = draw.colours(2)
        (both_top, both_left), *extra_corners = corners

        # The crossing frame is on top most times.
        top, left = both_top + offset_down, both_left + offset_right
        own_layer = (top, left, height, width, own_colour)
        crossing_layer = (top + down, left + right, other_height, other_width, other_colour)
        layers = [own_layer, crossing_layer] if draw.chance(0.7) else [crossing_layer, own_layer]
        for top, left in extra_corners:
            layers.append((top, left, other_height, other_width, other_colour))
        for top, left, rows, columns, colour in layers:
            grid[top : top + rows, left : left + columns][frame(rows, columns)] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.colours) != 2:
            return None
        own, other = sorted(scene.colours, key=lambda colour: scene.counts[colour])
        if scene.counts[own] == scene.counts[other]:
            return None
        visible = _cropped(scene.grid == own, own)
        rim = frame(*visible.shape)
        if min(visible.shape) < 3 or visible[~rim].any():
            return None
        return rim * np.uint8(own)

    def fault(self, question: Scene, answer: Grid) -> str:
        colour = int(answer[0, 0])
        if not colour or min(answer.shape) < 3:
            return "the answer is not a whole frame"
        if answer[1:-1, 1:-1].any() or (answer[frame(*answer.shape)] != colour).any():
            return "the answer is not a whole frame"
        visible = np.argwhere(question.grid == colour)
        if not len(visible) or tuple(np.ptp(visible, axis=0) + 1) != answer.shape:
            return "the frame has another size than its visible part"
        is_fewer = 2 * len(visible) < np.count_nonzero(question.grid)
        return "" if is_fewer else "there are several frames of this colour"


@final
@dataclass(frozen=True, slots=True)
class BlockInStripes(Rule):
    """Cut out the block that fills the gaps between some stripes.

    Stripes are one cell thick. They and the block have one colour.
    """

    says = "Cut out the block that stands in the stripes, where the gaps between them are filled."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        # Rows, one in two or three.
        grid = draw.ground(9, 18)
        height, width = grid.shape
        period = draw.between(2, 3)
        phase = draw.below(period)
        colour = draw.colour()
        grid[phase::period] = colour

        # A block from one stripe to another, one to three further down.
        stripes = range(phase, height, period)
        first = draw.below(len(stripes) - 1)
        last = draw.between(first + 1, min(first + 3, len(stripes) - 1))
        block_width = draw.between(3, 6)
        left = draw.between(1, width - block_width - 2)
        grid[stripes[first] : stripes[last] + 1, left : left + block_width] = colour
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.colours) != 1:
            return None
        # Only the block has 2x2 coloured cells. These are the upper left ones.
        is_inked = scene.grid != 0
        is_square = is_inked[:-1, :-1] & is_inked[1:, :-1] & is_inked[:-1, 1:] & is_inked[1:, 1:]
        if not is_square.any():
            return None
        rows, columns = box_of(is_square)
        window = scene.grid[rows.start : rows.stop + 1, columns.start : columns.stop + 1]
        inked_cells = scene.grid.size - scene.counts[0]
        return window.copy() if window.all() and window.size < inked_cells else None

    def fault(self, question: Scene, answer: Grid) -> str:
        if not answer.all():
            return "the block has holes"
        # Turn columns into rows, so that stripes are full rows.
        has_vertical_stripes = not question.grid.all(axis=1).any()
        before, after = (question.grid.T, answer.T) if has_vertical_stripes else (question.grid, answer)

        # In the gaps only the block is coloured. It has one row more on both sides.
        row_counts = np.count_nonzero(before, axis=1)
        gaps = np.flatnonzero((row_counts > 0) & (row_counts < row_counts.max()))
        expected = gaps[-1] - gaps[0] + 3, row_counts[gaps[0]]
        return "" if after.shape == expected else "the block is larger or smaller"


@final
@dataclass(frozen=True, slots=True)
class ObjectsInLine(Rule):
    """Join all objects in a row or a column, in their order, without the specks.

    Objects have more than two cells. In a row they are three cells high, in a column three cells wide.
    """

    says = "Leave the specks, and join all objects in a {line} in the order in which they stand."
    keeps = SHRINKS | OLD_COLOURS
    line: Axis
    """The direction in which the objects follow each other."""

    def question(self, draw: Draw) -> Grid | None:
        # Objects from left to right, one or two columns apart.
        count = draw.between(2, 3)
        places: list[tuple[int, int]] = []
        masks: list[Mask] = []
        height, left = draw.between(7, 10), draw.below(2)
        for _ in range(count):
            has_hole = draw.chance(0.2)
            mask = frame(3, 3) if has_hole else draw.blob(3, draw.between(2, 4), draw.between(4, 8))
            masks.append(mask)
            places.append((draw.below(height - 2), left))
            left += mask.shape[1] + draw.between(1, 2)

        # Specks between them.
        grid = np.zeros((height, left + draw.below(3)), np.uint8)
        colours = draw.colours(count)
        specks = draw.between(4, 7)
        masks += [block(1, 1)] * specks
        colours += [draw.colour() for _ in range(specks)]
        if not draw.scatter(grid, masks, colours, fixed=places):
            return None
        return grid if self.line == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        things = self._objects(scene)
        if not 1 < len(things) < len(scene.shapes):
            return None
        spans = [thing.span(self._axis) for thing in things]
        is_apart = all(end <= next_start for (_, end), (next_start, _) in pairwise(spans))
        across_spans = [thing.span(1 - self._axis) for thing in things]
        is_even = len({end - start for start, end in across_spans}) == 1
        if not is_apart or not is_even:
            return None
        return np.concatenate([cut(scene, thing) for thing in things], axis=self._axis)

    def fault(self, question: Scene, answer: Grid) -> str:
        before = self._objects(question)
        after = sorted(Scene(answer).shapes, key=lambda thing: thing.middle[self._axis])
        looks_before = [(thing.form, thing.colour) for thing in before]
        looks_after = [(thing.form, thing.colour) for thing in after]
        if looks_before != looks_after:
            return "the answer has other objects, or another order"
        if self.line == "row":
            expected = 3, sum(thing.width for thing in before)
        else:
            expected = sum(thing.height for thing in before), 3
        return "" if answer.shape == expected else "the objects are not joined"

    @property
    def _axis(self) -> int:
        """Axis of the array along which objects follow each other."""
        return 1 if self.line == "row" else 0

    def _objects(self, scene: Scene) -> list[Thing]:
        """Return the objects that are not specks, in their order along the line."""
        things = [thing for thing in scene.shapes if thing.size > 2]
        return sorted(things, key=lambda thing: thing.middle[self._axis])


@final
@dataclass(frozen=True, slots=True)
class BetweenTheCornerMarks(Rule):
    """Cut out what is inside a rectangle with marked corners.

    The marks themselves are left behind.
    """

    says = "Four {mark} cells mark the corners of a rectangle: cut out what it holds."
    keeps = SHRINKS | OLD_COLOURS
    mark: Seen
    """The colour of the marks."""

    def question(self, draw: Draw) -> Grid | None:
        # Noise.
        height, width = draw.ground(8, 12).shape
        colours = draw.colours(draw.between(1, 4), self.mark)
        grid = draw.coloured(block(height, width), [0, 0, 0, *colours])

        # Marks at the corners of a box of four to seven cells per side.
        box_height = draw.between(4, min(7, height - 1))
        box_width = draw.between(4, min(7, width - 1))
        top, left = draw.below(height - box_height + 1), draw.below(width - box_width + 1)
        window = grid[top : top + box_height, left : left + box_width]
        window[[0, 0, -1, -1], [0, -1, 0, -1]] = self.mark
        return grid if window[1:-1, 1:-1].any() else None

    def answer(self, scene: Scene) -> Grid | None:
        if scene.counts[self.mark] != 4:
            return None
        # In reading order, the first mark is the upper left one and the last the lower right one.
        first, *_, last = np.flatnonzero(scene.grid == self.mark).tolist()
        (top, left), (bottom, right) = divmod(first, scene.width), divmod(last, scene.width)
        corners = scene.grid[[top, top, bottom, bottom], [left, right, left, right]]
        if bottom - top < 2 or right - left < 2 or (corners != self.mark).any():
            return None
        return scene.grid[top + 1 : bottom, left + 1 : right].copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        marks = np.argwhere(question.grid == self.mark)
        if tuple(np.ptp(marks, axis=0) - 1) != answer.shape:
            return "the answer is larger or smaller than what the marks hold"
        # Pasting the answer back must change nothing.
        top, left = marks.min(axis=0).tolist()
        height, width = answer.shape
        pasted = question.copy()
        pasted[top + 1 : top + 1 + height, left + 1 : left + 1 + width] = answer
        return "" if np.array_equal(pasted, question.grid) else "the answer is not what is inside the marks"


@final
@dataclass(frozen=True, slots=True)
class ColourOfTheCorner(Rule):
    """Cut out the object whose colour is that of the cell in a given corner.

    That cell touches nothing of its colour. A cell in another corner means nothing.
    """

    says = "The single cell in the {corner} corner names a colour: cut out the object of that colour."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    corner: Literal["top left", "top right", "bottom left", "bottom right"]
    """The corner with the cell."""

    def question(self, draw: Draw) -> Grid | None:
        # Objects of different colours.
        grid = draw.ground(9, 14)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 3) for _ in range(draw.between(3, 4))]
        colours = draw.colours(len(masks))

        # The key in the corner has the first object's colour. One in another corner has the second's.
        last_row, last_column = grid.shape[0] - 1, grid.shape[1] - 1
        corners = {
            "top left": (0, 0),
            "top right": (0, last_column),
            "bottom left": (last_row, 0),
            "bottom right": (last_row, last_column),
        }
        places, key_colours = [corners.pop(self.corner)], [colours[0]]
        if draw.chance(0.5):
            places.append(draw.pick([*corners.values()]))
            key_colours.append(colours[1])
        masks = [block(1, 1)] * len(places) + masks
        return grid if draw.scatter(grid, masks, key_colours + colours, fixed=places) else None

    def answer(self, scene: Scene) -> Grid | None:
        # Two objects have the key's colour: the key and one of several cells.
        place = self._place
        key_colour = int(scene.grid[place])
        named = scene.of(key_colour)
        things = [thing for thing in named if thing.size > 1]
        if len(named) != 2 or len(things) != 1:
            return None
        has_key = things[0].labels[place] == things[0].number
        return None if has_key else cut(scene, things[0])

    def fault(self, question: Scene, answer: Grid) -> str:
        key_colour = int(question.grid[self._place])
        expected = question.counts[key_colour] - 1
        if answer.max() != key_colour or np.count_nonzero(answer) != expected:
            return "the answer has another colour than the corner, or not all of its cells"
        things = [thing for thing in question.of(key_colour) if thing.size > 1]
        return _window_fault(question, answer, things)

    @property
    def _place(self) -> tuple[int, int]:
        """Row and column of the corner in any grid, each 0 or -1."""
        row = 0 if self.corner.startswith("top") else -1
        column = 0 if self.corner.endswith("left") else -1
        return row, column


@final
@dataclass(frozen=True, slots=True)
class TouchingPair(Rule):
    """Cut out the only two objects that touch each other. They may touch at a corner."""

    says = "Cut out the two objects that touch each other, together."
    keeps = SHRINKS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        # Two shapes side by side, shifted so that a cell of one is beside a cell of the other.
        grid = draw.ground(9, 14)
        one, other = (draw.blob(draw.between(2, 3), draw.between(1, 3), 3) for _ in range(2))
        row_of_one = draw.pick(np.flatnonzero(one[:, -1]).tolist())
        row_of_other = draw.pick(np.flatnonzero(other[:, 0]).tolist())
        top_of_one, top_of_other = max(0, row_of_other - row_of_one), max(0, row_of_one - row_of_other)

        (one_height, one_width), (other_height, other_width) = one.shape, other.shape
        height = max(top_of_one + one_height, top_of_other + other_height)
        pair = np.zeros((height, one_width + other_width), np.uint8)
        colours = draw.colours(2)
        pair[top_of_one : top_of_one + one_height, :one_width][one] = colours[0]
        pair[top_of_other : top_of_other + other_height, one_width:][other] = colours[1]
        pair = pair if draw.chance(0.5) else pair.T

        # The pair, and single objects.
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 4) for _ in range(draw.between(2, 4))]
        corners = draw.corners(grid, [pair.shape, *(mask.shape for mask in masks)])
        if corners is None:
            return None
        stamp(grid, pair, *corners[0])
        for mask, corner in zip(masks, corners[1:], strict=True):
            stamp(grid, mask * np.uint8(draw.colour()), *corner)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        # A group of several colours has colour 0. Exactly two objects make one group.
        pairs = [group for group in scene.groups if group.colour == 0]
        if len(pairs) != 1 or len(scene.groups) == 1 or len(scene.shapes) != len(scene.groups) + 1:
            return None
        return cut(scene, pairs[0])

    def fault(self, question: Scene, answer: Grid) -> str:
        colours = set(answer.ravel().tolist()) - {0}
        if len(colours) != 2:
            return "the answer does not have two colours"
        return _window_fault(question, answer, question.groups)


@final
@dataclass(frozen=True, slots=True)
class AddedToTheCopy(Rule):
    """Cut out the object that one half of the grid has and the other lacks.

    A line one cell thick parts the halves. They are the same except for the object.
    """

    says = "Both halves show the same, but the {half} half has one object more: cut it out."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    half: Literal["left", "right", "top", "bottom"]
    """The half with the object."""

    def question(self, draw: Draw) -> Grid | None:
        # One half, and a copy of it with the first object added.
        plain = draw.ground(7, 9)
        line_colour, *colours = draw.colours(4)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(3, 4))]
        places = draw.corners(plain, [mask.shape for mask in masks])
        if places is None:
            return None
        for mask, place in zip(masks[1:], places[1:], strict=True):
            stamp(plain, mask * np.uint8(draw.pick(colours)), *place)
        fuller = plain.copy()
        stamp(fuller, masks[0] * np.uint8(draw.pick(colours)), *places[0])

        # Side by side, with the line between them.
        line = np.full((len(plain), 1), line_colour, np.uint8)
        halves = [plain, line, fuller] if self._is_second else [fuller, line, plain]
        grid = np.concatenate(halves, axis=1)
        return grid if self.half in ("left", "right") else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        # Turn the grid so that the halves are side by side.
        is_stacked = self.half in ("top", "bottom")
        halves = parted(scene.grid.T if is_stacked else scene.grid)
        if halves is None:
            return None
        plain, fuller = halves if self._is_second else halves[::-1]

        # The halves differ only in one colour on the ground.
        is_added = plain != fuller
        if not is_added.any() or plain[is_added].any():
            return None
        colours = fuller[is_added]
        if (colours != colours[0]).any():
            return None
        added = _cropped(is_added, int(colours[0]))
        return np.ascontiguousarray(added.T) if is_stacked else added

    def fault(self, question: Scene, answer: Grid) -> str:
        axis = 1 if self.half in ("left", "right") else 0
        middle = question.grid.shape[axis] // 2
        first, _, second = np.split(question.grid, [middle, middle + 1], axis=axis)
        plain, fuller = (first, second) if self._is_second else (second, first)

        # The answer has the cells of each colour that one half has more than the other.
        difference = _colour_counts(fuller) - _colour_counts(plain)
        if (_colour_counts(answer)[1:] != difference[1:]).any():
            return "the answer has other cells than those that one half has more"
        added = np.argwhere(fuller != plain)
        has_shape = np.array_equal(added - added.min(axis=0), np.argwhere(answer))
        return "" if has_shape else "the answer has another shape"

    @property
    def _is_second(self) -> bool:
        """Whether the half with the object is the right or bottom one."""
        return self.half in ("right", "bottom")


def _cropped(mask: Mask, colour: int) -> Grid:
    """Return the box of the true cells, at least one, with these cells in a colour."""
    return mask[box_of(mask)] * np.uint8(colour)


def _colour_counts(grid: Grid) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how often each of the colours 0 … 9 occurs, `(10,)`."""
    return np.bincount(grid.ravel(), minlength=10)


def _window_fault(question: Scene, answer: Grid, things: Iterable[Thing]) -> str:
    """Return a fault if the answer is not the box of one of these objects, as the question shows it."""
    return "" if is_window(question, things, answer) else "the answer is not the box of any of the objects"
