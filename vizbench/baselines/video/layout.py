"""How a clip becomes tokens, and what the blocks of a network keep of them for the backward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from vizbench.model import MemoryRequest


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Bytes that a block keeps for the backward pass: a token of the clip by the stream's width, by the
    feed-forward's where that is no fixed multiple, and by the LoRA's rank; a token of the text by the width
    and by the rank."""

    hidden: float
    feed: float
    rank: int
    text: float
    text_rank: int


JOINT = Block(hidden=32.6, feed=0, rank=8, text=32.6, text_rank=8)
"""CogVideoX's: clip and text are one sequence."""

CROSS = Block(hidden=50.4, feed=2, rank=12, text=12, text_rank=4)
"""Wan 2.1's; its image is told in 257 tokens beside the text's."""

TIMED = Block(hidden=80.4, feed=2, rank=12, text=12, text_rank=4)
"""Wan 2.2's, which is told a timestep for each token."""

WIDE = Block(hidden=82.4, feed=0, rank=16, text=11.8, text_rank=4)
"""LTX's, with adapters on its feed-forward too."""


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """How a clip becomes tokens. text: tokens beside the clip's; cell: pixels a token, each side; frames:
    frames a latent one; stacked: latent frames a token; block: what is kept of these."""

    text: int
    cell: int
    frames: int
    stacked: int
    block: Block

    def tokens(self, demand: MemoryRequest) -> int:
        """Of a clip."""
        latent = (demand.frames - 1) // self.frames + 1
        return -(-latent // self.stacked) * -(-demand.height // self.cell) * -(-demand.width // self.cell)
