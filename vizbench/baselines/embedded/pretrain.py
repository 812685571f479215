"""Train an embedded model's weights from scratch and write their card, for `vizbench pretrain`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vizbench._util.files import write_atomically
from vizbench.baselines.embedded.worlds import HELD_OUT, OVERLAPS, WIDENING, WORLDS
from vizbench.baselines.embedded.worlds.excluded import ECA, LIFE, LIMIT
from vizbench.baselines.shared.hub import require
from vizbench.errors import UserError
from vizbench.seeds import check_seed

_UNITS: Mapping[str, str] = {
    "cogvideox": "boards right in every cell, by one denoising step",
    "qwen3": "answer tokens right",
}
"""What the held-out figures in a family's log count."""

_LOSS_ROWS = 12
"""About how many rows of the log the card shows."""


def pretrain(family: str, out: Path, seed: int, steps: int | None) -> None:
    """Train `cogvideox` or `qwen3` in the folder `out`, or resume the run there.

    The folder receives weights, log, state and card. `seed` determines the initial weights, the data stream
    and the noise. If `steps` is None, the number of steps of the packaged checkpoint is used.
    """
    check_seed(seed)
    if steps is not None and not 1 <= steps <= 10_000_000:
        raise UserError(
            f"--steps {steps} is outside 1 … 10,000,000: leave it out for the packaged checkpoint's number"
        )
    require("pretraining", "torch")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: give a folder")
    import torch

    from vizbench.baselines.embedded.folder import CARD, WEIGHTS, open_folder, read_log

    torch.set_num_threads(1)  # another number of threads rounds differently
    train = _pretrain_video if family == "cogvideox" else _pretrain_language
    with open_folder(out):
        config = train(out, seed, steps)
        weights = (out / WEIGHTS).read_bytes()
        write_atomically(out / CARD, card(family, config, read_log(out), parameters_in(weights)).encode())


def _pretrain_video(out: Path, seed: int, steps: int | None) -> dict[str, Any]:
    """Train the video model. Return its hyper-parameters and sizes."""
    from vizbench.baselines.embedded.video.network import NetworkConfig
    from vizbench.baselines.embedded.video.pretrain import PretrainingConfig, pretrain

    config = replace(PretrainingConfig(), seed=seed, steps=steps or PretrainingConfig().steps)
    pretrain(out, config, NetworkConfig())
    return {**asdict(config), **asdict(NetworkConfig())}


def _pretrain_language(out: Path, seed: int, steps: int | None) -> dict[str, Any]:
    """Train the language model. Return its hyper-parameters and sizes."""
    from vizbench.baselines.embedded.language.network import NetworkConfig
    from vizbench.baselines.embedded.language.pretrain import PretrainingConfig, pretrain

    config = replace(PretrainingConfig(), seed=seed, steps=steps or PretrainingConfig().steps)
    pretrain(out, config, NetworkConfig())
    return {**asdict(config), **asdict(NetworkConfig())}


def card(family: str, config: dict[str, Any], log: list[dict[str, Any]], parameters: int) -> str:
    """Return the card of the weights as Markdown, from config and log only.

    config: hyper-parameters, among them `seed` and `batch`, and network sizes. parameters: their number.
    """
    from jinja2 import Environment, StrictUndefined

    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    # Show an even selection of the log, and always its last row.
    shown = log[:: max(1, len(log) // _LOSS_ROWS)]
    if shown[-1] is not log[-1]:
        shown = [*shown, log[-1]]
    scores = _latest(log, "exact") or _latest(log, "worlds")
    text = (
        Environment(undefined=StrictUndefined, autoescape=False)
        .from_string(template)
        .render(
            family=family,
            config=config,
            last=log[-1],
            shown=shown,
            parameters=f"{parameters:,}",
            unit=_UNITS[family],
            worlds={name: scores[name] for name in WORLDS if name in scores},
            widening=WIDENING,
            overlaps=OVERLAPS,
            held_out=HELD_OUT,
            life=LIFE,
            eca=ECA,
            limit=LIMIT,
        )
    )
    return text + "\n"


def parameters_in(weights: bytes) -> int:
    """Return how many parameters a safetensors file holds. Only its header is read."""
    size = int.from_bytes(weights[:8], "little")
    header: dict[str, Any] = json.loads(weights[8 : 8 + size])
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def _latest(log: list[dict[str, Any]], key: str) -> dict[str, float]:
    """Return the value of `key` in the last row that has it, or an empty dict."""
    return next((row[key] for row in reversed(log) if key in row), {})
