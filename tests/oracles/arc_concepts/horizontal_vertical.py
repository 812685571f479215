"""Twins of rules of HorizontalVertical, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def recolour_lines_that_run(rows: Rows, way: str, ink: int) -> Rows:
    """Over the rows of a framed grid; vertical lines are the horizontal ones of the grid turned on its
    side."""
    if way == "vertical":
        turned = [list(column) for column in zip(*rows, strict=True)]
        return [
            list(column) for column in zip(*recolour_lines_that_run(turned, "horizontal", ink), strict=True)
        ]
    wide = [[0] * (len(rows[0]) + 2), *([0, *row, 0] for row in rows), [0] * (len(rows[0]) + 2)]
    out = [list(row) for row in rows]
    for r, row in enumerate(wide[1:-1], 1):
        c = 1
        while c < len(row) - 1:
            end = c
            while row[end] == row[c] and end < len(row) - 1:
                end += 1
            around = [wide[y][x] for y in (r - 1, r + 1) for x in range(c - 1, end + 1)]
            if row[c] and end - c > 1 and row[c] not in around:
                out[r - 1][c - 1 : end - 1] = [ink] * (end - c)
            c = end
    return out


def part_beside_the_line(rows: Rows, where: str) -> Rows:
    for at, row in enumerate(rows):
        if len(set(row)) == 1 and row[0]:
            return rows[:at] if where == "above or left of" else rows[at + 1 :]
    turned = [list(column) for column in zip(*rows, strict=True)]
    return [list(column) for column in zip(*part_beside_the_line(turned, where), strict=True)]


TWINS = {"recolour-lines-that-run": recolour_lines_that_run, "part-beside-the-line": part_beside_the_line}
