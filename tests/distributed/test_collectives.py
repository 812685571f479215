"""Test that two launched processes train one model to the same state as one process."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.support import tiny_language, tiny_video
from tests.support.commands import Run, refused
from vizbench.console.evaluate import dry_run
from vizbench.distributed import collectives
from vizbench.distributed.env import check_jobs
from vizbench.distributed.launch import relaunch
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.run.run import run as run_plan

ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "qwen3": "lr=0.01&rank=8&batch=4&steps=6&keep=true",
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
"""Arguments before and after the command.

With --cpu, `accelerate launch` starts one process unless MPI is installed. With --multi_gpu, the processes of
a machine without GPUs use gloo.
"""


Alone = Callable[[str], Path]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """Return a function that trains a family in one process, once. The folder holds its `model` and `one`."""

    @functools.cache
    def trained(family: str) -> Path:
        folder = tmp_path_factory.mktemp(family)
        _write(family, folder / "model")
        (folder / "one").mkdir()
        one = _run("-m", "vizbench", *_eval(family, folder / "model"), place=folder / "one")
        assert one.returncode == 0, one.stderr
        assert one.stdout.count("report.html") == 1
        return folder

    return trained


@pytest.mark.parametrize("family", CASES)
def test_two_processes_leave_the_records_of_one(family: str, alone: Alone, tmp_path: Path) -> None:
    words = _eval(family, alone(family) / "model")
    before, behind = LAUNCHERS[family]
    (tmp_path / "two").mkdir()
    two = _run(*before, "-m", "vizbench", *words, *behind, place=tmp_path / "two")
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("report.html") == 1  # the second process prints nothing
    _compare(alone(family) / "one", tmp_path / "two", family)


def test_two_nodes_leave_the_records_of_one(alone: Alone, tmp_path: Path) -> None:
    """Each node has one process and its own cache, as if it were another machine."""
    words = _eval("qwen3", alone("qwen3") / "model")
    for folder in ("node-0", "node-1"):
        (tmp_path / folder).mkdir()
    port = _free_port()
    nodes: list[subprocess.Popen[str]] = []
    for number in range(2):
        launcher = ("--nnodes", "2", "--node_rank", str(number), "--nproc_per_node", "1")
        meeting = ("--master_addr", "127.0.0.1", "--master_port", port)
        arguments = ("-m", "torch.distributed.run", *launcher, *meeting, "-m", "vizbench", *words)
        nodes.append(_start(*arguments, place=tmp_path / f"node-{number}"))
    outputs = _outputs(nodes)
    assert [node.returncode for node in nodes] == [0, 0], outputs
    assert [output.count("report.html") for output in outputs] == [1, 0]
    _compare(alone("qwen3") / "one", tmp_path / "node-0", "qwen3")


def _write(family: str, folder: Path) -> None:
    """Write a model of random weights."""
    if family == "qwen3":
        tiny_language.write("qwen3", folder)
    else:
        tiny_video.ltx(folder)


def _eval(family: str, folder: Path) -> tuple[str, ...]:
    """Return the command for a model in a folder."""
    task = "life/conway?height=6&width=6"
    sizes = ("--shots", "4", "--n-test", "3")
    return ("eval", "--task", task, *sizes, "--model", family, "--checkpoint", f"{folder}?{CASES[family]}")


def _start(*arguments: str, place: Path) -> subprocess.Popen[str]:
    """Start Python with these arguments, writing under `place`."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "VIZBENCH_HOME": str(place / "home"),
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(place),
    }
    return subprocess.Popen(
        [sys.executable, *arguments, "--out", str(place / "run")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _run(*arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    process = _start(*arguments, place=place)
    out, err = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def _outputs(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Return what the processes print, in the order of the list. Ends all of them."""
    try:
        return [process.communicate(timeout=600)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _compare(one: Path, other: Path, family: str) -> None:
    """Assert that two runs have the same records, and nearly the same loss and adapter."""
    records, loss, adapter = _results(one, family)
    other_records, other_loss, other_adapter = _results(other, family)
    assert records == other_records
    assert loss == pytest.approx(other_loss, rel=1e-5)
    assert adapter.keys() == other_adapter.keys()
    assert all(torch.allclose(adapter[name], other_adapter[name], atol=1e-4) for name in adapter)
    assert any(bool(adapter[name].any()) for name in adapter if "lora_B" in name)


def _results(place: Path, family: str) -> tuple[list[Any], float, dict[str, Any]]:
    """Return the records of a run without their times, its last loss, and the adapter."""
    runs = [path.parent for path in (place / "run").rglob("sessions.jsonl")]
    (run,) = [path for path in runs if family in str(path.relative_to(place))]
    lines = (run / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) | {"seconds": 0} for line in lines]
    assert len(records) == 3
    files = (place / "home" / "adapters").rglob("*.safetensors")
    (adapter,) = [path for path in files if not path.name.startswith("train")]
    return records, json.loads((run / "sessions.jsonl").read_text())["figures"]["loss"], load_file(adapter)


def test_what_one_of_them_refuses_all_of_them_exit_with(tmp_path: Path) -> None:
    words = ("eval", "--model", "qwen3", "--checkpoint", "nonsense", "--devices", "2")
    done = _run("-m", "vizbench", *words, place=tmp_path)
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
    done = _run("-m", "vizbench", *words, place=tmp_path)
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
    check_jobs(4, 1)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    relaunch(1, 1)  # launched by another launcher
    relaunch(2, 1)  # launched by this very option
    with pytest.raises(UserError, match="--devices 3 contradicts the 2 processes that were launched"):
        relaunch(3, 1)
    plan = Plan(models=("copy",), tasks=("life/conway",))
    with pytest.raises(UserError, match="--jobs 4 gives each process a model of its own, and 2 processes"):
        run_plan(plan, Path("nowhere"), jobs=4)
    with pytest.raises(UserError, match="--dry-run estimates the time of one process"):
        dry_run(plan, Path("nowhere"), 1, False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    # this process may know already that it is a single one
    monkeypatch.setattr(collectives, "process_state", collectives.process_state.__wrapped__)
    with pytest.raises(UserError, match="2 processes want a GPU each and this machine has 1"):
        collectives.device()  # each of them finds out


ONE_REFUSES = """
from vizbench.distributed import collectives
from vizbench.distributed.env import rank
from vizbench.distributed.followers import broadcast_trial, receive_trials, releasing
from vizbench.errors import UserError

def adapt(refusing):
    with collectives.shared_errors():
        if rank() == refusing:
            raise UserError("too little memory")
    print("trained", flush=True)

def attempt(refusing):
    try:
        adapt(refusing)
    except UserError as error:
        print(error, collectives.is_shared(error), flush=True)
        if rank() == 0:
            raise

if rank():
    for refusing in receive_trials():
        with collectives.shared_errors():
            pass
        attempt(refusing)
else:
    with releasing():
        for refusing in (0, 1, -1):
            try:
                with broadcast_trial(refusing):
                    attempt(refusing)
            except UserError:
                pass
"""

REFUSAL = "too little memory True"


def test_the_refusal_of_one_process_is_an_error_for_all_and_they_go_on() -> None:
    """Each process has its own memory."""
    assert _pair(ONE_REFUSES) == ([[REFUSAL, REFUSAL, "trained"]] * 2, [0, 0])


BROKEN_OFF = """
import torch
from vizbench.distributed import collectives
from vizbench.distributed.env import rank
from vizbench.distributed.followers import broadcast_trial, receive_trials, releasing
from vizbench.errors import UserError

def adapt():
    with collectives.shared_errors():
        pass
    if rank() == RANK:
        raise UserError("the GPU is full")
    collectives.all_reduce_gradients([torch.nn.Parameter(torch.ones(3))], 1.0)

if rank():
    for _ in receive_trials():
        with collectives.shared_errors():
            pass
        adapt()
else:
    with releasing():
        for _ in range(2):
            try:
                with broadcast_trial("trial"):
                    adapt()
            except UserError as error:
                print(error, collectives.is_shared(error), flush=True)
"""


def test_an_error_of_rank_0_within_a_training_ends_all_processes() -> None:
    outputs, codes = _pair(BROKEN_OFF.replace("RANK", "0"), wait_for=0)
    first, second = outputs[0]
    assert first == "the GPU is full False"
    assert second.startswith("a training broke off that other processes still wait in: give the same command")
    assert codes[0] != 0  # 1, or an abort of gloo at the end; the launcher then ends the others


def test_an_error_of_another_rank_within_a_training_ends_that_process() -> None:
    assert _pair(BROKEN_OFF.replace("RANK", "1"), wait_for=1)[1][1] == 1


def test_processes_that_differ_are_refused() -> None:
    program = """
from vizbench.distributed import collectives
from vizbench.distributed.env import rank
from vizbench.errors import UserError
collectives.require_equal("step", 3)
try:
    collectives.require_equal("step", rank())
except UserError as error:
    print(error, collectives.is_shared(error), flush=True)
collectives.leave()
"""
    outputs, codes = _pair(program)
    assert codes == [0, 0]
    assert outputs[0] == outputs[1]
    assert outputs[0][0].startswith(
        "step differs between the processes (0, 1): set VIZBENCH_HOME to a folder"
    )
    assert outputs[0][0].endswith("True")


def _pair(program: str, wait_for: int | None = None) -> tuple[list[list[str]], list[int]]:
    """Return the lines and exit codes of a program in two processes.

    wait_for: the rank after whose end the other process is ended, as the launcher does.
    """
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program],
            env=os.environ
            | meeting
            | {"RANK": number, "LOCAL_RANK": number, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, text=True,
        )
        for number in ("0", "1")
    ]  # fmt: skip
    if wait_for is not None:
        processes[wait_for].wait(timeout=120)
        processes[1 - wait_for].kill()
    outputs = [output.splitlines() for output in _outputs(processes)]
    return outputs, [process.returncode for process in processes]
