"""Test Ctrl-C and kills while data sets are written: all processes end at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

import vizbench
from tests.support import paused_process as places
from tests.support.paused_process import held
from vizbench import formats, loading
from vizbench._util.background import AbandonedError, run_in_background, stop_if_abandoned

GUARD = 30
"""Seconds after which something counts as hanging. On an idle machine everything ends within one."""

SEARCH = ("vizbench.dataset.leakage.make_candidates", 0)
TRIAL = ("vizbench.formats.writer._check_space", 0)


def entries(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


@pytest.mark.parametrize(
    ("place", "flags"),
    [
        (SEARCH, ()),  # in threads, as if a kernel were never to end
        (SEARCH, ("--workers", 2)),
        (TRIAL, ("--n", 21)),
        (places.IN_SHARD, ("--format", "png")),
        (places.BETWEEN_SHARDS, ("--format", "parquet")),
        (places.BEFORE_MANIFEST, ()),  # in the main thread
        (places.BETWEEN_RENAMES, ("--overwrite",)),
    ],
)
def test_ctrl_c_ends_every_phase(place: tuple[str, int], flags: tuple[object, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    if "--overwrite" in flags:
        formats.write(loading.load("life/conway").train, 5, out)
    with held(place, "--out", out, *flags) as child:
        child.send_signal(signal.SIGINT)
        said, faults = child.communicate(timeout=GUARD)  # it is not released
    assert (child.returncode, said) == (130, "")
    assert "Traceback" not in faults
    has_shards = place in (places.BETWEEN_SHARDS, places.BEFORE_MANIFEST, places.BETWEEN_RENAMES)
    assert [name[:9] for name in entries(tmp_path)] == [".vizbench"] * has_shards + ["out"] * (
        "--overwrite" in flags
    )
    if "--overwrite" in flags:
        assert formats.check(out).rows == 5


@contextmanager
def generating(out: Path, *arguments: object) -> Generator[subprocess.Popen[str]]:
    """Start a long `vizbench generate`, and wait for its first shard.

    With workers, wait for the second.
    """
    there = {**os.environ, "PYTHONPATH": str(Path(vizbench.__file__).parents[1])}
    command = [sys.executable, "-m", "vizbench", "generate", "--out", str(out), *map(str, arguments)]
    shard = f"train-0000{int('--workers' in arguments)}.jsonl"
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=there, start_new_session=True
    )
    with process:
        try:
            until = time.monotonic() + 120
            while not list(out.parent.glob(f".vizbench-*/new/**/{shard}")):
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the running processes that a process has started."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def end(pids: list[int]) -> None:
    until = time.monotonic() + GUARD
    while any(map(runs, pids)):
        assert time.monotonic() < until, "a worker outlived its parent"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--task", "chess/mate-in-3", "--n", 5000, "--seed", 1),  # 256 rows at a time take 20 s
        ("--task", "maze/9", "--n", 200_000, "--workers", 2),
    ],
)
def test_ctrl_c_ends_kernels_and_workers(arguments: tuple[object, ...], tmp_path: Path) -> None:
    with generating(tmp_path / "out", *arguments) as process:
        started = children(process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        said, faults = process.communicate(timeout=GUARD)
    assert (process.returncode, said) == (130, "")
    assert "Traceback" not in faults
    assert not (tmp_path / "out").exists()
    end(started)


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    with generating(tmp_path / "out", "--task", "maze/9", "--n", 200_000, "--workers", 2) as process:
        started = children(process)
        process.kill()
    assert len(started) >= 2
    end(started)
    formats.write(loading.load("life/conway").train, 2, tmp_path / "next")  # what it left does not interfere
    assert [name for name in entries(tmp_path) if name[0] != "."] == ["next"]


def test_a_wait_ends_before_the_call_and_the_call_soon_after() -> None:
    """In a notebook the process goes on, but the thread must not."""
    release, ended = threading.Event(), threading.Event()

    def call() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        release.wait()
        try:
            stop_if_abandoned()
        except AbandonedError:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_in_background(call)
    assert not ended.is_set()
    release.set()
    assert ended.wait(GUARD)
    stop_if_abandoned()  # this thread was not abandoned


def test_a_wait_gives_results_and_errors() -> None:
    assert run_in_background(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        run_in_background(lambda: 1 // 0)
