"""The embedded video model: CogVideoX's own classes at 1.3 M parameters, and an exact patch codec in the
VAE's place.

It is CogVideoX 1.5 in small: image-to-video, `patch_size_t = 2`, 3D rotary positions on the "slice" grid,
velocity prediction with zero terminal SNR. One latent cell is one board cell (8x8 pixels), one latent frame
one frame, and the two frames of a clip (question, answer) share a token. A tiny real VAE was tried and left:
0.6-3.7 s a step on a CPU, 79% of cells after 270 s."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXImageToVideoPipeline, CogVideoXTransformer3DModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from vizbench.baselines.embedded.worlds import CAPTION

CELL = 8
"""Pixels a cell's side in the clips that the twin reads: the least that the pipeline accepts."""

OFFSETS = (
    ((-1, 0), (1, 0), (0, 0)),
    ((0, -1), (0, 1), (0, 0)),
    ((-1, -1), (1, 1), (0, 0)),
    ((-1, 1), (1, -1), (0, 0)),
    ((-1, 0), (0, -1), (0, 0)),
)
"""Where each layer's first heads look at the start, as (rows, columns) from the own cell; further heads start
free."""


@final
@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The sizes of the embedded video model."""

    heads: int = 4
    head_dim: int = 32
    layers: int = 5
    time_embed_dim: int = 32
    caption: int = 64
    largest: int = 64
    """Most cells a side."""
    sharpness: float = 1.8
    """Scale of q and k at the start: how narrow the local windows are."""


@final
class Point:
    """A latent distribution without spread: what the pipeline expects of `vae.encode`."""

    def __init__(self, latents: Tensor) -> None:
        self._latents = latents

    def sample(self, generator: Any = None) -> Tensor:
        return self._latents

    def mode(self) -> Tensor:
        return self._latents

    @property
    def std(self) -> Tensor:
        return torch.zeros_like(self._latents)


@final
class PatchCodec(ModelMixin, ConfigMixin):
    """Stands where CogVideoX has its VAE: a cell's mean colour is its latent (3 channels), a frame is a
    latent frame.

    Exact on pictures of uniform CELL x CELL cells. encode `(b, 3, t, H, W)` in -1..1 -> `(b, 3, t, H/8,
    W/8)`."""

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (3, 3, 3, 3),  # its length says 8 pixels a latent
        temporal_compression_ratio: int = 1,
        scaling_factor: float = 1.0,
        invert_scale_latents: bool = False,
    ) -> None:
        super().__init__()
        self.unused = nn.Parameter(
            torch.zeros(1), requires_grad=False
        )  # the pipeline asks a module for its device

    def encode(self, frames: Tensor) -> AutoencoderKLOutput:
        b, c, t, height, width = frames.shape
        cells = frames.reshape(b, c, t, height // CELL, CELL, width // CELL, CELL).mean((4, 6))
        return AutoencoderKLOutput(latent_dist=Point(cells))

    def decode(self, latents: Tensor) -> DecoderOutput:
        return DecoderOutput(sample=latents.repeat_interleave(CELL, 3).repeat_interleave(CELL, 4))


def scheduler() -> Any:
    """CogVideoX's DDIM: 1000 timesteps, velocity, zero terminal SNR, trailing spacing."""
    return CogVideoXDDIMScheduler(
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        snr_shift_scale=1.0,
        clip_sample=False,
        set_alpha_to_one=True,
    )


def transformer(config: NetworkConfig, seed: int) -> Any:
    """A new model with the local start, its weights a function of the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = CogVideoXTransformer3DModel(
            num_attention_heads=config.heads,
            attention_head_dim=config.head_dim,
            in_channels=6,
            out_channels=3,
            time_embed_dim=config.time_embed_dim,
            text_embed_dim=config.caption,
            num_layers=config.layers,
            sample_width=config.largest,
            sample_height=config.largest,
            sample_frames=2,
            patch_size=1,
            patch_size_t=2,
            temporal_compression_ratio=1,
            max_text_seq_length=1,
            use_rotary_positional_embeddings=True,
        )
    for block, offsets in zip(model.transformer_blocks, OFFSETS, strict=True):
        _local_start(block, offsets, config)
    return model


@torch.no_grad()
def _local_start(block: Any, offsets: tuple[tuple[int, int], ...], config: NetworkConfig) -> None:
    """Open the block's gates and turn its first heads into soft windows on neighbouring cells.

    A constant query and key, made of the two fastest rotary frequencies of the row and the column axis,
    attend where the rotation between two cells undoes the phase between them: at one offset. Without this
    start the trial's model learned nothing in the same time, however many examples it had (0 against .94
    exact on life at n=1000)."""
    width = config.heads * config.head_dim
    for norm in (block.norm1, block.norm2):
        norm.linear.weight.mul_(0.1)
        norm.linear.bias.zero_()
        norm.linear.bias[2 * width : 3 * width] = 1.0  # the gate of the cells
        norm.linear.bias[5 * width :] = 1.0  # the gate of the caption
    attention = block.attn1
    attention.to_q.weight.mul_(0.5)
    attention.to_k.weight.mul_(0.5)
    attention.to_q.bias.zero_()
    attention.to_k.bias.zero_()
    attention.norm_q.weight.fill_(config.sharpness)
    attention.norm_k.weight.fill_(config.sharpness)
    time_dim, axis_dim = config.head_dim // 4, config.head_dim // 8 * 3
    for head, (rows, columns) in enumerate(offsets):
        for axis, offset in enumerate((rows, columns)):
            for pair, amplitude in ((0, 2.5), (1, 3.0)):
                phase = offset * 10000.0 ** (-2 * pair / axis_dim)
                sign = (
                    1.0 if (axis + pair) % 2 else -1.0
                )  # the layer norm removes a common part: keep the mean near 0
                at = head * config.head_dim + time_dim + axis * axis_dim + 2 * pair
                attention.to_k.bias[at] = sign * amplitude
                attention.to_q.bias[at] = sign * amplitude * math.cos(phase)
                attention.to_q.bias[at + 1] = sign * amplitude * math.sin(phase)
    # The last head reads the caption: the norm's shift sets one channel apart in caption and cells, and the
    # key looks at it in a dimension that the rotation leaves alone. Among 64 cells one caption token is lost
    # otherwise.
    last = (config.heads - 1) * config.head_dim
    block.norm1.linear.bias[0] = -4.0
    block.norm1.linear.bias[3 * width] = 4.0
    for projection in (attention.to_k, attention.to_q):
        projection.weight[last : last + 2, 0] = torch.tensor([1.0, -1.0])
    attention.to_q.weight[last : last + 2, 0] = 0.0
    attention.to_q.bias[last : last + 2] = torch.tensor([3.0, -3.0])


def pipeline(model: Any) -> Any:
    """The official image-to-video pipeline around the model, without tokenizer and text encoder."""
    pipe: Any = CogVideoXImageToVideoPipeline(
        tokenizer=None,  # pyright: ignore[reportArgumentType] prompts come as embeddings
        text_encoder=None,  # pyright: ignore[reportArgumentType] likewise
        vae=PatchCodec(),  # pyright: ignore[reportArgumentType] anything that encodes and decodes
        transformer=model,
        scheduler=scheduler(),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def neutral() -> Tensor:
    """The caption that says nothing, `(64,)`. Not zeros: an adapter on the text projection must have an
    input."""
    caption = torch.zeros(CAPTION)
    caption[-1] = 1.0
    return caption
