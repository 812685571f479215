"""Apply the rules of chess: positions from grids and FEN, legal moves, mates.

The task `chess` and puzzle files use it. Codes of grids: 0 empty, 1 … 6 white's pawn, knight, bishop, rook,
queen, king, 7 … 12 black's; row 0 is rank 8. A grid shows neither castling rights nor en passant, so a
position from a grid has none. En passant may become possible before the mate. Therefore a line is
replayed from the question, not read from its last grid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench._util.cells import changed
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.generators.chess.board import (
    BLACK,
    BOARD,
    EMPTY,
    KING,
    LONG,
    PASSED,
    PAWN,
    QUEEN,
    RIGHTS,
    ROOK,
    SHORT,
    in_check,
    legal_moves,
    list_moves,
    load,
    move_to,
    play,
    store,
)
from vizbench.generators.chess.board import MOST as MOST_MOVES
from vizbench.generators.chess.mates import escape
from vizbench.generators.chess.validity import RULES, broken_rule
from vizbench.types import Grid

Board: TypeAlias = npt.NDArray[np.int8]
"""The kernels' board, see `chess.board`: `(BOARD,)`."""

MOST = 20_000_000
"""Moves that a search lists before it gives up, after one or two seconds."""

MOST_OF_PARTS: Final = 2_000_000
"""Moves that a search lists before the parts of an answer are settled, after about 0.2 seconds."""

MAX_FEN: Final = 120
"""Characters of the longest FEN. The longest board takes 71, and the other fields 20."""

_NAMES = ("", "pawn", "knight", "bishop", "rook", "queen", "king")
_PIECES = " PNBRQKpnbrqk"  # by code
_FILES = "abcdefgh"
_UCI = re.compile(r"([a-h])([1-8])([a-h])([1-8])([nbrq]?)", re.ASCII)
_CASTLING = re.compile(r"-|[KQ]{1,2}[kq]{0,2}|[kq]{1,2}", re.ASCII)
_COUNTER = re.compile(r"\d{1,4}", re.ASCII)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Position:
    """Hold a board and the side to move."""

    board: Board
    """The kernels' board. Nothing writes to it."""
    side: int
    """1 if white is to move, -1 if black is."""

    @property
    def grid(self) -> Grid:
        """The codes of the board, `(8, 8)`."""
        grid = np.empty((8, 8), np.uint8)
        store(self.board, grid)
        return grid

    @property
    def fault(self) -> str:
        """The rule that the position breaks, as a clause; "" if it breaks none."""
        rule: int = broken_rule(self.board, self.side)
        return RULES[rule]

    @property
    def moves(self) -> list[int]:
        """The legal moves of the side to move."""
        moves = np.empty(MOST_MOVES, np.int64)
        count: int = legal_moves(self.board, self.side, moves)
        listed: list[int] = moves[:count].tolist()
        return listed

    @property
    def checked(self) -> bool:
        """Whether the side to move is in check."""
        return bool(in_check(self.board, self.side))

    @property
    def mated(self) -> bool:
        """Whether the side to move is checkmated."""
        return self.checked and not self.moves

    @property
    def rights(self) -> int:
        """The castling rights: a sum of SHORT and LONG for white, and of both times BLACK for black."""
        return int(self.board[RIGHTS])

    def after(self, move: int) -> Position:
        """The position after a move."""
        board = self.board.copy()
        play(board, move)
        return Position(board, -self.side)

    def castles(self, move: int) -> bool:
        """Whether a legal move is castling."""
        start, end = move & 127, move >> 7 & 127
        return abs(int(self.board[start])) == KING and abs(start - end) == 2

    def takes_in_passing(self, move: int) -> bool:
        """Whether a legal move takes a pawn en passant."""
        return abs(int(self.board[move & 127])) == PAWN and move >> 7 & 127 == self.board[PASSED]


def loaded(grid: Grid, side: int = 1) -> Position:
    """Return the position of a grid of codes 0 … 12, without castling rights and en passant."""
    board = np.empty(BOARD, np.int8)
    load(np.ascontiguousarray(grid), board)
    return Position(board, side)


def position(question: Grid) -> Position | None:
    """Return the question as a position with white to move, or None if it breaks a rule."""
    if question.shape != (8, 8) or question.max() > 2 * KING:
        return None
    read = loaded(question)
    return None if read.fault else read


def uci(move: int) -> str:
    """Return a move in the notation of engines: e2e4, e7e8q."""
    start, end, kind = move & 127, move >> 7 & 127, move >> 14
    squares = "".join(f"{_FILES[square & 7]}{8 - (square >> 4)}" for square in (start, end))
    return squares + (_PIECES[KING + kind] if kind else "")


def from_uci(text: str, position: Position) -> int:
    """Return the move that a text such as e2e4 or e7e8q names in a position. It may be illegal.

    Castling may be written as the king's move (e1g1) or as the king taking its rook (e1h1). Raises UserError
    if the text is not a move.
    """
    parts = _UCI.fullmatch(text)
    if parts is None:
        raise UserError(
            f"{text[:20]!r} is not a move: write its two squares, and what a pawn becomes, as e2e4 or e7e8q"
        )
    start, end = _square(parts[1] + parts[2]), _square(parts[3] + parts[4])
    kind = _PIECES.index(parts[5]) - KING if parts[5] else EMPTY
    king, rook = KING * position.side, ROOK * position.side
    if kind == EMPTY and position.board[start] == king and position.board[end] == rook:
        end = start + (2 if end > start else -2)
    return start | end << 7 | kind << 14


def from_fen(fen: str) -> Position:
    """Return the position of a FEN. It may break rules: see `Position.fault`.

    The fields are the board, the side to move, castling rights, en passant square, and up to two counters,
    which are not kept. Fields are separated by one blank or more. Raises UserError if the text is not a FEN.
    """
    if len(fen) > MAX_FEN or not fen.isascii():
        raise UserError(f"a FEN has at most {MAX_FEN} characters, all of them ASCII")
    fields = fen.split()
    if not 4 <= len(fields) <= 6:
        raise UserError(f"it has {plural(len(fields), 'field')} instead of 4 to 6")
    placement, side, castling, passed, *counters = fields
    if side not in ("w", "b"):
        raise UserError(f"the side to move is {side[:20]!r} instead of w or b")
    read = loaded(_placed(placement), 1 if side == "w" else -1)
    read.board[RIGHTS] = _rights(castling, read)
    if passed != "-":
        if not re.fullmatch("[a-h][1-8]", passed):
            raise UserError(f"the en passant square is {passed[:20]!r} instead of - or a square such as e3")
        read.board[PASSED] = _square(passed)
    for counter in counters:
        if not _COUNTER.fullmatch(counter):
            raise UserError(f"a counter is {counter[:20]!r} instead of a number of at most 4 digits")
    return read


def _placed(placement: str) -> Grid:
    """Return the codes of the first field of a FEN."""
    ranks = placement.split("/")
    if len(ranks) != 8:
        raise UserError(f"its board has {plural(len(ranks), 'rank')} instead of 8")
    grid = np.zeros((8, 8), np.uint8)
    for row, rank in enumerate(ranks):
        if re.search(r"[^PNBRQKpnbrqk1-8]|\d\d", rank):
            raise UserError(f"its rank {rank[:20]!r} has a wrong character, or two digits side by side")
        cells = re.sub(r"\d", lambda digit: " " * int(digit[0]), rank)
        if len(cells) != 8:
            raise UserError(f"its rank {rank[:20]!r} fills {plural(len(cells), 'square')} instead of 8")
        grid[row] = [_PIECES.index(piece) for piece in cells]
    return grid


def _rights(castling: str, read: Position) -> int:
    """Return the castling rights of the third field of a FEN."""
    if not _CASTLING.fullmatch(castling):
        raise UserError(f"the castling rights are {castling[:20]!r} instead of - or letters of KQkq")
    rights = 0
    for letter in castling.replace("-", ""):
        side, home = (1, 112) if letter.isupper() else (-1, 0)
        # Some programs write Q although the first rank is empty. As in python-chess, such a right is ignored.
        if letter in "Qq" and not (read.board[home : home + 8] == ROOK * side).any():
            continue
        rights |= (SHORT if letter in "Kk" else LONG) * (1 if side > 0 else BLACK)
    return rights


def _square(name: str) -> int:
    """Return the kernels' square of a name such as e4."""
    return 16 * (8 - int(name[1])) + _FILES.index(name[0])


def mirrored(grid: Grid) -> Grid:
    """Return the board upside down with the colours swapped, so that white can do what black could do."""
    turned = grid[::-1]
    return np.where(turned == EMPTY, EMPTY, (turned + KING - 1) % (2 * KING) + 1).astype(np.uint8)


def mirrored_move(move: int) -> int:
    """Return a move on the mirrored board."""
    return move ^ 0x70 ^ 0x70 << 7


def moved(position: Position, before: Grid, after: Grid) -> int | str:
    """Return the legal move that leads from one grid to the next, or a sentence that says why none does.

    position: that of `before`. Both grids are `(8, 8)` uint8.
    """
    if np.array_equal(before, after):
        return "no piece has moved"
    move: int = move_to(position.board, position.side, np.ascontiguousarray(after))
    return move or _why_no_move(position, before, after)


def _why_no_move(position: Position, before: Grid, after: Grid) -> str:
    """Return why no legal move leads from one grid to the next."""
    cells = changed(before, after, 2, "a move changes two")
    if isinstance(cells, str):
        return cells
    start, end = sorted(cells, key=lambda cell: bool(after[cell] != EMPTY))
    side, other = ("white", 0) if position.side > 0 else ("black", KING)
    kind, placed = int(before[start]) - other, int(after[end]) - other
    if after[start] != EMPTY or after[end] == EMPTY or not PAWN <= kind <= KING:
        return f"the changed cells are not a move of a {side} piece"
    promoted = kind == PAWN and end[0] in (0, 7) and PAWN < placed <= QUEEN
    if placed != kind and not promoted:
        return f"a {_NAMES[kind]} left its square and another piece arrived"
    squares = 16 * start[0] + start[1] | (16 * end[0] + end[1]) << 7
    move = squares | placed << 14 if promoted else squares
    listed = np.empty(MOST_MOVES, np.int64)
    count: int = list_moves(position.board, position.side, listed)
    if move not in listed[:count]:
        return f"a {_NAMES[kind]} cannot go {uci(move)}"
    if move in position.moves:
        return f"{uci(move)} takes a pawn en passant, and the pawn is still there"
    return f"after {uci(move)} {side}'s king is in check"


def replayed(trajectory: Sequence[Grid]) -> Position | None:
    """Return the position after a game with these grids, the question first; None if it is not a game."""
    now = position(trajectory[0])
    for before, after in pairwise(trajectory):
        move = moved(now, before, after) if now else ""
        if now is None or isinstance(move, str):
            return None
        now = now.after(move)
    return now


def fault(position: Position, move: int, mate: int) -> str:
    """Return why a legal move of white does not force mate in `mate` moves, counting itself; "" if it does.

    The search gives up after MOST moves. Of 27,000 moves in 1,000 positions with a mate in 3, the slowest
    took 150,000.
    """
    played, after = uci(move), position.after(move)
    if not after.moves:
        return "" if after.checked else f"{played} leaves black in stalemate"
    if mate <= 1:
        return f"{played} gives check, not mate" if after.checked else f"{played} gives no check"
    budget = np.full(1, MOST)
    reply: int = escape(after.board, mate - 1, budget)
    if budget[0] < 0:
        return f"{played} is not shown to force mate by a search of {MOST:,} moves"
    return f"{played} is answered by {uci(reply)}, and there is no mate in {mate}" if reply else ""
