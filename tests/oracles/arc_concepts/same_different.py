"""Twins of rules of SameDifferent, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_concepts.count import objects

Rows = list[list[int]]


def shared_trait(rows: Rows, deed: str, trait: str) -> Rows:
    out = [list(row) for row in rows]
    found = objects(rows)
    for colour, cells in found:
        top, left = min(r for r, _ in cells), min(c for _, c in cells)
        same = 0
        for tint, others in found:
            down, right = min(r for r, _ in others) - top, min(c for _, c in others) - left
            same += (
                colour == tint if trait == "colour" else {(r + down, c + right) for r, c in cells} == others
            )
        if (same > 1) != (deed == "Keep only"):
            for r, c in cells:
                out[r][c] = 0
    return out


def compare_halves(rows: Rows, which: str, ink: int) -> Rows:
    h, w = len(rows), len(rows[0])
    upright = w % 2 == 1 and len({row[w // 2] for row in rows}) == 1 and rows[0][w // 2] > 0
    one = [row[: w // 2] for row in rows] if upright else rows[: h // 2]
    other = [row[w // 2 + 1 :] for row in rows] if upright else rows[h // 2 + 1 :]
    wanted = {"neither has": 0, "only one has": 1, "both have": 2}[which]
    return [
        [ink if (a > 0) + (b > 0) == wanted else 0 for a, b in zip(*lines, strict=True)]
        for lines in zip(one, other, strict=True)
    ]


TWINS = {"shared-trait": shared_trait, "compare-halves": compare_halves}
