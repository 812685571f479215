"""Batched decoding with transformers' own cache, ended by the turn's end or the limit and by nothing else."""

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
    loaded: Loaded, model: Any, questions: Sequence[Tokenized], limit: int, sampling: Sampling, seed: int
) -> list[str]:
    """An answer of at most `limit` tokens to each question, decoded side by side.

    model: `loaded.model`, or the adapter on it.
    """
    script = loaded.script
    inputs, _ = script.batch(questions, left=True)
    drawn = sampling.temperature > 0
    settings = GenerationConfig(
        max_new_tokens=limit,
        do_sample=drawn,
        eos_token_id=script.end,
        pad_token_id=script.pad,
        **(
            {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
            if drawn
            else {}
        ),
    )
    with seeded(loaded.device, seed), loaded.products():
        out = model.generate(
            **{name: tensor.to(loaded.device) for name, tensor in inputs.items()},
            generation_config=settings,
        )
    length = inputs["input_ids"].shape[1]
    return [script.text(row) for row in out[:, length:].tolist()]
