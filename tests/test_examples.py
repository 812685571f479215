"""Test that every script in `examples/` runs as its docstring says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
COMMAND = re.compile(r"^    (python|vizbench) (.+)$|`vizbench (.+?)`", re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    match = COMMAND.search(example.read_text(encoding="utf-8"))
    assert match is not None, "say in the docstring how to run it"
    words = shlex.split((match[2] or match[3]).replace("OUT", str(tmp_path / "out")))
    program = [sys.executable] if match[1] == "python" else [sys.executable, "-m", "vizbench"]
    paths = [str(ROOT / word) if word.startswith("examples/") else word for word in words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*program, *paths], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
