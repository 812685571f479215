"""Define the family `wan`: Wan image-to-video 2.1 (14B) and 2.2 (TI2V-5B).

Wan Team, Wan: Open and Advanced Large-Scale Video Generative Models (2025). The checkpoint is a folder in
diffusers' layout or a hub id.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from vizbench.baselines.video.config import QKVO, VideoConfig
from vizbench.baselines.video.memory import CROSS, TIMED, ClipTokens, VideoSizes, memory
from vizbench.baselines.video.wan import BACKBONE, LENGTH, PICTURE
from vizbench.model import Model, ModelFamily

HUB: Final = "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"

TARGETS: Final = (*QKVO, "add_k_proj", "add_v_proj")
"""Those of the paper's CogVideoX, as it names none for Wan, and 2.1's two projections of the image. Without
these diffusers warns, as it takes the adapter for one of the text-to-video model.
"""

CONFIG: Final = VideoConfig(
    rank=64, alpha=32, targets=TARGETS, batch=1, lr=1e-4, schedule="constant", max_grad_norm=0.05
)
"""The paper's, for Wan2.1-14B."""

SIZES: Final = {
    HUB: VideoSizes(
        parameters=16_394_878_784,
        layers=40,
        hidden=5120,
        feed=13_824,
        heads=40,
        linear=16_388_587_520,
        trained=40 * 10 * 2 * 5120,
        vae=126_892_531 + 630_766_080,
        vae_bytes=4,
        encoder=5_680_910_336,
        layout=ClipTokens(LENGTH + PICTURE, 16, 4, 1, CROSS),
    ),
    "Wan-AI/Wan2.2-TI2V-5B-Diffusers": VideoSizes(
        parameters=4_999_787_712,
        layers=30,
        hidden=3072,
        feed=14_336,
        heads=24,
        linear=4_996_792_320,
        trained=30 * 8 * 2 * 3072,
        vae=704_688_668,
        vae_bytes=4,
        encoder=5_680_910_336,
        layout=ClipTokens(LENGTH, 32, 4, 1, TIMED),
    ),
}


def _build(checkpoint: str) -> Model[Any]:
    from vizbench.baselines.video.build import build

    return build("wan", BACKBONE, CONFIG, checkpoint)


FAMILIES = (
    ModelFamily(
        "wan",
        "frames",
        "Wan image-to-video with LoRA: 2.1 (14B) or 2.2 TI2V-5B, a folder or a name at the hub",
        (HUB,),
        _build,
        partial(memory, SIZES, CONFIG),
    ),
)
