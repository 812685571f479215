"""Two launched processes train one model to what one process trains it to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.support import tiny_language, tiny_video
from tests.support.commands import Run, refused
from vizbench.console.evaluate import dry_run
from vizbench.distributed import collectives, coordinate
from vizbench.distributed import env as team
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.run.run import run as run_plan

ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "qwen3": "lr=0.01&rank=8&batch=2&accumulation=2&steps=6&keep=true&save_every=2",
    "ltx": "lr=0.01&rank=4&batch=3&steps=3&dtype=float32&sampling_steps=2&checkpointing=false",
}
"""An odd batch: shares of two clips and of one."""

LAUNCHERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "qwen3": ((), ("--devices", "2")),
    "ltx": (
        (
            "-m",
            "accelerate.commands.launch",
            "--multi_gpu",
            "--num_processes",
            "2",
            "--main_process_port",
            "0",
        ),
        (),
    ),
}
"""What stands before and behind the command. On CPUs the processes meet by gloo, also with --multi_gpu; with
--cpu `accelerate launch` starts one alone, for several it wants MPI."""


@pytest.mark.parametrize("family", CASES)
def test_two_processes_leave_the_records_of_one(family: str, tmp_path: Path) -> None:
    folder = (
        tiny_language.write("qwen3", tmp_path / "m") if family == "qwen3" else tiny_video.ltx(tmp_path / "m")
    )
    task = "life/conway?height=6&width=6"
    words = ("eval", "--task", task, "--shots", "4", "--n-test", "3", "--model", family)
    found: list[tuple[list[Any], float, dict[str, Any]]] = []
    for number, (before, behind) in enumerate((((), ()), LAUNCHERS[family])):
        place = tmp_path / f"run-{number}"
        place.mkdir()
        checkpoint = f"{folder}?{CASES[family]}"
        done = _started(*before, "-m", "vizbench", *words, "--checkpoint", checkpoint, *behind, place=place)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("report.html") == 1  # the second process says nothing
        found.append(_left(place, family))
    (one, loss, adapter), (two, shared, together) = found
    assert one == two
    assert loss == pytest.approx(shared, rel=1e-5)
    assert adapter.keys() == together.keys()
    assert all(torch.allclose(adapter[name], together[name], atol=1e-4) for name in adapter)
    assert any(bool(adapter[name].any()) for name in adapter if "lora_B" in name)


def _started(*arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, writing under `place`."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "VIZBENCH_HOME": str(place / "home"),
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(place),
    }
    return subprocess.run(
        [sys.executable, *arguments, *(("--out", str(place / "run")))],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _left(place: Path, family: str) -> tuple[list[Any], float, dict[str, Any]]:
    """A run's records without their times, its last loss, and the adapter."""
    (session,) = (
        path for path in (place / "run").rglob("sessions.jsonl") if family in str(path.relative_to(place))
    )
    lines = (session.parent / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) | {"seconds": 0} for line in lines]
    assert len(records) == 3
    (adapter,) = (
        path for path in (place / "home" / "adapters").rglob("*.safetensors") if "training" not in path.name
    )
    return records, json.loads(session.read_text())["figures"]["loss"], load_file(adapter)


def test_what_one_of_them_refuses_all_of_them_exit_with(tmp_path: Path) -> None:
    words = ("eval", "--model", "qwen3", "--checkpoint", "nonsense", "--devices", "2")
    done = _started("-m", "vizbench", *words, place=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("vizbench: unknown checkpoint of qwen3 'nonsense'")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_the_first_refuses_for_its_examples_the_others_do_not_wait_for(tmp_path: Path) -> None:
    checkpoint = f"{tiny_language.write('qwen3', tmp_path / 'm')}?max_length=9"
    words = (
        "eval",
        "--model",
        "qwen3",
        "--checkpoint",
        checkpoint,
        "--task",
        "life/conway",
        "--devices",
        "2",
    )
    done = _started("-m", "vizbench", *words, place=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("vizbench: qwen3 cannot adapt to life/conway at n = ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--devices", 2),
            "2 processes want a GPU each and this machine has 1: give --devices 1, or CUDA_VISIBLE_DEV",
        ),
        (("--devices", 0), "--devices 0 is outside 1 … 64"),
        (("--devices", 65), "--devices 65 is outside 1 … 64"),
        (
            ("--devices", 2, "--jobs", 4),
            "--jobs 4 gives each process a model of its own, and 2 processes are to train",
        ),
    ],
)
def test_devices_that_cannot_be_had_are_refused(
    words: tuple[object, ...], said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert said in refused(run("eval", *words))
    assert not list(tmp_path.iterdir())


def test_launched_processes_launch_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    team.check(4, 1)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    coordinate.gather(1, 1)  # launched by another launcher
    coordinate.gather(2, 1)  # launched by this very option
    with pytest.raises(UserError, match="--devices 3 contradicts the 2 processes that were launched"):
        coordinate.gather(3, 1)
    plan = Plan(models=("copy",), tasks=("life/conway",))
    with pytest.raises(UserError, match="--jobs 4 gives each process a model of its own, and 2 processes"):
        run_plan(plan, Path("nowhere"), jobs=4)
    with pytest.raises(UserError, match="--dry-run tells the time of one process"):
        dry_run(plan, Path("nowhere"), 1, False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(
        collectives, "_crew", collectives._crew.__wrapped__
    )  # this process may know already that it is alone
    with pytest.raises(UserError, match="2 processes want a GPU each and this machine has 1"):
        collectives.device()  # each of them finds out


ONE_REFUSES = """
from vizbench.distributed import collectives as crew
from vizbench.errors import UserError
from vizbench.distributed.env import rank
for refusing in (0, 1, None):
    crew.tell(b"cell") if not rank() else crew.hear()
    try:
        if rank() == refusing:
            raise UserError("too little memory")
        with crew.training():
            said = "trained"
    except UserError as error:
        crew.agree(str(error))
        said = str(error)
    print(said, crew.lost())
crew.dismiss() if not rank() else crew.hear()
"""


def test_what_one_of_them_alone_refuses_the_others_do_not_wait_for() -> None:
    """Memory is each process's own: the one that refuses says why, and they go on to the next cell
    together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", ONE_REFUSES],
            env=os.environ | where | {"RANK": number, "LOCAL_RANK": number, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, text=True,
        )
        for number in ("0", "1")
    ]  # fmt: skip
    try:
        told = [process.communicate(timeout=120)[0].splitlines() for process in started]
    finally:
        for process in started:
            process.kill()
    assert told == [["too little memory False", "too little memory False", "trained False"]] * 2
