"""Estimate the memory of a video model under LoRA from its sizes. Loads neither weights nor torch.

What autograd keeps of a block was read from torch's saved-tensor hooks, in bfloat16 and float32, with fused
and with plain attention, on a CPU, over blocks of eight shapes per family. It is linear in the widths to 1%.
`tests/baselines` checks these coefficients, and the peak of a step; they were not measured on a GPU. The
GPU's context, fragmentation, and what the VAE keeps while it encodes and decodes one clip at a time come on
top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
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
    plain: float = 0
    """What plain attention adds per token of the clip and unit of the hidden width."""
    plain_text: float = 0
    """What plain attention adds per token of the text and unit of the hidden width."""


@final
@dataclass(frozen=True, slots=True)
class VideoBlocks:
    """What a block keeps, by the type of its products."""

    bfloat16: VideoBlock
    """In bfloat16."""
    float32: VideoBlock
    """In float32."""
    joint: bool = False
    """Whether clip and text are one sequence."""


JOINT: Final = VideoBlocks(
    bfloat16=VideoBlock(hidden=28.6, feed=0, rank=8, text=28.6, text_rank=8, plain=4, plain_text=4),
    float32=VideoBlock(hidden=57.2, feed=0, rank=16, text=57.2, text_rank=16, plain=-3.8, plain_text=-3.8),
    joint=True,
)
"""CogVideoX: clip and text are one sequence."""

CROSS: Final = VideoBlocks(
    bfloat16=VideoBlock(hidden=42.4, feed=2, rank=12, text=8, text_rank=4, plain=8, plain_text=4),
    float32=VideoBlock(hidden=56.6, feed=4, rank=24, text=12, text_rank=8),
)
"""Wan 2.1: 257 tokens of the image follow those of the text."""

TIMED: Final = VideoBlocks(
    bfloat16=VideoBlock(hidden=72.4, feed=2, rank=12, text=8, text_rank=4, plain=8, plain_text=4),
    float32=VideoBlock(hidden=88.6, feed=4, rank=24, text=12, text_rank=8),
)
"""Wan 2.2, which has a timestep for each token."""

WIDE: Final = VideoBlocks(
    bfloat16=VideoBlock(hidden=74.4, feed=0, rank=16, text=7.8, text_rank=4, plain=8, plain_text=4),
    float32=VideoBlock(hidden=120.3, feed=0, rank=32, text=12, text_rank=8),
)
"""LTX, whose adapters include the feed-forward."""

SCORE: Final = 4
"""Bytes that plain attention keeps per pair of tokens and head: its weights in float32."""


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
    block: VideoBlocks
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

    heads: int
    """Heads of its attention."""
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
    sizes: Mapping[str, VideoSizes], config: VideoConfig, request: MemoryRequest
) -> list[MemoryEstimate]:
    """Return the rows for `vizbench models --memory`. sizes: by checkpoint.

    The text encoder of a checkpoint has a row of its own.
    """
    rows: list[MemoryEstimate] = []
    for name, one in sizes.items():
        encoder = {"text encoder, freed before training": frozen("full", config.dtype, one.encoder, 0)}
        rows.append(MemoryEstimate(name, f"dtype={config.dtype}", encoder))
        rows += estimates(name, config, partial(memory_breakdown, one, request=request))
    return rows


def memory_breakdown(
    sizes: VideoSizes, config: VideoConfig, request: MemoryRequest, plain: bool = False
) -> VideoMemory:
    """Return the bytes of training on clips of the requested size.

    config: settled. plain: whether the attention is not fused, as on a CPU.
    """
    layout, float32 = sizes.layout, config.dtype == "float32"
    block = layout.block.float32 if float32 else layout.block.bfloat16
    clip, text = layout.tokens(request), layout.text
    sequence = clip + text if layout.block.joint else clip
    per_clip_token = sizes.hidden * block.hidden + sizes.feed * block.feed + config.rank * block.rank
    per_text_token = sizes.hidden * block.text + config.rank * block.text_rank
    one_clip = clip * per_clip_token + text * per_text_token
    if plain:
        one_clip += sizes.hidden * (clip * block.plain + text * block.plain_text)
        pairs = sequence**2 + (0 if layout.block.joint else clip * text)
        one_clip += SCORE * sizes.heads * pairs
    one_block = config.rows * one_clip
    block_input = config.rows * (4 if float32 else 2) * sizes.hidden * sequence
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
        heads=int(transformer["num_attention_heads"]),
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
