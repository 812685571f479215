"""Set how a language model is adapted and asked: one frozen record for all families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, final

from vizbench.baselines.shared import config
from vizbench.errors import UserError

LINEAR: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Every linear layer of a block of Qwen3, Llama and Gemma 3: the targets of the paper's LoRA."""


@final
@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen."""

    temperature: float
    """0 takes the most likely token. Otherwise the logits are divided by it, and a token is drawn."""
    top_p: float = 1.0
    """The share of the probability whose tokens may be drawn."""
    top_k: int = 0
    """The number of tokens that may be drawn, the most likely ones; 0: all."""


SAMPLING: Final = {"greedy": Sampling(0.0), "paper": Sampling(0.7, 0.8, 20)}
"""By name. paper: the decoding of arXiv 2510.24448."""

CHOICES: Final = {
    "schedule": ("linear", "cosine"),
    "sampling": tuple(SAMPLING),
    "dtype": ("auto", "float32", "bfloat16"),
    "backbone": config.BACKBONES,
    "checkpointing": config.CHECKPOINTING,
}

LEAST: Final = {
    **config.LEAST,
    "rank": 1,
    "max_length": 1,
    "max_new_tokens": 1,
    "slack": 0,
}
"""The smallest values. The largest is `config.MOST`."""


@final
@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """Set how a language model is adapted and asked.

    Every field but `targets` can be set, as in `--checkpoint 'NAME?steps=500&backbone=nf4'`.
    """

    rank: int = 32
    """The LoRA's rank."""
    alpha: int = 32
    """The LoRA's alpha."""
    dropout: float = 0.0
    """The LoRA's dropout."""
    targets: tuple[str, ...] = LINEAR
    """The linear layers under LoRA, by the ends of their names."""
    batch: int = 8
    """Examples per optimizer step."""
    rows: int = 0
    """Most examples per forward pass; 0: as many as the memory allows, or one if the LoRA has dropout."""
    steps: int = 150
    """Optimizer steps, if the plan sets none. The examples pass at least once. The paper reports neither."""
    lr: float = 2e-4
    """AdamW's peak learning rate."""
    warmup: int = 5
    """Optimizer steps over which the learning rate rises."""
    schedule: Literal["linear", "cosine"] = "linear"
    """How the learning rate falls to zero."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's decay rates of the two moments."""
    weight_decay: float = 0.01
    """AdamW's weight decay."""
    clip: float = 1.0
    """The largest norm of the gradient."""
    max_length: int = 8192
    """The most tokens of a question with its answer."""
    max_new_tokens: int = 4096
    """The most tokens of an answer."""
    slack: int = 32
    """Tokens by which an answer may exceed the longest one in training."""
    sampling: Literal["greedy", "paper"] = "greedy"
    """A name in SAMPLING, for the first attempt. Further attempts are drawn as in the paper."""
    together: int = 0
    """Most answers that are decoded in one batch; 0: as many as the memory allows, up to 64."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the frozen weights and of the products; auto: bfloat16 on a GPU, else float32. Adapters are
    float32.
    """
    backbone: Literal["full", "int8", "nf4"] = "full"
    """The frozen linear layers as they are, or in 8 or 4 bits by bitsandbytes (4 on a GPU)."""
    checkpointing: Literal["auto", "true", "false"] = "auto"
    """Whether each block is computed again in the backward pass, to save memory; auto: only if it must be."""
    save_minutes: int = 10
    """Minutes between two states on disk; 0: never."""
    sample_every: int = 0
    """Optimizer steps between two answers to the first example, written above the target; 0: never."""
    keep: bool = False
    """Whether the adapter stays on disk."""

    def __post_init__(self) -> None:
        config.check_choices(self, CHOICES)
        config.check_ranges(self, LEAST)
        if not 0 <= self.dropout < 1:
            raise UserError(f"dropout={self.dropout} is outside 0 … 1, 1 left out")
        for name in ("lr", "clip"):
            if not 0 < getattr(self, name) <= 1e6:
                raise UserError(f"{name}={getattr(self, name)} is outside 0 … 1,000,000, 0 left out")
        if not 0 <= self.weight_decay <= 1:
            raise UserError(f"weight_decay={self.weight_decay} is outside 0 … 1")
