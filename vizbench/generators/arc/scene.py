"""Find the objects of a grid. Each kind is found once, and shared by all rules that ask for it."""

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
"""The cells of a box that belong to something, `(h, w)` bool."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Describe a connected part of a grid: an object, or a region of ground.

    Two things are equal only if they are the same Python object.
    """

    top: int
    """Its first row."""
    left: int
    """Its first column."""
    bottom: int
    """One past its last row."""
    right: int
    """One past its last column."""
    size: int
    """The number of its cells."""
    colour: int
    """Its colour, or 0 if it has several or is ground."""
    number: int
    """Its number from 1, in reading order of first cells."""
    labels: npt.NDArray[np.int16]
    """The numbers of all things of its kind on the grid, `(h, w)`; 0 elsewhere."""

    @property
    def height(self) -> int:
        """The number of rows of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The number of columns of its box."""
        return self.right - self.left

    @property
    def box(self) -> tuple[slice, slice]:
        """Its rows and columns: `grid[thing.box]` is a view of its box."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def mask(self) -> Mask:
        """Its own cells in its box, `(height, width)`."""
        return self.labels[self.top : self.bottom, self.left : self.right] == self.number

    @property
    def solid(self) -> bool:
        """Whether it fills its box."""
        return self.size == self.height * self.width

    @property
    def hollow(self) -> bool:
        """Whether it is the outline of its box, one cell thick, and the box has 3x3 cells or more."""
        height, width = self.height, self.width
        outline = 2 * (height + width) - 4
        return min(height, width) >= 3 and self.size == outline and not self.mask[1:-1, 1:-1].any()

    @property
    def bar(self) -> bool:
        """Whether it is one cell thick and at least two cells long, in a row or column."""
        return (self.height == 1) != (self.width == 1)

    @property
    def form(self) -> tuple[int, bytes]:
        """A key that is equal for things of the same shape, wherever they are and whatever their colours."""
        return self.width, self.mask.tobytes()

    @property
    def middle(self) -> tuple[int, int]:
        """Twice the row and column of its box's centre. They are even if the centre is a cell."""
        return self.top + self.bottom - 1, self.left + self.right - 1

    def span(self, axis: int) -> tuple[int, int]:
        """Return the first and one past the last of its rows (axis 0) or columns (axis 1)."""
        return (self.left, self.right) if axis else (self.top, self.bottom)

    @property
    def at_border(self) -> bool:
        """Whether its box reaches an edge of the grid."""
        height, width = self.labels.shape
        return self.top == 0 or self.left == 0 or self.bottom == height or self.right == width


@final
class Scene:
    """Hold a grid with its parts, which are found on first use.

    The grid is `(h, w)` uint8, read only, of colours 0 … 9. Colour 0 is the ground.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid: Grid = np.ascontiguousarray(grid).view()
        self.grid.setflags(write=False)
        self.height: int = grid.shape[0]
        self.width: int = grid.shape[1]

    def copy(self) -> Grid:
        """Return a copy of the grid to paint on."""
        return self.grid.copy()

    @cached_property
    def key(self) -> tuple[int, bytes]:
        """A key that is equal for equal grids."""
        return self.width, self.grid.tobytes()

    @cached_property
    def shapes(self) -> tuple[Thing, ...]:
        """Objects of one colour, connected along sides and across corners."""
        return _parts(self.grid, True, ONE_COLOUR)

    @cached_property
    def pieces(self) -> tuple[Thing, ...]:
        """Objects of one colour, connected along sides only."""
        return _parts(self.grid, False, ONE_COLOUR)

    @cached_property
    def groups(self) -> tuple[Thing, ...]:
        """Objects of any colours, connected along sides and across corners."""
        return _parts(self.grid, True, ANY_COLOUR)

    @cached_property
    def ground_regions(self) -> tuple[Thing, ...]:
        """Regions of ground, connected along sides only, including the open outside."""
        return _parts(self.grid, False, GROUND)

    @cached_property
    def holes(self) -> tuple[Thing, ...]:
        """Regions of ground that coloured cells separate from the grid's edge.

        A diagonal line of cells separates too.
        """
        return tuple(region for region in self.ground_regions if not region.at_border)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The number of cells of each colour 0 … 9."""
        return tuple(np.bincount(self.grid.ravel(), minlength=10).tolist())

    @cached_property
    def colours(self) -> tuple[int, ...]:
        """The colours that occur, except the ground's, in ascending order."""
        return tuple(colour for colour in range(1, 10) if self.counts[colour])

    def of(self, colour: int) -> tuple[Thing, ...]:
        """Return the `shapes` of one colour."""
        return tuple(thing for thing in self.shapes if thing.colour == colour)


def _parts(grid: Grid, diagonal: bool, joins: int) -> tuple[Thing, ...]:
    """Return the connected parts of a grid. The arguments are those of the kernel `label`."""
    result: tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]] = label(grid, diagonal, joins)
    labels, table = result
    rows: list[list[int]] = table.tolist()
    return tuple(
        Thing(top, left, bottom, right, size, colour, number, labels)
        for number, (top, left, bottom, right, size, colour) in enumerate(rows, 1)
    )


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


def most(things: Iterable[Thing], key: Callable[[Thing], _Ordered]) -> Thing | None:
    """Return the one thing with the greatest key, or None if there is no thing or a tie."""
    best: Thing | None = None
    greatest: Any = None
    is_tied = False
    for thing in things:
        value = key(thing)
        if best is None or greatest < value:
            best, greatest, is_tied = thing, value, False
        elif value == greatest:
            is_tied = True
    return None if is_tied else best


def paint(grid: Grid, thing: Thing, colour: int) -> None:
    """Give the thing's cells a colour. Colour 0 takes the thing away."""
    grid[thing.box][thing.mask] = colour


def keep(scene: Scene, things: Iterable[Thing]) -> Grid:
    """Return the grid with only these of its `shapes` or `pieces`."""
    grid = np.zeros_like(scene.grid)
    for thing in things:
        paint(grid, thing, thing.colour)
    return grid


def drop(scene: Scene, things: Iterable[Thing]) -> Grid:
    """Return the grid without these things."""
    grid = scene.copy()
    for thing in things:
        paint(grid, thing, 0)
    return grid


def present_exactly_if(grid: Grid, thing: Thing, expected: bool) -> bool:
    """Return whether another grid colours all of the thing's cells or, if not `expected`, none of them."""
    is_coloured = (grid[thing.box] != 0)[thing.mask]
    return bool((is_coloured == expected).all())


def stamp(grid: Grid, pixels: Grid, top: int, left: int) -> bool:
    """Paint the coloured cells of `pixels`, with its upper left corner at a place.

    Returns False, and paints nothing, if `pixels` does not fit into the grid there.
    """
    height, width = pixels.shape
    if top < 0 or left < 0 or top + height > grid.shape[0] or left + width > grid.shape[1]:
        return False
    window = grid[top : top + height, left : left + width]
    np.copyto(window, pixels, where=pixels != 0)
    return True


def cut(scene: Scene, thing: Thing) -> Grid:
    """Return the thing's own cells on ground, `(height, width)`."""
    return np.where(thing.mask, scene.grid[thing.box], np.uint8(0))


def move(grid: Grid, scene: Scene, thing: Thing, down: int, right: int) -> bool:
    """Move the thing on the grid, a copy of the scene, by a number of rows and columns.

    Returns False, and paints nothing, if it would leave the grid.
    """
    top, left = thing.top + down, thing.left + right
    pixels = cut(scene, thing)
    height, width = pixels.shape
    if top < 0 or left < 0 or top + height > grid.shape[0] or left + width > grid.shape[1]:
        return False
    paint(grid, thing, 0)
    return stamp(grid, pixels, top, left)


def box_of(mask: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of the box of the true cells, of which there is at least one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def holder(scene: Scene, hole: Thing) -> Thing:
    """Return the one of the `shapes` that has the cell above the first cell of a hole.

    If a single object closes the hole in, it is this one.
    """
    column = hole.labels[hole.top].tolist().index(hole.number)
    return scene.shapes[int(scene.shapes[0].labels[hole.top - 1, column]) - 1]


def is_window(scene: Scene, things: Iterable[Thing], pixels: Grid) -> bool:
    """Return whether the box of one of the things shows exactly these pixels."""
    return any(np.array_equal(scene.grid[thing.box], pixels) for thing in things)


def full_lines(grid: Grid) -> list[int]:
    """Return the columns that have one colour from edge to edge, except the ground's.

    `full_lines(grid.T)` returns the rows.
    """
    is_full = (grid == grid[0]).all(axis=0)
    return np.flatnonzero(is_full & (grid[0] != 0)).tolist()


def parted(grid: Grid) -> tuple[Grid, Grid] | None:
    """Return views of the halves left and right of a line in the middle column, `(h, w)` each.

    Returns None if there is no such line.
    """
    middle = grid.shape[1] // 2
    line = grid[:, middle]
    if not middle or grid.shape[1] % 2 == 0 or not line[0] or (line != line[0]).any():
        return None
    return grid[:, :middle], grid[:, middle + 1 :]
