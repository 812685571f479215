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
    KING,
    KNIGHT,
    MOST,
    PASSED,
    PAWN,
    QUEEN,
    ROOK,
    STEPS,
    attacked,
    copy_board,
    in_check,
    legal_moves,
    line_attacker,
    list_moves,
    play,
    play_on,
)
from vizbench.kernels.rng import rng_below

ENDLESS: Final = 1 << 62
"""The budget of a search that never gives up."""


@jit
def _mark_evasions(board, marks):
    """Mark the squares on which a piece of black, but not its king, may end a check: marks (128,) bool.

    Two pieces that give check leave no such square. Returns how many give check.
    """
    marks[:] = False
    king = np.int64(board[BLACK_KING])
    count = 0
    for k in range(16):
        step = STEPS[k]
        last = king + step
        if k < 8:
            last = line_attacker(board, king, 1, k)
        elif last & 0x88 or board[last] != KNIGHT:
            last = -1
        if last < 0:
            continue
        count += 1
        s = king + step
        while s != last:
            marks[s] = True
            s += step
        marks[last] = True
    if count > 1:
        marks[:] = False
    return count


@jit
def _keep_evasions(board, moves):
    """Move the moves of black that may end a check to the front of `moves`. Return how many there are.

    If black is not in check, these are all.
    """
    marks = np.empty(128, np.bool_)
    if _mark_evasions(board, marks) == 0:
        return moves.shape[0]
    kept = 0
    for i in range(moves.shape[0]):
        end = moves[i] >> 7 & 127
        if marks[end] or end == board[PASSED] or moves[i] & 127 == board[BLACK_KING]:
            moves[kept] = moves[i]
            kept += 1
    return kept


@jit
def _king_escapes(board):
    """Return whether black's king can go to a square that white does not attack."""
    king = np.int64(board[BLACK_KING])
    board[king] = EMPTY  # white's pieces attack the squares behind it, too
    escapes = False
    for k in range(8):
        end = king + STEPS[k]
        if end & 0x88 == 0 and board[end] >= 0 and not attacked(board, end, 1):
            escapes = True
            break
    board[king] = -KING
    return escapes


@jit
def mated(board, moves, after):
    """Return whether black, to move, is checkmated. moves (MOST,) int64, after (BOARD,) int8: scratch."""
    # Try the king's moves first. Mostly one of them is legal, and the others need not be listed.
    if _king_escapes(board) or not in_check(board, -1):
        return False
    for i in range(_keep_evasions(board, moves[: list_moves(board, -1, moves)])):
        play_on(after, board, moves[i])
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
def _may_check(board, marks, move):
    """Return whether a move of white may give check, by the marks of `_mark_checks`."""
    start, end = move & 127, move >> 7 & 127
    castles = board[start] == KING and abs(end - start) == 2
    return bool(marks[end] >> board[start] & 1) or bool(marks[start] & 1) or move >> 14 > 0 or castles


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
        # Moves that cannot give check are not played. Playing all takes 2.5 times as long.
        if not _may_check(board, marks, moves[0, i]):
            continue
        play_on(boards[0], board, moves[0, i])
        if mated(boards[0], moves[1], boards[1]) and not in_check(boards[0], 1):
            return True
    return False


@jit
def _keep_checks(board, moves):
    """Move the moves of white that may give check to the front of `moves`. Return how many there are."""
    marks = np.empty(128, np.uint8)
    _mark_checks(board, marks)
    kept = 0
    for i in range(moves.shape[0]):
        if _may_check(board, marks, moves[i]):
            moves[kept] = moves[i]
            kept += 1
    return kept


@jit
def least_replies(board):
    """Return the smallest number of black's legal replies to a check of white, MOST if white has no check."""
    moves, replies, after = np.empty(MOST, np.int64), np.empty(MOST, np.int64), np.empty(BOARD, np.int8)
    least = MOST
    for i in range(_keep_checks(board, moves[: list_moves(board, 1, moves)])):
        play_on(after, board, moves[i])
        if in_check(after, -1) and not in_check(after, 1):
            least = min(least, legal_moves(after, -1, replies))
    return least


@jit
def _begin(board, side, checks, first, moves, budget):
    """List the moves of a side that may be legal, and may give check if `checks`. Return how many there are.

    The move `first` comes before the others if it is among them.
    """
    count = list_moves(board, side, moves)
    budget[0] -= count
    for i in range(count):
        if moves[i] == first:
            moves[0], moves[i] = moves[i], moves[0]
            break
    if side < 0:
        return _keep_evasions(board, moves[:count])
    return _keep_checks(board, moves[:count]) if checks else count


@jit
def _next(board, side, checks, moves, at, after):
    """Play on `after` the first legal move from number `at` on. If `checks`, it must give check.

    Returns the number after that of the move, 0 if there is none.
    """
    for i in range(at, moves.shape[0]):
        play_on(after, board, moves[i])
        if not in_check(after, side) and (not checks or in_check(after, -1)):
            return i + 1
    return 0


@jit
def _shuffle(rng, moves):
    """Bring the moves into a random order."""
    for i in range(moves.shape[0] - 1, 0, -1):
        k = rng_below(rng, i + 1)
        moves[i], moves[k] = moves[k], moves[i]


@jit
def _search(board, plies, free, rng, budget):
    """Return whether white mates within `plies` moves of both sides, and the first move that decided it.

    rng: a generator that shuffles the first moves, or an empty array, which leaves their order. See `forced`
    for the other arguments. The move has no meaning if `plies` is below 2.
    """
    boards, moves = np.empty((plies + 2, BOARD), np.int8), np.empty((plies + 1, MOST), np.int64)
    if plies == 0:
        return mated(board, moves[0], boards[0]), moves[0, 0]
    count, at, first = np.zeros(plies, np.int64), np.zeros(plies, np.int64), np.zeros(plies, np.int64)
    copy_board(boards[0], board)
    ply = 0
    entered, value = True, False
    while budget[0] >= 0:
        side = 1 if (plies - ply) % 2 else -1
        checks = side > 0 and ply >= free
        going = True
        if entered and ply == plies - 1:
            value = _mates_now(boards[ply], moves[ply:], boards[ply + 1 :], budget)
            going = False
        elif entered:
            count[ply], at[ply] = _begin(boards[ply], side, checks, first[ply], moves[ply], budget), 0
            if ply == 0 and rng.shape[0] > 0:
                _shuffle(rng, moves[0, : count[0]])
        elif value == (side > 0):  # the move that was tried decides the ply
            first[ply] = moves[ply, at[ply] - 1]
            going = False
        if going:
            tried = at[ply]
            at[ply] = _next(boards[ply], side, checks, moves[ply, : count[ply]], tried, boards[ply + 1])
            if at[ply] > 0:
                ply, entered = ply + 1, True
                continue
            # White has no move left. Or no move saves black, which is mated in time unless it is stalemate.
            value = side < 0 and (tried > 0 or in_check(boards[ply], -1))
        if ply == 0:
            return value, moves[0, max(at[0] - 1, 0)]
        ply, entered = ply - 1, False
    return False, moves[0, 0]


@jit
def forced(board, plies, free, budget):
    """Return whether white mates within `plies` moves of both sides, whatever black does.

    plies: odd if white is to move, even if black is. free: from this ply on, white tries only checks. With
    `plies`, the search is complete.

    The search is depth first. When a ply is entered again, the move that last decided it is tried first: the
    reply to one move is often the reply to the next. The result is False if the budget falls below 0.
    """
    return _search(board, plies, free, np.empty(0, np.uint64), budget)[0]


@jit
def escape(board, mate, budget):
    """Return black's first legal reply after which white cannot force mate in `mate` moves, 0 if none.

    The result has no meaning if the budget falls below 0.
    """
    after, moves = np.empty(BOARD, np.int8), np.empty(MOST, np.int64)
    for i in range(legal_moves(board, -1, moves)):
        play_on(after, board, moves[i])
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
        play_on(after, board, moves[i])
        if forced(after, 2 * mate - 2, 2 * mate, budget):
            moves[right] = moves[i]
            right += 1
    return right, legal


@jit
def find_first_move(board, mate, rng, budget):
    """Return a random move of white that forces mate in `mate` moves, 0 if there is none.

    Only moves after which white mates by checks are taken. They are equally likely. The result is 0 if the
    budget falls below 0.
    """
    if mate > 1:
        right, move = _search(board, 2 * mate - 1, 1, rng, budget)
        return move if right else np.int64(0)
    moves = np.empty(MOST, np.int64)
    right = first_moves(board, 1, moves, budget)[0] if forced(board, 1, 1, budget) else 0
    return moves[rng_below(rng, right)] if right > 0 else np.int64(0)


@jit
def _longest(board, mate, moves, budget):
    """Return black's first legal reply after which white needs `mate` moves, or else its last."""
    after = np.empty(BOARD, np.int8)
    reply = np.int64(0)
    for i in range(legal_moves(board, -1, moves)):
        reply = moves[i]
        play_on(after, board, reply)
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
        play_on(after, board, move)
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
