"""Twins of rules of FilledNotFilled, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]
Cell = tuple[int, int]


def fill_sealed_outlines(rows: Rows) -> Rows:
    h, w = len(rows), len(rows[0])
    out = [list(row) for row in rows]
    for start in [(r, c) for r in range(h) for c in range(w) if rows[r][c] == 0]:
        reached: set[Cell] = set()
        todo = [start]
        while todo:
            r, c = todo.pop()
            if 0 <= r < h and 0 <= c < w and rows[r][c] == 0 and (r, c) not in reached:
                reached.add((r, c))
                todo += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
        if not any(r in (0, h - 1) or c in (0, w - 1) for r, c in reached):
            r, c = start
            out[r][c] = next(rows[k][c] for k in range(r, -1, -1) if rows[k][c])
    return out


def rings_of_the_filled(rows: Rows, ink: int) -> Rows:
    def deep(r: int, c: int) -> int:
        """Cells of the same colour up to the nearest end, along the row or the column."""
        runs: list[int] = []
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            k = 0
            y, x = r, c
            while 0 <= y < len(rows) and 0 <= x < len(rows[0]) and rows[y][x] == rows[r][c]:
                k, y, x = k + 1, y + down, x + right
            runs.append(k)
        return min(runs)

    inked = [[colour and deep(r, c) % 2 == 0 for c, colour in enumerate(row)] for r, row in enumerate(rows)]
    return [
        [ink if dark else colour for dark, colour in zip(flags, row, strict=True)]
        for flags, row in zip(inked, rows, strict=True)
    ]


TWINS = {"fill-sealed-outlines": fill_sealed_outlines, "rings-of-the-filled": rings_of_the_filled}
