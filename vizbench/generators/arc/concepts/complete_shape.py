"""Define the rules of CompleteShape: put back what is broken off, left out or somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, REARRANGES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block, frame
from vizbench.generators.arc.rule import Ink, Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, box_of, cut, most, move, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class CompleteOutlines(Rule):
    """Complete the broken outline of the box of each colour.

    A colour with a cell inside its box has no outline.
    """

    says = "Complete the broken outline of each rectangle, in its own colour."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 16)
        masks: list[Mask] = []
        for _ in range(draw.between(1, 3)):
            rim = np.array(frame(draw.between(4, 7), draw.between(4, 7)))
            # 30 to 60 % of the cells are missing.
            places = np.flatnonzero(rim)
            missing = len(places) * draw.between(3, 6) // 10
            rim.flat[places[draw.some(range(len(places)), missing)]] = False
            # The rest must span the box.
            if not (rim[0].any() and rim[-1].any() and rim[:, 0].any() and rim[:, -1].any()):
                return None
            masks.append(rim)
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            window = grid[box_of(scene.grid == colour)]
            has_inside = (window[1:-1, 1:-1] == colour).any()
            if min(window.shape) >= 3 and not has_inside:
                missing = frame(*window.shape) & (window == 0)
                window[missing] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if len(Scene(answer).holes) != len(question.colours):
            return "the outlines are not closed, or not all"
        expected = 0
        for colour in question.colours:
            rows, columns = np.ptp(np.argwhere(question.grid == colour), axis=0)  # of the box, less one
            outline = 2 * (rows + columns)
            if np.count_nonzero(answer == colour) != outline:
                return "a colour does not have as many cells as the outline of its box"
            expected += outline
        return changed(question, answer, expected - int(np.count_nonzero(question.grid)))


@final
@dataclass(frozen=True, slots=True)
class CompleteMirrorImage(Rule):
    """Complete a broken object so that one half mirrors the other.

    All coloured cells are one object. Of two mirrored cells, at least one is there, and the object spans
    its box.
    """

    says = "Complete the broken object so that its {halves} are mirror images."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    halves: Literal["left and right half", "upper and lower half"]
    """The halves that mirror each other."""

    def question(self, draw: Draw) -> Grid | None:
        # A whole object, of odd or even width.
        grid = draw.ground(10, 14)
        mask = draw.blob(draw.between(4, 8), draw.between(2, 4), draw.between(8, 16))
        half = draw.coloured(mask, draw.colours(3))
        mirrored = half[:, ::-1]
        whole = np.hstack([half, mirrored[:, draw.below(2) :]])
        height, width = whole.shape

        # Cells broken off, each in one half only.
        cells = np.argwhere(half)
        for number in draw.some(range(len(cells)), draw.between(3, 6)):
            row, column = cells[number]
            is_left = draw.chance(0.5)
            whole[row, column if is_left else width - 1 - column] = 0
        if box_of(whole != 0) != (slice(0, height), slice(0, width)):
            return None

        top, left = draw.below(grid.shape[0] - height + 1), draw.below(grid.shape[1] - width + 1)
        stamp(grid, whole, top, left)
        return grid if self.halves == "left and right half" else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.colours:
            return None
        grid = scene.copy()
        window = grid[box_of(grid != 0)]
        axis = 1 if self.halves == "left and right half" else 0
        mirrored = np.flip(window, axis).copy()
        if _contradicts(window, mirrored):
            return None
        np.copyto(window, mirrored, where=window == 0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        axis = 1 if self.halves == "left and right half" else 0
        box = box_of(answer != 0)
        before, after = question.grid[box], answer[box]
        if not np.array_equal(after, np.flip(after, axis)):
            return "the halves are not mirror images"
        # A missing cell makes two places differ: its own and its mirror image.
        missing = int(np.count_nonzero(before != np.flip(before, axis))) // 2
        return changed(question, answer, missing)


@final
@dataclass(frozen=True, slots=True)
class CompleteByTurning(Rule):
    """Complete a figure so that turns around its centre do not change it.

    Turned cells may not meet cells of another colour, or leave the grid.
    """

    says = "Complete the figure: {turns} around its one {centre} cell do not change it."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    turns: Literal["quarter turns", "half turns"]
    """The turns that do not change the figure."""
    centre: Seen
    """The colour of the cell around which the figure turns."""

    def question(self, draw: Draw) -> Grid | None:
        # Four arms. Under quarter turns all are the same, under half turns each equals the opposite one.
        is_half = self.turns == "half turns"
        grid = draw.ground(9, 14)
        size = draw.between(2, 4)
        colours = draw.colours(draw.between(1, 2), self.centre)
        first, second = (_arm(draw, size, colours) for _ in range(2))
        arms = (first, second, first, second) if is_half else (first,) * 4

        # Some of the arms are shown, but not all. Each different one must be among them.
        shown = {0, *draw.some(range(4), draw.below(3))}
        if is_half:
            shown.add(1)
        if len(shown) == 4:
            return None

        # Arms of `size` rows and `size + 1` columns tile the square around the centre like a windmill.
        side = 2 * size + 1
        figure = np.zeros((side, side), np.uint8)
        for turn in shown:
            np.rot90(figure, -turn)[:size, : size + 1] = arms[turn]
        figure[size, size] = self.centre

        free_rows, free_columns = grid.shape[0] - side, grid.shape[1] - side
        top, left = draw.between(0, free_rows), draw.between(0, free_columns)
        return grid if stamp(grid, figure, top, left) else None

    def answer(self, scene: Scene) -> Grid | None:
        if scene.counts[self.centre] != 1:
            return None

        # The square around the centre that holds the whole figure.
        row, column = divmod(int(np.argmax(scene.grid == self.centre)), scene.width)
        rows, columns = box_of(scene.grid != 0)
        reach = max(row - rows.start, rows.stop - 1 - row, column - columns.start, columns.stop - 1 - column)
        if min(row, column) < reach or row + reach >= scene.height or column + reach >= scene.width:
            return None
        grid = scene.copy()
        window = grid[row - reach : row + reach + 1, column - reach : column + reach + 1]

        before = window.copy()
        quarter_turns = (2,) if self.turns == "half turns" else (1, 2, 3)
        for count in quarter_turns:
            turned = np.rot90(before, count)
            if _contradicts(window, turned):
                return None
            np.copyto(window, turned, where=window == 0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # Each cell, relative to the centre, has the colour of its image under one turn.
        centre = np.argwhere(question.grid == self.centre)[0]
        cells: dict[tuple[int, int], int] = {}
        for row, column in np.argwhere(answer) - centre:
            cells[int(row), int(column)] = int(answer[row + centre[0], column + centre[1]])
        for place, colour in cells.items():
            if cells.get(self._images(*place)[0]) != colour:
                return "a turn changes the figure"

        # The cells that turn into each other are one orbit, named by its greatest cell. The question shows
        # a part of each orbit; the answer has the whole. The centre is an orbit by itself.
        marked = (np.argwhere(question.grid) - centre).tolist()
        orbits = {max((row, column), *self._images(row, column)) for row, column in marked}
        orbit_size = 2 if self.turns == "half turns" else 4
        return changed(question, answer, (len(orbits) - 1) * orbit_size + 1 - len(marked))

    def _images(self, row: int, column: int) -> list[tuple[int, int]]:
        """Return the places to which the turns bring a cell, relative to the centre, one per turn."""
        if self.turns == "half turns":
            return [(-row, -column)]
        return [(column, -row), (-row, -column), (-column, row)]


@final
@dataclass(frozen=True, slots=True)
class FourthCorner(Rule):
    """Mark the fourth corner of each rectangle that has three marked corners.

    The corners are single cells. Each colour has three or four of them and no other cells.
    """

    says = (
        "Put one {ink} cell on the fourth corner of every rectangle "
        "of which three corners are marked in one colour."
    )
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of the new corners."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 14)
        masks: list[Mask] = []
        for number in range(draw.between(2, 3)):
            mask = np.zeros((draw.between(3, 6), draw.between(3, 6)), np.bool_)
            mask[0, 0] = mask[0, -1] = mask[-1, 0] = mask[-1, -1] = True
            # The first rectangle lacks a corner, so that something changes.
            if number == 0 or draw.chance(0.6):
                mask[draw.pick((0, -1)), draw.pick((0, -1))] = False
            masks.append(mask)
        return grid if draw.scatter(grid, masks, draw.colours(len(masks), self.ink)) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            if scene.counts[colour] != 3:
                continue
            corners = scene.of(colour)
            rows, columns = [corner.top for corner in corners], [corner.left for corner in corners]
            if len(corners) == 3 and len(set(rows)) == len(set(columns)) == 2:
                row, column = _unpaired(rows), _unpaired(columns)
                if grid[row, column] == 0:
                    grid[row, column] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        new = np.argwhere(answer != question.grid).tolist()
        incomplete = [colour for colour in question.colours if question.counts[colour] == 3]
        for colour in incomplete:
            # In the four corners of a rectangle, rows and columns occur in pairs: their XOR is 0.
            corners = np.argwhere(question.grid == colour).tolist()
            unpaired = [np.bitwise_xor.reduce([*corners, place]) for place in new]
            if all(place.any() for place in unpaired):
                return "three corners have no fourth"
        return changed(question, answer, len(incomplete))


@final
@dataclass(frozen=True, slots=True)
class FitThePiece(Rule):
    """Move the piece that fits into the gap of a block.

    The block is the largest object. Its gap is all that its box lacks. Pieces are not turned.
    """

    says = "Move the piece that fits into the block's gap, so that the block is a full rectangle."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        pieces = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(2, 4))]
        # A block with the first piece cut out of its upper side.
        height, width = pieces[0].shape
        block_mask = np.ones((height + draw.between(1, 3), width + draw.between(2, 4)), np.bool_)
        left = draw.between(1, block_mask.shape[1] - width - 1)
        block_mask[:height, left : left + width][pieces[0]] = False
        masks = [block_mask, *pieces]
        if not draw.scatter(grid, masks, draw.colours(len(masks))):
            return None
        return np.ascontiguousarray(np.rot90(grid, draw.below(4)))

    def answer(self, scene: Scene) -> Grid | None:
        # The gap must be empty.
        broken = most(scene.shapes, lambda thing: thing.size)
        if broken is None or broken.solid or scene.grid[broken.box][~broken.mask].any():
            return None

        # The gap in the terms of `Thing.form`: a width and the bytes of a mask.
        gap = ~broken.mask
        rows, columns = box_of(gap)
        form = columns.stop - columns.start, gap[rows, columns].tobytes()
        fitting = [thing for thing in scene.shapes if thing.form == form]
        if len(fitting) != 1:
            return None

        piece = fitting[0]
        down = broken.top + rows.start - piece.top
        right = broken.left + columns.start - piece.left
        grid = scene.copy()
        return grid if move(grid, scene, piece, down, right) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        broken = max(question.shapes, key=lambda thing: thing.size)
        after = answer[broken.box]
        if not after.all() or len(Scene(answer).groups) != len(question.groups) - 1:
            return "the block is not full, or other pieces changed"
        if np.unique(after).size != 2:
            return "the gap is filled with several pieces"
        # The cells of the gap change, and as many at the old place of the piece.
        gap_size = broken.height * broken.width - broken.size
        return changed(question, answer, 2 * gap_size)


@final
@dataclass(frozen=True, slots=True)
class RestOfTheRectangle(Rule):
    """Show what the one object that is not a full rectangle lacks to be one.

    The other objects are full rectangles.
    """

    says = (
        "One object is no full rectangle: show just what it lacks to be one, {ink}, "
        "in a grid of the rectangle's size."
    )
    keeps = SHRINKS | ONE_INK
    ink: Ink
    """The colour of the lacking cells."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        broken = draw.blob(draw.between(3, 6), draw.between(3, 6), draw.between(6, 24))
        lacking = broken.size - np.count_nonzero(broken)
        if lacking < 2:
            return None
        masks = [broken]
        masks += [block(draw.between(1, 4), draw.between(2, 4)) for _ in range(draw.below(4))]
        colours = [draw.colour(self.ink) for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        broken = [thing for thing in scene.shapes if not thing.solid]
        if len(broken) != 1 or broken[0].height * broken[0].width == scene.grid.size:
            return None
        return np.where(broken[0].mask, np.uint8(0), np.uint8(self.ink))

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in question.shapes:
            window = question.grid[thing.box]
            if window.shape == answer.shape and not window.all():
                # Each cell is in exactly one of the two.
                is_complement = ((answer == self.ink) ^ (window == thing.colour)).all()
                return "" if is_complement else "object and answer do not add up to a rectangle"
        return "no object has the answer's size"


@final
@dataclass(frozen=True, slots=True)
class CompleteBrokenCopies(Rule):
    """Complete every broken copy of the whole object.

    The whole object is the largest group. Copies are not turned. Each still has its anchor, one cell of a
    given colour.
    """

    says = "Complete every broken copy to look like the whole object; its {anchor} cell shows where it lies."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    anchor: Seen
    """The colour of the cell that each copy still has."""

    def question(self, draw: Draw) -> Grid | None:
        # The whole object, with an anchor somewhere.
        grid = draw.ground(10, 15)
        mask = draw.blob(draw.between(2, 4), draw.between(3, 4), draw.between(6, 9))
        whole = draw.coloured(mask, draw.colours(draw.between(1, 2), self.anchor))
        anchor, *others = draw.shuffled(np.flatnonzero(mask).tolist())
        whole.flat[anchor] = self.anchor

        # The first copy stays whole. The others lose half of their cells.
        corners = draw.corners(grid, [mask.shape] * draw.between(2, 4))
        if corners is None:
            return None
        for number, (top, left) in enumerate(corners):
            copy = whole.copy()
            if number > 0:
                copy.flat[draw.some(others, (len(others) + 1) // 2)] = 0
            stamp(grid, copy, top, left)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        # The whole object, and the place of its anchor.
        whole = most(scene.groups, lambda group: group.size)
        if whole is None or scene.counts[self.anchor] < 2:
            return None
        pixels = cut(scene, whole)
        anchors = np.argwhere(pixels == self.anchor).tolist()
        if len(anchors) != 1:
            return None
        anchor_row, anchor_column = anchors[0]

        # A copy at every anchor. It must be in the grid and may add cells, not change them.
        height, width = pixels.shape
        grid = scene.copy()
        for row, column in np.argwhere(scene.grid == self.anchor).tolist():
            top, left = row - anchor_row, column - anchor_column
            window = scene.grid[max(top, 0) : top + height, max(left, 0) : left + width]
            is_outside = window.shape != pixels.shape
            if is_outside or ((window != 0) & (window != pixels)).any():
                return None
            stamp(grid, pixels, top, left)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        looks = {cut(after, group).tobytes() for group in after.groups}
        if len(looks) != 1 or len(after.groups) != question.counts[self.anchor]:
            return "the objects are not alike"
        whole = max(question.groups, key=lambda group: group.size)
        missing = len(after.groups) * whole.size - int(np.count_nonzero(question.grid))
        return changed(question, answer, missing)


@final
@dataclass(frozen=True, slots=True)
class OtherTwoSides(Rule):
    """Replace two opposite sides of each rectangle by the rest of its outline.

    The drawn sides include the corners. Each colour has one rectangle.
    """

    says = (
        "Two opposite sides of each rectangle are drawn: "
        "draw what its outline lacks, and take these two away."
    )
    keeps = SAME_SIZE | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        masks: list[Mask] = []
        for _ in range(draw.between(1, 3)):
            sides = np.zeros((draw.between(3, 6), draw.between(3, 6)), np.bool_)
            sides[0] = sides[-1] = True
            masks.append(sides if draw.chance(0.5) else sides.T)
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            sides = scene.of(colour)
            window = grid[box_of(scene.grid == colour)]
            height, width = window.shape
            if len(sides) != 2 or min(height, width) < 3:
                return None
            if not all(_is_side(side, height, width) for side in sides):
                return None
            rim = frame(height, width)
            window[rim] = np.where(window[rim] == 0, np.uint8(colour), np.uint8(0))
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer[question.grid > 0] > 0).any():
            return "a side that was drawn is still there"
        both = question.grid + answer
        if len(Scene(both).holes) != len(question.colours):
            return "old and new sides do not make closed outlines"
        for colour in question.colours:
            rows, columns = np.ptp(np.argwhere(question.grid == colour), axis=0)  # of the box, less one
            if np.count_nonzero(both == colour) != 2 * (rows + columns):
                return "old and new sides do not make the outline of the old sides' box"
        return ""


def _contradicts(window: Grid, image: Grid) -> bool:
    """Return whether two grids of one size have different colours on a cell that both colour."""
    return bool(((window != image) & (window != 0) & (image != 0)).any())


def _arm(draw: Draw, size: int, colours: list[int]) -> Grid:
    """Draw a shape, `(size, size + 1)`, whose last cell touches the figure's centre from above."""
    mask = draw.blob(size, size + 1, size + 1).copy()
    mask[-1, -1] = True
    return draw.coloured(mask, colours)


def _unpaired(places: list[int]) -> int:
    """Return the first number that occurs once."""
    return next(place for place in places if places.count(place) == 1)


def _is_side(thing: Thing, height: int, width: int) -> bool:
    """Return whether an object is a whole side of a rectangle of this size."""
    return thing.solid and (thing.height, thing.width) in ((1, width), (height, 1))
