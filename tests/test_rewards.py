"""Test what every task family promises of rewards, batches, levels and instructions."""

from __future__ import annotations

import functools
import math
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

import vizbench as vb
from tests.support.contract import every_family, every_task
from vizbench import seeds
from vizbench.rewards import INVALID, reward, reward_batch
from vizbench.task import registry
from vizbench.task.contract import LEVELS, Task
from vizbench.task.registry import TaskSpec
from vizbench.types import Batch, Grids, Instance

N = 200
MUTANTS = 10_000

own_families = every_family


@functools.cache
def made(name: str) -> tuple[TaskSpec, Batch, Batch]:
    """The task with N train instances and N test instances, without any filter."""
    spec = registry.spec(name)
    train, test = (
        spec.task.generate_batch(spec.params, seeds.keys(seeds.stream("rewards", side), 0, N))
        for side in ("train", "test")
    )
    return spec, train, with_task(test, name)


def with_task(batch: Batch, name: str) -> Batch:
    return Batch(batch.question, batch.target, batch.facts, batch.sizes, name)


def rows(spec: TaskSpec, batch: Batch, count: int = N) -> list[Instance]:
    pairs = [batch.pair(row) for row in range(min(count, len(batch)))]
    return [
        Instance(spec.name, spec.params, 0, "train", row, *pair, spec.task.steps(spec.params, *pair))
        for row, pair in enumerate(pairs)
    ]


# Rewards


def blank(spec: TaskSpec, train: Batch, test: Batch) -> object:
    return np.zeros_like(test.target)


def copy(spec: TaskSpec, train: Batch, test: Batch) -> object:
    return test.question


def majority(spec: TaskSpec, train: Batch, test: Batch) -> object:
    counts = np.stack([(train.target == code).sum(axis=0) for code in range(spec.task.codes)])
    return np.broadcast_to(counts.argmax(axis=0), test.target.shape)


def nearest(spec: TaskSpec, train: Batch, test: Batch) -> object:
    known = train.question.reshape(N, -1)
    distances = [(known != question.ravel()).sum(axis=1) for question in test.question]
    return train.target[[int(np.argmin(distance)) for distance in distances]]


def guess(spec: TaskSpec, train: Batch, test: Batch) -> object:
    answers = [
        spec.task.guess(spec.params, test.pair(row)[0], seeds.stream("guess", row)) for row in range(N)
    ]
    if spec.task.resizes:
        return answers
    grids = test.question.copy()
    for row, answer in enumerate(answers):
        if answer is not None:
            grids[row] = answer
    return grids


TRIVIAL = (copy, blank, majority, nearest, guess)


@pytest.mark.parametrize("baseline", TRIVIAL, ids=lambda baseline: baseline.__name__)
@every_task
def test_trivial_answers_are_hardly_rewarded(name: str, baseline):
    spec, train, test = made(name)
    answers = baseline(spec, train, test)
    if spec.task.resizes and isinstance(answers, np.ndarray):
        sizes = [target.shape for _, target in map(test.pair, range(N))]
        answers = [grid[:h, :w] for grid, (h, w) in zip(answers, sizes, strict=True)]
    verdicts = vb.verify_batch(test, answers)
    assert reward_batch(test, answers).mean() <= verdicts.valid.mean() + 0.1


@every_task
def test_targets_have_the_full_reward_and_untouched_questions_none(name: str):
    spec, _, test = made(name)
    for instance in rows(spec, test, 20):
        right = reward(instance, instance.target)
        assert (right.value, set(right.parts.values())) == (1.0, {1.0})
        assert set(right.parts) == set(spec.task.parts)
        untouched = vb.verify(instance, instance.question)
        if not untouched.valid:
            assert set(untouched.parts.values()) == {0.0}
        for unreadable in (None, "no grid", [[999]]):
            assert reward(instance, unreadable).value == 0


def mutants(spec: TaskSpec, batch: Batch, count: int, rng: np.random.Generator) -> tuple[Batch, Grids]:
    """Instances, each with its target or question after a few cells were changed."""
    at = rng.integers(0, len(batch), count)
    answers = np.where(rng.random(count)[:, None, None] < 0.7, batch.target[at], batch.question[at])
    flat = answers.reshape(count, -1)
    for _ in range(6):
        changed = np.flatnonzero(rng.random(count) < 0.5)
        places = rng.integers(0, flat.shape[1], len(changed))
        flat[changed, places] = rng.integers(0, spec.task.codes, len(changed))
    return with_task(Batch(batch.question[at], batch.target[at]), batch.task), answers


@own_families
def test_an_invalid_answer_never_has_more_than_half(name: str):
    variants = [made(f"{name}/{variant}") for variant in registry.families()[name].variants]
    rng = np.random.default_rng(7)
    each = math.ceil(MUTANTS / len(variants))
    for spec, _, test in variants:
        if spec.task.resizes:
            check_resized_mutants(spec, test, rng, each)
            continue
        batch, answers = mutants(spec, test, each, rng)
        verdicts, value = vb.verify_batch(batch, answers), reward_batch(batch, answers)
        assert ((value == 1) == verdicts.valid).all()
        assert (value[~verdicts.valid] <= INVALID).all()
        assert set(verdicts.parts) == set(spec.task.parts)
        assert all(0 <= part.min() <= part.max() <= 1 for part in verdicts.parts.values())


def check_resized_mutants(spec: TaskSpec, test: Batch, rng: np.random.Generator, count: int) -> None:
    """The same for a task whose grids differ in size, which are judged one by one."""
    instances = rows(spec, test)
    for number in range(count):
        instance = instances[number % N]
        answer = instance.target.copy()
        for _ in range(rng.integers(1, 6)):
            answer.flat[rng.integers(answer.size)] = rng.integers(spec.task.codes)
        verdict, given = vb.verify(instance, answer), reward(instance, answer)
        assert (given.value == 1) == verdict.valid
        assert verdict.valid or given.value <= INVALID
        assert all(0 <= part <= 1 for part in verdict.parts.values())


@every_task
def test_the_reward_never_falls_along_the_process(name: str):
    spec, _, test = made(name)
    if spec.task.continuation is not None:
        return  # the answer is the first state: what follows is not an answer
    for instance in rows(spec, test, 50):
        grids = [grid.tobytes() for grid in (instance.question, *instance.steps)]
        if len(set(grids)) < len(grids):
            continue  # a state that comes twice has one value, and later states may be worth less
        values = [reward(instance, state).value for state in instance.steps]
        assert values == sorted(values)
        assert values[-1] == 1


@every_task
def test_a_legal_prefix_of_the_process_is_rewarded(name: str):
    spec, _, test = made(name)
    for instance in rows(spec, test, 10):
        whole = reward(instance, instance.steps, process=True)
        assert whole.value == 1
        broken = [*instance.steps[:-1], (instance.steps[-1] + 1) % spec.task.codes]
        part = reward(instance, broken, process=True)
        assert part.value <= INVALID
        assert 0 <= part.parts["legal"] < 1


# Batches are the same as rows


@every_task
def test_batches_say_what_rows_say(name: str):
    spec, _, test = made(name)
    if spec.task.resizes:
        return  # such a task is judged row by row
    batch, answers = mutants(spec, test, 300, np.random.default_rng(1))
    answers[:50] = batch.target[:50]
    verdicts = vb.verify_batch(batch, answers)
    for row in range(300):
        question, target = batch.pair(row)
        instance = Instance(spec.name, spec.params, 0, "train", row, question, target, target[None])
        verdict = spec.task.verify(instance, answers[row])
        assert verdicts.valid[row] == verdict.valid, (question, answers[row], verdict.reason)
        assert (verdicts.exact[row], verdicts.cells[row]) == (verdict.exact, verdict.cells)
        assert {part: column[row] for part, column in verdicts.parts.items()} == dict(verdict.parts)


@every_task
def test_processes_of_a_batch_are_those_of_rows(name: str):
    spec, _, test = made(name)
    pairs = [test.pair(row) for row in range(30)]
    if not spec.task.resizes:
        process = spec.task.steps_batch(spec.params, test.question[:30], test.target[:30])
        for row, (question, target) in enumerate(pairs):
            assert np.array_equal(process[row], spec.task.steps(spec.params, question, target))


@own_families
def test_batches_are_compiled(name: str):
    kind = type(registry.families()[name])
    if not kind.resizes:
        assert kind.check_batch is not Task.check_batch
        assert kind.steps_batch is not Task.steps_batch
    assert kind.difficulty_batch is not Task.difficulty_batch


def test_batches_refuse_answers_of_another_form():
    batch = vb.load("life/conway").train.batch(0, 3)
    for answers in (batch.target[:2], batch.target.astype(float), [[0]], None, [[0, 1], [0]]):
        with pytest.raises(vb.UserError, match="integers of shape"):
            vb.verify_batch(batch, answers)
    empty = Batch(batch.question[:0], batch.target[:0], task=batch.task)
    assert len(vb.verify_batch(empty, batch.target[:0])) == len(reward_batch(empty, batch.target[:0])) == 0
    with pytest.raises(vb.UserError, match="names no task"):
        vb.verify_batch(Batch(batch.question, batch.target), batch.target)
    wrong = batch.target.astype(np.int64) - 256
    assert not vb.verify_batch(batch, wrong).valid.any()
    assert (reward_batch(batch, wrong) == 0).all()


# Levels


def ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks from 0, the mean rank for ties."""
    order = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(order[2])
    return (ends - (order[2] + 1) / 2)[order[1]]


@own_families
def test_levels_rise_in_measured_difficulty(name: str):
    family = registry.families()[name]
    assert len(family.levels) == LEVELS
    effort: list[npt.NDArray[np.float64]] = []
    for level, params in enumerate(family.levels):
        spec = registry.spec(f"{name}/level{level}")
        assert (spec.name, spec.params) == (f"{name}/level{level}", params)
        batch = family.generate_batch(params, seeds.keys(seeds.stream("levels", level), 0, N))
        effort.append(family.difficulty_batch(params, batch.question, batch.target)["effort"])
    level_ranks = ranks(np.repeat(np.arange(LEVELS, dtype=np.float64), N))
    assert np.corrcoef(level_ranks, ranks(np.concatenate(effort)))[0, 1] >= 0.95


SLOW = ("chess",)
"""Families whose train pool of 5,000 rows takes over half a minute: their levels are tried with fewer."""


@own_families
def test_the_lowest_level_has_train_and_test_rows(name: str):
    data = vb.load(name, pool=200 if name in SLOW else 5000, level=0)
    for split in (data.train, data.test):
        assert len(split.head(20)) == 20


def test_levels_are_named_in_place_of_a_variant():
    assert vb.load("life", level=3).name == "life/level3"
    for name, level, reason in (
        ("life", 10, "0 … 9"),
        ("life", 1.5, "0 … 9"),
        ("life/conway", 3, "both choose"),
        ("life?steps=2", 3, "both choose"),
        ("lief", 3, "life"),
    ):
        with pytest.raises(vb.UserError, match=reason):
            vb.load(name, level=cast("int", level))


# Words


@every_task
def test_instructions_are_three_plain_wordings(name: str):
    spec = registry.spec(name)
    wordings = spec.task.instructions(spec.params)
    assert len(set(wordings)) == 3
    for text in wordings:
        assert text.isascii()
        assert "\n" not in text
        assert 40 <= len(text) <= 900
        assert text == text.strip()
        assert text[-1] in ".?"


@own_families
def test_the_legend_names_every_code(name: str):
    family = registry.families()[name]
    assert len(family.legend) == family.codes
    assert len(set(family.legend)) == family.codes
    assert all(noun.isascii() and 2 < len(noun) < 60 for noun in family.legend)
    assert 2 <= len(family.parts) <= 4
