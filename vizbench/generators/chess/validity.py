"""Check whether a game of chess could lead to a board, as far as the board shows it.

The conditions are necessary, not sufficient. They are those of `Board.is_valid` in python-chess, with which
the tests compare them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench._util.jit import jit
from vizbench.generators.chess.board import (
    BLACK,
    BLACK_HOME,
    BLACK_KING,
    EMPTY,
    KING,
    KNIGHT,
    LONG,
    NOWHERE,
    PASSED,
    PAWN,
    RIGHTS,
    ROOK,
    SHORT,
    STEPS,
    WHITE_HOME,
    WHITE_KING,
    in_check,
    line_attacker,
)

RULES: Final = (
    "",
    "each side has exactly one king",
    "a side has at most 16 pieces",
    "a side has at most 8 pawns",
    "no pawn can be on the first or the last rank",
    "the king of the side that is not to move cannot be in check",
    "a castling right needs the king and the rook on their first squares",
    "a pawn must just have passed over the en passant square",
    "no move could have given these checks",
)
"""What `broken_rule` returns is an index of these."""

_ONE_KING: Final = 1
_PIECES: Final = 2
_PAWNS: Final = 3
_LAST_RANK: Final = 4
_OPPOSITE_CHECK: Final = 5
_CASTLING: Final = 6
_EN_PASSANT: Final = 7
_CHECKS: Final = 8


@jit
def _material(board, side):
    """Return the broken rule about the pieces of a side, 0 if there is none."""
    kings = pieces = pawns = last = 0
    for square in range(120):
        if square & 0x88 or board[square] * side <= 0:
            continue
        kind = board[square] * side
        pieces += 1
        kings += kind == KING
        pawns += kind == PAWN
        last += kind == PAWN and (square < 16 or square >= 112)
    if kings != 1:
        return _ONE_KING
    if pieces > 16:
        return _PIECES
    if pawns > 8:
        return _PAWNS
    return _LAST_RANK if last else 0


@jit
def _rights_fit(board, side):
    """Return whether the king and the rook of each castling right of a side are on their first squares."""
    home = WHITE_HOME if side > 0 else BLACK_HOME
    rights = np.int64(board[RIGHTS]) // (1 if side > 0 else BLACK)
    if rights & (SHORT | LONG) and board[home] != KING * side:
        return False
    if rights & SHORT and board[home + 3] != ROOK * side:
        return False
    return not rights & LONG or board[home - 4] == ROOK * side


@jit
def _passed_fits(board, side):
    """Return whether a pawn of the other side can just have passed over the en passant square.

    side: the one to move.
    """
    passed = np.int64(board[PASSED])
    # The squares of the pawn before and after its move.
    behind, ahead = passed - 16 * side, passed + 16 * side
    return (
        passed >> 4 == (2 if side > 0 else 5)
        and board[ahead] == -PAWN * side
        and board[passed] == EMPTY
        and board[behind] == EMPTY
    )


@jit
def _checking(board, side):
    """Return how many pieces give check to `side`, and the square of one of them.

    The third value is whether two of them are on one line with the king between them.
    """
    king = np.int64(board[WHITE_KING if side > 0 else BLACK_KING])
    count, last, directions = 0, -1, 0
    between = False
    for k in range(16):
        square = king + STEPS[k]
        if k < 8:
            square = line_attacker(board, king, -side, k)
        elif square & 0x88 or board[square] != -KNIGHT * side:
            square = -1
        if square >= 0:
            count, last, directions = count + 1, square, directions | 1 << k
            if k < 8:  # the opposite of direction k is 3 - k for rooks, 11 - k for bishops
                between |= directions >> ((3 if k < 4 else 11) - k) & 1 == 1
    return count, last, between


@jit
def _checks_fit(board, side):
    """Return whether one move can have given the checks that `side`, to move, is in."""
    count, last, between = _checking(board, side)
    passed = np.int64(board[PASSED])
    if passed == NOWHERE or count == 0:
        return count <= 2 and not between
    # The pawn moved last. It gives check itself, or it opened a line by leaving its first square.
    if count > 1 or last == passed + 16 * side:
        return count == 1
    before = board.copy()
    before[passed + 16 * side] = EMPTY
    before[passed - 16 * side] = PAWN * side  # fills the square; a pawn does not attack its own king
    return not in_check(before, side)


@jit
def broken_rule(board, side):
    """Return the index in RULES of the first broken rule, 0 if none is broken. `side` is to move."""
    for colour in (1, -1):
        fault = _material(board, colour)
        if fault:
            return fault
    if in_check(board, -side):
        return _OPPOSITE_CHECK
    if not _rights_fit(board, 1) or not _rights_fit(board, -1):
        return _CASTLING
    if board[PASSED] != NOWHERE and not _passed_fits(board, side):
        return _EN_PASSANT
    return 0 if _checks_fit(board, side) else _CHECKS
