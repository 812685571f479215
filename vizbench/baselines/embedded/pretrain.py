"""`vizbench pretrain`: make an embedded checkpoint again, and write its card."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vizbench._util.files import write_atomically
from vizbench.baselines.embedded.worlds import HELD_OUT, OVERLAPS, WIDENING, WORLDS
from vizbench.baselines.embedded.worlds.excluded import ECA, LIFE, LIMIT
from vizbench.baselines.shared.hub import require
from vizbench.errors import UserError
from vizbench.seeds import check_seed


def pretrain(family: str, out: Path, seed: int, steps: int | None) -> None:
    """Train `cogvideox` or `qwen3` in the folder `out`, or go on there: weights, log, state, card.

    seed: of the start, the stream and the noise; steps: None for the embedded checkpoint's own number.
    """
    check_seed(seed)
    if steps is not None and not 1 <= steps <= 10_000_000:
        raise UserError(f"--steps {steps} is outside 1 … 10,000,000: leave it out for the embedded recipe")
    require("pretraining", "torch")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: give a folder")
    from vizbench.baselines.embedded.folder import CARD, LOG, WEIGHTS, open_folder

    with open_folder(out):
        recipe = _video(out, seed, steps) if family == "cogvideox" else _text(out, seed, steps)
        log = [json.loads(line) for line in (out / LOG).read_text(encoding="utf-8").splitlines()]
        weights = (out / WEIGHTS).read_bytes()
        write_atomically(out / CARD, card(family, recipe, log, parameters_in(weights)).encode())


def _video(out: Path, seed: int, steps: int | None) -> dict[str, Any]:
    import torch

    from vizbench.baselines.embedded.video.network import NetworkConfig
    from vizbench.baselines.embedded.video.pretrain import PretrainingConfig, pretrain

    torch.set_num_threads(1)  # another count rounds otherwise
    recipe = replace(PretrainingConfig(), seed=seed, steps=steps or PretrainingConfig().steps)
    pretrain(out, recipe, NetworkConfig())
    return {**asdict(recipe), **asdict(NetworkConfig())}


def _text(out: Path, seed: int, steps: int | None) -> dict[str, Any]:
    from vizbench.baselines.embedded.language.network import NetworkConfig
    from vizbench.baselines.embedded.language.pretrain import PretrainingConfig, pretrain

    recipe = replace(PretrainingConfig(), steps=steps or PretrainingConfig().steps)
    pretrain(out, seed, recipe)
    return {"seed": seed, **asdict(recipe), **asdict(NetworkConfig())}


def card(family: str, recipe: dict[str, Any], log: list[dict[str, Any]], parameters: int) -> str:
    """What a reader must know of the weights, from the recipe and the log alone, as Markdown."""
    from jinja2 import Environment, StrictUndefined

    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    picked = log[:: max(1, len(log) // 12)]
    picked += [] if picked[-1] is log[-1] else [log[-1]]
    scores = _latest(log, "exact") or _latest(log, "worlds")
    unit = (
        "boards right in every cell, by one denoising step"
        if family == "cogvideox"
        else "answer tokens right"
    )
    return (
        Environment(undefined=StrictUndefined, autoescape=False)
        .from_string(template)
        .render(
            family=family,
            recipe=recipe,
            last=log[-1],
            picked=picked,
            parameters=f"{parameters:,}",
            unit=unit,
            worlds={name: scores[name] for name in WORLDS if name in scores},
            widening=WIDENING,
            overlaps=OVERLAPS,
            held=HELD_OUT,
            life=LIFE,
            eca=ECA,
            limit=LIMIT,
        )
        + "\n"
    )


def parameters_in(weights: bytes) -> int:
    """How many numbers a safetensors file holds, read from its header alone."""
    size = int.from_bytes(weights[:8], "little")
    header: dict[str, Any] = json.loads(weights[8 : 8 + size])
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def _latest(log: list[dict[str, Any]], key: str) -> dict[str, float]:
    return next((row[key] for row in reversed(log) if key in row), {})
