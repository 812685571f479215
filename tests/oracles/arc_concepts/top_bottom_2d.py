"""Twins of rules of TopBottom2D, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows


def view_along_columns(rows: Rows, end: str) -> Rows:
    """Go through the rows towards the viewer: a later row hides the earlier ones."""
    seen = [0] * len(rows[0])
    for row in rows[::-1] if end == "topmost" else rows:
        seen = [colour or hidden for colour, hidden in zip(row, seen, strict=True)]
    return [seen]


def colours_by_height(rows: Rows, line: str, end: str) -> Rows:
    """List each colour when it occurs first, row by row."""
    listed: list[int] = []
    for row in rows if end == "topmost" else rows[::-1]:
        for colour in row:
            if colour and colour not in listed:
                listed.append(colour)
    return [listed] if line == "row" else [[colour] for colour in listed]


def fill_beyond_objects(rows: Rows, where: str, ink: int) -> Rows:
    """Fill the empty rows before the first coloured row, and after the last."""
    coloured = [r for r, row in enumerate(rows) if any(row)]
    filled: list[int] = []
    if "above" in where:
        filled += range(coloured[0])
    if "below" in where:
        filled += range(coloured[-1] + 1, len(rows))
    return [[ink] * len(row) if r in filled else row for r, row in enumerate(rows)]


TWINS = {
    "view-along-columns": view_along_columns,
    "colours-by-height": colours_by_height,
    "fill-beyond-objects": fill_beyond_objects,
}
