"""Play chess on a mailbox board: moves of pieces, attacks, and legal moves.

A board is `(132,)` int8: square 16 row + column, row 0 at the top (rank 8). Squares with bit 3 set are
outside. A piece is its kind, times -1 for black. Four more numbers follow:

- WHITE_KING, BLACK_KING: the squares of the kings.
- PASSED: the square that a pawn has just passed over, or NOWHERE. The pawn may be taken en passant there.
- RIGHTS: the castling rights, a sum of `SHORT` and `LONG` for white, and of both times `BLACK` for black.

A side is 1 for white, -1 for black. A move is start + 128 end + 16384 kind, kind 0 or what a pawn becomes.
The king's move by two columns is castling.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench._util.jit import jit

EMPTY: Final = 0
PAWN: Final = 1
KNIGHT: Final = 2
BISHOP: Final = 3
ROOK: Final = 4
QUEEN: Final = 5
KING: Final = 6

BOARD: Final = 132
WHITE_KING: Final = 128
BLACK_KING: Final = 129
PASSED: Final = 130
RIGHTS: Final = 131
NOWHERE: Final = 127

SHORT: Final = 1
LONG: Final = 2
BLACK: Final = 4
"""Castling rights: with the rook of the last column, with that of the first; times 4 for black."""

WHITE_HOME: Final = 116
BLACK_HOME: Final = 4
"""The squares of the kings before castling, e1 and e8."""

MOST: Final = 512
"""More moves than a side can have: 15 queens with 27 each, and a king with 8."""

STEPS = (-16, -1, 1, 16, -17, -15, 15, 17, -33, -31, -18, -14, 14, 18, 31, 33)  # rook's, bishop's, knight's
# Slices of these by kind.
_FIRST = (0, 0, 8, 4, 0, 0, 0)
_LAST = (0, 0, 16, 8, 4, 8, 8)


@jit
def load(grid, board):
    """Set up `board` from a grid of codes `(8, 8)`: 1 … 6 white's kinds, 7 … 12 black's.

    There are no castling rights, and no pawn may be taken en passant.
    """
    board[:] = EMPTY
    board[PASSED] = NOWHERE
    for r in range(8):
        for c in range(8):
            code = np.int64(grid[r, c])
            board[16 * r + c] = code if code <= KING else KING - code
            if code == KING:
                board[WHITE_KING] = 16 * r + c
            elif code == 2 * KING:
                board[BLACK_KING] = 16 * r + c


@jit
def store(board, grid):
    """Write a board to a grid of codes `(8, 8)`."""
    for r in range(8):
        for c in range(8):
            piece = np.int64(board[16 * r + c])
            grid[r, c] = piece if piece >= 0 else KING - piece


@jit
def line_attacker(board, square, side, k):
    """Return the square of the piece of `side` that attacks `square` from direction STEPS[k], k < 8; else -1.

    Knights are left out.
    """
    step = STEPS[k]
    s = square + step
    while s & 0x88 == 0 and board[s] == EMPTY:
        s += step
    if s & 0x88:
        return -1
    piece = board[s] * side
    if piece in (QUEEN, ROOK if k < 4 else BISHOP):
        return s
    # A pawn attacks away from its own side: white's is below the square, at a higher number.
    if s == square + step and (piece == KING or (piece == PAWN and k >= 4 and step * side > 0)):
        return s
    return -1


@jit
def attacked(board, square, side):
    """Return whether a piece of `side` attacks the square."""
    for k in range(8):
        if line_attacker(board, square, side, k) >= 0:
            return True
    for k in range(8, 16):
        s = square + STEPS[k]
        if s & 0x88 == 0 and board[s] * side == KNIGHT:
            return True
    return False


@jit
def in_check(board, side):
    """Return whether the king of `side` is attacked."""
    return attacked(board, np.int64(board[WHITE_KING if side > 0 else BLACK_KING]), -side)


@jit
def _add_pawn_move(move, moves, count):
    """Append a pawn's move, four times if it ends on the last row. Return the new count."""
    row = move >> 11
    if 0 < row < 7:
        moves[count] = move
        return count + 1
    for kind in range(KNIGHT, KING):
        moves[count + kind - KNIGHT] = move | kind << 14
    return count + 4


@jit
def _pawn_moves(board, square, side, moves, count):
    """Append the moves of a pawn. Return the new count."""
    ahead = square - 16 * side
    if board[ahead] == EMPTY:
        count = _add_pawn_move(square | ahead << 7, moves, count)
        two = ahead - 16 * side
        if square >> 4 == (6 if side > 0 else 1) and board[two] == EMPTY:
            count = _add_pawn_move(square | two << 7, moves, count)
    for s in range(ahead - 1, ahead + 2, 2):
        if s & 0x88 == 0 and (board[s] * side < 0 or s == board[PASSED]):
            count = _add_pawn_move(square | s << 7, moves, count)
    return count


@jit
def _castling_moves(board, side, moves, count):
    """Append castling unless the king is in check or would cross an attacked square.

    Returns the new count.
    """
    home = WHITE_HOME if side > 0 else BLACK_HOME
    rights = np.int64(board[RIGHTS]) // (1 if side > 0 else BLACK)
    if not rights & (SHORT | LONG) or attacked(board, home, -side):
        return count
    empty = board[home + 1] == EMPTY and board[home + 2] == EMPTY
    if rights & SHORT and empty and not attacked(board, home + 1, -side):
        moves[count] = home | (home + 2) << 7
        count += 1
    empty = board[home - 1] == EMPTY and board[home - 2] == EMPTY and board[home - 3] == EMPTY
    if rights & LONG and empty and not attacked(board, home - 1, -side):
        moves[count] = home | (home - 2) << 7
        count += 1
    return count


@jit
def list_moves(board, side, moves):
    """Fill `moves` (MOST,) int64 with the moves of `side`. Return how many there are.

    A move may leave the king in check. No pawn may be on the first or the last row.
    """
    count = 0
    for square in range(120):
        if square & 0x88:
            continue
        kind = np.int64(board[square] * side)
        if kind <= 0:
            continue
        if kind == PAWN:
            count = _pawn_moves(board, square, side, moves, count)
            continue
        for k in range(_FIRST[kind], _LAST[kind]):
            s = square + STEPS[k]
            while s & 0x88 == 0 and board[s] * side <= 0:
                moves[count] = square | s << 7
                count += 1
                if board[s] != EMPTY or kind in (KNIGHT, KING):
                    break
                s += STEPS[k]
    return _castling_moves(board, side, moves, count) if board[RIGHTS] else count


@jit
def _rights_of(square):
    """Return the castling rights that are lost if a piece leaves or reaches the square."""
    home = 112 if square >= 112 else 0
    factor = 1 if square >= 112 else BLACK
    if square == home:
        return LONG * factor
    if square == home + 4:
        return (SHORT | LONG) * factor
    if square == home + 7:
        return SHORT * factor
    return 0


@jit
def _move_rook(board, start, end, side):
    """Move the rook after the king has castled from `start` to `end`."""
    board[end + 1 if end > start else end - 2] = EMPTY
    board[(start + end) // 2] = ROOK * side


@jit
def play(board, move):
    """Play a move on the board."""
    start, end, kind = move & 127, move >> 7 & 127, move >> 14
    piece = np.int64(board[start])
    side = 1 if piece > 0 else -1
    passed = board[PASSED]
    board[PASSED] = NOWHERE
    board[start] = EMPTY
    board[end] = piece if kind == 0 else side * kind
    if board[RIGHTS]:
        board[RIGHTS] &= ~(_rights_of(start) | _rights_of(end))
    if piece * side == KING:
        board[WHITE_KING if side > 0 else BLACK_KING] = end
        if abs(end - start) == 2:
            _move_rook(board, start, end, side)
    elif piece * side == PAWN:
        if end == passed:
            board[end + 16 * side] = EMPTY
        elif abs(end - start) == 32:
            board[PASSED] = (start + end) // 2


@jit
def copy_board(to, board):
    """Copy `board` to the board `to`. Numba's slice assignment takes eight times as long."""
    for i in range(BOARD):
        to[i] = board[i]


@jit
def play_on(after, board, move):
    """Set `after` to the board after a move."""
    copy_board(after, board)
    play(after, move)


@jit
def legal_moves(board, side, moves):
    """Fill `moves` (MOST,) int64 with the legal moves of a side. Return how many there are."""
    after = np.empty(BOARD, np.int8)
    count = 0
    for i in range(list_moves(board, side, moves)):
        play_on(after, board, moves[i])
        if not in_check(after, side):
            moves[count] = moves[i]
            count += 1
    return count


@jit
def _shows(board, grid):
    """Return whether the board's pieces are those of a grid of codes `(8, 8)`."""
    for r in range(8):
        for c in range(8):
            piece = np.int64(board[16 * r + c])
            if grid[r, c] != (piece if piece >= 0 else KING - piece):
                return False
    return True


@jit
def move_to(board, side, grid):
    """Return the legal move of a side that leads to a grid of codes `(8, 8)`, or 0 if none does."""
    after, moves = np.empty(BOARD, np.int8), np.empty(MOST, np.int64)
    for i in range(legal_moves(board, side, moves)):
        play_on(after, board, moves[i])
        if _shows(after, grid):
            return moves[i]
    return 0
