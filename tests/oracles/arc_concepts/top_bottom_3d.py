"""Twins of rules of TopBottom3D, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, places_by_colour, transposed


def repaint_the_pyramid(rows: Rows, change: str) -> Rows:
    """Replace the colours of the storeys, of which the lowest begins first."""
    storeys = [*places_by_colour(rows)]
    if change.startswith("reverse"):
        new = storeys[::-1]
    elif "below" in change:
        new = storeys[-1:] + storeys[:-1]
    else:
        new = storeys[1:] + storeys[:1]
    replacement = dict(zip(storeys, new, strict=True))
    return [[replacement.get(colour, 0) for colour in row] for row in rows]


def lay_half_over(rows: Rows, half: str) -> Rows:
    """Show, at each place, the upper half if it is coloured there, and the lower half if it is not."""
    if half in ("top", "bottom"):
        turned_half = "left" if half == "top" else "right"
        return transposed(lay_half_over(transposed(rows), turned_half))
    out: Rows = []
    for row in rows:
        middle = len(row) // 2
        left, right = row[:middle], row[middle + 1 :]
        upper, lower = (left, right) if half == "left" else (right, left)
        out.append([above or below for above, below in zip(upper, lower, strict=True)])
    return out


TWINS = {"repaint-the-pyramid": repaint_the_pyramid, "lay-half-over": lay_half_over}
