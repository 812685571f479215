"""Write the rules of chess once more from the laws of the game, without castling.

Boards are lists of rows of codes, 0 empty, 1 … 6 white's pawn, knight, bishop, rook, queen, king, 7 … 12
black's; row 0 is rank 8. A state is a board and the cell that a pawn has just passed over, or None.
"""

from __future__ import annotations

from collections.abc import Iterator

Rows = list[list[int]]
Cell = tuple[int, int]
State = tuple[Rows, Cell | None]

ORTHOGONAL = [(0, 1), (0, -1), (1, 0), (-1, 0)]
DIAGONAL = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
JUMPS = [(1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2)]
DIRECTIONS = {2: JUMPS, 3: DIAGONAL, 4: ORTHOGONAL, 5: ORTHOGONAL + DIAGONAL, 6: ORTHOGONAL + DIAGONAL}


def white(code: int) -> bool:
    return 1 <= code <= 6


def cells(board: Rows, is_white: bool) -> Iterator[tuple[Cell, int]]:
    """Return cell and kind of the pieces of a side."""
    for r in range(8):
        for c in range(8):
            if board[r][c] and white(board[r][c]) == is_white:
                yield (r, c), (board[r][c] - 1) % 6 + 1


def inside(r: int, c: int) -> bool:
    return 0 <= r < 8 and 0 <= c < 8


def reached(board: Rows, cell: Cell, kind: int) -> Iterator[Cell]:
    """Return the cells that a piece other than a pawn attacks, up to the first piece on each line."""
    for dr, dc in DIRECTIONS[kind]:
        r, c = cell[0] + dr, cell[1] + dc
        while inside(r, c):
            yield r, c
            if board[r][c] or kind in (2, 6):
                break
            r, c = r + dr, c + dc


def attacks(board: Rows, cell: Cell, kind: int) -> list[Cell]:
    if kind != 1:
        return list(reached(board, cell, kind))
    ahead = cell[0] + (-1 if white(board[cell[0]][cell[1]]) else 1)
    return [(ahead, c) for c in (cell[1] - 1, cell[1] + 1) if inside(ahead, c)]


def in_check(board: Rows, is_white: bool) -> bool:
    king = next(cell for cell, kind in cells(board, is_white) if kind == 6)
    return any(king in attacks(board, cell, kind) for cell, kind in cells(board, not is_white))


def pawn_moves(state: State, cell: Cell) -> Iterator[tuple[Cell, Cell | None]]:
    """Yield where a pawn can go, and the cell that it passes over if it goes two."""
    board, passed = state
    r, c = cell
    step = -1 if white(board[r][c]) else 1
    if not board[r + step][c]:
        yield (r + step, c), None
        if r == (6 if step < 0 else 1) and not board[r + 2 * step][c]:
            yield (r + 2 * step, c), (r + step, c)
    for end in attacks(board, cell, 1):
        code = board[end[0]][end[1]]
        if (code and white(code) == (step > 0)) or end == passed:
            yield end, None


def after(board: Rows, start: Cell, end: Cell, placed: int) -> Rows:
    """Return the board after a move. A pawn that goes diagonally to an empty cell takes the one beside it."""
    moved = [list(row) for row in board]
    code = moved[start[0]][start[1]]
    if code in (1, 7) and start[1] != end[1] and not moved[end[0]][end[1]]:
        moved[start[0]][end[1]] = 0
    moved[start[0]][start[1]] = 0
    moved[end[0]][end[1]] = placed
    return moved


def successors(state: State, is_white: bool) -> Iterator[State]:
    """Return the states after each legal move of a side."""
    board, _ = state
    for cell, kind in list(cells(board, is_white)):
        code = board[cell[0]][cell[1]]
        if kind == 1:
            ends = list(pawn_moves(state, cell))
        else:
            own = {other for other, _ in cells(board, is_white)}
            ends = [(end, None) for end in reached(board, cell, kind) if end not in own]
        for end, passed in ends:
            placed = [code + k for k in (1, 2, 3, 4)] if kind == 1 and end[0] in (0, 7) else [code]
            for piece in placed:
                moved = after(board, cell, end, piece)
                if not in_check(moved, is_white):
                    yield moved, passed


def lost(state: State, mate: int) -> bool:
    """Return whether Black, to move, is mated now or within `mate` moves of White, whatever it plays."""
    replies = list(successors(state, False))
    if not replies:
        return in_check(state[0], False)
    return mate > 0 and all(won(reply, mate) for reply in replies)


def won(state: State, mate: int) -> bool:
    """Return whether White, to move, mates within `mate` moves."""
    return any(lost(move, mate - 1) for move in successors(state, True))


def chess_valid(question: Rows, answer: Rows, mate: int) -> bool:
    """Return whether the answer is the board after a move of White that forces mate in `mate` moves."""
    return any(lost(state, mate - 1) for state in successors((question, None), True) if state[0] == answer)


def chess_parts(question: Rows, answer: Rows, mate: int) -> tuple[float, float]:
    """Return how far an answer got: `move`, and `pressed` of the best of the nearest legal moves."""
    states = list(successors((question, None), True))
    for wrong in (0, 1):
        near = [state for state in states if differing(state[0], answer) == wrong]
        if near:
            return 1 - 3 * wrong / 4, max(pressed(state, mate) for state in near)
    return 0.0, 0.0


def differing(board: Rows, other: Rows) -> int:
    """Return how many cells of two boards differ."""
    return sum(board[r][c] != other[r][c] for r in range(8) for c in range(8))


def pressed(state: State, mate: int) -> float:
    """Return 1 / (1 + escapes)^2: Black's replies after which White does not mate in time. Stalemate is 0."""
    replies = list(successors(state, False))
    if not replies:
        return float(in_check(state[0], False))
    escapes = [reply for reply in replies if mate == 1 or not won(reply, mate - 1)]
    return 1 / (1 + len(escapes)) ** 2
