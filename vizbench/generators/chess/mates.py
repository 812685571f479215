"""Search whether white forces mate on boards of `chess.board`, to the end of every line.

A budget `(1,)` int64 bounds a search. Every listed move reduces it by one. Below 0 the search gives up.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench._util.jit import jit
from vizbench.generators.chess.board import (
    BISHOP,
    BLACK_KING,
    BOARD,
    EMPTY,
    KNIGHT,
    MOST,
    PASSED,
    PAWN,
    QUEEN,
    ROOK,
    STEPS,
    in_check,
    legal_moves,
    list_moves,
    play,
)

ENDLESS: Final = 1 << 62
"""The budget of a search that never gives up."""


@jit
def mated(board, moves, after):
    """Return whether black, to move, is checkmated. moves (MOST,) int64, after (BOARD,) int8: scratch."""
    if not in_check(board, -1):
        return False
    king = np.int64(board[BLACK_KING])
    # Try the king's moves first. Mostly one of them is legal, and the others need not be listed.
    for k in range(8):
        end = king + STEPS[k]
        if end & 0x88 == 0 and board[end] >= 0:
            after[:] = board
            play(after, king | end << 7)
            if not in_check(after, -1):
                return False
    for i in range(list_moves(board, -1, moves)):
        after[:] = board
        play(after, moves[i])
        if not in_check(after, -1):
            return False
    return True


@jit
def _mark_checks(board, marks):
    """Mark the squares from which a piece of white would give check.

    marks (128,) uint8: bit `kind` is set if a piece of this kind would give check from the square. Bit 0 is
    set if a piece on the square blocks another one that would.
    """
    marks[:] = 0
    king = np.int64(board[BLACK_KING])
    for k in range(16):
        step = STEPS[k]
        kind = ROOK if k < 4 else BISHOP if k < 8 else KNIGHT
        line = 1 << kind | (1 << QUEEN if kind != KNIGHT else 0)
        s = king + step
        while s & 0x88 == 0 and board[s] == EMPTY and kind != KNIGHT:
            marks[s] |= line
            s += step
        if s & 0x88 == 0:
            marks[s] |= line
            if kind != KNIGHT and board[s] > 0:
                behind = s + step
                while behind & 0x88 == 0 and board[behind] == EMPTY:
                    behind += step
                marks[s] |= behind & 0x88 == 0 and (board[behind] == kind or board[behind] == QUEEN)
    for s in (king + 15, king + 17):
        if s & 0x88 == 0:
            marks[s] |= 1 << PAWN
    marks[board[PASSED]] |= 1 << PAWN  # taking en passant may open other lines


@jit
def _mates_now(board, moves, boards, budget):
    """Return whether white, to move, has a mating move.

    moves (2, MOST) int64, boards (2, BOARD) int8: scratch.
    """
    marks = np.empty(128, np.uint8)
    _mark_checks(board, marks)
    count = list_moves(board, 1, moves[0])
    budget[0] -= count
    for i in range(count):
        move = moves[0, i]
        start, end = move & 127, move >> 7 & 127
        # Moves that cannot give check are not played. Playing all takes 2.5 times as long.
        if not (marks[end] >> board[start] & 1 or marks[start] & 1 or move >> 14):
            continue
        boards[0] = board
        play(boards[0], move)
        if not in_check(boards[0], 1) and mated(boards[0], moves[1], boards[1]):
            return True
    return False


@jit
def _begin(board, side, first, moves, budget):
    """List the moves of a side. Return how many there are.

    The move `first` comes before the others if it is among them.
    """
    count = list_moves(board, side, moves)
    budget[0] -= count
    for i in range(count):
        if moves[i] == first:
            moves[0], moves[i] = moves[i], moves[0]
            break
    return count


@jit
def _next(board, side, checks, moves, at, after):
    """Play on `after` the first legal move from number `at` on. If `checks`, it must give check.

    Returns the number after that of the move, 0 if there is none.
    """
    for i in range(at, moves.shape[0]):
        after[:] = board
        play(after, moves[i])
        if not in_check(after, side) and (not checks or in_check(after, -1)):
            return i + 1
    return 0


@jit
def forced(board, plies, free, budget):
    """Return whether white mates within `plies` moves of both sides, whatever black does.

    plies: odd if white is to move, even if black is. free: from this ply on, white tries only checks. With
    `plies`, the search is complete.

    The search is depth first. When a ply is entered again, the move that last decided it is tried first: the
    reply to one move is often the reply to the next. The result is False if the budget falls below 0.
    """
    boards, moves = np.empty((plies + 2, BOARD), np.int8), np.empty((plies + 1, MOST), np.int64)
    if plies == 0:
        return mated(board, moves[0], boards[0])
    count, at, first = np.zeros(plies, np.int64), np.zeros(plies, np.int64), np.zeros(plies, np.int64)
    boards[0] = board
    ply = 0
    entered, value = True, False
    while budget[0] >= 0:
        side = 1 if (plies - ply) % 2 else -1
        going = True
        if entered and ply == plies - 1:
            value = _mates_now(boards[ply], moves[ply:], boards[ply + 1 :], budget)
            going = False
        elif entered:
            count[ply], at[ply] = _begin(boards[ply], side, first[ply], moves[ply], budget), 0
        elif value == (side > 0):  # the move that was tried decides the ply
            first[ply] = moves[ply, at[ply] - 1]
            going = False
        if going:
            tried = at[ply]
            checks = side > 0 and ply >= free
            at[ply] = _next(boards[ply], side, checks, moves[ply, : count[ply]], tried, boards[ply + 1])
            if at[ply] > 0:
                ply, entered = ply + 1, True
                continue
            # White has no move left. Or no move saves black, which is mated in time unless it is stalemate.
            value = side < 0 and (tried > 0 or in_check(boards[ply], -1))
        if ply == 0:
            return value
        ply, entered = ply - 1, False
    return False


@jit
def escape(board, mate, budget):
    """Return black's first legal reply after which white cannot force mate in `mate` moves, 0 if none.

    The result has no meaning if the budget falls below 0.
    """
    after, moves = np.empty(BOARD, np.int8), np.empty(MOST, np.int64)
    for i in range(legal_moves(board, -1, moves)):
        after[:] = board
        play(after, moves[i])
        if not forced(after, 2 * mate - 1, 2 * mate, budget):
            return moves[i]
    return 0


@jit
def first_moves(board, mate, moves, budget):
    """Fill `moves` (MOST,) int64 with white's moves that force mate in `mate` moves, counting themselves.

    Returns how many they are, and how many legal moves there are. Moves are missing if the budget falls below
    0.
    """
    after = np.empty(BOARD, np.int8)
    right = 0
    legal = legal_moves(board, 1, moves)
    for i in range(legal):
        after[:] = board
        play(after, moves[i])
        if forced(after, 2 * mate - 2, 2 * mate, budget):
            moves[right] = moves[i]
            right += 1
    return right, legal


@jit
def _longest(board, mate, moves, budget):
    """Return black's first legal reply after which white needs `mate` moves, or else its last."""
    after = np.empty(BOARD, np.int8)
    reply = np.int64(0)
    for i in range(legal_moves(board, -1, moves)):
        reply = moves[i]
        after[:] = board
        play(after, reply)
        if mate == 1 or not forced(after, 2 * mate - 3, 2 * mate, budget):
            break
    return reply


@jit
def _first_right(board, mate, moves, budget):
    """Return the first of white's moves that force mate in `mate` moves, or else its last."""
    after = np.empty(BOARD, np.int8)
    move = np.int64(0)
    for i in range(legal_moves(board, 1, moves)):
        move = moves[i]
        after[:] = board
        play(after, move)
        if forced(after, 2 * mate - 2, 2 * mate, budget):
            break
    return move


@jit
def play_line(board, mate, line):
    """Continue the line after `line[0]`, white's move that forces mate in `mate` moves, up to the mate.

    line (2 mate - 1,) int64: black plays the reply that lasts longest, white the first right move. Returns
    the length of the line.
    """
    now, moves, budget = board.copy(), np.empty(MOST, np.int64), np.full(1, ENDLESS)
    play(now, line[0])
    for k in range(1, mate):
        if legal_moves(now, -1, moves) == 0:
            return 2 * k - 1
        line[2 * k - 1] = _longest(now, mate - k, moves, budget)
        play(now, line[2 * k - 1])
        line[2 * k] = _first_right(now, mate - k, moves, budget)
        if line[2 * k] == 0:  # only after a first move that does not force mate
            return 2 * k
        play(now, line[2 * k])
    return 2 * mate - 1
