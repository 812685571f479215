"""Check the steps of a Sudoku, written from the rules; `cells` checks its answers.

Grids are lists of rows.
"""

from __future__ import annotations

from tests.oracles.cells import Rows, places


def step_legal(before: Rows, after: Rows, box: int) -> bool:
    """Return whether `after` is `before` with one more digit, which no cell that sees it has."""
    size = box * box
    changed = [(r, c) for (r, c), digit in places(before) if digit != after[r][c]]
    if len(changed) != 1:
        return False
    r, c = changed[0]
    digit = after[r][c]
    seen: set[int] = set()
    for (y, x), other in places(before):
        if y == r or x == c or (y // box == r // box and x // box == c // box):
            seen.add(other)
    return before[r][c] == 0 and 1 <= digit <= size and digit not in seen
