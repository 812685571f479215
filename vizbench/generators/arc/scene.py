"""A grid and its objects, each found once and shared by every rule that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.generators.arc.scene_kernels import ANY_COLOUR, GROUND, ONE_COLOUR, label
from vizbench.types import Grid

Mask: TypeAlias = npt.NDArray[np.bool_]
"""Which cells of a box belong to a thing, `(h, w)` bool."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """A connected part of a grid. top, left: its first row and column; bottom, right: one past its last;
    size: cells; colour: 0 where it has several, or is a hole; number: from 1, in reading order of first
    cells; labels: the grid's numbers `(h, w)`. Two things are equal where they are one."""

    top: int
    left: int
    bottom: int
    right: int
    size: int
    colour: int
    number: int
    labels: npt.NDArray[np.int16]

    @property
    def height(self) -> int:
        """Rows of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns of its box."""
        return self.right - self.left

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns: `grid[thing.box]` is a view of its box."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def mask(self) -> Mask:
        """Its own cells within its box."""
        return self.labels[self.top : self.bottom, self.left : self.right] == self.number

    @property
    def solid(self) -> bool:
        """Whether it fills its box."""
        return self.size == self.height * self.width

    @property
    def hollow(self) -> bool:
        """Whether it is the outline of its box, one cell thick, with room inside: of 3x3 cells or more."""
        h, w = self.height, self.width
        return min(h, w) >= 3 and self.size == 2 * (h + w) - 4 and not self.mask[1:-1, 1:-1].any()

    @property
    def bar(self) -> bool:
        """Whether it is one cell thick and two cells long or more, in a row or column."""
        return (self.height == 1) != (self.width == 1)

    @property
    def form(self) -> tuple[int, bytes]:
        """Equal for things of the same shape, wherever they lie and whatever their colours."""
        return self.width, self.mask.tobytes()

    @property
    def middle(self) -> tuple[int, int]:
        """Twice the row and column of its box's centre: even where the centre is a cell."""
        return self.top + self.bottom - 1, self.left + self.right - 1

    def span(self, axis: int) -> tuple[int, int]:
        """Its rows (axis 0) or columns (1): the first, and one past the last."""
        return (self.left, self.right) if axis else (self.top, self.bottom)

    @property
    def at_border(self) -> bool:
        """Whether its box reaches an edge of the grid."""
        h, w = self.labels.shape
        return self.top == 0 or self.left == 0 or self.bottom == h or self.right == w


@final
class Scene:
    """A grid, read only, `(h, w)` uint8 of colours 0 … 9 where 0 is the ground; its parts are found on first
    use."""

    def __init__(self, grid: Grid) -> None:
        self.grid: Grid = np.ascontiguousarray(grid).view()
        self.grid.setflags(write=False)
        self.height: int = grid.shape[0]
        self.width: int = grid.shape[1]

    def copy(self) -> Grid:
        """The grid, to be painted on."""
        return self.grid.copy()

    @cached_property
    def key(self) -> tuple[int, bytes]:
        """Equal for equal grids."""
        return self.width, self.grid.tobytes()

    @cached_property
    def shapes(self) -> tuple[Thing, ...]:
        """Objects of one colour, joined across corners too."""
        return _parts(self.grid, True, ONE_COLOUR)

    @cached_property
    def pieces(self) -> tuple[Thing, ...]:
        """Objects of one colour, joined along sides alone."""
        return _parts(self.grid, False, ONE_COLOUR)

    @cached_property
    def groups(self) -> tuple[Thing, ...]:
        """Objects of any colours, joined across corners too."""
        return _parts(self.grid, True, ANY_COLOUR)

    @cached_property
    def rooms(self) -> tuple[Thing, ...]:
        """Regions of ground, joined along sides alone; the open outside is among them."""
        return _parts(self.grid, False, GROUND)

    @cached_property
    def holes(self) -> tuple[Thing, ...]:
        """Regions of ground that ink cuts off from the grid's edge. A diagonal line of ink cuts off too."""
        return tuple(room for room in self.rooms if not room.at_border)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Cells of each colour, 0 … 9."""
        return tuple(np.bincount(self.grid.ravel(), minlength=10).tolist())

    @cached_property
    def colours(self) -> tuple[int, ...]:
        """The colours that occur, without the ground's, in order."""
        return tuple(colour for colour in range(1, 10) if self.counts[colour])

    def of(self, colour: int) -> tuple[Thing, ...]:
        """The `shapes` of one colour."""
        return tuple(thing for thing in self.shapes if thing.colour == colour)


def _parts(grid: Grid, diagonal: bool, joins: int) -> tuple[Thing, ...]:
    found: tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]] = label(grid, diagonal, joins)
    labels, table = found
    rows: list[list[int]] = table.tolist()
    return tuple(
        Thing(top, left, bottom, right, size, colour, number, labels)
        for number, (top, left, bottom, right, size, colour) in enumerate(rows, 1)
    )


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


def most(things: Iterable[Thing], key: Callable[[Thing], _Ordered]) -> Thing | None:
    """The one thing with the greatest key; None where there is none, or two share it."""
    best: Thing | None = None
    top: Any = None
    tied = False
    for thing in things:
        value = key(thing)
        if best is None or top < value:
            best, top, tied = thing, value, False
        elif value == top:
            tied = True
    return None if tied else best


def paint(grid: Grid, thing: Thing, colour: int) -> None:
    """Give the thing's cells a colour; 0 takes it away."""
    grid[thing.box][thing.mask] = colour


def keep(scene: Scene, things: Iterable[Thing]) -> Grid:
    """The grid with these alone of its `shapes`, or `pieces`."""
    grid = np.zeros_like(scene.grid)
    for thing in things:
        paint(grid, thing, thing.colour)
    return grid


def drop(scene: Scene, things: Iterable[Thing]) -> Grid:
    """The grid without these."""
    grid = scene.copy()
    for thing in things:
        paint(grid, thing, 0)
    return grid


def stands(grid: Grid, thing: Thing, whole: bool) -> bool:
    """Whether all the thing's cells are coloured in another grid, or, where `whole` is false, none."""
    return bool(((grid[thing.box] != 0)[thing.mask] == whole).all())


def stamp(grid: Grid, pixels: Grid, top: int, left: int) -> bool:
    """Put the coloured cells of `pixels` down with its corner there; False, and nothing done, where they
    leave the grid."""
    h, w = pixels.shape
    if top < 0 or left < 0 or top + h > grid.shape[0] or left + w > grid.shape[1]:
        return False
    window = grid[top : top + h, left : left + w]
    np.copyto(window, pixels, where=pixels != 0)
    return True


def cut(scene: Scene, thing: Thing) -> Grid:
    """The thing alone, `(height, width)`: its own cells, ground around them."""
    return np.where(thing.mask, scene.grid[thing.box], np.uint8(0))


def move(grid: Grid, scene: Scene, thing: Thing, down: int, right: int) -> bool:
    """Take the thing from the grid and put it down so far away; False, and nothing done, where it would leave
    it."""
    top, left = thing.top + down, thing.left + right
    pixels = cut(scene, thing)
    if top < 0 or left < 0 or top + pixels.shape[0] > grid.shape[0] or left + pixels.shape[1] > grid.shape[1]:
        return False
    paint(grid, thing, 0)
    return stamp(grid, pixels, top, left)


def box_of(mask: Mask) -> tuple[slice, slice]:
    """The box of the true cells, of which there is one at least."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def holder(scene: Scene, hole: Thing) -> Thing:
    """The one of the `shapes` that has the cell above the first cell of a hole: what closes the hole in,
    where this is one object."""
    column = hole.labels[hole.top].tolist().index(hole.number)
    return scene.shapes[int(scene.shapes[0].labels[hole.top - 1, column]) - 1]


def is_window(scene: Scene, things: Iterable[Thing], pixels: Grid) -> bool:
    """Whether the box of one of these shows just these pixels."""
    return any(np.array_equal(scene.grid[thing.box], pixels) for thing in things)


def full_lines(grid: Grid) -> list[int]:
    """The columns that are of one colour from edge to edge, and not ground. `full_lines(grid.T)` finds the
    rows."""
    return np.flatnonzero((grid == grid[0]).all(axis=0) & (grid[0] != 0)).tolist()


def parted(grid: Grid) -> tuple[Grid, Grid] | None:
    """Views of what lies left and right of a line in the middle column, `(h, w)` each; None where there is
    none."""
    w = grid.shape[1] // 2
    line = grid[:, w]
    if not w or grid.shape[1] % 2 == 0 or not line[0] or (line != line[0]).any():
        return None
    return grid[:, :w], grid[:, w + 1 :]
