"""Two launched processes train one model to what one process trains it to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra [models] is not installed")

import torch
from safetensors.torch import load_file

from tests.baselines import tiny_llm, tiny_video
from vizbench.errors import UserError
from vizbench.harness import team

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
"""What `torchrun` starts; `accelerate launch` wants MPI on CPUs. The processes meet by gloo."""

CASES = {
    "qwen3": "lr=0.01&rank=8&batch=2&accumulation=2&steps=6&keep=true&save_every=2",
    "ltx": "lr=0.01&rank=4&batch=3&steps=3&dtype=float32&sampling_steps=2&checkpointing=false",
}
"""An odd batch: shares of two clips and of one."""


@pytest.mark.parametrize("family", CASES)
def test_two_processes_leave_the_records_of_one(family: str, tmp_path: Path) -> None:
    folder = tiny_llm.write("qwen3", tmp_path / "m") if family == "qwen3" else tiny_video.ltx(tmp_path / "m")
    task = "life/conway?height=6&width=6"
    words = ("eval", "--task", task, "--shots", "4", "--n-test", "3", "--model", family)
    found: list[tuple[list[Any], float, dict[str, Any]]] = []
    for launcher in ((), LAUNCH):
        place = tmp_path / f"with-{len(launcher)}"
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "VIZBENCH_HOME": str(place / "home"),
            "OMP_NUM_THREADS": "1",
        }
        command = (sys.executable, *launcher, "-m", "vizbench", *words, "--checkpoint", f"{folder}?{CASES[family]}")
        done = subprocess.run(
            [*command, "--out", str(place / "run")], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("report.html") == 1  # the second process says nothing
        found.append(_left(place, family))
    (one, loss, adapter), (two, shared, together) = found
    assert one == two
    assert loss == pytest.approx(shared, rel=1e-5)
    assert adapter.keys() == together.keys()
    assert all(torch.allclose(adapter[name], together[name], atol=1e-4) for name in adapter)
    assert any(bool(adapter[name].any()) for name in adapter if "lora_B" in name)


def _left(place: Path, family: str) -> tuple[list[Any], float, dict[str, Any]]:
    """A run's records without their times, its last loss, and the adapter."""
    (session,) = (path for path in (place / "run").rglob("sessions.jsonl") if family in str(path.relative_to(place)))
    lines = (session.parent / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) | {"seconds": 0} for line in lines]
    assert len(records) == 3
    (adapter,) = (path for path in (place / "home" / "adapters").rglob("*.safetensors") if "training" not in path.name)
    return records, json.loads(session.read_text())["figures"]["loss"], load_file(adapter)


def test_launched_processes_start_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    team.check(4)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    team.check(1)
    with pytest.raises(UserError, match=r"--jobs 4 .* accelerate has launched 2 processes"):
        team.check(4)
