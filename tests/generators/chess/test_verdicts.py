"""Test chess: verdicts on answers against a slow twin without the package, and near misses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import chess_rules
from tests.support.chess_boards import (
    BACK_RANK,
    LADDER,
    board_of,
    forces,
    grid,
    made,
    played,
    pushed,
    right_moves,
)
from vizbench.generators.chess import rules
from vizbench.generators.chess.task import TASK, Params
from vizbench.types import Grid


@given(st.integers(0, 199), st.data())
def test_verdict_equals_the_slow_twin(row: int, data: st.DataObject) -> None:
    batch = made(1, 200)
    question = batch.question[row]
    moves = list(board_of(question).legal_moves)
    answer = grid(pushed(board_of(question), data.draw(st.sampled_from(moves))).board_fen())
    answer = answer if data.draw(st.booleans()) else batch.target[row].copy()
    for _ in range(data.draw(st.integers(0, 2))):
        answer.flat[data.draw(st.integers(0, 63))] = data.draw(st.integers(0, 12))
    valid = chess_rules.chess_valid(question.tolist(), answer.tolist(), 1)
    assert TASK.check(Params(), question, answer).valid == valid


def test_changed_cells_of_targets_are_verified_as_by_the_slow_twin() -> None:
    batch, rng = made(1, 60), np.random.default_rng(0)
    for question, target in zip(batch.question, batch.target, strict=True):
        for place in rng.choice(64, 12, replace=False):
            answer = target.copy()
            answer.flat[place] = (int(answer.flat[place]) + int(rng.integers(1, 13))) % 13
            result = TASK.check(Params(), question, answer)
            assert result.valid == chess_rules.chess_valid(question.tolist(), answer.tolist(), 1)


STALE = "7k/8/5KQ1/8/8/8/8/8"


@pytest.mark.parametrize(
    ("placement", "move", "reason"),
    [
        (BACK_RANK, "a1a8", ""),
        (BACK_RANK, "a1g1", "a1g1 gives no check"),
        (BACK_RANK, "a1b8", "a rook cannot go a1b8"),
        (BACK_RANK, "e2f1", "the changed cells are not a move of a white piece"),
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
    result = TASK.check(Params(), grid(placement), played(placement, move))
    assert result.reason == reason
    assert result.valid == (reason == "")
    assert result.valid == chess_rules.chess_valid(
        grid(placement).tolist(), played(placement, move).tolist(), 1
    )


def test_boards_that_are_no_single_move() -> None:
    question = grid(BACK_RANK)
    twice = played(BACK_RANK, "a1a8", "h1g1")
    for answer, reason in (
        (question, "no piece has moved"),
        (twice, "4 cells changed, but a move changes two"),
        (np.where(question == 4, 0, question), "1 cell changed, but a move changes two"),
        (np.where(question == 9, 0, played(BACK_RANK, "a1a8")), "3 cells changed, but a move changes two"),
    ):
        result = TASK.check(Params(), question, answer.astype(np.uint8))
        assert (result.valid, result.reason, result.figures) == (False, reason, {"legal": 0.0})
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
        result = TASK.check(Params(), question, answer)
        assert result.valid == (kind != "" and kind in right)
        assert result.valid == chess_rules.chess_valid(question.tolist(), answer.tolist(), 1)
    assert TASK.check(Params(), question, played(placement, move)).reason == f"a pawn cannot go {move}"
    king = played(placement, move + "q")
    king[king != question] = np.where(king[king != question] == 5, 6, 0)
    assert TASK.check(Params(), question, king).reason == "a pawn left its square and another piece arrived"


def test_en_passant_saves_from_a_pawn_that_went_two_squares() -> None:
    saved, lost = "8/4B3/R7/7k/7p/5K2/6P1/8", "8/4B3/R7/7k/p7/5K2/6P1/8"
    assert TASK.check(Params(), grid(lost), played(lost, "g2g4")).valid
    assert TASK.check(Params(), grid(saved), played(saved, "g2g4")).reason == "g2g4 gives check, not mate"
    for placement, right in ((saved, 0), (lost, 1)):
        moves, _ = right_moves(grid(placement), 1)
        assert ("g2g4" in map(rules.uci, moves)) == bool(right)
        assert chess_rules.chess_valid(
            grid(placement).tolist(), played(placement, "g2g4").tolist(), 1
        ) == bool(right)


@pytest.mark.parametrize(
    ("mate", "move", "reason"),
    [
        (2, "a5a7", ""),
        (3, "a5a7", ""),  # sooner is in time
        (1, "a5a7", "a5a7 gives check, not mate"),
        (2, "a5a6", "a5a6 is answered by e7d7, and there is no mate in 2"),
        (2, "b6b7", "b6b7 is answered by e7d6, and there is no mate in 2"),
    ],
)
def test_near_misses_of_longer_mates(mate: int, move: str, reason: str) -> None:
    result = TASK.check(Params(mate), grid(LADDER), played(LADDER, move))
    valid = chess_rules.chess_valid(grid(LADDER).tolist(), played(LADDER, move).tolist(), mate)
    assert (result.valid, result.valid) == (reason == "", valid)
    # Which of several saving replies is named is the kernels' order of moves.
    assert result.reason.partition(" is answered")[0] == reason.partition(" is answered")[0]


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
    result = TASK.check(Params(), question, question)
    assert (result.valid, result.figures) == (False, {})
    assert "not a legal position" in result.reason
    assert not TASK.check_step(Params(), question, question, question).valid


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = played(LADDER, "a5a7")
    assert TASK.check(Params(3), grid(LADDER), answer).valid
    assert TASK.solve(Params(3), grid(LADDER)) is not None
    monkeypatch.setattr(rules, "MOST", 50)
    assert TASK.solve(Params(3), grid(LADDER)) is None
    result = TASK.check(Params(3), grid(LADDER), answer)
    assert (result.valid, result.reason) == (False, "a5a7 is not shown to force mate by a search of 50 moves")


def test_a_position_without_mate_has_no_solution() -> None:
    assert TASK.solve(Params(1), grid(LADDER)) is None
    solved = TASK.solve(Params(2), grid(LADDER))
    assert solved is not None
    assert TASK.check(Params(2), grid(LADDER), solved).valid


@pytest.mark.parametrize(("mate", "count"), [(1, 400), (2, 140), (3, 10)])
def test_verdicts_are_those_of_a_plain_search_with_the_oracle(mate: int, count: int) -> None:
    """Draw right answers, random legal moves, and boards with up to three changed cells."""
    batch, rng = made(mate, count), np.random.default_rng(mate)
    for row, (question, target) in enumerate(zip(batch.question, batch.target, strict=True)):
        legal = TASK.guess(Params(mate), question, row)
        assert legal is not None
        altered = (target if row % 2 else legal).copy()
        altered.flat[rng.integers(64, size=1 + row % 3)] = rng.integers(13)
        for answer in (target, legal, altered):
            result = TASK.check(Params(mate), question, answer)
            assert (result.valid, result.figures["legal"]) == oracle_verdict(question, answer, mate)


def oracle_verdict(question: Grid, answer: Grid, mate: int) -> tuple[bool, float]:
    """Return whether the answer is right, and whether it is the board after a legal move."""
    board = board_of(question)
    for move in board.legal_moves:
        if np.array_equal(grid(pushed(board, move).board_fen()), answer):
            return forces(board, move, mate), 1.0
    return False, 0.0
