"""Copy: the same thing once more, at a place that the grid shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, RECOLOURS, SAME_SIZE
from vizbench.generators.arc.rule import Axis, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, cut, paint, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class RepeatTheGrid(Rule):
    """Copies touch."""

    says = "Put {n} copies of the grid into a {line}, {manner}."
    keeps = OLD_COLOURS
    n: Literal[2, 3, 4]
    line: Axis
    manner: Literal["all alike", "every second one mirrored at the edge that they share"]

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(3, 6), draw.between(3, 6)
        grid = draw.coloured(draw.blob(h, w, draw.between(6, 16)), draw.colours(draw.between(2, 3)))
        across = int(self.line == "row")
        return None if np.array_equal(grid, np.flip(grid, across)) else grid

    def answer(self, scene: Scene) -> Grid | None:
        across = int(self.line == "row")
        if scene.grid.shape[across] * self.n > 30:
            return None
        second = np.flip(scene.grid, across) if self.manner.startswith("every") else scene.grid
        return np.concatenate([scene.grid, second, scene.grid, second][: self.n], across)

    def fault(self, question: Scene, answer: Grid) -> str:
        across = int(self.line == "row")
        if answer.shape[1 - across] != question.grid.shape[1 - across] or answer.shape[across] % self.n:
            return "the answer is no row or column of so many copies"
        parts = np.array_split(answer, self.n, across)
        if self.manner.startswith("every"):
            parts[1::2] = [np.flip(part, across) for part in parts[1::2]]
        return (
            ""
            if all(np.array_equal(part, question.grid) for part in parts)
            else "a copy differs from the grid"
        )


@final
@dataclass(frozen=True, slots=True)
class CopyIntoFrames(Rule):
    """One object lies outside all frames, which are empty; frames without such a middle, or too small, stay
    empty."""

    says = "Copy the object into the middle of every empty frame."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 17)
        h, w = draw.pick((2, 3)), draw.pick((2, 3, 3, 4))
        ink, *inks = draw.colours(draw.between(2, 3))
        corner_sizes = [
            (h + 2 + 2 * draw.below(2), w + 2 + 2 * draw.below(2))
            for _ in range(draw.between(1, 3 if h < 3 else 2))
        ]
        corners = draw.corners(grid, [(h, w), *corner_sizes])
        if corners is None:
            return None
        stamp(grid, draw.coloured(draw.blob(h, w, draw.between(3, 7)), inks), *corners[0])
        for (tall, wide), (top, left) in zip(corner_sizes, corners[1:], strict=True):
            grid[top : top + tall, left : left + wide][frame(tall, wide)] = ink
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        frames = [thing for thing in scene.shapes if _empty_frame(scene, thing)]
        if not frames:
            return None
        rest = scene.copy()
        for each in frames:
            paint(rest, each, 0)
        others = Scene(rest)  # the object may touch a frame
        if len(others.groups) != 1:
            return None
        pixels = cut(others, others.groups[0])
        grid = scene.copy()
        for each in frames:
            down, right = each.height - pixels.shape[0], each.width - pixels.shape[1]
            if min(down, right) >= 2 and down % 2 == right % 2 == 0:
                stamp(grid, pixels, each.top + down // 2, each.left + right // 2)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        frames = [group for group in question.groups if _empty_frame(question, group)]
        thing = next(group for group in question.groups if group not in frames)
        for each in frames:
            new = np.argwhere(answer[each.box] != question.grid[each.box])
            if len(new) != thing.size:
                return "a frame does not hold as many cells as the object has"
            (top, left), (bottom, right) = new.min(axis=0), new.max(axis=0) + 1
            if top != each.height - bottom or left != each.width - right:
                return "a copy is not in the middle of its frame"
            if not np.array_equal(answer[each.box][top:bottom, left:right], question.grid[thing.box]):
                return "a copy differs from the object"
        return changed(question, answer, thing.size * len(frames))


@final
@dataclass(frozen=True, slots=True)
class CopyOntoDots(Rule):
    """One object without {dot} cells, and single {dot} cells, all of which go."""

    says = "Replace every single {dot} cell by a copy of the object whose {place} lies there."
    keeps = SAME_SIZE | OLD_COLOURS
    place: Literal[
        "centre", "top left corner", "top right corner", "bottom left corner", "bottom right corner"
    ]
    dot: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        centre = self.place == "centre"
        h, w = (3 if centre else draw.between(2, 4) for _ in range(2))
        mask = draw.blob(h, w, draw.between(3, 8)).copy()
        down, right = self._point(h, w)
        mask[down, right] = True
        pixels = draw.coloured(mask, draw.colours(draw.between(1, 2), self.dot))
        corners = draw.corners(grid, [mask.shape] * draw.between(2, 4))
        if corners is None:
            return None
        stamp(grid, pixels, *corners[0])
        for top, left in corners[1:]:
            grid[top + down, left + right] = self.dot
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        dots = scene.of(self.dot)
        others = [group for group in scene.groups if group.colour != self.dot]
        if (
            not dots
            or len(others) != 1
            or len(scene.groups) != len(dots) + 1
            or any(dot.size > 1 for dot in dots)
        ):
            return None
        pixels = cut(scene, others[0])
        h, w = pixels.shape
        if self.place == "centre" and not h % 2 == w % 2 == 1:
            return None
        down, right = self._point(h, w)
        grid = np.where(scene.grid == self.dot, np.uint8(0), scene.grid)
        done = [stamp(grid, pixels, dot.top - down, dot.left - right) for dot in dots]
        return grid if all(done) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        if after.counts[self.dot] or len({cut(after, group).tobytes() for group in after.groups}) != 1:
            return "a dot is left, or the objects differ"
        dots = {(row, column) for row, column in np.argwhere(question.grid == self.dot).tolist()}
        found = {
            (group.top + down, group.left + right)
            for group in after.groups
            for down, right in [self._point(group.height, group.width)]
        }
        if not dots < found or len(found) != len(dots) + 1:
            return "a copy lies on no dot, or a dot has none"
        thing = next(group for group in question.groups if group.colour != self.dot)
        return "" if np.array_equal(answer[thing.box], question.grid[thing.box]) else "the object changed"

    def _point(self, h: int, w: int) -> tuple[int, int]:
        """The place in a box of this size."""
        if self.place == "centre":
            return h // 2, w // 2
        return 0 if "top" in self.place else h - 1, 0 if "left" in self.place else w - 1


@final
@dataclass(frozen=True, slots=True)
class CopyToEveryField(Rule):
    """Fields are of one size; one holds something."""

    says = "The {line} lines part the grid into fields: copy what lies in one field to the same place in all others."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    line: Seen

    def question(self, draw: Draw) -> Grid | None:
        fields = draw.pick(((1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 2), (3, 3)))
        h, w = draw.between(3, 5), draw.between(3, 5)
        grid = np.zeros((fields[0] * (h + 1) - 1, fields[1] * (w + 1) - 1), np.uint8)
        grid[h :: h + 1] = grid[:, w :: w + 1] = self.line
        mask = draw.blob(draw.between(2, h), draw.between(2, w), draw.between(3, 7))
        pixels = draw.coloured(mask, draw.colours(draw.between(1, 3), self.line))
        top = draw.below(fields[0]) * (h + 1) + draw.below(h - mask.shape[0] + 1)
        left = draw.below(fields[1]) * (w + 1) + draw.below(w - mask.shape[1] + 1)
        return grid if stamp(grid, pixels, top, left) else None

    def answer(self, scene: Scene) -> Grid | None:
        h, w = _periods(scene, self.line)
        if (h, w) == scene.grid.shape or (scene.height + 1) % (h + 1) or (scene.width + 1) % (w + 1):
            return None
        grid = np.full((scene.height + 1, scene.width + 1), self.line, np.uint8)
        grid[:-1, :-1] = scene.grid
        cells = grid.reshape((scene.height + 1) // (h + 1), h + 1, (scene.width + 1) // (w + 1), w + 1)
        fields = cells[:, :-1, :, :-1]
        filled = np.argwhere(fields.any(axis=(1, 3)))
        if len(filled) != 1 or (cells[:, -1] != self.line).any() or (cells[:, :, :, -1] != self.line).any():
            return None
        row, column = filled[0]
        fields[:] = fields[row, :, column][:, None].copy()
        return grid[:-1, :-1].copy()

    def fault(self, question: Scene, answer: Grid) -> str:
        h, w = _periods(question, self.line)
        if (answer[h + 1 :] != answer[: -h - 1]).any() or (answer[:, w + 1 :] != answer[:, : -w - 1]).any():
            return "the fields differ"
        n = ((question.height + 1) // (h + 1)) * ((question.width + 1) // (w + 1))
        inked = question.grid.size - question.counts[0] - question.counts[self.line]
        return changed(question, answer, (n - 1) * inked)


@final
@dataclass(frozen=True, slots=True)
class CopyColoursOntoBlanks(Rule):
    """Objects are groups; a blank of a shape that no coloured object has, or several have, stays."""

    says = "Give every {blank} object the colours of the coloured object of the same shape."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    blank: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 3), draw.between(4, 7)) for _ in range(2)]
        models = [draw.coloured(mask, draw.colours(draw.between(2, 3), self.blank)) for mask in masks]
        copies = [draw.pick(masks) for _ in range(draw.between(1, 3))]
        corners = draw.corners(grid, [mask.shape for mask in (*masks, *copies)])
        if corners is None:
            return None
        blanks = [mask * np.uint8(self.blank) for mask in copies]
        for pixels, (top, left) in zip((*models, *blanks), corners, strict=True):
            stamp(grid, pixels, top, left)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        models = [group for group in scene.groups if group.colour != self.blank]
        if not models or len(models) == len(scene.groups):
            return None
        forms = [model.form for model in models]
        grid = scene.copy()
        for group in scene.groups:
            if group.colour == self.blank and forms.count(group.form) == 1:
                stamp(grid, cut(scene, models[forms.index(group.form)]), group.top, group.left)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        looks = {cut(question, group).tobytes() for group in question.groups if group.colour != self.blank}
        if any(cut(after, group).tobytes() not in looks for group in after.groups):
            return "an object is coloured like none of the question"
        return changed(question, answer, question.counts[self.blank])


@final
@dataclass(frozen=True, slots=True)
class GridOfGrids(Rule):
    """The answer has the grid's rows times as many rows, and columns alike."""

    says = "Put a copy of the whole grid in place of each of its {ink} cells, and as much ground in place of the others."
    keeps = OLD_COLOURS
    ink: Seen

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(3, 4), draw.between(3, 4)
        grid = draw.coloured(draw.blob(h, w, draw.between(5, 11)), [self.ink, *draw.colours(2, self.ink)])
        return grid if 1 < np.count_nonzero(grid == self.ink) < h * w - 3 else None

    def answer(self, scene: Scene) -> Grid | None:
        h, w = scene.height, scene.width
        if max(h, w) > 5 or not scene.counts[self.ink]:
            return None
        marked = (scene.grid == self.ink)[:, None, :, None]
        return (marked * scene.grid[None, :, None, :]).reshape(h * h, w * w)

    def fault(self, question: Scene, answer: Grid) -> str:
        h, w = question.grid.shape
        if answer.shape != (h * h, w * w):
            return "the answer has another size"
        wanted = question.counts[self.ink] * int(np.count_nonzero(question.grid))
        for (row, column), colour in np.ndenumerate(question.grid):
            part = answer[row * h : (row + 1) * h, column * w : (column + 1) * w]
            if not np.array_equal(part, question.grid) if colour == self.ink else part.any():
                return "a copy is missing, differs or lies elsewhere"
        return "" if np.count_nonzero(answer) == wanted else "there are too many cells"


@final
@dataclass(frozen=True, slots=True)
class CopyToMarkedLines(Rule):
    """One line is coloured beyond its first cell; lines marked by other colours stay empty."""

    says = "Copy the coloured {line} into every {line} whose first cell is {mark}."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    line: Axis
    mark: Seen

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(8, 12), draw.between(6, 11)
        grid = np.zeros((h, w), np.uint8)
        colours = draw.colours(3, self.mark)
        rows = draw.some(range(draw.below(2), h, 2), 4)
        grid[rows[0], 2:] = [draw.pick((0, *colours)) for _ in range(w - 2)]
        grid[rows[1:3], 0] = self.mark
        grid[rows[3], 0] = draw.pick((self.mark, colours[0], colours[1]))
        if np.count_nonzero(grid[rows[0]]) < 3:
            return None
        return grid if self.line == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        upright = scene.grid if self.line == "row" else scene.grid.T
        filled = np.flatnonzero(upright[:, 1:].any(axis=1))
        if len(filled) != 1 or upright[filled[0], 0]:
            return None
        grid = scene.copy()
        lines = grid if self.line == "row" else grid.T
        lines[upright[:, 0] == self.mark, 1:] = upright[filled[0], 1:]
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = (question.grid, answer) if self.line == "row" else (question.grid.T, answer.T)
        pattern = next(row for row in before.tolist() if any(row[1:]))
        marked = [row for row in after.tolist() if row[0] == self.mark]
        if any(row[1:] != pattern[1:] for row in marked):
            return "a marked line differs from the coloured one"
        return changed(question, answer, len(marked) * sum(colour > 0 for colour in pattern))


@final
@dataclass(frozen=True, slots=True)
class CopyPerTick(Rule):
    """The grid is the block and its ticks: along the top edge to the right, or along the left edge
    downwards."""

    says = "Draw the block once, and once more for each {tick} cell, in the direction of these cells, one cell apart."
    keeps = OLD_COLOURS
    tick: Seen

    def question(self, draw: Draw) -> Grid | None:
        h, w, n = draw.between(3, 5), draw.between(3, 5), draw.between(1, 4)
        grid = np.zeros((h, w + n), np.uint8)
        colours = draw.colours(draw.between(2, 3), self.tick)
        grid[:, :w] = draw.coloured(block(h, w), colours)
        grid[0, w:] = self.tick
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        ticks = scene.of(self.tick)
        if len(ticks) != 1 or not ticks[0].solid or len(scene.colours) < 2:
            return None
        run, n = ticks[0], ticks[0].size
        if run.top == 0 and run.right == scene.width and run.height == 1 and run.left > 0:
            pixels, across = scene.grid[:, : run.left], 1
        elif run.left == 0 and run.bottom == scene.height and run.width == 1 and run.top > 0:
            pixels, across = scene.grid[: run.top], 0
        else:
            return None
        if (pixels.shape[across] + 1) * (n + 1) > 31:
            return None
        apart = np.pad(pixels, ((0, 1 - across), (0, across)))
        whole = np.concatenate([apart] * (n + 1), across)
        return whole[:, :-1] if across else whole[:-1]

    def fault(self, question: Scene, answer: Grid) -> str:
        n = question.counts[self.tick]
        across = int(question.grid[0, -1] == self.tick)
        upright, before = (answer, question.grid) if across else (answer.T, question.grid.T)
        side = before.shape[1] - n
        if upright.shape != (before.shape[0], (side + 1) * (n + 1) - 1):
            return "the answer has no room for so many blocks, or too much"
        if upright[:, side :: side + 1].any() or (upright[:, side + 1 :] != upright[:, : -side - 1]).any():
            return "the blocks differ, or touch"
        return "" if np.array_equal(upright[:, :side], before[:, :side]) else "the first block changed"


def _empty_frame(scene: Scene, thing: Thing) -> bool:
    """Whether this is an outline of one colour with nothing within."""
    return thing.colour > 0 and thing.hollow and not scene.grid[thing.box][1:-1, 1:-1].any()


def _periods(scene: Scene, line: int) -> tuple[int, int]:
    """Rows above the first row of the line's colour alone, and columns before the first such column; all for
    none."""
    lines = scene.grid == line
    rows, columns = np.flatnonzero(lines.all(axis=1)), np.flatnonzero(lines.all(axis=0))
    return int(rows[0]) if rows.size else scene.height, int(columns[0]) if columns.size else scene.width
