"""Write the three rules of Hitori and the parts of a reward once more, plainly.

Grids are lists of rows; 1 in an answer is shaded.
"""

from __future__ import annotations

from tests.oracles.cells import Rows, places

Cell = tuple[int, int]


def _near(cell: Cell) -> list[Cell]:
    r, c = cell
    return [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]


def parts(cells: set[Cell]) -> list[set[Cell]]:
    """Return the cells in groups that are connected by sides."""
    actual: list[set[Cell]] = []
    rest = set(cells)
    while rest:
        group: set[Cell] = set()
        todo = [min(rest)]
        while todo:
            cell = todo.pop()
            if cell in rest:
                rest.remove(cell)
                group.add(cell)
                todo += _near(cell)
        actual.append(group)
    return actual


def _cells(answer: Rows, code: int) -> set[Cell]:
    return {cell for cell, value in places(answer) if value == code}


def shape_right(answer: Rows) -> bool:
    """Return whether only 0 and 1 occur, no two shaded cells share a side and the others are connected."""
    shaded, others = _cells(answer, 1), _cells(answer, 0)
    if len(shaded) + len(others) != sum(len(row) for row in answer):
        return False
    touching = any(near in shaded for cell in shaded for near in _near(cell))
    return not touching and len(parts(others)) <= 1


def valid(question: Rows, answer: Rows) -> bool:
    """Return whether an answer keeps all three rules."""
    left = sorted(_cells(answer, 0))
    for r, c in left:
        for y, x in left:
            if (r, c) != (y, x) and (r == y or c == x) and question[r][c] == question[y][x]:
                return False
    return shape_right(answer)


def step_legal(question: Rows, before: Rows, after: Rows) -> bool:
    """Return whether one more cell is shaded, legally. `before` may be the question itself."""
    start = [[0] * len(row) for row in question] if before == question else before
    changed = [(r, c) for (r, c), value in places(start) if value != after[r][c]]
    return len(changed) == 1 and after[changed[0][0]][changed[0][1]] == 1 and shape_right(after)


def progress(target: Rows, answer: Rows) -> dict[str, float]:
    """Return the parts of an answer that is not right. Any code but 0 counts as shaded."""
    shaded = {cell for cell, code in places(answer) if code != 0}
    due = max(len(_cells(target, 1)), 1)
    right = sum(answer[r][c] == target[r][c] for r, c in shaded)
    apart = sum(shaded.isdisjoint(_near(cell)) for cell in shaded)
    groups = [len(group) for group in parts(_cells(answer, 0))]
    return {
        "right": max(2 * right - len(shaded), 0) / due,
        "apart": apart / len(shaded) if shaded else 1.0,
        "connected": max(groups) / sum(groups) if groups else 0.0,
    }
