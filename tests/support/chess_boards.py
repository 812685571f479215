"""Make chess boards for tests: placements of a FEN, grids, the package `chess`; plain search for mates."""

from __future__ import annotations

import functools
import re

import chess
import numpy as np

from vizbench import seeds
from vizbench.generators.chess import board as chessboard
from vizbench.generators.chess import mates
from vizbench.generators.chess.task import TASK, Params
from vizbench.types import Batch, Grid

LETTERS = ".PNBRQKpnbrqk"


def grid(placement: str) -> Grid:
    """Return the codes of the first field of a FEN."""
    rows = re.sub(r"\d", lambda digit: "." * int(digit[0]), placement).split("/")
    return np.array([[LETTERS.index(mark) for mark in row] for row in rows], np.uint8)


def board_of(question: Grid) -> chess.Board:
    """Return the package's board, read from a FEN: no code is shared with the package's own reader."""
    rows = "/".join("".join(LETTERS[code] for code in row) for row in question.tolist())
    return chess.Board(re.sub(r"\.+", lambda run: str(len(run[0])), rows) + " w - - 0 1")


BACK_RANK = "6k1/5ppp/8/8/8/8/4b3/R6K"
LADDER = "8/4k3/1R6/R7/8/8/8/6K1"  # mate in 2


def played(placement: str, *moves: str) -> Grid:
    """Return the codes after moves. They need not be legal, and sides need not alternate."""
    board = chess.Board(placement + " w - - 0 1")
    for move in moves:
        parsed = chess.Move.from_uci(move)
        piece = board.remove_piece_at(parsed.from_square)
        assert piece is not None
        kind = parsed.promotion or piece.piece_type
        board.set_piece_at(parsed.to_square, chess.Piece(kind, piece.color))
    return grid(board.board_fen())


@functools.cache
def made(mate: int, count: int) -> Batch:
    return TASK.generate_batch(Params(mate), seeds.keys(seeds.stream("chess"), 0, count))


def has_mate(board: chess.Board, mate: int) -> bool:
    """Return whether the side to move forces mate, by a plain search of every move."""
    return any(forces(board, move, mate) for move in board.legal_moves)


def forces(board: chess.Board, move: chess.Move, mate: int) -> bool:
    after = board.copy(stack=False)
    after.push(move)
    if after.is_game_over():
        return after.is_checkmate()
    return mate > 1 and all(has_mate(pushed(after, reply), mate - 1) for reply in after.legal_moves)


def pushed(board: chess.Board, move: chess.Move) -> chess.Board:
    after = board.copy(stack=False)
    after.push(move)
    return after


COUNTS = {1: 300, 2: 40, 3: 4}  # how many of each length are looked at


def loaded(question: Grid) -> np.ndarray:
    board = np.empty(chessboard.BOARD, np.int8)
    chessboard.load(question, board)
    return board


def right_moves(question: Grid, mate: int) -> tuple[list[int], int]:
    """Return the kernels' moves that force mate, and the number of legal moves."""
    moves = np.empty(chessboard.MOST, np.int64)
    right, legal = mates.first_moves(loaded(question), mate, moves, endless())
    return moves[:right].tolist(), legal


def endless() -> np.ndarray:
    """Return the counter of a search that does not give up."""
    return np.full(1, mates.ENDLESS)
