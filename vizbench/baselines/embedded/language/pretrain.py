"""Pretrain the embedded language model on the stream of procedural worlds.

    vizbench pretrain qwen3 --out runs/pretrain-qwen3

Each optimizer step draws a batch of worlds, writes it as text and trains on the tokens of the answers. The
caption gives the law of the world. 15% of the captions are replaced by the neutral one, which adaptation
uses. A batch is a pure function of seed and step, so a run that was stopped and resumed gives the same
weights.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from vizbench.baselines.embedded.folder import WEIGHTS, PretrainingFolder
from vizbench.baselines.embedded.language.network import NetworkConfig, build_network, serialize
from vizbench.baselines.embedded.language.tokens import Tokens, example
from vizbench.baselines.embedded.language.train import accuracy, backward
from vizbench.baselines.embedded.worlds import WorldBatch, opened, sample
from vizbench.baselines.shared.optimizers import muon_and_adamw, step_all
from vizbench.renderers.text import to_text
from vizbench.seeds import stream


@final
@dataclass(frozen=True, slots=True)
class PretrainingConfig:
    """Hyper-parameters of the pretraining."""

    seed: int = 0
    """Seed of the initial weights, the stream and the noise."""
    steps: int = 3500
    """Optimizer steps."""
    batch: int = 32
    """Pairs per optimizer step."""
    matrix_lr: float = 5e-3
    """Peak learning rate of Muon, for the matrices."""
    other_lr: float = 2e-3
    """Peak learning rate of AdamW, for all other parameters."""
    warmup: int = 100
    """Steps over which the learning rate rises."""
    decay_share: float = 0.3
    """Share of the steps, at the end, over which the learning rate falls."""
    caption_drop: float = 0.15
    """Share of the pairs whose caption is the neutral one."""
    corrupted: float = 0.15
    """Share of the answer cells that are replaced in the input (see `train.corrupt`)."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    save_every: int = 250
    """Steps between two lines of the log, each with held-out figures, weights and state."""
    held_out_batches: int = 6
    """Held-out batches in a measurement."""


def lr_factor(config: PretrainingConfig, step: int) -> float:
    """Return the factor on the peak learning rates: a rise, a plateau, a linear fall to 0."""
    left = (config.steps - step) / (config.decay_share * config.steps)
    return min(1.0, (step + 1) / config.warmup, left)


def pretrain(out: Path, config: PretrainingConfig, sizes: NetworkConfig) -> Path:
    """Train in the folder `out`, or resume the run there. Return the file of the weights.

    The log has a line per `save_every` steps: the mean loss and the held-out figures.
    """
    model = build_network(sizes, stream("qwen3", "start", config.seed) >> 1)
    # Embeddings, norms and biases are left to AdamW.
    optimizers = muon_and_adamw(
        model, lambda name: "embed" not in name, config.matrix_lr, config.other_lr, (0.9, 0.95), 0.0
    )
    folder = PretrainingFolder(out, {"family": "qwen3", **asdict(config), **asdict(sizes)})
    start, before = folder.resume(model, optimizers)
    began, losses = time.monotonic() - before, list[float]()
    for step in range(start, config.steps):
        # One optimizer step.
        losses.append(_backward(model, config, step))
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        step_all(optimizers, lr_factor(config, step))

        # Log and save.
        if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
            line = {
                "step": step + 1,
                "seconds": round(time.monotonic() - began, 1),
                "loss": round(float(np.mean(losses)), 5),
                **measure(model, config),
            }
            losses.clear()
            notes = {"config": asdict(config), "seed": config.seed, **line}
            folder.keep(line, serialize(model, notes), model, optimizers)
    return out / WEIGHTS


def _backward(model: Any, config: PretrainingConfig, step: int) -> float:
    """Add the gradient of the mean loss of batch `step` to the parameters. Return the loss."""
    random = np.random.default_rng(stream("qwen3", "noise", config.seed, step))
    batch = sample(config.seed, step, config.batch, opened(step / config.steps))
    return backward(model, _sequences(batch, config.caption_drop, random), config.corrupted, random)


def _sequences(batch: WorldBatch, caption_drop: float, random: np.random.Generator) -> list[Tokens]:
    """Write the pairs as sequences. A share of `caption_drop` gets the neutral caption."""
    captioned = random.random(len(batch.words)) >= caption_drop
    sequences: list[Tokens] = []
    for question, target, words, keep in zip(
        batch.question, batch.target, batch.words, captioned, strict=True
    ):
        sequences.append(example(to_text(question, "rows"), to_text(target, "rows"), words if keep else ""))
    return sequences


def measure(model: Any, config: PretrainingConfig) -> Mapping[str, Any]:
    """Return the share of right answer tokens on held-out pairs, in all (`tokens`) and by world (`worlds`).

    The pairs come with their captions, from a stream that training never draws.
    """
    right: dict[str, list[float]] = defaultdict(list)
    held_out_seed = stream("qwen3", "held out", config.seed) >> 1
    for number in range(config.held_out_batches):
        batch = sample(held_out_seed, number, config.batch)
        rows = _sequences(batch, 0.0, np.random.default_rng(0))
        for name, share in zip(batch.names, accuracy(model, rows), strict=True):
            right[name].append(float(share))
    worlds = {name: round(float(np.mean(shares)), 4) for name, shares in sorted(right.items())}
    everything = [share for shares in right.values() for share in shares]
    return {"tokens": round(float(np.mean(everything)), 5), "worlds": worlds}
