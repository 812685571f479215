"""`vizbench pretrain`: make an embedded checkpoint again, and write its card."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vizbench.baselines.worlds import KIN, WIDENING, WORLDS
from vizbench.baselines.worlds.excluded import ECA, LIFE
from vizbench.errors import UserError
from vizbench.seeds import check_seed


def pretrain(family: str, out: Path, seed: int, steps: int | None) -> None:
    """Train `cogvideox` or `qwen3` in the folder `out`, or go on there: weights, log, state, card.

    seed: of the start, the stream and the noise; steps: None for the embedded checkpoint's own number.
    """
    check_seed(seed)
    if steps is not None and not 1 <= steps <= 10_000_000:
        raise UserError(f"--steps {steps} is outside 1 … 10,000,000: leave it out for the embedded recipe")
    if importlib.util.find_spec("torch") is None:
        raise UserError("pretraining needs torch, which is not installed: pip install 'vizbench[models]'")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: give a folder")
    recipe = _video(out, seed, steps) if family == "cogvideox" else _text(out, seed, steps)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    (out / "card.md").write_text(card(family, recipe, log))


def _video(out: Path, seed: int, steps: int | None) -> dict[str, Any]:
    import torch

    from vizbench.baselines.pretrain_video import Recipe, pretrain
    from vizbench.baselines.video_twin import TwinConfig

    torch.set_num_threads(1)  # another count rounds otherwise
    recipe = replace(Recipe(), seed=seed, steps=steps or Recipe().steps)
    pretrain(out, recipe, TwinConfig())
    return {**asdict(recipe), **asdict(TwinConfig())}


def _text(out: Path, seed: int, steps: int | None) -> dict[str, Any]:
    from vizbench.baselines.text.network import TwinConfig
    from vizbench.baselines.text.pretrain import Recipe, pretrain

    recipe = replace(Recipe(), steps=steps or Recipe().steps)
    pretrain(out, seed, recipe)
    return {"seed": seed, **asdict(recipe), **asdict(TwinConfig())}


def card(family: str, recipe: dict[str, Any], log: list[dict[str, Any]]) -> str:
    """What a reader must know of the weights, from the recipe and the log alone."""
    last = log[-1]
    worlds: dict[str, float] = next(row for key in ("exact", "worlds") for row in [_latest(log, key)] if row)
    unit = "boards right in every cell, one denoising step" if family == "cogvideox" else "answer tokens right"
    picked = log[:: max(1, len(log) // 12)]
    picked += [] if picked[-1] is last else [last]
    opened = "; ".join(f"from step {first}: {', '.join(names)}" for first, names in WIDENING)
    return "\n".join(
        [
            f"# {family}, checkpoint `tiny`",
            "",
            f"Made by `vizbench pretrain {family}` from seed {recipe['seed']}, on one CPU core, in {last['step']:,} steps of "
            f"{recipe['batch']} pairs ({last['step'] * recipe['batch']:,} pairs).",
            "",
            "**Data.** The stream of procedural worlds (`vizbench/baselines/worlds`), drawn anew for every step; nothing",
            "from outside. The law of each pair stands in a caption, which is replaced by a neutral one for 15%.",
            f"Worlds: {opened}.",
            "",
            f"**Never in the data.** Life rules {', '.join(LIFE)} and their complements; elementary rules",
            f"{', '.join(map(str, ECA))}, their mirror images and complements; Langton's ant and its mirror image; Latin squares",
            "of side 4 (mini Sudoku's solutions); enclosed regions, mazes. The code that draws the laws enforces it, and",
            "`tests/baselines/test_worlds.py` checks it.",
            "",
            f"**Near tasks** (a relative is in the stream): {'; '.join(f'`{k}` ({v})' for k, v in KIN.items())}. All others are far.",
            "",
            f"**Held out**, captions given, share of {unit}: "
            + ", ".join(f"{name} {worlds[name]:.2f}" for name in WORLDS if name in worlds)
            + ".",
            "",
            "| step | mean loss since the last line of the log | seconds |",
            "|---|---|---|",
            *(f"| {row['step']:,} | {row['loss']:.4f} | {row['seconds']:,.0f} |" for row in picked),
            "",
            "**Recipe.** " + ", ".join(f"{key} {value}" for key, value in recipe.items()) + ".",
            "",
            "**What it can support.** A check that the whole path works, on any laptop; comparisons of protocol choices; whether",
            "pretraining on relatives of a task helps this net. **What it cannot.** Anything about the models of the paper: a",
            "million parameters, board-sized pictures, and a positional start made for boards are not a video model that has",
            "seen the world, nor a language model that has read it.",
            "",
        ]
    )


def _latest(log: list[dict[str, Any]], key: str) -> dict[str, float]:
    return next((row[key] for row in reversed(log) if key in row), {})
