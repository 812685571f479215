"""Read objects of any kind as a grid, or as the states of a process. Every answer passes through here.

A subclass may override `shape`, `__class__` or `__len__`, so an object cannot be trusted. Its true type
decides. The object is copied once, within bounds and through the methods of the base class, and only the copy
is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from vizbench._util.text import plural
from vizbench.types import Grid

MAX_SIDE = 1024
"""Cells of the longest side of an answer that is read."""

MAX_STATES = 65_536
"""States of the longest process that is read."""

_CELLS = (int, np.integer, np.bool_)
_PLAIN_CELLS: Final = frozenset({int, bool, np.bool_, *np.sctypeDict.values()})
"""Types of cells that NumPy reads without calling their methods."""


def as_grid(answer: object, codes: int, noun: str = "answer") -> Grid | str:
    """Return the answer as `(h, w)` uint8 with codes below `codes`, or why it is not such a grid.

    Arrays of two dimensions and lists of rows are read. Their cells are integers of any width, or booleans,
    which count as 0 and 1. noun: what the sentence calls the answer. Never raises.
    """
    if answer is None:
        return f"there is no {noun}"
    try:
        array = _as_array(answer, noun)
        if isinstance(array, str):
            return array
        fault = _shape_fault(array, answer, noun)
        if fault is not None:
            return fault
        low, high = int(array.min()), int(array.max())
    except Exception as error:  # hostile objects may raise anything
        return f"the {noun} is not a grid: {kind_name(error)}"
    if low < 0 or high >= codes:
        return f"cell code {low if low < 0 else high} is outside 0 … {codes - 1}"
    return np.array(array, np.uint8)


def _as_array(answer: object, noun: str) -> npt.NDArray[Any] | str:
    """Return the answer as an array of any shape and type, or why it is not read."""
    items = plain_items(answer, MAX_SIDE)
    if isinstance(items, int):
        return f"the {noun} has {plural(items, 'row')}: 1 … {MAX_SIDE} are read"
    return _array(answer, noun) if items is None else _from_rows(items, noun)


def _shape_fault(array: npt.NDArray[Any], answer: object, noun: str) -> str | None:
    """Return why an array does not have the shape and type of a grid, or None."""
    if array.ndim == 0:
        return f"the {noun} is of type {kind_name(answer)}, not rows by columns"
    if array.ndim == 3 and 3 in array.shape[::2]:
        shape = f"shape {array.shape} of {array.dtype}"
        return f"the {noun} has {shape}: a picture is (height, width, 3) of uint8"
    if array.ndim != 2 or array.size == 0:
        return f"the {noun} has shape {array.shape}, not rows by columns"
    if max(array.shape) > MAX_SIDE:
        return f"the {noun} is {size(array)}: sides over {MAX_SIDE} are not read"
    if array.dtype.kind not in "biu":
        return f"the {noun} holds {array.dtype}, not integers"
    return None


def as_states(grids: object) -> Sequence[object] | str:
    """Return the states of a process, unchecked, or why it is not a process. Never raises."""
    try:
        items = plain_items(grids, MAX_STATES)
        if items is None:
            array = _array(grids, "process")
            if isinstance(array, str):
                return array
            items = list(array) if len(array) <= MAX_STATES else len(array)
        count = items if isinstance(items, int) else len(items)
        if isinstance(items, int) or not items:
            return f"the process has {plural(count, 'state')}: 1 … {MAX_STATES:,} are read"
        return items
    except Exception as error:  # hostile objects may raise anything
        return f"the process is not a list of grids: {kind_name(error)}"


def plain_items(answer: object, most: int) -> list[Any] | int | None:
    """Return a copy of a list or tuple of at most `most` items.

    Returns the number of items if there are more, and None for an object of any other type.
    """
    kind = type(answer)
    if issubclass(kind, list):
        items = cast("list[Any]", answer)
        count = list[Any].__len__(items)
        return list[Any].__getitem__(items, slice(0, count)) if count <= most else count
    if issubclass(kind, tuple):
        cells = cast("tuple[Any, ...]", answer)
        count = tuple[Any, ...].__len__(cells)
        return list(tuple[Any, ...].__getitem__(cells, slice(0, count))) if count <= most else count
    return None


def plain_array(answer: object) -> npt.NDArray[Any]:
    """Return an array as its base class sees it. It is not copied: it may be a large view of one number."""
    if not issubclass(type(answer), np.ndarray):
        answer = np.asarray(answer)
    return np.ndarray.view(cast("npt.NDArray[Any]", answer), np.ndarray)


def bounded_array(answer: object, most: int) -> npt.NDArray[Any] | str:
    """Return an object as a plain array, or why it is not read. Its lists may have up to `most` items.

    Lists at three depths are checked before NumPy converts any of them, because all rows of a list may be one
    object.
    """
    level = [answer]
    for _ in range(3):
        below: dict[int, object] = {}
        for item in level:
            items = plain_items(item, most)
            if items is None and level[0] is not answer and issubclass(type(item), Sequence):
                return f"holds {kind_name(item)}, not numbers"
            if isinstance(items, int):
                return f"has a list of {items:,} items: {most:,} are read"
            for inner in items or ():
                below.setdefault(id(inner), inner)  # a shared row is checked once
        level = list(below.values())
    if any(issubclass(type(item), Sequence) for item in level):
        return "holds lists inside its colours, not height by width by 3 colours"
    cells = _cell_count(answer)
    if cells > 3 * most * most:
        return f"has {cells:,} values: {3 * most * most:,} are read"
    return plain_array(answer)


def _cell_count(answer: object) -> int:
    """Return how many items nested lists hold, judged by the first item of each."""
    count = 1
    for _ in range(4):
        if issubclass(type(answer), np.ndarray):
            return count * plain_array(answer).size
        items = plain_items(answer, 1 << 62)
        if not isinstance(items, list) or not items:
            break
        count *= len(items)
        answer = items[0]
    return count


def kind_name(value: object) -> str:
    """Return the name of an object's true type."""
    return str(type.__dict__["__name__"].__get__(type(value)))[:40]


def size(grid: npt.NDArray[Any]) -> str:
    """Return a grid's sides as text: `3x4`."""
    return f"{grid.shape[0]}x{grid.shape[1]}"


def _array(answer: object, noun: str) -> npt.NDArray[Any] | str:
    """Return what NumPy makes of an object that is not a list, or why it is not read."""
    if issubclass(type(answer), Sequence):  # NumPy would convert each item of a range or a text
        return f"the {noun} is of type {kind_name(answer)}, not rows by columns"
    if issubclass(type(answer), np.ma.MaskedArray):
        return f"the {noun} holds a masked array: masked cells are not an answer"
    return plain_array(answer)


def _from_rows(rows: list[Any], noun: str) -> npt.NDArray[Any] | str:
    """Return lists of rows as an array, or why they are not read. They are checked before NumPy reads them.

    NumPy drops the masks of rows, and converts cells of mixed types to fractions or texts. A long list that
    contains itself as each row would fill the memory.
    """
    if not rows:
        return f"the {noun} has 0 rows: 1 … {MAX_SIDE} are read"
    lines: list[list[Any]] = []
    for row in rows:
        line = _cells(row, noun)
        if isinstance(line, str):
            return line
        if lines and len(line) != len(lines[0]):
            return f"the {noun} has rows of {len(lines[0])} and of {plural(len(line), 'cell')}"
        lines.append(line)
    kinds = set(map(type, chain.from_iterable(lines)))
    for kind in kinds:
        if not issubclass(kind, _CELLS):
            return f"the {noun} holds {str(type.__dict__['__name__'].__get__(kind))[:40]}, not integers"
    if not kinds <= _PLAIN_CELLS:
        lines = [[_number(cell) for cell in line] for line in lines]
    return np.array(lines, np.int64)


def _cells(row: object, noun: str) -> list[Any] | str:
    """Return the cells of one row, or why it is not a row."""
    items = plain_items(row, MAX_SIDE)
    if items is None:
        if issubclass(type(row), Sequence):
            return f"the {noun} has a row of type {kind_name(row)}, not a list of cells"
        array = _array(row, noun)
        if isinstance(array, str):
            return array
        if array.ndim != 1:
            return f"the {noun} has a row of shape {array.shape}, not a list of cells"
        items = array.tolist() if len(array) <= MAX_SIDE else len(array)
    count = items if isinstance(items, int) else len(items)
    if isinstance(items, int) or not items:
        return f"the {noun} has a row of {plural(count, 'cell')}: 1 … {MAX_SIDE} are read"
    return items


def _number(cell: Any) -> int:
    """Return the value of an integer, read by the methods of its base class."""
    return int.__index__(cell) if issubclass(type(cell), int) else int(np.generic.item(cell))
