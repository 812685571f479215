"""Count the tokens of a clip, and what the blocks of a network keep of them for the backward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from vizbench.model import MemoryRequest


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Bytes that a transformer block keeps per token for the backward pass."""

    hidden: float
    """Per token of the clip and unit of the hidden width."""
    feed: float
    """Per token of the clip and unit of the feed-forward width; 0 if it is a multiple of the hidden width."""
    rank: int
    """Per token of the clip and unit of the LoRA's rank."""
    text: float
    """Per token of the text and unit of the hidden width."""
    text_rank: int
    """Per token of the text and unit of the LoRA's rank."""


JOINT: Final = Block(hidden=32.6, feed=0, rank=8, text=32.6, text_rank=8)
"""CogVideoX: clip and text are one sequence."""

CROSS: Final = Block(hidden=50.4, feed=2, rank=12, text=12, text_rank=4)
"""Wan 2.1: 257 tokens of the image follow those of the text."""

TIMED: Final = Block(hidden=80.4, feed=2, rank=12, text=12, text_rank=4)
"""Wan 2.2, which has a timestep for each token."""

WIDE: Final = Block(hidden=82.4, feed=0, rank=16, text=11.8, text_rank=4)
"""LTX, whose adapters include the feed-forward."""


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """How a clip becomes tokens."""

    text: int
    """Tokens beside those of the clip."""
    side: int
    """Pixels per token, along height and width."""
    frames: int
    """Frames per latent frame."""
    stacked: int
    """Latent frames per token."""
    block: Block
    """What a block keeps of the tokens."""

    def tokens(self, request: MemoryRequest) -> int:
        """Return the tokens of a clip."""
        latent_frames = (request.frames - 1) // self.frames + 1
        layers = -(-latent_frames // self.stacked)
        return layers * -(-request.height // self.side) * -(-request.width // self.side)
