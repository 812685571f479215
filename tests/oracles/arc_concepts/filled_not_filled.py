"""Twins of rules of FilledNotFilled, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Place, Rows

SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))


def fill_sealed_outlines(rows: Rows) -> Rows:
    """Flood the ground from each of its cells: what never reaches the edge is filled."""
    height, width = len(rows), len(rows[0])
    out = [list(row) for row in rows]
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            if colour:
                continue
            reached = flooded(rows, (r, c))
            at_edge = any(y in (0, height - 1) or x in (0, width - 1) for y, x in reached)
            if not at_edge:
                # The outline's colour is the first one above the cell.
                out[r][c] = next(rows[k][c] for k in range(r, -1, -1) if rows[k][c])
    return out


def flooded(rows: Rows, start: Place) -> set[Place]:
    """Return the ground that is connected to a cell of ground along sides."""
    reached: set[Place] = set()
    todo = [start]
    while todo:
        r, c = todo.pop()
        is_inside = 0 <= r < len(rows) and 0 <= c < len(rows[0])
        if is_inside and rows[r][c] == 0 and (r, c) not in reached:
            reached.add((r, c))
            todo += [(r + down, c + right) for down, right in SIDES]
    return reached


def rings_of_the_filled(rows: Rows, ink: int) -> Rows:
    """Recolour the cells that are at an even depth in their object."""
    out = [list(row) for row in rows]
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            if colour and depth(rows, r, c) % 2 == 0:
                out[r][c] = ink
    return out


def depth(rows: Rows, r: int, c: int) -> int:
    """Count the cells of one colour up to the nearest end, along the row or the column; 1 at an end."""
    runs: list[int] = []
    for down, right in SIDES:
        run = 0
        y, x = r, c
        while 0 <= y < len(rows) and 0 <= x < len(rows[0]) and rows[y][x] == rows[r][c]:
            run, y, x = run + 1, y + down, x + right
        runs.append(run)
    return min(runs)


TWINS = {"fill-sealed-outlines": fill_sealed_outlines, "rings-of-the-filled": rings_of_the_filled}
