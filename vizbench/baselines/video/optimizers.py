"""Make the optimizers of video models."""

from __future__ import annotations

from typing import Any, Final

import torch

from vizbench.baselines.shared import optimizers
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.train import trained_of

MATRIX_LR: Final = 2e-3
"""Peak learning rate of Muon, if all weights are trained."""

OTHER_LR: Final = 2e-3
"""Peak learning rate of AdamW on the other parameters."""


def optimizers_of(network: Any, config: VideoConfig) -> list[torch.optim.Optimizer]:
    """Return AdamW on the adapter, or the optimizers of pretraining if all weights are trained."""
    if not config.rank:
        return muon_and_adamw(network)
    trained = list(trained_of(network).values())
    adamw = optimizers.adamw(trained, config.lr, (0.9, 0.999), config.weight_decay)
    optimizers.keep_peaks([adamw])
    return [adamw]


def muon_and_adamw(
    model: Any, matrix_lr: float = MATRIX_LR, other_lr: float = OTHER_LR
) -> list[torch.optim.Optimizer]:
    """Return Muon on the matrices of the blocks, and AdamW on the rest.

    Loss after 300 steps on the world `around`: Muon at 2e-3 .55, at 5e-3 .58, at 1e-2 .60; AdamW at 1.5e-3,
    without the head that reads the caption, .61.
    """
    return optimizers.muon_and_adamw(model, _in_block, matrix_lr, other_lr, (0.9, 0.98), 0.01)


def _in_block(name: str) -> bool:
    return "transformer_blocks" in name and "norm" not in name
