"""Test that the commands of docs/scale.md run: an array job, its merge, and Ray on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_commands import ROOT, blocks, commands, in_new_process
from vizbench.formats.reader import check

PAGE = "docs/scale.md"


def array_job() -> str:
    (script,) = (body for kind, body in blocks(PAGE) if kind == "bash" and body.startswith("#!/bin/bash"))
    return script


def test_the_array_job_and_its_merge_run(tmp_path: Path) -> None:
    script = array_job()
    tasks = re.findall(r"#SBATCH --array=0-(\d+)\n", script)
    assert len(tasks) == 1
    for number in range(int(tasks[0]) + 1):
        job = f'set -e\nvizbench() {{ "{sys.executable}" -m vizbench "$@"; }}\n{script}'
        settings = {"PYTHONPATH": str(ROOT), "SLURM_ARRAY_TASK_ID": str(number)}
        subprocess.run(["bash", "-c", job], cwd=tmp_path, env=os.environ | settings, check=True)
    merges = [command for command in commands(PAGE) if command.startswith("vizbench merge")]
    for command in merges:
        done = in_new_process(command, tmp_path)
        assert done.returncode == 0, done.stderr
    assert check(tmp_path / "life").rows == 10_000
    assert (tmp_path / "run" / "report.html").exists()
    assert len(merges) + 1 == len(commands(PAGE))


def test_the_command_on_ray_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'vizbench[ray]'")
    (command,) = (command for command in commands(PAGE) if "--engine ray" in command)
    monkeypatch.setenv("RAY_ADDRESS", "local")  # not the cluster of another test
    done = in_new_process(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert check(tmp_path / "ray-life").rows == 10_000
