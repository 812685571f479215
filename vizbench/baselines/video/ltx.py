"""Define LTX-Video as a backbone.

Latents have the axes (B, C, t, h, w). The network sees them as tokens `(B, t h w, C)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from vizbench.baselines.video.backbone import Backbone, Tensors, sampling_options
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.memory import WIDE, ClipTokens
from vizbench.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor

LAYOUT = ClipTokens(128, 32, 8, 1, WIDE)

RATE = 25
"""Frames per second that the network sees, in training and sampling: the pipeline's own number."""

DECODE = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
"""For decoders that remove the last noise themselves (from 0.9.1 on): the values that diffusers documents."""


@final
class LTX(Backbone):
    """Match the flow on all frames but the first, which is the image, without noise and at timestep 0."""

    pipeline, network = "LTXImageToVideoPipeline", "LTXVideoTransformer3DModel"
    stride = 8

    def layout(self, transformer: Mapping[str, Any], index: Mapping[str, Any]) -> ClipTokens:
        return LAYOUT

    def text(self, pipe: Any, prompt: str) -> Tensors:
        embedding, mask, _, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
        return {"prompt_embeds": embedding, "prompt_attention_mask": mask}

    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        # The rule of the pipeline.
        unit = max(32, pipe.vae_spatial_compression_ratio * pipe.transformer_spatial_patch_size)
        return -(-height // unit) * unit, -(-width // unit) * unit

    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """Return the latents of the clip and the distribution of those of its first frame.

        `clip`: as the decoder expects them; `image`, `spread`: mean and standard deviation, from which the
        pipeline draws.
        """
        import torch

        vae, pixels = pipe.vae, pixels.to(pipe.vae.dtype)
        clip, first = vae.encode(pixels).latent_dist, vae.encode(pixels[:, :, :1]).latent_dist
        mean, scale = vae.latents_mean, vae.latents_std
        return {
            "clip": pipe._normalize_latents(clip.mode().float(), mean, scale, vae.config.scaling_factor),
            "image": pipe._normalize_latents(first.mode().float(), mean, scale),
            "spread": pipe._normalize_latents(first.std.float(), torch.zeros_like(mean), scale),
        }

    def draw(self, pipe: Any, clips: Tensors, config: VideoConfig, generator: Generator) -> Tensors:
        import torch

        from vizbench.baselines.video.train import drawn, flowed

        _, _, t, h, w = clips["clip"].shape
        sigmas = shifted(pipe, torch.rand(len(clips["clip"]), generator=generator), t * h * w)
        noisy, goal = flowed(clips["clip"], sigmas, generator)
        return {**drawn(clips, generator), "noisy": noisy, "goal": goal, "timesteps": sigmas * 1000}

    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        velocity = self.velocity(pipe, batch["noisy"], batch, text, batch["timesteps"]).float()
        return (velocity - batch["goal"])[:, :, 1:].square().mean()  # the first frame is given

    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, config: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        """Sample one by one, as decoders that remove noise take one generator per call."""
        import torch

        if config.sampling_steps < 2 and pipe.scheduler.config.shift_terminal:
            raise UserError(
                f"sampling_steps={config.sampling_steps} is too few for LTX's schedule: give 2 or more"
            )
        decode = DECODE if pipe.vae.config.timestep_conditioning else {}
        for image, seed in zip(images, seeds, strict=True):
            yield pipe(
                image=image[None],
                **text,
                frame_rate=RATE,
                generator=torch.Generator().manual_seed(seed),
                **sampling_options(images, config),
                **decode,
            ).frames[0]

    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        """Replace the first frame of `noisy` by the latents of the image, `(B, C, 1, h, w)`."""
        import torch

        count, _, t, h, w = noisy.shape
        patches = pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
        free = torch.ones_like(noisy[:, :1])  # (B, 1, t, h, w)
        free[:, :, 0] = 0
        latents = torch.cat([clips["image"], noisy[:, :, 1:]], 2)
        scale = pipe.vae_spatial_compression_ratio
        tokens = pipe.transformer(
            hidden_states=pipe._pack_latents(latents, *patches).to(text["prompt_embeds"].dtype),
            encoder_hidden_states=text["prompt_embeds"].expand(count, -1, -1),
            timestep=timesteps.to(noisy.device)[:, None] * pipe._pack_latents(free, *patches).squeeze(-1),
            encoder_attention_mask=text["prompt_attention_mask"].expand(count, -1),
            num_frames=t,
            height=h,
            width=w,
            rope_interpolation_scale=(pipe.vae_temporal_compression_ratio / RATE, scale, scale),
            return_dict=False,
        )[0]
        velocity: Tensor = pipe._unpack_latents(tokens, t, h, w, *patches)
        return velocity


def shifted(pipe: Any, even: Tensor, tokens: int) -> Tensor:
    """Return sigmas distributed as the sampler's, from even ones in 0..1. More tokens mean more noise."""
    from diffusers.pipelines.ltx.pipeline_ltx_image2video import calculate_shift

    settings = pipe.scheduler.config
    if not settings.use_dynamic_shifting:
        return settings.shift * even / (1 + (settings.shift - 1) * even)
    names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
    shift = calculate_shift(tokens, *(settings[name] for name in names))
    sigmas: Tensor = pipe.scheduler.time_shift(shift, 1.0, even)
    return sigmas


BACKBONE = LTX()
