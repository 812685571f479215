"""What the package `chess` says of grids: positions, moves, mates. The room and the reader of puzzle files share it.

It lies outside `generators`, where type checkers would take `import chess` for the room of that name. Codes: 0 empty,
1 … 6 white's pawn, knight, bishop, rook, queen, king, 7 … 12 black's; row 0 is rank 8. White is to move first. A grid
tells nothing of castling rights and en passant, so there are none at first; en passant may come up on the way to the
mate, which is why a board is replayed from the question and not read from the grid before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import chess
import numpy as np

from vizbench.generators.kernels.cells import changed
from vizbench.types import Grid

EMPTY, PAWN, QUEEN, KING = 0, 1, 5, 6
MOST = 1_000_000
"""Moves of white that a search looks at: some 10 seconds."""

_NAMES = ("", "pawn", "knight", "bishop", "rook", "queen", "king")


def position(question: Grid) -> chess.Board | None:
    """The question as a board, white to move; None where it is no legal position."""
    if question.shape != (8, 8) or question.max() > 2 * KING:
        return None
    board = chess.Board(None)
    for at in np.flatnonzero(question).tolist():
        code = int(question.flat[at])
        board.set_piece_at(_square(divmod(at, 8)), chess.Piece((code - 1) % KING + 1, code <= KING))
    return board if board.is_valid() else None


def codes(board: chess.Board) -> Grid:
    """The grid of a board."""
    grid = np.zeros((8, 8), np.uint8)
    for square, piece in board.piece_map().items():
        grid[7 - square // 8, square % 8] = piece.piece_type + (0 if piece.color else KING)
    return grid


def moved(board: chess.Board, before: Grid, after: Grid) -> chess.Move | str:
    """The legal move that leads from one grid to the next, or a sentence that says why none does.

    board: that of `before`, with the side to move; both grids are `(8, 8)` uint8.
    """
    if np.array_equal(before, after):
        return "no piece has moved"
    for passing in board.generate_legal_ep():
        if np.array_equal(codes(_after(board, passing)), after):
            return passing
    cells = changed(before, after, 2, "a move changes two")
    if isinstance(cells, str):
        return cells
    start, end = sorted(cells, key=lambda cell: bool(after[cell] != EMPTY))
    side, other = ("white", 0) if board.turn else ("black", KING)
    kind, placed = int(before[start]) - other, int(after[end]) - other
    if after[start] != EMPTY or after[end] == EMPTY or not PAWN <= kind <= KING:
        return f"the changed cells are no move of a {side} piece"
    promoted = kind == PAWN and end[0] in (0, 7) and PAWN < placed <= QUEEN
    if placed != kind and not promoted:
        return f"a {_NAMES[kind]} left its square and another piece arrived"
    move = chess.Move(_square(start), _square(end), placed if promoted else None)
    if not board.is_pseudo_legal(move):
        return f"a {_NAMES[kind]} cannot go {move.uci()}"
    if not board.is_legal(move):
        return f"after {move.uci()} {side}'s king is in check"
    return move


def replayed(way: Sequence[Grid]) -> chess.Board | None:
    """The board after a game that went by these grids, the question first; None where no game did."""
    board = position(way[0])
    for before, after in pairwise(way):
        move = moved(board, before, after) if board else ""
        if board is None or isinstance(move, str):
            return None
        board.push(move)
    return board


def fault(board: chess.Board, move: chess.Move, mate: int) -> str:
    """Why a legal move of white does not force mate in `mate` moves, itself counted; "" if it does.

    The search gives up after MOST moves: one in 3 in a random game takes it 2,000, the worst of 1,255 took 13,000.
    """
    played, after = move.uci(), _after(board, move)
    if not any(after.legal_moves):
        return "" if after.is_check() else f"{played} leaves black in stalemate"
    if mate == 1:
        return f"{played} gives check, not mate" if after.is_check() else f"{played} gives no check"
    try:
        escape = _Search(after).escape(mate - 1)
    except _TooLongError:
        return f"{played} is not shown to force mate by looking at {MOST:,} moves"
    return f"{played} is answered by {escape.uci()}, and mate in {mate} is gone" if escape else ""


def _after(board: chess.Board, move: chess.Move) -> chess.Board:
    after = board.copy(stack=False)
    after.push(move)
    return after


def _square(cell: tuple[int, int]) -> chess.Square:
    """The package's number of a cell (row, column)."""
    return 8 * (7 - cell[0]) + cell[1]


@final
class _TooLongError(Exception):
    """The search has looked at MOST moves."""


@final
class _Search:
    """Every line from a board to its end, until MOST moves were looked at."""

    def __init__(self, board: chess.Board) -> None:
        self._board = board
        self._left = MOST

    def escape(self, mate: int) -> chess.Move | None:
        """A reply of black, to move, after which white cannot mate in `mate` moves; None if there is none."""
        for reply in self._board.legal_moves:
            self._board.push(reply)
            escapes = not self._mates(mate)
            self._board.pop()
            if escapes:
                return reply
        return None

    def _mates(self, mate: int) -> bool:
        """Whether white, to move, can force mate in `mate` moves."""
        for move in self._checks_first(mate):
            self._board.push(move)
            ends = not any(self._board.legal_moves)
            wins = self._board.is_check() if ends else mate > 1 and self.escape(mate - 1) is None
            self._board.pop()
            if wins:
                return True
        return False

    def _checks_first(self, mate: int) -> list[chess.Move]:
        """White's legal moves, those that give check before the others; for mate in 1 these alone."""
        moves = list(self._board.legal_moves)
        self._left -= len(moves)
        if self._left < 0:
            raise _TooLongError
        checks = [move for move in moves if self._board.gives_check(move)]
        return checks if mate == 1 else checks + [move for move in moves if move not in checks]
