"""Check many answers at once, and measure their instances: the kernels of the task `chess`.

Questions and answers are grids of any codes. A question is legal if it is a position with white to move.
"""

from __future__ import annotations

from math import log2

import numpy as np

from vizbench._util.jit import jit
from vizbench.generators.chess.board import (
    BOARD,
    EMPTY,
    KING,
    MOST,
    in_check,
    legal_moves,
    load,
    move_to,
    play,
    play_on,
    store,
)
from vizbench.generators.chess.mates import ENDLESS, escape, first_moves, forced, mated, play_line
from vizbench.generators.chess.validity import broken_rule


@jit
def _read(question, board):
    """Set up `board` from a question `(8, 8)`. Return whether the question is legal."""
    for r in range(8):
        for c in range(8):
            if question[r, c] > 2 * KING:
                return False
    load(question, board)
    return broken_rule(board, 1) == 0


@jit
def _mates_in_time(board, mate, budget, moves, after):
    """Return whether white mates in `mate` more moves. Black is to move.

    The result is False if the budget falls below 0. moves (MOST,) int64, after (BOARD,) int8: scratch.
    """
    if mate == 0:
        return mated(board, moves, after)
    if legal_moves(board, -1, moves) == 0:
        return in_check(board, -1)
    return escape(board, mate, budget) == 0 and budget[0] >= 0


@jit
def check_all(question, answer, mate, most, valid):
    """Fill `valid` (n,) bool: whether each answer is the board after a move that forces mate.

    question, answer: `(n, 8, 8)` uint8. most: the budget of each search.
    """
    board, after = np.empty(BOARD, np.int8), np.empty(BOARD, np.int8)
    moves, budget = np.empty(MOST, np.int64), np.empty(1, np.int64)
    for i in range(question.shape[0]):
        valid[i] = False
        if not _read(question[i], board):
            continue
        move = move_to(board, 1, answer[i])
        if move > 0:
            play(board, move)
            budget[0] = most
            valid[i] = _mates_in_time(board, mate - 1, budget, moves, after)


@jit
def _escapes(board, mate, most, budget, moves, after):
    """Return after how many of black's replies white cannot force mate in `mate` moves; at most `most`.

    Stalemate counts as `most`. moves (MOST,) int64, after (BOARD,) int8: scratch.
    """
    replies = legal_moves(board, -1, moves)
    if replies == 0:
        return 0 if in_check(board, -1) else most
    if mate == 0:
        return min(replies, most)
    escapes = 0
    for i in range(replies):
        play_on(after, board, moves[i])
        escapes += not forced(after, 2 * mate - 1, 2 * mate, budget)
        if escapes >= most:
            break
    return escapes


@jit
def _misplaced(question, answer, move):
    """Return how many of the move's two cells differ from the answer. The first move is never castling."""
    start, end, kind = move & 127, move >> 7 & 127, move >> 14
    piece = kind if kind > 0 else np.int64(question[start >> 4, start & 7])
    return int(answer[start >> 4, start & 7] != EMPTY) + int(answer[end >> 4, end & 7] != piece)


@jit
def _wrong_cells(question, answer, moves, wrong):
    """Fill `wrong` for each move: the cells in which the answer differs from the board after it, 2 for more.

    Returns the smallest.
    """
    least = 2
    differing = 0
    for r in range(8):
        for c in range(8):
            differing += question[r, c] != answer[r, c]
    for i in range(moves.shape[0]):
        wrong[i] = 2
        if differing > 3:
            continue
        start, end = moves[i] & 127, moves[i] >> 7 & 127
        others = differing
        others -= question[start >> 4, start & 7] != answer[start >> 4, start & 7]
        others -= question[end >> 4, end & 7] != answer[end >> 4, end & 7]
        wrong[i] = min(2, others + _misplaced(question, answer, moves[i]))
        least = min(least, wrong[i])
    return least


@jit
def parts_all(question, answer, mate, most, move, pressed):
    """Fill `move` and `pressed`, `(n,)` float64 each: how far each answer got.

    - move: 1 for the board after a legal move, 1/4 if one cell differs from such a board, otherwise 0.
    - pressed: 1 / (1 + e)^2, where white does not mate in time after e of black's replies, 0 for stalemate.
      Of several moves with one differing cell, the best counts.

    question, answer: `(n, 8, 8)` uint8. most: the budget of each answer. If it is used up, the remaining
    replies count as escapes.
    """
    board, boards = np.empty(BOARD, np.int8), np.empty((2, BOARD), np.int8)
    moves, wrong, budget = np.empty((2, MOST), np.int64), np.empty(MOST, np.int64), np.empty(1, np.int64)
    for i in range(question.shape[0]):
        move[i], pressed[i] = 0.0, 0.0
        if not _read(question[i], board):
            continue
        count = legal_moves(board, 1, moves[0])
        nearest = _wrong_cells(question[i], answer[i], moves[0, :count], wrong)
        if nearest == 2:
            continue
        move[i] = 1 - 3 * nearest / 4
        budget[0] = most
        least = MOST
        for k in range(count):
            if wrong[k] == nearest:
                play_on(boards[0], board, moves[0, k])
                least = min(least, _escapes(boards[0], mate - 1, least, budget, moves[1], boards[1]))
        if least < MOST:
            pressed[i] = 1 / (1 + least) ** 2


@jit
def _line_of(question, target, mate, board, line):
    """Set up `board` from a question, and fill `line` from the target's move up to the mate.

    line: `(2 mate - 1,)` int64. Returns its length, 0 if no legal move leads to the target.
    """
    if not _read(question, board):
        return 0
    line[0] = move_to(board, 1, target)
    return play_line(board, mate, line) if line[0] > 0 else 0


@jit
def lines_all(question, target, mate, states, starts):
    """Write the boards after each move of the lines from the questions. Return how many there are.

    question, target: `(n, 8, 8)` uint8. states `(n * (2 mate - 1), 8, 8)` and starts `(n + 1,)`: as in
    `Trajectories`. If no legal move leads to a target, it is the only state.
    """
    board, line = np.empty(BOARD, np.int8), np.empty(2 * mate - 1, np.int64)
    total = 0
    starts[0] = 0
    for i in range(question.shape[0]):
        states[total] = target[i]
        count = _line_of(question[i], target[i], mate, board, line)
        for k in range(count):
            play(board, line[k])
            store(board, states[total + k])
        total += max(count, 1)
        starts[i + 1] = total
    return total


@jit
def _count_checks(board, moves, after):
    """Return how many legal moves of white give check. moves (MOST,) int64, after (BOARD,) int8: scratch."""
    checks = 0
    for i in range(legal_moves(board, 1, moves)):
        play_on(after, board, moves[i])
        checks += in_check(after, -1)
    return checks


@jit
def figures_all(question, target, mate, figures):
    """Fill `figures` (n, 6) float64: bits, moves, right, checks, quiet and pieces, see `difficulty_batch`.

    question, target: `(n, 8, 8)` uint8. The first four are 0 if no legal move leads to the target.
    """
    board, after = np.empty(BOARD, np.int8), np.empty(BOARD, np.int8)
    line, moves = np.empty(2 * mate - 1, np.int64), np.empty(MOST, np.int64)
    budget = np.empty(1, np.int64)
    figures[:] = 0.0
    for i in range(question.shape[0]):
        count = _line_of(question[i], target[i], mate, board, line)
        for k in range(count):
            if k == 0:
                figures[i, 3] = _count_checks(board, moves, after)
            if k % 2 == 0:
                budget[0] = ENDLESS
                right, legal = first_moves(board, mate - k // 2, moves, budget)
                figures[i, 0] += log2(legal / max(right, 1))
                if k == 0:
                    figures[i, 1], figures[i, 2] = legal, right
            play(board, line[k])
        load(target[i], after)
        figures[i, 4] = not in_check(after, -1)
        for r in range(8):
            for c in range(8):
                figures[i, 5] += question[i, r, c] != EMPTY
