"""Decode answers in batches with a key-value cache. Each sequence keeps its own position on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from vizbench.baselines.embedded.language.network import causal_mask, page_mask
from vizbench.baselines.embedded.language.tokens import EOS, PAD, Tokens, advance, advance_leaf, first_of_page


@torch.no_grad()
def generate(
    model: Any,
    prompts: Sequence[Tokens],
    limit: int,
    temperature: float,
    seeds: Sequence[int] = (),
    states: bool = False,
) -> list[list[int]]:
    """Return up to `limit` tokens after each prompt, without EOS. All prompts must have the same length.

    At temperature 0 the most likely token is taken. Otherwise tokens are drawn from
    softmax(logits / temperature), so that no answer depends on its batch.

    seeds: one per prompt, not used at temperature 0.
    states: whether the answers are processes, so that SEP begins a new page.
    """
    ids = torch.from_numpy(np.stack([p.ids for p in prompts]))  # (n, length)
    positions = torch.from_numpy(np.stack([p.positions for p in prompts]))
    places = positions  # of all tokens that were read
    follow = advance_leaf if states else advance
    cache = DynamicCache(config=model.config)
    mask = causal_mask(ids.shape[1])
    written: list[list[int]] = [[] for _ in prompts]
    done = [False] * len(prompts)
    numbers = torch.empty(0, 0)
    if temperature > 0:
        drawn = [np.random.default_rng(seed).random(limit) for seed in seeds]
        numbers = torch.from_numpy(np.stack(drawn))  # (n, limit), in 0..1
    for step in range(limit):
        logits = model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        tokens = _choose(logits.double(), temperature, numbers[:, step : step + 1])

        # Keep the tokens of the sequences that have not ended.
        for row, token in enumerate(tokens):
            if done[row]:
                tokens[row] = PAD
            elif token == EOS:
                done[row] = True
            else:
                written[row].append(token)
        if all(done):
            break

        # Only the new tokens are read in the next step.
        latest = positions[:, -1].tolist()
        following = [follow(position, token) for position, token in zip(latest, tokens, strict=True)]
        positions = torch.tensor(following)[:, None]
        mask = torch.zeros(1, 1, 1, cache.get_seq_length() + 1)
        if states:
            tokens = [first_of_page(token, place) for token, place in zip(tokens, following, strict=True)]
            places = torch.cat([places, positions], 1)
            mask = page_mask(places, places.shape[1] - 1)
        ids = torch.tensor(tokens)[:, None]
    return written


def _choose(logits: Tensor, temperature: float, numbers: Tensor) -> list[int]:
    """Return one token per row of logits `(n, VOCABULARY)`. numbers: in 0..1, `(n, 1)`, to draw by."""
    if temperature == 0:
        return logits.argmax(-1).tolist()
    cumulative = (logits / temperature).softmax(-1).cumsum(-1)
    drawn = torch.searchsorted(cumulative, numbers * cumulative[:, -1:], right=True)
    return drawn.clamp_max(logits.shape[1] - 1)[:, 0].tolist()
