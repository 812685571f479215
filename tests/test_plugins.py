"""Test tasks and models from Python files and packages: named by the user, never by a data set."""

from __future__ import annotations

import inspect
import json
import multiprocessing
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

import vizbench as vb
from tests import test_contract, test_guesses, test_trajectories
from tests.support.commands import Run, refused
from tests.support.contract import hostile
from vizbench import baselines, generators, model
from vizbench._util import notices, plugins
from vizbench.formats import Execution, read, write
from vizbench.formats.rows import encode
from vizbench.seeds import keys
from vizbench.task import registry

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_task.py"

MODEL = """
import vizbench as vb

class Own(vb.Model):
    modality = "grid"

    def adapt(self, examples, context):
        return {}

    def predict(self, questions, attempts, seed):
        for question in questions:
            yield [question] * attempts

FAMILY = vb.ModelFamily("own-model", "grid", "Copies.", ("none",), lambda checkpoint: Own())
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copy the example to a folder of its own, with no file imported so far."""
    monkeypatch.setattr(registry, "_imported", {})
    path = tmp_path / "mine.py"
    shutil.copy(EXAMPLE, path)
    yield path


# A task in a file is a task


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 40


@pytest.mark.parametrize("variant", ["", "/small", "/large", "/small?colours=2&size=4"])
def test_a_files_task_keeps_the_contract(file: Path, variant: str) -> None:
    name = f"{file}:TASK{variant}"
    data = vb.load(name, seed=3)
    assert vb.load(data.name, seed=3).name == data.name
    rows = (*data.train.head(5), *data.test.head(5))
    assert len({row.question.tobytes() for row in rows}) == 10
    for row in rows:
        assert vb.verify(row, row.target).exact
        assert vb.verify_steps(row, row.steps).exact
        assert not vb.verify(row, row.question).valid
        assert vb.instance(row.id).target.tolist() == row.target.tolist()
        solved = data.verifier.solve(row.params, row.question)
        assert solved is not None
        assert solved.tolist() == row.target.tolist()
        guess = data.verifier.guess(row.params, row.question, 5)
        assert guess is not None
        assert guess.shape == row.target.shape
        assert vb.render(row).dtype == np.uint8
    for answer in hostile(rows[0].target):
        assert not vb.verify(rows[0], answer).valid


OWN_TASKS_ONLY = {
    "test_a_family_describes_itself",
    "test_variants_are_different_tasks",
    "test_a_guess_is_legal",
    "test_legal_is_neither_right_nor_wrong",
}
"""Tests that look a family up by name, or in a table of their own."""

TESTS = vars(test_contract) | vars(test_guesses) | vars(test_trajectories)
CONTRACT = [
    test
    for name, test in TESTS.items()
    if name.startswith("test_")
    and name not in OWN_TASKS_ONLY
    and [*inspect.signature(test).parameters] == ["name"]
]
"""Tests that every task passes."""


@pytest.mark.parametrize("test", CONTRACT, ids=lambda test: test.__name__)
def test_the_example_keeps_the_contract_of_all_tasks(test: Callable[[str], None]) -> None:
    name = f"{EXAMPLE}:TASK/small"
    vb.load(name)
    test(name)


def test_a_row_depends_on_its_own_key_only(file: Path) -> None:
    vb.load(f"{file}:TASK")
    spec = registry.spec(f"{file}:TASK")
    some = keys(5, 0, 20)
    batch = spec.task.generate_batch(spec.params, some)
    assert np.array_equal(spec.task.generate_batch(spec.params, some[7:9]).question, batch.question[7:9])
    assert 1 <= batch.target.min() <= batch.target.max() < spec.task.codes


def test_parameters_of_a_files_task_are_overridden_and_checked(file: Path) -> None:
    assert vb.load(f"{file}:TASK", size=4).name == f"{file}:TASK/small?size=4"
    with pytest.raises(vb.UserError, match="size is even"):
        vb.load(f"{file}:TASK/small?size=5")
    with pytest.raises(vb.UserError, match=r"unknown parameter of .*mine\.py:TASK/small 'sise'"):
        vb.load(f"{file}:TASK?sise=5")
    with pytest.raises(vb.UserError, match=r"unknown task .*did you mean .*TASK/small"):
        vb.load(f"{file}:TASK/smal")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.py:TASK", "task file 'gone.py' does not exist: write path/to/file.py:TASK"),
        ("{file}", "does not name a task: write path/to/file.py:TASK"),
        ("{file}:TUSK", r"unknown task in mine.py 'TUSK': did you mean TASK"),
        (
            "{file}:Mirror",
            "Mirror in mine.py is not a complete task: Mirror is a class: give an instance, TASK = Mirror()",
        ),
        ("{file}:Params", "it is the class Params: give an instance of a class derived from vizbench.Task"),
    ],
)
def test_a_name_of_no_task_is_refused(file: Path, name: str, words: str) -> None:
    with pytest.raises(vb.UserError, match=words):
        vb.load(name.format(file=file))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "import vizbench as vb",
            "import nothing_of_the_kind",
            "mine.py fails on import: ModuleNotFoundError",
        ),
        (
            EXAMPLE.read_text(),
            "x = 1",
            "file mine.py does not define 'TASK', nor any other task: write path/",
        ),
        ("TASK = Mirror()", "TASK = (", "mine.py fails on import: SyntaxError"),
        ("TASK = Mirror()", "1 / 0", "mine.py fails on import: ZeroDivisionError"),
        (
            "    def solve(",
            "    def other(",
            "mine.py fails on import: TypeError: Can't instantiate abstract",
        ),
        ("    summary =", "    other =", "TASK in mine.py is not a complete task: it lacks summary"),
        ('"mirror"\n', '"../x"\n', "is not a name of small letters"),
        (
            "variants = {",
            "variants = {} and {",
            "its variants are not a mapping from names to dataclass instances",
        ),
    ],
)
def test_an_error_of_a_file_is_one_sentence(file: Path, old: str, new: str, words: str) -> None:
    source = file.read_text()
    assert old in source
    file.write_text(source.replace(old, new, 1))
    with pytest.raises(vb.UserError, match=words) as caught:
        vb.load(f"{file}:TASK")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("    codes = 10\n", "    codes = 10\n    levels = range(10)\n", "level3"),
        ('"small": Params()', '"small": Params', "small"),
    ],
)
def test_parameters_that_are_no_record_are_refused(file: Path, old: str, new: str, name: str) -> None:
    source = file.read_text()
    assert old in source
    file.write_text(source.replace(old, new, 1))
    with pytest.raises(vb.UserError, match=f"the parameters of .*/{name} are .* not a dataclass instance"):
        vb.load(f"{file}:TASK/{name}")


def test_a_task_that_makes_no_answer_says_so(file: Path) -> None:
    file.write_text(file.read_text().replace("        return answer\n", "        return None\n"))
    with pytest.raises(
        vb.UserError, match="mirror makes a question that its `solve` cannot answer: fix the task"
    ):
        vb.load(f"{file}:TASK").train.head(1)


def test_a_changed_file_is_imported_again_and_reported(file: Path) -> None:
    said: list[str] = []
    before = vb.load(f"{file}:TASK")
    file.write_text(file.read_text().replace("mirror image", "image"))
    with notices.notices_to(lambda text, _: said.append(text)):
        after = vb.load(f"{file}:TASK")
    assert said == ["mine.py has changed: its new code is used from now on"]
    assert type(after.verifier) is not type(before.verifier)


def test_the_kernel_of_the_docs_compiles_in_a_file_of_its_own(tmp_path: Path) -> None:
    page = (EXAMPLE.parents[1] / "docs" / "add-a-task.md").read_text(encoding="utf-8")
    (source,) = [body for body in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "@jit" in body]
    (tmp_path / "kernel_file.py").write_text(source)
    kind = plugins.Kind("task", "kernel", "path/to/file.py:NAME")
    _, scatter = plugins.load(plugins.find(f"{tmp_path}/kernel_file.py:scatter", kind), kind)
    some = keys(5, 0, 3)
    grids = np.zeros((3, 6, 4), np.uint8)
    scatter(grids, some, 5)
    assert 1 <= grids[0].sum() <= 5
    alone = np.zeros((1, 6, 4), np.uint8)
    scatter(alone, some[1:2], 5)
    assert np.array_equal(alone[0], grids[1])


# Only what the user typed is imported


def marked(file: Path) -> Path:
    """Let the file leave a mark if it is imported."""
    mark = file.with_name("mark")
    file.write_text(file.read_text() + f"\nopen({str(mark)!r}, 'w').close()\n")
    return mark


def test_a_name_from_elsewhere_imports_nothing(file: Path) -> None:
    mark = marked(file)
    name = f"{file}:TASK/small"
    for use in (
        lambda: registry.spec(name),
        lambda: vb.verifier_of(name),
        lambda: vb.instance(f"{name}#0-train-1"),
    ):
        with pytest.raises(vb.UserError, match="is run only if you name it yourself: give --task"):
            use()
    assert not mark.exists()


def test_a_data_set_of_a_files_task_is_read_once_the_user_names_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = marked(file)
    split = vb.load(f"{file}:TASK").train
    manifest = write(split, 4, tmp_path / "data", execution=Execution(workers=1))
    assert manifest.code == registry.code_of(f"{file}:TASK")
    rows = [encode(row, True) for row in read(tmp_path / "data")]
    monkeypatch.setattr(registry, "_imported", {})
    mark.unlink()
    with pytest.raises(vb.UserError, match="is run only if you name it yourself"):
        list(read(tmp_path / "data"))
    assert not mark.exists()
    monkeypatch.chdir(tmp_path)
    registry.import_task("mine.py:TASK")  # by another path than the data set's
    assert [encode(row, True) for row in read(tmp_path / "data")] == rows
    file.write_text(file.read_text() + "# changed\n")
    registry.import_task("mine.py:TASK")
    with pytest.raises(vb.UserError, match="was made by other code of"):
        list(read(tmp_path / "data"))


def test_the_commands_take_a_files_task(file: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{file}:TASK"
    assert run("show", name).code == 0
    assert run("generate", "--task", f"{name}/small", "--n", 3, "--out", "data").code == 0
    rows = [json.loads(line) for line in Path("data/train-00000.jsonl").read_text().splitlines()]
    lines = [json.dumps({"id": row["id"], "answer": row["target"]}) for row in rows]
    Path("answers.jsonl").write_text("\n".join(lines))
    for command in (("verify", "data", "answers.jsonl"), ("score", "answers.jsonl", "--dataset", "data")):
        monkeypatch.setattr(registry, "_imported", {})
        refused = run(*command)
        assert (refused.code, "is run only if you name it yourself" in refused.err) == (2, True)
        assert run(*command, "--task", name, "--json").code == 0
        assert run(*command, "--task", "life/conway").code == 2


def test_scoring_into_a_run_imports_only_the_named_file(file: Path, run: Run) -> None:
    folder = file.parent
    (folder / "other").mkdir()
    other = folder / "other" / "mine.py"
    shutil.copy(file, other)
    assert (
        run("generate", "--task", f"{other}:TASK/small", "--n", 3, "--split", "test", "--out", "data").code
        == 0
    )
    rows = [json.loads(line) for line in Path("data/test-00000.jsonl").read_text().splitlines()]
    lines = [json.dumps({"id": row["id"], "answer": row["target"]}) for row in rows]
    Path("answers.jsonl").write_text("\n".join(lines))
    registry._imported.clear()
    mark = marked(other)
    command = ("score", "answers.jsonl", "--dataset", "data", "--out", "runs", "--name", "mine")
    assert run(*command, "--task", f"{file}:TASK").code == 0
    assert not mark.exists()


def test_a_run_of_a_files_task_goes_on_until_its_code_changes(
    file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (
        "eval",
        "--task",
        f"{file}:TASK",
        "--model",
        "copy",
        "--shots",
        2,
        "--n-test",
        3,
        "--out",
        "runs",
    )
    assert run(*command).code == 0
    header = json.loads(next(Path("runs").glob("*/run.json")).read_text())
    assert header["task_code"] == registry.code_of(f"{file}:TASK")
    assert run(*command).code == 0
    file.write_text(file.read_text() + "# changed\n")
    refused = run(*command)
    assert refused.code == 2
    assert "task_code was" in refused.err
    mark = marked(file)
    monkeypatch.setattr(registry, "_imported", {})
    assert run("report", "runs", "--html", "page.html").code == 0
    assert not mark.exists()


# Other processes


class _Rows(Dataset[bytes]):
    def __init__(self, split: vb.Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> bytes:
        return encode(self.split[index], True)


def _encoded(row: vb.Instance) -> bytes:
    return encode(row, True)


def test_spawned_processes_import_the_file(file: Path, tmp_path: Path) -> None:
    data = vb.load(f"{file}:TASK/large", seed=2)
    rows = [encode(row, True) for row in data.train.head(4)]
    loader = DataLoader(_Rows(data.train), batch_size=None, num_workers=1, multiprocessing_context="spawn")
    assert list(loader) == rows
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_encoded, data.train.head(4)) == rows
    assert (
        write(data.train, 4, tmp_path / "one").digest
        == write(data.train, 4, tmp_path / "two", execution=Execution(workers=2)).digest
    )


def test_objects_of_a_file_are_pickled_by_its_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = vb.load(f"{file}:TASK")
    pickled = pickle.dumps((data, data.params, data.verifier, data.train[0]))
    monkeypatch.setattr(registry, "_imported", {})
    again, params, verifier, row = pickle.loads(pickled)
    assert again.train[0].id == row.id
    assert registry.params_json(params) == registry.params_json(data.params)
    assert verifier.family == "mirror"


def test_jobs_import_the_file(file: Path, run: Run) -> None:
    command = ("eval", "--task", f"{file}:TASK", "--model", "copy", "--shots", 2, "--n-test", 3)
    assert run(*command, "--out", "runs", "--jobs", 2).code == 0


# Installed packages


class Package:
    """A package in a folder on the path, with entry points."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.syspath_prepend(folder)
        for name in ("own_broken", "own_mirror", "own_models"):
            monkeypatch.delitem(sys.modules, name, raising=False)

    def offer(self, group: str, *entries: str) -> None:
        info = self.folder / "own_package-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-package\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(entries) + "\n")
        registry.families.cache_clear()
        model.families.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.setattr(notices, "_said", set())
    yield Package(tmp_path, monkeypatch)
    registry.families.cache_clear()
    model.families.cache_clear()


def listed() -> tuple[list[str], list[str]]:
    """Return the listed tasks, and the notices."""
    said: list[str] = []
    with notices.notices_to(lambda text, _: said.append(text)):
        return vb.tasks(), said


def test_an_installed_package_offers_a_task(package: Package) -> None:
    shutil.copy(EXAMPLE, package.folder / "own_mirror.py")
    package.offer("vizbench.tasks", "mirror = own_mirror:TASK")
    names, said = listed()
    assert said == []
    assert "mirror/large" in names
    data = vb.load("mirror/large")
    row = data.test[0]
    assert row.id == "mirror/large#0-test-0"
    assert vb.verify(vb.instance(row.id), row.target).exact
    assert pickle.loads(pickle.dumps(data)).name == "mirror/large"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1 / 0", "it fails on import, ZeroDivisionError"),
        ("TASK = 7", "it is of type int: give an instance of a class derived from vizbench.Task"),
        (EXAMPLE.read_text().replace("= Mirror()", "= Mirror"), "give an instance, TASK = Mirror()"),
        (EXAMPLE.read_text().replace('"mirror"', '"life"'), "its name life is taken by vizbench: rename it"),
        (EXAMPLE.read_text().replace("summary", "other"), "it lacks summary"),
    ],
)
def test_a_broken_entry_point_is_reported_and_breaks_nothing(
    package: Package, source: str, words: str
) -> None:
    (package.folder / "own_broken.py").write_text(source)
    package.offer("vizbench.tasks", "broken = own_broken:TASK")
    names, said = listed()
    assert "life/conway" in names
    assert not any(name.startswith("mirror") for name in names)
    (sentence,) = said
    assert words in sentence
    assert "is left out" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import nothing_like_it",
            "fails on import: ModuleNotFoundError: No module named 'nothing_like_it': correct",
        ),
        ("TASK = (", "fails on import: SyntaxError"),
        ("OTHER = 1", "has no TASK: end it with TASK = MyTask()"),
        ("TASK = 7", "is not a complete task: it is of type int"),
        (
            EXAMPLE.read_text(),
            "has the family mirror, and its file's name says aa-broken: rename one",
        ),
    ],
)
@pytest.mark.parametrize("command", [("tasks",), ("show", "aa-broken"), ("eval", "--suite", "all")])
def test_a_broken_file_of_our_own_is_named(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[object, ...],
    source: str,
    words: str,
) -> None:
    broken = tmp_path / "aa_broken.py"
    broken.write_text(source)
    monkeypatch.setattr(generators, "__path__", [*generators.__path__, str(tmp_path)])
    caches = (registry._own_modules, registry._own_task, registry.families)
    for cache in caches:
        cache.cache_clear()
    try:
        sentence = refused(run(*command))
    finally:
        sys.modules.pop("vizbench.generators.aa_broken", None)
        for cache in caches:
            cache.cache_clear()
    assert str(broken) in sentence
    assert words in sentence


def test_a_task_of_our_own_imports_no_other() -> None:
    code = (
        "import sys, vizbench; vizbench.load('life').train[0]; "
        "print([name for name in sys.modules if name.startswith('vizbench.generators.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['vizbench.generators.life']\n"


def test_an_installed_package_offers_a_model(package: Package, tmp_path: Path) -> None:
    (package.folder / "own_models.py").write_text(MODEL)
    package.offer("vizbench.models", "own = own_models:FAMILY")
    assert model.families()["own-model"].summary == "Copies."
    built: Any = model.load_model("own-model")
    assert type(built).__name__ == "Own"
    (tmp_path / "a_model.py").write_text(MODEL)
    own: Any = model.load_model(f"{tmp_path}/a_model.py:Own")
    assert type(own).__name__ == "Own"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "model file vizbench.baselines.aa_broken fails on import: ZeroDivisionError"),
        ("FAMILIES = (3,)", "FAMILIES in vizbench.baselines.aa_broken is wrong: it is of type int"),
        ("FAMILIES = (int,)", "it is the class int: give an instance of vizbench.ModelFamily"),
    ],
)
def test_a_broken_file_of_models_is_named(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aa_broken.py").write_text(code)
    monkeypatch.setattr(baselines, "__path__", [*baselines.__path__, str(tmp_path)])
    model.families.cache_clear()
    try:
        with pytest.raises(vb.UserError, match=re.escape(reason)):
            model.families()
    finally:
        model.families.cache_clear()
        sys.modules.pop("vizbench.baselines.aa_broken", None)
