"""Estimate the memory of a language model under LoRA from its sizes. Loads neither weights nor torch.

What autograd keeps of a block was read from torch's saved-tensor hooks, in bfloat16 with fused attention on a
CPU, over blocks of six shapes per family. It is linear in the widths, and more in float32. `tests/baselines`
checks these coefficients; they were not measured on a GPU. The GPU's context, fragmentation and the cache of
decoding come on top: leave 2 GB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
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


PLAIN: Final = LanguageBlock(hidden=18, queries=6, keys=4, feed=8, rank=14)
"""Llama."""

NORMED: Final = LanguageBlock(hidden=18, queries=10, keys=8, feed=8, rank=14)
"""Qwen3, which normalises queries and keys."""

DOUBLE: Final = LanguageBlock(hidden=26, queries=10, keys=8, feed=8, rank=14)
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
    block: LanguageBlock
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
    sizes: Mapping[str, LanguageSizes],
    config: LanguageConfig,
    request: MemoryRequest,
    configs: Mapping[str, LanguageConfig] = MappingProxyType({}),
) -> list[MemoryEstimate]:
    """Return the rows for `vizbench models --memory`.

    sizes: by checkpoint. config: of every checkpoint that is not in `configs`.
    """
    rows: list[MemoryEstimate] = []
    for name, one in sizes.items():
        breakdown = partial(memory_breakdown, one, tokens=request.tokens, scored=request.tokens // 2)
        rows += estimates(name, configs.get(name, config), breakdown)
    return rows


def memory_breakdown(
    sizes: LanguageSizes, config: LanguageConfig, tokens: int, scored: int
) -> LanguageMemory:
    """Return the bytes of training on sequences of so many tokens, on a GPU (`dtype=auto` is bfloat16).

    scored: how many of the tokens are to be predicted.
    """
    batch_tokens, block = config.batch * tokens, sizes.block
    stream = sizes.hidden * block.hidden + sizes.feed * block.feed
    attention = sizes.queries * block.queries + sizes.keys * block.keys
    one_block = batch_tokens * (stream + attention + block.rank * config.rank)
    # A quantised layer is unpacked while it computes, one at a time.
    unpacked = 0 if config.backbone == "full" else 2 * sizes.hidden * sizes.feed
    return LanguageMemory(
        weights=frozen(config.backbone, config.dtype, sizes.parameters, sizes.linear) + unpacked,
        adapter=float(TRAINED * sizes.trained(config)),
        activations=activations(
            one_block, 2 * batch_tokens * sizes.hidden, sizes.layers, config.checkpointing
        ),
        logits=float(SCORED * config.batch * scored * sizes.words),
    )


def sizes_of(network: Any, parameters: int, block: LanguageBlock) -> LanguageSizes:
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
