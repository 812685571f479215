"""Extract objects: one part of a busy grid is cut out, and the rest left behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import OLD_COLOURS, ONE_INK, SHRINKS
from vizbench.generators.arc.rule import Axis, Rule, Seen
from vizbench.generators.arc.scene import Mask, Scene, Thing, box_of, cut, is_window, parted, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class ObjectAmongSpecks(Rule):
    """Specks have one or two cells, of the object's colour or another."""

    says = "Cut out the one object, and leave the specks of one or two cells."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        size = draw.between(3, 5), draw.between(3, 5)
        mask = frame(*size) if draw.chance(0.2) else draw.blob(*size, draw.between(5, 9))
        specks = [block(1, 2 if draw.chance(0.2) else 1) for _ in range(draw.between(5, 9))]
        colours = draw.colours(2)
        hues = [draw.pick(colours) for _ in (mask, *specks)]
        return grid if draw.scatter(grid, [mask, *specks], hues) else None

    def answer(self, scene: Scene) -> Grid | None:
        things = [thing for thing in scene.shapes if thing.size > 2]
        return cut(scene, things[0]) if len(things) == 1 < len(scene.shapes) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        return _window_fault(question, answer, (thing for thing in question.shapes if thing.size > 2))


@final
@dataclass(frozen=True, slots=True)
class ColourOffTheEdge(Rule):
    """Of the pattern, every colour reaches the grid's edge."""

    says = "Cut out the one colour that is no part of the pattern, and leave the pattern behind."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(9, 15), draw.between(9, 15)
        rows, columns = np.ogrid[:h, :w]
        own, *others = draw.colours(4)
        palette = np.array(draw.shuffled([*others[: draw.between(1, 3)], 0]), np.uint8)
        kinds = (
            rows + 0 * columns,
            columns + 0 * rows,
            rows + columns,
            rows - columns + 30,
            rows // 2 + columns // 2,
        )
        grid = palette[draw.pick(kinds) % len(palette)]
        mask = draw.blob(draw.between(2, 5), draw.between(3, 5), draw.between(4, 12))
        return grid if draw.scatter(grid, [mask], [own], margin=1) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid
        rim = {*grid[0].tolist(), *grid[-1].tolist(), *grid[:, 0].tolist(), *grid[:, -1].tolist()}
        inside = [colour for colour in scene.colours if colour not in rim]
        return _cropped(grid == inside[0], inside[0]) if len(inside) == 1 and any(rim) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        colour = int(answer.max())
        where, found = np.argwhere(question.grid == colour), np.argwhere(answer)
        if not colour or len(where) != len(found) or (where - where.min(axis=0) != found).any():
            return "the answer does not hold all of one colour as it stood"
        if tuple(found.max(axis=0) + 1) != answer.shape:
            return "the answer has empty lines at its sides"
        inner = question.grid[1:-1, 1:-1]
        return "" if np.count_nonzero(inner == colour) == len(where) else "the colour reaches the edge"


@final
@dataclass(frozen=True, slots=True)
class FrameMadeWhole(Rule):
    """One frame is of the colour that has fewer cells; frames of the other colour cross it."""

    says = "Cut out the frame that is the only one of its colour, made whole where others hide it."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        h, w = draw.between(4, 6), draw.between(4, 6)
        tall, wide = draw.between(3, 4), draw.between(3, 4)
        down, right = (
            draw.pick((2 - small, draw.between(1, 2), big - 2)) for small, big in ((tall, h), (wide, w))
        )
        top, left = max(0, -down), max(0, -right)
        both = max(h, down + tall) + top, max(w, right + wide) + left
        corners = draw.corners(grid, [both, *((tall, wide) for _ in range(draw.between(2, 3)))])
        if corners is None:
            return None
        own, others = draw.colours(2)
        (y, x), *rest = corners
        layers = [(y + top, x + left, h, w, own), (y + top + down, x + left + right, tall, wide, others)]
        layers = layers if draw.chance(0.7) else layers[::-1]
        for r, c, a, b, colour in (*layers, *((r, c, tall, wide, others) for r, c in rest)):
            grid[r : r + a, c : c + b][frame(a, b)] = colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.colours) != 2:
            return None
        own, other = sorted(scene.colours, key=lambda colour: scene.counts[colour])
        shown = _cropped(scene.grid == own, own)
        mask = frame(*shown.shape)
        if min(shown.shape) < 3 or shown[~mask].any() or scene.counts[own] == scene.counts[other]:
            return None
        return mask * np.uint8(own)

    def fault(self, question: Scene, answer: Grid) -> str:
        colour = int(answer[0, 0])
        if (
            not colour
            or min(answer.shape) < 3
            or answer[1:-1, 1:-1].any()
            or (answer[frame(*answer.shape)] != colour).any()
        ):
            return "the answer is no whole frame"
        where = np.argwhere(question.grid == colour)
        if not len(where) or tuple(np.ptp(where, axis=0) + 1) != answer.shape:
            return "the frame has another size than what is seen of it"
        return (
            ""
            if 2 * len(where) < np.count_nonzero(question.grid)
            else "there are several frames of this colour"
        )


@final
@dataclass(frozen=True, slots=True)
class BlockInStripes(Rule):
    """Stripes are one cell thick and of one colour, and so is the block."""

    says = "Cut out the block that stands in the stripes, where the gaps between them are filled."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 18)
        h, w = grid.shape
        period = draw.between(2, 3)
        phase = draw.below(period)
        colour = draw.colour()
        grid[phase::period] = colour
        stripes = len(range(phase, h, period))
        first = draw.below(stripes - 1)
        last = draw.between(first + 1, min(first + 3, stripes - 1))
        wide = draw.between(3, 6)
        left = draw.between(1, w - wide - 2)
        grid[phase + first * period : phase + last * period + 1, left : left + wide] = colour
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.colours) != 1:
            return None
        inked = scene.grid != 0
        full = inked[:-1, :-1] & inked[1:, :-1] & inked[:-1, 1:] & inked[1:, 1:]  # 2x2 cells
        if not full.any():
            return None
        rows, columns = box_of(full)
        found = scene.grid[rows.start : rows.stop + 1, columns.start : columns.stop + 1]
        return found.copy() if found.all() and found.size < scene.grid.size - scene.counts[0] else None

    def fault(self, question: Scene, answer: Grid) -> str:
        upright = not question.grid.all(axis=1).any()
        lines = np.count_nonzero(question.grid.T if upright else question.grid, axis=1)
        gaps = np.flatnonzero((lines > 0) & (lines < lines.max()))
        wanted = gaps[-1] - gaps[0] + 3, lines[gaps[0]]
        if not answer.all():
            return "the block has holes"
        return (
            "" if answer.shape == (wanted[::-1] if upright else wanted) else "the block is larger or smaller"
        )


@final
@dataclass(frozen=True, slots=True)
class ObjectsInLine(Rule):
    """Objects have more than two cells and are three cells high in a row, wide in a column; specks are left
    behind."""

    says = "Leave the specks, and join all objects in a {line} in the order in which they stand."
    keeps = SHRINKS | OLD_COLOURS
    line: Axis

    def question(self, draw: Draw) -> Grid | None:
        n = draw.between(2, 3)
        places: list[tuple[int, int]] = []
        masks: list[Mask] = []
        height, at = draw.between(7, 10), draw.below(2)
        for _ in range(n):
            masks.append(
                frame(3, 3) if draw.chance(0.2) else draw.blob(3, draw.between(2, 4), draw.between(4, 8))
            )
            places.append((draw.below(height - 2), at))
            at += masks[-1].shape[1] + draw.between(1, 2)
        grid = np.zeros((height, at + draw.below(3)), np.uint8)
        colours = draw.colours(n)
        specks = draw.between(4, 7)
        colours += [draw.colour() for _ in range(specks)]
        if not draw.scatter(grid, [*masks, *[block(1, 1)] * specks], colours, fixed=places):
            return None
        return grid if self.line == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        along, down = self.line == "row", self.line == "column"
        things = sorted(
            (thing for thing in scene.shapes if thing.size > 2), key=lambda thing: thing.middle[along]
        )
        sides = {thing.width if down else thing.height for thing in things}
        ends = [(thing.bottom, thing.top) if down else (thing.right, thing.left) for thing in things]
        apart = all(end <= start for (end, _), (_, start) in pairwise(ends))
        if not 1 < len(things) < len(scene.shapes) or len(sides) != 1 or not apart:
            return None
        return np.concatenate([cut(scene, thing) for thing in things], axis=int(along))

    def fault(self, question: Scene, answer: Grid) -> str:
        along = self.line == "row"
        told = sorted(Scene(answer).shapes, key=lambda thing: thing.middle[along])
        asked = sorted(
            (thing for thing in question.shapes if thing.size > 2), key=lambda thing: thing.middle[along]
        )
        if [(thing.form, thing.colour) for thing in told] != [(thing.form, thing.colour) for thing in asked]:
            return "the objects, or their order, are others"
        size = sum(thing.width if along else thing.height for thing in asked)
        return "" if answer.shape == ((3, size) if along else (size, 3)) else "the objects are not joined"


@final
@dataclass(frozen=True, slots=True)
class BetweenTheCornerMarks(Rule):
    """The marks themselves are left behind."""

    says = "Four {mark} cells mark the corners of a rectangle: cut out what it holds."
    keeps = SHRINKS | OLD_COLOURS
    mark: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 12)
        h, w = grid.shape
        grid = draw.coloured(block(h, w), [0, 0, 0, *draw.colours(draw.between(1, 4), self.mark)])
        tall, wide = draw.between(4, min(7, h - 1)), draw.between(4, min(7, w - 1))
        top, left = draw.below(h - tall + 1), draw.below(w - wide + 1)
        grid[top : top + tall : tall - 1, left : left + wide : wide - 1] = self.mark
        return grid if grid[top + 1 : top + tall - 1, left + 1 : left + wide - 1].any() else None

    def answer(self, scene: Scene) -> Grid | None:
        if scene.counts[self.mark] != 4:
            return None
        first, *_, last = np.flatnonzero(scene.grid == self.mark).tolist()
        (top, left), (bottom, right) = divmod(first, scene.width), divmod(last, scene.width)
        rim = scene.grid[[top, top, bottom, bottom], [left, right, left, right]]
        if bottom - top < 2 or right - left < 2 or (rim != self.mark).any():
            return None
        return scene.grid[top + 1 : bottom, left + 1 : right].copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        marks = np.argwhere(question.grid == self.mark)
        top, left = (int(n) for n in marks.min(axis=0))
        if tuple(np.ptp(marks, axis=0) - 1) != answer.shape:
            return "the answer is larger or smaller than what the marks hold"
        pasted = question.copy()
        pasted[top + 1 :, left + 1 :][: answer.shape[0], : answer.shape[1]] = answer
        return "" if np.array_equal(pasted, question.grid) else "the answer is not what lies there"


@final
@dataclass(frozen=True, slots=True)
class ColourOfTheCorner(Rule):
    """The key is a single cell; a cell in another corner means nothing."""

    says = "The single cell in the {corner} corner names a colour: cut out the object of that colour."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    corner: Literal["top left", "top right", "bottom left", "bottom right"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        h, w = grid.shape
        corners = {
            "top left": (0, 0),
            "top right": (0, w - 1),
            "bottom left": (h - 1, 0),
            "bottom right": (h - 1, w - 1),
        }
        key = corners.pop(self.corner)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 3) for _ in range(draw.between(3, 4))]
        colours = draw.colours(len(masks))
        keys = [(key, colours[0])]
        if draw.chance(0.5):
            keys.append((draw.pick([*corners.values()]), colours[1]))
        dots = [block(1, 1)] * len(keys)
        hues = [colour for _, colour in keys]
        return (
            grid
            if draw.scatter(grid, [*dots, *masks], hues + colours, fixed=[at for at, _ in keys])
            else None
        )

    def answer(self, scene: Scene) -> Grid | None:
        at = -self.corner.startswith("bottom"), -self.corner.endswith("right")
        named = scene.of(int(scene.grid[at]))
        found = [thing for thing in named if thing.size > 1]
        alone = len(named) == 2 and len(found) == 1 and found[0].labels[at] != found[0].number
        return cut(scene, found[0]) if alone else None

    def fault(self, question: Scene, answer: Grid) -> str:
        key = question.grid[-self.corner.startswith("bottom"), -self.corner.endswith("right")]
        if (answer.max(), np.count_nonzero(answer)) != (key, question.counts[int(key)] - 1):
            return "the answer has another colour than the corner, or not all of it"
        return _window_fault(question, answer, (thing for thing in question.of(int(key)) if thing.size > 1))


@final
@dataclass(frozen=True, slots=True)
class TouchingPair(Rule):
    """Objects may touch at a corner."""

    says = "Cut out the two objects that touch each other, together."
    keeps = SHRINKS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        one, other = (draw.blob(draw.between(2, 3), draw.between(1, 3), 3) for _ in range(2))
        a, b = draw.pick(np.flatnonzero(one[:, -1]).tolist()), draw.pick(np.flatnonzero(other[:, 0]).tolist())
        top, below = max(0, b - a), max(0, a - b)
        size = max(top + len(one), below + len(other)), one.shape[1] + other.shape[1]
        pair = np.zeros(size, np.uint8)
        colours = draw.colours(2)
        pair[top : top + len(one), : one.shape[1]][one] = colours[0]
        pair[below : below + len(other), one.shape[1] :][other] = colours[1]
        pair = pair if draw.chance(0.5) else pair.T
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 4) for _ in range(draw.between(2, 4))]
        corners = draw.corners(grid, [pair.shape, *(mask.shape for mask in masks)])
        if corners is None:
            return None
        stamp(grid, pair, *corners[0])
        for mask, corner in zip(masks, corners[1:], strict=True):
            stamp(grid, mask * np.uint8(draw.colour()), *corner)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        pairs = [group for group in scene.groups if not group.colour]
        if len(pairs) != 1 or len(scene.groups) == 1 or len(scene.shapes) != len(scene.groups) + 1:
            return None
        return cut(scene, pairs[0])

    def fault(self, question: Scene, answer: Grid) -> str:
        if len({*answer.ravel().tolist()} - {0}) != 2:
            return "the answer has not two colours"
        return _window_fault(question, answer, question.groups)


@final
@dataclass(frozen=True, slots=True)
class AddedToTheCopy(Rule):
    """The halves lie on both sides of a line, one cell thick, and are alike but for the object."""

    says = "Both halves show the same, but the {half} half has one object more: cut it out."
    keeps = SHRINKS | OLD_COLOURS | ONE_INK
    half: Literal["left", "right", "top", "bottom"]

    def question(self, draw: Draw) -> Grid | None:
        part = draw.ground(7, 9)
        line, *colours = draw.colours(4)
        masks = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(3, 4))]
        places = draw.corners(part, [mask.shape for mask in masks])
        if places is None:
            return None
        for mask, place in zip(masks[1:], places[1:], strict=True):
            stamp(part, mask * np.uint8(draw.pick(colours)), *place)
        more = part.copy()
        stamp(more, masks[0] * np.uint8(draw.pick(colours)), *places[0])
        halves = [part, np.full((len(part), 1), line, np.uint8), more]
        grid = np.concatenate(halves[:: 1 if self.half in ("right", "bottom") else -1], axis=1)
        return grid if self.half in ("left", "right") else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        upright = self.half in ("top", "bottom")
        grid = scene.grid.T if upright else scene.grid
        found = parted(grid)
        if found is None:
            return None
        part, more = found[:: 1 if self.half in ("right", "bottom") else -1]
        new = part != more
        if not new.any() or part[new].any() or (more[new] != more[new][0]).any():
            return None
        added = _cropped(new, int(more[new][0]))
        return np.ascontiguousarray(added.T) if upright else added

    def fault(self, question: Scene, answer: Grid) -> str:
        halves = {"left": 0, "right": 1, "top": 0, "bottom": 1}
        axis = int(self.half in ("left", "right"))
        first, _, second = np.split(question.grid, [n := question.grid.shape[axis] // 2, n + 1], axis=axis)
        more, part = (second, first) if halves[self.half] else (first, second)
        colours = np.bincount(more.ravel(), minlength=10) - np.bincount(part.ravel(), minlength=10)
        if (np.bincount(answer.ravel(), minlength=10)[1:] != colours[1:]).any():
            return "the answer has other cells than those that one half has more"
        where = np.argwhere(more != part)
        return (
            ""
            if np.array_equal(where - where.min(axis=0), np.argwhere(answer))
            else "the answer has another shape"
        )


def _cropped(mask: Mask, colour: int) -> Grid:
    """Some cells, one at least, in a colour, without the empty lines at their sides."""
    return mask[box_of(mask)] * np.uint8(colour)


def _window_fault(question: Scene, answer: Grid, things: Iterable[Thing]) -> str:
    return "" if is_window(question, things, answer) else "the answer is cut out nowhere"
