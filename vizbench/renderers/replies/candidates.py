"""Define a candidate: a grid that a reply shows, whole or not, and where it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, final

Codes: TypeAlias = list[list[int]]
"""Rows of codes 0 … 255. They may differ in length."""

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
"""The characters of codes 0 … 35 in rows of one character per cell."""

NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.e+-]*", re.IGNORECASE)


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """A grid in a text."""

    start: int
    """Its first character in the text."""
    end: int
    """The first character after it."""
    rows: Codes
    """The codes that were read."""
    problem: str = ""
    """Why it is not a whole grid, or "" if it is one."""
    listed: bool = False
    """Whether its rows are written in brackets."""
    headed: bool = False
    """Whether it is a table with names of columns."""
    weak: bool = False
    """Whether it is one line, which may be a number or a place in prose."""


def code(word: str) -> int | None:
    """Return the code 0 … 255 that a number is, or None. 1.0, 01 and -0 are read as JSON readers do."""
    if word.isdigit() and word.isascii() and len(word) <= 3:
        value = int(word)
        return value if value <= 255 else None
    try:
        number = float(word)
    except ValueError:
        return None
    return int(number) if number.is_integer() and 0 <= number <= 255 else None


def no_code(row: int, word: str) -> str:
    """Return the problem of a cell that does not hold a code."""
    return f"row {row} holds {word[:20]}, not a code 0 … 255"


def cut_off(row: int) -> str:
    """Return the problem of a grid that ends early."""
    return f"the text ends in row {row} of a grid that is not closed"


MISNUMBERED: Final = "the numbers of its rows do not follow each other"
LEFT_OUT: Final = "the grid leaves cells or rows out"


def is_places(later: Candidate, grid: Candidate) -> bool:
    """Return whether a list below a wider grid names cells of it: (row, column) or (row, column, value)."""
    if not (later.listed or later.headed) or not grid.rows or not later.rows:
        return False
    width = max(map(len, later.rows))
    return width <= 3 and width < len(grid.rows[0])


@final
class Reference:
    """The rows and columns of a grid, to recognise later citations of it."""

    def __init__(self, grid: Candidate) -> None:
        self.grid = grid
        self._columns: list[tuple[int, ...]] = []
        if not grid.problem and len({len(row) for row in grid.rows}) == 1:
            self._columns = list(zip(*grid.rows, strict=True))
        self._lines = {tuple(row) for row in grid.rows} | set(self._columns)

    def is_cited(self, later: Candidate) -> bool:
        """Return whether a later grid only repeats some rows or columns, as a check does.

        A grid that leaves out rows, or is cut off, may be an incomplete second copy of the answer.
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
