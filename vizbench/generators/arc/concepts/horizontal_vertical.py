"""Horizontal, vertical: which way bars, frames, stripes, rows of objects and mirror lines run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
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
from vizbench.generators.arc.rule import Ink, Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, full_lines, keep, paint, stands
from vizbench.types import Grid

_Way: TypeAlias = Literal["horizontal", "vertical"]
_SIZES = [(h, w) for h in range(3, 7) for w in range(3, 7)]


@final
@dataclass(frozen=True, slots=True)
class FillByTheWayFramesLie(Rule):
    """Both kinds are there; a square frame would stay empty."""

    says = "Fill every horizontal frame with {flat}, and every vertical one with {upright}."
    keeps = SAME_SIZE | ADDS
    flat: Ink
    upright: Ink

    def question(self, draw: Draw) -> Grid | None:
        if self.flat == self.upright:
            return None
        grid = draw.ground(12, 17)
        masks = [frame(*_lying(flat, draw.between(3, 4), draw.between(6, 8))) for flat in draw.mixed(2, 4)]
        colours = [draw.colour(self.flat, self.upright) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        holes = [hole for hole in scene.holes if hole.width != hole.height]
        if self.flat == self.upright or len({hole.width > hole.height for hole in holes}) != 2:
            return None
        grid = scene.copy()
        for hole in holes:
            paint(grid, hole, self.flat if hole.width > hole.height else self.upright)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        fills = (*after.of(self.flat), *after.of(self.upright))
        if after.holes or any((fill.width > fill.height) != (fill.colour == self.flat) for fill in fills):
            return "a frame is not filled, or has the fill of the other way"
        return changed(question, answer, sum(hole.size for hole in question.holes))


@final
@dataclass(frozen=True, slots=True)
class KeepStripesThatRun(Rule):
    """How wide and high a block is does not matter; its stripes have two colours, and it may lack some
    cells."""

    says = "Keep the blocks with {way} stripes, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    way: _Way

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 17)
        ways = draw.mixed(2, 4)
        masks = [draw.blob(h, w, h * w - draw.below(h)) for h, w in draw.some(_SIZES, len(ways))]
        corners = draw.corners(grid, [mask.shape for mask in masks])
        if corners is None:
            return None
        for (top, left), mask, flat in zip(corners, masks, ways, strict=True):
            h, w = mask.shape
            one, other = draw.colours(2)
            stripes = np.array([one, other] * 3, np.uint8)[: h if flat else w]
            stripes[draw.between(2, 4) :] = draw.pick((one, other))
            grid[top : top + h, left : left + w] = mask * (stripes[:, None] if flat else stripes)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for group in scene.groups:
            window = scene.grid[group.box]
            lines = window if self.way == "horizontal" else window.T
            colours = lines.max(axis=1, keepdims=True)
            if ((lines != colours) & (lines > 0)).any() or (colours == colours[0]).all():
                paint(grid, group, 0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        gone, flat = 0, self.way == "horizontal"
        for group in question.groups:
            window = question.grid[group.box]
            mixed = any(len({*line.tolist()} - {0}) > 1 for line in (window if flat else window.T))
            gone += group.size * mixed
            if (answer[group.box] != window * (not mixed)).any():
                return "a block with other stripes is kept, or one with these is not"
        return changed(question, answer, gone)


@final
@dataclass(frozen=True, slots=True)
class EdgeAlongTheObjects(Rule):
    """The objects of a row share a row of the grid and no column, those of a column a column and no row."""

    says = (
        "Draw one {ink} line along an edge that ends in the {corner} corner: "
        "the horizontal one if the objects stand in a row, the vertical one if they stand in a column."
    )
    keeps = SAME_SIZE | ADDS
    ink: Paint
    corner: Literal["top left", "bottom right"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(2, 3))]
        level, at = draw.between(3, grid.shape[0] - 4), draw.between(1, 3)
        for mask in masks:
            h, w = mask.shape
            if at + w >= grid.shape[1]:
                return None
            top = level - draw.below(h)
            grid[top : top + h, at : at + w][mask] = draw.colour(self.ink)
            at += w + draw.between(1, 2)
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        things = scene.shapes
        if len(things) < 2:
            return None
        in_row = max(thing.top for thing in things) < min(thing.bottom for thing in things)
        in_column = max(thing.left for thing in things) < min(thing.right for thing in things)
        if in_row == in_column:
            return None
        grid = scene.copy()
        edge = 0 if self.corner == "top left" else -1
        line = grid[edge] if in_row else grid[:, edge]
        if line.any():
            return None
        line[:] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        in_row = b"\0" in question.grid.any(axis=0).tobytes().strip(
            b"\0"
        )  # gaps between objects, seen from above
        turned = answer if self.corner == "top left" else answer[::-1, ::-1]
        line = turned[0] if in_row else turned[:, 0]
        return (
            changed(question, answer, line.size)
            if (line == self.ink).all()
            else "the edge is without its line"
        )


@final
@dataclass(frozen=True, slots=True)
class RecolourLinesThatRun(Rule):
    """Lines are one cell thick, and two cells long or more; blocks and frames are none."""

    says = "Recolour {ink} every {way} line."
    keeps = SAME_SIZE | RECOLOURS
    way: _Way
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 16)
        masks = [block(*_lying(flat, 1, draw.between(2, 7))) for flat in draw.mixed(3, 5)]
        masks += [
            draw.pick((block, frame))(draw.between(3, 4), draw.between(3, 5))
            for _ in range(draw.between(1, 2))
        ]
        one = draw.colour(self.ink)
        colours = [one if draw.chance(0.5) else draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.bar and (thing.height == 1) == (self.way == "horizontal"):
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        flat = self.way == "horizontal"
        if any((thing.height if flat else thing.width) != 1 for thing in Scene(answer).of(self.ink)):
            return f"something other than a {self.way} line is recoloured"
        lines = [group for group in question.groups if (group.height if flat else group.width) == 1]
        return changed(question, answer, sum(max(line.height, line.width) for line in lines))


@final
@dataclass(frozen=True, slots=True)
class TurnBarsThatRun(Rule):
    """A turned bar has an odd length, and finds its new place free."""

    says = "Turn every {way} bar a quarter about its middle cell, and leave the others."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    way: _Way

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        sizes: list[tuple[int, int]] = []
        for flat in draw.mixed(2, 4):
            k = draw.pick((3, 5, 7))
            sizes.append(_lying(flat, k if flat == (self.way == "horizontal") else 1, k))
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (h, w) in zip(corners, sizes, strict=True):
            if h == w:
                top, left, h, w = (
                    (top + h // 2, left, 1, w) if self.way == "horizontal" else (top, left + w // 2, h, 1)
                )
            grid[top : top + h, left : left + w] = draw.colour()
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        turned = [t for t in scene.shapes if t.bar and (t.height == 1) == (self.way == "horizontal")]
        if not turned or any(thing.size % 2 == 0 for thing in turned):
            return None
        grid = scene.copy()
        for thing in turned:
            paint(grid, thing, 0)
        for thing in turned:
            row, column, arm = thing.middle[0] // 2, thing.middle[1] // 2, thing.size // 2
            line, at = (grid[:, column], row) if self.way == "horizontal" else (grid[row], column)
            if at < arm or at + arm >= len(line) or line[at - arm : at + arm + 1].any():
                return None
            line[at - arm : at + arm + 1] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer).groups
        if any(
            (thing.height if self.way == "horizontal" else thing.width) == 1 < thing.size for thing in after
        ):
            return f"a {self.way} bar is left"
        before, now = (
            {(t.middle, t.size, t.colour, t.solid) for t in things} for things in (question.groups, after)
        )
        return "" if before == now else "a bar's middle, length or colour is another"


@final
@dataclass(frozen=True, slots=True)
class KeepByMirrorLine(Rule):
    """The line runs through the middle of the object's box; colours do not count."""

    says = "Keep the objects that a {way} line parts into two mirror images, and take the others away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    way: _Way

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        masks = [_mirrored(draw) if flat else _mirrored(draw).T for flat in draw.mixed(2, 4)]
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        axis = int(self.way == "vertical")
        found = [thing for thing in scene.shapes if (thing.mask == np.flip(thing.mask, axis)).all()]
        return keep(scene, found) if found else None

    def fault(self, question: Scene, answer: Grid) -> str:
        gone = 0
        for thing in question.shapes:
            lines = (thing.mask.T if self.way == "horizontal" else thing.mask).tolist()
            same = all(line == line[::-1] for line in lines)
            gone += 0 if same else thing.size
            if not stands(answer, thing, same):
                return "an object that mirrors another way is kept, or one that mirrors this way is not"
        return changed(question, answer, gone)


@final
@dataclass(frozen=True, slots=True)
class RectangleOfBars(Rule):
    """All objects are bars, one cell thick, which do not touch."""

    says = "Draw one {ink} rectangle as wide as there are horizontal bars, and as high as there are vertical ones."
    keeps = ONE_INK | SHRINKS
    ink: Ink

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        ways = draw.shuffled([True] * draw.between(1, 5) + [False] * draw.between(1, 5))
        masks = [block(*_lying(flat, 1, draw.between(2, 4))) for flat in ways]
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        flat = sum(thing.height == 1 for thing in scene.shapes)
        upright = len(scene.shapes) - flat
        if not flat or not upright or not all(thing.bar for thing in scene.shapes):
            return None
        return np.full((upright, flat), self.ink, np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer != self.ink).any():
            return "the answer has another colour"
        joined = [inked[:, 1:] & inked[:, :-1] for inked in (question.grid.T > 0, question.grid > 0)]
        numbers = [int(two.sum()) - int((two[:, 1:] & two[:, :-1]).sum()) for two in joined]
        return "" if [*answer.shape] == numbers else f"there are {numbers} vertical and horizontal bars"


@final
@dataclass(frozen=True, slots=True)
class PartBesideTheLine(Rule):
    """One row or one column is of one colour from edge to edge, and no other."""

    says = "A line crosses the grid: cut out the part {where} it, whichever way it runs."
    keeps = SHRINKS | OLD_COLOURS
    where: Literal["above or left of", "below or right of"]

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(7, 12), draw.between(7, 12)
        line, *others = draw.colours(draw.between(2, 4))
        grid = draw.coloured(block(h, w), [0, 0, 0, *others])
        grid[draw.between(2, h - 3)] = line
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid
        rows, columns = full_lines(grid.T), full_lines(grid)
        if len(rows) + len(columns) != 1:
            return None
        whole, at = (grid, rows[0]) if rows else (grid.T, columns[0])
        part = whole[:at] if self.where == "above or left of" else whole[at + 1 :]
        return (part if rows else part.T).copy() if part.size else None

    def fault(self, question: Scene, answer: Grid) -> str:
        turn = slice(None, None, 1 if self.where == "above or left of" else -1)
        whole, part = question.grid[turn, turn], answer[turn, turn]
        h, w = part.shape
        if (h == whole.shape[0]) == (w == whole.shape[1]):
            return "the answer is not as wide, or not as high, as the grid, or it is as large"
        beside = whole[h : h + 1] if w == whole.shape[1] else whole[:, w : w + 1]
        right = len({*beside.ravel().tolist()}) == 1 and np.array_equal(whole[:h, :w], part)
        return "" if right else "the answer is not the part up to the line"


@final
@dataclass(frozen=True, slots=True)
class LengthenBarsThatRun(Rule):
    """All objects are bars; those to be shortened have four cells or more."""

    says = "Lengthen every {way} bar by one cell at both ends, and shorten every other bar by as much."
    keeps = SAME_SIZE | OLD_COLOURS
    way: _Way

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        sizes = [_lying(flat, 1, draw.between(4, 8)) for flat in draw.mixed(2, 5)]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (h, w) in zip(corners, sizes, strict=True):
            if (h == 1) == (self.way == "horizontal"):  # it grows into its box
                top, left, h, w = (top, left + 1, 1, w - 2) if h == 1 else (top + 1, left, h - 2, 1)
            grid[top : top + h, left : left + w] = draw.colour()
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) < 2 or not all(thing.bar for thing in scene.shapes):
            return None
        grid = scene.copy()
        for thing in scene.shapes:
            flat = thing.height == 1
            line = grid[thing.top] if flat else grid[:, thing.left]
            first, end = thing.span(int(flat))
            grows = flat == (self.way == "horizontal")
            if first == 0 or end == len(line) or line[first - 1] or line[end] if grows else thing.size < 4:
                return None
            line[[first - 1, end] if grows else [first, end - 1]] = thing.colour if grows else 0
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = ({t.middle: t for t in things} for things in (question.groups, Scene(answer).groups))
        if before.keys() != after.keys():
            return "bars are lost, or have another middle"
        for middle, old in before.items():
            flat, new = old.height == 1, after[middle]
            long = old.size + (2 if flat == (self.way == "horizontal") else -2)
            if (new.height, new.width) != _lying(flat, 1, long) or new.colour != old.colour:
                return "a bar has another length than it should"
        return ""


def _lying(flat: bool, thick: int, long: int) -> tuple[int, int]:
    """Rows and columns."""
    return (thick, long) if flat else (long, thick)


def _mirrored(draw: Draw) -> Mask:
    """A shape whose upper half mirrors its lower half, and whose left half clearly does not mirror its right
    one."""
    odd = draw.below(2)
    while True:
        half = draw.blob(2 + odd, draw.between(3, 5), 5)
        mask = np.concatenate((half, half[: len(half) - odd][::-1]))
        if np.count_nonzero(mask != mask[:, ::-1]) >= 4:
            return mask
