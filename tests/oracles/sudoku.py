"""Check the steps of a Sudoku and measure its answers, from the rules; `cells` checks the answers.

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


def units(grid: Rows, box: int) -> list[list[int]]:
    """Return the digits of each row, column and box."""
    size = box * box
    boxes: list[list[int]] = []
    for top in range(0, size, box):
        for left in range(0, size, box):
            boxes.append([grid[top + k // box][left + k % box] for k in range(size)])
    return [*grid, *([row[c] for row in grid] for c in range(size)), *boxes]


def parts(question: Rows, target: Rows, answer: Rows, box: int) -> dict[str, float]:
    """Return how far an answer got that is not right and not the question."""
    cells = [(r, c) for (r, c), _ in places(question)]
    empty = [(r, c) for r, c in cells if question[r][c] == 0]
    givens = [(r, c) for r, c in cells if question[r][c] != 0]
    right = sum(answer[r][c] == target[r][c] for r, c in empty)
    wrong = sum(answer[r][c] not in (0, target[r][c]) for r, c in empty)
    kept = sum(answer[r][c] == question[r][c] for r, c in givens)
    unique = 0
    for unit in units(answer, box):
        digits = [digit for digit in unit if digit != 0]
        unique += len(set(digits)) == len(digits)
    return {
        "right": max(right - wrong, 0) / len(empty) if empty else 0.0,
        "kept": kept / len(givens) if givens else 1.0,
        "unique": unique / (3 * box * box),
    }
