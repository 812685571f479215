"""Twins of rules of Count, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, objects


def count_objects(rows: Rows, ink: int, form: str) -> Rows:
    """Draw a row, a column or a square with as many cells a side as there are objects."""
    count = len(objects(rows))
    if form.startswith("row"):
        return [[ink] * count]
    width = 1 if form.startswith("column") else count
    return [[ink] * width for _ in range(count)]


def parity_cells(rows: Rows, parity: str, ink: int) -> Rows:
    """Recolour the objects with an even, or odd, number of cells."""
    out = [list(row) for row in rows]
    for _, places in objects(rows):
        is_even = len(places) % 2 == 0
        if is_even == (parity == "even"):
            for r, c in places:
                out[r][c] = ink
    return out


TWINS = {"count-objects": count_objects, "parity-cells": parity_cells}
