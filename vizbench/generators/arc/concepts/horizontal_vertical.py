"""Define the rules of HorizontalVertical: the directions of bars, frames, stripes, rows and mirror lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Ink, Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, full_lines, keep, paint, present_exactly_if
from vizbench.types import Grid

_Direction: TypeAlias = Literal["horizontal", "vertical"]


@final
@dataclass(frozen=True, slots=True)
class FillByTheWayFramesLie(Rule):
    """Fill frames by their direction.

    Both directions occur. A square frame would stay empty.
    """

    says = "Fill every horizontal frame with {flat}, and every vertical one with {upright}."
    keeps = SAME_SIZE | ADDS
    flat: Ink
    """The colour inside frames that are wider than high."""
    upright: Ink
    """The colour inside frames that are higher than wide."""

    def question(self, draw: Draw) -> Grid | None:
        if self.flat == self.upright:
            return None
        grid = draw.ground(12, 17)
        masks: list[Mask] = []
        for is_horizontal in draw.mixed(2, 4):
            thickness, length = draw.between(3, 4), draw.between(6, 8)
            masks.append(frame(*_bar_size(is_horizontal, thickness, length)))
        colours = [draw.colour(self.flat, self.upright) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        holes = [hole for hole in scene.holes if hole.width != hole.height]
        directions = {hole.width > hole.height for hole in holes}
        if self.flat == self.upright or len(directions) != 2:
            return None
        grid = scene.copy()
        for hole in holes:
            paint(grid, hole, self.flat if hole.width > hole.height else self.upright)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        is_wrong = bool(after.holes)
        for fill in (*after.of(self.flat), *after.of(self.upright)):
            is_horizontal = fill.width > fill.height
            is_wrong = is_wrong or is_horizontal != (fill.colour == self.flat)
        if is_wrong:
            return "a frame is not filled, or has the colour of the other direction"
        return changed(question, answer, sum(hole.size for hole in question.holes))


@final
@dataclass(frozen=True, slots=True)
class KeepStripesThatRun(Rule):
    """Keep the blocks whose stripes have one direction.

    The proportions of a block do not matter. Its stripes have two colours, and it may lack some cells.
    """

    says = "Keep the blocks with {way} stripes, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    way: _Direction
    """The direction of the stripes that are kept."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 17)
        directions = draw.mixed(2, 4)
        all_sizes = [(height, width) for height in range(3, 7) for width in range(3, 7)]
        masks: list[Mask] = []
        for height, width in draw.some(all_sizes, len(directions)):
            missing = draw.below(height)
            masks.append(draw.blob(height, width, height * width - missing))
        corners = draw.corners(grid, [mask.shape for mask in masks])
        if corners is None:
            return None

        for (top, left), mask, is_horizontal in zip(corners, masks, directions, strict=True):
            height, width = mask.shape
            first, second = draw.colours(2)
            stripes = np.array([first, second] * 3, np.uint8)[: height if is_horizontal else width]
            # From some stripe on, one broad stripe.
            last = draw.pick((first, second))
            stripes[draw.between(2, 4) :] = last
            window = grid[top : top + height, left : left + width]
            window[:] = mask * (stripes[:, None] if is_horizontal else stripes)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for group in scene.groups:
            window = scene.grid[group.box]
            lines = window if self.way == "horizontal" else window.T
            # Each line must have one colour, and two lines must differ.
            colours = lines.max(axis=1, keepdims=True)
            is_mixed = ((lines != colours) & (lines > 0)).any()
            if is_mixed or (colours == colours[0]).all():
                paint(grid, group, 0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        removed_cells = 0
        for group in question.groups:
            window = question.grid[group.box]
            lines = window if self.way == "horizontal" else window.T
            is_kept = all(len({*line.tolist()} - {0}) <= 1 for line in lines)
            if not is_kept:
                removed_cells += group.size
            if (answer[group.box] != window * is_kept).any():
                return "a block with stripes of the other direction is kept, or one of this direction is not"
        return changed(question, answer, removed_cells)


@final
@dataclass(frozen=True, slots=True)
class EdgeAlongTheObjects(Rule):
    """Draw a line along the edge that is parallel to the row or column of objects.

    The objects of a row share a row of the grid and no column, those of a column a column and no row.
    """

    says = (
        "Draw one {ink} line along an edge that ends in the {corner} corner: "
        "the horizontal one if the objects stand in a row, the vertical one if they stand in a column."
    )
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of the line."""
    corner: Literal["top left", "bottom right"]
    """The corner in which the two possible edges meet."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(2, 3))]
        # Every box crosses the same row of the grid.
        shared_row, left = draw.between(3, grid.shape[0] - 4), draw.between(1, 3)
        for mask in masks:
            height, width = mask.shape
            if left + width >= grid.shape[1]:
                return None
            top = shared_row - draw.below(height)
            grid[top : top + height, left : left + width][mask] = draw.colour(self.ink)
            left += width + draw.between(1, 2)
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        things = scene.shapes
        if len(things) < 2:
            return None
        is_row = max(thing.top for thing in things) < min(thing.bottom for thing in things)
        is_column = max(thing.left for thing in things) < min(thing.right for thing in things)
        if is_row == is_column:
            return None
        grid = scene.copy()
        edge = 0 if self.corner == "top left" else -1
        line = grid[edge] if is_row else grid[:, edge]
        if line.any():
            return None
        line[:] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Objects in a row leave gaps between them, seen from above; objects in a column do not.
        is_coloured = question.grid.any(axis=0)
        is_row = b"\0" in is_coloured.tobytes().strip(b"\0")
        from_corner = answer if self.corner == "top left" else answer[::-1, ::-1]
        line = from_corner[0] if is_row else from_corner[:, 0]
        if (line != self.ink).any():
            return "the edge has no line"
        return changed(question, answer, line.size)


@final
@dataclass(frozen=True, slots=True)
class RecolourLinesThatRun(Rule):
    """Recolour the lines of one direction.

    Lines are one cell thick, and two cells long or more. Blocks and frames are not lines.
    """

    says = "Recolour {ink} every {way} line."
    keeps = SAME_SIZE | RECOLOURS
    way: _Direction
    """The direction of the lines that change."""
    ink: Paint
    """The new colour of these lines."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 16)
        masks = [
            block(*_bar_size(is_horizontal, 1, draw.between(2, 7))) for is_horizontal in draw.mixed(3, 5)
        ]
        for _ in range(draw.between(1, 2)):
            shape = draw.pick((block, frame))
            masks.append(shape(draw.between(3, 4), draw.between(3, 5)))

        # About half of the objects share a colour, so that the colour gives no hint.
        common = draw.colour(self.ink)
        colours = [common if draw.chance(0.5) else draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.bar and _is_thin(thing, self.way):
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if not all(_is_thin(thing, self.way) for thing in Scene(answer).of(self.ink)):
            return f"something other than a {self.way} line is recoloured"
        lines = [group for group in question.groups if _is_thin(group, self.way)]
        return changed(question, answer, sum(max(line.height, line.width) for line in lines))


@final
@dataclass(frozen=True, slots=True)
class TurnBarsThatRun(Rule):
    """Turn the bars of one direction about their middles.

    A turned bar has an odd length, and its new place is free.
    """

    says = "Turn every {way} bar a quarter about its middle cell, and leave the others."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    way: _Direction
    """The direction of the bars before they are turned."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        # A bar to be turned gets a square box, in which it has its place before and after.
        sizes: list[tuple[int, int]] = []
        for is_horizontal in draw.mixed(2, 4):
            length = draw.pick((3, 5, 7))
            turns = is_horizontal == (self.way == "horizontal")
            sizes.append((length, length) if turns else _bar_size(is_horizontal, 1, length))
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None

        for (top, left), (height, width) in zip(corners, sizes, strict=True):
            window = grid[top : top + height, left : left + width]
            if height != width:
                bar = window
            elif self.way == "horizontal":
                bar = window[height // 2]
            else:
                bar = window[:, width // 2]
            bar[:] = draw.colour()
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        bars = [thing for thing in scene.shapes if thing.bar and _is_thin(thing, self.way)]
        if not bars or any(bar.size % 2 == 0 for bar in bars):
            return None
        grid = scene.copy()
        for bar in bars:
            paint(grid, bar, 0)
        for bar in bars:
            row, column, arm = bar.middle[0] // 2, bar.middle[1] // 2, bar.size // 2
            # The line of the grid through the bar's middle, across the bar.
            if self.way == "horizontal":
                line, middle = grid[:, column], row
            else:
                line, middle = grid[row], column
            if middle < arm or middle + arm >= len(line) or line[middle - arm : middle + arm + 1].any():
                return None
            line[middle - arm : middle + arm + 1] = bar.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer).groups
        if any(thing.size > 1 and _is_thin(thing, self.way) for thing in after):
            return f"a {self.way} bar has not turned"
        if _turn_invariants(question.groups) != _turn_invariants(after):
            return "a bar has changed its middle, length or colour"
        return ""


@final
@dataclass(frozen=True, slots=True)
class KeepByMirrorLine(Rule):
    """Keep the objects with a mirror line of one direction.

    The line runs through the middle of the object's box. Colours do not count.
    """

    says = "Keep the objects that a {way} line parts into two mirror images, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    way: _Direction
    """The direction of the mirror line."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        masks: list[Mask] = []
        for is_horizontal in draw.mixed(2, 4):
            mask = _mirrored(draw)
            masks.append(mask if is_horizontal else mask.T)
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        axis = 0 if self.way == "horizontal" else 1
        kept = [thing for thing in scene.shapes if (thing.mask == np.flip(thing.mask, axis)).all()]
        return keep(scene, kept) if kept else None

    def fault(self, question: Scene, answer: Grid) -> str:
        removed_cells = 0
        for thing in question.shapes:
            # The lines across the mirror line, which read the same from both ends.
            lines = (thing.mask.T if self.way == "horizontal" else thing.mask).tolist()
            is_kept = all(line == line[::-1] for line in lines)
            if not is_kept:
                removed_cells += thing.size
            if not present_exactly_if(answer, thing, is_kept):
                return "an object without such a mirror line is kept, or one with it is not"
        return changed(question, answer, removed_cells)


@final
@dataclass(frozen=True, slots=True)
class RectangleOfBars(Rule):
    """Draw a rectangle whose sides are the numbers of bars of each direction.

    All objects are bars, one cell thick, which do not touch.
    """

    says = (
        "Draw one {ink} rectangle as wide as there are horizontal bars, "
        "and as high as there are vertical ones."
    )
    keeps = ONE_INK | SHRINKS
    ink: Ink
    """The colour of the rectangle."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        directions = draw.shuffled([True] * draw.between(1, 5) + [False] * draw.between(1, 5))
        masks = [block(*_bar_size(is_horizontal, 1, draw.between(2, 4))) for is_horizontal in directions]
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        horizontal = sum(thing.height == 1 for thing in scene.shapes)
        vertical = len(scene.shapes) - horizontal
        if not horizontal or not vertical or not all(thing.bar for thing in scene.shapes):
            return None
        return np.full((vertical, horizontal), self.ink, np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer != self.ink).any():
            return "the answer has the wrong colour"
        numbers = [_bars_along_rows(question.grid.T), _bars_along_rows(question.grid)]
        return "" if [*answer.shape] == numbers else f"there are {numbers} vertical and horizontal bars"


@final
@dataclass(frozen=True, slots=True)
class PartBesideTheLine(Rule):
    """Cut out the part on one side of the line that crosses the grid.

    Exactly one row or column has one colour from edge to edge.
    """

    says = "A line crosses the grid: cut out the part {where} it, whichever way it runs."
    keeps = SHRINKS | OLD_COLOURS
    where: Literal["above or left of", "below or right of"]
    """The side of the line that is cut out."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = draw.between(7, 12), draw.between(7, 12)
        line_colour, *others = draw.colours(draw.between(2, 4))
        grid = draw.coloured(block(height, width), [0, 0, 0, *others])
        grid[draw.between(2, height - 3)] = line_colour
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        rows, columns = full_lines(scene.grid.T), full_lines(scene.grid)
        if len(rows) + len(columns) != 1:
            return None
        # Turn the grid so that the line is a row.
        grid, line = (scene.grid, rows[0]) if rows else (scene.grid.T, columns[0])
        part = grid[:line] if self.where == "above or left of" else grid[line + 1 :]
        if not part.size:
            return None
        return part.copy() if rows else part.T.copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn both grids so that the part begins in the top left corner.
        step = 1 if self.where == "above or left of" else -1
        whole, part = question.grid[::step, ::step], answer[::step, ::step]
        height, width = part.shape
        is_as_high, is_as_wide = height == whole.shape[0], width == whole.shape[1]
        if is_as_high == is_as_wide:
            return "the answer must share exactly its height or its width with the grid"

        line = whole[height : height + 1] if is_as_wide else whole[:, width : width + 1]
        colours = {*line.ravel().tolist()}
        if len(colours) != 1 or not np.array_equal(whole[:height, :width], part):
            return "the answer is not the part beside the line"
        return ""


@final
@dataclass(frozen=True, slots=True)
class LengthenBarsThatRun(Rule):
    """Lengthen the bars of one direction, and shorten the others.

    All objects are bars. Those to be shortened have four cells or more.
    """

    says = "Lengthen every {way} bar by one cell at both ends, and shorten every other bar by as much."
    keeps = SAME_SIZE | OLD_COLOURS
    way: _Direction
    """The direction of the bars that grow."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        sizes = [_bar_size(is_horizontal, 1, draw.between(4, 8)) for is_horizontal in draw.mixed(2, 5)]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width) in zip(corners, sizes, strict=True):
            is_horizontal = height == 1
            bar = grid[top, left : left + width] if is_horizontal else grid[top : top + height, left]
            if is_horizontal == (self.way == "horizontal"):
                bar = bar[1:-1]  # it will grow into its box
            bar[:] = draw.colour()
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) < 2 or not all(thing.bar for thing in scene.shapes):
            return None
        grid = scene.copy()
        for bar in scene.shapes:
            is_horizontal = bar.height == 1
            line = grid[bar.top] if is_horizontal else grid[:, bar.left]
            first, end = bar.span(1 if is_horizontal else 0)
            if is_horizontal == (self.way == "horizontal"):
                if first == 0 or end == len(line) or line[first - 1] or line[end]:
                    return None
                line[[first - 1, end]] = bar.colour
            else:
                if bar.size < 4:
                    return None
                line[[first, end - 1]] = 0
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before = {bar.middle: bar for bar in question.groups}
        after = {bar.middle: bar for bar in Scene(answer).groups}
        if before.keys() != after.keys():
            return "bars are lost, or have changed their middles"
        for middle, old in before.items():
            new = after[middle]
            is_horizontal = old.height == 1
            grows = is_horizontal == (self.way == "horizontal")
            size = _bar_size(is_horizontal, 1, old.size + 2 if grows else old.size - 2)
            if (new.height, new.width) != size or new.colour != old.colour:
                return "a bar has the wrong length or colour"
        return ""


def _bar_size(is_horizontal: bool, thickness: int, length: int) -> tuple[int, int]:
    """Return the rows and columns of an upright or a flat rectangle."""
    return (thickness, length) if is_horizontal else (length, thickness)


def _is_thin(thing: Thing, direction: _Direction) -> bool:
    """Return whether a thing is one cell thick in this direction; true of a single cell in both."""
    return (thing.height if direction == "horizontal" else thing.width) == 1


def _turn_invariants(bars: Sequence[Thing]) -> set[tuple[tuple[int, int], int, int, bool]]:
    """Return what a turned bar keeps: middle, size, colour, and being solid."""
    return {(bar.middle, bar.size, bar.colour, bar.solid) for bar in bars}


def _bars_along_rows(grid: Grid) -> int:
    """Count the runs of two or more coloured cells in the rows: a run of n has n - 1 pairs, n - 2 triples."""
    is_coloured = grid > 0
    pairs = is_coloured[:, 1:] & is_coloured[:, :-1]
    triples = pairs[:, 1:] & pairs[:, :-1]
    return int(pairs.sum()) - int(triples.sum())


def _mirrored(draw: Draw) -> Mask:
    """Draw a shape whose upper half mirrors its lower half.

    Its left half differs clearly from a mirror image of its right half.
    """
    odd = draw.below(2)  # 1: a middle row is shared by both halves
    while True:
        half = draw.blob(2 + odd, draw.between(3, 5), 5)
        mask = np.concatenate((half, half[: len(half) - odd][::-1]))
        if np.count_nonzero(mask != mask[:, ::-1]) >= 4:
            return mask
