"""What the training loop and the sampler know of a family of video models, and the one record that sets both.

A family is a file of `vizbench.baselines` with one `Backbone`: how its official pipeline takes a clip.
Everything else is shared. This file imports no torch, so that families can be listed without it. Shapes: B
clips, T frames, H x W pixels; C channels, t frames and h x w cells of latents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, final


from vizbench.baselines.video.config import VideoConfig

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from vizbench.baselines.video.layout import Layout

Tensors: TypeAlias = "Mapping[str, Tensor]"


NEUTRAL = ""
"""The one prompt of all clips. The paper does not print its own; the empty one is what guidance trains as "no
text"."""


class Backbone(ABC):
    """One family: how its pipeline's parts take a clip. `pipe` is always the official image-to-video
    pipeline."""

    pipeline: ClassVar[str]
    """The class of diffusers that its checkpoints are loaded into, and that samples."""

    network: ClassVar[str]
    """The class of diffusers of its transformer."""

    stride: ClassVar[int]
    """Clips have a multiple of it and one more frame: of others the VAEs of its checkpoints give back more or
    fewer."""

    float32: ClassVar[tuple[str, ...]] = ()
    """Parts of the pipeline that stay in float32 whatever the rest is in, as the family's authors say."""

    @abstractmethod
    def layout(self, config: Mapping[str, Any], index: Mapping[str, Any]) -> Layout:
        """How its clips become tokens, from the config.json of its transformer and its model_index.json.
        KeyError, TypeError or ValueError for those of something else."""

    @abstractmethod
    def text(self, pipe: Any, prompt: str) -> Tensors:
        """The prompt's embedding, `(1, L, D)`, and what belongs to it, by the names that the pipeline takes
        them by."""

    @abstractmethod
    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        """The least canvas that the pipeline takes and that holds so many pixels. UserError where there is
        none."""

    @abstractmethod
    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """What training needs of a clip `(1, 3, T, H, W)` in -1..1, batch first; all that the VAE has to
        say."""

    @abstractmethod
    def draw(self, pipe: Any, clips: Tensors, training: VideoConfig, generator: Generator) -> Tensors:
        """A batch that `encode` made, noised: `noisy` and `goal`, shaped as the clips, `timesteps` `(B,)`,
        and what else the network sees. Drawn on the CPU for the whole batch: a part is the same whoever
        trains on it."""

    @abstractmethod
    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        """The mean squared error of the velocity, on what `draw` made or a part of it."""

    @final
    def loss(
        self, pipe: Any, clips: Tensors, text: Tensors, training: VideoConfig, generator: Generator
    ) -> Tensor:
        """The loss of a whole batch."""
        return self.error(pipe, self.draw(pipe, clips, training, generator), text)

    @abstractmethod
    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        """What the network says of noised latents, shaped as they are. clips: what `encode` made, of which
        the targets are not looked at; timesteps: `(B,)`, 0..1000."""

    @abstractmethod
    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, training: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        """A clip `(T, 3, H, W)` in 0..1 for each image of `(B, 3, H, W)` in 0..1, by the pipeline's own
        call."""


class WeightSource(ABC):
    """Where a backbone's weights come from."""

    weights: str | None
    """Their digest; None where they are drawn from the seed."""
    home: Path | None
    """Where latents and trainings are kept; None keeps nothing."""

    @abstractmethod
    def check(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """UserError where a training on clips of these shapes, `(T, H, W, 3)`, does not fit into memory.
        Nothing is loaded."""

    @abstractmethod
    def open(self, seed: int) -> tuple[Any, Tensors]:
        """The pipeline with the checkpoint's own network, frozen and without adapters, and the neutral
        text."""
