"""Chess: positions and verdicts against the package `chess`, and both against a slow twin without it."""

from __future__ import annotations

import functools
import re
from collections import Counter

import chess
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import naive_chess
from vizbench import chessrules, seeds
from vizbench.errors import UserError
from vizbench.generators.chess import TASK, VARIANTS, Params, uci
from vizbench.generators.kernels import chessboard, mates
from vizbench.types import Batch, Grid, Instance

LETTERS = ".PNBRQKpnbrqk"


def grid(placement: str) -> Grid:
    """The codes of the first field of a FEN."""
    rows = placement.split("/")
    cells = ["".join("." * int(mark) if mark.isdigit() else mark for mark in row) for row in rows]
    return np.array([[LETTERS.index(mark) for mark in row] for row in cells], np.uint8)


def board_of(question: Grid) -> chess.Board:
    """The package's board, by way of a FEN: no code shared with the package's own reader."""
    rows = "/".join("".join(LETTERS[code] for code in row) for row in question.tolist())
    return chess.Board(re.sub(r"\.+", lambda run: str(len(run[0])), rows) + " w - - 0 1")


def played(placement: str, *moves: str) -> Grid:
    """The codes after moves that need not be legal, sides not alternating."""
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
    """Whether the side to move forces mate: plain search, every move."""
    return any(forces(board, move, mate) for move in board.legal_moves)


def forces(board: chess.Board, move: chess.Move, mate: int) -> bool:
    after = board.copy(stack=False)
    after.push(move)
    if after.is_game_over():
        return after.is_checkmate()
    return mate > 1 and all(has_mate(_pushed(after, reply), mate - 1) for reply in after.legal_moves)


def _pushed(board: chess.Board, move: chess.Move) -> chess.Board:
    after = board.copy(stack=False)
    after.push(move)
    return after


COUNTS = {1: 300, 2: 40, 3: 4}


@pytest.mark.parametrize("mate", COUNTS)
def test_positions_are_legal_and_lost_in_no_fewer_moves(mate: int) -> None:
    batch = made(mate, COUNTS[mate])
    for question, target, line in zip(batch.question, batch.target, batch.facts["line"].tolist(), strict=True):
        board = board_of(question)
        assert board.is_valid()
        assert mate == 1 or not has_mate(board, mate - 1)
        moves = [chess.Move.from_uci(move) for move in line.split()]
        assert len(moves) == 2 * mate - 1
        for ply, move in enumerate(moves):
            assert board.is_legal(move)
            assert ply % 2 or forces(board, move, mate - ply // 2)
            board.push(move)
            assert ply or np.array_equal(grid(board.board_fen()), target)
        assert board.is_checkmate()


@pytest.mark.parametrize("mate", COUNTS)
def test_no_right_that_a_picture_hides_could_exist(mate: int) -> None:
    for question in made(mate, COUNTS[mate]).question:
        board = board_of(question)
        board.set_castling_fen("KQkq")
        assert not board.clean_castling_rights()
        for file in range(8):
            board.ep_square = chess.square(file, 5)
            assert not (board.is_valid() and board.has_legal_en_passant())


def test_positions_differ_and_vary() -> None:
    batch = made(1, 1000)
    assert len(np.unique(batch.question, axis=0)) >= 995
    pieces = (batch.question > 0).sum(axis=(1, 2))
    assert len(np.unique(pieces)) >= 20
    boards = np.flatnonzero((batch.question != batch.target).sum(axis=(1, 2)) == 2)
    movers = Counter(int(q[(q != t) & (t == 0)][0]) for q, t in zip(batch.question, batch.target, strict=True))
    assert len(boards) == 1000
    assert set(movers) >= {1, 2, 3, 4, 5}
    assert max(movers.values()) < 700
    for kind in range(1, 7):  # of both sides
        assert (batch.question == kind).any(axis=(1, 2)).mean() > 0.2
        assert (batch.question == kind + 6).any(axis=(1, 2)).mean() > 0.2


def test_each_right_move_is_the_target_as_often() -> None:
    batch = made(1, 1000)
    first = Counter[bool]()
    for question, target in zip(batch.question, batch.target, strict=True):
        moves = np.empty(chessboard.MOST, np.int64)
        right, _ = mates.first_moves(loaded(question), 1, moves)
        if right == 2:
            first[uci(int(moves[0])) == uci_of(question, target)] += 1
    assert sum(first.values()) > 100
    assert abs(first[True] - first[False]) < 4 * sum(first.values()) ** 0.5


def loaded(question: Grid) -> np.ndarray:
    board = np.empty(chessboard.BOARD, np.int8)
    chessboard.load(question, board)
    return board


def uci_of(question: Grid, target: Grid) -> str:
    move = chessrules.moved(board_of(question), question, target)
    assert isinstance(move, chess.Move)
    return move.uci()


# The kernels against the package


def packed(board: chess.Board) -> np.ndarray:
    """The kernels' board of any board of the package."""
    ours = loaded(grid(board.board_fen()))
    if board.ep_square is not None:
        ours[chessboard.PASSED] = 16 * (7 - board.ep_square // 8) + board.ep_square % 8
    return ours


@st.composite
def positions(draw: st.DrawFn) -> chess.Board:
    """Positions of games of random moves without castling, with either side to move."""
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
    found = {uci(int(move)): int(move) for move in moves[: mates.legal_moves(ours, side, moves)]}
    assert sorted(found) == sorted(move.uci() for move in board.legal_moves)
    assert chessboard.in_check(ours, side) == board.is_check()
    for text, move in found.items():
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
            assert mates.forced(ours, 2 * mate - 1, 9) == has_mate(board, mate)
    else:
        scratch = np.empty(chessboard.MOST, np.int64), np.empty(chessboard.BOARD, np.int8)
        assert mates.mated(ours, *scratch) == mates.forced(ours, 0, 9) == board.is_checkmate()


@pytest.mark.parametrize("mate", COUNTS)
def test_search_judge_and_twin_agree_on_every_move(mate: int) -> None:
    batch = made(mate, {1: 30, 2: 4, 3: 2}[mate])
    for question in batch.question:
        board, moves = board_of(question), np.empty(chessboard.MOST, np.int64)
        right, legal = mates.first_moves(loaded(question), mate, moves)
        wanted = {uci(int(move)) for move in moves[:right]}
        assert legal == board.legal_moves.count()
        for move in board.legal_moves:
            answer = grid(_pushed(board, move).board_fen())
            ruling = TASK.check(Params(mate), question, answer)
            assert ruling.valid == (move.uci() in wanted)
            assert ruling.parts == {"legal": 1.0}
            if mate == 1:
                assert ruling.valid == naive_chess.chess_valid(question.tolist(), answer.tolist(), 1)


# Verdicts


@given(st.integers(0, 199), st.data())
def test_verdict_equals_the_slow_twin(row: int, data: st.DataObject) -> None:
    batch = made(1, 200)
    question = batch.question[row]
    moves = list(board_of(question).legal_moves)
    answer = grid(_pushed(board_of(question), data.draw(st.sampled_from(moves))).board_fen())
    answer = answer if data.draw(st.booleans()) else batch.target[row].copy()
    for _ in range(data.draw(st.integers(0, 2))):
        answer.flat[data.draw(st.integers(0, 63))] = data.draw(st.integers(0, 12))
    valid = naive_chess.chess_valid(question.tolist(), answer.tolist(), 1)
    assert TASK.check(Params(), question, answer).valid == valid


def test_changed_cells_of_targets_are_judged_as_the_slow_twin_judges_them() -> None:
    batch, rng = made(1, 60), np.random.default_rng(0)
    for question, target in zip(batch.question, batch.target, strict=True):
        for place in rng.choice(64, 12, replace=False):
            answer = target.copy()
            answer.flat[place] = (int(answer.flat[place]) + int(rng.integers(1, 13))) % 13
            ruling = TASK.check(Params(), question, answer)
            assert ruling.valid == naive_chess.chess_valid(question.tolist(), answer.tolist(), 1)


BACK_RANK = "6k1/5ppp/8/8/8/8/4b3/R6K"
STALE = "7k/8/5KQ1/8/8/8/8/8"


@pytest.mark.parametrize(
    ("placement", "move", "reason"),
    [
        (BACK_RANK, "a1a8", ""),
        (BACK_RANK, "a1g1", "a1g1 gives no check"),
        (BACK_RANK, "a1b8", "a rook cannot go a1b8"),
        (BACK_RANK, "e2f1", "the changed cells are no move of a white piece"),
        (BACK_RANK, "a1h1", "a rook cannot go a1h1"),
        (STALE, "g6g7", ""),
        (STALE, "f6f7", "f6f7 leaves black in stalemate"),
        (STALE, "g6h6", "g6h6 gives check, not mate"),
        (STALE, "g6e8", "g6e8 gives check, not mate"),
        ("8/8/8/8/8/2k5/8/K1r4R", "h1c1", "h1c1 gives check, not mate"),
        ("8/8/8/8/8/2k5/8/K1r4R", "h1h3", "after h1h3 white's king is in check"),
        ("8/8/8/4k3/8/8/4P3/4K3", "e2e5", "a pawn cannot go e2e5"),
        ("4k3/8/8/8/8/8/8/4K2R", "e1g1", "a king cannot go e1g1"),
        ("7k/R7/6K1/8/8/8/8/8", "g6h7", "after g6h7 white's king is in check"),
    ],
)
def test_near_misses_of_a_mate_in_1(placement: str, move: str, reason: str) -> None:
    ruling = TASK.check(Params(), grid(placement), played(placement, move))
    assert ruling.reason == reason
    assert ruling.valid == (reason == "")
    assert ruling.valid == naive_chess.chess_valid(grid(placement).tolist(), played(placement, move).tolist(), 1)


def test_boards_that_are_no_single_move() -> None:
    question = grid(BACK_RANK)
    twice = played(BACK_RANK, "a1a8", "h1g1")
    for answer, reason in (
        (question, "no piece has moved"),
        (twice, "4 cells changed where a move changes two"),
        (np.where(question == 4, 0, question), "1 cell changed where a move changes two"),
        (np.where(question == 9, 0, played(BACK_RANK, "a1a8")), "3 cells changed where a move changes two"),
    ):
        ruling = TASK.check(Params(), question, answer.astype(np.uint8))
        assert (ruling.valid, ruling.reason, ruling.parts) == (False, reason, {"legal": 0.0})
    queen = played(BACK_RANK, "a1a8")
    queen[0, 0] = 5
    assert TASK.check(Params(), question, queen).reason == "a rook left its square and another piece arrived"
    own = played(BACK_RANK, "a1a8")
    own[0, 0] = 10
    assert TASK.check(Params(), question, own).reason == "a rook left its square and another piece arrived"


@pytest.mark.parametrize(
    ("placement", "move", "right"),
    [
        ("7k/3P2pp/8/8/8/8/8/K7", "d7d8", "qr"),
        ("7r/5QPk/4r3/2K5/4r3/8/8/8", "g7g8", "n"),
        ("7b/2K2P1k/6R1/3p2n1/8/8/8/8", "f7f8", "n"),
    ],
)
def test_a_pawn_on_the_last_row_becomes_what_mates(placement: str, move: str, right: str) -> None:
    question = grid(placement)
    for kind in ("", *"qrbn"):
        answer = played(placement, move + kind)
        ruling = TASK.check(Params(), question, answer)
        assert ruling.valid == (kind != "" and kind in right)
        assert ruling.valid == naive_chess.chess_valid(question.tolist(), answer.tolist(), 1)
    assert TASK.check(Params(), question, played(placement, move)).reason == f"a pawn cannot go {move}"
    king = played(placement, move + "q")
    king[king != question] = np.where(king[king != question] == 5, 6, 0)
    assert TASK.check(Params(), question, king).reason == "a pawn left its square and another piece arrived"


def test_en_passant_saves_from_a_pawn_that_went_two_squares() -> None:
    saved, lost = "8/4B3/R7/7k/7p/5K2/6P1/8", "8/4B3/R7/7k/p7/5K2/6P1/8"
    assert TASK.check(Params(), grid(lost), played(lost, "g2g4")).valid
    assert TASK.check(Params(), grid(saved), played(saved, "g2g4")).reason == "g2g4 gives check, not mate"
    for placement, right in ((saved, 0), (lost, 1)):
        moves = np.empty(chessboard.MOST, np.int64)
        found, _ = mates.first_moves(loaded(grid(placement)), 1, moves)
        assert ("g2g4" in [uci(int(move)) for move in moves[:found]]) == bool(right)
        assert naive_chess.chess_valid(grid(placement).tolist(), played(placement, "g2g4").tolist(), 1) == bool(right)


LADDER = "8/4k3/1R6/R7/8/8/8/6K1"


@pytest.mark.parametrize(
    ("mate", "move", "reason"),
    [
        (2, "a5a7", ""),
        (3, "a5a7", ""),  # sooner is in time
        (1, "a5a7", "a5a7 gives check, not mate"),
        (2, "a5a6", "a5a6 is answered by e7d7, and mate in 2 is gone"),
        (2, "b6b7", "b6b7 is answered by e7d6, and mate in 2 is gone"),
    ],
)
def test_near_misses_of_longer_mates(mate: int, move: str, reason: str) -> None:
    ruling = TASK.check(Params(mate), grid(LADDER), played(LADDER, move))
    valid = naive_chess.chess_valid(grid(LADDER).tolist(), played(LADDER, move).tolist(), mate)
    assert (ruling.valid, ruling.valid) == (reason == "", valid)
    # Which of several saving replies is named is the package's order of moves.
    assert ruling.reason.partition(" is answered")[0] == reason.partition(" is answered")[0]


@pytest.mark.parametrize(
    "placement",
    [
        "8/8/8/8/8/8/8/8",
        "8/8/8/8/8/8/8/K7",
        "kk6/8/8/8/8/8/8/K7",
        "k7/8/8/8/8/8/8/KK6",
        "kK6/8/8/8/8/8/8/8",
        "k6R/8/8/8/8/8/8/K7",  # black is in check and white is to move
        "k6P/8/8/8/8/8/8/K7",
        "k7/8/8/8/8/8/8/K6p",
        "k7/8/QQQQQQQQ/QQQQQQQQ/8/8/8/K7",
    ],
)
def test_questions_that_are_no_position(placement: str) -> None:
    question = grid(placement)
    assert TASK.solve(Params(), question) is None
    ruling = TASK.check(Params(), question, question)
    assert (ruling.valid, ruling.parts) == (False, {})
    assert "no legal position" in ruling.reason
    assert not TASK.check_step(Params(), question, question, question).valid


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = played(LADDER, "a5a7")
    assert TASK.check(Params(3), grid(LADDER), answer).valid
    monkeypatch.setattr(chessrules, "MOST", 50)
    ruling = TASK.check(Params(3), grid(LADDER), answer)
    assert (ruling.valid, ruling.reason) == (False, "a5a7 is not shown to force mate by looking at 50 moves")


def test_a_position_without_mate_has_no_solution() -> None:
    assert TASK.solve(Params(1), grid(LADDER)) is None
    solved = TASK.solve(Params(2), grid(LADDER))
    assert solved is not None
    assert TASK.check(Params(2), grid(LADDER), solved).valid


def test_the_process_is_one_move() -> None:
    question, target = grid(BACK_RANK), played(BACK_RANK, "a1a8")
    instance = Instance("chess", Params(), 0, "train", 0, question, target, target[None])
    assert np.array_equal(TASK.steps(Params(), question, target), target[None])
    assert TASK.verify_steps(instance, [target]).valid
    assert TASK.verify_steps(instance, [played(BACK_RANK, "a1b8")]).reason == "step 1: a rook cannot go a1b8"
    quiet = played(BACK_RANK, "a1g1")
    assert TASK.check_step(Params(), question, question, quiet).valid
    assert not TASK.verify_steps(instance, [quiet]).valid
    assert not TASK.verify_steps(instance, [target, target]).valid
    assert TASK.check_step(Params(), question, target, target).reason == "white has no move to make here"


def test_difficulty_of_a_position_read_by_hand() -> None:
    target = played(BACK_RANK, "a1a8")
    figures = TASK.difficulty(Params(), grid(BACK_RANK), target)
    moves = board_of(grid(BACK_RANK)).legal_moves.count()
    bits = float(np.log2(moves))
    assert figures == {
        "score": pytest.approx(bits / (bits + 16)),
        "bits": pytest.approx(bits),
        "moves": moves,
        "right": 1.0,
        "checks": 1.0,  # Ra8; g7 stands in the way of Rg1
        "quiet": 0.0,
        "pieces": 7.0,
    }


@pytest.mark.parametrize("mate", [0, 4, -1, 10**12])
def test_other_lengths_are_refused(mate: int) -> None:
    with pytest.raises(UserError, match=f"mate={mate} is not in 1 … 3"):
        Params(mate)


def test_variants_are_the_three_lengths() -> None:
    assert [(name, params.mate) for name, params in VARIANTS.items()] == [(f"mate-in-{n}", n) for n in (1, 2, 3)]
