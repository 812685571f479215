"""Check the steps of a Sudoku, written from the rules; `cells` checks its answers.

Grids are lists of rows.
"""

from __future__ import annotations

Rows = list[list[int]]


def step_legal(before: Rows, after: Rows, box: int) -> bool:
    """Whether `after` is `before` with one digit more, which no cell that sees its own holds."""
    size = box * box
    changed = [(r, c) for r in range(size) for c in range(size) if before[r][c] != after[r][c]]
    if len(changed) != 1:
        return False
    r, c = changed[0]
    digit = after[r][c]
    others = [(y, x) for y in range(size) for x in range(size)]
    seen = [
        before[y][x] for y, x in others if y == r or x == c or (y // box == r // box and x // box == c // box)
    ]
    return before[r][c] == 0 and 1 <= digit <= size and digit not in seen
