"""Generate chess positions in which white mates in one, two or three moves.

The answer is the board after white's first move. The process continues with the moves of both sides, up to
the mate. Codes: 0 empty, 1 … 6 white's pawn, knight, bishop, rook, queen, king, 7 … 12 black's; row 0 is rank
8. White is to move.

A picture shows neither castling rights nor en passant. So neither is possible at the first move, and no
position looks as if one were. Positions come from random games, so each can be reached. White mates in `mate`
moves, not in fewer. The rules are compared with the package python-chess in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import final

import numpy as np

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.generators.chess import rules
from vizbench.generators.chess.board import (
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
from vizbench.generators.chess.mates import ENDLESS, first_moves, forced, play_line
from vizbench.generators.chess.rules import Position
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.contract import GameContinuation, Task
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_START = np.zeros((8, 8), np.uint8)
_START[[0, 7]] = np.array([4, 2, 3, 5, 6, 3, 2, 4]) + np.array([[6], [0]])
_START[[1, 6]] = [[7], [1]]


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a chess question."""

    mate: int = 1
    """White's moves to the mate, 1 … 3."""

    def __post_init__(self) -> None:
        if not 1 <= self.mate <= 3:
            raise UserError(f"mate={self.mate} is not in 1 … 3: proofs of longer mates take too long, try 2")


VARIANTS = {f"mate-in-{mate}": Params(mate) for mate in (1, 2, 3)}


@jit
def _wander(rng, board, side, greed, bold, moves, after):
    """Play a random legal move. Return False if there is none.

    greed: the probability of choosing a capture, if one is legal. bold: that of choosing a king's move.
    """
    # The kind of move: any, a capture, or a king's move.
    left = list_moves(board, side, moves)
    mood = rng_below(rng, 1000) / 1000
    fallback = -1

    # Try moves in random order. The first legal one of another kind is the fallback.
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
    """Return whether the board looks as if neither castling nor en passant were possible."""
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
def _suits(board, mate, budget):
    """Return whether white, to move, mates in `mate` moves and no fewer, on a `_plain` board.

    White's first move may be any, but later ones are checks. For mate in 3, a search of all moves takes 5
    times as long and finds a tenth more.
    """
    if not _plain(board) or not forced(board, 2 * mate - 1, 1, budget):
        return False
    return mate == 1 or not forced(board, 2 * mate - 3, 2 * mate, budget)


@jit
def _find(rng, start, mate, board, moves, after, budget):
    """Play random games until `board` is a position that suits.

    Each game draws how often either side captures if it can, and how often black moves its king. Without
    this, 1.4% of the positions have a mate in 1 and 1.2% a mate in 2. With it, 3.2% and 4.5% have one, and
    black has 9 pieces at the mate. If white took every piece and black did not favour its king, as many would
    have one, but black would have only 3 pieces.
    """
    while True:
        board[:] = start
        white, black, bold = rng_below(rng, 51) / 100, rng_below(rng, 11) / 100, rng_below(rng, 81) / 100
        first = 6 + rng_below(rng, 40)
        for turn in range(first + 12):
            if turn >= first and _suits(board, mate, budget):
                return
            if not _wander(rng, board, 1, white, 0.0, moves, after):
                break
            if not _wander(rng, board, -1, black, bold, moves, after):
                break


@jit
def _make(keys, start, mate, question, target, lines):
    """Make one position per key.

    question, target: `(n, 8, 8)` uint8. lines `(n, 2 mate - 1)` int64: the moves up to the mate.
    """
    rng = np.empty(4, np.uint64)
    first, board, after = np.empty(BOARD, np.int8), np.empty(BOARD, np.int8), np.empty(BOARD, np.int8)
    moves, budget = np.empty(MOST, np.int64), np.empty(1, np.int64)
    load(start, first)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        budget[0] = ENDLESS
        _find(rng, first, mate, board, moves, after, budget)
        store(board, question[i])
        load(question[i], board)  # forget which pawn moved by two squares last
        right, _ = first_moves(board, mate, moves, budget)
        lines[i, 0] = moves[rng_below(rng, right)]
        play_line(board, mate, lines[i])
        play(board, lines[i, 0])
        store(board, target[i])


def _right_moves(position: Position, mate: int, budget: int) -> tuple[list[int], int]:
    """Return white's moves that force mate in `mate` moves, and the number of legal moves."""
    moves = np.empty(MOST, np.int64)
    right, legal = first_moves(position.board, mate, moves, np.full(1, budget))
    return moves[:right].tolist(), legal


def _line(params: Params, question: Grid, target: Grid) -> list[int]:
    """Return the stored moves from the question to the mate. The target, a right answer, is on this line."""
    start = rules.loaded(question)
    line = np.zeros(2 * params.mate - 1, np.int64)
    line[0] = next(move for move in start.moves if np.array_equal(start.after(move).grid, target))
    count: int = play_line(start.board, params.mate, line)
    return line[:count].tolist()


@final
class _UpToMate(GameContinuation):
    """Check moves by turns until black is mated. Black moves freely, and white must keep the mate in time."""

    def check_step(self, params: Params, trajectory: Sequence[Grid], after: Grid) -> CheckResult:
        now = rules.replayed(trajectory)
        if now is None or not now.moves:
            return CheckResult(False, "a state follows after the game is over")
        move = rules.moved(now, trajectory[-1], after)
        if isinstance(move, str):
            return CheckResult(False, move)
        if now.side < 0:
            return CheckResult(True, "")
        fault = rules.fault(now, move, params.mate - len(trajectory) // 2)
        return CheckResult(not fault, fault)

    def check_end(self, params: Params, trajectory: Sequence[Grid]) -> CheckResult:
        end = rules.replayed(trajectory)
        if end is None or not end.mated:
            return CheckResult(
                False, f"the process stops at state {len(trajectory) - 1}, and black is not mated yet"
            )
        return CheckResult(True, "")


@final
class Chess(Task[Params]):
    """Find white's move that mates, or forces mate."""

    family = "chess"
    version = 3
    summary = "Play white's move that forces mate in chess."
    look = Look("chess", cell=32, margin=8)
    codes = 13
    min_distance = 0.15  # between questions
    continuation = _UpToMate()
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), 8, 8), np.uint8)
        target = np.empty_like(question)
        lines = np.empty((len(keys), 2 * params.mate - 1), np.int64)
        _make(keys, _START, params.mate, question, target, lines)
        texts = [" ".join(map(rules.uci, line)) for line in lines.tolist()]
        return Batch(question, target, {"line": np.array(texts, f"U{6 * lines.shape[1]}")})

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """Return the boards after each move up to the mate. The moves are in `meta["line"]`.

        Black plays the reply that lasts longest, white the first right move.
        """
        now = rules.loaded(question)
        states: list[Grid] = []
        for move in _line(params, question, target):
            now = now.after(move)
            states.append(now.grid)
        return np.stack(states)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, bits / (bits + 16), and what it is made of.

        - bits: the information that a guesser needs to choose right at each of white's moves.
        - moves: legal first moves.
        - right: first moves that force mate.
        - checks: first moves that give check.
        - quiet: 1 if the target gives no check.
        - pieces: pieces on the board.
        """
        start = now = rules.loaded(question)
        checks = sum(start.after(move).checked for move in start.moves)
        choices: list[tuple[int, int]] = []  # numbers of right and of legal moves, for each move of white
        for move in _line(params, question, target):
            if now.side > 0:
                right, legal = _right_moves(now, params.mate - len(choices), ENDLESS)
                choices.append((len(right), legal))
            now = now.after(move)
        bits = 0.0
        for right, legal in choices:
            bits += log2(legal / right)  # `sum` rounds otherwise from Python 3.12 on
        return {
            "score": bits / (bits + 16),
            "bits": bits,
            "moves": float(choices[0][1]),
            "right": float(choices[0][0]),
            "checks": float(checks),
            "quiet": float(not rules.loaded(target, -1).checked),
            "pieces": float((question != EMPTY).sum()),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check for a legal move of white after which black is mated in time, whatever it does.

        The part `legal` is 1 if the answer is the board after a legal move.
        """
        start = rules.position(question)
        if start is None:
            return CheckResult(
                False, "the question is not a legal position with white to move, so no answer is right"
            )
        move = rules.moved(start, question, answer)
        if isinstance(move, str):
            return CheckResult(False, move, {"legal": 0.0})
        fault = rules.fault(start, move, params.mate)
        return CheckResult(not fault, fault, {"legal": 1.0})

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check for a legal first move of white. `_UpToMate` checks the later ones."""
        start = rules.position(question)
        if start is None or not np.array_equal(question, before):
            return CheckResult(False, "white has no first move to make here")
        move = rules.moved(start, before, after)
        return CheckResult(False, move) if isinstance(move, str) else CheckResult(True, "")

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return the board after the first move that forces mate.

        Returns None if the search finds none, or if the position is not legal.

        The search gives up after `rules.MOST` moves. Of 1,000 positions with a mate in 3, the slowest
        took 700,000.
        """
        start = rules.position(question)
        if start is None:
            return None
        right, _ = _right_moves(start, params.mate, rules.MOST)
        return start.after(right[0]).grid if right else None

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return the board after any legal move; None if white has none, or the position is not legal."""
        start = rules.position(question)
        moves = start.moves if start else []
        if start is None or not moves:
            return None
        return start.after(moves[rng_below(rng_from(key), len(moves))]).grid


TASK = Chess()
