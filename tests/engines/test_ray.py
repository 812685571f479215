"""Test data sets and runs on a Ray cluster of three nodes that loses nodes, workers and drivers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engines.conftest import ROOT, Nodes
from tests.support import units
from tests.support.commands import Run, refused
from tests.support.small_runs import predictions, small_plan
from vizbench import formats, loading
from vizbench.engines.engine import Engine
from vizbench.engines.ray import RayEngine
from vizbench.engines.schedule import each, results
from vizbench.errors import UserError
from vizbench.formats import carried, writer
from vizbench.harness.run import run as running
from vizbench.harness.run.trial import Event

PLAN = small_plan(shots=(3, 5), n_test=40, attempts=2)
MAZES = 30_000
"""Rows of the data set that storms make."""


@pytest.fixture
def engine(nodes: Nodes) -> Generator[Engine]:
    with RayEngine(nodes.address) as engine:
        yield engine


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the plan's run by this process. Tests only read it."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    running.run(PLAN, folder)
    return folder


@pytest.fixture(scope="module")
def mazes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a data set that this process made. Tests only read it."""
    folder = tmp_path_factory.mktemp("mazes") / "here"
    formats.write(loading.load("maze/9").train, MAZES, folder)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_order(out: Path) -> dict[str, Any]:
    """Return the records by trial, sorted: a resumed run may have another order within a group."""
    return {
        name: sorted(records, key=lambda record: (record.id, record.attempt))
        for name, records in predictions(out).items()
    }


@contextmanager
def accidents(kinds: str) -> Generator[list[str]]:
    """Yield what `happen` makes happen within the block."""
    left = list(kinds)
    yield left
    assert not left, "not all accidents happened, or the test does not show much"


def happen(nodes: Nodes, left: list[str]) -> None:
    """Lose a node (n) or kill a worker (w), if one is left to happen."""
    if left and left[0] == "n":
        nodes.lose()
        nodes.add()
        left.pop(0)
    elif left and nodes.kill_worker():
        left.pop(0)


def test_results_come_in_order_and_errors_are_raised(engine: Engine, nodes: Nodes) -> None:
    assert list(results(engine, each(units.square), iter(range(7)))) == [k * k for k in range(7)]
    with pytest.raises(UserError, match="there is no two"):
        list(results(engine, each(units.fail_at_two), iter(range(9))))


def test_a_data_set_made_while_nodes_are_lost_is_the_local_one(
    engine: Engine, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each shard comes in several pieces, so that losses come between them."""
    monkeypatch.setattr(writer, "SHARD_ROWS", 8)
    split = loading.load("maze/9").train
    formats.write(split, 60, tmp_path / "here", formats.Settings("png"))
    with accidents("nw") as left:
        watch = carried.Receiver.watch

        def watched(receiver: carried.Receiver, event: Any) -> None:
            watch(receiver, event)
            happen(nodes, left)

        monkeypatch.setattr(carried.Receiver, "watch", watched)
        formats.write(
            split, 60, tmp_path / "there", formats.Settings("png"), formats.Execution(engine=engine)
        )
    assert files(tmp_path / "there") == files(tmp_path / "here")


def test_a_run_changes_engines_and_loses_a_node_and_a_worker(
    engine: Engine, nodes: Nodes, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    running.run(small_plan(shots=(3, 5), n_test=40, attempts=2, limit=7), out)
    with accidents("nw") as left:

        def report(event: Event) -> None:
            if event.kind == "predict" and "tests" in event.trial.model:
                happen(nodes, left)

        outcomes = running.run(PLAN, out, report, engine=engine)
    assert [outcome.error for outcome in outcomes] == [None] * 14
    assert in_order(out) == in_order(whole)
    assert files(out).keys() == files(whole).keys()


def start(nodes: Nodes, *words: object) -> subprocess.Popen[bytes]:
    """Start `vizbench ...` on the cluster, in the environment of an ordinary user."""
    command = [
        sys.executable,
        "-m",
        "vizbench",
        *map(str, words),
        "--engine",
        "ray",
        "--address",
        nodes.address,
    ]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": ROOT}, stdout=quiet, stderr=quiet)


def evaluate(out: Path) -> tuple[object, ...]:
    counts = ("--shots", "3,5", "--n-test", 40, "--attempts", 2)
    return ("eval", "--model", PLAN.models[0], "--task", PLAN.tasks[0], *counts, "--out", out)


def has_answers(out: Path) -> bool:
    """Return whether a trial of the model has begun to answer."""
    names = [trial.directory for trial in PLAN.trials() if trial.model == PLAN.models[0]]
    logs = [out / name / "records.jsonl" for name in names]
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def kill_when(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    """Kill a process as soon as a condition holds. It has two minutes to come true."""
    try:
        until = time.monotonic() + 120
        while not ready():
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()


def test_a_killed_driver_is_given_the_same_command_again(nodes: Nodes, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    kill_when(start(nodes, *evaluate(out)), lambda: has_answers(out))
    assert in_order(out) != in_order(whole)
    running.run(PLAN, out)
    assert in_order(out) == in_order(whole)


def test_a_killed_generate_continues_without_the_cluster(nodes: Nodes, tmp_path: Path) -> None:
    words = ("generate", "--task", "life/conway", "--n", 60_000, "--out", tmp_path / "there")
    kill_when(start(nodes, *words), lambda: bool(list(tmp_path.glob(".vizbench-*/finished.jsonl"))))
    counts: list[int] = []
    split = loading.load("life/conway").train
    formats.write(
        split,
        60_000,
        tmp_path / "there",
        execution=formats.Execution(resumed=lambda shards, _: counts.append(shards)),
    )
    formats.write(split, 60_000, tmp_path / "here")
    assert counts and counts[0] < 12
    assert files(tmp_path / "there") == files(tmp_path / "here")


def test_what_a_node_cannot_do_is_said(
    engine: Engine, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="needs the weights of nowhere/nothing"):
        running.run(small_plan("qwen3=nowhere/nothing"), tmp_path / "out", engine=engine)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("vizbench.engines.ray.__version__", "0.0")
    with RayEngine() as other, pytest.raises(UserError, match=r"has vizbench .* and this command 0\.0"):
        list(results(other, each(units.square), iter([1])))


def test_without_ray_or_a_cluster_the_way_out_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("generate", "--task", "life", "--n", 3, "--engine", "ray")
    if importlib.util.find_spec("ray") is not None:
        for address in ("127.0.0.1:1", "ray://127.0.0.1:10001", "here", "127.0.0.1:99999", ":1"):
            sentence = refused(run(*words, "--address", address))
            assert f"no Ray cluster answers at {address} (" in sentence and "--address 10.0.0.1" in sentence
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "--engine ray needs ray, which is not installed" in refused(run(*words))


def strike(nodes: Nodes, random: np.random.Generator) -> None:
    """Lose a random node, or kill a random worker."""
    if random.random() < 0.5:
        nodes.lose(int(random.integers(3)))
        nodes.add()
    else:
        nodes.kill_worker(int(random.integers(8)))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(int(os.environ.get("STORMS", "10"))))
def test_storms_lose_nothing(number: int, nodes: Nodes, whole: Path, mazes: Path, tmp_path: Path) -> None:
    """Kill drivers, workers and nodes at random times, and give the same command until it ends."""
    random = np.random.default_rng(number)
    there = tmp_path / "there"
    # A command that was killed just after its end is given again too.
    maze = ("generate", "--task", "maze/9", "--n", MAZES, "--overwrite", "--out", there)
    words = evaluate(there) if number % 2 else maze
    for kills in range(int(random.integers(1, 3)), -1, -1):
        process = start(nodes, *words)
        try:
            for _ in range(int(random.integers(1, 4))):
                time.sleep(float(random.uniform(0.5, 5)))
                strike(nodes, random)
            if not kills or process.poll() is not None:  # a fast one ends before it is killed
                assert process.wait(900) == 0
                break
        finally:
            process.kill()
            process.wait()
    if number % 2:
        assert in_order(there) == in_order(whole)
    else:
        assert files(there) == files(mazes)
