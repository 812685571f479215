"""Describe the candidates: grids that a reply shows, complete or not, and their places in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, final

Codes: TypeAlias = list[list[int]]
"""Rows of codes 0 … 255. Rows may differ in length."""

Shape: TypeAlias = tuple[int, int]
"""The number of rows and of columns of a grid."""

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
"""The characters of codes 0 … 35 in rows of one character per cell."""

NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.e+-]*", re.IGNORECASE)
"""What looks like a number of JSON. `code` decides whether it is one."""

MISNUMBERED: Final = "the numbers of its rows do not follow each other"
LEFT_OUT: Final = "the grid leaves cells or rows out"


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold a grid that a text shows."""

    start: int
    """The index of its first character in the text."""
    end: int
    """The index of the first character after it."""
    rows: Codes
    """The rows that were read."""
    problem: str = ""
    """Why the grid is not complete, or "" if it is."""
    listed: bool = False
    """Whether its rows are written in brackets."""
    headed: bool = False
    """Whether it is a table with the names of columns above it."""
    weak: bool = False
    """Whether it is a single line, which may be a number or a place that prose mentions."""


def code(word: str) -> int | None:
    """Return the code 0 … 255 of a word, or None if it is not a code.

    1.0, 01 and -0 are codes too, because models write them.
    """
    if word.isdigit() and word.isascii() and len(word) <= 3:
        value = int(word)
        return value if value <= 255 else None
    try:
        number = float(word)
    except ValueError:
        return None
    return int(number) if number.is_integer() and 0 <= number <= 255 else None


def no_code(row: int, word: str) -> str:
    """Return the problem of a row with a cell that holds no code."""
    return f"row {row} holds {word[:20]}, not a code 0 … 255"


def cut_off(row: int) -> str:
    """Return the problem of a grid that the end of the text cuts off."""
    return f"the text ends in row {row} of a grid that is not closed"


def is_places(later: Candidate, grid: Candidate) -> bool:
    """Return whether a later grid lists cells of a wider grid.

    Each of its rows is then (row, column) or (row, column, value).
    """
    if not (later.listed or later.headed) or not grid.rows or not later.rows:
        return False
    width = max(map(len, later.rows))
    return width <= 3 and width < len(grid.rows[0])


@final
class Reference:
    """Recognize later grids that repeat rows or columns of one grid."""

    def __init__(self, grid: Candidate) -> None:
        self.grid = grid
        self._columns: list[tuple[int, ...]] = []
        if not grid.problem and len({len(row) for row in grid.rows}) == 1:
            self._columns = list(zip(*grid.rows, strict=True))
        self._lines = {tuple(row) for row in grid.rows} | set(self._columns)

    def is_cited(self, later: Candidate) -> bool:
        """Return whether a later grid only repeats some rows or columns, as a check does.

        A later grid that is cut off or leaves rows out is not a citation. It may be the answer once more.
        """
        rows = later.rows
        if later.problem not in ("", MISNUMBERED) and not later.weak:
            return False
        if not self._columns or not rows or len(rows) >= max(len(self.grid.rows), len(self._columns)):
            return False
        return all(tuple(row) in self._lines for row in rows)

    def is_turned(self, later: Candidate) -> bool:
        """Return whether a later grid is this one with rows and columns exchanged."""
        return len(later.rows) == len(self._columns) and [tuple(row) for row in later.rows] == self._columns
