"""Define CogVideoX 1.0 and 1.5 as a backbone. Latents have the axes (B, t, C, h, w)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from vizbench.baselines.video.backbone import Backbone, Tensors, sampling_options
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.memory import JOINT, ClipTokens
from vizbench.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor

OFFSET = 2.0
"""The `ofs` of 1.5. The pipeline passes no other number."""


@final
class CogVideoX(Backbone):
    """Predict velocity. The latents of the image are further channels beside the noise."""

    pipeline, network = "CogVideoXImageToVideoPipeline", "CogVideoXTransformer3DModel"
    batched = True
    stride = 8  # 4 frames per latent frame, but an even number of these decodes to another number of frames

    def layout(self, transformer: Mapping[str, Any], index: Mapping[str, Any]) -> ClipTokens:
        side, stacked = 8 * int(transformer["patch_size"]), int(transformer.get("patch_size_t") or 1)
        return ClipTokens(int(transformer["max_text_seq_length"]), side, 4, stacked, JOINT)

    def text(self, pipe: Any, prompt: str) -> Tensors:
        embedding, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
        return {"prompt_embeds": embedding}

    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        settings, scale = pipe.transformer.config, pipe.vae_scale_factor_spatial
        largest = settings.sample_height * scale, settings.sample_width * scale
        if height > largest[0] or width > largest[1]:  # the positions of 1.5 end there, too
            raise UserError(
                f"a clip of {height}x{width} pixels exceeds this CogVideoX's {largest[0]}x{largest[1]}: draw "
                "a smaller grid"
            )
        if settings.use_learned_positional_embeddings:  # 1.0 has learned the positions of one canvas
            return largest
        unit = scale * settings.patch_size
        return -(-height // unit) * unit, -(-width // unit) * unit

    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """Return the latents of the clip and the distribution of those of its first frame.

        `clip`: as the pipeline's decoder expects them; `image`, `spread`: mean and standard deviation, from
        which the pipeline draws. One draw, stored on disk, would be a fixed error.
        """
        pixels = pixels.to(pipe.vae.dtype)
        clip = pipe.vae.encode(pixels).latent_dist.mode().transpose(1, 2) * pipe.vae.config.scaling_factor
        first = pipe.vae.encode(pixels[:, :, :1]).latent_dist
        return {
            "clip": self.whole(pipe, clip).float(),
            "image": self.scaled(pipe, first.mode().transpose(1, 2)).float(),
            "spread": self.scaled(pipe, first.std.transpose(1, 2)).float(),
        }

    def draw(self, pipe: Any, clips: Tensors, config: VideoConfig, generator: Generator) -> Tensors:
        from vizbench.baselines.video.train import draw_timesteps, drawn, noised

        clip = clips["clip"]  # (B, t, C, h, w)
        timesteps = draw_timesteps(len(clip), config.last_share, generator)
        noisy, goal = noised(clip, timesteps, pipe.scheduler.alphas_cumprod.float().cpu(), generator)
        return {**drawn(clips, generator), "noisy": noisy, "goal": goal, "timesteps": timesteps}

    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        velocity = self.velocity(pipe, batch["noisy"], batch, text, batch["timesteps"]).float()
        return (velocity - batch["goal"]).square().mean()

    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, config: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        import torch

        yield from pipe(
            image=images,
            prompt_embeds=text["prompt_embeds"].expand(len(images), -1, -1),
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            **sampling_options(images, config),
        ).frames

    def scaled(self, pipe: Any, image: Tensor) -> Tensor:
        """Return the latents of the image as the network sees them. 1.5 divides by the scale."""
        scale = pipe.vae.config.scaling_factor
        return 1 / scale * image if pipe.vae.config.invert_scale_latents else scale * image

    def whole(self, pipe: Any, clip: Tensor) -> Tensor:
        """Return latents `(B, t, C, h, w)` that fill whole tokens.

        1.5 repeats the first frame in front. Its pipeline removes the repetitions.
        """
        import torch

        size = pipe.transformer.config.patch_size_t or 1
        return torch.cat([clip[:, :1].repeat(1, -clip.shape[1] % size, 1, 1, 1), clip], 1)

    def conditioning(self, image: Tensor, frames: int) -> Tensor:
        """Return the latents of the image, `(B, 1, C, h, w)`, and empty frames: `(B, t, C, h, w)`."""
        import torch

        return torch.cat([image, image.new_zeros(len(image), frames - 1, *image.shape[2:])], 1)

    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        import torch

        # Version 1.5 has rotary positions and an offset, 1.0 has neither.
        network, settings = pipe.transformer, pipe.transformer.config
        scale, dtype = pipe.vae_scale_factor_spatial, text["prompt_embeds"].dtype
        positions = None
        if settings.use_rotary_positional_embeddings:
            positions = pipe._prepare_rotary_positional_embeddings(
                noisy.shape[3] * scale, noisy.shape[4] * scale, noisy.shape[1], noisy.device
            )
        offset = None
        if settings.ofs_embed_dim is not None:
            offset = noisy.new_full((1,), OFFSET, dtype=dtype)

        # The network sees the image beside the noise, channel by channel.
        image = self.conditioning(clips["image"], noisy.shape[1])
        velocity: Tensor = network(
            hidden_states=torch.cat([noisy, image], 2).to(dtype),
            encoder_hidden_states=text["prompt_embeds"].expand(len(noisy), -1, -1),
            timestep=timesteps.to(noisy.device),
            ofs=offset,
            image_rotary_emb=positions,
            return_dict=False,
        )[0]
        return velocity


BACKBONE = CogVideoX()
