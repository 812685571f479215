"""Define Wan 2.1 and 2.2 as a backbone. Latents have the axes (B, C, t, h, w)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from vizbench.baselines.video.backbone import Backbone, Tensors, sampling_options
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.memory import CROSS, TIMED, ClipTokens
from vizbench.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor

LENGTH = 512
"""Tokens of a text, including the padding, which is zeros."""

PICTURE = 257
"""Tokens of CLIP's picture: 16 x 16, and one for the whole."""


@final
class Wan(Backbone):
    """Match the flow.

    2.1 sees the image as further channels beside the noise, and by CLIP. 2.2 has it as the first frame,
    without noise.
    """

    pipeline, network = "WanImageToVideoPipeline", "WanTransformer3DModel"
    stride = 4
    float32 = ("vae", "image_encoder")

    def layout(self, transformer: Mapping[str, Any], index: Mapping[str, Any]) -> ClipTokens:
        if index.get("boundary_ratio") is not None:
            raise UserError("Wan 2.2's pairs of experts are not supported: use Wan 2.1, or 2.2's TI2V-5B")
        text = LENGTH + (0 if transformer.get("image_dim") is None else PICTURE)
        patch = int(transformer["patch_size"][1])
        if index.get("expand_timesteps"):  # 2.2
            return ClipTokens(text, 16 * patch, 4, 1, TIMED)
        return ClipTokens(text, 8 * patch, 4, 1, CROSS)

    def text(self, pipe: Any, prompt: str) -> Tensors:
        """Return the embedding. The prompt is not cleaned first, which would need another package."""
        import torch

        tokens = pipe.tokenizer(
            [prompt], padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
        )
        mask = tokens.attention_mask.to(pipe.text_encoder.device)
        embedding = pipe.text_encoder(tokens.input_ids.to(mask.device), mask).last_hidden_state  # (1, L, D)
        return {"prompt_embeds": torch.where(mask[:, :, None] > 0, embedding, 0.0).to(embedding.dtype)}

    def canvas(self, pipe: Any, height: int, width: int) -> tuple[int, int]:
        # The rule of the pipeline.
        unit = max(16, pipe.vae_scale_factor_spatial * pipe.transformer.config.patch_size[1])
        return -(-height // unit) * unit, -(-width // unit) * unit

    def encode(self, pipe: Any, pixels: Tensor) -> Tensors:
        """Return the latents of the clip, and what the network sees of its first frame.

        `clip`: the latents; `image`: what 2.1 sees beside the noise, or the first frame of 2.2; `seen`:
        CLIP's embedding (2.1).
        """
        import torch

        # The clip, normalised as in the pipeline.
        device, dtype = pixels.device, pixels.dtype
        _, _, frames, height, width = pixels.shape
        raw = pipe.vae.encode(pixels.to(pipe.vae.dtype)).latent_dist.mode()  # (1, C, t, h, w)
        shape = (1, -1, 1, 1, 1)
        mean = torch.tensor(pipe.vae.config.latents_mean, device=device, dtype=dtype).view(shape)
        scale = 1.0 / torch.tensor(pipe.vae.config.latents_std, device=device, dtype=dtype).view(shape)

        # The image, as the pipeline prepares it.
        _, image, *_ = pipe.prepare_latents(
            pixels[:, :, 0],
            1,
            raw.shape[1],
            height,
            width,
            frames,
            dtype,
            device,
            latents=torch.zeros_like(raw),
        )
        encoded = {"clip": ((raw - mean) * scale).float(), "image": image.float()}
        if pipe.transformer.config.image_dim is not None:
            encoded["seen"] = pipe.encode_image(_picture(pixels[0, :, 0] / 2 + 0.5), device).float()
        return encoded

    def draw(self, pipe: Any, clips: Tensors, config: VideoConfig, generator: Generator) -> Tensors:
        import torch

        from vizbench.baselines.video.train import flowed

        settings = pipe.scheduler.config
        shift = settings["flow_shift" if "flow_shift" in settings else "shift"]  # of UniPC, of Euler
        even = torch.rand(len(clips["clip"]), generator=generator)
        sigmas = shift * even / (1 + (shift - 1) * even)  # distributed as the sampler's
        noisy, goal = flowed(clips["clip"], sigmas, generator)
        return {**clips, "noisy": noisy, "goal": goal, "timesteps": sigmas * 1000}

    def error(self, pipe: Any, batch: Tensors, text: Tensors) -> Tensor:
        velocity = self.velocity(pipe, batch["noisy"], batch, text, batch["timesteps"]).float()
        error = (velocity - batch["goal"]).square()
        if pipe.config.expand_timesteps:
            error = error[:, :, 1:]  # the first frame is given
        return error.mean()

    def sample(
        self, pipe: Any, images: Tensor, text: Tensors, config: VideoConfig, seeds: Sequence[int]
    ) -> Iterator[Tensor]:
        """Sample one by one: the pipeline takes one image per call, as a picture for CLIP's processor."""
        import torch

        for image, seed in zip(images, seeds, strict=True):
            yield pipe(
                image=_picture(image),
                prompt_embeds=text["prompt_embeds"],
                generator=torch.Generator().manual_seed(seed),
                **sampling_options(images, config),
            ).frames[0]

    def velocity(self, pipe: Any, noisy: Tensor, clips: Tensors, text: Tensors, timesteps: Tensor) -> Tensor:
        import torch

        dtype, count = text["prompt_embeds"].dtype, len(noisy)
        timesteps = timesteps.to(noisy.device)
        if pipe.config.expand_timesteps:
            free = torch.ones_like(noisy[:1, :1])  # (1, 1, t, h, w)
            free[:, :, 0] = 0
            given = (1 - free) * clips["image"] + free * noisy
            timesteps = timesteps[:, None] * free[0, 0, :, ::2, ::2].flatten()  # (B, tokens)
        else:
            given = torch.cat([noisy, clips["image"]], 1)
        velocity: Tensor = pipe.transformer(
            hidden_states=given.to(dtype),
            timestep=timesteps,
            encoder_hidden_states=text["prompt_embeds"].expand(count, -1, -1),
            encoder_hidden_states_image=clips["seen"].to(dtype) if "seen" in clips else None,
            return_dict=False,
        )[0]
        return velocity


def _picture(image: Tensor) -> Any:
    """Return an image `(3, H, W)` in 0..1 as a picture of PIL."""
    import torch
    from PIL import Image as Pictures

    pixels = (image.float().clamp(0, 1) * 255.0).round().to(torch.uint8)
    return Pictures.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


BACKBONE = Wan()
