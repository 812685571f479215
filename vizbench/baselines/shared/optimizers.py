"""Make optimizers, and let them step at a factor of their peak learning rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


def keep_peaks(optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Store the learning rate of each group as its peak, `initial_lr`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]


def adamw(
    parameters: Sequence[torch.nn.Parameter], lr: float, betas: tuple[float, float], weight_decay: float
) -> torch.optim.AdamW:
    """Return AdamW. On a GPU it is the fused one, one kernel in place of several."""
    fused = bool(parameters) and parameters[0].device.type == "cuda"
    return torch.optim.AdamW(
        list(parameters), lr=lr, betas=betas, weight_decay=weight_decay, fused=fused or None
    )


def step_all(optimizers: Sequence[torch.optim.Optimizer], lr_factor: float) -> None:
    """Take an optimizer step at a factor of the peak learning rates, and clear the gradients."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * lr_factor
        optimizer.step()
        optimizer.zero_grad()


def muon_and_adamw(
    model: Any,
    in_muon: Callable[[str], bool],
    matrix_lr: float,
    other_lr: float,
    betas: tuple[float, float],
    weight_decay: float,
) -> list[torch.optim.Optimizer]:
    """Return Muon on some of the matrices, and AdamW on all other parameters. The rates are the peaks.

    in_muon: whether the matrix of a name belongs to Muon. betas, weight_decay: of AdamW.
    """
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim == 2 and in_muon(name) else others).append(parameter)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=matrix_lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=other_lr, betas=betas, weight_decay=weight_decay),
    ]
    keep_peaks(optimizers)
    return optimizers
