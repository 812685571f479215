"""Pretraining of the embedded language model on the stream of procedural worlds.

    vizbench pretrain qwen3 --out runs/pretrain-qwen3

A batch is a pure function of (seed, step), so a run that is stopped and started again takes the same way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from vizbench.baselines.embedded.folder import WEIGHTS, PretrainingFolder
from vizbench.baselines.embedded.language.network import NetworkConfig, network, saved
from vizbench.baselines.embedded.language.tokens import Tokens, example
from vizbench.baselines.embedded.language.train import accuracy, backward
from vizbench.baselines.embedded.worlds import WorldBatch, opened, sample
from vizbench.renderers.text import to_text
from vizbench.seeds import stream


@final
@dataclass(frozen=True, slots=True)
class PretrainingConfig:
    """How the weights are made.

    steps, batch: batches in all and sequences in each; warm: steps of rising learning rate; fall: share of
    the steps over which it falls; matrices, rest: learning rates of Muon and AdamW; nameless: share of
    sequences whose caption is the neutral one; corrupted: share of answer cells that are read wrong; every:
    steps between log lines and saves; held_out: batches of the held-out stream for a log line."""

    steps: int = 3500
    batch: int = 32
    warm: int = 100
    fall: float = 0.3
    matrices: float = 5e-3
    rest: float = 2e-3
    nameless: float = 0.15
    corrupted: float = 0.15
    every: int = 250
    held_out: int = 6


def pretrain(out: Path, seed: int, recipe: PretrainingConfig, threads: int = 1) -> Path:
    """Train (or train on) in the folder `out`; returns the weights file. Log: one JSON line every
    `recipe.every` steps, with the mean loss and each world's share of right answer tokens on a stream that is
    never trained on."""
    torch.set_num_threads(threads)
    config = NetworkConfig()
    model = network(config, stream("qwen3", "start", seed) >> 1)
    optimizers = _optimizers(model, recipe)
    folder = PretrainingFolder(out, {"family": "qwen3", "seed": seed, **asdict(recipe), **asdict(config)})
    start, before = folder.resume(model, optimizers)
    began, losses = time.monotonic() - before, list[float]()
    for step in range(start, recipe.steps):
        random = np.random.default_rng(stream("qwen3", "noise", seed, step))
        rows = _rows(sample(seed, step, recipe.batch, opened(step / recipe.steps)), recipe.nameless, random)
        _set_rates(optimizers, _scale(recipe, step))
        losses.append(backward(model, rows, recipe.corrupted, random))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if (step + 1) % recipe.every == 0 or step + 1 == recipe.steps:
            line = {
                "step": step + 1,
                "seconds": round(time.monotonic() - began, 1),
                "loss": round(float(np.mean(losses)), 5),
                **_held_out(model, seed, recipe),
            }
            losses.clear()
            notes = {"config": asdict(recipe), "seed": seed, **line}
            folder.keep(line, saved(model, notes), model, optimizers)
    return out / WEIGHTS


def _rows(batch: WorldBatch, nameless: float, random: np.random.Generator) -> list[Tokens]:
    named = random.random(len(batch.words)) >= nameless
    return [
        example(to_text(question, "rows"), to_text(target, "rows"), words if name else "")
        for question, target, words, name in zip(
            batch.question, batch.target, batch.words, named, strict=True
        )
    ]


def _optimizers(model: Any, recipe: PretrainingConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings, norms and biases."""
    inside = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.Muon(inside, lr=recipe.matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=recipe.rest, weight_decay=0.0, betas=(0.9, 0.95)),
    ]


def _scale(recipe: PretrainingConfig, step: int) -> float:
    return min(1.0, (step + 1) / recipe.warm, (recipe.steps - step) / (recipe.fall * recipe.steps))


def _set_rates(optimizers: list[torch.optim.Optimizer], scale: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * scale


def _held_out(model: Any, seed: int, recipe: PretrainingConfig) -> Mapping[str, Any]:
    """Right tokens by world, captions given, in batches of a seed that training never draws."""
    shares: dict[str, list[float]] = {}
    for number in range(recipe.held_out):
        batch = sample(stream("qwen3", "held out", seed) >> 1, number, recipe.batch)
        rows = _rows(batch, 0.0, np.random.default_rng(0))
        for name, share in zip(batch.names, accuracy(model, rows), strict=True):
            shares.setdefault(name, []).append(float(share))
    worlds = {name: round(float(np.mean(values)), 4) for name, values in sorted(shares.items())}
    return {"tokens": round(float(np.mean([v for vs in shares.values() for v in vs])), 5), "worlds": worlds}
