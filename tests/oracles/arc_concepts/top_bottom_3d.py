"""Twins of rules of TopBottom3D, written from their sentences over lists."""

from __future__ import annotations

Rows = list[list[int]]


def repaint_the_pyramid(rows: Rows, change: str) -> Rows:
    storeys = list(
        dict.fromkeys(colour for row in rows for colour in row if colour)
    )  # the lowest begins first
    if change.startswith("reverse"):
        new = storeys[::-1]
    elif "below" in change:
        new = storeys[-1:] + storeys[:-1]
    else:
        new = storeys[1:] + storeys[:1]
    told = dict(zip(storeys, new, strict=True))
    return [[told.get(colour, 0) for colour in row] for row in rows]


def lay_half_over(rows: Rows, half: str) -> Rows:
    if half in ("top", "bottom"):
        turned = lay_half_over(
            [list(column) for column in zip(*rows, strict=True)], {"top": "left"}.get(half, "right")
        )
        return [list(column) for column in zip(*turned, strict=True)]
    out: Rows = []
    for row in rows:
        middle = len(row) // 2
        left, right = row[:middle], row[middle + 1 :]
        upper, lower = (left, right) if half == "left" else (right, left)
        out.append([a or b for a, b in zip(upper, lower, strict=True)])
    return out


TWINS = {"repaint-the-pyramid": repaint_the_pyramid, "lay-half-over": lay_half_over}
