"""What the training loop and the sampler know of a family of video models, and the one record that sets both.

A family is a file of `vizbench.baselines` with one `Backbone`: how its official pipeline takes a clip. Everything else
is shared. This file imports no torch, so that families can be listed without it. Shapes: B clips, T frames, H x W
pixels; C channels, t frames and h x w cells of latents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, final

from vizbench.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from vizbench.baselines.video.memory import Layout

Tensors: TypeAlias = "Mapping[str, Tensor]"

QKVO = ("to_q", "to_k", "to_v", "to_out.0")
"""The four projections of diffusers' attention."""

FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")
"""The two projections of diffusers' feed-forward."""

NEUTRAL = ""
"""The one prompt of all clips. The paper does not print its own; the empty one is what guidance trains as "no text"."""


@final
@dataclass(frozen=True, slots=True)
class Training:
    """How a video model is adapted and sampled. Every field can be set as `--checkpoint 'NAME?steps=500&batch=1'`.

    rank, alpha, targets: of the LoRA; rank 0 trains all weights instead, as in pretraining.
    batch, accumulation: clips a forward pass, forward passes a step; steps: where the plan names no number.
    lr, schedule, warmup: AdamW's peak rate; constant, a line to zero, or constant for half of the steps and a line to
    2% (`late`).
    last_share: share of clips trained at the last timestep alone (velocity families).
    sampling_steps, together: denoising steps a sample; questions sampled side by side, where the pipeline can.
    dtype: of the frozen weights and of the products; adapters are float32. backbone: the frozen linear layers as they
    are, or in 8 or 4 bits by bitsandbytes, on a GPU alone. checkpointing: recompute each block in the backward pass.
    tiling: the VAE in diffusers' tiles (CogVideoX from 240x360 pixels, Wan 256x256, LTX 512x512); each is coded as if
    it were the whole picture, so latents and pixels change, by an amount not measured with trained weights.
    save_every, sample_every: steps between two states on disk, and two pictures of the first example there; 0: never.
    """

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
                raise UserError(f"{name}={str(getattr(self, name))[:40]!r} is not one of {', '.join(allowed)}")
        least = {"rank": 0, "alpha": 1, "save_every": 0, "sample_every": 0, "frames": 2, "lr": 0, "max_grad_norm": 0}
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


class Backbone(ABC):
    """One family: how its pipeline's parts take a clip. `pipe` is always the official image-to-video pipeline."""

    pipeline: ClassVar[str]
    """The class of diffusers that its checkpoints are loaded into, and that samples."""

    network: ClassVar[str]
    """The class of diffusers of its transformer."""

    stride: ClassVar[int]
    """Clips have a multiple of it and one more frame: of others the VAEs of its checkpoints give back more or fewer."""

    float32: ClassVar[tuple[str, ...]] = ()
    """Parts of the pipeline that stay in float32 whatever the rest is in, as the family's authors say."""

    @abstractmethod
    def layout(self, config: Mapping[str, Any], index: Mapping[str, Any]) -> Layout:
        """How its clips become tokens, from the config.json of its transformer and its model_index.json. KeyError,
        TypeError or ValueError for those of something else."""

    @abstractmethod
    def text(self, pipe: Any, prompt: str) -> Tensors:
        """The prompt's embedding, `(1, L, D)`, and what belongs to it, by the names that the pipeline takes them by."""

    @abstractmethod
    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        """The least canvas that the pipeline takes and that holds so many pixels. UserError where there is none."""

    @abstractmethod
    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """What training needs of a clip `(1, 3, T, H, W)` in -1..1, batch first; all that the VAE has to say."""

    @abstractmethod
    def draw(self, pipe: Any, clips: Tensors, training: Training, generator: Generator) -> Tensors:
        """A batch that `encode` made, noised: `noisy` and `goal`, shaped as the clips, `timesteps` `(B,)`, and what
        else the network sees. Drawn on the CPU for the whole batch: a part is the same whoever trains on it.
        """

    @abstractmethod
    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        """The mean squared error of the velocity, on what `draw` made or a part of it."""

    @final
    def loss(self, pipe: Any, clips: Tensors, text: Tensors, training: Training, generator: Generator) -> Tensor:
        """The loss of a whole batch."""
        return self.error(pipe, self.draw(pipe, clips, training, generator), text)

    @abstractmethod
    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        """What the network says of noised latents, shaped as they are. clips: what `encode` made, of which the targets
        are not looked at; timesteps: `(B,)`, 0..1000."""

    @abstractmethod
    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, training: Training, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        """A clip `(T, 3, H, W)` in 0..1 for each image of `(B, 3, H, W)` in 0..1, by the pipeline's own call."""
