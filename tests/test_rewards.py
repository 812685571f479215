"""Test what every task family promises of rewards, batches, levels and instructions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
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
from vizbench.types import Batch, Grid, Grids, Instance, Verdicts

N = 200
ROWS = 50
MUTANTS = 10_000

Baseline = Callable[[TaskSpec, Batch, Batch], object]

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


@functools.cache
def level(name: str, number: int) -> tuple[TaskSpec, Batch]:
    """A level of a family with N instances."""
    spec = registry.spec(f"{name}/level{number}")
    keys = seeds.keys(seeds.stream("levels", number), 0, N)
    return spec, with_task(spec.task.generate_batch(spec.params, keys), spec.name)


def with_task(batch: Batch, name: str) -> Batch:
    return Batch(batch.question, batch.target, batch.facts, batch.sizes, name)


def part_of(batch: Batch, chosen: slice) -> Batch:
    sizes = None if batch.sizes is None else batch.sizes[chosen]
    return Batch(batch.question[chosen], batch.target[chosen], {}, sizes, batch.task)


@functools.cache
def rows(name: str) -> tuple[Instance, ...]:
    """The first instances of `made`, with their processes."""
    spec, _, test = made(name)
    pairs = [test.pair(row) for row in range(ROWS)]
    return tuple(
        Instance(spec.name, spec.params, 0, "train", row, *pair, spec.task.steps(spec.params, *pair))
        for row, pair in enumerate(pairs)
    )


def value_of(verdicts: Verdicts) -> npt.NDArray[np.float64]:
    """The reward as its definition says: 1 if valid, else half the product of the parts."""
    product = np.prod(np.stack(list(verdicts.parts.values())), axis=0)
    return np.where(verdicts.valid, 1.0, INVALID * product)


# Rewards


def blank(spec: TaskSpec, train: Batch, test: Batch) -> object:
    return np.zeros_like(test.target)


def copy(spec: TaskSpec, train: Batch, test: Batch) -> object:
    return [test.pair(row)[0] for row in range(len(test))] if spec.task.resizes else test.question


def majority(spec: TaskSpec, train: Batch, test: Batch) -> object:
    counts = np.stack([(train.target == code).sum(axis=0) for code in range(spec.task.codes)])
    return np.broadcast_to(counts.argmax(axis=0), test.target.shape)


def majority_per_code(spec: TaskSpec, train: Batch, test: Batch) -> object:
    """The most frequent target code of each position where the question has the same code there."""
    answer = np.array(majority(spec, train, test), np.uint8)
    for code in range(spec.task.codes):
        here = train.question == code
        counts = np.stack([(here & (train.target == other)).sum(axis=0) for other in range(spec.task.codes)])
        known = (test.question == code) & (counts.sum(axis=0) > 0)
        answer[known] = np.broadcast_to(counts.argmax(axis=0), known.shape)[known]
    return answer


def nearest(spec: TaskSpec, train: Batch, test: Batch) -> object:
    known = train.question.reshape(len(train), -1)
    distances = [(known != question.ravel()).sum(axis=1) for question in test.question]
    return train.target[[int(np.argmin(distance)) for distance in distances]]


def mirrored(spec: TaskSpec, train: Batch, test: Batch) -> object:
    if not spec.task.resizes:
        return np.ascontiguousarray(test.question[:, :, ::-1])
    return [np.ascontiguousarray(test.pair(row)[0][:, ::-1]) for row in range(len(test))]


def turned(spec: TaskSpec, train: Batch, test: Batch) -> object:
    if not spec.task.resizes:
        return np.ascontiguousarray(test.question[:, ::-1, ::-1])
    return [np.ascontiguousarray(test.pair(row)[0][::-1, ::-1]) for row in range(len(test))]


def shifted(spec: TaskSpec, train: Batch, test: Batch) -> object:
    if not spec.task.resizes:
        return np.roll(test.question, 1, axis=1)
    return [np.roll(test.pair(row)[0], 1, axis=0) for row in range(len(test))]


def guess(spec: TaskSpec, train: Batch, test: Batch) -> object:
    answers = [
        spec.task.guess(spec.params, test.pair(row)[0], seeds.stream("guess", row))
        for row in range(len(test))
    ]
    if spec.task.resizes:
        return answers
    grids = test.question.copy()
    for row, answer in enumerate(answers):
        if answer is not None:
            grids[row] = answer
    return grids


LEARNED = (majority, majority_per_code, mirrored, turned, shifted)
TRIVIAL = (copy, blank, nearest, guess, *LEARNED)

HALF_RIGHT: Mapping[str, float] = {"arc/top-bottom-2d": 0.2, "arc/level6": 0.15}
"""The most that `majority_per_code` may gain: these rules color cells by their row, and it learns that."""


def gains(spec: TaskSpec, train: Batch, test: Batch, baselines: tuple[Baseline, ...]) -> dict[str, float]:
    """How much more than their share of valid answers each of the baselines is rewarded, on average."""
    gained: dict[str, float] = {}
    for baseline in baselines:
        if train.question.shape[1:] != train.target.shape[1:] and baseline is majority_per_code:
            continue
        answers = baseline(spec, train, test)
        if spec.task.resizes and isinstance(answers, np.ndarray):
            sizes = [target.shape for _, target in map(test.pair, range(len(test)))]
            answers = [grid[:h, :w] for grid, (h, w) in zip(answers, sizes, strict=True)]
        verdicts = vb.verify_batch(test, answers)
        gained[baseline.__name__] = float(value_of(verdicts).mean() - verdicts.valid.mean())
    return gained


@every_task
def test_trivial_answers_are_hardly_rewarded(name: str):
    gained = gains(*made(name), TRIVIAL)
    assert gained.pop("majority_per_code", 0) <= HALF_RIGHT.get(name, 0.1), gained
    assert max(gained.values()) <= 0.1, gained


@own_families
def test_trivial_answers_are_hardly_rewarded_at_any_level(name: str):
    """Half of the instances of a level are known. A mean over the others is off by 0.01 or so."""
    for number in range(LEVELS):
        spec, batch = level(name, number)
        gained = gains(spec, part_of(batch, slice(N // 2, None)), part_of(batch, slice(N // 2)), LEARNED)
        assert gained.pop("majority_per_code", 0) <= HALF_RIGHT.get(spec.name, 0.11), (number, gained)
        assert max(gained.values()) <= 0.11, (number, gained)


@every_task
def test_targets_have_the_full_reward_and_untouched_questions_none(name: str):
    task = registry.spec(name).task
    for instance in rows(name)[:20]:
        right = reward(instance, instance.target)
        assert (right.value, set(right.parts.values())) == (1.0, {1.0})
        assert set(right.parts) == set(task.parts)
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


def resized_mutants(spec: TaskSpec, batch: Batch, count: int, rng: np.random.Generator) -> list[Grid]:
    """The targets of grids that differ in size, one after the other, after a few cells were changed."""
    answers: list[Grid] = []
    for number in range(count):
        answer = batch.pair(number % N)[1].copy()
        for _ in range(rng.integers(1, 6)):
            answer.flat[rng.integers(answer.size)] = rng.integers(spec.task.codes)
        answers.append(answer)
    return answers


@own_families
def test_an_invalid_answer_never_has_more_than_half(name: str):
    variants = [made(f"{name}/{variant}") for variant in registry.families()[name].variants]
    rng = np.random.default_rng(7)
    each = math.ceil(MUTANTS / len(variants))
    for spec, _, test in variants:
        if spec.task.resizes:
            answers = resized_mutants(spec, test, math.ceil(each / N) * N, rng)
            groups = [(test, answers[first : first + N]) for first in range(0, len(answers), N)]
        else:
            groups = [mutants(spec, test, each, rng)]
        for group, (batch, answers) in enumerate(groups):
            verdicts = vb.verify_batch(batch, answers)
            value = value_of(verdicts)
            if group == 0:
                assert np.array_equal(reward_batch(batch, answers), value)
            assert (value[~verdicts.valid] <= INVALID).all()
            assert set(verdicts.parts) == set(spec.task.parts)
            assert all(0 <= part.min() <= part.max() <= 1 for part in verdicts.parts.values())


@every_task
def test_the_reward_never_falls_along_the_process(name: str):
    spec = registry.spec(name)
    if spec.task.continuation is not None:
        return  # the answer is the first state: what follows is not an answer
    for instance in rows(name):
        states = instance.steps
        grids = [grid.tobytes() for grid in (instance.question, *states)]
        if len(set(grids)) < len(grids):
            continue  # a state that comes twice has one value, and later states may be worth less
        if spec.task.resizes:
            assert [reward(instance, state).value for state in states] == [1]  # a rule has no steps
            continue
        same = np.zeros(len(states), np.intp)
        batch = Batch(instance.question[None][same], instance.target[None][same], task=name)
        values = reward_batch(batch, states)
        assert (np.diff(values) >= 0).all(), values
        assert values[-1] == 1


@every_task
def test_a_legal_prefix_of_the_process_is_rewarded(name: str):
    codes = registry.spec(name).task.codes
    for instance in rows(name)[:10]:
        whole = reward(instance, instance.steps, process=True)
        assert whole.value == 1
        broken = [*instance.steps[:-1], (instance.steps[-1] + 1) % codes]
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
    if not spec.task.resizes:
        process = spec.task.steps_batch(spec.params, test.question[:30], test.target[:30])
        for row, instance in enumerate(rows(name)[:30]):
            assert np.array_equal(process[row], instance.steps)


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
    for number, params in enumerate(family.levels):
        spec, batch = level(name, number)
        assert (spec.name, spec.params) == (f"{name}/level{number}", params)
        effort.append(family.difficulty_batch(params, batch.question, batch.target)["effort"])
    level_ranks = ranks(np.repeat(np.arange(LEVELS, dtype=np.float64), N))
    assert np.corrcoef(level_ranks, ranks(np.concatenate(effort)))[0, 1] >= 0.95


SMALLER: Mapping[str, int] = {"arc": 500}
"""The train pools of families whose pool of 5,000 rows takes over ten seconds."""

FEWEST = 300
"""Test rows that the lowest level of each family has besides its pool, at least."""


@own_families
def test_the_lowest_level_has_enough_train_and_test_rows(name: str):
    data = vb.load(name, pool=SMALLER.get(name, 5000), level=0)
    assert len(data.train.head(20)) == 20
    asked = 20 if name in SMALLER else FEWEST
    assert len(data.test.rows(0, asked)) == asked  # it raises an error if there are fewer


def test_levels_are_named_in_place_of_a_variant():
    assert vb.load("life", level=3).name == "life/level3"
    for name, number, reason in (
        ("life", 10, "0 … 9"),
        ("life", 1.5, "0 … 9"),
        ("life/conway", 3, "both choose"),
        ("life?steps=2", 3, "both choose"),
        ("lief", 3, "life"),
    ):
        with pytest.raises(vb.UserError, match=reason):
            vb.load(name, level=cast("int", number))


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
