"""Twins of rules of CompleteShape, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, places_by_colour


def complete_outlines(rows: Rows) -> Rows:
    """Draw the outline of the box around each colour."""
    out = [list(row) for row in rows]
    for colour, places in places_by_colour(rows).items():
        top, bottom = min(r for r, _ in places), max(r for r, _ in places)
        left, right = min(c for _, c in places), max(c for _, c in places)
        for r in range(top, bottom + 1):
            out[r][left] = out[r][right] = colour
        for c in range(left, right + 1):
            out[top][c] = out[bottom][c] = colour
    return out


def fourth_corner(rows: Rows, ink: int) -> Rows:
    """Mark the missing corner of each rectangle of which three corners are given."""
    out = [list(row) for row in rows]
    for places in places_by_colour(rows).values():
        if len(places) == 3:
            corners = {(r, c) for r, _ in places for _, c in places}
            for r, c in corners - {*places}:
                out[r][c] = ink
    return out


TWINS = {"complete-outlines": complete_outlines, "fourth-corner": fourth_corner}
