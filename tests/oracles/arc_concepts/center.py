"""Twins of rules of Center, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def cut_out_the_middle(rows: Rows, side: int) -> Rows:
    while len(rows) > side:
        rows = rows[1:-1]
    while len(rows[0]) > side:
        rows = [row[1:-1] for row in rows]
    return rows


def midpoint(rows: Rows, ink: int) -> Rows:
    places: dict[int, list[tuple[int, int]]] = {}
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            if colour:
                places.setdefault(colour, []).append((r, c))
    out = [list(row) for row in rows]
    for (r, c), (y, x) in places.values():
        out[(r + y) // 2][(c + x) // 2] = ink
    return out


TWINS = {"cut-out-the-middle": cut_out_the_middle, "midpoint": midpoint}
