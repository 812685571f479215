"""Compare a simulation with its rules, written again plainly: states, targets, near misses, steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vizbench import seeds
from vizbench.task.simulation import SimulationTask
from vizbench.types import Batch, Grids

Rows = list[list[int]]
Step = Callable[[Rows], Rows]


def cells_of(board: Rows) -> dict[tuple[int, int], int]:
    """Return the code of each cell by row and column, in reading order."""
    return {(r, c): code for r, row in enumerate(board) for c, code in enumerate(row)}


def drawn(task: SimulationTask[Any], params: Any, count: int, stream: str = "twin") -> Batch:
    """Return instances of a stream of their own."""
    return task.generate_batch(params, seeds.keys(seeds.stream(stream, task.family), 0, count))


def process_of(question: Rows, step: Step, steps: int | None) -> list[Rows]:
    """Return the states after the question, by the twin's rule."""
    states = [question]
    while steps is None or len(states) <= steps:
        after = step([row[:] for row in states[-1]])
        if steps is None and after == states[-1]:
            break
        states.append(after)
    return states[1:]


def near_misses(targets: Grids, codes: int, rng: np.random.Generator) -> Grids:
    """Return the targets, most with one or two cells changed."""
    answers = targets.copy()
    for answer in answers:
        for place in rng.integers(0, answer.size, rng.integers(0, 3)):
            answer.flat[place] = rng.integers(codes)
    return answers


def agree(task: SimulationTask[Any], params: Any, step: Step, count: int = 60) -> None:
    """Check that a task and its twin make the same states, and judge near misses in the same way."""
    batch, rng = drawn(task, params, count), np.random.default_rng(5)
    answers = near_misses(batch.target, task.codes, rng)
    valid = task.check_batch(params, batch.question, answers)
    processes = task.steps_batch(params, batch.question, batch.target)
    for row, (question, target) in enumerate(zip(batch.question, batch.target, strict=True)):
        states = process_of(question.tolist(), step, getattr(params, "steps", None))
        assert processes[row].tolist() == states
        assert target.tolist() == states[-1]
        assert valid[row] == (answers[row].tolist() == states[-1])
        at = int(rng.integers(len(states)))
        before = np.array(states[at - 1], np.uint8) if at else question
        after = near_misses(processes[row][at][None], task.codes, rng)[0]
        result = task.check_step(params, question, before, after)
        assert result.valid == (after.tolist() == states[at])


def agree_on_noise(task: SimulationTask[Any], params: Any, step: Step, count: int = 60) -> None:
    """Check that one step of task and twin is the same on grids of random codes."""
    shape = drawn(task, params, 1).question.shape[1:]
    states = np.random.default_rng(6).integers(0, task.codes, (count, *shape), np.uint8)
    after = task.advance_batch(params, states)
    assert [step(state) for state in states.tolist()] == after.tolist()


def grid(text: str, marks: str) -> Grids:
    """Return a grid `(1, h, w)` from words of marks, one per row. A mark's place is its code."""
    return np.array([[[marks.index(mark) for mark in row] for row in text.split()]], np.uint8)
