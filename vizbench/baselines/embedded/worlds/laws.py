"""Apply the laws of automata and walkers, for the worlds and for the check that excludes laws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.baselines.embedded.worlds.scene import HEADINGS, Boards, neighbours

Ints = npt.NDArray[np.int64]


def seen_around(soup: Boards, torus: bool) -> Ints:
    """Return what a life-like law reads in each cell: 9 * own state + live neighbours.

    soup: boards of 0 and 1, `(n, h, w)`.
    """
    return soup.astype(np.int64) * 9 + neighbours(soup == 1, cross=False, torus=torus)


def seen_in_rows(rows: Boards) -> Ints:
    """Return what an elementary rule reads in each cell: 4 left + 2 own + right. The last axis is a ring."""
    return 4 * np.roll(rows, 1, -1).astype(np.int64) + 2 * rows + np.roll(rows, -1, -1)


def next_rows(rows: Boards, rule: int) -> Boards:
    """Apply one step of an elementary rule along the last axis, a ring."""
    return ((rule >> seen_in_rows(rows)) & 1).astype(np.uint8)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One walker on each of n boards."""

    row: Ints
    """Its row, `(n,)`."""
    column: Ints
    """Its column, `(n,)`."""
    heading: Ints
    """Its heading as an index into `HEADINGS`, `(n,)`."""


def walked(
    colour: Boards, walk: Walk, table: tuple[tuple[int, int], tuple[int, int]], steps: int
) -> tuple[Boards, Walk]:
    """Move the walkers `steps` steps on tori of 0 and 1, `(n, h, w)`.

    table: for the colour under the walker, its quarter turns to the right, and 1 if it flips the colour.
    After turning and painting it moves one cell ahead.
    """
    board = colour.copy()
    n, h, w = board.shape
    each, moves = np.arange(n), np.array(HEADINGS)
    turns, flips = np.array([turn for turn, _ in table]), np.array([flip for _, flip in table], np.uint8)
    row, column, heading = walk.row, walk.column, walk.heading
    for _ in range(steps):
        under = board[each, row, column]
        heading = (heading + turns[under]) % 4
        board[each, row, column] = under ^ flips[under]
        row, column = (row + moves[heading, 0]) % h, (column + moves[heading, 1]) % w
    return board, Walk(row, column, heading)


def with_walker(colour: Boards, walk: Walk) -> Boards:
    """Draw the walkers into the boards: 2 + heading on colour 0, 6 + heading on colour 1."""
    board, each = colour.copy(), np.arange(len(colour))
    under = colour[each, walk.row, walk.column]
    board[each, walk.row, walk.column] = (2 + 4 * under + walk.heading).astype(np.uint8)
    return board
