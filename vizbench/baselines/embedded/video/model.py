"""Adapt the embedded video model: weights, hyper-parameters and the model of a checkpoint.

Checkpoints:

- `tiny`: pretrained, frozen, with a LoRA.
- `tiny-random`: the same network without pretraining, frozen, with a LoRA of the same size.
- `tiny-scratch`: the same network without pretraining. All weights are trained for the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from vizbench.baselines.embedded.video.network import (
    CELL,
    NetworkConfig,
    build_network,
    load_network,
    neutral_caption,
    pipeline,
)
from vizbench.baselines.shared.checkpoint import digest_of_file
from vizbench.baselines.shared.passes import Passes
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
    """Hyper-parameters of the adaptation, the same for any number of shots. The paper reports no steps."""

    rank: int = 16
    """Rank of the LoRA."""
    alpha: int = 16
    """Scale of the LoRA."""
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "text_proj")
    """Linear layers that receive a LoRA."""
    steps: int = 300
    """Optimizer steps with LoRA."""
    scratch_steps: int = 300
    """Optimizer steps of `tiny-scratch`, chosen to take as long as `steps` with LoRA.

    Measured by `experiments/embedded/adaptation.py`.
    """
    batch: int = 32
    """Examples per optimizer step."""
    lr: float = 2e-3
    """Peak learning rate of the LoRA."""
    warmup: int = 20
    """Steps over which the learning rate rises."""
    last_share: float = 0.8
    """Share of the training examples that get the last, noisiest timestep."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    sampling_steps: int = 1
    """Denoising steps of a prediction."""
    predict_batch: int = 50
    """Questions sampled in one batch."""

    def video_config(self, scratch: bool) -> VideoConfig:
        """Return the hyper-parameters as the record of all video models."""
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
            checkpointing="false",
        )


@final
class EmbeddedWeights(WeightSource):
    """The weights of an embedded checkpoint. Nothing is cached: encoding and training take seconds."""

    home = None
    embedded = True

    def __init__(self, checkpoint: str, config: VideoConfig) -> None:
        self.weights = None
        self._checkpoint, self._config = checkpoint, config
        if checkpoint == "tiny":
            if not WEIGHTS.is_file():
                raise UserError(
                    f"the weights {WEIGHTS.name} are missing: make them with `vizbench pretrain cogvideox`"
                )
            self.weights = digest_of_file(WEIGHTS)

    def check(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """Accept all shapes: the model fits into any memory."""

    def passes(self, shapes: Iterable[tuple[int, ...]]) -> list[Passes]:
        """Return one pass per step."""
        return [Passes(self._config.batch, False)]

    def sampling_rows(self, shape: tuple[int, ...]) -> int:
        """Return the config's number."""
        return self._config.together

    def open(self, seed: int) -> tuple[Any, Tensors]:
        """Return the pipeline and the neutral caption `(1, 1, 64)` as its prompt."""
        if self._checkpoint == "tiny":
            model = load_network(NetworkConfig(), WEIGHTS)
        else:
            model = build_network(NetworkConfig(), stream("twin", seed) >> 1)
        return pipeline(model), {"prompt_embeds": neutral_caption()[None, None]}


def embedded_model(checkpoint: str, config: AdaptationConfig | None = None) -> VideoLora:
    """Return the model of an embedded checkpoint: `tiny`, `tiny-random` or `tiny-scratch`."""
    adaptation = config or AdaptationConfig()
    scratch = checkpoint == "tiny-scratch"
    chosen = adaptation.video_config(scratch)
    return VideoLora(BACKBONE, EmbeddedWeights(checkpoint, chosen), chosen, CELL)
