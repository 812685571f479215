"""What training and sampling of the embedded video model share: latents, conditioning, positions, noise, loss.

One function builds the conditioning latents for both, so that they cannot drift apart. Shapes: B clips, T frames, C = 3
latent channels, h x w cells.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

LAST = 999
"""The timestep of pure noise: with zero terminal SNR the velocity there is minus the clip."""


def conditioning(first: Tensor, frames: int) -> Tensor:
    """The image latents `(B, C, h, w)` of the question, followed by empty frames: `(B, T, C, h, w)`."""
    empty = first.new_zeros(first.shape[0], frames - 1, *first.shape[1:])
    return torch.cat([first[:, None], empty], 1)


def positions(model: Any, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The rotary embedding of one token frame on the 1.5 series' "slice" grid: cells keep their place at any size."""
    config = model.config
    made: Any = get_3d_rotary_pos_embed(
        config.attention_head_dim,
        None,
        (height, width),
        1,
        grid_type="slice",
        max_size=(config.sample_height, config.sample_width),
    )
    return made


def draw_timesteps(count: int, last_share: float, generator: torch.Generator) -> Tensor:
    """Timesteps `(count,)`: the last one for `last_share` of the clips, uniform for the rest.

    Most of the training goes where one-step sampling looks: exact life boards .95 with one step, .82 with four (trial).
    """
    anywhere = torch.randint(0, LAST + 1, (count,), generator=generator)
    return torch.where(torch.rand(count, generator=generator) < last_share, LAST, anywhere)


def noised(clips: Tensor, timesteps: Tensor, alphas: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noised clips and their velocity (Salimans, Ho 2022), both `(B, T, C, h, w)`. alphas: cumulative, `(1000,)`."""
    signal = alphas[timesteps].sqrt().view(-1, 1, 1, 1, 1)
    spread = (1 - alphas[timesteps]).sqrt().view(-1, 1, 1, 1, 1)
    noise = torch.randn(clips.shape, generator=generator, dtype=clips.dtype)
    return signal * clips + spread * noise, signal * noise - spread * clips


def velocity(model: Any, noisy: Tensor, image: Tensor, caption: Tensor, timesteps: Tensor) -> Tensor:
    """The model's velocity `(B, T, C, h, w)` float32.

    On a CPU bfloat16 matrix products with plain attention take .62 of the time of float32 (.137 against .221 s a step
    of 32 boards); bfloat16 with the fused attention, whose backward is slow there, takes .84 of it.
    """
    grid = positions(model, noisy.shape[3], noisy.shape[4])
    with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
        out = model(
            hidden_states=torch.cat([noisy, image], 2),
            encoder_hidden_states=caption,
            timestep=timesteps,
            image_rotary_emb=grid,
            return_dict=False,
        )[0]
    return out.float()
