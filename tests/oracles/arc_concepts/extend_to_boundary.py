"""Twins of rules of ExtendToBoundary, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows

STRAIGHT = [(0, 1), (1, 0), (0, -1), (-1, 0)]
DIAGONAL = [(1, 1), (1, -1), (-1, 1), (-1, -1)]


def rays_from_dots(rows: Rows, ways: str) -> Rows:
    """Draw rays from every dot to the edges: straight ones, diagonal ones, or both."""
    steps: list[tuple[int, int]] = []
    if "diagonals" not in ways:
        steps += STRAIGHT
    if "row" not in ways:
        steps += DIAGONAL
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
    """Spread every colour but the wall's to the ground beside it, until nothing changes."""
    out = [list(row) for row in rows]
    has_spread = True
    while has_spread:
        has_spread = False
        for r, row in enumerate(out):
            for c, colour in enumerate(row):
                for down, right in STRAIGHT:
                    y, x = r + down, c + right
                    is_inside = 0 <= y < len(rows) and 0 <= x < len(row)
                    if colour not in (0, wall) and is_inside and out[y][x] == 0:
                        out[y][x] = colour
                        has_spread = True
    return out


TWINS = {"rays-from-dots": rays_from_dots, "spread-to-the-walls": spread_to_the_walls}
