"""Define the rules of CleanUp: take away what does not belong, and restore what it hid or broke."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import OLD_COLOURS, REARRANGES, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Axis, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene, Thing, move
from vizbench.types import Grid

MAX_SPECK = 3
"""The largest number of cells of a speck in `WholeRectangles` and `RepairFrames`."""


@final
@dataclass(frozen=True, slots=True)
class RestoreStripes(Rule):
    """Restore the cells that break the stripes of a grid.

    The stripes are rows or columns, whichever leaves fewer cells to restore.
    The colour of a stripe is that of more than half of its cells.
    """

    says = (
        "The grid is striped, every row or every column of one colour: restore the cells that break a stripe."
    )
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        height, width, colours = draw.between(7, 12), draw.between(7, 12), draw.colours(draw.between(2, 3))
        # Every colour has a stripe.
        stripes = draw.shuffled(colours)
        stripes += [draw.pick(colours) for _ in range(height - len(colours))]
        column = np.array(draw.shuffled(stripes), np.uint8)
        grid = np.repeat(column[:, None], width, axis=1)
        _spoil(draw, grid, colours, height * width // 14)
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        # Restore the rows and, on the transposed grid, the columns. Take what changes less.
        rows, columns = _stripes(scene.grid), _stripes(scene.grid.T)
        broken_in_rows = np.count_nonzero(rows != scene.grid)
        broken_in_columns = np.count_nonzero(columns != scene.grid.T)
        if broken_in_rows == broken_in_columns:
            return None
        has_rows = broken_in_rows < broken_in_columns
        striped, before = (rows, scene.grid) if has_rows else (columns, scene.grid.T)

        kept_per_stripe = (striped == before).sum(axis=1)
        if (2 * kept_per_stripe <= striped.shape[1]).any():
            return None
        return striped if has_rows else np.ascontiguousarray(striped.T)

    def fault(self, question: Scene, answer: Grid) -> str:
        same = answer == question.grid
        for stripes, kept in ((answer, same), (answer.T, same.T)):
            is_striped = (stripes == stripes[:, :1]).all()
            if is_striped and (2 * kept.sum(axis=1) > kept.shape[1]).all():
                return ""
        return "the answer is not striped, or a stripe has a colour that few of its cells had"


@final
@dataclass(frozen=True, slots=True)
class RestoreWallpaper(Rule):
    """Restore the cells that break a repeated tile.

    The colour of a cell is that of more than half of the cells at its place in the tile.
    """

    says = "The pattern repeats every {side} cells, down and across: restore the cells that break it."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    side: Literal[2, 3, 4]
    """The side of the tile, in cells."""

    def question(self, draw: Draw) -> Grid | None:
        least = max(8, 3 * self.side)
        height, width = draw.between(least, least + 4), draw.between(least, least + 4)
        colours = draw.colours(draw.between(2, 3))
        tile = draw.coloured(block(self.side, self.side), colours)
        if (tile == tile[0]).all() or (tile == tile[:, :1]).all():
            return None  # stripes
        grid = np.ascontiguousarray(np.tile(tile, (6, 6))[:height, :width])
        _spoil(draw, grid, colours, height * width // 14)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        # The place of each cell in the tile, 0 … side * side - 1.
        side = self.side
        rows, columns = np.arange(scene.height) % side, np.arange(scene.width) % side
        places = np.add.outer(rows * side, columns)

        # How often each colour occurs at each place, `(side * side, 10)`.
        keys = (10 * places + scene.grid).ravel()
        counts = np.bincount(keys, minlength=10 * side * side).reshape(-1, 10)
        is_occupied = counts.any(axis=1)  # a small grid does not have all places
        if (2 * counts.max(axis=1) < counts.sum(axis=1) + is_occupied).any():
            return None
        return counts.argmax(axis=1).astype(np.uint8)[places]

    def fault(self, question: Scene, answer: Grid) -> str:
        side = self.side
        if (answer[side:] != answer[:-side]).any() or (answer[:, side:] != answer[:, :-side]).any():
            return "the answer does not repeat"
        same = answer == question.grid
        shares = [same[row::side, column::side].mean() for row in range(side) for column in range(side)]
        return "" if min(shares) > 0.5 else "a cell of the tile has a colour that few had at its place"


@final
@dataclass(frozen=True, slots=True)
class WholeRectangles(Rule):
    """Make each object the full rectangle of its box, and take the specks away.

    Objects have four cells or more. A rectangle covers the specks on it.
    """

    says = "Make every object a full rectangle again, and take away the specks, which have up to three cells."
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        # Full rectangles.
        clean = draw.ground(10, 14)
        sizes = [(draw.between(3, 5), draw.between(3, 6)) for _ in range(draw.between(2, 3))]
        *colours, speck = draw.colours(len(sizes) + 1)
        if not draw.scatter(clean, [block(*size) for size in sizes], colours):
            return None

        # One damaged cell in each, and specks anywhere.
        grid = clean.copy()
        for thing in Scene(clean).shapes:
            cell = thing.top + draw.below(thing.height), thing.left + draw.below(thing.width)
            grid[cell] = draw.pick((0, speck))
        for cell in draw.some(range(grid.size), draw.between(4, 8)):
            grid.flat[cell] = speck

        # The damage may be too great.
        answer = self.answer(Scene(grid))
        return grid if answer is not None and np.array_equal(answer, clean) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = np.zeros_like(scene.grid)
        area = 0
        for thing in scene.shapes:
            if thing.size > MAX_SPECK:
                grid[thing.box] = thing.colour
                area += thing.height * thing.width
        has_overlap = area != np.count_nonzero(grid)
        return None if area == 0 or has_overlap else grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rectangles = Scene(answer).shapes
        if _boxes(rectangles) != _boxes(thing for thing in question.shapes if thing.size > MAX_SPECK):
            return "the rectangles are not in the places of the objects"
        return "" if all(thing.solid for thing in rectangles) else "a rectangle is not full"


@final
@dataclass(frozen=True, slots=True)
class RepairFrames(Rule):
    """Close the gaps of broken frames, and take the specks away.

    A frame is the outline of the box of what is left of it, four cells or more.
    Smaller objects are specks.
    """

    says = "Close the gaps of the frames, and take away the specks around, on and in them."
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        # Whole frames.
        clean = draw.ground(10, 15)
        sizes = [(draw.between(4, 7), draw.between(4, 7)) for _ in range(draw.between(1, 3))]
        first, second, speck = draw.colours(3)
        colours = [draw.pick((first, second)) for _ in sizes]
        if not draw.scatter(clean, [frame(*size) for size in sizes], colours):
            return None

        # Specks anywhere.
        grid = clean.copy()
        for cell in draw.some(range(grid.size), draw.between(4, 8)):
            grid.flat[cell] = speck

        # Damage around one cell of each frame.
        for thing in Scene(clean).shapes:
            ring = np.argwhere(thing.mask) + np.array([thing.top, thing.left])
            distances = np.abs(ring - ring[draw.below(len(ring))]).max(axis=1)
            damaged = ring[distances <= draw.below(2)]
            grid[tuple(damaged.T)] = draw.pick((0, 0, speck))

        # The damage may be too great.
        answer = self.answer(Scene(grid))
        return grid if answer is not None and np.array_equal(answer, clean) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = np.zeros_like(scene.grid)
        for thing in scene.shapes:
            if thing.size <= MAX_SPECK:
                continue
            if thing.mask[1:-1, 1:-1].any() or min(thing.height, thing.width) < 3:
                return None
            grid[thing.box][frame(thing.height, thing.width)] = thing.colour
        return grid if grid.any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        frames = after.shapes
        if _boxes(frames) != _boxes(thing for thing in question.shapes if thing.size > MAX_SPECK):
            return "the frames are not in the places of their pieces"
        if len(after.holes) != len(frames) or not all(hole.solid for hole in after.holes):
            return "a frame is open, or not empty"
        expected = sum(2 * (thing.height + thing.width) - 4 for thing in frames)
        return "" if np.count_nonzero(answer) == expected else "a frame is thicker than one cell"


@final
@dataclass(frozen=True, slots=True)
class WipeStain(Rule):
    """Restore what a stain hides in a picture that is its own mirror image.

    The stain is one block in one half. It does not reach the middle, so the other half shows what it hides.
    """

    says = "The picture mirrors {halves}: restore what the {stain} stain hides."
    keeps = SAME_SIZE | OLD_COLOURS
    halves: Literal["left to right", "top to bottom"]
    """The direction in which one half mirrors the other."""
    stain: Seen
    """The colour of the stain, which the picture does not have."""

    def question(self, draw: Draw) -> Grid | None:
        # The left half of the picture.
        half = np.zeros((draw.between(8, 12), draw.between(5, 7)), np.uint8)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 5) for _ in range(draw.between(2, 3))]
        if not draw.scatter(half, masks, draw.colours(len(masks), self.stain)):
            return None

        # The half with a stain, not in its last column, which hides three coloured cells or more.
        stained, (height, width) = half.copy(), (draw.between(3, 4), draw.between(2, 3))
        top, left = draw.below(half.shape[0] - height + 1), draw.below(half.shape[1] - width)
        box = slice(top, top + height), slice(left, left + width)
        if np.count_nonzero(half[box]) < 3:
            return None
        stained[box] = self.stain

        # The stain is in the left half or the right half.
        is_left = draw.chance(0.5)
        grid = np.hstack([stained, half[:, ::-1]] if is_left else [half, stained[:, ::-1]])
        return grid if self.halves == "left to right" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        axis = 1 if self.halves == "left to right" else 0
        grid = np.where(scene.grid == self.stain, np.flip(scene.grid, axis), scene.grid)
        is_symmetric = (grid == np.flip(grid, axis)).all()
        return grid if is_symmetric and not (grid == self.stain).any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        axis = 1 if self.halves == "left to right" else 0
        if not np.array_equal(np.flip(answer, axis), answer) or (answer == self.stain).any():
            return "the answer is not its own mirror image"
        return changed(question, answer, question.counts[self.stain])


@final
@dataclass(frozen=True, slots=True)
class KeepCrossing(Rule):
    """Keep the lines that run from one edge to the opposite one, and take everything else away.

    A line is an object of one colour that reaches both edges. Its cells may touch at corners only.
    """

    says = "Keep the lines that run from {ends}, edge to edge, and take everything else away."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    ends: Literal["left to right", "top to bottom"]
    """The edges that a line connects."""

    def question(self, draw: Draw) -> Grid | None:
        lines, width, colours = draw.between(1, 2), draw.between(9, 14), draw.colours(2)
        grid = np.zeros((6 * lines + draw.between(1, 3), width), np.uint8)
        # Each line wanders within four rows of its own, at most one row up or down per column.
        for line in range(lines):
            row, colour = draw.between(1, 4), draw.pick(colours)
            for column in range(width):
                grid[6 * line + row, column] = colour
                row = min(4, max(1, row + draw.between(-1, 1)))
        _litter(draw, grid, colours, 12)
        return grid if self.ends == "left to right" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for thing in scene.shapes:
            if self.ends == "left to right":
                is_line = thing.width == scene.width
            else:
                is_line = thing.height == scene.height
            if not is_line:
                grid[thing.box][thing.mask] = 0
        return grid if grid.any() else None

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn columns into rows, so that lines run from left to right.
        if self.ends == "left to right":
            before, after = question.shapes, Scene(answer).shapes
            width = answer.shape[1]
        else:
            before, after = Scene(question.grid.T).shapes, Scene(answer.T).shapes
            width = answer.shape[0]

        line_sizes = [thing.size for thing in before if thing.left == 0 and thing.right == width]
        if sorted(line_sizes) != sorted(thing.size for thing in after):
            return "not every line is left whole"
        return "" if all(thing.left == 0 for thing in after) else "an object does not reach the edge"


@final
@dataclass(frozen=True, slots=True)
class TrimHairs(Rule):
    """Take away every cell that is in no 2x2 square of its colour.

    This removes the hairs on the blocks, and single cells and short bars between them.
    """

    says = "Take away the hairs: every cell that is not part of a 2x2 square of its colour."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(12, 16)
        sizes = [(draw.between(2, 5), draw.between(2, 5)) for _ in range(draw.between(2, 3))]
        # Each block has three rows and columns more, for hairs on all sides.
        corners = draw.corners(grid, [(height + 3, width + 3) for height, width in sizes], 1)
        if corners is None:
            return None
        colours = draw.colours(2)
        for (height, width), (box_top, box_left) in zip(sizes, corners, strict=True):
            colour = draw.pick(colours)
            top, left = box_top + draw.between(1, 2), box_left + draw.between(1, 2)
            bottom, right = top + height, left + width
            grid[top:bottom, left:right] = colour
            hairs = (
                (slice(box_top, top), left + draw.below(width)),
                (slice(bottom, box_top + height + 3), left + draw.below(width)),
                (top + draw.below(height), slice(box_left, left)),
                (top + draw.below(height), slice(right, box_left + width + 3)),
            )
            for hair in draw.some(hairs, draw.between(1, 3)):
                grid[hair] = colour
        _litter(draw, grid, colours, draw.below(6))
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        # The upper left cells of all 2x2 squares of one colour.
        grid = scene.grid
        corner = grid[:-1, :-1]
        is_square = (corner == grid[1:, :-1]) & (corner == grid[:-1, 1:]) & (corner == grid[1:, 1:])

        # Each square keeps its four cells.
        kept = np.zeros(grid.shape, np.bool_)
        for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
            kept[down : scene.height - 1 + down, right : scene.width - 1 + right] |= is_square
        return np.where(kept, grid, np.uint8(0))

    def fault(self, question: Scene, answer: Grid) -> str:
        blocks = Scene(answer).shapes
        if not all(thing.solid and min(thing.height, thing.width) > 1 for thing in blocks):
            return "something that is not a block is left"
        if len(blocks) != sum(min(thing.height, thing.width) > 1 for thing in question.shapes):
            return "a block is gone"

        # A hair is one cell wide: no row or column beside a block may have more of its colour.
        padded = np.pad(question.grid, 1)
        for thing in blocks:
            around = padded[thing.top : thing.bottom + 2, thing.left : thing.right + 2] == thing.colour
            sides = (around[0], around[-1], around[:, 0], around[:, -1])
            if any(np.count_nonzero(side) > 1 for side in sides):
                return "a part of a block is gone with its hairs"
        return ""


@final
@dataclass(frozen=True, slots=True)
class BackIntoLine(Rule):
    """Move the objects that are out of line back into it.

    More than half of the objects are in line. In a row all are equally high, in a column equally wide.
    """

    says = "Most objects stand in one {axis}: move the others back into it."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS
    axis: Axis
    """The direction of the line."""

    def question(self, draw: Draw) -> Grid | None:
        count, height, width = draw.between(3, 5), draw.between(1, 3), draw.between(2, 3)
        grid = np.zeros((height + draw.between(5, 8), count * (width + 1) - draw.below(2)), np.uint8)
        line = draw.below(grid.shape[0] - height + 1)
        strays = draw.some(range(count), draw.between(1, (count - 1) // 2))
        mask, colours = draw.blob(height, width, height * width // 2), draw.colours(2)
        is_alike = draw.chance(0.5)
        other_tops = [top for top in range(grid.shape[0] - height + 1) if top != line]
        for number in range(count):
            top = draw.pick(other_tops) if number in strays else line
            form = mask if is_alike else draw.blob(height, width, height * width // 2)
            left = number * (width + 1)
            grid[top : top + height, left : left + width][form] = draw.pick(colours)
        return grid if self.axis == "row" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        # Spans across the line: rows for a row, columns for a column.
        is_row = self.axis == "row"
        spans = [thing.span(0 if is_row else 1) for thing in scene.shapes]
        if len({end - start for start, end in spans}) != 1:
            return None

        # More than half of the objects start at the median.
        starts = [start for start, _ in spans]
        line = sorted(starts)[len(starts) // 2]
        if 2 * starts.count(line) <= len(starts):
            return None

        grid = scene.copy()
        for thing, start in zip(scene.shapes, starts, strict=True):
            down, right = (line - start, 0) if is_row else (0, line - start)
            move(grid, scene, thing, down, right)
        # Overlapping objects lose coloured cells.
        return grid if np.count_nonzero(grid) == np.count_nonzero(scene.grid) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        # Turn columns into rows, so that the line runs from left to right.
        grids = (question.grid, answer) if self.axis == "row" else (question.grid.T, answer.T)
        before, after = (_in_order(Scene(grid).shapes) for grid in grids)

        looks_before = [(thing.left, thing.colour, thing.form) for thing in before]
        looks_after = [(thing.left, thing.colour, thing.form) for thing in after]
        if looks_before != looks_after:
            return "an object has changed, or left its place along the line"
        if len({thing.top for thing in after}) > 1:
            return "the objects are not in line"
        unmoved = sum(old.top == new.top for old, new in zip(before, after, strict=True))
        return "" if 2 * unmoved > len(after) else "most objects have moved"


@final
@dataclass(frozen=True, slots=True)
class CutOutScratches(Rule):
    """Cut out the rows and columns that are all of the scratch's colour.

    The two sides of a scratch are joined.
    """

    says = "Cut out every row and every column that is all {scratch}, and close up the rest."
    keeps = SHRINKS | OLD_COLOURS
    scratch: Seen
    """The colour of the scratches."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(6, 10)
        masks = [draw.blob(draw.between(2, 4), draw.between(2, 4), 4) for _ in range(draw.between(1, 3))]
        if not draw.scatter(grid, masks, draw.colours(len(masks), self.scratch)):
            return None
        axes = (0, 1) if draw.chance(0.5) else (draw.below(2),)
        for axis in axes:
            places = draw.some(range(1, grid.shape[axis]), draw.between(1, 2))
            grid = np.insert(grid, places, self.scratch, axis=axis)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        is_scratch = scene.grid == self.scratch
        rows, columns = is_scratch.all(axis=1), is_scratch.all(axis=0)
        if is_scratch.all() or not (rows.any() or columns.any()):
            return None
        return scene.grid[~rows][:, ~columns]

    def fault(self, question: Scene, answer: Grid) -> str:
        is_picture = question.grid != self.scratch
        if not np.array_equal(answer.ravel(), question.grid[is_picture]):
            return "the cells between the scratches are not all there, in their order"
        width = np.count_nonzero(is_picture, axis=1).max()
        return "" if answer.shape[1] == width else "the rows have another length"


def _stripes(grid: Grid) -> Grid:
    """Return the grid with each row in its commonest colour, `(h, w)`."""
    colours = np.arange(10, dtype=np.uint8)[:, None, None]
    counts = (grid == colours).sum(axis=2)
    commonest = counts.argmax(axis=0).astype(np.uint8)
    return np.repeat(commonest[:, None], grid.shape[1], axis=1)


def _spoil(draw: Draw, grid: Grid, colours: list[int], count: int) -> None:
    """Give this many cells another one of the colours."""
    for cell in draw.some(range(grid.size), count):
        others = [colour for colour in colours if colour != grid.flat[cell]]
        grid.flat[cell] = draw.pick(others)


def _litter(draw: Draw, grid: Grid, colours: list[int], tries: int) -> None:
    """Add bars of one to three cells at places that have only ground around them."""
    for _ in range(tries):
        height, width = draw.pick(((1, 1), (1, 2), (2, 1), (1, 3), (3, 1)))
        top, left = draw.below(grid.shape[0] - height + 1), draw.below(grid.shape[1] - width + 1)
        around = grid[max(top - 1, 0) : top + height + 1, max(left - 1, 0) : left + width + 1]
        if not around.any():
            grid[top : top + height, left : left + width] = draw.pick(colours)


def _in_order(things: Iterable[Thing]) -> list[Thing]:
    """Return the objects from left to right, and from top to bottom if they have the same left."""
    return sorted(things, key=lambda thing: (thing.left, thing.top))


def _boxes(things: Iterable[Thing]) -> list[tuple[int, ...]]:
    """Return the boxes and colours of the objects, from left to right."""
    return [(thing.top, thing.left, thing.bottom, thing.right, thing.colour) for thing in _in_order(things)]
