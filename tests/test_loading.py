"""Test names of tasks: families, files, folders, and what is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from vizbench import loading
from vizbench.errors import UserError
from vizbench.formats import lookup

ARC = '{"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]], "output": [[4]]}]}'


def test_a_task_has_one_canonical_name() -> None:
    names = ("life", "life/conway", "life/conway?steps=1", "life?rule=b3/s23")
    assert {loading.load(name).name for name in names} == {"life/conway"}
    assert {loading.expand(name)[0] for name in names} == {"life/conway"}
    assert loading.load("life", steps=2).name == loading.load("life?steps=2").name == "life/conway?steps=2"
    assert loading.load("life?steps=3", steps=2).name == "life/conway?steps=2"  # what is given apart wins
    again = loading.load(loading.load("life", steps=2, rule="B2/S").name)
    assert (again.params.steps, again.params.rule) == (2, "B2/S")


def test_a_data_set_says_what_it_is() -> None:
    data = loading.load("life/seeds", seed=3, pool=7)
    assert (data.name, data.seed, data.pool, data.verifier) == (
        "life/seeds",
        3,
        7,
        lookup.verifier_of("life"),
    )
    assert (data.train.name, data.test.name, data.train.count) == ("train", "test", None)
    spec = data.test.spec
    assert (spec.task, spec.seed, spec.split, spec.pool) == ("life/seeds", 3, "test", 7)
    assert spec.version == data.verifier.version
    assert spec.params["rule"] == "B2/S"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lief/conway", "life/conway"),
        ("life/conwai", "life/conway"),
        ("life/conway?stepps=2", "steps"),
        ("life/conway?steps=two", "number"),
        ("", "unknown task"),
        ("LIFE", "did you mean life"),
        ("arc-agi-3:evaluation", "unknown layout of files 'arc-agi-3': did you mean arc-agi-"),
        ("https://x/y", "unknown layout of files 'https': known: arc-agi-1"),
        ("life\0", "unknown task"),
        ("arc-json:", "names no path"),
        ("arc-json:a\0b", "names no path"),
        ("arc-json:nowhere/at/all.json", "cannot be opened"),
    ],
)
def test_unknown_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        loading.load(name)


@pytest.mark.parametrize("seed", [-1, 1 << 63, 1.0, True, "0", None])
def test_seeds_out_of_range_are_refused(seed: int, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(ARC)
    for name in ("life", f"arc-json:{tmp_path}/a.json"):
        with pytest.raises(UserError, match="seed"):
            loading.load(name, seed=seed)


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    for name in ("b.json", "a/c.json", "a/b.json", "a/notes.txt", "a/d.json.bak"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(ARC)
    (tmp_path / "a" / "again").symlink_to(tmp_path)  # a loop
    expected = [f"arc-json:{tmp_path}/{name}" for name in ("a/b.json", "a/c.json", "b.json")]
    assert loading.expand(f"arc-json:{tmp_path}") == expected
    assert loading.expand(f"arc-json:{tmp_path}/./a/") == expected[:2]
    assert loading.expand(f"arc-json:{tmp_path}/b.json") == expected[2:]
    assert [loading.load(name).name for name in expected] == expected


def test_a_folder_without_tasks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(ARC)
    with pytest.raises(UserError, match=r"holds no \.json file"):
        loading.expand(f"arc-json:{tmp_path}")
    with pytest.raises(UserError, match="is a folder"):
        loading.load(f"arc-json:{tmp_path}")


def test_arc_files_take_no_parameters(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(ARC)
    with pytest.raises(UserError, match=r"takes no parameters, and steps was given"):
        loading.load(f"arc-json:{tmp_path}/a.json", steps=2)


def test_verifiers_are_found_without_opening_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(ARC)
    row = loading.load(f"arc-json:{tmp_path}/a.json").test[0]
    (tmp_path / "a.json").unlink()
    assert lookup.verifier_of(row) is lookup.verifier_of("arc-json:/dev/zero")
    assert loading.verify(row, [[4]]).valid
    assert not loading.verify(row, [[5]]).valid


def test_whole_processes_are_verified(tmp_path: Path) -> None:
    row = loading.load("langton/3").test[0]
    assert loading.verify_steps(row, row.steps).exact
    assert loading.verify_steps(row, row.steps[1:]).reason.startswith("step 1: ")
    assert not loading.verify_steps(row, object()).valid
    (tmp_path / "a.json").write_text(ARC)
    arc = loading.load(f"arc-json:{tmp_path}/a.json").test[0]
    with pytest.raises(UserError, match="has no rules for the steps"):
        loading.verify_steps(arc, arc.steps)


def test_answers_of_any_kind_are_verified() -> None:
    row = loading.load("life/conway").test[0]
    assert loading.verify(row, row.target).exact
    assert loading.verify(row, row.target.tolist()).exact
    flipped = row.target.copy()
    flipped[0, 0] ^= 1
    assert not loading.verify(row, flipped).valid
    for answer in (None, "text", [[0], [1, 2]], object()):
        verdict = loading.verify(row, answer)
        assert not verdict.valid and verdict.reason
