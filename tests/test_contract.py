"""Test what every task family promises. A new family is tested because its file is in its folder."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

import vizbench as vb
from tests.support.contract import (
    KEYS,
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
from vizbench.formats.rows import Row, encode, instance_of
from vizbench.renderers.palettes import palette
from vizbench.task import registry
from vizbench.task.contract import Metric, Reasoning
from vizbench.task.registry import params_json
from vizbench.types import Instance

# What a task family says of itself


@every_family
def test_a_family_describes_itself(name: str):
    family_task = registry.families()[name]
    module = type(family_task).__module__.removeprefix("vizbench.generators.")
    assert family_task.family == name == module.partition(".")[0].replace("_", "-")
    assert family_task.version >= 1
    assert family_task.summary.endswith(".")
    assert family_task.summary.count(".") == 1
    assert isinstance(family_task.metric, Metric)
    assert isinstance(family_task.reasoning, Reasoning)
    assert 0 <= family_task.min_distance < 1
    assert 2 <= family_task.codes <= 256
    assert registry.spec(name).name == f"{name}/{next(iter(family_task.variants))}"


@every_family
def test_variants_are_different_tasks(name: str):
    records = [
        json.dumps(params_json(params), sort_keys=True)
        for params in registry.families()[name].variants.values()
    ]
    assert len(set(records)) == len(records)


@every_task
def test_params_are_plain_and_come_back_from_their_name(name: str):
    spec = registry.spec(name)
    assert all(type(value) in (int, float, str, bool) for value in params_json(spec.params).values())
    assert registry.spec(name, params_json(spec.params)) == spec
    texts = {key: str(value) for key, value in params_json(spec.params).items()}
    assert registry.spec(name, texts).params == spec.params


NONSENSE: dict[type, tuple[object, ...]] = {
    int: (-1, 10**12, "x", "", None, 1.5, True, [1]),
    float: (math.nan, math.inf, -1.0, 10.0**9, "x", None, True),
    str: ("", "nonsense", "\0", "x" * 10**5, None, 3),
    bool: ("maybe", 2, None, 0.0),
}


@every_family
def test_nonsense_parameters_are_refused_in_one_sentence(name: str):
    for field, value in params_json(registry.spec(name).params).items():
        for nonsense in NONSENSE[type(value)]:
            with pytest.raises(vb.UserError) as caught:
                registry.spec(name, {field: nonsense})
            assert 10 < len(str(caught.value)) < 400
            assert "\n" not in str(caught.value)
    with pytest.raises(vb.UserError, match="unknown parameter"):
        registry.spec(name, {"no such parameter": 1})


# Where the bytes come from


@every_task
def test_batches_are_grids_of_known_codes(name: str):
    spec, batch = made(name)
    for grids in (batch.question, batch.target):
        assert grids.dtype == np.uint8
        assert grids.ndim == 3
        assert len(grids) == N
        assert grids.flags.c_contiguous
        assert int(grids.max()) < spec.task.codes
    for facts in batch.facts.values():
        assert len(facts) == N
        json.dumps(facts.tolist())
    features = spec.task.features(spec.params, batch)
    assert features.dtype == np.uint8
    assert features.ndim == 2
    assert len(features) == N


@every_task
def test_a_row_depends_on_its_own_key_only(name: str):
    spec, batch = made(name)
    order = np.random.default_rng(1).permutation(N)
    permuted = spec.task.generate_batch(spec.params, KEYS[order])
    alone = spec.task.generate_batch(spec.params, KEYS[5:6])
    for whole, shuffled, one in (
        (batch.question, permuted.question, alone.question),
        (batch.target, permuted.target, alone.target),
        *((batch.facts[f], permuted.facts[f], alone.facts[f]) for f in batch.facts),
    ):
        assert np.array_equal(shuffled, whole[order])
        assert np.array_equal(one, whole[5:6])
    assert len(np.unique(batch.question, axis=0)) > N // 2


@every_task
def test_no_keys_give_no_rows(name: str):
    spec = registry.spec(name)
    assert len(spec.task.generate_batch(spec.params, KEYS[:0])) == 0


# What is right


@every_task
def test_the_target_is_right(name: str):
    for instance in instances(name):
        verdict = verdict_of_answer(name, instance, instance.target)
        assert (verdict.valid, verdict.exact, verdict.cells) == (True, True, 1.0)


@every_task
def test_the_solver_is_right_and_keeps_the_question(name: str):
    spec, _ = made(name)
    for instance in instances(name):
        question = instance.question.copy()
        answer = spec.task.solve(spec.params, question)
        assert verdict_of_answer(name, instance, answer).valid
        assert np.array_equal(question, instance.question)


@every_task
def test_the_steps_hold_the_target_where_the_answer_stands(name: str):
    at = registry.spec(name).task.answer_at
    for instance in instances(name):
        steps = instance.steps
        assert steps.dtype == np.uint8
        assert steps.ndim == 3
        assert len(steps) >= 1
        assert np.array_equal(steps[at], instance.target)


@every_task
def test_difficulty_is_measured_between_0_and_1(name: str):
    spec, _ = made(name)
    for instance in instances(name):
        figures = spec.task.difficulty(spec.params, instance.question, instance.target)
        assert json.loads(json.dumps(dict(figures))) == dict(figures)
        assert 0 <= figures["score"] <= 1
        assert len(figures) > 1


@every_task
def test_distance_is_a_share_of_the_features(name: str):
    spec, batch = made(name)
    rows = spec.task.features(spec.params, batch).tolist()
    for a, b in ((0, 0), (0, 1), (1, 0), (2, 3)):
        pairs = list(zip(rows[a], rows[b], strict=True))
        if spec.task.metric is Metric.JACCARD:
            pairs = [(x > 0, y > 0) for x, y in pairs if x or y]
        share = sum(x != y for x, y in pairs) / max(len(pairs), 1)
        assert spec.task.distance(instances(name)[a], instances(name)[b]) == pytest.approx(share)


# What is wrong


@every_task
def test_a_changed_target_is_not_exact(name: str):
    spec, _ = made(name)
    for instance in instances(name):
        for grid in mutants(instance, spec.task.codes):
            verdict = verdict_of_answer(name, instance, grid)
            assert not verdict.exact
            assert verdict.cells == np.mean(grid == instance.target)


@every_task
def test_blank_random_and_copied_answers_are_verified(name: str):
    spec, batch = made(name)
    rng = np.random.default_rng(2)
    for instance in instances(name):
        shape = instance.target.shape
        verdict_of_answer(name, instance, instance.question)
        for code in range(spec.task.codes):
            verdict_of_answer(name, instance, np.full(shape, code, np.uint8))
        noise = rng.integers(0, spec.task.codes, shape)
        assert verdict_of_answer(name, instance, noise).exact == np.array_equal(noise, instance.target)
        verdict_of_answer(name, instance, batch.target[instance.index - 1])


@every_family
def test_hostile_answers_are_wrong_and_never_raise(name: str):
    name = registry.spec(name).name
    instance = instances(name)[0]
    for answer in hostile(instance.target):
        verdict = verdict_of_answer(name, instance, answer)
        assert (verdict.valid, verdict.exact) == (False, False)


@every_family
def test_integers_of_any_kind_are_read(name: str):
    name = registry.spec(name).name
    instance = instances(name)[0]
    target = instance.target
    kinds = [target.astype(kind) for kind in ("i1", "u2", ">i4", "i8", "u8")]
    rows = (list(target), [target[0].tolist(), *target[1:].astype("u8")], [tuple(row) for row in target])
    for answer in (
        *kinds,
        *rows,
        target.tolist(),
        tuple(map(tuple, target.tolist())),
        np.asfortranarray(target),
    ):
        assert verdict_of_answer(name, instance, answer).exact


@every_family
def test_an_instance_with_a_foreign_question_is_verified_without_raising(name: str):
    """Instances come from files too: a question there may be anything of the right form."""
    spec, batch = made(registry.spec(name).name)
    rng = np.random.default_rng(3)
    h, w = batch.target.shape[1:]
    for shape in ((h, w), (1, 1), (2, 3), (h + 2, w + 2)):
        for question in (np.zeros(shape, np.uint8), rng.integers(0, spec.task.codes, shape).astype(np.uint8)):
            for answer in (question, rng.integers(0, spec.task.codes, shape).astype(np.uint8)):
                stored = Instance(spec.name, spec.params, 0, "test", 0, question, question, question[None])
                verdict = spec.task.verify(stored, answer)
                assert (verdict.reason == "") == verdict.valid
                verdict_of_process(spec.name, stored, [answer])
                verdict_of_process(spec.name, stored, [question, answer])


@every_family
def test_a_question_of_another_size_than_its_target_is_verified_without_raising(name: str):
    """A file may hold such a row: no answer to it is right, unless the task `resizes`."""
    name = registry.spec(name).name
    spec, instance = registry.spec(name), instances(name)[0]
    question, target = instance.question, instance.target
    small = np.zeros((3, 3), np.uint8)
    for asked, right in (
        (question, target[:-1, :-1]),
        (question[:-1, :-1], target),
        (question, small),
        (small, target),
    ):
        stored = Instance(name, spec.params, 0, "test", 0, asked, right, right[None])
        processes = ([right], [asked, right], [right, right, right], list(instance.steps))
        verdicts = [
            spec.task.verify(stored, right),
            *(verdict_of_process(name, stored, process) for process in processes),
        ]
        h, w = asked.shape
        fault = (
            f"the question is {h}x{w} and its target {right.shape[0]}x{right.shape[1]}, so no answer is right"
        )
        assert spec.task.resizes or {(verdict.valid, verdict.reason) for verdict in verdicts} == {
            (False, fault)
        }


# How it looks


@every_task
def test_pictures_are_read_back(name: str):
    spec, batch = made(name)
    family_task = spec.task
    assert len(palette(family_task.look.palette)) >= family_task.codes
    rng = np.random.default_rng(4)
    for grid in (
        batch.question[0],
        batch.target[0],
        rng.integers(0, family_task.codes, batch.target.shape[1:]).astype(np.uint8),
    ):
        image = vb.render(grid, family_task.look)
        assert image.dtype == np.uint8
        for shape in (grid.shape, None):
            answer = vb.decode(image, family_task.look, shape)
            assert isinstance(answer, vb.Answer)
            assert np.array_equal(answer.grid, grid)
            assert np.all(answer.confidence > 0.9)


@every_task
def test_rows_of_a_data_set_come_back_from_json(name: str):
    split = vb.load(name, seed=3).train
    row = split[0]
    line = encode(row, True)
    spec = registry.spec(name)
    again = instance_of(msgspec.json.decode(line, type=Row), 0, split.spec, spec.task, spec.params)
    for grids, expected in (
        (again.question, row.question),
        (again.target, row.target),
        (again.steps, row.steps),
    ):
        assert np.array_equal(grids, expected)
    assert (again.id, again.params, again.meta) == (row.id, row.params, dict(row.meta))
    assert encode(again, True) == line
    assert vb.verify(again, row.target).exact
    assert vb.verify_steps(again, row.steps).exact


# The same without the compiler, and with its bounds checks


SLOW = ("key-door", "rush-hour", "sokoban")
"""Families whose searches take minutes without the compiler."""
SMALL = ["life/seeds", "langton/10", *(registry.spec(family).name for family in sorted(registry.families()))]
PARTS = "guess_is or row_depends or target_is_right or solver_is_right or changed_target or stored_process"
MODES = {
    "NUMBA_DISABLE_JIT": f"({PARTS}) and ({' or '.join(SMALL)}) and not ({' or '.join(SLOW)})",
    # Kernels of pictures, and of the filter that `load` runs, are the same for all variants of a family.
    "NUMBA_BOUNDSCHECK": f"{PARTS} or difficulty or ((pictures or come_back) and ({' or '.join(SMALL)}))",
}


@pytest.mark.parametrize("switch", MODES)
def test_a_part_of_the_contract_in_another_mode(switch: str):
    """Kernels must not lean on what only compiled code does, nor read outside their arrays."""
    here = Path(__file__)
    suites = [str(here), *(str(here.with_name(f"test_{name}.py")) for name in ("trajectories", "guesses"))]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *suites,
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    result = subprocess.run(
        [*command, "-k", MODES[switch]],
        cwd=here.parents[1],
        env={**os.environ, switch: "1", "PYTEST_ADDOPTS": "", "NUMBA_OPT": "1"},  # compiling takes nearly all
        capture_output=True,
        text=True,
        timeout=1800,  # against a hang: to compile all anew with checks takes a loaded machine over 5 minutes
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert " passed" in result.stdout
