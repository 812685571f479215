"""One training step, shared by pretraining and adaptation: corrupted answers in, completion loss, small
chunks."""

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
"""Most sequences a forward pass. On one core 48 at once are 15% slower: the scores of attention leave the
cache."""
SCORES = CHUNK * 256**2
"""Most pairs of tokens a forward pass: 8 mazes of 21x21 at once would need 3 GB, 8 ARC grids of 30x30 over
10."""


def precision() -> torch.dtype:
    """bfloat16 where the processor multiplies it itself (twice as fast here), else float32."""
    known = torch.cpu.get_capabilities()
    return torch.bfloat16 if known.get("avx512_bf16") or known.get("amx_bf16") else torch.float32


def corrupt(rows: Tokens, share: float, random: np.random.Generator) -> Tokens:
    """A share of the answer cells that are *read* exchanged for other cells of the same sequence; labels
    stay.

    Greedy decoding reads its own mistakes: a model that saw only right answers leans on them.
    """
    ids: npt.NDArray[np.int64] = rows.ids.copy()
    n, length = ids.shape
    from_question = random.integers(0, np.argmax(ids == SEP, 1), (length, n)).T
    other = np.take_along_axis(ids, from_question, 1)
    cell = (ids >= CELL) & (ids < WORD) & (other >= CELL) & (other < WORD)
    answer = np.arange(length) > np.argmax(ids == SEP, 1)[:, None]
    return Tokens(
        np.where(cell & answer & (random.random((n, length)) < share), other, ids), rows.places, rows.labels
    )


def _chunks(rows: Sequence[Tokens]) -> Iterator[Sequence[Tokens]]:
    longest = max(len(row.ids) for row in rows)
    size = max(1, min(CHUNK, SCORES // longest**2))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def backward(model: Any, rows: Sequence[Tokens], share: float, random: np.random.Generator) -> float:
    """Add the gradient of the mean loss a token to the parameters, chunk by chunk; returns that loss."""
    total = sum(int((row.labels != IGNORED).sum()) for row in rows)
    loss = 0.0
    for chunk in _chunks(rows):
        batch = corrupt(collate(chunk), share, random)
        first = int(np.argmax((batch.labels != IGNORED).any(0)))
        with torch.autocast("cpu", torch.bfloat16, enabled=precision() is torch.bfloat16):
            logits = forward(model, torch.from_numpy(batch.ids), torch.from_numpy(batch.places), first)
        labels = torch.from_numpy(batch.labels[:, first:])
        part = (
            functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum") / total
        )
        part.backward()
        loss += float(part.detach())
    return loss


@torch.no_grad()
def accuracy(model: Any, rows: Sequence[Tokens]) -> npt.NDArray[np.float64]:
    """Share of answer tokens of each sequence that are predicted right when the true ones before are given,
    `(n,)`."""
    shares: list[npt.NDArray[np.float64]] = []
    for chunk in _chunks(rows):
        batch = collate(chunk)
        guess = forward(model, torch.from_numpy(batch.ids), torch.from_numpy(batch.places)).argmax(-1).numpy()
        asked = batch.labels != IGNORED
        shares.append(((guess == batch.labels) & asked).sum(1) / asked.sum(1))
    return np.concatenate(shares)
