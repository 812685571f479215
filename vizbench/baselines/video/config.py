"""Set how a video model is adapted and sampled: one frozen record for all families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, final

from vizbench.baselines.shared import config
from vizbench.errors import UserError

QKVO: Final = ("to_q", "to_k", "to_v", "to_out.0")
"""The four projections of diffusers' attention."""

FEED_FORWARD: Final = ("ff.net.0.proj", "ff.net.2")
"""The two projections of diffusers' feed-forward."""

CHOICES: Final = {
    "schedule": ("constant", "linear", "late"),
    "dtype": ("float32", "bfloat16"),
    "backbone": config.BACKBONES,
    "checkpointing": config.CHECKPOINTING,
}

LEAST: Final = {
    **config.LEAST,
    "rank": 0,
    "lr": 0,
    "max_grad_norm": 0,
    "sampling_steps": 1,
    "frames": 2,
}
"""The smallest values. The largest is `config.MOST`."""


@final
@dataclass(frozen=True, slots=True)
class VideoConfig:
    """Set how a video model is adapted and sampled.

    Every field can be set, as in `--checkpoint 'NAME?steps=500&batch=1'`.
    """

    rank: int = 64
    """The LoRA's rank. 0 trains all weights, as in pretraining."""
    alpha: int = 32
    """The LoRA's alpha."""
    targets: tuple[str, ...] = QKVO
    """The linear layers under LoRA, by the ends of their names."""
    batch: int = 1
    """Clips per optimizer step. They have one shape."""
    rows: int = 0
    """Most clips per forward pass; 0: as many as the memory allows."""
    steps: int = 1000
    """Optimizer steps, if the plan sets none."""
    lr: float = 1e-4
    """AdamW's peak learning rate."""
    schedule: Literal["constant", "linear", "late"] = "constant"
    """Learning rate: constant; linear to zero; or constant for half of the steps, then linear to 2%."""
    warmup: int = 1
    """Optimizer steps over which the learning rate rises."""
    weight_decay: float = 0.01
    """AdamW's weight decay."""
    max_grad_norm: float = 1.0
    """The largest norm of the gradient."""
    last_share: float = 0.0
    """Share of clips that are trained at the last timestep only (families that predict velocity)."""
    sampling_steps: int = 50
    """Denoising steps per answer."""
    together: int = 0
    """Most questions that are sampled in one batch, if the pipeline can; 0: as many as the memory allows."""
    frames: int = 9
    """Frames per clip."""
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    """Type of the frozen weights and of the products. Adapters are float32."""
    backbone: Literal["full", "int8", "nf4"] = "full"
    """The frozen linear layers as they are, or in 8 or 4 bits by bitsandbytes (on a GPU)."""
    checkpointing: Literal["auto", "true", "false"] = "auto"
    """Whether each block is computed again in the backward pass, to save memory; auto: only if it must be."""
    tiling: bool = False
    """Whether the VAE works in diffusers' tiles: CogVideoX from 240x360 pixels on, Wan 256x256, LTX 512x512.
    Each tile is coded as if it were the whole picture, so latents and pixels change. By how much was not
    measured with trained weights.
    """
    save_minutes: int = 10
    """Minutes between two states on disk; 0: never."""
    sample_every: int = 0
    """Optimizer steps between two pictures of an answer to the first example; 0: never."""

    def __post_init__(self) -> None:
        config.check_choices(self, CHOICES)
        config.check_ranges(self, LEAST)
        if not 0 <= self.last_share <= 1:
            raise UserError(f"last_share={self.last_share} is outside 0 … 1")

    def lr_factor(self, step: int, steps: int) -> float:
        """Return the factor on the learning rate at an optimizer step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup)
        remaining = 1 - step / steps
        if self.schedule == "linear":
            return min(warm, remaining)
        if self.schedule == "late":
            return min(warm, max(0.02, 2.0 * remaining))
        return warm
