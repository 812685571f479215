"""Twins of rules of Order, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def neighbour_in_top_row(rows: Rows, step: str) -> Rows:
    circle = [colour for colour in rows[0] if colour]
    out = [list(rows[0])]
    for row in rows[1:]:
        out.append([])
        for colour in row:
            k = circle.index(colour) if colour else -1
            after, before = circle[k + 1 : k + 2] or circle[:1], circle[k - 1 : k] or circle[-1:]
            out[-1].append((after if step == "after" else before)[0] if colour else 0)
    return out


def sort_cells_by_top_row(rows: Rows, side: str) -> Rows:
    out = [list(rows[0])]
    for row in rows[1:]:
        cells = [colour for wanted in rows[0] if wanted for colour in row if colour == wanted]
        ground = [0] * row.count(0)
        out.append(cells + ground if side == "left" else ground + cells)
    return out


def stairs_of_bars(rows: Rows, corner: str, first: str) -> Rows:
    bars: list[tuple[int, int]] = []
    for lines, other in ((rows, False), ([list(column) for column in zip(*rows, strict=True)], True)):
        for line in lines:  # runs of two cells or more, along rows and then along columns
            run: list[int] = []
            for colour in [*line, 0]:
                if run and colour != run[0]:
                    bars += [(len(run), run[0])] * (len(run) > 1)
                    run = []
                run += [colour] * (colour > 0)
        if other:
            covered = sum(length for length, _ in bars)
            flat = [colour for row in rows for colour in row if colour]
            if covered < len(flat):  # the one bar of a single cell has the colour that is left over
                rest = [c for c in flat if sum(n for n, tint in bars if tint == c) < flat.count(c)]
                bars.append((1, rest[0]))
    out = [[0] * len(rows[0]) for _ in rows]
    for k, (length, colour) in enumerate(sorted(bars, reverse=first == "longest")):
        for up in range(length):
            out[-1 - up][k if corner == "left" else -1 - k] = colour
    return out


TWINS = {
    "neighbour-in-top-row": neighbour_in_top_row,
    "sort-cells-by-top-row": sort_cells_by_top_row,
    "stairs-of-bars": stairs_of_bars,
}
