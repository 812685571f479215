"""Twins of rules of TopBottom2D, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def view_along_columns(rows: Rows, end: str) -> Rows:
    seen = [0] * len(rows[0])
    for row in rows[::-1] if end == "topmost" else rows:  # what comes later hides what came before
        seen = [colour or before for colour, before in zip(row, seen, strict=True)]
    return [seen]


def colours_by_height(rows: Rows, line: str, end: str) -> Rows:
    listed: list[int] = []
    for row in rows if end == "topmost" else rows[::-1]:
        listed += [colour for colour in dict.fromkeys(row) if colour and colour not in listed]
    return [listed] if line == "row" else [[colour] for colour in listed]


def fill_beyond_objects(rows: Rows, where: str, ink: int) -> Rows:
    inked = [k for k, row in enumerate(rows) if any(row)]
    above = {k for k in range(len(rows)) if k < inked[0] and "above" in where}
    below = {k for k in range(len(rows)) if k > inked[-1] and "below" in where}
    return [[ink] * len(row) if k in above | below else row for k, row in enumerate(rows)]


TWINS = {
    "view-along-columns": view_along_columns,
    "colours-by-height": colours_by_height,
    "fill-beyond-objects": fill_beyond_objects,
}
