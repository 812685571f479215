"""Test that docs/tasks.md and its pictures are exactly what scripts/task_pages.py makes now."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import vizbench as vb
from experiments import families as measured
from vizbench.harness.plan.suites import SUITES
from vizbench.harness.stats.metrics import LEAK
from vizbench.task.registry import families, spec

DOCS = Path(__file__).resolve().parents[2] / "docs"
HOW = "run: python scripts/task_pages.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tasks_script", DOCS.parent / "scripts" / "task_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_line_is_current(script: ModuleType) -> None:
    assert script.page() == (DOCS / "tasks.md").read_text(encoding="utf-8"), HOW


def test_every_pixel_is_current(script: ModuleType) -> None:
    drawn = script.pictures()
    files = {path.name: path for path in (DOCS / "tasks").iterdir()}
    assert set(files) == set(drawn), HOW
    for name, path in files.items():
        with Image.open(path) as picture:
            assert picture.mode == "P"
            assert picture.size == drawn[name].size, f"{name}: {HOW}"
            assert picture.convert("RGBA").tobytes() == drawn[name].convert("RGBA").tobytes(), (
                f"{name}: {HOW}"
            )
    assert sum(path.stat().st_size for path in files.values()) < 1_000_000


def test_every_task_has_a_row_with_its_picture() -> None:
    rows = [
        line
        for line in (DOCS / "tasks.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    by_name = {row.split("`")[1]: row for row in rows}
    assert len(rows) == len(by_name)
    assert sorted(by_name) == sorted(vb.tasks())
    for name, row in by_name.items():
        assert f"](tasks/{name.replace('/', '-')}.png)" in row


def test_the_instance_shown_is_the_first_of_the_train_split(script: ModuleType) -> None:
    for name in ("life/conway", "maze/9", "maze/generalization", "hanoi/5"):
        row, shown = vb.load(name).train[0], script.first(script.spec(name))
        assert np.array_equal(row.question, shown.question[0])
        assert np.array_equal(row.target, shown.target[0])


def section(family: str) -> str:
    text = (DOCS / "tasks.md").read_text(encoding="utf-8")
    return re.split("\n##", text.partition(f"\n### {family}\n")[2], maxsplit=1)[0]


def test_every_family_says_how_it_is_rewarded() -> None:
    for name, task in families().items():
        own = section(name)
        assert f"0.5 x {' x '.join(f'`{part}`' for part in task.parts)}." in own
        for part, clause in task.parts.items():
            assert f"- `{part}`: {clause}." in own


def test_every_level_is_listed_and_some_are_pictured() -> None:
    for name, task in families().items():
        own = section(name)
        rows = [line for line in own.splitlines() if line.startswith("| ") and line[2].isdigit()]
        assert len(rows) == len(task.levels)
        pictured = [level for level, row in enumerate(rows) if f"tasks/{name}-level{level}.png" in row]
        assert pictured == ([0, 4, 9] if task.levels else [])


def test_the_table_of_all_families_is_of_the_present_versions() -> None:
    figures = measured.read()
    assert {name: known.version for name, known in figures.items()} == {
        name: spec(name).task.version for name in measured.tasks()
    }, "run: python -m experiments.families"
    text = (DOCS / "tasks.md").read_text(encoding="utf-8")
    for name, known in figures.items():
        assert known.valid.keys() == set(measured.BASELINES)
        assert known.effort > 0
        family, _, variant = name.partition("/")
        link = f"[{family}](#{family})/{variant}"
        assert (f"| **{link}** |" if name in SUITES["core"] else f"| {link} |") in text


def test_no_answer_without_thought_gives_a_task_away() -> None:
    """A random legal move may: in small puzzles there are few."""
    for name, known in measured.read().items():
        for baseline, valid in known.valid.items():
            assert valid <= LEAK or baseline == "random", f"{name}: {baseline}"
