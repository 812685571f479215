"""Test chess: the kernels' moves and mates against the package `chess`, in positions of random games."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import chess_rules
from tests.support.chess_boards import (
    COUNTS,
    board_of,
    endless,
    grid,
    has_mate,
    loaded,
    made,
    pushed,
    right_moves,
)
from vizbench.generators.chess import board as chessboard
from vizbench.generators.chess import mates
from vizbench.generators.chess.rules import uci
from vizbench.generators.chess.task import TASK, Params


def packed(board: chess.Board) -> np.ndarray:
    """Return the kernels' board of any board of the package."""
    ours = loaded(grid(board.board_fen()))
    if board.ep_square is not None:
        ours[chessboard.PASSED] = 16 * (7 - board.ep_square // 8) + board.ep_square % 8
    return ours


@st.composite
def positions(draw: st.DrawFn) -> chess.Board:
    """Draw positions of games of random moves without castling, with either side to move."""
    board = chess.Board("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w - - 0 1")
    for choice in draw(st.lists(st.integers(0, 1 << 16), max_size=120)):
        moves = sorted(board.legal_moves, key=lambda move: (not board.is_capture(move), move.uci()))
        if not moves:
            break
        board.push(moves[choice % len(moves) if choice % 3 else choice % min(3, len(moves))])
    return board


@given(positions())
def test_kernels_know_the_rules(board: chess.Board) -> None:
    side, ours, moves = (1 if board.turn else -1), packed(board), np.empty(chessboard.MOST, np.int64)
    actual = {uci(int(move)): int(move) for move in moves[: chessboard.legal_moves(ours, side, moves)]}
    assert sorted(actual) == sorted(move.uci() for move in board.legal_moves)
    assert chessboard.in_check(ours, side) == board.is_check()
    for text, move in actual.items():
        after, codes = ours.copy(), np.empty((8, 8), np.uint8)
        chessboard.play(after, move)
        chessboard.store(after, codes)
        board.push_uci(text)
        assert np.array_equal(codes, grid(board.board_fen()))
        assert after[128:130].tolist() == packed(board)[128:130].tolist()
        assert chessboard.in_check(after, -side) == board.is_check()
        board.pop()


@given(positions())
def test_kernels_find_the_mates(board: chess.Board) -> None:
    ours = packed(board)
    if board.turn:
        for mate in (1, 2):
            assert mates.forced(ours, 2 * mate - 1, 9, endless()) == has_mate(board, mate)
    else:
        scratch = np.empty(chessboard.MOST, np.int64), np.empty(chessboard.BOARD, np.int8)
        assert mates.mated(ours, *scratch) == mates.forced(ours, 0, 9, endless()) == board.is_checkmate()


@pytest.mark.parametrize("mate", COUNTS)
def test_search_verifier_and_twin_agree_on_every_move(mate: int) -> None:
    batch = made(mate, {1: 30, 2: 4, 3: 2}[mate])
    for question in batch.question:
        board = board_of(question)
        right, legal = right_moves(question, mate)
        expected = set(map(uci, right))
        assert legal == board.legal_moves.count()
        for move in board.legal_moves:
            answer = grid(pushed(board, move).board_fen())
            result = TASK.check(Params(mate), question, answer)
            assert result.valid == (move.uci() in expected)
            assert result.figures == {"legal": 1.0}
            if mate == 1:
                assert result.valid == chess_rules.chess_valid(question.tolist(), answer.tolist(), 1)
