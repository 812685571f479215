"""Twins of rules of Center, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, places_by_colour


def cut_out_the_middle(rows: Rows, side: int) -> Rows:
    """Cut lines off both ends until `side` rows and columns are left."""
    while len(rows) > side:
        rows = rows[1:-1]
    while len(rows[0]) > side:
        rows = [row[1:-1] for row in rows]
    return rows


def midpoint(rows: Rows, ink: int) -> Rows:
    """Mark the cell half-way between the two cells of each colour."""
    out = [list(row) for row in rows]
    for (top, left), (bottom, right) in places_by_colour(rows).values():
        out[(top + bottom) // 2][(left + right) // 2] = ink
    return out


TWINS = {"cut-out-the-middle": cut_out_the_middle, "midpoint": midpoint}
