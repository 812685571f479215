"""Test tiny random language models of the real classes: they are loaded, adapted, asked and saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from peft import PeftModel

from tests.support.tiny_language import write
from vizbench.baselines import gemma, llama, qwen3
from vizbench.baselines.language.chat_format import ChatFormat, Tokenized
from vizbench.baselines.language.checkpoint import LanguageCheckpoint, Loaded, adapted
from vizbench.baselines.language.config import SAMPLING, LanguageConfig
from vizbench.baselines.language.decode import generate
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.language.model import LanguageLora, backward_in_parts, chosen, loss_sum
from vizbench.baselines.shared import training_state
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.model import Context, Example, ModelFamily, Progress, Prompted, Schedule
from vizbench.renderers.text import to_text

LINES: dict[str, LanguageFamily] = {"qwen3": qwen3.FAMILY, "llama": llama.FAMILY, "gemma": gemma.FAMILY}
FAMILIES: dict[str, ModelFamily] = {f.name: f for f in (*qwen3.FAMILIES, *llama.FAMILIES, *gemma.FAMILIES)}
FAMILY_MODALITIES = [("qwen3", ""), ("llama", ""), ("gemma", ""), ("gemma", "image:"), ("gemma", "both:")]
FAST = "lr=0.02&rank=8&save_minutes=0&batch=4"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write a random model of each family."""
    transformers.utils.logging.disable_progress_bar()
    return {family: write(family, tmp_path_factory.mktemp("models") / family) for family in LINES}


def grids(n: int, h: int = 2, w: int = 2, seed: int = 0) -> list[str]:
    return [to_text(g) for g in np.random.default_rng(seed).integers(0, 3, (n, h, w), dtype=np.uint8)]


def pairs(modality: str, n: int, seed: int = 0) -> list[Example[Any]]:
    """Return questions in the modality, with answers that are other of the same grids."""
    texts, answers = grids(n, seed=seed), grids(n, seed=seed + 1)
    images = list(np.random.default_rng(seed).integers(0, 255, (n, 20, 20, 3), dtype=np.uint8))
    asked: list[Any] = {"": texts, "image:": images, "both:": list(zip(images, texts, strict=True))}[modality]
    return [Example(q, a) for q, a in zip(asked, answers, strict=True)]


def context(steps: int, seed: int = 0, heard: list[Progress] | None = None) -> Context:
    said = [] if heard is None else heard
    return Context(verifier_of("life/conway"), None, seed, said.append, Schedule(steps))


def built(folders: dict[str, Path], family: str, modality: str = "", settings: str = FAST) -> LanguageLora:
    model: Any = FAMILIES[family].build(f"{modality}{folders[family]}?{settings}")
    return model


def base(folders: dict[str, Path], family: str) -> Loaded:
    checkpoint = LanguageCheckpoint(LINES[family], folders[family], LINES[family].config)
    return checkpoint.load(checkpoint.chat())


def answers(
    model: LanguageLora, asked: Sequence[Example[Any]], attempts: int = 1, seed: int = 0
) -> list[Any]:
    return [list(a) for a in model.predict([pair.question for pair in asked], attempts, seed)]


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft 0.21 asks by an old name
@pytest.mark.parametrize(("family", "modality"), FAMILY_MODALITIES)
def test_a_folder_of_the_real_classes_learns_and_its_adapter_loads_in_peft(
    folders: dict[str, Path], family: str, modality: str, tmp_path: Path
) -> None:
    model, shown, heard = built(folders, family, modality), pairs(modality, 4), list[Progress]()
    figures = model.adapt(shown, context(20, heard=heard))
    assert [p.done for p in heard] == list(range(1, 21))
    assert (heard[-1].loss or math.inf) < 0.6 * (heard[0].loss or 0)
    assert figures["steps"] == 20
    said = answers(model, shown)
    model.save(tmp_path / "adapter")
    plain = base(folders, family)
    back = PeftModel.from_pretrained(plain.model, str(tmp_path / "adapter")).eval()
    asked = [model.prompt(plain.chat, pair.question) for pair in shown]
    longest = max(len(plain.chat.pair(a, p.target).ids) - a.start for a, p in zip(asked, shown, strict=True))
    again = generate(plain, back, asked, longest + model.config.slack, SAMPLING["greedy"])
    assert [[text] for text in again] == said


@pytest.mark.parametrize(("family", "modality"), FAMILY_MODALITIES)
def test_a_prompt_is_the_line_before_the_question(
    folders: dict[str, Path], family: str, modality: str
) -> None:
    model, chat = built(folders, family, modality), base(folders, family).chat
    (pair,) = pairs(modality, 1)
    asked = model.prompt(chat, Prompted("mind the walls", pair.question))
    text = {"": pair.question, "image:": None, "both:": pair.question[1]}[modality]
    words = "mind the walls" if text is None else f"mind the walls\n{text}"
    picture = None if modality == "" else pair.question if text is None else pair.question[0]
    expected = chat.question(words, picture)
    assert (asked.ids, asked.start) == (expected.ids, expected.start)
    assert (asked.image is None) == (modality == "")
    assert chat.tokenizer.decode(asked.ids).count("mind the walls") == 1


def test_training_with_prompts_learns_and_differs(folders: dict[str, Path]) -> None:
    model = built(folders, "qwen3")
    (plain,) = pairs("", 1)
    shown: Example[Any] = Example(Prompted("copy it", plain.question), plain.target)
    model.adapt([shown], replace(context(40), prompt="task"))
    assert answers(model, [shown]) == [[plain.target]]


def test_without_examples_a_prompted_model_answers_as_it_is(folders: dict[str, Path]) -> None:
    model, plain = built(folders, "qwen3", settings=f"{FAST}&max_new_tokens=8"), base(folders, "qwen3")
    prompted = replace(context(40), prompt="task")
    model.check([], prompted)
    figures = model.adapt([], prompted)
    assert (figures["steps"], figures["trainable"]) == (0, 0)
    question = Prompted("copy it", "[[0,1]]")
    asked = [plain.chat.question("copy it\n[[0,1]]")]
    expected = generate(plain, plain.model, asked, 8, SAMPLING["greedy"])
    assert list(model.predict([question], 1, 0)) == [expected]


def test_no_examples_need_a_prompt_and_a_chat_template(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="adapts to examples: give at least one"):
        built(folders, "qwen3").check([], context(1))
    bare: Any = FAMILIES["qwen3"].build(str(write("qwen3", tmp_path / "bare", None)))
    with pytest.raises(UserError, match="no chat template, so that it follows no prompt"):
        bare.check([], replace(context(1), prompt="task"))


@pytest.mark.parametrize("family", LINES)
def test_an_adapter_of_no_steps_changes_no_bit(folders: dict[str, Path], family: str) -> None:
    plain = base(folders, family)
    rows = [plain.chat.pair(plain.chat.question(q), q) for q in grids(2)]
    inputs, _ = plain.inputs(rows)
    with torch.no_grad():
        before = plain.model(**inputs).logits
        wrapped = adapted(plain.model, LanguageConfig(rank=4), 0).eval()
        after = wrapped(**inputs).logits
    assert torch.equal(before, after)
    for name, parameter in wrapped.named_parameters():
        assert parameter.requires_grad is ("lora_" in name)
        assert not (parameter.requires_grad and "vision_tower" in name)


def test_one_pair_is_learned_by_heart(folders: dict[str, Path]) -> None:
    model = built(folders, "qwen3")
    (shown,) = pairs("", 1)
    model.adapt([shown], context(40))
    assert answers(model, [shown]) == [[shown.target]]


@pytest.mark.parametrize(("family", "modality"), FAMILY_MODALITIES)
def test_batched_cached_decoding_says_what_one_by_one_without_a_cache_says(
    folders: dict[str, Path], family: str, modality: str
) -> None:
    model = built(folders, family, modality)
    plain = base(folders, family)
    asked = [model.prompt(plain.chat, p.question) for p in pairs(modality, 3)]
    if modality == "":
        asked += [plain.chat.question(q) for q in grids(2, 1, 3)]  # shorter ones, to be padded
    together = generate(plain, plain.model, asked, 12, SAMPLING["greedy"])
    for one, said in zip(asked, together, strict=True):
        assert said == _slowly(plain, one, 12)


def _slowly(plain: Loaded, asked: Tokenized, limit: int) -> str:
    """Return the argmax of the whole sequence, computed again for every token."""
    written: list[int] = []
    while len(written) < limit and plain.chat.end not in written:
        types = None if asked.types is None else (*asked.types, *(0 for _ in written))
        inputs, _ = plain.inputs([Tokenized((*asked.ids, *written), asked.start, asked.image, types)])
        with torch.no_grad():
            written.append(int(plain.model(**inputs).logits[0, -1].argmax()))
    return plain.chat.text(written)


@pytest.mark.parametrize("family", LINES)
def test_the_loss_is_on_the_completion_only(folders: dict[str, Path], family: str) -> None:
    plain = base(folders, family)
    chat = plain.chat
    rows = [
        chat.pair(chat.question("[[0]]"), "[[1,2],[0,1]]"),
        chat.pair(chat.question("[[0,0,0]]"), "[[2]]"),
    ]
    _, labels = chat.batch(rows)
    for row, label in zip(rows, labels.tolist(), strict=True):
        kept = [token for token in label if token != -100]
        assert kept == list(row.ids[row.start :])
        assert kept[-1] == chat.end
        assert label.index(kept[0]) == row.start
    inputs, _ = chat.batch(rows)
    with torch.no_grad():
        loss = float(loss_sum(plain, plain.model, rows))
        log_probabilities = torch.log_softmax(plain.model(**inputs).logits.float(), -1)
    expected = -sum(
        float(log_probabilities[i, place - 1, token])
        for i, row in enumerate(rows)
        for place, token in list(enumerate(row.ids))[row.start :]
    )
    assert loss == pytest.approx(expected, rel=1e-5)


def test_the_prompt_is_the_template_around_the_question_without_thinking(folders: dict[str, Path]) -> None:
    chat = base(folders, "qwen3").chat
    asked = chat.question("[[0]]")
    assert chat.tokenizer.decode(list(asked.ids)) == "<bos><|turn|>user\n[[0]]<|end|>\n<|turn|>assistant\n"
    assert chat.tokenizer.convert_ids_to_tokens(chat.end) == "<|end|>"
    whole = chat.pair(asked, "[[1]]")
    assert whole.ids[: whole.start] == asked.ids
    assert chat.text(whole.ids[whole.start :]) == "[[1]]"


def test_a_model_without_a_template_reads_the_question_and_a_line_end(tmp_path: Path) -> None:
    chat = ChatFormat(
        transformers.AutoTokenizer.from_pretrained(write("qwen3", tmp_path / "m", template=None))
    )
    assert chat.tokenizer.decode(list(chat.question("[[0]]").ids)) == "[[0]]\n"
    assert chat.tokenizer.convert_ids_to_tokens(chat.end) == "<eos>"
    with pytest.raises(UserError, match="no chat template"):
        chat.question(None, np.zeros((4, 4, 3), np.uint8))


def test_a_step_in_parts_is_the_step_of_the_whole_batch(folders: dict[str, Path]) -> None:
    weights: list[torch.Tensor] = []
    for batch in (1, 2, 5):
        plain = base(folders, "llama")
        model = adapted(plain.model, LanguageConfig(rank=4), 0)
        rows = [plain.chat.pair(plain.chat.question(q), q) for q in [*grids(3), *grids(2, 1, 3)]]
        loss = backward_in_parts(plain, model, batch, rows)
        weights.append(
            torch.cat(
                [torch.tensor([loss]), *(p.grad.flatten() for p in model.parameters() if p.requires_grad)]
            )
        )
    assert torch.allclose(weights[0], weights[1], atol=1e-6)
    assert torch.allclose(weights[0], weights[2], atol=1e-6)


@pytest.mark.parametrize("n", [1, 3, 8, 30, 100])
def test_batches_pass_through_the_examples_evenly_in_like_lengths(n: int) -> None:
    lengths = np.random.default_rng(0).integers(5, 500, n)
    rows = [Tokenized(tuple(range(k)), 1) for k in lengths.tolist()]
    size, pool = 8, min(16, -(-n // 8))
    seen = [id(row) for step in range(pool) for row in chosen(rows, size, 0, step)]
    assert len(seen) == pool * size
    counts = [seen.count(id(row)) for row in rows]
    assert max(counts) - min(counts) <= 1
    assert chosen(rows, size, 0, 3) == chosen(rows, size, 0, 3)
    if n == 100:
        spans = [np.ptp([len(row.ids) for row in chosen(rows, size, 0, step)]) for step in range(pool)]
        assert np.mean(spans) < 0.25 * np.ptp(lengths)
        assert [chosen(rows, size, 0, step) for step in range(4)] != [
            chosen(rows, size, 1, step) for step in range(4)
        ]


def test_predictions_follow_the_seed(folders: dict[str, Path]) -> None:
    model, shown = built(folders, "llama"), pairs("", 3)
    model.adapt(shown, context(2))
    first = answers(model, shown, 3, 7)
    assert first == answers(model, shown, 3, 7)
    other = answers(model, shown, 3, 8)
    assert [a[0] for a in other] == [a[0] for a in first]
    assert [a[1:] for a in other] != [a[1:] for a in first]
    drawn = built(folders, "llama", settings=FAST + "&sampling=paper")
    drawn.adapt(shown, context(2))
    assert answers(drawn, shown, 1, 7) != answers(drawn, shown, 1, 8)


def test_adapting_again_starts_from_the_base(folders: dict[str, Path]) -> None:
    shown = pairs("", 3)
    once, twice = built(folders, "llama"), built(folders, "llama")
    twice.adapt(pairs("", 4, seed=5), context(3, seed=1))
    for model in (once, twice):
        model.adapt(shown, context(3))
    assert answers(once, shown, 2) == answers(twice, shown, 2)
    weights = zip(once._model.named_parameters(), twice._model.named_parameters(), strict=True)
    assert all(name == other and torch.equal(a, b) for (name, a), (other, b) in weights)


def test_a_stopped_training_goes_on_to_the_same_bits(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))
    settings = "lr=0.02&rank=4&dropout=0.2&keep=true"
    monkeypatch.setattr(training_state, "MINUTE", 0.0)  # a state after every step
    shown = pairs("", 5)
    whole = built(folders, "llama", settings=settings)
    whole.adapt(shown, context(7))

    def stop(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    parts = built(folders, "llama", settings=settings)
    with pytest.raises(KeyboardInterrupt):
        parts.adapt(shown, Context(verifier_of("life/conway"), None, 0, stop, Schedule(7)))
    (state,) = (tmp_path / "trainings").iterdir()
    heard: list[Progress] = []
    again = built(folders, "llama", settings=settings)
    again.adapt(shown, context(7, heard=heard))
    assert [p.done for p in heard] == [5, 6, 7]
    assert not state.exists()
    weights = zip(whole._model.parameters(), again._model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert next((tmp_path / "adapters").rglob("adapter_model.safetensors")).is_file()


def test_a_damaged_state_is_reported(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))

    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training_state, "MINUTE", 0.0)  # a state after every step
    shown = pairs("", 2)
    for _ in range(2):
        model = built(folders, "llama", settings="")
        with pytest.raises(KeyboardInterrupt):
            model.adapt(shown, Context(verifier_of("life/conway"), None, 0, stop, Schedule(4)))
        (state,) = (tmp_path / "trainings").iterdir()
        state.write_bytes(b"not a state")
        with pytest.raises(UserError, match="delete it"):
            built(folders, "llama", settings="").adapt(shown, context(4))
        state.unlink()


def test_misuse_is_a_user_error(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="loads llama"):
        FAMILIES["llama"].build(str(folders["qwen3"]))
    with pytest.raises(UserError, match="unknown parameter"):
        built(folders, "qwen3", settings="rnk=3")
    with pytest.raises(UserError, match=r"rank=0 is outside"):
        built(folders, "qwen3", settings="rank=0")
    with pytest.raises(UserError, match="of qwen3 is embedded and takes no settings"):
        FAMILIES["qwen3"].build("tiny?lr=1e-3")
    with pytest.raises(UserError, match="unknown checkpoint of qwen3 'nonsense'"):
        FAMILIES["qwen3"].build("nonsense")
    model = built(folders, "qwen3", settings="max_length=10&save_minutes=0")
    with pytest.raises(UserError, match="call adapt"):
        answers(model, pairs("", 1))
    with pytest.raises(UserError, match="at least one"):
        model.adapt([], context(1))
    with pytest.raises(UserError, match="max_length is 10"):
        model.adapt(pairs("", 1), context(1))
    (folders["llama"] / "config.json").replace(tmp_path / "config.json")
    try:
        (folders["llama"] / "config.json").write_text("[]")
        with pytest.raises(UserError, match="not a JSON object"):
            FAMILIES["llama"].build(str(folders["llama"]))
    finally:
        (tmp_path / "config.json").replace(folders["llama"] / "config.json")
