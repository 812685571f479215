"""Test the base of simulations: what follows from one step over many grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import pytest

import vizbench as vb
from vizbench.seeds import keys
from vizbench.task.ranges import check_ranges
from vizbench.task.simulation import SimulationTask
from vizbench.types import Instance


@final
@dataclass(frozen=True)
class Size:
    """Parameters of processes that end by themselves."""

    size: int = 3


@final
@dataclass(frozen=True)
class Steps:
    """Parameters of processes with a fixed number of steps."""

    steps: int = 3


@final
class Drain(SimulationTask[Size]):
    """The first cell of code 1 is cleared per step. A cell of code 2 keeps flipping."""

    family = "drain"
    summary = "Drain."
    look = vb.Look("eca")
    codes = 4
    fixed = (3,)
    most_steps = 50
    variants = {"three": Size()}  # noqa: RUF012  # as users write it

    def draw(self, params: Size, keys: vb.Keys) -> vb.Grids:
        return vb.random_grids(keys, 1, params.size, 2)

    def advance_batch(self, params: Size, states: vb.Grids) -> vb.Grids:
        after = states.copy()
        for state in after.reshape(len(after), -1):
            if (state == 1).any():
                state[np.argmax(state == 1)] = 0
            state[(state == 2) | (state == 3)] ^= 1
        return after


@final
class Shift(SimulationTask[Steps]):
    """Everything moves to the right, on a ring."""

    family = "shift"
    summary = "Shift."
    look = vb.Look("binary")
    codes = 2
    variants = {"three": Steps()}  # noqa: RUF012  # as users write it

    def draw(self, params: Steps, keys: vb.Keys) -> vb.Grids:
        return vb.random_grids(keys, 2, 5, 2)

    def advance_batch(self, params: Steps, states: vb.Grids) -> vb.Grids:
        return np.roll(states, 1, axis=2)


def test_processes_end_when_nothing_changes_and_may_differ_in_length():
    task, question = Drain(), np.array([[[1, 0, 1]], [[0, 0, 1]]], np.uint8)
    target = np.zeros_like(question)
    process = task.steps_batch(Size(), question, target)
    assert process.starts.tolist() == [0, 2, 3]
    assert process.states.tolist() == [[[0, 0, 1]], [[0, 0, 0]], [[0, 0, 0]]]
    assert task.check_batch(Size(), question, target).tolist() == [True, True]
    assert task.check_batch(Size(), question, question).tolist() == [False, False]
    assert task.difficulty_batch(Size(), question, target)["states"].tolist() == [2, 1]
    assert task.difficulty_batch(Size(), question, target)["changes"].tolist() == [2, 1]
    assert task.difficulty_batch(Size(), question, target)["effort"].tolist() == [3, 3]


def test_a_question_at_rest_and_an_endless_one_have_no_answer():
    task = Drain()
    for codes, reason in (([0, 0, 0], "nothing changes"), ([0, 2, 1], "it has no end")):
        question = np.array([codes], np.uint8)
        assert task.solve(Size(), question) is None
        result = task.check(Size(), question, question)
        assert (result.valid, result.reason) == (False, f"no answer is right: {reason}")
        both = np.stack([question, np.array([[1, 0, 0]], np.uint8)])
        target = np.zeros_like(both)
        assert task.check_batch(Size(), both, target).tolist() == [False, True]
        assert task.steps_batch(Size(), both, target).starts.tolist() == [0, 1, 2]
    row = Instance("drain", Size(), 0, "test", 0, both[1], target[1], target[1][None])
    assert task.verify_steps(row, [target[1]]).valid
    assert "nothing changes any more" in task.verify_steps(row, [target[1], target[1]]).reason


def test_questions_that_do_not_suit_are_drawn_again_by_their_own_keys():
    task, many = Drain(), keys(3, 0, 400)
    batch = task.generate_batch(Size(), many)
    assert batch.question.any(axis=(1, 2)).all()
    assert not batch.target.any()
    drawn = task.draw(Size(), many)
    kept = drawn.any(axis=(1, 2))
    assert 300 < kept.sum() < 400
    assert np.array_equal(batch.question[kept], drawn[kept])
    order = np.random.default_rng(0).permutation(400)
    assert np.array_equal(task.generate_batch(Size(), many[order]).question, batch.question[order])
    with pytest.raises(vb.UserError, match="makes no question"):
        Shift().generate_batch(Steps(steps=5), many)


def test_a_fixed_number_of_steps_is_made():
    task, params = Shift(), Steps(steps=3)
    batch = task.generate_batch(params, keys(1, 0, 20))
    assert np.array_equal(batch.target, np.roll(batch.question, 3, axis=2))
    process = task.steps_batch(params, batch.question, batch.target)
    assert np.diff(process.starts).tolist() == [3] * 20
    assert np.array_equal(process[7][1], np.roll(batch.question[7], 2, axis=1))
    assert task.difficulty_batch(params, batch.question, batch.target)["effort"].tolist() == [30] * 20
    still = np.ones((2, 5), np.uint8)
    assert task.check(params, still, still).valid


def test_a_guess_keeps_what_no_process_changes():
    question = np.array([[3, 3, 0, 1, 2, 0, 1, 2]], np.uint8)
    guesses = np.stack([Drain().guess(Size(), question, key) for key in range(50)])
    assert (guesses[:, 0, :2] == 3).all()
    assert set(guesses[:, 0, 2:].flat) == {0, 1, 2}


def test_near_parts_count_wrong_cells():
    task, question = Drain(), np.array([[[1, 0, 1, 1, 0, 0]]], np.uint8)
    target = np.zeros_like(question)

    def parts(codes: list[int]) -> dict[str, float]:
        measured = task.near_parts(Size(), question, target, np.array([[codes]], np.uint8))
        return {name: float(column[0]) for name, column in measured.items()}

    assert parts([0, 0, 0, 1, 0, 0]) == {"steps": 2 / 3, "near": 1}
    assert parts([0, 0, 0, 0, 0, 1]) == {"steps": 1, "near": 0}
    assert parts([1, 0, 1, 1, 0, 1]) == {"steps": 1 / 3, "near": 0}
    wide, flipped = Shift(), np.array([[[1, 0, 0, 0, 0], [0, 0, 1, 1, 1]]], np.uint8)
    last = np.roll(flipped, 3, axis=2)
    last[0, 0, 1] = 1  # 4 of 10 cells change with each step
    measured = wide.near_parts(Steps(), flipped, last, last)
    assert {name: float(column[0]) for name, column in measured.items()} == {"steps": 1, "near": 0.5}


def test_ranges_are_checked_in_one_sentence():
    check_ranges(Size(), size=(3, 5))
    with pytest.raises(vb.UserError, match=r"size=6 is not in 3 … 5: choose a value there, e.g. 3"):
        check_ranges(Size(size=6), size=(3, 5))
    with pytest.raises(vb.UserError, match=r"size=3 is not in 5 … 9: choose a value there, e.g. 5"):
        check_ranges(Size(), size=(5, 9))
    with pytest.raises(vb.UserError, match="size=nan"):
        check_ranges(Size(size=float("nan")), size=(3, 5))  # pyright: ignore[reportArgumentType] what users may pass
