"""Define the rules of InsideOutside: what loops, frames and marks enclose, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, cut, drop, is_window, keep, paint, stamp
from vizbench.types import Grid

Where: TypeAlias = Literal["inside", "outside"]
"""A side of a loop."""


@final
@dataclass(frozen=True, slots=True)
class FloodOneSide(Rule):
    """Paint the ground inside or outside closed loops.

    A loop with a gap has no inside: it belongs to the ground outside.
    """

    says = "Paint {ink} all ground that lies {where} the closed loops."
    keeps = SAME_SIZE | ADDS
    where: Where
    """The side that is painted."""
    ink: Paint
    """The colour of the paint."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 16)
        # One frame with a gap, in its top or bottom side before it is turned.
        leaky = frame(draw.between(4, 6), draw.between(4, 6)).copy()
        row, column = draw.pick((0, -1)), draw.between(1, leaky.shape[1] - 2)
        leaky[row, column] = False
        masks = [leaky.T if draw.chance(0.5) else leaky]
        masks += [_loop(draw, 4, 6) != 0 for _ in range(draw.between(1, 2))]
        colours = [draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours, margin=1) else None

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.holes:
            return None
        grid = scene.copy()
        for region in scene.ground_regions:
            if region.at_border == (self.where == "outside"):
                paint(grid, region, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        painted = answer != question.grid
        if (answer[painted] != self.ink).any():
            return "the paint has the wrong colour"
        ground = answer == 0
        if _touch_vertically(painted, ground) or _touch_vertically(painted.T, ground.T):
            return "the paint stops on open ground"

        # What is left of the ground is all open, or all enclosed.
        is_open = [region.at_border for region in Scene(answer).ground_regions]
        inside_is_painted = all(is_open)
        if any(is_open) != inside_is_painted or inside_is_painted != (self.where == "inside"):
            return "an inside is painted, or one is not"
        return ""


@final
@dataclass(frozen=True, slots=True)
class ObjectsOfOneSide(Rule):
    """Keep or remove the objects inside or outside the loops.

    Objects on both sides have any colours and sizes. A loop is on neither side, unless another loop holds it.
    """

    says = "{deed} the objects that lie {where} the loops."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Literal["Take away", "Keep only"]
    """What happens to the objects."""
    where: Where
    """The side on which the objects are."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        insiders, outsiders = _specks(draw, 1, 2), _specks(draw, 1, 4)
        return grid if _fenced(draw, grid, insiders, outsiders) else None

    def answer(self, scene: Scene) -> Grid | None:
        things = _sides(scene).at(self.where)
        if not things:
            return None
        return keep(scene, things) if self.deed == "Keep only" else drop(scene, things)

    def fault(self, question: Scene, answer: Grid) -> str:
        chosen = _at_side_by_boxes(question, self.where)
        removed = [thing for thing in question.shapes if (thing in chosen) == (self.deed == "Take away")]
        return _recolour_fault(question, answer, removed, 0)


@final
@dataclass(frozen=True, slots=True)
class CutOutTheLoner(Rule):
    """Cut out the only object on one side of the loops; several are on the other side."""

    says = "Cut out the only object that lies {where} the loops."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    where: Where
    """The side with one object."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(15, 18)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(3, 4))]
        if self.where == "inside":
            insiders, outsiders = masks[:1], masks[1:]
        else:
            insiders, outsiders = masks[:2], masks[-1:]
        return grid if _fenced(draw, grid, insiders, outsiders, 7) else None

    def answer(self, scene: Scene) -> Grid | None:
        things = _sides(scene).at(self.where)
        return cut(scene, things[0]) if len(things) == 1 else None

    def fault(self, question: Scene, answer: Grid) -> str:
        things = _at_side_by_boxes(question, self.where)
        return "" if is_window(question, things, answer) else "the answer is not the object on that side"


@final
@dataclass(frozen=True, slots=True)
class LoopAndInsider(Rule):
    """Give a loop and the object inside it one colour.

    Every loop holds one object of a colour different from its own. What is outside is kept.
    """

    says = "Every loop and the object inside it become of one colour, that of the {giver}."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    giver: Literal["loop", "object"]
    """The one whose colour both get."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        insiders, outsiders = _specks(draw, 1, 3), _specks(draw, 1, 3)
        return grid if _fenced(draw, grid, insiders, outsiders) else None

    def answer(self, scene: Scene) -> Grid | None:
        sides = _sides(scene)
        grid = scene.copy()
        for loop in sides.loops:
            held = [thing for thing in sides.inside if _contains(loop, thing)]
            if len({thing.colour for thing in held}) > 1:
                return None
            for thing in held:
                if self.giver == "object":
                    paint(grid, loop, thing.colour)
                else:
                    paint(grid, thing, loop.colour)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        recoloured_cells = 0
        for outer, inner in _nested(question):
            taker, giver = (outer, inner) if self.giver == "object" else (inner, outer)
            if (answer[taker.box][taker.mask] != giver.colour).any():
                return "a loop and what it holds differ in colour"
            recoloured_cells += taker.size
        return changed(question, answer, recoloured_cells)


@final
@dataclass(frozen=True, slots=True)
class TurnInsideOut(Rule):
    """Reverse the colours of nests.

    A nest is a rectangle of bands around a core, all of different colours. The bands keep their thickness.
    """

    says = "Turn every nest inside out: its colours in the opposite order from the core to the rim."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        depths = [draw.between(3, 4), *(draw.between(2, 3) for _ in range(draw.below(3)))]
        sizes: list[tuple[int, int]] = []
        for depth in depths:
            both_rims = 2 * (depth - 1)
            sizes.append((both_rims + draw.between(1, 2), both_rims + draw.between(1, 3)))
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width), depth in zip(corners, sizes, depths, strict=True):
            for k, colour in enumerate(draw.colours(depth)):
                grid[top + k : top + height - k, left + k : left + width - k] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for group in scene.groups:
            if group.colour or not group.solid:
                continue  # of one colour, or no rectangle
            window = grid[group.box]
            bands = _bands(window)
            if bands is None:
                return None
            new_colours = np.zeros(10, np.uint8)
            new_colours[bands] = bands[::-1]
            window[...] = new_colours[window]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for group in question.groups:
            old, new = question.grid[group.box], answer[group.box]
            # The diagonal crosses every band, from the rim to the core.
            core = (min(old.shape) - 1) // 2
            rim_to_core = list(dict.fromkeys(new.diagonal()[: core + 1]))
            core_to_rim = list(dict.fromkeys(old.diagonal()[core::-1]))
            recolourings = {*zip(old.flat, new.flat, strict=True)}
            if rim_to_core != core_to_rim or len(recolourings) != len({*old.flat}):
                return "a band is broken, or the colours are not in the opposite order"
        return ""


@final
@dataclass(frozen=True, slots=True)
class CountOneSide(Rule):
    """Count the objects on one side of the loop.

    There are never as many objects inside as outside.
    """

    says = "Answer one {line} in the loop's colour, of as many cells as objects lie {where} the loop."
    keeps = ONE_INK | SHRINKS | OLD_COLOURS
    line: Literal["row", "column"]
    """The shape of the answer."""
    where: Where
    """The side on which objects count."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 14)
        loop_colour, *others = draw.colours(3)
        patch = _loop(draw, 6, 8, loop_colour)
        # Places inside the loop that do not touch each other.
        hole = Scene(patch).holes[0]
        places = 2 * np.argwhere(hole.mask[::2, ::2]) + (hole.top, hole.left)

        inside, outside = draw.some((0, 1, 2, 3, 4, 5, 6), 2)
        corners = draw.corners(grid, [patch.shape, *[(1, 1)] * outside])
        if len(places) < inside or corners is None:
            return None
        for row, column in draw.some(places.tolist(), inside):
            patch[row, column] = draw.pick(others)
        stamp(grid, patch, *corners[0])
        for row, column in corners[1:]:
            grid[row, column] = draw.pick(others)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        sides = _sides(scene)
        count = len(sides.at(self.where))
        if len(sides.loops) != 1 or not 1 <= count <= 30:
            return None
        shape = (1, count) if self.line == "row" else (count, 1)
        return np.full(shape, sides.loops[0].colour, np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        # Objects are single cells: count the coloured cells in the loop's box and beyond it.
        loop = max(question.shapes, key=lambda thing: thing.size)
        inside = int(np.count_nonzero(question.grid[loop.box])) - loop.size
        outside = int(np.count_nonzero(question.grid)) - loop.size - inside
        count = inside if self.where == "inside" else outside
        shape = (1, count) if self.line == "row" else (count, 1)
        if answer.shape != shape or (answer != loop.colour).any():
            return f"the answer is not a {self.line} of {count} cells in the loop's colour"
        return ""


@final
@dataclass(frozen=True, slots=True)
class FrameInNest(Rule):
    """Recolour the innermost or the outermost frame of every nest.

    A frame that neither holds a frame nor is in one is recoloured too.
    """

    says = "Recolour {ink} every frame that {place}."
    keeps = SAME_SIZE | RECOLOURS
    place: Literal["holds no other frame", "lies inside no other frame"]
    """Which frames of a nest change: the innermost, or the outermost."""
    ink: Paint
    """The new colour of these frames."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(13, 18)
        # The number of frames in each nest; a frame and the ground inside it take two cells on each side.
        nests = [draw.between(2, 3), draw.between(1, 2), *[1] * draw.below(2)]
        sizes = [(4 * frames - draw.below(2), 4 * frames - draw.below(2)) for frames in nests]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width), frames in zip(corners, sizes, nests, strict=True):
            for k in range(0, 2 * frames, 2):
                window = grid[top + k : top + height - k, left + k : left + width - k]
                window[frame(*window.shape)] = draw.colour(self.ink)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        frames = [thing for thing in scene.shapes if thing.hollow]
        grid = scene.copy()
        for thing in frames:
            if self.place == "holds no other frame":
                is_nested = any(_contains(thing, other) for other in frames)
            else:
                is_nested = any(_contains(other, thing) for other in frames)
            if not is_nested:
                paint(grid, thing, self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # The frames of a nest share a centre. The last one of each centre replaces the others.
        descending = self.place == "holds no other frame"
        ranked = sorted(question.shapes, key=lambda thing: thing.size, reverse=descending)
        chosen = {thing.middle: thing for thing in ranked}
        return _recolour_fault(question, answer, chosen.values(), self.ink)


@final
@dataclass(frozen=True, slots=True)
class MarkedBox(Rule):
    """Recolour the cells inside or outside a box that four marks span.

    The marks have the only colour of four cells, and are kept. The lines between them are ground.
    """

    says = "Four cells of one colour mark the corners of a box: recolour {ink} all other cells {where} it."
    keeps = SAME_SIZE | RECOLOURS
    where: Where
    """The side of the box on which cells change."""
    ink: Paint
    """The new colour of these cells."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        rows, columns = grid.shape
        height, width = draw.between(5, rows - 2), draw.between(5, columns - 2)
        top, left = draw.below(rows - height + 1), draw.below(columns - width + 1)
        mark, *others = draw.colours(draw.between(2, 3), self.ink)

        # A quarter of all cells is coloured; then the sides of the box are cleared and its corners marked.
        for place in draw.some(range(rows * columns), rows * columns // 4):
            grid[place // columns, place % columns] = draw.pick(others)
        window = grid[top : top + height, left : left + width]
        window[frame(height, width)] = 0
        window[:: height - 1, :: width - 1] = mark

        inside = np.count_nonzero(window) - 4
        outside = np.count_nonzero(grid) - 4 - inside
        return grid if inside > 1 and outside > 1 else None

    def answer(self, scene: Scene) -> Grid | None:
        candidates = [colour for colour in scene.colours if scene.counts[colour] == 4]
        if len(candidates) != 1:
            return None
        mark = candidates[0]
        places = np.argwhere(scene.grid == mark)
        (top, left), (bottom, right) = places.min(axis=0).tolist(), places.max(axis=0).tolist()

        # The marks must be the four corners, and the only colour on the sides.
        window = scene.grid[top : bottom + 1, left : right + 1]
        corners = window[:: max(bottom - top, 1), :: max(right - left, 1)]
        sides = window[frame(*window.shape)]
        if np.count_nonzero(corners == mark) != 4 or np.count_nonzero(sides) != 4:
            return None

        is_chosen = np.full(scene.grid.shape, self.where == "outside")
        is_chosen[top:bottom, left:right] = self.where == "inside"
        is_chosen &= (scene.grid != 0) & (scene.grid != mark)
        return np.where(is_chosen, np.uint8(self.ink), scene.grid)

    def fault(self, question: Scene, answer: Grid) -> str:
        mark = next(colour for colour in question.colours if question.counts[colour] == 4)
        marks = np.argwhere(question.grid == mark)
        first, last = marks.min(axis=0), marks.max(axis=0)
        others = np.argwhere((question.grid != 0) & (question.grid != mark))
        is_inside = ((first < others) & (others < last)).all(axis=1)
        chosen = others[is_inside == (self.where == "inside")]
        if (answer[chosen[:, 0], chosen[:, 1]] != self.ink).any():
            return "a cell on that side is not recoloured"
        return changed(question, answer, len(chosen))


def _loop(
    draw: Draw, low: int, high: int, colour: int = 1, other: int = 1, insider: Mask | None = None
) -> Grid:
    """Draw a closed loop with sides of `low` to `high` cells; six in ten have a corner pushed in.

    With an `insider`, its mask is placed inside the loop, in the colour `other`.
    """
    height, width = draw.between(low, high), draw.between(low, high)
    patch = frame(height, width) * np.uint8(colour)

    # Push in the top left corner by a number of rows and columns.
    rows = columns = 0
    if draw.chance(0.6):
        rows, columns = draw.between(1, (height - 2) // 2), draw.between(1, (width - 2) // 2)
        patch[:rows, :columns] = 0
        patch[rows, :columns] = patch[: rows + 1, columns] = colour

    # The insider is placed below the rows that are pushed in.
    if insider is not None:
        insider_height, insider_width = insider.shape
        top = draw.between(rows + 1, height - 1 - insider_height)
        left = draw.between(1, width - 1 - insider_width)
        patch[top : top + insider_height, left : left + insider_width][insider] = other

    row_step, column_step = draw.pick((1, -1)), draw.pick((1, -1))
    return np.ascontiguousarray(patch[::row_step, ::column_step])


def _specks(draw: Draw, low: int, high: int) -> list[Mask]:
    """Draw `low` to `high` small objects."""
    masks = block(1, 1), block(1, 2), block(2, 1), block(2, 2), draw.blob(2, 2)
    return [draw.pick(masks) for _ in range(draw.between(low, high))]


def _fenced(
    draw: Draw, grid: Grid, insiders: Sequence[Mask], outsiders: Sequence[Mask], low: int = 5
) -> bool:
    """Paint a loop around each insider, and the outsiders elsewhere; return False if they do not fit."""
    palette = draw.colours(4)
    patches: list[Grid] = []
    for insider in insiders:
        loop_colour, insider_colour = draw.some(palette, 2)
        patches.append(_loop(draw, low, 7, loop_colour, insider_colour, insider))
    patches += [mask * np.uint8(draw.pick(palette)) for mask in outsiders]

    corners = draw.corners(grid, [patch.shape for patch in patches])
    if corners is None:
        return False
    for patch, (top, left) in zip(patches, corners, strict=True):
        stamp(grid, patch, top, left)
    return True


@final
@dataclass(frozen=True, slots=True)
class _Sides:
    """Hold the objects of a scene by their place relative to the loops."""

    loops: list[Thing]
    """Objects that touch enclosed ground, and open ground or the edge."""
    inside: list[Thing]
    """Objects that touch neither open ground nor the edge."""
    outside: list[Thing]
    """Objects that touch no enclosed ground."""

    def at(self, where: Where) -> list[Thing]:
        """Return the objects of one side."""
        return self.inside if where == "inside" else self.outside


def _sides(scene: Scene) -> _Sides:
    """Sort the objects of a scene into loops, insiders and outsiders; all are empty if there is no hole."""
    sides = _Sides([], [], [])
    if not scene.holes:
        return sides

    # Open and enclosed ground, with one more cell around the grid, which counts as open.
    is_open_region = np.array([False, *(region.at_border for region in scene.ground_regions)])
    open_ground = np.ones((scene.height + 2, scene.width + 2), np.bool_)
    open_ground[1:-1, 1:-1] = is_open_region[scene.ground_regions[0].labels]
    enclosed_ground = np.zeros_like(open_ground)
    enclosed_ground[1:-1, 1:-1] = (scene.grid == 0) & ~open_ground[1:-1, 1:-1]

    open_cells = _cells_beside(scene, open_ground)
    enclosed_cells = _cells_beside(scene, enclosed_ground)
    for thing in scene.shapes:
        if not open_cells[thing.number]:
            sides.inside.append(thing)
        elif enclosed_cells[thing.number]:
            sides.loops.append(thing)
        else:
            sides.outside.append(thing)
    return sides


def _cells_beside(scene: Scene, ground: npt.NDArray[np.bool_]) -> list[int]:
    """Count the cells of each shape, by its number, that have a side in common with the ground.

    ground: `(h + 2, w + 2)`, with a border of one cell around the grid.
    """
    is_beside = ground[:-2, 1:-1] | ground[2:, 1:-1] | ground[1:-1, :-2] | ground[1:-1, 2:]
    labels = scene.shapes[0].labels
    return np.bincount(labels[is_beside], minlength=len(scene.shapes) + 1).tolist()


def _contains(outer: Thing, inner: Thing) -> bool:
    """Return whether a box is within another, a cell away from all four sides."""
    return (
        outer.top < inner.top <= inner.bottom < outer.bottom
        and outer.left < inner.left <= inner.right < outer.right
    )


def _nested(scene: Scene) -> list[tuple[Thing, Thing]]:
    """Return all pairs of shapes of which the first one's box contains the second one's."""
    return [(outer, inner) for outer, inner in permutations(scene.shapes, 2) if _contains(outer, inner)]


def _at_side_by_boxes(scene: Scene, where: Where) -> list[Thing]:
    """Return the objects inside or outside the loops, judged by their boxes.

    Shapes of ten cells or more are loops.
    """
    inside = {inner for _, inner in _nested(scene)}
    small = [thing for thing in scene.shapes if thing.size < 10]
    return [thing for thing in small if (thing in inside) == (where == "inside")]


def _bands(nest: Grid) -> list[int] | None:
    """Return the colours of a nest from the rim to the core; None if the grid is not a nest."""
    height, width = nest.shape
    bands: list[int] = []
    rebuilt = nest.copy()
    for ring in range((min(height, width) + 1) // 2):
        colour = int(nest[ring, ring])
        rebuilt[ring : height - ring, ring : width - ring] = colour
        if not bands or bands[-1] != colour:
            bands.append(colour)
    is_nest = len(set(bands)) == len(bands) and rebuilt.tobytes() == nest.tobytes()
    return bands if is_nest else None


def _touch_vertically(a: Mask, b: Mask) -> bool:
    """Return whether a cell of one mask is directly above a cell of the other."""
    return bool((a[1:] & b[:-1]).any() or (a[:-1] & b[1:]).any())


def _recolour_fault(question: Scene, answer: Grid, things: Iterable[Thing], colour: int) -> str:
    """Return a fault if one of these things has another colour, or anything else changed."""
    recoloured_cells = 0
    for thing in things:
        if (answer[thing.box][thing.mask] != colour).any():
            return "an object that should change has not"
        recoloured_cells += thing.size
    return changed(question, answer, recoloured_cells)
