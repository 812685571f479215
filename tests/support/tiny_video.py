"""Make tiny random models of the real classes, as pipeline folders, and clips to train them. No network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import diffusers
import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, processors
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

from vizbench.model import Context, Example, Progress
from vizbench.renderers.video import clip
from vizbench.task.registry import spec
from vizbench.types import Look

_D: Any = diffusers
"""Its classes are found on access, which pyright does not see."""

LOOK = Look("binary", cell=8)
TASK = "life/conway?height=4&width=4"
"""A board has 32x32 pixels."""


def examples(count: int, frames: int = 9) -> list[Example[Any]]:
    conway = spec(TASK)
    batch = conway.task.generate_batch(conway.params, np.arange(count, dtype=np.uint64))
    clips = [clip(q, t, LOOK, frames, "discrete") for q, t in zip(batch.question, batch.target, strict=True)]
    return [Example(frames[0], frames) for frames in clips]


def context(seen: list[Progress] | None = None, seed: int = 0) -> Context:
    conway = spec(TASK)
    return Context(conway.task, conway.params, seed, (seen if seen is not None else []).append)


def tokenizer(length: int) -> Any:
    """Make a tokenizer shaped like T5's, with a vocabulary of bytes. Every text ends in `</s>`."""
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {chr(c): c for c in range(33, 60)}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=length
    )


def t5() -> Any:
    return T5EncoderModel(
        T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0)
    ).eval()


def cogvideox(folder: Path, version: str, invert: bool = False) -> Path:
    """Write CogVideoX 1.0 or 1.5 with 2 layers, for 32x32 pixels.

    1.0 has learned positions and one canvas. 1.5 has `ofs` and two frames per token.
    """
    new = version == "1.5"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformer = _D.CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=8,
            out_channels=4,
            time_embed_dim=8,
            text_embed_dim=16,
            num_layers=2,
            sample_width=4,
            sample_height=4,
            sample_frames=9,
            patch_size=2,
            patch_size_t=2 if new else None,
            ofs_embed_dim=8 if new else None,
            max_text_seq_length=226,
            use_rotary_positional_embeddings=True,
            use_learned_positional_embeddings=not new,
            patch_bias=not new,
        )
        vae = _D.AutoencoderKLCogVideoX(
            block_out_channels=(4, 4, 4, 4),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
            scaling_factor=0.7,
            invert_scale_latents=invert,
            sample_height=32,
            sample_width=32,
        )
        encoder = t5()
    scheduler = _D.CogVideoXDDIMScheduler(
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
    pipe: Any = _D.CogVideoXImageToVideoPipeline(tokenizer(226), encoder, vae, transformer, scheduler)
    pipe.save_pretrained(folder)
    return folder


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path)


def parted() -> list[Example[Any]]:
    """Return two clips that begin with one board and end with different ones.

    The first frame does not say which of the two clips it begins.
    """
    one, other = examples(2)
    ended = one.target.copy()
    ended[len(ended) // 2 + 1 :] = other.target[-1]
    return [one, Example(one.question, ended)]


def teach(folder: Path, shown: list[Example[Any]], steps: int, noise: float) -> None:
    """Teach the folder's VAE these clips, so that their latents say what is on them.

    noise: on the latents, in their deviations, so that near ones are decoded to the same board.
    """
    kind: Any = getattr(diffusers, json.loads((folder / "model_index.json").read_text())["vae"][1])
    vae = kind.from_pretrained(folder / "vae")
    pixels = torch.from_numpy(np.stack([e.target for e in shown])).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(vae.parameters(), lr=1e-2)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 1e-2 * min(1.0, 2 * (1 - step / steps))
        latents = vae.encode(pixels).latent_dist.mode()  # (B, C, t, h, w)
        spread = noise * latents.detach().std((0, 2, 3, 4), keepdim=True)
        moved = latents + spread * torch.randn(latents.shape, generator=generator)
        (vae.decode(moved).sample - pixels).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():  # a trained VAE hardly spreads its draws: deviations of exp(-5)
        last = vae.quant_conv if "Wan" in type(vae).__name__ else vae.encoder.conv_out.conv
        half = (
            len(last.bias) // 2 if "LTX" not in type(vae).__name__ else len(last.bias) - 1
        )  # one for all channels
        last.weight[half:].zero_()
        last.bias[half:].fill_(-10.0)
    vae.save_pretrained(folder / "vae")


def normalise(folder: Path, shown: Example[Any]) -> None:
    """Set the mean and spread of the folder's VAE to those of this clip's latents.

    A checkpoint has those of its training data.
    """
    kind: Any = getattr(diffusers, json.loads((folder / "model_index.json").read_text())["vae"][1])
    vae = kind.from_pretrained(folder / "vae")
    pixels = torch.from_numpy(shown.target).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    with torch.no_grad():
        latents = vae.encode(pixels).latent_dist.mode()
        mean, spread = latents.mean((0, 2, 3, 4)), latents.std((0, 2, 3, 4))
        if "latents_std" in vae.config:
            vae.register_to_config(latents_mean=mean.tolist(), latents_std=spread.tolist())
        else:
            vae.latents_mean.copy_(mean)
            vae.latents_std.copy_(spread)
    vae.save_pretrained(folder / "vae")


class With:
    """A pipeline whose call gets some more settings."""

    def __init__(self, pipe: Any, settings: dict[str, Any]) -> None:
        self._pipe, self._settings = pipe, settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, **arguments: Any) -> Any:
        return self._pipe(**arguments, **self._settings)


def official_text(pipe: Any) -> dict[str, torch.Tensor]:
    """Return the empty prompt's embedding as the pipeline computes it, by argument name."""
    cleaning = (
        "diffusers.pipelines.wan.pipeline_wan_i2v.prompt_clean"  # needs a package, and the prompt no cleaning
    )
    with torch.no_grad(), mock.patch(cleaning, str):
        length = {"max_sequence_length": 512} if "Wan" in type(pipe).__name__ else {}  # as its call says
        made = pipe.encode_prompt("", do_classifier_free_guidance=False, **length)
    names = ("prompt_embeds",) if len(made) == 2 else ("prompt_embeds", "prompt_attention_mask")
    return dict(zip(names, made, strict=False))


def unpacked(pipe: Any, seen: torch.Tensor, clip: torch.Tensor) -> torch.Tensor:
    """Return the noisy latents, shaped as `clip`, from the input of a transformer."""
    if seen.ndim == 3:
        return pipe._unpack_latents(seen, *clip.shape[2:])
    return seen[tuple(slice(size) for size in clip.shape)]


def packed(pipe: Any, clip: torch.Tensor) -> torch.Tensor:
    """Return latents as the pipeline's loop holds them."""
    return pipe._pack_latents(clip) if "LTX" in type(pipe).__name__ else clip


DEEP: dict[str, Any] = {
    "is_residual": True, "patch_size": 2, "scale_factor_spatial": 16, "in_channels": 12, "out_channels": 12,
    "decoder_base_dim": 8,
}  # fmt: skip
"""How TI2V-5B's VAE is built: 16x16 pixels a latent, so 32x32 a token."""


def wan(folder: Path, version: str, deep: dict[str, Any] | None = None) -> Path:
    """Write Wan 2.1 (CLIP and mask channels) or 2.2's TI2V (the image as first frame), for 32x32 pixels.

    Both have 2 layers. deep: settings of the VAE that differ from 2.1's.
    """
    new = version == "2.2"
    codecs = 4
    image_sizes: dict[str, int] = {} if new else {"image_dim": 16, "added_kv_proj_dim": 24}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformer = _D.WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=codecs if new else 2 * codecs + 4,
            out_channels=codecs,
            text_dim=16,
            freq_dim=16,
            ffn_dim=32,
            num_layers=2,
            rope_max_seq_len=32,
            **image_sizes,
        )
        vae = _D.AutoencoderKLWan(
            base_dim=4,
            z_dim=codecs,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[0.5, 0.6, 0.7, 0.8],
            **(deep or {}),
        )
        numbers: dict[str, Any] = {
            "vocab_size": 64,
            "d_model": 16,
            "d_kv": 8,
            "d_ff": 16,
            "num_layers": 1,
            "num_heads": 2,
        }
        encoder = UMT5EncoderModel(UMT5Config(**numbers, pad_token_id=0)).eval()
        seeing = CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=32,
                patch_size=16,
            )
        ).eval()
    scheduler = _D.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )
    pipe = _D.WanImageToVideoPipeline(
        tokenizer=tokenizer(512),
        text_encoder=encoder,
        vae=vae,
        scheduler=scheduler,
        image_processor=None if new else CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32),
        image_encoder=None if new else seeing,
        transformer=transformer,
        expand_timesteps=new,
    )
    pipe.save_pretrained(folder)
    return folder


def ltx(folder: Path) -> Path:
    """Write LTX-Video with 2 layers and a VAE of 8x8 pixels and 8 frames per latent.

    32x32 pixels are 16 tokens per frame.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformer = _D.LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=16,
            cross_attention_dim=32,
            num_layers=2,
            caption_channels=16,
        )
        vae = _D.AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True, False),
            patch_size=1,
            patch_size_t=1,
            encoder_causal=True,
            decoder_causal=False,
        )
        encoder = t5()
        vae.latents_mean.copy_(torch.linspace(-0.2, 0.2, 8))
        vae.latents_std.copy_(torch.linspace(0.5, 0.8, 8))
    scheduler = _D.FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=0.95,
        max_shift=2.05,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        shift_terminal=0.1,
    )
    pipe = _D.LTXImageToVideoPipeline(scheduler, vae, encoder, tokenizer(128), transformer)
    pipe.save_pretrained(folder)
    return folder
