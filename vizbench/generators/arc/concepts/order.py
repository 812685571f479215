"""Define the rules of Order: things sorted by size, by number or by place, and what is out of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import OLD_COLOURS, REARRANGES, RECOLOURS, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Axis, Paint, Rule, Side, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, full_lines, paint, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class SortBlocksBySize(Rule):
    """Sort the objects of a line by size.

    The line keeps its start, and no object moves across it. One cell of ground separates two objects.
    """

    says = "Put the objects of the line into order of size, the {first} first."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    first: Literal["smallest", "largest"]
    """The object at the top or left end of the line."""

    def question(self, draw: Draw) -> Grid | None:
        count = draw.between(3, 4)
        sides = draw.some((2, 3, 4, 5, 6) if count == 3 else (1, 2, 3, 4, 5), count)
        if _is_sorted(sides, rising=True) or _is_sorted(sides, rising=False):
            return None

        look = draw.pick(("outline", "square", "bar"))
        masks = [_block_of_look(look, side) for side in sides]
        colours = draw.colours(count)
        if draw.chance(0.3):
            colours = [colours[0]] * count
        return _lined_up(draw, masks, colours)

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene.shapes)
        if line is None:
            return None
        sizes = {thing.size for thing in line.things}
        if len(sizes) < len(line.things):
            return None

        # Lay the objects down one after the other, from the start of the line.
        grid = np.zeros_like(scene.grid)
        place = line.start(line.things[0])
        for thing in sorted(line.things, key=lambda thing: thing.size, reverse=self.first == "largest"):
            if line.is_row:
                stamp(grid, cut(scene, thing), thing.top, place)
                place += thing.width + 1
            else:
                stamp(grid, cut(scene, thing), place, thing.left)
                place += thing.height + 1
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = _line(question.shapes), _line(Scene(answer).shapes)
        if before is None or after is None or before.is_row != after.is_row:
            return "the objects do not form such a line"
        same_start = before.start(before.things[0]) == after.start(after.things[0])
        gaps = {after.start(b) - after.end(a) for a, b in pairwise(after.things)}
        sizes = [thing.size for thing in after.things]
        in_order = _is_sorted(sizes, rising=self.first == "smallest")
        if not same_start or gaps != {1} or not in_order or before.looks() != after.looks():
            return "the line has changed its place or objects, or is out of order"
        return ""


@final
@dataclass(frozen=True, slots=True)
class StairsOfBars(Rule):
    """Stand bars side by side in a corner, sorted by length.

    Bars are one cell thick; horizontal ones are turned upright. Bars of one length have one colour.
    """

    says = (
        "Stand the bars upright, side by side, in the bottom {corner} corner, the {first} one in the corner."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    corner: Literal["left", "right"]
    """The bottom corner in which the stairs begin."""
    first: Literal["shortest", "longest"]
    """The bar in the corner."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 12)
        masks: list[Mask] = []
        for length in draw.some((1, 2, 2, 3, 4, 5, 6), draw.between(3, 5)):
            height, width = draw.pick(((1, length), (length, 1)))
            masks.append(block(height, width))
        colours = draw.colours(len(masks))
        if draw.chance(0.4):
            colours = [colours[0]] * len(masks)
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        bars = sorted(scene.shapes, key=lambda thing: thing.size, reverse=self.first == "longest")
        if not 2 <= len(bars) <= scene.width:
            return None
        # Two bars of one length and different colours could change places.
        lengths = {bar.size for bar in bars}
        if len(lengths) < len({(bar.size, bar.colour) for bar in bars}):
            return None
        for bar in bars:
            if not bar.solid or min(bar.height, bar.width) > 1 or bar.size > scene.height:
                return None

        grid = np.zeros_like(scene.grid)
        for step, bar in enumerate(bars):
            column = step if self.corner == "left" else -1 - step
            grid[scene.height - bar.size :, column] = bar.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Columns of the answer from the corner on, one per bar.
        from_corner = answer if self.corner == "left" else answer[:, ::-1]
        columns = from_corner.T[: len(question.shapes)]
        heights = [np.count_nonzero(column) for column in columns]
        colours = [int(column[-1]) for column in columns]
        bars = sorted((bar.size, bar.colour) for bar in question.shapes)
        if sorted(zip(heights, colours, strict=True)) != bars:
            return "the columns in the corner are not the bars"
        for height, colour, column in zip(heights, colours, columns, strict=True):
            if (column[len(column) - height :] != colour).any():
                return "a bar is broken"

        steps = np.diff(heights)
        if self.first == "longest":
            steps = -steps
        return "" if np.all(steps >= 0) else "the heights are not in order"


@final
@dataclass(frozen=True, slots=True)
class SortFieldsByDots(Rule):
    """Sort the fields between lines by their number of dots.

    Lines of one colour run through the grid, all in one direction. A field may be empty.
    """

    says = (
        "Put the fields between the lines into order of their number of dots, "
        "the field with the {first} first."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    first: Literal["fewest", "most"]
    """The number of dots of the top or left field."""

    def question(self, draw: Draw) -> Grid | None:
        counts = draw.some((0, 1, 2, 3, 5), draw.between(3, 4))
        if _is_sorted(counts, rising=self.first == "fewest"):
            return None
        height, width = draw.between(3, 5), draw.between(3, 4)
        line_colour, *dot_colours = draw.colours(1 + len(counts))
        if draw.chance(0.5):
            dot_colours = [dot_colours[0]] * len(dot_colours)

        # Lines between the fields, and in half of the grids at both ends too: then fields start one further.
        margin = draw.below(2)
        stride = width + 1
        grid = np.zeros((height, stride * len(counts) - 1 + 2 * margin), np.uint8)
        first_line = 0 if margin else width
        grid[:, first_line::stride] = line_colour

        for field, (count, colour) in enumerate(zip(counts, dot_colours, strict=True)):
            left = field * stride + margin
            for place in draw.some(range(height * width), count):
                grid[place // width, left + place % width] = colour
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        fields = _fields(scene.grid)
        dots = [np.count_nonzero(field) for field in fields]
        if not fields or len({*dots}) < len(dots):
            return None
        grid = scene.copy()
        order = sorted(range(len(dots)), key=dots.__getitem__, reverse=self.first == "most")
        for place, source in zip(_fields(grid), order, strict=True):
            place[:] = fields[source]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = _fields(question.grid), _fields(answer)
        if sorted(field.tobytes() for field in before) != sorted(field.tobytes() for field in after):
            return "the fields have changed"

        # The lines have the one colour that no field holds.
        in_fields = {colour for field in before for colour in field.ravel().tolist()}
        line_colour = next(colour for colour in question.colours if colour not in in_fields)
        if ((question.grid == line_colour) != (answer == line_colour)).any():
            return "a line has changed"

        dots = [np.count_nonzero(field) for field in after]
        in_order = _is_sorted(dots, rising=self.first == "fewest")
        return "" if in_order else "the numbers are not in order"


@final
@dataclass(frozen=True, slots=True)
class SortBarsByMark(Rule):
    """Sort bars by the height of their marks, and remove the marks.

    The bars have one size and are side by side. Each has a mark at a height of its own, which may be a gap.
    """

    says = "Order the bars by the height of their marks, the {first} on the left, and take the marks out."
    keeps = SAME_SIZE | OLD_COLOURS
    first: Literal["highest", "lowest"]
    """The mark of the leftmost bar."""

    def question(self, draw: Draw) -> Grid | None:
        count, height, width = draw.between(3, 5), draw.between(5, 8), draw.between(1, 3)
        mark_rows = draw.some(range(height), count)
        if _is_sorted(mark_rows, rising=self.first == "highest"):
            return None
        stride = width + 1
        grid = np.zeros((height + draw.between(0, 3), count * stride - 1), np.uint8)

        # Three looks of a mark: 0 is a stripe across the bar, 1 a gap of one cell, 2 one coloured cell.
        look = draw.below(3) if width > 1 else 0
        mark, *colours = draw.colours(count + 1)
        for k, (row, colour) in enumerate(zip(mark_rows, colours, strict=True)):
            bar = grid[-height:, k * stride : k * stride + width]
            bar[:] = colour
            if look == 0:
                bar[row] = mark
            else:
                bar[row, draw.below(width)] = 0 if look == 1 else mark
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        bars = sorted(scene.groups, key=lambda bar: bar.left)
        boxes = {(bar.top, bar.height, bar.width) for bar in bars}
        if not 3 <= len(bars) <= 10 or len(boxes) > 1:
            return None

        # Every bar has two colours: its own, and the mark's, which all share. The mark's may be the ground's.
        palettes = [{*scene.grid[bar.box].ravel().tolist()} for bar in bars]
        common = set[int].intersection(*palettes)
        if len(common) != 1 or any(len(palette) != 2 for palette in palettes):
            return None
        mark = common.pop()
        mark_rows = [int(np.argmax((scene.grid[bar.box] == mark).any(axis=1))) for bar in bars]
        if len(set(mark_rows)) < len(mark_rows):
            return None

        order = sorted(range(len(bars)), key=mark_rows.__getitem__, reverse=self.first == "lowest")
        grid = scene.copy()
        for bar, source in zip(bars, order, strict=True):
            grid[bar.box] = (palettes[source] - {mark}).pop()
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        boxes = [bar.box for bar in sorted(question.groups, key=lambda bar: bar.left)]
        # The mean row of each bar's mark, by the bar's colour.
        mark_heights: dict[int, float] = {}
        for box in boxes:
            bar = question.grid[box]
            own = int(np.bincount(bar.ravel()).argmax())
            mark_heights[own] = float(np.argwhere(bar != own)[:, 0].mean())

        painted = [int(answer[box][0, 0]) for box in boxes]
        whole = question.copy()
        for box, colour in zip(boxes, painted, strict=True):
            whole[box] = colour
        if (whole != answer).any() or sorted(painted) != sorted(mark_heights):
            return "a bar still has a mark, or has a colour that no bar had"

        heights = [mark_heights[colour] for colour in painted]
        in_order = _is_sorted(heights, rising=self.first == "highest")
        return "" if in_order else "the marks are not in order"


@final
@dataclass(frozen=True, slots=True)
class RecolourOutOfOrder(Rule):
    """Recolour the one object that breaks the order of sizes in a line.

    Without it, the sizes of the others rise or fall strictly. Without any other object, they do not.
    """

    says = "Recolour {ink} the one object of the line that stands out of the order of sizes."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint
    """The object's new colour."""

    def question(self, draw: Draw) -> Grid | None:
        count = draw.between(5, 6)
        sides = draw.some((1, 2, 3, 4, 5, 6, 7), count)
        sides.sort(reverse=draw.chance(0.5))

        # Move one side by two places or more: swapped neighbours would leave two candidates.
        moves = [(old, new) for old, new in permutations(range(count), 2) if abs(old - new) > 1]
        old, new = draw.pick(moves)
        sides.insert(new, sides.pop(old))

        thickness = draw.between(1, 2)
        colours = draw.colours(count, self.ink)
        masks = [block(side, thickness) for side in sides]
        if not draw.chance(0.5):
            colours = [colours[0]] * count
        return _lined_up(draw, masks, colours)

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene.shapes)
        if line is None or not 4 <= len(line.things) <= 12:
            return None
        sizes = [thing.size for thing in line.things]
        candidates: list[Thing] = []
        for k, thing in enumerate(line.things):
            others = [*sizes[:k], *sizes[k + 1 :]]
            if _is_sorted(others, rising=True) or _is_sorted(others, rising=False):
                candidates.append(thing)
        if len(candidates) != 1:
            return None
        grid = scene.copy()
        paint(grid, candidates[0], self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        line = _line(question.shapes)
        if line is None:
            return "the objects do not form a line"
        inked: list[Thing] = []
        others: list[Thing] = []
        for thing in line.things:
            is_inked = bool((answer[thing.box] == self.ink).all())
            (inked if is_inked else others).append(thing)
        steps = np.diff([thing.size for thing in others])
        if len(inked) != 1 or not (np.all(steps > 0) or np.all(steps < 0)):
            return "not one object is recoloured, or the others are not in order"
        return changed(question, answer, inked[0].size)


@final
@dataclass(frozen=True, slots=True)
class NeighbourInTopRow(Rule):
    """Recolour objects with the colour next to their own in the top row.

    The top row holds three colours or more, each once, and is kept.
    """

    says = "Recolour each object with the colour {step} its own in the top row, which starts over at its end."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    step: Literal["after", "before"]
    """The neighbour to the right (after) or to the left (before)."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        legend = draw.colours(draw.between(3, 4))
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 2) for _ in range(draw.between(3, 5))]
        # Two colours at least, so that more than one step of the legend is seen.
        colours = [*draw.some(legend, 2), *(draw.pick(legend) for _ in masks[2:])]
        left = draw.below(grid.shape[1] - len(legend) + 1)
        grid[0, left : left + len(legend)] = legend
        return grid if draw.scatter(grid[2:], masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        legend = [colour for colour in scene.grid[0].tolist() if colour]
        if not 3 <= len(legend) == len({*legend}) == len(scene.colours):
            return None
        following = legend[1:] + legend[:1]
        new_colours = np.zeros(10, np.uint8)
        if self.step == "after":
            new_colours[legend] = following
        else:
            new_colours[following] = legend
        grid = scene.copy()
        grid[1:] = new_colours[grid[1:]]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer[0] != question.grid[0]).any():
            return "the top row is changed"
        legend = [colour for colour in answer[0].tolist() if colour]
        offset = 1 if self.step == "after" else -1
        before, after = question.grid[1:].ravel().tolist(), answer[1:].ravel().tolist()
        for old, new in {*zip(before, after, strict=True)}:
            if old and legend[(legend.index(old) + offset) % len(legend)] != new:
                return "an object does not have the neighbouring colour"
        return ""


@final
@dataclass(frozen=True, slots=True)
class ListColours(Rule):
    """List the colours of the objects by place, measured at the centres of their boxes."""

    says = "List the colours of the objects, from the {start} on, one cell for each, in a {form}."
    keeps = SHRINKS | OLD_COLOURS
    start: Side
    """The edge from which objects are read."""
    form: Axis
    """The shape of the answer."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in range(draw.between(3, 5))]
        if not draw.scatter(grid, masks, draw.colours(len(masks))):
            return None
        # Centres must differ by a cell at least, to have a clear order.
        places = sorted(self._place(thing) for thing in Scene(grid).shapes)
        return grid if min(b - a for a, b in pairwise(places)) > 1 else None

    def answer(self, scene: Scene) -> Grid | None:
        if not 2 <= len(scene.shapes) <= 9:
            return None
        colour_at = {self._place(thing): thing.colour for thing in scene.shapes}
        if len(colour_at) < len(scene.shapes):
            return None  # two objects share a place
        row = np.array([[colour_at[place] for place in sorted(colour_at)]], np.uint8)
        return row if self.form == "row" else row.T.copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        listed: list[int] = answer.ravel().tolist()
        thickness = answer.shape[0] if self.form == "row" else answer.shape[1]
        if thickness != 1 or sorted(listed) != [*question.colours]:
            return "the answer does not hold each colour once"
        middles: list[float] = []
        for colour in listed:
            rows, columns = np.nonzero(question.grid == colour)
            places = columns if self.start in ("left", "right") else rows
            middles.append(float(places.min() + places.max()))
        in_order = _is_sorted(middles, rising=self.start in ("left", "top"))
        return "" if in_order else "the order is wrong"

    def _place(self, thing: Thing) -> int:
        """Return twice the centre's distance from the edge `start`, up to a constant."""
        row, column = thing.middle
        middle = column if self.start in ("left", "right") else row
        return middle if self.start in ("left", "top") else -middle


@final
@dataclass(frozen=True, slots=True)
class SortCellsByTopRow(Rule):
    """Push the cells of each row together, sorted in the order of the top row.

    The top row holds each colour once and is kept.
    """

    says = (
        "In every other row, push the cells together at the {side} "
        "and sort them into the order of the top row."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    side: Literal["left", "right"]
    """The edge at which the cells gather."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(6, 9)
        legend = draw.colours(draw.between(3, 4))
        height, width = grid.shape
        left = draw.below(width - len(legend) + 1)
        grid[0, left : left + len(legend)] = legend
        for row in draw.some(range(2, height), draw.between(2, height - 3)):
            places = draw.some(range(width), draw.between(3, width - 1))
            grid[row, places] = [draw.pick(legend) for _ in places]
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        legend = [colour for colour in scene.grid[0].tolist() if colour]
        if len({*legend}) < len(legend) or len(legend) != len(scene.colours) or scene.height < 2:
            return None
        # Ground sorts behind all colours, or in front of them.
        rank = np.zeros(10, np.int64)
        rank[0] = 10 if self.side == "left" else -1
        rank[legend] = range(len(legend))
        order = np.argsort(rank[scene.grid[1:]], axis=1, kind="stable")
        grid = scene.copy()
        grid[1:] = np.take_along_axis(scene.grid[1:], order, axis=1)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer[0] != question.grid[0]).any():
            return "the top row is changed"
        rank = {colour: k for k, colour in enumerate(answer[0].tolist()) if colour}
        for before, after in zip(question.grid[1:].tolist(), answer[1:].tolist(), strict=True):
            cells = [colour for colour in after if colour]
            ground = [0] * (len(after) - len(cells))
            pushed = cells + ground if self.side == "left" else ground + cells
            if after != pushed or sorted(before) != sorted(after):
                return "a row has changed its cells, or has gaps"
            if any(rank[a] > rank[b] for a, b in pairwise(cells)):
                return "a row is out of order"
        return ""


@final
@dataclass(frozen=True, slots=True)
class _Line:
    """Hold objects that form a row or a column, in order."""

    is_row: bool
    """True for a row, from left to right; False for a column, from top to bottom."""
    things: list[Thing]
    """The objects, three or more."""

    def start(self, thing: Thing) -> int:
        """Return the place at which a thing begins along the line."""
        return thing.left if self.is_row else thing.top

    def end(self, thing: Thing) -> int:
        """Return the place at which a thing ends along the line, exclusive."""
        return thing.right if self.is_row else thing.bottom

    def looks(self) -> set[tuple[tuple[int, bytes], int, int]]:
        """Return form, colour and place across the line of each object: all but its place along the line."""
        if self.is_row:
            return {(thing.form, thing.colour, thing.top) for thing in self.things}
        return {(thing.form, thing.colour, thing.left) for thing in self.things}


def _line(things: Sequence[Thing]) -> _Line | None:
    """Return the row or column that three or more objects form; None if they form neither, or both."""
    from_left = sorted(things, key=lambda thing: thing.left)
    from_top = sorted(things, key=lambda thing: thing.top)
    is_row = all(a.right < b.left for a, b in pairwise(from_left))
    is_column = all(a.bottom < b.top for a, b in pairwise(from_top))
    if is_row == is_column or len(things) < 3:
        return None
    return _Line(is_row, from_left if is_row else from_top)


def _is_sorted(values: Sequence[float | np.intp], rising: bool) -> bool:
    """Return whether the values rise strictly, or fall strictly if `rising` is false."""
    if rising:
        return all(a < b for a, b in pairwise(values))
    return all(a > b for a, b in pairwise(values))


def _block_of_look(look: str, side: int) -> Mask:
    """Return an outline or a full square with sides of `side` cells, or an upright bar of this height."""
    if look == "outline":
        return frame(side, side)
    if look == "square":
        return block(side, side)
    return block(side, 2)


def _lined_up(draw: Draw, masks: Sequence[Mask], colours: Sequence[int]) -> Grid:
    """Draw shapes side by side, one or two cells apart, aligned at one edge of the grid."""
    left = draw.below(3)
    height = max(mask.shape[0] for mask in masks) + draw.below(4)
    largest_width = sum(mask.shape[1] + 2 for mask in masks) + 2
    grid = np.zeros((height, largest_width), np.uint8)
    for mask, colour in zip(masks, colours, strict=True):
        grid[height - mask.shape[0] :, left : left + mask.shape[1]][mask] = colour
        left += mask.shape[1] + draw.between(1, 2)

    # Align at the bottom or the top, cut off the spare columns, and turn half of the rows into columns.
    row_step = draw.pick((1, -1))
    width = left - 1 + draw.below(2)
    grid = grid[::row_step, :width]
    return np.ascontiguousarray(grid if draw.chance(0.5) else grid.T)


def _fields(grid: Grid) -> list[Grid]:
    """Return views of three or more equal fields between lines of one colour, all vertical or all horizontal.

    Returns [] if there are none.
    """
    for turned in (grid, grid.T):
        lines = full_lines(turned)
        fields: list[Grid] = []
        for before, line in pairwise([-1, *lines, turned.shape[1]]):
            if line - before > 1:  # two lines side by side have no field between them
                fields.append(turned[:, before + 1 : line])
        shapes = {field.shape for field in fields}
        line_colours = {*turned[0, lines].tolist()}
        if len(fields) > 2 and len(shapes) == len(line_colours) == 1:
            return fields
    return []
