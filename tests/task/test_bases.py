"""Test the bases of short tasks: what follows from a step, from an answer, and from legal moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import pytest

import vizbench as vb
from vizbench.seeds import keys
from vizbench.task.contract import Task
from vizbench.task.registry import TaskSpec


@final
@dataclass(frozen=True)
class Steps:
    """Parameters of a process with a fixed number of steps."""

    steps: int = 3


@final
@dataclass(frozen=True)
class Size:
    """Parameters of the other tasks."""

    size: int = 2


@final
class Shift(vb.StepTask[Steps]):
    """Everything moves to the right, on a ring."""

    family = "shift"
    summary = "Shift."
    look = vb.Look("binary")
    codes = 2
    variants = {"three": Steps()}  # noqa: RUF012  # as users write it

    def rule(self, params: Steps) -> str:
        return "the shift"

    def advance(self, params: Steps, state: vb.Grid) -> vb.Grid | str:
        return np.roll(state, 1, axis=1) if state.any() else "the board is empty"

    def generate_batch(self, params: Steps, keys: vb.Keys) -> vb.Batch:
        return self.solved(params, vb.random_grids(keys, 2, 5, 1) + np.eye(2, 5, dtype=np.uint8))


@final
class Drain(vb.StepTask[Size]):
    """A cell is cleared per step, until none is left."""

    family = "drain"
    summary = "Drain."
    look = vb.Look("binary")
    codes = 2
    variants = {"two": Size()}  # noqa: RUF012  # as users write it

    def advance(self, params: Size, state: vb.Grid) -> vb.Grid | str:
        if not state.any():
            return "the board is empty"
        after = state.copy()
        after.flat[np.argmax(state)] = 0
        return after

    def generate_batch(self, params: Size, keys: vb.Keys) -> vb.Batch:
        return self.solved(params, np.ones((len(keys), params.size, params.size), np.uint8))


@final
class Lights(vb.MoveTask[Size]):
    """Lights out: a move flips a row or a column."""

    family = "lights"
    summary = "Switch all lights off."
    look = vb.Look("binary")
    codes = 2
    variants = {"two": Size()}  # noqa: RUF012  # as users write it

    def moves(self, params: Size, state: vb.Grid) -> list[vb.Grid]:
        flips = [(slice(None), k) for k in range(params.size)] + [
            (k, slice(None)) for k in range(params.size)
        ]
        states: list[vb.Grid] = []
        for flip in flips:
            after = state.copy()
            after[flip] ^= 1
            states.append(after)
        return states

    def goal_fault(self, params: Size, question: vb.Grid, answer: vb.Grid) -> str:
        return "a light is on" if answer.any() else ""

    def generate_batch(self, params: Size, keys: vb.Keys) -> vb.Batch:
        question = vb.random_grids(keys, params.size, params.size, 2)
        question[:] = [[1, 1], [0, 0]]
        return self.solved(params, question)


@final
class Crop(vb.AnswerTask[Size]):
    """The answer is smaller than the question."""

    family = "crop"
    summary = "Crop."
    look = vb.Look("binary")
    codes = 2
    resizes = True
    variants = {"two": Size()}  # noqa: RUF012  # as users write it

    def solve(self, params: Size, question: vb.Grid) -> vb.Grid:
        return question[:1].copy()

    def generate_batch(self, params: Size, keys: vb.Keys) -> vb.Batch:
        question = vb.random_grids(keys, 2, 2, 2)
        return vb.Batch(question, question[:, :1])


def first(task: Task[Steps] | Task[Size]) -> vb.Instance:
    """Return the first instance of a task."""
    spec = TaskSpec(task.family, task, next(iter(task.variants.values())))
    question, target = spec.task.generate_batch(spec.params, keys(1, 0, 3)).pair(0)
    steps = spec.task.steps(spec.params, question, target)
    return vb.Instance(spec.name, spec.params, 0, "train", 0, question, target, steps)


@pytest.mark.parametrize("task", [Shift(), Drain(), Lights(), Crop()])
def test_target_process_and_solution_are_right(task: Task[Steps] | Task[Size]) -> None:
    row = first(task)
    assert task.verify(row, row.target).exact
    assert task.verify_steps(row, row.steps).exact
    assert np.array_equal(task.solve(row.params, row.question), row.target)  # type: ignore[arg-type]  # it is solved
    assert 0 <= task.difficulty(row.params, row.question, row.target)["score"] <= 1
    guess = task.guess(row.params, row.question, 7)
    assert guess is not None
    assert guess.max() < task.codes
    assert not task.verify_steps(row, [*row.steps, row.steps[-1]]).valid


def test_a_simulation_names_its_rule_and_why_it_ends() -> None:
    row, empty = first(Shift()), np.zeros((2, 5), np.uint8)
    assert (
        Shift()
        .check(Steps(), row.question, row.question)
        .reason.startswith("4 of 10 cells differ from the shift after 3 steps")
    )
    assert (
        Shift()
        .check_step(Steps(), row.question, row.question, row.question)
        .reason.startswith("4 of 10 cells differ from one step of the shift")
    )
    assert Shift().check(Steps(), empty, empty).reason == "no answer is right: the board is empty"
    assert Shift().check_step(Steps(), empty, empty, empty).reason == "no step follows: the board is empty"
    assert Shift().solve(Steps(), empty) is None
    assert len(first(Drain()).steps) == 4


def test_a_plan_is_shortest_and_an_answer_must_be_reachable() -> None:
    row = first(Lights())
    assert len(row.steps) == 1
    odd = np.array([[1, 0], [0, 0]], np.uint8)
    assert Lights().solve(Size(), odd) is None
    assert (
        Lights().check(Size(), odd, np.zeros((2, 2), np.uint8)).reason == "no legal moves lead to this state"
    )
    assert Lights().check(Size(), odd, odd).reason == "a light is on"
    assert Lights().check_step(Size(), odd, odd, odd).reason == "no legal move leads to this state"


def test_a_cell_is_written_once() -> None:
    question = np.zeros((2, 2), np.uint8)
    before, after = question.copy(), question.copy()
    before[0, 1], after[0, 1] = 1, 0
    reason = Crop().check_step(Size(), question, before, after).reason
    assert reason == "the cell at row 0, column 1 was written before"
    assert Crop().check_step(Size(), question, question, before).valid


def test_random_grids_depend_on_their_own_key_only() -> None:
    some = keys(3, 0, 500)
    grids = vb.random_grids(some, 3, 4, 5)
    assert grids.shape == (500, 3, 4)
    assert np.array_equal(vb.random_grids(some[7:8], 3, 4, 5)[0], grids[7])
    counts = np.bincount(grids.ravel(), minlength=5)
    assert len(counts) == 5
    assert abs(counts - 1200).max() < 150
