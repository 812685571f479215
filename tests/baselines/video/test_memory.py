"""Test the estimated memory of video models against models of the true sizes and against what torch keeps."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch
import transformers
from peft.helpers import disable_input_dtype_casting

from tests.baselines.video.test_sizes import CASES, RANK
from tests.support.commands import Run, refused
from tests.support.memory_peak import MemoryPeak
from vizbench.baselines import cogvideox, ltx, wan
from vizbench.baselines.shared.passes import least_config
from vizbench.baselines.video.memory import VideoSizes, memory_breakdown, sizes_of
from vizbench.baselines.video.model import start
from vizbench.baselines.video.train import computing, plain_attention
from vizbench.model import MemoryRequest

_D: Any = diffusers
_T: Any = transformers
_NAMES = ("CogVideoX1.5-5B-I2V", "LTX-Video-2B", "LTX-Video-13B", "Wan2.1-I2V-14B", "Wan2.2-TI2V-5B")
_SHIPPED = (*cogvideox.SIZES.values(), *ltx.SIZES.values(), *wan.SIZES.values())
SIZES: dict[str, VideoSizes] = dict(zip(_NAMES, _SHIPPED, strict=True))


COG_VAE: dict[str, Any] = {
    "down_block_types": ("CogVideoXDownBlock3D",) * 4, "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "block_out_channels": (128, 256, 256, 512), "latent_channels": 16, "layers_per_block": 3,
}  # fmt: skip
"""What the checkpoint's vae/config.json says of its size, and no default of the class."""

WAN_5B_VAE: dict[str, Any] = {
    "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
    "temperal_downsample": [False, True, True], "in_channels": 12, "out_channels": 12, "patch_size": 2,
    "is_residual": True, "scale_factor_spatial": 16, "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
}  # fmt: skip
"""The same for TI2V-5B, which sees 2x2 pixels as one of 12 channels."""

LTX_13B_VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 1024, 2048), "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "decoder_block_out_channels": (256, 512, 1024), "layers_per_block": (4, 6, 6, 2, 2),
    "decoder_layers_per_block": (5, 5, 5, 5), "spatio_temporal_scaling": (True,) * 4,
    "decoder_spatio_temporal_scaling": (True,) * 3, "decoder_inject_noise": (False,) * 4,
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "upsample_residual": (True,) * 3, "upsample_factor": (2,) * 3, "timestep_conditioning": True,
}  # fmt: skip
"""The same for LTX from 0.9.5 on."""


def _count(model: Any) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", SIZES)
def test_the_shipped_numbers_are_those_of_models_without_memory(name: str) -> None:
    kind, settings, _, _, trained, _ = CASES[name]
    sizes = SIZES[name]
    with torch.device("meta"):
        model = kind(**settings)
    assert sizes.parameters == _count(model)
    assert sizes.linear == sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))
    assert sizes.trained * RANK == trained
    assert sizes.hidden == settings["num_attention_heads"] * settings["attention_head_dim"]
    assert (sizes.layers, sizes.feed) == (settings["num_layers"], settings.get("ffn_dim", 0))


BACKBONES = (cogvideox.BACKBONE, ltx.BACKBONE, ltx.BACKBONE, wan.BACKBONE, wan.BACKBONE)


@pytest.mark.parametrize(("name", "backbone"), list(zip(_NAMES, BACKBONES, strict=True)))
def test_a_folders_own_words_say_the_same(name: str, backbone: Any) -> None:
    """Return a transformer's config.json and the shapes of its tensors, without the table."""
    kind, settings, config, *_ = CASES[name]
    with torch.device("meta"):
        model = kind(**settings)
    transformer = json.loads(model.to_json_string())
    transformer.pop("pos_embed_seq_len", None)  # newer than the checkpoints
    layout = backbone.layout(transformer, {"expand_timesteps": True} if "TI2V" in name else {})
    shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    parts: Any = {"transformer": shapes, "vae": {"x": (SIZES[name].vae,)}, "text_encoder": {"x": (2, 3)}}
    sizes = sizes_of(transformer, parts, layout, config, "vae" in backbone.float32)
    assert sizes == replace(SIZES[name], encoder=6)


def test_the_encoders_are_counted_too() -> None:
    t5: dict[str, Any] = {
        "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
        "feed_forward_proj": "gated-gelu",
    }  # fmt: skip
    with torch.device("meta"):
        xxl = _count(_T.T5EncoderModel(_T.T5Config(vocab_size=32128, **t5)))
        umt5 = _count(_T.UMT5EncoderModel(_T.UMT5Config(vocab_size=256384, **t5)))
        clip = _T.CLIPVisionConfig(
            hidden_size=1280,
            intermediate_size=5120,
            num_hidden_layers=32,
            num_attention_heads=16,
            patch_size=14,
        )
        seeing = _count(_T.CLIPVisionModel(clip))
        vae = {
            "CogVideoX1.5-5B-I2V": _count(_D.AutoencoderKLCogVideoX(**COG_VAE)),
            "LTX-Video-2B": _count(_D.AutoencoderKLLTXVideo()),
            "LTX-Video-13B": _count(_D.AutoencoderKLLTXVideo(**LTX_13B_VAE)),
            "Wan2.1-I2V-14B": _count(_D.AutoencoderKLWan()) + seeing,
            "Wan2.2-TI2V-5B": _count(_D.AutoencoderKLWan(**WAN_5B_VAE)),
        }
    assert {name: sizes.vae for name, sizes in SIZES.items()} == vae
    assert SIZES["CogVideoX1.5-5B-I2V"].vae_bytes == 2
    assert SIZES["Wan2.2-TI2V-5B"].vae_bytes == 4  # in float32
    for name, sizes in SIZES.items():
        assert sizes.encoder == (umt5 if "Wan" in name else xxl), name


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("checkpointing", ["false", "true"])
@pytest.mark.parametrize(("width", "rows", "text", "rank"), [(128, 16, 32, 8), (192, 12, 48, 4)])
@pytest.mark.parametrize("name", ["cogvideox", "ltx"])
def test_activations_are_those_that_autograd_keeps(
    name: str, width: int, rows: int, text: int, rank: int, checkpointing: Any, dtype: Any, plain: bool
) -> None:
    config, base, network = {
        "cogvideox": (cogvideox.CONFIG, SIZES["CogVideoX1.5-5B-I2V"], _cogvideox),
        "ltx": (ltx.CONFIG, SIZES["LTX-Video-2B"], _ltx),
    }[name]
    config = replace(config, rank=rank, checkpointing=checkpointing, dtype=dtype, rows=1)
    side = rows * base.layout.side
    measured: list[float] = []
    estimated: list[float] = []
    for layers in (1, 3):  # the difference: what comes before and after the blocks is alike in both
        measured.append(_kept(*network(width, layers, rows, text), config, plain))
        sizes = replace(
            base, layers=layers, hidden=width, heads=width // 32, layout=replace(base.layout, text=text)
        )
        request = MemoryRequest(height=side, width=side, frames=9)
        estimated.append(memory_breakdown(sizes, config, request, plain).activations)
    assert measured[1] - measured[0] == pytest.approx(estimated[1] - estimated[0], rel=0.015)


def _cogvideox(width: int, layers: int, rows: int, text: int) -> tuple[Any, dict[str, Any]]:
    model = _D.CogVideoXTransformer3DModel(
        num_attention_heads=width // 32, attention_head_dim=32, in_channels=4, out_channels=4,
        time_embed_dim=8, text_embed_dim=16, num_layers=layers, patch_size=2, patch_size_t=2,
        max_text_seq_length=text, use_rotary_positional_embeddings=True,
    )  # fmt: skip
    places = torch.zeros(2 * rows * rows, 32)
    return model, {
        "hidden_states": torch.zeros(1, 4, 4, 2 * rows, 2 * rows, dtype=torch.bfloat16),
        "encoder_hidden_states": torch.zeros(1, text, 16, dtype=torch.bfloat16),
        "timestep": torch.tensor([5]),
        "image_rotary_emb": (places, places),
    }


def _ltx(width: int, layers: int, rows: int, text: int) -> tuple[Any, dict[str, Any]]:
    model = _D.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=width // 32, attention_head_dim=32,
        cross_attention_dim=width, num_layers=layers, caption_channels=16,
    )  # fmt: skip
    tokens = 2 * rows * rows
    return model, {
        "hidden_states": torch.zeros(1, tokens, 8, dtype=torch.bfloat16),
        "encoder_hidden_states": torch.zeros(1, text, 16, dtype=torch.bfloat16),
        "timestep": torch.full((1, tokens), 5),
        "encoder_attention_mask": torch.ones(1, text),
        "num_frames": 2, "height": rows, "width": rows,
    }  # fmt: skip


def _kept(model: Any, inputs: dict[str, Any], config: Any, plain: bool) -> int:
    """Return the bytes of storages that a forward pass saves, without the parameters."""
    diffusers.utils.logging.set_verbosity_error()
    model = model.to(getattr(torch, config.dtype))
    start(SimpleNamespace(transformer=model), config, 0)
    model.train()
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    saved: dict[int, Any] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage  # held, so that its address is not given again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        _forward(model, inputs, config, plain)
    # The copies of the adapter in bfloat16 are counted with it.
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    copies = 2 * trained if config.dtype == "bfloat16" and config.checkpointing == "false" else 0
    return sum(storage.nbytes() for storage in saved.values()) - copies


def _forward(model: Any, inputs: dict[str, Any], config: Any, plain: bool) -> torch.Tensor:
    """Return the model's output, computed as in a training. plain: whether the attention is not fused."""
    for name in ("hidden_states", "encoder_hidden_states"):
        inputs[name] = inputs[name].to(getattr(torch, config.dtype))
    with (
        computing(config, torch.device("cpu")),
        disable_input_dtype_casting(model, config.dtype == "bfloat16"),
        plain_attention(torch.device("cpu")) if plain else nullcontext(),
    ):
        return model(**inputs, return_dict=False)[0]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("name", ["cogvideox", "ltx"])
def test_the_peak_of_a_step_is_the_estimate(name: str, dtype: Any, plain: bool) -> None:
    """Within plain attention a block holds more scores for a moment than it keeps."""
    config, base, network = {
        "cogvideox": (cogvideox.CONFIG, SIZES["CogVideoX1.5-5B-I2V"], _cogvideox),
        "ltx": (ltx.CONFIG, SIZES["LTX-Video-2B"], _ltx),
    }[name]
    config = replace(config, rank=8, checkpointing="false", dtype=dtype, rows=1)
    model, inputs = network(128, 8, 12, 16)
    model = model.to(getattr(torch, dtype))
    parameters, trained = _count(model), 0
    start(SimpleNamespace(transformer=model), config, 0)
    model.train()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad) // 8
    with MemoryPeak(*model.parameters()) as measured:
        _forward(model, inputs, config, plain).float().square().mean().backward()
    sizes = replace(
        base, parameters=parameters, linear=0, trained=trained, layers=8, hidden=128, heads=4, vae=0,
        layout=replace(base.layout, text=16),
    )  # fmt: skip
    side = 12 * base.layout.side
    breakdown = memory_breakdown(sizes, config, MemoryRequest(height=side, width=side, frames=9), plain)
    adapter = 10 * trained * 8  # no optimizer: two moments less
    most = 1.12 if plain else 1.05
    assert 0.9 < measured.peak / (breakdown.weights + adapter + breakdown.activations) < most


def test_tokens_of_a_clip() -> None:
    """Clips have 9 frames of 272 x 272 pixels.

    These are 3 latent frames of 34 x 34 for CogVideoX and Wan, with tokens of 2 x 2, and 2 of 9 x 9 for LTX.
    """
    tokens = {name: sizes.layout.tokens(MemoryRequest()) for name, sizes in SIZES.items()}
    assert tokens == {
        "CogVideoX1.5-5B-I2V": 2 * 17 * 17,  # two frames a token, the first one padded
        "LTX-Video-2B": 2 * 9 * 9,
        "LTX-Video-13B": 2 * 9 * 9,
        "Wan2.1-I2V-14B": 3 * 17 * 17,
        "Wan2.2-TI2V-5B": 3 * 9 * 9,
    }
    sizes: VideoSizes = SIZES["Wan2.1-I2V-14B"]
    config = least_config(wan.CONFIG)
    small = memory_breakdown(sizes, replace(config, backbone="nf4"), MemoryRequest())
    assert small.weights < 0.3 * memory_breakdown(sizes, config, MemoryRequest()).weights
    assert (
        memory_breakdown(sizes, replace(config, checkpointing="false"), MemoryRequest()).activations
        > 10 * small.activations
    )


def test_the_command_asks_for_a_canvas(run: Run) -> None:
    rows = json.loads(run("models", "--memory", "--canvas", "336x336", "--frames", 9, "--json").out)
    large = next(row for row in rows if row["checkpoint"] == ltx.HUB[1] and "weights" in row["parts"])
    assert large["settings"] == "backbone=full&checkpointing=true&rows=1"
    assert large["parts"]["weights"] == 2 * 13_042_569_344
    training = [row for row in rows if "vae" in row["parts"]]
    assert {"cogvideox", "wan", "ltx"} == {row["model"] for row in training}
    assert all(set(row["parts"]) == {"weights", "adapter", "activations", "vae"} for row in training)
    assert "--canvas '336' is not HEIGHTxWIDTH" in refused(run("models", "--memory", "--canvas", "336"))
    assert "--frames 1 is outside" in refused(run("models", "--memory", "--frames", 1))
