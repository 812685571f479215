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
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.generators.chess import rules
from vizbench.generators.chess.answers import check_all, figures_all, lines_all, parts_all
from vizbench.generators.chess.board import (
    BOARD,
    EMPTY,
    KING,
    MOST,
    PAWN,
    ROOK,
    copy_board,
    in_check,
    list_moves,
    load,
    play,
    play_on,
    store,
)
from vizbench.generators.chess.mates import (
    ENDLESS,
    find_first_move,
    first_moves,
    forced,
    least_replies,
    play_line,
)
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.contract import GameContinuation, Reasoning, Task
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look, Trajectories

_PIECES = ("pawn", "knight", "bishop", "rook", "queen", "king")

_START = np.zeros((8, 8), np.uint8)
_START[[0, 7]] = np.array([4, 2, 3, 5, 6, 3, 2, 4]) + np.array([[6], [0]])
_START[[1, 6]] = [[7], [1]]


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a chess question."""

    mate: int = 1
    """White's moves to the mate, 1 … 3."""
    least_pieces: int = 2
    """The least number of pieces on the board, 2 … 26."""
    most_pieces: int = 32
    """The largest number of pieces on the board, 6 … 32, and at least 2 more than the least."""

    def __post_init__(self) -> None:
        check_ranges(self, mate=(1, 3), least_pieces=(2, 26))
        if not max(6, self.least_pieces + 2) <= self.most_pieces <= 32:
            raise UserError(
                f"most_pieces={self.most_pieces} is not in 6 … 32 and 2 above least_pieces="
                f"{self.least_pieces}: choose one there, e.g. 32"
            )


VARIANTS = {f"mate-in-{mate}": Params(mate) for mate in (1, 2, 3)}

# Boards with fewer pieces are too alike: a test question must differ from all of the pool in 10 cells.
LEVELS = (
    Params(1, 8, 10),
    Params(1, 11, 13),
    Params(1, 14, 16),
    Params(1, 17, 20),
    Params(1, 21, 25),
    Params(1, 26, 32),
    Params(2, 11, 15),
    Params(2, 16, 20),
    Params(2, 21, 26),
    Params(3, 16, 22),
)


_FEW: Final = 14
"""If fewer pieces than this may be on the board, captures are more frequent by _HASTE."""
_HASTE: Final = (0.5, 0.3)
"""What is added to the probability that white captures, and black."""
_HASTE_OF_THREE: Final = 0.15
"""What is added to white's for a mate in 3: a third more positions have one."""

_LONGER: Final = 100
"""Turns that a game may take, after those drawn for it, until few enough pieces are left."""
_TRIES: Final = 24
"""Positions of one game that are searched for a mate."""
_REPLIES: Final = (0, 0, 2, 1)
"""By the moves to the mate: a check of white must leave black at most so many replies."""


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
        play_on(after, board, move)
        if in_check(after, side):
            continue
        if fits:
            copy_board(board, after)
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
def _first_move(rng, board, mate, budget):
    """Return a move by which white, to move, mates in `mate` moves and no fewer; 0 if there is none.

    The board must also be `_plain`.

    White's first move may be any, but later ones are checks. For mate in 3, a search of all moves takes 5
    times as long and finds a tenth more. Positions in which every check leaves black more than _REPLIES
    replies are not searched: 95% of the mates in 2 and half of those in 3 remain, in a third of the time.
    """
    if not _plain(board):
        return np.int64(0)
    if mate > 1:
        replies = least_replies(board)
        if replies == 0 or replies > _REPLIES[mate]:
            return np.int64(0)
    move = find_first_move(board, mate, rng, budget)
    if move == 0 or (mate == 3 and forced(board, 3, 6, budget)):
        return np.int64(0)
    return move


@jit
def _count_pieces(board):
    """Return the number of pieces on the board."""
    pieces = 0
    for square in range(120):
        pieces += square & 0x88 == 0 and board[square] != EMPTY
    return pieces


@jit
def _find(rng, start, mate, least, most, board, moves, after, budget):
    """Play random games until `board` is a position that suits, with `least` … `most` pieces.

    Returns white's first move.

    Each game draws how often either side captures if it can, and how often black moves its king. Without
    this, 1.4% of the positions have a mate in 1 and 1.2% a mate in 2. With it, 3.2% and 4.5% have one, and
    black has 9 pieces at the mate. If white took every piece and black did not favour its king, as many would
    have one, but black would have only 3 pieces.
    """
    while True:
        copy_board(board, start)
        white, black, bold = rng_below(rng, 51) / 100, rng_below(rng, 11) / 100, rng_below(rng, 81) / 100
        first = 6 + rng_below(rng, 40)
        if most < _FEW:
            white, black = white + _HASTE[0], black + _HASTE[1]
        elif mate == 3:
            white += _HASTE_OF_THREE
        tries = _TRIES
        for turn in range(first + _LONGER):
            pieces = _count_pieces(board) if turn >= first else most
            if pieces < least or tries == 0:
                break
            if turn >= first and pieces <= most:
                tries -= 1
                move = _first_move(rng, board, mate, budget)
                if move > 0:
                    return move
            if not _wander(rng, board, 1, white, 0.0, moves, after):
                break
            if not _wander(rng, board, -1, black, bold, moves, after):
                break


@jit
def _make(keys, start, mate, least, most, question, target, lines):
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
        lines[i, 0] = _find(rng, first, mate, least, most, board, moves, after, budget)
        store(board, question[i])
        load(question[i], board)  # forget which pawn moved by two squares last
        play_line(board, mate, lines[i])
        play(board, lines[i, 0])
        store(board, target[i])


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
    version = 5
    summary = "Play white's move that forces mate in chess."
    reasoning = Reasoning.PLANNING
    look = Look("chess", cell=32, margin=8)
    codes = 13
    parts: ClassVar[Mapping[str, str]] = {
        "move": "1 for the board after a legal move of white, 1/4 if one cell differs from such a board, "
        "otherwise 0",
        "pressed": "1 / (1 + e)^2, where white does not mate in time after e of black's replies, 0 for "
        "stalemate; if the answer is one cell away from several moves, the best of them counts",
    }
    legend = (
        "empty square",
        *(f"{side} {piece}" for side in ("white", "black") for piece in _PIECES),
    )
    min_distance = 0.15  # between questions
    continuation = _UpToMate()
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        board = (
            "White moves up the board from the bottom. Castling and en passant are not possible at this move."
        )
        if params.mate == 1:
            return (
                f"This is a chess position with white to move, and white can checkmate in one move. {board} "
                "Show the board after that move, with all other pieces in place.",
                f"Find the legal chess move of white that checkmates in one move. {board} "
                "Change only the two squares of this move, and show the board after it.",
                f"White is to move in this chess position and checkmates in one move. {board} "
                "What does the board look like right after that move?",
            )
        aim = f"in at most {params.mate} moves against any reply"
        return (
            f"This is a chess position with white to move, and white can force checkmate {aim}. {board} "
            "Show the board after the first of these moves, with all other pieces in place.",
            f"Find a legal chess move of white that forces checkmate {aim}. {board} Change only the two "
            "squares of the first of these moves, and show the board after it.",
            f"White is to move in this chess position and forces checkmate {aim}. {board} "
            "What does the board look like right after the first of these moves?",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), 8, 8), np.uint8)
        target = np.empty_like(question)
        pieces = (params.least_pieces, params.most_pieces)
        lines = np.empty((len(keys), 2 * params.mate - 1), np.int64)
        _make(keys, _START, params.mate, *pieces, question, target, lines)
        texts = [" ".join(map(rules.uci, line)) for line in lines.tolist()]
        return Batch(question, target, {"line": np.array(texts, f"U{6 * lines.shape[1]}")})

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """Return the boards after each move up to the mate. The moves are in `meta["line"]`.

        Black plays the reply that lasts longest, white the first right move.
        """
        return self.steps_batch(params, question[None], target[None])[0]

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        n = len(question)
        states = np.empty((n * (2 * params.mate - 1), *target.shape[1:]), np.uint8)
        starts = np.empty(n + 1, np.int64)
        total: int = lines_all(question, target, params.mate, states, starts)
        return Trajectories(states[:total], starts)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, bits / (bits + 16), and what it is made of.

        - effort: pieces on the board times the moves of both sides up to the mate.
        - bits: the information that a guesser needs to choose right at each of white's moves.
        - moves: legal first moves.
        - right: first moves that force mate.
        - checks: first moves that give check.
        - quiet: 1 if the target gives no check.
        - pieces: pieces on the board.
        """
        figures = np.empty((len(question), 6))
        figures_all(question, target, params.mate, figures)
        bits, moves, right, checks, quiet, pieces = figures.T
        return {
            "score": bits / (bits + 16),
            "effort": pieces * (2 * params.mate - 1),
            "bits": bits,
            "moves": moves,
            "right": right,
            "checks": checks,
            "quiet": quiet,
            "pieces": pieces,
        }

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        valid = np.zeros(len(answer), np.bool_)
        if question.shape[1:] == answer.shape[1:] == (8, 8):
            check_all(question, answer, params.mate, rules.MOST, valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `move` and `pressed`, see `parts_all`. They do not depend on the target.

        Replies that are not searched after `rules.MOST_OF_PARTS` moves count as replies without a mate.
        """
        move, pressed = np.zeros(len(answer)), np.zeros(len(answer))
        if question.shape[1:] == answer.shape[1:] == (8, 8):
            parts_all(question, answer, params.mate, rules.MOST_OF_PARTS, move, pressed)
        return {"move": move, "pressed": pressed}

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check for a legal move of white after which black is mated in time, whatever it does.

        The figure `legal` is 1 if the answer is the board after a legal move.
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
        moves = np.empty(MOST, np.int64)
        right, _ = first_moves(start.board, params.mate, moves, np.full(1, rules.MOST))
        return start.after(int(moves[0])).grid if right else None

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return the board after any legal move; None if white has none, or the position is not legal."""
        start = rules.position(question)
        moves = start.moves if start else []
        if start is None or not moves:
            return None
        return start.after(moves[rng_below(rng_from(key), len(moves))]).grid


TASK = Chess()
