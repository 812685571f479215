"""Twins of rules of CleanUp, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, transposed


def trim_hairs(rows: Rows) -> Rows:
    """Keep the cells that belong to a 2x2 square of one colour."""
    out = [[0] * len(row) for row in rows]
    for r in range(len(rows) - 1):
        for c in range(len(rows[0]) - 1):
            square = [(r, c), (r, c + 1), (r + 1, c), (r + 1, c + 1)]
            if len({rows[y][x] for y, x in square}) == 1:
                for y, x in square:
                    out[y][x] = rows[y][x]
    return out


def cut_out_scratches(rows: Rows, scratch: int) -> Rows:
    """Leave out the rows and columns that are all of the scratch's colour."""
    kept_rows = [row for row in rows if set(row) != {scratch}]
    kept_columns = [column for column in transposed(kept_rows) if set(column) != {scratch}]
    return transposed(kept_columns)


TWINS = {"trim-hairs": trim_hairs, "cut-out-scratches": cut_out_scratches}
