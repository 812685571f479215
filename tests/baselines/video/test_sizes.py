"""What the configs imply at the true sizes: which layers get an adapter, and how many numbers are trained.

Models live on the meta device, so nothing is allocated. The sizes are those of the checkpoints' own
config.json.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch

from vizbench.baselines import cogvideox, ltx, wan
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.model import start

_D: Any = diffusers

RANK = 64


def _low_rank(inside: int, outside: int) -> int:
    """Return the numbers in the two matrices beside a layer of this many inputs and outputs."""
    return RANK * inside + outside * RANK


COG, WAN, WAN_5B, LTX, LTX_13B = 3072, 5120, 3072, 2048, 4096
"""Widths: 48 heads of 64, 40 of 128, 24 of 128, 32 of 64, 32 of 128."""

CASES: dict[str, tuple[Any, dict[str, Any], VideoConfig, int, int, float]] = {
    # 42 blocks of one attention, 4 square projections each
    "CogVideoX1.5-5B-I2V": (
        _D.CogVideoXTransformer3DModel,
        {
            "num_attention_heads": 48, "attention_head_dim": 64, "in_channels": 32, "out_channels": 16,
            "time_embed_dim": 512, "ofs_embed_dim": 512, "text_embed_dim": 4096, "num_layers": 42,
            "patch_size": 2, "patch_size_t": 2, "sample_width": 170, "sample_height": 96,
            "sample_frames": 81, "patch_bias": False, "use_rotary_positional_embeddings": True,
        },
        cogvideox.CONFIG, 42 * 4, 42 * 4 * _low_rank(COG, COG), 5.6e9,
    ),
    # 40 blocks of two attentions, 4 square projections each, and the second's 2 for the image
    "Wan2.1-I2V-14B": (
        _D.WanTransformer3DModel,
        {
            "num_attention_heads": 40, "attention_head_dim": 128, "in_channels": 36, "out_channels": 16,
            "ffn_dim": 13824, "num_layers": 40, "image_dim": 1280, "added_kv_proj_dim": WAN,
        },
        wan.CONFIG, 40 * 10, 40 * 10 * _low_rank(WAN, WAN), 16.4e9,
    ),
    # 30 blocks of two attentions; the image comes as a frame, so it has no projections
    "Wan2.2-TI2V-5B": (
        _D.WanTransformer3DModel,
        {
            "num_attention_heads": 24, "attention_head_dim": 128, "in_channels": 48, "out_channels": 48,
            "ffn_dim": 14336, "num_layers": 30,
        },
        wan.CONFIG, 30 * 8, 30 * 8 * _low_rank(WAN_5B, WAN_5B), 5.0e9,
    ),
    # 28 blocks of two attentions, and a feed-forward of four times the width
    "LTX-Video-2B": (
        _D.LTXVideoTransformer3DModel,
        {"num_attention_heads": 32, "attention_head_dim": 64, "cross_attention_dim": LTX, "num_layers": 28},
        ltx.CONFIG, 28 * 10, 28 * (8 * _low_rank(LTX, LTX) + 2 * _low_rank(LTX, 4 * LTX)), 1.9e9,
    ),
    "LTX-Video-13B": (
        _D.LTXVideoTransformer3DModel,
        {
            "num_attention_heads": 32, "attention_head_dim": 128,
            "cross_attention_dim": LTX_13B, "num_layers": 48,
        },
        ltx.CONFIG, 48 * 10,
        48 * (8 * _low_rank(LTX_13B, LTX_13B) + 2 * _low_rank(LTX_13B, 4 * LTX_13B)), 13.0e9,
    ),
}  # fmt: skip

COUNTED = {
    "CogVideoX1.5-5B-I2V": 66_060_288,
    "Wan2.1-I2V-14B": 262_144_000,
    "Wan2.2-TI2V-5B": 94_371_840,
    "LTX-Video-2B": 95_420_416,
    "LTX-Video-13B": 327_155_712,
}


@pytest.mark.parametrize("name", CASES)
def test_the_config_trains_what_it_implies(name: str) -> None:
    kind, sizes, config, layers, trained, whole = CASES[name]
    with torch.device("meta"):
        model = kind(**sizes)
        start(SimpleNamespace(transformer=model), config, 0)
    adapters = {n: p.numel() for n, p in model.named_parameters() if p.requires_grad}
    assert all(".lora_A." in n or ".lora_B." in n for n in adapters)
    assert len(adapters) == 2 * layers
    assert sum(adapters.values()) == trained == COUNTED[name]
    frozen = sum(p.numel() for p in model.parameters()) - trained
    assert frozen == pytest.approx(whole, rel=0.03)


def test_configs_are_the_papers() -> None:
    """The configs are `recipes.vdm` in `paper_results.json`. `batch` is its batch times its accumulation."""
    settings = {
        family: (r.rank, r.alpha, r.batch, r.lr, r.schedule, r.max_grad_norm, r.frames)
        for family, r in (
            ("cogvideox", cogvideox.CONFIG),
            ("wan", wan.CONFIG),
            ("ltx", ltx.CONFIG),
        )
    }
    assert settings == {
        "cogvideox": (64, 32, 2, 1e-4, "constant", 1.0, 9),
        "wan": (64, 32, 1, 1e-4, "constant", 0.05, 9),
        "ltx": (64, 64, 4, 2e-4, "linear", 1.0, 9),
    }
    assert cogvideox.CONFIG.targets == ("to_q", "to_k", "to_v", "to_out.0")
    assert ltx.CONFIG.targets == ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2")
