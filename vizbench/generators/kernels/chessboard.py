"""Chess on a mailbox board: where pieces go, who attacks what, moves played. No castling: no right to it ever arises.

A board is `(131,)` int8: square 16 row + column, row 0 at the top (rank 8); squares with bit 3 set lie outside. A piece
is its kind, times -1 for black. Then the squares of white's and black's king, and the square that a pawn has just
passed over (NOWHERE if none), where it may be taken en passant. A side is 1 for white, -1 for black. A move is
start + 128 end + 16384 kind, kind 0 or what a pawn becomes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench.compiler import jit

EMPTY: Final = 0
PAWN: Final = 1
KNIGHT: Final = 2
BISHOP: Final = 3
ROOK: Final = 4
QUEEN: Final = 5
KING: Final = 6

BOARD: Final = 131
WHITE_KING: Final = 128
BLACK_KING: Final = 129
PASSED: Final = 130
NOWHERE: Final = 127

MOST: Final = 512
"""More moves than 16 pieces of a side can have: 15 queens with 27 each, and a king's 8."""

STEPS = (-16, -1, 1, 16, -17, -15, 15, 17, -33, -31, -18, -14, 14, 18, 31, 33)  # rook's, bishop's, knight's
# Slices of these by kind.
_FIRST = (0, 0, 8, 4, 0, 0, 0)
_LAST = (0, 0, 16, 8, 4, 8, 8)


@jit
def load(grid, board):
    """Set up `board` from a grid of codes `(8, 8)`: 1 … 6 white's kinds, 7 … 12 black's. One king a side."""
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
def attacked(board, square, side):
    """Whether a piece of `side` attacks the square."""
    for k in range(8):
        step = STEPS[k]
        s = square + step
        while s & 0x88 == 0 and board[s] == EMPTY:
            s += step
        if s & 0x88:
            continue
        piece = board[s] * side
        if piece in (QUEEN, ROOK if k < 4 else BISHOP):
            return True
        # A pawn attacks away from its own side: white's stands below the square, at a higher number.
        if s == square + step and (piece == KING or (piece == PAWN and k >= 4 and step * side > 0)):
            return True
    for k in range(8, 16):
        s = square + STEPS[k]
        if s & 0x88 == 0 and board[s] * side == KNIGHT:
            return True
    return False


@jit
def in_check(board, side):
    """Whether the king of `side` is attacked."""
    return attacked(board, np.int64(board[WHITE_KING if side > 0 else BLACK_KING]), -side)


@jit
def _add_pawn_move(move, moves, count):
    """Append a pawn's move, four times on its last row; returns the count then."""
    row = move >> 11
    if 0 < row < 7:
        moves[count] = move
        return count + 1
    for kind in range(KNIGHT, KING):
        moves[count + kind - KNIGHT] = move | kind << 14
    return count + 4


@jit
def _pawn_moves(board, square, side, moves, count):
    """Append the moves of a pawn; returns the count then."""
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
def list_moves(board, side, moves):
    """Fill `moves` (MOST,) int64 with what the pieces of `side` can do, their king in check after it or not; how many.

    No pawn may stand on the first or the last row.
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
    return count


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
    if piece * side == KING:
        board[WHITE_KING if side > 0 else BLACK_KING] = end
    elif piece * side == PAWN:
        if end == passed:
            board[end + 16 * side] = EMPTY
        elif abs(end - start) == 32:
            board[PASSED] = (start + end) // 2
