"""Models from Python files: discovered, built, and refused in one sentence."""

from __future__ import annotations

import pytest

from vizbench.errors import UserError
from vizbench.model import ModelRef, load_model, model_code, resolve_model

SOURCE = """
from vizbench.model import Model

class Good(Model):
    modality = "grid"
    def __init__(self, checkpoint="none given"):
        self.checkpoint = checkpoint
    def adapt(self, examples, context):
        return {}
    def predict(self, questions, attempts, seed):
        return iter(())

class Half(Model):
    modality = "grid"
    def adapt(self, examples, context):
        return {}

class Stranger:
    pass
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def test_a_class_of_a_file_is_built_with_its_checkpoint_if_one_is_named(file):
    assert vars(load_model(f"{file}:Good"))["checkpoint"] == "none given"
    assert vars(load_model(f"{file}:Good", "big"))["checkpoint"] == "big"


def test_names_are_resolved_without_building(file):
    file.write_text("raise RuntimeError")
    assert resolve_model(f"{file}:Good") == ModelRef(f"{file}:Good", "default")
    assert resolve_model("copy") == ModelRef("copy", "none")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.py:Good", "does not exist"),
        ("{file}", "write path/to/file.py:Class"),
        ("{file}:", "does not name a class"),
        ("{file}:Goode", "unknown class in mine.py 'Goode': did you mean Good"),
        ("{file}:Stranger", "is not a Model"),
        ("{file}:Half", "cannot be built"),
        ("nearst", "did you mean nearest"),
        ("", "unknown model ''"),
    ],
)
def test_what_cannot_be_built_is_said(file, name, words):
    with pytest.raises(UserError, match=words):
        load_model(name.format(file=file))


@pytest.mark.parametrize("source", ["import nothing_of_the_kind", "x = (", "1 / 0"])
def test_a_file_that_fails_on_import_is_said(file, source):
    file.write_text(source)
    with pytest.raises(UserError, match=r"mine\.py fails on import: .*Error"):
        load_model(f"{file}:Good")


def test_what_lies_beside_a_file_can_be_imported(file):
    (file.parent / "beside_the_model.py").write_text("NAME = 'here'")
    file.write_text("from beside_the_model import NAME\n" + SOURCE)
    assert load_model(f"{file}:Good")


def test_the_code_of_a_file_has_a_digest(file):
    before = model_code(f"{file}:Good")
    assert before == model_code(f"{file}:Half")
    file.write_text(SOURCE + "#")
    assert model_code(f"{file}:Good") != before
    assert model_code("nearest") is None


def test_the_code_beside_a_file_is_part_of_the_digest_if_it_is_imported(file):
    folder = file.parent
    (folder / "package").mkdir()
    imports = (
        "import beside, json\nfrom package.inner import name\n\ndef late():\n    from further import other\n"
    )
    file.write_text(imports + SOURCE)
    parts = [folder / name for name in ("beside.py", "further.py", "package/__init__.py", "package/inner.py")]
    for part in (*parts, folder / "stranger.py", folder / "second.py"):
        part.write_text("")
    (folder / "beside.py").write_text("import second, beside, mine\n")
    met = {model_code(f"{file}:Good")}
    for count, part in enumerate((*parts, folder / "second.py"), start=2):
        part.write_text(part.read_text() + "# changed")
        met.add(model_code(f"{file}:Good"))
        assert len(met) == count, part
    (folder / "stranger.py").write_text("changed")
    (folder / "package" / ".ipynb_checkpoints").mkdir()
    (folder / "package" / ".ipynb_checkpoints" / "inner-checkpoint.py").write_text("")
    assert model_code(f"{file}:Good") in met
    for odd in (
        "from .. import x\n",
        "from ...... import x\n",
        "from . import beside\n",
        "import \0",
        "def (",
    ):
        file.write_text(odd)
        assert model_code(f"{file}:Good")
