"""The network of the embedded language model: transformers' own Qwen3 at 1.2 M parameters.

Its rotary frequencies fit the page (`tokens`): six turn a whole number of times a row, so rows are invisible
to them and they tell columns; three turn a whole number of times from question to answer, and tell rows; five
turn half a turn more or less, so they tell rows too and question from answer; two stand still and see content
alone. A plain `rope_theta` gives a geometric ladder, of which one rung at most can fit. They are set by the
factors of `longrope`, an official setting that Qwen3 reads.

Heads *start* as windows on neighbours: constant query and key biases, which the rotary embedding turns into a
preference for one distance. The per-head norms of Qwen3 come after the biases and keep them: they scale a
head's query as a whole, so their weight says how sharp a window is (`sharpness`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from transformers import Qwen3Config, Qwen3ForCausalLM

from vizbench.baselines.embedded.language.tokens import ANSWER, EOS, PAD, ROW, VOCABULARY
from vizbench.errors import UserError

TURNS = (
    *(k / ROW for k in (1, 3, 6, 9, 12, 15)),
    *(m / ANSWER for m in (2, 7, 13)),
    *(m / ANSWER for m in (0.5, 2.5, 5.5, 8.5, 11.5)),
    0.0,
    0.0,
)
"""Turns a place, one for each of the 16 frequencies of a head."""

_WINDOWS = (
    (ANSWER, ANSWER + ROW, ANSWER - ROW, ANSWER + 1, ANSWER - 1, ROW - 1),
    (ANSWER, ANSWER + ROW + 1, ANSWER + ROW - 1, ANSWER - ROW + 1, ANSWER - ROW - 1, 1),
)
"""How far back the first heads of even and odd layers look at the start: the own question cell, those above,
below, left and right, the answer cell above; or the own one, the four diagonal ones, the answer cell before
the last. The other heads start free."""


@final
@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The sizes of the embedded language model.

    spread: of the random weights at the start; pull, sharpness: length of the biases that make the windows,
    and weight of the norms after them. With 2 and 1.6 a window gives its cell 90% of the attention; with 1
    and 1.6 the content of the random weights blurs it to 45%."""

    hidden: int = 128
    layers: int = 5
    heads: int = 8
    groups: int = 4
    head_dim: int = 32
    feed: int = 384
    spread: float = 0.05
    pull: float = 2.0
    sharpness: float = 1.6


def network(config: NetworkConfig, seed: int) -> Qwen3ForCausalLM:
    """A new network with local windows, its weights a function of config and seed alone."""
    settings = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=config.hidden,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.groups,
        head_dim=config.head_dim,
        intermediate_size=config.feed,
        attention_bias=True,
        tie_word_embeddings=True,
        initializer_range=config.spread,
        max_position_embeddings=4 * ANSWER,
        rope_parameters=_rotary(),
        pad_token_id=PAD,
        eos_token_id=EOS,
    )
    # In bfloat16 the fused attention takes twice the time of the plain one, most of it backward; float32
    # gains a third.
    settings._attn_implementation = "eager"  # pyright: ignore[reportPrivateUsage] the constructor's keyword is untyped
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(settings)
    _open_windows(model, config)
    return model


def _rotary() -> dict[str, Any]:
    """The settings that give exactly TURNS: longrope divides a ladder of its own by our factors."""
    theta, n = 10_000.0, len(TURNS)
    still = 1e-12  # a factor of zero would be an infinite one
    factors = [theta ** (-i / n) / (2 * math.pi * (turn or still)) for i, turn in enumerate(TURNS)]
    return {
        "rope_type": "longrope",
        "rope_theta": theta,
        "short_factor": factors,
        "long_factor": factors,
        "factor": 1.0,
        "attention_factor": 1.0,
        "original_max_position_embeddings": 4 * ANSWER,
    }


@torch.no_grad()
def _open_windows(model: Any, config: NetworkConfig) -> None:
    turns = torch.tensor(TURNS, dtype=torch.float64)
    size = (turns > 0).double() * config.pull
    for number, layer in enumerate(model.model.layers):
        attention = layer.self_attn
        queries = torch.zeros(config.heads, 2, len(TURNS), dtype=torch.float64)
        for head, distance in enumerate(_WINDOWS[number % 2]):
            phase = -2 * math.pi * turns * distance
            queries[head] = torch.stack([phase.cos() * size, phase.sin() * size])
        keys = torch.stack([size, torch.zeros_like(size)]).expand(config.groups, 2, len(TURNS))
        attention.q_proj.bias.copy_(queries.flatten())
        attention.k_proj.bias.copy_(keys.flatten())
        attention.q_norm.weight.fill_(config.sharpness)
        attention.k_norm.weight.fill_(config.sharpness)
        for last in (attention.o_proj, layer.mlp.down_proj):
            last.weight.div_(math.sqrt(2 * config.layers))


def forward(model: Any, ids: torch.Tensor, places: torch.Tensor, since: int = 0) -> torch.Tensor:
    """Logits `(n, length - since, VOCABULARY)` of ids, places `(n, length)`, from token `since` on."""
    length = ids.shape[1]
    blocked = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]
    # A mask must be given: without one, transformers takes jumps of the places for borders between sequences.
    return model(
        input_ids=ids,
        position_ids=places,
        attention_mask=blocked,
        use_cache=False,
        logits_to_keep=length - since,
    ).logits


def saved(model: Any, notes: Mapping[str, Any]) -> bytes:
    """The weights as float16 safetensors, `notes` in the header; the tied output layer is left out."""
    weights = {
        k: v.detach().half().contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"
    }
    return save(weights, {"notes": json.dumps(notes)})


def load(config: NetworkConfig, path: Path) -> Qwen3ForCausalLM:
    """The network with the weights of `path`. Raises UserError where they are missing or do not fit."""
    if not path.is_file():
        raise UserError(
            f"there are no weights at {path}: run `vizbench pretrain qwen3` to make them, or choose a control"
        )
    model = network(config, 0)
    try:
        weights = {k: v.float() for k, v in load_file(path).items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise UserError(f"{path} holds no weights of this model ({str(error)[:200]}): remake them") from None
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise UserError(
            f"{path} holds the weights of another model: remake them with `vizbench pretrain qwen3`"
        )
    return model
