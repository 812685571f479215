"""Order: things sorted by size, by number, by place, and what is out of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import OLD_COLOURS, REARRANGES, RECOLOURS, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Axis, Paint, Rule, Side, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, full_lines, paint, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class SortBlocksBySize(Rule):
    """The line starts where it did, and nothing moves across it; one cell of ground lies between two
    objects."""

    says = "Put the objects of the line into order of size, the {first} first."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    first: Literal["smallest", "largest"]

    def question(self, draw: Draw) -> Grid | None:
        n = draw.between(3, 4)
        sides = draw.some((2, 3, 4, 5, 6) if n == 3 else (1, 2, 3, 4, 5), n)
        if _ordered(sides, True) or _ordered(sides, False):
            return None
        wide, colours = draw.between(0, 2), draw.colours(n)
        masks = [block(side, 2) if wide == 2 else (frame, block)[wide](side, side) for side in sides]
        return _lined_up(draw, masks, [colours[0]] * n if draw.chance(0.3) else colours)

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene.shapes)
        if line is None or len({thing.size for thing in line[1]}) < len(line[1]):
            return None
        row, things = line
        at = things[0].left if row else things[0].top
        grid = np.zeros_like(scene.grid)
        for thing in sorted(things, key=lambda thing: thing.size, reverse=self.first == "largest"):
            stamp(grid, cut(scene, thing), thing.top if row else at, at if row else thing.left)
            at += (thing.width if row else thing.height) + 1
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = _line(question.shapes), _line(Scene(answer).shapes)
        if before is None or after is None or before[0] != after[0]:
            return "the objects stand in no such line"
        row, things = after
        starts = {line[1][0].left if row else line[1][0].top for line in (before, after)}
        gaps = {b.left - a.right if row else b.top - a.bottom for a, b in pairwise(things)}
        kept = [{(t.form, t.colour, t.top if row else t.left) for t in line[1]} for line in (before, after)]
        right = kept[0] == kept[1] and _ordered([thing.size for thing in things], self.first == "smallest")
        return "" if right and gaps == {1} and len(starts) == 1 else "the line is another, or out of order"


@final
@dataclass(frozen=True, slots=True)
class StairsOfBars(Rule):
    """Bars are one cell thick; those that lie are turned upright. Bars of one length have one colour."""

    says = (
        "Stand the bars upright, side by side, in the bottom {corner} corner, the {first} one in the corner."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    corner: Literal["left", "right"]
    first: Literal["shortest", "longest"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 12)
        masks = [
            block(*draw.pick(((1, n), (n, 1)))) for n in draw.some((1, 2, 2, 3, 4, 5, 6), draw.between(3, 5))
        ]
        colours = draw.colours(len(masks))
        return (
            grid
            if draw.scatter(grid, masks, [colours[0]] * len(masks) if draw.chance(0.4) else colours)
            else None
        )

    def answer(self, scene: Scene) -> Grid | None:
        bars = sorted(scene.shapes, key=lambda thing: thing.size, reverse=self.first == "longest")
        lengths = {bar.size for bar in bars}
        if not 2 <= len(bars) <= scene.width or len(lengths) < len({(bar.size, bar.colour) for bar in bars}):
            return None
        if any(not bar.solid or min(bar.height, bar.width) > 1 or bar.size > scene.height for bar in bars):
            return None
        grid = np.zeros_like(scene.grid)
        for k, bar in enumerate(bars):
            grid[scene.height - bar.size :, k if self.corner == "left" else -1 - k] = bar.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        columns = (answer if self.corner == "left" else answer[:, ::-1]).T[: len(question.shapes)]
        found = [(np.count_nonzero(column), int(column[-1])) for column in columns]
        if sorted(found) != sorted((bar.size, bar.colour) for bar in question.shapes):
            return "the columns in the corner are not the bars"
        for (height, colour), column in zip(found, columns, strict=True):
            if (column[len(column) - height :] != colour).any():
                return "a bar is broken"
        steps = np.diff([height for height, _ in found]) * (1 if self.first == "shortest" else -1)
        return "" if np.all(steps >= 0) else "the heights are not in order"


@final
@dataclass(frozen=True, slots=True)
class SortFieldsByDots(Rule):
    """Lines of one colour run through the grid, all in one direction; a field may be empty."""

    says = "Put the fields between the lines into order of their number of dots, the field with the {first} first."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    first: Literal["fewest", "most"]

    def question(self, draw: Draw) -> Grid | None:
        counts = draw.some((0, 1, 2, 3, 5), draw.between(3, 4))
        if _ordered(counts, self.first == "fewest"):
            return None
        h, w = draw.between(3, 5), draw.between(3, 4)
        line, *dots = draw.colours(1 + len(counts))
        dots = [dots[0]] * len(dots) if draw.chance(0.5) else dots
        ends = draw.below(2)  # lines at both ends too, or only between fields
        grid = np.zeros((h, (w + 1) * len(counts) - 1 + 2 * ends), np.uint8)
        grid[:, 0 if ends else w :: w + 1] = line
        for k, (n, dot) in enumerate(zip(counts, dots, strict=True)):
            for place in draw.some(range(h * w), n):
                grid[place // w, k * (w + 1) + ends + place % w] = dot
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        fields = _fields(scene.grid)
        many = [np.count_nonzero(field) for field in fields]
        if len({*many}) < max(len(many), 1):
            return None
        grid = scene.copy()
        order = sorted(range(len(many)), key=many.__getitem__, reverse=self.first == "most")
        for place, k in zip(_fields(grid), order, strict=True):
            place[:] = fields[k]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = _fields(question.grid), _fields(answer)
        if sorted(field.tobytes() for field in before) != sorted(field.tobytes() for field in after):
            return "the fields are others"
        lines = [c for c in question.colours if not any((field == c).any() for field in before)]
        if ((question.grid == lines[0]) != (answer == lines[0])).any():
            return "a line is not where it was"
        right = _ordered([np.count_nonzero(field) for field in after], self.first == "fewest")
        return "" if right else "the numbers are not in order"


@final
@dataclass(frozen=True, slots=True)
class SortBarsByMark(Rule):
    """Bars of one size, side by side, each with a mark at a height of its own; marks may be gaps, and go."""

    says = "Order the bars by the height of their marks, the {first} on the left, and take the marks out."
    keeps = SAME_SIZE | OLD_COLOURS
    first: Literal["highest", "lowest"]

    def question(self, draw: Draw) -> Grid | None:
        n, h, w = draw.between(3, 5), draw.between(5, 8), draw.between(1, 3)
        marks = draw.some(range(h), n)
        if _ordered(marks, self.first == "highest"):
            return None
        grid = np.zeros((h + draw.between(0, 3), n * (w + 1) - 1), np.uint8)
        kind, (mark, *colours) = draw.below(3) if w > 1 else 0, draw.colours(n + 1)
        for k, (row, colour) in enumerate(zip(marks, colours, strict=True)):
            bar = grid[-h:, k * (w + 1) : k * (w + 1) + w]
            bar[:] = colour
            bar[row, slice(w) if kind == 0 else draw.below(w)] = 0 if kind == 1 else mark
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        bars = sorted(scene.groups, key=lambda bar: bar.left)
        if not 3 <= len(bars) <= 10 or len({(bar.top, bar.height, bar.width) for bar in bars}) > 1:
            return None
        inside = [{*scene.grid[bar.box].ravel().tolist()} for bar in bars]
        common = set[int].intersection(*inside)
        if len(common) != 1 or any(len(colours) != 2 for colours in inside):
            return None
        mark = common.pop()
        rows = [int(np.argmax((scene.grid[bar.box] == mark).any(axis=1))) for bar in bars]
        if len(set(rows)) < len(rows):
            return None
        order = sorted(range(len(bars)), key=rows.__getitem__, reverse=self.first == "lowest")
        grid = scene.copy()
        for bar, k in zip(bars, order, strict=True):
            grid[bar.box] = (inside[k] - {mark}).pop()
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        boxes = [bar.box for bar in sorted(question.groups, key=lambda bar: bar.left)]
        marked: dict[int, float] = {}
        for bar in (question.grid[box] for box in boxes):
            own = int(np.bincount(bar.ravel()).argmax())
            marked[own] = float(np.argwhere(bar != own)[:, 0].mean())
        painted = [int(answer[box][0, 0]) for box in boxes]
        whole = question.copy()
        for box, colour in zip(boxes, painted, strict=True):
            whole[box] = colour
        if (whole != answer).any() or sorted(painted) != sorted(marked):
            return "a bar has a mark, or a colour that none had"
        right = _ordered([marked[colour] for colour in painted], self.first == "highest")
        return "" if right else "the marks are not in order"


@final
@dataclass(frozen=True, slots=True)
class RecolourOutOfOrder(Rule):
    """Without this one, the others rise or fall strictly along the line; without another, they do not."""

    says = "Recolour {ink} the one object of the line that stands out of the order of sizes."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        n = draw.between(5, 6)
        sides = sorted(draw.some((1, 2, 3, 4, 5, 6, 7), n), reverse=draw.chance(0.5))
        old, new = draw.pick([(a, b) for a in range(n) for b in range(n) if abs(a - b) > 1])
        sides.insert(new, sides.pop(old))
        wide, colours = draw.between(1, 2), draw.colours(n, self.ink)
        return _lined_up(
            draw, [block(side, wide) for side in sides], colours if draw.chance(0.5) else colours[:1] * n
        )

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene.shapes)
        if line is None or not 4 <= len(line[1]) <= 12:
            return None
        sizes = [thing.size for thing in line[1]]
        left = [[*sizes[:k], *sizes[k + 1 :]] for k in range(len(sizes))]
        wrong = [k for k, others in enumerate(left) if _ordered(others, True) or _ordered(others, False)]
        if len(wrong) != 1:
            return None
        grid = scene.copy()
        paint(grid, line[1][wrong[0]], self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        line = _line(question.shapes)
        if line is None:
            return "the objects stand in no line"
        tinted = [(answer[thing.box] == self.ink).all() for thing in line[1]]
        steps = np.diff([thing.size for thing, new in zip(line[1], tinted, strict=True) if not new])
        if sum(tinted) != 1 or not (np.all(steps > 0) or np.all(steps < 0)):
            return "the objects left are not in order"
        return changed(question, answer, line[1][tinted.index(True)].size)


@final
@dataclass(frozen=True, slots=True)
class NeighbourInTopRow(Rule):
    """The top row holds three colours or more, each once, and stays."""

    says = "Recolour each object with the colour {step} its own in the top row, which starts over at its end."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    step: Literal["after", "before"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        legend = draw.colours(draw.between(3, 4))
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 2) for _ in range(draw.between(3, 5))]
        colours = [*draw.some(legend, 2), *(draw.pick(legend) for _ in masks[2:])]
        left = draw.below(grid.shape[1] - len(legend) + 1)
        grid[0, left : left + len(legend)] = legend
        return grid if draw.scatter(grid[2:], masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        legend = [colour for colour in scene.grid[0].tolist() if colour]
        if not 3 <= len(legend) == len({*legend}) == len(scene.colours):
            return None
        turned = legend[1:] + legend[:1]
        new = np.zeros(10, np.uint8)
        new[legend if self.step == "after" else turned] = turned if self.step == "after" else legend
        grid = scene.copy()
        grid[1:] = new[grid[1:]]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer[0] != question.grid[0]).any():
            return "the top row is changed"
        legend = [colour for colour in answer[0].tolist() if colour]
        for old, new in {*zip(question.grid[1:].ravel().tolist(), answer[1:].ravel().tolist(), strict=True)}:
            if old and legend[(legend.index(old) + (1 if self.step == "after" else -1)) % len(legend)] != new:
                return "an object has not the next colour"
        return ""


@final
@dataclass(frozen=True, slots=True)
class ListColours(Rule):
    """Places are judged by the centres of boxes."""

    says = "List the colours of the objects, from the {start} on, one cell for each, in a {form}."
    keeps = SHRINKS | OLD_COLOURS
    start: Side
    form: Axis

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in range(draw.between(3, 5))]
        if not draw.scatter(grid, masks, draw.colours(len(masks))):
            return None
        places = sorted(self._place(thing) for thing in Scene(grid).shapes)
        return grid if min(b - a for a, b in pairwise(places)) > 1 else None

    def answer(self, scene: Scene) -> Grid | None:
        if not 2 <= len(scene.shapes) <= 9:
            return None
        things = sorted((self._place(thing), thing.colour) for thing in scene.shapes)
        if any(a[0] == b[0] for a, b in pairwise(things)):
            return None
        colours = np.array([[colour for _, colour in things]], np.uint8)
        return colours if self.form == "row" else colours.T.copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        listed: list[int] = answer.ravel().tolist()
        if answer.shape[self.form == "column"] != 1 or sorted(listed) != [*question.colours]:
            return "the answer does not hold each colour once"
        cells = [np.nonzero(question.grid == colour)[self.start in ("left", "right")] for colour in listed]
        middles = [float(places.min() + places.max()) for places in cells]
        return "" if _ordered(middles, self.start in ("left", "top")) else "the order is another"

    def _place(self, thing: Thing) -> int:
        middle = thing.middle[self.start in ("left", "right")]
        return middle if self.start in ("left", "top") else -middle


@final
@dataclass(frozen=True, slots=True)
class SortCellsByTopRow(Rule):
    """The top row holds each colour once, from left to right, and stays."""

    says = "In every other row, push the cells together at the {side} and sort them into the order of the top row."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    side: Literal["left", "right"]

    def question(self, draw: Draw) -> Grid | None:
        grid, legend = draw.ground(6, 9), draw.colours(draw.between(3, 4))
        h, w = grid.shape
        left = draw.below(w - len(legend) + 1)
        grid[0, left : left + len(legend)] = legend
        for row in draw.some(range(2, h), draw.between(2, h - 3)):
            places = draw.some(range(w), draw.between(3, w - 1))
            grid[row, places] = [draw.pick(legend) for _ in places]
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        legend = [colour for colour in scene.grid[0].tolist() if colour]
        if len({*legend}) < len(legend) or len(legend) != len(scene.colours) or scene.height < 2:
            return None
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
        places = {colour: k for k, colour in enumerate(answer[0].tolist()) if colour}
        for before, after in zip(question.grid[1:].tolist(), answer[1:].tolist(), strict=True):
            cells = [colour for colour in after if colour]
            ground = [0] * (len(after) - len(cells))
            if after != (cells + ground if self.side == "left" else ground + cells) or sorted(
                before
            ) != sorted(after):
                return "a row has other cells, or gaps"
            if any(places[a] > places[b] for a, b in pairwise(cells)):
                return "a row is out of order"
        return ""


def _ordered(values: Sequence[float | np.intp], rising: bool) -> bool:
    """Whether the values rise strictly, or fall."""
    return all(a < b if rising else a > b for a, b in pairwise(values))


def _lined_up(draw: Draw, masks: Sequence[Mask], colours: Sequence[int]) -> Grid:
    """Shapes side by side, with one or two cells between them, aligned at one edge of the grid."""
    at = draw.below(3)
    deep, wide = (
        max(mask.shape[0] for mask in masks) + draw.below(4),
        sum(mask.shape[1] + 2 for mask in masks) + 2,
    )
    grid = np.zeros((deep, wide), np.uint8)
    for mask, colour in zip(masks, colours, strict=True):
        grid[deep - mask.shape[0] :, at : at + mask.shape[1]][mask] = colour
        at += mask.shape[1] + draw.between(1, 2)
    grid = grid[:: draw.pick((1, -1)), : at - 1 + draw.below(2)]
    return np.ascontiguousarray(grid if draw.chance(0.5) else grid.T)


def _line(things: Sequence[Thing]) -> tuple[bool, list[Thing]] | None:
    """Whether three things or more stand in a row rather than a column, and they in order; None for neither
    or both."""
    rows, columns = sorted(things, key=lambda thing: thing.left), sorted(things, key=lambda thing: thing.top)
    row = all(a.right < b.left for a, b in pairwise(rows))
    column = all(a.bottom < b.top for a, b in pairwise(columns))
    return None if row == column or len(things) < 3 else (row, rows if row else columns)


def _fields(grid: Grid) -> list[Grid]:
    """Views of three or more equal fields between lines of one colour, upright or level; [] where there are
    none."""
    for turned in (grid, grid.T):
        at = full_lines(turned)
        fields = [turned[:, a + 1 : b] for a, b in pairwise([-1, *at, turned.shape[1]]) if b - a > 1]
        if len(fields) > 2 and len({field.shape for field in fields}) == len({*turned[0, at].tolist()}) == 1:
            return fields
    return []
