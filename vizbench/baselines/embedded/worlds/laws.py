"""The laws of cells and walkers by themselves, for the worlds that draw them and for the check that keeps
some out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.baselines.embedded.worlds.scene import HEADINGS, Boards, neighbours

Ints = npt.NDArray[np.int64]


def seen_around(soup: Boards, torus: bool) -> Ints:
    """What a life-like law reads in each cell of `(n, h, w)` boards of 0 and 1: 9 * own state + live cells
    around."""
    return soup.astype(np.int64) * 9 + neighbours(soup == 1, cross=False, torus=torus)


def seen_in_rows(rows: Boards) -> Ints:
    """What an elementary rule reads in each cell: 4 left + 2 own + right on the last axis, a ring."""
    return 4 * np.roll(rows, 1, -1).astype(np.int64) + 2 * rows + np.roll(rows, -1, -1)


def next_rows(rows: Boards, rule: int) -> Boards:
    """One step of an elementary rule on the last axis, a ring."""
    return ((rule >> seen_in_rows(rows)) & 1).astype(np.uint8)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Where a walker stands on each of n boards, and its heading 0 ... 3; `(n,)` each."""

    row: Ints
    column: Ints
    heading: Ints


def walked(
    colour: Boards, walk: Walk, table: tuple[tuple[int, int], tuple[int, int]], steps: int
) -> tuple[Boards, Walk]:
    """Boards `(n, h, w)` of 0 and 1 and walkers, `steps` steps later on a torus.

    table: by the colour under the walker, its quarter turns to the right and 1 where it flips the colour;
    then one cell ahead."""
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
    """The boards with their walkers drawn: 2 + heading where one stands on colour 0, 6 + heading on colour
    1."""
    board, each = colour.copy(), np.arange(len(colour))
    board[each, walk.row, walk.column] = (2 + 4 * colour[each, walk.row, walk.column] + walk.heading).astype(
        np.uint8
    )
    return board
