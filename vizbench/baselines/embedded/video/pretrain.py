"""Pretraining of the embedded video model on the worlds.

    vizbench pretrain cogvideox --out DIR

A straight loop on one core: draw a batch of worlds, paint it in random colours, noise it, regress the
velocity. The world's law stands in the caption, as a real video model's scene stands in its prompt; 15% of
the captions are replaced by the neutral one that adaptation will use."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from vizbench.baselines.embedded.folder import PretrainingFolder
from vizbench.baselines.embedded.video import network as twin
from vizbench.baselines.embedded.video.network import neutral
from vizbench.baselines.embedded.worlds import WorldBatch, opened, sample, shows
from vizbench.baselines.embedded.worlds.draw import Draw
from vizbench.baselines.video.cogvideox import BACKBONE
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.optim import MATRIX_LR, OTHER_LR, muon_and_adamw
from vizbench.baselines.video.train import LAST, computing, draw_timesteps, noised, plain_attention


@final
@dataclass(frozen=True, slots=True)
class PretrainingConfig:
    """How the embedded weights were made. steps: optimizer steps; held_out: seed of the stream that
    measures."""

    seed: int = 0
    steps: int = 14000
    batch: int = 32
    matrix_lr: float = MATRIX_LR
    other_lr: float = OTHER_LR
    warmup: int = 200
    decay_from: float = 0.6
    last_share: float = 0.7
    caption_drop: float = 0.15
    clip: float = 1.0
    save_every: int = 250
    measure_every: int = 1000
    held_out: int = 1_000_003


COLOURS = np.array(
    [(r, g, b) for r in (0, 128, 255) for g in (0, 128, 255) for b in (0, 128, 255)], np.float32
)
"""27 colours well apart."""

PLAIN = np.array(
    [
        (255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 0), (0, 128, 0),
        (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255), (255, 128, 0),
    ],
    np.float32,
)  # fmt: skip
"""White ground, black ink, grey for the unknown, seven more: the colours of six pairs in ten, and of every
pair whose target holds a code that the question does not show."""


def paint(draw: Draw, batch: WorldBatch) -> Tensor:
    """The pairs as latents `(B, 2, 3, h, w)` in -1..1: colours of the plain palette or of one drawn for the
    pair."""
    count = len(batch.question)
    order = np.argsort(draw.uniform(count, len(COLOURS)), axis=1)
    plain = draw.uniform(count) < 0.6
    palettes = np.empty((count, 10, 3), np.float32)
    for i in range(count):
        palettes[i] = (
            PLAIN if plain[i] or not shows(batch.question[i], batch.target[i]) else COLOURS[order[i, :10]]
        )
    pairs = np.stack([batch.question, batch.target], 1)
    colours = palettes[np.arange(count)[:, None, None, None], pairs] / 127.5 - 1.0
    return torch.from_numpy(np.moveaxis(colours, -1, 2).astype(np.float32))


def velocity(pipe: Any, noisy: Tensor, question: Tensor, caption: Tensor, timesteps: Tensor) -> Tensor:
    """The twin's velocity `(B, 2, 3, h, w)` float32, as in adaptation.

    question: its latents `(B, 1, 3, h, w)`; caption: `(B, 1, 64)`."""
    with computing(VideoConfig(), noisy.device), plain_attention(noisy.device):
        return BACKBONE.velocity(
            pipe, noisy, {"image": question}, {"prompt_embeds": caption}, timesteps
        ).float()


def rate(recipe: PretrainingConfig, step: int) -> float:
    """The learning rate's factor: warm-up, plateau, straight line down to 2%."""
    left = (recipe.steps - step) / (recipe.steps * (1 - recipe.decay_from))
    return min(1.0, (step + 1) / recipe.warmup, max(0.02, left))


@torch.no_grad()
def measure(pipe: Any, recipe: PretrainingConfig, batches: int) -> dict[str, float]:
    """Share of held-out boards right in every cell, by world, from one denoising step."""
    right: dict[str, list[bool]] = defaultdict(list)
    for k in range(batches):
        batch = sample(recipe.held_out, k, 64)
        clips = paint(Draw("paint", recipe.held_out, k), batch)
        noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(k))
        steps = torch.full((len(clips),), LAST)
        answer = -velocity(pipe, noise, clips[:, :1], torch.from_numpy(batch.caption)[:, None], steps)[:, 1]
        exact = (
            ((answer - clips[:, 1]).abs().amax(1) < 0.5).flatten(1).all(1)
        )  # nearer to its colour than to any other
        for name, good in zip(batch.names, exact.tolist(), strict=True):
            right[name].append(good)
    return {name: round(float(np.mean(goods)), 3) for name, goods in sorted(right.items())}


def pretrain(out: Path, recipe: PretrainingConfig, config: twin.NetworkConfig, measured: int = 16) -> None:
    """Train, or go on training, in the folder `out`.

    measured: held-out batches of 64 a measurement.
    """
    model = twin.transformer(config, recipe.seed)
    pipe = twin.pipeline(model)
    alphas = twin.scheduler().alphas_cumprod.float()
    opts = muon_and_adamw(model, recipe.matrix_lr, recipe.other_lr)
    folder = PretrainingFolder(out, {"family": "cogvideox", **asdict(recipe), **asdict(config)})
    start, before = folder.resume(model, opts)
    began, losses = time.monotonic() - before, list[float]()
    for step in range(start, recipe.steps):
        batch = sample(recipe.seed, step, recipe.batch, opened(step / recipe.steps))
        draw = Draw("paint", recipe.seed, step)
        generator = torch.Generator().manual_seed(draw.one(1 << 40))
        clips = paint(draw, batch)  # (B, 2, 3, h, w)
        caption = torch.from_numpy(batch.caption)
        dropped = torch.from_numpy(draw.uniform(len(caption)) < recipe.caption_drop)
        caption = torch.where(dropped[:, None], neutral(), caption)[:, None]  # (B, 1, 64)
        timesteps = draw_timesteps(len(clips), recipe.last_share, generator)
        noisy, goal = noised(clips, timesteps, alphas, generator)
        loss = (velocity(pipe, noisy, clips[:, :1], caption, timesteps) - goal).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        for opt, base in zip(opts, (recipe.matrix_lr, recipe.other_lr), strict=True):
            for group in opt.param_groups:
                group["lr"] = base * rate(recipe, step)
            opt.step()
        model.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (step + 1) % recipe.save_every == 0 or step + 1 == recipe.steps:
            row: dict[str, Any] = {
                "step": step + 1,
                "seconds": round(time.monotonic() - began, 1),
                "loss": round(float(np.mean(losses)), 5),
            }
            losses.clear()
            if (step + 1) % recipe.measure_every == 0 or step + 1 == recipe.steps:
                row["exact"] = measure(pipe, recipe, measured)
            folder.keep(row, save(model.state_dict()), model, opts)
