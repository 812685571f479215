"""Twins of rules of Complete shape, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def places(rows: Rows) -> dict[int, list[tuple[int, int]]]:
    """The cells of each colour."""
    found: dict[int, list[tuple[int, int]]] = {}
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            if colour:
                found.setdefault(colour, []).append((r, c))
    return found


def complete_outlines(rows: Rows) -> Rows:
    out = [list(row) for row in rows]
    for colour, cells in places(rows).items():
        top, bottom = min(r for r, _ in cells), max(r for r, _ in cells)
        left, right = min(c for _, c in cells), max(c for _, c in cells)
        for r in range(top, bottom + 1):
            out[r][left] = out[r][right] = colour
        for c in range(left, right + 1):
            out[top][c] = out[bottom][c] = colour
    return out


def fourth_corner(rows: Rows, ink: int) -> Rows:
    out = [list(row) for row in rows]
    for cells in places(rows).values():
        if len(cells) == 3:
            missing = {(r, c) for r, _ in cells for _, c in cells} - {*cells}
            for r, c in missing:
                out[r][c] = ink
    return out


TWINS = {"complete-outlines": complete_outlines, "fourth-corner": fourth_corner}
