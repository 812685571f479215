"""Chess: white mates in one, two or three moves. The answer is the board after white's first move.

Codes: 0 empty, 1 … 6 white's pawn, knight, bishop, rook, queen, king, 7 … 12 black's; row 0 is rank 8. White is to
move. A picture tells nothing of castling rights and en passant, so neither exists at the first move, and positions
where one could be thought to exist are not made. Positions come from random games, hence each can be reached; white
mates in `mate` moves and in no fewer. The package `chess` judges; the kernels here only make positions and solve them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.compiler import jit
from vizbench.errors import UserError
from vizbench.generators.kernels.chessboard import (
    BOARD,
    EMPTY,
    KING,
    MOST,
    PAWN,
    ROOK,
    in_check,
    list_moves,
    load,
    play,
    store,
)
from vizbench.generators.kernels.mates import first_moves, forced, legal_moves, play_line
from vizbench.generators.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task import Metric, Task
from vizbench.types import Batch, Grid, Grids, Keys, Look, Ruling

_START = np.zeros((8, 8), np.uint8)
_START[[0, 7]] = np.array([4, 2, 3, 5, 6, 3, 2, 4]) + np.array([[6], [0]])
_START[[1, 6]] = [[7], [1]]


@final
@dataclass(frozen=True)
class Params:
    """mate: white's moves to the mate, 1 … 3."""

    mate: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.mate <= 3:
            raise UserError(f"mate={self.mate} is not in 1 … 3: longer ones take too long to prove, try 2")


VARIANTS = {f"mate-in-{mate}": Params(mate) for mate in (1, 2, 3)}


@jit
def _wander(rng, board, side, greed, bold, moves, after):
    """Play a random legal move; False where there is none.

    greed: the probability that it is a capture if one is legal; bold: else that it is a move of the king.
    """
    left = list_moves(board, side, moves)
    mood = rng_below(rng, 1000) / 1000
    fallback = -1
    while left > 0:
        k = rng_below(rng, left)
        move = moves[k]
        left -= 1
        moves[k] = moves[left]
        if mood < greed:
            fits = board[move >> 7 & 127] != EMPTY
        else:
            fits = mood >= greed + bold or board[move & 127] == side * KING
        if not fits and fallback >= 0:
            continue
        after[:] = board
        play(after, move)
        if in_check(after, side):
            continue
        if fits:
            board[:] = after
            return True
        fallback = move
    if fallback >= 0:
        play(board, fallback)
    return fallback >= 0


@jit
def _plain(board):
    """Whether nobody could think castling, or en passant at once, possible: what a picture does not tell."""
    for row, side in ((7, 1), (0, -1)):
        if board[16 * row + 4] == side * KING and (
            board[16 * row] == side * ROOK or board[16 * row + 7] == side * ROOK
        ):
            return False
    for column in range(8):
        at = 48 + column
        beside = (column > 0 and board[at - 1] == PAWN) or (column < 7 and board[at + 1] == PAWN)
        if beside and board[at] == -PAWN and board[at - 16] == EMPTY and board[at - 32] == EMPTY:
            return False
    return True


@jit
def _suits(board, mate):
    """Whether white, to move, mates in `mate` moves and no fewer, on a board that a picture tells in full.

    White's first move may be any, later ones are checks: for mate in 3 a search of all takes 5 times as long and finds
    a tenth more.
    """
    if not _plain(board) or not forced(board, 2 * mate - 1, 1):
        return False
    return mate == 1 or not forced(board, 2 * mate - 3, 2 * mate)


@jit
def _find(rng, start, mate, board, moves, after):
    """Play random games until one comes to a position that suits, then in `board`.

    Each game draws how often either side captures where it can, and how often black walks its king. Where both play any
    move, 1.4% of the positions hold a mate in 1 and 1.2% one in 2; so drawn, 3.2% and 4.5%, and mated black has 9
    pieces. A white that captures all it can does as well without the king's walks, but leaves black 3.
    """
    while True:
        board[:] = start
        white, black, bold = rng_below(rng, 51) / 100, rng_below(rng, 11) / 100, rng_below(rng, 81) / 100
        first = 6 + rng_below(rng, 40)
        for turn in range(first + 12):
            if turn >= first and _suits(board, mate):
                return
            if not _wander(rng, board, 1, white, 0.0, moves, after):
                break
            if not _wander(rng, board, -1, black, bold, moves, after):
                break


@jit
def _make(keys, start, mate, question, target, lines):
    """One position a key. question, target: `(n, 8, 8)` uint8; lines `(n, 2 mate - 1)` int64: moves up to the mate."""
    rng = np.empty(4, np.uint64)
    first, board, after = np.empty(BOARD, np.int8), np.empty(BOARD, np.int8), np.empty(BOARD, np.int8)
    moves, choices = np.empty(MOST, np.int64), np.empty((mate, 2), np.int64)
    load(start, first)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        _find(rng, first, mate, board, moves, after)
        store(board, question[i])
        load(question[i], board)  # forgets which pawn went two squares last
        right, _ = first_moves(board, mate, moves)
        lines[i, 0] = moves[rng_below(rng, right)]
        play_line(board, mate, lines[i], choices)
        play(board, lines[i, 0])
        store(board, target[i])


Board = npt.NDArray[np.int8]
"""The kernels' board, see `chessboard`: `(BOARD,)`."""


def _loaded(question: Grid) -> Board:
    """The kernels' board of a question with one king a side."""
    board = np.empty(BOARD, np.int8)
    load(np.ascontiguousarray(question), board)
    return board


def _after(board: Board, move: int) -> Board:
    """The board after a move."""
    after = board.copy()
    play(after, move)
    return after


def _grid(board: Board) -> Grid:
    """The codes of a board."""
    grid = np.empty((8, 8), np.uint8)
    store(board, grid)
    return grid


def uci(move: int) -> str:
    """A kernel's move in the notation of engines: e2e4, e7e8q."""
    start, end, kind = move & 127, move >> 7 & 127, move >> 14
    return (
        "".join(f"{'abcdefgh'[s & 7]}{8 - (s >> 4)}" for s in (start, end))
        + " nbrq"[kind - PAWN if kind else 0].strip()
    )


@final
class Chess(Task[Params]):
    """Find white's move that mates, or forces mate."""

    family = "chess"
    version = 1
    summary = "Play white's move that forces mate in chess."
    look = Look("chess", cell=32, margin=8)
    codes = 13
    metric = Metric.HAMMING
    min_distance = 0.15  # between questions

    @property
    def variants(self) -> Mapping[str, Params]:
        return VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), 8, 8), np.uint8)
        target = np.empty_like(question)
        lines = np.empty((len(keys), 2 * params.mate - 1), np.int64)
        _make(keys, _START, params.mate, question, target, lines)
        texts = [" ".join(map(uci, line)) for line in lines.tolist()]
        return Batch(question, target, {"line": np.array(texts, f"U{6 * lines.shape[1]}")})

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """The target alone: the answer is one move. How the game goes on is in `meta["line"]`."""
        return target[None]

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """The question's cells."""
        return batch.question.reshape(len(batch), -1)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """score: bits / (bits + 16); bits: what a guesser must be told to choose right at each of white's moves.

        moves: legal ones at the first; right: those of them that force mate; checks: those that give check; quiet: 1
        where the target gives none; pieces: on the board.
        """
        board, moves = _loaded(question), np.empty(MOST, np.int64)
        line, choices = np.zeros(2 * params.mate - 1, np.int64), np.ones((params.mate, 2), np.int64)
        legal = [int(move) for move in moves[: legal_moves(board, 1, moves)]]
        boards = {move: _after(board, move) for move in legal}
        line[0] = next(move for move in legal if np.array_equal(_grid(boards[move]), target))
        choices[0] = first_moves(board, params.mate, moves)
        play_line(board, params.mate, line, choices)
        bits = float(sum(log2(legal / right) for right, legal in choices))
        return {
            "score": bits / (bits + 16),
            "bits": bits,
            "moves": float(choices[0, 1]),
            "right": float(choices[0, 0]),
            "checks": float(sum(in_check(after, -1) for after in boards.values())),
            "quiet": float(not in_check(boards[int(line[0])], -1)),
            "pieces": float((question != EMPTY).sum()),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> Ruling:
        """A legal move of white after which black, whatever it does, is mated in time.

        parts: legal is 1 where the answer is the board after a legal move.
        """
        from vizbench import chessrules  # here, because the package takes 0.1 s to import

        board = chessrules.position(question)
        if board is None:
            return Ruling(False, "the question is no legal position with white to move, so no answer is right")
        move = chessrules.moved(board, question, answer)
        if isinstance(move, str):
            return Ruling(False, move, {"legal": 0.0})
        fault = chessrules.fault(board, move, params.mate)
        return Ruling(not fault, fault, {"legal": 1.0})

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> Ruling:
        """A legal move of white, the only one of the process."""
        from vizbench import chessrules

        board = chessrules.position(question)
        if board is None or not np.array_equal(question, before):
            return Ruling(False, "white has no move to make here")
        move = chessrules.moved(board, before, after)
        return Ruling(False, move) if isinstance(move, str) else Ruling(True, "")

    def step_count(self, params: Params, question: Grid) -> int:
        """One: the answer is one move."""
        return 1

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """The first move found that forces mate; None where there is none, or the question is no legal position."""
        from vizbench import chessrules

        if chessrules.position(question) is None:
            return None
        board, moves = _loaded(question), np.empty(MOST, np.int64)
        right, _ = first_moves(board, params.mate, moves)
        return _grid(_after(board, int(moves[0]))) if right else None

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """The board after any legal move; None where white has none, or the question is no legal position."""
        from vizbench import chessrules

        if chessrules.position(question) is None:
            return None
        board, moves = _loaded(question), np.empty(MOST, np.int64)
        legal = legal_moves(board, 1, moves)
        return _grid(_after(board, int(moves[rng_below(rng_from(key), legal)]))) if legal else None


TASK = Chess()
