"""Share what the contract suites need: instances, coherent verdicts, objects that are no answers."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import numpy as np
import pytest

import vizbench as vb
from vizbench import seeds
from vizbench.task import registry
from vizbench.task.registry import TaskSpec
from vizbench.types import Batch, Grid, Instance, Verdict

N = 16
KEYS = seeds.keys(seeds.stream("contract"), 0, N)

every_task = pytest.mark.parametrize("name", vb.tasks())
every_family = pytest.mark.parametrize("name", sorted(registry.families()))


@functools.cache
def made(name: str) -> tuple[TaskSpec, Batch]:
    spec = registry.spec(name)
    return spec, spec.task.generate_batch(spec.params, KEYS)


@functools.cache
def instances(name: str) -> tuple[Instance, ...]:
    spec, batch = made(name)
    rows = map(batch.pair, range(N))
    return tuple(
        Instance(name, spec.params, 0, "train", i, q, t, spec.task.steps(spec.params, q, t))
        for i, (q, t) in enumerate(rows)
    )


def verdict_of_answer(name: str, instance: Instance, answer: object) -> Verdict:
    """Return the verdict on an answer, after checking that its fields agree."""
    verdict = registry.spec(name).task.verify(instance, answer)
    assert (verdict.reason == "") == verdict.valid
    assert verdict.valid or not verdict.exact
    assert 0 <= verdict.cells <= 1
    assert (verdict.cells == 1) == verdict.exact
    assert all(math.isfinite(part) for part in verdict.parts.values())
    json.dumps(dict(verdict.parts))
    return verdict


def verdict_of_process(name: str, instance: Instance, process: object) -> Verdict:
    """Return the verdict on a process, after checking that its fields agree."""
    verdict = registry.spec(name).task.verify_steps(instance, process)
    assert (verdict.reason == "") == verdict.valid
    assert verdict.valid or not verdict.exact
    assert 0 <= verdict.cells <= 1
    assert 0 <= verdict.parts["legal"] <= 1
    assert verdict.parts["legal"] == 1 or not verdict.valid
    json.dumps(dict(verdict.parts))
    return verdict


def mutants(instance: Instance, codes: int) -> list[Grid]:
    """Return copies of the target with one cell changed, then with several."""
    rng = np.random.default_rng(instance.index)
    changed: list[Grid] = []
    for cells in (1, 1, 1, 1, 2, 5):
        grid = instance.target.copy()
        for place in rng.choice(grid.size, min(cells, grid.size), replace=False):
            grid.flat[place] = (int(grid.flat[place]) + int(rng.integers(1, codes))) % codes
        changed.append(grid)
    return changed


class Evil:
    """An object whose every conversion fails."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no")

    def __len__(self) -> int:
        raise ValueError("no length")

    def __getitem__(self, _: object) -> object:
        raise MemoryError


class Liar:
    """An object that returns a text if an array is asked for."""

    def __array__(self, *_: object, **__: object) -> Any:
        return "an array"


def hostile(target: Grid) -> list[object]:
    """Return objects that are no answer to a question whose target is `target`."""
    h, w = target.shape
    turned = target.T if h != w else target[:-1, :-1]
    return [
        None,
        "",
        "[[0]]",
        b"\x00" * target.size,
        0,
        math.nan,
        [],
        [[]],
        [[0, 1], [0]],
        [[[0]]],
        {},
        {"grid": target.tolist()},
        {0, 1},
        object(),
        Evil(),
        Liar(),
        [Evil()],
        iter([[0]]),
        target.tolist()[:-1],
        target[None],
        target[:, :-1],
        np.pad(target, ((0, 1), (0, 0))),
        target.astype(np.float64),
        target.astype(np.float16) + 0.5,
        target.astype(complex),
        target.astype(object),
        target.astype(str),
        target.astype("V8"),
        np.full((h, w), np.datetime64("2020-01-01")),
        np.full((h, w), 255, np.uint8),
        np.full((h, w), -1),
        np.full((h, w), np.iinfo(np.int64).min),
        np.full((h, w), np.iinfo(np.uint64).max, np.uint64),
        target.astype(np.int64) + 256,
        [[1 << 70] * w] * h,
        np.zeros((1000, 1000), np.uint8),
        np.zeros((1, 10**6), np.uint8),
        np.zeros((0, w), np.uint8),
        np.zeros((), np.uint8),
        turned,
        np.ma.masked_array(target, mask=True),
        list(map(np.ma.masked_array, target)),
        [*target[:-1], np.ma.masked_array(target[-1], mask=True)],
        [[np.ma.masked] * w] * h,
        list(target.astype(float)),
        target.astype(float).tolist(),
        target.astype(str).tolist(),
        [*target.tolist()[:-1], [None] * w],
        [[np.array(code) for code in row] for row in target],
        [[0] * 10**6] * 10**6,
        [["x" * 10**6] * 1000] * 1000,
        [[0] * w] * 10**6,
        range(10**12),
        [range(w)] * h,
        _endless(),
    ]


def _endless() -> list[object]:
    """Return a list that is its own only item."""
    rows: list[object] = []
    rows.append(rows)
    return rows
