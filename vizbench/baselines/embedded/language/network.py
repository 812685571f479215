"""Build the embedded language model: transformers' own Qwen3 with 1.2 M parameters.

Its rotary frequencies fit the positions of the page (see `tokens`), in turns per position:

- Six turn a whole number of times per row. They do not see rows and separate columns.
- Three turn a whole number of times from question to answer. They separate rows.
- Five turn half a turn more. They separate rows, and question from answer.
- Two do not turn, and see only content.

A plain `rope_theta` gives a geometric sequence, of which at most one frequency can fit. The frequencies are
set through the factors of `longrope`, an official setting of Qwen3.

Heads *start* as windows on neighbours: constant biases of query and key, which the rotary embedding turns
into a preference for one distance. The per-head norms of Qwen3 follow the biases and scale a head's query as
a whole, so their weight sets how sharp a window is (`sharpness`).
"""

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

from vizbench.baselines.embedded.language.tokens import ANSWER, EOS, LEAF, PAD, PAGE, ROW, VOCABULARY, pages
from vizbench.errors import UserError

_COLUMN_TURNS = tuple(k / ROW for k in (1, 3, 6, 9, 12, 15))
_ROW_TURNS = tuple(m / ANSWER for m in (2, 7, 13))
_PART_TURNS = tuple(m / ANSWER for m in (0.5, 2.5, 5.5, 8.5, 11.5))

TURNS = (*_COLUMN_TURNS, *_ROW_TURNS, *_PART_TURNS, 0.0, 0.0)
"""Turns per position, one for each of the 16 frequencies of a head."""

_WINDOWS = (
    (ANSWER, ANSWER + ROW, ANSWER - ROW, ANSWER + 1, ANSWER - 1, ROW - 1),
    (ANSWER, ANSWER + ROW + 1, ANSWER + ROW - 1, ANSWER - ROW + 1, ANSWER - ROW - 1, 1),
)
"""How far back the first heads of even and odd layers look at the start.

Even layers: the question cell at the same place, those above, below, left and right of it, and the answer
cell above. Odd layers: the question cell at the same place, its four diagonal neighbours, and the answer cell
before the last. The other heads start without a window.
"""


_TIED = "lm_head.weight"
"""The output layer, which shares the weights of the embedding."""


@final
@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The sizes of the embedded language model.

    With `window_bias` 2 and `sharpness` 1.6 a window gives 90% of the attention to its cell. With 1 and 1.6
    the content of the random weights blurs this to 45%.
    """

    hidden: int = 128
    """Width of the hidden states."""
    layers: int = 5
    """Transformer layers."""
    heads: int = 8
    """Attention heads."""
    kv_heads: int = 4
    """Heads of keys and values."""
    head_dim: int = 32
    """Width of a head."""
    feed_forward: int = 384
    """Width of the feed-forward layers."""
    init_std: float = 0.05
    """Standard deviation of the random weights at the start."""
    window_bias: float = 2.0
    """Size of the biases that make the windows."""
    sharpness: float = 1.6
    """Scale of queries and keys at the start. Larger values make the windows narrower."""


def build_network(config: NetworkConfig, seed: int) -> Qwen3ForCausalLM:
    """Return a new network with local windows. Its weights depend only on config and seed."""
    settings = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=config.hidden,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.kv_heads,
        head_dim=config.head_dim,
        intermediate_size=config.feed_forward,
        attention_bias=True,
        tie_word_embeddings=True,
        initializer_range=config.init_std,
        max_position_embeddings=4 * ANSWER,
        rope_parameters=_rotary(),
        pad_token_id=PAD,
        eos_token_id=EOS,
    )
    # In bfloat16 the fused attention takes twice the time of the plain one, most of it in the backward pass.
    # In float32 it would save a third.
    settings._attn_implementation = "eager"  # pyright: ignore[reportPrivateUsage] the constructor's keyword is untyped
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(settings)
    _open_windows(model, config)
    return model


def _rotary() -> dict[str, Any]:
    """Return the settings that give exactly TURNS: longrope divides its own frequencies by our factors."""
    theta, n = 10_000.0, len(TURNS)
    no_turn = 1e-12  # zero would need an infinite factor
    factors = [theta ** (-i / n) / (2 * math.pi * (turn or no_turn)) for i, turn in enumerate(TURNS)]
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
    """Set biases and norms so that the first heads attend to the distances in _WINDOWS."""
    turns = torch.tensor(TURNS, dtype=torch.float64)
    size = (turns > 0).double() * config.window_bias
    for number, layer in enumerate(model.model.layers):
        attention = layer.self_attn
        queries = torch.zeros(config.heads, 2, len(TURNS), dtype=torch.float64)
        for head, distance in enumerate(_WINDOWS[number % 2]):
            phase = -2 * math.pi * turns * distance
            queries[head] = torch.stack([phase.cos() * size, phase.sin() * size])
        keys = torch.stack([size, torch.zeros_like(size)]).expand(config.kv_heads, 2, len(TURNS))
        attention.q_proj.bias.copy_(queries.flatten())
        attention.k_proj.bias.copy_(keys.flatten())
        attention.q_norm.weight.fill_(config.sharpness)
        attention.k_norm.weight.fill_(config.sharpness)
        for last in (attention.o_proj, layer.mlp.down_proj):
            last.weight.div_(math.sqrt(2 * config.layers))


def causal_mask(length: int) -> torch.Tensor:
    """Return the additive mask `(1, 1, length, length)` that hides later tokens."""
    return torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]


def page_mask(positions: torch.Tensor, since: int = 0) -> torch.Tensor:
    """Return the additive mask of a process `(n, 1, length - since, length)`.

    A token sees the earlier ones of its page, of the page before and of the caption (`tokens.pages`).

    positions: `(n, length)`. since: the first token that looks.
    """
    page = torch.from_numpy(pages(positions.numpy()))
    looks, seen = page[:, since:, None], page[:, None, :]
    hidden = (seen >= 0) & (seen < looks - 1)
    length = positions.shape[1]
    hidden |= torch.ones(length, length, dtype=torch.bool).triu(1)[None, since:]
    return torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min)[:, None]


def forward(model: Any, ids: torch.Tensor, positions: torch.Tensor, since: int = 0) -> torch.Tensor:
    """Return the logits `(n, length - since, VOCABULARY)` of the tokens from `since` on.

    ids, positions: `(n, length)`.
    """
    length = ids.shape[1]
    of_process = int(positions.max()) >= PAGE + ANSWER + LEAF
    # Without a mask, transformers takes jumps of the positions for borders between sequences.
    return model(
        input_ids=ids,
        position_ids=positions,
        attention_mask=page_mask(positions) if of_process else causal_mask(length),
        use_cache=False,
        logits_to_keep=length - since,
    ).logits


def serialize(model: Any, notes: Mapping[str, Any]) -> bytes:
    """Return the weights as float16 safetensors, with `notes` in the header.

    The output layer is left out, because it shares the weights of the embedding.
    """
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        if name != _TIED:
            weights[name] = tensor.detach().half().contiguous()
    return save(weights, {"notes": json.dumps(notes)})


def load_network(config: NetworkConfig, path: Path) -> Qwen3ForCausalLM:
    """Return the network with the weights of `path`.

    Raises UserError if they are missing or do not fit.
    """
    if not path.is_file():
        raise UserError(
            f"there are no weights at {path}: make them with `vizbench pretrain qwen3`, or choose a control"
        )
    model = build_network(config, 0)
    try:
        weights = {k: v.float() for k, v in load_file(path).items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{path} does not hold weights of this model ({str(error)[:200]}): remake them"
        ) from None
    if unexpected or set(missing) - {_TIED}:
        raise UserError(
            f"{path} holds the weights of another model: remake them with `vizbench pretrain qwen3`"
        )
    return model
