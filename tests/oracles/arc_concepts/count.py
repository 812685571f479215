"""Twins of rules of Count, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]
Cells = set[tuple[int, int]]


def objects(rows: Rows) -> list[tuple[int, Cells]]:
    """Colour and cells of each object: cells of one colour that touch, corners included."""
    left = {(r, c): colour for r, row in enumerate(rows) for c, colour in enumerate(row) if colour}
    found: list[tuple[int, Cells]] = []
    while left:
        start, colour = next(iter(left.items()))
        cells, rim = {start}, [start]
        while rim:
            r, c = rim.pop()
            near = {(r + y, c + x) for y in (-1, 0, 1) for x in (-1, 0, 1)}
            new = {place for place in near - cells if left.get(place) == colour}
            cells |= new
            rim += new
        for place in cells:
            del left[place]
        found.append((colour, cells))
    return found


def count_objects(rows: Rows, ink: int, form: str) -> Rows:
    n = len(objects(rows))
    if form.startswith("row"):
        return [[ink] * n]
    return [[ink] * (1 if form.startswith("column") else n) for _ in range(n)]


def parity_cells(rows: Rows, parity: str, ink: int) -> Rows:
    out = [list(row) for row in rows]
    for _, cells in objects(rows):
        if (len(cells) % 2 == 0) == (parity == "even"):
            for r, c in cells:
                out[r][c] = ink
    return out


TWINS = {"count-objects": count_objects, "parity-cells": parity_cells}
