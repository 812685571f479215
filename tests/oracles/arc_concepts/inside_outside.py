"""Twins of rules of InsideOutside, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Place, Rows, places_by_colour


def flood_one_side(rows: Rows, where: str, ink: int) -> Rows:
    """Flood the ground from the edge: what is reached is outside."""
    height, width = len(rows), len(rows[0])
    outside: set[Place] = set()
    todo = [(r, c) for r in range(height) for c in (0, width - 1)]
    todo += [(r, c) for r in (0, height - 1) for c in range(width)]
    while todo:
        r, c = todo.pop()
        if 0 <= r < height and 0 <= c < width and not rows[r][c] and (r, c) not in outside:
            outside.add((r, c))
            todo += [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]

    out = [list(row) for row in rows]
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            is_outside = (r, c) in outside
            if not colour and is_outside == (where == "outside"):
                out[r][c] = ink
    return out


def marked_box(rows: Rows, where: str, ink: int) -> Rows:
    """Recolour the cells inside or outside the box of the colour with four cells."""
    (marks,) = (places for places in places_by_colour(rows).values() if len(places) == 4)
    (top, left), (bottom, right) = min(marks), max(marks)
    mark = rows[top][left]
    out = [list(row) for row in rows]
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            is_inside = top < r < bottom and left < c < right
            if colour not in (0, mark) and is_inside == (where == "inside"):
                out[r][c] = ink
    return out


TWINS = {"flood-one-side": flood_one_side, "marked-box": marked_box}
