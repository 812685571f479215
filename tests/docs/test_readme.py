"""The README tells the truth: every command and every snippet in it runs, and its generated blocks are up to
date."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import vizbench as vb
from vizbench.dataset import generated_dataset
from vizbench.task import TaskSpec

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line[2:]
    for kind, body in BLOCKS
    if kind == "console"
    for line in body.splitlines()
    if line.startswith("$ ")
]
SNIPPETS = [body for kind, body in BLOCKS if kind == "python"]


def snippet(first_line: str) -> str:
    """The Python block that begins with this line."""
    (found,) = (body for body in SNIPPETS if body.startswith(first_line))
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A `vizbench ...` command in a folder, by this interpreter and these sources."""
    words = shlex.split(command)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_are_ours_or_make() -> None:
    assert COMMANDS
    assert {command.split()[0] for command in COMMANDS} == {"vizbench", "make"}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    made = [command.split()[1] for command in COMMANDS if command.startswith("make")] + re.findall(
        r"`make (\w+)`", README
    )
    assert set(made) <= set(targets)
    assert {"demo", "test"} <= set(made)


def test_every_command_runs_in_the_order_of_the_readme(tmp_path: Path) -> None:
    (tmp_path / "my_model.py").write_text(snippet("# my_model.py"), encoding="utf-8")
    for command in COMMANDS:
        if command.startswith("make"):
            continue
        if command.startswith("vizbench verify"):
            files = [path.read_text() for path in (tmp_path / "mazes").glob("*.jsonl")]
            rows = [json.loads(line) for text in files for line in text.splitlines()]
            answers = [json.dumps({"id": row["id"], "answer": row["target"]}) for row in rows]
            (tmp_path / "answers.jsonl").write_text("\n".join(answers) + "\n")
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "way.gif").read_bytes().startswith(b"GIF8")
    assert "</html>" in (tmp_path / "first.html").read_text(encoding="utf-8")
    assert "my-model" in (tmp_path / "mazes.html").read_text(encoding="utf-8")


def module(name: str, source: str, folder: Path) -> ModuleType:
    """A snippet as a module, from a file as a user would have it."""
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # dataclasses look their module up
    try:
        spec.loader.exec_module(loaded)
    finally:
        del sys.modules[name]
    return loaded


def test_the_start_snippet_says_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = module("start", snippet("import vizbench as vb"), tmp_path)
    assert capsys.readouterr().out == "True True 1.0\n"
    assert start.batch.question.shape == start.batch.target.shape == (1000, 8, 8)
    assert start.picture.dtype == np.uint8 and start.picture.shape[2] == 3
    assert isinstance(start.text, str)


def test_the_room_of_the_readme_is_a_room(tmp_path: Path) -> None:
    task = module("mirror", snippet("# vizbench/generators/mirror.py"), tmp_path).TASK
    for variant, params in task.variants.items():
        split = generated_dataset(TaskSpec(f"mirror/{variant}", task, params), seed=0, pool=50).test
        for instance in split.head(20):
            assert task.verify(instance, instance.target).valid
            assert task.verify(instance, 1 - instance.target).reason
            guess = task.guess(task.variants[variant], instance.question, 5)
            assert guess.shape == instance.target.shape
            assert 0 < guess.mean() < 1
    with pytest.raises(vb.UserError, match="size=1 is outside"):
        task.variants["small"].__class__(size=1)


def test_the_model_of_the_readme_has_fifteen_lines_of_code() -> None:
    lines = [
        line for line in snippet("# my_model.py").splitlines() if line.strip() and not line.startswith("#")
    ]
    assert len(lines) <= 15


def test_generated_blocks_are_up_to_date(tmp_path: Path) -> None:
    script = module("readme_script", (ROOT / "scripts" / "readme.py").read_text(encoding="utf-8"), tmp_path)
    assert script.block(README, "tasks") == script.tasks_table(), "run: python scripts/readme.py"
    embedded = (ROOT / "docs" / "embedded.md").read_text(encoding="utf-8")
    assert script.block(README, "results") == script.block(embedded, "results"), (
        "run: python scripts/readme.py"
    )


def test_files_and_figures_that_it_names_exist() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(
        r"`((?:docs|vizbench|tests|benchmarks)/[\w./-]*)`", README
    )
    assert "docs/figure.png" in named
    assert not [name for name in named if not (ROOT / name).exists()]
