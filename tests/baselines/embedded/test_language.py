"""Test the embedded language model: positions, network, decoding, training, and the model that runs use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from vizbench.baselines.embedded.language import pretrain as pretraining
from vizbench.baselines.embedded.language.decode import generate
from vizbench.baselines.embedded.language.model import AdaptationConfig, EmbeddedLanguage
from vizbench.baselines.embedded.language.network import (
    TURNS,
    NetworkConfig,
    build_network,
    forward,
    load_network,
    page_mask,
    serialize,
)
from vizbench.baselines.embedded.language.tokens import (
    ANSWER,
    CELL,
    EOS,
    IGNORED,
    LEAF,
    NEUTRAL,
    NEWLINE,
    PAD,
    PAGE,
    ROW,
    SEP,
    WORD,
    advance,
    advance_leaf,
    collate,
    example,
    first_of_page,
    pages,
    process,
    prompt,
    text,
    window,
)
from vizbench.baselines.embedded.language.train import accuracy, backward, corrupt
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.model import Context, Example, Progress
from vizbench.renderers.text import to_text

SMALL = NetworkConfig(hidden=32, layers=2, heads=8, kv_heads=4, feed_forward=32)
SHORT = AdaptationConfig(steps=2, batch=4)


def grids(n: int, h: int, w: int, seed: int = 0, codes: int = 3) -> list[str]:
    return [
        to_text(g, "rows") for g in np.random.default_rng(seed).integers(0, codes, (n, h, w), dtype=np.uint8)
    ]


def context(seed: int = 0, heard: list[Progress] | None = None) -> Context:
    said = [] if heard is None else heard
    return Context(verifier_of("life/conway"), None, seed=seed, report=said.append)


# Tokens and places


@pytest.mark.parametrize(("h", "w"), [(1, 1), (3, 5), (8, 8), (21, 21), (30, 30), (31, 31)])
def test_an_answer_cell_is_read_one_answer_after_its_question_cell(h: int, w: int) -> None:
    question, answer = grids(2, h, w)
    row = example(question, answer)
    asked = row.labels != IGNORED
    cells = row.positions[1 : 1 + h * (w + 1)]
    assert np.array_equal(row.positions[asked] - ANSWER, cells)
    expected = [PAGE + ROW * r + c for r in range(h) for c in range(w + 1)]
    assert cells.tolist() == expected


def test_the_loss_is_on_the_answer_and_each_token_predicts_the_next() -> None:
    row = example("01\n10", "22\n3z")
    asked = row.labels != IGNORED
    assert row.ids.tolist()[:8] == [NEUTRAL, CELL, CELL + 1, NEWLINE, CELL + 1, CELL, EOS, SEP]
    assert text(row.labels[asked].tolist()) == "22\n3z"
    assert row.labels[asked][-1] == EOS
    assert row.ids[asked].tolist() == [SEP, *row.labels[asked][:-1].tolist()]


def test_decoding_walks_the_places_that_training_showed() -> None:
    row = example("012\n345", "01\n2345\n6")
    asked = row.labels != IGNORED
    place = int(prompt("012\n345").positions[-1])
    for expected, token in zip(row.positions[asked].tolist(), row.labels[asked].tolist(), strict=True):
        assert place == expected
        place = advance(place, token)


def test_places_stay_on_the_page_whatever_the_model_writes() -> None:
    place = PAGE + ANSWER
    for token in [CELL] * 100 + [NEWLINE] * 100:
        place = advance(place, token)
        assert PAGE + ANSWER <= place < PAGE + 2 * ANSWER


@pytest.mark.parametrize(("h", "w", "k"), [(1, 1, 1), (3, 5, 4), (8, 8, 10), (31, 31, 1), (2, 2, 60)])
def test_a_process_has_a_page_for_each_state(h: int, w: int, k: int) -> None:
    question, *states = grids(k + 1, h, w)
    row = process(question, "\n\n".join(states))
    asked = row.labels != IGNORED
    labels, places = row.labels[asked].tolist(), row.positions[asked].tolist()
    assert text(labels, True) == "\n\n".join(states)
    assert (labels.count(SEP), labels[-1]) == (k - 1, EOS)

    # Decoding walks the places that training showed, and reads what it showed.
    place = int(prompt(question).positions[-1])
    read = [SEP]
    for expected, token in zip(places, labels, strict=True):
        assert place == expected
        place = advance_leaf(place, token)
        read.append(first_of_page(token, place))
    assert read[:-1] == row.ids[asked].tolist()
    assert sorted({*pages(row.positions).tolist()}) == [*range(-1, k + 1)]

    # The token of each cell is ANSWER before the cell of the next page.
    size = h * (w + 1)
    for at, token in enumerate(labels[: (k - 1) * size]):
        if token not in (NEWLINE, SEP):
            assert places[at + 1] + ANSWER == places[at + size]


def test_a_process_of_one_state_is_an_example() -> None:
    question, answer = grids(2, 3, 5)
    one, other = process(question, answer), example(question, answer)
    for part in ("ids", "positions", "labels"):
        assert np.array_equal(getattr(one, part), getattr(other, part))


def test_a_page_begins_with_its_number_and_sees_the_page_before() -> None:
    question, *states = grids(4, 2, 2)
    row = process(question, "\n\n".join(states))
    page = pages(row.positions)
    starts = [int(np.argmax(page == number)) for number in (1, 2, 3)]
    assert row.ids[starts].tolist() == [SEP, WORD + 1, WORD + 2]
    mask = page_mask(torch.from_numpy(row.positions)[None])[0, 0] == 0
    for looks in range(len(page)):
        for seen in range(len(page)):
            near = page[seen] in (-1, page[looks] - 1, page[looks])
            assert bool(mask[looks, seen]) == (seen <= looks and near)
    assert int(row.positions.max()) >= PAGE + ANSWER + 2 * LEAF


def test_a_window_of_a_process_is_a_part_of_it() -> None:
    question, *states = grids(6, 2, 3)
    row = process(question, "\n\n".join(states))
    page = pages(row.positions)
    whole = window(row, 0, 6)
    assert np.array_equal(whole.ids, row.ids)
    assert np.array_equal(whole.labels, row.labels)
    for first in range(4):
        part = window(row, first, 3)
        kept = (page < 0) | ((page >= first) & (page < first + 3))
        assert np.array_equal(part.ids, row.ids[kept])
        assert np.array_equal(part.positions, row.positions[kept])
        counted = pages(part.positions[part.labels != IGNORED])
        assert set(counted.tolist()) == {first + 1, first + 2}


def test_a_process_that_is_too_long_is_refused_before_anything_runs() -> None:
    question, *states = grids(30, 21, 21)
    pair = Example(question, "\n\n".join(states))
    shown = replace(context(), supervision="process")
    with pytest.raises(UserError, match=r"29 states takes .* tokens and the embedded qwen3 reads 4,096"):
        EmbeddedLanguage("tiny-random").check([pair], shown)
    EmbeddedLanguage("tiny-random").check([pair], context())


def test_a_long_process_is_learned_in_windows() -> None:
    question, *states = grids(7, 2, 3)
    model = EmbeddedLanguage("tiny-random", config=replace(SHORT, steps=6))
    shown = [Example(question, "\n\n".join(states))]
    assert model.adapt(shown, replace(context(), supervision="process"))["loss"] > 0
    ((answer,),) = model.predict([question], 1, 0)
    assert answer


def test_decoding_a_process_in_parts_is_one_pass_over_it() -> None:
    """The mask of the cache hides the same pages as that of a whole sequence."""
    network = build_network(SMALL, 3).eval()
    question, *states = grids(4, 2, 3)
    row = process(question, "\n\n".join(states))
    ids, positions = (torch.from_numpy(part)[None] for part in (row.ids, row.positions))
    whole = forward(network, ids, positions)[0]
    start = len(prompt(question).ids)
    cache = DynamicCache(config=network.config)
    with torch.no_grad():
        for first, last in [(0, start), *((k, k + 1) for k in range(start, len(row.ids)))]:
            part: Any = network(
                input_ids=ids[:, first:last],
                position_ids=positions[:, first:last],
                attention_mask=page_mask(positions[:, :last], first),
                past_key_values=cache,
                use_cache=True,
            )
            assert torch.allclose(part.logits[0], whole[first:last], atol=1e-4)


def test_text_ends_at_eos_and_marks_what_is_no_cell() -> None:
    assert text([CELL + 1, NEWLINE, CELL + 35, EOS, CELL]) == "1\nz"
    assert text([CELL, SEP, CELL]) == "0?0"


@pytest.mark.parametrize("question", ["0A", "[[0]]", "", "0\n\n1", "0 1", "0" * 32, "\n".join("0" * 32)])
def test_a_question_that_cannot_be_read_is_a_user_error(question: str) -> None:
    with pytest.raises(UserError):
        prompt(question)


def test_captions_are_before_the_page_in_tokens_of_their_own() -> None:
    named = prompt("01", "a01")
    assert named.positions[:3].tolist() == [0, 1, 2]
    assert not set(named.ids[:3].tolist()) & set(prompt("01").ids.tolist())
    with pytest.raises(UserError, match="at most 24"):
        prompt("01", "a" * 25)


def test_shorter_sequences_are_padded_without_loss() -> None:
    batch = collate([example("0", "1"), example("00\n00", "11\n11")])
    assert batch.ids[0, -1] == PAD
    assert (batch.labels != IGNORED).sum(1).tolist() == [2, 6]


# The network


def test_the_rotary_frequencies_are_the_ones_that_fit_the_page() -> None:
    turns = build_network(SMALL, 0).model.rotary_emb.inv_freq / (2 * torch.pi)
    assert torch.allclose(turns, torch.tensor(TURNS), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("width", [5, 8, 12])
def test_heads_start_as_windows_on_the_neighbours_of_the_cell_to_predict(width: int) -> None:
    model = build_network(NetworkConfig(), 0)
    question, answer = grids(2, 7, width)
    batch = collate([example(question, answer)])
    length = batch.ids.shape[1]
    blocked = torch.full((length, length), -1e9).triu(1)[None, None]
    attentions: Any = model.model(
        input_ids=torch.from_numpy(batch.ids),
        position_ids=torch.from_numpy(batch.positions),
        attention_mask=blocked,
        output_attentions=True,
    ).attentions
    places = batch.positions[0].tolist()
    row, column = 3, 2
    asking = places.index(PAGE + ANSWER + ROW * row + column)
    neighbours = [(row, column), (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    for head, (r, c) in enumerate(neighbours):
        assert places[int(attentions[0][0, head, asking].argmax())] == PAGE + ROW * r + c


def test_only_size_and_seed_make_the_network() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (
        build_network(NetworkConfig(), 1),
        build_network(NetworkConfig(), 1),
        build_network(NetworkConfig(), 2),
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert 1.0e6 < sum(p.numel() for p in one.parameters()) < 1.25e6
    pairs = list(zip(one.parameters(), same.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.lm_head.weight, other.lm_head.weight)


def test_saved_weights_come_back(tmp_path: Path) -> None:
    model = build_network(SMALL, 3)
    (tmp_path / "w.safetensors").write_bytes(serialize(model, {"seed": 3}))
    back = load_network(SMALL, tmp_path / "w.safetensors")
    for a, b in zip(model.parameters(), back.parameters(), strict=True):
        assert torch.equal(a.half().float(), b)


def test_missing_broken_and_foreign_weights_are_user_errors(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(UserError, match="vizbench pretrain qwen3"):
        load_network(SMALL, path)
    path.write_bytes(b"not weights")
    with pytest.raises(UserError, match="remake"):
        load_network(SMALL, path)
    path.write_bytes(serialize(build_network(SMALL, 0), {}))
    with pytest.raises(UserError, match="remake"):
        load_network(NetworkConfig(), path)


# Decoding


def test_cached_greedy_decoding_equals_argmax_over_the_whole_sequence() -> None:
    model = build_network(SMALL, 4)
    prompts = [prompt(q) for q in grids(3, 4, 6)]
    written = generate(model, prompts, 12, 0.0)
    for start, tokens in zip(prompts, written, strict=True):
        ids, places, expected = start.ids.tolist(), start.positions.tolist(), []
        while len(expected) < 12:
            with torch.no_grad():
                token = int(forward(model, torch.tensor([ids]), torch.tensor([places]))[0, -1].argmax())
            if token == EOS:
                break
            expected.append(token)
            ids.append(token)
            places.append(advance(places[-1], token))
        assert tokens == expected


def test_drawn_answers_follow_their_own_seeds() -> None:
    model = build_network(SMALL, 4)
    prompts = [prompt(q) for q in grids(2, 4, 4)]
    runs = [generate(model, prompts, 10, 1.0, seeds) for seeds in ((1, 2), (1, 2), (3, 2))]
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    assert runs[0][1] == runs[2][1]
    assert generate(model, prompts[1:], 10, 1.0, (2,)) == [runs[0][1]]


# Training


def test_corruption_touches_read_answer_cells_only() -> None:
    rows = collate([example(q, a, "b1") for q, a in zip(grids(6, 6, 6), grids(6, 6, 6, seed=1), strict=True)])
    worn = corrupt(rows, 0.5, np.random.default_rng(0))
    changed = worn.ids != rows.ids
    answer = np.arange(rows.ids.shape[1]) > np.argmax(rows.ids == SEP, 1)[:, None]
    cell = (rows.ids >= CELL) & (rows.ids != NEWLINE)
    assert 0.1 < changed[answer & cell].mean() < 0.5
    assert not changed[~(answer & cell)].any()
    assert np.array_equal(worn.labels, rows.labels)
    assert np.array_equal(corrupt(rows, 0.0, np.random.default_rng(0)).ids, rows.ids)


def test_a_step_in_chunks_is_the_step_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizbench.baselines.embedded.language.train.precision", lambda: torch.float32)
    rows = [example(q, a) for q, a in zip(grids(6, 3, 4), grids(6, 3, 4, seed=1), strict=True)]
    rows.append(example("012\n012", "1"))
    gradients: list[torch.Tensor] = []
    for chunk, scores in ((2, 10**6), (7, 10**6), (7, 1)):
        monkeypatch.setattr("vizbench.baselines.embedded.language.train.CHUNK", chunk)
        monkeypatch.setattr("vizbench.baselines.embedded.language.train.SCORES", scores)
        model = build_network(SMALL, 0)
        backward(model, rows, 0.0, np.random.default_rng(0))
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)
    assert torch.allclose(gradients[0], gradients[2], atol=1e-6)


def test_accuracy_counts_right_tokens_of_the_answer() -> None:
    model = build_network(SMALL, 0)
    rows = [example(q, q) for q in grids(3, 3, 3)]
    with torch.no_grad():
        batch = collate(rows)
        guess = forward(model, torch.from_numpy(batch.ids), torch.from_numpy(batch.positions)).argmax(-1)
    asked = batch.labels != IGNORED
    expected = [(g[a] == row.labels[a]).mean() for g, a, row in zip(guess.numpy(), asked, rows, strict=True)]
    assert np.allclose(accuracy(model, rows), expected)


def test_a_stopped_pretraining_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pretraining.PretrainingConfig(steps=4, batch=2, warmup=2, save_every=2, held_out_batches=1)
    whole = pretraining.pretrain(tmp_path / "whole", config, SMALL)

    draw = pretraining.sample

    def interrupted(seed: int, step: int, *rest: Any) -> Any:
        if seed == 0 and step == 3:
            raise KeyboardInterrupt
        return draw(seed, step, *rest)

    monkeypatch.setattr(pretraining, "sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pretraining.pretrain(tmp_path / "parts", config, SMALL)
    monkeypatch.setattr(pretraining, "sample", draw)
    parts = pretraining.pretrain(tmp_path / "parts", config, SMALL)

    a, b = load_network(SMALL, whole), load_network(SMALL, parts)
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    lines = [json.loads(line) for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert 0 <= lines[-1]["tokens"] <= 1
    with pytest.raises(UserError, match="seed 0"):
        pretraining.pretrain(tmp_path / "parts", replace(config, seed=1), SMALL)


# The model of the harness


def test_a_network_that_may_train_learns_to_copy() -> None:
    questions = grids(40, 3, 3)
    model = EmbeddedLanguage("tiny-scratch", config=AdaptationConfig(scratch_steps=40, batch=8))
    heard: list[Progress] = []
    figures = model.adapt([Example(q, q) for q in questions[:30]], context(heard=heard))
    assert [p.done for p in heard] == list(range(1, 41))
    assert figures["trainable"] > 1e6
    answers = [answer for (answer,) in model.predict(questions[30:], 1, 0)]
    assert sum(a == q for a, q in zip(answers, questions[30:], strict=True)) >= 8


def test_a_lora_of_no_steps_says_what_its_base_says(tmp_path: Path) -> None:
    base = build_network(NetworkConfig(), 5)
    (tmp_path / "w.safetensors").write_bytes(serialize(base, {}))
    model = EmbeddedLanguage("tiny", tmp_path / "w.safetensors", AdaptationConfig(steps=0))
    questions = grids(4, 4, 4)
    figures = model.adapt([Example(q, q) for q in questions], context())
    assert figures["trainable"] < 0.35 * sum(p.numel() for p in base.parameters())
    expected = generate(
        load_network(NetworkConfig(), tmp_path / "w.safetensors"),
        [prompt(q) for q in questions],
        30,
        0.0,
    )
    assert [a for (a,) in model.predict(questions, 1, 0)] == [text(e) for e in expected]


def test_predictions_follow_the_seed_and_keep_the_order_of_mixed_sizes() -> None:
    model = EmbeddedLanguage("tiny-random", config=SHORT)
    model.adapt([Example(q, q) for q in grids(4, 3, 3)], context())
    questions = [*grids(2, 3, 3), *grids(1, 5, 4), *grids(2, 3, 3, seed=2)]
    first = list(model.predict(questions, 3, 7))
    assert first == list(model.predict(questions, 3, 7))
    assert [len(answers) for answers in first] == [3] * 5
    other = list(model.predict(questions, 3, 8))
    assert [a[0] for a in other] == [a[0] for a in first]
    assert [a[1:] for a in other] != [a[1:] for a in first]
    alone = list(model.predict(questions[2:3], 1, 7))
    assert alone[0][0] == first[2][0]


def test_the_same_seed_adapts_alike() -> None:
    answers: list[Any] = []
    for seed in (1, 1, 2):
        model = EmbeddedLanguage("tiny-random", config=SHORT)
        model.adapt([Example(q, q) for q in grids(4, 3, 3)], context(seed))
        answers.append(list(model.predict(grids(2, 3, 3), 2, 0)))
    assert answers[0] == answers[1] != answers[2]


def test_misuse_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tiny-random"):
        EmbeddedLanguage("tiny-randon")
    model = EmbeddedLanguage("tiny", tmp_path / "none.safetensors", SHORT)
    with pytest.raises(UserError, match="call adapt"):
        list(model.predict(["0"], 1, 0))
    with pytest.raises(UserError, match="at least one"):
        model.adapt([], context())
    with pytest.raises(UserError, match="vizbench pretrain qwen3"):
        model.adapt([Example("0", "1")], context())
