"""Twins of rules of SameDifferent, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Place, Rows, objects, transposed


def shared_trait(rows: Rows, deed: str, trait: str) -> Rows:
    """Count, for each object, those with its colour or shape, itself included."""
    out = [list(row) for row in rows]
    things = objects(rows)
    for colour, places in things:
        if trait == "colour":
            alike = sum(other_colour == colour for other_colour, _ in things)
        else:
            alike = sum(shape(other_places) == shape(places) for _, other_places in things)
        is_kept = (alike > 1) == (deed == "Keep only")
        if not is_kept:
            for r, c in places:
                out[r][c] = 0
    return out


def shape(places: set[Place]) -> set[Place]:
    """Return the cells of an object, counted from the top left corner of its box."""
    top, left = min(r for r, _ in places), min(c for _, c in places)
    return {(r - top, c - left) for r, c in places}


def compare_halves(rows: Rows, which: str, ink: int) -> Rows:
    """Count, for each place, the halves that have a cell there."""
    middle = len(rows[0]) // 2
    line = {row[middle] for row in rows}
    is_vertical = len(rows[0]) % 2 == 1 and len(line) == 1 and 0 not in line
    if not is_vertical:
        return transposed(compare_halves(transposed(rows), which, ink))
    number = {"neither has": 0, "only one has": 1, "both have": 2}[which]
    out: Rows = []
    for row in rows:
        halves = zip(row[:middle], row[middle + 1 :], strict=True)
        counts = [(left > 0) + (right > 0) for left, right in halves]
        out.append([ink * (count == number) for count in counts])
    return out


TWINS = {"shared-trait": shared_trait, "compare-halves": compare_halves}
