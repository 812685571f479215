"""Work on the cells of a grid, without rules: neighbours, changes of a step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vizbench._util.text import plural
from vizbench.types import Grid


def neighbours(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return how many of each cell's 4 neighbours are chosen, `(h, w)`. Cells outside the grid are not."""
    board = np.pad(chosen, 1).astype(np.int64)
    return board[:-2, 1:-1] + board[2:, 1:-1] + board[1:-1, :-2] + board[1:-1, 2:]


def changed(before: Grid, after: Grid, count: int, deed: str) -> list[tuple[int, int]] | str:
    """Return the cells that differ if they are `count`, else a sentence.

    deed: what a step does, as a clause: "a step shades one".
    """
    cells = [(int(r), int(c)) for r, c in np.argwhere(before != after)]
    return cells if len(cells) == count else f"{plural(len(cells), 'cell')} changed, but {deed}"
