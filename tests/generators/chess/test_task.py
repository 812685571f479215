"""Test chess positions: valid by the package `chess`, well spread, with the right figures."""

from __future__ import annotations

from collections import Counter

import chess
import numpy as np
import pytest

from tests.support.chess_boards import (
    BACK_RANK,
    COUNTS,
    board_of,
    forces,
    grid,
    has_mate,
    made,
    played,
    right_moves,
)
from vizbench.errors import UserError
from vizbench.generators.chess import rules
from vizbench.generators.chess.task import TASK, VARIANTS, Params


@pytest.mark.parametrize("mate", COUNTS)
def test_positions_are_legal_and_lost_in_no_fewer_moves(mate: int) -> None:
    batch = made(mate, COUNTS[mate])
    for question, target, line in zip(
        batch.question, batch.target, batch.facts["line"].tolist(), strict=True
    ):
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
    movers = Counter(
        int(q[(q != t) & (t == 0)][0]) for q, t in zip(batch.question, batch.target, strict=True)
    )
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
        right, _ = right_moves(question, 1)
        if len(right) == 2:
            first[right[0] == rules.moved(rules.loaded(question), question, target)] += 1
    assert sum(first.values()) > 100
    assert abs(first[True] - first[False]) < 4 * sum(first.values()) ** 0.5


def test_difficulty_of_a_position_read_by_hand() -> None:
    target = played(BACK_RANK, "a1a8")
    figures = TASK.difficulty(Params(), grid(BACK_RANK), target)
    moves = board_of(grid(BACK_RANK)).legal_moves.count()
    bits = float(np.log2(moves))
    assert figures == {
        "score": pytest.approx(bits / (bits + 16)),
        "effort": 7.0,  # pieces times one move
        "bits": pytest.approx(bits),
        "moves": moves,
        "right": 1.0,
        "checks": 1.0,  # Ra8; g7 blocks Rg1
        "quiet": 0.0,
        "pieces": 7.0,
    }


@pytest.mark.parametrize("mate", [0, 4, -1, 10**12])
def test_other_lengths_are_refused(mate: int) -> None:
    with pytest.raises(UserError, match=f"mate={mate} is not in 1 … 3"):
        Params(mate)


def test_variants_are_the_three_lengths() -> None:
    assert [(name, params.mate) for name, params in VARIANTS.items()] == [
        (f"mate-in-{n}", n) for n in (1, 2, 3)
    ]
