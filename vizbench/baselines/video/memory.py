"""Estimate the memory of a video model under LoRA from its sizes. Loads neither weights nor torch.

What autograd keeps of a block was read from torch's saved-tensor hooks, in bfloat16 with fused attention on a
CPU, over blocks of six shapes per family. It is linear in the widths to 1%. `tests/baselines` checks these
coefficients; they were not measured on a GPU. The GPU's context, fragmentation, and what the VAE keeps while
it encodes and decodes one clip at a time come on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, final

from vizbench.baselines.shared.memory import (
    TRAINED,
    BlockActivations,
    MemoryBreakdown,
    Shapes,
    TransformerSizes,
    activations,
    count,
    estimates,
    frozen,
)
from vizbench.baselines.video.config import VideoConfig
from vizbench.model import MemoryEstimate, MemoryRequest

IMAGE_PARTS: Final = ("vae", "image_encoder")
"""Folders of the parts of a pipeline that stay in memory beside its transformer."""


@final
@dataclass(frozen=True, slots=True)
class VideoBlock(BlockActivations):
    """Bytes that a block of a video model keeps per token of the clip, and per token of the text."""

    text: float
    """Per token of the text and unit of the hidden width."""
    text_rank: int
    """Per token of the text and unit of the LoRA's rank."""


JOINT: Final = VideoBlock(hidden=32.6, feed=0, rank=8, text=32.6, text_rank=8)
"""CogVideoX: clip and text are one sequence."""

CROSS: Final = VideoBlock(hidden=50.4, feed=2, rank=12, text=12, text_rank=4)
"""Wan 2.1: 257 tokens of the image follow those of the text."""

TIMED: Final = VideoBlock(hidden=80.4, feed=2, rank=12, text=12, text_rank=4)
"""Wan 2.2, which has a timestep for each token."""

WIDE: Final = VideoBlock(hidden=82.4, feed=0, rank=16, text=11.8, text_rank=4)
"""LTX, whose adapters include the feed-forward."""


@final
@dataclass(frozen=True, slots=True)
class ClipTokens:
    """How a clip becomes tokens."""

    text: int
    """Tokens beside those of the clip."""
    side: int
    """Pixels per token, along height and width."""
    frames: int
    """Frames per latent frame."""
    stacked: int
    """Latent frames per token."""
    block: VideoBlock
    """What a block keeps of the tokens."""

    def tokens(self, request: MemoryRequest) -> int:
        """Return the tokens of a clip."""
        latent_frames = (request.frames - 1) // self.frames + 1
        layers = -(-latent_frames // self.stacked)
        return layers * -(-request.height // self.side) * -(-request.width // self.side)


@final
@dataclass(frozen=True, slots=True)
class VideoSizes(TransformerSizes):
    """The sizes of a checkpoint. `feed` is 0 if it is a fixed multiple of `hidden`."""

    linear: int
    """Numbers in the linear layers of the transformer."""
    trained: int
    """Numbers in the adapter of its config, per rank."""
    vae: int
    """Numbers in the VAE, and in CLIP if it sees the image."""
    vae_bytes: int
    """Bytes per number of these."""
    encoder: int
    """Numbers in the text encoder."""
    layout: ClipTokens
    """How clips become tokens."""


@final
@dataclass(frozen=True, slots=True)
class VideoMemory(MemoryBreakdown):
    """Bytes that training a video model holds at once."""

    vae: float
    """The weights of the VAE, and of CLIP."""


def memory(
    sizes: Mapping[str, VideoSizes],
    config: VideoConfig,
    request: MemoryRequest,
    configs: Mapping[str, VideoConfig] = MappingProxyType({}),
) -> list[MemoryEstimate]:
    """Return the rows for `vizbench models --memory`.

    The text encoder of a checkpoint has a row of its own.

    sizes: by checkpoint. config: of every checkpoint that is not in `configs`.
    """
    rows: list[MemoryEstimate] = []
    for name, one in sizes.items():
        chosen = configs.get(name, config)
        encoder = {"text encoder, freed before training": frozen("full", chosen.dtype, one.encoder, 0)}
        rows.append(MemoryEstimate(name, f"dtype={chosen.dtype}", encoder))
        rows += estimates(name, chosen, partial(memory_breakdown, one, request=request))
    return rows


def memory_breakdown(sizes: VideoSizes, config: VideoConfig, request: MemoryRequest) -> VideoMemory:
    """Return the bytes of training on clips of the requested size, on a GPU."""
    clip, text, block = sizes.layout.tokens(request), sizes.layout.text, sizes.layout.block
    per_clip_token = sizes.hidden * block.hidden + sizes.feed * block.feed + config.rank * block.rank
    per_text_token = sizes.hidden * block.text + config.rank * block.text_rank
    one_block = config.batch * (clip * per_clip_token + text * per_text_token)
    sequence = clip + text if block is JOINT else clip
    block_input = config.batch * 2 * sizes.hidden * sequence
    weights = frozen(config.backbone, config.dtype, sizes.parameters, sizes.linear)
    return VideoMemory(
        weights=weights,
        adapter=float(TRAINED * sizes.trained * config.rank) if config.rank else 2 * weights,
        activations=activations(one_block, block_input, sizes.layers, config.checkpointing),
        vae=float(sizes.vae * sizes.vae_bytes),
    )


def sizes_of(
    transformer: Mapping[str, Any],
    parts: Mapping[str, Shapes],
    layout: ClipTokens,
    config: VideoConfig,
    float32_vae: bool,
) -> VideoSizes:
    """Return the sizes of a checkpoint.

    transformer: its config.json.
    parts: shapes of tensors by folder.
    float32_vae: whether VAE and CLIP are in float32 in any case.

    Raises KeyError or TypeError if the config.json is of something else.
    """
    transformer_shapes = parts["transformer"].items()
    linear = {name: shape for name, shape in transformer_shapes if _is_linear(name, shape)}
    ends = tuple(f".{target}.weight" for target in config.targets)
    trained = [sum(shape) for name, shape in linear.items() if f".{name}".endswith(ends)]
    image_parts = [count(parts[name]) for name in IMAGE_PARTS if name in parts]
    float32 = float32_vae or config.dtype == "float32"
    return VideoSizes(
        parameters=count(parts["transformer"]),
        linear=count(linear),
        trained=sum(trained),
        layers=int(transformer["num_layers"]),
        hidden=int(transformer["num_attention_heads"]) * int(transformer["attention_head_dim"]),
        feed=int(transformer.get("ffn_dim", 0)),
        vae=sum(image_parts),
        vae_bytes=4 if float32 else 2,
        encoder=count(parts["text_encoder"]),
        layout=layout,
    )


def _is_linear(name: str, shape: tuple[int, ...]) -> bool:
    return name.endswith(".weight") and len(shape) == 2
