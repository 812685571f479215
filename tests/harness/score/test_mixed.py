"""Test that answers to a mixture are judged by the task of each row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

import vizbench as vb
from tests.support.commands import Run, refused
from vizbench.errors import UserError
from vizbench.formats import write
from vizbench.harness.score.row_keys import RowKeys
from vizbench.harness.score.score import score
from vizbench.renderers.pictures import save_png
from vizbench.task import registry
from vizbench.types import Grid, Instance

MIXED = vb.mixture("eca/110,life=2,sudoku/mini", seed=1)
N = 12
ROWS = MIXED.test.head(N)
EXAMPLE = Path(__file__).parents[3] / "examples" / "own_task.py"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "mixed"
    write(MIXED.test, N, folder)
    return folder


def lines(path: Path, rows: Sequence[Instance]) -> Path:
    answers = [json.dumps({"id": row.id, "answer": row.target.tolist()}) for row in rows]
    path.write_text("\n".join(answers) + "\n")
    return path


def pictures(folder: Path, named: dict[str, Instance]) -> Path:
    folder.mkdir()
    for name, row in named.items():
        with open(folder / name, "wb") as file:
            save_png(file, row.target, vb.verifier_of(row).look)
    return folder


def test_each_row_is_judged_by_its_own_task(data: Path, tmp_path: Path) -> None:
    result = score(lines(tmp_path / "a.jsonl", ROWS), data)
    assert (result.score.valid, result.score.exact, result.score.missing) == (1, 1, 0)
    assert list(result.verdicts) == [row.id for row in ROWS]
    assert {name: each.rows for name, each in result.score.tasks.items()} == {
        "eca/110": 3,
        "life/conway": 6,
        "sudoku/mini": 3,
    }


def test_figures_are_given_by_task(data: Path, tmp_path: Path) -> None:
    answered = [row for row in ROWS if row.task != "life/conway"]
    result = score(lines(tmp_path / "a.jsonl", answered), data)
    assert result.score.valid == 0.5
    assert {name: each.valid for name, each in result.score.tasks.items()} == {
        "eca/110": 1,
        "life/conway": 0,
        "sudoku/mini": 1,
    }


def test_a_process_is_judged_by_its_own_task(data: Path, tmp_path: Path) -> None:
    answers = [json.dumps({"id": row.id, "answer": row.steps.tolist()}) for row in ROWS]
    (tmp_path / "a.jsonl").write_text("\n".join(answers))
    assert score(tmp_path / "a.jsonl", data, process=True).score.valid == 1


def test_pictures_are_named_by_place_or_id(data: Path, tmp_path: Path) -> None:
    by_place = pictures(tmp_path / "place", {f"{place}.png": row for place, row in enumerate(ROWS)})
    assert score(by_place, data).score.valid == 1
    by_id = {f"{row.id}.png".replace("/", "-"): row for row in ROWS}
    assert score(pictures(tmp_path / "id", by_id), data).score.valid == 1


def test_numbers_within_one_task_are_no_places(data: Path, tmp_path: Path) -> None:
    named = {f"life_{row.index:04d}.png": row for row in ROWS if row.task == "life/conway"}
    with pytest.raises(UserError, match="none to a row of the data set"):
        score(pictures(tmp_path / "life", named), data)


def test_keys_of_rows() -> None:
    keys = RowKeys(MIXED.test.spec, N, MIXED.test)
    for place, row in enumerate(ROWS):
        assert keys.id_of(place) == row.id
        assert keys.row_of_id(row.id) == place
        for name in (str(place), f"row_{place:04d}", f"{place}_seed0", row.id.replace("/", "_")):
            assert keys.own(name) == place, name
    beyond = MIXED.test[N]
    foreign = (beyond.id, "maze/9#1-test-0", "0-test-3", ROWS[0].id.replace("#1", "#2"), "life_3")
    for name in foreign:
        assert keys.row_of_id(name) is None
        assert keys.own(name) is None, name


def test_a_mixture_is_no_run(data: Path, run: Run, tmp_path: Path) -> None:
    answers = lines(tmp_path / "a.jsonl", ROWS)
    message = refused(run("score", answers, "--dataset", data, "--out", "runs", "--name", "mine"))
    assert message == "a run is of one task and the data set is a mixture: leave --out out"


def test_the_command_prints_a_table_of_tasks(data: Path, run: Run, tmp_path: Path) -> None:
    done = run("score", lines(tmp_path / "a.jsonl", ROWS), "--dataset", data)
    assert done.code == 0
    assert "6     1.0000  1.0000  1.0000  life/conway" in done.out
    figures = json.loads(run("verify", data, tmp_path / "a.jsonl", "--json").out)
    assert figures["score"]["tasks"]["eca/110"] == {"rows": 3, "valid": 1.0, "exact": 1.0, "cells": 1.0}


def test_python_files_are_named_by_the_user(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_imported", {})
    names: list[str] = []
    for name, variant in (("one", "small"), ("two", "large")):
        shutil.copy(EXAMPLE, tmp_path / f"{name}.py")
        names.append(f"{name}.py:TASK/{variant}")
    assert run("generate", "--task", ",".join(names), "--n", 4, "--out", "d").code == 0
    rows = [json.loads(line) for line in (tmp_path / "d" / "train-00000.jsonl").read_text().splitlines()]
    answers = [json.dumps({"id": row["id"], "answer": row["target"]}) for row in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(answers))
    monkeypatch.setattr(registry, "_imported", {})
    command = ("score", "a.jsonl", "--dataset", "d")
    assert "is run only if you name it" in refused(run(*command))
    assert "is run only if you name it" in refused(run(*command, "--task", names[0]))
    assert run(*command, "--task", names[0], "--task", names[1]).code == 0


def test_an_answer_of_another_task_is_wrong(data: Path, tmp_path: Path) -> None:
    targets: dict[str, Grid] = {row.task: row.target for row in ROWS}
    wrong = targets["eca/110"].tolist()
    answers = [json.dumps({"id": row.id, "answer": wrong}) for row in ROWS if row.task != "eca/110"]
    (tmp_path / "a.jsonl").write_text("\n".join(answers))
    assert score(tmp_path / "a.jsonl", data).score.valid == 0
