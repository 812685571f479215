"""InsideOutside: what loops, frames and marks close in, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, TypeAlias, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, drop, is_window, keep, paint, stamp
from vizbench.types import Grid

Where: TypeAlias = Literal["inside", "outside"]


@final
@dataclass(frozen=True, slots=True)
class FloodOneSide(Rule):
    """A loop with a gap has no inside: what is outside flows in."""

    says = "Paint {ink} all ground that lies {where} the closed loops."
    keeps = SAME_SIZE | ADDS
    where: Where
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 16)
        leaky = frame(draw.between(4, 6), draw.between(4, 6)).copy()
        leaky[draw.pick((0, -1)), draw.between(1, leaky.shape[1] - 2)] = False
        masks = [leaky.T if draw.chance(0.5) else leaky]
        masks += [_loop(draw, 4, 6) != 0 for _ in range(draw.between(1, 2))]
        colours = [draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours, margin=1) else None

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.holes:
            return None
        grid = scene.copy()
        for room in scene.rooms:
            if room.at_border == (self.where == "outside"):
                paint(grid, room, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        new = answer != question.grid
        if (answer[new] != self.ink).any():
            return "the paint has another colour"
        for paint_, ground in ((new, answer == 0), (new.T, answer.T == 0)):
            if (paint_[1:] & ground[:-1]).any() or (paint_[:-1] & ground[1:]).any():
                return "the paint stops on open ground"
        dry = [room.at_border for room in Scene(answer).rooms]
        return (
            "" if any(dry) == all(dry) == (self.where == "inside") else "an inside is painted, or one is not"
        )


@final
@dataclass(frozen=True, slots=True)
class ObjectsOfOneSide(Rule):
    """Objects on either side have any colours and sizes. A loop lies on neither, unless another loop holds
    it."""

    says = "{deed} the objects that lie {where} the loops."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Literal["Take away", "Keep only"]
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        return grid if _fenced(draw, grid, _specks(draw, 1, 2), _specks(draw, 1, 4)) else None

    def answer(self, scene: Scene) -> Grid | None:
        things = _sides(scene)[1 + (self.where == "outside")]
        return (keep if self.deed == "Keep only" else drop)(scene, things) if things else None

    def fault(self, question: Scene, answer: Grid) -> str:
        seen = _seen(question, self.where)
        gone = [thing for thing in question.shapes if (thing in seen) == (self.deed == "Take away")]
        return _only(question, answer, gone, 0)


@final
@dataclass(frozen=True, slots=True)
class CutOutTheLoner(Rule):
    """One object lies on the side in question, several lie on the other."""

    says = "Cut out the only object that lies {where} the loops."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(15, 18)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(3, 4))]
        held, left = (masks[:1], masks[1:]) if self.where == "inside" else (masks[:2], masks[-1:])
        return grid if _fenced(draw, grid, held, left, 7) else None

    def answer(self, scene: Scene) -> Grid | None:
        found = _sides(scene)[1 + (self.where == "outside")]
        return cut(scene, found[0]) if len(found) == 1 else None

    def fault(self, question: Scene, answer: Grid) -> str:
        seen = _seen(question, self.where)
        return "" if is_window(question, seen, answer) else "it is not the object of that side"


@final
@dataclass(frozen=True, slots=True)
class LoopAndInsider(Rule):
    """Every loop holds one object of another colour than its own; what lies outside stays."""

    says = "Every loop and the object inside it become of one colour, that of the {giver}."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    giver: Literal["loop", "object"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        return grid if _fenced(draw, grid, _specks(draw, 1, 3), _specks(draw, 1, 3)) else None

    def answer(self, scene: Scene) -> Grid | None:
        loops, inside, _ = _sides(scene)
        grid = scene.copy()
        for loop in loops:
            held = [thing for thing in inside if _contains(loop, thing)]
            if len({thing.colour for thing in held}) > 1:
                return None
            for thing in held:
                taker, giver = (loop, thing) if self.giver == "object" else (thing, loop)
                paint(grid, taker, giver.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        pairs = [pair if self.giver == "object" else pair[::-1] for pair in _nested(question)]
        if any((answer[taker.box][taker.mask] != giver.colour).any() for taker, giver in pairs):
            return "a loop and what it holds differ in colour"
        return changed(question, answer, sum(taker.size for taker, _ in pairs))


@final
@dataclass(frozen=True, slots=True)
class TurnInsideOut(Rule):
    """A nest is a rectangle of bands around a core, all of different colours; the bands stay as thick as they
    are."""

    says = "Turn every nest inside out: its colours in the opposite order from the core to the rim."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        depths = [draw.between(3, 4), *(draw.between(2, 3) for _ in range(draw.below(3)))]
        sizes = [(2 * depth - 2 + draw.between(1, 2), 2 * depth - 2 + draw.between(1, 3)) for depth in depths]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (h, w), depth in zip(corners, sizes, depths, strict=True):
            for k, colour in enumerate(draw.colours(depth)):
                grid[top + k : top + h - k, left + k : left + w - k] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for group in scene.groups:
            if group.colour or not group.solid:
                continue
            window = grid[group.box]
            h, w = window.shape
            bands: list[int] = []
            rebuilt = window.copy()
            for k in range((min(h, w) + 1) // 2):
                rebuilt[k : h - k, k : w - k] = window[k, k]
                if not bands or bands[-1] != window[k, k]:
                    bands.append(int(window[k, k]))
            if len(set(bands)) < len(bands) or rebuilt.tobytes() != window.tobytes():
                return None
            table = np.zeros(10, np.uint8)
            table[bands] = bands[::-1]
            window[...] = table[window]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for group in question.groups:
            old, new = question.grid[group.box], answer[group.box]
            k = (min(old.shape) - 1) // 2
            same = list(dict.fromkeys(new.diagonal()[: k + 1])) == list(dict.fromkeys(old.diagonal()[k::-1]))
            if not same or len({*zip(old.flat, new.flat, strict=True)}) != len({*old.flat}):
                return "a band is broken, or the colours are not in the opposite order"
        return ""


@final
@dataclass(frozen=True, slots=True)
class CountOneSide(Rule):
    """As many objects never lie inside as outside."""

    says = "Answer one {line} in the loop's colour, of as many cells as objects lie {where} the loop."
    keeps = ONE_INK | SHRINKS | OLD_COLOURS
    line: Literal["row", "column"]
    where: Where

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 14)
        colour, *others = draw.colours(3)
        patch = _loop(draw, 6, 8, colour)
        hole = Scene(patch).holes[0]
        lattice = 2 * np.argwhere(hole.mask[::2, ::2]) + (hole.top, hole.left)
        within, without = draw.some((0, 1, 2, 3, 4, 5, 6), 2)
        corners = draw.corners(grid, [patch.shape, *[(1, 1)] * without])
        if len(lattice) < within or corners is None:
            return None
        for row, column in draw.some(lattice.tolist(), within):
            patch[row, column] = draw.pick(others)
        stamp(grid, patch, *corners[0])
        for row, column in corners[1:]:
            grid[row, column] = draw.pick(others)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        loops, inside, outside = _sides(scene)
        n = len(inside if self.where == "inside" else outside)
        if len(loops) != 1 or not 1 <= n <= 30:
            return None
        return np.full((1, n) if self.line == "row" else (n, 1), loops[0].colour, np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        loop = max(question.shapes, key=lambda thing: thing.size)
        within = int(np.count_nonzero(question.grid[loop.box])) - loop.size
        n = within if self.where == "inside" else int(np.count_nonzero(question.grid)) - loop.size - within
        right = answer.shape == ((1, n) if self.line == "row" else (n, 1)) and (answer == loop.colour).all()
        return "" if right else f"the answer is no {self.line} of {n} cells in the loop's colour"


@final
@dataclass(frozen=True, slots=True)
class FrameInNest(Rule):
    """A frame that neither holds a frame nor lies in one is recoloured too."""

    says = "Recolour {ink} every frame that {place}."
    keeps = SAME_SIZE | RECOLOURS
    place: Literal["holds no other frame", "lies inside no other frame"]
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 18)
        nests = [draw.between(2, 3), draw.between(1, 2), *[1] * draw.below(2)]
        sizes = [(4 * n - draw.below(2), 4 * n - draw.below(2)) for n in nests]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (h, w), n in zip(corners, sizes, nests, strict=True):
            for k in range(0, 2 * n, 2):
                window = grid[top + k : top + h - k, left + k : left + w - k]
                window[frame(*window.shape)] = draw.colour(self.ink)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        frames = [thing for thing in scene.shapes if thing.hollow]
        holds = self.place.startswith("holds")
        grid = scene.copy()
        for one in frames:
            if not any(_contains(one, other) if holds else _contains(other, one) for other in frames):
                paint(grid, one, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # the frames of a nest have one centre, and the last one stays in the table
        ranked = sorted(question.shapes, key=lambda thing: thing.size, reverse=self.place.startswith("holds"))
        return _only(question, answer, {thing.middle: thing for thing in ranked}.values(), self.ink)


@final
@dataclass(frozen=True, slots=True)
class MarkedBox(Rule):
    """The marks are the only colour of four cells; nothing lies on the lines between them, and they stay."""

    says = "Four cells of one colour mark the corners of a box: recolour {ink} all other cells {where} it."
    keeps = SAME_SIZE | RECOLOURS
    where: Where
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        h, w = grid.shape
        height, width = draw.between(5, h - 2), draw.between(5, w - 2)
        top, left = draw.below(h - height + 1), draw.below(w - width + 1)
        mark, *others = draw.colours(draw.between(2, 3), self.ink)
        for at in draw.some(range(h * w), h * w // 4):
            grid[at // w, at % w] = draw.pick(others)
        window = grid[top : top + height, left : left + width]
        window[frame(height, width)] = 0
        window[:: height - 1, :: width - 1] = mark
        inside = np.count_nonzero(window) - 4
        return grid if inside > 1 and np.count_nonzero(grid) - inside > 5 else None

    def answer(self, scene: Scene) -> Grid | None:
        marks = [colour for colour in scene.colours if scene.counts[colour] == 4]
        if len(marks) != 1:
            return None
        places = np.argwhere(scene.grid == marks[0])
        (top, left), (bottom, right) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
        window = scene.grid[top : bottom + 1, left : right + 1]
        corners = window[:: max(bottom - top, 1), :: max(right - left, 1)]
        if np.count_nonzero(corners == marks[0]) != 4 or np.count_nonzero(window[frame(*window.shape)]) != 4:
            return None
        there = np.full(scene.grid.shape, self.where == "outside")
        there[top:bottom, left:right] = self.where == "inside"
        there &= (scene.grid != 0) & (scene.grid != marks[0])
        return np.where(there, np.uint8(self.ink), scene.grid)

    def fault(self, question: Scene, answer: Grid) -> str:
        mark = next(colour for colour in question.colours if question.counts[colour] == 4)
        places = np.argwhere(question.grid == mark)
        others = np.argwhere((question.grid != 0) & (question.grid != mark))
        inside = ((places.min(axis=0) < others) & (others < places.max(axis=0))).all(axis=1)
        there = others[inside == (self.where == "inside")]
        right = all(answer[r, c] == self.ink for r, c in there.tolist())
        return changed(question, answer, len(there)) if right else "a cell of that side is not recoloured"


def _loop(
    draw: Draw, low: int, high: int, colour: int = 1, other: int = 1, insider: Mask | None = None
) -> Grid:
    """A closed loop of low … high cells a side, six in ten with a corner pushed in; with a thing inside, or
    nothing."""
    h, w = draw.between(low, high), draw.between(low, high)
    patch = frame(h, w) * np.uint8(colour)
    rows = columns = 0
    if draw.chance(0.6):
        rows, columns = draw.between(1, (h - 2) // 2), draw.between(1, (w - 2) // 2)
        patch[:rows, :columns] = 0
        patch[rows, :columns] = patch[: rows + 1, columns] = colour
    if insider is not None:  # below what is pushed in
        tall, wide = insider.shape
        top, left = draw.between(rows + 1, h - 1 - tall), draw.between(1, w - 1 - wide)
        patch[top : top + tall, left : left + wide][insider] = other
    return np.ascontiguousarray(patch[:: draw.pick((1, -1)), :: draw.pick((1, -1))])


def _specks(draw: Draw, low: int, high: int) -> list[Mask]:
    """So many small objects."""
    masks = block(1, 1), block(1, 2), block(2, 1), block(2, 2), draw.blob(2, 2)
    return [draw.pick(masks) for _ in range(draw.between(low, high))]


def _fenced(
    draw: Draw, grid: Grid, insiders: Sequence[Mask], outsiders: Sequence[Mask], low: int = 5
) -> bool:
    """Paint a loop around each insider, and objects outside; False where they do not fit."""
    palette = draw.colours(4)
    patches: list[Grid] = []
    for insider in insiders:
        colour, other = draw.some(palette, 2)
        patches.append(_loop(draw, low, 7, colour, other, insider))
    patches += [mask * np.uint8(draw.pick(palette)) for mask in outsiders]
    corners = draw.corners(grid, [patch.shape for patch in patches])
    return corners is not None and all(
        stamp(grid, patch, *at) for patch, at in zip(patches, corners, strict=True)
    )


def _sides(scene: Scene) -> tuple[list[Thing], list[Thing], list[Thing]]:
    """Loops, objects inside, objects outside; none where there is no hole. What is not inside touches open
    ground or the grid's edge; a loop touches a hole too."""
    if not scene.holes:
        return [], [], []
    opens = np.array([False, *(room.at_border for room in scene.rooms)])
    outer, inner = np.ones((2, scene.height + 2, scene.width + 2), np.bool_)
    outer[1:-1, 1:-1] = opens[scene.rooms[0].labels]
    inner[1:-1, 1:-1] = scene.grid == 0
    inner &= ~outer
    touches: list[list[int]] = []
    for near in (outer, inner):
        beside = near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
        touches.append(np.bincount(scene.shapes[0].labels[beside], minlength=len(scene.shapes) + 1).tolist())
    found: tuple[list[Thing], list[Thing], list[Thing]] = [], [], []
    for thing in scene.shapes:
        opened, closed = touches[0][thing.number], touches[1][thing.number]
        found[1 if not opened else 0 if closed else 2].append(thing)
    return found


def _contains(outer: Thing, inner: Thing) -> bool:
    """Whether a box lies within another, a cell away from all four sides."""
    return (
        outer.top < inner.top <= inner.bottom < outer.bottom
        and outer.left < inner.left <= inner.right < outer.right
    )


def _nested(scene: Scene) -> list[tuple[Thing, Thing]]:
    """Every two shapes of which the first one's box contains the second's."""
    return [(outer, inner) for outer, inner in permutations(scene.shapes, 2) if _contains(outer, inner)]


def _seen(scene: Scene, where: Where) -> list[Thing]:
    """Objects inside or outside by their boxes alone: what has few cells is no loop."""
    inside = {inner for _, inner in _nested(scene)}
    return [thing for thing in scene.shapes if (thing in inside) == (where == "inside") and thing.size < 10]


def _only(question: Scene, answer: Grid, things: Iterable[Thing], colour: int) -> str:
    """A fault where these things have another colour, or anything else changed."""
    if any((answer[thing.box][thing.mask] != colour).any() for thing in things):
        return "an object that should change has not"
    return changed(question, answer, sum(thing.size for thing in things))
