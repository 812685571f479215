"""Test what every task family promises of its processes: the stored one is legal, others are noticed."""

from __future__ import annotations

import numpy as np

from tests.support.contract import (
    N,
    every_family,
    every_task,
    hostile,
    instances,
    made,
    mutants,
    verdict_of_answer,
    verdict_of_process,
)
from vizbench._util.grids import MAX_STATES
from vizbench.task import registry


@every_task
def test_the_stored_process_is_legal(name: str):
    for instance in instances(name):
        for process in (instance.steps, list(instance.steps), instance.steps.tolist()):
            verdict = verdict_of_process(name, instance, process)
            assert (verdict.valid, verdict.exact, verdict.reason) == (True, True, "")


@every_task
def test_dropped_repeated_and_swapped_states_are_noticed(name: str):
    for instance in instances(name):
        steps = list(instance.steps)
        for k in {0, len(steps) // 2, len(steps) - 1}:
            assert not verdict_of_process(name, instance, steps[:k] + steps[k + 1 :]).valid
            assert not verdict_of_process(name, instance, [*steps[: k + 1], *steps[k:]]).valid
            first = min(k, len(steps) - 2)
            swapped = [*steps[:first], *reversed(steps[first : first + 2]), *steps[first + 2 :]]
            if first >= 0 and not np.array_equal(swapped, steps):
                assert not verdict_of_process(name, instance, swapped).valid
        assert not verdict_of_process(name, instance, [instance.question, *steps]).valid
        assert len(steps) == 1 or not verdict_of_process(name, instance, [instance.target]).valid


@every_task
def test_changed_states_are_noticed(name: str):
    """One cell may be a legal detour (water that rises more slowly). A blank, noise, a wrong end is not."""
    spec, _ = made(name)
    rng = np.random.default_rng(6)
    detours = 0
    for instance in instances(name):
        steps = instance.steps
        k = int(rng.integers(len(steps)))
        noise = rng.integers(0, spec.task.codes, instance.target.shape)
        for other in (noise, np.zeros_like(noise), np.full_like(noise, spec.task.codes - 1), None, [[0]]):
            process: list[object] = list(steps)
            process[k] = other
            if not np.array_equal(np.asarray(other), steps[k]):
                assert not verdict_of_process(name, instance, process).valid
        for grid in mutants(instance, spec.task.codes):
            process = list(steps)
            process[spec.task.answer_at] = grid
            assert (
                verdict_of_process(name, instance, process).valid
                <= verdict_of_answer(name, instance, grid).valid
            )
        cell = int(rng.integers(steps[k].size))
        changed = steps.copy()
        changed[k].flat[cell] = (
            int(changed[k].flat[cell]) + int(rng.integers(1, spec.task.codes))
        ) % spec.task.codes
        detours += verdict_of_process(name, instance, changed).valid
    assert detours < N // 4


@every_family
def test_hostile_processes_are_wrong_and_never_raise(name: str):
    name = registry.spec(name).name
    instance = instances(name)[0]
    steps = list(instance.steps)
    for thing in hostile(instance.target):
        assert not verdict_of_process(name, instance, [thing]).valid
        assert not verdict_of_process(name, instance, [*steps, thing]).valid
        assert verdict_of_process(name, instance, [*steps[:-1], thing]).parts["legal"] == (
            len(steps) - 1
        ) / len(steps)
        if not (isinstance(thing, np.ndarray) and thing.ndim == 3):  # which may be a process of one state
            assert not verdict_of_process(name, instance, thing).valid
    for many in (np.zeros((MAX_STATES + 1, 1, 1), np.uint8), steps * (MAX_STATES + 1)):
        assert "states" in verdict_of_process(name, instance, many).reason
