"""Pretrain the embedded video model on the stream of procedural worlds.

    vizbench pretrain cogvideox --out runs/pretrain-cogvideox

Each optimizer step draws a batch of worlds, paints it in random colours, adds noise and regresses the
velocity. The caption gives the law of the world, as the prompt of a real video model describes its scene. 15%
of the captions are replaced by the neutral one, which adaptation uses. A batch is a pure function of seed and
step, so a run that was stopped and resumed gives the same weights.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from vizbench.baselines.embedded.folder import WEIGHTS, PretrainingFolder
from vizbench.baselines.embedded.video.network import (
    NetworkConfig,
    build_network,
    neutral_caption,
    pipeline,
    scheduler,
    serialize,
)
from vizbench.baselines.embedded.worlds import WorldBatch, opened, sample, shows
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.shared.optimizers import step_all
from vizbench.baselines.video.cogvideox import BACKBONE
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.optimizers import MATRIX_LR, OTHER_LR, muon_and_adamw
from vizbench.baselines.video.train import LAST, computing, draw_timesteps, noised, plain_attention


@final
@dataclass(frozen=True, slots=True)
class PretrainingConfig:
    """Hyper-parameters of the pretraining."""

    seed: int = 0
    """Seed of the initial weights, the stream and the noise."""
    steps: int = 14000
    """Optimizer steps."""
    batch: int = 32
    """Pairs per optimizer step."""
    matrix_lr: float = MATRIX_LR
    """Peak learning rate of Muon, for the matrices."""
    other_lr: float = OTHER_LR
    """Peak learning rate of AdamW, for all other parameters."""
    warmup: int = 200
    """Steps over which the learning rate rises."""
    decay_share: float = 0.4
    """Share of the steps, at the end, over which the learning rate falls."""
    last_share: float = 0.7
    """Share of the pairs that get the last, noisiest timestep."""
    caption_drop: float = 0.15
    """Share of the pairs whose caption is the neutral one."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    save_every: int = 250
    """Steps between two lines of the log, with weights and state."""
    measure_every: int = 1000
    """Steps between two measurements on held-out pairs."""
    held_out_batches: int = 16
    """Held-out batches of 64 pairs in a measurement."""
    held_out_seed: int = 1_000_003
    """Seed of the held-out stream."""


COLOURS = np.array(list(itertools.product((0, 128, 255), repeat=3)), np.float32)
"""27 colours that are far apart."""

PLAIN = np.array(
    [
        (255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 0), (0, 128, 0),
        (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255), (255, 128, 0),
    ],
    np.float32,
)  # fmt: skip
"""White ground, black ink, grey for unknown cells, and seven more colours.

It is used for 60% of the pairs, and for every pair whose target has a code that the question does not show.
"""


def paint(draw: Draw, batch: WorldBatch) -> Tensor:
    """Paint the pairs as latents `(B, 2, 3, h, w)` in -1 … 1, in plain or random colours."""
    count = len(batch.question)
    order = np.argsort(draw.uniform(count, len(COLOURS)), axis=1)
    plain = draw.uniform(count) < 0.6
    palettes = np.empty((count, 10, 3), np.float32)
    for i in range(count):
        recolour = not plain[i] and shows(batch.question[i], batch.target[i])
        palettes[i] = COLOURS[order[i, :10]] if recolour else PLAIN
    pairs = np.stack([batch.question, batch.target], 1)
    colours = palettes[np.arange(count)[:, None, None, None], pairs] / 127.5 - 1.0
    return torch.from_numpy(np.moveaxis(colours, -1, 2).astype(np.float32))


def velocity(pipe: Any, noisy: Tensor, question: Tensor, caption: Tensor, timesteps: Tensor) -> Tensor:
    """Return the predicted velocity `(B, 2, 3, h, w)` float32, computed as in adaptation.

    question: latents of the questions, `(B, 1, 3, h, w)`. caption: `(B, 1, CAPTION)`.
    """
    with computing(VideoConfig(), noisy.device), plain_attention(noisy.device):
        predicted = BACKBONE.velocity(pipe, noisy, {"image": question}, {"prompt_embeds": caption}, timesteps)
    return predicted.float()


def lr_factor(config: PretrainingConfig, step: int) -> float:
    """Return the factor on the peak learning rates: a rise, a plateau, a linear fall to 2%."""
    left = (config.steps - step) / (config.steps * config.decay_share)
    return min(1.0, (step + 1) / config.warmup, max(0.02, left))


def pretrain(out: Path, config: PretrainingConfig, sizes: NetworkConfig) -> Path:
    """Train in the folder `out`, or resume the run there. Return the file of the weights.

    The log has a line per `save_every` steps: the mean loss, and in some lines the held-out figures.
    """
    model = build_network(sizes, config.seed)
    pipe = pipeline(model)
    alphas = scheduler().alphas_cumprod.float()
    optimizers = muon_and_adamw(model, config.matrix_lr, config.other_lr)
    folder = PretrainingFolder(out, {"family": "cogvideox", **asdict(config), **asdict(sizes)})
    start, before = folder.resume(model, optimizers)
    began, losses = time.monotonic() - before, list[float]()
    for step in range(start, config.steps):
        # One optimizer step.
        losses.append(_backward(pipe, alphas, config, step))
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        step_all(optimizers, lr_factor(config, step))

        # Log and save.
        last = step + 1 == config.steps
        if (step + 1) % config.save_every == 0 or last:
            line: dict[str, Any] = {
                "step": step + 1,
                "seconds": round(time.monotonic() - began, 1),
                "loss": round(float(np.mean(losses)), 5),
            }
            losses.clear()
            if (step + 1) % config.measure_every == 0 or last:
                line["exact"] = measure(pipe, config)
            folder.keep(line, serialize(model), model, optimizers)
    return out / WEIGHTS


def _backward(pipe: Any, alphas: Tensor, config: PretrainingConfig, step: int) -> float:
    """Add the gradient of the mean loss of batch `step` to the parameters. Return the loss."""
    batch = sample(config.seed, step, config.batch, opened(step / config.steps))
    draw = Draw("paint", config.seed, step)
    generator = torch.Generator().manual_seed(draw.one(1 << 40))
    clips = paint(draw, batch)  # (B, 2, 3, h, w)
    caption = torch.from_numpy(batch.caption)
    dropped = torch.from_numpy(draw.uniform(len(caption)) < config.caption_drop)
    caption = torch.where(dropped[:, None], neutral_caption(), caption)[:, None]  # (B, 1, CAPTION)
    timesteps = draw_timesteps(len(clips), config.last_share, generator)
    noisy, goal = noised(clips, timesteps, alphas, generator)
    loss = (velocity(pipe, noisy, clips[:, :1], caption, timesteps) - goal).square().mean()
    loss.backward()
    return loss.item()


@torch.no_grad()
def measure(pipe: Any, config: PretrainingConfig) -> Mapping[str, float]:
    """Return, by world, the share of held-out boards that one denoising step gets right in every cell."""
    right: dict[str, list[bool]] = defaultdict(list)
    for number in range(config.held_out_batches):
        batch = sample(config.held_out_seed, number, 64)
        clips = paint(Draw("paint", config.held_out_seed, number), batch)
        noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(number))
        timesteps = torch.full((len(clips),), LAST)
        caption = torch.from_numpy(batch.caption)[:, None]
        answer = -velocity(pipe, noise, clips[:, :1], caption, timesteps)[:, 1]
        # A cell is right if it is nearer to its colour than to any other.
        correct = (answer - clips[:, 1]).abs().amax(1) < 0.5
        for name, exact in zip(batch.names, correct.flatten(1).all(1).tolist(), strict=True):
            right[name].append(exact)
    return {name: round(float(np.mean(exact)), 3) for name, exact in sorted(right.items())}
