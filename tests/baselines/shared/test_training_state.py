"""Test that states are written by time, whole, in the background, and are gone when they are not needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from vizbench.baselines.language.train import OptimizerConfig, TrainingLoop
from vizbench.baselines.shared import training_state
from vizbench.baselines.shared.training_state import Snapshot, StateWriter, read_tensors
from vizbench.errors import UserError

CONFIG = OptimizerConfig(0.1, 1, "linear", (0.9, 0.999), 0.01, 1.0)


def loop() -> TrainingLoop:
    return TrainingLoop([("w", torch.nn.Parameter(torch.ones(4)))], CONFIG)


def backward(training: TrainingLoop, step: int) -> float:
    loss = (training.trained["w"] * (step + 1)).square().sum()
    loss.backward()
    return float(loss.detach())


def snapshot(number: int = 0) -> Snapshot:
    return Snapshot({"parameter/w": torch.full((4,), float(number))}, {})


def test_states_are_written_when_the_time_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(training_state.time, "monotonic", lambda: now[0])
    path, made = tmp_path / "new" / "state", list[int]()
    with StateWriter(path, 10) as writer:
        for minute in range(0, 35, 5):
            now[0] = 60.0 * minute

            def copy(minute: int = minute) -> Snapshot:
                made.append(minute)
                return snapshot(minute)

            writer.save_if_due(copy)
    assert made == [10, 20, 30]
    assert read_tensors(path)[0]["parameter/w"].tolist() == [30.0] * 4
    with StateWriter(path, 0) as never:
        never.save_if_due(lambda: pytest.fail("it was copied"))


def test_a_training_goes_on_while_its_state_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is not changed by later steps, and is written by another thread."""
    monkeypatch.setattr(training_state, "MINUTE", 0.0)
    training, threads, release = loop(), list[int](), threading.Event()
    true = Snapshot.write

    def slow(self: Snapshot, path: Path) -> None:
        threads.append(threading.get_ident())
        release.wait(20)
        true(self, path)

    monkeypatch.setattr(Snapshot, "write", slow)
    with StateWriter(tmp_path / "state", 1) as writer:
        writer.save_if_due(training._snapshot)
        with torch.no_grad():
            training.trained["w"].zero_()
        release.set()
    assert read_tensors(tmp_path / "state")[0]["parameter/w"].tolist() == [1.0] * 4
    assert threads != [threading.get_ident()]


def test_what_the_disk_refuses_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_state, "MINUTE", 0.0)
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "state"
    with pytest.raises(UserError, match="state cannot be written: there is a file of that name"):
        loop().run(3, lambda step: 0.0, lambda _: None, StateWriter(path, 1))
    with pytest.raises(KeyError, match="theirs"), StateWriter(path, 1) as writer:
        writer.save_if_due(snapshot)
        raise KeyError("theirs")


def test_a_training_that_is_done_leaves_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_state, "MINUTE", 0.0)
    training, seen = loop(), list[bool]()
    path = tmp_path / "state"
    training.run(
        5, lambda step: backward(training, step), lambda _: seen.append(path.exists()), StateWriter(path, 1)
    )
    assert any(seen)
    assert not path.exists()


CHILD = """
import os, signal, sys
from pathlib import Path
from tests.baselines.shared.test_training_state import backward, loop
from vizbench.baselines.shared import training_state
from vizbench.baselines.shared.training_state import StateWriter
training_state.MINUTE = 0.0
training = loop()
def report(progress):
    if progress.done == 6:
        os.kill(os.getpid(), signal.SIGKILL)
training.run(9, lambda step: backward(training, step), report, StateWriter(Path(sys.argv[1]), 1))
"""


def test_a_training_that_was_killed_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """The kill comes while a state is written. The one before it is whole."""
    whole: Any = loop()
    whole.run(9, lambda step: backward(whole, step), lambda _: None)
    path = tmp_path / "state"
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], env=os.environ | {"PYTHONPATH": "."}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    resumed, steps = loop(), list[int]()
    resumed.run(9, lambda step: backward(resumed, step), lambda p: steps.append(p.done), StateWriter(path, 1))
    assert steps[0] in (5, 6)
    assert torch.equal(whole.trained["w"], resumed.trained["w"])
    assert whole.loss == resumed.loss
