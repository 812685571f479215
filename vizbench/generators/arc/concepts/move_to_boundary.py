"""Define the rules of MoveToBoundary: objects that go to an edge, a line or a wall, and what directs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import OLD_COLOURS, REARRANGES, SAME_SIZE
from vizbench.generators.arc.random_draws import Draw, block, plus
from vizbench.generators.arc.rule import Rule, Seen, Side
from vizbench.generators.arc.scene import Mask, Scene, Thing, paint
from vizbench.types import Grid

_TURNS: dict[Side, int] = {"bottom": 0, "left": 1, "top": 2, "right": 3}
"""Quarter turns (`np.rot90`) that bring a side to the bottom."""

_TEES = plus(1)[1:], plus(2)[2:], plus(2)[2:, 1:-1]
"""Masks of a T, the bar on top: stem and arms of one cell, of two cells, and a long stem with short arms."""


@final
@dataclass(frozen=True, slots=True)
class SlideAndStack(Rule):
    """Let all objects fall to one edge, as in a game of falling blocks.

    An object keeps its shape. Objects stop those behind them.
    """

    says = "Slide all objects to the {side} edge, where they stop against the edge or each other."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    side: Side
    """The edge to which objects slide."""

    def question(self, draw: Draw) -> Grid | None:
        # A high and narrow grid, in which objects meet.
        grid = np.zeros((draw.between(10, 14), draw.between(5, 8)), np.uint8)
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 3), 2) for _ in range(draw.between(3, 5))]
        if not draw.scatter(grid, masks, draw.colours(len(masks))):
            return None
        return np.ascontiguousarray(np.rot90(grid, -_TURNS[self.side]))

    def answer(self, scene: Scene) -> Grid | None:
        turns = _TURNS[self.side]
        scene = Scene(np.rot90(scene.grid, turns))
        grid = np.zeros(scene.grid.shape, np.uint8)
        highest_taken = np.full(scene.width, scene.height)  # the highest taken row of each column
        for thing in sorted(scene.shapes, key=lambda thing: -thing.bottom):
            mask, columns = thing.mask, slice(thing.left, thing.right)
            # A column stops the object if its lowest cell there meets a taken one.
            empty_below = mask[::-1].argmax(axis=0)
            down = int((highest_taken[columns] + empty_below).min()) - thing.bottom
            if down < 0:
                return None  # it is above a part of another one: the sentence does not say which moves first
            highest_taken[columns] = thing.top + down + mask.argmax(axis=0)
            grid[thing.top + down : thing.bottom + down, columns][mask] = thing.colour
        return np.ascontiguousarray(np.rot90(grid, -turns))

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = _side_down(question.grid, self.side), _side_down(answer, self.side)
        for colour in question.colours:
            old, new = before == colour, after == colour
            if not np.array_equal(old[old.any(axis=1)], new[new.any(axis=1)]):
                return "an object changed its shape or its lanes"
            # An object rests on the edge, or on a cell of another one.
            below = after[1:][new[:-1]]
            rests_on_object = ((below != 0) & (below != colour)).any()
            if not new[-1].any() and not rests_on_object:
                return "an object stops before the edge and before any other object"
        return ""


@final
@dataclass(frozen=True, slots=True)
class LooseCellsSlide(Rule):
    """Slide the single cells of one colour.

    Cells of other colours do not move, and stop them.
    """

    says = "Every {loose} cell slides to the {side}, until the edge or another cell stops it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    loose: Seen
    """The colour of the cells that move."""
    side: Side
    """The edge to which they slide."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 12)
        bars: list[Mask] = []
        for _ in range(draw.between(2, 4)):
            height, width = draw.pick(((1, 3), (1, 4), (3, 1), (4, 1), (2, 2)))
            bars.append(block(height, width))
        fixed_colours = draw.colours(2, self.loose)
        if not draw.scatter(grid, bars, [draw.pick(fixed_colours) for _ in bars], margin=1):
            return None
        for place in draw.some(np.flatnonzero(grid == 0).tolist(), draw.between(7, 14)):
            grid.flat[place] = self.loose
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.counts[self.loose] or len(scene.colours) < 2:
            return None
        grid = _side_down(scene.grid, self.side)
        is_loose = grid == self.loose
        is_ground = grid == 0
        is_fixed = ~is_loose & ~is_ground

        # Each fixed cell begins a section of its column. Sort each section: fixed cell, ground, loose cells.
        section = is_fixed.cumsum(axis=0)
        order = np.argsort(3 * section + 2 * is_loose + is_ground, axis=0, kind="stable")
        slid = np.take_along_axis(grid, order, axis=0)
        return np.ascontiguousarray(np.rot90(slid, -_TURNS[self.side]))

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = _side_down(question.grid, self.side), _side_down(answer, self.side)
        was_loose, is_loose = before == self.loose, after == self.loose
        if (np.where(was_loose, 0, before) != np.where(is_loose, 0, after)).any():
            return "a fixed cell moved"
        if (is_loose[:-1] & (after[1:] == 0)).any():
            return "a loose cell stops before the edge and before any other cell"
        # The order of the coloured cells in a column stays.
        for old, new in zip(before.T, after.T, strict=True):
            if old[old > 0].tolist() != new[new > 0].tolist():
                return "a loose cell passed a fixed cell"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideByTheLine(Rule):
    """Slide objects towards the line or away from it.

    The line crosses the whole grid. Objects are on both sides of it, each in lanes of its own.
    """

    says = "Slide every object straight {way}."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    way: Literal["towards the line until it touches it", "away from the line to the edge"]
    """Where objects go."""

    def question(self, draw: Draw) -> Grid | None:
        grid = np.zeros((draw.between(8, 13), draw.between(11, 16)), np.uint8)
        line = draw.between(5, grid.shape[1] - 6)
        line_colour, *colours = draw.colours(6)
        left_side, right_side = grid[:, :line], grid[:, line + 1 :]
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 3) for _ in range(draw.between(2, 4))]
        count = draw.between(1, len(masks) - 1)  # of objects on the left side
        if not _in_lanes(draw, left_side, masks[:count], colours, 1):
            return None
        if not _in_lanes(draw, right_side, masks[count:], colours[count:], 1):
            return None
        grid[:, line] = line_colour
        return np.ascontiguousarray(grid if draw.chance(0.5) else grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        line = _line(scene)
        if line is None:
            return None
        is_vertical = line.height > line.width
        axis = 1 if is_vertical else 0
        sides: tuple[Side, Side] = ("left", "right") if is_vertical else ("top", "bottom")
        line_start, line_end = line.span(axis)

        moves: list[_Move] = []
        for thing in scene.shapes:
            if thing is line:
                continue
            # The side to which the object goes, and how far.
            start, end = thing.span(axis)
            is_before = end <= line_start
            if self.way.startswith("towards"):
                side = sides[1] if is_before else sides[0]
                distance = line_start - end if is_before else start - line_end
            else:
                side = sides[0] if is_before else sides[1]
                distance = _distances(scene, thing)[side]
            moves.append(_Move(thing, side, distance))
        return _moved(scene, moves)

    def fault(self, question: Scene, answer: Grid) -> str:
        line, pairs = _line(question), _before_and_after(question, answer)
        if line is None or not pairs:
            return "an object is lost or has changed its shape"
        axis = 1 if line.height > line.width else 0
        goals = {*line.span(axis)} if self.way.startswith("towards") else {0, answer.shape[axis]}
        for old, new in pairs:
            old_span, new_span = old.span(axis), new.span(axis)
            in_lane = old.span(1 - axis) == new.span(1 - axis)
            on_its_side = (old_span < line.span(axis)) == (new_span < line.span(axis))
            if old.colour == line.colour:
                is_right = old.box == new.box
            else:
                is_right = not goals.isdisjoint(new_span)
            if not in_lane or not on_its_side or not is_right:
                return "an object left its lane, passed the line or stops in the open"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideToTheNearestEdge(Rule):
    """Slide every object to its nearest edge.

    No two edges are equally near.
    """

    says = "Slide every object straight to the edge of the grid that is nearest to it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 17)
        sides = draw.some(tuple(_TURNS), draw.between(2, 4))
        for side, colour in zip(sides, draw.colours(len(sides)), strict=True):
            # One object at each side: one or two cells off it, and five or more off the sides beside it.
            # This keeps the objects apart.
            view = _side_down(grid, side)
            mask = draw.blob(draw.between(2, 3), draw.between(2, 3), 3)
            height, width = mask.shape
            bottom = len(view) - draw.between(1, 2)
            left = draw.between(5, view.shape[1] - 5 - width)
            view[bottom - height : bottom, left : left + width][mask] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        moves: list[_Move] = []
        for thing in scene.shapes:
            distances = _distances(scene, thing)
            nearest, second, *_ = sorted(distances, key=distances.__getitem__)
            if distances[nearest] == distances[second]:
                return None
            moves.append(_Move(thing, nearest, distances[nearest]))
        return _moved(scene, moves)

    def fault(self, question: Scene, answer: Grid) -> str:
        pairs = _before_and_after(question, answer)
        if not pairs:
            return "an object is lost or has changed its shape"
        for old, new in pairs:
            shortest = min(old.top, old.left, question.height - old.bottom, question.width - old.right)
            moved = abs(old.top - new.top) + abs(old.left - new.left)
            if moved != shortest or not new.at_border:
                return "an object did not take the shortest path to an edge"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideToItsColour(Rule):
    """Slide objects to the edges of their colours.

    Edges are painted without their corners. An object whose colour no edge has is kept in place.
    """

    says = "Slide every object straight to the edge that is painted in its colour."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        sides = draw.some(tuple(_TURNS), draw.between(2, 4))
        colours = draw.colours(len(sides) + 1)  # one colour more than painted edges
        masks = [draw.blob(draw.between(1, 3), draw.between(1, 2), 2) for _ in range(draw.between(2, 3))]
        if not draw.scatter(grid, masks, draw.some(colours, len(masks)), margin=2):
            return None
        for side, colour in zip(sides, colours, strict=False):
            _side_down(grid, side)[-1, 1:-1] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if min(scene.grid.shape) < 4:
            return None
        side_of: dict[int, Side] = {}
        for side in _TURNS:
            strip = _side_down(scene.grid, side)[-1, 1:-1]
            if strip[0] and (strip == strip[0]).all():
                colour = int(strip[0])
                if colour in side_of:
                    return None  # two edges have one colour
                side_of[colour] = side

        moves: list[_Move] = []
        for thing in scene.shapes:
            if not thing.at_border and thing.colour in side_of:
                side = side_of[thing.colour]
                moves.append(_Move(thing, side, _distances(scene, thing, margin=1)[side]))
        return _moved(scene, moves)

    def fault(self, question: Scene, answer: Grid) -> str:
        pairs = _before_and_after(Scene(question.grid[1:-1, 1:-1]), answer[1:-1, 1:-1])
        is_changed = question.grid != answer
        if not pairs or is_changed[[0, -1]].any() or is_changed[:, [0, -1]].any():
            return "an object is lost or has changed its shape"

        # The cells beside each edge, by the edge's colour.
        cells_beside: dict[int, Grid] = {}
        for side in _TURNS:
            view = _side_down(answer, side)
            cells_beside[int(view[-1, 1])] = view[-2]
        for old, new in pairs:
            if new.colour in cells_beside:
                is_right = (cells_beside[new.colour] == new.colour).any()
            else:
                is_right = old.box == new.box
            if not is_right or (old.top != new.top and old.left != new.left):
                return "an object is not at the edge of its colour, or moved although it has none"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideLengthwise(Rule):
    """Slide objects in the direction of their longer side.

    The objects that are not upright have a part of the grid to themselves.
    """

    says = (
        "Slide every object that is taller than wide to the {upright} edge, every other to the {lying} edge."
    )
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    upright: Literal["top", "bottom"]
    """The edge for objects that are taller than wide."""
    lying: Literal["left", "right"]
    """The edge for all other objects."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 15)
        # Flat objects are at the left of the view, upright ones at its right. No path crosses the border.
        view = grid if self.lying == "left" else grid[:, ::-1]
        colours = draw.colours(5)
        border = draw.between(6, grid.shape[1] - 5)
        flat_part, upright_part = view[:, :border], view[:, border + 1 :]
        masks = [draw.blob(draw.between(1, 2), draw.between(3, 4), 3) for _ in range(draw.between(3, 5))]
        count = draw.between(1, len(masks) - 1)  # of flat objects
        if not _in_lanes(draw, flat_part, masks[:count], colours, 1):
            return None
        if not _in_lanes(draw, upright_part.T, masks[count:], colours[count:], 1):
            return None
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        moves: list[_Move] = []
        for thing in scene.shapes:
            side = self._goal(thing)
            moves.append(_Move(thing, side, _distances(scene, thing)[side]))
        return _moved(scene, moves)

    def fault(self, question: Scene, answer: Grid) -> str:
        pairs = _before_and_after(question, answer)
        if not pairs:
            return "an object is lost or has changed its shape"
        for old, new in pairs:
            is_upright = old.height > old.width
            in_lane = old.left == new.left if is_upright else old.top == new.top
            if not in_lane or _distances(question, new)[self._goal(old)]:
                return "an object did not slide lengthwise to its edge"
        return ""

    def _goal(self, thing: Thing) -> Side:
        """Return the edge to which a thing slides."""
        return self.upright if thing.height > thing.width else self.lying


@final
@dataclass(frozen=True, slots=True)
class StemFirst(Rule):
    """Slide every T in the direction of its stem.

    A T has a bar of three or more cells, and a stem from the bar's middle. Other objects are kept in place.
    """

    says = "Slide every T the way its stem points, up to the edge."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        masks = [np.rot90(draw.pick(_TEES), draw.below(4)) for _ in range(draw.between(1, 2))]
        count = draw.between(2, 3)
        masks += [block(draw.between(1, 3), draw.between(1, 2)) for _ in range(count - len(masks))]
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        moves: list[_Move] = []
        for thing in scene.shapes:
            side = _stem_side(thing)
            if side is not None:
                moves.append(_Move(thing, side, _distances(scene, thing)[side]))
        return _moved(scene, moves)

    def fault(self, question: Scene, answer: Grid) -> str:
        pairs = _before_and_after(question, answer)
        if not pairs:
            return "an object is lost or has changed its shape"
        for old, new in pairs:
            down, right = new.top - old.top, new.left - old.left
            if old.solid and not down and not right:
                continue
            # A T that mirrors left and right has a vertical stem. Only the stem's end touches the edge.
            is_vertical = np.array_equal(old.mask, old.mask[:, ::-1])
            sideways = right if is_vertical else down
            edges = answer[[0, -1]] if is_vertical else answer[:, [0, -1]]
            if sideways or np.count_nonzero(edges == old.colour) != 1:
                return "a T does not touch an edge with the end of its stem"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SlideDiagonally(Rule):
    """Move objects diagonally to an edge.

    Each step moves an object by a row and a column. No object covers another at the end.
    """

    says = "Move every object diagonally, towards the {rows} {columns}, until it meets an edge."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    rows: Literal["top", "bottom"]
    """The edge that objects approach row by row."""
    columns: Literal["left", "right"]
    """The edge that objects approach column by column."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 13)
        masks = [draw.blob(draw.between(1, 3), draw.between(2, 3), 2) for _ in range(draw.between(1, 3))]
        return grid if draw.scatter(grid, masks, draw.colours(len(masks)), gap=2) else None

    def answer(self, scene: Scene) -> Grid | None:
        row_step, column_step = self._step()
        grid = np.zeros_like(scene.grid)
        for thing in scene.shapes:
            distances = _distances(scene, thing)
            steps = min(distances[self.rows], distances[self.columns])
            top, left = thing.top + steps * row_step, thing.left + steps * column_step
            window, mask = grid[top : top + thing.height, left : left + thing.width], thing.mask
            if window[mask].any():
                return None
            window[mask] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        pairs = _before_and_after(question, answer)
        if not pairs:
            return "an object is lost or has changed its shape"
        row_step, column_step = self._step()
        for old, new in pairs:
            rows = (new.top - old.top) * row_step
            columns = (new.left - old.left) * column_step
            distances = _distances(question, new)
            stops_in_the_open = distances[self.rows] and distances[self.columns]
            if rows != columns or rows < 0 or stops_in_the_open:
                return "an object left its diagonal or stops in the open"
        return ""

    def _step(self) -> tuple[int, int]:
        """Return the rows and columns of one step, each 1 or -1."""
        return 1 if self.rows == "bottom" else -1, 1 if self.columns == "right" else -1


@final
@dataclass(frozen=True, slots=True)
class _Move:
    """Hold the slide of one object."""

    thing: Thing
    """The object, at its old place."""
    side: Side
    """The direction."""
    distance: int
    """How many cells, 0 or more."""


def _side_down(grid: Grid, side: Side) -> Grid:
    """Return a view of the grid, turned so that a side is at the bottom."""
    return np.rot90(grid, _TURNS[side])


def _in_lanes(draw: Draw, grid: Grid, masks: Sequence[Mask], colours: Sequence[int], margin: int = 0) -> bool:
    """Paint shapes below each other, each in rows of its own; return False if they do not fit.

    margin: columns kept free at the left and at the right.
    """
    free_rows = len(grid) - sum(len(mask) + 1 for mask in masks) + 1
    if free_rows < 0:
        return False
    top = 0
    for mask, colour in zip(masks, colours, strict=False):
        height, width = mask.shape
        skipped = draw.below(free_rows + 1)
        free_rows -= skipped
        top += skipped
        left = margin + draw.below(grid.shape[1] - width + 1 - 2 * margin)
        grid[top : top + height, left : left + width][mask] = colour
        top += height + 1
    return True


def _line(scene: Scene) -> Thing | None:
    """Return the one straight line from edge to edge; None if there is none, or several."""
    sizes = (scene.height, 1), (1, scene.width)
    lines = [thing for thing in scene.shapes if thing.solid and (thing.height, thing.width) in sizes]
    return lines[0] if len(lines) == 1 else None


def _distances(scene: Scene, thing: Thing, margin: int = 0) -> dict[Side, int]:
    """Return how many cells a thing can move to each edge, up to `margin` cells from it."""
    return {
        "top": thing.top - margin,
        "bottom": scene.height - margin - thing.bottom,
        "left": thing.left - margin,
        "right": scene.width - margin - thing.right,
    }


def _stem_side(thing: Thing) -> Side | None:
    """Return the side to which the stem of a T points; None for other shapes."""
    if thing.size < 4 or thing.size != thing.height + thing.width - 1:
        return None
    for side, turns in _TURNS.items():
        view = np.rot90(thing.mask, turns)
        height, bar = view.shape
        has_middle = bar > 2 and bar % 2 == 1
        if height > 1 and has_middle and view[0].all() and view[:, bar // 2].all():
            return side
    return None


def _moved(scene: Scene, moves: Sequence[_Move]) -> Grid | None:
    """Return the grid after the moves; None if paths cross, or if something blocks one."""
    grid = scene.copy()
    for move in moves:
        paint(grid, move.thing, 0)

    # A path is the box that an object's box sweeps over.
    is_taken = grid != 0
    for move in moves:
        thing = move.thing
        down = {"bottom": move.distance, "top": -move.distance}.get(move.side, 0)
        right = {"right": move.distance, "left": -move.distance}.get(move.side, 0)
        rows = slice(thing.top + min(down, 0), thing.bottom + max(down, 0))
        columns = slice(thing.left + min(right, 0), thing.right + max(right, 0))
        path = is_taken[rows, columns]
        if path.any():
            return None
        path[...] = True
        window = grid[thing.top + down : thing.bottom + down, thing.left + right : thing.right + right]
        window[thing.mask] = thing.colour
    return grid


def _before_and_after(question: Scene, answer: Grid) -> list[tuple[Thing, Thing]]:
    """Return each object before and after, matched by colour.

    Returns [] if objects appear, disappear or have another shape. Each object must have a colour of its own.
    """
    after = Scene(answer).shapes
    new_of = {thing.colour: thing for thing in after}
    pairs = [(thing, new_of[thing.colour]) for thing in question.shapes if thing.colour in new_of]
    if not len(after) == len(pairs) == len(question.shapes):
        return []
    return pairs if all(old.form == new.form for old, new in pairs) else []
