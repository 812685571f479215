"""Define the rules of ExtendToBoundary: lines, blocks and colours that grow until an edge or a wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, SAME_SIZE
from vizbench.generators.arc.random_draws import Draw, block, frame, plus
from vizbench.generators.arc.rule import Axis, Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing
from vizbench.types import Grid

STRAIGHT: Final = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Steps (down, right) along a row or a column."""

DIAGONAL: Final = ((-1, -1), (-1, 1), (1, -1), (1, 1))
"""Steps (down, right) along a diagonal."""


@final
@dataclass(frozen=True, slots=True)
class StemFromTheMiddle(Rule):
    """Draw a stem from the middle of the object's side to the farthest or nearest edge.

    There is no answer if two edges are equally far, or if the side has no middle cell.
    """

    says = "Draw a stem in the object's colour from the middle of its side to the {edge} edge of the grid."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS | ONE_INK
    edge: Literal["farthest", "nearest"]
    """The edge that the stem reaches."""

    def question(self, draw: Draw) -> Grid | None:
        mask = self._mask(draw)
        height, width = mask.shape

        # Distances to the edges: the stem's on top, then below, left and right.
        others = [draw.between(0, 6) for _ in range(3)]
        stem = max(others) + draw.between(2, 6)
        if self.edge == "nearest":
            others = [distance + 3 for distance in others]
            stem = draw.between(1, min(others) - 2)
        below, left, right = others

        grid = np.zeros((stem + height + below, left + width + right), np.uint8)
        grid[stem : stem + height, left : left + width][mask] = draw.colour()
        return np.ascontiguousarray(np.rot90(grid, draw.below(4)))

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 1:
            return None
        thing = scene.shapes[0]
        distances = (thing.top, scene.height - thing.bottom, thing.left, scene.width - thing.right)
        length = max(distances) if self.edge == "farthest" else min(distances)
        if distances.count(length) > 1:
            return None

        # Stems to the top, bottom, left and right edge. `middle` is twice the centre.
        edge = distances.index(length)
        is_vertical = edge < 2
        twice_row, twice_column = thing.middle
        if (twice_column if is_vertical else twice_row) % 2:
            return None
        grid, row, column = scene.copy(), twice_row // 2, twice_column // 2
        stems = (
            grid[: thing.top, column],
            grid[thing.bottom :, column],
            grid[row, : thing.left],
            grid[row, thing.right :],
        )
        stems[edge][:] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        thing = question.shapes[0]
        distances = (thing.top, thing.left, question.height - thing.bottom, question.width - thing.right)
        length = max(distances) if self.edge == "farthest" else min(distances)

        # Object and stem together: longer along one axis, and still symmetric across it.
        window = answer[Scene(answer).groups[0].box]
        added_rows, added_columns = window.shape[0] - thing.height, window.shape[1] - thing.width
        mirrored = window[:, ::-1] if added_rows else window[::-1]
        if sorted((added_rows, added_columns)) != [0, length] or not (window == mirrored).all():
            return "the stem is not in the middle, or does not reach from the object to the edge"
        return changed(question, answer, length)

    @staticmethod
    def _mask(draw: Draw) -> Mask:
        """Draw a shape with a middle column: a plus now and then, else a full rectangle or an outline."""
        make = draw.pick((block, frame))
        if draw.chance(0.2):
            return plus(draw.between(1, 2))
        return make(draw.between(1, 6), draw.pick((1, 3, 5)))


@final
@dataclass(frozen=True, slots=True)
class DotsToTheWalls(Rule):
    """Extend each single cell along its row or column, in both directions, to the next coloured cell.

    A gap in a wall lets the line through. There is no answer if two lines would overlap.
    """

    says = "Every single cell grows along its {axis}, both ways, until something is in its way."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    axis: Axis
    """The direction of the lines."""

    def question(self, draw: Draw) -> Grid | None:
        # Frames with a dot inside. Some have a gap in line with it.
        grid = draw.ground(11, 16)
        sizes = [(draw.between(5, 8), draw.between(5, 8)) for _ in range(draw.between(1, 2))]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width) in zip(corners, sizes, strict=True):
            wall_colour, dot_colour = draw.colours(2)
            window = grid[top : top + height, left : left + width]
            window[frame(height, width)] = wall_colour
            row, column = draw.between(1, height - 2), draw.between(1, width - 2)
            window[row, column] = dot_colour
            if draw.chance(0.6):
                gap = draw.pick(((0, column), (height - 1, column), (row, 0), (row, width - 1)))
                window[gap] = 0
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for dot in scene.shapes:
            if dot.size > 1:
                continue
            for step in (1, -1):
                down, right = (0, step) if self.axis == "row" else (step, 0)
                line, _ = _ground_ahead(scene, grid, (dot.top, dot.left), down, right)
                if line.any():
                    return None  # another line is there already
                line[:] = dot.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn columns into rows, so that lines run from left to right.
        before, after = (question.grid, answer) if self.axis == "row" else (question.grid.T, answer.T)
        dots = [(thing.top, thing.left) for thing in Scene(before).shapes if thing.size == 1]
        new = {(row, column) for row, column in np.argwhere(after != before).tolist()}

        width = after.shape[1]
        for row, column in (*dots, *new):
            neighbours = [int(after[row, k]) for k in (column - 1, column + 1) if 0 <= k < width]
            is_detached = (row, column) in new and after[row, column] not in neighbours
            if 0 in neighbours or is_detached:
                return "a line ends on the ground, or a new cell is not part of a line of its colour"
        has_stray_row = not {row for row, _ in new} <= {row for row, _ in dots}
        return "a line runs beside its cell" if has_stray_row else ""


@final
@dataclass(frozen=True, slots=True)
class BarsMeetBars(Rule):
    """Extend each bar lengthwise to the bar that is in its way.

    Bars are one cell thick. There is no answer if two extensions would cross.
    """

    says = "Extend each bar lengthwise where another bar is in its way, until the two touch."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        # A long horizontal bar, the wall.
        grid = draw.ground(9, 14)
        height, width = grid.shape
        length, row = draw.between(5, width - 2), draw.between(3, height - 4)
        left = draw.below(width - length + 1)
        wall_colour = draw.colour()
        grid[row, left : left + length] = wall_colour

        # Vertical bars above and below it, two columns apart. The first is in line with the wall.
        first = left + draw.below(length)
        others = [column for column in range(first % 2, width, 2) if column != first]
        for column in (first, *draw.some(others, draw.between(1, 3))):
            is_above = draw.chance(0.5)
            part = grid[:row, column] if is_above else grid[:row:-1, column]
            size = draw.between(2, min(4, len(part) - 1))
            start = draw.below(len(part) - size)
            part[start : start + size] = draw.colour(wall_colour)
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        bars = scene.shapes
        if len(bars) < 2 or not all(bar.bar for bar in bars):
            return None
        grid = scene.copy()
        for bar in bars:
            last, first = (bar.bottom - 1, bar.right - 1), (bar.top, bar.left)
            for step, end in ((1, last), (-1, first)):
                down, right = (0, step) if bar.width > 1 else (step, 0)
                line, is_stopped = _ground_ahead(scene, grid, end, down, right)
                if is_stopped and line.any():
                    return None  # another extension is there already
                if is_stopped:
                    line[:] = bar.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        wall = max(question.shapes, key=lambda bar: bar.size)
        expected = 0
        for bar in question.shapes:
            # A bar faces the wall if its whole width is in line with it.
            rows, columns = _overlap_or_gap(bar, wall, 0), _overlap_or_gap(bar, wall, 1)
            if wall.height == 1:
                faces_wall = columns == slice(bar.left, bar.right)
            else:
                faces_wall = rows == slice(bar.top, bar.bottom)
            if bar is not wall and faces_wall:
                between = answer[rows, columns]
                if (between != bar.colour).any():
                    return "a bar does not reach the bar in its way"
                expected += between.size
        return changed(question, answer, expected)


@final
@dataclass(frozen=True, slots=True)
class RaysFromDots(Rule):
    """Draw lines from every dot to the edges, in four or eight directions.

    Dots are at most four single cells of one colour. There is nothing else in the grid.
    """

    says = "Draw lines in the same colour from every single cell {ways}, to the edges."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS | ONE_INK
    ways: Literal["along its row and column", "along its two diagonals", "in all eight directions"]
    """The directions of the lines."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 15)
        count = 1 if draw.chance(0.2) else 2
        masks, colours = [block(1, 1)] * count, [draw.colour()] * count
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        dots = scene.shapes
        if not 0 < len(dots) <= 4 or len(scene.colours) != 1 or any(dot.size > 1 for dot in dots):
            return None
        grid = scene.copy()
        rows, columns = np.ogrid[: scene.height, : scene.width]
        for dot in dots:
            if self.ways != "along its two diagonals":
                grid[dot.top] = dot.colour
                grid[:, dot.left] = dot.colour
            if self.ways != "along its row and column":
                is_diagonal = np.abs(rows - dot.top) == np.abs(columns - dot.left)
                grid[is_diagonal] = dot.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        directions: list[tuple[int, int]] = []
        if self.ways != "along its two diagonals":
            directions += STRAIGHT
        if self.ways != "along its row and column":
            directions += DIAGONAL

        # Walk from each dot, step by step.
        expected: set[tuple[int, int]] = set()
        for dot in question.shapes:
            for down, right in directions:
                row, column = dot.top, dot.left
                while 0 <= row < question.height and 0 <= column < question.width:
                    expected.add((row, column))
                    row, column = row + down, column + right

        coloured = {(row, column) for row, column in np.argwhere(answer).tolist()}
        return "" if coloured == expected else "the lines do not run from the cells to the edges"


@final
@dataclass(frozen=True, slots=True)
class BounceBetweenWalls(Rule):
    """Continue a diagonal to the far edge. It bounces off two walls and takes their colours.

    The walls fill two opposite edges. The diagonal starts with two cells at a third edge.
    """

    says = (
        "The diagonal goes on to the far edge: it bounces off the walls, and each wall gives it its colour."
    )
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        free_columns = draw.between(3, 9)
        grid = np.zeros((draw.between(free_columns + 2, 18), free_columns + 2), np.uint8)
        left_colour, right_colour, own_colour = draw.colours(3)
        grid[:, 0], grid[:, -1] = left_colour, right_colour
        start = draw.between(1, free_columns - 1)
        grid[-1, start] = grid[-2, start + 1] = own_colour
        grid = grid if draw.chance(0.5) else grid[:, ::-1]
        return np.ascontiguousarray(np.rot90(grid, draw.below(4)))

    def answer(self, scene: Scene) -> Grid | None:
        # Two walls, and a diagonal of two cells.
        diagonals = [thing for thing in scene.shapes if thing.size == thing.height == thing.width == 2]
        if len(scene.shapes) != 3 or len(diagonals) != 1 or min(scene.height, scene.width) < 4:
            return None

        # Turn and mirror the grid until the diagonal rises to the right from the bottom.
        grid = scene.copy()
        for view in _symmetries(grid):
            if _has_walls(view):
                start = int(view[-1, 1:-1].argmax()) + 1
                if view[-1, start] == view[-2, start + 1] == diagonals[0].colour:
                    _bounce(view, start)
                    return grid
        return None

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn the grid until the walls are on the left and right and the line starts on top.
        has_vertical_walls = question.grid[:, 0].all() and question.grid[:, -1].all()
        before, after = (question.grid, answer) if has_vertical_walls else (question.grid.T, answer.T)
        starts_on_top = before[0, 1:-1].any()
        inside = after[:, 1:-1] if starts_on_top else after[::-1, 1:-1]

        # One cell per row, and one column to the left or right from row to row.
        columns, colours = (inside != 0).argmax(axis=1), inside.max(axis=1)
        steps = np.diff(columns)
        if (np.count_nonzero(inside, axis=1) != 1).any() or (np.abs(steps) != 1).any():
            return "the line has gaps, or more than a cell in a row"

        # It turns at the walls and nowhere else, and takes their colours there.
        for row in range(1, len(columns) - 1):
            turns = steps[row] != steps[row - 1]
            is_at_wall = columns[row] in (0, inside.shape[1] - 1)
            next_colour = colours[row]
            if turns:
                next_colour = after[0, 0] if columns[row] == 0 else after[0, -1]
            if turns != is_at_wall or colours[row + 1] != next_colour:
                return "the line turns or changes colour away from the walls, or does not do so at a wall"
        return ""


@final
@dataclass(frozen=True, slots=True)
class WeaveFromTheEdges(Rule):
    """Draw a line from every cell on an edge to the opposite edge.

    There is no answer if cells are off the edges or in a corner, or if a line has a cell at both ends.
    """

    says = (
        "Every cell on an edge draws a line of its colour straight to the opposite edge; "
        "those along {over} run on top."
    )
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    over: Literal["rows", "columns"]
    """The lines that cover the others at crossings."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 15)
        rows, columns = (draw.some(range(1, side - 1), draw.between(1, 3)) for side in grid.shape)
        colours = draw.colours(len(rows) + len(columns))
        for row in rows:
            grid[row, -draw.below(2)] = colours.pop()
        for column in columns:
            grid[-draw.below(2), column] = colours.pop()
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid
        has_corner = grid[0, 0] or grid[0, -1] or grid[-1, 0] or grid[-1, -1]
        if has_corner or min(grid.shape) < 3:
            return None

        # The colour of each row and column, of which one end at most is coloured.
        row_colours, column_colours = grid[:, 0] + grid[:, -1], grid[0] + grid[-1]
        coloured_lines = np.count_nonzero(row_colours) + np.count_nonzero(column_colours)
        coloured_cells = grid.size - scene.counts[0]
        if coloured_lines != coloured_cells:
            return None

        rows = np.broadcast_to(row_colours[:, None], grid.shape)
        columns = np.broadcast_to(column_colours, grid.shape)
        over, under = (rows, columns) if self.over == "rows" else (columns, rows)
        return np.where(over, over, under)

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn columns into rows, so that rows are on top.
        before, after = (question.grid, answer) if self.over == "rows" else (question.grid.T, answer.T)
        is_line = before[:, 0] + before[:, -1] != 0
        is_filled = (after[is_line] == before[is_line].max(axis=1, keepdims=True)).all()
        other_rows, column_colours = after[~is_line], before[~is_line].max(axis=0)
        if is_filled and (other_rows == column_colours).all():
            return ""
        return "a line has a gap, or runs on the wrong side of another"


@final
@dataclass(frozen=True, slots=True)
class SpreadToTheWalls(Rule):
    """Spread every colour over the ground as far as the walls and the edges allow.

    Doors in the walls let the colour through. There is no answer if two colours meet.
    """

    says = "Every other colour spreads over the ground as far as the {wall} walls and the edges let it."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    wall: Seen
    """The colour of the walls."""

    def question(self, draw: Draw) -> Grid | None:
        # A wall across the grid, and one in each of the two parts. Each may have a door.
        grid = draw.ground(9, 14)
        height, width = grid.shape
        row = draw.between(3, height - 4)
        grid[row] = self.wall
        for part in (grid[:row], grid[row + 1 :]):
            column = draw.between(2, width - 3)
            part[:, column] = self.wall
            if draw.chance(0.3):
                part[draw.below(len(part)), column] = 0
        if draw.chance(0.5):
            grid[row, draw.below(width)] = 0

        # A coloured cell in some of the regions.
        regions = Scene(grid).ground_regions
        if len(regions) < 2 or min(region.size for region in regions) < 4:
            return None
        for region in draw.some(regions, draw.between(1, len(regions) - 1)):
            colour = draw.colour(self.wall)
            cells = np.flatnonzero(region.labels == region.number)
            grid.flat[cells[draw.below(len(cells))]] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.counts[self.wall]:
            return None
        grid = scene.copy()
        walls = Scene((grid == self.wall).astype(np.uint8))
        for region in walls.ground_regions:
            window, mask = grid[region.box], region.mask
            cells = window[mask]
            colour = cells.max()
            if ((cells != 0) & (cells != colour)).any():
                return None
            window[mask] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Neighbours of different colours have a wall between them.
        for lines in (answer, answer.T):
            one, other = lines[:-1], lines[1:]
            if ((one != other) & (one != self.wall) & (other != self.wall)).any():
                return "a colour stops without a wall"
        # Every region of one colour had a coloured cell before.
        for region in Scene(answer).pieces:
            if not question.grid[region.box][region.mask].any():
                return "a region without a coloured cell is filled"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SwellToTheFrame(Rule):
    """Grow the block in a frame by the same width on all sides, until it touches the frame.

    The grid has one frame with one block in it.
    """

    says = "The block swells in {ink}, by as much on all four sides, until it touches the frame."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of what is added."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        frame_height, frame_width = draw.between(8, 11), draw.between(8, 11)
        height, width = draw.between(1, 3), draw.between(1, 3)
        top = draw.below(grid.shape[0] - frame_height + 1)
        left = draw.below(grid.shape[1] - frame_width + 1)
        window = grid[top : top + frame_height, left : left + frame_width]
        window[frame(frame_height, frame_width)] = draw.colour(self.ink)

        # The block, with ground around it.
        top, left = draw.between(2, frame_height - height - 2), draw.between(2, frame_width - width - 2)
        window[top : top + height, left : left + width] = draw.colour(self.ink)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 2:
            return None
        inner, outer = sorted(scene.shapes, key=lambda thing: thing.width)
        distances = (
            inner.top - outer.top,
            inner.left - outer.left,
            outer.bottom - inner.bottom,
            outer.right - inner.right,
        )
        growth = min(distances) - 1
        if growth < 1 or not inner.solid or not outer.hollow:
            return None
        rows = slice(inner.top - growth, inner.bottom + growth)
        columns = slice(inner.left - growth, inner.right + growth)
        grid = scene.copy()
        window = grid[rows, columns]
        window[window == 0] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # The block and what was added are one full rectangle about the same middle.
        is_new = answer != question.grid
        inner = min(question.shapes, key=lambda thing: thing.width)
        is_block = is_new | (inner.labels == inner.number)
        swollen, *others = Scene(is_block.astype(np.uint8)).shapes
        is_one_colour = (answer[is_new] == self.ink).all()
        if others or not swollen.solid or not is_one_colour or swollen.middle != inner.middle:
            return "the block did not grow into a larger block with the same centre"

        # It grew by as many rows as columns, and has a cell of the frame beside it.
        is_even = swollen.height - inner.height == swollen.width - inner.width
        around = question.grid[swollen.top - 1 : swollen.bottom + 1, swollen.left - 1 : swollen.right + 1]
        touches_frame = around[frame(swollen.height + 2, swollen.width + 2)].any()
        if is_even and touches_frame:
            return ""
        return "it grew more along one axis, or does not touch the frame"


def _ground_ahead(
    scene: Scene, grid: Grid, place: tuple[int, int], down: int, right: int
) -> tuple[Grid, bool]:
    """Return the cells after a place up to the next coloured cell of the scene.

    One of `down` and `right` is 1 or -1, the other 0. The cells are a view of `grid`, a copy of the scene
    that may have been painted on. The second value is whether a coloured cell ends them, not the edge.
    """
    # The row or column of the place, in the scene and in the grid.
    row, column = place
    if right:
        start, before, after = column, scene.grid[row], grid[row]
    else:
        start, before, after = row, scene.grid[:, column], grid[:, column]

    # What is ahead, the nearest cell first.
    if down + right > 0:
        before, after = before[start + 1 :], after[start + 1 :]
    else:
        before, after = before[:start][::-1], after[:start][::-1]

    coloured = np.flatnonzero(before)
    if coloured.size:
        return after[: coloured[0]], True
    return after, False


def _overlap_or_gap(a: Thing, b: Thing, axis: int) -> slice:
    """Return the rows (axis 0) or columns (1) that two objects share, or those between them."""
    _, start, end, _ = sorted((*a.span(axis), *b.span(axis)))
    return slice(start, end)


def _symmetries(grid: Grid) -> Iterator[Grid]:
    """Yield the grid turned by 0 to 3 quarter turns, then these mirrored. All are views."""
    for turns in range(4):
        yield np.rot90(grid, turns)
    for turns in range(4):
        yield np.rot90(grid, turns)[:, ::-1]


def _has_walls(grid: Grid) -> bool:
    """Return whether the first and last column are each of one colour."""
    left, right = grid[:, 0], grid[:, -1]
    return bool(left[0] and right[0] and (left == left[0]).all() and (right == right[0]).all())


def _bounce(grid: Grid, start: int) -> None:
    """Draw a line between walls that rises to the right from column `start` of the last row."""
    left, right, own = grid[0, 0], grid[0, -1], grid[-1, start]
    height, free_columns = len(grid), grid.shape[1] - 2
    last = free_columns - 1

    # One column further per row, folded back at the walls: a triangle wave.
    travelled = np.arange(start - 1, start - 1 + height)
    columns = last - np.abs(travelled % (2 * last) - last) + 1

    # Leg 0 ends at the right wall, leg 1 at the left wall, and so on.
    legs = np.maximum(travelled - 1, 0) // last
    colours = np.where(legs % 2, right, left)
    colours[legs == 0] = own
    from_the_bottom = grid[::-1]
    from_the_bottom[np.arange(height), columns] = colours
