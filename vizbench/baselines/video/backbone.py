"""Define what the training loop and the sampler ask of a family of video models.

A family is a file of `vizbench.baselines` with one `Backbone`, which says how its official pipeline takes a
clip. All else is shared. No torch is imported here, so that families can be listed without it. Shapes: B
clips, T frames, H x W pixels; C channels, t frames and h x w places of latents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

from vizbench.baselines.video.config import VideoConfig

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from vizbench.baselines.shared.passes import Passes
    from vizbench.baselines.video.memory import ClipTokens

Tensors: TypeAlias = "Mapping[str, Tensor]"

NEUTRAL: Final = ""
"""The prompt of all clips. The paper prints none; guidance trains the empty one as "no text"."""


class Backbone(ABC):
    """Pass clips to the parts of one family's pipeline.

    `pipe` is always the official image-to-video pipeline.
    """

    pipeline: ClassVar[str]
    """The class of diffusers that loads the checkpoints and samples."""

    network: ClassVar[str]
    """The class of diffusers of the transformer."""

    stride: ClassVar[int]
    """Clips have N * stride + 1 frames. The VAEs would return another number for other clips."""

    batched: ClassVar[bool] = False
    """Whether the pipeline samples several clips per call."""

    float32: ClassVar[tuple[str, ...]] = ()
    """Parts of the pipeline that stay in float32 whatever the dtype, as the family's authors advise."""

    @abstractmethod
    def layout(self, transformer: Mapping[str, Any], index: Mapping[str, Any]) -> ClipTokens:
        """Return how clips become tokens.

        transformer: the config.json of the transformer.
        index: model_index.json.

        Raises KeyError, TypeError or ValueError if they are of something else.
        """

    @abstractmethod
    def text(self, pipe: Any, prompt: str) -> Tensors:
        """Return the embedding `(1, L, D)` of a prompt, and its mask, by the pipeline's argument names."""

    @abstractmethod
    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        """Return the smallest canvas that holds so many pixels. Raises UserError if there is none."""

    @abstractmethod
    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """Return what training needs of a clip `(1, 3, T, H, W)` in -1..1, batch first."""

    @abstractmethod
    def draw(self, pipe: Any, clips: Tensors, config: VideoConfig, generator: Generator) -> Tensors:
        """Add noise to a batch of encoded clips.

        Returns `noisy` and `goal`, shaped as the clips, `timesteps` `(B,)`, and what else the network sees.
        All is drawn on the CPU for the whole batch: no row depends on the process that trains on it.
        """

    @abstractmethod
    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        """Return the mean squared error of the velocity, on a batch of `draw` or rows of it."""

    @final
    def loss(
        self, pipe: Any, clips: Tensors, text: Tensors, config: VideoConfig, generator: Generator
    ) -> Tensor:
        """Return the loss of a whole batch."""
        return self.error(pipe, self.draw(pipe, clips, config, generator), text)

    @abstractmethod
    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        """Return the network's velocity for noisy latents, in their shape.

        clips: of `encode`; their targets are not used.
        timesteps: `(B,)`, 0..1000.
        """

    @abstractmethod
    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, config: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        """Yield a clip `(T, 3, H, W)` in 0..1 per image of `(B, 3, H, W)` in 0..1, by the pipeline itself."""


def sampling_options(images: Tensor, config: VideoConfig) -> dict[str, Any]:
    """Return the options of every pipeline call that samples clips for images `(B, 3, H, W)`."""
    return {
        "height": images.shape[2],
        "width": images.shape[3],
        "num_frames": config.frames,
        "num_inference_steps": config.sampling_steps,
        "guidance_scale": 1.0,
        "output_type": "pt",
    }


class WeightSource(ABC):
    """Provide the weights of a backbone."""

    weights: str | None
    """Their digest; None if they are drawn from the seed."""
    home: Path | None
    """The folder of latents and trainings; None keeps nothing."""
    embedded: ClassVar[bool] = False
    """Whether these are the package's own weights, whose answers are alike on every machine."""

    @abstractmethod
    def check(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """Raise UserError if training on clips of these shapes `(T, H, W, 3)` exceeds the memory.

        Loads nothing.
        """

    @abstractmethod
    def passes(self, shapes: Iterable[tuple[int, ...]]) -> list[Passes]:
        """Return how the clips of an optimizer step may pass through the model, the fastest way first."""

    @abstractmethod
    def sampling_rows(self, shape: tuple[int, ...]) -> int:
        """Return how many clips of a shape `(T, H, W, 3)` may be sampled in one batch, at least one."""

    @abstractmethod
    def open(self, seed: int) -> tuple[Any, Tensors]:
        """Return the pipeline, frozen and without adapters, and the embedding of the neutral prompt."""
