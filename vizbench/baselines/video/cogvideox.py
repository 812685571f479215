"""CogVideoX 1.0 and 1.5 as a backbone. Latents have the axes (B, t, C, h, w)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from vizbench.baselines.video.backbone import Backbone, Tensors
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.layout import JOINT, Layout
from vizbench.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor


OFFSET = 2.0
"""What 1.5 is told as `ofs`: the pipeline tells it this number and no other."""


@final
class CogVideoX(Backbone):
    """Velocity prediction; the image's latents stand beside the noise as further channels."""

    pipeline, network = "CogVideoXImageToVideoPipeline", "CogVideoXTransformer3DModel"
    stride = 8  # 4 frames a latent one, but an even number of these is decoded to another number of frames

    def layout(self, config: Mapping[str, Any], index: Mapping[str, Any]) -> Layout:
        cell, stacked = 8 * int(config["patch_size"]), int(config.get("patch_size_t") or 1)
        return Layout(int(config["max_text_seq_length"]), cell, 4, stacked, JOINT)

    def text(self, pipe: Any, prompt: str) -> Tensors:
        embedding, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
        return {"prompt_embeds": embedding}

    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        config, cell = pipe.transformer.config, pipe.vae_scale_factor_spatial
        most = config.sample_height * cell, config.sample_width * cell
        if height > most[0] or width > most[1]:  # 1.5's grid of places ends there too
            raise UserError(
                f"a clip of {height}x{width} pixels exceeds this CogVideoX's {most[0]}x{most[1]}: draw a smaller board"
            )
        if (
            config.use_learned_positional_embeddings
        ):  # 1.0 has learned one place for each token of its one canvas
            return most
        unit = cell * config.patch_size
        return -(-height // unit) * unit, -(-width // unit) * unit

    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """`clip`: the latents, as the pipeline's decoder expects them; `image`, `spread`: mean and deviation
        of those of the first frame alone, from which the pipeline draws. A draw kept on disk would be one
        fixed error."""
        pixels = pixels.to(pipe.vae.dtype)
        clip = pipe.vae.encode(pixels).latent_dist.mode().transpose(1, 2) * pipe.vae.config.scaling_factor
        first = pipe.vae.encode(pixels[:, :, :1]).latent_dist
        image, spread = (
            self.scaled(pipe, part.transpose(1, 2)).float() for part in (first.mode(), first.std)
        )
        return {"clip": self.whole(pipe, clip).float(), "image": image, "spread": spread}

    def draw(self, pipe: Any, clips: Tensors, training: VideoConfig, generator: Generator) -> Tensors:
        from vizbench.baselines.video.train import draw_timesteps, drawn, noised

        clip = clips["clip"]  # (B, t, C, h, w)
        timesteps = draw_timesteps(len(clip), training.last_share, generator)
        noisy, goal = noised(clip, timesteps, pipe.scheduler.alphas_cumprod.float().cpu(), generator)
        return {**drawn(clips, generator), "noisy": noisy, "goal": goal, "timesteps": timesteps}

    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        return (
            (self.velocity(pipe, batch["noisy"], batch, text, batch["timesteps"]).float() - batch["goal"])
            .square()
            .mean()
        )

    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, training: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        import torch

        yield from pipe(
            image=images,
            prompt_embeds=text["prompt_embeds"].expand(len(images), -1, -1),
            height=images.shape[2],
            width=images.shape[3],
            num_frames=training.frames,
            num_inference_steps=training.sampling_steps,
            guidance_scale=1.0,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="pt",
        ).frames

    def scaled(self, pipe: Any, image: Tensor) -> Tensor:
        """The image's latents as the network sees them. 1.5 sets `invert_scale_latents`: its pipeline
        divides."""
        scale = pipe.vae.config.scaling_factor
        return 1 / scale * image if pipe.vae.config.invert_scale_latents else scale * image

    def whole(self, pipe: Any, clip: Tensor) -> Tensor:
        """Latents `(B, t, C, h, w)` that fill whole tokens: 1.5 repeats the first frame in front, where its
        pipeline cuts off what is too many."""
        import torch

        size = pipe.transformer.config.patch_size_t or 1
        return torch.cat([clip[:, :1].repeat(1, -clip.shape[1] % size, 1, 1, 1), clip], 1)

    def conditioning(self, image: Tensor, frames: int) -> Tensor:
        """The image's latents `(B, 1, C, h, w)` followed by empty frames: `(B, t, C, h, w)`."""
        import torch

        return torch.cat([image, image.new_zeros(len(image), frames - 1, *image.shape[2:])], 1)

    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        """At positions from the pipeline's own function."""
        import torch

        network, config = pipe.transformer, pipe.transformer.config
        cell, dtype = pipe.vae_scale_factor_spatial, text["prompt_embeds"].dtype
        positions = None
        if config.use_rotary_positional_embeddings:
            positions = pipe._prepare_rotary_positional_embeddings(
                noisy.shape[3] * cell, noisy.shape[4] * cell, noisy.shape[1], noisy.device
            )
        out: Tensor = network(
            hidden_states=torch.cat([noisy, self.conditioning(clips["image"], noisy.shape[1])], 2).to(dtype),
            encoder_hidden_states=text["prompt_embeds"].expand(len(noisy), -1, -1),
            timestep=timesteps.to(noisy.device),
            ofs=None if config.ofs_embed_dim is None else noisy.new_full((1,), OFFSET, dtype=dtype),
            image_rotary_emb=positions,
            return_dict=False,
        )[0]
        return out


BACKBONE = CogVideoX()
