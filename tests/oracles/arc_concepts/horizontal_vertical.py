"""Twins of rules of HorizontalVertical, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, transposed


def recolour_lines_that_run(rows: Rows, way: str, ink: int) -> Rows:
    """Recolour the runs of a row whose colour is not beside them."""
    if way == "vertical":
        return transposed(recolour_lines_that_run(transposed(rows), "horizontal", ink))
    # A border of ground saves the tests for the edges.
    empty = [0] * (len(rows[0]) + 2)
    framed = [empty, *([0, *row, 0] for row in rows), empty]
    out = [list(row) for row in rows]
    for r in range(1, len(rows) + 1):
        start = 1
        while start <= len(rows[0]):
            colour, end = framed[r][start], start
            while framed[r][end] == colour and end <= len(rows[0]):
                end += 1
            beside = framed[r - 1][start - 1 : end + 1] + framed[r + 1][start - 1 : end + 1]
            if colour and end - start > 1 and colour not in beside:
                out[r - 1][start - 1 : end - 1] = [ink] * (end - start)
            start = end
    return out


def part_beside_the_line(rows: Rows, where: str) -> Rows:
    """Return the rows on one side of the full row; columns if there is no such row."""
    for r, row in enumerate(rows):
        if len(set(row)) == 1 and row[0]:
            return rows[:r] if where == "above or left of" else rows[r + 1 :]
    return transposed(part_beside_the_line(transposed(rows), where))


TWINS = {"recolour-lines-that-run": recolour_lines_that_run, "part-beside-the-line": part_beside_the_line}
