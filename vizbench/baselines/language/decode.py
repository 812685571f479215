"""Decode answers in batches with transformers' own cache. No answer depends on the batch that it is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vizbench.baselines.language.chat_format import Tokenized
from vizbench.baselines.language.checkpoint import Loaded
from vizbench.baselines.language.config import Sampling

ENDED: Final = 0.25
"""The share of ended answers at which a batch goes on without them."""


@torch.no_grad()
def generate(
    loaded: Loaded,
    model: Any,
    prompts: Sequence[Tokenized],
    limit: int,
    sampling: Sampling,
    seeds: Sequence[int] = (),
) -> list[str]:
    """Return an answer of at most `limit` tokens per prompt. It ends with the turn or at the limit.

    model: `loaded.model`, or the adapter on it. seeds: one per prompt, not used at temperature 0.
    """
    chat, start = loaded.chat, max(len(prompt.ids) for prompt in prompts)
    inputs, _ = loaded.inputs(prompts, left=True)
    written: list[list[int]] = [[] for _ in prompts]
    alive = list(range(len(prompts)))
    numbers = None
    if sampling.temperature > 0:
        drawn = [np.random.default_rng(seed).random(limit) for seed in seeds]
        numbers = torch.from_numpy(np.stack(drawn)).to(loaded.device)  # (n, limit), float64

    while alive:
        # Decode until some answers have ended.
        processors = LogitsProcessorList()
        if numbers is not None:
            processors.append(SeededSampling(sampling, numbers, start))
        ending = Ending(chat.end)
        settings = GenerationConfig(
            max_length=start + limit,
            do_sample=False,
            eos_token_id=chat.end,
            pad_token_id=chat.pad,
            return_dict_in_generate=True,
        )
        with loaded.products():
            output = model.generate(
                **inputs,
                generation_config=settings,
                logits_processor=processors,
                stopping_criteria=StoppingCriteriaList([ending]),
            )
        tokens: Tensor = output.sequences
        for row, number in enumerate(alive):
            written[number] = tokens[row, start:].tolist()
        if tokens.shape[1] == start + limit or ending.remaining is None:
            break

        # Go on with the others, from the same cache.
        kept = ending.remaining
        output.past_key_values.batch_select_indices(kept)
        mask = inputs["attention_mask"]
        mask = torch.cat([mask, mask.new_ones(len(mask), tokens.shape[1] - mask.shape[1])], 1)
        inputs = {
            "input_ids": tokens[kept],
            "attention_mask": mask[kept],
            "past_key_values": output.past_key_values,
        }
        numbers = None if numbers is None else numbers[kept]
        alive = [alive[row] for row in kept.tolist()]
    return [chat.text(row) for row in written]


@final
class SeededSampling(LogitsProcessor):
    """Choose the token of each row by the row's own numbers, so that it does not depend on the batch."""

    def __init__(self, sampling: Sampling, numbers: Tensor, start: int) -> None:
        """Set what to draw by. numbers: in 0..1, `(n, limit)`. start: length of the padded prompts."""
        self._filters = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
        if sampling.top_k:
            self._filters.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            self._filters.append(TopPLogitsWarper(sampling.top_p))
        self._numbers, self._start = numbers, start

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return scores that are finite only for the drawn token."""
        probabilities = self._filters(input_ids, scores).double().softmax(-1)
        cumulative = probabilities.cumsum(-1)  # (n, vocabulary)
        share = self._numbers[:, input_ids.shape[1] - self._start, None] * cumulative[:, -1:]
        token = torch.searchsorted(cumulative, share, right=True).clamp_max(scores.shape[1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(1, token, 0.0)


@final
class Ending(StoppingCriteria):
    """Stop a batch when the share ENDED of its answers has ended, and note the rows of the others."""

    def __init__(self, end: int) -> None:
        """Set the token that ends an answer."""
        self._end = end
        self._ended: Tensor | None = None
        self.remaining: Tensor | None = None
        """The rows whose answers have not ended, if others go on without them."""

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Return for each row whether to stop."""
        last: Tensor = input_ids[:, -1] == self._end
        every = last if self._ended is None else self._ended | last
        ended, self._ended = int(every.sum()), every
        stop = ENDED * len(last) <= ended < len(last)
        if stop:
            self.remaining = (~every).nonzero()[:, 0]
        return torch.full_like(last, stop)
