"""Define the rules of TopBottom3D: the upper and the lower of overlapping sheets, lines or storeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal, NamedTuple, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.facts import OLD_COLOURS, RECOLOURS, SAME_SIZE, SHRINKS
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import Paint, Rule, changed
from vizbench.generators.arc.scene import Mask, Scene, parted, stamp
from vizbench.types import Grid


@final
class Box(NamedTuple):
    """Hold the place of a sheet: a full rectangle of a colour of its own."""

    top: int
    """The first row."""
    left: int
    """The first column."""
    bottom: int
    """One past the last row."""
    right: int
    """One past the last column."""


@final
@dataclass(frozen=True, slots=True)
class LowerSheetComesOnTop(Rule):
    """Exchange the order of two overlapping sheets.

    Sheets overlap in pairs. One that overlaps no other is kept.
    """

    says = "Where two sheets overlap, lay the lower one on top."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        sheets_per_pile = draw.pick(((2,), (2, 1), (2, 2)))
        return _scattered(draw, [_pile(draw, sheets) for sheets in sheets_per_pile])

    def answer(self, scene: Scene) -> Grid | None:
        sheets = _sheets(scene)
        if not sheets:
            return None
        for sheet in sheets.values():
            if len(sheet.above) > 1 or any(sheets[colour].above for colour in sheet.above):
                return None  # more than a pair
        grid = scene.copy()
        for colour, sheet in sheets.items():
            if sheet.above:
                _view(grid, sheet.box)[...] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        shared_cells = 0
        for one, other in combinations(question.colours, 2):
            shared = _intersection(_box_of(question.grid, one), _box_of(question.grid, other))
            before, after = _view(question.grid, shared), _view(answer, shared)
            if not before.size:
                continue
            shared_cells += before.size
            # The overlap had the colour of one sheet, and now has that of the other.
            colours = {*after.ravel().tolist(), int(before[0, 0])}
            if colours != {one, other} or (after == before).any():
                return "an overlap does not show the sheet that was beneath"
        return changed(question, answer, shared_cells)


@final
@dataclass(frozen=True, slots=True)
class TakeAwaySheet(Rule):
    """Remove the highest or the lowest sheet of a pile of two or more."""

    says = "Take away the sheet that lies {where} all others, and show the rest whole."
    keeps = SAME_SIZE | OLD_COLOURS
    where: Literal["on top of", "beneath"]
    """The end of the pile from which a sheet is removed."""

    def question(self, draw: Draw) -> Grid | None:
        return _scattered(draw, [_pile(draw, draw.between(2, 4))])

    def answer(self, scene: Scene) -> Grid | None:
        pile = _ordered_pile(scene)
        if len(pile) < 2:
            return None
        left = pile[1:] if self.where == "on top of" else pile[:-1]
        grid = np.zeros_like(scene.grid)
        for colour, box in reversed(left):
            _view(grid, box)[...] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        boxes = {colour: _box_of(question.grid, colour) for colour in question.colours}
        gone = [colour for colour in boxes if (answer != colour).all()]
        if len(gone) != 1:
            return "not exactly one sheet is removed"

        # A sheet beneath all others shows in none of their boxes; one on top of all fills its own box.
        colour = gone[0]
        own_box = boxes.pop(colour)
        if self.where == "beneath":
            is_right = all(colour not in _view(question.grid, box) for box in boxes.values())
        else:
            is_right = (_view(question.grid, own_box) == colour).all()
        if not is_right:
            return f"the removed sheet was not {self.where} all others"

        # All other cells are as before, and no sheet has a hole.
        is_same = (answer == question.grid)[question.grid != colour].all()
        for left, box in boxes.items():
            if not is_same or _box_of(answer, left) != box or not _view(answer, box).all():
                return "another sheet is not whole, or has moved"
        return ""


@final
@dataclass(frozen=True, slots=True)
class TakeLinesByLayer(Rule):
    """Remove the lines that are over, or beneath, all lines that they cross.

    Lines run from edge to edge. One that is over a line and beneath another is kept.
    """

    says = "Take away the lines that run {where} all lines that they cross."
    keeps = SAME_SIZE | OLD_COLOURS
    where: Literal["beneath", "over"]
    """The layer of the lines that are removed."""

    def question(self, draw: Draw) -> Grid | None:
        is_vertical_over = draw.mixed(2, 4)
        grid = _crossing_lines(draw, [is_vertical_over] * draw.between(1, 3))
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        lines = _lines(scene)
        if lines is None:
            return None
        # At each crossing exactly one line is on the layer `where`: the vertical or the horizontal one.
        crossings = scene.grid[np.ix_(lines.rows, lines.columns)]
        is_vertical_over = crossings == lines.row_between[lines.columns]
        is_vertical_there = is_vertical_over == (self.where == "over")

        # Without a line, the grid shows there what it shows between lines.
        grid = scene.copy()
        grid[:, lines.columns[is_vertical_there.all(axis=0)]] = lines.column_between[:, None]
        grid[lines.rows[(~is_vertical_there).all(axis=1)]] = lines.row_between
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        vertical_is_right = self._vertical_lines_are_right(question.grid, answer)
        if not vertical_is_right or not self._vertical_lines_are_right(question.grid.T, answer.T):
            return f"a line that runs {self.where} all others is kept, or another one is removed"
        return "" if not answer[question.grid == 0].any() else "something new is on the ground"

    def _vertical_lines_are_right(self, before: Grid, after: Grid) -> bool:
        """Return whether the right ones of the vertical lines are gone."""
        crossed_rows = np.flatnonzero(before.all(axis=1))
        for column in np.flatnonzero(before.all(axis=0)).tolist():
            # A line over all others shows in all rows; one beneath all others only between crossings.
            between_before = np.delete(before[:, column], crossed_rows)
            between_after = np.delete(after[:, column], crossed_rows)
            colour = between_before[0]
            shown = np.count_nonzero(before[:, column] == colour)
            if shown == (len(before) if self.where == "over" else len(between_before)):
                is_right = not between_after.any() and colour not in after[:, column]
            else:
                is_right = bool((between_after == between_before).all())
            if not is_right:
                return False
        return True


@final
@dataclass(frozen=True, slots=True)
class WeaveTheLines(Rule):
    """Weave lines that run from edge to edge.

    At each crossing, one of the two lines is over the other.
    """

    says = (
        "Weave the lines: over and under alternate along each, "
        "and at the top left crossing the {first} one is over."
    )
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    first: Literal["horizontal", "vertical"]
    """The line that is over at the top left crossing."""

    def question(self, draw: Draw) -> Grid | None:
        horizontal, vertical = draw.between(2, 4), draw.between(2, 4)
        is_vertical_over = [[draw.chance(0.5) for _ in range(vertical)] for _ in range(horizontal)]
        return _crossing_lines(draw, is_vertical_over)

    def answer(self, scene: Scene) -> Grid | None:
        lines = _lines(scene)
        if lines is None:
            return None
        # A chessboard of crossings, odd or even ones with the vertical line over.
        place = np.arange(len(lines.rows))[:, None] + np.arange(len(lines.columns))
        is_vertical_over = place % 2 == (1 if self.first == "horizontal" else 0)
        vertical_colours = lines.row_between[lines.columns]
        horizontal_colours = lines.column_between[lines.rows, None]
        grid = scene.copy()
        grid[np.ix_(lines.rows, lines.columns)] = np.where(
            is_vertical_over, vertical_colours, horizontal_colours
        )
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rows = np.flatnonzero(question.grid.all(axis=1)).tolist()
        columns = np.flatnonzero(question.grid.all(axis=0)).tolist()
        uncrossed = next(k for k in range(question.width) if k not in columns)
        changed_cells = 0
        for i, row in enumerate(rows):
            colour = int(question.grid[row, uncrossed])
            for j, column in enumerate(columns):
                is_first_over = (i + j) % 2 == 0
                is_horizontal_over = is_first_over == (self.first == "horizontal")
                if (int(answer[row, column]) == colour) != is_horizontal_over:
                    return "over and under do not alternate"
                if (int(question.grid[row, column]) == colour) != is_horizontal_over:
                    changed_cells += 1
        return changed(question, answer, changed_cells)


@final
@dataclass(frozen=True, slots=True)
class SlideOffTheOther(Rule):
    """Slide the upper of two sheets off the lower one.

    It ends up right next to the rows or columns of the lower sheet.
    """

    says = "Slide the upper sheet {way} until it hides nothing of the lower one."
    keeps = SAME_SIZE | OLD_COLOURS
    way: Literal["up", "down", "left", "right"]
    """The direction of the slide."""

    def question(self, draw: Draw) -> Grid | None:
        return _scattered(draw, [_pile(draw, 2)])

    def answer(self, scene: Scene) -> Grid | None:
        pile = _ordered_pile(scene)
        if len(pile) != 2:
            return None
        (_, upper), (lower_colour, lower) = pile
        top, left = upper.top, upper.left
        if self.way == "up":
            top = lower.top - (upper.bottom - upper.top)
        elif self.way == "down":
            top = lower.bottom
        elif self.way == "left":
            left = lower.left - (upper.right - upper.left)
        else:
            left = lower.right
        grid = np.zeros_like(scene.grid)
        _view(grid, lower)[...] = lower_colour
        return grid if stamp(grid, _view(scene.grid, upper), top, left) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        boxes = {colour: _box_of(question.grid, colour) for colour in question.colours}
        # The lower sheet does not fill its box.
        lower_colour, upper_colour = sorted(
            boxes, key=lambda colour: (_view(question.grid, boxes[colour]) == colour).all()
        )
        lower, old, new = boxes[lower_colour], boxes[upper_colour], _box_of(answer, upper_colour)

        if self.way in ("up", "down"):
            in_lane = (new.left, new.right) == (old.left, old.right)
            touches = new.bottom == lower.top if self.way == "up" else new.top == lower.bottom
        else:
            in_lane = (new.top, new.bottom) == (old.top, old.bottom)
            touches = new.right == lower.left if self.way == "left" else new.left == lower.right
        if not in_lane or not touches:
            return "the upper sheet moved too far, not far enough, or sideways"

        is_lower_whole = (_view(answer, lower) == lower_colour).all()
        is_upper_whole = (_view(answer, new) == upper_colour).all()
        cells = question.counts[upper_colour] + _view(answer, lower).size
        if not is_lower_whole or not is_upper_whole or np.count_nonzero(answer) != cells:
            return "a sheet is not whole, or there is something else"
        return ""


@final
@dataclass(frozen=True, slots=True)
class RecolourByLayer(Rule):
    """Recolour sheets by their place in a pile.

    The middle sheet of a pile of three is both on another sheet and beneath another.
    """

    says = "Recolour {ink} every sheet that {lies}."
    keeps = SAME_SIZE | RECOLOURS
    lies: Literal["lies on another", "lies beneath another", "overlaps no other"]
    """The place of the sheets that change."""
    ink: Paint
    """Their new colour."""

    def question(self, draw: Draw) -> Grid | None:
        sheets_per_pile = draw.pick(((2, 1), (2, 1, 1), (2, 2, 1), (3, 1)))
        return _scattered(draw, [_pile(draw, sheets) for sheets in sheets_per_pile], self.ink)

    def answer(self, scene: Scene) -> Grid | None:
        sheets = _sheets(scene)
        if self.ink in sheets or not sheets:
            return None
        beneath = {colour for colour, sheet in sheets.items() if sheet.above}
        on_another = {colour for sheet in sheets.values() for colour in sheet.above}
        if self.lies == "lies on another":
            chosen = on_another
        elif self.lies == "lies beneath another":
            chosen = beneath
        else:
            chosen = sheets.keys() - beneath - on_another
        return np.where(np.isin(scene.grid, [*chosen]), np.uint8(self.ink), scene.grid)

    def fault(self, question: Scene, answer: Grid) -> str:
        inked_cells = 0
        boxes = {colour: _box_of(question.grid, colour) for colour in question.colours}
        for colour, box in boxes.items():
            # A sheet shows in its own box, and in the boxes of sheets beneath it.
            is_beneath = bool((_view(question.grid, box) != colour).any())
            is_on_another = sum(colour in _view(question.grid, other) for other in boxes.values()) > 1
            if self.lies == "lies on another":
                is_chosen = is_on_another
            elif self.lies == "lies beneath another":
                is_chosen = is_beneath
            else:
                is_chosen = not is_on_another and not is_beneath
            if is_chosen:
                inked_cells += question.counts[colour]
            if ((answer[question.grid == colour] == self.ink) != is_chosen).any():
                return "a sheet has the new colour and should not, or does not have it and should"
        return changed(question, answer, inked_cells)


@final
@dataclass(frozen=True, slots=True)
class RepaintThePyramid(Rule):
    """Permute the colours of a pyramid's storeys, seen from above.

    There are three storeys or more. Each is on a larger one, and shows on all sides of the next.
    """

    says = "A pyramid of storeys, the smallest on top: {change}."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    change: Literal[
        "reverse the order of their colours",
        "each takes the colour of the storey below it, and the lowest that of the top",
        "each takes the colour of the storey on it, and the top that of the lowest",
    ]
    """How the colours change places."""

    def question(self, draw: Draw) -> Grid | None:
        # From the top storey down, each one or two cells larger on every side.
        storeys = [Box(0, 0, draw.between(1, 2), draw.between(1, 3))]
        for _ in range(draw.between(2, 4)):
            margins = [2 if draw.chance(0.2) else 1 for _ in range(4)]
            upper = storeys[-1]
            storeys.append(
                Box(
                    upper.top - margins[0],
                    upper.left - margins[1],
                    upper.bottom + margins[2],
                    upper.right + margins[3],
                )
            )
        return _scattered(draw, [storeys[::-1]])

    def answer(self, scene: Scene) -> Grid | None:
        pile = _ordered_pile(scene)
        if len(pile) < 3:
            return None
        for (_, upper), (_, lower) in pairwise(pile):
            if _intersection(upper, lower) != upper:
                return None

        # From the top down.
        colours = [colour for colour, _ in pile]
        if "reverse" in self.change:
            new = colours[::-1]
        elif "below" in self.change:
            new = [*colours[1:], colours[0]]
        else:
            new = [colours[-1], *colours[:-1]]
        new_colours = np.zeros(10, np.uint8)
        new_colours[colours] = new
        return new_colours[scene.grid]

    def fault(self, question: Scene, answer: Grid) -> str:
        # From the top down. The change is undone, which must give the old colours.
        before = sorted(question.colours, key=lambda colour: -_box_of(question.grid, colour).top)
        after = [{*answer[question.grid == colour].tolist()} for colour in before]
        if "reverse" in self.change:
            undone = after[::-1]
        elif "below" in self.change:
            undone = [after[-1], *after[:-1]]
        else:
            undone = [*after[1:], after[0]]
        if undone != [{colour} for colour in before]:
            return "a storey has the wrong colour"
        return ""


@final
@dataclass(frozen=True, slots=True)
class LayHalfOver(Rule):
    """Lay one half of the grid over the other.

    A line in the middle divides the grid. Ground lets through what is beneath.
    """

    says = "A line parts the grid: lay the {half} half over the other one."
    keeps = SHRINKS | OLD_COLOURS
    half: Literal["left", "right", "top", "bottom"]
    """The half that is laid over the other."""

    def question(self, draw: Draw) -> Grid | None:
        height, width = draw.between(3, 7), draw.between(3, 7)
        left_colour, right_colour, line_colour = draw.colours(3)
        cells = height * width * 2 // 5
        left, right = draw.blob(height, width, cells), draw.blob(height, width, cells)
        # Some cells must be coloured in both halves, and some in only one of them.
        for part in (left & right, left & ~right, right & ~left):
            if np.count_nonzero(part) < 2:
                return None
        grid = np.full((height, 2 * width + 1), line_colour, np.uint8)
        grid[:, :width] = left * np.uint8(left_colour)
        grid[:, width + 1 :] = right * np.uint8(right_colour)
        return grid if self._is_left_right() else np.ascontiguousarray(np.rot90(grid))

    def answer(self, scene: Scene) -> Grid | None:
        halves = parted(scene.grid if self._is_left_right() else scene.grid.T)
        if halves is None:
            return None
        first, second = halves
        upper, lower = (first, second) if self.half in ("left", "top") else (second, first)
        laid = np.where(upper != 0, upper, lower)
        return laid if self._is_left_right() else np.ascontiguousarray(laid.T)

    def fault(self, question: Scene, answer: Grid) -> str:
        height, width = answer.shape
        whole = (height, 2 * width + 1) if self._is_left_right() else (2 * height + 1, width)
        if question.grid.shape != whole:
            return "the answer is not as large as a half"
        first, second = question.grid[:height, :width], question.grid[-height:, -width:]
        upper, lower = (first, second) if self.half in ("left", "top") else (second, first)
        is_coloured = upper != 0
        if (answer != upper)[is_coloured].any() or (answer != lower)[~is_coloured].any():
            return f"a cell shows neither the {self.half} half nor what is visible through it"
        return ""

    def _is_left_right(self) -> bool:
        """Return whether the halves are side by side."""
        return self.half in ("left", "right")


@final
@dataclass(frozen=True, slots=True)
class _Lines:
    """Hold the horizontal and the vertical lines of a grid."""

    rows: npt.NDArray[np.intp]
    """The rows of the horizontal lines."""
    columns: npt.NDArray[np.intp]
    """The columns of the vertical lines."""
    row_between: Grid
    """A row without a line, `(w,)`: shows the colours of the vertical lines at their columns."""
    column_between: Grid
    """A column without a line, `(h,)`: shows the colours of the horizontal lines at their rows."""


def _lines(scene: Scene) -> _Lines | None:
    """Return the lines from edge to edge; None if one direction has no line, or nothing but lines."""
    is_row_full, is_column_full = np.all(scene.grid, axis=1), np.all(scene.grid, axis=0)
    rows, columns = np.flatnonzero(is_row_full), np.flatnonzero(is_column_full)
    if not 0 < len(rows) < scene.height or not 0 < len(columns) < scene.width:
        return None
    row_between = scene.grid[np.argmin(is_row_full)]
    column_between = scene.grid[:, np.argmin(is_column_full)]
    return _Lines(rows, columns, row_between, column_between)


def _crossing_lines(draw: Draw, is_vertical_over: Sequence[Sequence[bool]]) -> Grid:
    """Draw lines of two colours, one per direction, or all of different colours.

    is_vertical_over: for each horizontal line and each vertical one, which is on top.
    """
    horizontal, vertical = len(is_vertical_over), len(is_vertical_over[0])
    rows, columns = _line_places(draw, horizontal), _line_places(draw, vertical)
    height, width = int(rows[-1]) + draw.between(2, 3), int(columns[-1]) + draw.between(2, 3)
    if draw.chance(0.5):
        colours = draw.colours(horizontal + vertical)
    else:
        row_colour, column_colour = draw.colours(2)
        colours = [row_colour] * horizontal + [column_colour] * vertical
    row_colours = np.array(colours[:horizontal], np.uint8)[:, None]
    column_colours = np.array(colours[horizontal:], np.uint8)

    grid = np.zeros((height, width), np.uint8)
    grid[rows] = row_colours
    grid[:, columns] = column_colours
    on_top: Mask = np.array(is_vertical_over)
    grid[np.ix_(rows, columns)] = np.where(on_top, column_colours, row_colours)
    return grid


def _line_places(draw: Draw, lines: int) -> npt.NDArray[np.int64]:
    """Draw the rows of parallel lines, one or two cells of ground between them."""
    return np.cumsum([draw.between(1, 2), *(draw.between(2, 3) for _ in range(lines - 1))])


@final
@dataclass(frozen=True, slots=True)
class _Sheet:
    """Hold a sheet of a scene."""

    box: Box
    """Its place."""
    above: frozenset[int]
    """The colours of the sheets that hide some of it."""


def _sheets(scene: Scene) -> dict[int, _Sheet]:
    """Return the sheets of a scene by colour; {} if the box of a colour shows ground, or if there are many.

    A sheet of which only separate parts are seen is put together.
    """
    if len(scene.shapes) > 40:
        return {}
    boxes: dict[int, Box] = {}
    for part in scene.shapes:
        own = Box(part.top, part.left, part.bottom, part.right)
        boxes[part.colour] = _span([own, boxes.get(part.colour, own)])
    sheets: dict[int, _Sheet] = {}
    for colour, box in boxes.items():
        shown = {*_view(scene.grid, box).ravel().tolist()}
        if 0 in shown:
            return {}
        sheets[colour] = _Sheet(box, frozenset(shown - {colour}))
    return sheets


def _ordered_pile(scene: Scene) -> list[tuple[int, Box]]:
    """Return colours and boxes of a pile of sheets, the topmost first; [] if two could change places."""
    sheets = _sheets(scene)
    order: list[int] = []
    while len(order) < len(sheets):
        # The next sheet is hidden only by those already in the order.
        free: list[int] = []
        for colour, sheet in sheets.items():
            if colour not in order and sheet.above <= {*order}:
                free.append(colour)
        if len(free) != 1:
            return []
        order += free
    return [(colour, sheets[colour].box) for colour in order]


def _pile(draw: Draw, count: int) -> list[Box]:
    """Draw a pile of sheets, the lowest first.

    Each is partly on the one before, and hides none of its four sides completely.
    """
    boxes = [Box(0, 0, draw.between(3, 6), draw.between(3, 6))]
    while len(boxes) < count:
        below = boxes[-1]
        height, width = draw.between(2, 6), draw.between(2, 6)
        top = draw.between(below.top - height + 1, below.bottom - 1)
        left = draw.between(below.left - width + 1, below.right - 1)
        box = Box(top, left, top + height, left + width)

        over_top, over_bottom = box.top <= below.top, box.bottom >= below.bottom
        over_left, over_right = box.left <= below.left, box.right >= below.right
        hides_row = over_left and over_right and (over_top or over_bottom)
        hides_column = over_top and over_bottom and (over_left or over_right)
        is_within = _intersection(box, below) == box
        if not hides_row and not hides_column and not is_within:
            boxes.append(box)
    return boxes


def _scattered(draw: Draw, piles: Sequence[Sequence[Box]], *without: int) -> Grid | None:
    """Draw a grid with piles of sheets, the lowest first, all of different colours.

    Returns None if the piles do not fit, or if the size of a sheet cannot be seen.
    without: colours that are not used.
    """
    grid = draw.ground(10, 15)
    colours = draw.colours(sum(map(len, piles)), *without)
    spans = [_span(pile) for pile in piles]
    corners = draw.corners(grid, [(span.bottom - span.top, span.right - span.left) for span in spans])
    if corners is None:
        return None

    # Lay the sheets down, the lowest first.
    laid: dict[int, Box] = {}
    for pile, span, (top, left) in zip(piles, spans, corners, strict=True):
        down, right = top - span.top, left - span.left
        for box, colour in zip(pile, colours[len(laid) :], strict=False):
            moved = Box(box.top + down, box.left + right, box.bottom + down, box.right + right)
            _view(grid, moved)[...] = colour
            laid[colour] = moved

    seen = {colour: sheet.box for colour, sheet in _sheets(Scene(grid)).items()}
    return grid if seen == laid else None


def _box_of(grid: Grid, colour: int) -> Box:
    """Return the box around all cells of a colour; an empty box if there is none."""
    rows, columns = np.nonzero(grid == colour)
    if not len(rows):
        return Box(0, 0, 0, 0)
    return Box(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)


def _span(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around these."""
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return Box(min(tops), min(lefts), max(bottoms), max(rights))


def _intersection(a: Box, b: Box) -> Box:
    """Return what two boxes have in common; its view is empty if that is nothing."""
    return Box(max(a.top, b.top), max(a.left, b.left), min(a.bottom, b.bottom), min(a.right, b.right))


def _view(grid: Grid, box: Box) -> Grid:
    """Return a view of a box of the grid."""
    return grid[box.top : box.bottom, box.left : box.right]
