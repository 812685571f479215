"""How a video model is adapted and sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from vizbench.errors import UserError

if TYPE_CHECKING:
    pass


QKVO = ("to_q", "to_k", "to_v", "to_out.0")
"""The four projections of diffusers' attention."""

FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")
"""The two projections of diffusers' feed-forward."""


@final
@dataclass(frozen=True, slots=True)
class VideoConfig:
    """How a video model is adapted and sampled. Every field can be set as `--checkpoint
    'NAME?steps=500&batch=1'`.

    rank, alpha, targets: of the LoRA; rank 0 trains all weights instead, as in pretraining. batch,
    accumulation: clips a forward pass, forward passes a step; steps: where the plan names no number. lr,
    schedule, warmup: AdamW's peak rate; constant, a line to zero, or constant for half of the steps and a
    line to 2% (`late`). last_share: share of clips trained at the last timestep alone (velocity families).
    sampling_steps, together: denoising steps a sample; questions sampled side by side, where the pipeline
    can. dtype: of the frozen weights and of the products; adapters are float32. backbone: the frozen linear
    layers as they are, or in 8 or 4 bits by bitsandbytes, on a GPU alone. checkpointing: recompute each block
    in the backward pass. tiling: the VAE in diffusers' tiles (CogVideoX from 240x360 pixels, Wan 256x256, LTX
    512x512); each is coded as if it were the whole picture, so latents and pixels change, by an amount not
    measured with trained weights. save_every, sample_every: steps between two states on disk, and two
    pictures of the first example there; 0: never."""

    rank: int = 64
    alpha: int = 32
    targets: tuple[str, ...] = QKVO
    batch: int = 1
    accumulation: int = 1
    steps: int = 1000
    lr: float = 1e-4
    schedule: Literal["constant", "linear", "late"] = "constant"
    warmup: int = 1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    last_share: float = 0.0
    sampling_steps: int = 50
    together: int = 1
    frames: int = 9
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    backbone: Literal["full", "int8", "nf4"] = "full"
    checkpointing: bool = True
    tiling: bool = False
    save_every: int = 100
    sample_every: int = 0

    def __post_init__(self) -> None:
        words = {
            "schedule": ("constant", "linear", "late"),
            "dtype": ("float32", "bfloat16"),
            "backbone": ("full", "int8", "nf4"),
        }
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                raise UserError(
                    f"{name}={str(getattr(self, name))[:40]!r} is not one of {', '.join(allowed)}"
                )
        least = {
            "rank": 0,
            "alpha": 1,
            "save_every": 0,
            "sample_every": 0,
            "frames": 2,
            "lr": 0,
            "max_grad_norm": 0,
        }
        for name in (*least, "batch", "accumulation", "steps", "warmup", "sampling_steps", "together"):
            if not least.get(name, 1) <= getattr(self, name) <= 10_000_000:
                raise UserError(f"{name}={getattr(self, name)} is outside {least.get(name, 1)} … 10,000,000")
        if not 0 <= self.last_share <= 1:
            raise UserError(f"last_share={self.last_share} is outside 0 … 1")

    def factor(self, step: int, steps: int) -> float:
        """The learning rate's factor at a step, from 0, of so many."""
        warm = min(1.0, (step + 1) / self.warmup)
        if self.schedule == "constant":
            return warm
        left = 1 - step / steps
        return min(warm, left if self.schedule == "linear" else max(0.02, 2.0 * left))
