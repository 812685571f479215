"""Test options: the flags, plan files in TOML, and the plan that they describe."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tests.support.commands import Run, refused
from vizbench.cli import app
from vizbench.errors import UserError
from vizbench.harness.plan.options import Options, options_of, read_config
from vizbench.harness.plan.plan import Plan, plan_of

PLAN = """
model = "nearest"
task = ["life/conway"]
shots = [3, 5]
n-test = 4
out = "r"
"""


def test_the_keys_are_the_flags_with_the_same_defaults() -> None:
    group = typer.main.get_command(app)
    flags = {flag.name: flag.default for flag in vars(group)["commands"]["eval"].params}
    assert set(Options.__struct_fields__) == flags.keys() - {"config", "help"}
    assert options_of(flags) == Options()


def test_a_file_speaks_like_the_flags_and_flags_win(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    assert run("eval", "--config", "plan.toml", "--limit", 1).code == 0
    names = {path.name for path in (tmp_path / "r").iterdir() if path.is_dir()}
    assert "life-conway__nearest__none__n3__s0" in names and "life-conway__nearest__none__n5__s0" in names
    assert "n_test was 4, is 5" in refused(run("eval", "--config", "plan.toml", "--n-test", 5))
    assert (
        run("eval", "--n-test", 5, "--config", "plan.toml", "--out", "s", "--shots", 3, "--limit", 1).code
        == 0
    )
    assert not list((tmp_path / "s").glob("*__n5__*"))


def test_values_come_as_the_flags_want_them(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('model = ["a", "b"]\ntask = "life"\nshots = 3\nn_test = 5\ndry-run = true\n')
    assert read_config(path) == {
        "model": ["a", "b"],
        "task": ["life"],
        "shots": "3",
        "n_test": 5,
        "dry_run": True,
    }
    path.write_text('shots = "3,30"')
    assert read_config(path) == {"shots": "3,30"}
    path.write_text("")
    assert read_config(path) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n-tset = 3", "unknown key in plan .* 'n-tset': did you mean n-test"),
        ("config = 'x'", "unknown key"),
        ("[eval]\nshots = 3", "unknown key in plan .* 'eval'"),
        ("n-test = 3\nn_test = 4", "says n-test twice"),
        ("n-test = '3'", r"wrong value \(Expected `int`, got `str` - at `\$.n_test`\)"),
        ("n-test = 3.5", "wrong value"),
        ("shots = [3, 'x']", "wrong value"),
        ("model = [1]", "wrong value"),
        ("out = 1979-05-27", "wrong value"),
        ("dry-run = 1", "wrong value"),
        ("shots = ", "is no TOML"),
        ("shots = 3\nshots = 4", "is no TOML"),
        ("a = " + "[" * 100_000, "is no TOML"),
        ("shots = 3" + " " * (1 << 20), "is over 1,048,576 bytes"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_config(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_marks_of_windows_editors_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "plan.toml").write_bytes('n-test = 5\r\nout = "läufe"\r\n'.encode(encoding))
    assert read_config(tmp_path / "plan.toml") == {"n_test": 5, "out": "läufe"}


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"plan .* cannot be opened"):
        read_config(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b"out = '\xe9'")
    with pytest.raises(UserError, match="is no TOML"):
        read_config(tmp_path / "latin.toml")
    with pytest.raises(UserError, match="is not a regular file"):
        read_config(Path("/dev/zero"))


def test_options_describe_a_plan_with_the_defaults_of_both() -> None:
    assert plan_of(Options()) == Plan(tasks=("life/conway",))
    assert plan_of(Options(suite="core")) == Plan(suite="core")
    options = Options(
        model="qwen3", task=["life"], shots="3, 30", seed=5, seeds=2, augment="colours", steps=7
    )
    assert plan_of(options) == Plan(
        models=("qwen3",), tasks=("life",), shots=(3, 30), seeds=(5, 6), augment=("colours",), steps=7
    )
    assert plan_of(Options(shots=3)).shots == (3,)
    assert plan_of(Options(shots=[3, 30])).shots == (3, 30)
    with pytest.raises(UserError, match="--shots 'x' is no list of whole numbers"):
        plan_of(Options(shots="x"))


def test_flags_that_are_not_given_keep_the_default() -> None:
    flags = {"config": None, "model": ["copy"], "pool": None, "out": Path("r"), "n_test": 5}
    assert options_of(flags) == Options(model=["copy"], out="r", n_test=5)
