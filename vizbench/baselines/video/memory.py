"""What memory a video model takes under LoRA, from its sizes alone: nothing is loaded, not even torch.

What autograd keeps of a block was read from torch's saved-tensor hooks, in bfloat16 with fused attention on a
CPU, over blocks of six shapes a family: it is linear in the widths to 1%, with these coefficients, which
`tests/baselines` read again. Not measured on a GPU. Its context, the allocator's gaps and what the VAE keeps
while it encodes and decodes, one clip at a time, come on top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Final, final

from vizbench.baselines.shared.memory import TRAINED, Shapes, count, frozen
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.layout import JOINT, Layout
from vizbench.model import MemoryEstimate, MemoryRequest

SEEING: Final = ("vae", "image_encoder")
"""Folders of a pipeline's parts that stay beside its transformer."""


@final
@dataclass(frozen=True, slots=True)
class Sizes:
    """A checkpoint's numbers. parameters: of the transformer, linear: of these in linear layers, trained: in
    its recipe's adapter for each rank; hidden, feed: widths. vae: parameters of the VAE, and of CLIP where it
    sees the image, of vae_bytes each; encoder: the text encoder's."""

    parameters: int
    linear: int
    trained: int
    layers: int
    hidden: int
    feed: int
    vae: int
    vae_bytes: int
    encoder: int
    layout: Layout


@final
@dataclass(frozen=True, slots=True)
class MemoryBreakdown:
    """Bytes held at once. weights: frozen; adapter: with gradients and moments, where all is trained these
    alone; kept: activations of a forward pass; vae: its weights, and CLIP's."""

    weights: float
    adapter: float
    kept: float
    vae: float


def memory(
    sizes: Mapping[str, Sizes],
    recipe: VideoConfig,
    demand: MemoryRequest,
    recipes: Mapping[str, VideoConfig] = MappingProxyType({}),
) -> list[MemoryEstimate]:
    """The rows for `vizbench models --memory`, by checkpoint. recipe: of every checkpoint but those in
    `recipes`."""
    return [row for name, one in sizes.items() for row in _rows(name, one, recipes.get(name, recipe), demand)]


def _rows(
    checkpoint: str, sizes: Sizes, recipe: VideoConfig, demand: MemoryRequest
) -> Iterator[MemoryEstimate]:
    yield MemoryEstimate(checkpoint, "before training, then freed", {"text encoder": 2.0 * sizes.encoder})
    for backbone in ("full", "int8", "nf4"):
        for checkpointing in (True, False):
            chosen = replace(recipe, backbone=backbone, checkpointing=checkpointing)
            settings = f"backbone={backbone}&checkpointing={str(checkpointing).lower()}&batch={recipe.batch}"
            yield MemoryEstimate(checkpoint, settings, asdict(memory_breakdown(sizes, chosen, demand)))


def memory_breakdown(sizes: Sizes, training: VideoConfig, demand: MemoryRequest) -> MemoryBreakdown:
    """Of training on clips of that canvas, `training.batch` a forward pass, on a GPU."""
    clip, text, block = sizes.layout.tokens(demand), sizes.layout.text, sizes.layout.block
    widths = sizes.hidden * block.hidden + sizes.feed * block.feed + training.rank * block.rank
    told = text * (sizes.hidden * block.text + training.rank * block.text_rank)
    one = training.batch * (clip * widths + told)
    joint = text if block is JOINT else 0
    # recomputed, a block keeps its input alone, and one at a time the rest
    inputs = training.batch * 2 * sizes.hidden * (clip + joint) * sizes.layers
    weights = frozen(training.backbone, training.dtype, sizes.parameters, sizes.linear)
    return MemoryBreakdown(
        weights=weights,
        adapter=float(TRAINED * sizes.trained * training.rank) if training.rank else 2 * weights,
        kept=float(one + inputs if training.checkpointing else one * sizes.layers),
        vae=float(sizes.vae * sizes.vae_bytes),
    )


def sizes_of(
    config: Mapping[str, Any], parts: Mapping[str, Shapes], layout: Layout, recipe: VideoConfig, wide: bool
) -> Sizes:
    """A checkpoint's numbers from its transformer's config.json and its tensors. parts: by folder; wide:
    whether VAE and CLIP are in float32. KeyError and TypeError for a config of something else."""
    linear = {
        name: shape
        for name, shape in parts["transformer"].items()
        if name.endswith(".weight") and len(shape) == 2
    }
    ends = tuple(f".{target}.weight" for target in recipe.targets)
    return Sizes(
        parameters=count(parts["transformer"]),
        linear=count(linear),
        trained=sum(sum(shape) for name, shape in linear.items() if f".{name}".endswith(ends)),
        layers=int(config["num_layers"]),
        hidden=int(config["num_attention_heads"]) * int(config["attention_head_dim"]),
        feed=int(config.get("ffn_dim", 0)),
        vae=sum(count(parts[name]) for name in SEEING if name in parts),
        vae_bytes=4 if wide or recipe.dtype == "float32" else 2,
        encoder=count(parts["text_encoder"]),
        layout=layout,
    )
