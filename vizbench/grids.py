"""What others hand in as a grid or as a process, read strictly: the one door for answers of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from vizbench.types import Grid
from vizbench.words import plural

MAX_SIDE = 1024
"""An answer with a longer side is refused unread."""

MAX_STATES = 65_536
"""A process with more states is refused unread."""

_CELLS = (int, np.integer, np.bool_)

_Nested = list[Any] | tuple[Any, ...]


def as_grid(answer: object, codes: int, noun: str = "answer") -> Grid | str:
    """The answer as `(h, w)` uint8 with codes below `codes`, or a sentence that says why the `noun` is no such grid.

    Arrays of two dimensions and lists of rows are read, of integers of any width, or of booleans, which are 0 and 1.
    Never raises.
    """
    if answer is None:
        return f"there is no {noun}"
    try:
        array = _from_rows(cast("_Nested", answer), noun) if isinstance(answer, list | tuple) else _array(answer, noun)
        if isinstance(array, str):
            return array
        if array.ndim != 2 or array.size == 0:
            return f"the {noun} has shape {array.shape}, not rows by columns"
        if max(array.shape) > MAX_SIDE:
            return f"the {noun} is {size(array)}: sides over {MAX_SIDE} are not read"
        if array.dtype.kind not in "biu":
            return f"the {noun} holds {array.dtype}, not integers"
        low, high = int(array.min()), int(array.max())
    except Exception as error:  # hostile objects may raise anything
        return f"the {noun} is no grid: {type(error).__name__}"
    if low < 0 or high >= codes:
        return f"cell code {low if low < 0 else high} is outside 0 … {codes - 1}"
    return np.array(array, np.uint8)


def as_states(grids: object) -> Sequence[object] | str:
    """The states of a process, not yet looked into, or a sentence that says why it is none. Never raises."""
    try:
        states = cast("_Nested", grids) if isinstance(grids, list | tuple) else _array(grids, "process")
        if isinstance(states, str):
            return states
        if not 1 <= len(states) <= MAX_STATES:
            return f"the process has {plural(len(states), 'state')}: 1 … {MAX_STATES:,} are read"
        return list(states)
    except Exception as error:  # hostile objects may raise anything
        return f"the process is no list of grids: {type(error).__name__}"


def size(grid: npt.NDArray[Any]) -> str:
    """A grid's sides as text: 3x4."""
    return f"{grid.shape[0]}x{grid.shape[1]}"


def _array(answer: object, noun: str) -> npt.NDArray[Any] | str:
    """What NumPy makes of one object that is no list, or why that is not to be read."""
    kind = type(answer).__name__
    if isinstance(answer, Sequence):  # a range, a text: NumPy would write out each of its items
        return f"the {noun} is of type {kind}, not rows by columns"
    array = np.asanyarray(answer)
    if isinstance(array, np.ma.MaskedArray):
        return f"the {noun} holds a masked array: cells behind a mask are no answer"
    return array


def _from_rows(rows: _Nested, noun: str) -> npt.NDArray[Any] | str:
    """Lists looked through before NumPy reads them, and only as far as they may be large.

    NumPy drops the masks of rows, widens cells of mixed types to fractions or texts, and one long list that stands for
    each of its own rows would fill the memory.
    """
    if not 1 <= len(rows) <= MAX_SIDE:
        return f"the {noun} has {plural(len(rows), 'row')}: 1 … {MAX_SIDE} are read"
    lines: list[_Nested] = []
    for row in rows:
        line = cast("_Nested", row) if isinstance(row, list | tuple) else _array(row, noun)
        if isinstance(line, str):
            return line
        if isinstance(line, np.ndarray) and line.ndim != 1:
            return f"the {noun} has a row of shape {line.shape}, not a list of cells"
        if not 1 <= len(line) <= MAX_SIDE:
            return f"the {noun} has a row of {plural(len(line), 'cell')}: 1 … {MAX_SIDE} are read"
        if lines and len(line) != len(lines[0]):
            return f"the {noun} has rows of {len(lines[0])} and of {plural(len(line), 'cell')}"
        lines.append(line.tolist() if isinstance(line, np.ndarray) else line)
    for kind in set(map(type, chain.from_iterable(lines))):
        if not issubclass(kind, _CELLS):
            return f"the {noun} holds {kind.__name__}, not integers"
    return np.array(lines, np.int64)
