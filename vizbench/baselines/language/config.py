"""How a language model is adapted and asked: one frozen record for all families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, final

from vizbench.errors import UserError

LINEAR: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Every linear layer of a block of Qwen3, Llama and Gemma 3: where the paper puts its LoRA."""


@final
@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen. temperature 0: the likeliest one; else drawn from the `top_k` likeliest, of
    which those that make up `top_p` of the probability stay."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0


SAMPLING: Final = {"greedy": Sampling(0.0), "paper": Sampling(0.7, 0.8, 20)}
"""By name. paper: the decoding of arXiv 2510.24448."""


@final
@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """Every field but `targets` can be set as `--checkpoint 'NAME?steps=500&backbone=nf4'`.

    rank, alpha, dropout, targets: of the LoRA. batch, accumulation: sequences a forward pass, forward passes
    a step; steps: where the plan names no number, but never fewer than one pass over the examples (the paper
    reports neither). lr, warmup, schedule: AdamW's peak rate, steps of rise, and the fall to zero after;
    betas, weight_decay, clip: its other settings. max_length: tokens of a question with its answer;
    max_new_tokens: of an answer; slack: tokens that an answer may have beyond the longest one seen in
    training. sampling: a name of SAMPLING for the first attempt; further ones are drawn as in the paper;
    together: questions decoded side by side. dtype: of the frozen weights and of the products, auto: bfloat16
    on a GPU, else float32; adapters are float32. backbone: the frozen linear layers as they are, or in 8 or 4
    bits by bitsandbytes, 4 on a GPU alone. checkpointing: recompute each block in the backward pass.
    save_every, sample_every: steps between two states on disk, and two answers to the first example there,
    above the right one; 0: none. keep: leave the adapter on disk."""

    rank: int = 32
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = LINEAR
    batch: int = 2
    accumulation: int = 4
    steps: int = 150
    lr: float = 2e-4
    warmup: int = 5
    schedule: Literal["linear", "cosine"] = "linear"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    clip: float = 1.0
    max_length: int = 8192
    max_new_tokens: int = 4096
    slack: int = 32
    sampling: Literal["greedy", "paper"] = "greedy"
    together: int = 16
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    backbone: Literal["full", "int8", "nf4"] = "full"
    checkpointing: bool = True
    save_every: int = 100
    sample_every: int = 0
    keep: bool = False

    def __post_init__(self) -> None:
        words = {
            "schedule": ("linear", "cosine"),
            "sampling": tuple(SAMPLING),
            "dtype": ("auto", "float32", "bfloat16"),
            "backbone": ("full", "int8", "nf4"),
        }
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                raise UserError(
                    f"{name}={str(getattr(self, name))[:40]!r} is not one of {', '.join(allowed)}"
                )
        whole = (
            "rank",
            "alpha",
            "batch",
            "accumulation",
            "steps",
            "warmup",
            "max_length",
            "max_new_tokens",
            "together",
        )
        for name in (*whole, "slack", "save_every", "sample_every"):
            least = int(name in whole)
            if not least <= getattr(self, name) <= 10_000_000:
                raise UserError(f"{name}={getattr(self, name)} is outside {least} … 10,000,000")
        if not 0 <= self.dropout < 1:
            raise UserError(f"dropout={self.dropout} is outside 0 … 1, 1 left out")
        for name in ("lr", "clip"):
            if not 0 < getattr(self, name) <= 1e6:
                raise UserError(f"{name}={getattr(self, name)} is outside 0 … 1,000,000, 0 left out")
        if not 0 <= self.weight_decay <= 1:
            raise UserError(f"weight_decay={self.weight_decay} is outside 0 … 1")
