"""What memory a language model takes under LoRA, from its sizes alone: nothing is loaded, not even torch.

What autograd keeps of a block was read from torch's saved-tensor hooks, in bfloat16 with fused attention on a
CPU, over blocks of six shapes a family: it is linear in the widths, with these coefficients, which
`tests/baselines` read again. In float32 it is more. Not measured on a GPU. Its context, the allocator's gaps
and the cache of decoding come on top: leave 2 GB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, final

from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.shared.memory import TRAINED, frozen
from vizbench.model import MemoryEstimate

SCORED: Final = 10
"""Bytes a score of a token to predict takes: the score in bfloat16 and float32, and its logarithm or its
gradient."""


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Bytes that a block keeps for the backward pass, a token: by the width of the stream, of all queries, of
    all keys, of the feed-forward, and by the LoRA's rank."""

    hidden: int
    queries: int
    keys: int
    feed: int
    rank: int = 14


PLAIN: Final = Block(hidden=18, queries=6, keys=4, feed=8)
"""Llama's."""

NORMED: Final = Block(hidden=18, queries=10, keys=8, feed=8)
"""Qwen3's, which normalises queries and keys."""

DOUBLE: Final = Block(hidden=26, queries=10, keys=8, feed=8)
"""Gemma 3's, which also normalises what its layers put out."""


@final
@dataclass(frozen=True, slots=True)
class Sizes:
    """A checkpoint's numbers, as its config.json has them. parameters: all; queries, keys: heads times their
    width; words: of the vocabulary; seeing: numbers in the linear layers of a vision tower."""

    parameters: int
    layers: int
    hidden: int
    queries: int
    keys: int
    feed: int
    words: int
    block: Block
    seeing: int = 0

    @property
    def linear(self) -> int:
        """Numbers in the blocks' linear layers, and in a vision tower's, which bitsandbytes takes too."""
        return self.layers * self.hidden * (2 * self.queries + 2 * self.keys + 3 * self.feed) + self.seeing

    def trained(self, recipe: LanguageConfig) -> int:
        """Numbers in the adapter."""
        blocks = self.layers * (7 * self.hidden + 2 * self.queries + 2 * self.keys + 3 * self.feed)
        head = self.hidden + self.words if "lm_head" in recipe.targets else 0
        return recipe.rank * (blocks + head)


@final
@dataclass(frozen=True, slots=True)
class MemoryBreakdown:
    """Bytes. weights: frozen; adapter: with gradients and moments; kept: activations of a forward pass;
    scores: of the tokens to predict."""

    weights: float
    adapter: float
    kept: float
    scores: float


def memory(checkpoint: str, sizes: Sizes, recipe: LanguageConfig, tokens: int) -> Iterator[MemoryEstimate]:
    """The rows of a checkpoint for `vizbench models --memory`: whole and quantised, with checkpointing and
    without."""
    for backbone in ("full", "int8", "nf4"):
        for checkpointing in (True, False):
            chosen = replace(recipe, backbone=backbone, checkpointing=checkpointing)
            found = memory_breakdown(sizes, chosen, tokens, tokens // 2)
            settings = f"backbone={backbone}&checkpointing={str(checkpointing).lower()}"
            yield MemoryEstimate(checkpoint, f"{settings}&batch={recipe.batch}", asdict(found))


def memory_breakdown(sizes: Sizes, recipe: LanguageConfig, tokens: int, scored: int) -> MemoryBreakdown:
    """Of training on sequences of so many tokens, the last `scored` of them to predict, `recipe.batch` a
    forward pass; on a GPU, where `dtype=auto` is bfloat16."""
    each, block = recipe.batch * tokens, sizes.block
    stream = sizes.hidden * block.hidden + sizes.feed * block.feed
    attention = sizes.queries * block.queries + sizes.keys * block.keys
    one = each * (stream + attention + block.rank * recipe.rank)
    # recomputed, a block keeps its input alone, and one at a time the rest
    kept = one + 2 * each * sizes.hidden * sizes.layers if recipe.checkpointing else one * sizes.layers
    unpacked = 0 if recipe.backbone == "full" else 2 * sizes.hidden * sizes.feed  # one layer at a time
    return MemoryBreakdown(
        weights=frozen(recipe.backbone, recipe.dtype, sizes.parameters, sizes.linear) + unpacked,
        adapter=float(TRAINED * sizes.trained(recipe)),
        kept=float(kept),
        scores=float(SCORED * recipe.batch * scored * sizes.words),
    )


def sizes_of(config: Any, parameters: int, block: Block) -> Sizes:
    """A checkpoint's numbers from its configuration in transformers' own record, which fills what the file
    leaves open. AttributeError, ArithmeticError, TypeError or ValueError for that of something else."""
    text = config.get_text_config()
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    tower = getattr(config, "vision_config", None)
    wide = 0 if tower is None else 4 * tower.hidden_size**2 + 2 * tower.hidden_size * tower.intermediate_size
    found = Sizes(
        parameters,
        text.num_hidden_layers,
        text.hidden_size,
        head * text.num_attention_heads,
        head * text.num_key_value_heads,
        text.intermediate_size,
        text.vocab_size,
        block,
        0 if tower is None else tower.num_hidden_layers * wide,
    )
    if min(found.layers, found.hidden, found.queries, found.keys, found.feed, found.words) < 1:
        raise ValueError("a size below 1")
    return found
