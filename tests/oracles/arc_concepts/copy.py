"""Twins of rules of Copy, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, transposed


def grid_of_grids(rows: Rows, ink: int) -> Rows:
    """Put a copy of the grid in place of each cell of one colour, and ground in place of the others."""
    out: Rows = []
    for outer in rows:
        for inner in rows:
            line: list[int] = []
            for colour in outer:
                line += inner if colour == ink else [0] * len(inner)
            out.append(line)
    return out


def copy_to_marked_lines(rows: Rows, line: str, mark: int) -> Rows:
    """Copy the one pattern to all lines that begin with the mark."""
    if line == "column":
        return transposed(copy_to_marked_lines(transposed(rows), "row", mark))
    pattern = next(row for row in rows if any(row[1:]))
    return [[mark, *pattern[1:]] if row[0] == mark else row for row in rows]


TWINS = {"grid-of-grids": grid_of_grids, "copy-to-marked-lines": copy_to_marked_lines}
