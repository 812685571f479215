"""Estimate the memory of a language model under LoRA from its sizes. Loads neither weights nor torch.

What autograd keeps of a block was read from torch's saved-tensor hooks, in bfloat16 and float32 with fused
attention on a CPU, over blocks of seven shapes per family. It is linear in the widths. `tests/baselines`
checks these coefficients, and the peak of a step; they were not measured on a GPU. The GPU's context and
fragmentation come on top: leave 2 GB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, final

from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.shared.memory import (
    TRAINED,
    BlockActivations,
    MemoryBreakdown,
    TransformerSizes,
    activations,
    estimates,
    frozen,
)
from vizbench.model import MemoryEstimate, MemoryRequest

SCORED: Final = 10
"""Bytes per logit of a token to predict: in bfloat16, in float32, and its logarithm or gradient."""


@final
@dataclass(frozen=True, slots=True)
class LanguageBlock(BlockActivations):
    """Bytes that a block of a language model keeps per token for the backward pass."""

    queries: float
    """Per unit of the width of all queries."""
    keys: float
    """Per unit of the width of all keys."""


@final
@dataclass(frozen=True, slots=True)
class LanguageBlocks:
    """What a block keeps, by the type of its products."""

    bfloat16: LanguageBlock
    """In bfloat16."""
    float32: LanguageBlock
    """In float32."""


PLAIN: Final = LanguageBlocks(
    bfloat16=LanguageBlock(hidden=12, queries=4, keys=4, feed=8, rank=14),
    float32=LanguageBlock(hidden=16, queries=8, keys=8, feed=16, rank=28),
)
"""Llama."""

NORMED: Final = LanguageBlocks(
    bfloat16=LanguageBlock(hidden=12, queries=8, keys=8, feed=8, rank=14),
    float32=LanguageBlock(hidden=16, queries=12, keys=12, feed=16, rank=28),
)
"""Qwen3, which normalises queries and keys."""

DOUBLE: Final = LanguageBlocks(
    bfloat16=LanguageBlock(hidden=20, queries=8, keys=8, feed=8, rank=14),
    float32=LanguageBlock(hidden=24, queries=12, keys=12, feed=16, rank=28),
)
"""Gemma 3, which also normalises the outputs of its layers."""


@final
@dataclass(frozen=True, slots=True)
class LanguageSizes(TransformerSizes):
    """The sizes of a checkpoint, as in its config.json."""

    queries: int
    """The width of all queries: heads times their width."""
    keys: int
    """The width of all keys: heads times their width."""
    words: int
    """Tokens of the vocabulary."""
    block: LanguageBlocks
    """What a block keeps of a token."""
    vision: int = 0
    """Numbers in the linear layers of a vision tower."""

    @property
    def linear(self) -> int:
        """Return the numbers in the linear layers that bitsandbytes quantises, a vision tower's included."""
        return self.layers * self.hidden * (2 * self.queries + 2 * self.keys + 3 * self.feed) + self.vision

    def trained(self, config: LanguageConfig) -> int:
        """Return the numbers in the adapter."""
        blocks = self.layers * (7 * self.hidden + 2 * self.queries + 2 * self.keys + 3 * self.feed)
        head = self.hidden + self.words if "lm_head" in config.targets else 0
        return config.rank * (blocks + head)


@final
@dataclass(frozen=True, slots=True)
class LanguageMemory(MemoryBreakdown):
    """Bytes that training a language model holds at once."""

    logits: float
    """The logits of the tokens to predict."""


def memory(
    sizes: Mapping[str, LanguageSizes], config: LanguageConfig, request: MemoryRequest
) -> list[MemoryEstimate]:
    """Return the rows for `vizbench models --memory`. sizes: by checkpoint."""
    rows: list[MemoryEstimate] = []
    for name, one in sizes.items():
        breakdown = partial(memory_breakdown, one, tokens=request.tokens, scored=request.tokens // 2)
        rows += estimates(name, config, breakdown)
    return rows


def memory_breakdown(
    sizes: LanguageSizes, config: LanguageConfig, tokens: int, scored: int
) -> LanguageMemory:
    """Return the bytes of training on sequences of so many tokens, on a GPU (`dtype=auto` is bfloat16).

    config: settled. scored: how many of the tokens are to be predicted.
    """
    float32 = config.dtype == "float32"
    batch_tokens, block = config.rows * tokens, sizes.block.float32 if float32 else sizes.block.bfloat16
    stream = sizes.hidden * block.hidden + sizes.feed * block.feed
    attention = sizes.queries * block.queries + sizes.keys * block.keys
    one_block = batch_tokens * (stream + attention + block.rank * config.rank)
    # A quantised layer is unpacked while it computes, one at a time.
    unpacked = 0 if config.backbone == "full" else 2 * sizes.hidden * sizes.feed
    return LanguageMemory(
        weights=frozen(config.backbone, config.dtype, sizes.parameters, sizes.linear) + unpacked,
        adapter=float(TRAINED * sizes.trained(config)),
        activations=activations(
            one_block,
            (4 if float32 else 2) * batch_tokens * sizes.hidden,
            sizes.layers,
            config.checkpointing,
        ),
        logits=float(SCORED * config.rows * scored * sizes.words),
    )


def decoding_bytes(sizes: LanguageSizes, config: LanguageConfig, tokens: int, limit: int) -> float:
    """Return the bytes that decoding takes per answer: its cache, what reads the prompt, and its scores.

    config: settled. tokens: of the prompt. limit: the most tokens of the answer.
    """
    size = 4 if config.dtype == "float32" else 2
    cache = 2 * size * sizes.layers * sizes.keys * (tokens + limit)
    # A layer's inputs and outputs, its queries, keys and values twice, and two products of the feed-forward.
    reading = size * tokens * (4 * sizes.hidden + 2 * (sizes.queries + 2 * sizes.keys) + 3 * sizes.feed)
    scores = 6 * 8 * sizes.words  # drawing sorts them, and sums them up in float64
    return float(cache + reading + scores)


def sizes_of(network: Any, parameters: int, block: LanguageBlocks) -> LanguageSizes:
    """Return the sizes of a checkpoint.

    network: its configuration as transformers reads it, which fills in what the file leaves out.

    Raises AttributeError, ArithmeticError, TypeError or ValueError if it is the configuration of something
    else.
    """
    text = network.get_text_config()
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    tower = getattr(network, "vision_config", None)

    # A vision tower's linear layers are quantised too.
    vision = 0
    if tower is not None:
        per_layer = 4 * tower.hidden_size**2 + 2 * tower.hidden_size * tower.intermediate_size
        vision = tower.num_hidden_layers * per_layer

    # A configuration with a size of 0 is not that of a model.
    sizes = LanguageSizes(
        parameters=parameters,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        feed=text.intermediate_size,
        queries=head * text.num_attention_heads,
        keys=head * text.num_key_value_heads,
        words=text.vocab_size,
        block=block,
        vision=vision,
    )
    if min(sizes.layers, sizes.hidden, sizes.queries, sizes.keys, sizes.feed, sizes.words) < 1:
        raise ValueError("a size below 1")
    return sizes
