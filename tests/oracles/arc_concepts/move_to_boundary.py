"""Twins of rules of MoveToBoundary, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]

STEPS = {"top": (-1, 0), "bottom": (1, 0), "left": (0, -1), "right": (0, 1)}


def loose_cells_slide(rows: Rows, loose: int, side: str) -> Rows:
    down, right = STEPS[side]
    out = [list(row) for row in rows]
    places = [(r, c) for r in range(len(rows)) for c in range(len(rows[0]))]
    moved = True
    while moved:
        moved = False
        for r, c in places:
            y, x = r + down, c + right
            if out[r][c] == loose and (y, x) in places and not out[y][x]:
                out[r][c], out[y][x] = 0, loose
                moved = True
    return out


def slide_and_stack(rows: Rows, side: str) -> Rows:
    """Step by step: what can move a cell does, until nothing can. Here each colour is one object."""
    down, right = STEPS[side]
    things = {
        colour: {(r, c) for r, row in enumerate(rows) for c, found in enumerate(row) if found == colour}
        for colour in {colour for row in rows for colour in row} - {0}
    }
    moved = True
    while moved:
        moved = False
        for colour, cells in things.items():
            others = {cell for other in things if other != colour for cell in things[other]}
            ahead = {(r + down, c + right) for r, c in cells}
            inside = all(0 <= r < len(rows) and 0 <= c < len(rows[0]) for r, c in ahead)
            if inside and not ahead & others:
                things[colour] = ahead
                moved = True
    out = [[0] * len(row) for row in rows]
    for colour, cells in things.items():
        for r, c in cells:
            out[r][c] = colour
    return out


TWINS = {"loose-cells-slide": loose_cells_slide, "slide-and-stack": slide_and_stack}
