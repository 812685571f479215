"""LTX-Video as a backbone. Latents have the axes (B, C, t, h, w); the network sees them as tokens `(B, t h w,
C)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from vizbench.baselines.video.backbone import Backbone, Tensors
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.layout import WIDE, Layout
from vizbench.errors import UserError

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from torch import Generator, Tensor


LAYOUT = Layout(128, 32, 8, 1, WIDE)


@final
class LTX(Backbone):
    """Flow matching on all frames but the first, which is the image, without noise and at timestep 0."""

    pipeline, network = "LTXImageToVideoPipeline", "LTXVideoTransformer3DModel"
    stride = 8

    def layout(self, config: Mapping[str, Any], index: Mapping[str, Any]) -> Layout:
        return LAYOUT

    def text(self, pipe: Any, prompt: str) -> Tensors:
        embedding, mask, _, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
        return {"prompt_embeds": embedding, "prompt_attention_mask": mask}

    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        unit = max(
            32, pipe.vae_spatial_compression_ratio * pipe.transformer_spatial_patch_size
        )  # the pipeline's rule
        return -(-height // unit) * unit, -(-width // unit) * unit

    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """`clip`: the latents as the decoder expects them; `image`, `spread`: mean and deviation of those of
        the first frame alone, from which the pipeline draws."""
        import torch

        vae, pixels = pipe.vae, pixels.to(pipe.vae.dtype)
        clip, first = vae.encode(pixels).latent_dist, vae.encode(pixels[:, :, :1]).latent_dist
        mean, scale = vae.latents_mean, vae.latents_std
        return {
            "clip": pipe._normalize_latents(clip.mode().float(), mean, scale, vae.config.scaling_factor),
            "image": pipe._normalize_latents(first.mode().float(), mean, scale),
            "spread": pipe._normalize_latents(first.std.float(), torch.zeros_like(mean), scale),
        }

    def draw(self, pipe: Any, clips: Tensors, training: VideoConfig, generator: Generator) -> Tensors:
        import torch

        from vizbench.baselines.video.train import drawn, flowed

        _, _, t, h, w = clips["clip"].shape
        sigmas = shifted(pipe, torch.rand(len(clips["clip"]), generator=generator), t * h * w)
        noisy, goal = flowed(clips["clip"], sigmas, generator)
        return {**drawn(clips, generator), "noisy": noisy, "goal": goal, "timesteps": sigmas * 1000}

    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        error = self.velocity(pipe, batch["noisy"], batch, text, batch["timesteps"]).float() - batch["goal"]
        return error[:, :, 1:].square().mean()  # the first frame is given

    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, training: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        """One by one: decoders that remove noise take one generator a call."""
        import torch

        if training.sampling_steps < 2 and pipe.scheduler.config.shift_terminal:
            raise UserError(
                f"sampling_steps={training.sampling_steps} is too few for LTX's schedule: give 2 or more"
            )
        for image, seed in zip(images, seeds, strict=True):
            yield pipe(
                image=image[None],
                **text,
                height=images.shape[2],
                width=images.shape[3],
                num_frames=training.frames,
                frame_rate=RATE,
                num_inference_steps=training.sampling_steps,
                guidance_scale=1.0,
                generator=torch.Generator().manual_seed(seed),
                output_type="pt",
                **(DECODE if pipe.vae.config.timestep_conditioning else {}),
            ).frames[0]

    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        """The first frame of `noisy` is replaced by the image's latents `(B, C, 1, h, w)`."""
        import torch

        count, _, t, h, w = noisy.shape
        patches = pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
        free = torch.ones_like(noisy[:, :1])  # (B, 1, t, h, w)
        free[:, :, 0] = 0
        cell = pipe.vae_spatial_compression_ratio
        tokens = pipe.transformer(
            hidden_states=pipe._pack_latents(torch.cat([clips["image"], noisy[:, :, 1:]], 2), *patches).to(
                text["prompt_embeds"].dtype
            ),
            encoder_hidden_states=text["prompt_embeds"].expand(count, -1, -1),
            timestep=timesteps.to(noisy.device)[:, None] * pipe._pack_latents(free, *patches).squeeze(-1),
            encoder_attention_mask=text["prompt_attention_mask"].expand(count, -1),
            num_frames=t,
            height=h,
            width=w,
            rope_interpolation_scale=(pipe.vae_temporal_compression_ratio / RATE, cell, cell),
            return_dict=False,
        )[0]
        out: Tensor = pipe._unpack_latents(tokens, t, h, w, *patches)
        return out


def shifted(pipe: Any, even: Tensor, tokens: int) -> Tensor:
    """Sigmas where the sampler's steps lie, from even ones in 0..1: the more tokens, the more noise."""
    from diffusers.pipelines.ltx.pipeline_ltx_image2video import calculate_shift

    config = pipe.scheduler.config
    if not config.use_dynamic_shifting:
        return config.shift * even / (1 + (config.shift - 1) * even)
    names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
    moved: Tensor = pipe.scheduler.time_shift(
        calculate_shift(tokens, *(config[name] for name in names)), 1.0, even
    )
    return moved


BACKBONE = LTX()


RATE = 25
"""Frames a second that the network is told, in training and sampling: the pipeline's own number."""

DECODE = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
"""For decoders that remove the last noise themselves (from 0.9.1 on): what diffusers documents for them."""
