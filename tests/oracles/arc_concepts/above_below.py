"""Twins of rules of AboveBelow, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def clear_beside_line(rows: Rows, where: str) -> Rows:
    line = next(r for r, row in enumerate(rows) if row[0] and len(set(row)) == 1)
    gone = range(line) if where == "above" else range(line + 1, len(rows))
    return [[0] * len(row) if r in gone else row for r, row in enumerate(rows)]


def fill_between_stacked(rows: Rows, ink: int) -> Rows:
    out = [list(row) for row in rows]
    for c in range(len(rows[0])):
        inked = [r for r, row in enumerate(rows) if row[c]]
        for r in range(inked[0], inked[-1]) if inked else ():
            out[r][c] = rows[r][c] or ink
    return out


TWINS = {"clear-beside-line": clear_beside_line, "fill-between-stacked": fill_between_stacked}
