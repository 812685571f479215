"""Train video models, and add the noise that families of one objective share.

Shapes: B clips; after the first axis, the latents of a batch have the axes of their family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, final

import torch
from peft.helpers import disable_input_dtype_casting
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from vizbench.baselines.shared.optimizers import step_all
from vizbench.baselines.shared.passes import Passes, run_within
from vizbench.baselines.video.backbone import Backbone, Tensors
from vizbench.baselines.video.config import VideoConfig
from vizbench.distributed import collectives

LAST: Final = 999
"""The timestep of pure noise. With zero terminal SNR the velocity there is minus the clip."""


@final
@dataclass(slots=True)
class TrainingState:
    """How far a training is. Mutable: the loop advances it."""

    optimizers: Sequence[torch.optim.Optimizer]
    """Their groups have the peak learning rate as `initial_lr`."""
    generator: torch.Generator
    """All that is random in the training comes from it."""
    step: int = 0
    """Optimizer steps done."""
    loss: float = math.nan
    """The loss of the last step."""
    seconds: float = 0.0
    """Time that the steps took, over all sittings."""


def train(
    backbone: Backbone,
    pipe: Any,
    groups: Sequence[Mapping[str, Tensor]],
    text: Tensors,
    config: VideoConfig,
    state: TrainingState,
    steps: int,
    passes: list[Passes],
    after_step: Callable[[], None],
) -> None:
    """Train what requires a gradient in `pipe.transformer`, from `state.step` up to `steps`.

    groups: clips of one shape each, `(n, ...)` per tensor. All that is random comes from the state's
    generator, so a stored state resumes exactly. Each of the launched processes draws the whole batch and
    trains on its shard of the clips.
    passes: how the shard may pass through the network, the fastest way first.
    """
    network = pipe.transformer
    trained = list(trained_of(network).values())
    sizes = torch.tensor([float(len(group["clip"])) for group in groups])
    network.train()
    while state.step < steps:
        # Draw clips of one shape, and their noise.
        group = groups[int(torch.multinomial(sizes, 1, generator=state.generator))]
        size = min(len(group["clip"]), config.batch)
        rows = torch.randperm(len(group["clip"]), generator=state.generator)[:size]
        clips = {name: tensor[rows].to(network.device) for name, tensor in group.items()}  # (B, ...)
        with computing(config, network.device):
            batch = backbone.draw(pipe, clips, config, state.generator)
        own = {name: collectives.shard(tensor) for name, tensor in batch.items()}
        loss = run_within(passes, partial(_backward, backbone, pipe, own, size, text, config))
        loss = collectives.all_reduce_gradients(trained, loss)
        torch.nn.utils.clip_grad_norm_(trained, config.max_grad_norm)
        step_all(state.optimizers, config.lr_factor(state.step, steps))
        state.step, state.loss = state.step + 1, loss
        after_step()
    network.eval()


def _backward(
    backbone: Backbone,
    pipe: Any,
    batch: Tensors,
    size: int,
    text: Tensors,
    config: VideoConfig,
    passes: Passes,
) -> float:
    """Add the gradient of a batch's share of the mean loss over `size` clips, and return the share."""
    network = pipe.transformer
    network.zero_grad()  # of an attempt that filled the memory
    set_checkpointing(network, passes.checkpointing)
    loss = 0.0
    without_casts = config.rank > 0 and config.dtype == "bfloat16"
    # What checkpointing computes again must use the same attention.
    with plain_attention(network.device), disable_input_dtype_casting(network, without_casts):
        for start in range(0, len(batch["clip"]), passes.rows):
            part = {name: tensor[start : start + passes.rows] for name, tensor in batch.items()}
            weight = len(part["clip"]) / size
            with computing(config, network.device):
                error = backbone.error(pipe, part, text)
            (error * weight).backward()
            loss += error.item() * weight
    return loss


def set_checkpointing(network: Any, active: bool) -> None:
    """Let a network of diffusers compute its blocks again in the backward pass, or not."""
    if active and not network.is_gradient_checkpointing:
        network.enable_gradient_checkpointing()
    elif not active and network.is_gradient_checkpointing:
        network.disable_gradient_checkpointing()


def trained_of(network: Any) -> dict[str, torch.nn.Parameter]:
    """Return the parameters of a network that are trained, by name."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def computing(config: VideoConfig, device: torch.device) -> AbstractContextManager[Any]:
    """Compute products in the config's dtype within the block.

    On a CPU, bfloat16 products with plain attention take .62 of the time of float32 (.137 against .221 s per
    step of 32 clips). With the fused attention, whose backward pass is slow there, they take .84.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=config.dtype == "bfloat16")


def plain_attention(device: torch.device) -> AbstractContextManager[Any]:
    """Use the unfused attention on a CPU within the block, for the reason above."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def draw_timesteps(count: int, last_share: float, generator: torch.Generator) -> Tensor:
    """Return timesteps `(count,)`: the last one for `last_share` of the clips, uniform for the rest.

    Most of the embedded model's training goes to the timestep of one-step sampling. In a trial it solved .95
    of life questions with one denoising step, .82 with four.
    """
    anywhere = torch.randint(0, LAST + 1, (count,), generator=generator)
    return torch.where(torch.rand(count, generator=generator) < last_share, LAST, anywhere)


def noised(
    clips: Tensor, timesteps: Tensor, alphas: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return noisy clips and their velocity (Salimans, Ho 2022), both shaped as the clips `(B, ...)`.

    alphas: cumulative, `(1000,)`.
    timesteps: `(B,)`, on the CPU.
    """
    signal = _per_clip(alphas[timesteps].sqrt(), clips)
    spread = _per_clip((1 - alphas[timesteps]).sqrt(), clips)
    noise = torch.randn(clips.shape, generator=generator, dtype=clips.dtype).to(clips.device)
    return signal * clips + spread * noise, signal * noise - spread * clips


def flowed(clips: Tensor, sigmas: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return clips on the line to noise, and its velocity, noise minus clip (Lipman et al. 2023).

    Both are shaped as the clips `(B, ...)`. sigmas: the share of noise, 0..1, `(B,)`, on the CPU.
    """
    share = _per_clip(sigmas, clips)
    noise = torch.randn(clips.shape, generator=generator, dtype=clips.dtype).to(clips.device)
    return (1 - share) * clips + share * noise, noise - clips


def drawn(clips: Tensors, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the clips with their `image` drawn from the VAE's distribution, as the pipeline does.

    Its mean is `image`, its standard deviation `spread`. If that is zero, the generator is not used.
    """
    image, spread = clips["image"], clips["spread"]
    if not spread.any():
        return dict(clips)
    noise = torch.randn(image.shape, generator=generator, dtype=image.dtype).to(image.device)
    return {**clips, "image": image + spread * noise}


def _per_clip(numbers: Tensor, clips: Tensor) -> Tensor:
    """Return one number per clip, `(B,)`, in a shape that multiplies clips `(B, ...)`."""
    return numbers.to(clips.device, clips.dtype).view(-1, *[1] * (clips.ndim - 1))
