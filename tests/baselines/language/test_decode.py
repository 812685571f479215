"""Test that an answer does not depend on its batch, and that a merged LoRA changes nothing that stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from tests.baselines.language.test_model import FAMILIES, base, context, pairs
from tests.support.tiny_language import write
from vizbench.baselines.language import model as module
from vizbench.baselines.language import pictures
from vizbench.baselines.language.checkpoint import adapted
from vizbench.baselines.language.config import SAMPLING, LanguageConfig
from vizbench.baselines.language.decode import SeededSampling, generate
from vizbench.baselines.shared import merging
from vizbench.baselines.shared.merging import merged
from vizbench.model import Example

FAST = "lr=0.02&rank=8&save_minutes=0&batch=4"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    transformers.utils.logging.disable_progress_bar()
    return {name: write(name, tmp_path_factory.mktemp("models") / name) for name in ("llama", "gemma")}


def built(folders: dict[str, Path], family: str, settings: str, modality: str = "") -> Any:
    return FAMILIES[family].build(f"{modality}{folders[family]}?{FAST}&{settings}")


def mixed(modality: str) -> list[Example[Any]]:
    """Return pairs whose questions and answers have several lengths."""
    shown = pairs(modality, 5)
    if modality == "":
        shown += [Example(f"[[{'0,' * n}1]]", f"[[{'2,' * (2 * n % 7)}1]]") for n in range(1, 6)]
    return shown


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft 0.21 asks by an old name
@pytest.mark.parametrize(("family", "modality"), [("llama", ""), ("gemma", "both:")])
def test_no_answer_depends_on_its_batch(folders: dict[str, Path], family: str, modality: str) -> None:
    """Greedy and drawn answers are the same for batches of 1, 3 and all, asked in any order."""
    shown = mixed(modality)
    questions = [pair.question for pair in shown]
    model = built(folders, family, "", modality)
    model.adapt(shown, context(40))
    lengths = {len(answer) for (answer,) in model.predict(questions, 1, 0)}
    assert modality or len(lengths) > 2  # some end before others
    answers: list[list[Any]] = []
    for together in (1, 3, 0):
        checkpoint = built(folders, family, f"together={together}", modality)._checkpoint
        model._checkpoint = checkpoint
        answers.append([list(a) for a in model.predict(questions, 3, 7)])
    assert answers[0] == answers[1] == answers[2]
    assert any(len(set(a)) > 1 for a in answers[0])


def test_a_full_gpu_halves_the_batch(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model, shown = built(folders, "llama", ""), mixed("")
    model.adapt(shown, context(2))
    questions = [pair.question for pair in shown]
    expected, sizes = list(model.predict(questions, 2, 0)), list[int]()

    def small(loaded: Any, network: Any, prompts: Any, *rest: Any) -> list[str]:
        sizes.append(len(prompts))
        if len(prompts) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return generate(loaded, network, prompts, *rest)

    monkeypatch.setattr(module, "generate", small)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert list(model.predict(questions, 2, 0)) == expected
    assert max(sizes) == 10


def test_tokens_are_drawn_with_their_probabilities() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, -5.0, 3.0]])
    numbers = torch.from_numpy(np.random.default_rng(0).random((4000, 1)))
    drawn = SeededSampling(SAMPLING["paper"], numbers, 3)(torch.zeros(4000, 3), scores.expand(4000, -1))
    assert drawn.isfinite().sum(1).eq(1).all()
    counts = torch.bincount(drawn.argmax(-1), minlength=5) / 4000
    likely = (scores[0] / 0.7).softmax(-1)  # of which the first .8 are drawn: the last two
    expected = torch.where(likely > 0.1, likely, 0.0)
    assert torch.allclose(counts, (expected / expected.sum()).float(), atol=0.02)


@torch.no_grad()
def test_features_that_are_kept_are_those_of_the_tower(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = base(folders, "gemma")
    model = built(folders, "gemma", "", "both:")
    rows = [model.prompt(plain.chat, pair.question) for pair in pairs("both:", 3)]
    calls: list[int] = []
    tower = plain.model.get_image_features

    def counted(pixels: Any, **settings: Any) -> Any:
        calls.append(len(pixels))
        return tower(pixels, **settings)

    monkeypatch.setattr(plain.model, "get_image_features", counted)
    inputs, _ = plain.inputs(rows)
    first = plain.model(**inputs).logits
    again = plain.model(**plain.inputs(rows)[0]).logits
    assert calls == [1, 1, 1]
    assert torch.equal(first, again)
    pixels = plain.chat.image_processor([row.image for row in rows], return_tensors="pt")["pixel_values"]
    text, _ = plain.chat.batch(rows)
    assert torch.allclose(plain.model(**text, pixel_values=pixels).logits, first, atol=1e-5)
    monkeypatch.setattr(pictures, "unused_memory", lambda: 0.0)
    small = base(folders, "gemma")
    assert torch.equal(small.model(**small.inputs(rows)[0]).logits, first)
    assert small.pictures is not None
    assert not small.pictures._kept


def test_merged_weights_are_restored_to_the_bit_and_answer_alike(folders: dict[str, Path]) -> None:
    plain = base(folders, "llama")
    model = adapted(plain.model, LanguageConfig(rank=4), 0).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    inputs, _ = plain.inputs([plain.chat.question("[[0,1]]")])
    with torch.no_grad():
        expected = model(**inputs).logits
        with merged(model):
            assert torch.allclose(model(**inputs).logits, expected, atol=1e-4)
            state = model.state_dict()
            assert any(not torch.equal(state[name], before[name]) for name in before)
        after = model(**inputs).logits
    assert torch.equal(after, expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")
def test_shared_weights_are_left_alone_and_memory_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tied = base({"qwen3": write("qwen3", tmp_path / "m")}, "qwen3")
    model = adapted(tied.model, LanguageConfig(rank=4, targets=("q_proj", "lm_head")), 0)
    embedding = tied.model.get_input_embeddings().weight
    data = embedding.data_ptr()
    with merged(model):
        assert embedding.data_ptr() == data
        assert sum(bool(getattr(layer, "merged", False)) for layer in model.modules()) >= 2
    monkeypatch.setattr(merging, "unused_memory", lambda: 1000.0)
    with merged(model):
        assert not any(getattr(layer, "merged", False) for layer in model.modules())


def test_a_merged_lora_that_answers_otherwise_is_not_used(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, shown = built(folders, "llama", ""), mixed("")
    model.adapt(shown, context(2))
    list(model.predict([shown[0].question], 1, 0))
    assert model._merges

    def rounded(loaded: Any, network: Any, prompts: Any, *rest: Any) -> list[str]:
        away = any(getattr(layer, "merged", False) for layer in network.modules())
        return ["" if away else text for text in generate(loaded, network, prompts, *rest)]

    model.adapt(shown, context(2))
    monkeypatch.setattr(module, "generate", rounded)
    assert list(model.predict([shown[0].question], 1, 0)) != [[""]]
    assert not model._merges
