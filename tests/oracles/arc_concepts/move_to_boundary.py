"""Twins of rules of MoveToBoundary, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, places_by_colour

STEPS = {"top": (-1, 0), "bottom": (1, 0), "left": (0, -1), "right": (0, 1)}


def loose_cells_slide(rows: Rows, loose: int, side: str) -> Rows:
    """Move each loose cell by one place as long as any can move."""
    down, right = STEPS[side]
    out = [list(row) for row in rows]
    places = {(r, c) for r in range(len(rows)) for c in range(len(rows[0]))}
    has_moved = True
    while has_moved:
        has_moved = False
        for r, c in places:
            y, x = r + down, c + right
            if out[r][c] == loose and (y, x) in places and not out[y][x]:
                out[r][c], out[y][x] = 0, loose
                has_moved = True
    return out


def slide_and_stack(rows: Rows, side: str) -> Rows:
    """Move each object by one place as long as any can move. Here each colour is one object."""
    down, right = STEPS[side]
    things = {colour: {*places} for colour, places in places_by_colour(rows).items()}
    has_moved = True
    while has_moved:
        has_moved = False
        for colour, places in things.items():
            ahead = {(r + down, c + right) for r, c in places}
            is_inside = all(0 <= r < len(rows) and 0 <= c < len(rows[0]) for r, c in ahead)
            is_free = all(other == colour or ahead.isdisjoint(things[other]) for other in things)
            if is_inside and is_free:
                things[colour] = ahead
                has_moved = True

    out = [[0] * len(row) for row in rows]
    for colour, places in things.items():
        for r, c in places:
            out[r][c] = colour
    return out


TWINS = {"loose-cells-slide": loose_cells_slide, "slide-and-stack": slide_and_stack}
