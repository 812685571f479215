"""Twins of rules of Copy, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def grid_of_grids(rows: Rows, ink: int) -> Rows:
    out: Rows = []
    for outer in rows:
        for inner in rows:
            line: list[int] = []
            for colour in outer:
                line += inner if colour == ink else [0] * len(inner)
            out.append(line)
    return out


def copy_to_marked_lines(rows: Rows, line: str, mark: int) -> Rows:
    if line == "column":
        turned = copy_to_marked_lines([list(column) for column in zip(*rows, strict=True)], "row", mark)
        return [list(column) for column in zip(*turned, strict=True)]
    pattern = next(row for row in rows if any(row[1:]))
    return [[mark, *pattern[1:]] if row[0] == mark else row for row in rows]


TWINS = {"grid-of-grids": grid_of_grids, "copy-to-marked-lines": copy_to_marked_lines}
