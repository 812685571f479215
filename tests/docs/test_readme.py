"""Test that the README is true: its snippets run, its blocks are current, and it stays short."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from scripts import readme

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAX_WORDS = 1300
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def snippet(first_line: str) -> str:
    """Return the Python block that begins with this line."""
    (body,) = (text for text in SNIPPETS if text.startswith(first_line))
    return body


def module(name: str, source: str, folder: Path) -> ModuleType:
    """Import a snippet from a file, as a user would have it."""
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


def test_it_is_short() -> None:
    assert len(README.split()) <= MAX_WORDS


def test_blocks_are_current() -> None:
    assert readme.updated(README) == README, "run: python -m scripts.readme"


def test_the_start_snippet_says_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = module("start", snippet("import vizbench as vb"), tmp_path)
    assert capsys.readouterr().out == "True True 1.0\n"
    assert start.batch.question.shape == start.batch.target.shape == (1000, 8, 8)
    assert start.picture.dtype == np.uint8 and start.picture.shape[2] == 3
    assert isinstance(start.text, str)


def lines_of_code(source: str) -> int:
    lines = [line.strip() for line in source.splitlines()]
    return len([line for line in lines if line and not line.startswith("#")])


def test_the_examples_are_as_short_as_promised() -> None:
    assert lines_of_code(snippet("# own_model.py")) <= 15
    assert lines_of_code(snippet("# own_task.py")) <= 40


def test_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    made = set(re.findall(r"`make (\w+)`", README))
    assert made <= set(targets)
    assert {"demo", "test"} <= made


def test_files_that_it_names_exist() -> None:
    paths = re.findall(r"`((?:docs|vizbench|tests|benchmarks|examples)/[\w./-]*)`", README)
    assert [path for path in paths if not (ROOT / path).exists()] == []
