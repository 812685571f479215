"""SameDifferent: objects that are the same in shape, colour, direction or core, and those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.draw import Draw, block
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Ink, Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, drop, keep, paint, parted, stands
from vizbench.types import Grid

Deed: TypeAlias = Literal["Keep only", "Take away"]


@final
@dataclass(frozen=True, slots=True)
class SharedTrait(Rule):
    """The other trait is shared by other objects, or by none."""

    says = "{deed} the objects whose {trait} another object has too."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Deed
    trait: Literal["shape", "colour"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        groups = draw.pick(((0, 0, 1), (0, 0, 1, 2), (0, 0, 0, 1), (0, 0, 1, 1, 2), (0, 0, 0, 1, 2)))
        other = [draw.below(3) for _ in groups]
        shapes, colours = (groups, other) if self.trait == "shape" else (other, groups)
        if _twins(shapes) == _twins(colours):
            return None
        forms, tints = [draw.blob(h, w, h * w // 2 + 1) for h, w in draw.some(_BOXES, 3)], draw.colours(3)
        return grid if draw.scatter(grid, [forms[k] for k in shapes], [tints[k] for k in colours]) else None

    def answer(self, scene: Scene) -> Grid | None:
        if not 3 <= len(scene.shapes) <= 20:
            return None
        colour = self.trait == "colour"
        return _left(
            scene, self.deed, _twins([thing.colour if colour else thing.form for thing in scene.shapes])
        )

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in question.shapes:
            same = question.of(thing.colour)
            if self.trait == "shape":
                same = [other for other in question.shapes if np.array_equal(other.mask, thing.mask)]
            if not stands(answer, thing, (len(same) > 1) == (self.deed == "Keep only")):
                return "an object is gone that should stay, or stays"
        return ""


@final
@dataclass(frozen=True, slots=True)
class LinesTheSameWay(Rule):
    """Lines are one cell thick, of two cells or more, and run along rows, columns or one of the two
    diagonals."""

    says = "{deed} the lines that run the same way as another line."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Deed

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        ways = draw.some(range(4), 3)
        lines = [ways[k] for k in draw.pick(((0, 0, 1), (0, 0, 1, 2), (0, 0, 0, 1), (0, 0, 1, 1, 2)))]
        masks = [_stroke(way, draw.between(3, 6)) for way in lines]
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        ways = [_way(thing) for thing in scene.shapes]
        return None if -1 in ways else _left(scene, self.deed, _twins(ways))

    def fault(self, question: Scene, answer: Grid) -> str:
        steps = [np.diff(np.argwhere(thing.mask)[:2], axis=0).tolist() for thing in question.shapes]
        for thing, step in zip(question.shapes, steps, strict=True):
            if not stands(answer, thing, (steps.count(step) > 1) == (self.deed == "Keep only")):
                return "a line is gone that should stay, or stays"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SharedCore(Rule):
    """A block's core is the colour in the middle of its box; no other colour is a core twice."""

    says = "Several blocks have cores of one colour: answer with one {form} of that colour."
    keeps = SHRINKS | ONE_INK | OLD_COLOURS
    form: Literal["cell", "row of as many cells"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        alike, others = draw.between(2, 3), draw.between(1, 2)
        cores = draw.colours(1 + others)
        hulls = draw.some([colour for colour in range(1, 10) if colour != cores[0]], 2)
        sizes = [(draw.between(3, 4), draw.between(3, 4)) for _ in range(alike + others)]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for k, ((top, left), (h, w)) in enumerate(zip(corners, sizes, strict=True)):
            core = cores[max(k - alike + 1, 0)]
            grid[top : top + h, left : left + w] = draw.pick([hull for hull in hulls if hull != core])
            grid[top + 1 : top + h - 1, left + 1 : left + w - 1] = core
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        cores = Counter(
            int(scene.grid[row // 2, column // 2]) for row, column in (g.middle for g in scene.groups)
        )
        shared = [colour for colour, n in cores.items() if n > 1]
        if len(shared) != 1 or not shared[0] or any(group.colour for group in scene.groups):
            return None
        return np.full((1, 1 if self.form == "cell" else min(cores[shared[0]], 30)), shared[0], np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        colour = int(answer[0, 0])
        inner = [question.grid[g.top + 1 : g.bottom - 1, g.left + 1 : g.right - 1] for g in question.groups]
        n = sum(bool((core == colour).all()) for core in inner)
        if n < 2 or (answer != colour).any():
            return "not the colour of several cores"
        return "" if answer.shape == (1, 1 if self.form == "cell" else n) else "the answer has another size"


@final
@dataclass(frozen=True, slots=True)
class CompareHalves(Rule):
    """The line runs through the grid's middle, from edge to edge."""

    says = "Lay the two halves beside the line on each other: the answer is {ink} where {which} a cell."
    keeps = ONE_INK | SHRINKS
    which: Literal["both have", "only one has", "neither has"]
    ink: Ink

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(3, 5), draw.between(3, 6)
        line, *colours = draw.colours(3, self.ink)
        cells = _noise(draw, 2 * h * w).reshape(2, h, w) > 0
        seen = self._compared(*cells)
        if not seen.any() or seen.all() or (cells[0] == cells[1]).all():
            return None
        halves = cells * np.array(colours if draw.chance(0.5) else colours[:1] * 2, np.uint8)[:, None, None]
        grid = np.hstack([halves[0], np.full((h, 1), line, np.uint8), halves[1]])
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        upright, level = parted(scene.grid), parted(scene.grid.T)
        parts = upright or level
        if parts is None or (upright and level):
            return None
        seen = self._compared(parts[0] != 0, parts[1] != 0)
        found = (seen if upright else seen.T) * np.uint8(self.ink)
        return np.ascontiguousarray(found) if found.any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        h, w = answer.shape
        if (2 * h + 1, w) != question.grid.shape and (h, 2 * w + 1) != question.grid.shape:
            return "the answer is not as large as a half"
        many = (question.grid[:h, :w] != 0).astype(int) + (question.grid[-h:, -w:] != 0)
        wanted = ("neither has", "only one has", "both have").index(self.which)
        return "" if np.array_equal(answer, np.where(many == wanted, self.ink, 0)) else "a cell is wrong"

    def _compared(self, one: Mask, other: Mask) -> Mask:
        both, any_one = one & other, one | other
        return {"both have": both, "only one has": any_one & ~both, "neither has": ~any_one}[self.which]


@final
@dataclass(frozen=True, slots=True)
class NoTurnedCopy(Rule):
    """Copies are turned by quarters, not mirrored; there are two of them at least."""

    says = "All objects but one are turned copies of each other: recolour that one {ink}."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 14)
        h, w = draw.pick(((2, 3), (3, 3), (3, 3), (2, 4)))
        copied, other = draw.blob(h, w, h * w // 2), draw.blob(h, w, h * w // 2)
        if {*_turns(copied)} & {*_turns(other), *_turns(other[::-1])} or len({*_turns(copied)}) < 4:
            return None
        masks = [
            *(np.rot90(copied, k) for k in draw.some(range(4), draw.between(3, 4))),
            np.rot90(other, draw.below(4)),
        ]
        colours = [draw.colour(self.ink)] * 5 if draw.chance(0.5) else draw.colours(5, self.ink)
        return grid if draw.scatter(grid, masks, colours[: len(masks)]) else None

    def answer(self, scene: Scene) -> Grid | None:
        if not 3 <= len(scene.shapes) <= 9:
            return None
        kinds = [min(_turns(thing.mask)) for thing in scene.shapes]
        twins = _twins(kinds)
        if len({*kinds}) != 2 or twins.count(False) != 1:
            return None
        grid = scene.copy()
        paint(grid, scene.shapes[twins.index(False)], self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        new = [thing for thing in question.shapes if (answer[thing.box][thing.mask] == self.ink).all()]
        if len(new) != 1:
            return "not one object is recoloured"
        first, *others = [thing for thing in question.shapes if thing is not new[0]]
        turned = _turns(first.mask)
        if new[0].form in turned or any(other.form not in turned for other in others):
            return "the others are not copies of each other, or this one is"
        return changed(question, answer, new[0].size)


@final
@dataclass(frozen=True, slots=True)
class LinkByLikeness(Rule):
    """Two figures stand beside each other in each row of figures; the line fills the ground half-way up."""

    says = "Join the two figures of a row by one {ink} line where they are {which} in shape and colour."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    which: Literal["the same", "not the same"]

    def question(self, draw: Draw) -> Grid | None:
        rows = draw.between(2, 4)
        sames = draw.shuffled([True, False, draw.chance(0.5), draw.chance(0.5)][:rows])
        gap, left = draw.between(2, 5), draw.below(3)
        grid = np.zeros((4 * rows - 1 + draw.below(2), 6 + gap + left + draw.below(3)), np.uint8)
        for k, same in enumerate(sames):
            mask, other, tint = draw.blob(3, 3, 5), draw.blob(3, 3, 5), draw.colour(self.ink)
            if np.count_nonzero(mask != other) < 2:
                return None  # one cell is too little to be seen
            kind = 0 if same else draw.between(1, 2)
            figures = (
                (mask, tint),
                (other if kind == 1 else mask, draw.colour(self.ink, tint) if kind == 2 else tint),
            )
            for (figure, colour), at in zip(figures, (left, left + 3 + gap), strict=True):
                grid[4 * k : 4 * k + 3, at : at + 3][figure] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) % 2 or not 4 <= len(scene.shapes) <= 20:
            return None
        grid = scene.copy()
        for a, b in zip(scene.shapes[::2], scene.shapes[1::2], strict=True):
            if a.top != b.top or a.bottom != b.bottom or a.right >= b.left or a.height % 2 == 0:
                return None
            if (a.colour == b.colour and a.form == b.form) == (self.which == "the same"):
                grid[a.top + a.height // 2, a.right : b.left] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        columns = np.flatnonzero(question.grid.any(axis=0)).tolist()
        left, right = columns[2] + 1, columns[-3]
        wanted = 0
        for row in range(0, question.height - 2, 4):
            window = question.grid[row : row + 3]
            same = np.array_equal(window[:, left - 3 : left], window[:, right : right + 3])
            linked = (answer[row + 1, left:right] == self.ink).all()
            if linked != (same == (self.which == "the same")):
                return "a line is missing, or one too many"
            wanted += int(linked) * (right - left)
        return changed(question, answer, wanted)


@final
@dataclass(frozen=True, slots=True)
class SpotTheDifference(Rule):
    """Three blocks or more, all but one the same cell by cell."""

    says = "The blocks are copies but for one: paint {ink} the cells in which it differs from the others."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        h, w, n = draw.between(3, 4), draw.between(3, 4), draw.between(3, 4)
        colours = np.array(draw.colours(3, self.ink), np.uint8)
        tile = colours[_noise(draw, h * w)].reshape(h, w)
        corners = draw.corners(grid, [(h, w)] * n)
        if corners is None:
            return None
        odd = tile.copy()
        for place in draw.some(range(h * w), draw.between(1, 2)):
            odd.flat[place] = draw.pick([colour for colour in colours.tolist() if colour != odd.flat[place]])
        for k, (top, left) in enumerate(corners):
            grid[top : top + h, left : left + w] = tile if k else odd
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        blocks = scene.groups
        if not 3 <= len(blocks) <= 20 or any(not b.solid or b.form != blocks[0].form for b in blocks):
            return None
        windows = [scene.grid[b.box] for b in blocks]
        keys = [window.tobytes() for window in windows]
        if len({*keys}) != 2 or _twins(keys).count(False) != 1:
            return None
        odd = _twins(keys).index(False)
        grid = scene.copy()
        grid[blocks[odd].box][windows[odd] != windows[odd - 1]] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        stack = np.array([question.grid[b.box] for b in question.groups])
        median = np.sort(stack, axis=0)[len(stack) // 2]  # what most blocks hold
        for thing, pixels in zip(question.groups, stack, strict=True):
            if ((answer[thing.box] == self.ink) != (pixels != median)).any():
                return "a cell that differs is not painted, or one that does not is"
        return changed(question, answer, int(np.count_nonzero(stack != median)))


@final
@dataclass(frozen=True, slots=True)
class SameHalves(Rule):
    """An object is compared with its own mirror image."""

    says = "{deed} the objects whose {halves} halves mirror each other."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Deed
    halves: Literal["left and right", "upper and lower"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        sides = draw.pick(
            (("left", "upper"), ("left", "upper", "none"), ("left", "left", "upper", "upper", "none"))
        )
        masks = [_mirrored(draw) if side == "left" else draw.blob(3, 3, 5) for side in sides]
        masks = [
            _mirrored(draw).T if side == "upper" else mask for side, mask in zip(sides, masks, strict=True)
        ]
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        way = (slice(None), slice(None, None, -1))[:: 1 if self.halves == "left and right" else -1]
        masks = [thing.mask for thing in scene.shapes]
        return _left(scene, self.deed, [mask.tobytes() == mask[way].tobytes() for mask in masks])

    def fault(self, question: Scene, answer: Grid) -> str:
        axis = int(self.halves == "left and right")
        for thing in question.shapes:
            cells = {(row, column) for row, column in np.argwhere(thing.mask).tolist()}
            last = (thing.height, thing.width)[axis] - 1
            same = all(((last - row, column), (row, last - column))[axis] in cells for row, column in cells)
            if not stands(answer, thing, same == (self.deed == "Keep only")):
                return "an object is gone that should stay, or stays"
        return ""


_BOXES = ((2, 2), (2, 3), (3, 2), (3, 3), (1, 4), (4, 2))  # shapes of different boxes differ at a glance


def _twins(values: Sequence[Hashable]) -> list[bool]:
    """Which values occur more than once."""
    many = Counter(values)
    return [many[value] > 1 for value in values]


def _left(scene: Scene, deed: Deed, chosen: Sequence[bool]) -> Grid | None:
    """The grid with the chosen of its shapes alone, or without them; None where that is none or all."""
    if all(chosen) or not any(chosen):
        return None
    return (keep if deed == "Keep only" else drop)(scene, compress(scene.shapes, chosen))


def _stroke(way: int, length: int) -> Mask:
    slope = np.eye(length, dtype=np.bool_)
    return (block(1, length), block(length, 1), slope, slope[::-1])[way]


def _way(thing: Thing) -> int:
    """0 … 3 for a line along a row, a column, a diagonal that falls or one that rises; -1 for what is no
    line."""
    h, w = thing.height, thing.width
    if h == w == thing.size > 1:  # one cell in each row and column: joined, these can only lie on a diagonal
        return 2 if thing.mask[0, 0] else 3
    return -1 if min(h, w) > 1 or thing.size == 1 else int(w == 1)


def _noise(draw: Draw, cells: int) -> npt.NDArray[np.uint8]:
    """Zeros and ones, evenly; up to 64."""
    return np.unpackbits(np.array([draw.key()], "<u8").view(np.uint8))[:cells]


def _turns(mask: Mask) -> list[tuple[int, bytes]]:
    """The forms of a mask turned by 0 … 3 quarters."""
    return [(mask.shape[k % 2 == 0], np.rot90(mask, k).tobytes()) for k in range(4)]


def _mirrored(draw: Draw) -> Mask:
    """A shape whose left half mirrors its right."""
    half = draw.blob(draw.between(3, 4), 2, 4)
    return np.hstack([half, half[:, ::-1][:, draw.below(2) :]])
