"""The embedded video model as a source of weights, and how it is adapted.

`tiny`: pretrained and frozen, LoRA. Controls: `tiny-random`, the same net un-pretrained and frozen, LoRA of
the same size; `tiny-scratch`, the same net un-pretrained, all weights trained for the same time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from safetensors.torch import load_file

from vizbench.baselines.embedded.video import network as twin
from vizbench.baselines.embedded.video.network import neutral
from vizbench.baselines.video.backbone import Tensors, WeightSource
from vizbench.baselines.video.cogvideox import BACKBONE
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.model import VideoLora
from vizbench.errors import UserError
from vizbench.seeds import stream

WEIGHTS = Path(__file__).parents[1] / "checkpoints" / "cogvideox-tiny.safetensors"


@final
@dataclass(frozen=True, slots=True)
class AdaptationConfig:
    """How the embedded video model is adapted. The paper does not report steps: these are ours, one for all
    budgets.

    scratch_steps: as many as take `tiny-scratch` the time of `steps` with LoRA (`experiments/embedded/adaptation.py`).
    """

    rank: int = 16
    alpha: int = 16
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "text_proj")
    steps: int = 300
    scratch_steps: int = 300
    batch: int = 32
    lr: float = 2e-3
    warmup: int = 20
    last_share: float = 0.8
    max_grad_norm: float = 1.0
    sampling_steps: int = 1
    predict_batch: int = 50

    def training(self, scratch: bool) -> VideoConfig:
        """The same as every video model's record."""
        return VideoConfig(
            rank=0 if scratch else self.rank,
            alpha=self.alpha,
            targets=self.targets,
            batch=self.batch,
            steps=self.scratch_steps if scratch else self.steps,
            lr=self.lr,
            schedule="late",
            warmup=self.warmup,
            weight_decay=0.0,
            max_grad_norm=self.max_grad_norm,
            last_share=self.last_share,
            sampling_steps=self.sampling_steps,
            together=self.predict_batch,
            frames=2,
            checkpointing=False,
        )


@final
class EmbeddedWeights(WeightSource):
    """One of the embedded checkpoints. Nothing is kept on disk: encoding and training take seconds."""

    home = None

    def __init__(self, checkpoint: str) -> None:
        self.weights = None
        self._checkpoint = checkpoint
        if checkpoint == "tiny":
            if not WEIGHTS.is_file():
                raise UserError(
                    f"the weights {WEIGHTS.name} are missing: make them with `vizbench pretrain cogvideox`"
                )
            self.weights = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:16]

    def check(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """A million numbers fit everywhere."""

    def open(self, seed: int) -> tuple[Any, Tensors]:
        model = twin.transformer(twin.NetworkConfig(), stream("twin", seed) >> 1)
        if self._checkpoint == "tiny":
            model.load_state_dict({k: v.float() for k, v in load_file(WEIGHTS).items()})
        return twin.pipeline(model), {"prompt_embeds": neutral()[None, None]}  # (1, 1, 64)


def embedded(checkpoint: str, adaptation: AdaptationConfig | None = None) -> VideoLora:
    """The model of an embedded checkpoint: `tiny`, `tiny-random` or `tiny-scratch`."""
    training = (adaptation or AdaptationConfig()).training(scratch=checkpoint == "tiny-scratch")
    return VideoLora(BACKBONE, EmbeddedWeights(checkpoint), training, twin.CELL)
