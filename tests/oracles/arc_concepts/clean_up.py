"""Twins of rules of CleanUp, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def trim_hairs(rows: Rows) -> Rows:
    out = [[0] * len(row) for row in rows]
    for r in range(len(rows) - 1):
        for c in range(len(rows[0]) - 1):
            square = [(r, c), (r, c + 1), (r + 1, c), (r + 1, c + 1)]
            if len({rows[y][x] for y, x in square}) == 1:
                for y, x in square:
                    out[y][x] = rows[y][x]
    return out


def cut_out_scratches(rows: Rows, scratch: int) -> Rows:
    kept = [row for row in rows if set(row) != {scratch}]
    columns = [column for column in zip(*kept, strict=True) if set(column) != {scratch}]
    return [list(row) for row in zip(*columns, strict=True)]


TWINS = {"trim-hairs": trim_hairs, "cut-out-scratches": cut_out_scratches}
