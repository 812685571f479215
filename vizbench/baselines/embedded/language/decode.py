"""Batched decoding with a key-value cache, where every sequence keeps its own place on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from vizbench.baselines.embedded.language.tokens import EOS, PAD, Tokens, advance


@torch.no_grad()
def generate(
    model: Any, prompts: Sequence[Tokens], limit: int, temperature: float, random: torch.Generator
) -> list[list[int]]:
    """At most `limit` tokens after each prompt, up to and without EOS. All prompts have one length.

    temperature 0: the likeliest token, and `random` is not used; above: drawn from softmax(logits /
    temperature)."""
    ids = torch.from_numpy(np.stack([p.ids for p in prompts]))
    places = torch.from_numpy(np.stack([p.places for p in prompts]))
    n, length = ids.shape
    cache = DynamicCache(config=model.config)
    blocked = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]
    written: list[list[int]] = [[] for _ in range(n)]
    done = [False] * n
    for _ in range(limit):
        said = model(
            input_ids=ids,
            position_ids=places,
            attention_mask=blocked,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits = said.logits[:, -1].float()
        if temperature > 0:
            chosen = torch.multinomial((logits / temperature).softmax(-1), 1, generator=random)
        else:
            chosen = logits.argmax(-1, keepdim=True)
        tokens = [
            PAD if over else int(token) for over, token in zip(done, chosen[:, 0].tolist(), strict=True)
        ]
        for row, token in enumerate(tokens):
            done[row] = done[row] or token == EOS
            if not done[row]:
                written[row].append(token)
        if all(done):
            break
        ids = torch.tensor(tokens)[:, None]
        places = torch.tensor([[advance(p, t)] for p, t in zip(places[:, -1].tolist(), tokens, strict=True)])
        blocked = torch.zeros(1, 1, 1, cache.get_seq_length() + 1)
    return written
