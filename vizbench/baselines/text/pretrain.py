"""Pretraining of the embedded language model on the stream of procedural worlds.

    vizbench pretrain qwen3 --out runs/pretrain-qwen3

A batch is a pure function of (seed, step), so a run that is stopped and started again takes the same way. The learning
rate is held and falls to zero over the last part: a run may be lengthened, or cut short, up to there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from vizbench.baselines.text.network import TwinConfig, network, save
from vizbench.baselines.text.tokens import Tokens, example
from vizbench.baselines.text.train import accuracy, backward
from vizbench.baselines.worlds import WorldBatch, opened, sample
from vizbench.errors import UserError
from vizbench.renderers.text import to_text
from vizbench.seeds import stream

WEIGHTS = "weights.safetensors"
STATE = "state.pt"
LOG = "log.jsonl"


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """How the weights are made.

    steps, batch: batches in all and sequences in each; warm: steps of rising learning rate; fall: share of the steps
    over which it falls; matrices, rest: learning rates of Muon and AdamW; nameless: share of sequences whose caption is
    the neutral one; corrupted: share of answer cells that are read wrong; every: steps between log lines and saves;
    held_out: batches of the held-out stream for a log line.
    """

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


def pretrain(out: Path, seed: int, recipe: Recipe, threads: int = 1) -> Path:
    """Train (or train on) in the folder `out`; returns the weights file. Log: one JSON line every `recipe.every` steps,
    with the mean loss and each world's share of right answer tokens on a stream that is never trained on."""
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    config = TwinConfig()
    model = network(config, stream("qwen3", "start", seed) >> 1)
    optimizers = _optimizers(model, recipe)
    step, seconds = _resume(out / STATE, seed, model, optimizers)
    losses: list[float] = []
    began = time.perf_counter() - seconds
    while step < recipe.steps:
        random = np.random.default_rng(stream("qwen3", "noise", seed, step))
        rows = _rows(sample(seed, step, recipe.batch, opened(step / recipe.steps)), recipe.nameless, random)
        _set_rates(optimizers, _scale(recipe, step))
        losses.append(backward(model, rows, recipe.corrupted, random))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        if step % recipe.every == 0 or step == recipe.steps:
            seconds = time.perf_counter() - began
            line = {
                "step": step,
                "seconds": round(seconds),
                "loss": round(float(np.mean(losses)), 5),
                **_held_out(model, seed, recipe),
            }
            with (out / LOG).open("a") as log:
                log.write(json.dumps(line) + "\n")
            losses.clear()
            _keep(out, seed, step, seconds, model, optimizers, {"recipe": asdict(recipe), "seed": seed, **line})
    return out / WEIGHTS


def _rows(batch: WorldBatch, nameless: float, random: np.random.Generator) -> list[Tokens]:
    named = random.random(len(batch.words)) >= nameless
    return [
        example(to_text(question, "rows"), to_text(target, "rows"), words if name else "")
        for question, target, words, name in zip(batch.question, batch.target, batch.words, named, strict=True)
    ]


def _optimizers(model: Any, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings, norms and biases."""
    inside = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.Muon(inside, lr=recipe.matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=recipe.rest, weight_decay=0.0, betas=(0.9, 0.95)),
    ]


def _scale(recipe: Recipe, step: int) -> float:
    return min(1.0, (step + 1) / recipe.warm, (recipe.steps - step) / (recipe.fall * recipe.steps))


def _set_rates(optimizers: list[torch.optim.Optimizer], scale: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * scale


def _held_out(model: Any, seed: int, recipe: Recipe) -> Mapping[str, Any]:
    """Right tokens by world, captions given, in batches of a seed that training never draws."""
    shares: dict[str, list[float]] = {}
    for number in range(recipe.held_out):
        batch = sample(stream("qwen3", "held out", seed) >> 1, number, recipe.batch)
        rows = _rows(batch, 0.0, np.random.default_rng(0))
        for name, share in zip(batch.names, accuracy(model, rows), strict=True):
            shares.setdefault(name, []).append(float(share))
    worlds = {name: round(float(np.mean(values)), 4) for name, values in sorted(shares.items())}
    return {"tokens": round(float(np.mean([v for vs in shares.values() for v in vs])), 5), "worlds": worlds}


def _keep(
    out: Path,
    seed: int,
    step: int,
    seconds: float,
    model: Any,
    optimizers: list[torch.optim.Optimizer],
    notes: Mapping[str, Any],
) -> None:
    """Weights for use, and the state to go on from; each is whole or absent."""
    save(model, out / WEIGHTS, notes)
    state = {
        "seed": seed,
        "step": step,
        "seconds": seconds,
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    half = out / (STATE + ".tmp")
    torch.save(state, half)
    half.replace(out / STATE)


def _resume(path: Path, seed: int, model: Any, optimizers: list[torch.optim.Optimizer]) -> tuple[int, float]:
    """Steps and seconds done so far; 0 where the folder is new."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)  # tensors and plain values only
    if state["seed"] != seed:
        raise UserError(f"{path.parent} holds a run of seed {state['seed']}: give that seed, or another --out")
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"]), float(state["seconds"])
