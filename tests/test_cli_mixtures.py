"""Test mixtures, levels and prompts on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import vizbench as vb
from tests.support.commands import Run, refused
from vizbench.formats import check, read
from vizbench.renderers.looks import look_of
from vizbench.renderers.prompts import legend_of
from vizbench.task.registry import families

WITHOUT_LEVELS = [name for name, task in families().items() if not task.levels]


def ids(folder: Path) -> list[str]:
    return [row.id for row in read(folder)]


def test_generate_mixes_tasks(run: Run, tmp_path: Path) -> None:
    done = run("generate", "--task", "eca=2,life?steps=2=3,langton", "--n", 9, "--seed", 2, "--out", "d")
    name = "mixture:eca/110=2,life/conway?steps=2=3,langton/2=1"
    assert done.out.startswith(f"d: 9 rows of {name} train, digest ")
    assert ids(tmp_path / "d") == [row.id for row in vb.mixture(name, seed=2).train.head(9)]
    assert run("generate", "--task", name, "--n", 9, "--seed", 2, "--out", "again").code == 0
    assert check(tmp_path / "again") == check(tmp_path / "d")


def test_generate_reads_a_mixture_from_a_file(run: Run, tmp_path: Path) -> None:
    text = '[[task]]\ntask = "eca/110"\nweight = 2\n[[task]]\ntask = "life"\nlevels = "0-2"\n'
    (tmp_path / "mixture.toml").write_text(text)
    done = run("generate", "--task", "mixture.toml", "--n", 10, "--split", "test", "--pool", 9, "--out", "d")
    assert "eca/110=2,life/level0=1,life/level1=1,life/level2=1 test" in done.out
    assert len(ids(tmp_path / "d")) == 10


def test_generate_takes_levels(run: Run, tmp_path: Path) -> None:
    assert run("generate", "--task", "life", "--level", 3, "--n", 4, "--out", "one").code == 0
    assert ids(tmp_path / "one") == [row.id for row in vb.load("life", level=3).train.head(4)]
    command = ("generate", "--task", "life", "--set", "torus=true", "--n", 8)
    assert run(*command, "--level", "2-5", "--out", "range").code == 0
    levels = {row.task for row in read(tmp_path / "range")}
    assert levels == {f"life/level{level}?torus=true" for level in (2, 3, 4, 5)}
    assert run(*command, "--level", "4-4", "--out", "same").code == 0
    assert {row.task for row in read(tmp_path / "same")} == {"life/level4?torus=true"}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--task", "life=2"), "a mixture has at least two tasks"),
        (("--task", "life,lfe"), "did you mean life"),
        (("--task", "life=0,eca"), "weight '0' of life"),
        (("--task", "life,"), "an empty name between commas"),
        (("--task", "life?steps=2,eca", "--set", "steps=3"), "leave --set and --level out"),
        (("--task", "life,eca", "--level", "2"), "leave --set and --level out"),
        (("--task", "none.toml"), "none.toml"),
        (("--task", "life", "--level", "10"), "level '10' is neither a level nor a range"),
        (("--task", "maze=2,,life"), "an empty name between commas"),
        (("--task", "maze=half,life"), "give a whole number, the share of its rows"),
        (("--task", "life", "--level", "5-2"), "level '5-2' is neither a level nor a range"),
        (("--task", "life", "--level", ""), "level '' is neither a level nor a range"),
        (("--task", "life/seeds", "--level", "2"), "both choose parameters"),
        (("--task", "life", "--prompt", "song"), "--prompt 'song' is not one of"),
        (("--task", "arc/copy", "--format", "arc", "--level", "2"), "leave --level out with --format arc"),
        (("--task", "arc/copy", "--format", "arc", "--prompt", "text"), "leave --prompt out with --format"),
        (("--task", "life,eca", "--format", "arc"), "unknown task"),
        *((("--task", name, "--level", "0-4"), f"task {name} has no levels") for name in WITHOUT_LEVELS[:2]),
    ],
)
def test_generate_refuses(run: Run, tmp_path: Path, arguments: tuple[object, ...], part: str) -> None:
    assert part in refused(run("generate", "--n", 4, *arguments))
    assert not list(tmp_path.iterdir())


def test_generate_writes_prompts(run: Run, tmp_path: Path) -> None:
    for prompt in ("text", "video", "none"):
        assert run("generate", "--task", "life", "--n", 3, "--prompt", prompt, "--out", prompt).code == 0
    assert run("generate", "--task", "life", "--n", 3, "--out", "default").code == 0
    prompts: dict[str, list[str | None]] = {}
    for name in ("text", "video", "none", "default"):
        lines = (tmp_path / name / "train-00000.jsonl").read_text().splitlines()
        prompts[name] = [json.loads(line).get("prompt") for line in lines]
    rows = vb.load("life").train.head(3)
    assert prompts["text"] == prompts["default"] == [vb.prompt(row, style=None) for row in rows]
    assert prompts["video"] == [vb.prompt(row, "video", style=None) for row in rows]
    assert prompts["none"] == [None] * 3


def test_show_prints_the_prompt_and_the_legend(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run("show", "life", "--level", 2, "--index", 3)
    row = vb.load("life", level=2).train[3]
    lines = done.out.splitlines()
    assert lines[0] == row.id
    assert max(map(len, lines)) <= 80
    blank = lines.index("")
    assert " ".join(lines[1:blank]) == vb.prompt(row, style=None)
    verifier = vb.verifier_of(row)
    for code, colour, meaning in legend_of(verifier, row, look_of(verifier, "human", row)):
        assert re.search(rf"^{code} +{colour} +{meaning}$", done.out, re.MULTILINE)


def test_show_prints_the_legend_of_its_look(run: Run) -> None:
    assert re.search(r"^0 +white +dead cell$", run("show", "life", "--look", "paper").out, re.MULTILINE)
    assert re.search(r"^0 +light gray +dead cell$", run("show", "life").out, re.MULTILINE)


def test_show_takes_one_level_or_a_mixture(run: Run) -> None:
    message = refused(run("show", "life", "--level", "0-4"))
    assert message == "--level 0-4 is a range, and one instance has one level: give --level 0"
    assert "level 'x' is neither a level nor a range" in refused(run("show", "life", "--level", "x"))
    assert "level '12' is not in 0 … 9" in refused(run("show", "life", "--level", "12"))
    assert "leave --all or --level out" in refused(run("show", "arc/copy", "--all", "--level", 1))
    done = run("show", "life,eca", "--index", 5)
    assert done.out.splitlines()[0] == vb.mixture("life,eca").train[5].id


@pytest.mark.parametrize("width", [80, 110])
@pytest.mark.parametrize("family", [(), ("life",)])
def test_the_ladder(family: tuple[str, ...], width: int, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = run("tasks", *family, "--levels")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= width
    assert re.search(r"life/level9 .*height=20 width=20 steps=6$", done.out, re.MULTILINE)
    assert "torus" not in done.out  # it is the same on every level


def test_the_ladder_as_json(run: Run) -> None:
    everything = json.loads(run("tasks", "--levels", "--json").out)
    leveled = [name for name, task in families().items() if task.levels]
    expected = [f"{name}/level{level}" for name in leveled for level in range(10)]
    assert [record["task"] for record in everything] == expected
    life = json.loads(run("tasks", "life", "--levels", "--json").out)
    assert [record["effort"] for record in life] == sorted(record["effort"] for record in life)
    assert life[0]["params"] == {**vb.load("life", level=0).params.__dict__}
    assert all("effort" not in record for record in everything)


def test_a_ladder_that_is_not_there(run: Run) -> None:
    assert "unknown task family 'lief'" in refused(run("tasks", "lief", "--levels"))
    for name in WITHOUT_LEVELS[:1]:
        assert f"task {name} has no levels" in refused(run("tasks", name, "--levels"))
