"""Test that episodes written as ARC files are read back by the reader of all ARC files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vizbench as vb
from vizbench.formats.arc import episodes
from vizbench.generators.arc.library import rules


def test_files_are_read_back_as_arc_files(tmp_path: Path):
    assert episodes.write("arc/center", 6, 4, tmp_path / "e") == 6
    names = vb.expand(f"arc-json:{tmp_path / 'e'}")
    assert [Path(name).name for name in names] == [f"center-{k:06d}.json" for k in range(6)]
    for name in names:
        document = json.loads(Path(name.removeprefix("arc-json:")).read_text())
        made, stored = vb.load(document["task"]), vb.load(name)
        for split in ("train", "test"):
            pairs = zip(getattr(made, split), getattr(stored, split), strict=True)
            assert all(
                np.array_equal(a.question, b.question) and np.array_equal(a.target, b.target)
                for a, b in pairs
            )
        assert {document["rule"], *document["agree"], *document["rejected"]} == {
            family.id() for family in rules()
        }
        assert document["sentence"] == made.train[0].meta["sentence"]


def test_ten_are_the_head_of_a_hundred_and_seeds_differ():
    hundred = episodes.numbers("arc/center", 100, 0)
    assert hundred[:10] == episodes.numbers("arc/center", 10, 0)
    assert (
        len({*hundred, *episodes.numbers("arc/center", 100, 1), *episodes.numbers("arc/count", 100, 0)})
        == 300
    )


@pytest.mark.parametrize(
    ("name", "n", "part"),
    [
        ("life/conway", 3, "does not name the episodes of a concept"),
        ("arc/center?rule=midpoint", 3, "does not name the episodes of a concept"),
        ("arc/center?episode=4", 3, "does not name the episodes of a concept"),
        ("arc-json:x.json", 3, "unknown task|no concept"),
        ("arc/center", 0, "n=0"),
        ("arc/center", 10**9, "n=1000000000"),
    ],
)
def test_other_tasks_and_counts_are_refused(tmp_path: Path, name: str, n: int, part: str):
    with pytest.raises(vb.UserError, match=part):
        episodes.write(name, n, 0, tmp_path / "e")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_anything_is_untouched(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(vb.UserError, match="not empty"):
        episodes.write("arc/center", 2, 0, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
