"""Twins of rules of InsideOutside, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def flood_one_side(rows: Rows, where: str, ink: int) -> Rows:
    h, w = len(rows), len(rows[0])
    outside: set[tuple[int, int]] = set()
    todo = [(r, c) for r in range(h) for c in range(w) if r in (0, h - 1) or c in (0, w - 1)]
    while todo:
        r, c = todo.pop()
        if 0 <= r < h and 0 <= c < w and not rows[r][c] and (r, c) not in outside:
            outside.add((r, c))
            todo += [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]
    return [
        [colour or ink * (((r, c) in outside) == (where == "outside")) for c, colour in enumerate(row)]
        for r, row in enumerate(rows)
    ]


def marked_box(rows: Rows, where: str, ink: int) -> Rows:
    places: dict[int, list[tuple[int, int]]] = {}
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            places.setdefault(colour, []).append((r, c))
    (mark,) = (colour for colour, cells in places.items() if colour and len(cells) == 4)
    (top, left), (bottom, right) = min(places[mark]), max(places[mark])
    out = [list(row) for row in rows]
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            inside = top < r < bottom and left < c < right
            if colour not in (0, mark) and inside == (where == "inside"):
                out[r][c] = ink
    return out


TWINS = {"flood-one-side": flood_one_side, "marked-box": marked_box}
