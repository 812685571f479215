"""Twins of rules of ExtractObjects, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def between_the_corner_marks(rows: Rows, mark: int) -> Rows:
    down = [r for r, row in enumerate(rows) if mark in row]
    right = [c for c in range(len(rows[0])) if mark in [row[c] for row in rows]]
    return [row[right[0] + 1 : right[-1]] for row in rows[down[0] + 1 : down[-1]]]


def frame_made_whole(rows: Rows) -> Rows:
    cells = [colour for row in rows for colour in row if colour]
    own = min(set(cells), key=cells.count)
    down = [r for r, row in enumerate(rows) if own in row]
    right = [c for c in range(len(rows[0])) if own in [row[c] for row in rows]]
    height, width = down[-1] - down[0] + 1, right[-1] - right[0] + 1
    full, hollow = [own] * width, [own, *[0] * (width - 2), own]
    return [full if r in (0, height - 1) else hollow for r in range(height)]


TWINS = {"between-the-corner-marks": between_the_corner_marks, "frame-made-whole": frame_made_whole}
