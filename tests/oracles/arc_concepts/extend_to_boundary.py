"""Twins of rules of ExtendToBoundary, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def rays_from_dots(rows: Rows, ways: str) -> Rows:
    straight, slant = [(0, 1), (1, 0), (0, -1), (-1, 0)], [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    steps = (straight if "diagonals" not in ways else []) + (slant if "row" not in ways else [])
    out = [list(row) for row in rows]
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            for down, right in steps if colour else ():
                y, x = r, c
                while 0 <= y < len(rows) and 0 <= x < len(row):
                    out[y][x] = colour
                    y, x = y + down, x + right
    return out


def spread_to_the_walls(rows: Rows, wall: int) -> Rows:
    out = [list(row) for row in rows]
    spread = True
    while spread:
        spread = False
        for r, row in enumerate(out):
            for c, colour in enumerate(row):
                for y, x in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                    inside = 0 <= y < len(rows) and 0 <= x < len(row)
                    if colour not in (0, wall) and inside and out[y][x] == 0:
                        out[y][x] = colour
                        spread = True
    return out


TWINS = {"rays-from-dots": rays_from_dots, "spread-to-the-walls": spread_to_the_walls}
