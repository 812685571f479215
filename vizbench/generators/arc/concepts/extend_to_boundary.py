"""Extend to boundary: lines, blocks and colours that go on until an edge or a wall stops them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from vizbench.generators.arc.draw import Draw, block, frame, plus
from vizbench.generators.arc.facts import ADDS, OLD_COLOURS, ONE_INK, SAME_SIZE
from vizbench.generators.arc.rule import Axis, Paint, Rule, Seen, changed
from vizbench.generators.arc.scene import Scene
from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class StemFromTheMiddle(Rule):
    """Nothing where two edges are equally far, or where the side has no middle cell."""

    says = "Draw a stem in the object's colour from the middle of its side to the {edge} edge of the grid."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS | ONE_INK
    edge: Literal["farthest", "nearest"]

    def question(self, draw: Draw) -> Grid | None:
        make = draw.pick((block, frame))
        mask = (
            plus(draw.between(1, 2)) if draw.chance(0.2) else make(draw.between(1, 6), draw.pick((1, 3, 5)))
        )
        rest = [draw.between(0, 6) for _ in range(3)]
        stem = max(rest) + draw.between(2, 6)
        if self.edge == "nearest":
            rest = [n + 3 for n in rest]
            stem = draw.between(1, min(rest) - 2)
        h, w = mask.shape
        grid = np.zeros((stem + h + rest[0], rest[1] + w + rest[2]), np.uint8)
        grid[stem : stem + h, rest[1] : rest[1] + w][mask] = draw.colour()
        return np.ascontiguousarray(np.rot90(grid, draw.below(4)))

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 1:
            return None
        thing = scene.shapes[0]
        room = (thing.top, scene.height - thing.bottom, thing.left, scene.width - thing.right)
        wanted = max(room) if self.edge == "farthest" else min(room)
        way = room.index(wanted)
        row, column = thing.middle
        if room.count(wanted) > 1 or (column if way < 2 else row) % 2:
            return None
        grid, r, c = scene.copy(), row // 2, column // 2
        lines = grid[: thing.top, c], grid[thing.bottom :, c], grid[r, : thing.left], grid[r, thing.right :]
        lines[way][:] = thing.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        thing, window = question.shapes[0], answer[Scene(answer).groups[0].box]
        room = sorted((thing.top, thing.left, question.height - thing.bottom, question.width - thing.right))
        grown = window.shape[0] - thing.height, window.shape[1] - thing.width
        wanted = room[3 if self.edge == "farthest" else 0]
        if (
            sorted(grown) != [0, wanted]
            or not (window == (window[:, ::-1] if grown[0] else window[::-1])).all()
        ):
            return "the stem is not in the middle, or has another length than the way to the edge"
        return changed(question, answer, wanted)


@final
@dataclass(frozen=True, slots=True)
class DotsToTheWalls(Rule):
    """A gap in a wall lets the line through. Nothing where two lines would overlap."""

    says = "Every single cell grows along its {axis}, both ways, until something is in its way."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    axis: Axis

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        sides = [(draw.between(5, 8), draw.between(5, 8)) for _ in range(draw.between(1, 2))]
        corners = draw.corners(grid, sides)
        if corners is None:
            return None
        for (top, left), (h, w) in zip(corners, sides, strict=True):
            wall, dot = draw.colours(2)
            window = grid[top : top + h, left : left + w]
            window[frame(h, w)] = wall
            r, c = draw.between(1, h - 2), draw.between(1, w - 2)
            window[r, c] = dot
            if draw.chance(0.6):
                window[draw.pick(((0, c), (h - 1, c), (r, 0), (r, w - 1)))] = 0
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.copy()
        for dot in scene.shapes:
            if dot.size == 1:
                for step in (1, -1):
                    down, right = (0, step) if self.axis == "row" else (step, 0)
                    run, _ = _run(scene, grid, dot.top, dot.left, down, right)
                    if run.any():
                        return None
                    run[:] = dot.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        lines, before = (answer, question.grid) if self.axis == "row" else (answer.T, question.grid.T)
        cells = [thing for thing in question.shapes if thing.size == 1]
        dots = [(cell.top, cell.left) if self.axis == "row" else (cell.left, cell.top) for cell in cells]
        new = [(r, c) for r, c in np.argwhere(lines != before).tolist()]
        for r, c in (*dots, *new):
            beside = [int(lines[r, k]) for k in (c - 1, c + 1) if 0 <= k < lines.shape[1]]
            if 0 in beside or ((r, c) in new and lines[r, c] not in beside):
                return "a line ends on the ground, or a new cell hangs on no line of its colour"
        return "" if {r for r, _ in new} <= {r for r, _ in dots} else "a line runs beside its cell"


@final
@dataclass(frozen=True, slots=True)
class BarsMeetBars(Rule):
    """Bars are one cell thick. Nothing where two extensions would cross."""

    says = "Extend each bar lengthwise where another bar is in its way, until the two touch."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        h, w = grid.shape
        length, row = draw.between(5, w - 2), draw.between(3, h - 4)
        left = draw.below(w - length + 1)
        wall = draw.colour()
        grid[row, left : left + length] = wall
        first = left + draw.below(length)
        rest = [c for c in range(first % 2, w, 2) if c != first]
        for column in (first, *draw.some(rest, draw.between(1, 3))):
            part = grid[:row, column] if draw.chance(0.5) else grid[:row:-1, column]
            size = draw.between(2, min(4, len(part) - 1))
            at = draw.below(len(part) - size)
            part[at : at + size] = draw.colour(wall)
        return grid if draw.chance(0.5) else np.ascontiguousarray(grid.T)

    def answer(self, scene: Scene) -> Grid | None:
        bars = scene.shapes
        if len(bars) < 2 or not all(bar.bar for bar in bars):
            return None
        grid = scene.copy()
        for bar in bars:
            for step, r, c in ((1, bar.bottom - 1, bar.right - 1), (-1, bar.top, bar.left)):
                down, right = (0, step) if bar.width > 1 else (step, 0)
                run, met = _run(scene, grid, r, c, down, right)
                if met and run.any():
                    return None
                run[:] = bar.colour if met else run
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        wall, wanted = max(question.shapes, key=lambda bar: bar.size), 0
        for bar in question.shapes:
            rows = slice(*sorted((bar.top, bar.bottom, wall.top, wall.bottom))[1:3])
            columns = slice(*sorted((bar.left, bar.right, wall.left, wall.right))[1:3])
            faces = (
                columns == slice(bar.left, bar.right)
                if wall.height == 1
                else rows == slice(bar.top, bar.bottom)
            )
            if bar is not wall and faces:
                between = answer[rows, columns]
                if (between != bar.colour).any():
                    return "a bar does not reach the bar in its way"
                wanted += between.size
        return changed(question, answer, wanted)


@final
@dataclass(frozen=True, slots=True)
class RaysFromDots(Rule):
    """At most four single cells of one colour, and nothing else."""

    says = "Draw lines in the same colour from every single cell {ways}, to the edges."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS | ONE_INK
    ways: Literal["along its row and column", "along its two diagonals", "in all eight directions"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(7, 15)
        n = 1 if draw.chance(0.2) else 2
        return grid if draw.scatter(grid, [block(1, 1)] * n, [draw.colour()] * n) else None

    def answer(self, scene: Scene) -> Grid | None:
        dots = scene.shapes
        if not 0 < len(dots) <= 4 or len(scene.colours) != 1 or any(dot.size > 1 for dot in dots):
            return None
        grid = scene.copy()
        rows, columns = np.ogrid[: scene.height, : scene.width]
        for dot in dots:
            if self.ways != "along its two diagonals":
                grid[dot.top] = grid[:, dot.left] = dot.colour
            if self.ways != "along its row and column":
                grid[np.abs(rows - dot.top) == np.abs(columns - dot.left)] = dot.colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        straight, slant = "diagonals" not in self.ways, "row" not in self.ways
        ways = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (slant if r * c else straight)]
        wanted = {(dot.top, dot.left) for dot in question.shapes}
        for r, c in [*wanted]:
            for down, right in ways:
                steps = ((r + k * down, c + k * right) for k in range(30))
                wanted |= {(y, x) for y, x in steps if 0 <= y < question.height and 0 <= x < question.width}
        found = {(r, c) for r, c in np.argwhere(answer).tolist()}
        return "" if found == wanted else "the lines do not run from the cells to the edges"


@final
@dataclass(frozen=True, slots=True)
class BounceBetweenWalls(Rule):
    """The walls stand along two opposite edges; the diagonal, of two cells, starts from a third."""

    says = (
        "The diagonal goes on to the far edge: it bounces off the walls, and each wall gives it its colour."
    )
    keeps = SAME_SIZE | ADDS | OLD_COLOURS

    def question(self, draw: Draw) -> Grid | None:
        n = draw.between(3, 9)
        grid = np.zeros((draw.between(n + 2, 18), n + 2), np.uint8)
        grid[:, 0], grid[:, -1], own = draw.colours(3)
        at = draw.between(1, n - 1)
        grid[-1, at] = grid[-2, at + 1] = own
        grid = grid if draw.chance(0.5) else grid[:, ::-1]
        return np.ascontiguousarray(np.rot90(grid, draw.below(4)))

    def answer(self, scene: Scene) -> Grid | None:
        start = [thing for thing in scene.shapes if thing.size == thing.height == thing.width == 2]
        if len(scene.shapes) != 3 or len(start) != 1 or min(scene.height, scene.width) < 4:
            return None
        grid = scene.copy()
        for k in range(8):  # turned and mirrored until the diagonal rises to the right from the bottom
            view: Grid = np.rot90(grid, k)[:, :: 1 if k < 4 else -1]
            at = int(view[-1, 1:-1].argmax())
            left, right, own = int(view[0, 0]), int(view[0, -1]), start[0].colour
            walls = left and right and (view[:, 0] == left).all() and (view[:, -1] == right).all()
            if walls and view[-1, at + 1] == view[-2, at + 2] == own:
                h, n = len(view), view.shape[1] - 2
                way = np.arange(at, at + h)
                columns = n - 1 - np.abs(way % (2 * n - 2) - (n - 1))
                legs = np.maximum(way - 1, 0) // (n - 1)
                view[::-1][np.arange(h), columns + 1] = np.where(
                    legs == 0, own, np.where(legs % 2, right, left)
                )
                return grid
        return None

    def fault(self, question: Scene, answer: Grid) -> str:
        upright = question.grid[:, 0].all() and question.grid[:, -1].all()
        before, after = (question.grid, answer) if upright else (question.grid.T, answer.T)
        inner = after[:, 1:-1] if before[0, 1:-1].any() else after[::-1, 1:-1]
        at, hues = (inner != 0).argmax(axis=1), inner.max(axis=1)
        steps = np.diff(at)
        if (np.count_nonzero(inner, axis=1) != 1).any() or (np.abs(steps) != 1).any():
            return "the line has gaps, or more than a cell in a row"
        for k in range(1, len(at) - 1):
            turns = steps[k] != steps[k - 1]
            wall = after[0, 0] if at[k] == 0 else after[0, -1]
            if turns != (at[k] in (0, inner.shape[1] - 1)) or hues[k + 1] != (wall if turns else hues[k]):
                return "the line turns or changes colour away from the walls, or not at one"
        return ""


@final
@dataclass(frozen=True, slots=True)
class WeaveFromTheEdges(Rule):
    """Nothing where cells lie off the edges or in a corner, or a line has a cell at both ends."""

    says = "Every cell on an edge draws a line of its colour straight to the opposite edge; those along {over} run on top."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    over: Literal["rows", "columns"]

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(8, 15)
        rows, columns = (draw.some(range(1, side - 1), draw.between(1, 3)) for side in grid.shape)
        colours = draw.colours(len(rows) + len(columns))
        for row in rows:
            grid[row, -draw.below(2)] = colours.pop()
        for column in columns:
            grid[-draw.below(2), column] = colours.pop()
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        grid = scene.grid
        across, down = grid[:, 0] + grid[:, -1], grid[0] + grid[-1]
        ends = np.count_nonzero(across) + np.count_nonzero(down)
        corners = grid[0, 0] or grid[0, -1] or grid[-1, 0] or grid[-1, -1]
        if corners or min(grid.shape) < 3 or ends != scene.height * scene.width - scene.counts[0]:
            return None
        rows = np.broadcast_to(across[:, None], grid.shape)
        return np.where(rows, rows, down) if self.over == "rows" else np.where(down, down, rows)

    def fault(self, question: Scene, answer: Grid) -> str:
        before, after = (question.grid, answer) if self.over == "rows" else (question.grid.T, answer.T)
        top = before[:, 0] + before[:, -1] != 0
        full = (after[top] == before[top].max(axis=1, keepdims=True)).all()
        rest, dots = after[~top], before[~top].max(axis=0)
        return (
            "" if full and (rest == dots).all() else "a line has a gap, or runs on the wrong side of another"
        )


@final
@dataclass(frozen=True, slots=True)
class SpreadToTheWalls(Rule):
    """Doors in the walls let the colour through. Nothing where two colours meet."""

    says = "Every other colour spreads over the ground as far as the {wall} walls and the edges let it."
    keeps = SAME_SIZE | ADDS | OLD_COLOURS
    wall: Seen

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(9, 14)
        h, w = grid.shape
        row = draw.between(3, h - 4)
        grid[row] = self.wall
        for part in grid[:row], grid[row + 1 :]:
            column = draw.between(2, w - 3)
            part[:, column] = self.wall
            if draw.chance(0.3):
                part[draw.below(len(part)), column] = 0
        if draw.chance(0.5):
            grid[row, draw.below(w)] = 0
        rooms = Scene(grid).rooms
        if len(rooms) < 2 or min(room.size for room in rooms) < 4:
            return None
        for room in draw.some(rooms, draw.between(1, len(rooms) - 1)):
            cells = np.flatnonzero(room.labels == room.number)
            grid.flat[cells[draw.below(len(cells))]] = draw.colour(self.wall)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if not scene.counts[self.wall]:
            return None
        grid = scene.copy()
        for room in Scene((grid == self.wall).astype(np.uint8)).rooms:
            window, mask = grid[room.box], room.mask
            held = window[mask]
            colour = held.max()
            if ((held != 0) & (held != colour)).any():
                return None
            window[mask] = colour
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        for lines in (answer, answer.T):
            one, next_one = lines[:-1], lines[1:]
            if ((one != next_one) & (one != self.wall) & (next_one != self.wall)).any():
                return "a colour stops where no wall is"
        held = (question.grid[part.box][part.mask] for part in Scene(answer).pieces)
        return "" if all(cells.any() for cells in held) else "a room without a coloured cell is filled"


@final
@dataclass(frozen=True, slots=True)
class SwellToTheFrame(Rule):
    """One frame with one block in it."""

    says = "The block swells in {ink}, by as much on all four sides, until it touches the frame."
    keeps = SAME_SIZE | ADDS
    ink: Paint

    def question(self, draw: Draw) -> Grid | None:
        grid = draw.ground(11, 16)
        h, w = draw.between(8, 11), draw.between(8, 11)
        tall, wide = draw.between(1, 3), draw.between(1, 3)
        y, x = draw.below(grid.shape[0] - h + 1), draw.below(grid.shape[1] - w + 1)
        window = grid[y : y + h, x : x + w]
        window[frame(h, w)] = draw.colour(self.ink)
        top, left = draw.between(2, h - tall - 2), draw.between(2, w - wide - 2)
        window[top : top + tall, left : left + wide] = draw.colour(self.ink)
        return grid

    def answer(self, scene: Scene) -> Grid | None:
        if len(scene.shapes) != 2:
            return None
        inner, outer = sorted(scene.shapes, key=lambda thing: thing.width)
        gaps = (
            inner.top - outer.top,
            inner.left - outer.left,
            outer.bottom - inner.bottom,
            outer.right - inner.right,
        )
        by = min(gaps) - 1
        if by < 1 or not inner.solid or not outer.hollow:
            return None
        grid = scene.copy()
        window = grid[inner.top - by : inner.bottom + by, inner.left - by : inner.right + by]
        window[window == 0] = self.ink
        return grid

    def fault(self, question: Scene, answer: Grid) -> str:
        new = answer != question.grid
        inner = min(question.shapes, key=lambda thing: thing.width)
        whole = Scene((new | (inner.labels == inner.number)).astype(np.uint8)).shapes
        swollen = whole[0]
        if (
            len(whole) > 1
            or not swollen.solid
            or (answer[new] != self.ink).any()
            or swollen.middle != inner.middle
        ):
            return "the block is no larger block about the same middle"
        touched = frame(swollen.height + 2, swollen.width + 2)
        around = question.grid[swollen.top - 1 : swollen.bottom + 1, swollen.left - 1 : swollen.right + 1]
        even = swollen.height - inner.height == swollen.width - inner.width
        return (
            ""
            if even and around[touched].any()
            else "it grew more along one axis, or does not touch the frame"
        )


def _run(scene: Scene, grid: Grid, row: int, column: int, down: int, right: int) -> tuple[Grid, bool]:
    """The cells of `grid` next to a place, that way, which are ground in the scene: a view; and whether a
    coloured cell ends them."""
    line, run, at = (
        (scene.grid[row], grid[row], column) if right else (scene.grid[:, column], grid[:, column], row)
    )
    ahead = (line[at + 1 :] if down + right > 0 else line[:at][::-1]).tobytes()
    n = len(ahead) - len(ahead.lstrip(b"\0"))
    return run[at + 1 : at + 1 + n] if down + right > 0 else run[at - n : at], n < len(ahead)
