"""Test the command line: what each command prints and writes, and one sentence for each wrong input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vizbench as vb
from tests.support.commands import Run, refused
from tests.support.videos import read_video
from vizbench import cli
from vizbench.formats import read
from vizbench.formats.layout_names import LAYOUTS
from vizbench.renderers.looks import look_of

ROOT = Path(__file__).resolve().parent.parent


def python(code: str) -> str:
    """Return what a fresh interpreter prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("command", ["--help", "tasks", "tasks --levels", "models"])
def test_light_commands_load_no_heavy_module(command: str) -> None:
    loaded = python(
        f"import sys; sys.argv = ['vizbench', *{command.split()!r}]\n"
        "from vizbench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    ).rpartition("LOADED")[2]
    heavy = {"torch", "numba", "diffusers", "transformers", "peft", "pyarrow", "av", "PIL", "jinja2"}
    if command == "--help":
        heavy.add("rich")  # it draws the tables of the others
    assert not heavy & set(loaded.split())


def test_help_names_every_command(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    for name in ("tasks", "models", "show", "generate", "verify", "eval", "report", "pretrain"):
        assert f"\n  {name} " in done.out
        assert run(name, "--help").out.startswith(f"Usage: vizbench {name} ")


def test_no_command_is_a_usage_error(run: Run) -> None:
    done = run()
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err
    done = run("taks")
    assert done.code == 2
    assert "tasks" in done.err


def test_tasks(run: Run) -> None:
    rows = json.loads(run("tasks", "--json").out)
    assert [row["task"] for row in rows] == vb.tasks()
    assert rows[0].keys() == {"task", "default", "version", "summary", "reasoning", "space", "params"}
    defaults = [row["task"].partition("/")[0] for row in rows if row["default"]]
    assert len(defaults) == len(set(defaults)) == len({row["task"].partition("/")[0] for row in rows})
    sizes = {row["task"]: row["space"] for row in rows}
    spanning_trees = 100_352  # of a 4x4 grid graph, OEIS A007341
    assert sizes["maze/9"] == {"count": spanning_trees, "of": "questions"}
    assert sizes["sudoku/mini"] == {"count": 288, "of": "solutions"} and sizes["chess/mate-in-1"] is None
    automata = {row["task"] for row in json.loads(run("tasks", "eca", "--json").out)}
    assert automata == {name for name in vb.tasks() if name.startswith("eca/")}
    text = run("tasks").out
    assert all(re.search(rf"\b{re.escape(name.partition('/')[2])}\b", text) for name in vb.tasks())
    assert re.search(r"eca/110 +65,536 +rule=110", run("tasks", "eca").out)
    assert re.search(r"sudoku/mini +288 solutions +box=2", run("tasks", "sudoku").out)
    assert re.search(r"life/conway +10\^19 +rule=B3/S23", run("tasks", "life").out)
    assert refused(run("tasks", "mase")) == "unknown task family 'mase': did you mean maze?"


@pytest.mark.parametrize("width", [80, 110])
@pytest.mark.parametrize("command", [("tasks",), ("models",), ("models", "--memory")])
def test_lists_fit_the_width(
    command: tuple[str, ...], width: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run(*command).out.splitlines()
    assert max(map(len, lines)) <= width
    assert lines == [line.rstrip() for line in lines]


def test_models(run: Run) -> None:
    rows = json.loads(run("models", "--json").out)
    assert {"copy", "solver", "cogvideox", "qwen3", "llama", "gemma", "smollm2"} <= {
        row["name"] for row in rows
    }
    assert all(row["checkpoints"] and row["modality"] in ("grid", "frames", "text") for row in rows)
    text = run("models").out
    assert all(f"\n{row['name']} " in text for row in rows)
    for option in (("--tokens", 5), ("--canvas", "8x8"), ("--frames", 2)):
        assert "belong to --memory" in refused(run("models", *option))
    default = run("models", "--memory").out
    sizes = ("--tokens", 512, "--canvas", "272x272", "--frames", 9)
    assert run("models", "--memory", *sizes).out == default


def test_show_prints_codes_if_there_are_no_colours(run: Run) -> None:
    done = run("show", "life/conway", "--index", 2, "--split", "test")
    instance = vb.load("life/conway").test[2]
    lines = done.out.splitlines()
    assert lines[0] == instance.id
    first = "".join(map(str, instance.question[0])) + "   " + "".join(map(str, instance.target[0]))
    assert lines[lines.index("question   target") + 1] == first


def test_show_draws_question_beside_target(run: Run, tmp_path: Path) -> None:
    assert run("show", "life", "--set", "height=4", "--out", "x.png").out == "x.png\n"
    instance = vb.load("life", height=4).train[0]
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.mode == "P"
        pixels = np.array(picture.convert("RGB"))
    look = look_of(vb.verifier_of(instance), "human", instance)
    wide = vb.render(instance.question, look).shape[1]
    sides = pixels[:, :wide], pixels[:, -wide:]
    for side, grid in zip(sides, (instance.question, instance.target), strict=True):
        answer = vb.decode(side, look)
        assert isinstance(answer, vb.Answer)
        assert np.array_equal(answer.grid, grid)
    assert (pixels[:, wide:-wide] == 255).all()


@pytest.mark.parametrize("name", ["process.gif", "process.mp4"])
def test_show_films_the_process(run: Run, tmp_path: Path, name: str) -> None:
    assert run("show", "life", "--set", "steps=3", "--out", name).out == f"{name}\n"
    if name.endswith(".mp4"):
        assert len(read_video(tmp_path / name)) == 4
    else:
        with Image.open(tmp_path / name) as film:
            assert getattr(film, "n_frames", 1) == 4


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("lif",), "did you mean life"),
        (("life/conwy",), "did you mean life/conway"),
        (("life", "--index", "-1"), "positions count from 0"),
        (("life", "--index", 10**12), "it has 100,000,000"),
        (("life", "--seed", "-1"), "0 … 2^63 - 1"),
        (("life", "--set", "steps"), "--set steps=2"),
        (("life", "--set", "stps=2"), "did you mean steps"),
        (("life", "--set", "seed=2"), "unknown parameter"),
        (("life", "--set", "steps=x"), "is not a whole number"),
        (("life", "--set", "steps=١"), "is not a whole number"),
        (("life", "--set", "steps=1_0"), "is not a whole number"),
        (("life", "--set", "steps= 1"), "is not a whole number"),
        (("life", "--set", "density=٠.5"), "is not a number"),
        (("life", "--set", "torus=yes"), "is not true or false"),
        (("life", "--set", "steps=3", "--set", "steps=3"), "'steps' is given 2 times"),
        (("life?steps=3", "--set", "steps=4"), "'steps' is given 2 times"),
        (("life?steps=3&steps=4",), "'steps' is given 2 times"),
        (("life", "--set", "steps=0"), "is not in 1"),
        (("life", "--out", "x.txt"), "choose .mp4, .mkv or .gif, or .png for a picture"),
        (("life", "--out", "missing/x.png"), "the folder does not exist"),
        (("arc-json:missing.json",), "missing.json"),
        (("arc-json:missing.json", "--set", "a=1"), "takes no parameters"),
    ],
)
def test_show_refuses(run: Run, tmp_path: Path, arguments: tuple[object, ...], part: str) -> None:
    assert part in refused(run("show", *arguments))
    assert not list(tmp_path.iterdir())


def test_show_reads_arc_files(run: Run, tmp_path: Path) -> None:
    pair = {"input": [[0, 1]], "output": [[1, 0], [2, 2]]}
    (tmp_path / "a.json").write_text(json.dumps({"train": [pair], "test": [pair]}))
    lines = run("show", "arc-json:a.json").out.splitlines()
    assert lines[0] == "arc-json:a.json#0-train-0"
    at = lines.index("question   target")
    assert lines[at + 1 : at + 3] == ["01         10", "           22"]


@pytest.mark.parametrize("form", ["jsonl", "parquet", "png"])
def test_generate_writes_what_load_gives(run: Run, tmp_path: Path, form: str) -> None:
    done = run("generate", "--task", "life/seeds", "--n", 7, "--split", "test", "--format", form, "--seed", 3)
    assert done.code == 0, done
    folder = tmp_path / "life-seeds-test-7-seed3"
    assert done.out.startswith(f"{folder.name}: 7 rows of life/seeds test, digest ")
    expected = vb.load("life/seeds", seed=3).test.head(7)
    for row, expected_row in zip(read(folder), expected, strict=True):
        assert row.id == expected_row.id
        assert np.array_equal(row.target, expected_row.target)


def test_generate_names_its_folder_by_the_parameters(run: Run, tmp_path: Path) -> None:
    for steps in (2, 3):
        assert run("generate", "--task", "life", "--n", 2, "--set", f"steps={steps}", "--no-steps").code == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert all(name.startswith("life-conway-steps-") and name.endswith("-train-2") for name in names)
    assert all(len(row.steps) == 1 for name in names for row in read(tmp_path / name))


def test_generate_replaces_a_data_set_only_with_overwrite(run: Run, tmp_path: Path) -> None:
    command = ("generate", "--task", "life", "--out", "d")
    first = run(*command, "--n", 3).out
    assert "--overwrite" in refused(run(*command, "--n", 4))
    assert len(list(read(tmp_path / "d"))) == 3
    assert run(*command, "--n", 4, "--overwrite").code == 0
    assert len(list(read(tmp_path / "d"))) == 4
    assert run(*command, "--n", 3, "--overwrite").out == first  # the same bytes again


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--task", "life", "--n", 0), "n=0 is not in 1"),
        (("--task", "life", "--n", -5), "n=-5 is not in 1"),
        (("--task", "life", "--n", 10**12), "is not in 1"),
        (("--task", "lfe", "--n", 5), "did you mean life"),
        (("--task", "life", "--n", 5, "--workers", 0), "workers=0"),
        (("--task", "life", "--n", 5, "--out", "/proc/nowhere"), "/proc/nowhere cannot be written"),
        (("--task", "maze/9", "--n", 10**15), "n=1000000000000000 is not in 1 …"),
        (("--task", "maze/9", "--n", 5, "--splits", "train,test", "--n-test", 0), "n-test=0 is not in 1 …"),
        (("--task", "arc/count", "--n", 2, "--format", "arc", "--workers", 2), "leave --workers out"),
    ],
)
def test_generate_refuses(run: Run, tmp_path: Path, arguments: tuple[object, ...], part: str) -> None:
    assert part in refused(run("generate", *arguments))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("generate", "--task", "life", "--n", "many"),
            "--n 'many' is not a whole number: write digits, as in --n 3",
        ),
        (
            ("generate", "--task", "life", "--n", "1.5"),
            "--n '1.5' is not a whole number: write digits, as in --n 3",
        ),
        (
            ("generate", "--task", "life", "--n", ""),
            "--n '' is not a whole number: write digits, as in --n 3",
        ),
        (("generate", "--task", "life"), "--n is missing: `vizbench generate -h` explains it"),
        (("show",), "TASK is missing: `vizbench show -h` explains it"),
        (("score", "a.jsonl"), "--dataset is missing: `vizbench score -h` explains it"),
        (("verify", "d"), "PREDICTIONS is missing: `vizbench verify -h` explains it"),
        (("report",), "RUNS is missing: `vizbench report -h` explains it"),
        (
            ("generate", "--task", "life", "--n", 3, "--format", "xml"),
            "--format 'xml' is not one of 'jsonl', 'parquet', 'png', 'webdataset', 'video', 'arc': "
            "choose one of them",
        ),
        (
            ("show", "life", "--split", "val"),
            "--split 'val' is not one of 'train', 'test': choose one of them",
        ),
        (
            ("pretrain", "wan", "--out", "x"),
            "FAMILY 'wan' is not one of 'cogvideox', 'qwen3': choose one of them",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence(
    run: Run, tmp_path: Path, arguments: tuple[object, ...], sentence: str
) -> None:
    assert refused(run(*arguments)) == sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [("show", "life", "--nonsense"), ("nonsense",), ("generate", "--n")])
def test_usage_errors_have_code_2(run: Run, tmp_path: Path, arguments: tuple[object, ...]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error: " in done.err and "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_verify_counts_missing_rows_as_wrong(run: Run, tmp_path: Path) -> None:
    run("generate", "--task", "life", "--n", 4, "--out", "d")
    rows = list(read(tmp_path / "d"))
    near_miss = rows[1].target.copy()
    near_miss[0, 0] ^= 1
    lines = [
        {"id": rows[0].id, "answer": rows[0].target.tolist()},
        {"id": rows[1].id, "answer": near_miss.tolist()},
        {"id": rows[2].id, "answer": vb.to_text(rows[2].target)},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    done = run("verify", "d", "a.jsonl", "--json")
    assert done.code == 0, done
    result = json.loads(done.out)
    assert result["score"]["valid"] == result["score"]["exact"] == 0.5
    assert result["score"]["missing"] == 1
    assert [verdict["valid"] for verdict in result["verdicts"].values()] == [True, False, True, False]
    text = run("verify", "d", "a.jsonl").out
    assert "0.5000" in text and "there is no answer" in text


@pytest.mark.parametrize(
    ("answers", "part"),
    [("{", "line 1 of"), ('{"answer": [[0]]}', "line 1 of"), ("[1, 2]", "line 1 of"), (None, "a.jsonl")],
)
def test_verify_refuses(run: Run, tmp_path: Path, answers: str | None, part: str) -> None:
    run("generate", "--task", "life", "--n", 2, "--out", "d")
    if answers is not None:
        (tmp_path / "a.jsonl").write_text(answers + "\n")
    assert part in refused(run("verify", "d", "a.jsonl"))
    assert "manifest.json" in refused(run("verify", ".", "a.jsonl"))


def test_verify_refuses_another_version(run: Run, tmp_path: Path) -> None:
    run("generate", "--task", "life", "--n", 2, "--out", "d")
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    manifest["spec"]["version"] += 1
    (tmp_path / "d" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "a.jsonl").write_text("")
    assert "version" in refused(run("verify", "d", "a.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--out", "w", "--steps", 0), "--steps 0 is outside 1"),
        (("--out", "w", "--seed", -1), "seed -1 is not"),
    ],
)
def test_pretrain_refuses(run: Run, tmp_path: Path, arguments: tuple[object, ...], part: str) -> None:
    for family in ("cogvideox", "qwen3"):
        assert part in refused(run("pretrain", family, *arguments))
    assert not list(tmp_path.iterdir())


def test_help_names_every_layout_of_files(run: Run) -> None:
    for command in ("show", "generate", "eval"):
        shown = "".join(run(command, "--help").out.split())  # lines are broken at hyphens
        assert all(f"{layout}:PATH" in shown for layout in LAYOUTS)


def test_one_row_is_one_row(run: Run) -> None:
    assert (
        ": 1 row of life/conway train, digest"
        in run("generate", "--task", "life", "--n", 1, "--out", "d").out
    )


def test_too_little_memory_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def huge() -> dict[str, object]:
        raise MemoryError("Unable to allocate 32.0 GiB")

    monkeypatch.setattr("vizbench.task.listing.listed", huge)
    assert refused(run("tasks")).startswith(
        "there is not enough memory (Unable to allocate 32.0 GiB): ask for fewer"
    )


def test_an_unexpected_error_is_one_sentence_and_keeps_its_traceback_on_demand(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("odd")

    monkeypatch.setattr("vizbench.task.listing.listed", broken)
    done = run("tasks")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "unexpected RuntimeError: odd" in done.err and "VIZBENCH_TRACEBACK=1" in done.err
    monkeypatch.setenv("VIZBENCH_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["vizbench", "tasks"])
    with pytest.raises(RuntimeError, match="odd"):
        cli.main()
