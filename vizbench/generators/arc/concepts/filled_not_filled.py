"""Define the rules of FilledNotFilled: filled and hollow objects, and what fills holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.facts import (
    ADDS,
    OLD_COLOURS,
    ONE_INK,
    REARRANGES,
    RECOLOURS,
    SAME_SIZE,
    SHRINKS,
)
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Paint, Rule, Side, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, holder, paint, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class SwapFilledAndHollow(Rule):
    """Hollow out the filled objects, and fill the hollow ones.

    A hollowed object loses the cells that have neighbours of the same object on all four sides.
    """

    says = "Hollow out every filled object to its outline, and fill every hollow one with its own colour."
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        masks = [_random_shape(draw, is_filled) for is_filled in draw.mixed(2, 4)]
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

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
        # Open ground, with one more cell of it around the grid.
        open_ground = np.ones((answer.shape[0] + 2, answer.shape[1] + 2), np.uint8)
        within = open_ground[1:-1, 1:-1]
        within[:] = 0
        for region in question.ground_regions:
            if region.at_border:
                paint(within, region, 1)

        # Open ground and the cells beside it keep their colour; all others change.
        above, below = open_ground[:-2, 1:-1], open_ground[2:, 1:-1]
        left, right = open_ground[1:-1, :-2], open_ground[1:-1, 2:]
        is_kept = (within | above | below | left | right) > 0
        if ((answer != question.grid) == is_kept).any():
            return "cells other than those within the outlines changed"
        is_mixed = any(group.colour == 0 for group in Scene(answer).groups)
        return "an object has two colours" if is_mixed or not answer.any() else ""


@final
@dataclass(frozen=True, slots=True)
class ListColoursByFilling(Rule):
    """List the colours of the hollow or of the filled objects.

    Objects follow one another, separated by full lines of ground.
    """

    says = "List the colours of the {kind} objects, one cell for each, {order}."
    keeps = SHRINKS | OLD_COLOURS
    kind: Literal["hollow", "filled"]
    """The objects that are listed."""
    order: Literal["from left to right", "from top to bottom"]
    """The direction of reading, and of the answer."""

    def question(self, draw: Draw) -> Grid | None:
        masks = [_random_shape(draw, is_filled, 5) for is_filled in draw.mixed(3, 5)]
        grid = _side_by_side(draw, masks, draw.between(5, 9))
        return grid if self.order == "from left to right" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        chosen = _of_kind(scene, self.kind)
        is_row = self.order == "from left to right"
        colour_at: dict[int, int] = {}
        for thing in chosen:
            colour_at[thing.left if is_row else thing.top] = thing.colour
        if not chosen or len(colour_at) < len(chosen):
            return None  # no object, or two that begin at the same place
        colours = np.array([colour_at[place] for place in sorted(colour_at)], np.uint8)
        return colours[None, :] if is_row else colours[:, None]

    def fault(self, question: Scene, answer: Grid) -> str:
        is_row = self.order == "from left to right"
        colour_at: dict[int, int] = {}
        for thing in question.groups:
            if _has_hollow_middle(question, thing) == (self.kind == "hollow"):
                rows, columns = np.nonzero(question.grid == thing.colour)
                colour_at[int((columns if is_row else rows).min())] = thing.colour
        expected_shape = (1, len(colour_at)) if is_row else (len(colour_at), 1)
        if answer.shape != expected_shape:
            return "the answer has the wrong length"
        if answer.ravel().tolist() != [colour_at[place] for place in sorted(colour_at)]:
            return f"the list does not hold the colours of the {self.kind} objects in order"
        return ""


@final
@dataclass(frozen=True, slots=True)
class AsLargeAsTheLoner(Rule):
    """Answer with empty ground of the size of the only hollow, or only filled, object's box."""

    says = "One object alone is {kind}: the answer is empty ground, as large as this object."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    kind: Literal["filled", "hollow"]
    """What only one object is."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 18)
        all_sizes = [(height, width) for height in range(3, 9) for width in range(3, 9)]
        loner_size, *other_sizes = draw.some(all_sizes, draw.between(3, 4))
        if self.kind == "filled":
            masks = [block(*loner_size), *(frame(*size) for size in other_sizes)]
        else:
            masks = [frame(*loner_size), *(block(*size) for size in other_sizes)]
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        chosen = _of_kind(scene, self.kind)
        if len(chosen) != 1:
            return None
        return np.zeros((chosen[0].height, chosen[0].width), np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        if answer.any():
            return "the answer is not empty"
        sizes = [(group.height, group.width) for group in question.groups]
        if answer.shape not in sizes:
            return "no object has the size of the answer"
        thing = question.groups[sizes.index(answer.shape)]
        if _has_hollow_middle(question, thing) != (self.kind == "hollow"):
            return f"the object with the size of the answer is not {self.kind}"
        return ""


@final
@dataclass(frozen=True, slots=True)
class HollowOneWayFilledTheOther(Rule):
    """Move hollow objects to one edge and filled objects to the opposite one.

    No object blocks the path of another.
    """

    says = (
        "Move every hollow object to the {side} edge of the grid, and every filled one to the opposite edge."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    side: Side
    """The edge to which hollow objects go."""

    def question(self, draw: Draw) -> Grid | None:
        masks = [_random_shape(draw, is_filled, 5) for is_filled in draw.mixed(2, 4)]
        grid = _side_by_side(draw, masks, draw.between(8, 12))
        return grid if self.side in ("top", "bottom") else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        hollow = {thing.number for _, thing in _holes(scene)}
        if not hollow or len(hollow) == len(scene.shapes):
            return None
        grid = np.zeros_like(scene.grid)
        for thing in scene.shapes:
            edge = self.side if thing.number in hollow else _OPPOSITE[self.side]
            top, left = thing.top, thing.left
            if edge == "top":
                top = 0
            elif edge == "bottom":
                top = scene.height - thing.height
            elif edge == "left":
                left = 0
            else:
                left = scene.width - thing.width
            stamp(grid, cut(scene, thing), top, left)
        # Cells are missing if an object ended on another.
        return grid if np.count_nonzero(grid) == np.count_nonzero(scene.grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        after = {thing.colour: thing for thing in Scene(answer).groups}
        for thing in question.groups:
            moved = after.get(thing.colour)
            if moved is None or moved.form != thing.form:
                return "an object is lost or has changed its shape"
            is_hollow = _has_hollow_middle(question, thing)
            edge = self.side if is_hollow else _OPPOSITE[self.side]
            if not _went_straight_to(thing, moved, edge):
                return f"an object did not move straight to the {edge} edge"
        return ""


@final
@dataclass(frozen=True, slots=True)
class FillLikeItsTwin(Rule):
    """Fill hollow objects in the colour of the filled object of the same outline.

    The two have the same orientation. A hollow object without a filled twin stays hollow.
    """

    says = "Fill every hollow object with the colour of the filled object of the same size and shape."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 18)
        kinds = draw.some(_DISTINCT_SHAPES, 3)
        hollow = [_shape(*kind, False) for kind in draw.some(kinds, draw.between(2, 3))]
        filled = [_shape(*kind, True) for kind in draw.some(kinds, draw.between(2, 3))]
        outline_colour, *fill_colours = draw.colours(1 + len(filled))
        colours = [outline_colour] * len(hollow) + fill_colours
        return grid if draw.scatter(grid, [*hollow, *filled], colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        holes = _holes(scene)
        if not holes:
            return None

        # The masks of the hollow objects, by number, as they would be if filled.
        completed = {thing.number: thing.mask.copy() for _, thing in holes}
        for hole, thing in holes:
            top, left = hole.top - thing.top, hole.left - thing.left
            completed[thing.number][top : top + hole.height, left : left + hole.width] |= hole.mask

        filled = [thing for thing in scene.shapes if thing.number not in completed]
        colour_of = {thing.form: thing.colour for thing in filled}
        if len(colour_of) != len(filled):
            return None  # two filled objects are twins of the same hollow ones

        grid = scene.copy()
        for hole, thing in holes:
            form = thing.width, completed[thing.number].tobytes()
            if form in colour_of:
                paint(grid, hole, colour_of[form])
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        changed_cells = 0
        for hole in question.holes:
            # Shapes of one box and one number of cells are the same here.
            rim = next(g for g in question.groups if g.top == hole.top - 1 and g.left == hole.left - 1)
            twin_size = rim.height, rim.width, rim.size + hole.size
            twins = [g.colour for g in question.groups if (g.height, g.width, g.size) == twin_size]
            changed_cells += hole.size * len(twins)
            colours = np.unique(answer[hole.box][hole.mask]).tolist()
            if colours != (twins or [0]):
                return "a hole does not have the colour of its filled twin"
        return changed(question, answer, changed_cells)


@final
@dataclass(frozen=True, slots=True)
class FillSealedOutlines(Rule):
    """Fill the closed outlines.

    A gap is one cell in a side of an outline, not in a corner.
    """

    says = "Fill every closed outline with its own colour; outlines with a gap stay empty."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        masks = [_random_shape(draw, False).copy() for _ in range(draw.between(3, 5))]
        # Open some outlines, not all, in the middle of a side.
        for mask in masks[: draw.between(1, len(masks) - 1)]:
            height, width = mask.shape
            middles = (
                (0, width // 2),
                (height - 1, width // 2),
                (height // 2, 0),
                (height // 2, width - 1),
            )
            row, column = draw.pick(middles)
            mask[row, column] = False
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for hole, thing in _holes(scene):
            paint(grid, hole, thing.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        if after.holes or any(not group.colour for group in after.groups):
            return "a closed outline is not filled with its colour"
        return changed(question, answer, sum(hole.size for hole in question.holes))


@final
@dataclass(frozen=True, slots=True)
class RingsOfTheFilled(Rule):
    """Recolour every second ring of the filled rectangles.

    Rings are one cell thick and counted from outside. The cells in the very middle are a ring too.
    """

    says = "Recolour {ink} every second ring of the filled rectangles, from outside in; hollow ones stay."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint
    """The new colour of the rings."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 18)
        masks: list[Mask] = []
        for is_filled in draw.mixed(2, 4):
            if is_filled:
                masks.append(block(draw.between(5, 8), draw.between(5, 7)))
            else:
                masks.append(frame(draw.between(3, 6), draw.between(3, 6)))
        colours = [draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if not thing.solid:
                continue
            # Paint rectangles over each other, from the second ring in.
            height, width = thing.height, thing.width
            for ring in range(1, (min(height, width) + 1) // 2):
                within = grid[thing.box][ring : height - ring, ring : width - ring]
                within[:] = self.ink if ring % 2 else thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        inked_cells = 0
        for thing in question.groups:
            # The ring of a cell: its distance from the nearest side of the box.
            from_row_ends = _distance_from_ends(thing.height)
            from_column_ends = _distance_from_ends(thing.width)
            ring = np.minimum.outer(from_row_ends, from_column_ends)
            is_inked = (ring % 2 == 1) & thing.solid
            inked_cells += int(is_inked.sum())
            if ((answer[thing.box] == self.ink) != is_inked).any():
                return "a ring has the wrong colour"
        return changed(question, answer, inked_cells)


@final
@dataclass(frozen=True, slots=True)
class MiniatureOfTiles(Rule):
    """Shrink a mosaic of tiles to one cell per tile.

    Tiles are squares of one size in rows and columns, without a missing tile.
    """

    says = (
        "Make every tile one cell of a small picture: "
        "in the tile's colour where it is {kind}, empty where it is not."
    )
    keeps = SHRINKS | OLD_COLOURS
    kind: Literal["filled", "hollow"]
    """The tiles that become coloured cells."""

    def question(self, draw: Draw) -> Grid | None:
        rows, columns, side = draw.between(2, 4), draw.between(2, 4), draw.pick((3, 3, 4))
        stride, top, left = side + 1, draw.below(3), draw.below(3)
        height = top + rows * stride + draw.below(2)
        width = left + columns * stride + draw.below(2)
        grid = np.zeros((height, width), np.uint8)

        colours = draw.colours(draw.between(1, 3))
        for k, is_filled in enumerate(draw.mixed(rows * columns, rows * columns)):
            tile_top, tile_left = top + k // columns * stride, left + k % columns * stride
            tile = block(side, side) if is_filled else frame(side, side)
            grid[tile_top : tile_top + side, tile_left : tile_left + side][tile] = draw.pick(colours)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        tiles = scene.shapes
        tops, lefts = sorted({tile.top for tile in tiles}), sorted({tile.left for tile in tiles})
        if len(tiles) < 2 or len(tiles) != len(tops) * len(lefts):
            return None
        side = tiles[0].height
        filled_size, hollow_size = side * side, 4 * side - 4
        grid = np.zeros((len(tops), len(lefts)), np.uint8)
        for tile in tiles:
            if (tile.height, tile.width) != (side, side) or tile.size not in (filled_size, hollow_size):
                return None
            if tile.solid == (self.kind == "filled"):
                grid[tops.index(tile.top), lefts.index(tile.left)] = tile.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Tiles begin at coloured rows and columns that follow one of ground.
        tops, lefts = _first_rows(question.grid), _first_rows(question.grid.T)
        corner_colours = question.grid[np.ix_(tops, lefts)]
        is_filled = question.grid[np.ix_(tops + 1, lefts + 1)] > 0
        picture = corner_colours * (is_filled == (self.kind == "filled"))
        if not np.array_equal(answer, picture):
            return f"the picture does not show which tiles are {self.kind}"
        return ""


_Form: TypeAlias = Literal["rectangle", "rounded", "diamond"]

_OPPOSITE: dict[Side, Side] = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}

_DISTINCT_SHAPES: tuple[tuple[_Form, int, int], ...] = (
    ("rectangle", 3, 3),
    ("rectangle", 3, 6),
    ("rectangle", 6, 3),
    ("rectangle", 5, 5),
    ("rounded", 4, 4),
    ("rounded", 4, 7),
    ("rounded", 7, 4),
    ("diamond", 5, 5),
    ("diamond", 7, 7),
)
"""Form, height and width of shapes that differ at a glance."""


@lru_cache(maxsize=256)
def _shape(form: _Form, height: int, width: int, is_filled: bool) -> Mask:
    """Return a rectangle, one without its four corners, or a square on its tip; whole, or its outline."""
    mask = np.ones((height, width), np.bool_)
    if form == "rounded":
        mask[:: height - 1, :: width - 1] = False
    if form == "diamond":
        from_middle = np.abs(np.arange(height) - height // 2)
        mask = np.add.outer(from_middle, from_middle) <= height // 2
    return mask if is_filled else mask & ~_core(mask)


def _random_shape(draw: Draw, is_filled: bool, largest: int = 6) -> Mask:
    """Draw a filled shape with inner cells, or the outline of one, of at most `largest` cells per side."""
    if draw.chance(0.2):
        return _shape("diamond", 5, 5, is_filled)
    form: _Form = "rounded" if draw.chance(0.3) else "rectangle"
    smallest = 4 if form == "rounded" else 3
    return _shape(form, draw.between(smallest, largest), draw.between(smallest, largest), is_filled)


def _core(mask: Mask) -> Mask:
    """Return the cells of a shape whose four neighbours all belong to it."""
    core = np.zeros_like(mask)
    above, below = mask[:-2, 1:-1], mask[2:, 1:-1]
    left, right = mask[1:-1, :-2], mask[1:-1, 2:]
    core[1:-1, 1:-1] = mask[1:-1, 1:-1] & above & below & left & right
    return core


def _side_by_side(draw: Draw, masks: Sequence[Mask], height: int) -> Grid:
    """Draw shapes of different colours side by side, each at a random height, with ground between them."""
    gaps = [draw.below(2), *(draw.between(1, 2) for _ in masks[1:]), draw.below(2)]
    grid = np.zeros((height, sum(gaps) + sum(mask.shape[1] for mask in masks)), np.uint8)
    left = 0
    for gap, mask, colour in zip(gaps, masks, draw.colours(len(masks)), strict=False):
        top = draw.below(height - mask.shape[0] + 1)
        left += gap
        grid[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = colour
        left += mask.shape[1]
    return grid


def _holes(scene: Scene) -> list[tuple[Thing, Thing]]:
    """Return every hole with the object that encloses it.

    The object is the one above the hole's first cell. A hole that reaches beyond its box is left out.
    """
    pairs: list[tuple[Thing, Thing]] = []
    for hole in scene.holes:
        thing = holder(scene, hole)
        if thing.left < hole.left and hole.right < thing.right and hole.bottom < thing.bottom:
            pairs.append((hole, thing))
    return pairs


def _of_kind(scene: Scene, kind: Literal["filled", "hollow"]) -> list[Thing]:
    """Return the shapes that enclose a hole, or those that enclose none."""
    hollow = {thing.number for _, thing in _holes(scene)}
    return [thing for thing in scene.shapes if (thing.number in hollow) == (kind == "hollow")]


def _has_hollow_middle(scene: Scene, thing: Thing) -> bool:
    """Return whether the middle cell of a thing's box is ground: true of hollow shapes drawn here only."""
    return scene.grid[(thing.top + thing.bottom) // 2, (thing.left + thing.right) // 2] == 0


def _went_straight_to(before: Thing, after: Thing, edge: Side) -> bool:
    """Return whether a thing is at an edge of the grid, without having moved along it."""
    height, width = after.labels.shape
    if edge in ("top", "bottom"):
        is_at_edge = after.top == 0 if edge == "top" else after.bottom == height
        return is_at_edge and before.left == after.left
    is_at_edge = after.left == 0 if edge == "left" else after.right == width
    return is_at_edge and before.top == after.top


def _distance_from_ends(length: int) -> npt.NDArray[np.int64]:
    """Return the distance of each of `length` places from the nearer end: 0, 1, ..., 1, 0."""
    places = np.arange(length)
    return np.minimum(places, places[::-1])


def _first_rows(grid: Grid) -> npt.NDArray[np.intp]:
    """Return the rows that hold a colour and follow a row of ground, or the edge."""
    is_coloured = np.any(grid, axis=1).astype(np.int8)
    return np.flatnonzero(np.diff(is_coloured, prepend=0) == 1)
