"""Filled, not filled: full objects against outlines of the same kinds, and what fills a hole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import (
    ADDS,
    OLD_COLOURS,
    ONE_INK,
    REARRANGES,
    RECOLOURS,
    SAME_SIZE,
    SHRINKS,
)
from vizbench.generators.arc.rule import Paint, Rule, Side, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, holder, paint, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class SwapFilledAndHollow(Rule):
    """A hollowed object keeps the cells that have no neighbour of it on one of four sides."""

    says = "Hollow out every filled object to its outline, and fill every hollow one with its own colour."
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        masks = [_drawn(draw, full) for full in draw.mixed(2, 4)]
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        hollow: set[int] = set()
        for hole, thing in _holes(scene):
            paint(grid, hole, thing.colour)
            hollow.add(thing.number)
        for thing in scene.shapes:
            if thing.number not in hollow:
                grid[thing.box][_core(thing.mask)] = 0
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        outside = np.ones((answer.shape[0] + 2, answer.shape[1] + 2), np.uint8)
        outside[1:-1, 1:-1] = 0
        for room in question.rooms:
            if room.at_border:
                paint(outside[1:-1, 1:-1], room, 1)
        reached = (
            outside[1:-1, 1:-1]
            | outside[:-2, 1:-1]
            | outside[2:, 1:-1]
            | outside[1:-1, :-2]
            | outside[1:-1, 2:]
        )
        if ((answer != question.grid) == (reached > 0)).any():
            return "other cells than those within the outlines changed"
        mixed = any(group.colour == 0 for group in Scene(answer).groups)
        return "an object has two colours" if mixed or (answer > 0).sum() == 0 else ""


@final
@dataclass(frozen=True, slots=True)
class ListColoursByFilling(Rule):
    """Objects stand one after the other, with ground between them all the way."""

    says = "List the colours of the {kind} objects, one cell for each, {order}."
    keeps = SHRINKS | OLD_COLOURS
    kind: Literal["hollow", "filled"]
    order: Literal["from left to right", "from top to bottom"]

    def question(self, draw: Draw) -> Grid | None:
        masks = [_drawn(draw, full, 5) for full in draw.mixed(3, 5)]
        grid = _lanes(draw, masks, draw.between(5, 9))
        return grid if self.order == "from left to right" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        hollow = {thing.number for _, thing in _holes(scene)}
        across = self.order == "from left to right"
        places: dict[int, int] = {}
        for thing in scene.shapes:
            if (thing.number in hollow) == (self.kind == "hollow"):
                places[thing.left if across else thing.top] = thing.colour
        if not places or len(places) != (
            len(hollow) if self.kind == "hollow" else len(scene.shapes) - len(hollow)
        ):
            return None
        colours = np.array([places[place] for place in sorted(places)], np.uint8)
        return colours[None, :] if across else colours[:, None]

    def fault(self, question: Scene, answer: Grid) -> str:
        across = self.order == "from left to right"
        wanted = {
            int(np.argwhere(question.grid == thing.colour)[:, int(across)].min()): thing.colour
            for thing in question.groups
            if _empty(question, thing) == (self.kind == "hollow")
        }
        if answer.shape != ((1, len(wanted)) if across else (len(wanted), 1)):
            return "the answer has another length"
        right = answer.ravel().tolist() == [wanted[place] for place in sorted(wanted)]
        return "" if right else f"the list is not that of the {self.kind} objects"


@final
@dataclass(frozen=True, slots=True)
class AsLargeAsTheLoner(Rule):
    """The box of the object counts."""

    says = "One object alone is {kind}: the answer is empty ground, as large as this object."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    kind: Literal["filled", "hollow"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 18)
        sizes = draw.some([(h, w) for h in range(3, 9) for w in range(3, 9)], draw.between(3, 4))
        alone, others = (block, frame) if self.kind == "filled" else (frame, block)
        masks = [alone(*sizes[0]), *(others(*size) for size in sizes[1:])]
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        hollow = {thing.number for _, thing in _holes(scene)}
        chosen = [thing for thing in scene.shapes if (thing.number in hollow) == (self.kind == "hollow")]
        return np.zeros((chosen[0].height, chosen[0].width), np.uint8) if len(chosen) == 1 else None

    def fault(self, question: Scene, answer: Grid) -> str:
        if answer.any():
            return "the answer is not empty"
        sizes = [(group.height, group.width) for group in question.groups]
        if answer.shape not in sizes:
            return "no object is as large"
        found = question.groups[sizes.index(answer.shape)]
        return (
            ""
            if _empty(question, found) == (self.kind == "hollow")
            else f"an object as large is not {self.kind}"
        )


@final
@dataclass(frozen=True, slots=True)
class HollowOneWayFilledTheOther(Rule):
    """No object is in the way of another."""

    says = (
        "Move every hollow object to the {side} edge of the grid, and every filled one to the opposite edge."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    side: Side

    def question(self, draw: Draw) -> Grid | None:
        masks = [_drawn(draw, full, 5) for full in draw.mixed(2, 4)]
        grid = _lanes(draw, masks, draw.between(8, 12))
        return grid if self.side in ("top", "bottom") else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        hollow = {thing.number for _, thing in _holes(scene)}
        if not hollow or len(hollow) == len(scene.shapes):
            return None
        grid = np.zeros_like(scene.grid)
        for thing in scene.shapes:
            first = (thing.number in hollow) == (self.side in ("top", "left"))
            top, left = thing.top, thing.left
            if self.side in ("top", "bottom"):
                top = 0 if first else scene.height - thing.height
            else:
                left = 0 if first else scene.width - thing.width
            stamp(grid, cut(scene, thing), top, left)
        return grid if np.count_nonzero(grid) == np.count_nonzero(scene.grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        found = {thing.colour: thing for thing in Scene(answer).groups}
        opposite = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
        for thing in question.groups:
            moved = found.get(thing.colour)
            if moved is None or moved.form != thing.form:
                return "an object is not what it was"
            edge = self.side if _empty(question, thing) else opposite[self.side]
            ends = {"bottom": answer.shape[0], "right": answer.shape[1]}
            beside = moved.left == thing.left if edge in ("top", "bottom") else moved.top == thing.top
            if getattr(moved, edge) != ends.get(edge, 0) or not beside:
                return f"an object is not straight at the {edge}"
        return ""


@final
@dataclass(frozen=True, slots=True)
class FillLikeItsTwin(Rule):
    """Not turned; a hollow object without a filled twin stays hollow."""

    says = "Fill every hollow object with the colour of the filled object of the same size and shape."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 18)
        sizes = draw.some(_UNLIKE, 3)
        hollow = [_shape(*size, False) for size in draw.some(sizes, draw.between(2, 3))]
        filled = [_shape(*size, True) for size in draw.some(sizes, draw.between(2, 3))]
        around, *colours = draw.colours(1 + len(filled))
        return grid if draw.scatter(grid, [*hollow, *filled], [around] * len(hollow) + colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        holes = _holes(scene)
        if not holes:
            return None
        whole = {thing.number: thing.mask.copy() for _, thing in holes}
        for hole, thing in holes:
            down, right = hole.top - thing.top, hole.left - thing.left
            whole[thing.number][down : down + hole.height, right : right + hole.width] |= hole.mask
        filled = [thing for thing in scene.shapes if thing.number not in whole]
        twins = {thing.form: thing.colour for thing in filled}
        if len(twins) != len(filled):
            return None
        grid = scene.copy()
        for hole, thing in holes:
            colour = twins.get((thing.width, whole[thing.number].tobytes()))
            if colour:
                paint(grid, hole, colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        cells = 0
        for hole in question.holes:
            inside = np.unique(answer[hole.box][hole.mask])
            rim = next(g for g in question.groups if g.top == hole.top - 1 and g.left == hole.left - 1)
            size = hole.size + rim.size
            alike = [
                g.colour
                for g in question.groups
                if (g.height, g.width, g.size) == (rim.height, rim.width, size)
            ]
            cells += hole.size * len(alike)
            if inside.tolist() != (alike or [0]):
                return "a hole has another colour than its filled twin"
        return changed(question, answer, cells)


@final
@dataclass(frozen=True, slots=True)
class FillSealedOutlines(Rule):
    """A gap is one cell on a side, not a corner."""

    says = "Fill every closed outline with its own colour; outlines with a gap stay empty."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        masks = [_drawn(draw, False).copy() for _ in range(draw.between(3, 5))]
        for mask in masks[: draw.between(1, len(masks) - 1)]:
            h, w = mask.shape
            row, column = draw.pick(((0, w // 2), (h - 1, w // 2), (h // 2, 0), (h // 2, w - 1)))
            mask[row, column] = False
        return grid if draw.scatter(grid, masks, [draw.colour() for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for hole, thing in _holes(scene):
            paint(grid, hole, thing.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        if after.holes or any(not group.colour for group in after.groups):
            return "a closed outline is not filled in its colour"
        return changed(question, answer, sum(hole.size for hole in question.holes))


@final
@dataclass(frozen=True, slots=True)
class RingsOfTheFilled(Rule):
    """Rings are counted from the outside, one cell thick; what is in the very middle is a ring too."""

    says = "Recolour {ink} every second ring of the filled rectangles, from outside in; hollow ones stay."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 18)
        masks = [
            block(draw.between(5, 8), draw.between(5, 7))
            if full
            else frame(draw.between(3, 6), draw.between(3, 6))
            for full in draw.mixed(2, 4)
        ]
        return grid if draw.scatter(grid, masks, [draw.colour(self.ink) for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.solid:
                h, w = thing.height, thing.width
                for k in range(1, (min(h, w) + 1) // 2):
                    grid[thing.box][k : h - k, k : w - k] = self.ink if k % 2 else thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        cells = 0
        for thing in question.groups:
            down, right = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (thing.height, thing.width))
            inked = np.minimum.outer(down, right) % 2 * thing.solid == 1
            cells += int(inked.sum())
            if ((answer[thing.box] == self.ink) != inked).any():
                return "a ring has the wrong colour"
        return changed(question, answer, cells)


@final
@dataclass(frozen=True, slots=True)
class MiniatureOfTiles(Rule):
    """Tiles are squares of one size in rows and columns without a gap."""

    says = "Make every tile one cell of a small picture: in the tile's colour where it is {kind}, empty where it is not."
    keeps = SHRINKS | OLD_COLOURS
    kind: Literal["filled", "hollow"]

    def question(self, draw: Draw) -> Grid | None:
        rows, columns, side = draw.between(2, 4), draw.between(2, 4), draw.pick((3, 3, 4))
        step, top, left = side + 1, draw.below(3), draw.below(3)
        grid = np.zeros((top + rows * step + draw.below(2), left + columns * step + draw.below(2)), np.uint8)
        colours = draw.colours(draw.between(1, 3))
        for k, full in enumerate(draw.mixed(rows * columns, rows * columns)):
            down, right = top + k // columns * step, left + k % columns * step
            tile = block(side, side) if full else frame(side, side)
            grid[down : down + side, right : right + side][tile] = draw.pick(colours)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        tiles = scene.shapes
        tops, lefts = sorted({tile.top for tile in tiles}), sorted({tile.left for tile in tiles})
        if len(tiles) < 2 or len(tiles) != len(tops) * len(lefts):
            return None
        side = tiles[0].height
        grid = np.zeros((len(tops), len(lefts)), np.uint8)
        for tile in tiles:
            if (tile.height, tile.width) != (side, side) or tile.size not in (side * side, 4 * side - 4):
                return None
            if tile.solid == (self.kind == "filled"):
                grid[tops.index(tile.top), lefts.index(tile.left)] = tile.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rows, columns = (
            np.flatnonzero(np.diff(question.grid.any(axis=axis).astype(np.int8), prepend=0) == 1)
            for axis in (1, 0)
        )
        full = question.grid[np.ix_(rows + 1, columns + 1)] > 0
        wanted = question.grid[np.ix_(rows, columns)] * (full == (self.kind == "filled"))
        return (
            "" if np.array_equal(answer, wanted) else f"the picture does not show which tiles are {self.kind}"
        )


_Form: TypeAlias = Literal["rectangle", "rounded", "diamond"]

_UNLIKE: tuple[tuple[_Form, int, int], ...] = (
    *(("rectangle", h, w) for h, w in ((3, 3), (3, 6), (6, 3), (5, 5))),
    *(("rounded", h, w) for h, w in ((4, 4), (4, 7), (7, 4))),
    *(("diamond", side, side) for side in (5, 7)),
)
"""Shapes no two of which are alike at a glance."""


@lru_cache(maxsize=256)
def _shape(form: _Form, height: int, width: int, full: bool) -> Mask:
    """A rectangle, one without its four corners, or a square on its tip; whole, or its outline."""
    mask = np.ones((height, width), np.bool_)
    if form == "rounded":
        mask[:: height - 1, :: width - 1] = False
    if form == "diamond":
        away = np.abs(np.arange(height) - height // 2)
        mask = np.add.outer(away, away) <= height // 2
    return mask if full else mask & ~_core(mask)


def _drawn(draw: Draw, full: bool, largest: int = 6) -> Mask:
    """A full shape with cells that lie deep inside, or the outline of one."""
    if draw.chance(0.2):
        return _shape("diamond", 5, 5, full)
    form: _Form = "rounded" if draw.chance(0.3) else "rectangle"
    least = 3 + (form == "rounded")
    return _shape(form, draw.between(least, largest), draw.between(least, largest), full)


def _core(mask: Mask) -> Mask:
    """The cells of a shape all four neighbours of which are of it."""
    core = np.zeros_like(mask)
    core[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return core


def _lanes(draw: Draw, masks: Sequence[Mask], tall: int) -> Grid:
    """Shapes of different colours side by side, each at a height of its own, with ground between them all the
    way."""
    gaps = [draw.below(2), *(draw.between(1, 2) for _ in masks[1:]), draw.below(2)]
    grid = np.zeros((tall, sum(gaps) + sum(mask.shape[1] for mask in masks)), np.uint8)
    at = 0
    for gap, mask, colour in zip(gaps, masks, draw.colours(len(masks)), strict=False):
        top, at = draw.below(tall - mask.shape[0] + 1), at + gap
        grid[top : top + mask.shape[0], at : at + mask.shape[1]][mask] = colour
        at += mask.shape[1]
    return grid


def _holes(scene: Scene) -> list[tuple[Thing, Thing]]:
    """Every hole with the object above its first cell, where the hole lies within this object's box."""
    found: list[tuple[Thing, Thing]] = []
    for hole in scene.holes:
        thing = holder(scene, hole)
        if thing.left < hole.left and hole.right < thing.right and hole.bottom < thing.bottom:
            found.append((hole, thing))
    return found


def _empty(scene: Scene, thing: Thing) -> bool:
    """Whether the cell in the middle of a thing's box is ground: of the shapes drawn here, the hollow ones
    alone."""
    return scene.grid[(thing.top + thing.bottom) // 2, (thing.left + thing.right) // 2] == 0
