"""Test the embedded video model: exact codec, one conditioning, adapters that start as the identity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from vizbench.baselines.embedded.folder import PretrainingFolder
from vizbench.baselines.embedded.video import network
from vizbench.baselines.embedded.video.model import AdaptationConfig, embedded_model
from vizbench.baselines.embedded.video.pretrain import PretrainingConfig, lr_factor, paint, pretrain, velocity
from vizbench.baselines.embedded.worlds import sample
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.video.cogvideox import BACKBONE
from vizbench.baselines.video.train import LAST, noised
from vizbench.errors import UserError
from vizbench.model import Context, Example, Progress, family
from vizbench.renderers.frames import render
from vizbench.task.registry import spec
from vizbench.types import Look

LOOK = Look("binary", cell=network.CELL)


def _examples(count: int) -> list[Example[Any]]:
    conway = spec("life/conway")
    batch = conway.task.generate_batch(conway.params, np.arange(count, dtype=np.uint64))
    pairs = [(render(q, LOOK), render(t, LOOK)) for q, t in zip(batch.question, batch.target, strict=True)]
    return [Example(question, np.stack([question, target])) for question, target in pairs]


def _context(seen: list[Progress]) -> Context:
    conway = spec("life/conway")
    return Context(conway.task, conway.params, 0, seen.append)


def test_codec_is_exact_on_boards() -> None:
    codec = network.PatchCodec()
    clip = torch.from_numpy(_examples(1)[0].target).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    latents = codec.encode(clip).latent_dist.sample()
    assert latents.shape == (1, 3, 2, 8, 8)
    assert torch.equal(codec.decode(latents).sample, clip)


def test_parameter_count_is_as_documented() -> None:
    assert sum(p.numel() for p in network.build_network(network.NetworkConfig(), 0).parameters()) == 1_270_342


def test_same_seed_same_net_and_the_global_stream_is_untouched() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, two, other = (
        network.build_network(network.NetworkConfig(), seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)


def test_first_heads_start_on_their_neighbour() -> None:
    """The attention of layer 0's first head has a window of one row up, and peaks there."""
    model = network.build_network(network.NetworkConfig(), 0)
    seen: list[Any] = []
    attention = model.transformer_blocks[0].attn1
    attention.norm_q.register_forward_hook(lambda _m, _i, out: seen.append(out))
    attention.norm_k.register_forward_hook(lambda _m, _i, out: seen.append(out))
    clip = torch.randn(1, 2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        velocity(
            network.pipeline(model),
            clip,
            clip[:, :1],
            network.neutral_caption()[None, None],
            torch.tensor([LAST]),
        )
    from diffusers.models.embeddings import apply_rotary_emb

    grid = network.pipeline(model)._prepare_rotary_positional_embeddings(72, 72, 2, torch.device("cpu"))
    q, k = (cast("Any", apply_rotary_emb)(x[:, :, 1:].float(), grid) for x in seen)
    middle = 4 * 9 + 4
    near = [r * 9 + c for r in range(2, 7) for c in range(2, 7)]
    scores = (q[0, 0, middle] @ k[0, 0].T)[near]
    assert near[int(scores.argmax())] == middle - 9


def test_training_and_pipeline_build_the_same_conditioning() -> None:
    pipe = network.pipeline(network.build_network(network.NetworkConfig(), 0))
    image = torch.from_numpy(_examples(1)[0].question).permute(2, 0, 1)[None].float() / 127.5 - 1
    _, official = pipe.prepare_latents(
        image, 1, 3, 2, 64, 64, torch.float32, torch.device("cpu"), torch.Generator()
    )
    ours = BACKBONE.encode(pipe, image[:, :, None].expand(-1, -1, 2, -1, -1))
    assert torch.equal(official, BACKBONE.conditioning(ours["image"], 2))


def test_velocity_at_the_last_timestep_is_minus_the_clip() -> None:
    clips = torch.randn(3, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    alphas = network.scheduler().alphas_cumprod.float()
    noisy, goal = noised(clips, torch.full((3,), LAST), alphas, torch.Generator().manual_seed(1))
    assert torch.allclose(goal, -clips, atol=1e-4)
    assert not torch.allclose(noisy, clips, atol=0.5)


def test_an_adapter_at_step_zero_samples_what_its_base_samples() -> None:
    from peft import LoraConfig

    model = network.build_network(network.NetworkConfig(), 0)
    clip = torch.randn(2, 2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    inputs = (clip, clip[:, :1], network.neutral_caption()[None, None], torch.full((2,), LAST))
    pipe = network.pipeline(model)
    with torch.no_grad():
        base = velocity(pipe, *inputs)
        model.add_adapter(LoraConfig(r=4, target_modules=list(AdaptationConfig().targets)))
        assert torch.equal(velocity(pipe, *inputs), base)


def test_adapting_lowers_the_loss_and_answers_do_not_depend_on_batching() -> None:
    examples = _examples(6)
    seen: list[Progress] = []
    model = embedded_model("tiny-scratch", AdaptationConfig(scratch_steps=12, warmup=2, predict_batch=4))
    figures = model.adapt(examples, _context(seen))
    assert [p.done for p in seen] == list(range(1, 13))
    assert (seen[-1].loss or 9) < 0.8 * (seen[0].loss or 0)
    assert figures["trainable"] == 1_270_342
    questions = [e.question for e in examples]
    together = list(model.predict(questions, 2, 7))
    assert [len(a) for a in together] == [2] * 6
    assert together[0][0].shape == (2, 64, 64, 3)
    assert together[0][0].dtype == np.uint8
    again = list(model.predict(questions[:1], 2, 7))
    difference = np.abs(again[0][1].astype(int) - together[0][1].astype(int)).max()
    assert difference <= 1  # a matrix product of one row may round otherwise than one of four


def test_lora_trains_a_part_and_leaves_the_base() -> None:
    model = embedded_model("tiny-random", AdaptationConfig(steps=2, warmup=1))
    figures = model.adapt(_examples(3), _context([]))
    assert 0 < figures["trainable"] < 250_000


def test_same_seed_same_adaptation() -> None:
    answers = []
    for _ in range(2):
        model = embedded_model("tiny-random", AdaptationConfig(steps=3, warmup=1))
        model.adapt(_examples(4), _context([]))
        answers.append(next(iter(model.predict([_examples(1)[0].question], 1, 0)))[0])
    assert np.array_equal(answers[0], answers[1])


def test_an_unknown_checkpoint_is_refused_with_near_ones() -> None:
    with pytest.raises(UserError, match="tiny-random"):
        family("cogvideox").build("tiny-rand")


def test_predict_before_adapt_is_refused() -> None:
    with pytest.raises(UserError, match="adapt"):
        next(iter(embedded_model("tiny-random").predict([_examples(1)[0].question], 1, 0)))


def test_pretraining_stopped_and_resumed_gives_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    whole = PretrainingConfig(steps=4, batch=4, save_every=2, measure_every=100, warmup=2, held_out_batches=1)
    pretrain(tmp_path / "whole", whole, network.NetworkConfig())
    stopped = tmp_path / "stopped"
    keep = PretrainingFolder.keep

    def killed(folder: PretrainingFolder, line: Any, *rest: Any) -> None:
        if line["step"] == 4:
            raise KeyboardInterrupt
        keep(folder, line, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainingFolder, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain(stopped, whole, network.NetworkConfig())
    pretrain(stopped, whole, network.NetworkConfig())
    with pytest.raises(UserError, match="seed 0"):
        pretrain(stopped, replace(whole, seed=1), network.NetworkConfig())
    one, two = (load_file(p / "weights.safetensors") for p in (tmp_path / "whole", stopped))
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_rate_warms_up_stays_and_falls() -> None:
    config = PretrainingConfig(steps=1000, warmup=100, decay_share=0.5)
    assert lr_factor(config, 0) == pytest.approx(0.01)
    assert lr_factor(config, 300) == 1.0
    assert lr_factor(config, 999) == pytest.approx(0.02)


def test_paint_shows_codes_apart() -> None:
    batch = sample(0, 0, 16)
    latents = paint(Draw("paint", 0, 0), batch)
    assert latents.shape == (16, 2, 3, *batch.question.shape[1:])
    for pair, colours in zip(np.stack([batch.question, batch.target], 1), latents.numpy(), strict=True):
        seen = {
            (int(c), tuple(p))
            for c, p in zip(pair.ravel(), np.moveaxis(colours, 1, -1).reshape(-1, 3), strict=True)
        }
        assert len(seen) == len({c for c, _ in seen}) == len({p for _, p in seen})
