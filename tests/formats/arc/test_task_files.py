"""Test ARC JSON files: the 80 real ones if they are present, and every kind of malformed one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.concept_arc import AT_HAND, CORPUS
from vizbench import loading
from vizbench.errors import UserError
from vizbench.formats.arc import task_files
from vizbench.renderers.decode import decode
from vizbench.renderers.frames import render
from vizbench.types import Answer


@AT_HAND
def test_every_file_of_the_corpus() -> None:
    names = loading.expand(f"arc-json:{CORPUS}")
    assert len(names) == 80
    for name in names:
        data = loading.load(name)
        plain = json.loads(Path(name.removeprefix(task_files.PREFIX)).read_bytes())
        for split in (data.train, data.test):
            rows = split.head(split.count or 0)
            assert [{"input": row.question.tolist(), "output": row.target.tolist()} for row in rows] == plain[
                split.name
            ]
            for row in rows:
                verdict = loading.verify(row, row.target)
                assert verdict.valid and verdict.exact
                decoded = decode(
                    render(row.question, task_files.VERIFIER.look),
                    task_files.VERIFIER.look,
                    row.question.shape,
                )
                assert isinstance(decoded, Answer) and np.array_equal(decoded.grid, row.question)


def write(path: Path, train: Any = None, test: Any = None, **more: Any) -> str:
    pair = {"input": [[1, 2]], "output": [[2], [1]]}
    path.write_text(json.dumps({"train": train or [pair], "test": test or [pair], **more}))
    return f"arc-json:{path}"


def test_rows_carry_where_they_come_from(tmp_path: Path) -> None:
    row = loading.load(write(tmp_path / "turn.json", name="other keys are left alone"), seed=5).test[0]
    assert row.id == f"arc-json:{tmp_path}/turn.json#5-test-0"
    assert (row.meta["file"], row.meta["item"]) == ("turn", "test[0]")
    assert row.steps.tolist() == [[[2], [1]]]
    other = loading.load(write(tmp_path / "turn.json", test=[{"input": [[1]], "output": [[1]]}])).test[0]
    assert other.meta["digest"] != row.meta["digest"]


def test_hidden_outputs_are_said(tmp_path: Path) -> None:
    known, hidden = {"input": [[1]], "output": [[3]]}, {"input": [[2]]}
    split = loading.load(write(tmp_path / "a.json", test=[hidden, known, hidden])).test
    assert split.count == 1
    assert (split[0].meta["item"], split[0].index) == ("test[1]", 0)
    with pytest.raises(UserError, match=r"it has 1 \(2 more hide their output"):
        split.head(2)
    nothing = loading.load(write(tmp_path / "b.json", test=[hidden])).test
    with pytest.raises(UserError, match=r"it has 0 \(1 more hide"):
        nothing.head(1)


GRID = [[0] * 30] * 30


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "truncated"),
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"train": []}', "train"),
        ('{"train": [{"input": [[1]], "output": [[1]]}]}', "test"),
        ('{"train": [{"input": [[1]]}], "test": [{"input": [[1]]}]}', "output"),
        ('{"train": [{"input": [[1]], "output": [[1]]}], "test": []}', "length >= 1"),
        ('{"train": [{"input": [[1]], "output": [[1]]}], "test": [{"input": []}]}', "length >= 1"),
        ('{"train": [{"input": [[1]], "output": [[1]]}], "test": [{"input": [[]]}]}', "length >= 1"),
        (
            '{"train": [{"input": [[1]], "output": [[1], [1, 2]]}], "test": [{"input": [[1]]}]}',
            "train.0..output has rows",
        ),
        ('{"train": [{"input": [[10]], "output": [[1]]}], "test": [{"input": [[1]]}]}', "<= 9"),
        ('{"train": [{"input": [[-1]], "output": [[1]]}], "test": [{"input": [[1]]}]}', ">= 0"),
        ('{"train": [{"input": [[1.5]], "output": [[1]]}], "test": [{"input": [[1]]}]}', "Expected `int`"),
        ('{"train": [{"input": [["1"]], "output": [[1]]}], "test": [{"input": [[1]]}]}', "Expected `int`"),
        ('{"train": [{"input": [[true]], "output": [[1]]}], "test": [{"input": [[1]]}]}', "Expected `int`"),
        ('{"train": [{"input": [[1]], "output": null}], "test": [{"input": [[1]]}]}', "Expected `array`"),
        (
            json.dumps({"train": [{"input": [*GRID, GRID[0]], "output": GRID}], "test": [{"input": GRID}]}),
            "<= 30",
        ),
        (json.dumps({"train": [{"input": [[0] * 31], "output": GRID}], "test": [{"input": GRID}]}), "<= 30"),
        ('{"train": ' + "[" * 100_000, "Expected|recursion"),
        ('{"other": ' + "[" * 100_000, "recursion"),
        ('{"other": "\udcff"}', "malformed"),
        ("\0" * 50, "malformed"),
    ],
)
def test_what_is_no_arc_file_is_refused_with_its_name(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=reason) as error:
        loading.load(f"arc-json:{tmp_path}/bad.json")
    assert f"{tmp_path}/bad.json" in str(error.value)
    assert len(str(error.value)) < 400 and "\n" not in str(error.value)


def test_a_mark_of_utf_8_is_no_fault_and_other_encodings_are_named(tmp_path: Path) -> None:
    name = write(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    (tmp_path / "a.json").write_text(text, encoding="utf-8-sig")
    assert loading.load(name).train[0].target.tolist() == [[2], [1]]
    for encoding in ("utf-16", "utf-32"):
        (tmp_path / "a.json").write_text(text, encoding=encoding)
        with pytest.raises(UserError, match="is in UTF-16 or UTF-32 and JSON is in UTF-8"):
            loading.load(name)
    for mark in (b"\xef\xbb\xbf", b"\xef\xbb", b"\xff"):
        (tmp_path / "a.json").write_bytes(mark)
        with pytest.raises(UserError, match="malformed"):
            loading.load(name)


@pytest.mark.parametrize(
    "cell", ["NaN", "Infinity", "1e400", "-1e400", "1e0", "1.0", "-0.0", "01", "+1", "9" * 5000]
)
def test_numbers_that_are_no_colour_are_refused(cell: str, tmp_path: Path) -> None:
    pair = f'{{"input": [[{cell}]], "output": [[1]]}}'
    (tmp_path / "a.json").write_text(f'{{"train": [{pair}], "test": [{pair}]}}')
    with pytest.raises(UserError, match="is malformed") as error:
        loading.load(f"arc-json:{tmp_path}/a.json")
    assert len(str(error.value)) < 400


def test_links_are_read_only_where_they_lead_to_a_file(tmp_path: Path) -> None:
    name = write(tmp_path / "a.json")
    for link, to in (("b", "a.json"), ("c", "/dev/zero"), ("d", "d.json"), ("e", "nowhere"), ("f", ".")):
        (tmp_path / f"{link}.json").symlink_to(to)
    names = loading.expand(f"arc-json:{tmp_path}")
    assert [each[-6] for each in names] == ["a", "b", "c", "d", "e"]  # a link to a folder is not followed
    assert loading.load(names[1]).train[0].target.tolist() == loading.load(name).train[0].target.tolist()
    for each, reason in zip(names[2:], ("not a regular file", "symbolic links", "No such file"), strict=True):
        with pytest.raises(UserError, match=reason):
            loading.load(each)


def test_the_largest_grid_is_read(tmp_path: Path) -> None:
    assert loading.load(write(tmp_path / "a.json", test=[{"input": GRID, "output": GRID}])).test[
        0
    ].target.shape == (
        30,
        30,
    )


def test_files_over_the_limit_are_not_read(tmp_path: Path) -> None:
    name = write(tmp_path / "a.json")
    with open(tmp_path / "a.json", "ab") as file:
        file.write(b" " * (task_files.MAX_BYTES - file.tell()))
    assert loading.load(name).test.count == 1
    with open(tmp_path / "a.json", "ab") as file:
        file.write(b" ")
    with pytest.raises(UserError, match="over 4,194,304 bytes"):
        loading.load(name)


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="not a regular file"):
            loading.load(f"arc-json:{path}")
