"""Test that frozen suites are what this version makes, and that a change is reported before a run begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from vizbench.errors import UserError
from vizbench.harness.plan import frozen
from vizbench.harness.plan.frozen import FrozenSuite, FrozenTask
from vizbench.harness.plan.plan import Plan
from vizbench.harness.run.run import run
from vizbench.seeds import stream
from vizbench.task.registry import spec

SMALL = FrozenSuite("0.0", 3, 20, (0, 4), (FrozenTask("life/conway", spec("life").task.version, ()),))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FrozenSuite:
    """Make `small-v1` the only frozen suite, with the digests of today."""
    monkeypatch.setattr(frozen, "FOLDER", tmp_path)
    digests = tuple(frozen.digest("life/conway", seed, SMALL.pool, SMALL.n_test) for seed in SMALL.seeds)
    return store(msgspec.structs.replace(SMALL, tasks=(changed(SMALL.tasks[0], digests=digests),)))


def changed(task: FrozenTask, **values: object) -> FrozenTask:
    return msgspec.structs.replace(task, **values)


def store(suite: FrozenSuite) -> FrozenSuite:
    (frozen.FOLDER / "small-v1.json").write_bytes(msgspec.json.encode(suite))
    frozen.read.cache_clear()
    return suite


def plan(**values: Any) -> Plan:
    options: dict[str, Any] = {"suite": "small-v1", "n_test": 3, "pool": 20, "shots": (2,)}
    return Plan(**options | values)


@pytest.mark.parametrize("suite", frozen.suites())
def test_every_frozen_suite_is_what_this_version_makes(suite: str) -> None:
    """Checks one seed of each task, drawn by its name: all of them take minutes."""
    kept = frozen.read(suite)
    assert len(kept.tasks) == 20
    assert {trial.task for trial in Plan(suite=suite).trials()} == set(kept.names())
    for task in kept.tasks:
        assert len(set(task.digests)) == len(kept.seeds)
    frozen.check(suite, [(task.task, kept.seeds[stream(task.task) % len(kept.seeds)]) for task in kept.tasks])


def test_the_same_questions_are_measured(small: FrozenSuite, tmp_path: Path) -> None:
    assert {trial.task for trial in plan().trials()} == {"life/conway"}
    outcomes = run(plan(models=("copy",), seeds=(0, 4)), tmp_path / "run")
    assert not any(outcome.error for outcome in outcomes)


def test_other_questions_are_refused_before_anything_is_written(small: FrozenSuite, tmp_path: Path) -> None:
    (task,) = small.tasks
    for other, reason in (
        (
            changed(task, version=99),
            r"life/conway \(version 99 there, \d+ here\): install a .* \(vizbench 0.0 wrote",
        ),
        (changed(task, digests=task.digests[::-1]), r"life/conway \(version \d+, seed 0\)"),
    ):
        store(msgspec.structs.replace(small, tasks=(other,)))
        with pytest.raises(UserError, match=f"suite small-v1 has other test questions .* for {reason}"):
            run(plan(), tmp_path / "run")
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"n_test": 4}, "suite small-v1 has n_test 3 and the plan says 4: leave n_test out"),
        ({"pool": 5}, "suite small-v1 has pool 20 and the plan says 5: leave pool out"),
        ({"seeds": (0, 1)}, "suite small-v1 has the seeds 0, 4 and the plan says 1: choose among these"),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_plan_with_other_questions_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        plan(**values)
