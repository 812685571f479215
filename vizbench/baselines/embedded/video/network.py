"""Build the embedded video model: CogVideoX's own classes with 1.3 M parameters.

It is a small CogVideoX 1.5: image-to-video, `patch_size_t = 2`, 3D rotary positions on the "slice" grid,
velocity prediction with zero terminal SNR. An exact patch codec replaces the VAE: one latent is one cell of
8x8 pixels, and one latent frame is one frame. The two frames of a clip (question, answer) share a token.

A tiny real VAE was tried and dropped: 0.6-3.7 s per step on a CPU, 79% of the cells right after 270 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXImageToVideoPipeline, CogVideoXTransformer3DModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from safetensors.torch import load_file, save
from torch import Tensor, nn

from vizbench.baselines.embedded.worlds import CAPTION

CELL = 8
"""Side of a cell in pixels: the smallest that the pipeline accepts."""

_WINDOWS = (
    ((-1, 0), (1, 0), (0, 0)),
    ((0, -1), (0, 1), (0, 0)),
    ((-1, -1), (1, 1), (0, 0)),
    ((-1, 1), (1, -1), (0, 0)),
    ((-1, 0), (0, -1), (0, 0)),
)
"""Where the first heads of each layer look at the start, as (rows, columns) from the cell itself.

The other heads start without a window.
"""


@final
@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The sizes of the embedded video model."""

    heads: int = 4
    """Attention heads."""
    head_dim: int = 32
    """Width of a head."""
    layers: int = 5
    """Transformer blocks."""
    time_embed_dim: int = 32
    """Width of the timestep embedding."""
    caption_dim: int = 64
    """Length of a caption vector."""
    max_side: int = 64
    """Largest side of a board in cells."""
    sharpness: float = 1.8
    """Scale of queries and keys at the start. Larger values make the local windows narrower."""


@final
class _Point:
    """A latent distribution without spread, as the pipeline expects it from `vae.encode`."""

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
    """Encode each cell as its mean colour, in place of CogVideoX's VAE.

    It is exact for frames made of uniform cells. Frames are `(b, 3, t, H, W)` in -1 … 1, latents
    `(b, 3, t, H / CELL, W / CELL)`.
    """

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (3, 3, 3, 3),  # the length gives 8 pixels per latent
        temporal_compression_ratio: int = 1,
        scaling_factor: float = 1.0,
        invert_scale_latents: bool = False,
    ) -> None:
        super().__init__()
        # The pipeline asks a parameter for the device.
        self.unused = nn.Parameter(torch.zeros(1), requires_grad=False)

    def encode(self, frames: Tensor) -> AutoencoderKLOutput:
        b, c, t, height, width = frames.shape
        cells = frames.reshape(b, c, t, height // CELL, CELL, width // CELL, CELL).mean((4, 6))
        return AutoencoderKLOutput(latent_dist=_Point(cells))

    def decode(self, latents: Tensor) -> DecoderOutput:
        return DecoderOutput(sample=latents.repeat_interleave(CELL, 3).repeat_interleave(CELL, 4))


def scheduler() -> Any:
    """Return CogVideoX's DDIM scheduler: 1000 timesteps, velocity, zero terminal SNR, trailing spacing."""
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


def build_network(config: NetworkConfig, seed: int) -> Any:
    """Return a new network with local windows. Its weights depend only on config and seed."""
    # Draw the weights without disturbing torch's own generator.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = CogVideoXTransformer3DModel(
            num_attention_heads=config.heads,
            attention_head_dim=config.head_dim,
            in_channels=6,
            out_channels=3,
            time_embed_dim=config.time_embed_dim,
            text_embed_dim=config.caption_dim,
            num_layers=config.layers,
            sample_width=config.max_side,
            sample_height=config.max_side,
            sample_frames=2,
            patch_size=1,
            patch_size_t=2,
            temporal_compression_ratio=1,
            max_text_seq_length=1,
            use_rotary_positional_embeddings=True,
        )
    for block, offsets in zip(model.transformer_blocks, _WINDOWS, strict=True):
        _open_windows(block, offsets, config)
    return model


def load_network(config: NetworkConfig, path: Path) -> Any:
    """Return the network with the weights of `path`."""
    model = build_network(config, 0)
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return model


def serialize(model: Any) -> bytes:
    """Return the weights as safetensors."""
    return save(model.state_dict())


@torch.no_grad()
def _open_windows(block: Any, offsets: tuple[tuple[int, int], ...], config: NetworkConfig) -> None:
    """Open the block's gates, and turn its first heads into soft windows on neighbouring cells.

    Queries and keys get constant biases in the two fastest rotary frequencies of the row and the column axis.
    Such a head attends to the offset at which the rotation between two cells cancels the phase between query
    and key. Without this start the network learned nothing in the same time, however many examples it had (0
    against .94 exact on Life with 1000 shots).
    """
    attention = block.attn1
    _open_gates(block, config)
    attention.to_q.weight.mul_(0.5)
    attention.to_k.weight.mul_(0.5)
    attention.to_q.bias.zero_()
    attention.to_k.bias.zero_()
    attention.norm_q.weight.fill_(config.sharpness)
    attention.norm_k.weight.fill_(config.sharpness)
    for head, offset in enumerate(offsets):
        _open_window(attention, head, offset, config)
    _read_caption(block, config)


def _open_gates(block: Any, config: NetworkConfig) -> None:
    """Set the gates of board and caption to 1, almost independent of the timestep."""
    width = config.heads * config.head_dim
    for norm in (block.norm1, block.norm2):
        norm.linear.weight.mul_(0.1)
        norm.linear.bias.zero_()
        norm.linear.bias[2 * width : 3 * width] = 1.0  # the gate of the board
        norm.linear.bias[5 * width :] = 1.0  # the gate of the caption


def _open_window(attention: Any, head: int, offset: tuple[int, int], config: NetworkConfig) -> None:
    """Make one head attend to the cell at `offset`, (rows, columns)."""
    time_dim, axis_dim = config.head_dim // 4, config.head_dim // 8 * 3
    for axis, distance in enumerate(offset):
        for pair, amplitude in ((0, 2.5), (1, 3.0)):
            phase = distance * 10000.0 ** (-2 * pair / axis_dim)
            # The layer norm removes a common part, so the signs alternate to keep the mean near 0.
            sign = 1.0 if (axis + pair) % 2 else -1.0
            at = head * config.head_dim + time_dim + axis * axis_dim + 2 * pair
            attention.to_k.bias[at] = sign * amplitude
            attention.to_q.bias[at] = sign * amplitude * math.cos(phase)
            attention.to_q.bias[at + 1] = sign * amplitude * math.sin(phase)


def _read_caption(block: Any, config: NetworkConfig) -> None:
    """Make the last head attend to the caption, whose one token is lost among 64 cells otherwise.

    The norm's shift sets one channel apart in caption and board. The key reads that channel in a dimension
    that the rotation does not change.
    """
    width = config.heads * config.head_dim
    attention = block.attn1
    last = (config.heads - 1) * config.head_dim
    block.norm1.linear.bias[0] = -4.0
    block.norm1.linear.bias[3 * width] = 4.0
    for projection in (attention.to_k, attention.to_q):
        projection.weight[last : last + 2, 0] = torch.tensor([1.0, -1.0])
    attention.to_q.weight[last : last + 2, 0] = 0.0
    attention.to_q.bias[last : last + 2] = torch.tensor([3.0, -3.0])


def pipeline(model: Any) -> Any:
    """Return the official image-to-video pipeline around the network, without tokenizer and text encoder."""
    pipe: Any = CogVideoXImageToVideoPipeline(
        tokenizer=None,  # pyright: ignore[reportArgumentType] prompts come as embeddings
        text_encoder=None,  # pyright: ignore[reportArgumentType] likewise
        vae=PatchCodec(),  # pyright: ignore[reportArgumentType] anything that encodes and decodes
        transformer=model,
        scheduler=scheduler(),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def neutral_caption() -> Tensor:
    """Return the caption that names no law, `(CAPTION,)`.

    It is not zero, because the LoRA on the text projection needs an input.
    """
    caption = torch.zeros(CAPTION)
    caption[-1] = 1.0
    return caption
