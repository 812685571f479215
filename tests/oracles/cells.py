"""Write the rules of the cell tasks once more, plainly, in Python only.

A twin shares no code with the kernel that it is compared to: no NumPy tricks, no bit boards, no helpers of
the package. Grids are lists of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

Rows = list[list[int]]


def places(board: Rows) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the row and column of every cell, with its code."""
    for r, row in enumerate(board):
        for c, code in enumerate(row):
            yield (r, c), code


def life_next(board: Rows, rule: str, torus: bool) -> Rows:
    """Return the board after one step of a life-like rule such as B3/S23."""
    born, survives = rule[1:].split("/S")
    h, w = len(board), len(board[0])

    def live(r: int, c: int) -> int:
        if torus:
            return board[r % h][c % w]
        return board[r][c] if 0 <= r < h and 0 <= c < w else 0

    def cell(r: int, c: int) -> int:
        block = sum(live(r + dr, c + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1))
        around = block - board[r][c]
        return int(str(around) in (survives if board[r][c] else born))

    return [[cell(r, c) for c in range(w)] for r in range(h)]


def eca_diagram(first: list[int], rule: int, rows: int) -> Rows:
    """Return the diagram of an elementary automaton on a ring: `rows` rows, including the first."""
    neighbourhoods = list[tuple[int, ...]](product((1, 0), repeat=3))
    table = dict(zip(neighbourhoods, f"{rule:08b}", strict=True))
    diagram = [first]
    while len(diagram) < rows:
        last = diagram[-1]
        w = len(last)
        diagram.append([int(table[last[c - 1], last[c], last[(c + 1) % w]]) for c in range(w)])
    return diagram


def langton_walk(
    black: set[tuple[int, int]], at: tuple[int, int], heading: str, steps: int, h: int, w: int
) -> Rows:
    """Return the board after `steps` steps of Langton's ant on a torus, from a set of black cells."""
    moves = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
    right = {"N": "E", "E": "S", "S": "W", "W": "N"}
    left = {b: a for a, b in right.items()}
    black = set(black)
    for _ in range(steps):
        if at in black:
            heading = left[heading]
            black.remove(at)
        else:
            heading = right[heading]
            black.add(at)
        at = ((at[0] + moves[heading][0]) % h, (at[1] + moves[heading][1]) % w)
    board = [[int((r, c) in black) for c in range(w)] for r in range(h)]
    board[at[0]][at[1]] = "NESW".index(heading) + (6 if at in black else 2)
    return board


def _around(r: int, c: int) -> list[tuple[int, int]]:
    return [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]


def _region(cell: tuple[int, int], members: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the members that 4-neighbour moves over members reach from a cell."""
    actual, todo = {cell}, [cell]
    while todo:
        near = {n for n in _around(*todo.pop()) if n in members} - actual
        actual |= near
        todo += near
    return actual


def _cells(board: Rows, code: int) -> set[tuple[int, int]]:
    return {cell for cell, value in places(board) if value == code}


def fill_answer(board: Rows) -> Rows:
    """Return the answer: regions of empty cells without a cell on the border become 2."""
    h, w = len(board), len(board[0])
    answer = [list(row) for row in board]
    for cell in _cells(board, 0):
        region = _region(cell, _cells(board, 0))
        if all(0 < r < h - 1 and 0 < c < w - 1 for r, c in region):
            answer[cell[0]][cell[1]] = 2
    return answer


def fill_step(board: Rows, before: Rows, after: Rows) -> bool:
    """Return whether water may rise so: on enclosed cells, beside water, or on one cell of a dry region."""
    enclosed, wet = _cells(fill_answer(board), 2), _cells(before, 2)
    new = {(r, c) for (r, c), code in places(after) if code != before[r][c]}
    if not new or not new <= enclosed or not new <= _cells(after, 2):
        return False
    return all(
        wet.intersection(_around(*cell)) or not (_region(cell, enclosed) & (wet | new)) - {cell}
        for cell in new
    )


def maze_joined(question: Rows, answer: Rows) -> bool:
    """Return whether open cells marked 4 join start and goal."""
    start, goal = _cells(question, 2), _cells(question, 3)
    marked = _cells(question, 1) & _cells(answer, 4)
    return any(goal & _region(cell, marked | start | goal) for cell in start)


def maze_valid(question: Rows, answer: Rows) -> bool:
    """Return whether only open cells are marked, each with two neighbours on the path; ends have one."""
    marked = _cells(answer, 4)
    unmarked = [row[:] for row in answer]
    for r, c in marked:
        unmarked[r][c] = question[r][c]
    if unmarked != question or not marked <= _cells(question, 1):
        return False
    path = marked | _cells(question, 2) | _cells(question, 3)
    ends = {cell: 2 if cell in marked else 1 for cell in path}
    branches = any(sum(n in path for n in _around(*cell)) != ends[cell] for cell in path)
    return not branches and _region(min(path), path) == path


def sudoku_valid(question: Rows, answer: Rows, box: int) -> bool:
    """Return whether an answer keeps the givens, and cells that see each other have different digits."""
    size = box * box
    cells = [(r, c) for r in range(size) for c in range(size)]

    def see(a: tuple[int, int], b: tuple[int, int]) -> bool:
        same_box = (a[0] // box, a[1] // box) == (b[0] // box, b[1] // box)
        return a != b and (a[0] == b[0] or a[1] == b[1] or same_box)

    kept = all(question[r][c] in (0, answer[r][c]) for r, c in cells)
    full = all(1 <= answer[r][c] <= size for r, c in cells)
    return (
        kept
        and full
        and not any(see(a, b) and answer[a[0]][a[1]] == answer[b[0]][b[1]] for a in cells for b in cells)
    )
