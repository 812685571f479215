"""The one training loop of all video models, and the noise that velocity and flow families share.

Shapes: B clips; the latents of a batch have whatever axes their family likes after the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from vizbench.baselines.video.backbone import Backbone, Tensors
from vizbench.baselines.video.config import VideoConfig
from vizbench.distributed import collectives

LAST = 999
"""The timestep of pure noise: with zero terminal SNR the velocity there is minus the clip."""


@final
@dataclass(slots=True)
class TrainingState:
    """Where a training stands. step: steps done; loss: of the last one; seconds: what they took, over all
    sittings."""

    optimizers: Sequence[torch.optim.Optimizer]
    generator: torch.Generator
    step: int = 0
    loss: float = math.nan
    seconds: float = 0.0


def train(
    backbone: Backbone,
    pipe: Any,
    groups: Sequence[Mapping[str, Tensor]],
    text: Tensors,
    training: VideoConfig,
    state: TrainingState,
    steps: int,
    after: Callable[[], None],
) -> None:
    """Train what requires a gradient in `pipe.transformer`, from `state.step` up to `steps`.

    groups: clips of one shape each, `(n, ...)` in each tensor; after: called when a step is done. All that is
    random comes from the state's generator, so a state that was stored and read back goes on as if nothing
    had happened. Launched processes each draw the whole batch and train on their share of its clips."""
    network = pipe.transformer
    trained = list(trained_of(network).values())
    peaks = [[row["initial_lr"] for row in opt.param_groups] for opt in state.optimizers]
    shares = torch.tensor([float(len(group["clip"])) for group in groups])
    network.train()
    while state.step < steps:
        total = 0.0
        for _ in range(training.accumulation):
            group = groups[int(torch.multinomial(shares, 1, generator=state.generator))]
            size = min(len(group["clip"]), training.batch)
            rows = torch.randperm(len(group["clip"]), generator=state.generator)[:size]
            clips = {name: tensor[rows].to(network.device) for name, tensor in group.items()}  # (B, ...)
            with plain_attention(network.device):  # around both passes: what is recomputed must be the same
                with computing(training, network.device):
                    batch = backbone.draw(pipe, clips, training, state.generator)
                    mine = {name: collectives.shard(tensor) for name, tensor in batch.items()}
                    part = len(mine["clip"]) / size / training.accumulation
                    if not part:  # fewer clips than processes
                        continue
                    loss = backbone.error(pipe, mine, text)
                (loss * part).backward()
            total += loss.item() * part
        total = collectives.all_reduce_gradients(trained, total)
        torch.nn.utils.clip_grad_norm_(trained, training.max_grad_norm)
        factor = training.factor(state.step, steps)
        for opt, rates in zip(state.optimizers, peaks, strict=True):
            for row, rate in zip(opt.param_groups, rates, strict=True):
                row["lr"] = rate * factor
            opt.step()
            opt.zero_grad(set_to_none=True)
        state.step, state.loss = state.step + 1, total
        after()
    network.eval()


def trained_of(network: Any) -> dict[str, torch.nn.Parameter]:
    """What is trained of a network, by name."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def computing(training: VideoConfig, device: torch.device) -> AbstractContextManager[Any]:
    """Products in the training's dtype.

    On a CPU bfloat16 matrix products with plain attention take .62 of the time of float32 (.137 against .221
    s a step of 32 boards); bfloat16 with the fused attention, whose backward is slow there, takes .84 of it.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=training.dtype == "bfloat16")


def plain_attention(device: torch.device) -> AbstractContextManager[Any]:
    """The unfused attention on a CPU, for the reason above."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def draw_timesteps(count: int, last_share: float, generator: torch.Generator) -> Tensor:
    """Timesteps `(count,)`: the last one for `last_share` of the clips, uniform for the rest.

    Most of the embedded model's training goes where one-step sampling looks: exact life boards .95 with one
    step, .82 with four (trial)."""
    anywhere = torch.randint(0, LAST + 1, (count,), generator=generator)
    return torch.where(torch.rand(count, generator=generator) < last_share, LAST, anywhere)


def noised(
    clips: Tensor, timesteps: Tensor, alphas: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Noised clips and their velocity (Salimans, Ho 2022), both as the clips `(B, ...)`. alphas: cumulative,
    `(1000,)`;
    timesteps: `(B,)`, on the CPU."""
    signal = _beside(alphas[timesteps].sqrt(), clips)
    spread = _beside((1 - alphas[timesteps]).sqrt(), clips)
    noise = torch.randn(clips.shape, generator=generator, dtype=clips.dtype).to(clips.device)
    return signal * clips + spread * noise, signal * noise - spread * clips


def flowed(clips: Tensor, sigmas: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Clips on the straight way to noise and the way's velocity, noise minus clip (Lipman et al. 2023), both
    as the clips `(B, ...)`. sigmas: how far, 0..1, `(B,)`, on the CPU."""
    far = _beside(sigmas, clips)
    noise = torch.randn(clips.shape, generator=generator, dtype=clips.dtype).to(clips.device)
    return (1 - far) * clips + far * noise, noise - clips


def drawn(clips: Tensors, generator: torch.Generator) -> dict[str, Tensor]:
    """The clips with their `image` drawn anew from the VAE's distribution, as the pipeline draws it for each
    question: mean `image`, standard deviation `spread`. A codec without spread takes nothing from the
    generator."""
    image, spread = clips["image"], clips["spread"]
    if not spread.any():
        return dict(clips)
    noise = torch.randn(image.shape, generator=generator, dtype=image.dtype).to(image.device)
    return {**clips, "image": image + spread * noise}


def _beside(numbers: Tensor, clips: Tensor) -> Tensor:
    """One number a clip, `(B,)`, as it multiplies clips `(B, ...)`."""
    return numbers.to(clips.device, clips.dtype).view(-1, *[1] * (clips.ndim - 1))
