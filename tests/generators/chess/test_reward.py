"""Test chess: parts and batches of answers against a slow twin, by hand, and on boards of any codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import chess_rules
from tests.support.chess_boards import BACK_RANK, LADDER, grid, made, played
from vizbench import seeds
from vizbench.generators.chess import rules
from vizbench.generators.chess.task import LEVELS, TASK, Params
from vizbench.types import Grid

STALE = "7k/8/5KQ1/8/8/8/8/8"


def parts(question: Grid, answer: Grid, mate: int = 1) -> tuple[float, float]:
    """Return the parts of one answer. The stored target is not used."""
    columns = TASK.parts_batch(Params(mate), question[None], question[None], answer[None])
    return float(columns["move"][0]), float(columns["pressed"][0])


@given(st.integers(0, 199), st.data())
@settings(max_examples=60)
def test_parts_are_those_of_the_slow_twin(row: int, data: st.DataObject) -> None:
    batch = made(1, 200)
    question, answer = batch.question[row], batch.target[row].copy()
    if data.draw(st.booleans()):
        legal = TASK.guess(Params(), question, data.draw(st.integers(0, 99)))
        assert legal is not None
        answer = legal
    for _ in range(data.draw(st.integers(0, 2))):
        places = np.flatnonzero(answer != question) if data.draw(st.booleans()) else np.arange(64)
        if len(places):
            place = data.draw(st.sampled_from(places.tolist()))
            answer.flat[place] = data.draw(st.sampled_from((0, int(question.flat[place]), 5, 12)))
    expected = chess_rules.chess_parts(question.tolist(), answer.tolist(), 1)
    assert parts(question, answer) == pytest.approx(expected)


def test_parts_of_longer_mates_are_those_of_the_slow_twin() -> None:
    batch = TASK.generate_batch(Params(2, 2, 6), seeds.keys(5, 0, 4))
    for row, question in enumerate(batch.question):
        for key in range(3):
            answer = TASK.guess(Params(2), question, key + 3 * row)
            assert answer is not None
            expected = chess_rules.chess_parts(question.tolist(), answer.tolist(), 2)
            assert parts(question, answer, 2) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("placement", "mate", "move", "expected"),
    [
        (STALE, 1, "g6g7", (1.0, 1.0)),
        (STALE, 1, "f6f7", (1.0, 0.0)),  # stalemate
        (STALE, 1, "g6h6", (1.0, 1 / 4)),  # only Kg8
        (STALE, 1, "g6e8", (1.0, 1 / 4)),  # only Kh7
        (STALE, 1, "h8g8", (0.0, 0.0)),  # black's move
        (BACK_RANK, 1, "a1a8", (1.0, 1.0)),
        (LADDER, 2, "a5a7", (1.0, 1.0)),
        (LADDER, 2, "a5a6", (1.0, 1 / 36)),  # Kd7, Kf7, Kd8, Ke8 and Kf8
    ],
)
def test_parts_of_moves_read_by_hand(
    placement: str, mate: int, move: str, expected: tuple[float, float]
) -> None:
    assert parts(grid(placement), played(placement, move), mate) == pytest.approx(expected)


def test_half_a_move_has_half_the_part() -> None:
    question, answer = grid(STALE), played(STALE, "g6g7")
    left, doubled, moved_twice = question.copy(), answer.copy(), answer.copy()
    left[2, 6] = 0
    doubled[2, 6] = 5
    moved_twice[0, 7], moved_twice[0, 6] = 0, 12
    assert parts(question, left) == (0.25, 1.0)  # the best of all moves of the queen
    assert parts(question, doubled) == (0.25, 1.0)
    assert parts(question, moved_twice) == parts(question, question) == (0.0, 0.0)


@pytest.mark.parametrize("mate", [1, 2, 3])
def test_boards_of_any_codes_are_judged_in_batches_as_one_by_one(mate: int) -> None:
    rng, params = np.random.default_rng(mate), Params(mate)
    question = rng.integers(0, 13, (60, 8, 8), dtype=np.uint8)
    question[20:] *= rng.random((40, 8, 8)) < 0.1
    question[30:, 0, 0], question[30:, 7, 7] = 6, 12  # one king each, or some more
    question[50:, 2:7] = 0
    question[55:] = 0
    answer = np.roll(question, 1, axis=2)
    answer[:, 0] = question[:, 0]
    expected = [TASK.check(params, *pair).valid for pair in zip(question, answer, strict=True)]
    assert TASK.check_batch(params, question, answer).tolist() == expected
    columns = TASK.parts_batch(params, question, answer, answer)
    assert all(0 <= column.min() <= column.max() <= 1 for column in columns.values())
    process = TASK.steps_batch(params, question, answer)
    assert len(process) == 60
    assert np.array_equal(process[59], answer[59:])
    assert np.isfinite(TASK.difficulty_batch(params, question, answer)["score"]).all()


def test_boards_of_another_size_are_wrong() -> None:
    small = np.zeros((2, 4, 4), np.uint8)
    assert not TASK.check_batch(Params(), small, small).any()
    assert not TASK.parts_batch(Params(), small, small, small)["move"].any()


def test_searches_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    question, answer = grid(LADDER), played(LADDER, "a5a7")
    assert TASK.check_batch(Params(3), question[None], answer[None]).all()
    assert parts(question, answer, 3) == (1.0, 1.0)
    monkeypatch.setattr(rules, "MOST", 50)
    monkeypatch.setattr(rules, "MOST_OF_PARTS", 50)
    assert not TASK.check_batch(Params(3), question[None], answer[None]).any()
    move, pressed = parts(question, answer, 3)
    assert (move, pressed < 1) == (1.0, True)


@pytest.mark.parametrize("number", range(len(LEVELS)))
def test_levels_have_their_pieces(number: int) -> None:
    params = LEVELS[number]
    batch = TASK.generate_batch(params, seeds.keys(7, 0, 10))
    pieces = (batch.question > 0).sum(axis=(1, 2))
    assert params.least_pieces <= pieces.min() <= pieces.max() <= params.most_pieces
    assert TASK.check_batch(params, batch.question, batch.target).all()


@pytest.mark.parametrize(
    ("least", "most", "reason"),
    [
        (1, 32, "least_pieces=1"),
        (27, 32, "least_pieces=27"),
        (2, 5, "most_pieces=5"),
        (9, 10, "most_pieces=10"),
    ],
)
def test_other_numbers_of_pieces_are_refused(least: int, most: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Params(1, least, most)
