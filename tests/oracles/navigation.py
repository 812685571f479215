"""Write the rules of paths over a board once more, over sets of cells.

Codes: 0 wall, 1 open, 2 start, 3 goal, 4 path.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracles.cells import Rows, maze_valid, places

Cell = tuple[int, int]


def cells(board: Rows, *codes: int) -> set[Cell]:
    return {cell for cell, value in places(board) if value in codes}


def near(a: Cell, b: Cell) -> bool:
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1


def moves_from(start: Cell, ground: set[Cell]) -> dict[Cell, int]:
    """Return the number of moves over the ground from the start to each cell that can be reached."""
    actual, front = {start: 0}, {start}
    while front:
        front = {
            (r + d, c + e) for r, c in front for d, e in ((0, 1), (1, 0), (0, -1), (-1, 0))
        } & ground - set(actual)
        actual |= dict.fromkeys(front, max(actual.values()) + 1)
    return actual


def shortest(question: Rows) -> int | None:
    """Return the moves from the start to the goal, or None if it cannot be reached."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    return moves_from(start, cells(question, 1, 2, 3)).get(goal)


def shortest_paths(cell: Cell, left: dict[Cell, int]) -> Iterator[list[Cell]]:
    """Return every path from a cell that comes nearer to the goal with each move. left: moves to the goal."""
    if left[cell] == 0:
        yield [cell]
    for following, moves in left.items():
        if near(cell, following) and moves == left[cell] - 1:
            for path in shortest_paths(following, left):
                yield [cell, *path]


def path_parts(question: Rows, answer: Rows) -> dict[str, float]:
    """Return the parts `path` and `precise` of an answer, over all shortest paths."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    left = moves_from(goal, cells(question, 1, 2, 3))
    marked = cells(question, 1) & cells(answer, 4)
    changed = {(r, c) for (r, c), code in places(question) if answer[r][c] != code}
    if left.get(start, 0) < 2 or not changed:
        return {"path": 0.0, "precise": 0.0}
    if maze_valid(question, answer):
        return {"path": left[start] / (len(marked) + 1), "precise": 1.0}
    right = max(len(marked.intersection(path)) for path in shortest_paths(start, left))
    share = (right - len(changed - marked) - (len(marked) - right)) / (left[start] - 1)
    return {"path": max(0.0, share), "precise": (right / len(changed)) ** 2}


def navigation_valid(question: Rows, answer: Rows) -> bool:
    """Return whether only open cells were marked, and they form a shortest path from start to goal."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    ground, marked = cells(question, 1, 2, 3), cells(answer, 4)
    unmarked = [row[:] for row in answer]
    for r, c in marked:
        unmarked[r][c] = question[r][c]
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
    """Return whether a path from the start, shown by one state, is one open cell longer in the next."""
    (start,), (goal,) = cells(question, 2), cells(question, 3)
    order, left = [start], cells(before, 4)
    while following := [cell for cell in left if near(cell, order[-1])]:
        order.append(following[0])
        left.remove(following[0])
    changed = {(r, c) for (r, c), value in places(before) if after[r][c] != value}
    if near(order[-1], goal) or len(changed) != 1:
        return False
    cell = min(changed)
    touched = [old for old in order if near(old, cell)]
    return cell in cells(before, 1) and cell in cells(after, 4) and touched == [order[-1]]
