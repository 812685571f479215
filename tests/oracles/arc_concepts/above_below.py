"""Twins of rules of AboveBelow, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows


def clear_beside_line(rows: Rows, where: str) -> Rows:
    """Clear the rows above or below the line."""
    line = next(r for r, row in enumerate(rows) if row[0] and len(set(row)) == 1)
    cleared = range(line) if where == "above" else range(line + 1, len(rows))
    return [[0] * len(row) if r in cleared else row for r, row in enumerate(rows)]


def fill_between_stacked(rows: Rows, ink: int) -> Rows:
    """Fill each column between its first and its last coloured cell."""
    out = [list(row) for row in rows]
    for c in range(len(rows[0])):
        coloured = [r for r, row in enumerate(rows) if row[c]]
        for r in range(coloured[0], coloured[-1]) if coloured else ():
            out[r][c] = rows[r][c] or ink
    return out


TWINS = {"clear-beside-line": clear_beside_line, "fill-between-stacked": fill_between_stacked}
