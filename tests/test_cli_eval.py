"""Test `vizbench eval` and `report` from outside: tables, resuming, refusals, faults, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.commands import Run, refused

ROOT = Path(__file__).resolve().parent.parent

EVAL = ("eval", "--model", "nearest", "--task", "life/conway", "--shots", "3,5", "--n-test", 6, "--out", "r")


def test_eval_prints_model_and_baselines_and_writes_a_report(run: Run, tmp_path: Path) -> None:
    done = run(*EVAL)
    assert done.code == 0, done
    for name in ("copy", "blank", "majority", "random", "nearest", "solver"):
        assert done.out.count(f"\n{name} ") == 2, name
    assert "life/conway (near)" in done.out
    assert "1.000 [0.610, 1.000]" in done.out  # the solver: 6 of 6
    assert "question   target     answer" in done.out
    assert done.out.endswith("report: r/report.html\n")
    assert (tmp_path / "r" / "report.html").stat().st_size > 1000
    assert "solver on life/conway, 5 shots: done" in done.err


def test_eval_resumes_and_refuses_another_plan(run: Run, tmp_path: Path) -> None:
    run(*EVAL, "--limit", 2)
    records = sorted((tmp_path / "r").glob("*/records.jsonl"))
    first = [path.read_text() for path in records]
    assert all(text.count("\n") == 2 for text in first)
    done = run(*EVAL, "--json")
    results = json.loads(done.out)["results"]
    assert {row["n"] for row in results} == {6}
    assert all(path.read_text().startswith(text) for path, text in zip(records, first, strict=True))
    assert ": was done" in run(*EVAL).err
    more: list[object] = [*EVAL]
    more[more.index(6)] = 7
    assert "n_test was 6, is 7" in refused(run(*more))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--model", "nearst"), "did you mean nearest"),
        (("--model", "nowhere.py:Model"), "does not exist"),
        (("--shots", "a,b"), "--shots 3,30,300"),
        (("--shots", "5001"), "shots 5001 is outside 0"),
        (("--shots", "0", "--model", "qwen3"), "0 shots tell qwen3 nothing"),
        (("--prompt", "task"), "the trivial baselines read no prompt"),
        (("--prompt", "task", "--model", "qwen3"), "qwen3=tiny reads no prompt"),
        (("--prompt", "tasks"), "did you mean task"),
        (("--seeds", 0), "seeds 0 is outside 1"),
        (("--seed", -1), "-1"),
        (("--n-test", 10**12), "is outside 1"),
        (("--attempts", 0), "attempts 0 is outside 1"),
        (("--limit", 0), "limit 0 is outside 1"),
        (("--jobs", 0), "jobs 0 is outside 1"),
        (("--jobs", 0, "--dry-run"), "jobs 0 is outside 1"),
        (("--steps", 0), "steps 0 is outside 1"),
        (("--steps", 1, "--epochs", 1), "give one of them"),
        (("--config", "gone.toml"), "cannot be opened"),
        (("--model", "qwen3", "--checkpoint", ""), "holds neither config.json"),
        (("--protocol", ""), "unknown protocol ''"),
        (("--augment", ""), "unknown augmentation ''"),
        (("--suite", "cor"), "did you mean core"),
        (("--suite", "core-v1", "--n-test", 5), "suite core-v1 has n_test 200 and the plan says 5"),
        (("--task", "life/conwy"), "did you mean life/conway"),
    ],
)
def test_eval_refuses(run: Run, tmp_path: Path, arguments: tuple[object, ...], part: str) -> None:
    assert part in refused(run("eval", *arguments))
    assert not list(tmp_path.iterdir())


def test_a_model_that_fails_is_named_and_the_others_stand(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "from vizbench.model import Model\n"
        "class Bad(Model):\n"
        "    modality = 'grid'\n"
        "    def adapt(self, examples, context): raise RuntimeError('no luck')\n"
        "    def predict(self, questions, attempts, seed): return iter(())\n"
    )
    done = run("eval", "--model", "bad.py:Bad", "--shots", 3, "--n-test", 4, "--out", "r")
    assert done.code == 1
    assert "\nsolver " in done.out
    assert "failed: " in done.err and "no luck" in done.err and "Traceback" not in done.err


def test_cells_without_data_are_named_and_a_plan_of_nothing_else_is_refused(run: Run, tmp_path: Path) -> None:
    pair = '{"input": [[0, 1]], "output": [[1, 0]]}'
    (tmp_path / "good.json").write_text(f'{{"train": [{pair}], "test": [{pair}]}}')
    (tmp_path / "bad.json").write_text("[")
    done = run("eval", "--task", "arc-json:good.json", "--task", "arc-json:bad.json", "--out", "r")
    assert done.code == 1
    assert "\ncopy " in done.out
    assert done.err.count("ARC file bad.json is malformed") == 1  # five baselines wanted it
    assert "left out: 1 of 2 tasks" in done.err
    assert "is malformed" in refused(run("eval", "--task", "arc-json:bad.json", "--out", "s"))
    assert not (tmp_path / "s").exists()


def test_suites_with_arc_files(run: Run, tmp_path: Path) -> None:
    assert "give a folder of ARC JSON files" in refused(run("eval", "--suite", "paper/arc"))
    assert "data" in refused(run("eval", "--suite", "core", "--data", "x"))
    (tmp_path / "d").mkdir()
    assert "holds no .json file" in refused(run("eval", "--suite", "paper/arc", "--data", "d"))


def write_concepts(folder: Path) -> None:
    """Write two tasks of one concept and one of another.

    Copying solves 1 of 2 test inputs of Copy1, and both of Copy2.
    """
    same, other = {"input": [[0, 1]], "output": [[0, 1]]}, {"input": [[1, 0]], "output": [[0]]}
    for place, test in (
        ("Copy/Copy1", [same, other]),
        ("Copy/Copy2", [same, same]),
        ("Count/Count1", [other]),
    ):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.json").write_text(json.dumps({"train": [same, other], "test": test}))


def test_concept_arc_is_a_table_by_concept(run: Run, tmp_path: Path) -> None:
    write_concepts(tmp_path / "d")
    (tmp_path / "d" / "Copy" / "Copy3.json").write_text("[")
    done = run("eval", "--model", "copy", "--suite", "concept-arc", "--data", "d", "--out", "r")
    assert done.code == 1
    lines = {line.split("  ")[0]: line.split() for line in done.out.splitlines()}
    assert "protocol concept-arc: 3 attempts per test input" in done.out
    assert lines["Copy"][1:4] == ["4", "0.750", "[0.301,"]
    assert "video*" not in done.out and "its shares are left out beside other tasks." in done.out
    assert lines["Count"][1:4] == ["1", "0.000", "[0.000,"]
    assert lines["mean of concepts"][3:6] == ["5", "0.375", "[0.150,"]
    assert done.err.count("ARC file d/Copy/Copy3.json is malformed") == 1
    assert "left out: 1 of 4 tasks" in done.err
    output = json.loads(run("eval", "--suite", "concept-arc", "--data", "d", "--out", "r", "--json").out)
    assert {
        (c["concept"], c["hits"], c["n"]) for c in output["concepts"] if c["model"]["name"] == "copy"
    } == {
        ("Copy", 3, 4),
        ("Count", 0, 1),
    }


def test_arc_agi_counts_tasks_of_which_every_test_input_is_solved(run: Run, tmp_path: Path) -> None:
    write_concepts(tmp_path / "d")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as made:
        for path in (tmp_path / "d").rglob("*.json"):
            made.write(path, path.relative_to(tmp_path))
        hidden = {"train": [{"input": [[0]], "output": [[0]]}], "test": [{"input": [[0]], "output": [[0]]}]}
        hidden["test"].append({"input": [[1]]})
        made.writestr("d/Copy/Copy4.json", json.dumps(hidden))
    command = ("eval", "--model", "copy", "--protocol", "arc-agi", "--task", "arc-json:d.zip", "--out", "r")
    assert "2 tasks have open questions" in run(*command, "--limit", 1).err
    done = run(*command, "--json")
    rows = {(row["model"]["name"], row["tasks"], row["solved"]) for row in json.loads(done.out)["solved"]}
    assert ("copy", 3, 1) in rows  # Copy4 hides an output, so it has no verdict
    assert "protocol arc-agi: 2 attempts" in run(*command).out
    assert "takes 2 attempts" in refused(run(*command, "--attempts", 3))


def test_names_from_files_cannot_speak_to_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\nb.json").write_text("[")
    assert "a\\x1b[2J\\nb.json is malformed" in refused(run("eval", "--task", "arc-json:.", "--out", "r"))


def test_a_name_that_is_no_text_is_refused_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    odd = os.fsdecode(b"tasks/\xff.json")
    (tmp_path / "tasks").mkdir()
    (tmp_path / odd).write_text("{}")
    for name in ("arc-json:tasks", f"arc-json:{odd}"):
        assert "is not UTF-8: rename the file" in refused(run("eval", "--task", name, "--out", "r"))
    assert "is not UTF-8" in refused(run("show", "life", "--set", os.fsdecode(b"rule=\xff")))
    assert not (tmp_path / "r").exists()


def test_a_model_or_a_folder_that_is_no_text_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path
) -> None:
    odd = os.fsdecode(b"m\xff.py")
    (tmp_path / odd).write_text("")
    asked = ("eval", "--task", "life", "--shots", 3, "--n-test", 4)
    assert "of a model is not UTF-8" in refused(run(*asked, "--model", f"{odd}:Echo", "--out", "r"))
    assert "of a model is not UTF-8" in refused(
        run(*asked, "--model", "cogvideox", "--checkpoint", os.fsdecode(b"\xff"), "--out", "r")
    )
    assert "--out 'r\\udcff' is not UTF-8" in refused(
        run(*asked, "--model", "copy", "--out", os.fsdecode(b"r\xff"))
    )
    assert [path.name for path in tmp_path.iterdir()] == [odd]


def test_odd_names_stay_in_their_line_and_in_json_are_what_they_are(run: Run, tmp_path: Path) -> None:
    name = "a\xa0\x7f\x9b\u202e\U000f0000\nleaky: no.json"
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / name).write_text(
        '{"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[1]], "output": [[2]]}]}'
    )
    asked = ("eval", "--task", "arc-json:t", "--model", "copy", "--out", "r")
    shown = run(*asked)
    assert shown.code == 0 and not any(line.startswith("leaky: no") for line in shown.out.splitlines())
    measured, planned = run(*asked, "--json").out, run(*asked, "--dry-run", "--json").out
    for output in (measured, planned):
        assert all(c == "\n" or c.isprintable() for c in output)
    tasks = [row["task"] for row in json.loads(measured)["results"]]
    tasks += [row["trial"]["task"] for row in json.loads(planned)["trials"]]
    assert set(tasks) == {f"arc-json:t/{name}"}


def test_names_are_no_markup(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "m[" / "b]"
    folder.mkdir(parents=True)
    (folder / "n[red].py").write_text(
        "from vizbench.model import Model\n"
        "class Echo(Model):\n"
        "    modality = 'grid'\n"
        "    def adapt(self, examples, context): return {}\n"
        "    def predict(self, questions, attempts, seed): return ([q] * attempts for q in questions)\n"
    )
    done = run("eval", "--model", "m[/b]/n[red].py:Echo", "--shots", 3, "--n-test", 4, "--out", "r")
    assert done.code == 0, done.err
    assert "m[/b]/n[red].py:Echo" in "".join(done.out.split())


def test_eval_says_where_a_file_has_fewer_rows_than_asked(run: Run, tmp_path: Path) -> None:
    pair = {"input": [[0, 1]], "output": [[1, 0]]}
    (tmp_path / "swap.json").write_text(json.dumps({"train": [pair, pair], "test": [pair]}))
    done = run("eval", "--model", "nearest", "--task", "arc-json:swap.json", "--shots", 2, "--n-test", 5)
    assert done.err.count("fewer ") == 1
    assert "1 task has fewer test questions than the 5 asked for: 1, all of which were used" in done.err
    done = run("eval", "--model", "nearest", "--task", "arc-json:swap.json", "--n-test", 1, "--out", "b")
    assert done.code == 0
    assert "fewer" not in done.err


def test_report_is_made_from_records_only(run: Run, tmp_path: Path) -> None:
    run(*EVAL)
    assert run("report", "r", "--html", "again.html").out == "again.html\n"
    assert "nearest" in (tmp_path / "again.html").read_text(encoding="utf-8")
    assert "holds no run" in refused(run("report", tmp_path / "r" / "nothing", "--html", "no.html"))
    assert not (tmp_path / "no.html").exists()
    said = refused(run("report", "r", "--html", "nowhere/x.html"))
    assert said.startswith("nowhere/x.html cannot be written: the folder does not exist")


def test_a_missing_extra_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("vizbench.baselines.")]:
        monkeypatch.delitem(sys.modules, name)
    assert "pip install '.[models]'" in refused(run("eval", "--model", "cogvideox", "--shots", 3))


def test_ctrl_c_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "from vizbench.model import Model\n"
        "class Slow(Model):\n"
        "    modality = 'grid'\n"
        "    def adapt(self, examples, context): return {}\n"
        "    def predict(self, questions, attempts, seed):\n"
        "        for number, question in enumerate(questions):\n"
        "            if number == 3: print('READY', flush=True); time.sleep(60)\n"
        "            yield [question] * attempts\n"
    )
    command = ["eval", "--model", "slow.py:Slow", "--shots", "3", "--n-test", "5", "--out", "r"]
    running = subprocess.Popen(
        [sys.executable, "-m", "vizbench", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "READY\n"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "the same command continues" in said and "Traceback" not in said
    (records,) = (tmp_path / "r").glob("*slow*/records.jsonl")
    assert records.read_text().count("\n") == 3
