"""Test Connect Four: the process of win-in-2 is a line of three drops; verdicts against the slow twin."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import connect4 as naive
from vizbench import seeds
from vizbench.generators.connect4 import TASK, Params
from vizbench.types import Batch, Grid, Instance

FORCE = Params("force")


@functools.cache
def made() -> Batch:
    return TASK.generate_batch(FORCE, seeds.keys(3, 0, 100))


def row(question: Grid, target: Grid) -> Instance:
    return Instance("connect4/win-in-2", FORCE, 0, "test", 0, question, target, target[None])


def grids(*boards: naive.Rows) -> list[Grid]:
    return [np.array(board, np.uint8) for board in boards]


def is_line(question: naive.Rows, states: list[Grid]) -> bool:
    """Return whether the drops are legal by turns, the first forces a win, and the second wins."""
    board = question
    for ply, state in enumerate(states):
        columns = [c for c in range(7) if state.tolist() == naive.dropped(board, c, 1 + ply % 2)]
        if not columns or naive.fours(board, 1) or ply > 2:
            return False
        if ply == 0 and columns[0] not in naive.right_columns(question, "force"):
            return False
        board = state.tolist()
    return bool(naive.fours(board, 1))


def wins(board: naive.Rows) -> list[int]:
    """Return the columns in which player 1 wins at once."""
    return [c for c in range(7) if (after := naive.dropped(board, c, 1)) and naive.fours(after, 1)]


def test_the_stored_reply_stops_a_win_where_there_is_one() -> None:
    for question, target in zip(made().question, made().target, strict=True):
        stored = TASK.steps(FORCE, question, target)
        assert len(stored) == 3
        assert np.array_equal(stored[0], target)
        for before, after, columns in (
            (stored[0], stored[1], wins(stored[0].tolist()) or [c for c in range(7) if target[0, c] == 0]),
            (stored[1], stored[2], wins(stored[1].tolist())),
        ):
            assert np.flatnonzero((before != after).any(axis=0)).tolist() == [min(columns)]
        assert TASK.verify_steps(row(question, target), stored).exact
        for stop in (1, 2):
            reason = TASK.verify_steps(row(question, target), stored[:stop]).reason
            assert reason == f"the process stops at state {stop}, and player 1 has not won yet"


def test_every_reply_and_every_end_are_verified_as_by_the_slow_twin() -> None:
    for question, target in zip(made().question[:30], made().target, strict=False):
        for reply in naive.replies(target.tolist(), 2):
            for end in naive.replies(reply, 1):
                states = [target, *grids(reply, end)]
                verdict = TASK.verify_steps(row(question, target), states)
                assert verdict.valid == verdict.exact == is_line(question.tolist(), states)


@given(
    st.integers(0, 99),
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 2)), max_size=2),
)
def test_random_lines_are_verified_as_by_the_slow_twin(
    index: int, kept: int, drops: list[tuple[int, int]]
) -> None:
    question, target = made().question[index], made().target[index]
    states = list(TASK.steps(FORCE, question, target))[:kept]
    for column, player in drops if states else [(3, 1), *drops]:
        board = (states or [question])[-1].tolist()
        states += grids(naive.dropped(board, column, player) or board)
    assert TASK.verify_steps(row(question, target), states).valid == is_line(question.tolist(), states)


BLANK: naive.Rows = [[0] * 7 for _ in range(6)]
THREES = [*BLANK[:4], [0, 0, 2, 0, 2, 0, 0], [0, 0, 1, 0, 1, 0, 0]]


def line(board: naive.Rows, *drops: tuple[int, int]) -> list[Grid]:
    """Return the boards after drops, each a column and a player."""
    states: list[naive.Rows] = []
    for column, player in drops:
        after = naive.dropped(states[-1] if states else board, column, player)
        assert after is not None
        states.append(after)
    return grids(*states)


@pytest.mark.parametrize(
    ("drops", "legal", "reason"),
    [
        ([(3, 1), (1, 2), (5, 1)], 3, ""),
        ([(3, 1), (6, 2), (1, 1)], 3, ""),
        (
            [(3, 1), (1, 2), (5, 1), (6, 2)],
            3,
            "step 4: a state follows after the end of the process",
        ),
        ([(3, 1), (5, 1)], 1, "step 2: the disk dropped in column 5 is player 1's"),
        ([(3, 1), (1, 2), (5, 2)], 2, "step 3: the disk dropped in column 5 is player 2's"),
        ([(3, 1), (1, 2), (1, 1)], 2, "step 3: the drop in column 1 does not win"),
        ([(3, 1), (1, 2)], 2, "the process stops at state 2, and player 1 has not won yet"),
        ([(6, 1), (1, 2)], 1, "the answer, state 1: the drop in column 6 lets player 2 win, or keep"),
    ],
)
def test_near_misses_of_a_line(drops: list[tuple[int, int]], legal: int, reason: str) -> None:
    (target,) = line(THREES, (3, 1))
    states = line(THREES, *drops)
    verdict = TASK.verify_steps(row(np.array(THREES, np.uint8), target), states)
    assert verdict.reason.startswith(reason)
    assert verdict.valid == (reason == "") == is_line(THREES, states)
    assert verdict.parts["legal"] == legal / len(drops)


def test_a_win_at_once_ends_the_process() -> None:
    """No such question is made, but one may come from a file."""
    board = [*BLANK[:4], [2, 2, 2, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]]
    question, states = np.array(board, np.uint8), line(board, (3, 1), (6, 2))
    assert np.array_equal(TASK.steps(FORCE, question, states[0]), states[:1])
    assert TASK.verify_steps(row(question, states[0]), states[:1]).valid
    assert not TASK.verify_steps(row(question, states[0]), states).valid
