"""Twins of rules of Order, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, colours_of, transposed


def neighbour_in_top_row(rows: Rows, step: str) -> Rows:
    """Replace each colour by the one after or before it in the top row."""
    legend = [colour for colour in rows[0] if colour]
    replacement = {0: 0}
    for k, colour in enumerate(legend):
        following = legend[(k + 1) % len(legend)]
        if step == "after":
            replacement[colour] = following
        else:
            replacement[following] = colour
    return [rows[0], *([replacement[colour] for colour in row] for row in rows[1:])]


def sort_cells_by_top_row(rows: Rows, side: str) -> Rows:
    """Collect the cells of each row, one colour of the top row after the other."""
    out = [list(rows[0])]
    for row in rows[1:]:
        cells: list[int] = []
        for colour in rows[0]:
            if colour:
                cells += [colour] * row.count(colour)
        ground = [0] * row.count(0)
        out.append(cells + ground if side == "left" else ground + cells)
    return out


def stairs_of_bars(rows: Rows, corner: str, first: str) -> Rows:
    """Set the bars, sorted by length, side by side from the corner on."""
    bars = sorted(lengths_and_colours(rows), reverse=first == "longest")
    out = [[0] * len(rows[0]) for _ in rows]
    for k, (length, colour) in enumerate(bars):
        column = k if corner == "left" else -1 - k
        for up in range(length):
            out[-1 - up][column] = colour
    return out


def lengths_and_colours(rows: Rows) -> list[tuple[int, int]]:
    """Return length and colour of each bar; at most one bar has a single cell."""
    bars: list[tuple[int, int]] = []
    for line in [*rows, *transposed(rows)]:
        bars += runs(line)

    # If a cell is in no run, it is a bar of its own, in the colour of which a cell is left over.
    cells = colours_of(rows)
    for colour in {*cells}:
        covered = sum(length for length, run_colour in bars if run_colour == colour)
        if covered < cells.count(colour):
            bars.append((1, colour))
    return bars


def runs(line: list[int]) -> list[tuple[int, int]]:
    """Return length and colour of each run of two cells or more."""
    bars: list[tuple[int, int]] = []
    length = 0
    for k, colour in enumerate(line):
        length += 1
        is_last = k + 1 == len(line) or line[k + 1] != colour
        if is_last:
            if colour and length > 1:
                bars.append((length, colour))
            length = 0
    return bars


TWINS = {
    "neighbour-in-top-row": neighbour_in_top_row,
    "sort-cells-by-top-row": sort_cells_by_top_row,
    "stairs-of-bars": stairs_of_bars,
}
