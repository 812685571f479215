"""Test the command line in other environments: console encodings, closed streams, foreign folders, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import Done, Run, refused
from vizbench.console import streams

ROOT = Path(__file__).resolve().parent.parent

SMALL = ("--task", "life/conway", "--shots", "3", "--n-test", "4")

EVAL = ("eval", "--model", "nearest", *SMALL)

MODELS = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
from vizbench.model import Model
import beside
class Echo(Model):
    modality = "grid"
    def adapt(self, examples, context): return {}
    def predict(self, questions, attempts, seed): return ([q] * attempts for q in questions)
class Waits(Echo):
    def predict(self, questions, attempts, seed):
        print("READY", flush=True)
        time.sleep(3600)
        yield
class Swallows(Echo):
    def predict(self, questions, attempts, seed):
        print("READY", flush=True)
        while True:
            try: time.sleep(3600)
            except BaseException: pass
        yield
class Threads(Echo):
    def predict(self, questions, attempts, seed):
        print("READY", flush=True)
        with ThreadPoolExecutor(2) as pool: list(pool.map(time.sleep, (3600, 3600)))
        yield
class Moves(Echo):
    def adapt(self, examples, context):
        os.chdir("/")
        return {}
class Trains(Echo):
    def adapt(self, examples, context):
        print("READY", flush=True)
        time.sleep(3600)
"""


def environment(**variables: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "", "OMP_NUM_THREADS": "1"} | variables


def vizbench(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "vizbench", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(**variables), capture_output=True, check=False)


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash, in which `vizbench` is this one."""
    script = f'vizbench() {{ "{sys.executable}" -m vizbench "$@"; }}\n{line}'
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a data set, answers of which some are no grid, and models."""
    folder = tmp_path_factory.mktemp("place")
    assert vizbench(folder, "generate", "--task", "life", "--n", "3", "--out", "d").returncode == 0
    rows = [json.loads(line) for line in (folder / "d" / "train-00000.jsonl").read_text().splitlines()]
    texts = [row["target"] for row in rows[:1]] + ["… 中 no grid", [[1, 2], [3]]]
    lines = [json.dumps({"id": row["id"], "answer": text}) for row, text in zip(rows, texts, strict=True)]
    (folder / "a.jsonl").write_text("\n".join(lines))
    (folder / "m.py").write_text(MODELS)
    (folder / "beside.py").write_text("")
    return folder


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp437"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_console_that_is_not_utf_8_shows_every_figure(place: Path, variables: dict[str, str]) -> None:
    for command in (("verify", "d", "a.jsonl"), ("score", "a.jsonl", "--dataset", "d")):
        done = vizbench(place, *command, **variables)
        assert (done.returncode, b"Error" in done.stderr) == (0, False), done
        assert b"0.3333" in done.stdout
    process = vizbench(place, "score", "a.jsonl", "--dataset", "d", "--json", **variables)
    assert json.loads(process.stdout)["score"]["answered"] == 3
    listed = vizbench(place, "models", **variables)
    assert (listed.returncode, listed.stderr) == (0, b"") and b"qwen3" in listed.stdout


def test_stand_ins_are_legible(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:

    streams.prepare_streams()
    assert "2 … 3 é".encode("ascii", "vizbench") == b"2 ... 3 \\xe9"


def test_closed_streams_are_silence(place: Path) -> None:
    assert shell(place, "vizbench tasks >&-").stderr == ""
    for command, code in (("--help", 0), (f"{' '.join(EVAL)} --out closed", 0), ("show lif", 2)):
        quiet = shell(place, f"vizbench {command} >&- 2>&-")
        assert (quiet.returncode, quiet.stdout, quiet.stderr) == (code, "", "")


def test_a_reader_that_leaves_ends_a_command_in_silence(place: Path) -> None:
    for command in ("--help", f"{' '.join(EVAL)} --out closed"):
        done = shell(place, f"vizbench {command} 2>err | true; echo ${{PIPESTATUS[0]}}; grep -v done err")
        assert (done.stdout, done.stderr) == ("141\n", ""), command
    done = shell(place, "vizbench tasks | head -1")
    assert done.stdout.startswith("family ") and done.stderr == ""


def test_a_full_disk_behind_stdout_is_one_sentence(place: Path) -> None:
    # One ends before its buffer is full, one writes more than a buffer, one flushes every table.
    for command in ("models", "tasks --json", f"{' '.join(EVAL)} --out full"):
        done = shell(
            place, f"vizbench {command} > /dev/full 2>err; code=$?; grep -v ': done$' err; exit $code"
        )
        assert done.returncode == 2
        assert done.stdout == "vizbench: stdout cannot be written (No space left on device): redirect it\n"


def test_a_model_that_leaves_its_folder_takes_no_answers_along(place: Path) -> None:
    done = vizbench(place, "eval", "--model", "m.py:Moves", *SMALL, "--out", "moved")
    assert done.returncode == 0, done.stderr
    assert b"m.py:Moves" in done.stdout and b"report: moved/report.html" in done.stdout
    (trial,) = (place / "moved").glob("*moves*")
    assert {"records.jsonl", "sessions.jsonl"} <= {path.name for path in trial.iterdir()}


@pytest.mark.parametrize("variables", [{"COLUMNS": "20", "TERM": "dumb"}, {"COLUMNS": "0", "NO_COLOR": "1"}])
def test_narrow_and_dumb_terminals_show_every_figure(place: Path, variables: dict[str, str]) -> None:
    done = vizbench(place, *EVAL, "--out", "narrow", **variables)
    assert done.returncode == 0
    solver = next(line for line in done.stdout.decode().splitlines() if line.startswith("solver"))
    assert solver.split() == ["solver", "3", "4", "1.000", "[0.510,", "1.000]", "1.000", "1.000"]
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_folder_that_shadows_the_standard_library_is_not_imported(place: Path, tmp_path: Path) -> None:
    for name in ("json", "numpy", "msgspec", "random"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} of the current folder')\n")
    for name in ("m.py", "beside.py"):
        (tmp_path / name).write_text((place / name).read_text())
    done = vizbench(tmp_path, "show", "life")
    assert done.returncode == 0, done.stderr
    # The installed program has no current folder on its path; there `types` too must be the real one.
    (tmp_path / "types.py").write_text("raise SystemExit('types of the current folder')\n")
    main = "from vizbench.__main__ import main\nif __name__ == '__main__':\n    main()\n"
    program = tmp_path / "bin" / "vizbench"
    program.parent.mkdir()
    program.write_text(main)
    for arguments in (
        ("eval", "--model", "m.py:Echo", *SMALL, "--jobs", "2", "--out", "r"),
        ("generate", "--task", "life", "--n", "5001", "--no-steps", "--workers", "2"),
    ):
        command = [sys.executable, str(program), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert b"of the current folder" not in done.stderr  # nor in a process that only keeps records


def test_programs_that_a_model_starts_find_what_they_always_do() -> None:
    from vizbench._util.processes import forget_safe_path, safe_path

    before = os.environ.get("PYTHONSAFEPATH")
    with safe_path():
        assert os.environ["PYTHONSAFEPATH"]
        forget_safe_path()
        assert os.environ.get("PYTHONSAFEPATH") == before
        os.environ["PYTHONSAFEPATH"] = "vizbench"
    assert os.environ.get("PYTHONSAFEPATH") == before


def test_a_process_that_cannot_begin_is_diagnosed_by_how_it_ended(place: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "from pathlib import Path\n"
        "from vizbench.harness.plan.plan import Plan\n"
        "from vizbench.harness.run.run import run\n"
        "run(Plan(tasks=('life/conway',), shots=(3,), n_test=2), Path('r'), jobs=2)\n"
    )
    command = [sys.executable, "script.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert "ended with code 1 before it could work" in done.stderr
    assert "`if __name__ == '__main__':`" in done.stderr and "memory" not in done.stderr


def interrupted(folder: Path, *arguments: str) -> Done:
    """Start a command in its own process group, and send the group Ctrl-C once it says that it is ready."""
    running = subprocess.Popen(
        [sys.executable, "-m", "vizbench", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "READY\n"
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
        return Done(running.returncode, out, err)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()


@pytest.mark.parametrize(
    ("model", "more"),
    [("Swallows", ()), ("Threads", ()), ("Trains", ()), ("Waits", ("--jobs", "2"))],
)
def test_ctrl_c_ends_an_eval_whatever_it_is_in(place: Path, model: str, more: tuple[str, ...]) -> None:
    """Without a bound a model would sleep for an hour. The timeout of `interrupted` ends such a test."""
    out = f"{model}{len(more)}"
    done = interrupted(place, "eval", "--model", f"m.py:{model}", *SMALL, "--out", out, *more)
    sentence = f"vizbench: stopped; the same command continues from what is in {out}"
    assert (done.code, done.err.splitlines()[-1]) == (130, sentence)
    assert "Traceback" not in done.err


def test_ctrl_c_does_not_wait_for_the_interpreter_to_be_taken_apart(tmp_path: Path) -> None:
    script = """
import os, signal, sys, time
from vizbench._util import interrupts
class Large:
    def __del__(self): print("taken apart", flush=True)
large = Large()
try:
    with interrupts.bounded():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
except KeyboardInterrupt:
    print("stopped")
    sys.exit(interrupts.CODE)
"""
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (130, b"stopped\n"), done.stderr


def test_ctrl_c_says_how_to_go_on_for_every_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from vizbench._util import interrupts

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name, arguments, words in (
        (
            "vizbench.harness.records.records.read_runs",
            ("report", "r", "--html", "x.html"),
            "existing files are complete",
        ),
        (
            "vizbench.harness.score.score.score_rows",
            ("score", "a", "--dataset", "d"),
            "a run was kept completely or not at all",
        ),
        (
            "vizbench.harness.score.score.score_rows",
            ("verify", "d", "a"),
            "a run was kept completely or not at all",
        ),
        ("vizbench.loading.load", ("show", "life"), "nothing was kept"),
    ):
        interrupts._reported.acquire(blocking=False)
        interrupts._reported.release()
        with monkeypatch.context() as patch:
            patch.setattr(name, stop)
            done = run(*arguments)
        assert (done.code, done.out) == (130, "")
        assert done.err.startswith("vizbench: stopped; ") and words in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("generate", "--task", "life", "--task", "maze/9", "--n", 3), "run the command once for each task"),
        (("generate", "--task", "life", "--n", 3, "--out", "a", "--out=b"), "--out takes one value"),
        (("eval", "--checkpoint", "a", "--checkpoint", "b"), "--model NAME=CHECKPOINT"),
        (("eval", "--seed", 1, "--seed", 1), "--seed takes one value, but is given 2 times"),
        (("eval", "--config", "a.toml", "--config", "b.toml"), "--config takes one value"),
        (("show", "life", "--index", 1, "--index=2"), "--index takes one value"),
        (("score", "a", "--dataset", "d", "--dataset", "e"), "--dataset takes one value"),
        (("report", "r", "--html", "a", "--html", "b"), "--html takes one value"),
        (("models", "--tokens", 2, "--tokens", 3), "--tokens takes one value"),
        (("pretrain", "qwen3", "--out", "a", "--out", "b", "--out", "c"), "is given 3 times"),
    ],
)
def test_an_option_given_twice_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[object, ...], part: str
) -> None:
    assert part in refused(run(*arguments))
    assert not list(tmp_path.iterdir())


def test_every_option_of_one_value_is_refused_twice_and_the_others_are_not(run: Run) -> None:
    import typer

    from vizbench.cli import app

    group = typer.main.get_command(app)
    for name, command in vars(group)["commands"].items():
        for option in command.params:
            if option.param_type_name != "option" or option.is_flag or option.name == "help":
                continue
            given = (option.opts[0], "1", option.opts[0], "2")
            assert option.multiple is ("takes one value" not in run(name, *given).err), (name, option.opts)


def test_version_and_help_are_short(run: Run) -> None:
    from vizbench._util.version import __version__

    assert run("--version").out == f"vizbench {__version__}\n"
    for name in ("", "tasks", "models", "show", "generate", "verify", "score", "eval", "report", "pretrain"):
        words = (name,) if name else ()
        assert run(*words, "-h").out == run(*words, "--help").out != ""


def completed(folder: Path, *words: str) -> list[str]:
    """Return what bash is offered for the last word."""
    line = {"COMP_WORDS": " ".join(("vizbench", *words)), "COMP_CWORD": str(len(words))}
    done = vizbench(folder, _VIZBENCH_COMPLETE="complete_bash", **line)
    return done.stdout.decode().split()


def test_the_shell_completes_tasks_models_and_suites(tmp_path: Path) -> None:
    assert {"maze/9", "maze/11"} <= set(completed(tmp_path, "show", "maze/"))
    assert completed(tmp_path, "eval", "--model", "qw") == ["qwen3"]
    assert "cogvideox=tiny" in completed(tmp_path, "eval", "--model", "cogvideox=")
    assert "paper/games" in completed(tmp_path, "eval", "--suite", "paper")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("maze/10", "maze/9, maze/11"),
        ("maze-12", "maze/11"),
        ("eca/112", "eca/110"),
        ("hitori/7", "hitori/6, hitori/8"),
        ("langton/4", "langton/3, langton/5"),
        ("sudoku/9x9", "sudoku/easy, sudoku/medium"),
        ("mazes", "maze"),
        ("Life", "life"),
        ("LIFE/Conway", "life/conway"),
        ("game-of-life", "life"),
        ("conway", "life/conway"),
        ("rule-110", "eca/110"),
        ("towers_of_hanoi", "hanoi"),
        ("connect-four", "connect4"),
        ("cellular-automaton", "life"),
    ],
)
def test_near_names_are_near_in_value_and_in_meaning(run: Run, name: str, near: str) -> None:
    said = refused(run("show", name))
    assert near in said.partition("did you mean ")[2], said


def test_the_pool_is_an_option_of_generate_and_eval_and_is_kept(run: Run, tmp_path: Path) -> None:
    import vizbench as vb
    from vizbench.formats import read

    made = run("generate", "--task", "sudoku/mini", "--split", "test", "--n", 5, "--pool", 3)
    folder = tmp_path / "sudoku-mini-test-5-pool3"
    assert made.code == 0
    assert json.loads((folder / "manifest.json").read_text())["spec"]["pool"] == 3
    expected = vb.load("sudoku/mini", pool=3).test.head(5)
    assert [row.question.tolist() for row in read(folder)] == [row.question.tolist() for row in expected]
    plan = ("eval", "--model", "nearest", "--task", "sudoku/mini", "--shots", 3, "--n-test", 4, "--out", "r")
    assert run(*plan, "--pool", 7).code == 0
    (header,) = (tmp_path / "r").glob("*nearest*/run.json")
    assert json.loads(header.read_text())["trial"]["pool"] == 7
    assert "pool was 7, is 5000" in refused(run(*plan))
    assert "pool 2 is below 3 shots" in run(*plan[:-1], "low", "--pool", 2).err
    (tmp_path / "plan.toml").write_text("pool = 7")
    assert run(*plan, "--config", "plan.toml").code == 0
    assert "pool -1 is not an integer in 0" in refused(run(*plan, "--pool", -1))
    assert "leave --pool out" in refused(
        run("generate", "--task", "arc/copy", "--format", "arc", "--n", 1, "--pool", 3)
    )


def test_each_model_has_its_own_checkpoint(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    (tmp_path / "a=b" / "m.py").write_text(
        "from vizbench.model import Model\n"
        "class Echo(Model):\n"
        "    modality = 'grid'\n"
        "    def __init__(self, checkpoint): self.checkpoint = checkpoint\n"
        "    def adapt(self, examples, context): return {}\n"
        "    def predict(self, questions, attempts, seed): return ([q] * attempts for q in questions)\n"
    )
    models = ("--model", "a=b/m.py:Echo=x?y=1", "--model", "a=b/m.py:Echo=z")
    done = run("eval", *models, "--model", "nearest", *SMALL, "--out", "r")
    assert done.code == 0, done
    assert "a=b/m.py:Echo x?y=1" in done.out and "a=b/m.py:Echo z" in done.out
    (tmp_path / "plan.toml").write_text(
        'model = ["a=b/m.py:Echo=x?y=1", "a=b/m.py:Echo=z"]\nn-test = 4\nshots = 3\n'
    )
    again = run("eval", "--config", "plan.toml", "--task", "life/conway", "--out", "r")
    assert again.code == 0 and again.err.count(": was done") == 8
    for words, part in (
        (("--model", "qwen3", "--model", "cogvideox", "--checkpoint", "tiny"), "--model NAME=CHECKPOINT"),
        (("--model", "nearest", "--model", "qwen3", "--checkpoint", "tiny"), "--model NAME=CHECKPOINT"),
        (("--checkpoint", "tiny"), "--model NAME=CHECKPOINT"),
        (("--model", "nearest", "--checkpoint", "tiny"), "a trivial baseline has none"),
        (("--model", "nearest=tiny"), "has none, leave it out"),
        (("--model", "qwen3=tiny", "--checkpoint", "tiny-random"), "two checkpoints"),
        (("--model", "qwen3="), "names no checkpoint after its ="),
    ):
        assert part in refused(run("eval", *words, *SMALL, "--out", "s"))
    assert not (tmp_path / "s").exists()


def test_the_lowest_versions_that_are_tried_are_those_of_the_bounds() -> None:
    import importlib.metadata
    import importlib.util

    spec = importlib.util.spec_from_file_location("lowest", ROOT / "scripts" / "lowest.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    pinned = dict(pin.split("==") for pin in script.lowest())
    assert {"numpy", "filelock", "typer", "rich"} <= set(pinned)
    for name, version in pinned.items():
        installed = importlib.metadata.version(name)
        assert [int(part) for part in version.split(".")] <= [
            int(part) for part in installed.split(".")[:3]
        ], name
    assert [int(part) for part in pinned["typer"].split(".")] >= [0, 19]  # 0.16 to 0.18 fail in every command
