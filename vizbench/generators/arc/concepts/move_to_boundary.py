"""MoveToBoundary: objects that go to an edge, a line or a wall, and what tells them which way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, plus
from vizbench.generators.arc.facts import OLD_COLOURS, REARRANGES, SAME_SIZE
from vizbench.generators.arc.rule import Rule, Seen, Side
from vizbench.generators.arc.scene import Mask, Scene, Thing, paint
from vizbench.types import Grid

_TURNS: dict[Side, int] = {
    "bottom": 0,
    "left": 1,
    "top": 2,
    "right": 3,
}  # quarter turns that bring the side down
_TEES = plus(1)[1:], plus(2)[2:], plus(2)[2:, 1:-1]


@final
@dataclass(frozen=True, slots=True)
class SlideAndStack(Rule):
    """An object keeps its shape. One that is in another's way stops it."""

    says = "Slide all objects to the {side} edge, where they stop against the edge or each other."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    side: Side

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(10, 14), draw.between(5, 8)), np.uint8)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in range(draw.between(3, 5))]
        done = draw.scatter(grid, masks, draw.colours(len(masks)))
        return np.ascontiguousarray(np.rot90(grid, -_TURNS[self.side])) if done else None

    def answer(self, scene: Scene) -> Grid | None:
        turns = _TURNS[self.side]
        scene = Scene(np.rot90(scene.grid, turns))
        grid = np.zeros(scene.grid.shape, np.uint8)
        floor = np.full(scene.width, scene.height)  # in each column the highest row taken
        for thing in sorted(scene.shapes, key=lambda thing: -thing.bottom):
            mask, under = thing.mask, floor[thing.left : thing.right]
            down = int((under + mask[::-1].argmax(axis=0)).min()) - thing.bottom
            if down < 0:
                return None  # it hangs over another: which of the two moves first is not said
            under[...] = thing.top + down + mask.argmax(axis=0)
            grid[thing.top + down : thing.bottom + down, thing.left : thing.right][mask] = thing.colour
        return np.ascontiguousarray(np.rot90(grid, -turns))

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = (np.rot90(grid, _TURNS[self.side]) for grid in (question.grid, answer))
        for colour in question.colours:
            old, new = before == colour, after == colour
            if not np.array_equal(old[old.any(axis=1)], new[new.any(axis=1)]):
                return "an object has another shape, or other lanes"
            below = after[1:][new[:-1]]
            if not new[-1].any() and not ((below != 0) & (below != colour)).any():
                return "an object stops in the open"
        return ""


@final
@dataclass(frozen=True, slots=True)
class LooseCellsSlide(Rule):
    """The other colours hold fast, and stop what meets them."""

    says = "Every {loose} cell slides to the {side}, until the edge or another cell stops it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    loose: Seen
    side: Side

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 12)
        bars = [
            block(*draw.pick(((1, 3), (1, 4), (3, 1), (4, 1), (2, 2)))) for _ in range(draw.between(2, 4))
        ]
        fast = draw.colours(2, self.loose)
        if not draw.scatter(grid, bars, [draw.pick(fast) for _ in bars], margin=1):
            return None
        for at in draw.some(np.flatnonzero(grid == 0).tolist(), draw.between(7, 14)):
            grid.flat[at] = self.loose
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.counts[self.loose] or len(scene.colours) < 2:
            return None
        turns = _TURNS[self.side]
        grid = np.rot90(scene.grid, turns)
        loose = grid == self.loose
        fast = (grid != 0) & ~loose
        shafts = 3 * fast.cumsum(axis=0)  # a fast cell begins a shaft: then come ground and loose cells
        order = np.argsort(shafts + 2 * loose + (grid == 0), axis=0, kind="stable")
        return np.ascontiguousarray(np.rot90(np.take_along_axis(grid, order, axis=0), -turns))

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = (np.rot90(grid, _TURNS[self.side]) for grid in (question.grid, answer))
        loose, moved = before == self.loose, after == self.loose
        if (np.where(loose, 0, before) != np.where(moved, 0, after)).any():
            return "a cell moved that holds fast"
        if (moved[:-1] & (after[1:] == 0)).any():
            return "a loose cell hangs in the open"
        for old, new in zip(before.T, after.T, strict=True):
            if old[old > 0].tolist() != new[new > 0].tolist():
                return "a loose cell passed one that holds fast"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideByTheLine(Rule):
    """A line crosses the whole grid; objects stand in lanes of their own on both its sides."""

    says = "Slide every object straight {way}."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    way: Literal["towards the line until it touches it", "away from the line to the edge"]

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(8, 13), draw.between(11, 16)), np.uint8)
        line = draw.between(5, grid.shape[1] - 6)
        wall, *colours = draw.colours(6)
        sides = [grid[:, :line], grid[:, line + 1 :]]
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 3) for _ in range(draw.between(2, 4))]
        n = draw.between(1, len(masks) - 1)
        done = _lanes(draw, sides[0], masks[:n], colours, 1) and _lanes(
            draw, sides[1], masks[n:], colours[n:], 1
        )
        grid[:, line] = wall
        return np.ascontiguousarray(grid if draw.chance(0.5) else grid.T) if done else None

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None:
            return None
        axis = int(line.height > line.width)
        (low, high), end = line.span(axis), scene.grid.shape[axis]
        steps: list[tuple[Thing, int, int]] = []
        for thing in (each for each in scene.shapes if each is not line):
            first, last = thing.span(axis)
            near, far = (low - last, -first) if last <= low else (high - first, end - last)
            steps.append((thing, axis, near if self.way.startswith("towards") else far))
        return _moved(scene, steps)

    def fault(self, question: Scene, answer: Grid) -> str:
        line, came = _line(question), _came(question, answer)
        if line is None or not came:
            return "an object is not what it was"
        axis = int(line.height > line.width)
        for old, new in came:
            goals = {*line.span(axis)} if self.way.startswith("towards") else {0, answer.shape[axis]}
            stays = old.span(1 - axis) == new.span(1 - axis) and (
                (old.span(axis) < line.span(axis)) == (new.span(axis) < line.span(axis))
            )
            if not stays or not (
                old.box == new.box if old.colour == line.colour else goals & {*new.span(axis)}
            ):
                return "an object left its lane, passed the line or stops in the open"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideToTheNearestEdge(Rule):
    """No two edges are equally near."""

    says = "Slide every object straight to the edge of the grid that is nearest to it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 17)
        sides = draw.some(tuple(_TURNS), draw.between(2, 4))
        for side, colour in zip(sides, draw.colours(len(sides)), strict=True):
            view = np.rot90(
                grid, _TURNS[side]
            )  # rows 5 and more from the other edges, which keeps the things apart
            mask = draw.blob(draw.between(2, 3), draw.between(2, 3), 3)
            bottom, left = len(view) - draw.between(1, 2), draw.between(5, view.shape[1] - 5 - mask.shape[1])
            view[bottom - mask.shape[0] : bottom, left : left + mask.shape[1]][mask] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        ways = [sorted(_ways(scene, thing).values(), key=lambda way: abs(way[1])) for thing in scene.shapes]
        if any(abs(nearest[1]) == abs(second[1]) for nearest, second, *_ in ways):
            return None
        return _moved(scene, [(thing, *near) for thing, (near, *_) in zip(scene.shapes, ways, strict=True)])

    def fault(self, question: Scene, answer: Grid) -> str:
        came = _came(question, answer)
        for old, new in came:
            gaps = old.top, old.left, question.height - old.bottom, question.width - old.right
            if abs(old.top - new.top) + abs(old.left - new.left) != min(gaps) or not new.at_border:
                return "an object did not take the shortest way to an edge"
        return "" if came else "an object is not what it was"


@final
@dataclass(frozen=True, slots=True)
class SlideToItsColour(Rule):
    """Edges are painted without their corners. Where no edge has an object's colour, it stays."""

    says = "Slide every object straight to the edge that is painted in its colour."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        sides = draw.some(tuple(_TURNS), draw.between(2, 4))
        colours = draw.colours(len(sides) + 1)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 2), 2) for _ in range(draw.between(2, 3))]
        if not draw.scatter(grid, masks, draw.some(colours, len(masks)), margin=2):
            return None
        for side, colour in zip(sides, colours, strict=False):
            np.rot90(grid, _TURNS[side])[-1, 1:-1] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if min(scene.grid.shape) < 4:
            return None
        strips: list[tuple[int, Side]] = []
        for side, turns in _TURNS.items():
            strip = np.rot90(scene.grid, turns)[-1, 1:-1]
            if strip[0] and (strip == strip[0]).all():
                strips.append((int(strip[0]), side))
        homes = dict(strips)
        if len(homes) < len(strips):
            return None
        things = [thing for thing in scene.shapes if not thing.at_border and thing.colour in homes]
        return _moved(scene, [(thing, *_ways(scene, thing, 1)[homes[thing.colour]]) for thing in things])

    def fault(self, question: Scene, answer: Grid) -> str:
        came = _came(Scene(question.grid[1:-1, 1:-1]), answer[1:-1, 1:-1])
        moved = question.grid != answer
        if not came or moved[[0, -1]].any() or moved[:, [0, -1]].any():
            return "an object is not what it was"
        beside = {
            int(view[-1, 1]): view[-2] for view in (np.rot90(answer, turns) for turns in _TURNS.values())
        }
        for old, new in came:
            home = beside.get(new.colour)
            there = old.box == new.box if home is None else (home == new.colour).any()
            if not there or (old.top != new.top and old.left != new.left):
                return "an object does not lie at the edge of its colour, or moved without one"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideLengthwise(Rule):
    """The objects that lie have a part of the grid to themselves."""

    says = (
        "Slide every object that is taller than wide to the {upright} edge, every other to the {lying} edge."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    upright: Literal["top", "bottom"]
    lying: Literal["left", "right"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 15)
        view = grid if self.lying == "left" else grid[:, ::-1]
        colours, end = draw.colours(5), draw.between(6, grid.shape[1] - 5)  # no way crosses this column
        masks = [draw.blob(draw.between(1, 2), draw.between(3, 4), 3) for _ in range(draw.between(3, 5))]
        n = draw.between(1, len(masks) - 1)
        upright = view[:, end + 1 :].T
        done = _lanes(draw, view[:, :end], masks[:n], colours, 1) and _lanes(
            draw, upright, masks[n:], colours[n:], 1
        )
        return grid if done else None

    def answer(self, scene: Scene) -> Grid | None:
        sides: list[tuple[Thing, Side]]
        sides = [
            (thing, self.upright if thing.height > thing.width else self.lying) for thing in scene.shapes
        ]
        return _moved(scene, [(thing, *_ways(scene, thing)[side]) for thing, side in sides])

    def fault(self, question: Scene, answer: Grid) -> str:
        came = _came(question, answer)
        for old, new in came:
            upright = old.height > old.width
            left = old.left != new.left if upright else old.top != new.top
            if left or _ways(question, new)[self.upright if upright else self.lying][1]:
                return "an object did not slide lengthwise to its edge"
        return "" if came else "an object is not what it was"


@final
@dataclass(frozen=True, slots=True)
class StemFirst(Rule):
    """A T has a bar of three or more cells and a stem from the bar's middle. What is no T stays."""

    says = "Slide every T the way its stem points, up to the edge."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        masks = [np.rot90(draw.pick(_TEES), draw.below(4)) for _ in range(draw.between(1, 2))]
        masks += [
            block(draw.between(1, 3), draw.between(1, 2)) for _ in range(draw.between(2, 3) - len(masks))
        ]
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        steps: list[tuple[Thing, int, int]] = []
        for thing in scene.shapes:
            if thing.size == thing.height + thing.width - 1 >= 4:
                for side, turns in _TURNS.items():
                    view = np.rot90(thing.mask, turns)
                    bar = view.shape[1]
                    if len(view) > 1 and bar > 2 and bar % 2 and view[0].all() and view[:, bar // 2].all():
                        steps.append((thing, *_ways(scene, thing)[side]))
        return _moved(scene, steps)

    def fault(self, question: Scene, answer: Grid) -> str:
        came = _came(question, answer)
        for old, new in came:
            down, right = new.top - old.top, new.left - old.left
            if old.solid and not down and not right:
                continue
            upright = np.array_equal(old.mask, old.mask[:, ::-1])
            ends = (answer[[0, -1]] if upright else answer[:, [0, -1]]) == old.colour
            if (right if upright else down) or np.count_nonzero(ends) != 1:
                return "a T does not touch an edge with the end of its stem"
        return "" if came else "an object is not what it was"


@final
@dataclass(frozen=True, slots=True)
class SlideDiagonally(Rule):
    """One step goes a row and a column on; an object never covers another at the end."""

    says = "Move every object diagonally, towards the {rows} {columns}, until it meets an edge."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    rows: Literal["top", "bottom"]
    columns: Literal["left", "right"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 2) for _ in range(draw.between(1, 3))]
        return grid if draw.scatter(grid, masks, draw.colours(len(masks)), gap=2) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = np.zeros_like(scene.grid)
        for thing in scene.shapes:
            ways = _ways(scene, thing)
            n = min(abs(ways[self.rows][1]), abs(ways[self.columns][1]))
            top = thing.top + (n if self.rows == "bottom" else -n)
            left = thing.left + (n if self.columns == "right" else -n)
            window, mask = grid[top : top + thing.height, left : left + thing.width], thing.mask
            if window[mask].any():
                return None
            window[mask] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        came = _came(question, answer)
        signs = 1 if self.rows == "bottom" else -1, 1 if self.columns == "right" else -1
        for old, new in came:
            ways = _ways(question, new)
            moved = (new.top - old.top) * signs[0], (new.left - old.left) * signs[1]
            if moved[0] != moved[1] or moved[0] < 0 or (ways[self.rows][1] and ways[self.columns][1]):
                return "an object left its diagonal or stops in the open"
        return "" if came else "an object is not what it was"


def _lanes(draw: Draw, grid: Grid, masks: Sequence[Mask], colours: Sequence[int], margin: int = 0) -> bool:
    """Paint things below each other, each in rows of its own, off the left and right margins; False if too
    many."""
    top, free = 0, len(grid) - sum(len(mask) + 1 for mask in masks) + 1
    for mask, colour in zip(masks, colours if free >= 0 else (), strict=False):
        skip = draw.below(free + 1)
        free, top = free - skip, top + skip
        left = margin + draw.below(grid.shape[1] - mask.shape[1] + 1 - 2 * margin)
        grid[top : top + len(mask), left : left + mask.shape[1]][mask] = colour
        top += len(mask) + 1
    return free >= 0


def _line(scene: Scene) -> Thing | None:
    """The one straight line from edge to edge."""
    sizes = (scene.height, 1), (1, scene.width)
    found = [each for each in scene.shapes if each.solid and (each.height, each.width) in sizes]
    return found[0] if len(found) == 1 else None


def _ways(scene: Scene, thing: Thing, margin: int = 0) -> dict[Side, tuple[int, int]]:
    """Axis and distance to each edge, or so many cells short of it."""
    down, right = scene.height - margin - thing.bottom, scene.width - margin - thing.right
    return {
        "top": (0, margin - thing.top),
        "bottom": (0, down),
        "left": (1, margin - thing.left),
        "right": (1, right),
    }


def _moved(scene: Scene, steps: Sequence[tuple[Thing, int, int]]) -> Grid | None:
    """The grid after steps of (thing, down 0 or right 1, how far); None where ways cross or something is in
    one."""
    grid = scene.copy()
    for thing, _, _ in steps:
        paint(grid, thing, 0)
    ways = grid != 0
    for thing, axis, way in steps:
        down, right = (0, way) if axis else (way, 0)
        rows = slice(thing.top + min(down, 0), thing.bottom + max(down, 0))
        way_ = ways[rows, thing.left + min(right, 0) : thing.right + max(right, 0)]
        if way_.any():
            return None
        way_[...] = True
        window = grid[thing.top + down : thing.bottom + down, thing.left + right : thing.right + right]
        window[thing.mask] = thing.colour
    return grid


def _came(question: Scene, answer: Grid) -> list[tuple[Thing, Thing]]:
    """Each thing before and after, where each has a colour of its own; [] where one has another shape."""
    after = Scene(answer).shapes
    found = {thing.colour: thing for thing in after}
    pairs = [(thing, found[thing.colour]) for thing in question.shapes if thing.colour in found]
    whole = len(after) == len(pairs) == len(question.shapes)
    return pairs if whole and all(old.form == new.form for old, new in pairs) else []
