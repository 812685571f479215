"""Top and bottom in depth: which of overlapping sheets, lines, storeys lies on top, and what the others
hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import OLD_COLOURS, RECOLOURS, SAME_SIZE, SHRINKS
from vizbench.generators.arc.rule import Paint, Rule, changed
from vizbench.generators.arc.scene import Scene, parted, stamp
from vizbench.types import Grid

Box: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom, right of a sheet, the last two exclusive. A sheet is a full rectangle of a colour of its
own."""


@final
@dataclass(frozen=True, slots=True)
class LowerSheetComesOnTop(Rule):
    """Sheets overlap in twos; one that overlaps none stays."""

    says = "Where two sheets overlap, lay the lower one on top."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        return _scattered(draw, [_pile(draw, n) for n in draw.pick(((2,), (2, 1), (2, 2)))])

    def answer(self, scene: Scene) -> Grid | None:
        sheets = _sheets(scene)
        if any(len(above) > 1 or any(sheets[one][1] for one in above) for _, above in sheets.values()):
            return None
        grid = scene.copy()
        for colour, (box, above) in sheets.items():
            if above:
                _view(grid, box)[...] = colour
        return grid if sheets else None

    def fault(self, question: Scene, answer: Grid) -> str:
        shared = 0
        for a, b in combinations(question.colours, 2):
            both = _shared(_box(question.grid, a), _box(question.grid, b))
            was, told = _view(question.grid, both), _view(answer, both)
            shared += was.size
            if was.size and (set(told.ravel().tolist()) | {int(was[0, 0])} != {a, b} or (told == was).any()):
                return "the sheet on top is the same as before"
        return changed(question, answer, shared)


@final
@dataclass(frozen=True, slots=True)
class TakeAwaySheet(Rule):
    """Two sheets or more, each on the next."""

    says = "Take away the sheet that lies {where} all others, and show the rest whole."
    keeps = SAME_SIZE | OLD_COLOURS
    where: Literal["on top of", "beneath"]

    def question(self, draw: Draw) -> Grid | None:
        return _scattered(draw, [_pile(draw, draw.between(2, 4))])

    def answer(self, scene: Scene) -> Grid | None:
        pile = _piled(scene)
        grid = np.zeros_like(scene.grid)
        for colour, box in (pile[1:] if self.where == "on top of" else pile[:-1])[::-1]:
            _view(grid, box)[...] = colour
        return grid if len(pile) > 1 else None

    def fault(self, question: Scene, answer: Grid) -> str:
        boxes = {colour: _box(question.grid, colour) for colour in question.colours}
        gone = [colour for colour in boxes if (answer != colour).all()]
        if len(gone) != 1:
            return "not one sheet is gone"
        own = boxes.pop(gone[0])
        beneath = all(gone[0] not in _view(question.grid, box) for box in boxes.values())
        if not (beneath if self.where == "beneath" else (_view(question.grid, own) == gone[0]).all()):
            return f"the sheet that is gone did not lie {self.where} all others"
        whole = all(_box(answer, colour) == box and _view(answer, box).all() for colour, box in boxes.items())
        same = (answer == question.grid)[question.grid != gone[0]].all()
        return "" if whole and same else "a sheet that is left is not whole, or not where it was"


@final
@dataclass(frozen=True, slots=True)
class TakeLinesByLayer(Rule):
    """Lines run from edge to edge; one that is over a line and beneath another stays."""

    says = "Take away the lines that run {where} all lines that they cross."
    keeps = SAME_SIZE | OLD_COLOURS
    where: Literal["beneath", "over"]

    def question(self, draw: Draw) -> Grid | None:
        over = draw.mixed(2, 4)
        grid = _crossing(draw, [over] * draw.between(1, 3))
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        lines = _lines(scene)
        if lines is None:
            return None
        rows, columns, row, column = lines
        goes = (scene.grid[np.ix_(rows, columns)] == row[columns]) == (self.where == "over")
        grid = scene.copy()
        grid[:, columns[goes.all(axis=0)]] = column[:, None]
        grid[rows[(~goes).all(axis=1)]] = row
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for was, told in ((question.grid, answer), (question.grid.T, answer.T)):
            crossed = np.flatnonzero(was.all(axis=1))
            for column in np.flatnonzero(was.all(axis=0)).tolist():
                line, left = (np.delete(grid[:, column], crossed) for grid in (was, told))
                gone = np.count_nonzero(was[:, column] == line[0]) == len(
                    was if self.where == "over" else line
                )
                if (left != (0 if gone else line)).any() or (gone and line[0] in told[:, column]):
                    return f"a line that runs {self.where} all others is left, or another is gone"
        return "" if not answer[question.grid == 0].any() else "something new stands on the ground"


@final
@dataclass(frozen=True, slots=True)
class WeaveTheLines(Rule):
    """Lines run from edge to edge; at each crossing one of the two lies over the other."""

    says = "Weave the lines: over and under alternate along each, and at the top left crossing the {first} one is over."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    first: Literal["horizontal", "vertical"]

    def question(self, draw: Draw) -> Grid | None:
        n, m = draw.between(2, 4), draw.between(2, 4)
        return _crossing(draw, [[draw.chance(0.5) for _ in range(m)] for _ in range(n)])

    def answer(self, scene: Scene) -> Grid | None:
        lines = _lines(scene)
        if lines is None:
            return None
        rows, columns, row, column = lines
        over = (np.arange(len(rows))[:, None] + np.arange(len(columns))) % 2 == (self.first == "horizontal")
        grid = scene.copy()
        grid[np.ix_(rows, columns)] = np.where(over, row[columns], column[rows, None])
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        rows, columns = (np.flatnonzero(question.grid.all(axis=axis)).tolist() for axis in (1, 0))
        total = 0
        for i, row in enumerate(rows):
            own = next(int(question.grid[row, k]) for k in range(question.width) if k not in columns)
            for j, column in enumerate(columns):
                across = (i + j) % 2 == (self.first == "vertical")
                if (int(answer[row, column]) == own) != across:
                    return "over and under do not alternate"
                total += (int(question.grid[row, column]) == own) != across
        return changed(question, answer, total)


@final
@dataclass(frozen=True, slots=True)
class SlideOffTheOther(Rule):
    """There are two sheets, and the upper one ends up next to the rows or columns of the lower one."""

    says = "Slide the upper sheet {way} until it hides nothing of the lower one."
    keeps = SAME_SIZE | OLD_COLOURS
    way: Literal["up", "down", "left", "right"]

    def question(self, draw: Draw) -> Grid | None:
        return _scattered(draw, [_pile(draw, 2)])

    def answer(self, scene: Scene) -> Grid | None:
        pile = _piled(scene)
        if len(pile) != 2:
            return None
        (_, upper), (colour, lower) = pile
        top = {"up": lower[0] + upper[0] - upper[2], "down": lower[2]}.get(self.way, upper[0])
        left = {"left": lower[1] + upper[1] - upper[3], "right": lower[3]}.get(self.way, upper[1])
        grid = np.zeros_like(scene.grid)
        _view(grid, lower)[...] = colour
        return grid if stamp(grid, _view(scene.grid, upper), top, left) else None

    def fault(self, question: Scene, answer: Grid) -> str:
        boxes = {colour: _box(question.grid, colour) for colour in question.colours}
        lower, upper = sorted(boxes, key=lambda colour: (_view(question.grid, boxes[colour]) == colour).all())
        was, told, low = boxes[upper], _box(answer, upper), boxes[lower]
        ours, theirs = {"up": (2, 0), "down": (0, 2), "left": (3, 1), "right": (1, 3)}[self.way]
        kept = self.way in ("up", "down")
        if told[ours] != low[theirs] or told[kept::2] != was[kept::2]:
            return "the upper sheet is too far, not far enough, or off its way"
        whole = (_view(answer, low) == lower).all() and (_view(answer, told) == upper).all()
        area = question.counts[upper] + _view(answer, low).size
        return "" if whole and np.count_nonzero(answer) == area else "a sheet is not whole, or more is there"


@final
@dataclass(frozen=True, slots=True)
class RecolourByLayer(Rule):
    """In a pile of three the middle sheet lies on one and beneath one."""

    says = "Recolour {ink} every sheet that {lies}."
    keeps = SAME_SIZE | RECOLOURS
    lies: Literal["lies on another", "lies beneath another", "overlaps no other"]
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        return _scattered(
            draw, [_pile(draw, n) for n in draw.pick(((2, 1), (2, 1, 1), (2, 2, 1), (3, 1)))], self.ink
        )

    def answer(self, scene: Scene) -> Grid | None:
        sheets = _sheets(scene)
        if self.ink in sheets or not sheets:
            return None
        beneath = {colour for colour, (_, above) in sheets.items() if above}
        over = {one for _, above in sheets.values() for one in above}
        kinds = {"lies on another": over, "lies beneath another": beneath}
        chosen = [*kinds.get(self.lies, sheets.keys() - beneath - over)]
        return np.where(np.isin(scene.grid, chosen), np.uint8(self.ink), scene.grid)

    def fault(self, question: Scene, answer: Grid) -> str:
        total, boxes = 0, {colour: _box(question.grid, colour) for colour in question.colours}
        for colour, box in boxes.items():
            beneath = bool((_view(question.grid, box) != colour).any())
            over = sum(colour in _view(question.grid, other) for other in boxes.values()) > 1
            lies = {"lies on another": over, "lies beneath another": beneath}.get(
                self.lies, not over and not beneath
            )
            total += lies * question.counts[colour]
            if ((answer[question.grid == colour] == self.ink) != lies).any():
                return "a sheet has the new colour that should not, or has it not"
        return changed(question, answer, total)


@final
@dataclass(frozen=True, slots=True)
class RepaintThePyramid(Rule):
    """A pyramid seen from above, three storeys or more: each lies on a larger one, and shows around the
    next."""

    says = "A pyramid of storeys, the smallest on top: {change}."
    keeps = SAME_SIZE | RECOLOURS | OLD_COLOURS
    change: Literal[
        "reverse the order of their colours",
        "each takes the colour of the storey below it, and the lowest that of the top",
        "each takes the colour of the storey on it, and the top that of the lowest",
    ]

    def question(self, draw: Draw) -> Grid | None:
        boxes: list[Box] = [(0, 0, draw.between(1, 2), draw.between(1, 3))]
        for _ in range(draw.between(2, 4)):
            grown = [
                edge + way * (1 + draw.chance(0.2))
                for edge, way in zip(boxes[0], (-1, -1, 1, 1), strict=True)
            ]
            boxes.insert(0, (grown[0], grown[1], grown[2], grown[3]))
        return _scattered(draw, [boxes])

    def answer(self, scene: Scene) -> Grid | None:
        pile = _piled(scene)
        if len(pile) < 3 or any(_shared(upper, lower) != upper for (_, upper), (_, lower) in pairwise(pile)):
            return None
        order, told = [colour for colour, _ in pile], np.zeros(10, np.uint8)
        shifted = [*order[1:], order[0]] if "below" in self.change else [order[-1], *order[:-1]]
        told[order] = order[::-1] if "reverse" in self.change else shifted
        return told[scene.grid]

    def fault(self, question: Scene, answer: Grid) -> str:
        was = sorted(question.colours, key=lambda colour: -_box(question.grid, colour)[0])
        told = [set(answer[question.grid == colour].tolist()) for colour in was]
        shifted = [told[-1], *told[:-1]] if "below" in self.change else [*told[1:], told[0]]
        return (
            ""
            if (told[::-1] if "reverse" in self.change else shifted) == [{colour} for colour in was]
            else "a storey has not the colour that it should"
        )


@final
@dataclass(frozen=True, slots=True)
class LayHalfOver(Rule):
    """The line is in the middle; ground lets through what lies beneath."""

    says = "A line parts the grid: lay the {half} half over the other one."
    keeps = SHRINKS | OLD_COLOURS
    half: Literal["left", "right", "top", "bottom"]

    def question(self, draw: Draw) -> Grid | None:
        h, w = draw.between(3, 7), draw.between(3, 7)
        a, b, line = draw.colours(3)
        first, other = (draw.blob(h, w, h * w * 2 // 5) for _ in range(2))
        if min(np.count_nonzero(part) for part in (first & other, first & ~other, other & ~first)) < 2:
            return None
        grid = np.full((h, 2 * w + 1), line, np.uint8)
        grid[:, :w], grid[:, w + 1 :] = first * np.uint8(a), other * np.uint8(b)
        return grid if self.half in ("left", "right") else np.ascontiguousarray(np.rot90(grid))

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid if self.half in ("left", "right") else scene.grid.T
        parts = parted(grid)
        if parts is None:
            return None
        upper, lower = parts[:: 1 if self.half in ("left", "top") else -1]
        told = np.where(upper != 0, upper, lower)
        return told if self.half in ("left", "right") else np.ascontiguousarray(told.T)

    def fault(self, question: Scene, answer: Grid) -> str:
        h, w = answer.shape
        if ((h, 2 * w + 1) if self.half in ("left", "right") else (2 * h + 1, w)) != question.grid.shape:
            return "the answer is not as large as a half"
        first, other = question.grid[:h, :w], question.grid[-h:, -w:]
        upper, lower = (first, other) if self.half in ("left", "top") else (other, first)
        right = (answer == upper)[upper != 0].all() and (answer == lower)[upper == 0].all()
        return "" if right else f"a cell is not what the {self.half} half shows, or what shows through it"


def _lines(scene: Scene) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Grid, Grid] | None:
    """Rows and columns with a line from edge to edge, and a row and a column between; None where one is
    missing."""
    full_rows, full_columns = np.all(scene.grid, axis=1), np.all(scene.grid, axis=0)
    rows, columns = np.flatnonzero(full_rows), np.flatnonzero(full_columns)
    if not 0 < len(rows) < scene.height or not 0 < len(columns) < scene.width:
        return None
    return rows, columns, scene.grid[np.argmin(full_rows)], scene.grid[:, np.argmin(full_columns)]


def _crossing(draw: Draw, over: Sequence[Sequence[bool]]) -> Grid:
    """Lines of two colours, or of as many as there are lines; over: whether the vertical one is, row by
    row."""
    n, m = len(over), len(over[0])
    rows, columns = (
        np.cumsum([draw.between(1, 2), *(draw.between(2, 3) for _ in range(k - 1))]) for k in (n, m)
    )
    grid = np.zeros((int(rows[-1]) + draw.between(2, 3), int(columns[-1]) + draw.between(2, 3)), np.uint8)
    colours = draw.colours(n + m) if draw.chance(0.5) else np.repeat(draw.colours(2), (n, m)).tolist()
    across, down = np.array(colours[:n], np.uint8), np.array(colours[n:], np.uint8)
    grid[rows] = across[:, None]
    grid[:, columns] = down
    grid[np.ix_(rows, columns)] = np.where(np.array(over), down, across[:, None])
    return grid


def _sheets(scene: Scene) -> dict[int, tuple[Box, set[int]]]:
    """By colour, the box of each sheet and the colours that lie on it; {} where a colour's box shows
    ground."""
    boxes: dict[int, Box] = {}
    for part in scene.shapes if len(scene.shapes) <= 40 else ():
        own = part.top, part.left, part.bottom, part.right
        boxes[part.colour] = _span([own, boxes.get(part.colour, own)])
    found = {c: (box, set(_view(scene.grid, box).ravel().tolist()) - {c}) for c, box in boxes.items()}
    return {} if any(0 in above for _, above in found.values()) else found


def _piled(scene: Scene) -> list[tuple[int, Box]]:
    """Colours and boxes of a pile of sheets, the topmost first; [] where two could change places."""
    sheets, order = _sheets(scene), list[int]()
    while len(order) < len(sheets):
        free = [colour for colour, (_, above) in sheets.items() if colour not in order and above <= {*order}]
        if len(free) != 1:
            return []
        order += free
    return [(colour, sheets[colour][0]) for colour in order]


def _pile(draw: Draw, n: int) -> list[Box]:
    """So many sheets, the lowest first, each partly on the one before, of which it leaves something of all
    sides."""
    boxes: list[Box] = [(0, 0, draw.between(3, 6), draw.between(3, 6))]
    while len(boxes) < n:
        below, h, w = boxes[-1], draw.between(2, 6), draw.between(2, 6)
        top, left = draw.between(below[0] - h + 1, below[2] - 1), draw.between(below[1] - w + 1, below[3] - 1)
        box = top, left, top + h, left + w
        rows, columns = ((box[k] <= below[k], box[k + 2] >= below[k + 2]) for k in (0, 1))
        if (
            not (all(columns) and any(rows))
            and not (all(rows) and any(columns))
            and _shared(box, below) != box
        ):
            boxes.append(box)
    return boxes


def _scattered(draw: Draw, piles: Sequence[Sequence[Box]], *without: int) -> Grid | None:
    """Piles of sheets, the lowest first, all of different colours; None where a sheet's size cannot be
    told."""
    grid, colours = draw.ground(10, 15), draw.colours(sum(map(len, piles)), *without)
    spans = [_span(pile) for pile in piles]
    corners = draw.corners(grid, [(bottom - top, right - left) for top, left, bottom, right in spans])
    if corners is None:
        return None
    laid: dict[int, Box] = {}
    for pile, span, corner in zip(piles, spans, corners, strict=True):
        down, right = corner[0] - span[0], corner[1] - span[1]
        for box, colour in zip(pile, colours[len(laid) :], strict=False):
            laid[colour] = box[0] + down, box[1] + right, box[2] + down, box[3] + right
            _view(grid, laid[colour])[...] = colour
    return grid if {colour: box for colour, (box, _) in _sheets(Scene(grid)).items()} == laid else None


def _box(grid: Grid, colour: int) -> Box:
    """What a colour spans, empty where it does not occur."""
    places = np.argwhere(grid == colour).tolist()
    return _span([(row, column, row + 1, column + 1) for row, column in places]) if places else (0, 0, 0, 0)


def _span(boxes: Sequence[Box]) -> Box:
    """The smallest box around these."""
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _shared(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _view(grid: Grid, box: Box) -> Grid:
    return grid[box[0] : box[2], box[1] : box[3]]
