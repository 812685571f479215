"""Define the rules of SameDifferent: objects that share shape, colour, direction or core, and others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, RECOLOURS, REMOVES, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw, block
from vizbench.generators.arc.rule import Ink, Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, Thing, drop, keep, paint, parted, present_exactly_if
from vizbench.types import Grid

Deed: TypeAlias = Literal["Keep only", "Take away"]
"""What happens to the chosen objects."""


@final
@dataclass(frozen=True, slots=True)
class SharedTrait(Rule):
    """Keep or remove the objects that share a trait with another object.

    The other trait is shared by other objects, or by none.
    """

    says = "{deed} the objects whose {trait} another object has too."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Deed
    """What happens to objects that share the trait."""
    trait: Literal["shape", "colour"]
    """The trait that is compared."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 13)
        # Objects with one number share the trait. The other trait is drawn freely, but must not agree.
        groups = draw.pick(((0, 0, 1), (0, 0, 1, 2), (0, 0, 0, 1), (0, 0, 1, 1, 2), (0, 0, 0, 1, 2)))
        distraction = [draw.below(3) for _ in groups]
        if _is_repeated(groups) == _is_repeated(distraction):
            return None
        forms = [draw.blob(h, w, h * w // 2 + 1) for h, w in draw.some(_DISTINCT_BOXES, 3)]
        colours = draw.colours(3)
        form_of, colour_of = (groups, distraction) if self.trait == "shape" else (distraction, groups)
        masks, inks = [forms[k] for k in form_of], [colours[k] for k in colour_of]
        return grid if draw.scatter(grid, masks, inks) else None

    def answer(self, scene: Scene) -> Grid | None:
        if not 3 <= len(scene.shapes) <= 20:
            return None
        if self.trait == "colour":
            is_shared = _is_repeated([thing.colour for thing in scene.shapes])
        else:
            is_shared = _is_repeated([thing.form for thing in scene.shapes])
        return _keep_or_take_away(scene, self.deed, is_shared)

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in question.shapes:
            if self.trait == "colour":
                alike = len(question.of(thing.colour))
            else:
                alike = sum(np.array_equal(other.mask, thing.mask) for other in question.shapes)
            is_kept = (alike > 1) == (self.deed == "Keep only")
            if not present_exactly_if(answer, thing, is_kept):
                return "an object is removed that should be kept, or is kept that should be removed"
        return ""


@final
@dataclass(frozen=True, slots=True)
class LinesTheSameWay(Rule):
    """Keep or remove the lines that are parallel to another line.

    Lines are one cell thick, of two cells or more, along rows, columns or one of the two diagonals.
    """

    says = "{deed} the lines that run the same way as another line."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Deed
    """What happens to parallel lines."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        directions = draw.some(_DIRECTIONS, 3)
        # Lines with one number are parallel.
        groups = draw.pick(((0, 0, 1), (0, 0, 1, 2), (0, 0, 0, 1), (0, 0, 1, 1, 2)))
        masks = [_stroke(directions[k], draw.between(3, 6)) for k in groups]
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        directions = [_direction(thing) for thing in scene.shapes]
        if None in directions:
            return None
        return _keep_or_take_away(scene, self.deed, _is_repeated(directions))

    def fault(self, question: Scene, answer: Grid) -> str:
        # The step from a line's first cell to its second one gives its direction.
        steps = [np.diff(np.argwhere(thing.mask)[:2], axis=0).tolist() for thing in question.shapes]
        for thing, step in zip(question.shapes, steps, strict=True):
            is_kept = (steps.count(step) > 1) == (self.deed == "Keep only")
            if not present_exactly_if(answer, thing, is_kept):
                return "a line is removed that should be kept, or is kept that should be removed"
        return ""


@final
@dataclass(frozen=True, slots=True)
class SharedCore(Rule):
    """Answer with the core colour that several blocks share.

    A block's core has the colour in the middle of its box. No other colour is a core twice.
    """

    says = "Several blocks have cores of one colour: answer with one {form} of that colour."
    keeps = SHRINKS | ONE_INK | OLD_COLOURS
    form: Literal["cell", "row of as many cells"]
    """The shape of the answer: one cell, or one per block with that core."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        alike, others = draw.between(2, 3), draw.between(1, 2)
        shared, *other_cores = draw.colours(1 + others)
        cores = [shared] * alike + other_cores
        hulls = draw.some([colour for colour in range(1, 10) if colour != shared], 2)
        sizes = [(draw.between(3, 4), draw.between(3, 4)) for _ in cores]
        corners = draw.corners(grid, sizes)
        if corners is None:
            return None
        for (top, left), (height, width), core in zip(corners, sizes, cores, strict=True):
            window = grid[top : top + height, left : left + width]
            window[:] = draw.pick([hull for hull in hulls if hull != core])
            window[1:-1, 1:-1] = core
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if any(group.colour for group in scene.groups):
            return None  # a block without a core
        blocks_by_core: Counter[int] = Counter()
        for group in scene.groups:
            row, column = group.middle
            blocks_by_core[int(scene.grid[row // 2, column // 2])] += 1
        shared = [colour for colour, blocks in blocks_by_core.items() if blocks > 1]
        if len(shared) != 1 or shared[0] == 0:
            return None
        cells = 1 if self.form == "cell" else min(blocks_by_core[shared[0]], 30)
        return np.full((1, cells), shared[0], np.uint8)

    def fault(self, question: Scene, answer: Grid) -> str:
        colour = int(answer[0, 0])
        blocks = 0
        for group in question.groups:
            core = question.grid[group.top + 1 : group.bottom - 1, group.left + 1 : group.right - 1]
            blocks += int((core == colour).all())
        if blocks < 2 or (answer != colour).any():
            return "the answer does not have the one colour that several cores share"
        cells = 1 if self.form == "cell" else blocks
        return "" if answer.shape == (1, cells) else "the answer has the wrong size"


@final
@dataclass(frozen=True, slots=True)
class CompareHalves(Rule):
    """Compare the halves of the grid cell by cell.

    The line between them runs through the grid's middle, from edge to edge.
    """

    says = "Lay the two halves beside the line on each other: the answer is {ink} where {which} a cell."
    keeps = ONE_INK | SHRINKS
    which: Literal["both have", "only one has", "neither has"]
    """How many halves have a coloured cell at a place that is painted."""
    ink: Ink
    """The colour of the answer."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = draw.between(3, 5), draw.between(3, 6)
        line_colour, *colours = draw.colours(3, self.ink)
        first, second = _noise(draw, 2 * height * width).reshape(2, height, width) > 0
        is_painted = self._compared(first, second)
        if not is_painted.any() or is_painted.all() or (first == second).all():
            return None
        if not draw.chance(0.5):
            colours = [colours[0], colours[0]]
        left, right = first * np.uint8(colours[0]), second * np.uint8(colours[1])
        line = np.full((height, 1), line_colour, np.uint8)
        grid = np.hstack([left, line, right])
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        left_right, top_bottom = parted(scene.grid), parted(scene.grid.T)
        halves = left_right or top_bottom
        if halves is None or (left_right and top_bottom):
            return None
        is_painted = self._compared(halves[0] != 0, halves[1] != 0)
        if not is_painted.any():
            return None
        if top_bottom:
            is_painted = is_painted.T  # the halves are one above the other
        return np.ascontiguousarray(is_painted * np.uint8(self.ink))

    def fault(self, question: Scene, answer: Grid) -> str:
        height, width = answer.shape
        if question.grid.shape not in ((2 * height + 1, width), (height, 2 * width + 1)):
            return "the answer is not as large as a half"
        in_first = question.grid[:height, :width] != 0
        in_second = question.grid[-height:, -width:] != 0
        halves = in_first.astype(int) + in_second
        number = ("neither has", "only one has", "both have").index(self.which)
        return "" if np.array_equal(answer, np.where(halves == number, self.ink, 0)) else "a cell is wrong"

    def _compared(self, first: Mask, second: Mask) -> Mask:
        """Return the cells that are painted."""
        if self.which == "both have":
            return first & second
        if self.which == "only one has":
            return first ^ second
        return ~(first | second)


@final
@dataclass(frozen=True, slots=True)
class NoTurnedCopy(Rule):
    """Recolour the one object that is not a turned copy of the others.

    Copies are turned by quarters, not mirrored. There are at least two of them.
    """

    says = "All objects but one are turned copies of each other: recolour that one {ink}."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint
    """The new colour of the odd object."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 14)
        height, width = draw.pick(((2, 3), (3, 3), (3, 3), (2, 4)))
        cells = height * width // 2
        copied, odd = draw.blob(height, width, cells), draw.blob(height, width, cells)
        # The turns of the copy must differ, and the odd one must not be a mirror image either.
        copied_forms = {*_turned_forms(copied)}
        odd_forms = {*_turned_forms(odd), *_turned_forms(odd[::-1])}
        if copied_forms & odd_forms or len(copied_forms) < 4:
            return None

        masks = [np.rot90(copied, turns) for turns in draw.some(range(4), draw.between(3, 4))]
        masks.append(np.rot90(odd, draw.below(4)))
        colours = [draw.colour(self.ink)] * 5 if draw.chance(0.5) else draw.colours(5, self.ink)
        return grid if draw.scatter(grid, masks, colours[: len(masks)]) else None

    def answer(self, scene: Scene) -> Grid | None:
        if not 3 <= len(scene.shapes) <= 9:
            return None
        # The least of a mask's four forms is the same for all its turned copies.
        kinds = [min(_turned_forms(thing.mask)) for thing in scene.shapes]
        is_copy = _is_repeated(kinds)
        if len({*kinds}) != 2 or is_copy.count(False) != 1:
            return None
        grid = scene.copy()
        paint(grid, scene.shapes[is_copy.index(False)], self.ink)
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        inked: list[Thing] = []
        others: list[Thing] = []
        for thing in question.shapes:
            is_inked = bool((answer[thing.box][thing.mask] == self.ink).all())
            (inked if is_inked else others).append(thing)
        if len(inked) != 1:
            return "not exactly one object is recoloured"
        forms = _turned_forms(others[0].mask)
        if inked[0].form in forms or any(other.form not in forms for other in others):
            return "the others are not copies of each other, or this one is"
        return changed(question, answer, inked[0].size)


@final
@dataclass(frozen=True, slots=True)
class LinkByLikeness(Rule):
    """Link the two figures of a row if they are the same, or if they are not.

    Each row of figures has two, side by side. The line fills the ground between them at half height.
    """

    says = "Join the two figures of a row by one {ink} line where they are {which} in shape and colour."
    keeps = SAME_SIZE | ADDS
    ink: Paint
    """The colour of the lines."""
    which: Literal["the same", "not the same"]
    """The pairs that are linked."""

    def question(self, draw: Draw) -> Grid | None:
        rows = draw.between(2, 4)
        # At least one pair is the same, and one is not.
        is_same = draw.shuffled([True, False, draw.chance(0.5), draw.chance(0.5)][:rows])
        gap, left = draw.between(2, 5), draw.below(3)
        right = left + 3 + gap
        grid = np.zeros((4 * rows - 1 + draw.below(2), right + 3 + draw.below(3)), np.uint8)

        for row, same in enumerate(is_same):
            first, other, colour = draw.blob(3, 3, 5), draw.blob(3, 3, 5), draw.colour(self.ink)
            if np.count_nonzero(first != other) < 2:
                return None  # one cell is too little to be seen
            # A pair differs in shape or in colour, never in both.
            second, second_colour = first, colour
            if not same:
                if draw.between(1, 2) == 1:
                    second = other
                else:
                    second_colour = draw.colour(self.ink, colour)
            band = grid[4 * row : 4 * row + 3]
            band[:, left : left + 3][first] = colour
            band[:, right : right + 3][second] = second_colour
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) % 2 or not 4 <= len(scene.shapes) <= 20:
            return None
        grid = scene.copy()
        for first, second in zip(scene.shapes[::2], scene.shapes[1::2], strict=True):
            is_level = first.top == second.top and first.bottom == second.bottom
            if not is_level or first.right >= second.left or first.height % 2 == 0:
                return None
            is_same = first.colour == second.colour and first.form == second.form
            if is_same == (self.which == "the same"):
                grid[first.top + first.height // 2, first.right : second.left] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        # The figures are three columns wide at both ends: the link is between them.
        columns = np.flatnonzero(question.grid.any(axis=0)).tolist()
        left, right = columns[2] + 1, columns[-3]
        linked_cells = 0
        for row in range(0, question.height - 2, 4):
            band = question.grid[row : row + 3]
            is_same = np.array_equal(band[:, left - 3 : left], band[:, right : right + 3])
            is_linked = bool((answer[row + 1, left:right] == self.ink).all())
            if is_linked != (is_same == (self.which == "the same")):
                return "a line is missing, or there is one too many"
            if is_linked:
                linked_cells += right - left
        return changed(question, answer, linked_cells)


@final
@dataclass(frozen=True, slots=True)
class SpotTheDifference(Rule):
    """Paint the cells in which one block differs from its copies.

    There are three blocks or more, and all but one are the same cell by cell.
    """

    says = "The blocks are copies but for one: paint {ink} the cells in which it differs from the others."
    keeps = SAME_SIZE | RECOLOURS
    ink: Paint
    """The colour of the cells that differ."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(10, 14)
        height, width, count = draw.between(3, 4), draw.between(3, 4), draw.between(3, 4)
        colours = draw.colours(3, self.ink)
        # The blocks have two of the colours; a cell that differs may have the third.
        block_colours = np.array(colours, np.uint8)
        tile = block_colours[_noise(draw, height * width)].reshape(height, width)
        corners = draw.corners(grid, [(height, width)] * count)
        if corners is None:
            return None
        odd = tile.copy()
        for place in draw.some(range(height * width), draw.between(1, 2)):
            odd.flat[place] = draw.pick([colour for colour in colours if colour != odd.flat[place]])
        for k, (top, left) in enumerate(corners):
            grid[top : top + height, left : left + width] = tile if k else odd
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        blocks = scene.groups
        if not 3 <= len(blocks) <= 20:
            return None
        if any(not each.solid or each.form != blocks[0].form for each in blocks):
            return None
        windows = [scene.grid[each.box] for each in blocks]
        pixels = [window.tobytes() for window in windows]
        is_copy = _is_repeated(pixels)
        if len({*pixels}) != 2 or is_copy.count(False) != 1:
            return None
        odd = is_copy.index(False)
        a_copy = windows[odd - 1]  # of the first block, this is the last one
        grid = scene.copy()
        grid[blocks[odd].box][windows[odd] != a_copy] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        windows = np.array([question.grid[group.box] for group in question.groups])
        median = np.sort(windows, axis=0)[len(windows) // 2]  # what most blocks hold
        for group, window in zip(question.groups, windows, strict=True):
            if ((answer[group.box] == self.ink) != (window != median)).any():
                return "a cell that differs is not painted, or one that does not is"
        return changed(question, answer, int(np.count_nonzero(windows != median)))


@final
@dataclass(frozen=True, slots=True)
class SameHalves(Rule):
    """Keep or remove the objects that are their own mirror image."""

    says = "{deed} the objects whose {halves} halves mirror each other."
    keeps = SAME_SIZE | REMOVES | OLD_COLOURS
    deed: Deed
    """What happens to these objects."""
    halves: Literal["left and right", "upper and lower"]
    """The halves that are compared."""

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        # The half that mirrors another one, per object.
        sides = draw.pick(
            (("left", "upper"), ("left", "upper", "none"), ("left", "left", "upper", "upper", "none"))
        )
        masks = [_mirrored(draw) if side == "left" else draw.blob(3, 3, 5) for side in sides]
        for k, side in enumerate(sides):
            if side == "upper":
                masks[k] = _mirrored(draw).T
        colours = [draw.colour() for _ in masks]
        return grid if draw.scatter(grid, masks, colours) else None

    def answer(self, scene: Scene) -> Grid | None:
        is_mirrored: list[bool] = []
        for thing in scene.shapes:
            mask = thing.mask
            flipped = mask[:, ::-1] if self.halves == "left and right" else mask[::-1]
            is_mirrored.append(mask.tobytes() == flipped.tobytes())
        return _keep_or_take_away(scene, self.deed, is_mirrored)

    def fault(self, question: Scene, answer: Grid) -> str:
        for thing in question.shapes:
            cells = [(row, column) for row, column in np.argwhere(thing.mask).tolist()]
            if self.halves == "left and right":
                mirrored = [(row, thing.width - 1 - column) for row, column in cells]
            else:
                mirrored = [(thing.height - 1 - row, column) for row, column in cells]
            is_kept = ({*mirrored} == {*cells}) == (self.deed == "Keep only")
            if not present_exactly_if(answer, thing, is_kept):
                return "an object is removed that should be kept, or is kept that should be removed"
        return ""


_DISTINCT_BOXES = ((2, 2), (2, 3), (3, 2), (3, 3), (1, 4), (4, 2))
"""Height and width of boxes in which shapes differ at a glance."""

_Direction: TypeAlias = Literal["row", "column", "falling", "rising"]
"""How a line runs; the last two are diagonals, read from the left."""

_DIRECTIONS: tuple[_Direction, ...] = ("row", "column", "falling", "rising")


def _is_repeated(values: Sequence[Hashable]) -> list[bool]:
    """Return, for each value, whether it occurs more than once."""
    counts = Counter(values)
    return [counts[value] > 1 for value in values]


def _keep_or_take_away(scene: Scene, deed: Deed, is_chosen: Sequence[bool]) -> Grid | None:
    """Return the grid with only the chosen of its shapes, or without them; None if none or all are chosen."""
    if all(is_chosen) or not any(is_chosen):
        return None
    chosen = compress(scene.shapes, is_chosen)
    return keep(scene, chosen) if deed == "Keep only" else drop(scene, chosen)


def _stroke(direction: _Direction, length: int) -> Mask:
    """Return the mask of a line."""
    if direction == "row":
        return block(1, length)
    if direction == "column":
        return block(length, 1)
    diagonal = np.eye(length, dtype=np.bool_)
    return diagonal if direction == "falling" else diagonal[::-1]


def _direction(thing: Thing) -> _Direction | None:
    """Return how a line runs; None for what is not a line of two cells or more."""
    height, width = thing.height, thing.width
    # With one cell in each row and column, a joined shape can only be a diagonal.
    if height == width == thing.size > 1:
        return "falling" if thing.mask[0, 0] else "rising"
    if min(height, width) > 1 or thing.size == 1:
        return None
    return "column" if width == 1 else "row"


def _noise(draw: Draw, cells: int) -> npt.NDArray[np.uint8]:
    """Draw at most 64 zeros and ones, equally likely, `(cells,)`."""
    return np.unpackbits(np.array([draw.key()], "<u8").view(np.uint8))[:cells]


def _turned_forms(mask: Mask) -> list[tuple[int, bytes]]:
    """Return the forms (see `Thing.form`) of a mask turned by 0 to 3 quarters."""
    forms: list[tuple[int, bytes]] = []
    for turns in range(4):
        turned = np.rot90(mask, turns)
        forms.append((turned.shape[1], turned.tobytes()))
    return forms


def _mirrored(draw: Draw) -> Mask:
    """Draw a shape whose left half mirrors its right half."""
    half = draw.blob(draw.between(3, 4), 2, 4)
    odd = draw.below(2)  # 1: the middle column is shared by both halves
    return np.hstack([half, half[:, ::-1][:, odd:]])
