"""Write Connect Four once more, from its rules only.

Boards are lists of rows, row 0 on top; 0 empty, 1, 2 the players.
"""

from __future__ import annotations

from tests.oracles.cells import Rows, places

Cell = tuple[int, int]

DIRECTIONS = {"vertical": (1, 0), "horizontal": (0, 1), "falling": (1, 1), "rising": (-1, 1)}


def all_lines() -> dict[tuple[Cell, ...], str]:
    """Return every four cells in a row of a 6x7 board, with their direction."""
    lines: dict[tuple[Cell, ...], str] = {}
    for name, (down, right) in DIRECTIONS.items():
        for r in range(6):
            for c in range(7):
                cells = tuple((r + k * down, c + k * right) for k in range(4))
                if all(0 <= y < 6 and 0 <= x < 7 for y, x in cells):
                    lines[cells] = name
    return lines


LINES = all_lines()


def fours(board: Rows, player: int) -> list[tuple[Cell, ...]]:
    """Return the lines that a player holds whole."""
    held = {cell for cell, disk in places(board) if disk == player}
    return [line for line in LINES if held.issuperset(line)]


def dropped(board: Rows, column: int, player: int) -> Rows | None:
    """Return the board after a drop, or None if the column is full."""
    for r in reversed(range(6)):
        if board[r][column] == 0:
            after = [row[:] for row in board]
            after[r][column] = player
            return after
    return None


def replies(board: Rows, player: int) -> list[Rows]:
    return [after for c in range(7) if (after := dropped(board, c, player)) is not None]


def legal(board: Rows) -> bool:
    """Return whether player 1 may be to move."""
    if len(board) != 6 or any(len(row) != 7 for row in board):
        return False
    disks = [code for row in board for code in row]
    floats = any(board[r][c] and not board[r + 1][c] for r in range(5) for c in range(7))
    return disks.count(1) == disks.count(2) and not floats and not fours(board, 1) and not fours(board, 2)


def forced(board: Rows, drops: int) -> bool:
    """Return whether player 1, to move, wins with at most so many drops of his own: plain minimax."""
    return any(fours(after, 1) or (drops > 1 and lost(after, drops - 1)) for after in replies(board, 1))


def lost(board: Rows, drops: int) -> bool:
    """Return whether player 1 wins with so many more drops, whatever player 2, who is to move, does."""
    answers = replies(board, 2)
    return bool(answers) and all(not fours(after, 2) and forced(after, drops) for after in answers)


def threatens(board: Rows) -> bool:
    """Return whether player 2 wins if it is his turn."""
    return any(fours(after, 2) for after in replies(board, 2))


def right_columns(board: Rows, goal: str) -> set[int]:
    """Return the columns of the right drops in a legal position."""
    actual: set[int] = set()
    for c in range(7):
        after = dropped(board, c, 1)
        if after is None:
            continue
        won = bool(fours(after, 1))
        if goal == "win":
            good = won
        elif goal == "block":
            good = threatens(board) and (won or not threatens(after))
        else:
            good = won or lost(after, 1)
        if good:
            actual.add(c)
    return actual


def valid(question: Rows, answer: Rows, goal: str) -> bool:
    if not legal(question):
        return False
    columns = {c for c in range(7) if answer == dropped(question, c, 1)}
    return bool(columns) and columns <= right_columns(question, goal)


def has_history(board: Rows) -> bool:
    """Return whether the disks can be taken off again, last one first, player 2's and player 1's in turn."""
    columns: list[list[int]] = [[] for _ in range(7)]
    for (_, c), disk in places(board[::-1]):
        if disk:
            columns[c].append(disk)
    seen: set[tuple[int, ...]] = set()
    stack = [tuple(len(column) for column in columns)]
    while stack:
        heights = stack.pop()
        if sum(heights) == 0:
            return True
        if heights in seen:
            continue
        seen.add(heights)
        last = 2 if sum(heights) % 2 == 0 else 1
        for c, height in enumerate(heights):
            if height and columns[c][height - 1] == last:
                stack.append((*heights[:c], height - 1, *heights[c + 1 :]))
    return False
