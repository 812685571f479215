"""Clean-up: what does not belong is taken away, what it hid or broke is restored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import OLD_COLOURS, REARRANGES, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Axis, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, move
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class RestoreStripes(Rule):
    """Rows or columns: whichever leaves fewer cells to restore. A stripe's colour is that of more than half
    of it."""

    says = (
        "The grid is striped, every row or every column of one colour: restore the cells that break a stripe."
    )
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        h, w, colours = draw.between(7, 12), draw.between(7, 12), draw.colours(draw.between(2, 3))
        stripes = [*draw.shuffled(colours), *(draw.pick(colours) for _ in range(h - len(colours)))]
        grid = np.repeat(np.array(draw.shuffled(stripes), np.uint8)[:, None], w, axis=1)
        _spoil(draw, grid, colours, h * w // 14)
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        striped = [_stripes(scene.grid), _stripes(scene.grid.T)]
        broken = [np.count_nonzero(a != b) for a, b in zip(striped, (scene.grid, scene.grid.T), strict=True)]
        if broken[0] == broken[1]:
            return None
        best, turned = (striped[0], scene.grid) if broken[0] < broken[1] else (striped[1], scene.grid.T)
        if (2 * (best == turned).sum(axis=1) <= best.shape[1]).any():
            return None
        return best if turned is scene.grid else np.ascontiguousarray(best.T)

    def fault(self, question: Scene, answer: Grid) -> str:
        same = answer == question.grid
        for stripes, kept in ((answer, same), (answer.T, same.T)):
            if (stripes == stripes[:, :1]).all() and (2 * kept.sum(axis=1) > kept.shape[1]).all():
                return ""
        return "the answer is not striped, or a stripe has a colour that few of its cells had"


@final
@dataclass(frozen=True, slots=True)
class RestoreWallpaper(Rule):
    """A cell's colour is that of more than half of the cells at its place in the tile."""

    says = "The pattern repeats every {side} cells, down and across: restore the cells that break it."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    side: Literal[2, 3, 4]

    def question(self, draw: Draw) -> Grid | None:
        least = max(8, 3 * self.side)
        h, w, colours = (
            draw.between(least, least + 4),
            draw.between(least, least + 4),
            draw.colours(draw.between(2, 3)),
        )
        tile = draw.coloured(block(self.side, self.side), colours)
        if (tile == tile[0]).all() or (tile == tile[:, :1]).all():
            return None
        grid = np.ascontiguousarray(np.tile(tile, (6, 6))[:h, :w])
        _spoil(draw, grid, colours, h * w // 14)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        side = self.side
        places = np.add.outer(np.arange(scene.height) % side * side, np.arange(scene.width) % side)
        counts = np.bincount((10 * places + scene.grid).ravel(), minlength=10 * side * side).reshape(-1, 10)
        if (2 * counts.max(axis=1) < counts.sum(axis=1) + (counts.any(axis=1))).any():
            return None
        return counts.argmax(axis=1).astype(np.uint8)[places]

    def fault(self, question: Scene, answer: Grid) -> str:
        side, same = self.side, answer == question.grid
        if (answer[side:] != answer[:-side]).any() or (answer[:, side:] != answer[:, :-side]).any():
            return "the answer does not repeat"
        kept = min(same[i::side, j::side].mean() for i in range(side) for j in range(side))
        return "" if kept > 0.5 else "a cell of the tile has a colour that few had at its place"


@final
@dataclass(frozen=True, slots=True)
class WholeRectangles(Rule):
    """A rectangle spans the box of its object, which has four cells or more; its colour wins over the specks
    on it."""

    says = "Make every object a full rectangle again, and take away the specks, which have up to three cells."
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        clean = draw.ground(10, 14)
        sizes = [(draw.between(3, 5), draw.between(3, 6)) for _ in range(draw.between(2, 3))]
        *colours, speck = draw.colours(len(sizes) + 1)
        if not draw.scatter(clean, [block(*size) for size in sizes], colours):
            return None
        grid = clean.copy()
        for thing in Scene(clean).shapes:
            cell = thing.top + draw.below(thing.height), thing.left + draw.below(thing.width)
            grid[cell] = draw.pick((0, speck))
        for cell in draw.some(range(grid.size), draw.between(4, 8)):
            grid.flat[cell] = speck
        answer = self.answer(Scene(grid))
        return grid if answer is not None and np.array_equal(answer, clean) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = np.zeros_like(scene.grid)
        area = 0
        for thing in scene.shapes:
            if thing.size > 3:
                grid[thing.box] = thing.colour
                area += thing.height * thing.width
        return grid if area and area == np.count_nonzero(grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        told = Scene(answer).shapes
        if _boxes(told) != _boxes(thing for thing in question.shapes if thing.size > 3):
            return "the rectangles are not where the objects are"
        return "" if all(thing.solid for thing in told) else "a rectangle is not full"


@final
@dataclass(frozen=True, slots=True)
class RepairFrames(Rule):
    """A frame spans the box of what is left of it, four cells or more; smaller things are specks."""

    says = "Close the gaps of the frames, and take away the specks around, on and in them."
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        clean = draw.ground(10, 15)
        sizes = [(draw.between(4, 7), draw.between(4, 7)) for _ in range(draw.between(1, 3))]
        colour, other, speck = draw.colours(3)
        if not draw.scatter(
            clean, [frame(*size) for size in sizes], [draw.pick((colour, other)) for _ in sizes]
        ):
            return None
        grid = clean.copy()
        for cell in draw.some(range(grid.size), draw.between(4, 8)):
            grid.flat[cell] = speck
        for thing in Scene(clean).shapes:
            ring = np.argwhere(thing.mask) + np.array([thing.top, thing.left])
            near = np.abs(ring - ring[draw.below(len(ring))]).max(axis=1) <= draw.below(2)
            grid[tuple(ring[near].T)] = draw.pick((0, 0, speck))
        answer = self.answer(Scene(grid))
        return grid if answer is not None and np.array_equal(answer, clean) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = np.zeros_like(scene.grid)
        for thing in scene.shapes:
            if thing.size > 3:
                if thing.mask[1:-1, 1:-1].any() or min(thing.height, thing.width) < 3:
                    return None
                grid[thing.box][frame(thing.height, thing.width)] = thing.colour
        return grid if grid.any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        told = Scene(answer)
        if _boxes(told.shapes) != _boxes(thing for thing in question.shapes if thing.size > 3):
            return "the frames are not where their pieces are"
        if len(told.holes) != len(told.shapes) or not all(hole.solid for hole in told.holes):
            return "a frame is open, or not empty"
        total = sum(2 * (thing.height + thing.width) - 4 for thing in told.shapes)
        return "" if np.count_nonzero(answer) == total else "a frame is thicker than one cell"


@final
@dataclass(frozen=True, slots=True)
class WipeStain(Rule):
    """The stain is one block, and does not reach the mirror's line; what it hides is seen in the mirror."""

    says = "The picture mirrors {halves}: restore what the {stain} stain hides."
    keeps = SAME_SIZE | OLD_COLOURS
    halves: Literal["left to right", "top to bottom"]
    stain: Seen

    def question(self, draw: Draw) -> Grid | None:
        half = np.zeros((draw.between(8, 12), draw.between(5, 7)), np.uint8)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 5) for _ in range(draw.between(2, 3))]
        if not draw.scatter(half, masks, draw.colours(len(masks), self.stain)):
            return None
        stained, (h, w) = half.copy(), (draw.between(3, 4), draw.between(2, 3))
        top, left = draw.below(half.shape[0] - h + 1), draw.below(half.shape[1] - w)
        if np.count_nonzero(half[top : top + h, left : left + w]) < 3:
            return None
        stained[top : top + h, left : left + w] = self.stain
        both = [stained, half[:, ::-1]] if draw.chance(0.5) else [half, stained[:, ::-1]]
        grid = np.hstack(both)
        return grid if self.halves == "left to right" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        way = (
            (slice(None), slice(None, None, -1)) if self.halves == "left to right" else slice(None, None, -1)
        )
        grid = np.where(scene.grid == self.stain, scene.grid[way], scene.grid)
        return grid if (grid == grid[way]).all() and not (grid == self.stain).any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        axis = int(self.halves == "left to right")
        if not np.array_equal(np.flip(answer, axis), answer) or (answer == self.stain).any():
            return "the answer is not its own mirror image"
        return changed(question, answer, question.counts[self.stain])


@final
@dataclass(frozen=True, slots=True)
class KeepCrossing(Rule):
    """A line is an object of one colour, joined across corners too, that reaches both edges."""

    says = "Keep the lines that run from {ends}, edge to edge, and take everything else away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    ends: Literal["left to right", "top to bottom"]

    def question(self, draw: Draw) -> Grid | None:
        lines, w, colours = draw.between(1, 2), draw.between(9, 14), draw.colours(2)
        grid = np.zeros((6 * lines + draw.between(1, 3), w), np.uint8)
        for k in range(lines):
            at, colour = draw.between(1, 4), draw.pick(colours)
            for column in range(w):
                grid[6 * k + at, column] = colour
                at = min(4, max(1, at + draw.between(-1, 1)))
        _litter(draw, grid, colours, 12)
        return grid if self.ends == "left to right" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if thing.width < scene.width if self.ends == "left to right" else thing.height < scene.height:
                grid[thing.box][thing.mask] = 0
        return grid if grid.any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        across = self.ends == "left to right"
        told = Scene(answer if across else answer.T).shapes
        asked = question.shapes if across else Scene(question.grid.T).shapes
        whole = [
            thing.size for thing in asked if thing.left == 0 and thing.right == answer.shape[int(across)]
        ]
        if sorted(whole) != sorted(thing.size for thing in told):
            return "not every line is left whole"
        return "" if all(thing.left == 0 for thing in told) else "an object does not reach the edge"


@final
@dataclass(frozen=True, slots=True)
class TrimHairs(Rule):
    """Single cells and short bars away from the blocks are in no such square either."""

    says = "Take away the hairs: every cell that is not part of a 2x2 square of its colour."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 16)
        sizes = [(draw.between(2, 5), draw.between(2, 5)) for _ in range(draw.between(2, 3))]
        corners = draw.corners(grid, [(h + 3, w + 3) for h, w in sizes], 1)
        if corners is None:
            return None
        colours = draw.colours(2)
        for (h, w), (top, left) in zip(sizes, corners, strict=True):
            colour, up, before = draw.pick(colours), draw.between(1, 2), draw.between(1, 2)
            row, column = top + up, left + before
            grid[row : row + h, column : column + w] = colour
            hairs = (
                (slice(top, row), column + draw.below(w)),
                (slice(row + h, top + h + 3), column + draw.below(w)),
                (row + draw.below(h), slice(left, column)),
                (row + draw.below(h), slice(column + w, left + w + 3)),
            )
            for hair in draw.some(hairs, draw.between(1, 3)):
                grid[hair] = colour
        _litter(draw, grid, colours, draw.below(6))
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid
        here = grid[:-1, :-1]
        square = (here == grid[1:, :-1]) & (here == grid[:-1, 1:]) & (here == grid[1:, 1:])
        kept = np.zeros(grid.shape, np.bool_)
        for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
            kept[down : scene.height - 1 + down, right : scene.width - 1 + right] |= square
        return np.where(kept, grid, np.uint8(0))

    def fault(self, question: Scene, answer: Grid) -> str:
        told = Scene(answer).shapes
        if not all(thing.solid and min(thing.height, thing.width) > 1 for thing in told):
            return "something is left that is no block"
        if len(told) != sum(min(thing.height, thing.width) > 1 for thing in question.shapes):
            return "a block is gone"
        for (
            thing
        ) in told:  # a hair is one cell wide: no row or column beside a block may have more of its colour
            wider = (
                np.pad(question.grid, 1)[thing.top : thing.bottom + 2, thing.left : thing.right + 2]
                == thing.colour
            )
            if any(np.count_nonzero(side) > 1 for side in (wider[0], wider[-1], wider[:, 0], wider[:, -1])):
                return "a part of a block is gone with its hairs"
        return ""


@final
@dataclass(frozen=True, slots=True)
class BackIntoLine(Rule):
    """More than half of the objects stand in line, and all are equally high (in a row) or wide (in a
    column)."""

    says = "Most objects stand in one {axis}: move the others back into it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    axis: Axis

    def question(self, draw: Draw) -> Grid | None:
        n, high, wide = draw.between(3, 5), draw.between(1, 3), draw.between(2, 3)
        grid = np.zeros((high + draw.between(5, 8), n * (wide + 1) - draw.below(2)), np.uint8)
        line, strays = (
            draw.below(grid.shape[0] - high + 1),
            draw.some(range(n), draw.between(1, (n - 1) // 2)),
        )
        mask, colours = draw.blob(high, wide, high * wide // 2), draw.colours(2)
        alike = draw.chance(0.5)
        for k in range(n):
            top = (
                draw.pick([t for t in range(grid.shape[0] - high + 1) if t != line]) if k in strays else line
            )
            form = mask if alike else draw.blob(high, wide, high * wide // 2)
            grid[top : top + high, k * (wide + 1) : k * (wide + 1) + wide][form] = draw.pick(colours)
        return grid if self.axis == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        row = self.axis == "row"
        starts = [thing.top if row else thing.left for thing in scene.shapes]
        if len({thing.height if row else thing.width for thing in scene.shapes}) != 1:
            return None
        line = sorted(starts)[len(starts) // 2]
        if 2 * starts.count(line) <= len(starts):
            return None
        grid = scene.copy()
        for thing, start in zip(scene.shapes, starts, strict=True):
            move(grid, scene, thing, (line - start) * row, (line - start) * (not row))
        return grid if np.count_nonzero(grid) == np.count_nonzero(scene.grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        was, told = (question.grid, answer) if self.axis == "row" else (question.grid.T, answer.T)
        before, after = _in_order(Scene(was).shapes), _in_order(Scene(told).shapes)
        if [(t.left, t.colour, t.form) for t in before] != [(t.left, t.colour, t.form) for t in after]:
            return "an object has changed, or left its place along the line"
        if len({thing.top for thing in after}) > 1:
            return "the objects do not stand in line"
        stayed = sum(a.top == b.top for a, b in zip(before, after, strict=True))
        return "" if 2 * stayed > len(after) else "most objects have moved"


@final
@dataclass(frozen=True, slots=True)
class CutOutScratches(Rule):
    """What stood on both sides of a scratch stands side by side after."""

    says = "Cut out every row and every column that is all {scratch}, and close up the rest."
    keeps = SHRINKS | OLD_COLOURS
    scratch: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(6, 10)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 4) for _ in range(draw.between(1, 3))]
        if not draw.scatter(grid, masks, draw.colours(len(masks), self.scratch)):
            return None
        for axis in (0, 1) if draw.chance(0.5) else (draw.below(2),):
            at = draw.some(range(1, grid.shape[axis]), draw.between(1, 2))
            grid = np.insert(grid, at, self.scratch, axis=axis)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        full = scene.grid == self.scratch
        rows, columns = full.all(axis=1), full.all(axis=0)
        if full.all() or not (rows.any() or columns.any()):
            return None
        return scene.grid[~rows][:, ~columns]

    def fault(self, question: Scene, answer: Grid) -> str:
        left = question.grid[question.grid != self.scratch]
        if not np.array_equal(answer.ravel(), left):
            return "the cells between the scratches are not all there, in their order"
        rows = np.count_nonzero(question.grid != self.scratch, axis=1).max()
        return "" if answer.shape[1] == rows else "the rows have another length"


def _stripes(grid: Grid) -> Grid:
    """Every row in its commonest colour, `(h, w)`."""
    counts = (grid == np.arange(10, dtype=np.uint8)[:, None, None]).sum(axis=2)
    return np.repeat(counts.argmax(axis=0).astype(np.uint8)[:, None], grid.shape[1], axis=1)


def _spoil(draw: Draw, grid: Grid, colours: list[int], cells: int) -> None:
    """Give so many cells another one of the colours."""
    for cell in draw.some(range(grid.size), cells):
        grid.flat[cell] = draw.pick([colour for colour in colours if colour != grid.flat[cell]])


def _litter(draw: Draw, grid: Grid, colours: list[int], tries: int) -> None:
    """Drop bars of one to three cells where nothing is near."""
    for _ in range(tries):
        h, w = draw.pick(((1, 1), (1, 2), (2, 1), (1, 3), (3, 1)))
        top, left = draw.below(grid.shape[0] - h + 1), draw.below(grid.shape[1] - w + 1)
        if not grid[max(top - 1, 0) : top + h + 1, max(left - 1, 0) : left + w + 1].any():
            grid[top : top + h, left : left + w] = draw.pick(colours)


def _in_order(things: Iterable[Thing]) -> list[Thing]:
    """From left to right, and down."""
    return sorted(things, key=lambda thing: (thing.left, thing.top))


def _boxes(things: Iterable[Thing]) -> list[tuple[int, ...]]:
    return [(thing.top, thing.left, thing.bottom, thing.right, thing.colour) for thing in _in_order(things)]
