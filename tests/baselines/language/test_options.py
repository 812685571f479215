"""Test the options of language checkpoints: answers during training, and fewer bits."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch
import transformers

from tests.baselines.language.test_model import (
    FAMILIES,
    FAMILY_MODALITIES,
    FAST,
    answers,
    built,
    context,
    pairs,
)
from tests.support import tiny_language
from vizbench.baselines.language import checkpoint
from vizbench.errors import UserError
from vizbench.model import Progress

bnb: Any = bitsandbytes


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write a random model of each family, wide enough for blocks of 64 numbers that share a scale."""
    transformers.utils.logging.disable_progress_bar()
    wide = {"hidden_size": 64, "head_dim": 16, "intermediate_size": 128}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny_language, "SIZES", {**tiny_language.SIZES, **wide})
        return {
            family: tiny_language.write(family, tmp_path_factory.mktemp("wide") / family)
            for family in FAMILIES
        }


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft 0.21 asks by an old name
@pytest.mark.parametrize(("family", "modality"), FAMILY_MODALITIES)
def test_answers_amid_the_training_are_written_and_change_no_step(
    family: str, modality: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    shown, quiet, heard = pairs(modality, 3), list[Progress](), list[Progress]()
    silent = built(folders, family, modality, f"{FAST}&dropout=0.1")
    silent.adapt(shown, context(12, heard=quiet))
    model = built(folders, family, modality, f"{FAST}&dropout=0.1&sample_every=4")
    model.adapt(shown, context(12, heard=heard))
    assert [p.loss for p in heard] == [p.loss for p in quiet]
    assert answers(model, shown) == answers(silent, shown)
    files = [path for path in sorted((tmp_path / "home" / "samples").rglob("*")) if path.is_file()]
    assert [path.name for path in files] == [f"step-{n:07}.txt" for n in (4, 8, 12)]
    said = [path.read_text().splitlines() for path in files]
    assert all(lines[-1] == shown[0].target for lines in said)
    assert "\n".join(said[-1][:-1]) == answers(model, shown)[0][0]
    assert said[0][:-1] != said[-1][:-1]


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft 0.21 asks by an old name
@pytest.mark.parametrize("family", FAMILIES)
def test_eight_bits_learn_save_and_learn_again(family: str, folders: dict[str, Path], tmp_path: Path) -> None:
    model, shown, heard = built(folders, family, "", f"{FAST}&backbone=int8"), pairs("", 4), list[Progress]()
    figures = model.adapt(shown, context(20, heard=heard))
    losses = [p.loss for p in heard if p.loss is not None]
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])
    assert model._loaded is not None
    layers = [m for m in model._loaded.model.modules() if isinstance(m, bnb.nn.Linear8bitLt)]
    assert len(layers) >= 2 * 7
    assert all(m.weight.dtype is torch.int8 for m in layers)
    blocks = [m for n, m in model._loaded.model.named_modules() if m in layers and ".head." not in n]
    assert sum(m.weight.numel() for m in blocks) == model._checkpoint._sizes.linear  # as the estimate counts
    assert {p.dtype for n, p in model._model.named_parameters() if ".lora_" in n} == {torch.float32}
    said = answers(model, shown)
    again = model.adapt(shown, context(20))
    assert {name: again[name] for name in ("loss", "steps", "trainable")} == {
        name: figures[name] for name in ("loss", "steps", "trainable")
    }
    assert answers(model, shown) == said
    before, after = _scores(model, shown, base=True), _scores(model, shown, base=False)
    assert not torch.equal(before, after)
    model.save(tmp_path / "adapter")
    other: Any = built(folders, family, "", f"{FAST}&backbone=int8")
    other.adapt(shown, context(1))
    other._model.load_adapter(str(tmp_path / "adapter"), "saved")
    other._model.set_adapter("saved")
    assert torch.equal(_scores(other, shown, base=False), after)


def _scores(model: Any, shown: list[Any], base: bool) -> torch.Tensor:
    """Return what the model makes of an example, with its adapter or without."""
    inputs, _ = model._chat.batch(
        [model._chat.pair(model._chat.question(shown[0].question), shown[0].target)]
    )
    with torch.no_grad():
        if base:
            with model._model.disable_adapter():
                return model._model(**inputs).logits
        return model._model(**inputs).logits


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft 0.21 asks by an old name
def test_four_bits_learn_as_long_as_they_never_answered(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few bits are refused on a CPU, where only their answers can be tested.

    There, layers that answered are packed if the processor has bfloat16 products, and pass no gradient.
    """
    monkeypatch.setattr(checkpoint, "check_device", lambda *_: None)
    heard = list[Progress]()
    model: Any = built(folders, "qwen3", "", f"{FAST}&backbone=nf4")
    model.adapt(pairs("", 4), context(20, heard=heard))
    layers = [m for m in model._loaded.model.modules() if isinstance(m, bnb.nn.Linear4bit)]
    assert len(layers) == 2 * 7
    assert {m.weight.quant_type for m in layers} == {"nf4"}
    assert all(
        m.weight.quant_state.nested for m in layers
    )  # the scales are in 8 bits, as the estimate counts
    losses = [p.loss for p in heard if p.loss is not None]
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])


def test_four_bits_need_a_gpu_and_fewer_bits_a_package(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        UserError, match=r"backbone=nf4 needs a GPU, and there is none: .* set \?backbone=int8"
    ):
        built(folders, "qwen3", settings="backbone=nf4")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else find_spec(name)
    )
    with pytest.raises(UserError, match=r"qwen3 needs bitsandbytes, .* pip install '\.\[quantised\]'"):
        built(folders, "qwen3", settings="backbone=int8")
