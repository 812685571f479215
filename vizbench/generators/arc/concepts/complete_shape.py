"""Complete shape: what is broken off, left out or lies elsewhere, put where it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, REARRANGES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Ink, Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Mask, Scene, box_of, cut, most, move, stamp
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class CompleteOutlines(Rule):
    """The outline runs around the box of a colour's cells; colours with a cell inside their box have none."""

    says = "Complete the broken outline of each rectangle, in its own colour."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 16)
        masks: list[Mask] = []
        for _ in range(draw.between(1, 3)):
            rim = np.array(frame(draw.between(4, 7), draw.between(4, 7)))
            places = np.flatnonzero(rim)
            rim.flat[places[draw.some(range(len(places)), len(places) * draw.between(3, 6) // 10)]] = False
            if not (rim[0].any() and rim[-1].any() and rim[:, 0].any() and rim[:, -1].any()):
                return None
            masks.append(rim)
        return grid if draw.scatter(grid, masks, draw.colours(len(masks))) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            window = grid[box_of(scene.grid == colour)]
            if min(window.shape) >= 3 and not (window[1:-1, 1:-1] == colour).any():
                np.copyto(window, np.uint8(colour), where=frame(*window.shape) & (window == 0))
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if len(Scene(answer).holes) != len(question.colours):
            return "the outlines are not closed, or not all"
        around = 0
        for colour in question.colours:
            tall, wide = np.ptp(np.argwhere(question.grid == colour), axis=0)
            around += 2 * (tall + wide)
            if np.count_nonzero(answer == colour) != 2 * (tall + wide):
                return "a colour has not as many cells as an outline of its box"
        return changed(question, answer, around - int(np.count_nonzero(question.grid)))


@final
@dataclass(frozen=True, slots=True)
class CompleteMirrorImage(Rule):
    """All ink is one object; no cell is missing at both of two mirrored places, and its box is whole."""

    says = "Complete the broken object so that its {halves} are mirror images."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    halves: Literal["left and right half", "upper and lower half"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        half = draw.coloured(
            draw.blob(draw.between(4, 8), draw.between(2, 4), draw.between(8, 16)), draw.colours(3)
        )
        whole = np.hstack([half, half[:, ::-1][:, draw.below(2) :]])
        cells = np.argwhere(half)
        for k in draw.some(range(len(cells)), draw.between(3, 6)):
            row, column = cells[k]
            whole[row, column if draw.chance(0.5) else whole.shape[1] - 1 - column] = 0
        if box_of(whole != 0) != (slice(0, whole.shape[0]), slice(0, whole.shape[1])):
            return None
        stamp(
            grid,
            whole,
            draw.below(grid.shape[0] - whole.shape[0] + 1),
            draw.below(grid.shape[1] - whole.shape[1] + 1),
        )
        return grid if self.halves.startswith("left") else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.colours:
            return None
        grid = scene.copy()
        window = grid[box_of(grid != 0)]
        mirrored = window[:, ::-1].copy() if self.halves.startswith("left") else window[::-1].copy()
        if ((window != mirrored) & (window != 0) & (mirrored != 0)).any():
            return None
        np.copyto(window, mirrored, where=window == 0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        axis = int(self.halves.startswith("left"))
        box = box_of(answer != 0)
        window, before = answer[box], question.grid[box]
        if not np.array_equal(window, np.flip(window, axis)):
            return "the halves are not mirror images"
        return changed(question, answer, int(np.count_nonzero(before != np.flip(before, axis))) // 2)


@final
@dataclass(frozen=True, slots=True)
class CompleteByTurning(Rule):
    """Turned cells may not meet others of another colour, nor leave the grid."""

    says = "Complete the figure: {turns} around its one {centre} cell do not change it."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    turns: Literal["quarter turns", "half turns"]
    centre: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        arm = draw.between(2, 4)
        colours = draw.colours(draw.between(1, 2), self.centre)
        first, second = (_arm(draw, arm, colours) for _ in range(2))
        arms = (first, second, first, second) if self.turns == "half turns" else (first,) * 4
        figure = np.zeros((2 * arm + 1, 2 * arm + 1), np.uint8)
        shown = {0, 1 if self.turns == "half turns" else 0, *draw.some(range(4), draw.below(3))}
        if len(shown) == 4:
            return None
        for k in shown:  # blocks of arm rows and arm + 1 columns tile the square like a windmill
            np.rot90(figure, -k)[:arm, : arm + 1] = arms[k]
        figure[arm, arm] = self.centre
        free = [side - 2 * arm - 1 for side in grid.shape]
        return grid if stamp(grid, figure, draw.between(0, free[0]), draw.between(0, free[1])) else None

    def answer(self, scene: Scene) -> Grid | None:
        if scene.counts[self.centre] != 1:
            return None
        row, column = divmod(int(np.argmax(scene.grid == self.centre)), scene.width)
        rows, columns = box_of(scene.grid != 0)
        far = max(row - rows.start, rows.stop - 1 - row, column - columns.start, columns.stop - 1 - column)
        if min(row, column) < far or row + far >= scene.height or column + far >= scene.width:
            return None
        grid = scene.copy()
        window = grid[row - far : row + far + 1, column - far : column + far + 1]
        before = window.copy()
        for k in (2,) if self.turns == "half turns" else (1, 2, 3):
            turned = np.rot90(before, k)
            if ((window != turned) & (window != 0) & (turned != 0)).any():
                return None
            np.copyto(window, turned, where=window == 0)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        centre = np.argwhere(question.grid == self.centre)[0]
        cells: dict[tuple[int, int], int] = {}
        for row, column in np.argwhere(answer) - centre:
            cells[int(row), int(column)] = int(answer[row + centre[0], column + centre[1]])
        quarter = self.turns == "quarter turns"
        for (row, column), colour in cells.items():
            if cells.get((column, -row) if quarter else (-row, -column)) != colour:
                return "a turn changes the figure"
        marked = np.argwhere(question.grid) - centre
        orbits = {max((y, x), (-y, -x), *([(x, -y), (-x, y)] if quarter else [])) for y, x in marked.tolist()}
        return changed(question, answer, (len(orbits) - 1) * (4 if quarter else 2) + 1 - len(marked))


@final
@dataclass(frozen=True, slots=True)
class FourthCorner(Rule):
    """Each colour has single cells alone: three corners of an upright rectangle, or all four."""

    says = "Put one {ink} cell on the fourth corner of every rectangle of which three corners are marked in one colour."
    keeps = SAME_SIZE | ADDS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 14)
        masks: list[Mask] = []
        for k in range(draw.between(2, 3)):
            mask = np.zeros((draw.between(3, 6), draw.between(3, 6)), np.bool_)
            mask[0, 0] = mask[0, -1] = mask[-1, 0] = mask[-1, -1] = True
            if not k or draw.chance(0.6):
                mask[draw.pick((0, -1)), draw.pick((0, -1))] = False
            masks.append(mask)
        return grid if draw.scatter(grid, masks, draw.colours(len(masks), self.ink)) else None

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for colour in scene.colours:
            dots = scene.of(colour) if scene.counts[colour] == 3 else ()
            rows, columns = [dot.top for dot in dots], [dot.left for dot in dots]
            if len(dots) == 3 and len(set(rows)) == len(set(columns)) == 2:
                row, column = (next(k for k in places if places.count(k) == 1) for places in (rows, columns))
                if not grid[row, column]:
                    grid[row, column] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        new = np.argwhere(answer != question.grid).tolist()
        lacking = [colour for colour in question.colours if question.counts[colour] == 3]
        for colour in lacking:
            corners = np.argwhere(question.grid == colour).tolist()
            sums = [np.bitwise_xor.reduce([*corners, place]) for place in new]  # rows and columns pair off
            if not any((total == 0).all() for total in sums):
                return "three corners have no fourth"
        return changed(question, answer, len(lacking))


@final
@dataclass(frozen=True, slots=True)
class FitThePiece(Rule):
    """The block is the largest object, its gap all that its box lacks; pieces are not turned."""

    says = "Move the piece that fits into the block's gap, so that the block is a full rectangle."
    keeps = SAME_SIZE | REARRANGES | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 15)
        pieces = [draw.blob(draw.between(2, 3), draw.between(2, 3), 3) for _ in range(draw.between(2, 4))]
        h, w = pieces[0].shape
        whole = np.ones((h + draw.between(1, 3), w + draw.between(2, 4)), np.bool_)
        left = draw.between(1, whole.shape[1] - w - 1)
        whole[:h, left : left + w][pieces[0]] = False
        masks = [whole, *pieces]
        if not draw.scatter(grid, masks, draw.colours(len(masks))):
            return None
        return np.ascontiguousarray(np.rot90(grid, draw.below(4)))

    def answer(self, scene: Scene) -> Grid | None:
        whole = most(scene.shapes, lambda thing: thing.size)
        if whole is None or whole.solid or scene.grid[whole.box][~whole.mask].any():
            return None
        gap = ~whole.mask
        rows, columns = box_of(gap)
        form = columns.stop - columns.start, gap[rows, columns].tobytes()
        fits = [thing for thing in scene.shapes if thing.form == form]
        grid = scene.copy()
        if len(fits) != 1:
            return None
        piece, top, left = fits[0], whole.top + rows.start, whole.left + columns.start
        return grid if move(grid, scene, piece, top - piece.top, left - piece.left) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        whole = max(question.shapes, key=lambda thing: thing.size)
        filled = Scene(answer)
        if not answer[whole.box].all() or len(filled.groups) != len(question.groups) - 1:
            return "the block is not full, or other pieces are not as they were"
        if np.unique(answer[whole.box]).size != 2:
            return "the gap is filled with several pieces"
        return changed(question, answer, 2 * (whole.height * whole.width - whole.size))


@final
@dataclass(frozen=True, slots=True)
class RestOfTheRectangle(Rule):
    """The other objects are full rectangles."""

    says = "One object is no full rectangle: show just what it lacks to be one, {ink}, in a grid of the rectangle's size."
    keeps = SHRINKS | ONE_INK
    ink: Ink

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        broken = draw.blob(draw.between(3, 6), draw.between(3, 6), draw.between(6, 24))
        if broken.size < np.count_nonzero(broken) + 2:
            return None
        masks = [broken, *(block(draw.between(1, 4), draw.between(2, 4)) for _ in range(draw.below(4)))]
        return grid if draw.scatter(grid, masks, [draw.colour(self.ink) for _ in masks]) else None

    def answer(self, scene: Scene) -> Grid | None:
        broken = [thing for thing in scene.shapes if not thing.solid]
        if len(broken) != 1 or broken[0].height * broken[0].width == scene.grid.size:
            return None
        return np.where(broken[0].mask, np.uint8(0), np.uint8(self.ink))

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in question.shapes:
            window = question.grid[thing.box]
            if window.shape == answer.shape and not window.all():
                both = (answer == self.ink) ^ (window == thing.colour)
                return "" if both.all() else "object and answer do not add up to a rectangle"
        return "no object has the answer's size"


@final
@dataclass(frozen=True, slots=True)
class CompleteBrokenCopies(Rule):
    """The whole object is the largest group; copies lie as it does, and one {anchor} cell of each is left."""

    says = "Complete every broken copy to look like the whole object; its {anchor} cell shows where it lies."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    anchor: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 15)
        mask = draw.blob(draw.between(2, 4), draw.between(3, 4), draw.between(6, 9))
        whole = draw.coloured(mask, draw.colours(draw.between(1, 2), self.anchor))
        places = draw.shuffled(np.flatnonzero(mask).tolist())
        whole.flat[places[0]] = self.anchor
        corners = draw.corners(grid, [mask.shape] * draw.between(2, 4))
        if corners is None:
            return None
        for k, (top, left) in enumerate(corners):
            broken = whole.copy()
            broken.flat[draw.some(places[1:], len(places) // 2) if k else []] = 0
            stamp(grid, broken, top, left)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        whole = most(scene.groups, lambda group: group.size)
        if whole is None or scene.counts[self.anchor] < 2:
            return None
        pixels = cut(scene, whole)
        at = np.argwhere(pixels == self.anchor).tolist()
        if len(at) != 1:
            return None
        (down, right), (h, w) = at[0], pixels.shape
        grid = scene.copy()
        for row, column in np.argwhere(scene.grid == self.anchor).tolist():
            top, left = row - down, column - right
            under = scene.grid[max(top, 0) : top + h, max(left, 0) : left + w]
            if under.shape != pixels.shape or ((under != 0) & (under != pixels)).any():
                return None
            stamp(grid, pixels, top, left)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        after = Scene(answer)
        looks = {cut(after, group).tobytes() for group in after.groups}
        if len(looks) != 1 or len(after.groups) != question.counts[self.anchor]:
            return "the objects are not alike"
        whole = max(question.groups, key=lambda group: group.size)
        return changed(
            question, answer, len(after.groups) * whole.size - int(np.count_nonzero(question.grid))
        )


@final
@dataclass(frozen=True, slots=True)
class OtherTwoSides(Rule):
    """The sides drawn hold the corners; each colour has one rectangle."""

    says = "Two opposite sides of each rectangle are drawn: draw what its outline lacks, and take these two away."
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
            if len(sides) != 2 or min(window.shape) < 3:
                return None
            if any(
                not side.solid or (side.height, side.width) not in _sides(*window.shape) for side in sides
            ):
                return None
            rim = frame(*window.shape)
            window[rim] = np.where(window[rim] == 0, np.uint8(colour), np.uint8(0))
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        if (answer[question.grid > 0] > 0).any():
            return "a side that was drawn is still there"
        both = question.grid + answer
        if len(Scene(both).holes) != len(question.colours):
            return "old and new sides make no closed outlines"
        for colour in question.colours:
            tall, wide = np.ptp(np.argwhere(question.grid == colour), axis=0)
            if np.count_nonzero(both == colour) != 2 * (tall + wide):
                return "old and new sides make no outline of the old sides' box"
        return ""


def _arm(draw: Draw, arm: int, colours: list[int]) -> Grid:
    """A shape whose last cell touches the figure's centre from above."""
    mask = draw.blob(arm, arm + 1, arm + 1).copy()
    mask[-1, -1] = True
    return draw.coloured(mask, colours)


def _sides(h: int, w: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Heights and widths of a rectangle's sides."""
    return (1, w), (h, 1)
