"""Test chess processes: whole lines up to the mate, against the package `chess` and plain search."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.chess_boards import BACK_RANK, LADDER, board_of, forces, grid, made, played, pushed
from vizbench.generators.chess.task import TASK, Params
from vizbench.types import Grid, Instance, Verdict


def is_line(question: Grid, states: list[Grid], mate: int) -> bool:
    """Return whether the states are legal moves by turns, White forces mate in time, and the last is mate."""
    board = board_of(question)
    for ply, state in enumerate(states):
        actual = [move for move in board.legal_moves if np.array_equal(after(board, move), state)]
        if not actual or (board.turn and not forces(board, actual[0], mate - ply // 2)):
            return False
        board.push(actual[0])
    return board.is_checkmate()


def after(board: chess.Board, move: chess.Move) -> Grid:
    return grid(pushed(board, move).board_fen())


def line(placement: str, moves: str) -> list[Grid]:
    """Return the grids after moves that need not be legal."""
    texts = moves.split()
    return [played(placement, *texts[: k + 1]) for k in range(len(texts))]


def verdict_of(question: Grid, states: list[Grid], mate: int, target: Grid | None = None) -> Verdict:
    """Return the verdict, after checking that the package and a plain search agree."""
    target = states[0] if target is None else target
    row = Instance("chess", Params(mate), 0, "test", 0, question, target, target[None])
    verdict = TASK.verify_steps(row, states)
    assert verdict.valid == (verdict.reason == "") == is_line(question, states, mate)
    assert verdict.exact == (verdict.valid and np.array_equal(states[0], target))
    return verdict


@pytest.mark.parametrize(("mate", "count"), [(1, 100), (2, 40), (3, 2)])
def test_the_stored_process_is_the_line_of_record(mate: int, count: int) -> None:
    batch = made(mate, count)
    for question, target, text in zip(
        batch.question, batch.target, batch.facts["line"].tolist(), strict=True
    ):
        steps, board = TASK.steps(Params(mate), question, target), board_of(question)
        assert len(steps) == 2 * mate - 1
        assert np.array_equal(steps[0], target)
        for state, move in zip(steps, text.split(), strict=True):
            board.push_uci(move)
            assert np.array_equal(state, grid(board.board_fen()))
        verdict = verdict_of(question, list(steps), mate)
        assert (verdict.valid, verdict.exact, verdict.cells) == (True, True, 1.0)
        assert verdict.parts == {"move": 1.0, "pressed": 1.0, "legal": 1.0}
        for stop in range(1, len(steps)):
            assert verdict_of(question, list(steps[:stop]), mate).reason == (
                f"the process stops at state {stop}, and black is not mated yet"
            )


def test_any_defence_and_any_move_that_keeps_the_mate_count() -> None:
    """White mates whatever black replies. With another right first move the answer is not exact."""
    batch, others = made(2, 12), 0
    for question, target in zip(batch.question, batch.target, strict=True):
        board = board_of(question)
        for first in [move for move in board.legal_moves if forces(board, move, 2)]:
            now = pushed(board, first)
            for reply in now.legal_moves:
                lost = pushed(now, reply)
                mates = [after(lost, move) for move in lost.legal_moves if forces(lost, move, 1)]
                verdict = verdict_of(question, [after(board, first), after(now, reply), mates[-1]], 2, target)
                assert verdict.valid
                others += not verdict.exact
    assert others > 10


def test_a_weak_defence_is_mated_sooner() -> None:
    """Two of White's moves are too few if three are needed. The same mate, delayed, is in time."""
    assert verdict_of(grid(LADDER), line(LADDER, "a5a7 e7e8 b6b8"), 3).valid
    assert verdict_of(grid(LADDER), line(LADDER, "a5a7 e7e8 g1g2 e8d8 b6b8"), 3).valid
    assert not verdict_of(grid(LADDER), line(LADDER, "a5a7 e7e8 g1g2 e8d8 b6b8"), 2).valid


NEAR_MISSES = [  # moves, how many are legal, reason
    ("a5a7 e7d8 b6b8", 3, ""),
    ("a5a7 e7f8 b6b8", 3, ""),
    ("a5a7 e7e8 b6b7", 2, "step 3: b6b7 gives no check"),
    ("a5a7 e7e8 a7a8", 2, "step 3: a7a8 gives check, not mate"),
    ("a5a7 e7d6 b6b8", 1, "step 2: after e7d6 black's king is in check"),
    ("a5a7 e7e5 b6b8", 1, "step 2: a king cannot go e7e5"),
    ("a5a7 b6b8", 1, "step 2: the changed cells are not a move of a black piece"),
    ("a5a7 e7e8 e8d8 b6b8", 2, "step 3: the changed cells are not a move of a white piece"),
    ("a5a7", 1, "the process stops at state 1, and black is not mated yet"),
    ("a5a7 e7e8", 2, "the process stops at state 2, and black is not mated yet"),
    ("a5a7 e7e8 b6b8 e8d7", 3, "step 4: a state follows after the game is over"),
    ("b6b8 e7d7 a5a7", 1, "the answer, state 1: b6b8 is answered by e7"),
    ("e7e8 b6b8", 0, "step 1: the changed cells are not a move of a white piece"),
    ("a5b5 e7e8", 1, "the answer, state 1: a5b5 is answered by e7"),
]


@pytest.mark.parametrize(("moves", "legal", "reason"), NEAR_MISSES)
def test_near_misses_of_a_line(moves: str, legal: int, reason: str) -> None:
    verdict = verdict_of(grid(LADDER), line(LADDER, moves), 2)
    assert verdict.reason.startswith(reason)
    assert verdict.valid == (reason == "")
    assert verdict.parts["legal"] == legal / len(moves.split())


def test_en_passant_by_either_side() -> None:
    """Three cells change. Whether the pawn may be taken depends on the state before, not on the board."""
    black, question = "1R6/4B3/R7/7k/7p/5K2/6P1/8", grid("1R6/4B3/R7/7k/7p/5K2/6P1/8")
    taken = np.where(question == 1, 0, played(black, "h4g3"))
    assert verdict_of(
        question, [played(black, "g2g4"), taken, np.where(question == 1, 0, played(black, "h4g3", "b8h8"))], 2
    )
    white, question = "7k/3p3p/7P/4P3/8/6K1/1B6/6R1", grid("7k/3p3p/7P/4P3/8/6K1/1B6/6R1")
    first, second = played(white, "g3f2"), played(white, "g3f2", "d7d5")
    taken = played(white, "g3f2", "e5d6")
    taken[1, 3] = 0
    assert verdict_of(question, [first, second, taken], 2).valid
    kept = played(white, "g3f2", "d7d5", "e5d6")
    reason = "step 3: e5d6 takes a pawn en passant, and the pawn is still there"
    assert verdict_of(question, [first, second, kept], 2).reason == reason
    other = played(white, "g3f2", "e5f6")  # no pawn of black has passed there
    other[1, 3], other[3, 3] = 0, 7
    assert verdict_of(question, [first, second, other], 2).reason == "step 3: a pawn cannot go e5f6"
    straight = "7k/7p/7P/3pP3/8/6K1/1B6/6R1"
    late = played(straight, "g3f2", "e5d6")
    late[3, 3] = 0  # the pawn stood there from the start, so it cannot be taken in passing
    assert verdict_of(grid(straight), [late], 1).reason.startswith("step 1: ")


def test_a_pawn_of_black_becomes_any_piece_but_a_king_on_the_last_row() -> None:
    placement = "6Qr/6p1/5p2/1Pk5/8/N1PP1P2/1B1KP2p/5BNR"
    for piece, kind in {"q": 11, "r": 10, "b": 9, "n": 8, "": 7, "k": 12, "Q": 5}.items():
        states = line(placement, "g8e6 h2g1 e6c6")
        for state in states[1:]:
            state[7, 6] = kind
        assert verdict_of(grid(placement), states, 2).valid == (piece in tuple("qrbn"))


@settings(max_examples=60)
@given(st.integers(0, 11), st.data())
def test_random_lines_are_verified_as_by_the_package(row: int, data: st.DataObject) -> None:
    batch = made(2, 12)
    question, board = batch.question[row], board_of(batch.question[row])
    stored = batch.facts["line"].tolist()[row].split()
    states: list[Grid] = []
    for ply in range(data.draw(st.integers(1, 4))):
        legal = sorted(board.legal_moves, key=chess.Move.uci)
        if not legal:
            break
        right = [move for move in legal if ply < len(stored) and move.uci() == stored[ply]]
        move = data.draw(st.sampled_from(right * 3 * len(legal) + legal))
        board.push(move)
        states.append(grid(board.board_fen()))
    if data.draw(st.integers(0, 3)) == 0:
        states[-1] = states[-1].copy()
        states[-1].flat[data.draw(st.integers(0, 63))] = data.draw(st.integers(0, 12))
    verdict_of(question, states, 2, batch.target[row])


def test_a_mate_in_1_is_a_process_of_one_move() -> None:
    question, target = grid(BACK_RANK), played(BACK_RANK, "a1a8")
    assert np.array_equal(TASK.steps(Params(), question, target), target[None])
    assert verdict_of(question, [target], 1).valid
    assert verdict_of(question, [played(BACK_RANK, "a1b8")], 1).reason == "step 1: a rook cannot go a1b8"
    quiet = played(BACK_RANK, "a1g1")
    assert TASK.check_step(Params(), question, question, quiet).valid
    assert verdict_of(question, [quiet], 1).reason == "the answer, state 1: a1g1 gives no check"
    assert (
        verdict_of(question, [target, target], 1).reason == "step 2: a state follows after the game is over"
    )
    reason = "white has no first move to make here"
    assert TASK.check_step(Params(), question, target, target).reason == reason
