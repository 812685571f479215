"""Compare a planning task with its slow twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracles import plans
from tests.oracles.plans import Moves, State
from vizbench import seeds
from vizbench.task.planning import PlanTask
from vizbench.types import Grid


def state_of(grid: Grid) -> State:
    return tuple(tuple(row) for row in grid.tolist())


def agrees_with_twin(
    task: PlanTask[Any], params: Any, moves: Moves, is_goal: Callable[[State], bool], count: int
) -> None:
    """Assert that figures, targets, processes, verdicts and parts are the twin's, over `count` instances.

    The answers are all states within the moves asked, and targets with two cells exchanged.
    """
    batch = task.generate_batch(params, seeds.keys(seeds.stream("twin"), 0, count))
    figures = task.difficulty_batch(params, batch.question, batch.target)
    processes = task.steps_batch(params, batch.question, batch.target)
    rows: list[int] = []
    answers: list[State] = []
    right: list[bool] = []
    expected: list[set[tuple[float, ...]]] = []
    rng = np.random.default_rng(3)
    for row, (question, target) in enumerate(zip(batch.question, batch.target, strict=True)):
        start = state_of(question)
        distance, ways = plans.ways_to_goal(start, moves, is_goal)
        asked = task.moves(params) or distance
        assert 1 <= asked <= distance == figures["distance"][row]
        assert (figures["plans"][row], figures["right"][row]) == (ways[0][start], len(ways[asked]))
        before = start
        for level, state in enumerate(map(state_of, processes[row]), 1):
            assert state in ways[level]
            assert state in moves(before)
            before = state
        assert before == state_of(target)
        near = {state for level in plans.reached(start, moves, is_goal)[1 : asked + 1] for state in level}
        exchanged = target.copy()
        one, other = rng.choice(target.size, 2, replace=False)
        exchanged.flat[[one, other]] = exchanged.flat[[other, one]]
        for answer in [*sorted(near)[:12], before, state_of(exchanged)]:
            rows.append(row)
            answers.append(answer)
            right.append(answer in ways[asked])
            expected.append(plans.parts(start, answer, ways, asked))
    grids = np.array(answers, np.uint8)
    assert task.check_batch(params, batch.question[rows], grids).tolist() == right
    parts = task.parts_batch(params, batch.question[rows], batch.target[rows], grids)
    for values, clauses in zip(zip(*parts.values(), strict=True), expected, strict=True):
        assert any(np.allclose(values, clause) for clause in clauses)
