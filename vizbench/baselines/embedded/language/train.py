"""Compute loss and gradient of the embedded language model, for pretraining and adaptation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from vizbench.baselines.embedded.language.network import forward
from vizbench.baselines.embedded.language.tokens import CELL, IGNORED, SEP, WORD, Tokens, collate

CHUNK = 8
"""Most sequences per forward pass.

On one core 48 are 15% slower, because the attention scores leave the cache.
"""
SCORES = CHUNK * 256**2
"""Most pairs of tokens per forward pass.

8 mazes of 21x21 would need 3 GB, 8 ARC grids of 30x30 over 10 GB.
"""


def precision() -> torch.dtype:
    """Return bfloat16 if the processor multiplies it in hardware (twice as fast here), else float32."""
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32


def corrupt(rows: Tokens, share: float, random: np.random.Generator) -> Tokens:
    """Replace a share of the answer cells in the input by other cells of the same sequence.

    Labels do not change. Greedy decoding reads its own mistakes, and a model that saw only right answers
    relies on them.
    """
    ids: npt.NDArray[np.int64] = rows.ids.copy()
    n, length = ids.shape
    separator = np.argmax(ids == SEP, 1)
    from_question = random.integers(0, separator, (length, n)).T
    other = np.take_along_axis(ids, from_question, 1)
    both_cells = (ids >= CELL) & (ids < WORD) & (other >= CELL) & (other < WORD)
    answer = np.arange(length) > separator[:, None]
    replaced = both_cells & answer & (random.random((n, length)) < share)
    return Tokens(np.where(replaced, other, ids), rows.positions, rows.labels)


def _chunks(rows: Sequence[Tokens]) -> Iterator[Sequence[Tokens]]:
    """Yield groups of rows that fit in one forward pass."""
    longest = max(len(row.ids) for row in rows)
    size = max(1, min(CHUNK, SCORES // longest**2))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def backward(model: Any, rows: Sequence[Tokens], share: float, random: np.random.Generator) -> float:
    """Add the gradient of the mean loss per token to the parameters. Return the loss.

    share: of the answer cells, which are replaced in the input (`corrupt`); 0 for parts of a process.
    """
    total = sum(int((row.labels != IGNORED).sum()) for row in rows)
    loss = 0.0
    for chunk in _chunks(rows):
        batch = collate(chunk)
        if share > 0:
            batch = corrupt(batch, share, random)
        first = int(np.argmax((batch.labels != IGNORED).any(0)))
        with torch.autocast("cpu", torch.bfloat16, enabled=precision() is torch.bfloat16):
            logits = forward(model, torch.from_numpy(batch.ids), torch.from_numpy(batch.positions), first)
        labels = torch.from_numpy(batch.labels[:, first:])
        summed = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
        part = summed / total
        part.backward()
        loss += float(part.detach())
    return loss


@torch.no_grad()
def accuracy(model: Any, rows: Sequence[Tokens]) -> npt.NDArray[np.float64]:
    """Return the share of right answer tokens of each sequence, `(n,)`, given the true tokens before."""
    shares: list[npt.NDArray[np.float64]] = []
    for chunk in _chunks(rows):
        batch = collate(chunk)
        logits = forward(model, torch.from_numpy(batch.ids), torch.from_numpy(batch.positions))
        predicted = logits.argmax(-1).numpy()
        counted = batch.labels != IGNORED
        shares.append(((predicted == batch.labels) & counted).sum(1) / counted.sum(1))
    return np.concatenate(shares)
