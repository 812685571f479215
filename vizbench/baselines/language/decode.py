"""Decode answers in batches with transformers' own cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from vizbench.baselines.language.chat_format import Tokenized
from vizbench.baselines.language.checkpoint import Loaded, seeded
from vizbench.baselines.language.config import Sampling


@torch.no_grad()
def generate(
    loaded: Loaded, model: Any, prompts: Sequence[Tokenized], limit: int, sampling: Sampling, seed: int
) -> list[str]:
    """Return an answer of at most `limit` tokens per prompt. It ends with the turn or at the limit.

    model: `loaded.model`, or the adapter on it.
    """
    chat = loaded.chat
    inputs, _ = chat.batch(prompts, left=True)
    inputs = {name: tensor.to(loaded.device) for name, tensor in inputs.items()}
    drawing: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        drawing = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
        }
    settings = GenerationConfig(max_new_tokens=limit, eos_token_id=chat.end, pad_token_id=chat.pad, **drawing)
    with seeded(loaded.device, seed), loaded.products():
        output = model.generate(**inputs, generation_config=settings)
    length = inputs["input_ids"].shape[1]
    return [chat.text(row) for row in output[:, length:].tolist()]
