"""Test that every command on a page runs, in the order of the page."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import Run

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md", "docs/data.md", "docs/train.md", "docs/evaluate.md", "docs/models.md", "docs/add-a-task.md",
    "docs/add-a-model.md",
)  # fmt: skip
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
INSTALL = ("pip install", "make ")
"""Commands that install what the tests need. They are not run again."""


def blocks(page: str) -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def commands(page: str) -> list[str]:
    lines: list[str] = []
    for kind, body in blocks(page):
        if kind == "console":
            lines += body.splitlines()
    return [line[2:] for line in lines if line.startswith("$ ")]


def in_new_process(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `vizbench ...` or `python FILE` in a folder, by this interpreter and these sources."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "120"}
    words = shlex.split(command)
    program = words[1:] if words[0] == "python" else ["-m", *words]
    return subprocess.run(
        [sys.executable, *program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def write_files(page: str, folder: Path) -> None:
    """Write the files that a page shows, by the name in the first line. TOML without a name is plan.toml."""
    for kind, body in blocks(page):
        name = re.match(r"# (\w+\.(?:py|toml))\n", body)
        if kind in ("python", "toml") and name is not None:
            (folder / name[1]).write_text(body, encoding="utf-8")
        elif kind == "toml":
            (folder / "plan.toml").write_text(body, encoding="utf-8")


def write_answers(folder: Path) -> None:
    """Write answers to the data set `mazes`, as an outside model would."""
    lines = (folder / "mazes" / "test-00000.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    answers = [json.dumps({"id": row["id"], "answer": row["target"]}) for row in rows]
    (folder / "answers.jsonl").write_text("\n".join(answers) + "\n", encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs(page: str, tmp_path: Path, run: Run) -> None:
    """Only the first command starts a process, with all warnings as errors.

    The others run in this one, which is faster.
    """
    write_files(page, tmp_path)
    runnable = [command for command in commands(page) if not command.startswith(INSTALL)]
    assert runnable
    for number, command in enumerate(runnable):
        program, *words = shlex.split(command)
        if program == "vizbench" and number > 0:
            done = run(*words)
            assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
        else:
            ended = in_new_process(command, tmp_path)
            assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        if command.endswith("--out mazes"):
            write_answers(tmp_path)
