"""Slow twins of the ways over a board: written from the rules alone, over sets of cells, as
`tests.oracles.cells`.

Codes: 0 wall, 1 open, 2 start, 3 goal, 4 path.
"""

from __future__ import annotations

from tests.oracles.cells import Rows

Cell = tuple[int, int]


def cells(board: Rows, *codes: int) -> set[Cell]:
    return {(r, c) for r, row in enumerate(board) for c, value in enumerate(row) if value in codes}


def near(a: Cell, b: Cell) -> bool:
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1


def moves_from(start: Cell, ground: set[Cell]) -> dict[Cell, int]:
    """How many moves over the ground each cell lies from the start, where it can be reached."""
    found, front = {start: 0}, {start}
    while front:
        front = {
            (r + d, c + e) for r, c in front for d, e in ((0, 1), (1, 0), (0, -1), (-1, 0))
        } & ground - set(found)
        found |= dict.fromkeys(front, max(found.values()) + 1)
    return found


def shortest(question: Rows) -> int | None:
    """Moves from the start to the goal; None where it cannot be reached."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    return moves_from(start, cells(question, 1, 2, 3)).get(goal)


def navigation_valid(question: Rows, answer: Rows) -> bool:
    """Whether only open cells were marked: for each number of moves on a shortest way one cell, next to the
    last."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    ground, marked = cells(question, 1, 2, 3), cells(answer, 4)
    unmarked = [
        [question[r][c] if (r, c) in marked else v for c, v in enumerate(row)] for r, row in enumerate(answer)
    ]
    length = shortest(question)
    if unmarked != question or not marked <= cells(question, 1) or length is None:
        return False
    there, back = moves_from(start, ground), moves_from(goal, ground)
    last = start
    for k in range(1, length):
        following = {cell for cell in marked if there.get(cell) == k and back.get(cell) == length - k}
        if len(following) != 1 or not near(last, min(following)):
            return False
        last = min(following)
    return len(marked) == length - 1


def step_legal(question: Rows, before: Rows, after: Rows) -> bool:
    """Whether a state that shows a way from the start is followed by one whose way is one open cell
    longer."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    order, left = [start], cells(before, 4)
    while following := [cell for cell in left if near(cell, order[-1])]:
        order.append(following[0])
        left.remove(following[0])
    changed = {(r, c) for r, row in enumerate(before) for c, value in enumerate(row) if after[r][c] != value}
    if near(order[-1], goal) or len(changed) != 1:
        return False
    cell = min(changed)
    touched = [old for old in order if near(old, cell)]
    return cell in cells(before, 1) and cell in cells(after, 4) and touched == [order[-1]]
